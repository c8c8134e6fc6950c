"""Marks that must not be used."""

from synthgen.checks.arguments import Nothing
from synthgen.checks.constraints.kind import CLOSED, SHAPED, Kind, pattern
from synthgen.checks.found import Found

COMMAS = frozenset(",，、،﹐﹑､︐︑՝⸲")
"""Of every script."""


class NoCommas(Nothing):
    """There is no comma in the answer, of whatever script, not even in a number."""


def no_commas(answer: str, args: NoCommas) -> Found:
    count = sum(answer.count(comma) for comma in COMMAS)
    return Found(not count, f"{count} commas")


def say(args: NoCommas) -> tuple[str, ...]:
    return ("Do not use any commas.", "Your answer must not contain a comma.", "Write it without a single comma.")


KINDS = (
    Kind(
        "no_commas", NoCommas, no_commas, say, lambda rng, instruction: NoCommas(),
        unsuited=pattern(*CLOSED, *SHAPED, "commas?", "comma-separated", "punctuat\\w*"),
        example=NoCommas(), keeps="No pause here and none there.",
    ),
)  # fmt: skip
