"""Limits in a minute hold in every minute, whatever is asked and whenever."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from synthgen.teacher.pace import BURST_SECONDS, Pace


class Clock:
    """A clock that moves only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds


def most_in_a_minute(starts: list[tuple[float, float]]) -> float:
    """The largest sum of amounts that start within any 60 seconds."""
    return max(sum(amount for at, amount in starts if begin <= at < begin + 60 - 1e-6) for begin, _ in starts)


async def started(pace: Pace, clock: Clock, asked: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """(time, amount) of every start, each asked for some seconds after the one before."""
    found = []
    for gap, amount in asked:
        clock.now += gap
        await pace.take(amount)
        found.append((clock.now, amount))
    return found


@given(
    limit=st.integers(1, 300),
    gaps=st.lists(st.sampled_from([0, 0, 0, 0.01, 0.5, 3, 40, 61]), min_size=1, max_size=400),
)
def test_no_more_calls_start_in_any_minute_than_allowed(limit: int, gaps: list[float]):
    clock = Clock()
    starts = asyncio.run(started(Pace(limit, clock, clock.sleep), clock, [(gap, 1) for gap in gaps]))
    assert most_in_a_minute(starts) <= limit


@given(asked=st.lists(st.tuples(st.sampled_from([0, 0, 1, 70]), st.integers(1, 900)), min_size=1, max_size=100))
def test_no_more_tokens_start_in_any_minute_than_allowed(asked: list[tuple[float, float]]):
    clock = Clock()
    starts = asyncio.run(started(Pace(900, clock, clock.sleep), clock, asked))
    assert most_in_a_minute(starts) <= 900


async def test_what_is_larger_than_the_limit_passes_alone():
    clock = Clock()
    starts = await started(Pace(10, clock, clock.sleep), clock, [(0, 5), (0, 50), (0, 5)])
    assert [at - 1000 for at, _ in starts][1] >= 30 - BURST_SECONDS
    assert starts[2][0] - starts[1][0] >= 60


async def test_the_limit_is_used_up_and_starts_are_spread():
    clock = Clock()
    starts = await started(Pace(600, clock, clock.sleep), clock, [(0, 1)] * 1200)
    assert starts[-1][0] - 1000 < 121
    second = [sum(1 for at, _ in starts if second <= at - 1000 < second + 1) for second in range(1, 100)]
    assert max(second) <= 21


async def test_what_a_call_did_not_use_is_given_to_the_next():
    clock = Clock()
    pace = Pace(1000, clock, clock.sleep)
    for _ in range(100):
        start = await pace.take(500)
        pace.correct(start, 10)
    assert clock.now - 1000 < 100  # and 3,000 if each counted as 500


async def test_calls_start_in_the_order_in_which_they_came():
    clock, order = Clock(), []
    pace = Pace(60, clock, clock.sleep)

    async def one(number: int) -> None:
        await pace.take(1)
        order.append(number)

    await asyncio.gather(*(one(number) for number in range(50)))
    assert order == list(range(50))
