"""A process of its own that matches patterns and validates against schemas, since neither can be stopped from within Python.

`ask` hands it one job at a time. It is killed by the system where a job takes longer than SECONDS of computing, and the next
job starts another. The file is also the program of that process, and therefore imports nothing of synthgen.
"""

import atexit
import contextlib
import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

SECONDS = 1
"""Of computing, for one job."""
MOST_BYTES = 1 << 30
"""Memory of the process."""


class Worker:
    """One process, started when first needed; jobs take turns."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, job: dict[str, Any]) -> dict[str, Any] | None:
        """What was found, `{"fault": ...}` where the job itself is wrong, or None where it took too much time or memory."""
        line = json.dumps(job).encode() + b"\n"
        with self._turn:
            if self._process is None:
                self._process = started()
            reply = exchanged(self._process, line)
            if reply is None:
                self._stop()
        return reply

    def close(self) -> None:
        """End the process."""
        with self._turn:
            self._stop()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()  # closes the pipes


def started() -> subprocess.Popen[bytes]:
    """A process that reads a job a line. It ends with its input, thus with its parent."""
    return subprocess.Popen(
        [sys.executable, "-I", str(Path(__file__))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def exchanged(process: subprocess.Popen[bytes], line: bytes) -> dict[str, Any] | None:
    """The reply to one job, or None from a process that died of it."""
    if process.stdin is None or process.stdout is None:
        return None
    try:
        process.stdin.write(line)
        process.stdin.flush()
    except BrokenPipeError:
        return None
    reply = process.stdout.readline()
    found: dict[str, Any] | None = json.loads(reply) if reply.endswith(b"\n") else None
    return found


WORKER = Worker()
ask = WORKER.ask
atexit.register(WORKER.close)


def main() -> None:
    """Answer jobs until the input ends."""
    import signal

    bound_memory()
    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # nothing catches SIGPROF: the system ends the process
        try:
            reply = answered(json.loads(line))
        except MemoryError:
            break
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


def bound_memory() -> None:
    """Ask for a bound on memory, where the system knows one."""
    import resource

    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))


def answered(job: dict[str, Any]) -> dict[str, Any]:
    """What is found by one job."""
    try:
        return validated(job["schema"], job["value"]) if "schema" in job else matched(job["pattern"], job["text"])
    except re.error as error:
        return {"fault": f"the pattern cannot be read: {error}"}
    except (RecursionError, OverflowError, ArithmeticError) as error:
        return {"passed": None, "detail": f"could not be computed: {type(error).__name__}"}


def matched(pattern: str, text: str) -> dict[str, Any]:
    """Whether a whole text matches; a dot is any character."""
    return {"passed": re.fullmatch(pattern, text, re.DOTALL) is not None, "detail": ""}


def validated(schema: Any, value: Any) -> dict[str, Any]:
    """Whether a value fits a JSON schema. What the schema refers to is looked for in the schema itself, never fetched."""
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.validators import validator_for
    from jsonschema_specifications import REGISTRY
    from referencing.exceptions import Unresolvable

    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
        first = next(kind(schema, registry=REGISTRY).iter_errors(value), None)
    except SchemaError as error:
        return {"fault": f"no JSON schema: {error.message}"[:200]}
    except Unresolvable as error:
        return {"fault": f"the schema refers to {error.ref}, which does not stand in it; nothing is fetched"[:200]}
    detail = "" if first is None else f"{first.json_path}: {first.message}"
    return {"passed": first is None, "detail": detail[:200]}


if __name__ == "__main__":
    main()
