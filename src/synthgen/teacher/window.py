"""The window: how many calls are under way at once. The limit may move while calls wait."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

from synthgen.teacher.knee import Knee


class Window:
    """Places for calls, taken in the order in which they are asked for; a call that is tried again goes first.

    With a `knee` the limit is what that has found so far.
    """

    def __init__(self, limit: int, knee: Knee | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.knee = knee
        self.taken = 0
        """Places taken now."""
        self._limit = knee.limit if knee is not None else limit
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._clock = clock
        self._place_seconds, self._since = 0.0, clock()

    @property
    def limit(self) -> int:
        """Places there are now."""
        return self._limit

    @property
    def place_seconds(self) -> float:
        """Seconds that all places were there for, added up."""
        return self._place_seconds + self._limit * (self._clock() - self._since)

    def place(self, *, again: bool = False) -> "Place":
        """A place in the window, for `async with`."""
        return Place(self, again=again)

    async def take(self, *, again: bool) -> None:
        """Wait for a place."""
        if self.taken < self._limit and not self._waiting:
            self.taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._waiting.appendleft if again else self._waiting.append)(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the place came, and nobody is there to use it
                self.give_back()
            raise

    def give_back(self) -> None:
        """Leave a place to the next."""
        self.taken -= 1
        self._hand_out()

    def ended(self, *, served: bool) -> None:
        """Tell the knee that an attempt has ended, and follow it."""
        if self.knee is None:
            return
        now = self._clock()
        limit = self.knee.ended(now, served=served, full=bool(self._waiting))
        if limit != self._limit:
            self._place_seconds += self._limit * (now - self._since)
            self._limit, self._since = limit, now
            self._hand_out()

    def _hand_out(self) -> None:
        """Give the places that are free to those who wait."""
        while self._waiting and self.taken < self._limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self.taken += 1
                turn.set_result(None)


class Place:
    """A place in the window: `async with` takes it and gives it back."""

    __slots__ = ("_again", "_window")

    def __init__(self, window: Window, *, again: bool) -> None:
        self._window, self._again = window, again

    async def __aenter__(self) -> None:
        await self._window.take(again=self._again)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._window.give_back()
