"""Items with known answers, made by the families' programs: tasks to measure a teacher on, and the truth about the rehearsal there.

`python -m synthgen.rehearsal.items --per-category 300 --seed 1` writes them as JSON lines. Only families whose outcome a general
check can find in free text; in a category they take turns.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from random import Random
from typing import Any

import orjson

from synthgen.rehearsal import truth
from synthgen.rehearsal.families import FAMILIES
from synthgen.rehearsal.families.base import Family, Solution

NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)(?: [a-z' ]+)?")
"""A number with its unit, as families state it."""
OPTION = "Option "
LETTERS = ("A", "B")
"""Of the options that a task names."""
UNFIT = {
    "function": "many programs are right",
    "to-json": "many texts are the same JSON",
    "chance": "one probability is written in many ways",
    "cause": "one explanation is said in many ways",
}
"""Families with one outcome that a right answer need not state word for word, and why."""
GUESSED = {"middle": 3, "bench": 3}
"""Families whose outcome is one of so many that the task names."""
TRIES = 50
"""Texts made for each item wanted, before a category is taken to have no more."""


def fit(family: Family) -> bool:
    """Whether a general check can tell its right answers."""
    return family.language == "en" and family.kind != "writing" and family.name not in UNFIT


CHECKED = {
    category: tuple(family for family in FAMILIES if family.category == category and fit(family))
    for category in sorted({family.category for family in FAMILIES if fit(family)})
}
"""The families of each category that items are made of."""


def check_of(family: Family, solution: Solution) -> dict[str, Any]:
    """The check of an outcome, with the chance that a guess passes."""
    right, labels = solution.right.removeprefix(OPTION), family.labels
    if labels or solution.right.startswith(OPTION):
        labels = labels or LETTERS
        return {"name": "label", "args": {"answer": right, "labels": list(labels)}, "chance": 1 / len(labels)}
    number = NUMBER.fullmatch(right)
    if number is not None:
        value = float(number[1])
        return {"name": "number", "args": {"answer": int(value) if value.is_integer() else value}, "chance": 0.0}
    guess = 1 / GUESSED[family.name] if family.name in GUESSED else 0.0
    return {"name": "exact", "args": {"answers": [right]}, "chance": guess}


def item(family: Family, rng: Random) -> dict[str, Any]:
    """One task of a family, with its check."""
    instruction = family.write(rng)
    found = family.recognise(instruction)
    if found is None:
        raise RuntimeError(f"the family {family.name} does not find its own: {instruction}")
    given = family.given(found, rng, rng.choice(family.labels) if family.labels else "")
    check = check_of(family, family.solve(found, given))
    return {"instruction": instruction, "input": given, "category": family.category, "check": check}


def of_category(category: str, seed: int) -> Iterator[dict[str, Any]]:
    """Distinct items of a category, its families in turn, until hardly a new one is made. The first are the same however many are taken."""
    rng, seen = Random(f"synthgen/items/{seed}/{category}"), set[tuple[str, str]]()  # noqa: S311  # texts
    for family in cycle(CHECKED[category]):
        for _ in range(TRIES):
            made = item(family, rng)
            key = (made["instruction"], made["input"])
            if key not in seen:
                break
        else:
            return
        seen.add(key)
        yield made


def items(per_category: int, seed: int, categories: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """So many items of each category; of every category that has any, where none is named."""
    for category in categories or CHECKED:
        yield from islice(of_category(category, seed), per_category)


def true_success(model: str, category: str, strategy: str, *, think: bool = False) -> float:
    """The planted success of a strategy over a category's items: the mean over its families, which take turns."""
    families = CHECKED[category]
    return sum(truth.of_family(model, family, strategy, think=think) for family in families) / len(families)


def main() -> None:
    """Read the switches and write the items."""
    switches = argparse.ArgumentParser(prog="python -m synthgen.rehearsal.items", allow_abbrev=False)
    switches.add_argument("--per-category", type=int, default=300, metavar="N")
    switches.add_argument("--seed", type=int, default=1)
    switches.add_argument("--category", action="append", default=[], choices=tuple(CHECKED), help="several times; all")
    given = switches.parse_args()
    for made in items(given.per_category, given.seed, given.category):
        sys.stdout.buffer.write(orjson.dumps(made) + b"\n")


if __name__ == "__main__":
    main()
