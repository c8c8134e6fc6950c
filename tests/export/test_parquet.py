"""Parquet files under fixed schemas: streaming, in small groups, the same bytes for the same rows."""

import pyarrow.parquet as pq
import pytest
from exportcase import ANCESTRY, ORIGIN, TASK, answer
from hypothesis import given
from hypothesis import strategies as st

from synthgen.errors import StorageError
from synthgen.export import rows
from synthgen.export.parquet import ROWS_IN_GROUP, SCHEMAS, write_split
from synthgen.export.rows import Voice

NAME = "train-00000-of-00001.parquet"


def made(text, number=0):
    row = rows.sft(TASK, answer(number, text), Voice("Be careful."), rows.metadata(TASK, ANCESTRY, ORIGIN, {}))
    return row | {"id": f"r{number}"}


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


def test_groups_are_small_compressed_and_written_as_the_rows_come(tmp_path):
    taken = []

    def source():
        for number in range(ROWS_IN_GROUP + 1):
            taken.append(number)
            yield made("x", number)

    assert write_split(tmp_path, "sft", "train", source()) == ROWS_IN_GROUP + 1
    about = pq.ParquetFile(tmp_path / "sft" / NAME).metadata
    assert [about.row_group(group).num_rows for group in range(about.num_row_groups)] == [ROWS_IN_GROUP, 1]
    column = about.row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert column.has_offset_index


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
    }
