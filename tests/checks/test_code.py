"""The check of code: what it finds in the table of cases, what it takes for code, and what it refuses to decide."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cases_code import CASES, DOUBLE, HELD_OUT

from synthgen import checks, sandbox
from synthgen.checks import code
from synthgen.checks.code_inside import source
from synthgen.errors import ConfigError
from synthgen.records import Check
from synthgen.sandbox import Limits, Sandbox
from synthgen.stages import seeds as seed_files

SEEDS = Path(__file__).parents[2] / "seeds" / "seed_tasks.jsonl"
HOLDING = next((one for one in sandbox.possible() if not sandbox.tried(one)), None)
QUICK = Limits(cpu_seconds=3, wall_seconds=120, memory_bytes=256 << 20)
AT_ONCE = os.cpu_count() or 1
PART = 49
needs_sandbox = pytest.mark.skipif(HOLDING is None, reason="this machine has neither bubblewrap nor user namespaces")
GOOD = "```python\ndef double(x): return x * 2\n```"


@needs_sandbox
@pytest.mark.parametrize("first", range(0, len(CASES), PART))
def test_it_finds_what_a_careful_reader_finds(first):
    cases = CASES[first : first + PART]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        found = list(threads.map(lambda case: code.judged(case[0], case[2], HOLDING, QUICK), cases))
    assert [(case[0], one) for case, one in zip(cases, found, strict=True) if one.passed is not case[3]] == []


def test_the_table_is_large_and_even():
    for cases in (CASES, HELD_OUT):
        right = sum(passed for *_, passed in cases)
        assert 0.4 < right / len(cases) < 0.6
    assert len(CASES) >= 200
    assert len({(answer, str(args)) for answer, _, args, _ in CASES}) == len(CASES)


@needs_sandbox
def test_every_seed_passes_its_own_tests():
    seeds = [one for one in seed_files.read(SEEDS) if one.verifier and one.verifier.kind == "code"]
    assert seeds
    for seed in seeds:
        check = Check(name="code", kind="answer", args=seed.verifier.args, source=f"seed:{seed.id}")
        assert checks.run(check, seed.instances[0].output, seed.instances[0].input).passed, seed.id


@needs_sandbox
def test_a_failure_names_the_test_and_shows_no_control_character():
    found = code.judged("def double(x): raise ValueError('\\x1b[2J' + chr(10) + 'y' * 500)", DOUBLE, HOLDING)
    assert not found.passed
    assert found.detail.startswith("test 1 of 4: ValueError")
    assert found.detail.isprintable()


@needs_sandbox
def test_what_the_wall_clock_stops_is_undecided():
    sleeping = "import time\ndef double(x): time.sleep(600)"
    found = code.judged(sleeping, DOUBLE, HOLDING, Limits(wall_seconds=1))
    assert found.passed is None


@needs_sandbox
def test_one_state_lasts_from_test_to_test():
    args = {"entry": "book", "tests": ["book('a') == ['a']", "book('b') == ['b']"]}
    assert code.judged("def book(x, v=[]):\n    v.append(x)\n    return v", args, HOLDING).passed is False
    assert code.judged("def book(x): return [x]", args, HOLDING).passed is True


def test_without_a_sandbox_nothing_is_decided():
    found = code.judged(GOOD, DOUBLE, Sandbox("bubblewrap", "/no/such/bwrap"))
    assert found.passed is None
    assert "cannot be started" in found.detail


def test_it_works_unsandboxed_where_that_is_asked_for():
    assert code.judged(GOOD, DOUBLE, Sandbox("none")).passed is True
    assert code.judged("def double(x): return 1", DOUBLE, Sandbox("none")).passed is False


def test_an_answer_without_end_fails():
    assert code.judged("x = 1\n" * 100_000, DOUBLE, Sandbox("none")).passed is False


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ({}, "either tests or cases"),
        ({"tests": []}, "either tests or cases"),
        ({"tests": ["f()"], "cases": [{"input": "", "output": ""}]}, "either tests or cases"),
        ({"tests": "f()"}, "either tests or cases"),
        ({"tests": ["f() =="]}, "not Python"),
        ({"tests": [""]}, "no text"),
        ({"tests": [3]}, "no text"),
        ({"tests": ["\0"]}, "not Python"),
        ({"entry": "f; g", "tests": ["f()"]}, "no name"),
        ({"entry": 3, "tests": ["f()"]}, "no name"),
        ({"cases": [{"input": "1"}]}, "input and output"),
        ({"cases": ["1"]}, "input and output"),
    ],
)
def test_wrong_arguments_are_refused(args, complaint):
    with pytest.raises(ConfigError, match=complaint):
        code.check(GOOD, args)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("```python\ndef f(): return 1\n```\nthen\n```python\ndef f(): return 2\n```", "def f(): return 2"),
        ("Use `f`:\n\ndef f():\n    return 1\n\nAnd that is all.", "def f():\n    return 1\n"),
        ("```\r\ndef f():\r\n  return 1\r\n```", "def f():\n  return 1"),
        ("```python\nA = 1\n```\n```python\ndef f(): return A\n```", "A = 1\ndef f(): return A"),
        ("```python\nprint(f())\n```\n```python\ndef f(): return 1\n```", "def f(): return 1"),
    ],
)
def test_the_code_of_an_answer_is_found(answer, expected):
    assert source(answer, "f") == expected


@pytest.mark.parametrize(
    "text", ["", "no code", "```", "```python\n```", "```" * 5000, "(" * 100_000, "-" * 100_000 + "1", "\0", "\ud800"]
)
def test_a_text_without_code_is_an_error_and_no_crash(text):
    with pytest.raises((LookupError, SyntaxError, ValueError, MemoryError, RecursionError)):
        source(text, "f")
