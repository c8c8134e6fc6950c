"""Each trap that a trainer falls into without an error: the folder's check names it before a trainer sees it."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from formatcase import ABOUT, CALLING, CHECKED, GOOD, ONE, PAIR, SYSTEM, TOOLS, assistant, joined, user

from synthgen.errors import InputError
from synthgen.export.check import FAULTS, Finding, check_folder
from synthgen.export.formats.writing import Formats

TALK = joined(ONE)
BARE = {name: value for name, value in TALK.items() if name != "messages"}
WHO = [user("Who?"), assistant("Ann.")]


def card(*configs, **more):
    """A README whose front matter lists (config, split, pattern)."""
    listed = {}
    for config, split, pattern in configs:
        listed.setdefault(config, []).append({"split": split, "path": pattern})
    front = {"configs": [{"config_name": name, "data_files": files} for name, files in listed.items()]} | more
    return f"---\n{json.dumps(front)}\n---\n\n# Rows\n"


def put(folder, config, *rows, schema=None, name="train-0.parquet"):
    """Write rows by hand into a folder whose card lists them; the path of the file."""
    path = folder / config / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)
    (folder / "README.md").write_text(card((config, "train", f"{config}/train-*.parquet")))
    return f"{config}/{name}"


def only(folder):
    """The one finding of a folder."""
    (found,) = check_folder(folder)
    return found


TRAPS = {
    "messages beside a prompt: KeyError": ("sft_messages", TALK | {"prompt": "Who?"}, "two_shapes"),
    "messages beside prompt and completion: the messages are ignored": ("sft", ONE | {"messages": WHO}, "two_shapes"),
    "a column input_ids is trained on": ("sft", ONE | {"input_ids": [1, 2]}, "reserved_name"),
    "a column labels: TypeError": ("sft_messages", TALK | {"labels": "a"}, "reserved_name"),
    "a column images, even null: taken for pictures": ("sft", ONE | {"images": None}, "reserved_name"),
    "chat_template_kwargs null: TypeError": ("sft", ONE | {"chat_template_kwargs": None}, "reserved_name"),
    "tools that are an empty text: JSONDecodeError": ("sft", ONE | {"tools": ""}, "bad_tools"),
    "tools as records of Arrow": ("sft", ONE | {"tools": json.loads(TOOLS)}, "bad_tools"),
    "a system message that is null: the template fails": (
        "sft",
        ONE | {"prompt": [{"role": "system", "content": None}, user("Who?")]},
        "null_content",
    ),
    "an empty system message renders an empty block": ("sft", ONE | {"prompt": [SYSTEM | {"content": ""}, user("Who?")]}, "blank_system"),
    "an assistant who says null: trains to say nothing": ("sft", ONE | {"completion": [assistant(None)]}, "null_content"),
    "an assistant who says nothing": ("sft_messages", TALK | {"messages": [user("Who?"), assistant("")]}, "blank"),
    "calls as records of Arrow: arguments become those of all": (
        "sft",
        CALLING | {"completion": [assistant("", tool_calls=json.loads(CALLING["completion"][0]["tool_calls"]))]},
        "bad_tool_calls",
    ),
    "turns from human and gpt: the roles are not mapped": (
        "sft",
        BARE | {"conversations": [{"from": "human", "value": "Who?"}, {"from": "gpt", "value": "Ann."}]},
        "reserved_name",
    ),
    "roles human and gpt: rendered as they stand": (
        "sft_messages",
        TALK | {"messages": [{"role": "human", "content": "Who?"}, {"role": "gpt", "content": "Ann."}]},
        "unknown_role",
    ),
    "a row without an assistant fails the whole job": ("sft_messages", TALK | {"messages": [user("Who?")]}, "no_assistant"),
    "a prompt of text and sides of messages: TypeError": ("dpo", PAIR | {"prompt": "Capital of France?"}, "not_messages"),
    "a chosen side that repeats the prompt": ("dpo", PAIR | {"chosen": [*PAIR["prompt"], assistant("Paris.")]}, "prompt_repeated"),
    "a chosen side that is a record: AttributeError": ("dpo", PAIR | {"chosen": assistant("Paris.")}, "not_messages"),
    "an identical pair": ("dpo", PAIR | {"rejected": PAIR["chosen"]}, "same_pair"),
    "an empty rejected side": ("dpo", PAIR | {"rejected": [assistant("")]}, "blank"),
    "no rejected side": ("dpo", PAIR | {"rejected": []}, "no_assistant"),
    "a prompt that ends with an assistant": ("dpo", PAIR | {"prompt": [*PAIR["prompt"], assistant("Well.")]}, "prompt_end"),
    "a label that is text": ("kto", GOOD | {"label": "good"}, "label_not_bool"),
    "a prompt that is null": ("rl", CHECKED | {"prompt": None}, "missing_column"),
    "a marker of a template inside an answer": ("sft", ONE | {"completion": [assistant("So.<|im_end|>")]}, "special_tokens"),
    "texts in the place of message lists: nested without an error": ("sft", ONE | {"prompt": "Who?", "completion": "Ann."}, "not_messages"),
    "a message list inside content: nested without an error": ("sft", ONE | {"prompt": [{"role": "user", "content": WHO}]}, "not_text"),
    "a row over the bound of the viewer": ("sft", ONE | {"completion": [assistant("so " * 700_000)]}, "too_large"),
}  # fmt: skip


@pytest.mark.parametrize("trap", list(TRAPS))
def test_a_trap_of_the_trainers_is_found_in_a_file_that_was_put_there_by_hand(tmp_path, trap):
    config, row, why = TRAPS[trap]
    good = {"sft": ONE, "sft_messages": TALK, "dpo": PAIR, "kto": GOOD, "rl": CHECKED}[config]
    path = put(tmp_path, config, row, row | {"id": "the-second"})
    assert only(tmp_path) == Finding(path, config, 2, {why: 2}, {why: row["id"]})
    assert why in FAULTS
    path = put(tmp_path, config, good)
    assert only(tmp_path) == Finding(path, config, 1)


def test_the_contract_of_a_config_with_a_name_of_its_own_is_that_of_its_columns(tmp_path):
    put(tmp_path, "mine", PAIR, PAIR | {"rejected": PAIR["chosen"], "id": None})
    assert only(tmp_path) == Finding("mine/train-0.parquet", "mine", 2, {"same_pair": 1}, {"same_pair": "row 2"})
    put(tmp_path, "mine", ABOUT)
    assert only(tmp_path).faults == {"unknown_shape": 1}


@pytest.mark.parametrize(
    "beside",
    [
        {"label_name": True, "strategy": "direct-answer", "provenance": {"seed": {"id": "a"}}, "scores": [1.0, 2.0]},
        {"tools": None},
        {"tools": "[]"},
        {"completion": [assistant("Paris.", name=None, weight=None)]},
    ],
)
def test_columns_that_trainers_drop_are_no_fault(tmp_path, beside):
    put(tmp_path, "sft", ONE | beside)
    assert only(tmp_path).faults == {}


def test_a_folder_whose_card_lists_no_configs_is_named(tmp_path):
    put(tmp_path, "sft", ONE)
    for text in ("# Rows\n", "---\nlicense: unknown\n---\n", "---\nconfigs: []\n---\n"):
        (tmp_path / "README.md").write_text(text)
        assert only(tmp_path) == Finding("README.md", "", 0, {"no_configs": 1}, {"no_configs": "the front matter"})


def test_a_listed_split_without_a_file_is_named(tmp_path):
    put(tmp_path, "sft", ONE)
    listed = (
        ("sft", "train", "sft/train-*.parquet"),
        ("sft", "test", "sft/test-*.parquet"),
        ("dpo", "train", "../dpo/*"),
    )
    (tmp_path / "README.md").write_text(card(*listed))
    _, missing, outside = check_folder(tmp_path)
    assert (missing.path, missing.config, missing.first) == ("README.md", "sft", {"split_without_file": "sft/test"})
    assert outside.first == {"split_without_file": "dpo/train"}


def test_a_file_without_rows_is_named(tmp_path):
    put(tmp_path, "sft", schema=pa.Table.from_pylist([ONE]).schema)
    assert only(tmp_path).faults == {"no_rows": 1}


def test_counts_that_the_card_tells_wrong_are_named(tmp_path):
    put(tmp_path, "sft", ONE, ONE)
    for told, wrong in ((2, {}), (3, {"wrong_count": "sft/train: 3 told, 2 found"})):
        info = {"config_name": "sft", "splits": [{"name": "train", "num_examples": told}]}
        for one in (info, [info]):
            (tmp_path / "README.md").write_text(card(("sft", "train", "sft/*.parquet"), dataset_info=one))
            assert {name: place for found in check_folder(tmp_path) for name, place in found.first.items()} == wrong


def test_columns_that_the_card_tells_wrong_are_named(tmp_path):
    put(tmp_path, "sft", ONE)
    for names, wrong in (
        (list(ONE), {}),
        (["prompt", *ABOUT], {"wrong_features": "sft: column completion"}),
        ([*ONE, "score"], {"wrong_features": "sft: column score"}),
    ):
        info = {"features": [{"name": name, "dtype": "string"} for name in names]}
        (tmp_path / "README.md").write_text(card(("sft", "train", "sft/*.parquet"), dataset_info=info))
        assert {name: place for found in check_folder(tmp_path) for name, place in found.first.items()} == wrong


@pytest.mark.parametrize("files", [5, {"train": "sft/*.parquet"}, ["sft/*.parquet", None], None])
def test_a_config_whose_files_are_listed_as_the_hub_does_not_list_them_is_named(tmp_path, files):
    put(tmp_path, "sft", ONE)
    front = {"configs": [{"config_name": "sft", "data_files": files}]}
    (tmp_path / "README.md").write_text(f"---\n{json.dumps(front)}\n---\n")
    assert only(tmp_path).first == {"no_files": "sft"}


@pytest.mark.parametrize("pattern", ["**.parquet", "a\0b", ""])
def test_a_pattern_that_is_none_names_no_file(tmp_path, pattern):
    put(tmp_path, "sft", ONE)
    (tmp_path / "README.md").write_text(card(("sft", "train", pattern)))
    assert set(only(tmp_path).faults) <= {"split_without_file", "no_files"}


@pytest.mark.parametrize("info", [{"splits": [4, {"name": "train"}]}, {"features": "x"}, [None, {"splits": "x"}], "x"])
def test_what_the_card_says_in_an_unknown_way_is_not_held_against_the_rows(tmp_path, info):
    put(tmp_path, "sft", ONE)
    (tmp_path / "README.md").write_text(card(("sft", "train", "sft/*.parquet"), dataset_info=info))
    assert only(tmp_path).faults == {}


def test_a_finding_is_told_by_its_rows_and_by_its_file(tmp_path):
    put(tmp_path, "sft", ONE, ONE | {"completion": [assistant("")], "id": "mute"})
    (tmp_path / "README.md").write_text(card(("sft", "train", "sft/*.parquet"), ("sft", "test", "sft/none")))
    assert [line for found in check_folder(tmp_path) for line in found.in_words()] == [
        f"sft/train-0.parquet: 1 of 2 rows, first mute: {FAULTS['blank']} (blank)",
        f"README.md: sft/test: {FAULTS['split_without_file']} (split_without_file)",
    ]


def test_a_shard_whose_columns_differ_from_the_firsts_is_named(tmp_path):
    put(tmp_path, "sft", ONE | {"category": "editing"})
    put(tmp_path, "sft", ONE | {"category": None}, name="train-1.parquet")
    first, second = check_folder(tmp_path)
    assert first.faults == {}
    assert second.first == {"other_columns": "column category"}


def test_what_cannot_be_read_is_named_and_the_rest_is_read(tmp_path):
    put(tmp_path, "sft", ONE)
    (tmp_path / "sft" / "train-1.parquet").write_bytes(b"PAR1 and no more")
    assert [one.faults for one in check_folder(tmp_path)] == [{}, {"unreadable": 1}]
    (tmp_path / "sft" / "train-1.parquet").unlink()
    (tmp_path / "sft" / "train-1.jsonl").write_bytes(b"[1]\n" + json.dumps(ONE).encode() + b"\n{")
    (tmp_path / "README.md").write_text(card(("sft", "train", "sft/train-1.jsonl")))
    assert only(tmp_path) == Finding("sft/train-1.jsonl", "sft", 3, {"not_a_row": 2}, {"not_a_row": "row 1"})


def test_a_place_that_is_no_dataset_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        check_folder(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"has no README\.md"):
        check_folder(tmp_path)
    for text in ("configs: [", "made: 2026-13-45", "a: " + "[" * 3000):
        (tmp_path / "README.md").write_text(f"---\n{text}\n---\n")
        with pytest.raises(InputError, match="front matter"):
            check_folder(tmp_path)


def test_a_card_may_begin_with_the_mark_that_some_editors_write(tmp_path):
    put(tmp_path, "sft", ONE)
    (tmp_path / "README.md").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "README.md").read_bytes())
    assert only(tmp_path).faults == {}


@pytest.fixture
def written(tmp_path):
    """A folder with a row in every file of every format."""
    put(tmp_path, "sft", ONE)
    with Formats(tmp_path, ("openai", "llamafactory", "nemo", "verl", "alpaca", "sharegpt")) as shapes:
        for config, row in (("sft", ONE), ("sft_messages", TALK), ("dpo", PAIR), ("kto", GOOD), ("rl", CHECKED)):
            shapes.put(config, "train", row)
    return tmp_path


def faults(folder):
    return {one.path: one.faults for one in check_folder(folder) if one.faults}


def append(path, row):
    path.write_bytes(path.read_bytes() + json.dumps(row).encode() + b"\n")


TURNS = [{"from": "human", "value": "Who?"}]
SIDES = {"system": "", "tools": "", "conversations": TURNS}


@pytest.mark.parametrize(
    ("path", "row", "why"),
    [
        (
            "llamafactory/dpo.train.jsonl",
            SIDES | {"chosen": [assistant("a")], "rejected": [assistant("b")]},
            "missing_field",
        ),
        ("llamafactory/dpo.train.jsonl", PAIR, "missing_field"),
        ("llamafactory/sft.train.jsonl", SIDES, "no_assistant"),
        ("openai/sft.train.jsonl", {"messages": WHO, "text": "Who? Ann."}, "other_fields"),
        ("openai/sft.train.jsonl", {"messages": WHO, "prompt": "Who?"}, "other_fields"),
        ("openai/dpo.train.jsonl", PAIR, "missing_field"),
        ("nemo/dpo.train.jsonl", PAIR, "missing_field"),
        ("alpaca/sft.train.jsonl", {"instruction": "Who?", "input": "", "output": None}, "null_content"),
        ("sharegpt/sft.train.jsonl", {"conversations": WHO}, "missing_field"),
    ],
)
def test_a_row_put_into_a_formats_file_by_hand_is_found(written, path, row, why):
    assert faults(written) == {}
    append(written / path, row)
    assert faults(written) == {path: {why: 1}}
    assert why in FAULTS


@pytest.mark.parametrize(
    ("change", "why", "first"),
    [
        ({"file_name": "/data/dpo.train.jsonl"}, "file_name", "synthgen_dpo_train"),
        ({"file_name": "dpo.test.jsonl"}, "file_name", "synthgen_dpo_train"),
        ({"formatting": "openai"}, "wrong_tags", "synthgen_dpo_train"),
        ({"tags": {"role_tag": "from"}}, "wrong_tags", "synthgen_dpo_train"),
        ({"ranking": False}, "wrong_columns", "synthgen_dpo_train"),
        ({"columns": {"messages": "conversations"}}, "wrong_columns", "synthgen_dpo_train"),
    ],
)
def test_a_dataset_that_llamafactory_would_read_wrong_is_found(written, change, why, first):
    path = written / "llamafactory" / "dataset_info.json"
    info = json.loads(path.read_text())
    info["synthgen_dpo_train"] |= change
    path.write_text(json.dumps(info))
    (found,) = (one for one in check_folder(written) if one.faults)
    assert (found.path, found.config) == ("llamafactory/dataset_info.json", "llamafactory")
    assert found.first[why] == first
    assert set(found.faults) <= set(FAULTS)


def test_files_that_llamafactorys_list_does_not_name_are_found(written):
    (written / "llamafactory" / "dataset_info.json").unlink()
    assert faults(written) == {"llamafactory/dataset_info.json": {"unlisted": 3}}
