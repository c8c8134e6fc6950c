"""The statistics of the tournament: intervals, paired tests, and what other categories tell about a strategy.

Shares lie between 0 and 1. Nothing here draws at random.
"""

from collections.abc import Mapping, Sequence
from math import comb, sqrt
from statistics import NormalDist
from typing import NamedTuple, TypeVar

NameT = TypeVar("NameT")
LEVEL = 0.95
"""Of every interval."""
SIGNIFICANT = 0.05
"""Chance, after Holm's correction, that any of the pairs that are called different is not."""
Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
WEAKEST, STRONGEST = 2.0, 20.0
"""How many items' worth of evidence the other categories may be, at least and at most: were it more, a category that is unlike
the rest would be told by them (docs/decisions/0010-tournament.md)."""
FEWEST_CATEGORIES = 3
"""Fewer than these tell nothing of how categories differ."""


class Interval(NamedTuple):
    """Both ends."""

    low: float
    high: float


class Prior(NamedTuple):
    """A beta distribution of a strategy's success over the categories."""

    mean: float
    strength: float
    """How many items it counts for."""


def mcnemar(better: int, worse: int) -> float:
    """The chance of so uneven a split of the items on which two arms differ, were they equal (McNemar 1947, exact, two-sided).

    With several answers to an item it is the sign test on the items.

    >>> mcnemar(1, 9)
    0.021484375
    """
    differing = better + worse
    tail = sum(comb(differing, number) for number in range(min(better, worse) + 1))
    return min(1.0, 2 * tail / (1 << differing))


def holm(chances: Mapping[NameT, float]) -> dict[NameT, float]:
    """The chances corrected for how many there are (Holm 1979, Scand J Stat 6:65), under the same names."""
    corrected: dict[NameT, float] = {}
    highest = 0.0
    for place, (name, chance) in enumerate(sorted(chances.items(), key=lambda one: one[1])):
        highest = max(highest, min(1.0, chance * (len(chances) - place)))
        corrected[name] = highest
    return {name: corrected[name] for name in chances}


def prior(counts: Sequence[tuple[float, float]]) -> Prior:
    """What (passed, items) of every category tell about the next one, by moments (Kleinman 1973, JASA 68:46).

    The spread of the shares beyond what chance alone gives is the spread of the categories: the more alike they are, the
    stronger the prior, within `WEAKEST` and `STRONGEST`.
    """
    told = [(passed, items) for passed, items in counts if items]
    whole = sum(items for _, items in told)
    mean = (sum(passed for passed, _ in told) + 1) / (whole + 2)
    if len(told) < FEWEST_CATEGORIES:
        return Prior(mean, WEAKEST)
    free = len(told) - 1
    spread = sum(items * (passed / items - mean) ** 2 for passed, items in told) / (mean * (1 - mean))
    room = whole - sum(items * items for _, items in told) / whole - free
    if room <= 0:  # one item each
        return Prior(mean, WEAKEST)
    alike = (spread - free) / room
    strength = 1 / alike - 1 if alike > 0 else STRONGEST
    return Prior(mean, min(STRONGEST, max(WEAKEST, strength)))


def shrunk(passed: float, items: float, before: Prior) -> float:
    """The posterior mean of a strategy in a category."""
    return (passed + before.mean * before.strength) / (items + before.strength)


def difference(pairs: Sequence[float]) -> tuple[float, Interval]:
    """The mean of paired differences, each from -1 to 1, and its interval.

    By formula: half an item is added to each cell of the paired table, then the normal interval is taken (Agresti and Min 2005,
    Stat Med 24:729), so that equal arms are not taken for surely equal.
    """
    number = len(pairs) + 2
    middle = sum(pairs) / number
    square = (sum(one * one for one in pairs) + 1) / number
    half = Z * sqrt(max(0.0, square - middle * middle) / number)
    mean = sum(pairs) / len(pairs) if pairs else 0.0
    return mean, Interval(max(-1.0, middle - half), min(1.0, middle + half))
