"""How well an inspection finds the categories that humans gave their tasks: accuracy with its interval, and what is taken for what.

The policy and the mix go by the inspection's label, so a tuned policy is worth no more than that label.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from synthgen.config import RunConfig
from synthgen.errors import InputError
from synthgen.intervals import wilson
from synthgen.prompts import Prompts
from synthgen.records import Seed, Teacher
from synthgen.stages import reading, vet
from synthgen.steps import Job, metered, resolve
from synthgen.teacher.connect import Connections
from synthgen.teacher.engine import Engine
from synthgen.teacher.ledger import Ledger
from synthgen.teacher.terms import Terms
from synthgen.text.sorting import doubt

MOST_CONFUSIONS = 10
"""Of the most frequent ones, told."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """A seed and the category that its inspection names."""

    seed: Seed
    said: str
    """"" where the reply could not be read."""

    @property
    def right(self) -> bool:
        """Whether it is the seed's own."""
        return self.said == self.seed.category

    def doubt(self, category: str) -> str:
        """What the rules say of a category for this seed."""
        seed = self.seed
        return doubt(
            category, seed.instruction, given(seed), is_classification=seed.is_classification, labels=seed.labels
        )


def given(seed: Seed) -> str:
    """The input of a seed's first instance."""
    return seed.instances[0].input if seed.instances else ""


async def inspect(teacher: Teacher, seed: Seed, config: RunConfig, prompts: Prompts) -> Inspected:
    """One seed, inspected as the line inspects a task: with one repair."""
    request = vet.ask(seed.id, seed.instruction, given(seed), config, prompts)
    form, _ = await reading.ask(teacher, request, lambda text: vet.read(text, config.taxonomy), prompts)
    return Inspected(seed, "" if isinstance(form, reading.Unreadable) else form.category)


def figures(found: Sequence[Inspected]) -> dict[str, Any]:
    """Accuracy, overall and by the seeds' own category, the confusions, and how the rules judge right and wrong labels."""
    wrong = [one for one in found if one.said and not one.right]
    mistaken = Counter((one.seed.category, one.said) for one in wrong)
    own = sorted({one.seed.category for one in found})
    return {
        "seeds": len(found),
        "unreadable": sum(not one.said for one in found),
        "accuracy": share(one.right for one in found),
        "by_category": {name: share(one.right for one in found if one.seed.category == name) for name in own},
        "confusions": [
            {"own": own, "said": said, "count": count}
            for (own, said), count in sorted(mistaken.items(), key=lambda item: (-item[1], item[0]))[:MOST_CONFUSIONS]
        ],
        "rules": {
            "own_labels_doubted": share(bool(one.doubt(one.seed.category)) for one in found),
            "wrong_labels_doubted": share(bool(one.doubt(one.said)) for one in wrong),
        },
    }


def share(flags: Iterable[bool]) -> dict[str, Any]:
    """How many of how many, and their share with Wilson's interval of 95%."""
    values = list(flags)
    low, high = wilson(sum(values), len(values))
    whole = {"count": sum(values), "of": len(values)}
    if not values:
        return {**whole, "share": None, "low": None, "high": None}
    return {**whole, "share": round(sum(values) / len(values), 4), "low": round(low, 4), "high": round(high, 4)}


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The figures in plain words."""
    unread = f", {found['unreadable']} replies unreadable" if found["unreadable"] else ""
    yield f"{found['seeds']} seeds: the inspection names their own category in {shown(found['accuracy'])}{unread}"
    for name, one in found["by_category"].items():
        yield f"{name}: {shown(one)}"
    if found["confusions"]:
        told = (f"{one['own']} as {one['said']} {one['count']}" for one in found["confusions"])
        yield f"most often taken for another: {', '.join(told)}"
    rules = found["rules"]
    yield f"the rules doubt {shown(rules['own_labels_doubted'])} of the seeds' own labels"
    yield f"and {shown(rules['wrong_labels_doubted'])} of the inspection's wrong ones"


def shown(one: dict[str, Any]) -> str:
    """A share with its interval."""
    if one["share"] is None:
        return "none"
    return f"{one['count']} of {one['of']} ({one['share']:.0%}, {one['low']:.0%} to {one['high']:.0%})"


@asynccontextmanager
async def engine_of(config: RunConfig, ledger: Ledger, rehearsal: tuple[str, ...]) -> AsyncIterator[Engine]:
    """An engine outside of a run: its replies are kept in the ledger, what it learns of an endpoint as well."""
    terms = Terms.of(config)
    async with Connections(config, os.environ, ledger, terms, {}, lambda _learned: None, rehearsal) as connections:
        engine = Engine(connections.ports, ledger, metered(config, ledger), config.prices)
        try:
            yield engine
        finally:
            await engine.aclose()


async def measured(job: Job, ledger: Path | None) -> dict[str, Any]:
    """Inspect the seeds of a job; what was paid for once is in `ledger`, if there is one."""
    config, prompts, seeds = resolve(job)
    if not seeds:
        raise InputError("there is no seed to inspect; name some with --seeds")
    with TemporaryDirectory(prefix="synthgen-") as folder, Ledger(ledger or Path(folder) / "ledger.sqlite") as book:
        async with engine_of(config, book, job.rehearsal) as engine:
            found = await asyncio.gather(*(inspect(engine, seed, config, prompts) for seed in seeds))
    return figures(found)
