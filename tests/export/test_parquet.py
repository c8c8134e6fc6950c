"""Parquet files under fixed schemas: streaming, in small groups, the same bytes for the same rows."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exportcase import ANCESTRY, ORIGIN, TASK, answer
from hypothesis import given
from hypothesis import strategies as st

from synthgen.errors import StorageError
from synthgen.export import folder, parquet, rows
from synthgen.export.parquet import CHARACTERS_IN_GROUP, ROWS_IN_GROUP, SCHEMAS, Files
from synthgen.export.rows import Voice

NAME = "train-00000-of-00001.parquet"


def made(text, number=0):
    row = rows.sft(TASK, answer(number, text), Voice("Be careful."), rows.metadata(TASK, ANCESTRY, ORIGIN, {}))
    return row | {"id": f"r{number}"}


def write_split(path, config, split, given_rows):
    """Write one split; how many rows it has."""
    with Files(path) as files:
        for row in given_rows:
            files.put(config, split, row)
    return files.counts([split]).get(config, {}).get(split, 0)


def test_rows_come_back_as_they_were(tmp_path):
    given_rows = [made(f"text {number}", number) for number in range(3)]
    assert write_split(tmp_path, "sft", "train", iter(given_rows)) == 3
    assert pq.read_table(tmp_path / "sft" / NAME).to_pylist() == given_rows


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_hostile_text_survives(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("hostile")
    write_split(path, "sft", "train", [made(text) | {"category": text}])
    (row,) = pq.read_table(path / "sft" / NAME).to_pylist()
    assert (row["completion"][0]["content"], row["category"]) == (text, text)


def test_equal_rows_give_equal_bytes(tmp_path):
    for name in ("a", "b"):
        write_split(tmp_path / name, "sft", "train", (made("x", number) for number in range(10)))
    assert (tmp_path / "a" / "sft" / NAME).read_bytes() == (tmp_path / "b" / "sft" / NAME).read_bytes()


def test_a_split_without_rows_leaves_no_file(tmp_path):
    assert write_split(tmp_path, "dpo", "test", []) == 0
    assert list(tmp_path.iterdir()) == []


def groups(path, rows_of_file):
    """How many rows each group of a file has."""
    write_split(path, "sft", "train", rows_of_file)
    about = pq.ParquetFile(path / "sft" / NAME).metadata
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


def test_a_write_that_fails_closes_its_file_and_leaves_none_that_could_be_loaded(tmp_path):
    def source():
        for number in range(ROWS_IN_GROUP):
            yield made("x", number)
        raise KeyError

    with pytest.raises(KeyError):
        write_split(tmp_path, "sft", "train", source())
    assert not list(tmp_path.rglob("*.parquet"))
    (left,) = (tmp_path / "sft").iterdir()
    assert pq.read_table(left).num_rows == ROWS_IN_GROUP


@pytest.fixture
def small(monkeypatch):
    """Groups of three rows, and shards of six rows of some hundred characters."""
    monkeypatch.setattr(parquet, "ROWS_IN_GROUP", 3)
    monkeypatch.setattr(parquet, "CHARACTERS_IN_SHARD", 5_000)


def long(count):
    return (made("x" * 1_000, number) for number in range(count))


@pytest.mark.parametrize(("count", "shards"), [(1, [1]), (6, [6]), (7, [6, 1]), (13, [6, 6, 1]), (18, [6, 6, 6])])
def test_a_split_is_cut_into_shards_that_say_how_many_they_are(tmp_path, small, count, shards):
    assert write_split(tmp_path, "sft", "train", long(count)) == count
    names = [f"train-{number:05}-of-{len(shards):05}.parquet" for number in range(len(shards))]
    assert sorted(path.name for path in (tmp_path / "sft").iterdir()) == names
    tables = [pq.read_table(tmp_path / "sft" / name) for name in names]
    assert [table.num_rows for table in tables] == shards
    assert pa.concat_tables(tables)["id"].to_pylist() == [f"r{number}" for number in range(count)]


def test_splits_are_cut_apart(tmp_path, small):
    with Files(tmp_path) as files:
        for row in long(12):
            files.put("sft", "train", row)
            if row["id"] < "r3":
                files.put("sft", "test", row)
    assert sorted(path.name for path in (tmp_path / "sft").iterdir()) == [
        "test-00000-of-00001.parquet", "train-00000-of-00002.parquet", "train-00001-of-00002.parquet",
    ]  # fmt: skip


def test_a_split_that_has_grown_keeps_the_bytes_of_its_whole_shards(tmp_path, small):
    for count in (14, 25):
        write_split(tmp_path / str(count), "sft", "train", long(count))
    before, after = (sorted((tmp_path / name / "sft").iterdir()) for name in ("14", "25"))
    assert [path.read_bytes() for path in before[:2]] == [path.read_bytes() for path in after[:2]]


def test_a_digest_is_of_all_shards_in_their_order(tmp_path, small):
    write_split(tmp_path, "sft", "train", long(13))
    first, second, _ = sorted((tmp_path / "sft").iterdir())
    whole = folder.digest(tmp_path / "sft")
    first.rename(tmp_path / "aside")
    second.rename(first)
    (tmp_path / "aside").rename(second)
    assert folder.digest(tmp_path / "sft") != whole
    second.unlink()
    assert folder.digest(tmp_path / "sft") != whole


RECORDS = [SCHEMAS["rl"].field(name).type for name in ("reward_model", "extra_info")]


@given(st.data())
def test_columns_are_those_that_pyarrow_makes(data):
    schema = SCHEMAS[data.draw(st.sampled_from(sorted(SCHEMAS)))]
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
    kinds = {
        "string": text | st.none(),
        "double": st.floats(allow_nan=False),
        "int64": st.integers(-(2**63), 2**63 - 1),
        "bool": st.booleans(),
        **{str(kind): st.fixed_dictionaries({field.name: text for field in kind}) for kind in RECORDS},
        str(parquet.MESSAGES): st.lists(st.fixed_dictionaries({"role": text, "content": text | st.none()}), max_size=3),
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
