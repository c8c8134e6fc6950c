"""`synthgen answer`, killed and interrupted: the same command goes on, to the same bytes, and pays twice for little."""

import json
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import clean_environment, outputs
from test_kill import asked, calls, gone, kill_at

from synthgen.rehearsal.items import items

CONCURRENCY, PROMPTS = 16, 300


@pytest.fixture
def teacher() -> Iterator[str]:
    """The address of a rehearsal that counts what it is asked."""
    command = [sys.executable, str(Path(__file__).with_name("counting_server.py")), "0.04"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        yield f"http://127.0.0.1:{json.loads(server.stdout.readline())['port']}"
        server.stdin.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of prompts."""
    path = tmp_path / "prompts.jsonl"
    rows = ({"id": f"mine-{number}", "prompt": f"Say what number {number} is good for."} for number in range(PROMPTS))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def start(source: Path, out: Path, teacher: str, *more: str) -> subprocess.Popen[bytes]:
    """The command, as a process of its own that can be killed."""
    words = ["answer", str(source), "--out", str(out), "--teacher", f"{teacher}/v1", "--no-prefect", *more]
    return subprocess.Popen(
        [sys.executable, "-c", "from synthgen.cli import main; main()", *words, "--concurrency", str(CONCURRENCY)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**clean_environment(), "SYNTHGEN_TEST_MARK": str(out)},
    )


@pytest.mark.parametrize("strategy", ["none", "auto"])
def test_killed_half_way_the_same_command_goes_on_to_the_same_bytes(
    source: Path, teacher: str, tmp_path: Path, strategy: str
):
    unkilled, out, rng = tmp_path / "unkilled", tmp_path / "run", random.Random(3)
    start(source, unkilled, teacher, "--strategy", strategy).communicate(timeout=120)
    before, whole = asked(teacher)["asked"], calls(unkilled)
    for moment in (whole // 4, whole // 2):
        assert kill_at(start(source, out, teacher, "--strategy", strategy), out, moment, rng), "it was over too soon"
        assert gone(str(out)), "a process outlived its parent"
    last = start(source, out, teacher, "--strategy", strategy)
    _, errors = last.communicate(timeout=120)
    assert last.returncode == 0, errors
    assert outputs(out) == outputs(unkilled)
    assert calls(out) == whole
    assert whole == PROMPTS or strategy == "auto"
    # Of each kill those in flight; a first contact is one.
    assert asked(teacher)["asked"] - before - whole <= 2 * (CONCURRENCY + 1) + 1


def test_killed_while_answers_are_checked_the_same_command_goes_on_to_the_same_bytes(teacher: str, tmp_path: Path):
    source, unkilled, out, rng = tmp_path / "items.jsonl", tmp_path / "unkilled", tmp_path / "run", random.Random(4)
    code = {"name": "code", "args": {"entry": "f", "tests": ["f(1) == 2"]}}  # the rehearsal's programs are none
    rows = [
        *items(12, 1, ("mathematics", "classification", "knowledge")),
        {"prompt": "Write f.", "category": "code-writing", "check": code},
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    more = ("--samples", "4", "--sufficient", "0.4")
    start(source, unkilled, teacher, *more).communicate(timeout=120)
    before, whole = asked(teacher)["asked"], calls(unkilled)
    for moment in (whole // 3, whole // 2):
        assert kill_at(start(source, out, teacher, *more), out, moment, rng), "it was over too soon"
        assert gone(str(out)), "a process outlived its parent"
    last = start(source, out, teacher, *more)
    _, errors = last.communicate(timeout=120)
    assert last.returncode == 0, errors
    assert outputs(out) == outputs(unkilled)
    assert asked(teacher)["asked"] - before - whole <= 2 * (CONCURRENCY + 1) + 1


def test_an_interrupt_keeps_everything_and_exits_with_three(source: Path, teacher: str, tmp_path: Path):
    out = tmp_path / "run"
    process = start(source, out, teacher, "--strategy", "none")
    until = time.monotonic() + 30
    while calls(out) < 40 and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 3, errors
    assert b"the same command goes on" in errors
    assert b"Traceback" not in errors
    last = start(source, out, teacher, "--strategy", "none")
    last.communicate(timeout=120)
    assert last.returncode == 0
    unkilled = tmp_path / "unkilled"
    start(source, unkilled, teacher, "--strategy", "none").communicate(timeout=120)
    assert outputs(out) == outputs(unkilled)
    with urllib.request.urlopen(f"{teacher}/counts") as answer:
        assert json.loads(answer.read())["different"] == PROMPTS + 1
