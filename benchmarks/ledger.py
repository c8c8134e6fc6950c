"""What keeping a call costs: the ledger's groups, beside one insert a call on the loop's own thread, which they took the place of.

Prints JSON. At each concurrency so many workers wait for some 200 ms, as for a teacher, and then keep a call: CPU microseconds of
the whole process a call, less those of the same workers that keep nothing, and the time until the call is kept. The same without
the wait. Then look-ups of calls that are there and that are not, in a ledger of many. Each figure is the median of three turns.
Run it as `python benchmarks/ledger.py [CALLS [ROWS]]`; without, 5,000 and 100,000. The issue's own figures have 1,000,000 rows.
"""

import asyncio
import hashlib
import json
import os
import random
import sqlite3
import sys
import tempfile
import time
import zlib
from contextlib import closing
from pathlib import Path
from statistics import median

import orjson

from synthgen.records import Reply
from synthgen.teacher.ledger import Entry, Ledger
from synthgen.teacher.ledgerfile import to_write, transaction
from synthgen.teacher.ledgerrow import KEEP_CALL, call_row
from synthgen.teacher.wire import canonical

TURNS = 3
TEXT = " ".join(path.read_text(encoding="utf-8") for path in sorted(Path("docs").rglob("*.md")))
"""Prose, so that compression has what it has in use."""
BEFORE = """
create table calls (
    key text primary key, role text not null, model text not null, identity text not null, sample integer not null,
    request blob not null, reply blob not null, finish text not null,
    prompt_tokens integer not null, completion_tokens integer not null, cached_tokens integer not null,
    cost_usd real not null, seconds real not null, at real not null
) without rowid
"""


def entry(number: int) -> Entry:
    """One of many calls: a prompt of some 800 characters, a reply of 500."""
    start = number * 977 % (len(TEXT) - 1000)
    said = [{"role": "system", "content": "Be brief. " * 30}, {"role": "user", "content": TEXT[start : start + 500]}]
    body = {"model": "fixed", "messages": said, "temperature": 0.8, "max_tokens": 512, "seed": number}
    key = hashlib.sha256(str(number).encode()).hexdigest()
    text = TEXT[start + 500 : start + 1000]
    reply = Reply(text=text, finish="stop", key=key, model="fixed", prompt_tokens=200, completion_tokens=100)
    return Entry(reply, body, "answer", "answer", "http://teacher/v1", 0, 0.001, 0.2, 1e9 + number)


class Nothing:
    """Keeps nothing."""

    def __init__(self, path: Path) -> None:
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    async def keep(self, one: Entry) -> None:
        pass


class Before(Nothing):
    """One insert a call, at once."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma synchronous = normal")
        self.db.execute(BEFORE)

    def __exit__(self, *_):
        self.db.close()

    async def keep(self, one: Entry) -> None:
        reply = one.reply
        kept, request = orjson.dumps(reply.model_dump(exclude={"key"})), zlib.compress(canonical(one.body), 1)
        row = (reply.key, one.role, reply.model, one.identity, one.sample, request, kept, reply.finish)
        counts = (reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens, one.cost_usd, one.seconds, one.at)
        self.db.execute(
            "insert or ignore into calls values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, *counts)
        )


BOOKS = {"nothing": Nothing, "one insert a call": Before, "groups": Ledger}


async def worked(book: Nothing | Before | Ledger, entries: list[Entry], width: int, wait: float) -> tuple[float, float]:
    """CPU microseconds a call, and the mean milliseconds until one is kept."""
    rng, left, waited = random.Random(1), iter(entries), []

    async def worker() -> None:
        for one in left:
            if wait:
                await asyncio.sleep(wait * rng.uniform(0.9, 1.1))
            began = time.perf_counter()
            await book.keep(one)
            waited.append(time.perf_counter() - began)

    cpu = time.process_time()
    await asyncio.gather(*(worker() for _ in range(width)))
    return 1e6 * (time.process_time() - cpu) / len(entries), 1e3 * sum(waited) / len(waited)


def kept(calls: int, width: int, wait: float) -> dict[str, dict[str, float]]:
    """Each way in turn, three times."""
    entries = [entry(number) for number in range(calls)]
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in BOOKS}
    for _ in range(TURNS):
        for name, book in BOOKS.items():
            with tempfile.TemporaryDirectory() as folder, book(Path(folder) / "ledger.sqlite") as opened:
                found[name].append(asyncio.run(worked(opened, entries, width, wait)))
    idle = median(cpu for cpu, _ in found.pop("nothing"))
    return {
        name: {
            "cpu_us": round(median(cpu for cpu, _ in turns) - idle, 1),
            "added_ms": round(median(added for _, added in turns), 2),
        }
        for name, turns in found.items()
    }


def looked_up(rows: int) -> dict[str, float]:
    """Microseconds of CPU of a look-up in a ledger of so many calls, and what its sums take."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        with closing(to_write(path)) as db:
            db.execute("pragma synchronous = off")
            for first in range(0, rows, 1000):
                with transaction(db):
                    db.executemany(KEEP_CALL, (call_row(entry(n)) for n in range(first, min(rows, first + 1000))))
        size = path.stat().st_size
        rng = random.Random(2)
        there = [entry(rng.randrange(rows)).reply.key for _ in range(20_000)]
        absent = [hashlib.sha256(f"not {n}".encode()).hexdigest() for n in range(20_000)]
        with Ledger(path) as book:
            turns = {
                "hit_us": [each(book, there) for _ in range(TURNS)],
                "miss_us": [each(book, absent) for _ in range(TURNS)],
            }
            began = time.perf_counter()
            assert book.totals().calls == rows
            sums = time.perf_counter() - began
    figures = {name: round(median(values), 1) for name, values in turns.items()}
    return {**figures, "totals_seconds": round(sums, 3), "bytes_a_call": round(size / rows)}


def each(book: Ledger, keys: list[str]) -> float:
    """CPU microseconds of a look-up."""
    cpu = time.process_time()
    for key in keys:
        book.get(key)
    return 1e6 * (time.process_time() - cpu) / len(keys)


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    figures = {
        f"concurrency {width}, {said}": kept(calls, width, wait)
        for width in (64, 256)
        for said, wait in (("200 ms a call", 0.2), ("at once", 0.0))
    }
    print(
        json.dumps({"calls": calls, "load": os.getloadavg()[0], **figures, f"{rows:,} rows": looked_up(rows)}, indent=2)
    )


if __name__ == "__main__":
    main()
