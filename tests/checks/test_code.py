"""The check of code: what it finds in the table of cases, what it takes for code, and what it refuses to decide."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cases_code import CASES, DOUBLE, HELD_OUT

from synthgen import sandbox
from synthgen.checks import code
from synthgen.checks import registry as checks
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


FORGED = [
    # an error without a name
    ("f(2) == 4", "def f(x): raise type('', (Exception,), {})()"),
    # what comes of an object and the expected value, by another way to a plain one
    ("abs(f(2) - 4) < 1e-9", "class Zero(int): pass\nclass X:\n    def __sub__(self, other): return Zero(0)\ndef f(x): return X()"),
    ("-(f(2) - 4) == 0", "class X:\n    def __sub__(self, other): return self\n    def __neg__(self): return 0\ndef f(x): return X()"),
    ("(f(2) - 4).days == 0", "class X:\n    days = 0\n    def __sub__(self, other): return self\ndef f(x): return X()"),
    ("(f(2) - 4)[0] == 0", "class X:\n    def __sub__(self, other): return self\n    def __getitem__(self, n): return 0\ndef f(x): return X()"),
    ("all(x % 2 == 0 for x in f(2))", "class Zero(int): pass\nclass X:\n    def __mod__(self, other): return Zero(0)\ndef f(x): return [X()]"),
    # an end where there is none
    ("all(map(lambda x: f(x) == 2 * x, [1, 2]))", "def f(x): raise StopIteration"),
    ("all(map(lambda x: f(x) == 2 * x, [1, 2]))", "class Mine(StopIteration): pass\ndef f(x): raise Mine"),
    ("all(map(lambda x: f(x).of == x, [1, 2]))", "class X:\n    @property\n    def of(self): raise StopIteration\ndef f(x): return X()"),
    # a context that puts the failure away
    ("with f(2) as r:\n    assert r == 4", "class X:\n    def __enter__(self): return 5\n    def __exit__(self, *error): return True\ndef f(x): return X()"),
    ("with f(2) as r:\n    assert r < 4", "class X:\n    def __enter__(self): return self\n    def __exit__(self, *error): return True\ndef f(x): return X()"),
    ("def held(r):\n    assert r['a'] == 4\nwith f(2) as r:\n    held(r)", "class X:\n    def __enter__(self): return self\n    def __exit__(self, *error): return True\ndef f(x): return X()"),
    # a yes that is no bool
    ("f(2).startswith('a')", "class X:\n    def startswith(self, other): return 1\ndef f(x): return X()"),
    ("f(2).startswith('a')", "class X:\n    def startswith(self, other): return 'yes'\ndef f(x): return X()"),
    ("f(2).issubset({9})", "class S(set):\n    def issubset(self, other): return 1\ndef f(x): return S([1])"),
    ("f(2).holds(4)", "class Yes(int): pass\nclass X:\n    def holds(self, other): return Yes(1)\ndef f(x): return X()"),
    ("f(2).right", "class Yes(int): pass\nclass X:\n    right = Yes(1)\ndef f(x): return X()"),
    ("f(2).__eq__(4)", "class X: pass\ndef f(x): return X()"),
]  # fmt: skip
"""Tests that hold of no such function, and code that once passed them or might."""


@needs_sandbox
@pytest.mark.parametrize(("test", "answer"), FORGED)
def test_no_object_talks_its_way_through_a_test(test, answer):
    assert code.judged(answer, {"entry": "f", "tests": [test]}, HOLDING, QUICK).passed is False


HONEST = [
    ("g = f(2)\nassert next(g) == 2\ntry:\n    next(g)\nexcept StopIteration:\n    pass\nelse:\n    assert False", "def f(x): yield x"),
    ("g = f(2)\nnext(g)\ntry:\n    g.send(1)\nexcept StopIteration:\n    pass\nelse:\n    assert False", "def f(x): yield x"),
    ("with f(ZeroDivisionError):\n    1 / 0\nassert True", "import contextlib\ndef f(x): return contextlib.suppress(x)"),
    ("with f(2) as r:\n    assert r == 4", "import contextlib\n@contextlib.contextmanager\ndef f(x): yield 2 * x"),
    ("f(2).total() == 4", "class X:\n    def __init__(self, x): self.x = x\n    def total(self): return 2 * self.x\ndef f(x): return X(x)"),
    ("f(2).kind() == 200", "from enum import IntEnum\nclass K(IntEnum):\n    OK = 200\nclass X:\n    def kind(self): return K.OK\ndef f(x): return X()"),
    ("f(2) * 2 == f(4)", "class V:\n    def __init__(self, x): self.x = x\n    def __mul__(self, n): return V(self.x * n)\n    def __eq__(self, o): return self.x == o.x\ndef f(x): return V(x)"),
    ("f(2).issubset({1, 2})", "class S(set): pass\ndef f(x): return S([1])"),
    ("f('ab').startswith('a')", "class S(str): pass\ndef f(x): return S(x)"),
]  # fmt: skip


@needs_sandbox
@pytest.mark.parametrize(("test", "answer"), HONEST)
def test_what_an_honest_object_does_counts(test, answer):
    found = code.judged(answer, {"entry": "f", "tests": [test]}, HOLDING, QUICK)
    assert found.passed, found.detail
