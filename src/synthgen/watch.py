"""Run a command that must not outlive its starter: `python -m synthgen.watch [--grace SECONDS] COMMAND ...`.

Standard input is a pipe from the starter. It ends when the starter does, however it dies, SIGKILL included; then the
command is ended with everything it started: its whole session. The same when the command itself ends and leaves
something behind. With a grace the session is asked first (SIGTERM), and killed after so many seconds.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

LOOK_EVERY_SECONDS = 0.1
TRACKER, TRACKER_SECONDS = b"multiprocessing.resource_tracker", 2.0
"""How Python's processes that clean up after others are called, and how long they may take."""


def main(arguments: list[str]) -> int:
    """Start a command in its own session and wait for its end or the pipe's; its exit code, 128 + N for signal N."""
    grace = 0.0
    if arguments[0] == "--grace":
        grace, arguments = float(arguments[1]), arguments[2:]
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: told.append(got))
    # An interrupt of the terminal reaches the whole foreground group; the starter decides what it means.
    signal.signal(signal.SIGINT, lambda *_: None)
    # Only now: a signal that ended the watcher before it watches would leave the command to itself.
    child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, start_new_session=True)
    while child.poll() is None and not told and not ended(LOOK_EVERY_SECONDS):
        pass
    end(child, grace)
    code = child.wait()
    return code if code >= 0 else 128 - code


def ended(seconds: float) -> bool:
    """Whether the pipe on standard input has ended; waits so long for it."""
    readable, _, _ = select.select([sys.stdin.fileno()], [], [], seconds)
    return bool(readable) and not os.read(sys.stdin.fileno(), 4096)


def end(child: subprocess.Popen[bytes], grace_seconds: float) -> None:
    """End the child's session: ask, wait so long, kill what is left."""
    until = time.monotonic() + grace_seconds
    if grace_seconds:
        to_group(child, signal.SIGTERM)
        while time.monotonic() < until and (child.poll() is None or any(members(child.pid))):
            time.sleep(LOOK_EVERY_SECONDS)
    # Python's trackers remove the shared memory of those they track once these are gone: they go last.
    for pid in members(child.pid):
        if TRACKER not in command_of(pid):
            kill(pid)
    until = time.monotonic() + TRACKER_SECONDS
    while time.monotonic() < until and any(members(child.pid)):
        time.sleep(LOOK_EVERY_SECONDS)
    to_group(child, signal.SIGKILL)
    for pid in members(child.pid):
        kill(pid)


def kill(pid: int) -> None:
    """Kill a process, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def command_of(pid: int) -> bytes:
    """The command line of a process; nothing of one that has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def to_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the child's process group, as far as there is one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def members(session: int) -> Iterator[int]:
    """The living processes of a session; none where the system has no /proc."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            # "pid (name) state ppid pgrp session ...": the name may hold spaces and brackets.
            state, _, _, found = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(found) == session and state not in {"Z", "X"}:
                yield int(folder.name)


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
