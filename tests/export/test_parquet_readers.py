"""The dataset folder in several shards, opened by what its users open it with, as docs/how-to/load.md says."""

import re
import shutil
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT
from test_folder import plant_checks

from synthgen import steps
from synthgen.export import parquet
from synthgen.export.parquet import SCHEMAS

PAGE = (ROOT / "docs" / "how-to" / "load.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
FOLDER = Path("runs/first/dataset")
"""As the page calls it."""
SPLITS = [(config, "train") for config in SCHEMAS] + [("sft", "test")]


@pytest.fixture(scope="module")
def home(finished, tmp_path_factory):
    """The folder that holds runs/first, a finished run whose dataset has every config, in several shards."""
    home = tmp_path_factory.mktemp("readers")
    run = home / "runs" / "first"
    shutil.copytree(finished, run, ignore=shutil.ignore_patterns("ledger.sqlite*"))
    plant_checks(run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "ROWS_IN_GROUP", 4)
        patch.setattr(parquet, "CHARACTERS_IN_SHARD", 8_000)
        steps.export_again(run)
    return home


@pytest.fixture(autouse=True)
def at_home(home, monkeypatch):
    monkeypatch.chdir(home)


def shards(config, split="train"):
    return sorted((FOLDER / config).glob(f"{split}-*.parquet"))


def table(config, split="train"):
    return pa.concat_tables(pq.read_table(path) for path in shards(config, split))


@pytest.mark.parametrize(("config", "split"), SPLITS)
def test_every_config_loads_from_its_shards_in_their_order(config, split, tmp_path):
    assert len(shards(config, split)) > 1
    loaded = datasets.load_dataset(str(FOLDER), config, split=split, cache_dir=str(tmp_path))
    assert loaded.to_list() == table(config, split).to_pylist()


@pytest.mark.parametrize(("config", "split"), SPLITS)
def test_every_config_streams_the_same_rows(config, split):
    streamed = datasets.load_dataset(str(FOLDER), config, split=split, streaming=True)
    assert streamed.num_shards == len(shards(config, split))
    assert list(streamed) == table(config, split).to_pylist()


@pytest.mark.parametrize("config", SCHEMAS)
@pytest.mark.parametrize("streaming", [False, True])
def test_columns_can_be_chosen(config, streaming, tmp_path):
    some = [SCHEMAS[config].names[0], "id"]
    cache = None if streaming else str(tmp_path)
    loaded = datasets.load_dataset(
        str(FOLDER), config, split="train", columns=some, streaming=streaming, cache_dir=cache
    )
    assert list(loaded) == table(config).select(some).to_pylist()


def counts(name):
    """Value to rows of a column of `sft`."""
    return {one["values"]: one["counts"] for one in table("sft")[name].value_counts().to_pylist()}


def run(*parts):
    """What the one block of the page that has all these parts leaves behind."""
    (block,) = [one for one in BLOCKS if all(part in one for part in parts)]
    names = {}
    exec(block, names)
    return names


def test_the_page_has_no_block_that_is_not_tried_here():
    assert len(BLOCKS) == 9


def test_the_page_opens_a_config_with_datasets(capsys):
    loaded = run("load_dataset", '"sft")')["sft"]
    assert {split: len(rows) for split, rows in loaded.items()} == {
        split: table("sft", split).num_rows for split in ("train", "test")
    }
    assert capsys.readouterr().out.strip() == table("sft").to_pylist()[0]["completion"][0]["content"]


def test_the_page_streams_a_config():
    assert run("streaming=True")["first"] == table("dpo").to_pylist()[0]


def test_the_page_takes_some_columns():
    assert run("columns=[", "load_dataset")["answers"].to_list() == (
        table("sft").select(["completion", "strategy"]).to_pylist()
    )


def test_the_page_counts_strategies_with_duckdb():
    counted = {strategy: rows for strategy, rows, _ in run("duckdb", "strategy")["strategies"]}
    assert counted == counts("strategy")


def test_the_page_finds_the_widest_pairs_with_duckdb():
    rows = sorted(table("dpo").to_pylist(), key=lambda row: (row["score_rejected"] - row["score_chosen"], row["id"]))
    widest = run("duckdb", "gap")["widest"]
    assert [name for name, _, _ in widest] == [row["id"] for row in rows[:5]]
    assert {teacher for _, _, teacher in widest} == {"rehearsal-strong"}


def test_the_page_counts_categories_with_polars():
    counted = run("polars", "scan_parquet")["categories"]
    assert dict(counted.iter_rows()) == counts("category")


def test_the_page_takes_the_last_message_with_polars():
    rows = run("polars", "messages")["rows"]
    assert rows["answer"].to_list() == [row["messages"][-1]["content"] for row in table("sft_messages").to_pylist()]
    assert "rehearsal-strong" in rows["teacher"].to_list()


def test_the_page_reads_train_alone_with_pandas():
    found = run("pandas")
    assert list(found["sft"]["id"]) == table("sft")["id"].to_pylist()
    assert found["longest"] == max(len(row["completion"][0]["content"]) for row in table("sft").to_pylist())


def test_the_page_reads_some_rows_at_a_time_with_pyarrow():
    found = run("pyarrow")
    assert found["rows"] == table("sft").num_rows
    assert found["table"] == table("sft").select(["id", "category"])
