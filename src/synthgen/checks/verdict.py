"""What the outcomes of an answer come to. Kinds are looked at apart: only `answer` says that an answer is right."""

from collections.abc import Iterable

from synthgen.records import Answer, Check, Outcome


def right(outcomes: Iterable[Outcome]) -> bool | None:
    """Whether an answer is right: every decided check of kind `answer` passed; None where none was decided."""
    decided = [one.passed for one in outcomes if one.kind == "answer" and one.passed is not None]
    return all(decided) if decided else None


def fit(outcomes: Iterable[Outcome]) -> bool:
    """Whether an answer may be trained on, as far as checks say: none of kind `answer` or `format` failed."""
    return not any(one.passed is False for one in outcomes if one.kind != "agreement")


def known(checks: Iterable[Check]) -> bool:
    """Whether a task has an answer that is known."""
    return any(one.kind == "answer" for one in checks)


def chance(checks: Iterable[Check]) -> float:
    """How often a guess passes every check of kind `answer`; the checks of a task are of one answer, so the least counts."""
    return min((one.chance for one in checks if one.kind == "answer"), default=0.0)


def fit_answers(answers: Iterable[Answer]) -> list[Answer]:
    """The answers that no check of their content or form speaks against."""
    return [one for one in answers if fit(one.outcomes)]
