"""Vectors over real HTTP: kept before they are used, paid for once, whatever came together."""

import asyncio
import json
import os
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web
from conftest import command, expand, outputs

from synthgen import replay
from synthgen.config import SemanticConfig
from synthgen.errors import ConfigError, TeacherError
from synthgen.rehearsal import meanings
from synthgen.rehearsal.server import Options, Server
from synthgen.teacher.embeddings import Embeddings, declared, decoded_text, encoded, parts
from synthgen.teacher.ledger import Ledger
from synthgen.teacher.meter import Meter
from synthgen.teacher.terms import Terms


class Counting:
    """The rehearsal's embeddings on a free port, counting the texts that were asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.server = Server(Options(model="rehearsal-strong"))

    async def __aenter__(self):
        app = web.Application()
        app.router.add_post("/v1/embeddings", self.embeddings)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_):
        await self.runner.cleanup()

    async def embeddings(self, request: web.Request) -> web.Response:
        self.asked += json.loads(await request.read())["input"]
        return await self.server.embeddings(request)


def config(url: str, **more) -> SemanticConfig:
    """A config whose embedder is the server's."""
    spec = f"{meanings.MODEL}@{url}"
    return declared(SemanticConfig(threshold=0.9, spec=spec, teacher_id="here", **more), {})


def asked(ledger: Path, url: str, *calls: list[str]):
    """The vectors of some calls in turn, in a process of their own."""

    async def run():
        with Ledger(ledger) as book:
            async with Embeddings(config(url), {}, book, Meter(), {}, Terms()) as embedder:
                return [await embedder.of(texts) for texts in calls]

    return run()


async def test_a_text_is_paid_for_once_whatever_it_came_with(tmp_path: Path):
    async with Counting() as server:
        book = tmp_path / "ledger.sqlite"
        first, second = await asked(book, server.url, ["one two", "three"], ["three", "four", "three"])
        assert server.asked == ["one two", "three", "four"]
        assert np.array_equal(first[1], second[0])
        assert np.allclose(first[0], meanings.embed("one two"), atol=1e-6)
    # The server is gone: what was kept is all that is needed.
    ((again,),) = await asked(book, server.url, ["four"])
    assert np.array_equal(again, second[1])


async def test_a_text_asked_twice_at_once_is_sent_once(tmp_path: Path):
    async with Counting() as server:
        with Ledger(tmp_path / "ledger.sqlite") as book:
            async with Embeddings(config(server.url), {}, book, Meter(), {}, Terms()) as embedder:
                await asyncio.gather(embedder.of(["a b c"]), embedder.of(["a b c", "d"]))
        assert sorted(server.asked) == ["a b c", "d"]


async def test_a_text_that_is_too_long_has_no_vector_and_the_others_have(tmp_path: Path):
    async with Counting() as server:
        ((one, long, other),) = await asked(tmp_path / "l", server.url, ["one", "long " * 5000, "other"])
        assert long is None
        assert one is not None
        assert other is not None
        before = len(server.asked)
        await asked(tmp_path / "l", server.url, ["long " * 5000])
        assert len(server.asked) == before


async def test_a_server_that_refuses_every_text_is_named(tmp_path: Path):
    async with Counting() as server:
        with pytest.raises(TeacherError, match="refuses every text"):
            await asked(tmp_path / "l", server.url, ["long " * 5000, "longer " * 5000])


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("", "needs an embedder"),
        ("http://127.0.0.1:8000/v1", "say which model embeds"),
        ("rehearsal", "say which model embeds"),
        ("./no-such-folder", "is not a folder"),
    ],
)
def test_an_embedder_that_cannot_be_is_named(spec: str, said: str):
    with pytest.raises(ConfigError, match=said):
        declared(SemanticConfig(threshold=0.9, spec=spec), {})


def test_a_folder_is_known_by_what_it_holds(tmp_path: Path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_bytes(b"1")
    found = declared(SemanticConfig(threshold=0.9, spec=str(tmp_path / "model")), {})
    moved = (tmp_path / "model").rename(tmp_path / "moved")
    assert declared(SemanticConfig(threshold=0.9, spec=str(moved)), {}).identity == found.identity
    (moved / "weights").write_bytes(b"2")
    assert declared(SemanticConfig(threshold=0.9, spec=str(moved)), {}).identity != found.identity


def test_vectors_and_shares_survive_their_forms():
    vector = np.float32([0.1, -2.5, 3e-9])
    assert np.array_equal(decoded_text(encoded(vector)), vector)
    assert parts(10, [1, 1, 1]) == [3, 3, 4]
    assert parts(7, [0, 5]) == [0, 7]
    assert parts(0, []) == []


def test_a_run_drops_what_means_the_same_and_a_rerun_pays_for_nothing(tmp_path: Path, semantic_server: str):
    spec = f"{meanings.MODEL}@{semantic_server}"
    wanted = {"threshold": 0.8, "spec": spec, "teacher_id": "meaning"}
    report = expand(tmp_path / "run", semantic=wanted)
    assert report["rejected"]["grow"]["semantic_duplicate"] > 0
    rule = report["rules"]["semantic_duplicate"]
    assert rule["dropped"] == report["rejected"]["grow"]["semantic_duplicate"] <= rule["alone"]
    found = replay.screen(tmp_path / "run")
    assert (found["enter"], found["leave"]) == ([], [])
    assert {one["was"] for one in replay.screen(tmp_path / "run", semantic=0)["enter"]} >= {"semantic_duplicate"}
    assert replay.screen(tmp_path / "run", semantic=0.6)["leave"]
    before = outputs(tmp_path / "run")
    again = expand(tmp_path / "run", semantic={**wanted, "spec": f"{meanings.MODEL}@http://127.0.0.1:9/v1"})
    assert again["calls"] == 0
    assert outputs(tmp_path / "run") == before
    expand(tmp_path / "other", semantic=wanted, concurrency=1)
    assert outputs(tmp_path / "other") == before
    with pytest.raises(ConfigError, match=r"semantic\.threshold"):
        expand(tmp_path / "run", semantic={**wanted, "threshold": 0.9})


@pytest.fixture
def semantic_server():
    """A rehearsal server of its own process, its base URL."""
    import subprocess
    import sys

    process = subprocess.Popen(
        [sys.executable, "-m", "synthgen.rehearsal", "--port", "0", "--watch-stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ,
    )
    with process:
        port = json.loads(process.stdout.readline())["port"]
        yield f"http://127.0.0.1:{port}/v1"
        process.stdin.close()


def test_dedup_drops_what_means_the_same_and_keeps_the_vectors(tmp_path: Path, semantic_server: str):
    rows = [
        {"text": "Describe the colours of a winter morning at sea."},
        {"text": "A winter morning at sea: describing its coloured..."},
        {"text": "Count to ten in Welsh."},
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    more = ["--semantic", 0.8, "--ledger", tmp_path / "vectors.sqlite", "--out", tmp_path / "kept.jsonl"]
    more += ["--field", "text", "--rejected", tmp_path / "rejected.jsonl", "--embedder"]
    done = command("dedup", tmp_path / "in.jsonl", *more, f"{meanings.MODEL}@{semantic_server}")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"kept": 2, "rejected": {"semantic_duplicate": 1}}
    (rejected,) = map(json.loads, (tmp_path / "rejected.jsonl").read_text().splitlines())
    assert rejected["nearest"]["line"] == "1"
    with Ledger(tmp_path / "vectors.sqlite") as book:
        assert book.totals().calls == 3
    assert command("dedup", tmp_path / "in.jsonl", *more, f"{meanings.MODEL}@{semantic_server}").stdout == done.stdout
    with Ledger(tmp_path / "vectors.sqlite") as book:
        assert book.totals().calls == 3


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path):
    (tmp_path / "in.jsonl").write_text('{"text": "a b c d"}\n')
    done = command(
        "dedup", tmp_path / "in.jsonl", "--field", "text", "--out", tmp_path / "k.jsonl", "--rejected",
        tmp_path / "r.jsonl", "--semantic", 0.9,
    )  # fmt: skip
    assert done.returncode == 1
    assert "--semantic needs an embedder" in done.stderr
    assert not (tmp_path / "k.jsonl").exists()
