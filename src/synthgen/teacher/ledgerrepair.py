"""Repair of a damaged ledger: all that can be read goes to a new file, which takes its place; the damaged one stays beside it."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO

from synthgen.errors import ConfigError, storage
from synthgen.teacher.ledgercheck import check
from synthgen.teacher.ledgercopy import Shelf
from synthgen.teacher.ledgerfile import bring_up, has_log, log_of, logs_of, said_of, transaction
from synthgen.teacher.ledgerrow import Seen
from synthgen.teacher.salvage import salvaged

FIRST_BYTE, BYTES = 0x40000002, 510
"""Where SQLite locks a file that it has open (sqlite.org/fileformat2.html, the lock-byte page)."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """What came of a repair."""

    saved: int
    """Calls."""
    lost: int
    """Calls that were kept once and cannot be read any more, as far as they left a trace."""
    kept: Path | None
    """Where the damaged file is now; None where nothing took its place."""


def repair(path: Path, out: Path | None = None) -> Repaired:
    """Salvage a ledger into `out`, or into its own place; a sound ledger stays as it is. Killed at any moment, run it again.

    Raises ConfigError where another process has the file open, and where it holds nothing of a ledger.
    """
    if out is not None and out.exists():
        raise ConfigError(f"{out} is there already; name a new file with --out")
    checked = check(path)
    if not checked.faults and out is None:
        return Repaired(len(checked.seen.readable), 0, None)
    new = (out or path).with_name(f".{(out or path).name}.repaired")
    with held(path) as file, storage(new):
        saved, lost = save(file, logs_of(path), new)
        if not saved:
            clear(new)
            raise ConfigError(
                f"no call can be read of {path}: it never was a ledger, or nothing is left; it stays as it is"
            )
        if out is not None:
            new.replace(out)
            return Repaired(saved, lost, None)
        kept = kept_name(path)
        put_in_place(new, path, kept)
        return Repaired(saved, lost, kept)


@contextmanager
def held(path: Path) -> Iterator[IO[bytes]]:
    """The file, held as SQLite holds one that it alone may use. Raises ConfigError where another process has it open.

    The lock is one of the process and ends when it closes the file anywhere, so nothing else may open it meanwhile.
    """
    with storage(path):
        file = path.open("r+b")
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, BYTES, FIRST_BYTE)
        except OSError as error:
            raise ConfigError(f"{path} is open in another program; end that, then run the same command") from error
        yield file


def save(file: IO[bytes], logs: Sequence[Path], new: Path) -> tuple[int, int]:
    """Write all that can be read into a new file, on the disk when this returns; how many calls were saved and lost."""
    clear(new)
    seen = Seen()
    with said_of(new), closing(sqlite3.connect(new, isolation_level=None)) as db:
        db.execute("pragma journal_mode = off")  # nobody sees the file before it is whole
        db.execute("pragma synchronous = off")
        bring_up(db, new)
        with transaction(db):
            shelf = Shelf(db)
            for row in salvaged(file, logs):
                shelf.put(row)
                seen.note(row)
    with new.open("rb") as written:
        os.fsync(written.fileno())
    return len(seen.readable), seen.unreadable


def clear(new: Path) -> None:
    """Remove what an earlier repair that was killed may have left."""
    new.unlink(missing_ok=True)


def kept_name(path: Path) -> Path:
    """The name under which a damaged file is kept: one that a killed repair gave it, or a new one."""
    for number in count(1):
        name = path.with_name(f"{path.name}.damaged-{number}")
        if not name.exists() or (name.samefile(path) and not (has_log(name) and has_log(path))):
            return name
    raise AssertionError("numbers do not end")


def put_in_place(new: Path, path: Path, kept: Path) -> None:
    """Put a repaired file in the place of the damaged one: at any moment the name holds one of them, whole."""
    if not kept.exists():
        kept.hardlink_to(path)
    if has_log(path):
        log_of(path).replace(log_of(kept))
    for left in (log_of(path), path.with_name(f"{path.name}-shm")):
        left.unlink(missing_ok=True)
    new.replace(path)
