"""Work that may take seconds, in threads of its own: nothing waits for it, neither the event loop nor the end of the program.

The loop's own threads are joined before a program ends, so an interrupted command would wait for every check that was begun.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
THREADS = (os.cpu_count() or 1) + 4
"""Of all loops of this process."""
Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], Any]]


class Threads:
    """Threads that end with the process, started as they are needed."""

    def __init__(self) -> None:
        self.jobs: SimpleQueue[Job] = SimpleQueue()
        self.begun = 0

    def put(self, job: Job) -> None:
        """Have a job done, in its turn."""
        self.jobs.put(job)
        if self.begun < THREADS:
            self.begun += 1
            threading.Thread(target=self._work, name=f"synthgen-checks-{self.begun}", daemon=True).start()

    def _work(self) -> None:
        while True:
            loop, future, work = self.jobs.get()
            if future.cancelled():
                continue
            result, error = done(work)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, future, result, error)


class Shared:
    """The threads of this process; a fork has none of them."""

    threads = Threads()


def forget() -> None:
    """Begin anew, in a fork."""
    Shared.threads = Threads()


os.register_at_fork(after_in_child=forget)


def done(work: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """(what came of some work, None), or (None, what it raised)."""
    try:
        return work(), None
    except BaseException as error:  # noqa: BLE001  # raised again where the work is awaited
        return None, error


def settle(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    """Tell whoever waits, unless they were cancelled."""
    if future.cancelled():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


async def of(work: Callable[[], T]) -> T:
    """What some work returns, or raises. Once it is cancelled nobody waits for it, and if it was not begun it never is."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    Shared.threads.put((loop, future, work))
    return await future
