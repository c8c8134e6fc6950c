"""Every check by name. It loads all of them (70 ms), so who starts a run imports it only where something is checked."""

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
"""Those that speak of form, unless their user says otherwise."""
FORM_ALONE = frozenset({"language", *constraints.CHECKS})
"""Those that can state no truth, whatever their arguments: nobody can make them of kind `answer`."""


def run(check: Check, answer: str, given: str = "") -> Outcome:
    """Check one answer; `given` is the task's input. Not on an event loop: code and mathematics may take seconds."""
    found = CHECKS[check.name](answer, check.args, given)
    detail = found.detail[:MOST_DETAIL].encode("utf-8", "replace").decode()  # JSON can say what UTF-8 cannot: "\\ud800"
    return Outcome(name=check.name, kind=check.kind, passed=found.passed, detail=detail)
