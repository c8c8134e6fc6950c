"""The knee is found on simulated endpoints: a clock, a heap of replies, and nothing else."""

import heapq
from collections.abc import Callable
from random import Random

import pytest

from synthgen.teacher.knee import LADDER, Knee

Serve = Callable[[float, int], tuple[float, bool]]
"""(time, calls under way) of a call that starts to (seconds it takes, whether it is served)."""


def climb(serve: Serve, calls: int, knee: Knee | None = None, waiting: int = 10_000) -> tuple[Knee, float]:
    """The knee after so many calls were served, and the seconds they took."""
    knee = knee or Knee()
    now, served, ends = 0.0, 0, []
    while served < calls:
        while len(ends) < min(knee.limit, waiting):
            seconds, good = serve(now, len(ends))
            heapq.heappush(ends, (now + seconds, good))
        now, good = heapq.heappop(ends)
        served += good
        knee.ended(now, served=good, full=waiting > knee.limit)
    return knee, now


def places(width: int, seconds: float, rng: Random) -> Serve:
    """A server that works on `width` calls at once; more of them wait."""
    free = [0.0] * width

    def serve(now: float, _under_way: int) -> tuple[float, bool]:
        start = max(now, heapq.heappop(free))
        end = start + seconds * rng.uniform(0.7, 1.3)
        heapq.heappush(free, end)
        return end - now, True

    return serve


def around(width: int) -> set[int]:
    """The steps of the ladder next to a width."""
    near = min(range(len(LADDER)), key=lambda step: abs(LADDER[step] - width))
    return set(LADDER[max(0, near - 1) : near + 2])


@pytest.mark.parametrize("width", [8, 24, 64, 128, 384])
def test_it_finds_how_many_calls_a_server_works_on_at_once(width: int):
    knee, seconds = climb(places(width, 0.2, Random(width)), 40 * width + 4_000)
    assert knee.chosen in around(width)
    assert seconds < 2 * (40 * width + 4_000) * 0.2 / width


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_errors_that_do_not_depend_on_the_load_hold_nothing_back(share: float):
    rng, serve = Random(3), places(256, 0.2, Random(4))

    def failing(now: float, under_way: int) -> tuple[float, bool]:
        return (0.01, False) if rng.random() < share else serve(now, under_way)

    knee, _ = climb(failing, 20_000)
    assert knee.chosen >= 192


def test_an_endpoint_that_refuses_above_a_rate_is_asked_no_more_than_brings_something():
    allowance = {"at": 0.0, "level": 100.0}

    def serve(now: float, _under_way: int) -> tuple[float, bool]:
        allowance["level"] = min(100.0, allowance["level"] + 100 * (now - allowance["at"])) - 1
        allowance["at"] = now
        if allowance["level"] < 0:
            allowance["level"] += 1
            return 0.05, False
        return 0.2, True

    knee, seconds = climb(serve, 3_000)
    assert 16 <= knee.chosen <= 48
    assert seconds < 1.4 * 3_000 / 100


def test_when_an_endpoint_slows_down_fewer_calls_are_under_way_and_more_again_when_it_is_back():
    rng = Random(1)
    wide, narrow = places(256, 0.2, rng), places(16, 0.2, rng)
    knee, _ = climb(wide, 15_000)
    assert knee.chosen >= 192
    knee, _ = climb(narrow, 6_000, knee)
    assert knee.chosen <= 96
    knee, _ = climb(places(256, 0.2, rng), 30_000, knee)
    assert knee.chosen >= 128


def test_where_there_is_too_little_to_do_nothing_is_concluded():
    knee, _ = climb(places(256, 0.2, Random(1)), 2_000, waiting=4)
    assert knee.limit == Knee().limit
