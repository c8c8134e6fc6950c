"""`synthgen ledger` as a user runs it: on runs and on files, sound and damaged, while others use them."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from conftest import SEEDS, clean_environment, command, outputs
from ledgercase import contents, entry, filled, program
from rehearsal.servercase import start

from synthgen.teacher.ledgerfile import has_log

PAGE = 4096


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run of one's own."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def noise(path: Path, page: int) -> None:
    """Spoil a page of a file."""
    with path.open("r+b") as handle:
        handle.seek(page * PAGE)
        handle.write(b"\xa5" * PAGE)


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that could not start said."""
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("synthgen: ")
    return line


def test_a_finished_run_has_a_sound_ledger_whose_sums_are_those_of_the_report(run: Path):
    done = command("ledger", "check", run, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    report = json.loads((run / "report.json").read_text())["ledger"]
    assert found["sound"]
    assert (found["faults"], found["unreadable"], found["missing"]) == ([], 0, 0)
    assert found["calls"] == report["calls"] == sum(one["calls"] for one in found["sums"])
    assert report["prompt_tokens"] == sum(one["prompt_tokens"] for one in found["sums"])
    assert {one["step"] for one in found["sums"]} == {"propose", "classify", "instantiate", "vet", "answer", "judge"}
    said = command("ledger", "check", run / "ledger.sqlite")
    assert said.returncode == 0
    assert f"{found['calls']} calls" in said.stdout.splitlines()[0]
    assert len(said.stdout.splitlines()) == 1 + len(found["sums"])


def test_a_damaged_ledger_is_named_repaired_and_the_run_pays_for_no_more_than_was_lost(run: Path, finished: Path):
    ledger = run / "ledger.sqlite"
    for page in range(0, ledger.stat().st_size // PAGE, 4):
        noise(ledger, page)
    line = one_line(command("ledger", "check", run))
    assert f"{ledger} is damaged" in line
    assert f"`synthgen ledger repair {run}`" in line
    arguments = ["expand", "--seeds", SEEDS, "--out", run, "--target", 30, "--teacher", "rehearsal", "--no-prefect"]
    assert "synthgen ledger repair" in one_line_of_run(command(*arguments))
    checked = json.loads(command("ledger", "check", run, "--json").stdout)
    assert 0 < checked["unreadable"] < checked["calls"]
    assert f"{checked['unreadable']} calls that were kept cannot be read, {checked['calls']} can" in line
    done = command("ledger", "repair", run)
    assert done.returncode == 0, done.stderr
    assert f"{checked['calls']} calls saved, {checked['unreadable']} known to be lost" in done.stdout
    assert f"the damaged file is now {ledger}.damaged-1" in done.stdout
    missed = re.search(rf"(\d+) calls that {run} rests on are not in", one_line(command("ledger", "check", run)))
    lost = json.loads((run / "report.json").read_text())["ledger"]["calls"] - checked["calls"]
    assert checked["unreadable"] <= lost
    assert 0 < int(missed[1]) <= lost
    again = command(*arguments)
    assert again.returncode == 0, again.stderr
    assert outputs(run) == outputs(finished)
    assert json.loads((run / "report.json").read_text())["calls"] <= lost
    assert "there is nothing to repair" in command("ledger", "repair", run).stdout


def one_line_of_run(done: subprocess.CompletedProcess[str]) -> str:
    """What a run that could not start said."""
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line != "synthgen: starting")
    return line


def test_calls_that_a_run_rests_on_are_missed(run: Path):
    named = [json.loads(line)["call"] for line in (run / "answers.jsonl").read_text().splitlines()][:3]
    with closing(sqlite3.connect(run / "ledger.sqlite")) as db, db:
        db.executemany("delete from calls where key = ?", [(key,) for key in named])
    assert f"3 calls that {run} rests on are not in {run / 'ledger.sqlite'}" in one_line(
        command("ledger", "check", run)
    )
    assert command("ledger", "check", run / "ledger.sqlite").returncode == 0


HOLDING = """
import sys
from pathlib import Path
from synthgen.runs import RunDir
with RunDir(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.readline()
"""
OPEN = """
import sys
from pathlib import Path
from synthgen.teacher.ledger import Ledger
with Ledger(Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.readline()
"""


def test_the_ledger_of_a_run_that_goes_on_is_not_repaired_and_not_joined_to(run: Path, tmp_path: Path):
    noise(run / "ledger.sqlite", 30)
    before = (run / "ledger.sqlite").read_bytes()
    other = filled(tmp_path / "other", [entry(1)])
    with program(HOLDING, run) as holder:
        assert holder.stdout.readline() == "held\n"
        for arguments in (("repair", run), ("merge", run, other)):
            assert f"in use by process {holder.pid}" in one_line(command("ledger", *arguments))
        holder.communicate("\n")
    with program(OPEN, run / "ledger.sqlite") as holder:
        assert holder.stdout.readline() == "open\n"
        assert "is open in another program" in one_line(command("ledger", "repair", run / "ledger.sqlite"))
        holder.communicate("\n")
    assert (run / "ledger.sqlite").read_bytes() == before


def test_a_ledger_that_is_open_may_be_read_and_joined_to(tmp_path: Path):
    path, other = filled(tmp_path / "l", [entry(1)]), filled(tmp_path / "other", [entry(2)])
    with program(OPEN, path) as holder:
        assert holder.stdout.readline() == "open\n"
        assert command("ledger", "check", path).returncode == 0
        assert "1 calls added" in command("ledger", "merge", path, other).stdout
        assert len(command("ledger", "export", path).stdout.splitlines()) == 2
        holder.communicate("\n")
    assert len(contents(path)) == 2
    assert not has_log(path)


def test_two_ledgers_become_one_and_what_differs_is_named(tmp_path: Path):
    first = filled(tmp_path / "first", [entry(1), entry(2)])
    second = filled(tmp_path / "second", [entry(2, text="other"), entry(3)])
    done = command("ledger", "merge", tmp_path / "both", first, second)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{tmp_path / 'both'}: 3 calls added, 1 were there",
        f"1 of them with another reply, which stays: {entry(2).reply.key}",
    ]
    assert [one["reply"]["text"] for one in contents(tmp_path / "both") if one["key"] == entry(2).reply.key] == [
        entry(2).reply.text
    ]


def test_every_call_is_written_out_in_the_order_of_the_keys(run: Path, tmp_path: Path):
    done = command("ledger", "export", run)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["key"] for row in rows] == sorted(row["key"] for row in rows)
    assert len(rows) == json.loads((run / "report.json").read_text())["ledger"]["calls"]
    assert list(rows[0]) == [
        "key", "role", "step", "model", "identity", "sample", "finish", "prompt_tokens", "completion_tokens",
        "cached_tokens", "cost_usd", "seconds", "at", "request", "reply",
    ]  # fmt: skip
    assert rows[0]["request"]["messages"]
    assert rows[0]["reply"]["text"]
    told = command("ledger", "export", run / "ledger.sqlite", "--out", tmp_path / "calls.jsonl")
    assert told.stdout == f"{tmp_path / 'calls.jsonl'}: {len(rows)} calls\n"
    assert (tmp_path / "calls.jsonl").read_text(encoding="utf-8") == done.stdout


LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from synthgen.cli import main
main()
"""


def test_an_export_is_whole_or_not_there(run: Path, tmp_path: Path):
    out = tmp_path / "calls.jsonl"
    out.write_text("what was there")
    full = subprocess.run(
        [sys.executable, "-c", LIMITED, "ledger", "export", run, "--out", out],
        capture_output=True, text=True, env=clean_environment(), timeout=120, check=False,
    )  # fmt: skip
    assert "make room" in one_line(full)
    assert out.read_text() == "what was there"
    assert not list(tmp_path.glob(".calls*"))


def test_an_export_may_be_read_in_part(run: Path):
    whole = f"{sys.executable} -c 'from synthgen.cli import main; main()' ledger export {run} | head -c 100"
    done = subprocess.run(["bash", "-c", whole], capture_output=True, env=clean_environment(), timeout=120, check=False)
    assert len(done.stdout) == 100
    assert done.stderr == b""


@pytest.mark.parametrize("arguments", [("check",), ("repair",), ("export",), ("merge", "new")])
def test_what_is_no_ledger_is_named(arguments: tuple[str, ...], tmp_path: Path):
    word, *before = arguments
    paths = [tmp_path / name for name in before]
    assert f"{tmp_path / 'none'} is not there" in one_line(command("ledger", word, *paths, tmp_path / "none"))
    (tmp_path / "notes").mkdir()
    assert "ledger.sqlite is not there" in one_line(command("ledger", word, *paths, tmp_path / "notes"))
    (tmp_path / "notes.txt").write_text("my notes\n" * 2000)
    assert str(tmp_path / "notes.txt") in one_line(command("ledger", word, *paths, tmp_path / "notes.txt"))
    assert (tmp_path / "notes.txt").read_text() == "my notes\n" * 2000
    assert not (tmp_path / "new").exists()


def test_a_key_stands_in_no_ledger(tmp_path: Path):
    key = "sk-planted-4f1c9a7e55d2"
    process, url = start("--watch-stdin", "--key", "WANTED_KEY", WANTED_KEY=key)
    with process:
        done = command(
            "expand", "--seeds", SEEDS, "--out", tmp_path / "run", "--target", 4, "--no-prefect", "--teacher",
            f"rehearsal-strong@{url}/v1", OPENAI_API_KEY=key,
        )  # fmt: skip
        process.stdin.close()
    assert done.returncode == 0, done.stderr
    shown = command("ledger", "export", tmp_path / "run").stdout
    assert len(shown.splitlines()) > 10
    assert key not in shown
    with closing(sqlite3.connect(tmp_path / "run" / "ledger.sqlite")) as db:
        assert key not in "\n".join(db.iterdump())
