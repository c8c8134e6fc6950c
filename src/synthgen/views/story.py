"""The whole story of an id, for `synthgen why`: where it came from, what was asked and said, what became of it."""

import contextlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from synthgen import jsonl
from synthgen.errors import InputError
from synthgen.runs import STAGES, RunDir
from synthgen.strategies import AUTO
from synthgen.teacher.ledger import Ledger
from synthgen.views.checked import SAID
from synthgen.views.report import EXPORT

LONGEST_TEXT = 4000
"""Characters of a prompt or reply that are shown."""
EXPLORED = ", explored: for reports only"
Row = Mapping[str, Any]


def why(run: RunDir, identity: str) -> str:
    """The story of a seed, instruction, task, answer, pair, rejected item or dataset row; a prompt has its own id, too."""
    lines = list(Story(run, identity).told()) or list(Story(run, own_id(run, identity)).told())
    if not lines:
        raise InputError(
            f"{run.path} knows no id {identity}; ids stand in its .jsonl files, such as c000003-2, c000003-2-0-1 or p000003-0"
        )
    return "\n".join(lines)


def own_id(run: RunDir, identity: str) -> str:
    """The id of the prompt that was given under another one; that other one where there is none."""
    return next((row["id"] for row in jsonl.rows(run.accepted("tasks")) if row["parent"] == identity), identity)


class Story:
    """What the files of a run say about one id: its ancestors, itself, and what was made of it."""

    def __init__(self, run: RunDir, identity: str) -> None:
        self.run = run
        self.identity = identity.removesuffix("-p")
        parts = self.identity.split("-")
        self.family = frozenset("-".join(parts[:count]) for count in range(1, len(parts) + 1))
        self.calls: dict[str, None] = {}
        """Ledger keys of the calls behind the records, in order."""

    def told(self) -> Iterator[str]:
        """The story line by line, from the proposing call to the dataset."""
        if self.identity in self.run.read_sides():
            yield from self.of_seed()
            return
        verdicts = {row["id"]: row for row in jsonl.rows(self.run.accepted("judged")) if self.holds(row)}
        for stage, rejected in STAGES.items():
            for row in self.records(self.run.accepted(stage)):
                if stage != "judged":
                    yield from getattr(self, f"of_{stage}")(row, verdicts)
            for name in rejected:
                for row in self.records(self.run.rejected(name)):
                    yield from self.of_rejected(name, row)
        for row in self.records(self.run.rejected(EXPORT)):
            yield from self.of_rejected(f"the export to {row['config']}", row)
        yield from self.in_dataset()
        yield from self.replayed()

    def records(self, path: Path) -> Iterator[Row]:
        """The rows of a file that belong to the story."""
        for row in jsonl.rows(path):
            if self.holds(row):
                self.calls.update(
                    dict.fromkeys(key for key in (*row.get("calls", {}).values(), row.get("call")) if key)
                )
                yield jsonl.bare(row)

    def holds(self, row: Row) -> bool:
        """Whether a row is an ancestor of the id, the id itself, or what was made of it."""
        found = row["id"].removesuffix("-p")
        return found in self.family or found.startswith(f"{self.identity}-")

    @cached_property
    def given(self) -> str:
        """How prompts that were given are answered; "" where tasks were grown."""
        return str(self.run.stored().get("generative", {}).get("strategy", ""))

    @cached_property
    def texts(self) -> dict[str, str]:
        """Instruction texts by id: the run's, and the seeds' as far as their file is still there."""
        found = {row["id"]: row["instruction"] for row in jsonl.rows(self.run.accepted("instructions"))}
        named = self.run.stored().get("source", {}).get("seeds")
        source = Path(named or self.run.path / "no seeds")
        for path in sorted(source.glob("*.jsonl")) if source.is_dir() else [source]:
            with contextlib.suppress(OSError, ValueError):
                for number, line in enumerate(path.read_bytes().splitlines()):
                    row = orjson.loads(line)
                    found[row.get("id") or f"seed_task_{number}"] = row["instruction"]
        return found

    def of_seed(self) -> Iterator[str]:
        """A seed: its side, and what descends from it."""
        shown = roots = 0
        for row in jsonl.rows(self.run.accepted("instructions")):
            shown += self.identity in row["parents"]
            roots += row["root_id"] == self.identity
        yield f"{self.identity}  a seed, on the {self.run.read_sides()[self.identity]} side"
        yield from quoted(self.texts.get(self.identity, "(its file is not there any more)"))
        yield f"    shown to the calls of {shown} accepted instructions; nearest ancestor of {roots}"
        yield from self.in_dataset()

    def of_instructions(self, row: Row, _verdicts: Row) -> Iterator[str]:
        """An accepted instruction."""
        yield f"{row['id']}  an instruction, accepted on the {row['side']} side"
        yield from quoted(row["instruction"])
        yield f"    parents: {', '.join(row['parents'])}; of their seeds the nearest is {row['root_id']}"
        aimed = ", ".join(f"{name} {value}" for name, value in row["target"].items() if value)
        yield f"    aimed at: {aimed or 'nothing'}"
        yield from self.neighbour(row["nearest"])

    def of_tasks(self, row: Row, _verdicts: Row) -> Iterator[str]:
        """A planned task."""
        inspected = f", difficulty {row['difficulty']}, language {row['language']}" if row["difficulty"] else ""
        yield f"{row['id']}  a task: {row['category']}{inspected}"
        if self.given:
            own = f", its own id {escaped(row['parent'])}" if row["parent"] else ""
            yield f"    a prompt that was given{own}"
            yield from quoted(row["instruction"])
        if row["input"]:
            yield "    input:"
            yield from quoted(row["input"])
        if row["labels"]:
            yield f"    labels: {', '.join(row['labels'])}; intended: {row['intended_label'] or 'none'}"
        also = f", and explored under {row['alternative']}" if row["alternative"] else ""
        by_policy = f", the policy for {row['category']}" if self.given in {"", AUTO} else ""
        yield f"    strategy: {row['strategy']}{by_policy}{also}"

    def of_answers(self, row: Row, verdicts: Row) -> Iterator[str]:
        """A candidate with its verdict."""
        yield f"{row['id']}  a candidate by {row['teacher']} under {row['strategy']}, sample {row['sample']}{EXPLORED * row['explored']}"
        yield from quoted(row["text"])
        for one in row.get("outcomes", ()):
            detail = f" ({escaped(one['detail'])})" if one["detail"] else ""
            yield f"    check {one['name']} of {one['kind']}: {SAID[one['passed']]}{detail}"
        verdict = verdicts.get(row["id"])
        if verdict is not None:
            marks = ", ".join(f"{name} {mark['score']} ({mark['reason']})" for name, mark in verdict["aspects"].items())
            yield f"    verdict: mean {verdict['mean']:.2f}, shown in place {verdict['position'] + 1}: {marks}"

    def of_pairs(self, row: Row, _verdicts: Row) -> Iterator[str]:
        """A preference pair."""
        yield (
            f"{row['id']}  a pair: {row['chosen']} ({row['score_chosen']:.2f}) is preferred to {row['rejected']} "
            f"({row['score_rejected']:.2f})"
        )

    def of_rejected(self, stage: str, row: Row) -> Iterator[str]:
        """What did not pass, and why."""
        yield f"{row['id']}  rejected by {stage}: {row['reason']}"
        if row["evidence"]:
            yield from quoted(row["evidence"])
        if row.get("nearest"):
            yield from self.neighbour(row["nearest"])

    def neighbour(self, nearest: tuple[str, float]) -> Iterator[str]:
        """The most similar text of the pool."""
        identity, score = nearest
        threshold = self.run.stored().get("generative", {}).get("novelty_threshold")
        yield f"    nearest: {identity}, ROUGE-L {score:.3f} (above {threshold} is rejected)"
        if identity in self.texts:
            yield from quoted(self.texts[identity])

    def in_dataset(self) -> Iterator[str]:
        """The rows that the dataset folder holds of the story."""
        for path in sorted(self.run.dataset.glob("*/*.parquet")):
            import pyarrow.parquet as pq  # takes a while, and only a finished run needs it

            split = path.name.partition("-")[0]
            if "id" not in pq.read_schema(path).names:
                continue  # a further shape of rows that are looked at anyway
            for found in pq.read_table(path, columns=["id"])["id"].to_pylist():
                if found.removesuffix("-p") == self.identity or found.startswith(f"{self.identity}-"):
                    yield f"{found}  a row of {path.parent.name}/{split}"

    def replayed(self) -> Iterator[str]:
        """The prompts and replies behind the records, from the ledger, each call once."""
        path = Path(self.run.stored().get("limits", {}).get("ledger") or self.run.path / "ledger.sqlite")
        if not self.calls or not path.exists():
            return
        with Ledger(path, reading=True) as ledger:
            for key in self.calls:
                yield from told_call(ledger, key)


def told_call(ledger: Ledger, key: str) -> Iterator[str]:
    """One call: what was asked, and what came back."""
    asked, reply = ledger.request(key), ledger.get(key)
    if asked is None or reply is None:
        yield f"call {key[:16]}: not in this ledger"
        return
    role, body = asked
    yield f"call {key[:16]} as {role}, asked of {body.get('model')}"
    for message in body.get("messages") or [{"role": "prompt", "content": body.get("prompt", "")}]:
        yield f"    {message['role']}:"
        yield from quoted(message["content"])
    yield f"    reply ({reply.finish}):"
    yield from quoted(reply.text)


def quoted(text: str) -> Iterator[str]:
    """A text, indented, at most LONGEST_TEXT characters of it. Control characters are shown as escapes."""
    cut = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} [...]"
    for line in cut.split("\n"):
        yield f"        {escaped(line)}"


def escaped(line: str) -> str:
    """A line with what cannot be printed as escapes."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in line)
