"""Places of the window: never more than there are, in order, and none is lost when a call is cancelled."""

import asyncio
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgen.config import WIDEST
from synthgen.teacher.knee import LADDER, Knee
from synthgen.teacher.terms import Terms
from synthgen.teacher.window import Window


@given(seed=st.integers(0, 10**6), limit=st.integers(1, 6))
def test_no_more_calls_than_places_and_no_place_is_lost(seed: int, limit: int):
    async def playing() -> None:
        rng, window, most = Random(seed), Window(limit), 0

        async def call() -> None:
            nonlocal most
            async with window.place(again=rng.random() < 0.3):
                most = max(most, window.taken)
                await asyncio.sleep(0)
                if rng.random() < 0.2:
                    raise ValueError

        tasks = [asyncio.create_task(call()) for _ in range(40)]
        for _ in range(60):
            await asyncio.sleep(0)
            rng.choice(tasks).cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert window.taken == 0
        assert most <= limit
        await asyncio.gather(*(window.take(again=False) for _ in range(limit)))
        assert window.taken == limit

    asyncio.run(playing())


async def test_calls_take_places_in_order_and_one_that_is_tried_again_goes_first():
    window, order, gate = Window(1), [], asyncio.Event()

    async def call(name: str, *, again: bool = False) -> None:
        async with window.place(again=again):
            order.append(name)
            await gate.wait()

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(call(name))
        await asyncio.sleep(0)
        group.create_task(call("again", again=True))
        await asyncio.sleep(0)
        gate.set()
    assert order == ["a", "again", "b", "c"]


async def test_with_a_knee_the_limit_moves_and_waiting_calls_follow():
    now = [0.0]
    window = Window(WIDEST, Knee(), lambda: now[0])
    assert window.limit == 16

    async def call() -> None:
        async with window.place():
            await asyncio.sleep(0)
            now[0] += 1 / window.taken  # a server on which more at once brings more
            window.ended(served=True)

    await asyncio.gather(*(call() for _ in range(400)))
    assert window.limit > 16
    assert window.place_seconds > 16 * now[0]


def test_auto_gives_each_endpoint_its_own_window_and_a_number_gives_one_to_all():
    auto, fixed = Terms(None), Terms(7)
    ways = [auto.dispatch(["http://a/v1"], None), auto.dispatch(["http://b/v1"], None)]
    assert ways[0].window is not ways[1].window
    assert ways[0].window is auto.dispatch(["http://a/v1"], None).window
    assert fixed.dispatch(["http://a/v1"], None).window is fixed.dispatch(["http://b/v1"], None).window
    assert auto.chosen == {"http://a/v1": 16, "http://b/v1": 16}
    assert fixed.chosen == {}


def test_the_ladder_ends_at_what_the_line_can_fill():
    assert LADDER[-1] == WIDEST
    assert list(LADDER) == sorted(set(LADDER))


async def test_a_place_is_given_back_when_the_call_fails():
    window = Window(1)
    with pytest.raises(ValueError, match="no"):
        async with window.place():
            raise ValueError("no")
    assert window.taken == 0
