"""The watcher ends a command with everything it started, whoever ends first."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import MARK, gone, living

from synthgen import watch

SLEEP = f"{sys.executable} -c 'import time; time.sleep(600)'"


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[str]:
    """A mark of which no process may be left."""
    yield str(tmp_path)
    assert gone(str(tmp_path))


def watched(mark: str, script: str, *options: str) -> subprocess.Popen[bytes]:
    """A shell script under the watcher."""
    return subprocess.Popen(
        [sys.executable, "-I", watch.__file__, *options, "/bin/bash", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={MARK: mark, "PATH": "/usr/bin:/bin"},
    )


def test_the_exit_code_is_the_commands(mark: str):
    with watched(mark, "exit 7") as process:
        assert process.wait() == 7
        process.stdin.close()
    with watched(mark, "kill -KILL $$") as process:
        assert process.wait() == 128 + 9
        process.stdin.close()


def test_what_a_command_leaves_behind_ends_with_it(mark: str):
    with watched(mark, f"{SLEEP} & exit 0") as process:
        assert process.wait() == 0
        process.stdin.close()
    assert gone(mark)


def test_when_the_pipe_ends_all_of_the_session_ends(mark: str):
    # `set -m` puts each job into a process group of its own.
    with watched(mark, f"set -m; {SLEEP} & {SLEEP} & echo ready; wait") as process:
        assert process.stdout.readline() == b"ready\n"
        assert len(living(mark)) >= 4
        process.stdin.close()
        assert process.wait() == 128 + 9
    assert gone(mark)


def test_with_a_grace_a_command_may_tidy_up_first(mark: str, tmp_path: Path):
    tidy = f"trap 'echo tidied > {tmp_path}/said; exit 0' TERM; echo ready; while true; do sleep 0.05; done"
    with watched(mark, tidy, "--grace", "10") as process:
        process.stdout.readline()
        process.stdin.close()
        assert process.wait() == 0
    assert (tmp_path / "said").read_text() == "tidied\n"


def test_after_the_grace_a_stubborn_command_is_killed(mark: str):
    with watched(mark, "trap '' TERM; echo ready; while true; do sleep 0.05; done", "--grace", "0.3") as process:
        process.stdout.readline()
        process.stdin.close()
        assert process.wait() == 128 + 9


def test_shared_memory_of_what_is_killed_is_removed(mark: str, tmp_path: Path):
    script = tmp_path / "sharing.py"
    script.write_text(
        "import signal, time\nfrom multiprocessing.shared_memory import SharedMemory\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print(SharedMemory(create=True, size=64).name, flush=True)\ntime.sleep(600)\n"
    )
    with watched(mark, f"exec {sys.executable} {script}", "--grace", "0.2") as process:
        name = process.stdout.readline().decode().strip()
        assert (Path("/dev/shm") / name).exists()
        process.stdin.close()
        assert process.wait() == 128 + 9
    assert not (Path("/dev/shm") / name).exists()


def test_an_interrupt_of_the_terminal_leaves_the_end_to_the_starter(mark: str):
    with watched(mark, "echo ready; sleep 600") as process:
        process.stdout.readline()
        process.send_signal(2)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.stdin.close()
        process.wait()
