"""How often the tournament finds the best strategy, claims one where there is none, and says that it cannot tell.

Prints JSON. Six arms with hidden success rates over items of shared difficulty; every figure is over `CATEGORIES` categories of each
kind, in tournaments of 28. Run it as `python benchmarks/tournament.py [CATEGORIES]`.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import sqrt
from random import Random
from statistics import NormalDist

from synthgen.tournament import choice, halving, stats
from synthgen.tournament.choice import Arm, Choice, Tried

ARMS = tuple(Arm(name) for name in ("one", "two", "three", "four", "five", "six"))
TOGETHER = 28
"""Categories of one tournament."""
ALIKE = 0.5
"""Correlation of what decides whether two arms pass an item."""
NORMAL = NormalDist()
Rates = Mapping[Arm, float]
Tokens = Mapping[Arm, int]


def passes(rng: Random, rates: Rates, items: int) -> list[dict[Arm, bool]]:
    """Whether each arm passes each item: an item's difficulty is shared, every arm's rate is what was planted."""
    cuts = {arm: NORMAL.inv_cdf(min(1 - 1e-9, max(1e-9, rate))) for arm, rate in rates.items()}
    shared, own = sqrt(ALIKE), sqrt(1 - ALIKE)
    found = []
    for _ in range(items):
        hard = rng.gauss(0, 1)
        found.append({arm: shared * hard + own * rng.gauss(0, 1) < cut for arm, cut in cuts.items()})
    return found


def apart(rng: Random) -> Rates:
    """The best beats the second by 10 to 30 points, and the others by at least as much."""
    best = rng.uniform(0.4, 0.97)
    second = best - rng.uniform(0.1, 0.3)
    return shuffled(rng, [best, second, *(rng.uniform(max(0.02, second - 0.4), second) for _ in range(4))])


def just_apart(rng: Random) -> Rates:
    """Every other arm is exactly 10 points below the best: the hardest case that must be won."""
    best = rng.choice([0.5, 0.6, 0.8, 0.95])
    return shuffled(rng, [best, *[best - 0.1] * 5])


def odd_one(rng: Random) -> Rates:
    """One arm is best by 10 points in nearly all categories, and another in this one: the other categories mislead."""
    best = ARMS[0] if rng.random() < 1 - 1 / TOGETHER else rng.choice(ARMS[1:])
    return {arm: 0.7 if arm == best else 0.6 for arm in ARMS}


def equal(rng: Random) -> Rates:
    """Six arms of one rate."""
    return dict.fromkeys(ARMS, rng.choice([0.3, 0.5, 0.8, 0.95]))


def close(rng: Random) -> Rates:
    """Rates within 10 points: nothing must be found, little must be lost."""
    best = rng.uniform(0.3, 0.97)
    return shuffled(rng, [best, *(best - rng.uniform(0, 0.1) for _ in range(5))])


def shuffled(rng: Random, rates: list[float]) -> Rates:
    """Rates given to the arms in any order."""
    rng.shuffle(rates)
    return dict(zip(ARMS, rates, strict=True))


def tokens(rng: Random, rates: Rates) -> Tokens:
    """The best arm is the dearest: the cheaper ones tempt."""
    best = max(rates.values())
    return {arm: 400 if rate == best else rng.choice([50, 100, 200]) for arm, rate in rates.items()}


def tournament(
    rng: Random, kind: Callable[[Random], Rates], items: Callable[[Random], int], budget: int | None = None
) -> Iterator[tuple[Rates, Choice, int]]:
    """Rates, choice and calls of every category of one tournament."""
    names = [f"category-{number}" for number in range(TOGETHER)]
    rates = {name: kind(rng) for name in names}
    dear = {name: tokens(rng, rates[name]) for name in names}
    tables = {name: passes(rng, rates[name], items(rng)) for name in names}
    order = {name: [str(number) for number in range(len(tables[name]))] for name in names}
    outcomes: dict[str, dict[str, dict[Arm, Tried]]] = {name: {} for name in names}
    last = False
    while not last:
        calls, last = halving.next_round(halving.State(order, ARMS, 1, budget, outcomes))
        for call in calls:
            passed = tables[call.category][int(call.item)][call.arm]
            tried = Tried(int(passed), 1, dear[call.category][call.arm])
            outcomes[call.category].setdefault(call.item, {})[call.arm] = tried
    before = choice.priors(outcomes, ARMS)
    for name in names:
        asked = sum(len(by_arm) for by_arm in outcomes[name].values())
        yield rates[name], choice.choose(outcomes[name], ARMS, before), asked


def figures(
    kind: Callable[[Random], Rates], items: Callable[[Random], int], categories: int, budget: int | None = None
) -> dict[str, float]:
    """What came of many categories of one kind, each share with the ends of its interval."""
    rng = Random(f"{kind.__name__}/{budget}")
    counts: Counter[str] = Counter()
    lost = 0.0
    for _ in range(-(-categories // TOGETHER)):
        for rates, chosen, asked in tournament(rng, kind, items, budget):
            best = max(rates.values())
            counts["categories"] += 1
            counts["calls"] += asked
            counts["not_enough_evidence"] += chosen.arm is None
            counts["called_best"] += chosen.reason.startswith("best")
            counts["called_best_wrongly"] += (
                chosen.reason.startswith("best") and chosen.arm is not None and rates[chosen.arm] < best
            )
            counts["best_marked_worse"] += any(rates[arm] == best for arm in chosen.worse)
            if chosen.arm is not None:
                counts["right"] += rates[chosen.arm] == best
                counts["wrong"] += rates[chosen.arm] != best
                lost += best - rates[chosen.arm]
            if kind is odd_one and rates[ARMS[0]] != best:
                counts["odd"] += 1
                counts["odd_right"] += chosen.arm is not None and rates[chosen.arm] == best
    return told(counts, lost)


def told(counts: Counter[str], lost: float) -> dict[str, float]:
    """Counts as shares."""
    whole = counts["categories"]
    shares = ["right", "wrong", "not_enough_evidence", "called_best", "called_best_wrongly", "best_marked_worse"]
    found: dict[str, float] = {"categories": whole, "calls_each": round(counts["calls"] / whole, 1)}
    for name in shares:
        low, high = stats.wilson(counts[name], whole)
        found |= {name: round(counts[name] / whole, 4), f"{name}_low": round(low, 4), f"{name}_high": round(high, 4)}
    chosen = counts["right"] + counts["wrong"]
    found["points_lost_where_chosen"] = round(100 * lost / chosen, 3) if chosen else 0.0
    if counts["odd"]:
        found |= {"odd": counts["odd"], "odd_right": round(counts["odd_right"] / counts["odd"], 4)}
    return found


def of(number: int) -> Callable[[Random], int]:
    """As many items in every category."""
    return lambda _rng: number


def few(rng: Random) -> int:
    """Some 5 items, as 175 seeds in 28 categories give, about 4 in 5 of them with a check."""
    return rng.choice([4, 5, 5, 6])


def main(categories: int) -> None:
    """Print every figure."""
    began = time.monotonic()
    half = TOGETHER * 300 * len(ARMS) // 2
    kinds: Sequence[tuple[str, Callable[[Random], Rates], Callable[[Random], int], int | None]] = [
        ("best by 10 to 30 points, 300 items", apart, of(300), None),
        ("best by 10 to 30 points, 300 items, half the calls", apart, of(300), half),
        ("best by exactly 10 points, 300 items", just_apart, of(300), None),
        ("best by exactly 10 points, 300 items, half the calls", just_apart, of(300), half),
        ("one odd category of 28, 300 items", odd_one, of(300), None),
        ("within 10 points, 300 items", close, of(300), None),
        ("all equal, 300 items", equal, of(300), None),
        ("all equal, 300 items, half the calls", equal, of(300), half),
        ("best by 10 to 30 points, 150 items", apart, of(150), None),
        ("best by exactly 10 points, 150 items", just_apart, of(150), None),
        ("best by 10 to 30 points, 60 items", apart, of(60), None),
        ("best by 10 to 30 points, 25 items", apart, of(25), None),
        ("all equal, 25 items", equal, of(25), None),
        ("best by 10 to 30 points, 4 to 6 items", apart, few, None),
    ]
    found = {name: figures(kind, items, categories, budget) for name, kind, items, budget in kinds}
    print(json.dumps({"figures": found, "seconds": round(time.monotonic() - began, 1)}, indent=2))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
