"""The planted truth: how often the rehearsal is right, by model, category and strategy. For benchmarks and tests, never on the wire."""

import math
from functools import lru_cache

from synthgen.rehearsal import rates
from synthgen.rehearsal.families.base import Family

POINTS = 400
"""Of the sum that stands for the integral; with so many it is exact to six places."""
REACH = 6.0
"""Standard deviations that the sum covers to either side."""


def skill(model: str, category: str, strategy: str, *, think: bool = False) -> float:
    """What a model brings to a category by a strategy, on the scale of the difficulties; strategy "" is no system prompt."""
    helps = rates.HELPS_OF.get(model, {}).get(category) or rates.HELPS.get(category, {})
    thought = rates.THINKING.get(category, 0.0) if think else 0.0
    return rates.SKILL.get(model, 0.0) + helps.get(strategy, 0.0) + thought


@lru_cache(maxsize=4096)
def success(model: str, category: str, strategy: str, difficulty: float, *, think: bool = False) -> float:
    """The share of answers that reach the outcome, over items and samples: a logistic of a normal, less what is cut or empty."""
    mean = skill(model, category, strategy, think=think) - difficulty
    spread = math.hypot(rates.ITEM_SPREAD, rates.SAMPLE_SPREAD)
    total = weights = 0.0
    for point in range(POINTS):
        place = REACH * (2 * (point + 0.5) / POINTS - 1)
        weight = math.exp(-place * place / 2)
        weights += weight
        total += weight / (1 + math.exp(-(mean + spread * place)))
    return total / weights * (1 - rates.ANSWER_EMPTY) * (1 - rates.ANSWER_CUT)


def of_family(model: str, family: Family, strategy: str, *, think: bool = False) -> float:
    """The success on one family's tasks."""
    return success(model, family.category, strategy, family.difficulty, think=think)
