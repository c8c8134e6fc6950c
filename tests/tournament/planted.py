"""Outcomes of six arms with planted success rates, over items of shared difficulty."""

from math import sqrt
from random import Random
from statistics import NormalDist

from synthgen.tournament import choice, halving
from synthgen.tournament.choice import Arm, Tried

ARMS = tuple(Arm(name) for name in ("one", "two", "three", "four", "five", "six"))
NORMAL = NormalDist()
Outcomes = dict[str, dict[Arm, Tried]]


def outcomes(
    rng: Random,
    rates: dict[Arm, float],
    items: int,
    *,
    alike: float = 0.5,
    samples: int = 1,
    tokens: dict[Arm, int] | None = None,
) -> Outcomes:
    """What every arm comes to on every item; `alike` is the correlation of what decides whether two arms pass one."""
    cuts = {arm: NORMAL.inv_cdf(min(1 - 1e-9, max(1e-9, rate))) for arm, rate in rates.items()}
    found: Outcomes = {}
    for number in range(items):
        hard = sqrt(alike) * rng.gauss(0, 1)
        found[f"{number:04d}"] = {
            arm: Tried(
                sum(hard + sqrt(1 - alike) * rng.gauss(0, 1) < cut for _ in range(samples)),
                samples,
                (tokens or {}).get(arm, 100),
            )
            for arm, cut in cuts.items()
        }
    return found


def best_by(rng: Random, gap: float, best: float) -> dict[Arm, float]:
    """One arm has the rate `best`, the others are lower by `gap` or more."""
    rates = [best, best - gap, *(best - gap - rng.uniform(0, 0.2) for _ in range(4))]
    rng.shuffle(rates)
    return dict(zip(ARMS, rates, strict=True))


def best_of(rates: dict[Arm, float]) -> Arm:
    """The arm with the highest rate."""
    return max(rates, key=lambda arm: rates[arm])


def chosen(tables: dict[str, Outcomes]) -> dict[str, choice.Choice]:
    """The choice of every category."""
    before = choice.priors(tables, ARMS)
    return {name: choice.choose(table, ARMS, before) for name, table in tables.items()}


def played(
    tables: dict[str, Outcomes], budget: int | None, samples: int = 1
) -> tuple[dict[str, Outcomes], list[halving.Round]]:
    """What a tournament asks of tables that hold all answers, and its rounds."""
    order = {name: sorted(table) for name, table in tables.items()}
    seen: dict[str, Outcomes] = {name: {} for name in tables}
    rounds = []
    while not rounds or not rounds[-1].last:
        rounds.append(halving.next_round(halving.State(order, ARMS, samples, budget, seen)))
        for call in rounds[-1].calls:
            seen[call.category].setdefault(call.item, {})[call.arm] = tables[call.category][call.item][call.arm]
    return seen, rounds
