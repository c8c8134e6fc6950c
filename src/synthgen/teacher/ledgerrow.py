"""What a ledger holds, as values: a call, an attempt that was lost, an open batch; to and from rows of its tables."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from synthgen.records import Reply
from synthgen.teacher.ledgerfile import CALL_COLUMNS
from synthgen.teacher.wire import canonical

Row = tuple[Any, ...]
LEVEL = 1
"""Of compression, for requests: higher ones take twice the time to save 3%."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A call that was paid for, with the reply under whose key it is kept."""

    reply: Reply
    body: Mapping[str, Any]
    """What was sent."""
    role: str
    step: str
    """What the call was for: a records.Step, or `embed`."""
    identity: str
    """The endpoint's, as it is declared."""
    sample: int
    cost_usd: float
    seconds: float
    at: float
    """When it was sent, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Lost:
    """An attempt that was charged, or may have been, and gave no reply that can be used."""

    at: float
    role: str
    step: str
    identity: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    cause: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Calls that were handed to an endpoint together, to be fetched later."""

    id: str
    """The endpoint's name for it."""
    identity: str
    role: str
    at: float
    keys: tuple[str, ...]
    """The ledger's keys of its calls, in the order sent."""
    state: str = "open"
    """`open`, or how it ended."""


@dataclass(frozen=True, slots=True)
class BatchEnd:
    """How a batch ended."""

    id: str
    state: str


Written = Entry | Lost | Batch | BatchEnd
KEEP_CALL = (
    f"insert into calls ({', '.join(CALL_COLUMNS)}) values ({', '.join('?' * len(CALL_COLUMNS))}) "  # noqa: S608
    "on conflict (key) do nothing"
)
KEEP_LOST = "insert into lost values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
KEEP_BATCH = "insert or replace into batches (id, identity, role, state, at, keys) values (?, ?, ?, ?, ?, ?)"
END_BATCH = "update batches set state = ? where id = ?"


def statement(written: Written) -> tuple[str, Row]:
    """What is executed to keep something, and its values."""
    match written:
        case Entry():
            return KEEP_CALL, call_row(written)
        case Lost(at, role, step, identity, model, prompt, completion, usd, cause):
            return KEEP_LOST, (at, role, step, identity, model, prompt, completion, usd, cause)
        case Batch():
            keys = zlib.compress(orjson.dumps(written.keys), LEVEL)
            return KEEP_BATCH, (written.id, written.identity, written.role, written.state, written.at, keys)
        case BatchEnd():
            return END_BATCH, (written.state, written.id)


def call_row(entry: Entry) -> Row:
    """The row of a call, in the order of CALL_COLUMNS."""
    reply = entry.reply
    kept = orjson.dumps(reply.model_dump(exclude={"key"}))
    return (
        reply.key, entry.role, entry.step, reply.model, entry.identity, entry.sample, reply.finish, reply.prompt_tokens,
        reply.completion_tokens, reply.cached_tokens, entry.cost_usd, entry.seconds, entry.at,
        zlib.compress(canonical(entry.body), LEVEL), kept, zlib.crc32(kept),
    )  # fmt: skip


def reply_of(key: str, kept: bytes, crc: int) -> Reply:
    """The reply of a row. Raises ValueError where its bytes are not those that were kept."""
    if zlib.crc32(kept) != crc:
        raise ValueError(f"the reply of call {key[:16]} is not the one that was kept")
    return Reply.model_validate(orjson.loads(kept) | {"key": key})


def body_of(request: bytes) -> dict[str, Any]:
    """The body that a row's request was made of. Raises zlib.error or ValueError where it is damaged."""
    body: dict[str, Any] = orjson.loads(zlib.decompress(request))
    return body


def batch_of(row: Row) -> Batch:
    """The batch of a row of (id, identity, role, state, at, keys)."""
    identity, endpoint, role, state, at, keys = row
    return Batch(identity, endpoint, role, at, tuple(orjson.loads(zlib.decompress(keys))), state)
