"""What a server may be like without being at fault: narrow, keyed, choosy, with logprobs or a prefix cache."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from conftest import clean_environment
from hypothesis import given
from hypothesis import strategies as st
from servercase import BODY, MODEL, Running, post, serving
from stagecase import CONFIG, TEXTS

from synthgen.rehearsal.options import Options
from synthgen.rehearsal.prefixes import BLOCK_CHARACTERS, BLOCK_TOKENS, Prefixes
from synthgen.rehearsal.protocol import PIECE, Problem, read, reply
from synthgen.rehearsal.switches import options_of, parser
from synthgen.stages import vet
from synthgen.teacher import wire
from synthgen.teacher.wire import Binding

KEY = "sk-planted-000111222333"


async def test_a_narrow_server_works_on_its_requests_one_after_the_other():
    async with Running(width=1, jitter_seconds=0.02) as server:
        done: list[int] = []

        async def ask(number: int) -> None:
            await server.post({**BODY, "seed": number})
            done.append(number)

        waiting = []
        for number in range(12):
            waiting.append(asyncio.create_task(ask(number)))
            while server.counts["requests"].get("/v1/chat/completions", 0) <= number:
                await asyncio.sleep(0)
        await asyncio.gather(*waiting)
        assert server.counts["most_in_flight"] > 1
    assert done == sorted(done)


async def test_the_cached_share_is_what_was_seen_before():
    async with Running(cached=True) as server:

        async def cached(*said: str) -> tuple[int, int]:
            messages = [{"role": role, "content": text} for role, text in zip(("system", "user"), said, strict=True)]
            usage = (await server.said({**BODY, "messages": messages}))["usage"]
            return usage["prompt_tokens_details"]["cached_tokens"], usage["prompt_tokens"]

        assert await cached("s" * 640, "one") == (0, 160)
        assert await cached("s" * 640, "two") == (160, 160)
        assert await cached("t" + "s" * 640, "one") == (0, 161)


def alike(one: str, other: str) -> int:
    """Characters that two texts have in common from the start."""
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


@given(st.lists(st.tuples(st.integers(0, 400), st.text("ab", max_size=200)), max_size=8), st.text("ab", max_size=300))
def test_never_more_is_cached_than_a_prefix_that_was_seen_and_never_a_block_less(
    earlier: list[tuple[int, str]], prompt: str
):
    prefixes, seen = Prefixes(), [prompt[:cut] + rest for cut, rest in earlier]
    for text in seen:
        prefixes.take(text)
    common = max((alike(prompt, text) for text in seen), default=0)
    assert prefixes.take(prompt) == common // BLOCK_CHARACTERS * BLOCK_TOKENS
    assert prefixes.take(prompt) == len(prompt) // BLOCK_CHARACTERS * BLOCK_TOKENS


async def test_usage_says_nothing_of_a_cache_that_is_not_there():
    async with Running() as server:
        assert "prompt_tokens_details" not in (await server.said())["usage"]


@given(st.text())
def test_the_pieces_of_a_text_are_the_text(text: str):
    assert "".join(PIECE.findall(text)) == text


async def test_logprobs_come_where_they_are_wanted_and_are_of_the_very_text():
    async with Running(logprobs=True) as server:
        found = (await server.said({**BODY, "logprobs": True}))["choices"][0]
        assert (await server.said())["choices"][0]["logprobs"] is None
    pieces = found["logprobs"]["content"]
    assert "".join(piece["token"] for piece in pieces) == found["message"]["content"]
    assert b"".join(bytes(piece["bytes"]) for piece in pieces).decode() == found["message"]["content"]
    assert all(piece["logprob"] < 0 and piece["top_logprobs"] == [] for piece in pieces)
    async with Running() as server:
        assert (await server.said({**BODY, "logprobs": True}))["choices"][0]["logprobs"] is None


SCHEMA = {"type": "json_schema", "json_schema": {"name": "vet", "schema": {"type": "object"}}}
OBJECT = {"type": "json_object"}


@pytest.mark.parametrize(
    ("without", "form", "taken"),
    [
        ("response_format.json_schema", SCHEMA, False),
        ("response_format.json_schema", OBJECT, True),
        ("response_format", SCHEMA, False),
        ("response_format", OBJECT, False),
        ("seed", SCHEMA, False),
    ],
)
async def test_a_server_refuses_the_forms_that_it_does_not_have(without: str, form: dict, taken: bool):
    body = {**BODY, "messages": [{"role": "user", "content": "Say it as JSON."}], "response_format": form}
    async with Running(without=(without,)) as server:
        status, _, said = await server.post(body)
    assert status == (200 if taken else 400)
    assert taken or json.loads(said)["error"]["param"] == without.partition(".")[0]


async def test_json_object_wants_the_word_in_the_prompt():
    async with Running() as server:
        found = await server.said({**BODY, "response_format": OBJECT})
    assert "'json'" in found["error"]["message"]


@pytest.mark.parametrize("form", [OBJECT, None])
def test_a_stage_is_told_from_its_prompt_where_no_schema_names_it(form: dict | None):
    body = wire.body(
        vet.ask("c000000-0", "Name three rivers of Ghana.", "", CONFIG, TEXTS),
        Binding(identity="rehearsal", model=MODEL),
    )
    body.pop("response_format")
    asked = read("/v1/chat/completions", body | ({"response_format": form} if form else {}), Options(MODEL))
    assert not isinstance(asked, Problem)
    assert "category" in orjson.loads(reply(asked.call)[0])


def test_a_server_with_a_key_asks_for_it_and_keeps_it_to_itself():
    with serving("--key", "PLANTED", PLANTED=KEY) as base:
        assert post(base, BODY, Authorization=f"Bearer {KEY}")[0] == 200
        for sent in ({}, {"Authorization": "Bearer sk-other"}, {"Authorization": KEY}):
            status, found = post(base, BODY, **sent)
            assert (status, found["error"]["code"]) == (401, "invalid_api_key")
            assert "sk-" not in found["error"]["message"]


def test_a_careless_server_shows_the_key_it_refuses():
    with serving("--key", "PLANTED", "--echo-key", PLANTED=KEY) as base:
        assert "Bearer sk-mine" in post(base, BODY, Authorization="Bearer sk-mine")[1]["error"]["message"]


@pytest.mark.parametrize(
    ("switches", "said"),
    [
        (("--fault", "boredom=0.1"), "there is no boredom; the kinds are busy"),
        (("--fault", "busy"), "as in busy=0.1"),
        (("--fault", "busy=1.5"), "a share lies between 0 and 1"),
        (("--fault", "busy=0.6", "--fault", "cut=0.5"), "add up to more than 1"),
        (("--batch-fault", "failed=0.6", "--batch-fault", "expired=0.5"), "failed, expired add up to more than 1"),
        (("--plain", "--fault", "busy=0.1"), "leave out --fault"),
        (("--key", "NOT_SET_ANYWHERE"), "NOT_SET_ANYWHERE, which is not set"),
        (("--latency-ms", "-1"), "not a number from 0"),
        (("--latenc", "1"), "unrecognized arguments"),
    ],
)
def test_switches_that_cannot_be_are_refused_in_words(switches: tuple[str, ...], said: str):
    found = subprocess.run(
        [sys.executable, "-m", "synthgen.rehearsal", *switches],
        capture_output=True, text=True, env=clean_environment(), timeout=20, check=False,
    )  # fmt: skip
    assert found.returncode == 2
    assert said in found.stderr


def test_every_switch_arrives_where_it_works(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PLANTED", KEY)
    given = parser().parse_args([
        "--profile", "weak", "--latency-ms", "20", "--jitter-ms", "5", "--fail-rate", "0.1", "--without", "seed",
        "--fault", "busy=0.1", "--fault", "reasoning=1", "--fault-seed", "7", "--retry-after", "2.5", "--drip-seconds", "3",
        "--redirect-to", "http://x/", "--requests-per-second", "5", "--burst", "9", "--tokens-per-minute", "1000",
        "--width", "2", "--cached", "--logprobs", "--key", "PLANTED", "--echo-key",
        "--batch-seconds", "9", "--batch-fault", "expired=0.5", "--batch-fault", "failed-lines=1", "--fault-batches",
        "--state", "kept",
    ])  # fmt: skip
    assert options_of(given) == Options(
        "rehearsal-weak", 0.02, 0.005, 0.1, ("seed",), {"busy": 0.1, "reasoning": 1.0}, 7, 2.5, 3.0, "http://x/", 5.0, 9.0,
        1000.0, 2, True, True, KEY, True, 9.0, {"expired": 0.5, "failed-lines": 1.0}, True, Path("kept"),
    )  # fmt: skip
    assert KEY not in repr(options_of(given))
