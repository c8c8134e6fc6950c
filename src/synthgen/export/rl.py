"""Tasks to learn from by trying: those whose answers a program can check, and whose measured pass rate is neither 0 nor 1.

Only a truth that no model stated, or a constraint on the form, counts here; what checks of different kinds find is not mixed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthgen.export.rows import Row, Voice, dumped, labels_of, prompt
from synthgen.records import Answer, Check, Task

CONSTRAINT = "constraint:"
"""What the names of format constraints begin with. Other checks of form say nothing of the task's own."""
AND = " + "
"""Between the names of several checks."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The checks of a task that count, and what they found of its answers."""

    checks: tuple[Check, ...]
    """All must pass. They are of one kind."""
    strategy: str
    """Of the answers."""
    passed: Mapping[str, bool]
    """Answer id to whether all passed, of the answers for which that was decided."""

    @property
    def rate(self) -> float:
        """Share of the decided answers that passed."""
        return sum(self.passed.values()) / len(self.passed)

    def between(self, minimum: int) -> bool:
        """Whether the pass rate is taken over enough answers, and neither 0 nor 1."""
        return len(self.passed) >= minimum and 0 < self.rate < 1


def measure(task: Task, answers: Iterable[Answer]) -> Measured | None:
    """What the task's checks found of the answers under the strategy that was taken; None where it has no check that counts."""
    places = counting(task.checks)
    if not places:
        return None
    own = [answer for answer in answers if not answer.explored]
    found = {answer.id: decided(answer, places) for answer in own}
    known = {identity: passed for identity, passed in found.items() if passed is not None}
    return Measured(tuple(task.checks[place] for place in places), own[0].strategy if own else task.strategy, known)


def counting(checks: Sequence[Check]) -> list[int]:
    """Places of the checks that count: those against a truth, and without such a one the constraints on the form."""
    truths = [place for place, check in enumerate(checks) if check.kind == "answer"]
    return truths or [
        place for place, check in enumerate(checks) if check.kind == "format" and check.name.startswith(CONSTRAINT)
    ]


def decided(answer: Answer, places: Sequence[int]) -> bool | None:
    """Whether an answer passes all of these checks: one that fails settles it, one that was not decided leaves it open."""
    found = [answer.outcomes[place].passed if place < len(answer.outcomes) else None for place in places]
    return False if False in found else None if None in found else True


def row(task: Task, measured: Measured, voice: Voice, about: Mapping[str, Any]) -> Row:
    """A prompt with its truth and checks: the columns that a reward function takes, and the same once more as verl wants them."""
    checks, kind, truth = measured.checks, measured.checks[0].kind, ground_truth(measured.checks)
    whole = dumped([check.model_dump() for check in checks])
    return {
        "prompt": prompt(task, measured.strategy, voice),
        "ground_truth": truth,
        "check": AND.join(check.name for check in checks),
        "check_kind": kind,
        "check_source": AND.join(dict.fromkeys(check.source for check in checks)),
        "check_input": task.input,
        "checks_json": whole,
        "chance": min(check.chance for check in checks),
        "pass_rate": measured.rate,
        "samples": len(measured.passed),
        "data_source": f"synthgen/{kind}",
        "reward_model": {"style": "rule", "ground_truth": truth},
        "extra_info": {"index": task.id, "checks_json": whole, "check_input": task.input},
        **labels_of(task, measured.strategy, task.id, {**about, "passed": dict(measured.passed)}),
    }


def ground_truth(checks: Iterable[Check]) -> str:
    """What is true: the one answer, as it stands where it is text; JSON of anything else; "" where only form is checked."""
    truths = [check.args.get("answer", check.args) for check in checks if check.kind == "answer"]
    if not truths:
        return ""
    one = truths[0] if len(truths) == 1 else truths
    return one if isinstance(one, str) else dumped(one)
