"""The window: how many calls are under way, and how many may start in a minute."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


class Bucket:
    """A token bucket: `per_minute` in a minute, a tenth of it at once."""

    def __init__(self, per_minute: int, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._rate = per_minute / 60
        self._size = max(1.0, per_minute / 10)
        self._level = self._size
        self._clock, self._sleep = clock, sleep
        self._at = clock()

    async def take(self, amount: float) -> None:
        """Wait until `amount` may pass. More than the bucket holds passes on credit, and is paid back by waiting."""
        now = self._clock()
        self._level = min(self._size, self._level + (now - self._at) * self._rate) - amount
        self._at = now
        if self._level < 0:
            await self._sleep(-self._level / self._rate)


class Window:
    """At most `concurrency` calls at once, `rpm` calls and `tpm` tokens in a minute."""

    def __init__(
        self,
        concurrency: int,
        rpm: int | None = None,
        tpm: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._slots = asyncio.Semaphore(concurrency)
        self._calls = Bucket(rpm, clock, sleep) if rpm else None
        self._tokens = Bucket(tpm, clock, sleep) if tpm else None

    @asynccontextmanager
    async def slot(self, tokens: int) -> AsyncIterator[None]:
        """A place in the window for a call of about `tokens` tokens."""
        async with self._slots:
            if self._calls is not None:
                await self._calls.take(1)
            if self._tokens is not None:
                await self._tokens.take(tokens)
            yield
