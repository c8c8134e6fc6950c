"""The plain mode: one fixed reply, HTTP that benchmarks can lean on, and the same life and death as the rehearsal."""

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise

import openai
import pytest
from conftest import clean_environment
from hypothesis import given, settings
from hypothesis import strategies as st
from servercase import BODY, MODEL, connected, everything, exchanged, get, head_and_body, post, request, serving

ASKED = request(b"x" * 3000)
MODELS = request(b"", "/v1/models", "GET")
LAST = request(BODY, Connection="close")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving("--plain") as base:
        yield base


def answers(given: bytes) -> list[dict]:
    """The JSON bodies of responses that follow each other."""
    found = []
    while given:
        status, headers, rest = head_and_body(given)
        assert status == 200
        size = int(headers["content-length"])
        found.append(json.loads(rest[:size]))
        given = rest[size:]
    return found


def test_it_says_the_same_80_words_to_everybody(url: str):
    status, found = post(url, BODY)
    assert status == 200
    assert post(url, {**BODY, "seed": 4}) == (status, found)
    assert 70 <= len(found["choices"][0]["message"]["content"].split()) <= 90
    assert found["model"] == MODEL
    assert found["usage"]["total_tokens"] == found["usage"]["prompt_tokens"] + found["usage"]["completion_tokens"] > 0
    assert post(url, {"prompt": "x"}, "/v1/completions")[1]["choices"][0]["text"]


def test_openais_client_gets_on_with_it(url: str):
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == [MODEL]
        reply = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Why?"}])
        assert reply.choices[0].message.content
        assert reply.usage.completion_tokens > 0


def test_it_is_up(url: str):
    assert get(url, "/health") == {"status": "ok"}


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(1, len(ASKED * 2 + MODELS + LAST) - 1), max_size=12))
def test_however_requests_are_cut_each_has_its_reply(url: str, cuts: list[int]):
    sent = ASKED * 2 + MODELS + LAST
    places = [0, *sorted(cuts), len(sent)]
    with connected(url) as opened:
        for begin, end in pairwise(places):
            opened.sendall(sent[begin:end])
        found = answers(everything(opened))
    assert [one["object"] for one in found] == ["chat.completion", "chat.completion", "list", "chat.completion"]


def test_replies_keep_the_order_of_their_requests_under_a_latency():
    with serving("--plain", "--latency-ms", "30") as base:
        found = answers(exchanged(base, ASKED + MODELS + ASKED + LAST))
    assert [one["object"] for one in found] == ["chat.completion", "list", "chat.completion", "chat.completion"]


def test_a_client_that_has_said_all_still_gets_its_reply():
    with serving("--plain", "--latency-ms", "30") as base, connected(base) as opened:
        opened.sendall(ASKED)
        opened.shutdown(1)
        assert len(answers(everything(opened))) == 1


def test_a_client_that_goes_before_its_reply_harms_nobody():
    with serving("--plain", "--latency-ms", "30") as base:
        with connected(base) as opened:
            opened.sendall(ASKED)
        assert len(answers(exchanged(base, LAST))) == 1


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(b"{}", "/v1/embeddings", Connection="close"), 404),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /health HTTP/9\r\n\r\n", 400),
        (b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"x" * 70_000, 400),
    ],
)
def test_what_it_cannot_serve_is_an_error_in_openais_shape(url: str, sent: bytes, status: int):
    found = head_and_body(exchanged(url, sent))
    assert found[0] == status
    assert json.loads(found[2])["error"]["message"]


def test_http_1_0_gets_one_reply_and_the_end(url: str):
    assert len(answers(exchanged(url, b"GET /health HTTP/1.0\r\n\r\n"))) == 1


def test_what_means_nothing_to_it_is_refused_at_the_start():
    found = subprocess.run(
        [sys.executable, "-m", "synthgen.rehearsal", "--plain", "--fail-rate", "0.1"],
        capture_output=True, text=True, env=clean_environment(), timeout=20, check=False,
    )  # fmt: skip
    assert found.returncode == 2
    assert "leave out --fail-rate" in found.stderr


def test_it_ends_when_its_standard_input_does():
    with serving("--plain") as base:
        assert get(base, "/health")
    with pytest.raises(ConnectionRefusedError):
        connected(base)


def test_the_command_hands_its_switches_on():
    command = [sys.executable, "-c", "from synthgen.cli import main; main()", "rehearsal", "--plain", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=clean_environment()) as process:
        port = json.loads(process.stdout.readline())["port"]
        found = get(f"http://127.0.0.1:{port}", "/v1/models")
        status, reply = post(f"http://127.0.0.1:{port}", {"any": "body"})
        process.terminate()
    assert found["data"][0]["id"] == MODEL
    assert (status, reply["model"]) == (200, MODEL)


def test_it_counts_what_waited_for_the_latency():
    with serving("--plain", "--latency-ms", "20") as url:
        for _ in range(3):
            post(url, BODY)
        get(url, "/v1/models")
        counts = get(url, "/stats")
    assert (counts["served"], counts["under_way"], counts["most_under_way"]) == (3, 0, 1)
    assert 0 < counts["first_asked"] < counts["last_served"]
