"""Limits in a minute, exact: in no 60 seconds do more than so many calls, or tokens, start.

Starts are also spread: after a second's worth at once they come at the limit's own rate, since endpoints count in shorter spans.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

MINUTE_SECONDS = 60.0
BURST_SECONDS = 1.0
LONGEST_NAP_SECONDS = 0.5
"""How long a wait goes on without a look whether something was given back."""


@dataclass(slots=True)
class Start:
    """What was started, and when."""

    at: float
    amount: float


class Pace:
    """At most `per_minute` in any 60 seconds, in the order in which it is asked. What is larger than that passes alone."""

    def __init__(
        self, per_minute: float, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self.per_minute = per_minute
        self._clock, self._sleep = clock, sleep
        self._seconds_each = MINUTE_SECONDS / per_minute
        self._started: deque[Start] = deque()
        self._sum = 0.0
        self._due = clock()
        """When what was started would have come about at the even rate."""
        self._turn = asyncio.Lock()

    async def take(self, amount: float = 1) -> Start:
        """Wait until `amount` may start."""
        async with self._turn:
            while (wait := self._wait(amount)) > 0:
                await self._sleep(min(wait, LONGEST_NAP_SECONDS))
            start = Start(self._clock(), amount)
            self._started.append(start)
            self._sum += amount
            self._due = max(self._due, start.at) + amount * self._seconds_each
            return start

    def correct(self, start: Start, amount: float) -> None:
        """Count a start as what it came to in the end."""
        if self._started and start.at >= self._started[0].at:
            self._sum += amount - start.amount
            self._due += (amount - start.amount) * self._seconds_each
            start.amount = amount

    def _wait(self, amount: float) -> float:
        """Seconds until `amount` may start, if nothing is given back."""
        now = self._clock()
        while self._started and self._started[0].at <= now - MINUTE_SECONDS:
            self._sum -= self._started.popleft().amount
        return max(self._due - BURST_SECONDS - now, self._until_room(amount, now))

    def _until_room(self, amount: float, now: float) -> float:
        """Seconds until the last minute has room for `amount`."""
        excess = self._sum + amount - self.per_minute
        if excess <= 0 or not self._started:
            return 0.0
        last = self._started[-1]
        for start in self._started:
            excess -= start.amount
            if excess <= 0:
                last = start
                break
        return last.at + MINUTE_SECONDS - now
