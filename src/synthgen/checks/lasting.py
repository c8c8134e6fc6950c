"""A helper process that answers one question after another, and is replaced when one takes too much time or memory.

What cannot be stopped from within Python (a pattern, a formula) is computed there. The process bounds its own computing and memory, so
that what else the machine does decides nothing; the wall clock is a backstop. It reads JSON lines from a pipe from here, and so ends
with us; it is given no keys. Threads take turns.
"""

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

WALL_SECONDS = 60.0
"""For one question, the start of the process included."""
KEPT = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
"""Of the environment, what Python needs."""


class Lasting:
    """One process and its turn."""

    def __init__(self, program: Path, seconds: float = WALL_SECONDS) -> None:
        self.program, self.seconds = program, seconds
        self.turn = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.owner = 0
        """The process that started it: what a fork inherits is not its own."""
        atexit.register(self.stop)

    def ask(self, question: dict[str, Any]) -> dict[str, Any] | None:
        """The answer; None where the process died of the question or took too long."""
        line = json.dumps(question).encode() + b"\n"
        with self.turn:
            found = self.answered(line)
            if found is None:
                self.stop()
            return found

    def answered(self, line: bytes) -> dict[str, Any] | None:
        """The process's line, read."""
        if self.process is None or self.process.poll() is not None or self.owner != os.getpid():
            self.start()
        process = self.process
        if process is None or process.stdin is None or process.stdout is None:
            return None
        said = exchanged(process.stdin.fileno(), process.stdout.fileno(), line, self.seconds)
        try:
            found = json.loads(said) if said.endswith(b"\n") else None
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def start(self) -> None:
        """Start a process, where the system lets us."""
        self.stop()
        with contextlib.suppress(OSError):
            self.process = subprocess.Popen(
                [sys.executable, "-P", str(self.program)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={name: os.environ[name] for name in KEPT if name in os.environ},
                bufsize=0,
                start_new_session=True,
            )
            assert self.process.stdin is not None  # noqa: S101 - it is a pipe
            os.set_blocking(self.process.stdin.fileno(), False)
            self.owner = os.getpid()

    def stop(self) -> None:
        """End the process, if it is ours."""
        process, self.process = self.process, None
        if process is None or self.owner != os.getpid():
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def exchanged(writes: int, reads: int, question: bytes, seconds: float) -> bytes:
    """What comes back for a question: a whole line, or what there was of it when the process ended or the time was over."""
    left, said, ends = memoryview(question), bytearray(), time.monotonic() + seconds
    poll = select.poll()
    poll.register(reads, select.POLLIN)
    poll.register(writes, select.POLLOUT)
    while not said.endswith(b"\n") and (wait := ends - time.monotonic()) > 0:
        for source, _ in poll.poll(1000 * wait):
            try:
                if source == reads:
                    piece = os.read(reads, 1 << 16)
                    said += piece
                    if not piece:
                        return bytes(said)
                elif left:
                    left = left[os.write(writes, left[: 1 << 16]) :]
            except BlockingIOError:
                continue
            except OSError:  # it is gone
                return b""
        if not left:
            with contextlib.suppress(KeyError):
                poll.unregister(writes)
    return bytes(said)
