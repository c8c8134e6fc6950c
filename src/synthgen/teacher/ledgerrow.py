"""What a ledger holds, as values: a call, an attempt that was lost, an open batch; to and from rows of its tables."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from synthgen.records import Reply
from synthgen.teacher.ledgerfile import CALL_COLUMNS, Call, crc_of
from synthgen.teacher.wire import canonical, clean, key

Row = tuple[Any, ...]
LEVEL = 1
"""Of compression: higher ones take twice the time to save 3%."""
SHORT_BYTES = 1024
"""Requests below this are kept as they are: to compress one takes a quarter of the CPU of keeping the call, and saves half a kilobyte."""


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


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What was learned of an endpoint."""

    spec: str
    api: str
    binding: str
    """A wire.Binding, as JSON."""


@dataclass(frozen=True, slots=True)
class Named:
    """A trace of a call: its key, its number, or both."""

    key: str = ""
    number: int = 0


Held = Call | Lost | Batch | Endpoint | Named
"""What a file is found to hold."""


@dataclass(slots=True)
class Seen:
    """Which calls a file was found to hold."""

    readable: set[str] = field(default_factory=set)
    """Keys of the calls that are as they were kept."""
    named: set[str] = field(default_factory=set)
    """Keys of which there is a trace."""
    numbers: set[int] = field(default_factory=set)
    """Numbers of which there is a trace."""

    @property
    def unreadable(self) -> int:
        """Calls that were kept and cannot be read any more, as far as they left a trace."""
        return max(0, len(self.named - self.readable), len(self.numbers) - len(self.readable))

    def note(self, row: Held) -> None:
        """Note a call, or its trace."""
        if isinstance(row, Call):
            self.readable.add(row.key)
        elif isinstance(row, Named):
            self.named |= {row.key} - {""}
            self.numbers |= {row.number} - {0}


Written = Entry | Lost | Batch | BatchEnd
PLACES = ", ".join("?" * len(Call._fields))
KEEP_CALL = f"insert into calls ({CALL_COLUMNS}) values ({PLACES}) on conflict (key) do nothing"  # noqa: S608 - our own names
KEEP_LOST = "insert into lost values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
KEEP_BATCH = "insert or replace into batches (id, identity, role, state, at, keys) values (?, ?, ?, ?, ?, ?)"
ADD_BATCH = KEEP_BATCH.replace("replace", "ignore", 1)
ADD_ENDPOINT = "insert or ignore into endpoints values (?, ?, ?)"
END_BATCH = "update batches set state = ? where id = ?"


def statement(written: Written) -> tuple[str, Row]:
    """What is executed to keep something, and its values."""
    match written:
        case Entry():
            return KEEP_CALL, call_row(written)
        case Lost(at, role, step, identity, model, prompt, completion, usd, cause):
            return KEEP_LOST, (at, role, step, identity, model, prompt, completion, float(usd), clean(cause))
        case Batch():
            return KEEP_BATCH, batch_row(written)
        case BatchEnd():
            return END_BATCH, (written.state, written.id)


def call_row(entry: Entry) -> Call:
    """The row of a call."""
    reply, role, step = entry.reply, entry.role, entry.step
    usd, seconds, at = float(entry.cost_usd), float(entry.seconds), float(entry.at)
    request = canonical(entry.body)
    request = request if len(request) < SHORT_BYTES else zlib.compress(request, LEVEL)
    kept = orjson.dumps({name: value for name, value in reply if name != "key"})
    return Call(
        reply.key, role, step, reply.model, entry.identity, entry.sample, reply.finish, reply.prompt_tokens,
        reply.completion_tokens, reply.cached_tokens, usd, seconds, at, request, kept,
        crc_of(kept, role, step, usd, seconds, at),
    )  # fmt: skip


def batch_row(batch: Batch) -> Row:
    """The row of a batch."""
    keys = zlib.compress(orjson.dumps(batch.keys), LEVEL)
    return batch.id, batch.identity, batch.role, batch.state, batch.at, keys


def checked_reply(key: str, crc: int, reply: bytes, *rest: Any) -> Reply:
    """The reply of a row, from what its checksum is of. Raises ValueError where that is not as it was kept."""
    if not isinstance(reply, bytes) or crc_of(reply, *rest) != crc:
        raise ValueError(f"call {key[:16]} is not as it was kept")
    return Reply.model_validate(orjson.loads(reply) | {"key": key})


def inflated(data: object) -> Any:
    """The value of a JSON text that may be compressed. Raises zlib.error or ValueError where it is damaged, whatever stands there."""
    if not isinstance(data, bytes):
        raise ValueError("text or a number stands where bytes were kept")  # noqa: TRY004 - it is no fault of a caller
    return orjson.loads(data if data.startswith(b"{") else zlib.decompress(data))


def reply_of(call: Call) -> Reply:
    """The reply of a call. Raises ValueError where its row is not as it was kept."""
    rest = (call.role, call.step, call.cost_usd, call.seconds, call.at)
    return checked_reply(call.key, call.crc, call.reply, *rest)


def read_body(request: bytes) -> dict[str, Any]:
    """The body that was sent. Raises zlib.error or ValueError where it is damaged."""
    body: dict[str, Any] = inflated(request)
    return body


def wrong_with(call: Call) -> str:
    """What is wrong with the row of a call; "" where nothing is."""
    try:
        body, reply = read_body(call.request), reply_of(call)
    except (zlib.error, ValueError):
        return "the request or the reply of a call is not as it was kept"
    if key(body, call.sample, call.identity) != call.key:
        return "the key of a call is not the digest of its request"
    said = (reply.model, reply.finish, reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens)
    if said != (call.model, call.finish, call.prompt_tokens, call.completion_tokens, call.cached_tokens):
        return "the columns of a call are not those of its reply"
    return ""


def batch_of(row: Row) -> Batch:
    """The batch of a row of (id, identity, role, state, at, keys)."""
    identity, endpoint, role, state, at, keys = row
    return Batch(identity, endpoint, role, at, tuple(inflated(keys)), state)
