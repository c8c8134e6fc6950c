"""`synthgen answer` as a user types it, and its twins for Python."""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import clean_environment, command, outputs

import synthgen

ROWS = [
    {"id": "one", "prompt": "Name a river that flows north."},
    {"id": "two", "instruction": "Add up the numbers.", "input": "3, 4 and 5"},
    {"id": "bad", "prompt": ""},
    {"id": "four", "prompt": "Explain why bread rises.", "category": "explanation"},
]


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    """A file of prompts, one of them empty."""
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def said(*words: object, code: int = 0, **environment: str) -> str:
    """What a command writes on standard output, its exit code checked."""
    done = command(*words, **environment)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def answer(source: Path, out: Path, *more: object, code: int = 0) -> str:
    """`synthgen answer` with the rehearsal, without Prefect."""
    return said("answer", source, "--out", out, "--teacher", "rehearsal", "--no-prefect", *more, code=code)


def refused(*words: object) -> str:
    """The one line of a command that cannot start."""
    done = command(*words)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line != "synthgen: starting"]
    return line


def report(run: Path) -> dict:
    return json.loads((run / "report.json").read_text())


def test_prompts_in_a_dataset_out_and_the_report_adds_up(prompts: Path, tmp_path: Path):
    run = tmp_path / "run"
    text = answer(prompts, run)
    for words in (
        "4 prompts, 4 of them read",
        "3 answered",
        "3 rows in sft (3 train)",
        "dropped by prompts: 1 empty",
        "REHEARSAL",
    ):
        assert words in text
    found = report(run)
    assert (found["command"], found["requested"], found["accepted"]) == ("answer", 4, 3)
    assert found["warnings"] == []
    rows = synthgen.Run(run).dataset("sft")["train"]
    assert [json.loads(row["metadata_json"])["row_id"] for row in rows] == ["one", "two", "four"]
    assert rows[1]["prompt"][-1]["content"] == "Add up the numbers.\n\n3, 4 and 5"
    assert {"id", "root_id", "strategy", "category", "source", "metadata_json"} <= set(rows.column_names)
    assert said("show", run) == text


def test_the_card_says_what_the_rows_are_and_quotes_no_strategy(prompts: Path, tmp_path: Path):
    answer(prompts, tmp_path / "auto")
    card = (tmp_path / "auto" / "dataset" / "README.md").read_text()
    assert "Prompts that were given, answered by `rehearsal-strong` under the reasoning strategies of Orca 2" in card
    assert "There is no test split: all prompts are to train on." in card
    assert "Self-Instruct" not in card
    answer(prompts, tmp_path / "none", "--strategy", "none")
    card = (tmp_path / "none" / "dataset" / "README.md").read_text()
    assert "answered by `rehearsal-strong` as they are" in card
    assert "Every prompt was sent as it is, with no system message." in card


def test_a_row_can_be_asked_for_by_its_place_its_answer_and_its_own_id(prompts: Path, tmp_path: Path):
    answer(prompts, tmp_path / "run", "--strategy", "direct-answer")
    story = said("why", tmp_path / "run", "p000001-0")
    for words in (
        "its own id two",
        "Add up the numbers.",
        "strategy: direct-answer",
        "p000001-0  a row of sft/train",
        "as answer, asked of",
    ):
        assert words in story
    assert "the policy" not in story
    assert "p000001-0  a candidate" in said("why", tmp_path / "run", "two")
    assert "p000002  rejected by prompts: empty" in said("why", tmp_path / "run", "p000002")


def test_export_writes_the_same_dataset_again_also_without_the_file(prompts: Path, tmp_path: Path):
    run = tmp_path / "run"
    answer(prompts, run)
    before = outputs(run)
    shutil.rmtree(run / "dataset")
    prompts.unlink()
    assert json.loads(said("export", run)) == {"sft": {"train": 3}, "sft_messages": {"train": 3}}
    assert outputs(run) == before


def test_export_keys_rewrite_only_the_dataset(prompts: Path, tmp_path: Path):
    run = tmp_path / "run"
    answer(prompts, run, "--strategy", "step-by-step")
    before = outputs(run)
    answer(prompts, run, "--strategy", "step-by-step", "--no-erase")
    after = outputs(run)
    assert {name for name in after if after[name] != before[name]} == {
        name for name in before if name.startswith("dataset/") and not name.startswith("dataset/training/")
    }
    assert report(run)["calls"] == 0
    rows = synthgen.Run(run).dataset("sft")["train"]
    assert all("small moves" in row["prompt"][0]["content"] for row in rows)


def test_prompts_that_are_sent_as_they_are_may_have_the_neutral_message_in_their_rows(prompts: Path, tmp_path: Path):
    answer(prompts, tmp_path / "run", "--strategy", "none", "--system", "generic")
    rows = synthgen.Run(tmp_path / "run").dataset("sft")["train"]
    assert {row["prompt"][0]["role"] for row in rows} == {"system"}


def test_a_judge_is_asked_where_one_is_named_and_not_otherwise(prompts: Path, tmp_path: Path):
    answer(prompts, tmp_path / "unjudged")
    assert not (tmp_path / "unjudged" / "judged.jsonl").exists()
    answer(prompts, tmp_path / "judged", "--judge", "rehearsal-weak")
    assert len(list(synthgen.Run(tmp_path / "judged").records("judged"))) == 3
    assert set(report(tmp_path / "judged")["rows"]) <= {"sft", "sft_messages", "kto"}
    answer(prompts, tmp_path / "told not to", "--samples", 3, "--no-judge")
    assert set(report(tmp_path / "told not to")["rows"]) == {"sft", "sft_messages"}
    assert report(tmp_path / "told not to")["accepted"] == 3


def test_a_limit_is_exit_three_and_the_same_command_goes_on(prompts: Path, tmp_path: Path):
    run = tmp_path / "run"
    done = command(
        "answer",
        prompts,
        "--out",
        run,
        "--teacher",
        "rehearsal",
        "--no-prefect",
        "--strategy",
        "none",
        "--max-calls",
        2,
    )
    assert done.returncode == 3, done.stderr
    assert "--max-calls 2 is used up" in done.stderr
    assert report(run)["owed"]["answers"] + report(run)["owed"]["tasks"] >= 1
    answer(prompts, run, "--strategy", "none")
    answer(prompts, tmp_path / "whole", "--strategy", "none")
    assert outputs(run) == outputs(tmp_path / "whole")


def test_what_cannot_start_is_one_line_and_exit_one(prompts: Path, tmp_path: Path):
    (tmp_path / "table.csv").write_text("prompt\nName a river.\n")
    (tmp_path / "text.jsonl").write_text("Name a river.\n")
    run = tmp_path / "run"
    usual = ("--out", run, "--teacher", "rehearsal", "--no-prefect")
    assert "does not exist" in refused("answer", tmp_path / "none.jsonl", *usual)
    assert "neither JSON lines nor Parquet" in refused("answer", tmp_path / "table.csv", *usual)
    assert "text.jsonl line 1 is not JSON" in refused("answer", tmp_path / "text.jsonl", *usual)
    assert "there is no strategy think" in refused("answer", prompts, *usual, "--strategy", "think")
    assert "name the prompt's field with --field" in refused("answer", prompts, *usual, "--field", "text")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        line = refused("answer", prompts, "--out", run, "--teacher", url, "--no-prefect", "--strategy", "none")
    assert "is it running?" in line


def test_a_run_of_seeds_is_no_run_of_prompts(prompts: Path, finished: Path, tmp_path: Path):
    before = outputs(finished)
    assert "config differs" in refused("answer", prompts, "--out", finished, "--teacher", "rehearsal", "--no-prefect")
    assert outputs(finished) == before
    answer(prompts, tmp_path / "run")
    assert "nothing was proposed" in refused("screen", tmp_path / "run")


def test_the_config_key_is_refused_where_seeds_are_grown(tmp_path: Path):
    (tmp_path / "synthgen.toml").write_text('strategy = "none"\n')
    done = command(
        "expand", "--seeds", "seeds", "--out", tmp_path / "run", "--config", tmp_path / "synthgen.toml", "--no-prefect"
    )
    assert done.returncode == 1
    assert "strategy belongs to `synthgen answer`" in done.stderr


def test_wrong_usage_is_exit_two(prompts: Path):
    assert command("answer").returncode == 2
    assert command("answer", prompts, "--samples", 0).returncode == 2
    assert command("answer", prompts, "--concurrency", "many").returncode == 2


def test_answer_is_a_function_too(prompts: Path, tmp_path: Path):
    run = synthgen.answer(prompts, tmp_path / "run", strategy="none", teacher="rehearsal")
    assert run.report["accepted"] == len(list(run.records("answers"))) > 0
    answer(prompts, tmp_path / "typed", "--strategy", "none")
    assert outputs(tmp_path / "run") == outputs(tmp_path / "typed")


async def test_aanswer_is_its_twin_for_notebooks(prompts: Path, tmp_path: Path):
    run = await synthgen.aanswer(prompts=str(prompts), out=str(tmp_path / "run"), samples=2, teacher="rehearsal")
    assert run.report["stages"]["judged"]["in"] == 3


HEAVY = """
import sys
from synthgen.cli import app
from synthgen.teacher.connect import Connections
seen, binding = [], Connections.binding
def begun(self, role):
    seen.append({"pyarrow", "pandas", "prefect", "datasets"} & set(sys.modules))
    return binding(self, role)
Connections.binding = begun
app(sys.argv[1:], standalone_mode=False)
assert seen and not seen[0], seen[0]
assert not {"pandas", "prefect", "datasets", "openai"} & set(sys.modules)
"""


def test_the_first_request_does_not_wait_for_what_only_the_dataset_needs(prompts: Path, tmp_path: Path):
    words = ["answer", str(prompts), "--out", str(tmp_path / "run"), "--teacher", "rehearsal", "--no-prefect"]
    done = subprocess.run(
        [sys.executable, "-c", HEAVY, *words], capture_output=True, text=True, env=clean_environment(), check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_key_is_written_shown_and_kept_nowhere(prompts: Path, tmp_path: Path):
    secret = "sk-made-up-for-this-test"
    done = command(
        "answer", prompts, "--out", tmp_path / "run", "--teacher", "rehearsal", "--no-prefect", OPENAI_API_KEY=secret
    )
    assert done.returncode == 0
    assert secret not in done.stdout + done.stderr
    assert all(secret.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
