"""A helper process is bounded, replaced, shared by threads, given no keys, and ends with whoever started it."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from synthgen.checks.lasting import Lasting

ECHO = "import json, sys\nfor line in sys.stdin:\n    sys.stdout.write(line)\n    sys.stdout.flush()\n"
SLOW = "import sys, time\nfor line in sys.stdin:\n    time.sleep(60)\n"
GREEDY = (
    "import resource, sys\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))\n"
    "for line in sys.stdin:\n    while 'endless' in line:\n        pass\n    sys.stdout.write(line)\n    sys.stdout.flush()\n"
)


@pytest.fixture
def lasting(tmp_path: Path):
    """A function of a program's text, and of how long it may take."""
    started: list[Lasting] = []

    def of(text: str, seconds: float = 60.0) -> Lasting:
        program = tmp_path / f"program{len(started)}.py"
        program.write_text(text)
        started.append(Lasting(program, seconds))
        return started[-1]

    yield of
    for one in started:
        one.stop()


def test_one_process_answers_question_after_question(lasting):
    one = lasting(ECHO)
    assert [one.ask({"n": n}) for n in range(3)] == [{"n": n} for n in range(3)]
    first = one.process.pid
    assert one.ask({"n": 3}) == {"n": 3}
    assert one.process.pid == first


def test_a_process_that_was_killed_is_replaced(lasting):
    one = lasting(ECHO)
    assert one.ask({"n": 1}) == {"n": 1}
    os.kill(one.process.pid, signal.SIGKILL)
    one.process.wait()
    assert one.ask({"n": 2}) == {"n": 2}


def test_what_takes_too_much_computing_is_not_answered_and_the_next_question_is(lasting):
    one = lasting(GREEDY)
    assert one.ask({"say": "endless"}) is None
    assert one.ask({"say": "this"}) == {"say": "this"}


def test_what_sleeps_is_ended_by_the_clock(lasting):
    one = lasting(SLOW, 0.2)
    assert one.ask({}) is None
    assert one.process is None


@pytest.mark.parametrize(
    "text",
    [
        "import sys, time\nfor line in sys.stdin:\n    print('{\"half\": ', end='', flush=True)\n    time.sleep(60)\n",
        "import time\ntime.sleep(60)\n",
        "import sys\nfor line in sys.stdin:\n    print('no JSON', flush=True)\n",
        "print('[1]', flush=True)\ninput()\n",
    ],
    ids=["half a line", "reads nothing", "no JSON", "no object"],
)
def test_what_cannot_be_understood_or_never_comes_is_no_answer(lasting, text: str):
    one = lasting(text, 1.0)
    assert one.ask({"long": "x" * 1_000_000}) is None
    assert one.process is None


def test_long_questions_and_answers_arrive_whole(lasting):
    assert lasting(ECHO).ask({"long": "x" * 5_000_000}) == {"long": "x" * 5_000_000}


def test_threads_take_turns(lasting):
    one, found = lasting(ECHO), {}
    threads = [threading.Thread(target=lambda n=n: found.update({n: one.ask({"n": n})})) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: {"n": n} for n in range(40)}


def test_it_is_given_no_keys(lasting, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    one = lasting(ECHO)
    assert one.ask({"n": 1}) == {"n": 1}
    assert b"sk-secret" not in Path(f"/proc/{one.process.pid}/environ").read_bytes()


def test_it_ends_with_its_starter_even_when_that_is_killed(tmp_path: Path):
    program = tmp_path / "echo.py"
    program.write_text(ECHO)
    starter = (
        "import os, signal, pathlib\nfrom synthgen.checks.lasting import Lasting\n"
        f"one = Lasting(pathlib.Path({str(program)!r}))\nassert one.ask({{}}) == {{}}\n"
        "print(one.process.pid, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", starter], capture_output=True, text=True, check=False)
    worker = Path(f"/proc/{int(done.stdout)}/stat")
    for _ in range(600):
        if not worker.exists() or worker.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        threading.Event().wait(0.05)
    pytest.fail("it outlives its starter")
