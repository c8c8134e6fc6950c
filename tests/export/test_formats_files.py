"""The files of the formats in the dataset folder of a whole run, and in one of rows made by hand."""

import json
import shutil
from pathlib import Path

import datasets
import orjson
import pyarrow.parquet as pq
import pytest
from conftest import ROOT
from formatcase import CALLED, GOOD, LONG_PAIR, ONE, PAIR, ROWS, SEVERAL, THOUGHT, joined

from synthgen import steps
from synthgen.errors import ConfigError
from synthgen.export import contract
from synthgen.export.check import check_folder
from synthgen.export.formats.registry import TAKES, VIEWS
from synthgen.export.formats.writing import Formats, told
from synthgen.runs import RunDir
from synthgen.views.story import why

ALL = tuple(VIEWS)


def put(folder, *rows, names=ALL):
    """Write (config, split, row) in every format; what was told of them."""
    folder.mkdir(exist_ok=True)
    with Formats(folder, names) as shapes:
        for config, split, row in rows:
            shapes.put(config, split, row)
    return shapes.told()


def lines(path):
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def names_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_rows_stand_in_their_order_and_split_and_what_was_left_out_is_counted(tmp_path):
    found = put(
        tmp_path / "a", ("dpo", "train", PAIR), ("dpo", "train", LONG_PAIR), ("dpo", "test", PAIR), names=["openai"]
    )
    assert found == {
        "openai": {
            "files": {"openai/dpo.train.jsonl": 1, "openai/dpo.test.jsonl": 1},
            "left_out": {"dpo": {"several_turns": 1}},
        }
    }
    assert told(tmp_path / "a") == found
    assert names_in(tmp_path / "a") == {"openai/dpo.train.jsonl", "openai/dpo.test.jsonl", "formats.json"}


def test_without_formats_nothing_is_written(tmp_path):
    assert put(tmp_path / "a", ("sft_messages", "train", joined(ONE)), names=[]) == {}
    assert names_in(tmp_path / "a") == set()
    assert told(tmp_path / "a") == {}


def test_a_format_that_can_hold_no_row_leaves_no_file(tmp_path):
    found = put(tmp_path / "a", ("sft", "train", CALLED), names=["alpaca"])
    assert found == {"alpaca": {"files": {}, "left_out": {"sft": {"tools": 1}}}}
    assert names_in(tmp_path / "a") == {"formats.json"}


def test_a_trainer_that_takes_the_folder_needs_no_more_files(tmp_path):
    found = put(tmp_path / "a", ("rl", "train", ROWS["rl"][0]), names=["grpo", "axolotl"])
    assert found == {"axolotl": {"takes": ["sft_messages", "dpo"]}, "grpo": {"takes": ["rl"]}}
    assert names_in(tmp_path / "a") == {"formats.json"}


def test_alpaca_rows_with_a_history_have_a_file_of_their_own_so_that_both_load(tmp_path):
    found = put(
        tmp_path / "a", ("sft", "train", ONE), ("sft", "train", SEVERAL), ("sft", "test", CALLED), names=["alpaca"]
    )
    assert found["alpaca"] == {
        "files": {"alpaca/sft.train.jsonl": 1, "alpaca/turns.train.jsonl": 1},
        "left_out": {"sft": {"tools": 1}},
    }
    for name, fields in (("sft", set()), ("turns", {"history"})):
        (row,) = lines(tmp_path / "a" / "alpaca" / f"{name}.train.jsonl")
        assert set(row) - {"instruction", "input", "output", "system"} == fields


def test_verl_rows_are_numbered_within_their_split_and_typed_as_it_reads_them(tmp_path):
    row = ROWS["rl"][0]
    put(
        tmp_path / "a",
        ("rl", "train", row),
        ("rl", "test", row),
        ("rl", "train", row),
        ("rl", "train", row | {"tools": "[{}]"}),
        names=["verl"],
    )
    table = pq.read_table(tmp_path / "a" / "verl" / "rl.train.parquet")
    assert [(one["index"], one["split"]) for one in table["extra_info"].to_pylist()] == [(0, "train"), (1, "train")]
    assert table.column_names == ["data_source", "prompt", "ability", "reward_model", "extra_info"]
    assert str(table.schema.field("prompt").type) == "list<element: struct<role: string, content: string>>"
    assert pq.read_metadata(tmp_path / "a" / "verl" / "rl.test.parquet").num_rows == 1


def test_more_rows_than_a_group_are_all_there(tmp_path):
    count = 1203
    put(
        tmp_path / "a",
        *(
            ("sft_messages", "train", joined(ONE | {"completion": [{"role": "assistant", "content": f"{n}."}]}))
            for n in range(count)
        ),
        names=["verl", "openai"],
    )
    table = pq.read_table(tmp_path / "a" / "verl" / "sft.train.parquet").to_pylist()
    assert [row["messages"][-1]["content"] for row in table] == [f"{n}." for n in range(count)]
    assert [row["messages"] for row in lines(tmp_path / "a" / "openai" / "sft.train.jsonl")] == [
        row["messages"] for row in table
    ]


def test_llamafactory_is_told_of_every_file_every_column_and_every_tag(tmp_path):
    put(
        tmp_path / "a",
        ("sft_messages", "train", joined(THOUGHT)),
        ("dpo", "test", PAIR),
        ("kto", "train", GOOD),
        names=["llamafactory"],
    )
    info = json.loads((tmp_path / "a" / "llamafactory" / "dataset_info.json").read_text())
    assert {name: one["file_name"] for name, one in info.items()} == {
        "synthgen_sft_train": "sft.train.jsonl",
        "synthgen_dpo_test": "dpo.test.jsonl",
        "synthgen_kto_train": "kto.train.jsonl",
    }
    for name, one in info.items():
        rows = lines(tmp_path / "a" / "llamafactory" / one["file_name"])
        assert set(one["columns"].values()) == set(rows[0])
        assert one["ranking"] is (name == "synthgen_dpo_test")
        tags = set(one["tags"].values())
        for turn in rows[0]["conversations"]:
            assert {turn["from"], *turn} <= tags


def test_the_same_rows_leave_the_same_bytes(tmp_path):
    rows = [(config, split, row) for split in ("train", "test") for config, some in ROWS.items() for row in some]
    put(tmp_path / "a", *rows)
    put(tmp_path / "b", *rows, names=ALL[::-1])
    assert names_in(tmp_path / "a") == names_in(tmp_path / "b")
    assert len(names_in(tmp_path / "a")) == 2 * sum(map(len, VIEWS.values())) + 2
    for name in names_in(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.fixture(scope="module")
def exported(finished: Path, tmp_path_factory: pytest.TempPathFactory):
    """(run, what the export told) of a run that was exported in every format."""
    run = tmp_path_factory.mktemp("formats") / "run"
    shutil.copytree(finished, run, ignore=shutil.ignore_patterns("ledger.sqlite*"))
    return run, steps.export_again(run, {"formats": (*VIEWS, *TAKES)})


def test_the_folder_loads_as_before_beside_the_files_of_the_formats(exported, finished, tmp_path):
    run, told_of = exported
    for config in ("sft", "sft_messages", "dpo", "kto"):
        loaded, before = (
            datasets.load_dataset(str(one / "dataset"), config, cache_dir=str(tmp_path)) for one in (run, finished)
        )
        assert {split: len(rows) for split, rows in loaded.items()} == told_of[config]
        assert loaded["train"].to_list() == before["train"].to_list()
        assert loaded["train"].column_names == before["train"].column_names


def test_every_row_of_a_run_is_in_every_format_and_all_are_read_back_as_good(exported):
    run, told_of = exported
    findings = check_folder(run / "dataset")
    assert all(not one.faults for one in findings)
    rows = {one.path: one.rows for one in findings}
    for name, views in VIEWS.items():
        assert told_of["formats"][name]["left_out"] == {}
        for view in views:
            for split, count in told_of.get(view.config, {}).items():
                several = view.path.startswith("alpaca/turns")  # the run has none
                assert rows.get(view.path.format(split=split), 0) == count * (not several)
    assert sum(map(len, (one["files"] for one in told_of["formats"].values() if "files" in one))) + 1 == sum(
        "-of-" not in path for path in rows
    )


def test_the_story_of_a_row_names_its_places_in_the_folder_alone(exported):
    run, _ = exported
    one = pq.read_table(run / "dataset" / "sft" / "test-00000-of-00001.parquet")["id"].to_pylist()[-1]
    assert [
        line for line in why(RunDir(run), one).splitlines() if "a row of" in line and line.startswith(f"{one} ")
    ] == [
        f"{one}  a row of sft/test",
        f"{one}  a row of sft_messages/test",
    ]


def test_the_search_for_strategy_text_counts_the_folders_own_rows_alone(exported):
    run, told_of = exported
    proof = json.loads((run / "dataset" / "erasure.json").read_text())
    configs = {name: sum(splits.values()) for name, splits in told_of.items() if name != "formats"}
    assert proof["rows"] == sum(configs.values())
    assert set(proof["system_messages"]) == set(configs)


def test_the_next_export_without_formats_leaves_none(exported, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(exported[0], run)
    assert "formats" not in steps.export_again(run)
    assert not {name.split("/")[0] for name in names_in(run / "dataset")} & {*VIEWS, "formats.json"}


def test_the_page_names_every_format_file_and_reason():
    page = (ROOT / "docs" / "reference" / "formats.md").read_text()
    for name in (*VIEWS, *TAKES, *contract.MEANINGS):
        assert f"`{name}`" in page, name
    for reason in ("tools", "several_turns", "text_beside_call", "parallel_results", "no_call_id", "unanswered_call"):
        assert f"`{reason}`" in page.split("## What a format cannot hold")[1].split("##")[0]


def test_an_unknown_format_is_refused_with_the_names_of_the_known_ones(exported):
    before = names_in(exported[0])
    with pytest.raises(ConfigError, match=r"cannot be 'parquet'.*'alpaca', 'axolotl'.*'openai'.*'verl'"):
        steps.export_again(exported[0], {"formats": ("openai", "parquet")})
    assert names_in(exported[0]) == before
