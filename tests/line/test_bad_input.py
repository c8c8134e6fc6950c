"""What a user can do wrong: one clear line, exit code 1, nothing lost, no traceback."""

import json
import shutil
import socket
from pathlib import Path

import pytest
from conftest import SEEDS, command, expand, few_seeds, outputs

from synthgen import prompts
from synthgen.errors import ConfigError

GOOD = '{"instruction": "Name three rivers of Ghana.", "input": "", "output": "Volta, Pra, Tano"}\n'


def refused(*arguments: object, **environment: str) -> str:
    """The one line on stderr of a command that could not start."""
    done = command(*arguments, **environment)
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line and line != "synthgen: starting"]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]


def run_of(seeds: Path, out: Path, *more: object) -> tuple[object, ...]:
    """The arguments of an expand command on the rehearsal, without Prefect."""
    return ("expand", "--seeds", seeds, "--out", out, "--teacher", "rehearsal", "--no-prefect", "--target", 10, *more)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "holds no seed task"),
        ("{not json}\n", "line 1 is not JSON"),
        (GOOD + '{"input": "", "output": "x"}\n', "line 2 has no instruction"),
        (GOOD + '["a list"]\n', "line 2 is not a JSON object"),
        ('{"instruction": "Do it well now.", "instances": [{"input": "x"}]}\n', "line 1: instances.0.output"),
        (GOOD.replace('{"ins', '{"id": "a", "ins') * 2, "two seeds have the id a"),
    ],
)
def test_seeds_that_cannot_be_used(tmp_path: Path, content: str, words: str):
    path = tmp_path / "seeds.jsonl"
    path.write_text(content)
    assert words in refused(*run_of(path, tmp_path / "run"))
    assert not (tmp_path / "run" / "ledger.sqlite").exists()


def test_a_seeds_path_that_does_not_exist(tmp_path: Path):
    assert "there is no" in refused(*run_of(tmp_path / "nowhere", tmp_path / "run"))


def test_a_folder_without_seed_files(tmp_path: Path):
    assert "holds no .jsonl, .parquet, .arrow file" in refused(*run_of(tmp_path, tmp_path / "run"))


def test_an_unreachable_server(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        line = refused(
            "expand", "--seeds", SEEDS, "--out", tmp_path / "run", "--teacher", url, "--no-prefect",
        )  # fmt: skip
    assert "no server answers at" in line
    assert "is it running?" in line


def test_a_teacher_that_is_no_spec(tmp_path: Path):
    assert "there is no teacher rehearsal-brilliant" in refused(
        "expand", "--seeds", SEEDS, "--out", tmp_path / "run", "--teacher", "rehearsal-brilliant", "--no-prefect"
    )


def test_an_unknown_key_of_the_config_is_answered_with_the_nearest(tmp_path: Path):
    (tmp_path / "synthgen.toml").write_text("sample = 3\n")
    line = refused(*run_of(SEEDS, tmp_path / "run", "--config", tmp_path / "synthgen.toml"))
    assert "unknown key sample; did you mean samples?" in line


def test_an_out_that_is_another_program_s_folder(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    assert "is not a synthgen run" in refused(*run_of(SEEDS, tmp_path))


def test_a_run_of_another_config_names_the_key(finished: Path):
    before = outputs(finished)
    line = refused(*run_of(SEEDS, finished, "--samples", 3))
    assert "samples; restore it, or start a new run" in line
    assert outputs(finished) == before


def test_a_ledger_that_is_no_ledger(tmp_path: Path):
    (tmp_path / "ledger.sqlite").write_text("not a database, whatever its name says" * 100)
    line = refused(*run_of(SEEDS, tmp_path / "run", "--ledger", tmp_path / "ledger.sqlite"))
    assert "is not a ledger, or is damaged" in line


def test_a_damaged_line_in_the_middle_is_named(finished: Path, tmp_path: Path):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    lines = (run / "answers.jsonl").read_text().splitlines(keepends=True)
    lines[4] = lines[4][: len(lines[4]) // 2] + "\n"
    (run / "answers.jsonl").write_text("".join(lines))
    assert "answers.jsonl line 5 is not a line that synthgen wrote" in refused(*run_of(SEEDS, run, "--target", 30))


def test_a_truncated_last_line_is_cut_back_and_made_again(finished: Path, tmp_path: Path):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    for name in ("answers.jsonl", "pairs.jsonl", "instructions.jsonl"):
        data = (run / name).read_bytes()
        (run / name).write_bytes(data[:-17])
    done = command(*run_of(SEEDS, run, "--target", 30))
    assert done.returncode == 0, done.stderr
    assert outputs(run) == outputs(finished)


def test_wrong_usage_exits_with_two(tmp_path: Path):
    assert command("expand", "--out", tmp_path / "run").returncode == 2
    assert command("expand", "--seeds", SEEDS, "--target", "0").returncode == 2
    assert command("nonsense").returncode == 2


def test_a_limit_stops_in_good_order_and_the_same_command_goes_on(finished: Path, tmp_path: Path):
    run = tmp_path / "run"
    stopped = command(*run_of(SEEDS, run, "--target", 30, "--max-calls", 60))
    assert stopped.returncode == 3, stopped.stderr
    assert "--max-calls 60 is used up" in stopped.stderr
    report = json.loads((run / "report.json").read_text())
    assert report["calls"] <= 60
    assert report["stopped"]["reason"] == "limit"
    assert command(*run_of(SEEDS, run, "--target", 30)).returncode == 0
    assert outputs(run) == outputs(finished)


@pytest.mark.parametrize("count", [1, 5, 10])
def test_few_seeds_are_enough_to_begin(tmp_path: Path, count: int):
    seeds = few_seeds(tmp_path / "seeds.jsonl", count)
    done = command(*run_of(seeds, tmp_path / "run", "--target", 12))
    assert done.returncode == 0, done.stderr
    assert ("expect the pool to saturate" in done.stderr) == (count < 8)
    card = (tmp_path / "run" / "dataset" / "README.md").read_text()
    assert f"There is no test split: {count} seeds are fewer" in card


def test_the_narrow_rehearsal_saturates(tmp_path: Path):
    done = command(
        "expand", "--seeds", SEEDS, "--out", tmp_path / "run", "--teacher", "rehearsal-narrow", "--no-prefect",
        "--target", 500, "--no-judge", "--samples", 1,
    )  # fmt: skip
    assert done.returncode == 3
    assert "the pool is saturated" in done.stderr
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["stopped"]["reason"] == "saturated"
    assert 40 <= report["accepted"] <= 60


def test_a_neutral_message_that_quotes_a_strategy_is_refused_before_anything_is_paid(tmp_path: Path):
    edited = tmp_path / "prompts"
    edited.mkdir()
    (edited / "system_generic.txt").write_text(prompts.load().strategy("direct-answer"))
    with pytest.raises(ConfigError, match=r"system_generic\.txt.*both say \"give what is asked for"):
        expand(tmp_path / "run", prompts=edited)
    assert not (tmp_path / "run" / "ledger.sqlite").exists()


def test_another_neutral_message_rewrites_only_the_dataset(finished: Path, tmp_path: Path):
    run, edited = tmp_path / "run", tmp_path / "prompts"
    shutil.copytree(finished, run)
    edited.mkdir()
    (edited / "system_generic.txt").write_text("Be of use.\n")
    before = outputs(run)
    report = expand(run, prompts=edited)
    after = outputs(run)
    assert report["calls"] == 0
    assert {name for name in after if after[name] != before[name]} == {
        name
        for name in before
        if name.startswith("dataset/") and not name.startswith(("dataset/training/", "dataset/plots/scores.png"))
    }
