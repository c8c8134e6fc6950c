"""Work in threads of its own: its result, what it raises, and that nothing waits for it."""

import asyncio
import subprocess
import sys
import threading
from functools import partial

import pytest

from synthgen.checks import apart

INTERRUPTED = """
import asyncio, threading
from synthgen.checks import apart

async def main():
    begun = threading.Event()
    def forever():
        begun.set()
        threading.Event().wait()
    waiting = [asyncio.create_task(apart.of(forever)) for _ in range(1000)]
    while not begun.is_set():
        await asyncio.sleep(0)
    raise KeyboardInterrupt

try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
"""


async def test_results_come_back_to_whoever_asked():
    assert await asyncio.gather(*(apart.of(partial(pow, one, 2)) for one in range(200))) == [
        one**2 for one in range(200)
    ]


async def test_what_the_work_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        await apart.of(lambda: 1 // 0)


async def test_what_was_cancelled_before_its_turn_is_not_done():
    held, done = threading.Event(), list[int]()
    blocking = [asyncio.create_task(apart.of(held.wait)) for _ in range(apart.THREADS)]
    late = asyncio.create_task(apart.of(lambda: done.append(1)))
    await asyncio.sleep(0)
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    held.set()
    await asyncio.gather(*blocking)
    await apart.of(lambda: None)
    assert done == []


def test_a_program_that_is_interrupted_does_not_wait_for_work_under_way():
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "interrupted\n"
    assert not ended.stderr
