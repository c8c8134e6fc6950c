"""The same seeds, config and replies give the same bytes, however the run went."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import expand, outputs


def test_the_same_command_again_asks_nothing_and_changes_nothing(finished: Path, tmp_path: Path):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    before = outputs(run)
    report = expand(run)
    assert (report["calls"], report["calls_replayed"]) == (0, 0)
    assert outputs(run) == before
    assert {"instructions.jsonl", "pairs.jsonl", "dataset/README.md"} <= before.keys()


@pytest.mark.parametrize("concurrency", [1, 200])
def test_concurrency_changes_no_byte(finished: Path, tmp_path: Path, concurrency: int):
    expand(tmp_path / "run", concurrency=concurrency, rehearsal=("--jitter-ms", "3"))
    assert outputs(tmp_path / "run") == outputs(finished)


def test_ten_times_the_jitter_changes_no_byte(finished: Path, tmp_path: Path):
    expand(tmp_path / "run", concurrency=32, rehearsal=("--latency-ms", "5", "--jitter-ms", "60"))
    assert outputs(tmp_path / "run") == outputs(finished)


def test_a_target_raised_later_changes_no_byte(finished: Path, tmp_path: Path):
    first = expand(tmp_path / "run", target=7)
    second = expand(tmp_path / "run", target=19)
    third = expand(tmp_path / "run", target=30)
    assert [one["accepted"] for one in (first, second, third)] == [7, 19, 30]
    assert outputs(tmp_path / "run") == outputs(finished)


def test_a_server_that_is_busy_now_and_then_changes_no_byte(finished: Path, tmp_path: Path):
    expand(tmp_path / "run", rehearsal=("--fail-rate", "0.05"))
    assert outputs(tmp_path / "run") == outputs(finished)


def test_a_new_run_on_an_old_ledger_asks_nothing(finished: Path, tmp_path: Path):
    report = expand(tmp_path / "run", ledger=str(finished / "ledger.sqlite"))
    assert report["calls"] == 0
    assert report["calls_replayed"] > 100
    assert outputs(tmp_path / "run") == outputs(finished)


def test_every_stage_balances_and_the_report_says_so(finished: Path):
    report = json.loads((finished / "report.json").read_text())
    assert report["accepted"] == report["requested"] == 30
    assert set(report["owed"].values()) == {0}
    assert report["proposed"] == report["accepted"] + sum(report["rejected"]["grow"].values())
    assert report["stages"]["answers"]["in"] == report["tasks"]
    assert report["stages"]["judged"]["in"] == report["stages"]["pairs"]["in"] == report["tasks"]
    assert report["stopped"]["reason"] == "done"


def test_no_time_path_host_or_port_enters_an_output(finished: Path):
    for name, data in outputs(finished).items():
        for word in (b"127.0.0.1", b"localhost", str(finished).encode(), b"seconds"):
            assert word not in data, f"{word!r} in {name}"


def test_at_least_a_third_of_the_prompts_hold_two_machine_tasks(tmp_path: Path):
    expand(tmp_path / "run", target=200, judging=False, samples=1)
    seeds = {row["id"] for row in map(json.loads, (tmp_path / "run" / "sides.jsonl").read_text().splitlines())}
    calls = {}
    for row in map(json.loads, (tmp_path / "run" / "instructions.jsonl").read_text().splitlines()):
        calls[row["commit"]] = sum(parent not in seeds for parent in row["parents"])
    assert sum(count == 2 for count in calls.values()) >= len(calls) / 3
    assert max(calls.values()) == 2
