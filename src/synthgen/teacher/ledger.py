"""The ledger: every call that was paid for, by the digest of the exact request. Cache, journal and account book.

SQLite in WAL mode: what `put` has returned from survives the death of the process.
"""

import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

import orjson

from synthgen.errors import ConfigError, StorageError
from synthgen.records import Reply
from synthgen.teacher.wire import Binding, canonical

FORMAT = 1
TABLES = """
create table if not exists calls (
    key text primary key, role text not null, model text not null, identity text not null, sample integer not null,
    request blob not null, reply blob not null, finish text not null,
    prompt_tokens integer not null, completion_tokens integer not null, cached_tokens integer not null,
    cost_usd real not null, seconds real not null, at real not null
) without rowid;
create table if not exists endpoints (spec text, api text, binding text not null, primary key (spec, api));
"""
INSERT = "insert or ignore into calls values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Totals(NamedTuple):
    """What a ledger holds."""

    calls: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cost_usd: float


class Ledger:
    """The ledger of one file; to be read only where `reading` holds, and then the file must be there."""

    def __init__(self, path: Path, *, reading: bool = False) -> None:
        self.path = path
        self.reading = reading
        self._db: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        try:
            with self._storage():
                self._open()
        except BaseException:
            self.close()
            raise
        return self

    def _open(self) -> None:
        """Open the file; unless it is only read, make it where there is none, and bring it to this format."""
        if self.reading:
            address = f"{self.path.resolve().as_uri()}?mode=ro"
            self._db = sqlite3.connect(address, timeout=30, isolation_level=None, uri=True)
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        (version,) = self._db.execute("pragma user_version").fetchone()
        if version > FORMAT:
            raise ConfigError(f"{self.path} was written by a newer synthgen (format {version}); upgrade synthgen")
        self._db.executescript(TABLES)
        self._db.execute(f"pragma user_version = {FORMAT}")

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def get(self, key: str) -> Reply | None:
        """The reply kept under a key."""
        row = self._one("select reply from calls where key = ?", key)
        return Reply.model_validate(orjson.loads(row[0]) | {"key": key}) if row else None

    def request(self, key: str) -> tuple[str, dict[str, Any]] | None:
        """(role, body) of the call kept under a key."""
        row = self._one("select role, request from calls where key = ?", key)
        return (row[0], orjson.loads(zlib.decompress(row[1]))) if row else None

    def put(
        self,
        reply: Reply,
        body: Mapping[str, Any],
        *,
        role: str,
        identity: str,
        sample: int,
        cost_usd: float,
        seconds: float,
        at: float,
    ) -> None:
        """Keep a reply under its key. What was kept first stays."""
        kept = orjson.dumps(reply.model_dump(exclude={"key"}))
        request = zlib.compress(canonical(body), 1)
        tokens = (reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens)
        row = (
            reply.key,
            role,
            reply.model,
            identity,
            sample,
            request,
            kept,
            reply.finish,
            *tokens,
            cost_usd,
            seconds,
            at,
        )
        with self._storage():
            self._connection.execute(INSERT, row)

    def totals(self) -> Totals:
        """Sums over every call kept."""
        row = self._one(
            "select count(*), total(prompt_tokens), total(completion_tokens), total(cached_tokens), total(cost_usd) from calls"
        )
        calls, prompt, completion, cached, usd = row
        return Totals(int(calls), int(prompt), int(completion), int(cached), float(usd))

    def binding(self, spec: str, api: str) -> Binding | None:
        """What an earlier run learned of an endpoint."""
        row = self._one("select binding from endpoints where spec = ? and api = ?", spec, api)
        return Binding.model_validate_json(row[0]) if row else None

    def remember(self, spec: str, api: str, binding: Binding) -> None:
        """Keep what was learned of an endpoint."""
        with self._storage():
            self._connection.execute(
                "insert or replace into endpoints values (?, ?, ?)", (spec, api, binding.model_dump_json())
            )

    def _one(self, query: str, *values: str) -> Any:
        with self._storage():
            return self._connection.execute(query, values).fetchone()

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            raise RuntimeError("a ledger is used inside `with`")
        return self._db

    @contextmanager
    def _storage(self) -> Iterator[None]:
        """What SQLite and the disk say, as our errors."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if "not a database" in str(error) or "malformed" in str(error):
                raise ConfigError(
                    f"{self.path} is not a ledger, or is damaged: {error}; name another with --ledger"
                ) from error
            raise StorageError(
                f"cannot write the ledger {self.path}: {error}; make room, then run the same command"
            ) from error
        except OSError as error:
            raise StorageError(f"cannot write the ledger {self.path}: {error.strerror}") from error
