"""Shared by the tests of ledgers: calls to keep, ledgers made of them, and the programs that run beside."""

import asyncio
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import orjson

from synthgen.records import Reply
from synthgen.teacher import wire
from synthgen.teacher.ledger import Entry, Ledger
from synthgen.teacher.ledgercopy import lines

STEPS = ("propose", "classify", "instantiate", "vet", "answer", "judge")
HERE = "http://teacher/v1"


def entry(number: int, *, text: str = "", step: str = "", identity: str = HERE, long: int = 0) -> Entry:
    """One of many different calls, under the key that its request has."""
    step = step or STEPS[number % 6]
    asked = f"{number}: " + "why is that so? " * (3 + 5 * (number % 20) + long)
    body = {"model": "m", "messages": [{"role": "user", "content": asked}], "seed": number}
    reply = Reply(
        text=text or f"Because of {number}. " * (1 + number % 30 + long),
        finish="stop",
        key=wire.key(body, number % 3, identity),
        model="m",
        prompt_tokens=number % 100,
        completion_tokens=number % 7,
        cached_tokens=number % 5,
    )
    role = step if step in {"propose", "answer", "judge"} else "instantiate"
    return Entry(reply, body, role, step, identity, number % 3, number / 8, 0.25, 1000.0 + number)


def filled(path: Path, entries: Iterable[Entry]) -> Path:
    """A ledger that holds some calls."""

    async def fill(book: Ledger) -> None:
        await book.keep(*entries)

    with Ledger(path) as book, ThreadPoolExecutor(1) as thread:  # a test may have a loop of its own
        thread.submit(lambda: asyncio.run(fill(book))).result()
    return path


def contents(path: Path) -> list[dict]:
    """Every call of a ledger."""
    return [orjson.loads(line) for line in lines(path)]


def old(path: Path, entries: Iterable[Entry]) -> Path:
    """A ledger of format 1, as synthgen wrote it before."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("pragma journal_mode = wal")
        db.execute(
            "create table calls (key text primary key, role text not null, model text not null, identity text not null, "
            "sample integer not null, request blob not null, reply blob not null, finish text not null, "
            "prompt_tokens integer not null, completion_tokens integer not null, cached_tokens integer not null, "
            "cost_usd real not null, seconds real not null, at real not null) without rowid"
        )
        db.execute("create table endpoints (spec text, api text, binding text not null, primary key (spec, api))")
        for one in entries:
            reply = one.reply
            kept = orjson.dumps(reply.model_dump(exclude={"key"}))
            row = (
                reply.key,
                one.role,
                reply.model,
                one.identity,
                one.sample,
                zlib.compress(wire.canonical(one.body), 1),
                kept,
            )
            tokens = (reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens)
            values = (*row, reply.finish, *tokens, one.cost_usd, one.seconds, one.at)
            db.execute(f"insert into calls values ({', '.join('?' * 14)})", values)
        db.execute("pragma user_version = 1")
    return path


def program(text: str, *arguments: object, **more) -> subprocess.Popen[str]:
    """A Python program of its own, that can be talked to and killed."""
    from conftest import clean_environment  # takes a while, and those programs read this file too

    return subprocess.Popen(
        [sys.executable, "-c", text, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **clean_environment(),
            "PYTHONPATH": f"{Path(__file__).parent}:{clean_environment().get('PYTHONPATH', '')}",
        },
        **more,
    )
