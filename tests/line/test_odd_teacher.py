"""A teacher that answers nonsense ends the run in good order; one that refuses to serve stops it at once."""

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import SEEDS, command

SECRET = "sk-test-secret"  # a made-up key, to see that it is shown nowhere


@contextlib.contextmanager
def odd(mode: str) -> Iterator[str]:
    """The base URL of an odd server."""
    script = str(Path(__file__).with_name("odd_server.py"))
    with subprocess.Popen([sys.executable, script, mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        yield f"http://127.0.0.1:{json.loads(server.stdout.readline())['port']}"
        server.stdin.close()


def asked(url: str) -> int:
    """How many calls the server got, the probe apart."""
    with urllib.request.urlopen(f"{url}/counts") as answer:
        return json.loads(answer.read())["asked"]


def run_on(url: str, out: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """An expand command on a server."""
    arguments = ("expand", "--seeds", SEEDS, "--out", out, "--teacher", f"{url}/v1", "--no-prefect", "--target", 20)
    return command(*arguments, **environment)


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("gibberish", None),
        ("empty", "nothing_proposed"),
        ("nothing", "nothing_proposed"),
        ("numbers", None),
        ("refusal", None),
        ("list", None),
        ("deep", None),
        ("filtered", "filtered"),
    ],
)
def test_nonsense_ends_in_good_order_before_the_fifty_first_call(tmp_path: Path, mode: str, reason: str | None):
    with odd(mode) as url:
        done = run_on(url, tmp_path / "run")
        assert asked(url) == 50
        again = run_on(url, tmp_path / "run")
        assert asked(url) == 50
    assert (done.returncode, again.returncode) == (3, 3), done.stderr
    assert "Traceback" not in done.stderr
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["stopped"]["reason"] == "nothing_gets_through"
    assert (
        f"most often because of {reason or max(report['rejected']['grow'].items(), key=lambda one: one[1])[0]}"
        in (report["stopped"]["advice"])
    )
    assert not (tmp_path / "run" / "instructions.jsonl").read_bytes()
    assert len((tmp_path / "run" / "rejected" / "grow.jsonl").read_bytes().splitlines()) >= 50


def test_a_teacher_with_one_phrase_gives_one_instruction_and_saturates(tmp_path: Path):
    with odd("one-phrase") as url:
        done = run_on(url, tmp_path / "run")
        calls = asked(url)
    assert done.returncode == 3
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert (report["accepted"], report["stopped"]["reason"]) == (1, "saturated")
    assert calls < 400


@pytest.mark.parametrize("mode", ["key", "quota", "no-model"])
def test_an_endpoint_that_will_not_serve_is_exit_code_one_at_first_contact(tmp_path: Path, mode: str):
    with odd(mode) as url:
        done = run_on(url, tmp_path / "run", OPENAI_API_KEY=SECRET)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert url in done.stderr
    assert SECRET not in done.stderr + done.stdout
    for path in (tmp_path / "run").rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()


def test_twenty_refused_requests_without_a_success_stop_the_run(tmp_path: Path):
    with odd("refused") as url:
        done = run_on(url, tmp_path / "run")
        assert 20 <= asked(url) <= 50
    assert done.returncode in {1, 3}
    assert "we do not like this request" in done.stderr
    assert "Traceback" not in done.stderr
