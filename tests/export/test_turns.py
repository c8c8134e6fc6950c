"""Rows made by hand, with several turns, tools and tool calls: written, opened by `datasets`, and equal."""

import json
from functools import partial

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgen.export import gate, parquet, rows
from synthgen.export.gate import LeakError, Search
from synthgen.export.parquet import SCHEMAS, Files, schema_of
from synthgen.export.rows import FURTHER_COLUMNS, FURTHER_FIELDS, Voice
from synthgen.export.tally import Tally
from synthgen.text.ngrams import Leaks

STRATEGY = "Work slowly and write every step of the way down. Never guess the answer."
QUOTED = 'as told, "work slowly\nand write every step of the way" down'
LEAKS = Leaks({"slow": STRATEGY})
VOICE = Voice("Be careful.")
NAME = "train-00000-of-00001.parquet"


def call(name, **arguments):
    """One tool call."""
    return {"type": "function", "id": f"id-{name}", "function": {"name": name, "arguments": arguments}}


def tool(name, *parameters):
    """What a tool takes."""
    properties = {one: {"type": "string"} for one in parameters}
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": properties}}}


TOOLS = [tool("weather", "city"), tool("sum", "numbers", "unit")]
CALLS = [call("weather", city="Accra"), call("sum", numbers=[1, 2.5], unit=None, deep={"": [{}]})]
TURNS = [
    {"role": "system", "content": "Be careful."},
    {"role": "user", "content": "How warm is it in Accra?"},
    {"role": "assistant", "content": "", "tool_calls": json.dumps(CALLS), "reasoning_content": "I must look."},
    {"role": "tool", "content": "31", "tool_call_id": "id-weather", "name": "weather"},
    {"role": "assistant", "content": "It is 31 degrees."},
    {"role": "user", "content": "And in Kumasi?"},
]
LABELS = {
    "id": "h1", "root_id": "h1", "strategy": "none", "category": "knowledge", "source": "teacher", "metadata_json": "{}",
}  # fmt: skip


def sft(prompt=TURNS, text="29.", **more):
    """A row of several turns."""
    said = [{"role": "assistant", "content": text, "reasoning_content": "The same again."}]
    return {"prompt": prompt, "completion": said, "tools": json.dumps(TOOLS), **LABELS, **more}


def made():
    """A row of each config that holds answers."""
    one = sft()
    shared = rows.shared(one)
    yield "sft", one
    yield "sft_messages", rows.as_messages(one)
    sides = {"chosen": one["completion"], "rejected": rows.completion("I do not know.")}
    yield "dpo", {"prompt": TURNS, **sides, "score_chosen": 5.0, "score_rejected": 1.5, **shared}
    yield "kto", {"prompt": TURNS, "completion": one["completion"], "label": False, **shared}


def write(folder, config, row):
    """Write a row beside a plain one, which has none of its further fields."""
    plain = {name: turns_without(value) for name, value in row.items() if name != "tools"}
    with Files(folder, {config: rows.further(row)}) as files:
        files.put(config, "train", plain)
        files.put(config, "train", row)
    return plain


def turns_without(value):
    """Messages with their roles and contents alone; another value as it is."""
    is_list = isinstance(value, list)
    return [{name: one[name] for name in ("role", "content")} for one in value] if is_list else value


def without_nulls(row):
    """A row as it was before Arrow filled what is missing."""
    some = {name: value for name, value in row.items() if value is not None}
    return {
        name: [{key: one for key, one in message.items() if one is not None} for message in value]
        if isinstance(value, list)
        else value
        for name, value in some.items()
    }


@pytest.mark.parametrize(("config", "row"), list(made()))
def test_a_row_with_tools_and_turns_comes_back_from_load_dataset_as_it_was(config, row, tmp_path):
    plain = write(tmp_path, config, row)
    loaded = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / config / NAME), cache_dir=str(tmp_path / "c"), split="train"
    )
    assert loaded.column_names == [*SCHEMAS[config].names[:-6], "tools", *SCHEMAS[config].names[-6:]]
    assert [without_nulls(one) for one in loaded] == [plain, row]
    assert json.loads(loaded[1]["tools"]) == TOOLS
    said = next(one for one in loaded[1].get("messages") or loaded[1]["prompt"] if one["tool_calls"])
    assert json.loads(said["tool_calls"]) == CALLS, "arguments have the keys they had, and no others"


def test_plain_structs_would_give_every_call_the_keys_of_all_the_others():
    table = pa.Table.from_pylist([{"calls": CALLS}])
    assert table.to_pylist()[0]["calls"] != CALLS


def test_datasets_decodes_the_json_columns_by_a_cast(tmp_path):
    write(tmp_path, "sft_messages", rows.as_messages(sft()))
    loaded = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "sft_messages" / NAME), cache_dir=str(tmp_path / "c"), split="train"
    )
    features = loaded.features.copy()
    features["tools"] = datasets.Json()
    features["messages"].feature["tool_calls"] = datasets.Json()
    plain, cast = loaded.cast(features).map(lambda row: {"turns": len(row["messages"])})
    assert plain["tools"] is None
    assert cast["tools"] == TOOLS
    assert cast["messages"][2]["tool_calls"] == CALLS
    assert cast["turns"] == 7


def test_the_schema_grows_by_what_is_asked_for_and_by_nothing_else():
    assert all(schema_of(config) == schema for config, schema in SCHEMAS.items())
    grown = schema_of("dpo", {"tools", "name", "reasoning_content"})
    said = "list<item: struct<role: string, content: string, reasoning_content: string, name: string>>"
    assert {str(grown.field(name).type) for name in ("prompt", "chosen", "rejected")} == {said}
    assert grown.names == [*SCHEMAS["dpo"].names[:-6], "tools", *SCHEMAS["dpo"].names[-6:]]
    assert rows.further(sft()) == {*FURTHER_FIELDS, "tools"}
    assert rows.further(sft(turns_without(TURNS), tools=None)) == {"reasoning_content"}


@pytest.mark.parametrize("left_out", [*FURTHER_FIELDS, *FURTHER_COLUMNS])
def test_a_field_that_the_schema_has_no_place_for_is_not_lost_silently(tmp_path, left_out):
    with (
        pytest.raises(ValueError, match=f"no place for {left_out}"),
        Files(tmp_path, {"sft": rows.further(sft()) - {left_out}}) as files,
    ):
        files.put("sft", "train", sft())


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
message = st.fixed_dictionaries(
    {"role": text, "content": text}, optional=dict.fromkeys(FURTHER_FIELDS, text | st.none())
)


@given(st.lists(st.fixed_dictionaries({"said": st.lists(message, max_size=3)}, optional={"tools": text | st.none()})))
def test_columns_that_may_be_null_are_those_that_pyarrow_makes(drawn):
    kind = schema_of("sft", FURTHER_FIELDS).field("prompt").type
    schema = pa.schema([("said", kind), ("tools", pa.string())])
    ours = parquet.members(drawn, schema)
    for one in ours:
        one.validate(full=True)
    assert pa.Table.from_arrays(ours, schema=schema).equals(pa.Table.from_pylist(drawn, schema=schema))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(text, json_values, max_size=3), min_size=1, max_size=4))
def test_any_arguments_are_read_as_they_were_written(tmp_path_factory, arguments):
    folder = tmp_path_factory.mktemp("calls")
    called = rows.dumped([call(f"f{number}") | {"given": one} for number, one in enumerate(arguments)])
    row = sft([TURNS[0], TURNS[1], {"role": "assistant", "content": "", "tool_calls": called}, TURNS[3]])
    with Files(folder, {"sft": rows.further(row)}) as files:
        files.put("sft", "train", row)
    (found,) = pq.read_table(folder / "sft" / NAME).to_pylist()
    assert [one["given"] for one in json.loads(found["prompt"][2]["tool_calls"])] == arguments


def test_messages_join_every_turn_and_keep_the_tools():
    row = rows.as_messages(sft())
    assert [one["role"] for one in row["messages"]] == [*(one["role"] for one in TURNS), "assistant"]
    assert row["tools"] == json.dumps(TOOLS)


def search(config, row):
    """What a search of one row says."""
    one = Search(LEAKS, VOICE)
    one.take(config, row)
    return one.proof()


@pytest.mark.parametrize(("config", "row"), list(made()))
def test_rows_of_several_turns_pass_the_gate_with_their_one_system_message(config, row):
    assert search(config, row).system_messages == {config: {"neutral": 1}}


def turns(place, **more):
    """The turns with one of them changed."""
    return [one | more if number == place else one for number, one in enumerate(TURNS)]


NESTED = json.dumps([call("sum", note=QUOTED)])
AS_TEXT = json.dumps([{"type": "function", "function": {"name": "sum", "arguments": json.dumps({"note": QUOTED})}}])
PLANTED = [
    sft(turns(2, content=QUOTED)), sft(turns(2, reasoning_content=QUOTED)), sft(turns(2, tool_calls=NESTED)),
    sft(turns(2, tool_calls=AS_TEXT)), sft(turns(3, content=QUOTED)), sft(turns(3, name=QUOTED)),
    sft(turns(4, content=QUOTED)), sft(text=QUOTED), sft(tools=json.dumps([tool("f", QUOTED)])),
    sft(tools=f"[no JSON, {QUOTED}"),
    sft(completion=[{"role": "assistant", "content": "29.", "reasoning_content": QUOTED}]),
]  # fmt: skip


@pytest.mark.parametrize("row", PLANTED)
@pytest.mark.parametrize("shape", [dict, rows.as_messages])
def test_strategy_text_is_found_in_every_turn_call_and_tool(row, shape):
    with pytest.raises(LeakError, match=r'quotes a strategy prompt: "(work slowly and|never guess)'):
        search("sft", shape(row))


@pytest.mark.parametrize("place", [1, 5])
def test_what_any_turn_of_the_user_says_the_answer_may_repeat(place):
    assert search("sft", sft(turns(place, content=f"Translate: {STRATEGY}"), text=QUOTED)).tasks == 1


def test_what_a_human_wrote_is_no_leak_in_any_field():
    for row in PLANTED:
        assert search("sft", row | {"source": "human"}).found == 0


def test_a_second_system_message_further_on_is_refused():
    with pytest.raises(LeakError, match="has a system message"):
        search("sft", sft([*TURNS, TURNS[0]]))


def test_lengths_count_every_turn_and_what_was_thought():
    tally = Tally()
    tally.take(sft([TURNS[0], *[{"role": "user", "content": "abcd" * 600}] * 2], text="one two three"), {})
    tally.take(sft(completion=[{"role": "assistant", "content": "four", "reasoning_content": "abcd" * 1100}]), {})
    lengths = tally.counted().lengths
    assert lengths.whole.percentiles[0] > 1100
    assert lengths.completion.percentiles[-1] > 1100
    assert lengths.completion.percentiles[0] < 10


def test_long_turns_fill_a_group_of_rows(tmp_path):
    long = {"role": "assistant", "content": "x", "reasoning_content": "y" * (parquet.CHARACTERS_IN_GROUP // 2 + 1)}
    with Files(tmp_path, {"sft": {*FURTHER_FIELDS, "tools"}}) as files:
        for _ in range(3):
            files.put("sft", "train", sft(completion=[long]))
    about = pq.ParquetFile(tmp_path / "sft" / NAME).metadata
    assert [about.row_group(group).num_rows for group in range(about.num_row_groups)] == [2, 1]


def test_a_folder_of_such_rows_is_searched_whole(tmp_path):
    one = partial(gate.search, tmp_path, LEAKS, VOICE)
    write(tmp_path, "sft", sft())
    assert one().rows == 2
    write(tmp_path, "sft", sft(turns(3, content=QUOTED)))
    with pytest.raises(LeakError):
        one()
