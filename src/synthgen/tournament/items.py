"""Tasks whose answer is known from elsewhere than a model: seeds with a verifier, and rows of a user's file.

Only checks of kind `answer` make an item. What decides and what is held out is told by a hash of the item's text, so that an item stays
where it is whatever is added.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from synthgen import sandbox
from synthgen.checks import reading, registry
from synthgen.config import RunConfig
from synthgen.errors import ConfigError, InputError
from synthgen.records import Check, Seed, Task
from synthgen.rowfiles import MISSING, Broken
from synthgen.stages import given
from synthgen.stages.given import Given
from synthgen.stages.plan import plan
from synthgen.text.tasktext import user_text

LOG = logging.getLogger("synthgen")
EXAMPLE = '{"prompt": "What is 6 times 7?", "category": "mathematics", "answer": 42}'


@dataclass(frozen=True, slots=True)
class Item:
    """One task, and what tells whether an answer to it is right."""

    name: str
    """For people: a seed's id, or file and line."""
    task: Task
    """Planned by the shipped table."""
    check: Check

    @property
    def key(self) -> str:
        """Tells the item's text from every other."""
        return self.task.id


def of_seeds(seeds: Sequence[Seed], config: RunConfig) -> Iterator[Item]:
    """The seeds that a program can check the answer of, each with its first input."""
    for seed in seeds:
        if seed.verifier is None or seed.verifier.kind in registry.FORMS:
            continue
        first = seed.instances[0].input if seed.instances else ""
        row = {"name": seed.verifier.kind, "args": seed.verifier.args}
        check = check_of(row, f"seed:{seed.id}", f"the seed {seed.id}")
        task = task_of(seed.instruction, first, seed.category, check, config, is_classification=seed.is_classification)
        yield Item(seed.id, task, check)


def of_file(path: Path, config: RunConfig) -> Iterator[Item]:
    """The rows of a user's file. Raises InputError with the line of the first that cannot be used."""
    for row, place in given.rows(Given(path)):
        if isinstance(row, Broken):
            raise InputError(f"{place} {row.why}; every row is one item such as {EXAMPLE}")
        instruction, text = given.asked(row, "")
        unfit = given.unfit(instruction) or given.unfit(text)
        if unfit is not None or not instruction.strip():
            why = unfit.reason if unfit is not None else "empty"
            raise InputError(f"{place} cannot be asked ({why}); every row is one item such as {EXAMPLE}")
        stated = row.get("check")
        check = check_of(stated if stated is not None else of_answer(row, place), f"file:{path.name}", place)
        category = row.get("category")
        labelled = check.name == "label"
        yield Item(
            place,
            task_of(
                instruction,
                text,
                category if isinstance(category, str) else "",
                check,
                config,
                is_classification=labelled,
            ),
            check,
        )


def of_answer(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The check that a row's `answer`, and perhaps its `labels`, stand for."""
    answer, labels = row.get("answer", MISSING), row.get("labels")
    if answer is MISSING or answer is None:
        raise InputError(f"{place} has neither check nor answer; every row is one item such as {EXAMPLE}")
    if answer == [] or (isinstance(answer, str) and not answer.strip()):
        raise InputError(f"{place} has an empty answer, which says nothing; every row is one item such as {EXAMPLE}")
    if labels:
        return of_label(answer, labels, place)
    if isinstance(answer, str):
        number = number_of(answer)
        return {"name": "exact", "args": {"answers": [answer]}} if number is None else of_number(number)
    if isinstance(answer, int | float) and not isinstance(answer, bool):
        return of_number(answer)
    if isinstance(answer, list) and answer and all(isinstance(one, str) for one in answer):
        return {"name": "exact", "args": {"answers": answer}}
    return {"name": "json", "args": {"answer": answer}}


def of_label(answer: Any, labels: Any, place: str) -> dict[str, Any]:
    """The check of a label. Raises InputError where the true one is not among them: no answer that keeps to them could pass."""
    known = [str(one) for one in labels] if isinstance(labels, list) else []
    if str(answer).strip().casefold() not in {one.strip().casefold() for one in known}:
        raise InputError(f"{place}: the answer {str(answer)[:50]!r} is none of its labels: {', '.join(known)[:100]}")
    return {"name": "label", "args": {"answer": answer, "labels": labels}}


def of_number(number: float | str) -> dict[str, Any]:
    """The check of a number."""
    return {"name": "number", "args": {"answer": number}}


def number_of(text: str) -> float | str | None:
    """The number that a text is, as JSON writes it, or the text itself where it says more digits than a float holds.

    None for any other text.
    """
    try:
        found = orjson.loads(text.strip())
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, int | float) or isinstance(found, bool):
        return None
    return found if Decimal(repr(found)) == Decimal(text.strip()) else text.strip()


def check_of(row: Any, source: str, place: str) -> Check:
    """A check as it is stated in a file or by a seed, tried once, so that a wrong argument is found before anything is asked."""
    check = reading.of_value(row, source)
    if isinstance(check, str):
        raise InputError(f"{place}: {check}")
    if check.kind != "answer":
        raise InputError(
            f"{place}: the check {check.name} is of kind {check.kind}; only answers that are known count here"
        )
    return check


def task_of(
    instruction: str, text: str, category: str, check: Check, config: RunConfig, *, is_classification: bool
) -> Task:
    """The task of an item, with the strategy that the shipped table has for it."""
    known = config.taxonomy.name(category)
    key = hashlib.sha256(user_text(instruction, text).encode()).hexdigest()[:16]
    return Task(
        id=key,
        call="",
        calls={},
        parent="",
        side="train",
        root_id=key,
        instruction=instruction,
        input=text,
        is_classification=is_classification,
        category=known,
        difficulty=0,
        language="und",
        strategy=plan(key, known, config, is_classification=is_classification)[0],
        checks=(check,),
    )


def distinct(items: Iterable[Item]) -> list[Item]:
    """The items without those whose text came before, however it is spaced.

    A question that is asked twice is one piece of evidence, and must not decide and measure at once. Raises InputError where it is
    said to have two answers.
    """
    found: dict[tuple[str, ...], Item] = {}
    for item in items:
        first = found.setdefault(tuple(user_text(item.task.instruction, item.task.input).split()), item)
        if (first.check.name, first.check.args) != (item.check.name, item.check.args):
            raise InputError(
                f"{first.name} and {item.name} ask the same and state different answers; keep the right one"
            )
    return list(found.values())


def decidable(items: Sequence[Item], *, unsandboxed: bool) -> list[Item]:
    """The items that can be decided on this machine: programs are run in a sandbox, or not at all."""
    code = [item for item in items if item.check.name == "code"]
    try:
        if code:
            sandbox.find(unsandboxed=unsandboxed)
    except ConfigError as error:
        LOG.warning("%d items of code are left out: %s", len(code), error)
        return [item for item in items if item.check.name != "code"]
    return list(items)


def divided(items: Sequence[Item], share: float) -> tuple[list[Item], list[Item]]:
    """(those that decide, those that are held out); each in the order of a hash, so that the first ones are a fair sample."""
    held = {item.key for item in items if drawn("held-out", item) < share * 2**64}
    order = sorted(items, key=lambda item: (drawn("order", item), item.key))
    return [item for item in order if item.key not in held], [item for item in order if item.key in held]


def drawn(purpose: str, item: Item) -> int:
    """A number below 2**64 that is a function of the item's text."""
    return int.from_bytes(hashlib.sha256(f"synthgen/tune/{purpose}/{item.key}".encode()).digest()[:8], "big")


def by_category(items: Iterable[Item], config: RunConfig) -> dict[str, list[str]]:
    """The keys of the items by category, in the taxonomy's order."""
    found: dict[str, list[str]] = {name: [] for name in config.taxonomy.names}
    for item in items:
        found[item.task.category].append(item.key)
    return {name: keys for name, keys in found.items() if keys}


def digest(items: Iterable[Item]) -> str:
    """SHA-256 of all items: text, category and check, in whatever order."""
    rows = sorted(
        (item.key, item.task.category, orjson.dumps(item.check.model_dump(), option=orjson.OPT_SORT_KEYS))
        for item in items
    )
    return hashlib.sha256(
        b"\n".join(b" ".join((key.encode(), name.encode(), check)) for key, name, check in rows)
    ).hexdigest()


def sources(items: Iterable[Item]) -> dict[str, int]:
    """Where the known answers come from: `seeds`, and files by name, to how many items."""
    found: dict[str, int] = {}
    for item in items:
        kind, _, name = item.check.source.partition(":")
        place = "seeds" if kind == "seed" else name
        found[place] = found.get(place, 0) + 1
    return dict(sorted(found.items()))
