"""A hostile endpoint: a tenth of its attempts go wrong in one way, and the run is the same to the byte."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import expand, outputs
from rehearsal.servercase import get, start

from synthgen.teacher.ledger import Ledger

TARGET = 15
AFTER_THE_WORK = {"drop-after", "cut", "short", "drip", "wrong-model", "huge", "empty"}
"""Faults behind which the work was done, so that asking again means doing it again."""


@contextlib.contextmanager
def serving(*options: str) -> Iterator[str]:
    """The base URL of a rehearsal server."""
    process, url = start("--watch-stdin", *options)
    with process:
        yield url
        process.stdin.close()


def line(out: Path, *urls: str, **more: object) -> dict:
    """A short run; the report."""
    spec = ",".join(f"rehearsal-strong@{url}/v1" for url in urls)
    return expand(out, teacher={"spec": spec, "teacher_id": "lab"}, target=TARGET, deadline_seconds=1.0, **more)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a run leaves against a server without faults."""
    out = tmp_path_factory.mktemp("calm") / "run"
    with serving() as url:
        line(out, url)
    return outputs(out)


@pytest.mark.parametrize(
    "fault",
    [
        "busy", "error", "unavailable", "drop-before", "drop-after", "cut", "short", "drip", "hang", "wrong-model",
        "wrong-type", "huge", "redirect", "garbage-headers", "empty",
    ],
)  # fmt: skip
def test_a_tenth_of_faults_changes_no_byte_and_nothing_is_paid_for_twice_that_need_not_be(
    fault: str, calm: dict[str, bytes], tmp_path: Path
):
    with serving("--fault", f"{fault}=0.1", "--retry-after", "0.2") as url:
        report = line(tmp_path / "run", url)
        stats = get(url, "/stats")
    assert report["stopped"]["reason"] == "done"
    assert outputs(tmp_path / "run") == calm
    assert stats["faults"][fault] > 0
    assert stats["delivered_again"] == 0
    if fault in AFTER_THE_WORK:
        assert 0 < report["lost_attempts"] <= stats["faults"][fault] + 1
    elif fault != "garbage-headers":
        assert stats["served_again"] == 0


def test_what_thinks_aloud_has_its_thoughts_kept_apart(calm: dict[str, bytes], tmp_path: Path):
    with serving("--fault", "reasoning=1") as url:
        line(tmp_path / "run", url)
    assert said(outputs(tmp_path / "run")["answers.jsonl"]) == said(calm["answers.jsonl"])
    with Ledger(tmp_path / "run" / "ledger.sqlite", reading=True) as ledger:
        kept = [ledger.get(json.loads(row)["call"]) for row in outputs(tmp_path / "run")["answers.jsonl"].splitlines()]
    assert all(reply.reasoning and reply.reasoning not in reply.text for reply in kept)


def said(rows: bytes) -> list[str]:
    """The texts of answers."""
    return [json.loads(row)["text"] for row in rows.splitlines()]


@pytest.mark.parametrize("without", ["response_format.json_schema", "response_format"])
def test_an_endpoint_that_knows_no_forms_is_told_them_in_words(without: str, tmp_path: Path):
    with serving("--without", without) as url:
        report = line(tmp_path / "run", url)
    assert report["accepted"] == TARGET
    assert report["pairs"]["pairs"] > 0


def test_more_than_a_bucket_holds_is_waited_for_and_nothing_is_lost(calm: dict[str, bytes], tmp_path: Path):
    with serving("--requests-per-second", "50") as url:
        report = line(tmp_path / "run", url)
        stats = get(url, "/stats")
    assert outputs(tmp_path / "run") == calm
    assert stats["delivered_again"] == 0
    assert report["lost_attempts"] == 0


def test_a_fleet_of_which_one_dies_in_the_middle_gives_the_same_bytes(calm: dict[str, bytes], tmp_path: Path):
    process, dying = start("--watch-stdin", "--latency-ms", "5")
    with process, serving("--latency-ms", "5") as url:
        done = []

        def progress(stage: str, count: int) -> None:
            if stage == "tasks" and count == 5 and not done:
                done.append(1)
                process.kill()

        report = line(tmp_path / "run", url, dying, progress=progress)
    assert done
    assert report["stopped"]["reason"] == "done"
    assert outputs(tmp_path / "run") == calm
