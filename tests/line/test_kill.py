"""A run that is killed at any moment goes on as if nothing had happened, and nothing is paid for twice."""

import contextlib
import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import SEEDS, clean_environment, outputs

CONCURRENCY = 16
ARGUMENTS = ["--target", "30", "--concurrency", str(CONCURRENCY), "--seeds", str(SEEDS)]
SLOW = "--latency-ms 4 --jitter-ms 8"


def start(
    out: Path, *more: str, cwd: Path, teacher: str = "rehearsal", rehearsal: str = SLOW
) -> subprocess.Popen[bytes]:
    """The command, as a process of its own that can be killed."""
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from synthgen.cli import main; main()",
            "expand",
            "--out",
            str(out),
            *ARGUMENTS,
            "--teacher",
            teacher,
            *more,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env={**clean_environment(), "SYNTHGEN_REHEARSAL": rehearsal, "SYNTHGEN_TEST_MARK": str(out)},
    )


def descendants(mark: str) -> list[int]:
    """The living processes that were started with this run's mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"SYNTHGEN_TEST_MARK={mark}".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def gone(mark: str, seconds: float = 10) -> bool:
    """Whether every process of a run has ended, within a while."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not descendants(mark):
            return True
        time.sleep(0.05)
    return False


def calls(out: Path) -> int:
    """Calls that the ledger holds."""
    if not (out / "ledger.sqlite").exists():
        return 0
    with contextlib.closing(sqlite3.connect(out / "ledger.sqlite")) as db:
        try:
            return db.execute("select count(*) from calls").fetchone()[0]
        except sqlite3.OperationalError:
            return 0


@pytest.fixture
def counting() -> Iterator[str]:
    """The base URL of a rehearsal that counts what it is asked."""
    command = [sys.executable, str(Path(__file__).with_name("counting_server.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        port = json.loads(server.stdout.readline())["port"]
        yield f"http://127.0.0.1:{port}"
        server.stdin.close()


def asked(url: str) -> dict[str, int]:
    """How many requests the counting server saw, and how many different ones."""
    with urllib.request.urlopen(f"{url}/counts") as answer:
        return json.loads(answer.read())


def kill_at(process: subprocess.Popen[bytes], out: Path, wanted: int, rng: random.Random) -> bool:
    """Kill a run a random while after its ledger holds `wanted` calls; whether it was still alive."""
    until = time.monotonic() + 120
    while calls(out) < wanted and process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    time.sleep(rng.uniform(0, 0.05))
    alive = process.poll() is None
    process.kill()
    process.communicate()
    return alive


def test_killed_ten_times_at_random_the_bytes_are_the_same_and_nothing_is_paid_for_twice(counting: str, tmp_path: Path):
    rng, teacher = random.Random(7), f"{counting}/v1"
    unkilled, out = tmp_path / "unkilled", tmp_path / "run"
    start(unkilled, "--no-prefect", cwd=tmp_path, teacher=teacher).communicate(timeout=120)
    needed, whole = asked(counting)["asked"], calls(unkilled)
    kills = 0
    for moment in sorted(rng.randrange(whole * 17 // 20) for _ in range(10)):
        process = start(out, "--no-prefect", cwd=tmp_path, teacher=teacher)
        kills += kill_at(process, out, moment, rng)
        assert gone(str(out)), "a process outlived its parent"
    last = start(out, "--no-prefect", cwd=tmp_path, teacher=teacher)
    _, errors = last.communicate(timeout=120)
    assert last.returncode == 0, errors
    assert kills == 10
    assert outputs(out) == outputs(unkilled)
    paid = asked(counting)["asked"] - needed
    assert paid - whole <= (CONCURRENCY + 1) * kills  # the probe of the endpoint counts as one
    assert calls(out) == whole


def test_an_interrupt_keeps_everything_and_exits_with_three(finished: Path, tmp_path: Path):
    out = tmp_path / "run"
    process = start(out, "--no-prefect", cwd=tmp_path)
    until = time.monotonic() + 30
    while calls(out) < 20 and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 3, errors
    assert b"Traceback" not in errors
    assert gone(str(out))
    last = start(out, "--no-prefect", cwd=tmp_path)
    last.communicate(timeout=120)
    assert last.returncode == 0
    assert outputs(out) == outputs(finished)


def test_an_interrupt_waits_for_no_reply_that_takes_long(tmp_path: Path):
    out = tmp_path / "run"
    process = start(out, "--no-prefect", cwd=tmp_path, rehearsal="--latency-ms 5 --fault hang=0.3")
    until = time.monotonic() + 30
    while calls(out) < 20 and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)  # a call that hangs would take ten minutes
    assert process.returncode == 3, errors
    assert gone(str(out))


def test_two_commands_on_one_run_do_not_meet(tmp_path: Path):
    out = tmp_path / "run"
    first = start(out, "--no-prefect", cwd=tmp_path, rehearsal="--latency-ms 300")
    until = time.monotonic() + 30
    while calls(out) < 1 and time.monotonic() < until:
        time.sleep(0.02)
    second = start(out, "--no-prefect", cwd=tmp_path)
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 1
    assert f"in use by process {first.pid}".encode() in errors
    first.communicate(timeout=120)
    assert first.returncode == 0


@pytest.mark.prefect
@pytest.mark.parametrize("kills", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_killed_under_prefect_nothing_survives_and_the_bytes_are_the_same(finished: Path, tmp_path: Path, kills: int):
    rng, out = random.Random(kills), tmp_path / "run"
    whole = calls(finished)
    while_starting = kills // 3
    for number in range(kills):
        process = start(out, cwd=tmp_path)
        if number < while_starting:
            time.sleep(rng.uniform(0, 12))
        kill_at(process, out, rng.randrange(whole) if number >= while_starting else 0, rng)
        assert gone(str(out)), "a process outlived its parent"
    last = start(out, cwd=tmp_path)
    _, errors = last.communicate(timeout=200)
    assert last.returncode == 0, errors
    assert outputs(out) == outputs(finished)
    assert calls(out) == whole
    assert gone(str(out))
