"""Checks: each finds one thing out about an answer, of a stated kind, and says what it found.

A check is a function of (answer, arguments, the task's input): pure, never raising for what a model wrote, bounded in time
and memory.
"""

from collections.abc import Mapping

from synthgen.checks import code, constraints, data, labels, maths
from synthgen.checks.found import Function
from synthgen.records import Check, Outcome

MOST_DETAIL = 200
"""Characters of what is told."""
CHECKS: Mapping[str, Function] = {
    **labels.CHECKS,
    **maths.CHECKS,
    **code.CHECKS,
    **data.CHECKS,
    **constraints.CHECKS,
}
"""Every check by name."""
FORMS = frozenset({"regex", "schema", "grounded", "language", *constraints.CHECKS})
"""Those that speak of form alone."""


def run(check: Check, answer: str, given: str = "") -> Outcome:
    """Check one answer; `given` is the task's input. Not on an event loop: code and mathematics may take seconds."""
    found = CHECKS[check.name](answer, check.args, given)
    detail = found.detail[:MOST_DETAIL].encode("utf-8", "replace").decode()  # JSON can say what UTF-8 cannot: "\\ud800"
    return Outcome(name=check.name, kind=check.kind, passed=found.passed, detail=detail)
