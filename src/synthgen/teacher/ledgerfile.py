"""The file of a ledger: its tables and formats, how it is opened, and what SQLite says of it as our errors."""

import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from synthgen.errors import ConfigError, StorageError

FORMAT = 2
WAIT_SECONDS = 30.0
"""How long another program may hold a ledger locked."""
CALL_COLUMNS = (
    "key", "role", "step", "model", "identity", "sample", "finish", "prompt_tokens", "completion_tokens",
    "cached_tokens", "cost_usd", "seconds", "at", "request", "reply", "reply_crc",
)  # fmt: skip
CALLS = """
create table if not exists calls (
    number integer primary key, key text not null unique, role text not null, step text not null, model text not null,
    identity text not null, sample integer not null, finish text not null,
    prompt_tokens integer not null, completion_tokens integer not null, cached_tokens integer not null,
    cost_usd real not null, seconds real not null, at real not null,
    request blob not null, reply blob not null, reply_crc integer not null
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
FORMAT_1_STEP = "case when role in ('propose', 'answer', 'judge', 'embed') then role else '' end"
"""What a call was for, as far as its role says: `instantiate` classified and vetted too."""
FORMAT_1_CALLS = f"""
select key, role, {FORMAT_1_STEP} as step, model, identity, sample, finish, prompt_tokens, completion_tokens,
    cached_tokens, cost_usd, seconds, at, request, reply, crc32(reply) as reply_crc
"""


def to_write(path: Path, wait_seconds: float = WAIT_SECONDS) -> sqlite3.Connection:
    """A connection that writes; the file is made where there is none, and brought to this format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=wait_seconds, isolation_level=None, check_same_thread=False)
    try:
        format_of(db, path)  # before anything is changed: it may be another program's
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")
        bring_up(db, path)
    except BaseException:
        db.close()
        raise
    return db


def to_read(path: Path, wait_seconds: float = WAIT_SECONDS) -> sqlite3.Connection:
    """A connection that changes nothing; a file of an earlier format looks as if it had this one."""
    if not path.exists():
        raise ConfigError(f"{path} is not there; name the ledger that you mean")
    address = f"{path.resolve().as_uri()}?mode=ro"
    db = sqlite3.connect(address, timeout=wait_seconds, isolation_level=None, uri=True)
    try:
        if format_of(db, path) < FORMAT:
            look_newer(db)
    except BaseException:
        db.close()
        raise
    return db


def format_of(db: sqlite3.Connection, path: Path) -> int:
    """The format of a file, 0 for an empty one. Raises ConfigError for a newer one and for another program's database."""
    (version,) = db.execute("pragma user_version").fetchone()
    columns = columns_of(db)
    calls = columns.get("calls")
    if version > FORMAT and (calls or not columns):
        raise ConfigError(f"{path} was written by a newer synthgen (format {version}); upgrade synthgen")
    if not columns:
        return 0
    if calls == ("number", *CALL_COLUMNS):
        return 2
    if calls == FORMAT_1_COLUMNS:
        return 1
    raise ConfigError(f"{path} is not a ledger but a database of another program; name another file")


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
            db.execute("alter table calls rename to calls_1")
        for text in TABLES.values():
            db.execute(text)
        if old == 1:
            with_functions(db)
            db.execute(f"insert into calls ({', '.join(CALL_COLUMNS)}) {FORMAT_1_CALLS} from calls_1")
            db.execute("drop table calls_1")
        db.execute(f"pragma user_version = {FORMAT}")


def look_newer(db: sqlite3.Connection) -> None:
    """Let a connection see a file of format 1, or an empty one, in this format, without changing it."""
    with_functions(db)
    held = columns_of(db)
    for name in ("calls", "lost", "batches", "endpoints"):
        if name not in held:
            db.execute(TABLES[name].replace("create table", "create temp table"))
    if "calls" in held:
        db.execute(f"create temp view calls as {FORMAT_1_CALLS} from main.calls")


def with_functions(db: sqlite3.Connection) -> None:
    """Give a connection the checksum of a reply."""
    db.create_function("crc32", 1, zlib.crc32, deterministic=True)


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


def damaged(path: Path, what: object) -> ConfigError:
    """What is said of a file whose bytes are not those that were written."""
    return ConfigError(
        f"{path} is not a ledger, or is damaged: {what}; see `synthgen ledger check {path}`, save what can be read with "
        f"`synthgen ledger repair {path}`, or name another with --ledger"
    )


@contextmanager
def said_of(path: Path, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """What SQLite and the disk say of a ledger, as our errors."""
    try:
        yield
    except sqlite3.Error as error:
        raise in_our_words(error, path, wait_seconds) from error
    except (zlib.error, ValueError) as error:
        raise damaged(path, str(error).splitlines()[0]) from error
    except OSError as error:
        raise StorageError(
            f"cannot use the ledger {path}: {error.strerror or error}; name another with --ledger"
        ) from error


def in_our_words(error: sqlite3.Error, path: Path, wait_seconds: float) -> ConfigError | StorageError | sqlite3.Error:
    """One line for an error of SQLite's; misuse by ourselves stays what it is."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None and not isinstance(error, sqlite3.OperationalError):
        return error
    match code and code & 0xFF:
        case None | sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:  # None: a text that is no UTF-8
            return damaged(path, error)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            advice = f"another program has held it for {wait_seconds:g} s; end that, then run the same command"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            advice = "the file and its folder must be there and writable; mend that, or name another with --ledger"
        case _:
            advice = "make room, then run the same command"
    return StorageError(f"cannot use the ledger {path}: {error}; {advice}")
