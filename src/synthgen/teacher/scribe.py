"""The scribe of a ledger: one thread that writes whatever was handed in as one transaction, again and again.

Who hands something in waits on a loop of its own until it is on the disk; no loop waits for the disk itself.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from synthgen.errors import SynthgenError
from synthgen.teacher.ledgerfile import said_of, to_write, transaction
from synthgen.teacher.ledgerrow import Row, Written, statement

MOST = 1_000
"""Hand-ins that one transaction takes at most, so that the first does not wait for a thousand others."""
TOGETHER = 8
"""Hand-ins that are worth a wait: a transaction by itself costs as much CPU as some four of its rows."""
LONGEST_SECONDS = 0.003
"""The longest wait for more: whoever waits holds a place of the window."""
FEWEST = 3
"""Hand-ins that must be likely to come in that time; with fewer under way there is none."""
ALONE = 16
"""Transactions of one hand-in after which they are taken to come one after the other, each waiting for the last."""


@dataclass(frozen=True, slots=True)
class Handed:
    """What was handed in together, and who waits for it."""

    written: tuple[Written, ...]
    loop: asyncio.AbstractEventLoop
    waiter: asyncio.Future[None]


class Pace:
    """How long to wait for more before writing, from how it came so far."""

    def __init__(self, now: float) -> None:
        self._last = now
        self._interval = LONGEST_SECONDS
        """Seconds between two hand-ins, a moving mean."""
        self._alone = ALONE
        """Transactions since the last one of several hand-ins."""

    def seconds(self) -> float:
        """The time in which TOGETHER more should come; 0 where few or none would."""
        if self._alone >= ALONE or self._interval * FEWEST > LONGEST_SECONDS:
            return 0.0
        return min(LONGEST_SECONDS, self._interval * TOGETHER)

    def took(self, count: int, now: float) -> None:
        """Note that a transaction took so many hand-ins."""
        self._alone = 0 if count > 1 else self._alone + 1
        self._interval = 0.8 * self._interval + 0.2 * (now - self._last) / count
        self._last = now


class Scribe:
    """Writes to the ledger of one path. Its thread begins with the first thing that is handed in."""

    def __init__(self, path: Path, wait_seconds: float) -> None:
        self.path, self.wait_seconds = path, wait_seconds
        self._queue: queue.SimpleQueue[Handed | None] = queue.SimpleQueue()
        self._pace = Pace(time.monotonic())
        self._thread: threading.Thread | None = None
        self._db: sqlite3.Connection | None = None
        self._told = False
        """Whether anybody was told that something could not be written."""
        self._untold: Exception | None = None
        """Why something could not be written that nobody waited for any more."""

    async def write(self, written: Sequence[Written]) -> None:
        """Return when it is on the disk. Raises StorageError or ConfigError where it cannot be written."""
        loop = asyncio.get_running_loop()
        handed = Handed(tuple(written), loop, loop.create_future())
        self._queue.put(handed)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
            self._thread.start()
        await handed.waiter

    def close(self) -> None:
        """Write what was handed in and end. Raises what went wrong at any time, if nobody was told of it."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None
        untold, self._untold = self._untold, None
        if untold is not None and not self._told:
            raise untold

    def _work(self) -> None:
        more = True
        while more:
            group, more = self._taken()
            self._keep(group)
        self._let_go()

    def _taken(self) -> tuple[list[Handed], bool]:
        """Whatever is there, once something is, and whether more may come."""
        group: list[Handed] = []
        one = self._queue.get()
        if one is not None:
            time.sleep(self._pace.seconds())
        while one is not None:
            group.append(one)
            if len(group) == MOST or self._queue.empty():
                break
            one = self._queue.get()
        return group, one is not None

    def _keep(self, group: Sequence[Handed]) -> None:
        """Write a group whole or not at all, and tell those who wait."""
        rows: list[tuple[str, Row]] = []
        sound = []
        for handed in group:
            try:
                rows += [statement(one) for one in handed.written]
            except (TypeError, ValueError) as error:  # no JSON can be made of it: its own fault, not its neighbours'
                self._tell([handed], error)
            else:
                sound.append(handed)
        if sound:
            failed = self._written(rows)
            self._pace.took(len(sound), time.monotonic())
            self._tell(sound, failed)

    def _written(self, rows: Sequence[tuple[str, Row]]) -> Exception | None:
        """Write rows in one transaction; the error where that cannot be. The next group is tried on a new connection."""
        try:
            with said_of(self.path, self.wait_seconds):
                if self._db is None:
                    self._db = to_write(self.path, self.wait_seconds)
                with transaction(self._db):
                    for text, same in groupby(rows, key=itemgetter(0)):
                        self._db.executemany(text, map(itemgetter(1), same))
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            self._let_go()
            return error
        return None

    def _let_go(self) -> None:
        """Close the connection."""
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None

    def _tell(self, group: Sequence[Handed], error: Exception | None) -> None:
        """Let those who wait go on; each loop is woken once."""
        by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
        for handed in group:
            by_loop.setdefault(handed.loop, []).append(handed.waiter)
        for loop, waiters in by_loop.items():
            try:
                loop.call_soon_threadsafe(self._settle, waiters, error)
            except RuntimeError:  # the loop is closed: nobody waits
                self._untold = error or self._untold

    def _settle(self, waiters: Sequence[asyncio.Future[None]], error: Exception | None) -> None:
        """Wake waiters, on their loop."""
        for waiter in waiters:
            if waiter.done():  # who waited was cancelled
                self._untold = error or self._untold
            elif error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(alike(error))
                self._told = True


def alike(error: Exception) -> Exception:
    """An error for one of many who wait: each raises one of its own."""
    return copy(error) if isinstance(error, SynthgenError) else error
