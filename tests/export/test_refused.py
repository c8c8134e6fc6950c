"""Rows that must not be trained on are left out of every config and format, each with its reason."""

import json
import shutil
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
from conftest import command
from formatcase import ONE, assistant, user

from synthgen import steps
from synthgen.errors import InputError
from synthgen.export.refused import Refused, evidence
from synthgen.runs import RunDir
from synthgen.views import report
from synthgen.views.story import why


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run, to spoil and to export again."""
    path = tmp_path / "run"
    shutil.copytree(finished, path, ignore=shutil.ignore_patterns("ledger.sqlite*"))
    return path


def spoil(run, text, *, only=lambda row: True):
    """Put a text in the place of answers; their ids."""
    path = run / "answers.jsonl"
    rows = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    spoiled = [row["id"] for row in rows if only(row)]
    path.write_bytes(
        b"".join(orjson.dumps(row | ({"text": text} if row["id"] in spoiled else {})) + b"\n" for row in rows)
    )
    return set(spoiled)


def ids(run, config):
    return {
        row["id"] for path in (run / "dataset" / config).glob("*.parquet") for row in pq.read_table(path).to_pylist()
    }


def rejected(run):
    path = run / "rejected" / "export.jsonl"
    return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def first_pick(run):
    """The id of a picked answer."""
    return next(one for one in sorted(ids(run, "sft")) if not one.startswith("seed"))


def test_a_blank_answer_is_no_row_of_any_config_and_the_reason_is_kept(run):
    one = first_pick(run)
    spoil(run, " ", only=lambda row: row["id"] == one)
    told = steps.export_again(run, {"formats": ("openai",)})
    lines = rejected(run)
    assert {(line["id"], line["reason"]) for line in lines if line["config"] == "sft"} == {(one, "blank")}
    assert {line["reason"] for line in lines} == {"blank"}
    assert one not in ids(run, "sft") | ids(run, "sft_messages") | ids(run, "kto")
    assert told["rejected"] == {"blank": len(lines)}
    assert sum(told["sft"].values()) == sum(told["sft_messages"].values()) == len(ids(run, "sft"))
    assert sum(told["formats"]["openai"]["files"].values()) == sum((*told["sft"].values(), *told["dpo"].values()))


def test_the_report_counts_what_the_export_left_out(run):
    one = first_pick(run)
    spoil(run, "So.<|im_end|>", only=lambda row: row["id"] == one)
    steps.export_again(run)
    config = steps.prepare(steps.reopened(run), begins=False).config
    counted = report.counted(RunDir(run), config)
    assert counted["rejected"]["export"] == {"special_tokens": len(rejected(run))}
    assert {line["evidence"] for line in rejected(run)} == {"So.<|im_end|>"}


def test_the_next_export_takes_the_reasons_away_with_the_faults(run):
    kept = (run / "answers.jsonl").read_bytes()
    one = first_pick(run)
    spoil(run, "", only=lambda row: row["id"] == one)
    steps.export_again(run)
    assert rejected(run)
    (run / "answers.jsonl").write_bytes(kept)
    assert "rejected" not in steps.export_again(run)
    assert not (run / "rejected" / "export.jsonl").exists()


def test_the_command_tells_what_was_left_out(run):
    one = first_pick(run)
    spoil(run, "", only=lambda row: row["id"] == one)
    done = command("export", run)
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert told["rejected"] == {"blank": len(rejected(run))}


def test_where_every_row_is_refused_the_old_folder_stays_and_the_command_says_why(run):
    before = ids(run, "sft")
    spoil(run, "")
    with pytest.raises(
        InputError, match=r"none of the \d+ rows may be trained on, \d+ of them because an assistant"
    ) as told:
        steps.export_again(run, {"include_seeds": False})
    assert str(run / "rejected" / "export.jsonl") in str(told.value)
    assert {line["reason"] for line in rejected(run)} <= {"blank", "same_pair"}
    assert ids(run, "sft") == before
    assert not (run / ".dataset.new").exists()


def test_a_folder_of_another_export_that_was_killed_is_no_reason_today(run):
    begun = run / "rejected" / ".export.jsonl.new"
    begun.write_bytes(b"cut")
    steps.export_again(run)
    assert not begun.exists()


def test_a_run_without_a_complete_row_has_no_dataset_and_the_export_says_so(run):
    for name in ("tasks", "answers", "judged", "pairs"):
        (run / f"{name}.jsonl").write_bytes(b"")
    with pytest.raises(InputError, match="has no complete row, so there is no dataset"):
        steps.export_again(run, {"include_seeds": False})
    assert not (run / "dataset").exists()


def test_the_story_of_a_row_that_was_left_out_says_why(run):
    one = first_pick(run)
    spoil(run, "So.<|im_end|>", only=lambda row: row["id"] == one)
    steps.export_again(run, {"formats": ("verl",)})
    told = why(RunDir(run), one)
    assert f"{one}  rejected by the export to sft: special_tokens\n        So.<|im_end|>" in told
    assert "a row of sft" not in told


def spoilt(path):
    """Refuse a row, and fail."""
    with Refused(path) as refused:
        refused.put("sft", ONE | {"id": "another"}, "blank")
        refused.put("sft", {}, "blank")


def test_an_export_that_fails_leaves_the_last_ones_reasons(tmp_path):
    path = tmp_path / "rejected" / "export.jsonl"
    with Refused(path) as refused:
        refused.put("sft", ONE, "blank")
    refused.place(rows=True)
    before = path.read_bytes()
    with pytest.raises(KeyError):
        spoilt(path)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["export.jsonl"]


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        (ONE | {"completion": [assistant("")]}, "Capital of France?"),
        (ONE | {"completion": [assistant("word " * 100)]}, ("word " * 100)[:200]),
        (ONE | {"completion": [assistant("a" * 500 + "<|im_end|>" + "b" * 500)]}, "a" * 80 + "<|im_end|>" + "b" * 110),
        (ONE | {"prompt": [user("</s>")], "completion": None}, "</s>"),
        (ONE | {"completion": [assistant("\ud800")]}, "?"),
        (ONE | {"completion": [assistant("So.", reasoning_content="Hm.</s>")]}, "Hm.</s>"),
    ],
)
def test_the_evidence_is_short_and_shows_the_fault(row, shown):
    assert evidence("sft", row) == shown
