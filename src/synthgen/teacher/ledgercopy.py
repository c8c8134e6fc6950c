"""Copies of what ledgers hold: row by row, several ledgers joined into one, and all calls as JSON lines."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from synthgen.errors import SynthgenError, storage
from synthgen.teacher.ledgerfile import CALL_COLUMNS, Call, damaged, said_of, to_read, to_write, transaction
from synthgen.teacher.ledgerrow import (
    ADD_BATCH,
    ADD_ENDPOINT,
    KEEP_CALL,
    Batch,
    Endpoint,
    Held,
    Lost,
    Named,
    batch_of,
    batch_row,
    read_body,
    reply_of,
    statement,
    wrong_with,
)
from synthgen.teacher.wire import Binding

ALL_CALLS = f"select {CALL_COLUMNS} from calls"  # noqa: S608 - our own names


@dataclass(slots=True)
class Joined:
    """What came of joining ledgers."""

    added: int = 0
    """Calls that were not there."""
    there: int = 0
    """Calls that were there, with the same reply."""
    different: list[str] = field(default_factory=list)
    """Keys of calls that were there with another reply, which stays."""


class Shelf:
    """A ledger that rows are put into, each where it is not there yet; the caller holds the transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._losses = {Lost(*row) for row in db.execute("select * from lost")}

    def put(self, row: Held) -> bool:
        """Put a row in; whether it was new."""
        match row:
            case Call():
                return self._new(KEEP_CALL, row)
            case Batch():
                return self._new(ADD_BATCH, batch_row(row))
            case Endpoint(spec, api, binding):
                return self._new(ADD_ENDPOINT, (spec, api, binding))
            case Lost() if row not in self._losses:
                self._losses.add(row)
                return self._new(*statement(row))
        return False

    def reply(self, key: str) -> bytes:
        """The reply that is there under a key."""
        (kept,) = self._db.execute("select reply from calls where key = ?", (key,)).fetchone()
        return bytes(kept)

    def _new(self, text: str, values: Sequence[object]) -> bool:
        return self._db.execute(text, values).rowcount > 0


def rows(db: sqlite3.Connection, faults: list[str]) -> Iterator[Held]:
    """Every row; of a call that is not as it was kept only the key. Each kind of fault is noted once."""
    for row in db.execute(ALL_CALLS):
        call = Call(*row)
        wrong = wrong_with(call)
        if wrong and wrong not in faults:
            faults.append(wrong)
        yield Named(call.key) if wrong else call
    for row in db.execute("select * from lost"):
        yield Lost(*row)
    for row in db.execute("select id, identity, role, state, at, keys from batches"):
        yield batch_of(row)
    for row in db.execute("select spec, api, binding from endpoints"):
        Binding.model_validate_json(row[2])
        yield Endpoint(*row)


def merge(into: Path, sources: Sequence[Path]) -> Joined:
    """Add what ledgers hold to one of them, or to a new one, all of it or nothing. What was kept first stays."""
    joined, fresh = Joined(), not into.exists()
    try:
        with said_of(into), closing(to_write(into)) as db, transaction(db):
            shelf = Shelf(db)
            for source in sources:
                add(source, shelf, joined)
    except SynthgenError:
        if fresh:
            into.unlink(missing_ok=True)
        raise
    return joined


def add(source: Path, shelf: Shelf, joined: Joined) -> None:
    """Put all that a ledger holds on a shelf. Raises Damaged where it is not as it was kept."""
    faults: list[str] = []
    with said_of(source), closing(to_read(source)) as db:
        for row in rows(db, faults):
            if faults:
                raise damaged(source, faults[0])
            if shelf.put(row):
                joined.added += isinstance(row, Call)
            elif isinstance(row, Call):
                joined.there += 1
                if not same(row.reply, shelf.reply(row.key)):
                    joined.different.append(row.key)


def same(one: bytes, other: bytes) -> bool:
    """Whether two kept replies say the same."""
    return one == other or orjson.loads(one) == orjson.loads(other)


def lines(path: Path) -> Iterator[bytes]:
    """Every call as a line of JSON, in the order of the keys."""
    with said_of(path), closing(to_read(path)) as db:
        for row in db.execute(f"{ALL_CALLS} order by key"):
            yield orjson.dumps(shown(Call(*row)), option=orjson.OPT_APPEND_NEWLINE)


def shown(call: Call) -> dict[str, object]:
    """A call as people and programs read it. Raises ValueError where it is damaged."""
    fields = call._asdict() | {"request": read_body(call.request), "reply": reply_of(call).model_dump(exclude={"key"})}
    return {name: value for name, value in fields.items() if name != "crc"}


def export(path: Path, out: Path) -> int:
    """Write every call as a line of JSON to a file, which is there whole or not at all; how many there were."""
    part = out.with_name(f".{out.name}.part")
    count = 0
    try:
        with storage(out), part.open("wb") as handle:
            for line in lines(path):
                handle.write(line)
                count += 1
            handle.flush()
            os.fsync(handle.fileno())
        with storage(out):
            part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return count
