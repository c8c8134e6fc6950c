"""The endpoints that serve one model: which of them takes the next call, and which is set aside until it answers again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from synthgen.errors import PassingError
from synthgen.teacher import wire
from synthgen.teacher.wire import Fault

FAILURES = 3
"""Broken connections in a row, after which an endpoint is set aside if others are left."""
FIRST_PROBE_SECONDS, LONGEST_PROBE_SECONDS = 1.0, 30.0
LONGEST_HOLD_SECONDS = 60.0
"""For how long an endpoint's headers can hold calls back."""
PATIENCE_SECONDS = 120.0
"""How long all endpoints may be set aside before the run stops."""
NAP_SECONDS = 0.05


@dataclass(slots=True)
class Endpoint:
    """One base URL, and how it does."""

    url: str
    under_way: int = 0
    failures: int = 0
    """Broken connections in a row."""
    aside: bool = False
    """Whether it gets no calls until it answers a probe."""
    due: float = 0.0
    """When it takes the next call, as its headers say."""
    seconds_each: float = 0.0
    """Seconds between two calls while its allowance is used up; 0 while it is not."""


class Fleet:
    """One endpoint or several. `alive` asks whether a URL answers at all."""

    def __init__(
        self,
        urls: Sequence[str],
        alive: Callable[[str], Awaitable[bool]],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        tell: Callable[[str], None] = lambda _text: None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._patience_seconds = patience_seconds
        self.endpoints = [Endpoint(url) for url in urls]
        self._alive, self._clock, self._sleep, self._tell = alive, clock, sleep, tell
        self._probes: set[asyncio.Task[None]] = set()
        self._back = asyncio.Event()

    async def chosen(self) -> Endpoint:
        """The endpoint with the least under way, of those that take calls now; waits for one."""
        while True:
            live = [one for one in self.endpoints if not one.aside]
            if not live:
                await self._one_back()
                continue
            now = self._clock()
            ready = [one for one in live if one.due <= now]
            if ready:
                one = min(ready, key=lambda one: one.under_way)
                one.due = now + one.seconds_each
                return one
            await self._sleep(max(NAP_SECONDS, min(one.due for one in live) - now))

    async def _one_back(self) -> None:
        """Wait until one of them answers again. Raises PassingError where none does for long."""
        self._back.clear()
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._back.wait()
        except TimeoutError:
            names = ", ".join(one.url for one in self.endpoints)
            raise PassingError(
                f"none of {names} has answered for {self._patience_seconds:g} s; the same command goes on when one is back"
            ) from None

    def answered(self, one: Endpoint, headers: Mapping[str, str]) -> None:
        """Note that an endpoint answers, and what its headers allow."""
        one.failures = 0
        one.seconds_each = 0.0
        if "x-ratelimit-remaining-requests" not in headers and "x-ratelimit-remaining-tokens" not in headers:
            return
        for allowed in wire.allowances(headers).values():
            if allowed.remaining < 1:
                one.seconds_each = min(LONGEST_HOLD_SECONDS, max(one.seconds_each, allowed.seconds_each))
        if one.seconds_each:
            one.due = max(one.due, self._clock() + one.seconds_each)

    def broke(self, one: Endpoint, fault: Fault) -> None:
        """Note that a connection failed; after several in a row the endpoint is set aside if another one is left."""
        one.failures += 1
        if one.failures >= FAILURES:
            self.set_aside(one, fault.text)

    def set_aside(self, one: Endpoint, why: str) -> None:
        """Give an endpoint no more calls until it answers a probe. A single endpoint is never set aside."""
        if one.aside or len(self.endpoints) == 1:
            return
        one.aside = True
        self._tell(f"{one.url} is set aside ({why}); its calls go elsewhere until it answers again")
        probe = asyncio.create_task(self._probe(one))
        self._probes.add(probe)
        probe.add_done_callback(self._probes.discard)

    async def _probe(self, one: Endpoint) -> None:
        """Ask an endpoint that was set aside until it answers."""
        wait = FIRST_PROBE_SECONDS
        while True:
            await self._sleep(wait)
            if await self._alive(one.url):
                break
            wait = min(2 * wait, LONGEST_PROBE_SECONDS)
        one.aside, one.failures, one.due, one.seconds_each = False, 0, 0.0, 0.0
        self._back.set()
        self._tell(f"{one.url} answers again")

    async def aclose(self) -> None:
        """End the probes."""
        for probe in self._probes:
            probe.cancel()
        await asyncio.gather(*self._probes, return_exceptions=True)
