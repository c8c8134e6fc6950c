"""The choice finds what was planted, claims nothing where nothing is, and keeps silent on little evidence."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import ARMS, best_by, best_of, chosen, outcomes, played

from synthgen.intervals import wilson
from synthgen.tournament import choice
from synthgen.tournament.choice import Arm, Tried
from synthgen.tournament.stats import Prior

LEFT, RIGHT = ARMS[:2]
FLAT = dict.fromkeys(ARMS, Prior(0.5, 2.0))


def pair(
    both: int, left: int, right: int, neither: int, tokens: tuple[int, int] = (100, 100)
) -> dict[str, dict[Arm, Tried]]:
    """Outcomes of two arms, from how many items both passed, only the first, only the second, and none."""
    cells = [(1, 1)] * both + [(1, 0)] * left + [(0, 1)] * right + [(0, 0)] * neither
    return {f"{n:04d}": {LEFT: Tried(a, 1, tokens[0]), RIGHT: Tried(b, 1, tokens[1])} for n, (a, b) in enumerate(cells)}


def two(outcomes) -> choice.Choice:
    """The choice between two arms."""
    return choice.choose(outcomes, (LEFT, RIGHT), FLAT)


@pytest.mark.parametrize("budget", [None, 28 * 900])
def test_with_300_items_the_best_by_10_points_is_chosen_in_95_of_100_categories(budget: int | None):
    rng = Random("choice/300")
    rates, right = {}, 0
    for _ in range(3):
        rates = {f"c{n}": best_by(rng, 0.1, rng.choice([0.5, 0.7, 0.9])) for n in range(28)}
        dear = {name: {best_of(planted): 400} for name, planted in rates.items()}
        tables = {name: outcomes(rng, planted, 300, tokens=dear[name]) for name, planted in rates.items()}
        seen, _ = played(tables, budget)
        right += sum(one.arm == best_of(rates[name]) for name, one in chosen(seen).items())
    assert right / 84 >= 0.95


def test_with_five_items_a_category_there_is_not_enough_evidence():
    rng = Random("choice/5")
    tables = {f"c{n}": outcomes(rng, best_by(rng, 0.2, 0.9), rng.choice([4, 5, 6])) for n in range(28)}
    found = chosen(tables)
    assert all(one.arm is None for one in found.values())
    assert {one.reason for one in found.values()} == {f"not enough evidence: {n} items" for n in (4, 5, 6)}


@pytest.mark.parametrize("items", [25, 300])
def test_of_six_equal_arms_none_is_called_the_best_and_seldom_one_worse(items: int):
    rng = Random(f"choice/equal/{items}")
    found = []
    for _ in range(4):
        rate = rng.choice([0.3, 0.6, 0.9])
        tables = {f"c{n}": outcomes(rng, dict.fromkeys(ARMS, rate), items) for n in range(28)}
        found += list(chosen(tables).values())
    assert not any(one.reason.startswith("best") for one in found)
    assert sum(bool(one.worse) for one in found) / len(found) <= 0.08


def test_what_is_lost_where_something_is_chosen_is_what_may_be_lost():
    rng = Random("choice/close")
    lost = []
    for _ in range(3):
        rates = {f"c{n}": best_by(rng, rng.uniform(0, 0.08), 0.8) for n in range(28)}
        found = chosen({name: outcomes(rng, planted, 60) for name, planted in rates.items()})
        lost += [0.8 - rates[name][one.arm] for name, one in found.items() if one.arm is not None]
    assert len(lost) > 20
    assert sum(lost) / len(lost) <= choice.MOST_REGRET


def test_of_two_that_are_practically_equal_the_cheaper_is_taken():
    found = two(pair(200, 8, 7, 85, tokens=(300, 100)))
    assert found.arm == RIGHT
    assert found.reason == f"practically equal to {LEFT}, and cheaper"


def test_a_cheaper_arm_that_may_lose_ten_points_is_not_taken():
    """1 point apart on few items that differ much: nobody knows how far apart they are."""
    found = two(pair(20, 31, 30, 19, tokens=(300, 100)))
    assert found.arm is None
    assert found.reason.startswith("not enough evidence: 100 items")


def test_a_cheaper_arm_that_is_worse_is_not_taken():
    found = two(pair(200, 40, 8, 52, tokens=(300, 10)))
    assert found.arm == LEFT
    assert found.worse == {RIGHT}
    assert found.reason.startswith("best")


def test_the_cheaper_one_is_the_one_with_fewer_tokens_for_a_success():
    table = pair(280, 3, 3, 14, tokens=(100, 90))
    assert two(table).arm == RIGHT
    dearer = {item: {**row, RIGHT: row[RIGHT]._replace(tokens=130)} for item, row in table.items()}
    assert two(dearer).arm == LEFT


def test_19_items_are_too_few_however_clear_they_are():
    assert two(pair(0, 19, 0, 0)).reason == "not enough evidence: 19 items"
    assert two(pair(0, 1, 0, 0)).reason == "not enough evidence: 1 item"
    assert two(pair(0, 20, 0, 0)).arm == LEFT


def test_arms_that_all_pass_everything_are_not_taken_for_surely_equal():
    found = choice.choose(outcomes(Random(1), dict.fromkeys(ARMS, 1.0), 20), ARMS, FLAT)
    assert found.regret > 0


def test_an_arm_that_always_fails_has_no_price():
    scored = choice.score(pair(0, 0, 25, 0), LEFT)
    assert scored.tokens_per_success == float("inf")
    assert two(pair(0, 0, 25, 0)).arm == RIGHT


def test_where_no_arm_passes_anything_none_is_chosen():
    found = choice.choose(outcomes(Random(1), dict.fromkeys(ARMS, 0.0), 100), ARMS, FLAT)
    assert found.arm is None
    assert found.reason.startswith("not enough evidence: 100 items")


def test_one_strong_category_is_not_told_by_27_others_that_are_unlike_it():
    rng = Random("choice/odd")
    usual = {arm: 0.7 if arm == LEFT else 0.6 for arm in ARMS}
    odd = {arm: 0.7 if arm == RIGHT else 0.6 for arm in ARMS}
    others = {f"c{n}": outcomes(rng, usual, 300) for n in range(27)}
    right = 0
    for _ in range(20):
        tables = {**others, "odd": outcomes(rng, odd, 300)}
        before = choice.priors(tables, ARMS)
        right += choice.choose(tables["odd"], ARMS, before).arm == RIGHT
    assert right >= 19


def test_the_draws_of_one_arm_have_the_moments_of_its_beta_distribution():
    passed, items, before = 42, 60, Prior(0.4, 8.0)
    table = {str(n): {LEFT: Tried(int(n < passed))} for n in range(items)}
    drawn = choice.posterior(table, [LEFT], {LEFT: before})[:, 0]
    hits, misses = passed + 3.2, items - passed + 4.8
    mean, whole = hits / (hits + misses), hits + misses
    spread = (hits * misses / (whole**2 * (whole + 1))) ** 0.5
    assert np.mean(drawn) == pytest.approx(mean, abs=5 * spread / choice.DRAWS**0.5)
    assert np.std(drawn) == pytest.approx(spread, rel=0.1)


def test_what_makes_items_hard_for_both_arms_makes_their_difference_no_wider():
    table = pair(50, 0, 0, 50)
    drawn = choice.posterior(table, [LEFT, RIGHT], FLAT)
    assert np.std(drawn[:, 0]) > 4 * np.std(drawn[:, 0] - drawn[:, 1])


def test_an_item_of_which_nothing_was_decided_tells_nothing():
    table = pair(1, 1, 0, 0) | {"x": {LEFT: Tried(0, 1, 5, 1), RIGHT: Tried(0, 1, 5, 1)}}
    assert set(choice.decided(table)) == {"0000", "0001"}
    half = {"y": {LEFT: Tried(0, 1, 5, 1), RIGHT: Tried(1)}}
    assert choice.decided(half) == half


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6).map(Random), st.integers(1, 60), st.integers(1, 3))
def test_the_choice_does_not_depend_on_the_order_of_the_arms_and_its_figures_are_its_items(
    rng: Random, items: int, samples: int
):
    table = outcomes(rng, {arm: rng.random() for arm in ARMS}, items, samples=samples)
    before = choice.priors({"only": table}, ARMS)
    found = choice.choose(table, ARMS, before)
    assert found.items == items
    for arm in ARMS:
        scored = found.scores[arm]
        assert scored.passed == sum(row[arm].passed for row in table.values())
        assert scored.rate == pytest.approx(scored.passed / scored.total)
        assert wilson(scored.success, scored.items)[0] <= scored.rate
    assert found.regret >= 0
    assert found.arm is None or (found.regret <= choice.CHEAPER_REGRET and items >= choice.FEWEST_ITEMS)
    turned = choice.significantly_worse(table, ARMS[::-1], ARMS[0])
    assert turned == choice.significantly_worse(table, ARMS, ARMS[0])
    assert ARMS[0] not in turned


def test_an_arm_is_named_by_its_strategy_and_whether_it_thinks():
    assert str(Arm("direct-answer")) == "direct-answer"
    assert str(Arm("direct-answer", "no_think")) == "direct-answer (no_think)"
