"""Other rules over a finished run, and how its pool grew."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import command, expand

from synthgen import jsonl, replay
from synthgen.config import Decontamination
from synthgen.errors import ConfigError, InputError
from synthgen.runs import RunDir
from synthgen.teacher.ledger import Ledger
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
    # What repeated only a text that leaves may enter in its place.
    assert all(one["was"] == "near_duplicate" for one in found["enter"])
    assert len(found["enter"]) <= len(found["leave"])
    kept = found["counts"]["accepted"]
    assert kept == 30 - len(found["leave"]) + len(found["enter"])
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
    assert sum(line.startswith("leave c") for line in done.stdout.splitlines()) == counts["leave"]
    assert (finished / "ledger.sqlite").stat().st_mtime_ns == before


def test_what_cannot_be_replayed_is_named(finished: Path, tmp_path: Path):
    with pytest.raises(InputError, match="--threshold lies between 0 and 1"):
        replay.screen(finished, threshold=2)
    for answers in (0, 1.5):
        with pytest.raises(InputError, match="--answers lies between 0 and 1"):
            replay.screen(finished, answers=answers)
    with pytest.raises(ConfigError, match="is not a run of synthgen"):
        replay.screen(tmp_path)


@pytest.fixture(scope="module")
def guarded(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a benchmark that its proposals give away."""
    folder = tmp_path_factory.mktemp("guarded")
    texts = [row["instruction"] for row in jsonl.rows(RunDir(finished).accepted("instructions"))]
    bench = benchmark(folder / "bench.jsonl", [text for text in texts if len(text.split()) > 12][:6])
    expand(folder / "run", decontaminate={"rule": "tulu3-8gram", "against": [str(bench)]})
    return folder / "run"


@pytest.fixture(scope="module")
def strict(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run as it would be with a threshold of answers that drops many, on a ledger of its own."""
    run = tmp_path_factory.mktemp("strict") / "run"
    run.mkdir()
    shutil.copy(finished / "ledger.sqlite", run)
    assert expand(run, answer_threshold=0.5)["rejected"]["answer"]["near_identical"] > 5
    return run


def benchmark(path: Path, texts: list[str]) -> Path:
    """A benchmark of some texts."""
    path.write_text("".join(json.dumps({"q": text}) + "\n" for text in texts))
    return path


def rejected(run: Path, stage: str, reason: str) -> list[dict]:
    """What a stage of a run rejected for one reason."""
    return [row for row in jsonl.rows(RunDir(run).rejected(stage)) if row["reason"] == reason]


def test_the_runs_own_rules_change_nothing_for_proposals_tasks_and_answers(finished: Path, strict: Path, guarded: Path):
    for run, answers in ((finished, 0.9), (strict, 0.5), (guarded, 0.9)):
        found = replay.screen(run, answers=answers)
        moved = {name: of for name, of in found.items() if isinstance(of, list)}
        assert len(moved) == 6
        assert not any(moved.values()), moved
    assert found["decontaminate"] == "tulu3-8gram"
    assert found["counts"]["contaminated"] == len(rejected(guarded, "grow", "contaminated")) > 0


def test_a_stricter_answers_threshold_makes_answers_leave(finished: Path):
    found = replay.screen(finished, answers=0.3)
    answers = {row["id"]: row for row in jsonl.rows(RunDir(finished).accepted("answers"))}
    assert found["answers_leave"]
    for one in found["answers_leave"]:
        assert one["text"] == answers[one["id"]]["text"]
        assert one["reason"] == "near_identical"
        assert one["nearest"].score > 0.3
    assert (found["enter"], found["leave"]) == ([], [])


def test_a_wider_answers_threshold_lets_in_what_was_dropped_as_it_stands_in_the_ledger(strict: Path):
    found = replay.screen(strict, answers=1)
    dropped = {row["id"]: row for row in rejected(strict, "answer", "near_identical")}
    assert {one["id"] for one in found["answers_enter"]} == set(dropped)
    assert not found["answers_leave"]
    with Ledger(strict / "ledger.sqlite", reading=True) as ledger:
        for one in found["answers_enter"]:
            reply = ledger.get(dropped[one["id"]]["call"])
            assert reply is not None
            assert one["text"] == reply.text.strip()


def test_the_answers_under_another_threshold_are_those_of_a_run_under_it(finished: Path, strict: Path):
    wide, narrow = ({row["id"] for row in jsonl.rows(RunDir(run).accepted("answers"))} for run in (finished, strict))
    leaving, entering = replay.screen(finished, answers=0.5), replay.screen(strict, answers=0.9)
    assert {one["id"] for one in leaving["answers_leave"]} == wide - narrow != set()
    assert {one["id"] for one in entering["answers_enter"]} == wide - narrow
    assert not leaving["answers_enter"]
    assert not entering["answers_leave"]


def test_another_benchmark_makes_what_gives_it_away_leave(finished: Path, tmp_path: Path):
    planted = next(jsonl.rows(RunDir(finished).accepted("instructions")))
    task = next(row for row in jsonl.rows(RunDir(finished).accepted("tasks")) if len(row["input"].split()) > 13)
    bench = benchmark(tmp_path / "other.jsonl", [planted["instruction"], task["input"]])
    found = replay.screen(
        finished, decontamination=Decontamination(rule="gpt3-13gram", against=(str(bench),), field="q")
    )
    assert planted["id"] in {one["id"] for one in found["leave"]}
    assert task["id"] in {one["id"] for one in found["tasks_leave"]}
    for one in [*found["leave"], *found["tasks_leave"]]:
        assert (one["was"], one["reason"]) == ("accepted", "contaminated")
        assert one["nearest"].id.startswith("other.jsonl other.jsonl:")


def test_what_a_benchmark_kept_out_enters_without_it(guarded: Path):
    found = replay.screen(guarded, decontamination=Decontamination())
    kept_out = {row["id"] for row in rejected(guarded, "grow", "contaminated")}
    entering = {one["id"] for one in found["enter"]}
    # A contaminated one that enters may have another behind it, which repeats it.
    assert entering
    assert entering <= kept_out
    assert all(one["was"] == "contaminated" and one["text"] for one in found["enter"])
    assert found["decontaminate"] == ""


def test_a_task_that_a_benchmark_kept_out_enters_without_it(finished: Path, tmp_path: Path):
    tasks = [row for row in jsonl.rows(RunDir(finished).accepted("tasks")) if len(row["input"].split()) > 13]
    bench = benchmark(tmp_path / "inputs.jsonl", [row["input"] for row in tasks])
    expand(tmp_path / "run", decontaminate={"rule": "gpt3-13gram", "against": [str(bench)]})
    kept_out = rejected(tmp_path / "run", "instantiate", "contaminated")
    found = replay.screen(tmp_path / "run", decontamination=Decontamination())
    assert {one["id"] for one in found["tasks_enter"]} == {row["id"] for row in kept_out} != set()
    assert all(one["text"].count("\n\n") for one in found["tasks_enter"]), "the instruction stands before the input"
    own = replay.screen(tmp_path / "run")
    assert (own["tasks_enter"], own["tasks_leave"]) == ([], [])


def test_the_command_replays_answers_and_benchmarks_and_leaves_the_run_as_it_is(finished: Path, tmp_path: Path):
    planted = next(jsonl.rows(RunDir(finished).accepted("instructions")))
    bench = benchmark(tmp_path / "other.jsonl", [planted["instruction"]])
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    done = command(
        "screen", finished, "--answers", 0.3, "--decontaminate", "openthoughts", "--against", bench,
        "--out", tmp_path / "found.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()} == before
    counts = json.loads(done.stdout.splitlines()[0])
    whole = json.loads((tmp_path / "found.json").read_text())
    assert (counts["answers"], counts["decontaminate"]) == (0.3, "openthoughts")
    assert counts["answers_leave"] == len(whole["answers_leave"]) > 0
    assert counts["leave"] == len(whole["leave"]) > 0
    assert any(line.startswith("answers_leave ") for line in done.stdout.splitlines())


def test_a_rule_without_a_benchmark_or_by_another_name_is_wrong_usage(finished: Path):
    done = command("screen", finished, "--decontaminate", "tulu3-8gram")
    assert (done.returncode, "go together" in done.stderr) == (2, True)
    done = command("screen", finished, "--decontaminate", "tulu3", "--against", "seeds")
    assert (done.returncode, "is one of" in done.stderr) == (2, True)


def test_dropped_answers_cannot_be_replayed_without_the_ledger(strict: Path, tmp_path: Path):
    run = shutil.copytree(strict, tmp_path / "run")
    (run / "ledger.sqlite").unlink()
    assert replay.screen(run)["answers_enter"] == []
    with pytest.raises(InputError, match="answers that were dropped, and embeddings, are read from the ledger"):
        replay.screen(run, answers=0.9)
    with Ledger(run / "ledger.sqlite"):
        pass
    with pytest.raises(InputError, match="restore the ledger"):
        replay.screen(run, answers=0.9)


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
