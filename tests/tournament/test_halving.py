"""Under a budget calls go to the contenders, never more than were allowed; without one everything is asked."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import ARMS, best_by, best_of, outcomes, played

from synthgen.tournament import halving


def tables(rng: Random, categories: int, items: int, samples: int = 1):
    """Categories with planted rates."""
    return {
        f"c{n}": outcomes(rng, best_by(rng, 0.15, 0.8), rng.randint(1, items), samples=samples)
        for n in range(categories)
    }


def test_without_a_budget_every_arm_is_asked_every_item_at_once():
    every = tables(Random(1), 5, 70)
    seen, rounds = played(every, None)
    assert seen == every
    assert len(rounds) == 1
    assert len(set(rounds[0].calls)) == sum(len(table) * len(ARMS) for table in every.values())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6).map(Random), st.integers(0, 3000), st.integers(1, 3))
def test_a_plan_never_asks_more_than_it_may_nor_the_same_twice_and_always_ends(rng: Random, budget: int, samples: int):
    every = tables(rng, 4, 120, samples)
    seen, rounds = played(every, budget, samples)
    calls = [call for one in rounds for call in one.calls]
    assert len(calls) <= budget
    assert len(calls) == len(set(calls))
    assert len(rounds) <= 8
    for name, table in seen.items():
        asked = [item for item in sorted(every[name]) if item in table]
        assert asked == sorted(every[name])[: len(asked)], "items are a prefix"
        counts = [len(table[item]) for item in asked]
        assert counts == sorted(counts, reverse=True), "an arm that was dropped does not come back"


def test_calls_go_to_the_contenders_and_the_best_stays_to_the_end():
    rng = Random("halving")
    stayed, spent = 0, 0
    for _ in range(20):
        rates = best_by(rng, 0.2, 0.8)
        table = {"c": outcomes(rng, rates, 400)}
        seen, _ = played(table, 6 * 400)
        last = seen["c"][max(seen["c"])]
        stayed += best_of(rates) in last
        spent += sum(map(len, seen["c"].values()))
    assert stayed == 20
    assert spent < 20 * 6 * 400 / 2


def test_equal_arms_are_not_dropped_for_their_rank():
    rng = Random("halving/equal")
    table = {f"c{n}": outcomes(rng, dict.fromkeys(ARMS, 0.6), 48) for n in range(28)}
    seen, _ = played(table, 10**6)
    kept = sum(len(one[max(one)]) for one in seen.values())
    assert kept >= 0.9 * 28 * len(ARMS)


def test_what_a_smaller_budget_asked_a_larger_one_asks_too():
    every = tables(Random(7), 6, 150)
    smaller, larger = ({call for one in played(every, budget)[1] for call in one.calls} for budget in (900, 2400))
    assert smaller < larger


def test_a_budget_that_ends_within_a_round_is_spread_over_the_categories():
    every = {f"c{n}": outcomes(Random(n), dict.fromkeys(ARMS, 0.5), 30) for n in range(5)}
    seen, rounds = played(every, 6 * 5 * 10)
    assert [len(one) for one in seen.values()] == [10] * 5
    assert len(rounds) == 1


@pytest.mark.parametrize("budget", [0, 5])
def test_where_not_one_item_can_be_asked_nothing_is(budget: int):
    seen, rounds = played(tables(Random(3), 3, 10), budget)
    assert not any(seen.values())
    assert [len(one.calls) for one in rounds] == [0]


def test_a_tournament_without_items_ends_at_once():
    assert halving.next_round(halving.State({}, ARMS)) == ([], True)
    assert halving.next_round(halving.State({}, ARMS, budget=10)) == ([], True)
