"""What a run will cost is told from a pilot, and the pilot's calls are the run's first ones."""

import json
from pathlib import Path

import pytest
from conftest import SEEDS, command, expand
from hypothesis import given
from hypothesis import strategies as st

from synthgen import estimate
from synthgen.errors import InputError
from synthgen.estimate import Cluster
from synthgen.runs import RunDir

PRICES = {"rehearsal-strong": {"prompt": 1.0, "cached": 1.0, "completion": 4.0}}


def config(path: Path) -> Path:
    """A config file with prices for the rehearsal."""
    rows = "".join(f"{name} = {value}\n" for name, value in PRICES["rehearsal-strong"].items())
    path.write_text(f'[prices."rehearsal-strong"]\n{rows}')
    return path


def test_the_pilot_says_what_the_run_then_costs_and_its_calls_are_the_runs_own(tmp_path: Path):
    prices = config(tmp_path / "prices.toml")
    common = ["--seeds", SEEDS, "--out", tmp_path / "run", "--teacher", "rehearsal", "--config", prices]
    found = command("estimate", *common, "--target", 120, "--n", 30, "--json")
    assert found.returncode == 0, found.stderr
    said = json.loads(found.stdout)
    report = expand(tmp_path / "run", target=120, prices=PRICES, teacher={"spec": "rehearsal"})
    whole = report["ledger"]
    assert said["cost_usd"]["low"] < whole["cost_usd"] < 1.15 * said["cost_usd"]["high"]
    assert said["calls"]["low"] * 0.9 < whole["calls"] < 1.15 * said["calls"]["high"]
    assert whole["calls"] == report["calls"] + said["pilot"]["calls"]
    assert sum(said["cost_usd_by_step"].values()) == pytest.approx(said["cost_usd"]["estimate"], rel=0.1)


def test_what_other_runs_paid_on_a_ledger_is_no_part_of_the_estimate(tmp_path: Path):
    ledger = tmp_path / "shared.sqlite"
    expand(tmp_path / "other", target=60, prices=PRICES, seed=7, ledger=str(ledger))
    prices = config(tmp_path / "prices.toml")
    common = ["--seeds", SEEDS, "--out", tmp_path / "run", "--ledger", ledger, "--config", prices]
    found = command("estimate", *common, "--teacher", "rehearsal", "--target", 120, "--n", 20, "--json")
    assert found.returncode == 0, found.stderr
    said = json.loads(found.stdout)
    assert sum(said["cost_usd_by_step"].values()) == pytest.approx(said["cost_usd"]["estimate"], rel=0.01)
    assert said["pilot"]["cost_usd"] * 120 / said["pilot"]["accepted"] == pytest.approx(
        said["cost_usd"]["estimate"], rel=0.01
    )


def test_in_words_it_names_the_interval_and_what_a_pilot_cannot_see(tmp_path: Path):
    found = command("estimate", "--seeds", SEEDS, "--out", tmp_path / "run", "--teacher", "rehearsal", "--n", 14)
    assert found.returncode == 0, found.stderr
    assert "for 200 accepted instructions: " in found.stdout
    assert " to " in found.stdout
    assert "acceptance falls as a pool grows" in found.stdout
    assert "the interval says little" in found.stdout


def test_from_nothing_accepted_nothing_is_estimated(tmp_path: Path):
    run = RunDir(tmp_path)
    with pytest.raises(InputError, match="accepted nothing"):
        estimate.estimated(run, None, 100)


clusters = st.lists(st.tuples(st.floats(0, 10), st.integers(0, 8)), min_size=2, max_size=30).filter(
    lambda pairs: sum(count for _, count in pairs) > 0
)


@given(pairs=clusters)
def test_the_estimate_lies_within_what_the_clusters_can_give(pairs: list[tuple[float, int]]):
    used = [{"cost_usd": value} for value, _ in pairs]
    found = estimate.ratio_of("cost_usd", used, [Cluster(count) for _, count in pairs], 10, 1)
    assert found["low"] <= found["high"]
    assert found["estimate"] == pytest.approx(10 * sum(v for v, _ in pairs) / sum(c for _, c in pairs), abs=1e-5)


def test_equal_clusters_leave_nothing_uncertain_and_one_alone_has_no_interval():
    used = [{"cost_usd": 2.0}] * 5
    found = estimate.ratio_of("cost_usd", used, [Cluster(4)] * 5, 100, 1)
    assert found == {"estimate": 50.0, "low": 50.0, "high": 50.0}
    assert estimate.ratio_of("cost_usd", used[:1], [Cluster(4)], 100, 1)["low"] is None
