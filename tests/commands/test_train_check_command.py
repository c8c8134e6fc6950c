"""`synthgen train-check` as people use it, where no trainer is installed."""

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import command
from tokenizers import Tokenizer, models, pre_tokenizers

from synthgen.trainers import needs
from synthgen.trainers.checked import named
from synthgen.trainers.lengths import tokens_of
from synthgen.trainers.rows import read, said

CALL = [{"type": "function", "id": "c1", "function": {"name": "add", "arguments": {"terms": [2, 3]}}}]


@pytest.fixture
def tokenizer(tmp_path):
    """A model's folder whose tokenizer knows words of blanks."""
    words = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    (tmp_path / "model").mkdir()
    words.save(str(tmp_path / "model" / "tokenizer.json"))
    return tmp_path / "model"


def copied(finished, tmp_path):
    """The dataset of a finished run, to spoil."""
    return shutil.copytree(finished / "dataset", tmp_path / "data")


def spoil(folder, config, change):
    """Change the first row of a config; its id."""
    path = folder / config / "train-00000-of-00001.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows[0])
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)
    return rows[0]["id"]


def test_a_finished_run_has_no_fault_and_the_trainers_are_named(finished):
    done = command("train-check", finished)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("no fault was found\n")
    assert needs.INSTALL in done.stdout
    assert "in dpo/train-00000-of-00001.parquet" in done.stdout


def test_a_dataset_folder_is_taken_as_well_as_a_run(finished):
    told = json.loads(command("train-check", finished / "dataset", "--no-train", "--json").stdout)
    assert (told["sound"], told["faults"], told["notes"]) == (True, [], [])
    assert {one["config"] for one in told["contract"]} >= {"sft", "sft_messages", "dpo", "kto"}


def test_a_blank_answer_is_named_with_its_row(finished, tmp_path):
    folder = copied(finished, tmp_path)
    identity = spoil(folder, "sft", lambda row: row["completion"][0].update(content=" "))
    done = command("train-check", folder, "--no-train")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("synthgen: sft/train-00000-of-00001.parquet: 1 of ")
    assert identity in line
    assert line.endswith("(blank)")
    assert done.stdout.endswith("1 fault\n")


def test_rows_that_are_too_long_are_named(finished, tmp_path, tokenizer):
    folder = copied(finished, tmp_path)
    identity = spoil(folder, "dpo", lambda row: row["rejected"][0].update(content="so " * 5000))
    done = command("train-check", folder, "--no-train", "--model", tokenizer)
    assert done.returncode == 1
    assert f"synthgen: dpo: 1 of {len(read(folder, 'dpo'))} rows are too long: {identity}\n" in done.stderr
    assert command("train-check", folder, "--no-train", "--model", tokenizer, "--max-length", "9999").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said_of_it"),
    [
        (("--train",), f"--train needs torch, transformers, peft, trl, accelerate: {needs.INSTALL}"),
        (("--no-train", "--model", "no-such-folder"), "no-such-folder is not there"),
    ],
)
def test_what_is_missing_is_said_in_one_line(finished, arguments, said_of_it):
    done = command("train-check", finished, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("synthgen: ")
    assert said_of_it in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_run_without_a_dataset_and_what_is_no_run_are_told_apart(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("{}")
    begun, foreign = command("train-check", tmp_path / "run"), command("train-check", tmp_path)
    assert (begun.returncode, foreign.returncode) == (1, 1)
    assert f"synthgen export {tmp_path / 'run'}" in begun.stderr
    assert "is no run and no dataset folder" in foreign.stderr


def test_a_file_that_cannot_be_read_is_named_beside_what_is_wrong_elsewhere(finished, tmp_path, tokenizer):
    folder = copied(finished, tmp_path)
    identity = spoil(folder, "sft", lambda row: row["completion"][0].update(content=" "))
    (folder / "dpo" / "train-00000-of-00001.parquet").write_bytes(b"PAR1 and no more")
    done = command("train-check", folder, "--no-train", "--model", tokenizer)
    assert done.returncode == 1
    assert "note: no trainer was asked: a file cannot be read\n" in done.stdout
    blank, unreadable = done.stderr.splitlines()
    assert identity in blank
    assert "dpo/train-00000-of-00001.parquet" in unreadable


def test_a_folder_of_other_configs_is_held_to_its_contract_alone(finished, tmp_path):
    (tmp_path / "mine").mkdir()
    shutil.copy(finished / "dataset" / "sft" / "train-00000-of-00001.parquet", tmp_path / "mine" / "a.parquet")
    front = "configs:\n- config_name: mine\n  data_files: mine/*.parquet\n"
    (tmp_path / "README.md").write_text(f"---\n{front}---\n")
    done = command("train-check", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "note: no trainer was asked: they are given the rows in sft, " in done.stdout


def test_rows_that_are_none_are_read_as_far_as_they_go(tmp_path):
    rows = [{"prompt": "What?", "completion": "That."}, {"prompt": None, "completion": None}]
    calling = [{"role": "assistant", "content": "Yes.", "tool_calls": "{no json"}]
    for config, some in (("sft", rows), ("dpo", [{"chosen": ["Yes."]}]), ("sft_messages", [{"messages": calling}])):
        (tmp_path / config).mkdir()
        pq.write_table(pa.Table.from_pylist(some), tmp_path / config / "train.parquet")
    assert [list(said(row)) for row in read(tmp_path, "sft")] == [[], []]
    assert [list(said(row)) for row in read(tmp_path, "dpo")] == [[]]
    assert read(tmp_path, "sft_messages")[0]["messages"] == calling


def test_rows_of_one_id_are_told_apart_by_their_places(tmp_path):
    (tmp_path / "sft").mkdir()
    pq.write_table(pa.Table.from_pylist([{"id": "a"}, {"id": "b"}, {"id": "a"}]), tmp_path / "sft" / "train.parquet")
    assert [row["id"] for row in read(tmp_path, "sft")] == ["a", "b", "a, row 3 of train.parquet"]


def test_rows_are_read_without_nulls_and_with_their_calls_decoded(tmp_path):
    messages = [
        {"role": "user", "content": "Add 2 and 3"},
        {"role": "assistant", "content": "", "reasoning_content": "Easy.", "tool_calls": json.dumps(CALL)},
    ]
    (tmp_path / "sft_messages").mkdir()
    table = pa.Table.from_pylist([{"messages": messages, "tools": "[]"}] * 3)
    pq.write_table(table, tmp_path / "sft_messages" / "train-00000-of-00001.parquet")
    first, *others = read(tmp_path, "sft_messages")
    assert first["messages"] == [messages[0], {**messages[1], "tool_calls": CALL}]
    assert first["tools"] == "[]"
    assert [row["id"] for row in others] == [f"row {number} of train-00000-of-00001.parquet" for number in (2, 3)]
    assert list(said(first)) == ["Add 2 and 3", "Easy.", ""]
    assert len(read(tmp_path, "sft_messages", 2)) == 2


def test_a_pair_is_as_long_as_its_prompt_and_its_longer_side(tokenizer):
    words = Tokenizer.from_file(str(tokenizer / "tokenizer.json"))
    pair = {"prompt": [{"content": "one two"}], "chosen": [{"content": "three"}], "rejected": [{"content": "a b c"}]}
    assert tokens_of(pair, words) == 5
    assert tokens_of({"prompt": pair["prompt"], "completion": pair["chosen"]}, words) == 3


def test_many_rows_are_named_by_the_first():
    assert named(["a", "b"]) == "a, b"
    assert named([str(number) for number in range(8)]) == "0, 1, 2, 3, 4 and 3 more"
