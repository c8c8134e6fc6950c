"""Token buckets: never more than they hold, exact waits, and headers in OpenAI's forms."""

import asyncio
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servercase import BODY, MODEL, Running

from synthgen.rehearsal import meanings
from synthgen.rehearsal.buckets import Bucket, Limits, duration, retry_after
from synthgen.rehearsal.options import Options

RATES = st.floats(0.01, 1000)
UNITS = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}


def thousandths(text: str) -> float:
    """A duration, read again."""
    assert re.fullmatch(r"(\d+h)?(\d+m)?(\d+(\.\d+)?s)?|\d+ms", text)
    assert text
    return sum(float(number) * UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ms|h|m|s)", text))


@given(
    rate=RATES,
    capacity=st.integers(1, 50),
    gaps=st.lists(st.tuples(st.floats(0, 2), st.integers(1, 50)), min_size=1, max_size=60),
)
def test_no_window_of_time_gives_more_than_the_bucket_holds_and_gains(
    rate: float, capacity: int, gaps: list[tuple[float, int]]
):
    bucket, now, taken = Bucket(rate, capacity, 0.0), 0.0, []
    for gap, amount in gaps:
        now += gap
        if bucket.wait(amount, now) == 0:
            bucket.take(amount, now)
            taken.append((now, amount))
    for first, (begin, _) in enumerate(taken):
        for last in range(first, len(taken)):
            whole = sum(amount for _, amount in taken[first : last + 1])
            assert whole <= capacity + rate * (taken[last][0] - begin) + 1e-6 * (capacity + rate)


@given(rate=RATES, capacity=st.integers(1, 50), amount=st.integers(1, 50), later=st.floats(0, 5))
def test_who_waits_as_told_gets_through_and_who_waits_less_does_not(
    rate: float, capacity: int, amount: int, later: float
):
    amount = min(amount, capacity)
    bucket = Bucket(rate, capacity, 0.0)
    bucket.take(capacity, 0.0)
    wait = bucket.wait(amount, later)
    assert bucket.wait(amount, later + wait) == 0
    if wait > 1e-3:
        other = Bucket(rate, capacity, 0.0)
        other.take(capacity, 0.0)
        assert other.wait(amount, later + wait * 0.9) > 0


@given(st.floats(0, 90_000))
def test_a_duration_reads_back_rounded_up_to_the_millisecond(seconds: float):
    assert -1e-5 <= thousandths(duration(seconds)) - seconds * 1000 < 1 + 1e-5


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0ms"), (0.02, "20ms"), (1, "1s"), (8.64, "8.64s"), (360, "6m0s"), (3600, "1h0m0s"), (0.0001, "1ms")],
)
def test_durations_are_written_as_openai_writes_them(seconds: float, text: str):
    assert duration(seconds) == text


@given(st.floats(1e-6, 1e5))
def test_the_headers_never_say_less_than_the_wait(seconds: float):
    said = retry_after(seconds)
    assert int(said["Retry-After"]) >= seconds
    assert int(said["Retry-After"]) < seconds + 1
    assert float(said["retry-after-ms"]) >= seconds * 1000 - 1e-6 * seconds


def test_what_does_not_pass_one_bucket_takes_nothing_from_the_other():
    limits = Limits(Options(MODEL, requests_per_second=1, burst=10, tokens_per_minute=100), 0.0)
    assert limits.take(100, 0.0) is None
    assert limits.take(50, 0.0).wait_seconds == pytest.approx(30)
    assert limits.headers(0.0)["x-ratelimit-remaining-requests"] == "9"
    assert limits.take(50, 30.0) is None


def test_a_request_larger_than_the_bucket_is_told_so_and_not_told_to_wait():
    over = Limits(Options(MODEL, tokens_per_minute=100), 0.0).take(101, 0.0)
    assert "too large" in over.problem.message
    assert math.isinf(over.wait_seconds)
    assert retry_after(over.wait_seconds) == {}


async def test_requests_beyond_the_bucket_are_refused_until_the_time_that_was_told():
    async with Running(requests_per_second=20, burst=3) as server:
        found = [await server.post({**BODY, "seed": number}) for number in range(8)]
        statuses = [status for status, _, _ in found]
        assert statuses[:3] == [200, 200, 200]
        assert 429 in statuses
        status, headers, _ = found[-1]
        while status == 429:
            await asyncio.sleep(float(headers["retry-after-ms"]) / 1000)
            status, headers, _ = await server.post()
        assert server.counts["limited"] == statuses.count(429)
    refused = next(headers for status, headers, _ in found if status == 429)
    assert refused["Retry-After"] == "1"
    assert 0 < float(refused["retry-after-ms"]) <= 50
    assert refused["x-ratelimit-remaining-requests"] == "0"


async def test_every_response_tells_the_limits():
    async with Running(requests_per_second=10, burst=5, tokens_per_minute=60_000) as server:
        for body in (BODY, {**BODY, "model": "gpt-x"}):
            headers = (await server.post(body))[1]
            assert headers["x-ratelimit-limit-requests"] == "600"
            assert headers["x-ratelimit-limit-tokens"] == "60000"
            assert int(headers["x-ratelimit-remaining-requests"]) < 5
            assert thousandths(headers["x-ratelimit-reset-requests"]) <= 500
            assert thousandths(headers["x-ratelimit-reset-tokens"]) <= 60_000
            assert int(headers["x-ratelimit-remaining-tokens"]) < 60_000


async def test_a_server_without_limits_tells_none():
    async with Running() as server:
        assert not [name for name in (await server.post())[1] if name.lower().startswith("x-ratelimit")]


async def test_tokens_count_by_the_prompt_or_by_what_is_asked_for_whichever_is_more():
    async with Running(tokens_per_minute=60_000) as server:
        left = [int((await server.post(body))[1]["x-ratelimit-remaining-tokens"]) for body in (
            {**BODY, "max_tokens": 5000}, {**BODY, "messages": [{"role": "user", "content": "x" * 40_000}]},
        )]  # fmt: skip
        embedded = {"model": meanings.MODEL, "input": ["x" * 2000]}
        left.append(int((await server.post(embedded, "/v1/embeddings"))[1]["x-ratelimit-remaining-tokens"]))
    assert 55_000 <= left[0] < 55_200
    assert 45_000 <= left[1] < 45_400
    assert 44_500 <= left[2] < 45_100
