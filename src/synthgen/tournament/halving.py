"""Who is asked what next: all arms of everything, or, under a budget of calls, rounds in which clearly worse arms drop out.

Successive halving (Jamieson and Talwalkar 2016, 1502.07943) with one difference: an arm is dropped not for its rank but once it is
hardly possible that it is the best, so that arms which are equal stay until the items or the calls are used up. A plan is a function of
what came of the plans before it; nothing else is remembered.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from synthgen.tournament import choice
from synthgen.tournament.choice import Arm, Outcomes
from synthgen.tournament.stats import Prior

FIRST_ROUND = 24
"""Items of a category in the first round; every round doubles them."""
HOPELESS = 0.005
"""Chance of being the best below which an arm is dropped."""


class Call(NamedTuple):
    """One answer that is asked for."""

    category: str
    item: str
    arm: Arm
    sample: int


@dataclass(frozen=True, slots=True)
class State:
    """The tournament as far as it has come."""

    items: Mapping[str, Sequence[str]]
    """Category to the names of its items, in the order in which they are asked."""
    arms: tuple[Arm, ...]
    samples: int = 1
    budget: int | None = None
    """Calls in all; None for no limit, and then there is one round of everything."""
    outcomes: Mapping[str, Outcomes] = field(default_factory=dict)
    """What came of every call so far, by category."""

    @property
    def asked(self) -> int:
        """Calls so far."""
        return self.samples * sum(len(by_arm) for one in self.outcomes.values() for by_arm in one.values())


class Round(NamedTuple):
    """What is asked next."""

    calls: Sequence[Call]
    last: bool
    """Whether the tournament ends with it: nothing is left to ask, or no call to ask it with."""


def next_round(state: State) -> Round:
    """The next round. Items are whole: every arm that is left is asked."""
    contenders = left(state)
    sizes = {name: size_of_next(state, name) for name in state.items}
    whole = [call for name in state.items for call in calls(state, name, contenders[name], sizes[name])]
    if state.budget is None:
        return Round(whole, last=True)
    room = state.budget - state.asked
    return Round(whole, last=not whole) if len(whole) <= room else Round(affordable(state, whole, room), last=True)


def left(state: State) -> dict[str, tuple[Arm, ...]]:
    """The arms that may still be the best, by category."""
    if not any(state.outcomes.values()):
        return dict.fromkeys(state.items, state.arms)
    before = choice.priors(state.outcomes, state.arms)
    found = {}
    for name in state.items:
        outcomes = state.outcomes.get(name, {})
        asked = {arm: sum(arm in by_arm for by_arm in outcomes.values()) for arm in state.arms}
        still = [arm for arm in state.arms if asked[arm] == max(asked.values())]
        chances = likely_best(outcomes, still, before) if outcomes else {}
        found[name] = tuple(arm for arm in still if chances.get(arm, 1.0) >= HOPELESS)
    return found


def likely_best(outcomes: Outcomes, arms: Sequence[Arm], before: Mapping[Arm, Prior]) -> dict[Arm, float]:
    """How likely each arm is the best of these."""
    drawn = choice.posterior(outcomes, arms, before)
    wins = np.bincount(drawn.argmax(axis=1), minlength=len(arms)) / len(drawn)
    return {arm: float(share) for arm, share in zip(arms, wins, strict=True)}


def size_of_next(state: State, category: str) -> int:
    """How many items of a category are asked by the end of the next round."""
    whole = len(state.items[category])
    done = len(state.outcomes.get(category, {}))
    return whole if state.budget is None else min(whole, max(FIRST_ROUND, 2 * done))


def calls(state: State, category: str, contenders: Sequence[Arm], size: int) -> Iterator[Call]:
    """What is owed of the first `size` items of a category. One arm that is left alone has won, and is asked no more."""
    outcomes = state.outcomes.get(category, {})
    if len(contenders) < 2:
        return
    for item in state.items[category][:size]:
        for arm in contenders:
            if arm not in outcomes.get(item, {}):
                yield from (Call(category, item, arm, sample) for sample in range(state.samples))


def affordable(state: State, whole: Sequence[Call], room: int) -> list[Call]:
    """As many whole items of a round as there is room for, taken from the categories in turn."""
    by_item: dict[tuple[str, str], list[Call]] = {}
    for call in whole:
        by_item.setdefault((call.category, call.item), []).append(call)
    places = {name: {item: place for place, item in enumerate(items)} for name, items in state.items.items()}
    taken: list[Call] = []
    for category, item in sorted(by_item, key=lambda one: places[one[0]][one[1]]):
        if len(taken) + len(by_item[category, item]) > room:
            break
        taken += by_item[category, item]
    return taken


def everything(state: State) -> list[Call]:
    """Every arm of every item, or of as many items as the budget allows, taken from the categories in turn."""
    whole = [call for name, items in state.items.items() for call in calls(state, name, state.arms, len(items))]
    room = len(whole) if state.budget is None else state.budget
    return whole if len(whole) <= room else affordable(state, whole, room)
