"""Lengths in tokens: who counts them, what is made of them, and what is kept of a server's counts."""

import json
import math
import re
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stagecase import CONFIG
from tokenizers import Tokenizer, models, pre_tokenizers

from synthgen.config import RoleConfig
from synthgen.errors import InputError
from synthgen.export import lengths
from synthgen.export.counting import Counting, Server
from synthgen.export.lengths import BINS, GAP_BINS, LIMITS, PERCENTILES, Texts
from synthgen.runs import RunDir

counts = st.lists(st.integers(1, 5000), min_size=1, max_size=60)


@given(counts)
def test_a_percentile_is_the_least_length_that_so_many_do_not_exceed(tokens):
    found = lengths.spread(np.array(tokens))
    for share, value in zip(PERCENTILES, found.percentiles, strict=True):
        within = [
            one for one in sorted(set(tokens)) if sum(other <= one for other in tokens) >= len(tokens) * share / 100
        ]
        assert value == within[0]
    assert found.percentiles[-1] == max(tokens)


@given(counts)
def test_every_length_lies_in_one_bar_and_over_the_limits_that_it_exceeds(tokens):
    found = lengths.spread(np.array(tokens))
    for place, height in enumerate(found.bins):
        end = BINS[place + 1] if place + 1 < len(BINS) else math.inf
        assert height == sum(BINS[place] <= one < end for one in tokens)
    assert found.over == tuple(sum(one > limit for one in tokens) / len(tokens) for limit in LIMITS)


@given(st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 3000)), min_size=1, max_size=60))
def test_gaps_are_chosen_minus_rejected(pairs):
    chosen, rejected = np.array(pairs).T
    found = lengths.gaps(chosen, rejected)
    differences = [one - other for one, other in pairs]
    unequal = [one for one in differences if one]
    assert found.longer == (sum(one > 0 for one in unequal) / len(unequal) if unequal else None)
    assert sum(found.values) == len(pairs)
    middle = GAP_BINS.index(-5) + 1
    assert found.values[middle] == sum(abs(one) <= 5 for one in differences)
    assert found.values[0] == sum(one < -1000 for one in differences)
    assert found.values[-1] == sum(one > 1000 for one in differences)
    assert list(found.percentiles) == sorted(found.percentiles)


@given(st.lists(st.text(max_size=8), max_size=40), st.integers(1, 10))
def test_equal_texts_are_chosen_alike_into_the_sample(texts, size):
    one, other = Texts(sample=size), Texts(sample=size)
    for text in texts:
        one.put(text)
    for text in reversed(texts):
        other.put(text)
    assert sorted(one.sample().values()) == sorted(other.sample().values())
    assert all(texts[number] == text for number, text in one.sample().items())
    assert len(one.sample()) == min(size, len(texts))


def test_a_message_is_as_long_as_all_that_it_says():
    said = [
        {"role": "user", "content": "Add."},
        {"role": "assistant", "content": "", "reasoning_content": "Two numbers.", "tool_calls": '[{"name":"add"}]'},
    ]
    assert lengths.text_of(said) == 'Add.\nTwo numbers.\n[{"name":"add"}]'
    assert lengths.asked_of({"prompt": said[:1], "tools": "[]"}) == "[]\nAdd."
    assert lengths.asked_of({"prompt": said[:1], "tools": None}) == "Add."


def put(counting, rows):
    """Columns with (prompt, completion) rows, and their lengths."""
    columns = counting.columns()
    for prompt, completion, charged in rows:
        columns.prompts.put(prompt)
        columns.completions.put(completion, charged)
    return counting.lengths(columns)


@pytest.fixture
def tokenizer(tmp_path):
    """A tokenizer of whole words, which adds a token of its own unless it is told not to."""
    made = Tokenizer(models.WordLevel({"a": 0, "b": 1, "?": 2}, unk_token="?"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.enable_truncation(4)
    made.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_a_tokenizer_counts_every_text_whole(tokenizer, tmp_path):
    config = CONFIG.model_copy(update={"tokenizer": str(tokenizer)})
    rows = [("a b", "a " * number, (999, 1)) for number in range(1, 301)]
    found, tokens = put(Counting.of(RunDir(tmp_path / "none"), config), rows)
    assert tokens.tolist() == [number + 2 for number in range(1, 301)]
    assert found.completion.percentiles == (150, 270, 285, 297, 300)
    assert re.match(r"by the tokenizer whose `tokenizer.json` has the SHA-256 `[0-9a-f]{16}`$", found.counter)
    assert str(tokenizer) not in found.counter


def test_a_tokenizer_that_is_none_is_named(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}")
    config = CONFIG.model_copy(update={"tokenizer": str(tmp_path)})
    with pytest.raises(InputError, match=r"is not a tokenizer\.json"):
        Counting.of(RunDir(tmp_path), config)


def test_what_was_charged_counts_and_prompts_are_estimated_at_its_rate():
    found, tokens = put(Counting(), [("x" * 100, "y" * 50, (25, 50)), ("x" * 10, "y" * 31, (0, 0))])
    assert tokens.tolist() == [50 + 25, 5 + 16]
    assert "**estimated** at 2.00 characters a token" in found.counter


def test_without_any_count_four_characters_are_a_token_and_said_to_be_an_estimate():
    found, tokens = put(Counting(), [("x" * 100, "y" * 50, (0, 0))])
    assert tokens.tolist() == [25 + 13]
    assert found.counter == "by nobody: they are **estimated** at 4 characters a token"


@contextmanager
def serving(owner="vllm", fault=None):
    """A server that counts words as vLLM counts tokens; its URL, and the bodies it was sent."""
    asked, lock = [], threading.Lock()

    class Counts(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.reply(200, {"data": [{"id": "m", "owned_by": owner}]})

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with lock:
                asked.append((self.path, body))
                number = len(asked)
            if fault is not None and number > 3:
                self.reply(*fault)
            else:
                self.reply(200, {"count": len(body["prompt"].split()), "max_model_len": 9})

        def reply(self, status, value):
            payload = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_):
            """Nothing."""

    class Many(ThreadingHTTPServer):
        request_queue_size = 64  # its own five are fewer than ask at once
        daemon_threads = True

    with Many(("127.0.0.1", 0), Counts) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1", asked
        finally:
            server.shutdown()
            thread.join()


ROWS = [(f"say {number} words", "w " * number, (7, 2 * number)) for number in range(1, 41)]


def counted(url, path, rows=ROWS):
    return put(Counting(server=Server(url, "m", None, path / "tokens.json")), rows)


def test_a_server_that_has_tokenize_counts_and_is_not_asked_again(tmp_path):
    with serving() as (url, asked):
        found, tokens = counted(url, tmp_path)
    assert tokens.tolist() == [3 + number for number in range(1, 41)]
    assert found.counter == "by the server that answered (`/tokenize`)"
    assert {path for path, _ in asked} == {"/tokenize"}
    assert {frozenset(body) for _, body in asked} == {frozenset({"model", "prompt", "add_special_tokens"})}
    again, more = counted("http://127.0.0.1:9/v1", tmp_path)  # nobody listens there
    assert (again, more.tolist()) == (found, tokens.tolist())
    assert "say" not in (tmp_path / "tokens.json").read_text()


def test_of_many_texts_a_server_counts_a_sample_and_the_rest_is_told_by_its_rate(tmp_path):
    rows = [(f"{number:04}", "word " * 10, (0, 0)) for number in range(1000)]
    with serving() as (url, asked):
        found, tokens = counted(url, tmp_path, rows)
    assert len(asked) == lengths.SAMPLE + 1
    assert set(tokens.tolist()) == {1 + 10}
    assert "257 texts chosen by their CRC" in found.counter


@pytest.mark.parametrize("fault", [(500, {}), (200, {"count": "many"}), (200, {"count": -1}), (307, {})])
def test_a_server_that_fails_is_said_once_and_what_was_charged_tells(tmp_path, caplog, fault):
    with serving(fault=fault) as (url, _):
        found, _ = counted(url, tmp_path)
    assert found.counter.startswith("as the endpoint charged")
    assert len(caplog.messages) == 1
    assert "does not count tokens" in caplog.text


def test_what_a_failing_server_counted_is_kept_for_the_next_export(tmp_path):
    with serving(fault=(500, {})) as (url, _):
        counted(url, tmp_path)
    with serving() as (url, asked):
        found, _ = counted(url, tmp_path)
    assert found.counter.startswith("by the server")
    assert len(asked) == 2 * len(ROWS) - 3


def test_a_server_of_another_kind_is_sent_no_text(tmp_path, caplog):
    with serving(owner="somebody") as (url, asked):
        found, _ = counted(url, tmp_path)
    assert (asked, caplog.messages) == ([], [])
    assert found.counter.startswith("as the endpoint charged")


def test_a_server_that_is_gone_is_said_and_what_was_charged_tells(tmp_path, caplog):
    found, _ = counted("http://127.0.0.1:9/v1", tmp_path)
    assert found.counter.startswith("as the endpoint charged")
    assert "refused" in caplog.text


@pytest.mark.parametrize(
    "kept", ["", "[]", '{"model":"m"}', '{"model":"m","counts":[]}', '{"model":"other","counts":{}}']
)
def test_counts_that_cannot_be_read_are_counted_anew(tmp_path, kept):
    (tmp_path / "tokens.json").write_text(kept)
    with serving() as (url, asked):
        counted(url, tmp_path)
    assert len(asked) == 2 * len(ROWS)


def server_of(tmp_path, spec, learned=True):
    """The server that a run's config names, if it is one to ask."""
    chosen = RoleConfig(spec=spec, model="m", identity="there")
    run = RunDir(tmp_path)
    bound = {"there m chat": {"identity": "there", "model": "m", "served": ""}} if learned else {}
    run.config.write_text(json.dumps({"generative": {}, "learned": bound}))
    return Counting.of(run, CONFIG.model_copy(update={"teacher": chosen})).server


def test_only_a_server_of_ones_own_that_answered_the_run_is_asked(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    url = "http://127.0.0.1:8000/v1"
    assert server_of(tmp_path, f"m@{url}") == Server(url, "m", None, tmp_path / "tokens.json")
    assert server_of(tmp_path, f"m@{url}", learned=False) is None
    for spec in ("m@https://api.example.com/v1", "gpt-4o", "rehearsal", f"m@{url},m@https://api.example.com/v1"):
        assert server_of(tmp_path, spec) is None


def test_the_key_of_the_endpoint_is_not_kept(tmp_path):
    with serving() as (url, _):
        put(Counting(server=replace(Server(url, "m", None, tmp_path / "tokens.json"), key="secret-key")), ROWS)
    assert "secret-key" not in (tmp_path / "tokens.json").read_text()
