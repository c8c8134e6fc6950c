"""The whole story of an id, for `synthgen why`: where it came from, what was asked and said, what became of it."""

from collections.abc import Iterator
from typing import Any

from synthgen import jsonl
from synthgen.errors import InputError
from synthgen.runs import STAGES, RunDir
from synthgen.teacher.ledger import Ledger

LONGEST_TEXT = 4000
"""Characters of a prompt or reply that are shown."""


def why(run: RunDir, identity: str) -> str:
    """The story of an instruction, task, answer, pair, rejected item or dataset row."""
    lines = list(told(run, identity))
    if not lines:
        raise InputError(
            f"{run.path} knows no id {identity}; ids stand in its .jsonl files, such as c000003-2 or c000003-2-0-1"
        )
    return "\n".join(lines)


def told(run: RunDir, identity: str) -> Iterator[str]:
    """The story line by line, from the proposing call to the dataset."""
    wanted = identity.removesuffix("-p")
    family = lineage(wanted)
    calls: list[tuple[str, str]] = []
    for stage, rejected in STAGES.items():
        for name, path in [(stage, run.accepted(stage)), *((one, run.rejected(one)) for one in rejected)]:
            for row in jsonl.rows(path):
                if belongs(row, wanted, family):
                    yield from described(name, jsonl.bare(row), rejected=name in rejected)
                    calls += [(name, key) for key in keys_of(row)]
    yield from replayed(run, calls)


def lineage(identity: str) -> frozenset[str]:
    """An id with the ids it descends from: c000012-3-0-2, c000012-3-0, c000012-3."""
    parts = identity.split("-")
    return frozenset("-".join(parts[:count]) for count in range(2, len(parts) + 1))


def belongs(row: dict[str, Any], wanted: str, family: frozenset[str]) -> bool:
    """Whether a row is an ancestor of an id, the id itself, or what was made of it."""
    found = row["id"].removesuffix("-p")
    return found in family or found.startswith(f"{wanted}-")


def keys_of(row: dict[str, Any]) -> list[str]:
    """The ledger keys a row names."""
    return [key for key in (row.get("call"), *row.get("calls", {}).values()) if key]


def described(name: str, row: dict[str, Any], *, rejected: bool) -> Iterator[str]:
    """One record in words."""
    head = f"{'rejected by' if rejected else 'in'} {name}"
    yield f"{row['id']}  {head}" + (f": {row['reason']}" if rejected else "")
    for field, value in row.items():
        if field in {"id", "reason"} or value in (None, "", {}, []):
            continue
        yield f"    {field}: {shown(value)}"


def shown(value: object) -> str:
    """A value on one line or, for long text, on indented lines."""
    text = str(value)
    text = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} [...]"
    return text.replace("\n", "\n        ")


def replayed(run: RunDir, calls: list[tuple[str, str]]) -> Iterator[str]:
    """The prompts and replies behind the records, from the ledger, each call once."""
    stored = run.stored()
    named = stored.get("limits", {}).get("ledger") or str(run.path / "ledger.sqlite")
    if not calls:
        return
    with Ledger(
        run.path / "ledger.sqlite" if named == str(run.path / "ledger.sqlite") else type(run.path)(named)
    ) as ledger:
        for key in dict.fromkeys(key for _, key in calls):
            asked, reply = ledger.request(key), ledger.get(key)
            if asked is None or reply is None:
                yield f"call {key[:16]}: not in this ledger"
                continue
            role, body = asked
            yield f"call {key[:16]} as {role}, asked of {body.get('model')}:"
            for message in body.get("messages") or [{"role": "prompt", "content": body.get("prompt", "")}]:
                yield f"    {message['role']}> {shown(message['content'])}"
            yield f"    reply ({reply.finish})> {shown(reply.text)}"
