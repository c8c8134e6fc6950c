"""Constraints on the form of an answer that a program can check, after the 25 kinds of IFEval (2311.07911, table 1).

Each kind checks answers, asks for itself in English, and draws arguments that suit an instruction. `attach` makes a task with
checkable constraints out of any instruction. What an answer says is no business of these checks.
"""

from collections.abc import Mapping
from random import Random
from typing import Any

from synthgen.checks import arguments
from synthgen.checks.constraints import case, combination, content, ends, form, keywords, language, length, punctuation
from synthgen.checks.constraints.kind import Kind
from synthgen.checks.found import Found, Function
from synthgen.records import Check

SOURCE = "program:constraints"
GROUPS: dict[str, tuple[Kind[Any], ...]] = {
    "keywords": keywords.KINDS,
    "language": language.KINDS,
    "length": length.KINDS,
    "content": content.KINDS,
    "form": form.KINDS,
    "combination": combination.KINDS,
    "case": case.KINDS,
    "ends": ends.KINDS,
    "punctuation": punctuation.KINDS,
}
KINDS: dict[str, Kind[Any]] = {kind.name: kind for group in GROUPS.values() for kind in group}
"""Every kind by its name."""
PREFIX = "constraint:"


def check_of(kind: Kind[Any]) -> Function:
    """A kind as a check."""

    def check(answer: str, args: Mapping[str, Any], given: str) -> Found:
        return kind.check(answer, arguments.read(PREFIX + kind.name, kind.args, args))

    return check


CHECKS: dict[str, Function] = {PREFIX + name: check_of(kind) for name, kind in KINDS.items()}


def compatible(one: str, other: str) -> bool:
    """Whether an answer can keep constraints of two kinds, whatever their arguments."""
    return one != other and one not in KINDS[other].against and other not in KINDS[one].against


def draw_set(rng: Random, instruction: str, count: int) -> tuple[Check, ...]:
    """So many constraints that one answer can keep and that suit the instruction, or as many as there are."""
    chosen: dict[str, Check] = {}
    for name in rng.sample(list(KINDS), len(KINDS)):
        if len(chosen) >= count:
            break
        if all(compatible(name, other) for other in chosen):
            args = KINDS[name].drawn(rng, instruction)
            if args is not None:
                told = args.model_dump(mode="json", exclude_none=True)
                chosen[name] = Check(name=PREFIX + name, kind="format", args=told, source=SOURCE)
    return tuple(chosen.values())


def describe(check: Check, rng: Random | None = None) -> str:
    """A constraint as a sentence of an instruction, in one of its phrasings; the first where no chance is given."""
    kind = KINDS[check.name.removeprefix(PREFIX)]
    said = kind.phrasings(arguments.read(check.name, kind.args, check.args))
    return rng.choice(said) if rng else said[0]


def attach(instruction: str, rng: Random, count: int) -> tuple[str, tuple[Check, ...]]:
    """An instruction that also asks for so many constraints, and their checks. Where none suits, it stays as it is."""
    checks = draw_set(rng, instruction, count)
    asked = [describe(check, rng) for check in checks]
    if not asked:
        return instruction, ()
    listed = len(asked) > 1 and rng.random() < 0.5
    rules = "\n".join(f"- {one}" for one in asked) if listed else " ".join(asked)
    return f"{instruction.rstrip()}\n\n{rules}", checks
