"""The rehearsal as a server: OpenAI's protocol over real HTTP, no state, and no life beyond its parent's."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest
from conftest import clean_environment
from servercase import BODY, MODEL, post, serving, start


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving() as base:
        yield base


def test_it_names_its_one_model(url: str):
    with urllib.request.urlopen(f"{url}/v1/models") as answer:
        assert [row["id"] for row in json.loads(answer.read())["data"]] == [MODEL]


def test_a_reply_has_openais_shape(url: str):
    status, found = post(url, BODY)
    assert status == 200
    assert found["object"] == "chat.completion"
    assert found["choices"][0]["message"]["role"] == "assistant"
    assert found["choices"][0]["finish_reason"] == "stop"
    assert found["usage"]["total_tokens"] == found["usage"]["prompt_tokens"] + found["usage"]["completion_tokens"] > 2


def test_equal_bodies_have_equal_replies_whatever_came_between(url: str):
    first = post(url, BODY)
    post(url, {**BODY, "seed": 99})
    assert post(url, BODY) == first
    assert post(url, dict(reversed(BODY.items()))) == first


def test_stop_strings_and_lengths_are_kept(url: str):
    prompt = "What follows is a list of varied tasks:\n1. Name a river.\n2. Name a lake.\n3."
    status, found = post(url, {"model": MODEL, "prompt": prompt, "max_tokens": 900, "stop": ["\n5"]}, "/v1/completions")
    assert status == 200
    assert "\n4. " in found["choices"][0]["text"]
    assert "\n5" not in found["choices"][0]["text"]
    _, cut = post(url, {"model": MODEL, "prompt": prompt, "max_tokens": 10}, "/v1/completions")
    assert cut["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{nonsense", 400, "invalid_request"),
        ([], 400, "invalid_request"),
        ({"model": MODEL}, 400, "invalid_request"),
        ({"model": MODEL, "messages": []}, 400, "invalid_request"),
        ({"model": MODEL, "messages": [{"role": "user", "content": None}]}, 400, "invalid_request"),
        ({**BODY, "model": "gpt-x"}, 404, "model_not_found"),
        ({**BODY, "messages": [{"role": "user", "content": "word " * 40_000}]}, 400, "context_length_exceeded"),
    ],
)
def test_errors_have_openais_shape(url: str, body: object, status: int, code: str):
    found = post(url, body)
    assert (found[0], found[1]["error"]["code"]) == (status, code)


def test_parameters_can_be_refused_as_some_endpoints_do():
    with serving("--without", "seed") as base:
        status, found = post(base, BODY)
        assert (status, found["error"]["param"]) == (400, "seed")
        assert post(base, {key: value for key, value in BODY.items() if key != "seed"})[0] == 200


def ended(process: subprocess.Popen[bytes], seconds: float = 5) -> bool:
    """Whether a process ends within a while."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def test_it_ends_when_its_standard_input_does():
    process, _ = start("--watch-stdin")
    process.stdin.close()
    assert ended(process)
    process.stdout.close()


def test_it_ends_on_a_signal_without_a_word():
    process, _ = start()
    process.send_signal(signal.SIGTERM)
    assert ended(process)
    process.stdin.close()
    process.stdout.close()


PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "synthgen.rehearsal", "--port", "0", "--watch-stdin"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
time.sleep(60)
"""


def test_it_does_not_outlive_a_parent_that_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, env=clean_environment())
    child = int(parent.stdout.readline())
    parent.stdout.readline()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    pytest.fail("the rehearsal outlived its parent")


def test_a_port_that_is_taken_is_one_line():
    process, base = start("--watch-stdin")
    port = base.rpartition(":")[2]
    second = subprocess.run(
        [sys.executable, "-m", "synthgen.rehearsal", "--port", port],
        capture_output=True, text=True, env=clean_environment(), timeout=20, check=False,
    )  # fmt: skip
    assert second.returncode == 1
    assert f"cannot listen on port {port}" in second.stderr
    assert "Traceback" not in second.stderr
    process.stdin.close()
    assert ended(process)
    process.stdout.close()
