"""The file of a ledger: its tables and formats, how it is opened, and what SQLite says of it as our errors."""

import glob
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from synthgen.errors import ConfigError, StorageError

FORMAT = 2
SPOILT = (None, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""What SQLite says of a damaged file. ERROR: its tables are not those we made; none: a text that is no UTF-8."""
LONGEST = 200
"""Characters of what SQLite says."""
REFUSED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
"""What SQLite says where it may not write."""
WAIT_SECONDS = 30.0
"""How long another program may hold a ledger locked."""
AGAIN_SECONDS = 0.01
"""Between two tries of what SQLite does not wait for."""


class Call(NamedTuple):
    """A row of `calls`, but for its number."""

    key: str
    role: str
    step: str
    model: str
    identity: str
    sample: int
    finish: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cost_usd: float
    seconds: float
    at: float
    request: bytes
    """The body that was sent, as canonical JSON, compressed if it is long."""
    reply: bytes
    """The reply as JSON, without its key."""
    crc: int
    """As crc_of: the key vouches for no more than the request, the sample and the identity."""


CALL_COLUMNS = ", ".join(Call._fields)
CALLS = """
create table if not exists calls (
    number integer primary key, key text not null unique, role text not null, step text not null, model text not null,
    identity text not null, sample integer not null, finish text not null,
    prompt_tokens integer not null, completion_tokens integer not null, cached_tokens integer not null,
    cost_usd real not null, seconds real not null, at real not null,
    request blob not null, reply blob not null, crc integer not null
)
"""
"""`number` is the order in which calls were kept: rows are appended, and only the keys have a tree of their own.

With the key as the order of the rows a million calls take 2.5 times the room and a look-up five times the CPU.
"""
CALLS_BY_STEP = """
create index if not exists calls_by_step
on calls (step, prompt_tokens, completion_tokens, cached_tokens, cost_usd)
"""
"""All that sums need, so that they do not read the texts."""
LOST = """
create table if not exists lost (
    at real not null, role text not null, step text not null, identity text not null, model text not null,
    prompt_tokens integer not null, completion_tokens integer not null, cost_usd real not null, cause text not null
)
"""
BATCHES = """
create table if not exists batches (
    id text primary key, identity text not null, role text not null, state text not null, at real not null,
    keys blob not null
)
"""
ENDPOINTS = """
create table if not exists endpoints (spec text, api text, binding text not null, primary key (spec, api))
"""
TABLES = {
    "calls": CALLS, "calls_by_step": CALLS_BY_STEP, "lost": LOST, "batches": BATCHES, "endpoints": ENDPOINTS,
}  # fmt: skip
FORMAT_1_COLUMNS = (
    "key", "role", "model", "identity", "sample", "request", "reply", "finish", "prompt_tokens", "completion_tokens",
    "cached_tokens", "cost_usd", "seconds", "at",
)  # fmt: skip
ONE_STEP = ("propose", "answer", "judge", "embed")
"""Roles of format 1 that say what a call was for: `instantiate` classified and vetted too."""
FORMAT_1_CALLS = f"""
select key, role, step, model, identity, sample, finish, prompt_tokens, completion_tokens, cached_tokens,
    cost_usd, seconds, at, request, reply, crc_of(reply, role, step, cost_usd, seconds, at) as crc
from (select *, case when role in {ONE_STEP} then role else '' end as step from calls_of_format_1)
"""  # noqa: S608 - our own names


def crc_of(reply: bytes, role: str, step: str, cost_usd: float, seconds: float, at: float) -> int:
    """CRC-32 of the reply of a call and of what else nothing vouches for."""
    return zlib.crc32(f"{role} {step} {cost_usd} {seconds} {at}".encode(), zlib.crc32(reply))


def to_write(path: Path, wait_seconds: float = WAIT_SECONDS) -> sqlite3.Connection:
    """A connection that writes; the file is made where there is none, and brought to this format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=wait_seconds, isolation_level=None, check_same_thread=False)
    try:
        format_of(db, path)  # before anything is changed: it may be another program's
        share(db, wait_seconds)
        db.execute("pragma synchronous = full")
        bring_up(db, path)
    except BaseException:
        db.close()
        raise
    return db


def share(db: sqlite3.Connection, wait_seconds: float) -> None:
    """Let others read while one writes: WAL. For this alone SQLite does not wait for others that open a new file, too."""
    until = time.monotonic() + wait_seconds
    while True:
        try:
            db.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if code_of(error) != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(AGAIN_SECONDS)
        else:
            return


def to_read(path: Path, wait_seconds: float = WAIT_SECONDS) -> sqlite3.Connection:
    """A connection that changes nothing; a file of an earlier format looks as if it had this one."""
    if not path.exists():
        raise ConfigError(f"{path} is not there; name the ledger that you mean")
    try:
        return looking(path, "mode=ro", wait_seconds)
    except sqlite3.OperationalError as error:
        # Where nothing may be written beside the file SQLite cannot share it; with no log there, the file is all there is.
        if code_of(error) not in REFUSED or has_log(path):
            raise
        return looking(path, "mode=ro&immutable=1", wait_seconds)


def looking(path: Path, how: str, wait_seconds: float) -> sqlite3.Connection:
    """A connection that reads, opened in one of SQLite's ways."""
    address = f"{path.resolve().as_uri()}?{how}"
    db = sqlite3.connect(address, timeout=wait_seconds, isolation_level=None, uri=True)
    try:
        if format_of(db, path) < FORMAT:
            look_newer(db)
    except BaseException:
        db.close()
        raise
    return db


def log_of(path: Path) -> Path:
    """Where SQLite keeps what was written last, until it is carried over."""
    return path.with_name(f"{path.name}-wal")


def has_log(path: Path) -> bool:
    """Whether anything stands there; those who only read leave an empty one."""
    log = log_of(path)
    return log.exists() and log.stat().st_size > 0


def names_of(path: Path) -> list[Path]:
    """A file's name, and those that a repair gave it and was killed before it put another file in its place."""
    others = path.parent.glob(f"{glob.escape(path.name)}.damaged-*")
    return [path, *sorted(other for other in others if other.samefile(path))]


def logs_of(path: Path) -> list[Path]:
    """What SQLite had not carried over into a file, by every name that the file has."""
    return [log_of(name) for name in names_of(path) if has_log(name)]


def format_of(db: sqlite3.Connection, path: Path) -> int:
    """The format of a file, 0 for an empty one. Raises ConfigError for a newer one and for another program's database."""
    (version,) = db.execute("pragma user_version").fetchone()
    columns = columns_of(db)
    calls = columns.get("calls")
    if version > FORMAT and (calls or not columns):
        raise ConfigError(f"{path} was written by a newer synthgen (format {version}); upgrade synthgen")
    if not columns:
        return 0
    if calls == ("number", *Call._fields):
        return 2
    if calls == FORMAT_1_COLUMNS:
        return 1
    raise damaged(path, "its tables are those of another program")


def columns_of(db: sqlite3.Connection) -> Mapping[str, tuple[str, ...]]:
    """Every table with its columns."""
    found: dict[str, tuple[str, ...]] = {}
    query = "select m.name, p.name from sqlite_master m join pragma_table_info(m.name) p where m.type = 'table'"
    for table, column in db.execute(query):
        found[table] = (*found.get(table, ()), column)
    return found


def bring_up(db: sqlite3.Connection, path: Path) -> None:
    """Make what a file of this format has, in one transaction; calls of format 1 are copied."""
    if (format_of(db, path), *db.execute("pragma user_version").fetchone()) == (FORMAT, FORMAT):
        return
    with transaction(db):
        old = format_of(db, path)  # another process may have been quicker
        if old == 1:
            db.execute("alter table calls rename to calls_of_format_1")
        for text in TABLES.values():
            db.execute(text)
        if old == 1:
            with_functions(db)
            db.execute(f"insert into calls ({CALL_COLUMNS}) {FORMAT_1_CALLS}")
            db.execute("drop table calls_of_format_1")
        db.execute(f"pragma user_version = {FORMAT}")


def look_newer(db: sqlite3.Connection) -> None:
    """Let a connection see a file of format 1, or an empty one, in this format, without changing it."""
    with_functions(db)
    held = columns_of(db)
    for name in ("calls", "lost", "batches", "endpoints"):
        if name not in held:
            db.execute(TABLES[name].replace("create table", "create temp table"))
    if "calls" in held:
        db.execute("create temp view calls_of_format_1 as select * from main.calls")
        db.execute(f"create temp view calls as {FORMAT_1_CALLS}")


def with_functions(db: sqlite3.Connection) -> None:
    """Give a connection `crc_of`."""
    db.create_function("crc_of", 6, crc_of, deterministic=True)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it, or nothing."""
    db.execute("begin immediate")
    try:
        yield
        db.execute("commit")
    except BaseException:
        if db.in_transaction:
            db.execute("rollback")
        raise


class Damaged(ConfigError):
    """A ledger whose bytes are not those that were written, or a file that never was one."""

    what: str = ""
    """The fault alone, without the path and the advice."""


def damaged(path: Path, what: object) -> Damaged:
    """What is said of such a file."""
    said = in_one_line(what)
    error = Damaged(
        f"{path} is not a ledger, or is damaged: {said}; see `synthgen ledger check {path}`, save what can be read with "
        f"`synthgen ledger repair {path}`, or name another with --ledger"
    )
    error.what = said
    return error


def in_one_line(said: object) -> str:
    """What SQLite says, in which there may be bytes of a damaged file."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in str(said)).split())[:LONGEST]


@contextmanager
def said_of(path: Path, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """What SQLite and the disk say of a ledger, as our errors."""
    try:
        yield
    except sqlite3.Error as error:
        raise in_our_words(error, path, wait_seconds) from error
    except (zlib.error, ValueError) as error:
        raise damaged(path, error) from error
    except OSError as error:
        raise StorageError(
            f"cannot use the ledger {path}: {error.strerror or error}; name another with --ledger"
        ) from error


def in_our_words(error: sqlite3.Error, path: Path, wait_seconds: float) -> ConfigError | StorageError | sqlite3.Error:
    """One line for an error of SQLite's; misuse by ourselves stays what it is."""
    code = code_of(error)
    if code is None and not isinstance(error, sqlite3.OperationalError):
        return error
    if code in SPOILT:
        return damaged(path, error)
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        advice = f"another program has held it for {wait_seconds:g} s; end that, then run the same command"
    elif code in REFUSED:
        advice = "the file and its folder must be there and writable; mend that, or name another with --ledger"
    else:
        advice = "make room, then run the same command"
    return StorageError(f"cannot use the ledger {path}: {in_one_line(error)}; {advice}")


def code_of(error: sqlite3.Error) -> int | None:
    """SQLite's own code of an error, without its finer distinctions; None where Python found the fault."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
