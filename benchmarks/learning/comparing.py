"""Two arms, several seeds, the same rows: a difference with two intervals, one over the seeds and one over the rows."""

import math
from collections.abc import Sequence
from statistics import mean, stdev
from typing import Any

import numpy as np

T95 = {2: 12.706204736, 3: 4.302652730, 4: 3.182446305, 5: 2.776445105}
"""Student's quantile of a two-sided interval of 95%, by the number of seeds."""
INTERVALS = ("interval_over_seeds", "interval_over_lineages_and_seeds")
"""What the two intervals of a difference are called. One of a single seed is null."""
DRAWS = 10_000
Weighed = Sequence[tuple[float, float]]
"""For each row a sum and what it is over, such as a log-likelihood and tokens; what counts is the quotient of the totals."""


def quotient(rows: Weighed) -> float:
    """The mean that rows stand for."""
    return sum(total for total, _ in rows) / sum(weight for _, weight in rows)


def over_seeds(differences: Sequence[float]) -> list[float] | None:
    """Student's interval of the mean over seeds; None of one seed."""
    if len(differences) < 2:
        return None
    half = T95[len(differences)] * stdev(differences) / math.sqrt(len(differences))
    return [round(mean(differences) - half, 4), round(mean(differences) + half, 4)]


def over_rows(ours: Sequence[Weighed], others: Sequence[Weighed], clusters: Sequence[str]) -> list[float]:
    """Percentile interval of a paired bootstrap that draws whole lineages, and the seeds as well, with replacement."""
    names = sorted(set(clusters))
    place = np.array([names.index(cluster) for cluster in clusters])
    chance = np.random.default_rng(1)
    lineages = chance.multinomial(len(names), np.full(len(names), 1 / len(names)), DRAWS)
    seeds = chance.multinomial(len(ours), np.full(len(ours), 1 / len(ours)), DRAWS) / len(ours)
    drawn = np.zeros(DRAWS)
    for number, (left, right) in enumerate(zip(ours, others, strict=True)):
        drawn += seeds[:, number] * (redrawn(left, place, lineages) - redrawn(right, place, lineages))
    return [round(float(end), 4) for end in np.quantile(drawn, (0.025, 0.975))]


def redrawn(rows: Weighed, place: np.ndarray, lineages: np.ndarray) -> np.ndarray:
    """The quotient of rows in every draw of lineages."""
    totals, weights = (np.bincount(place, [row[part] for row in rows], lineages.shape[1]) for part in (0, 1))
    return np.asarray((lineages @ totals) / (lineages @ weights))


def compared(ours: Sequence[Weighed], others: Sequence[Weighed], clusters: Sequence[str]) -> dict[str, Any]:
    """Both arms and their difference, the mean of the seeds."""
    left, right = [quotient(rows) for rows in ours], [quotient(rows) for rows in others]
    differences = [one - other for one, other in zip(left, right, strict=True)]
    return {
        "ours": round(mean(left), 4),
        "shuffled": round(mean(right), 4),
        "difference": round(mean(differences), 4),
        **dict(zip(INTERVALS, (over_seeds(differences), over_rows(ours, others, clusters)), strict=True)),
        "by_seed": {"ours": [round(one, 4) for one in left], "shuffled": [round(one, 4) for one in right]},
    }
