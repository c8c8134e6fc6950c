"""Each fault as it comes over the wire, seen from a raw socket, and the counts that tell what was paid twice."""

import asyncio
import json
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servercase import BODY, CHAT, MODEL, Running, head_and_body, request

from synthgen.rehearsal import faults, meanings
from synthgen.rehearsal.options import FAULTS, Options

COMPLETION = {"model": MODEL, "prompt": "Name a river.", "max_tokens": 60}
EMBEDDED = {"model": meanings.MODEL, "input": ["one", "two"]}
PATHS = {CHAT: BODY, "/v1/completions": COMPLETION, "/v1/embeddings": EMBEDDED}
EVERY_PATH = pytest.mark.parametrize(("path", "body"), PATHS.items())


def always(kind: str, **options: object) -> Running:
    """A server whose every attempt meets one fault."""
    return Running(faults={kind: 1.0}, **options)


def bodies(count: int) -> list[dict]:
    """Different requests."""
    return [{**BODY, "seed": number} for number in range(count)]


@EVERY_PATH
@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("busy", 429, "rate_limit_exceeded"),
        ("error", 500, None),
        ("unavailable", 503, None),
        ("quota", 429, "insufficient_quota"),
        ("auth", 401, "invalid_api_key"),
    ],
)
async def test_an_error_has_its_status_and_code_and_costs_no_work(
    path: str, body: dict, kind: str, status: int, code: str | None
):
    async with always(kind) as server:
        found = await server.post(body, path)
        assert found[0] == status
        assert json.loads(found[2])["error"]["code"] == code
        assert server.counts["served"] == 0
        assert server.counts["faults"] == {kind: 1}


async def test_a_busy_server_says_when_to_come_back_in_every_form_there_is():
    async with always("busy", retry_after_seconds=1.25) as server:
        heads = [(await server.post(body))[1] for body in bodies(60)]
    exact = [head["retry-after-ms"] for head in heads if "retry-after-ms" in head]
    assert set(exact) == {"1250.000"}
    assert 15 <= len(exact) <= 45
    others = Counter(head["Retry-After"].isdigit() for head in heads if "retry-after-ms" not in head)
    assert others[True] > 3
    assert others[False] > 3
    assert {head["Retry-After"] for head in heads if head["Retry-After"].isdigit()} == {"2"}


@EVERY_PATH
@pytest.mark.parametrize(("kind", "worked"), [("drop-before", 0), ("drop-after", 1)])
async def test_a_dropped_connection_says_nothing_before_the_work_or_after_it(
    path: str, body: dict, kind: str, worked: int
):
    async with always(kind) as server:
        assert await server.raw(body, path) == b""
        assert server.counts["served"] == worked
        assert server.counts["delivered"] == 0


@EVERY_PATH
async def test_a_cut_reply_is_whole_to_http_and_broken_to_json(path: str, body: dict):
    async with always("cut") as server:
        status, headers, said = head_and_body(await server.raw(body, path))
    assert status == 200
    assert int(headers["content-length"]) == len(said) > 0
    with pytest.raises(json.JSONDecodeError):
        json.loads(said)


@EVERY_PATH
async def test_a_short_reply_ends_before_the_length_it_promised(path: str, body: dict):
    async with always("short") as server:
        status, headers, said = head_and_body(await server.raw(body, path))
    assert status == 200
    assert int(headers["content-length"]) > len(said) > 0


async def test_a_dripping_reply_comes_in_many_pieces_and_is_the_good_one():
    async with Running() as plain:
        good = await plain.said()
    async with always("drip", drip_seconds=0.3) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request(BODY, Connection="close"))
        pieces = []
        while piece := await reader.read(2**16):
            pieces.append(piece)
        writer.close()
        assert server.counts["delivered"] == 1
    assert len(pieces) > 20
    assert json.loads(head_and_body(b"".join(pieces))[2]) == good


async def test_a_hanging_request_is_let_go_when_its_client_goes():
    async with always("hang") as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request(BODY))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.3)
        assert server.counts["in_flight"] == 1
        writer.close()
        while server.counts["in_flight"]:
            await asyncio.sleep(0.01)
        assert server.counts["served"] == 0


@EVERY_PATH
async def test_another_model_is_named(path: str, body: dict):
    async with always("wrong-model") as server:
        assert (await server.said(body, path))["model"] == "another-model"


@EVERY_PATH
async def test_an_empty_reply_has_usage_and_nothing_else(path: str, body: dict):
    async with always("empty") as server:
        found = await server.said(body, path)
    assert found["data" if "data" in found else "choices"] == []
    assert found["usage"]["prompt_tokens"] >= 0


async def test_a_null_stands_where_the_content_should():
    async with always("null") as server:
        assert (await server.said())["choices"][0]["message"]["content"] is None
        assert (await server.said(COMPLETION, "/v1/completions"))["choices"][0]["text"] is None
        found = await server.said(EMBEDDED, "/v1/embeddings")
    assert [row["embedding"] for row in found["data"]] == [None, None]


async def test_a_gateways_page_comes_with_200_and_with_502():
    async with always("wrong-type") as server:
        found = [await server.post(body) for body in bodies(20)]
    assert {status for status, _, _ in found} == {200, 502}
    assert all(headers["Content-Type"].startswith("text/html") for _, headers, _ in found)
    assert all(b"<h1>" in page for _, _, page in found)


async def test_a_huge_reply_goes_on_for_as_long_as_one_reads_and_no_longer():
    async with always("huge") as server:
        assert len(await server.raw(most=3_000_000)) >= 3_000_000
        while server.counts["in_flight"]:
            await asyncio.sleep(0.01)


async def test_a_redirect_leads_to_another_host():
    async with always("redirect") as server:
        assert (await server.post())[:1] == (307,)
        assert (await server.post())[1]["Location"] == "http://127.0.0.1:1/"
    async with always("redirect", redirect_to="http://elsewhere.example/v1") as server:
        assert (await server.post())[1]["Location"] == "http://elsewhere.example/v1"


async def test_nonsense_in_headers_comes_with_a_good_reply_and_with_a_refusal():
    async with Running() as plain:
        good = [await plain.said(body) for body in bodies(30)]
    async with always("garbage-headers") as server:
        found = [await server.post(body) for body in bodies(30)]
    assert {status for status, _, _ in found} == {200, 429}
    assert all(set(faults.NONSENSE) <= set(headers) for _, headers, _ in found)
    for (status, _, said), reply in zip(found, good, strict=True):
        assert status == 429 or json.loads(said) == reply
    assert server.counts["delivered"] == server.counts["served"] == sum(status == 200 for status, _, _ in found)


async def test_a_reply_may_show_its_reasoning_and_the_answer_stays_the_same():
    async with Running() as plain:
        good = await plain.said()
    async with always("reasoning") as server:
        found = await server.said()
        assert found == await server.said()
        assert server.counts["faults"] == {}
    message, usage = found["choices"][0]["message"], found["usage"]
    assert message["reasoning_content"]
    assert message["content"] == good["choices"][0]["message"]["content"]
    assert (
        usage["completion_tokens"]
        == good["usage"]["completion_tokens"] + usage["completion_tokens_details"]["reasoning_tokens"]
    )
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def drawn(options: Options, count: int, attempt: int = 1) -> list[str]:
    """The faults that many bodies meet."""
    found = [faults.met(options, number.to_bytes(16, "big"), attempt) for number in range(count)]
    return [fault.kind if fault else "" for fault in found]


def test_the_shares_are_those_asked_for():
    count, shares = 20_000, {"busy": 0.1, "drop-after": 0.05, "cut": 0.2}
    found = Counter(drawn(Options(MODEL, faults=shares), count))
    for kind, share in (*shares.items(), ("", 0.65)):
        assert abs(found[kind] - count * share) <= 5 * math.sqrt(count * share * (1 - share))


@given(st.dictionaries(st.sampled_from(FAULTS), st.floats(0, 1 / len(FAULTS))), st.binary(min_size=16, max_size=16))
def test_a_fault_that_nobody_asked_for_is_never_met(shares: dict[str, float], digest: bytes):
    met = faults.met(Options(MODEL, faults=shares), digest, 1)
    assert met is None or shares[met.kind] > 0


def test_a_seed_has_its_own_faults_and_an_attempt_its_own_luck():
    options = Options(MODEL, faults={"error": 0.5})
    assert drawn(options, 200) == drawn(options, 200)
    assert drawn(options, 200) != drawn(Options(MODEL, faults={"error": 0.5}, fault_seed=1), 200)
    assert drawn(options, 200) != drawn(options, 200, attempt=2)


async def test_the_same_requests_meet_the_same_faults_in_any_order():
    async def statuses(order: list[dict]) -> dict[int, int]:
        async with Running(faults={"error": 0.3, "busy": 0.2}) as server:
            found = await asyncio.gather(*(server.post(body) for body in order))
            return {body["seed"]: status for body, (status, _, _) in zip(order, found, strict=True)}

    asked = bodies(40)
    first = await statuses(asked)
    assert first == await statuses(asked[::-1])
    assert set(first.values()) == {200, 429, 500}


def usable(answer: bytes) -> dict | None:
    """The reply in a raw response, if it is one that a client may use."""
    status, _, said = head_and_body(answer or b"HTTP/1.1 0\r\n\r\n")
    try:
        value = json.loads(said)
        right = status == 200 and value["model"] == MODEL and value["choices"][0]["message"]["content"] is not None
    except (ValueError, LookupError):
        return None
    return value if right else None


async def test_asking_again_gets_through_in_the_end_with_the_very_reply():
    passing = {kind: 0.05 for kind in FAULTS if kind not in {"hang", "huge"}}
    async with Running() as plain, Running(faults=passing, drip_seconds=0.01) as server:
        for body in bodies(30):
            found = None
            while found is None:
                found = usable(await server.raw(body))
            assert found == await plain.said(body)
        counts = server.counts
    assert counts["delivered"] == 30
    assert counts["delivered_again"] == 0
    assert len(counts["faults"]) >= 8


async def test_work_that_was_done_twice_is_counted():
    async with Running() as server:
        for body in (BODY, BODY, dict(reversed(BODY.items())), {**BODY, "seed": 4}):
            await server.post(body)
        counts = server.counts
    assert (counts["served"], counts["delivered"], counts["bodies"]) == (4, 4, 2)
    assert (counts["served_again"], counts["delivered_again"]) == (2, 2)
    assert list(counts["again"].values()) == [3]


async def test_work_whose_reply_was_lost_is_told_from_work_that_was_asked_twice():
    async with always("drop-after") as server:
        await server.raw()
        await server.raw()
        counts = server.counts
    assert (counts["served_again"], counts["delivered_again"]) == (1, 0)


async def test_the_counts_are_there_for_anybody():
    async with Running() as server:
        await asyncio.gather(*(server.post(body) for body in bodies(3)))
        await server.post({**BODY, "model": "gpt-x"})
        async with server.session.get("/stats") as response:
            counts = await response.json()
    assert counts["requests"] == {CHAT: 4}
    assert counts["served"] == 3
    assert counts["in_flight"] == 0
    assert 1 <= counts["most_in_flight"] <= 4
