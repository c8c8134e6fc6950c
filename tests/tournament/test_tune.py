"""`synthgen strategies tune`, from items with known answers to a policy file: the same bytes whatever happens in between."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
import tunecase
from conftest import SEEDS
from tunecase import strategies

from synthgen import policy
from synthgen.rehearsal.items import true_success
from synthgen.strategies import STRATEGIES

WEAK = ("--teacher", "rehearsal-weak")
ARMS = 6


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 items with known answers."""
    return tunecase.written(tmp_path_factory.mktemp("items") / "items.jsonl", 40)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, file: Path) -> Path:
    """The policy of those items."""
    out = tmp_path_factory.mktemp("tuned") / "policy.json"
    done = strategies("tune", "--tune-on", file, "--out", out, *WEAK)
    assert done.returncode == 0, done.stderr
    return out


def calls(out: Path) -> int:
    """Calls that the ledger beside a policy holds."""
    path = out.with_name(f"{out.name}.ledger.sqlite")
    if not path.exists():
        return 0
    with contextlib.closing(sqlite3.connect(path)) as db:
        try:
            return db.execute("select count(*) from calls").fetchone()[0]
        except sqlite3.OperationalError:
            return 0


def test_a_policy_of_the_config_is_not_in_the_way_of_measuring_anew(tuned: Path, file: Path, tmp_path: Path):
    for old in ("gone.json", "told.json"):
        (tmp_path / "synthgen.toml").write_text(f'policy = "{tmp_path / old}"\n')
        if old == "told.json":
            found = json.loads(tuned.read_text())
            for one in found["teacher"]["categories"].values():
                one |= {"strategy": "direct-answer", "think": ""}
            (tmp_path / old).write_text(json.dumps(found))
        out = tmp_path / f"new-{old}"
        ledger = tuned.with_name(f"{tuned.name}.ledger.sqlite")
        more = ("--config", tmp_path / "synthgen.toml", "--ledger", ledger)
        done = strategies("tune", "--tune-on", file, "--out", out, *WEAK, *more)
        assert done.returncode == 0, done.stderr
        assert out.read_bytes() == tuned.read_bytes()


def test_every_arm_is_asked_every_item_and_the_file_says_what_came_of_it(tuned: Path):
    found = policy.load(tuned)
    assert found.sources == {"items.jsonl": 120}
    assert found.teacher.model == "rehearsal-weak"
    answers = found.teacher.answers
    assert answers["tuning"] + answers["held_out"] == ARMS * 120 == calls(tuned)
    assert set(found.teacher.categories) == set(tunecase.CATEGORIES)
    assert sum(one.items for one in found.teacher.categories.values()) * ARMS == answers["tuning"]
    for one in found.teacher.categories.values():
        assert len(one.arms) == ARMS
        for arm in one.arms:
            assert arm.low <= arm.rate <= arm.high
            assert arm.rate == pytest.approx(arm.passed / arm.total, abs=1e-4)
    assert found.teacher.held_out.items * ARMS == answers["held_out"]
    assert set(found.teacher.held_out.over_single) == set(found.prompts)


def test_the_strategy_that_was_planted_to_help_is_chosen(tmp_path: Path):
    out, many = tmp_path / "policy.json", tunecase.written(tmp_path / "many.jsonl", 250, ("mathematics",))
    done = strategies("tune", "--tune-on", many, "--out", out, *WEAK, "--held-out", 0)
    assert done.returncode == 0, done.stderr
    success = {one: true_success("rehearsal-weak", "mathematics", one) for one in STRATEGIES}
    assert policy.load(out).strategy("mathematics") == (max(success, key=success.__getitem__), "")
    worse = {arm.strategy for arm in policy.load(out).teacher.categories["mathematics"].arms if arm.worse}
    assert "direct-answer" in worse


def test_a_rerun_asks_nothing_and_writes_the_same_bytes(tuned: Path, file: Path):
    before, paid = tuned.read_bytes(), calls(tuned)
    again = strategies("tune", "--tune-on", file, "--out", tuned, *WEAK, "--concurrency", 3)
    assert again.returncode == 0, again.stderr
    assert tuned.read_bytes() == before
    assert calls(tuned) == paid


def test_the_table_is_what_show_prints(tuned: Path, file: Path):
    said = strategies("tune", "--tune-on", file, "--out", tuned, *WEAK).stdout
    shown = strategies("show", tuned)
    assert shown.returncode == 0
    assert shown.stdout == said
    assert "teacher rehearsal-weak" in said
    assert "mathematics" in said
    assert "held-out items" in said
    assert "the shipped table" in said


def killed(out: Path, file: Path, sign: int) -> subprocess.CompletedProcess[str]:
    """A command that is stopped while it asks."""
    running = subprocess.Popen(
        tunecase.arguments("tune", "--tune-on", file, "--out", out, *WEAK, "--concurrency", 8),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=tunecase.environment(SYNTHGEN_REHEARSAL="--latency-ms 60 --jitter-ms 60"),
    )
    until = time.monotonic() + 60
    while calls(out) < 100 and time.monotonic() < until and running.poll() is None:
        time.sleep(0.02)
    os.kill(running.pid, sign)
    said, errors = running.communicate(timeout=30)
    return subprocess.CompletedProcess([], running.returncode, said, errors)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_killed_goes_on_to_the_same_bytes(tmp_path: Path, tuned: Path, file: Path, sign: int):
    out = tmp_path / "policy.json"
    stopped = killed(out, file, sign)
    assert not out.exists(), "it was done before it was stopped"
    assert 100 <= calls(out) < ARMS * 120
    if sign == signal.SIGTERM:
        assert stopped.returncode == 3
        assert "the same command goes on" in stopped.stderr
    again = strategies("tune", "--tune-on", file, "--out", out, *WEAK)
    assert again.returncode == 0, again.stderr
    assert out.read_bytes() == tuned.read_bytes()
    assert calls(out) == ARMS * 120


@pytest.mark.parametrize("most", [0, 100, 400])
def test_with_a_limit_of_calls_no_more_are_made_and_a_policy_is_still_written(tmp_path: Path, file: Path, most: int):
    out = tmp_path / "policy.json"
    done = strategies("tune", "--tune-on", file, "--out", out, *WEAK, "--max-calls", most)
    assert done.returncode == 0, done.stderr
    found = policy.load(out).teacher
    assert calls(out) == found.answers["tuning"] + found.answers["held_out"] <= most
    assert calls(out) >= most - ARMS
    assert sum(found.answers.values()) == ARMS * 120


def test_at_a_budget_it_stops_with_code_3_and_with_more_it_goes_on(tmp_path: Path, tuned: Path, file: Path):
    config = tmp_path / "prices.toml"
    config.write_text('[prices."rehearsal-weak"]\nprompt = 1.0\ncached = 1.0\ncompletion = 100.0\n')
    out = tmp_path / "policy.json"
    common = ["tune", "--tune-on", file, "--out", out, *WEAK, "--config", config]
    stopped = strategies(*common, "--budget-usd", 0.8)
    assert stopped.returncode == 3, stopped.stderr
    assert "synthgen: stopped (limit): --budget-usd 0.8" in stopped.stderr
    assert not out.exists()
    paid = calls(out)
    assert 0 < paid < ARMS * 120
    more = strategies(*common, "--budget-usd", 100)
    assert more.returncode == 0, more.stderr
    assert calls(out) == ARMS * 120
    assert out.read_bytes() == tuned.read_bytes()


def test_a_student_is_measured_too_and_chooses_first(tmp_path: Path, file: Path):
    out = tmp_path / "policy.json"
    done = strategies("tune", "--tune-on", file, "--out", out, "--teacher", "rehearsal", "--student", "rehearsal-weak")
    assert done.returncode == 0, done.stderr
    found = policy.load(out)
    assert (found.teacher.model, found.student.model) == ("rehearsal-strong", "rehearsal-weak")
    assert calls(out) == 2 * ARMS * 120
    for name, one in found.student.categories.items():
        if one.strategy:
            assert found.strategy(name) == (one.strategy, one.think)
    assert "student rehearsal-weak" in done.stdout


def test_on_the_seeds_alone_there_is_not_enough_evidence(tmp_path: Path):
    out = tmp_path / "policy.json"
    done = strategies("tune", "--seeds", SEEDS, "--out", out, *WEAK, "--held-out", 0)
    assert done.returncode == 0, done.stderr
    found = policy.load(out).teacher
    assert len(found.categories) > 20
    assert all(one.reason.startswith("not enough evidence") for one in found.categories.values())
    assert policy.load(out).strategy("mathematics") is None
    assert "no held-out items" in done.stdout


def test_several_answers_to_an_item_are_asked_for(tmp_path: Path):
    out, few = tmp_path / "policy.json", tunecase.written(tmp_path / "few.jsonl", 6)
    done = strategies("tune", "--tune-on", few, "--out", out, *WEAK, "--samples", 3)
    assert done.returncode == 0, done.stderr
    assert calls(out) == 3 * ARMS * 18
    arms = [arm for one in policy.load(out).teacher.categories.values() for arm in one.arms]
    assert all(arm.total == 3 * arm.items for arm in arms)


def test_another_ledger_is_used(tmp_path: Path, tuned: Path, file: Path):
    out = tmp_path / "policy.json"
    kept = tuned.with_name(f"{tuned.name}.ledger.sqlite")
    done = strategies("tune", "--tune-on", file, "--out", out, *WEAK, "--ledger", kept)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == tuned.read_bytes()
    assert calls(out) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "--tune-on"),
        (["--tune-on", "none.jsonl"], 1, "none.jsonl does not exist"),
        (["--tune-on", "{file}", "--out", "{file}"], 1, "is there and is no policy"),
        (["--tune-on", "{file}", "--out", "{folder}"], 1, "is a folder"),
        (["--tune-on", "{file}", "--teacher", "http://127.0.0.1:9/v1"], 1, "127.0.0.1:9"),
        (["--tune-on", "{plain}"], 1, "line 1 has neither check nor answer"),
        (["--seeds", "{seeds}"], 1, "there is no item with a known answer"),
    ],
)
def test_what_cannot_begin_says_why_in_one_line(tmp_path: Path, file: Path, arguments: list[str], code: int, said: str):
    (tmp_path / "plain.jsonl").write_text('{"prompt": "Which?"}\n')
    (tmp_path / "seeds.jsonl").write_text('{"instruction": "Name one.", "instances": [{"output": "x"}]}\n')
    places = {
        "file": file, "folder": tmp_path, "plain": tmp_path / "plain.jsonl", "seeds": tmp_path / "seeds.jsonl"
    }  # fmt: skip
    usual = [] if "--out" in arguments else ["--out", str(tmp_path / "policy.json")]
    teacher = [] if "--teacher" in arguments else list(WEAK)
    done = strategies("tune", *(one.format(**places) for one in arguments), *usual, *teacher)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert file.read_text().startswith("{"), "the items are as they were"


def test_show_refuses_what_is_no_policy(tmp_path: Path):
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"a": 1}))
    shown = strategies("show", path)
    assert shown.returncode == 1
    assert "is not a policy" in shown.stderr


def test_a_policy_of_the_config_file_is_not_taken_for_the_shipped_table(tmp_path: Path, tuned: Path, file: Path):
    old, config = tmp_path / "old.json", tmp_path / "synthgen.toml"
    found = policy.load(tuned)
    asked = {
        name: one.model_copy(update={"strategy": "direct-answer"}) for name, one in found.teacher.categories.items()
    }
    changed = found.model_copy(update={"teacher": found.teacher.model_copy(update={"categories": asked})})
    old.write_text(changed.model_dump_json(), encoding="utf-8")
    config.write_text(f"[policy]\nfile = {json.dumps(str(old))}\n", encoding="utf-8")
    out = tmp_path / "policy.json"
    done = strategies("tune", "--tune-on", file, "--out", out, "--config", config, *WEAK)
    assert done.returncode == 0, done.stderr
    assert policy.load(out).teacher.held_out.shipped == found.teacher.held_out.shipped
