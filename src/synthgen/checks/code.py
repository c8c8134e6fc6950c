"""Code: what an answer's code does, against tests or cases, in the sandbox.

`code_inside.py` runs there. With tests, the code and the tests are two processes, and only values pass between them; with
cases, the code is a program that reads and prints, and what it prints is compared here. So nothing that is expected is ever in
reach of the code.
"""

import json
import logging
import marshal
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from synthgen import sandbox
from synthgen.checks.code_inside import NO_ROOM
from synthgen.checks.found import Found
from synthgen.errors import ConfigError
from synthgen.sandbox import Limits, Ran, Sandbox

INSIDE = Path(__file__).with_name("code_inside.py")
LIMITS = Limits()
LONGEST_ANSWER = 200_000
"""Characters."""
ENDS = {
    "timeout": "out of time",
    "memory": "out of memory",
    "killed": "it ended by a signal",
    "output": "too much output",
}


def check(answer: str, args: Mapping[str, Any], _given: str = "") -> Found:
    """Whether the code of an answer passes, in the sandbox of this machine."""
    return judged(answer, args)


def judged(answer: str, args: Mapping[str, Any], within: Sandbox | None = None, limits: Limits = LIMITS) -> Found:
    """Whether the code of an answer passes.

    args: `tests`, statements or expressions that must hold, with `entry`, the name that the code must define ("" for any); or
    `cases`, each an `input` and the `output` that a program prints for it. Undecided without a sandbox, and where the wall clock
    stopped it.
    """
    tests, cases, entry = arguments(args)
    if not answer.strip():  # so a check is read without running anything
        return Found(False, "no code")
    if len(answer) > LONGEST_ANSWER:
        return Found(False, f"more than {LONGEST_ANSWER} characters")
    try:
        within = within or sandbox.find()
        return passes(within, limits, answer, entry, tests) if tests else prints(within, limits, answer, entry, cases)
    except ConfigError as error:
        why = str(error)
    except OSError as error:  # no descriptor is left, even for a file of our own
        why = f"this machine has no room: {error.strerror or error}"
    refused(why)
    return Found(None, why)


@cache
def refused(why: str) -> None:
    """Say once that code is not run, and why."""
    logging.getLogger("synthgen").warning("checks of code stay undecided: %s", why)


def arguments(args: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, str]], str]:
    """(tests, cases, entry), or a ConfigError."""
    entry, tests, cases = args.get("entry", ""), args.get("tests", []), args.get("cases", [])
    if not isinstance(entry, str) or not (not entry or entry.isidentifier()):
        raise ConfigError(f"check code: entry is no name of Python: {str(entry)[:50]!r}")
    if not isinstance(tests, list) or not isinstance(cases, list) or bool(tests) == bool(cases):
        raise ConfigError("check code: args need either tests or cases, a list that is not empty")
    for one in tests:
        readable(one)
    try:
        return tests, [(str(one["input"]), str(one["output"])) for one in cases], entry
    except (KeyError, TypeError) as error:
        raise ConfigError("check code: every case needs input and output") from error


def readable(test: object) -> None:
    """A ConfigError where a test is not Python."""
    try:
        if not isinstance(test, str) or not test.strip():
            raise ConfigError(f"check code: a test is no text: {str(test)[:50]!r}")
        compile(test, "test", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"check code: a test is not Python ({error}): {str(test)[:50]!r}") from error


def passes(within: Sandbox, limits: Limits, answer: str, entry: str, tests: list[str]) -> Found:
    """Run the tests."""
    ran = within.run(program("main"), stdin=message({"answer": answer, "entry": entry, "tests": tests}), limits=limits)
    if ran.status != "done":
        return stopped(ran)
    if ran.exit_code == NO_ROOM:
        return Found(None, "this machine has no room for a second process")
    try:
        failure = "".join(one if one.isprintable() else " " for one in json.loads(ran.stdout)["failure"])
    except (ValueError, KeyError, TypeError):
        return Found(False, "the run ended without a verdict")
    return Found(not failure, failure or f"{len(tests)} of {len(tests)} tests hold")


def prints(within: Sandbox, limits: Limits, answer: str, entry: str, cases: list[tuple[str, str]]) -> Found:
    """Run the program on each input, until one output is wrong."""
    for number, (given, wanted) in enumerate(cases, 1):
        stdin = message({"answer": answer, "entry": entry}) + given.encode("utf-8", "replace")
        ran = within.run(program("main_of_a_program"), stdin=stdin, limits=limits)
        where = f"case {number} of {len(cases)}"
        if ran.status != "done":
            found = stopped(ran)
            return Found(found.passed, f"{where}: {found.detail}")
        if ran.exit_code:
            last = ran.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            return Found(False, f"{where}: exit code {ran.exit_code}: {last}")
        printed = ran.stdout.decode("utf-8", "replace")
        if trimmed(printed) != trimmed(wanted):
            return Found(False, f"{where}: printed {printed[:60]!r}, not {wanted[:60]!r}")
    return Found(True, f"{len(cases)} of {len(cases)} cases")


def stopped(ran: Ran) -> Found:
    """What a run that was stopped says: nothing, where a loaded machine may be at fault."""
    if ran.by_the_clock:
        return Found(None, "out of time by the wall clock")
    return Found(False, ENDS[ran.status])


def trimmed(text: str) -> list[str]:
    """The lines of an output, without blanks at their ends and without empty ones at the end."""
    return [line.rstrip() for line in text.rstrip().splitlines()]


def message(job: dict[str, Any]) -> bytes:
    """What the script reads: itself, compiled, and the job."""
    data = json.dumps(job).encode()
    return script() + len(data).to_bytes(8, "big") + data


@cache
def script() -> bytes:
    """`code_inside.py`, compiled here, once, for the same interpreter."""
    return marshal.dumps(compile(INSIDE.read_text(encoding="utf-8"), "code_inside.py", "exec"))


def program(main: str) -> str:
    """A program that reads the script and begins in this function of it."""
    return f"import marshal,os\nn={len(script())}\nb=b''\nwhile len(b)<n:b+=os.read(0,n-len(b))\nexec(marshal.loads(b))\n{main}()"


CHECKS: dict[str, Callable[[str, Mapping[str, Any], str], Found]] = {"code": check}
