"""Other thresholds over a finished run, and how its pool grew."""

import json
from pathlib import Path

import pytest
from conftest import command, expand

from synthgen import jsonl, replay
from synthgen.errors import ConfigError, InputError
from synthgen.runs import RunDir
from synthgen.views.growth import depth_of, effective


def test_the_runs_own_thresholds_change_nothing(finished: Path):
    found = replay.screen(finished)
    assert (found["enter"], found["leave"]) == ([], [])
    run = RunDir(finished)
    assert found["counts"]["accepted"] == sum(1 for _ in jsonl.rows(run.accepted("instructions")))
    near = sum(row["reason"] == "near_duplicate" for row in jsonl.rows(run.rejected("grow")))
    assert found["counts"].get("near_duplicate", 0) == near


def test_a_stricter_threshold_is_that_of_a_run_on_the_same_proposals(finished: Path):
    found = replay.screen(finished, threshold=0.5)
    assert found["leave"]
    assert not found["enter"]
    kept = found["counts"]["accepted"]
    assert kept == 30 - len(found["leave"])
    for one in found["leave"]:
        assert one["was"] == "accepted"
        assert one["reason"] == "near_duplicate"
        assert one["nearest"].score > 0.5


def test_a_wider_threshold_lets_in_what_was_rejected(finished: Path):
    found = replay.screen(finished, threshold=1.0, fuzzy=0)
    assert all(one["was"] in {"near_duplicate", "fuzzy_duplicate"} for one in found["enter"])
    assert not found["leave"]
    assert found["counts"].keys() <= {"accepted", "duplicate"}


def test_the_command_makes_no_call_and_writes_its_answer(finished: Path, tmp_path: Path):
    before = (finished / "ledger.sqlite").stat().st_mtime_ns
    done = command("screen", finished, "--threshold", 0.5, "--out", tmp_path / "found.json")
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout.splitlines()[0])
    whole = json.loads((tmp_path / "found.json").read_text())
    assert counts["leave"] == len(whole["leave"]) > 0
    assert done.stdout.splitlines()[1].startswith("leave c")
    assert (finished / "ledger.sqlite").stat().st_mtime_ns == before


def test_what_cannot_be_replayed_is_named(finished: Path, tmp_path: Path):
    with pytest.raises(InputError, match="--threshold lies between 0 and 1"):
        replay.screen(finished, threshold=2)
    with pytest.raises(ConfigError, match="is not a run of synthgen"):
        replay.screen(tmp_path)


def test_the_growth_of_a_pool_adds_up(finished: Path):
    report = json.loads((finished / "report.json").read_text())
    found = report["growth"]
    assert sum(point["accepted"] for point in found["curve"]) == report["accepted"]
    assert sum(point["proposed"] for point in found["curve"]) == report["proposed"]
    assert found["acceptance"] == pytest.approx(report["accepted"] / report["proposed"], abs=1e-4)
    assert sum(found["lineage"]["depths"].values()) == report["accepted"]
    assert found["seeds"]["with_offspring"] + found["seeds"]["without"] == 175
    assert 1 <= found["seeds"]["effective"] <= found["seeds"]["with_offspring"]


def test_a_saturating_pool_shows_in_its_curve(tmp_path: Path):
    report = expand(tmp_path / "run", teacher={"spec": "rehearsal-narrow"}, target=500)
    assert report["stopped"]["reason"] == "saturated"
    curve = report["growth"]["curve"]
    assert curve[0]["accepted"] / curve[0]["proposed"] > 5 * curve[-1]["accepted"] / curve[-1]["proposed"]


def test_depths_and_effective_numbers_by_hand():
    assert depth_of([("a", ["s1"]), ("b", ["s1", "a"]), ("c", ["b", "a"]), ("d", ["s2"])]) == {
        "a": 1,
        "b": 2,
        "c": 3,
        "d": 1,
    }
    assert effective([5, 5, 5, 5]) == pytest.approx(4)
    assert effective([7]) == pytest.approx(1)
    assert effective([]) == 0
