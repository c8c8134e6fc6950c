"""Answers and verdicts by the Batch API: the same bytes, half the price, and nothing paid for twice whatever happens."""

import contextlib
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import SEEDS, clean_environment, command, expand, outputs
from rehearsal.servercase import get, start

PRICES = {"rehearsal-strong": {"prompt": 1.0, "cached": 1.0, "completion": 4.0}}
TARGET = 12


@contextlib.contextmanager
def serving(*options: str) -> Iterator[str]:
    """The base URL of a rehearsal server."""
    process, url = start("--watch-stdin", *options)
    with process:
        yield url
        process.stdin.close()


def line(out: Path, url: str, **more: object) -> dict:
    """A short run against a server; the report."""
    teacher = {"spec": f"rehearsal-strong@{url}/v1", "teacher_id": "lab"}
    return expand(out, teacher=teacher, target=TARGET, prices=PRICES, budget_usd=50, **more)


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], dict]:
    """What a run leaves whose calls are all made at once, and its report."""
    out = tmp_path_factory.mktemp("at_once") / "run"
    with serving() as url:
        report = line(out, url)
    return outputs(out), report


def batches(out: Path) -> list[tuple[str, str]]:
    """(id, state) of every batch in a ledger."""
    with contextlib.closing(sqlite3.connect(out / "ledger.sqlite")) as db:
        return db.execute("select id, state from batches where id not like 'file:%' order by at").fetchall()


def test_the_same_bytes_at_half_the_price(at_once: tuple, tmp_path: Path):
    with serving("--batch-seconds", "0.1") as url:
        report = line(tmp_path / "run", url, batch=True)
        stats = get(url, "/stats")
    assert outputs(tmp_path / "run") == at_once[0]
    for step in ("answer", "judge"):
        dear = at_once[1]["steps"][step]
        assert report["steps"][step]["calls"] == dear["calls"]
        # A verdict that cannot be read is asked for again at once, at the full price.
        assert 0.499 < report["steps"][step]["cost_usd"] / dear["cost_usd"] < 0.65
    assert report["steps"]["vet"]["cost_usd"] == at_once[1]["steps"]["vet"]["cost_usd"]
    assert stats["served_again"] == 0
    assert [state for _, state in batches(tmp_path / "run")] == ["kept", "kept"]


def test_a_finished_run_needs_no_endpoint(at_once: tuple, tmp_path: Path):
    with serving() as url:
        line(tmp_path / "run", url, batch=True)
    report = line(tmp_path / "run", "http://127.0.0.1:9", batch=True)
    assert report["calls"] == 0
    assert outputs(tmp_path / "run") == at_once[0]


@pytest.mark.parametrize(
    "fault",
    ["failed-lines=0.3", "missing-lines=0.3", "expired=1", "repeated-lines=0.3", "unreadable-lines=0.3"],
)
def test_what_a_batch_leaves_out_is_asked_again_and_no_row_is_lost(fault: str, at_once: tuple, tmp_path: Path):
    with serving("--batch-fault", fault) as url:
        report = line(tmp_path / "run", url, batch=True)
    assert report["stopped"]["reason"] == "done"
    assert outputs(tmp_path / "run") == at_once[0]


def test_a_refused_batch_stops_the_run_and_the_same_command_goes_on(at_once: tuple, tmp_path: Path):
    with serving("--batch-fault", "failed=1") as url:
        report = line(tmp_path / "run", url, batch=True)
    assert "refuses batch" in report["stopped"]["advice"]
    with serving() as url:
        assert line(tmp_path / "run", url)["stopped"]["reason"] == "done"
    assert outputs(tmp_path / "run") == at_once[0]


def killable(out: Path, url: str, *more: str) -> subprocess.Popen[bytes]:
    """The command, as a process that can be killed."""
    code = "from synthgen.cli import main; main()"
    prices = out.parent / "prices.toml"
    prices.write_text('[prices."rehearsal-strong"]\nprompt = 1.0\ncached = 1.0\ncompletion = 4.0\n')
    arguments = [
        "expand",
        "--seeds",
        SEEDS,
        "--out",
        out,
        "--target",
        TARGET,
        "--teacher",
        f"rehearsal-strong@{url}/v1",
    ]
    arguments += ["--teacher-id", "lab", "--no-prefect", "--budget-usd", 50, "--config", prices, *more]
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env=clean_environment(),
    )  # fmt: skip


def open_batch(out: Path, seconds: float = 60) -> None:
    """Wait until a batch is open."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(sqlite3.OperationalError):
            if any(state == "open" for _, state in batches(out)):
                return
        time.sleep(0.02)
    raise AssertionError("no batch was sent")


@pytest.mark.parametrize("again", [["--batch"], []])
def test_a_run_that_is_killed_while_a_batch_is_open_waits_for_it_and_pays_for_nothing_twice(
    again: list[str], at_once: tuple, tmp_path: Path
):
    out = tmp_path / "run"
    with serving("--batch-seconds", "3") as url:
        with killable(out, url, "--batch") as process:
            open_batch(out)
            process.kill()
        with killable(out, url, *again) as process:
            said = process.communicate(timeout=120)[1].decode()
        stats = get(url, "/stats")
    assert process.returncode == 0, said
    assert "is still open; its replies are waited for" in said
    assert outputs(out) == at_once[0]
    assert stats["served_again"] == 0


def test_an_endpoint_without_batches_is_named(tmp_path: Path):
    with serving("--plain") as url:
        found = command(
            "expand", "--seeds", SEEDS, "--out", tmp_path / "run", "--teacher", f"rehearsal-strong@{url}/v1",
            "--no-prefect", "--target", "2", "--batch",
        )  # fmt: skip
    assert found.returncode in {1, 3}
    assert "Traceback" not in found.stderr


def test_the_ledger_says_what_was_paid(tmp_path: Path):
    with serving() as url:
        report = line(tmp_path / "run", url, batch=True)
    assert report["ledger"]["cost_usd"] == pytest.approx(report["cost_usd"], abs=1e-6)
    assert report["ledger_steps"].keys() == report["steps"].keys()
    rows = sum(report["rows"]["sft"].values())
    assert report["cost_usd_each"]["sft_row"] == pytest.approx(report["cost_usd"] / rows, abs=1e-6)
    assert report["cost_usd_each"]["accepted"] == pytest.approx(report["cost_usd"] / TARGET, abs=1e-6)
