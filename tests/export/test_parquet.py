"""Parquet files under fixed schemas: streaming, in small groups, the same bytes for the same rows."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exportcase import ANCESTRY, ORIGIN, TASK, answer
from hypothesis import given
from hypothesis import strategies as st

from synthgen.errors import StorageError
from synthgen.export import parquet, rows
from synthgen.export.parquet import CHARACTERS_IN_GROUP, ROWS_IN_GROUP, SCHEMAS, Files
from synthgen.export.rows import Voice

NAME = "train-00000-of-00001.parquet"


def made(text, number=0):
    row = rows.sft(TASK, answer(number, text), Voice("Be careful."), rows.metadata(TASK, ANCESTRY, ORIGIN, {}))
    return row | {"id": f"r{number}"}


def write_split(folder, config, split, given_rows):
    """Write one split; how many rows it has."""
    with Files(folder) as files:
        for row in given_rows:
            files.put(config, split, row)
    return files.counts([split]).get(config, {}).get(split, 0)


def test_rows_come_back_as_they_were(tmp_path):
    given_rows = [made(f"text {number}", number) for number in range(3)]
    assert write_split(tmp_path, "sft", "train", iter(given_rows)) == 3
    assert pq.read_table(tmp_path / "sft" / NAME).to_pylist() == given_rows


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_hostile_text_survives(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("hostile")
    write_split(folder, "sft", "train", [made(text) | {"category": text}])
    (row,) = pq.read_table(folder / "sft" / NAME).to_pylist()
    assert (row["completion"][0]["content"], row["category"]) == (text, text)


def test_equal_rows_give_equal_bytes(tmp_path):
    for name in ("a", "b"):
        write_split(tmp_path / name, "sft", "train", (made("x", number) for number in range(10)))
    assert (tmp_path / "a" / "sft" / NAME).read_bytes() == (tmp_path / "b" / "sft" / NAME).read_bytes()


def test_a_split_without_rows_leaves_no_file(tmp_path):
    assert write_split(tmp_path, "dpo", "test", []) == 0
    assert list(tmp_path.iterdir()) == []


def groups(folder, rows_of_file):
    """How many rows each group of a file has."""
    write_split(folder, "sft", "train", rows_of_file)
    about = pq.ParquetFile(folder / "sft" / NAME).metadata
    column = about.row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert column.has_offset_index
    return [about.row_group(group).num_rows for group in range(about.num_row_groups)]


def test_groups_are_small_and_compressed(tmp_path):
    assert groups(tmp_path, (made("x", number) for number in range(ROWS_IN_GROUP + 1))) == [ROWS_IN_GROUP, 1]


def test_groups_of_very_long_rows_are_smaller(tmp_path):
    assert groups(tmp_path, [made("x" * (CHARACTERS_IN_GROUP // 2 + 1), number) for number in range(5)]) == [2, 2, 1]


def test_splits_and_configs_are_counted_apart_in_their_order(tmp_path):
    with Files(tmp_path) as files:
        for split in ("test", "train", "train"):
            files.put("sft", split, made("x"))
    assert list(files.counts(["train", "test"])["sft"].items()) == [("train", 2), ("test", 1)]


def test_a_write_that_fails_closes_its_file(tmp_path):
    def source():
        yield made("x")
        raise KeyError

    with pytest.raises(KeyError):
        write_split(tmp_path, "sft", "train", source())
    assert pq.read_table(tmp_path / "sft" / NAME).num_rows == 0


RECORDS = [SCHEMAS["rl"].field(name).type for name in ("reward_model", "extra_info")]


@given(st.data())
def test_columns_are_those_that_pyarrow_makes(data):
    schema = SCHEMAS[data.draw(st.sampled_from(sorted(SCHEMAS)))]
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
    kinds = {
        "string": text,
        "double": st.floats(allow_nan=False),
        "int64": st.integers(-(2**63), 2**63 - 1),
        "bool": st.booleans(),
        **{str(kind): st.fixed_dictionaries({field.name: text for field in kind}) for kind in RECORDS},
        str(parquet.MESSAGES): st.lists(st.fixed_dictionaries({"role": text, "content": text}), max_size=3),
    }
    row = st.fixed_dictionaries({field.name: kinds[str(field.type)] for field in schema})
    drawn = data.draw(st.lists(row, max_size=20))
    ours = [parquet.column([one[field.name] for one in drawn], field.type) for field in schema]
    for one in ours:
        one.validate(full=True)
    assert pa.Table.from_arrays(ours, schema=schema).equals(pa.Table.from_pylist(drawn, schema=schema))


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path):
    (tmp_path / "sft").write_text("a file stands here")
    with pytest.raises(StorageError, match="cannot write"):
        write_split(tmp_path, "sft", "train", [made("x")])


def test_the_schemas_are_what_trainers_were_tried_with():
    messages = "list<item: struct<role: string, content: string>>"
    shared = {"id", "root_id", "strategy", "category", "source", "metadata_json"}
    kinds = {name: {field.name: str(field.type) for field in schema} for name, schema in SCHEMAS.items()}
    for columns in kinds.values():
        assert {columns.pop(name) for name in shared} == {"string"}
    assert kinds == {
        "sft": {"prompt": messages, "completion": messages},
        "sft_messages": {"messages": messages},
        "dpo": {
            "prompt": messages,
            "chosen": messages,
            "rejected": messages,
            "score_chosen": "double",
            "score_rejected": "double",
        },
        "kto": {"prompt": messages, "completion": messages, "label": "bool"},
        "rl": {
            "prompt": messages,
            "ground_truth": "string",
            "check": "string",
            "check_kind": "string",
            "check_source": "string",
            "check_input": "string",
            "checks_json": "string",
            "chance": "double",
            "pass_rate": "double",
            "samples": "int64",
            "data_source": "string",
            "reward_model": "struct<style: string, ground_truth: string>",
            "extra_info": "struct<index: string, checks_json: string, check_input: string>",
        },
    }
