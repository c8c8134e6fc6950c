"""The ledger: every call that was paid for, by the digest of the exact request. Cache, journal and account book.

SQLite in WAL mode. What `keep` has returned from is on the disk, whatever happens to the process or the machine.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from synthgen.errors import SynthgenError
from synthgen.records import Reply
from synthgen.teacher.ledgerfile import WAIT_SECONDS, said_of, to_read, to_write
from synthgen.teacher.ledgerrow import Batch, BatchEnd, Entry, Lost, Written, batch_of, checked_reply, read_body
from synthgen.teacher.scribe import Scribe
from synthgen.teacher.wire import Binding

__all__ = ["Batch", "Entry", "Ledger", "Lost", "Totals"]

TOGETHER = 500
"""Keys that are looked up together."""
COSTS = """
select step, sum(calls), sum(prompt), sum(completion), sum(cached), total(usd),
    sum(lost_calls), sum(lost_tokens), total(lost_usd)
from (
    select step, count(*) as calls, sum(prompt_tokens) as prompt, sum(completion_tokens) as completion,
        sum(cached_tokens) as cached, sum(cost_usd) as usd,
        0 as lost_calls, 0 as lost_tokens, 0 as lost_usd
    from calls group by step
    union all
    select step, 0, 0, 0, 0, 0, count(*), sum(prompt_tokens + completion_tokens), sum(cost_usd)
    from lost group by step
)
group by step order by step
"""


class Totals(NamedTuple):
    """What a ledger holds: calls that were kept, and attempts that were charged, or may have been, and lost."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    lost_calls: int = 0
    lost_tokens: int = 0
    lost_usd: float = 0.0


class Ledger:
    """The ledger of one file; to be read only where `reading` holds, and then the file must be there."""

    def __init__(self, path: Path, *, reading: bool = False, wait_seconds: float = WAIT_SECONDS) -> None:
        self.path = path
        self.reading = reading
        self.wait_seconds = wait_seconds
        """How long another program may hold the file locked."""
        self._db: sqlite3.Connection | None = None
        """For looking up, on the loop's own thread."""
        self._scribe = Scribe(path, wait_seconds)

    def __enter__(self) -> Self:
        with self._said():
            self._db = (to_read if self.reading else to_write)(self.path, self.wait_seconds)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except SynthgenError:
            if kind is None:  # else there is an error already, and it came first
                raise

    def close(self) -> None:
        """Write what was handed in, and close the file. Raises what could not be written, if nobody was told of it."""
        try:
            self._scribe.close()
        finally:
            if self._db is not None:
                self._db.close()
                self._db = None

    async def keep(self, *entries: Entry) -> None:
        """Keep calls; when it returns they are on the disk. What was kept first under a key stays."""
        await self._write(*entries)

    async def lose(self, entry: Lost) -> None:
        """Note an attempt that was charged, or may have been, and gave nothing."""
        await self._write(entry)

    async def note_batch(self, batch: Batch) -> None:
        """Note a batch, in the place of what was noted of it before."""
        await self._write(batch)

    async def close_batch(self, identity: str, state: str) -> None:
        """Note how the batch of that id ended."""
        await self._write(BatchEnd(identity, state))

    async def _write(self, *written: Written) -> None:
        if self.reading or self._db is None:
            raise RuntimeError("a ledger is written inside `with`, and not where it is only read")
        await self._scribe.write(written)

    def get(self, key: str) -> Reply | None:
        """The reply kept under a key."""
        with self._said():
            row = self._one("select crc, reply, role, step, cost_usd, seconds, at from calls where key = ?", key)
            return checked_reply(key, *row) if row else None

    def request(self, key: str) -> tuple[str, dict[str, Any]] | None:
        """(role, body) of the call kept under a key."""
        with self._said():
            row = self._one("select role, request from calls where key = ?", key)
            return (row[0], read_body(row[1])) if row else None

    def totals(self) -> Totals:
        """Sums over everything."""
        return Totals(*map(sum, zip(*self.costs().values(), strict=True)))

    def costs(self) -> dict[str, Totals]:
        """Sums by step; under "" the calls of old ledgers of which nobody noted what they were for."""
        with self._said():
            rows = self._connection.execute(COSTS).fetchall()
        return {step: Totals._make(sums) for step, *sums in rows}

    def uses(self, keys: Iterable[str]) -> dict[str, tuple[str, float, int, int]]:
        """Of the calls under some keys: step, US dollars, tokens of the prompt and of the reply."""
        found, wanted = {}, sorted(keys)
        with self._said():
            for first in range(0, len(wanted), TOGETHER):
                part = wanted[first : first + TOGETHER]
                marks = ", ".join("?" * len(part))
                query = (
                    f"select key, step, cost_usd, prompt_tokens, completion_tokens from calls where key in ({marks})"  # noqa: S608
                )
                for key, *use in self._connection.execute(query, part):
                    found[key] = tuple(use)
        return found

    def open_batches(self, identity: str) -> list[Batch]:
        """The batches of an endpoint that have not ended, oldest first."""
        query = (
            "select id, identity, role, state, at, keys from batches where identity = ? and state = 'open' order by at"
        )
        with self._said():
            return [batch_of(row) for row in self._connection.execute(query, (identity,))]

    def binding(self, spec: str, api: str) -> Binding | None:
        """What an earlier run learned of an endpoint."""
        with self._said():
            row = self._one("select binding from endpoints where spec = ? and api = ?", spec, api)
            return Binding.model_validate_json(row[0]) if row else None

    def remember(self, spec: str, api: str, binding: Binding) -> None:
        """Keep what was learned of an endpoint."""
        with self._said():
            self._connection.execute(
                "insert or replace into endpoints values (?, ?, ?)", (spec, api, binding.model_dump_json())
            )

    def _one(self, query: str, *values: str) -> Any:
        return self._connection.execute(query, values).fetchone()

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            raise RuntimeError("a ledger is used inside `with`")
        return self._db

    def _said(self) -> AbstractContextManager[None]:
        return said_of(self.path, self.wait_seconds)
