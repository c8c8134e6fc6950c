"""The benchmark that asks whether the rows teach: its arithmetic, and the whole of it once, small."""

import importlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module", autouse=True)
def on_the_path():
    sys.path.insert(0, str(BENCHMARKS))
    yield
    sys.path.remove(str(BENCHMARKS))


def module(name):
    return importlib.import_module(f"learning.{name}")


@given(st.integers(2, 300), st.integers(0, 100))
def test_a_derangement_moves_every_answer_and_loses_none(count, seed):
    found = module("rows").deranged(count, seed)
    assert sorted(found) == list(range(count))
    assert all(place != other for place, other in enumerate(found))


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("urgent", "urgent"),
        (" 12 coins\n", "12 coins"),
        ("From tide one gets to oar. So the answer is So the answer is routine", "routine"),
        ("先看甲，再看乙。 所以答案是三", "三"),
    ],
)
def test_the_outcome_is_what_is_announced_or_all_that_is_said(answer, outcome):
    assert module("rows").stated(answer) == outcome


def test_a_task_of_writing_and_a_long_answer_take_no_part():
    rows = module("rows")
    asked = [{"role": "user", "content": "What is the capital of Norway? A baker in Riga bet Ines on it."}]
    wish = [{"role": "user", "content": "Tell me how you are today."}]
    answer, long = [{"content": "Oslo"}], [{"content": "Oslo. " * 40}]
    assert rows.kind_and_outcome({"prompt": asked}) == ("fact", "Oslo")
    assert rows.taken({"prompt": asked, "completion": answer})
    assert not rows.taken({"prompt": asked, "completion": long})
    assert not rows.taken({"prompt": asked, "chosen": answer, "rejected": long})
    assert not rows.taken({"prompt": wish, "completion": answer})


def test_arms_that_do_alike_differ_by_nothing():
    comparing = module("comparing")
    rows = [[(float(place % 2), 1.0) for place in range(40)]] * 3
    found = comparing.compared(rows, rows, [str(place // 4) for place in range(40)])
    assert found["difference"] == 0
    assert found["interval_over_seeds"] == [0, 0]
    assert found["interval_over_lineages_and_seeds"] == [0, 0]


def test_a_difference_of_every_row_is_found_and_one_of_a_single_lineage_is_not():
    comparing = module("comparing")
    clusters = [str(place // 4) for place in range(40)]
    none, every = [(0.0, 1.0)] * 40, [(1.0, 1.0)] * 40
    single = [(float(place < 4), 1.0) for place in range(40)]
    low, high = comparing.compared([every] * 3, [none] * 3, clusters)["interval_over_lineages_and_seeds"]
    assert (low, high) == (1, 1)
    low, high = comparing.compared([single] * 3, [none] * 3, clusters)["interval_over_lineages_and_seeds"]
    assert low == 0 < high


def test_the_interval_over_seeds_is_students():
    found = module("comparing").over_seeds([0.1, 0.2, 0.3])
    assert found == [round(0.2 - 4.302652730 * 0.1 / 3**0.5, 4), round(0.2 + 4.302652730 * 0.1 / 3**0.5, 4)]
    assert module("comparing").over_seeds([0.1]) is None


def test_a_share_of_pairs_counts_pairs_and_not_seeds():
    learn = importlib.import_module("learn")
    one, three = learn.share([[1.0, 0.0, 1.0, 0.5]]), learn.share([[1.0, 0.0, 1.0, 0.5]] * 3)
    assert one["share"] == three["share"] == 0.625
    assert one["interval"] == three["interval"]


def test_the_implicit_reward_is_what_dpo_added():
    learn = importlib.import_module("learn")
    before, after = [((-5.0, 2), (-3.0, 1))], [((-4.0, 2), (-2.5, 1))]
    assert learn.preferring(before, after) == {
        "implicit_reward_after_dpo": [1.0],
        "likelihood_before_dpo": [0.0],
        "likelihood_per_token_before_dpo": [1.0],
    }


def figures(low, high, preferred):
    one = {"interval_over_seeds": [low, high], "interval_over_lineages_and_seeds": [low, high]}
    reward = {"implicit_reward_after_dpo": {"interval": [preferred, 0.9]}}
    return {"exact_match": one, "log_likelihood_per_token": one, "held_out_preference": reward}


def test_nothing_is_said_to_be_shown_that_an_interval_leaves_open():
    learn = importlib.import_module("learn")
    assert "not shown" not in learn.meaning(figures(0.1, 0.2, 0.6))
    assert "that the rows teach is not shown" in learn.meaning(figures(-0.1, 0.2, 0.6))
    assert "that the pairs teach is not shown" in learn.meaning(figures(0.1, 0.2, 0.4))
    assert "that the rows teach is not shown" in learn.meaning({**figures(0.1, 0.2, 0.6), "exact_match": dict.fromkeys(
        ("interval_over_seeds", "interval_over_lineages_and_seeds")
    )})  # fmt: skip


@pytest.mark.trainers
def test_the_benchmark_trains_both_arms_and_prefers_among_pairs():
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "learn.py"), "--quick", "--recipe", '{"epochs": 0.2, "dpo_epochs": 0.2}'],
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout)
    assert min(found["rows"].values()) > 0
    ours, others = (found["training"][0][arm] for arm in ("ours", "shuffled"))
    assert ours["steps"] == others["steps"] > 0
    assert found["log_likelihood_per_token"]["ours"] < 0
    assert found["held_out_preference"].keys() > {"implicit_reward_after_dpo", "pick_the_longer"}
