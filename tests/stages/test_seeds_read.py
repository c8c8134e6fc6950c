"""Seeds and prompts are the same rows whatever file holds them, and a folder that could mean several things is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import SEEDS, expand, few_seeds, outputs
from hypothesis import given
from hypothesis import strategies as st

from synthgen import datafolders
from synthgen.errors import InputError
from synthgen.records import Seed
from synthgen.stages import given as prompts
from synthgen.stages import seedcheck, seeds
from synthgen.stages.given import Given

ROWS = [json.loads(line) for line in (SEEDS / "seed_tasks.jsonl").read_text(encoding="utf-8").splitlines()]
ALPACA = [
    {"instruction": "Name the capital.", "input": "Peru", "output": "Lima"},
    {"instruction": "Say hello.", "input": None, "output": "Hello."},
]
Write = Callable[[list[dict[str, Any]], Path], Path]


def lines(rows: list[dict[str, Any]], folder: Path) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def parquet(rows: list[dict[str, Any]], folder: Path) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet")
    return folder / "rows.parquet"


def saved(rows: list[dict[str, Any]], folder: Path) -> Path:
    """As `datasets` saves it, with a cache of its own beside the rows."""
    datasets.Dataset.from_list(rows).save_to_disk(folder / "saved")
    datasets.Dataset.from_list([{"instruction": "stale"}]).save_to_disk(folder / "stale")
    (folder / "stale" / "data-00000-of-00001.arrow").rename(folder / "saved" / "cache-1234.arrow")
    return folder / "saved"


def saved_dict(rows: list[dict[str, Any]], folder: Path) -> Path:
    datasets.DatasetDict({"train": datasets.Dataset.from_list(rows)}).save_to_disk(folder / "dict")
    return folder / "dict"


def hub(rows: list[dict[str, Any]], folder: Path) -> Path:
    """As a dataset lies on the Hub, in two shards, with a file beside that no config names."""
    data = folder / "hub" / "data"
    data.mkdir(parents=True)
    half = (len(rows) + 1) // 2
    for number, part in enumerate((rows[:half], rows[half:])):
        if part:
            parquet(part, data).rename(data / f"train-{number:05d}-of-00002.parquet")
    lines([{"instruction": "stray"}], folder / "hub")
    configs = "configs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*\n"
    (folder / "hub" / "README.md").write_text(f"---\nlicense: mit\n{configs}---\n# Rows\n")
    return folder / "hub"


EACH = pytest.mark.parametrize("write", [lines, parquet, saved, saved_dict, hub])
MESSAGES = [{"role": "user", "content": "Name a river."}, {"role": "assistant", "content": "The Nile."}]
SHAREGPT = [{"from": "human", "value": "Name a river."}, {"from": "gpt", "value": "The Nile."}]


@EACH
def test_the_projects_own_seeds_are_the_same_from_every_kind_of_file(tmp_path: Path, write: Write):
    # One schema must hold every verifier, so that its arguments are JSON text, as `datasets` makes them too.
    rows = [
        {**row, "verifier": row.get("verifier") and {**row["verifier"], "args": json.dumps(row["verifier"]["args"])}}
        for row in ROWS
    ]
    own = seeds.read(SEEDS)
    found = seeds.read(write(rows, tmp_path))
    assert found == own
    assert [seeds.digest(one) for one in found] == [seeds.digest(one) for one in own]


@EACH
@pytest.mark.parametrize(
    "rows",
    [
        ALPACA,
        [{"messages": MESSAGES, "category": "knowledge", "other": 1}],
        [{"conversations": SHAREGPT}],
        [{"prompt": MESSAGES[:1], "completion": MESSAGES[1:], "id": 7}],
        [{"prompt": "Name a river.", "completion": "The Nile."}],
        [
            ROWS[0] | {"verifier": {"kind": "exact", "args": {"answers": ["a"]}}},
            ROWS[1] | {"verifier": {"kind": "number", "args": {"answer": 7}}},
        ],
    ],
    ids=["alpaca", "messages", "sharegpt", "conversational", "texts", "verifiers"],
)
def test_rows_of_each_shape_are_the_same_seeds_from_every_kind_of_file(
    tmp_path: Path, write: Write, rows: list[dict[str, Any]]
):
    (tmp_path / "plain").mkdir()
    expected = seeds.read(lines(rows, tmp_path / "plain"))
    assert seeds.read(write(rows, tmp_path)) == expected
    assert expected[0].instances[0].output


def test_a_conversation_of_one_turn_is_a_task_with_its_answer(tmp_path: Path):
    (one,) = seeds.read(lines([{"messages": MESSAGES}], tmp_path))
    assert one == Seed(id="seed_task_0", instruction="Name a river.", instances=({"input": "", "output": "The Nile."},))


def test_a_record_of_lists_is_a_list_of_instances(tmp_path: Path):
    rows = [{"instruction": "Name the capital.", "instances": {"input": ["Peru", ""], "output": ["Lima", "Which?"]}}]
    (one,) = seeds.read(parquet(rows, tmp_path))
    assert [(each.input, each.output) for each in one.instances] == [("Peru", "Lima"), ("", "Which?")]


SYSTEM = {"role": "system", "content": "Be brief."}


@EACH
@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"messages": [SYSTEM, *MESSAGES]}, "has a system message"),
        ({"messages": [*MESSAGES, *MESSAGES]}, "is a conversation of user, assistant, user, assistant"),
        ({"messages": MESSAGES[:1]}, "has no answer"),
        ({"messages": [MESSAGES[0], {"role": "assistant", "content": " "}]}, "has a message without text"),
        ({"prompt": "Name a river.", "completion": None}, "has no answer"),
        ({"instruction": "  ", "output": "x"}, "has no instruction"),
        ({"text": "x"}, "has no instruction"),
        ({"instruction": "Name a river.", "output": 7}, "output cannot be used"),
    ],
)
def test_what_is_no_seed_is_refused_with_its_row(tmp_path: Path, write: Write, row: dict[str, Any], why: str):
    rows = [row]
    if "messages" in row:
        rows = [{"messages": MESSAGES}, row]
    number = 1 if write is hub else len(rows)  # of its own shard
    with pytest.raises(InputError, match=rf"(line|row) {number}:? .*{why}"):
        seeds.read(write(rows, tmp_path))


def test_a_run_goes_on_when_its_seeds_became_parquet(tmp_path: Path):
    run = tmp_path / "run"
    path = few_seeds(tmp_path / "seeds.jsonl", 12)
    expand(run, seeds=path, target=4)
    before = outputs(run)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        row["verifier"] = row.get("verifier") and {**row["verifier"], "args": json.dumps(row["verifier"]["args"])}
    report = expand(run, seeds=parquet(rows, tmp_path), target=4)
    assert report["calls"] == 0
    assert outputs(run) == before


def test_check_seeds_says_the_same_of_a_table(tmp_path: Path):
    assert seedcheck.check(parquet(ALPACA, tmp_path)) == seedcheck.check(lines(ALPACA, tmp_path))


def splits_dict(folder: Path) -> Path:
    rows = datasets.Dataset.from_list(ALPACA)
    datasets.DatasetDict({"train": rows, "test": rows}).save_to_disk(folder / "dict")
    return folder / "dict"


def splits_of_names(folder: Path) -> Path:
    for name in ("train", "test"):
        parquet(ALPACA, folder).rename(folder / f"{name}-00000-of-00001.parquet")
    return folder


def splits_of_folders(folder: Path) -> Path:
    for name in ("train", "validation"):
        (folder / name).mkdir()
        parquet(ALPACA, folder / name)
    return folder


@pytest.mark.parametrize("make", [splits_dict, splits_of_names, splits_of_folders])
@pytest.mark.parametrize("read", [seeds.read, lambda path: list(prompts.read(Given(path)))], ids=["seeds", "prompts"])
def test_a_folder_of_several_splits_is_refused_and_each_path_that_is_named_can_be_read(
    tmp_path: Path, make: Callable[[Path], Path], read: Callable[[Path], Any]
):
    with pytest.raises(InputError, match="holds the splits") as refused:
        read(make(tmp_path))
    named = str(refused.value).split("'")[1::2]
    assert len(named) == 2
    assert [len(read(Path(path))) for path in named] == [2, 2]


def test_a_dataset_folder_of_several_configs_is_refused_and_each_is_named(finished: Path):
    with pytest.raises(InputError, match="holds the configs sft, sft_messages, dpo, kto") as refused:
        datafolders.files(finished / "dataset")
    assert [len(datafolders.files(Path(path))) for path in str(refused.value).split("'")[1::2]] == [1, 1, 1, 1]


def test_files_whose_names_say_nothing_of_splits_are_all_read_in_order_of_name(tmp_path: Path):
    for name in ("b", "a", "tested"):
        parquet([{"instruction": name, "input": "", "output": "x"}], tmp_path).rename(tmp_path / f"{name}.parquet")
    assert [one.instruction for one in seeds.read(tmp_path)] == ["a", "b", "tested"]
    assert [one.instruction for one in seeds.read(tmp_path / "*ed.parquet")] == ["tested"]


@pytest.mark.parametrize("pattern", ["../secret.parquet", "/etc/*.parquet"])
def test_a_card_cannot_name_files_outside_of_its_folder(tmp_path: Path, pattern: str):
    (tmp_path / "x").mkdir()
    parquet(ALPACA, tmp_path).rename(tmp_path / "secret.parquet")
    (tmp_path / "x" / "README.md").write_text(f"---\nconfigs:\n- config_name: a\n  data_files: {pattern}\n---\n")
    with pytest.raises(InputError, match="lies outside of"):
        seeds.read(tmp_path / "x")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("dataset_dict.json", {"splits": [""]}),  # which is the folder itself
        ("dataset_dict.json", {"splits": ["."]}),
        ("dataset_dict.json", {"splits": [".."]}),
        ("dataset_dict.json", {"splits": "train"}),
        ("dataset_dict.json", {"splits": []}),
        ("dataset_dict.json", [1]),
        ("state.json", {"_data_files": ["a", {"filename": 7}]}),
        ("state.json", {"_data_files": [{"filename": ".."}]}),
        ("state.json", {"_data_files": [{}]}),
        ("state.json", {}),
    ],
)
def test_what_datasets_did_not_write_is_told(tmp_path: Path, name: str, content: Any):
    (tmp_path / name).write_bytes(orjson.dumps(content))
    with pytest.raises(InputError, match=rf"{name} lists no .* that lie beside it"):
        seeds.read(tmp_path)


@pytest.mark.parametrize(
    "files",
    ["[]", '""', "7", "[7]", "{split: train}", "[{split: train}]", "[{split: train, path: []}]", "['']", "'a**b/['"],
)
def test_files_that_a_card_names_badly_are_told_or_passed_over(tmp_path: Path, files: str):
    (tmp_path / "README.md").write_text(f"---\nconfigs:\n- config_name: a\n  data_files: {files}\n---\n")
    parquet(ALPACA, tmp_path)
    if "'" in files:
        with pytest.raises(InputError, match="no pattern of files"):
            seeds.read(tmp_path)
    else:
        assert len(seeds.read(tmp_path)) == 2


@pytest.mark.parametrize(
    "content",
    [
        "---\nconfigs: [\n---\n",
        "---\nconfigs: " + "[" * 5000 + "\n---\n",
        "---\nmade: 2001-99-99  # [\n---\n",
        "---\nconfigs: 7\n---\n",
        "---\n- a\n---\n",
        "---\n",
        "# Rows\n",
    ],
    ids=range(7),
)
def test_a_card_that_says_nothing_usable_is_told_or_passed_over(tmp_path: Path, content: str):
    (tmp_path / "README.md").write_text(content)
    parquet(ALPACA, tmp_path)
    if "[" in content:
        with pytest.raises(InputError, match="is not YAML"):
            seeds.read(tmp_path)
    else:
        assert len(seeds.read(tmp_path)) == 2


def test_a_pattern_that_matches_nothing_is_told(tmp_path: Path):
    with pytest.raises(InputError, match=r"no .* file matches"):
        seeds.read(tmp_path / "*.parquet")


@EACH
@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"prompt": "Name a river."}, "Name a river."),
        ({"prompt": MESSAGES[:1]}, "Name a river."),
        ({"messages": MESSAGES[:1]}, "Name a river."),
        ({"prompt": [SYSTEM, MESSAGES[0]]}, "not_single_turn"),
        ({"prompt": [*MESSAGES, MESSAGES[0]]}, "not_single_turn"),
        ({"messages": MESSAGES}, "not_single_turn"),
        ({"prompt": [{"role": "user", "content": None}]}, "no_prompt"),
    ],
)
def test_prompts_are_texts_or_one_message_in_every_kind_of_file(
    tmp_path: Path, write: Write, row: dict[str, Any], text: str
):
    (one,) = prompts.read(Given(write([row], tmp_path)))
    assert (one.instruction or (one.unfit and one.unfit.reason)) == text


def test_a_field_may_hold_the_message_too(tmp_path: Path):
    (one,) = prompts.read(Given(parquet([{"chat": MESSAGES[:1]}], tmp_path), "chat"))
    assert one.instruction == "Name a river."


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "instruction",
                "input",
                "output",
                "instances",
                "messages",
                "conversations",
                "prompt",
                "completion",
                "id",
                "verifier",
            ]
        ),
        JSONS,
    )
)
def test_a_row_of_any_shape_is_a_seed_or_refused(row: dict[str, Any]):
    try:
        found = seeds.row_to_seed(row, "rows.jsonl line 1", 0).instruction
    except InputError as error:
        found = str(error)
    assert found.strip()
