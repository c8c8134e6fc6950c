"""From what every arm came to on a category's items to the category's choice, or to why there is none.

An item is asked of every arm, so arms are compared item by item. The rule, and what it was measured on, stands in
docs/decisions/0010-tournament.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import inf
from random import Random
from typing import Any, NamedTuple

import numpy as np

from synthgen.records import Think
from synthgen.tournament import stats
from synthgen.tournament.stats import Prior

FEWEST_ITEMS = 20
"""Below which nothing is chosen."""
MOST_REGRET = 0.02
"""How much success the likeliest best may be expected to lose against the arm that is truly best."""
CHEAPER_REGRET = 0.03
"""How much a cheaper arm may, which is practically equal to the best."""
NEAR = 0.02
"""Arms whose shrunk success is this near to the best are practically equal, and the cheapest of them is taken."""
WIDE = 0.10
"""What the cheapest must not lose: the chance that the best arm is better by this much is at most `WIDE_CHANCE`."""
WIDE_CHANCE = 0.005
DRAWS = 1000
"""From the posterior."""
Matrix = np.ndarray[Any, np.dtype[np.float64]]


class Arm(NamedTuple):
    """One way of answering."""

    strategy: str
    think: Think = ""

    def __str__(self) -> str:
        return f"{self.strategy} ({self.think})" if self.think else self.strategy


class Tried(NamedTuple):
    """What the answers of one arm to one item came to."""

    passed: int
    samples: int = 1
    tokens: int = 0
    """Of all its replies."""
    undecided: int = 0
    """Answers of which no check could say anything; beside others that were decided they did not pass."""


Outcomes = Mapping[str, Mapping[Arm, Tried]]
"""Of one category: item to arm. An arm that was dropped lacks the later items."""


class Score(NamedTuple):
    """What one arm came to in a category."""

    passed: int
    """Answers."""
    total: int
    items: int
    success: float
    """Sum over the items of the share of answers that passed."""
    tokens: int

    @property
    def rate(self) -> float:
        """The share of answers that passed."""
        return self.success / self.items if self.items else 0.0

    @property
    def tokens_per_success(self) -> float:
        """What a correct answer costs; infinite where there was none."""
        return self.tokens / self.passed if self.passed else inf


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen in a category, and on what evidence."""

    items: int
    """That were asked of the arms which were not dropped."""
    arm: Arm | None
    """None where the evidence is too thin."""
    reason: str
    regret: float
    """How much success the choice, or the best arm where nothing is chosen, is expected to lose against the arm that is truly
    best."""
    scores: Mapping[Arm, Score]
    shrunk: Mapping[Arm, float]
    worse: frozenset[Arm]
    """Arms that are significantly worse than the best one."""


def decided(outcomes: Outcomes) -> Outcomes:
    """The items of which at least one answer was decided: what cannot be checked tells nothing of any arm."""
    return {
        item: by_arm for item, by_arm in outcomes.items() if any(one.undecided < one.samples for one in by_arm.values())
    }


def score(outcomes: Outcomes, arm: Arm) -> Score:
    """The sums of one arm."""
    found = [by_arm[arm] for by_arm in outcomes.values() if arm in by_arm]
    return Score(
        sum(one.passed for one in found),
        sum(one.samples for one in found),
        len(found),
        sum(one.passed / one.samples for one in found),
        sum(one.tokens for one in found),
    )


def priors(categories: Mapping[str, Outcomes], arms: Sequence[Arm]) -> dict[Arm, Prior]:
    """What all categories together tell about every arm."""
    scores = {arm: [score(outcomes, arm) for outcomes in categories.values()] for arm in arms}
    return {arm: stats.prior([(one.success, one.items) for one in found]) for arm, found in scores.items()}


def choose(outcomes: Outcomes, arms: Sequence[Arm], before: Mapping[Arm, Prior]) -> Choice:
    """The choice of one category."""
    scores = {arm: score(outcomes, arm) for arm in arms}
    items = max((one.items for one in scores.values()), default=0)
    shrunk = {arm: stats.shrunk(scores[arm].success, scores[arm].items, before[arm]) for arm in arms}
    still = [arm for arm in arms if scores[arm].items == items]
    best = min(still, key=lambda arm: (-shrunk[arm], scores[arm].tokens_per_success))
    worse = significantly_worse(outcomes, arms, best)
    drawn = dict(zip(arms, posterior(outcomes, arms, before).T, strict=True))
    highest = np.maximum.reduce(list(drawn.values()))
    regrets = {arm: float(np.mean(highest - drawn[arm])) for arm in still}

    def equal(arm: Arm) -> bool:
        """Whether an arm may stand for the best one."""
        return (
            arm not in worse
            and shrunk[best] - shrunk[arm] <= NEAR
            and regrets[arm] <= CHEAPER_REGRET
            and float(np.mean(drawn[best] - drawn[arm] >= WIDE)) <= WIDE_CHANCE
        )

    cheapest = min([best, *filter(equal, still)], key=lambda arm: scores[arm].tokens_per_success)
    thin = too_thin(scores[best], best, regrets[best])
    chosen = None if thin else cheapest
    reason = thin or why(cheapest, best, [arm for arm in still if arm != best and arm not in worse])
    return Choice(items, chosen, reason, regrets[chosen or best], scores, shrunk, worse)


def too_thin(found: Score, best: Arm, regret: float) -> str:
    """Why nothing can be chosen; "" where it can."""
    if found.items < FEWEST_ITEMS:
        return f"not enough evidence: {found.items} {'item' if found.items == 1 else 'items'}"
    if not found.passed:
        return f"not enough evidence: {found.items} items, of which {best} answers none"
    if regret > MOST_REGRET:
        return f"not enough evidence: {found.items} items, on which {best} may well not be the best"
    return ""


def why(chosen: Arm, best: Arm, equal: Sequence[Arm]) -> str:
    """Why an arm was chosen; `equal` are those that cannot be told from the best one: only where there are none is it called so."""
    if chosen != best:
        return f"practically equal to {best}, and cheaper"
    others = "1 other" if len(equal) == 1 else f"{len(equal)} others"
    return f"likeliest the best; not told from {others}" if equal else "best: every other is worse or was dropped"


def significantly_worse(outcomes: Outcomes, arms: Sequence[Arm], best: Arm) -> frozenset[Arm]:
    """The arms that McNemar's test tells from the best one, corrected for every pair: the best one was not named beforehand."""
    uneven = {pair: split(outcomes, *pair) for pair in combinations(arms, 2)}
    chances = stats.holm({pair: stats.mcnemar(*counts) for pair, counts in uneven.items()})
    found = set()
    for (left, right), (more, less) in uneven.items():
        lower = right if more > less else left
        if best in {left, right} and best != lower and chances[left, right] < stats.SIGNIFICANT:
            found.add(lower)
    return frozenset(found)


def split(outcomes: Outcomes, left: Arm, right: Arm) -> tuple[int, int]:
    """On how many items that both were asked the first did better, and on how many the second."""
    both = [(one[left], one[right]) for one in outcomes.values() if left in one and right in one]
    pairs = [(a.passed * b.samples, b.passed * a.samples) for a, b in both]
    return sum(a > b for a, b in pairs), sum(a < b for a, b in pairs)


def posterior(outcomes: Outcomes, arms: Sequence[Arm], before: Mapping[Arm, Prior]) -> Matrix:
    """Draws of the arms' success, one row a draw.

    The items are reweighted as in the Bayesian bootstrap (Rubin 1981), with the same weights for every arm: what makes an item
    hard for all of them makes no difference. Each arm's prior is added as further weight on success and on failure. So, of one
    arm alone, the draws have exactly the beta distribution of prior and counts, and of two arms they keep what items have in common.
    """
    table = np.array(
        [[rate_of(by_arm.get(arm)) for arm in arms] for by_arm in outcomes.values()], dtype=np.float64
    ).reshape(len(outcomes), len(arms))
    weights = item_weights(len(outcomes))
    asked = ~np.isnan(table)
    passed = weights @ np.where(asked, table, 0.0)
    whole = weights @ asked.astype(np.float64)
    hits, misses = prior_weights(tuple(before[arm] for arm in arms))
    found: Matrix = (passed + hits) / (whole + hits + misses)
    return found


def rate_of(tried: Tried | None) -> float:
    """The share of answers that passed; not a number where nothing was asked."""
    return tried.passed / tried.samples if tried is not None else float("nan")


@lru_cache(maxsize=16)  # 8 kB an item each
def item_weights(items: int) -> Matrix:
    """Exponential weights, a row a draw: the same for all categories of as many items."""
    rng = Random(f"synthgen/tournament/{items}")  # noqa: S311  # sampling, not secrets
    drawn = [[-np.log1p(-rng.random()) for _ in range(items)] for _ in range(DRAWS)]
    return np.array(drawn, dtype=np.float64).reshape(DRAWS, items)


@lru_cache(maxsize=64)
def prior_weights(before: tuple[Prior, ...]) -> tuple[Matrix, Matrix]:
    """Gamma weights on success and on failure of every arm, a row a draw."""
    rng = Random("synthgen/tournament/prior")  # noqa: S311  # sampling, not secrets
    drawn = [
        [
            [rng.gammavariate(max(1e-9, one.mean * one.strength), 1.0) for one in before],
            [rng.gammavariate(max(1e-9, (1 - one.mean) * one.strength), 1.0) for one in before],
        ]
        for _ in range(DRAWS)
    ]
    whole = np.array(drawn, dtype=np.float64)
    return whole[:, 0], whole[:, 1]
