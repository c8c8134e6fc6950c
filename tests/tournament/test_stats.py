"""The statistics agree with calculations made in another way, and keep their laws."""

from fractions import Fraction
from itertools import permutations, product
from math import comb, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgen.intervals import wilson
from synthgen.tournament import stats
from synthgen.tournament.stats import Prior

COUNTS = st.integers(1, 400).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))
CHANCES = st.lists(st.floats(0, 1), min_size=1, max_size=15)


@pytest.mark.parametrize(
    ("passed", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_that_of_newcombes_table(passed: int, total: int, low: float, high: float):
    """Newcombe 1998, Stat Med 17:857, table I, method 3."""
    assert wilson(passed, total) == pytest.approx((low, high), abs=5e-5)


@given(COUNTS)
def test_the_ends_of_wilsons_interval_are_the_shares_that_the_score_test_just_does_not_refuse(counts: tuple[int, int]):
    passed, total = counts
    for end in wilson(passed, total):
        if 0 < end < 1:
            score = abs(passed / total - end) / sqrt(end * (1 - end) / total)
            assert score == pytest.approx(1.959964, abs=1e-4)


@given(COUNTS)
def test_wilsons_interval_holds_the_share_and_mirrors(counts: tuple[int, int]):
    passed, total = counts
    low, high = wilson(passed, total)
    assert 0 <= low <= passed / total <= high <= 1
    assert wilson(total - passed, total) == pytest.approx((1 - high, 1 - low))


def test_of_nothing_nothing_is_known():
    assert wilson(0, 0) == (0, 1)
    assert stats.mcnemar(0, 0) == 1
    assert stats.difference([])[0] == 0
    assert stats.difference([])[1].high > 0.9


@given(st.integers(0, 12), st.integers(0, 12))
def test_mcnemars_chance_is_that_of_all_ways_in_which_coins_fall(better: int, worse: int):
    number, seen = better + worse, abs(better - worse)
    as_uneven = sum(comb(number, heads) for heads in range(number + 1) if abs(2 * heads - number) >= seen)
    assert stats.mcnemar(better, worse) == pytest.approx(float(Fraction(as_uneven, 2**number)))


def test_mcnemars_chance_is_found_for_thousands_of_items():
    assert stats.mcnemar(2000, 2000) == 1
    assert 0 <= stats.mcnemar(1000, 3000) < 1e-200


def test_holms_correction_is_that_of_a_worked_example():
    corrected = stats.holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert corrected == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})


@given(CHANCES)
def test_holm_lies_between_no_correction_and_bonferronis_and_keeps_the_order(chances: list[float]):
    corrected = stats.holm(dict(enumerate(chances)))
    assert list(corrected) == list(range(len(chances)))
    for place, chance in enumerate(chances):
        assert chance <= corrected[place] <= min(1, chance * len(chances)) + 1e-12
    for left, right in product(range(len(chances)), repeat=2):
        assert chances[left] > chances[right] or corrected[left] <= corrected[right]


def test_holm_says_the_same_in_whatever_order_the_chances_come():
    chances = {"a": 0.02, "b": 0.02, "c": 0.5}
    said = [stats.holm(dict(order)) for order in permutations(chances.items())]
    assert all(one == said[0] for one in said)


@given(COUNTS, st.floats(0.01, 0.99), st.floats(2, 20))
def test_a_shrunk_share_lies_between_the_category_and_the_prior(counts: tuple[int, int], mean: float, strength: float):
    passed, total = counts
    found = stats.shrunk(passed, total, Prior(mean, strength))
    assert min(passed / total, mean) - 1e-9 <= found <= max(passed / total, mean) + 1e-9


def test_without_items_a_category_is_what_the_others_are():
    assert stats.shrunk(0, 0, Prior(0.7, 5)) == pytest.approx(0.7)


@pytest.mark.parametrize("strength", [4, 9, 15])
def test_the_prior_finds_the_beta_distribution_that_the_categories_were_drawn_from(strength: int):
    rng = Random(strength)
    found = []
    for _ in range(40):
        shares = [rng.betavariate(0.6 * strength, 0.4 * strength) for _ in range(28)]
        counts = [(sum(rng.random() < share for _ in range(100)), 100) for share in shares]
        found.append(stats.prior(counts))
    assert sum(one.mean for one in found) / len(found) == pytest.approx(0.6, abs=0.03)
    middle = sorted(one.strength for one in found)[len(found) // 2]
    assert middle == pytest.approx(strength, rel=0.25)


def test_categories_that_are_alike_make_the_strongest_prior_and_unlike_ones_the_weakest():
    assert stats.prior([(60, 100)] * 28).strength == stats.STRONGEST
    assert stats.prior([(0, 100), (100, 100)] * 14).strength == stats.WEAKEST


def test_few_categories_and_none_tell_little():
    assert stats.prior([]) == Prior(0.5, stats.WEAKEST)
    assert stats.prior([(60, 100), (60, 100), (0, 0)]).strength == stats.WEAKEST


@given(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), min_size=1, max_size=60))
def test_the_interval_of_a_difference_mirrors_when_the_arms_are_exchanged(pairs: list[float]):
    mean, (low, high) = stats.difference(pairs)
    turned, (turned_low, turned_high) = stats.difference([-one for one in pairs])
    assert (turned, turned_low, turned_high) == pytest.approx((-mean, -high, -low))
    assert low < high


def test_the_interval_of_a_difference_is_that_of_the_formula_for_a_table():
    """Cells 8, 15, 2, 25: with half an item more in each, (b - c) / N and its variance."""
    b, c, number = 15.5, 2.5, 52
    middle = (b - c) / number
    half = 1.959964 * sqrt((b + c) / number - middle**2) / sqrt(number)
    mean, interval = stats.difference([1] * 15 + [-1] * 2 + [0] * 33)
    assert mean == pytest.approx(13 / 50)
    assert interval == pytest.approx((middle - half, middle + half), abs=1e-5)


@pytest.mark.parametrize(
    ("number", "better", "worse"), [(30, 0.2, 0.1), (100, 0.3, 0.15), (300, 0.15, 0.15), (50, 0.02, 0.02)]
)
def test_the_interval_of_a_difference_holds_the_truth_as_often_as_it_says(number: int, better: float, worse: float):
    rng = Random(number)
    held = 0
    for _ in range(2000):
        drawn = rng.choices([1.0, -1.0, 0.0], [better, worse, 1 - better - worse], k=number)
        low, high = stats.difference(drawn)[1]
        held += low <= better - worse <= high
    assert held / 2000 >= 0.93
