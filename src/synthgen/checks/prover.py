"""Ask the worker of `maths_worker.py` whether two formulas are equal: one process, kept alive, replaced when it runs over.

It may be asked from several threads; they take turns. The worker's standard input is a pipe from here, so it ends with us.
"""

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple

from synthgen.checks.formulas import Tree

SECONDS, FIRST_SECONDS = 3.0, 20.0
"""For one question, and for the first one of a worker, which has to start."""
WORKER = Path(__file__).with_name("maths_worker.py")
KEPT = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
"""Of the environment, what Python needs: no keys."""


class Verdict(NamedTuple):
    """What the worker said."""

    equal: bool | None
    why: str = ""


class Prover:
    """One worker and its turn."""

    def __init__(self, worker: Path = WORKER, seconds: float = SECONDS, first: float = FIRST_SECONDS) -> None:
        self.worker, self.seconds, self.first = worker, seconds, first
        self.turn = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.owner = 0
        """The process that started the worker: what a fork inherits is not its own."""

    def same(self, truth: Tree, given: Tree, slack: Tree | None = None) -> Verdict:
        """Whether two formulas are equal, or values within a slack; None and why where the worker cannot say so in time."""
        line = json.dumps({"truth": truth, "given": given, "slack": slack}).encode() + b"\n"
        with self.turn:
            reply = self.reply(line)
            if reply is None:
                self.stop()
                return Verdict(None, "the comparison took too much time or memory")
            return Verdict(reply["equal"], reply["why"])

    def reply(self, line: bytes) -> dict[str, Any] | None:
        """The worker's line, read; None where it has died or is not done in time."""
        seconds = self.seconds
        if self.process is None or self.process.poll() is not None or self.owner != os.getpid():
            self.start()
            seconds = self.first
        process = self.process
        if process is None or process.stdin is None or process.stdout is None:
            return None
        try:
            process.stdin.write(line)
            process.stdin.flush()
        except OSError:
            return None
        poll = select.poll()
        poll.register(process.stdout, select.POLLIN | select.POLLHUP)
        said = process.stdout.readline() if poll.poll(seconds * 1000) else b""
        found: dict[str, Any] | None = json.loads(said) if said.endswith(b"\n") else None
        return found

    def start(self) -> None:
        """Start a worker, where the system lets us."""
        self.stop()
        with contextlib.suppress(OSError):
            self.process = subprocess.Popen(
                [sys.executable, "-P", str(self.worker)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={name: os.environ[name] for name in KEPT if name in os.environ},
                start_new_session=True,
            )
            self.owner = os.getpid()

    def stop(self) -> None:
        """End the worker, if it is ours."""
        process, self.process = self.process, None
        if process is None or self.owner != os.getpid():
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


PROVER = Prover()
"""The one that the checks ask."""
atexit.register(PROVER.stop)
