"""Intervals of a share, for reports and decisions."""

import math

Z95 = 1.959963984540054
"""The normal quantile of a two-sided interval of 95%."""


def wilson(passed: float, total: float, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval of a share; (0, 1) of nothing (Wilson 1927, JASA 22:209).

    Where an item's answers share its luck, count items, not answers.

    >>> [round(end, 4) for end in wilson(81, 263)]
    [0.2553, 0.3662]
    """
    if total <= 0:
        return 0.0, 1.0
    share, spread = passed / total, z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    return (0.0 if passed == 0 else max(0.0, middle - half)), (1.0 if passed == total else min(1.0, middle + half))


def beyond_chance(share: float, chance: float) -> float:
    """A pass rate above what guessing brings: 0 for guessing, 1 for always right; below 0 for worse than guessing."""
    return (share - chance) / (1 - chance)
