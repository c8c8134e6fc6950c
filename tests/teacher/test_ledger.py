"""The ledger keeps what was paid for, first come, whatever dies."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import clean_environment
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen.errors import ConfigError, StorageError
from synthgen.records import Reply
from synthgen.teacher.ledger import Ledger
from synthgen.teacher.wire import Binding, Capabilities

BODY = {"model": "m", "messages": [{"role": "user", "content": "Why?"}]}


def put(ledger: Ledger, reply: Reply, body: dict | None = None) -> None:
    """Keep a reply."""
    about = {"role": "answer", "identity": "here", "sample": 0, "cost_usd": 0.25, "seconds": 0.1, "at": 0.0}
    ledger.put(reply, body or BODY, **about)


texts = st.text(st.characters(exclude_categories=["Cs"]))


@settings(max_examples=30)
@given(texts, texts, st.integers(0, 2**40), st.sampled_from(["stop", "length", "filtered", "too_long", "refused"]))
def test_a_replayed_reply_equals_the_first_one(tmp_path_factory, text: str, model: str, tokens: int, finish: str):
    reply = Reply(text=text, model=model, prompt_tokens=tokens, completion_tokens=3, finish=finish, key="k")
    body = {"prompt": text}
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    with Ledger(path) as ledger:
        put(ledger, reply, body)
    with Ledger(path) as ledger:
        assert ledger.get("k") == reply
        assert ledger.request("k") == ("answer", body)


def test_what_was_kept_first_stays(tmp_path: Path):
    with Ledger(tmp_path / "l") as ledger:
        put(ledger, Reply(text="first", finish="stop", key="k"))
        put(ledger, Reply(text="second", finish="stop", key="k"))
        assert ledger.get("k").text == "first"
        assert ledger.totals().calls == 1


def test_what_is_not_there_is_none(tmp_path: Path):
    with Ledger(tmp_path / "l") as ledger:
        assert ledger.get("k") is None
        assert ledger.request("k") is None
        assert ledger.binding("s", "chat") is None
        assert ledger.totals() == (0, 0, 0, 0, 0.0)


def test_totals_add_up(tmp_path: Path):
    with Ledger(tmp_path / "l") as ledger:
        for n in range(3):
            put(
                ledger, Reply(text="", finish="stop", key=str(n), prompt_tokens=5, completion_tokens=2, cached_tokens=1)
            )
        assert ledger.totals() == (3, 15, 6, 3, 0.75)


def test_a_binding_is_remembered(tmp_path: Path):
    found = Binding(identity="i", model="m", capabilities=Capabilities(without=("seed",)))
    with Ledger(tmp_path / "l") as ledger:
        ledger.remember("slot", "chat", found)
    with Ledger(tmp_path / "l") as ledger:
        assert ledger.binding("slot", "chat") == found
        assert ledger.binding("slot", "completions") is None


KILLED = """
import os, signal, sys
from pathlib import Path
from synthgen.records import Reply
from synthgen.teacher.ledger import Ledger
with Ledger(Path(sys.argv[1])) as ledger:
    for n in range(500):
        ledger.put(Reply(text="so", finish="stop", key=str(n)), {"n": n}, role="answer", identity="i", sample=0,
                   cost_usd=0, seconds=0, at=0)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_put_returned_from_survives_the_death_of_the_process(tmp_path: Path):
    path = tmp_path / "ledger.sqlite"
    subprocess.run([sys.executable, "-c", KILLED, str(path)], env=clean_environment(), check=False)
    with Ledger(path) as ledger:
        assert ledger.totals().calls == 500
        assert ledger.get("499").text == "so"


def test_two_processes_may_share_a_ledger(tmp_path: Path):
    with Ledger(tmp_path / "l") as one, Ledger(tmp_path / "l") as other:
        put(one, Reply(text="so", finish="stop", key="k"))
        assert other.get("k").text == "so"


def test_a_ledger_of_a_newer_format_is_refused(tmp_path: Path):
    with sqlite3.connect(tmp_path / "l") as db:
        db.execute("pragma user_version = 99")
    db.close()
    with pytest.raises(ConfigError, match="newer synthgen"), Ledger(tmp_path / "l"):
        pass


def test_a_file_that_is_no_ledger_is_named(tmp_path: Path):
    (tmp_path / "l").write_bytes(b"text" * 1000)
    with pytest.raises(ConfigError, match="is not a ledger"), Ledger(tmp_path / "l"):
        pass


def test_a_ledger_that_cannot_be_made_is_a_storage_error(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot write the ledger"), Ledger(tmp_path / "file" / "l"):
        pass
