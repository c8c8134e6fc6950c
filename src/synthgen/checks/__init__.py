"""Checks: each finds one thing out about an answer, of a stated kind, and says what it found.

A check is a function of (answer, arguments, the task's input): pure, never raising for what a model wrote, bounded in time
and memory. Its arguments are checked when it is read, and a wrong one is a ConfigError.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from synthgen.records import Check, Outcome

MOST_DETAIL = 200
"""Characters of what is told."""


class Found(NamedTuple):
    """What a check found."""

    passed: bool | None
    detail: str = ""


Function = Callable[[str, Mapping[str, Any], str], Found]
"""(answer, arguments, the task's input) to what was found."""
# Checks know `Found`, so they are imported after it.
from synthgen.checks import code  # noqa: E402

CHECKS: dict[str, Function] = {
    **code.CHECKS,
}
"""Every check by name."""


def run(check: Check, answer: str, given: str = "") -> Outcome:
    """Check one answer; `given` is the task's input. Not on an event loop: code and mathematics may take seconds."""
    found = CHECKS[check.name](answer, check.args, given)
    return Outcome(name=check.name, kind=check.kind, passed=found.passed, detail=found.detail[:MOST_DETAIL])
