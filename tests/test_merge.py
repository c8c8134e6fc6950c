"""Joined datasets: nothing twice, nothing tested that is trained on, every row traced, and the mix that is wanted."""

import itertools
import json
import shutil
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import datasets
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import command, expand, outputs
from hypothesis import given, settings
from hypothesis import strategies as st
from mergecase import Made, asks, read, rows_of, write

from synthgen.errors import ConfigError, InputError
from synthgen.export.parquet import SCHEMAS, Files
from synthgen.export.splits import asked
from synthgen.merge import mix
from synthgen.merge.join import Wanted, merge
from synthgen.merge.mix import Weights
from synthgen.publish.folder import located
from synthgen.text.rouge import rouge_l
from synthgen.text.tokens import unicode_tokens

FIRST = [
    Made("Name the longest river of Asia.", root="seed_a"),
    Made("Write four lines about a lighthouse keeper.", root="seed_b", category="writing"),
    Made("How much is nine times eleven?", side="test", root="seed_t", category="mathematics"),
]
SECOND = [
    Made("Explain to a child why leaves turn red.", root="seed_c", category="science"),
    Made("Translate 'good evening' to Danish.", root="seed_d", category="translation"),
]


def joined(tmp_path: Path, *many: list[Made], out: str = "out", **wanted) -> Path:
    """Datasets of these tasks, merged."""
    paths = [write(tmp_path / f"{out}-{number}", tasks) for number, tasks in enumerate(many)]
    merge(paths, tmp_path / out, Wanted(**wanted))
    return tmp_path / out


def left_out(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "rejected" / "merge.jsonl").read_text().splitlines()]


def alike(one: str, other: str, threshold: float = 0.7) -> bool:
    """By the textbook."""
    return rouge_l(unicode_tokens(one), unicode_tokens(other)) > threshold


TASKS = st.lists(
    st.builds(
        lambda text, side, root, configs: Made(" ".join(text), side, root, configs=tuple(configs)),
        st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5),
        st.sampled_from(("train", "train", "test")),
        st.sampled_from(("s1", "s2", "s3", "s4", "s5", "s6")),
        st.sets(st.sampled_from(("sft", "dpo", "kto", "rl")), min_size=1),
    ),
    min_size=1,
    max_size=6,
)


def by_loops(many: list[list[Made]]) -> dict[str, list[tuple[int, str]]]:
    """Side to (dataset, prompt) of what stays, each loop written out."""
    numbered = [(number, task) for number, tasks in enumerate(many) for task in tasks]
    tested = {task.root for _, task in numbered if task.side == "test"}
    tests = [task.text for _, task in numbered if task.side == "test"]
    kept: dict[str, list[tuple[int, str]]] = {"train": [], "test": []}
    for number, task in numbered:
        if task.side == "train" and (task.root in tested or any(alike(task.text, one) for one in tests)):
            continue
        if not any(other < number and alike(task.text, text) for other, text in kept[task.side]):
            kept[task.side].append((number, task.text))
    return kept


@settings(max_examples=25)
@given(st.lists(TASKS, min_size=1, max_size=3))
def test_what_stays_is_what_the_rule_says_in_every_config_and_in_order(many):
    # A prompt has one root here: of rows with one prompt the first one's decides.
    roots = {task.text: task.root for tasks in many for task in tasks}
    many = [[task._replace(root=roots[task.text]) for task in tasks] for tasks in many]
    wanted = by_loops(many)
    with TemporaryDirectory() as place:
        if not any(wanted.values()):
            with pytest.raises(InputError, match="nothing is left"):
                joined(Path(place), *many)
            return
        out = joined(Path(place), *many)
        for config, side in itertools.product(("sft", "dpo", "kto", "rl"), ("train", "test")):
            expected = [
                task.text
                for number, tasks in enumerate(many)
                for task in tasks
                if task.side == side and config in task.configs and (number, task.text) in wanted[side]
            ]
            assert asks(read(out, config, side)) == expected
        ids = [row["id"] for config in ("sft", "dpo") for side in ("train", "test") for row in read(out, config, side)]
        assert len(set(ids)) == len(ids)


def test_datasets_without_anything_in_common_are_there_whole_one_after_the_other(tmp_path):
    out = joined(tmp_path, FIRST, SECOND)
    for config in ("sft", "dpo", "kto", "rl"):
        assert asks(read(out, config)) == [task.text for task in (*FIRST, *SECOND) if task.side == "train"]
        assert asks(read(out, config, "test")) == ["How much is nine times eleven?"]
    assert [row["messages"][0]["content"] for row in read(out, "sft_messages")] == asks(read(out))
    assert left_out(out) == []


def test_what_was_merged_before_brings_nothing_new(tmp_path):
    out = joined(tmp_path, FIRST, SECOND)
    again = tmp_path / "again"
    merge([out, tmp_path / "out-1", tmp_path / "out-0"], again, Wanted())
    for config, side in itertools.product(("sft", "dpo", "kto", "rl"), ("train", "test")):
        assert asks(read(again, config, side)) == asks(read(out, config, side))
    assert {line["reason"] for line in left_out(again)} == {"duplicate"}


def test_one_dataset_alone_keeps_what_it_says_twice(tmp_path):
    out = joined(tmp_path, [*SECOND, SECOND[0], SECOND[0]._replace(text="Explain to a child why leaves turn brown.")])
    assert len(read(out)) == 4


def test_all_rows_of_a_prompt_that_is_left_out_are_left_out(tmp_path):
    repeated = FIRST[0]._replace(text="Name the longest river of Africa.")
    out = joined(tmp_path, FIRST, [*SECOND, repeated])
    for config in ("sft", "dpo", "kto", "rl"):
        assert repeated.text not in asks(read(out, config))
    (line,) = left_out(out)
    assert (line["reason"], line["dataset"], line["nearest"]["id"]) == ("near_duplicate", 2, "r1-c000001-0-0-0")
    assert repeated.text in asks(read(joined(tmp_path, FIRST, [repeated], out="loose", threshold=1.0)))


def test_what_one_dataset_tests_is_not_trained_on_from_another_whichever_comes_first(tmp_path):
    near = Made("How much is nine times twelve?", root="seed_x")
    for number, order in enumerate(([[near, *SECOND], FIRST], [FIRST, [near, *SECOND]])):
        out = joined(tmp_path, *order, out=f"out{number}")
        assert near.text not in asks(read(out))
        assert asks(read(out, split="test")) == ["How much is nine times eleven?"]
        assert [line["reason"] for line in left_out(out)] == ["across_sides"]


CHAIN = ["a b c d e f g h i j", "a b c d e f g h x y", "a b c d e f w z x y"]
"""Each is nearly the next one, and the first is not the last."""


def test_what_was_left_out_stands_in_nobodys_way_to_train(tmp_path):
    out = joined(tmp_path, *([Made(text)] for text in CHAIN))
    assert asks(read(out)) == [CHAIN[0], CHAIN[2]]


def test_what_is_near_to_a_test_that_was_left_out_is_not_trained_on_all_the_same(tmp_path):
    tests = [[Made(text, side="test", root="seed_t")] for text in CHAIN[:2]]
    out = joined(tmp_path, *tests, [Made(CHAIN[2]), *FIRST[:1]])
    assert asks(read(out, split="test")) == CHAIN[:1]
    assert asks(read(out)) == [FIRST[0].text]


def test_what_descends_from_a_seed_of_a_test_side_is_not_trained_on(tmp_path):
    child = Made("List three words that rhyme with stone.", root="seed_t")
    out = joined(tmp_path, [child, *SECOND], FIRST)
    assert child.text not in asks(read(out))
    assert [line["reason"] for line in left_out(out)] == ["root_in_test"]


def test_seeds_of_one_id_that_say_other_things_are_two(tmp_path):
    ours = Made("Say what a lathe is.", root="seed_task_0", source="human", configs=("sft",))
    child = Made("List three words that rhyme with stone.", root="seed_task_0")
    other = Made(
        "Compose a toast for a retiring baker.", root="seed_task_0", source="human", configs=("sft",), side="test"
    )
    out = joined(tmp_path, [ours, child], [other])
    assert [row["root_id"] for row in read(out)] == ["r1-seed_task_0", "r1-seed_task_0"]
    assert [row["root_id"] for row in read(out, split="test")] == ["r2-seed_task_0"]


def test_two_seeds_of_one_dataset_stay_two_whatever_they_say(tmp_path):
    seed = Made("Say what a lathe is.", root="one", source="human", configs=("sft",))
    out = joined(
        tmp_path,
        [seed],
        [Made("Name a tree.", root="one"), Made("Eat a pear.", root="two"), seed, seed._replace(root="two")],
    )
    assert [row["root_id"] for row in read(out)] == ["r1-one", "r1-one", "r2-two"]


def test_a_seed_of_several_datasets_is_one_and_names_the_rows_that_descend_from_it(tmp_path):
    seed = Made("Say what a lathe is.", root="seed_task_0", source="human", configs=("sft",))
    children = [
        Made("List three words that rhyme with stone.", root="seed_task_0"),
        Made("Compose a toast for a retiring baker.", root="lathe"),
    ]
    out = joined(tmp_path, [seed, children[0]], [seed._replace(root="lathe"), children[1]])
    assert [row["root_id"] for row in read(out)] == ["r1-seed_task_0"] * 3
    assert [line["reason"] for line in left_out(out)] == ["same_seed"]
    assert json.loads(read(out)[-1]["metadata_json"])["parents"] == ["r1-seed_task_0", "r2-c000000-0"]


def test_every_row_says_where_it_comes_from_and_keeps_what_it_said(tmp_path):
    marks = {"c000001-0-0-0": {"mean": 4.0}, "c000001-0-0-1": {"mean": 2.0}}
    task = Made(
        "Name the longest river of Asia.",
        more={
            "marks": marks, "chosen_id": "c000001-0-0-0", "rejected_id": "c000001-0-0-1", "side": "train", "odd": {"a": 1},
            "nearest": {"id": "seed_a", "score": 0.4}, "passed": {"c000001-0-0-0": True}, "calls": {"answer": "k"},
        },
    )  # fmt: skip
    out = joined(tmp_path, SECOND, [task])
    row = read(out, "rl")[-1]
    assert row["id"] == row["extra_info"]["index"] == "r2-c000001-0-0"
    assert json.loads(row["metadata_json"]) == {
        "marks": {"r2-c000001-0-0-0": {"mean": 4.0}, "r2-c000001-0-0-1": {"mean": 2.0}},
        "chosen_id": "r2-c000001-0-0-0",
        "rejected_id": "r2-c000001-0-0-1",
        "side": "train",
        "odd": {"a": 1},
        "nearest": {"id": "r2-seed_a", "score": 0.4},
        "passed": {"r2-c000001-0-0-0": True},
        "calls": {"answer": "k"},
        "teacher": "model-a",
        "parents": ["r2-seed_a", "r2-c000000-0"],
        "instruction_id": "r2-c000001-0",
        "merged_from": [2],
    }
    merge([out, write(tmp_path / "more", FIRST[1:])], tmp_path / "twice", Wanted())
    found = [json.loads(row["metadata_json"])["merged_from"] for row in read(tmp_path / "twice")]
    assert found == [[1, 1], [1, 1], [1, 2], [2]]


def many(category: str, count: int, answer: str = "Yes.") -> list[Made]:
    """Tasks with nothing in common."""
    texts = (f"{category}{number}a {category}{number}b {category}{number}c" for number in range(count))
    return [Made(text, category=category, answer=answer) for text in texts]


def shares(out: Path, config: str) -> Counter:
    return Counter(row["category"] for row in read(out, config))


def test_categories_are_mixed_as_they_are_weighed_in_every_config_and_tests_stay(tmp_path):
    tests = [task._replace(side="test", category="editing", root="t") for task in many("held", 60)]
    given_tasks = [*many("editing", 40), *many("coding", 12), *many("science", 7), *many("chat", 9), *tests]
    weights = Weights({"editing": Fraction(1, 4), "coding": Fraction(1, 2)})
    out = joined(tmp_path, given_tasks[:30], given_tasks[30:], weights=weights)
    for config in ("sft", "dpo", "kto", "rl"):
        found = shares(out, config)
        assert found["coding"] == 12
        assert found["editing"] == 6
        assert found["science"] + found["chat"] == 6
        assert len(read(out, config, "test")) == 60
    assert asks(read(out, "sft")) == asks(read(out, "dpo"))  # the same tasks in each
    told = (out / "dataset" / "README.md").read_text()
    assert "| sft | coding | 50.0% | 50.0% | 12 |" in told


def test_categories_that_no_weight_names_go_where_the_weights_make_a_whole(tmp_path):
    weights = Weights({"editing": Fraction(1, 3), "coding": Fraction(2, 3), "chat": Fraction(0)})
    out = joined(
        tmp_path, [*many("editing", 9), *many("coding", 4), *many("science", 7), *many("chat", 9)], weights=weights
    )
    assert shares(out, "sft") == {"editing": 2, "coding": 4}


def test_shares_are_of_tokens_where_that_is_wanted(tmp_path):
    tasks = [*many("editing", 20, "word " * 80), *many("coding", 60, "word " * 8)]
    weights = Weights({"editing": Fraction(1, 2), "coding": Fraction(1, 2)}, "tokens")
    out = joined(tmp_path, tasks, weights=weights)
    spent = Counter()
    for row in read(out):
        spent[row["category"]] += mix.tokens(row)
    assert shares(out, "sft")["coding"] == 60
    assert 0 <= spent["coding"] - spent["editing"] < max(mix.tokens(row) for row in read(out))


def test_a_config_without_a_category_that_is_wanted_is_mixed_of_the_others_and_the_card_tells(tmp_path):
    tasks = [*many("editing", 8), *many("coding", 8), *(task._replace(configs=("sft",)) for task in many("chat", 8))]
    weights = Weights({"editing": Fraction(1, 4), "coding": Fraction(1, 4), "chat": Fraction(1, 2)})
    out = joined(tmp_path, tasks, weights=weights)
    assert shares(out, "sft") == {"editing": 4, "coding": 4, "chat": 8}
    assert shares(out, "dpo") == {"editing": 8, "coding": 8}
    assert "| dpo | coding | 50.0% | 50.0% | 8 |" in (out / "dataset" / "README.md").read_text()


SHARES = st.lists(st.integers(0, 9), min_size=1, max_size=5).filter(any)


@given(SHARES, st.data())
def test_rows_of_each_group_are_within_one_of_their_share_and_no_more_would_fit(parts, data):
    wanted = {str(place): Fraction(part, sum(parts)) for place, part in enumerate(parts)}
    held = {group: data.draw(st.integers(1, 60)) for group in wanted}
    takes = mix.quotas(held, wanted)
    whole = sum(takes.values())
    for group, take in takes.items():
        assert take <= held[group]
        assert abs(take - whole * wanted[group]) < 1
    assert any((whole + 1) * wanted[group] > held[group] for group in wanted)


@given(SHARES, st.data())
def test_tokens_of_each_group_lack_less_than_its_next_row(parts, data):
    wanted = {str(place): Fraction(part, sum(parts)) for place, part in enumerate(parts)}
    sizes = {group: data.draw(st.lists(st.integers(1, 50), min_size=1, max_size=9)) for group in wanted}
    takes = mix.prefixes({group: np.cumsum(of) for group, of in sizes.items()}, wanted)
    whole = min(sum(sizes[group]) / share for group, share in wanted.items() if share)
    for group, take in takes.items():
        room = whole * wanted[group] - sum(sizes[group][:take])
        assert room >= 0
        assert take == len(sizes[group]) or room < sizes[group][take]
    assert any(takes[group] == len(sizes[group]) for group, share in wanted.items() if share)


def test_which_rows_stay_does_not_depend_on_what_else_there_is_in_other_categories(tmp_path):
    weights = Weights({"editing": Fraction(1, 4), "coding": Fraction(3, 4)})
    one = joined(tmp_path, [*many("editing", 30), *many("coding", 9)], out="one", weights=weights)
    other = joined(tmp_path, [*many("coding", 18), *many("editing", 30)], out="other", weights=weights)
    kept = [{text for text in asks(read(out)) if text.startswith("editing")} for out in (one, other)]
    assert len(kept[0]) == 3
    assert kept[0] < kept[1]


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (["editing"], "--weight takes category=share"),
        (["=0.5"], "--weight takes category=share"),
        (["editing=much"], "the weight of editing is a share from 0 to 1, not much"),
        (["editing=-1"], "is a share from 0 to 1"),
        (["editing=nan"], "is a share from 0 to 1"),
        (["editing=0.7", "coding=0.4"], "the weights add up to 1.1"),
    ],
)
def test_weights_that_are_none_are_refused(weights, said):
    with pytest.raises(InputError, match=said):
        mix.read(weights, None)


def test_weights_come_from_a_file_and_flags_go_before_it(tmp_path):
    file = tmp_path / "weights.toml"
    file.write_text('editing = 0.1\n"code-writing" = 0.3\n')
    assert mix.read(["editing=0.7"], file) == {"editing": Fraction(7, 10), "code-writing": Fraction(3, 10)}
    file.write_text("editing = [1]")
    with pytest.raises(InputError, match="is a share from 0 to 1"):
        mix.read([], file)
    file.write_text("editing : 1")
    with pytest.raises(InputError, match="are not TOML"):
        mix.read([], file)
    with pytest.raises(InputError, match="cannot read the weights"):
        mix.read([], tmp_path / "none.toml")


def test_a_weight_for_what_is_not_there_is_refused_and_nothing_written(tmp_path):
    with pytest.raises(InputError, match="no row to train on is of the category cooking"):
        joined(tmp_path, FIRST, SECOND, weights=Weights({"cooking": Fraction(1, 2)}))
    assert not (tmp_path / "out" / "dataset").exists()


def test_equal_datasets_in_one_order_give_equal_bytes(tmp_path):
    weights = Weights({"editing": Fraction(1, 2), "writing": Fraction(1, 2)})
    one = joined(tmp_path, FIRST, SECOND, out="one", weights=weights)
    turned = Weights(dict(reversed(weights.shares.items())))
    other = joined(tmp_path, FIRST, SECOND, out="other", weights=turned)
    assert outputs(one) == outputs(other)
    assert not any(str(tmp_path).encode() in whole for whole in outputs(one).values())


def test_a_second_run_and_one_after_a_kill_leave_the_same(tmp_path):
    out = joined(tmp_path, FIRST, SECOND)
    before = outputs(out)
    (out / "dataset").rename(out / ".dataset.old")  # killed in the middle of the swap
    (out / ".dataset.new" / "sft").mkdir(parents=True)
    merge([tmp_path / "out-0", tmp_path / "out-1"], out, Wanted())
    assert outputs(out) == before
    assert sorted(path.name for path in out.iterdir()) == [".lock", "dataset", "rejected"]


KILLED = """
import os, sys
from pathlib import Path
from synthgen.merge.join import Wanted, merge
calls = iter(range(int(sys.argv[1])))
merge([Path(one) for one in sys.argv[3:]], Path(sys.argv[2]), Wanted(), lambda *_: next(calls, None) is None and os._exit(9))
"""


@pytest.mark.parametrize("after", [2, 9, 17])
def test_a_kill_anywhere_leaves_the_old_folder_and_the_next_run_the_new_one(tmp_path, after):
    out = joined(tmp_path, FIRST, SECOND)
    old = outputs(out)
    again = [out, tmp_path / "out-1", tmp_path / "out-0", write(tmp_path / "more", many("chat", 3))]
    merge(again[1:], tmp_path / "whole", Wanted())
    killed = [sys.executable, "-c", KILLED, str(after), *map(str, again)]
    assert subprocess.run(killed, check=False).returncode == 9
    now = outputs(out)
    assert {name: now[name] for name in old} == old
    merge(again[1:], out, Wanted())
    assert outputs(out) == outputs(tmp_path / "whole")


def test_what_fails_on_the_way_leaves_the_old_folder(tmp_path):
    out = joined(tmp_path, FIRST, SECOND)
    before = outputs(out)
    broken = write(tmp_path / "broken", SECOND)
    spoil(broken / "sft" / "train-00000-of-00001.parquet", "metadata_json", ["{}", "no"])
    with pytest.raises(InputError, match="metadata_json of row c000002-0-0-0 is no JSON object"):
        merge([tmp_path / "out-0", broken], out, Wanted())
    assert outputs(out) == before


def spoil(path: Path, column: str, values: list | None) -> None:
    """Put other values in a column of a file, or take it out."""
    table = pq.read_table(path)
    place = table.column_names.index(column)
    kind = table.schema.field(column).type
    table = table.remove_column(place)
    if values is not None:
        table = table.add_column(place, column, pa.array(values, None if isinstance(values[0], int) else kind))
    pq.write_table(table, path)


SFT = "sft/train-00000-of-00001.parquet"
HOSTILE = {
    "lacks a column": (lambda path: spoil(path / SFT, "root_id", None), "lacks root_id"),
    "has a column of another type": (lambda path: spoil(path / SFT, "category", [1, 2]), "another type of category"),
    "has a null": (lambda path: spoil(path / SFT, "category", ["a", None]), "has no category"),
    "has a null message": (lambda path: spoil(path / SFT, "prompt", [[None], [None]]), "has no prompt"),
    "has no content": (
        lambda path: spoil(path / SFT, "prompt", [[{"role": "user", "content": None}]] * 2),
        "has no prompt",
    ),
    "is cut off": (lambda path: (path / SFT).write_bytes((path / SFT).read_bytes()[:200]), "cannot be read"),
    "is no Parquet": (lambda path: (path / SFT).write_text("{}"), "cannot be read"),
    "has another split": (
        lambda path: (path / SFT).rename(path / "sft/validation-00000-of-00001.parquet"),
        "neither train nor test",
    ),
    "has a proof that is none": (lambda path: (path / "erasure.json").write_text("{"), "erasure.json cannot be read"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_dataset_that_cannot_be_used_is_named_and_nothing_written(tmp_path, case):
    spoiled, said = HOSTILE[case]
    good, bad = write(tmp_path / "good", FIRST), write(tmp_path / "bad", SECOND)
    spoiled(bad)
    with pytest.raises(InputError, match=said) as found:
        merge([good, bad], tmp_path / "out", Wanted())
    assert str(bad) in str(found.value)
    assert not (tmp_path / "out" / "dataset").exists()


def test_files_that_another_library_wrote_anew_are_read_alike(tmp_path):
    one, other = write(tmp_path / "one", FIRST), write(tmp_path / "other", FIRST)
    for path in other.rglob("*.parquet"):
        datasets.Dataset(pq.read_table(path)).to_parquet(str(path))
    results = []
    for number, folder in enumerate((one, other)):
        merge(
            [folder, *([tmp_path / "second"] if number else [write(tmp_path / "second", SECOND)])],
            tmp_path / str(number),
            Wanted(),
        )
        results.append([read(tmp_path / str(number), config) for config in SCHEMAS])
    assert results[0] == results[1]


def test_thoughts_and_tools_stay_where_a_dataset_has_them(tmp_path):
    folder = tmp_path / "thought"
    with Files(folder, dict.fromkeys(("sft", "sft_messages"), ("reasoning_content", "tools"))) as files:
        for config, row in rows_of(1, SECOND[0]._replace(configs=("sft",))):
            said = row["completion" if config == "sft" else "messages"][-1]
            files.put(config, "train", {**row, "tools": "[]"})
            assert said["role"] == "assistant"
            said["reasoning_content"] = "Chlorophyll goes first."
    merge([write(tmp_path / "plain", FIRST), folder], tmp_path / "out", Wanted())
    for config, column in (("sft", "completion"), ("sft_messages", "messages")):
        told = [(row[column][-1].get("reasoning_content"), row["tools"]) for row in read(tmp_path / "out", config)]
        assert told == [(None, None), (None, None), ("Chlorophyll goes first.", "[]")]
    assert "tools" not in read(tmp_path / "out", "dpo")[0]


def test_a_blank_answer_is_left_out_and_not_counted_in_the_mix(tmp_path):
    tasks = [
        *many("editing", 4),
        *many("coding", 2),
        Made("a blank one", category="coding", configs=("sft",), answer=" "),
    ]
    out = joined(tmp_path, tasks, weights=Weights({"coding": Fraction(1, 2)}))
    assert shares(out, "sft") == {"coding": 2, "editing": 2}


def test_what_cannot_be_merged_is_refused_in_words(tmp_path):
    one, other = write(tmp_path / "one", FIRST), write(tmp_path / "other" / "dataset", SECOND)
    (tmp_path / "other" / "config.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "config.json").write_text("{}")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("")
    cases = [
        ([one, one], "out", "are the same dataset"),
        ([tmp_path / "other", other], "out", "are the same dataset"),
        ([one, tmp_path / "none"], "out", "is no folder"),
        ([one, tmp_path / "empty"], "out", "is no dataset of synthgen"),
        ([one, tmp_path / "begun"], "out", "has no dataset; `synthgen export"),
        ([one, tmp_path / "other"], "one/deep", "lie in one another"),
        ([one, tmp_path / "other"], "other", "lie in one another"),
        ([one, tmp_path / "other"], "other/new", "lie in one another"),
        ([one, tmp_path / "other"], ".", "lie in one another"),
        ([one, tmp_path / "other"], "taken", "holds thesis.txt"),
        ([one, tmp_path / "other"], "file", "is not a folder"),
    ]
    for paths, out, said in cases:
        with pytest.raises((InputError, ConfigError), match=said):
            merge(paths, tmp_path / out, Wanted())
    for threshold in (0, 1.5, float("nan")):
        with pytest.raises(InputError, match="--threshold lies between 0 and 1"):
            merge([one, other], tmp_path / "out", Wanted(threshold=threshold))
    assert (tmp_path / "taken" / "thesis.txt").read_text() == "mine"
    for fault, said in (
        ({"formats": ("foo",)}, "--format foo is none of alpaca, axolotl"),
        ({"threshold": 0.5, "formats": ("openai", "")}, "--format  is none"),
    ):
        with pytest.raises(InputError, match=said):
            merge([one, other], tmp_path / "out", Wanted(**fault))
    (one / "README.md").write_text("---\nlicense: [\n---\n")
    with pytest.raises(InputError, match="is not YAML"):
        merge([one, other], tmp_path / "out", Wanted())
    assert not (tmp_path / "out").exists()


def test_rehearsal_rows_stand_beside_real_ones_only_if_that_is_said(tmp_path):
    rehearsed = [task._replace(more={"rehearsal": True}) for task in SECOND]
    with pytest.raises(InputError, match="rehearsal rows are not for training beside real ones"):
        joined(tmp_path, FIRST, rehearsed)
    told = (joined(tmp_path, FIRST, rehearsed, out="told", allow_rehearsal=True) / "dataset" / "README.md").read_text()
    assert "**Rehearsal data" in told
    assert '- "rehearsal"' in told
    both = [task._replace(more={"rehearsal": True}) for task in FIRST]
    assert len(read(joined(tmp_path, both, rehearsed, out="both"))) == 4


@pytest.mark.parametrize(
    ("licences", "given_one", "found", "said"),
    [
        (("mit", "mit"), "", "mit", "The datasets agree."),
        (("mit", "apache-2.0"), "", "other", "each part stays under its own"),
        (("mit", "unknown"), "", "unknown", "Not every dataset tells its licence."),
        (("unknown", "unknown"), "", "unknown", "None of the datasets tells its licence"),
        (("mit", "unknown"), "cc-by-4.0", "cc-by-4.0", "given when the datasets were merged"),
        (
            ('other"\nlicense_name: "a', 'other"\nlicense_name: "a'),
            "",
            'other"\nlicense_name: "a',
            "The datasets agree.",
        ),
        (('other"\nlicense_name: "a', 'other"\nlicense_name: "b'), "", "other", "each part stays under its own"),
    ],
)
def test_a_licence_is_taken_where_all_agree_and_never_guessed(tmp_path, licences, given_one, found, said):
    paths = [
        write(tmp_path / str(place), tasks, name)
        for place, (tasks, name) in enumerate(zip((FIRST, SECOND), licences, strict=True))
    ]
    merge(paths, tmp_path / "out", Wanted(license=given_one))
    told = (tmp_path / "out" / "dataset" / "README.md").read_text()
    assert f'\nlicense: "{found}"\n' in told
    assert said in told


def test_the_card_tells_lengths_shapes_and_how_the_rows_are_trained_on_as_that_of_a_run(tmp_path):
    folder = joined(tmp_path, FIRST, SECOND, formats=("openai", "trl")) / "dataset"
    told = (folder / "README.md").read_text()
    assert "| openai | openai/sft.train.jsonl | 4 |" in told
    assert "trl takes `sft`" in told
    assert "estimated** at 4 characters a token" in told
    assert "| sft: whole row | " in told
    assert "\npython training/trl_sft.py --model MODEL" in told
    assert "| science | 1 | 20.0% |" in told
    pictures = [line.partition("](")[2].rstrip(")") for line in told.splitlines() if line.startswith("![")]
    assert sorted(pictures) == sorted(f"plots/{path.name}" for path in (folder / "plots").iterdir())


def test_what_the_datasets_were_searched_for_is_carried_and_missing_proofs_are_said(tmp_path):
    proof = {"rows": 12, "found": 0, "system_messages": {"sft": {"none": 12}}}
    paths = [write(tmp_path / "one", FIRST, proof=proof), write(tmp_path / "two", SECOND)]
    merge(paths, tmp_path / "out", Wanted())
    carried = orjson.loads((tmp_path / "out" / "dataset" / "erasure.json").read_bytes())["merged_from"]
    assert [one["proof"] for one in carried] == [proof, None]
    told = (tmp_path / "out" / "dataset" / "README.md").read_text()
    assert "| r1 | 12 rows, nothing found | no |" in told
    assert "| r2 | not told | not told |" in told


@pytest.fixture(scope="module")
def other_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the same seeds that proposed other things."""
    out = tmp_path_factory.mktemp("other") / "run"
    expand(out, target=20, seed=7)
    return out


def test_two_runs_become_one_dataset_that_loads_and_is_traced(finished, other_run, tmp_path):
    done = command("merge", finished, other_run, "--out", tmp_path / "out", "--weight", "editing=0.05")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["prompts_left_out"]["same_seed"] > 200
    for config, splits in told["rows"].items():
        loaded = datasets.load_dataset(str(tmp_path / "out" / "dataset"), config, cache_dir=str(tmp_path / "cache"))
        assert {split: len(rows) for split, rows in loaded.items()} == splits
    assert located(tmp_path / "out") == tmp_path / "out" / "dataset"  # by which it is pushed
    texts = {split: {asked(row) for row in read(tmp_path / "out", split=split)} for split in ("train", "test")}
    assert not any(alike(one, other) for one in texts["train"] for other in texts["test"])
    sides = {split: {row["root_id"] for row in read(tmp_path / "out", split=split)} for split in ("train", "test")}
    assert not sides["train"] & sides["test"]
    from_second = [
        row for row in read(tmp_path / "out", "kto") if json.loads(row["metadata_json"])["merged_from"] == [2]
    ]
    assert from_second
    assert all(row["root_id"].startswith("r1-seed_task_") for row in from_second)


def test_a_seed_that_is_tested_in_one_run_is_trained_on_in_none(finished, tmp_path):
    swapped = Path(shutil.copytree(finished / "dataset", tmp_path / "swapped"))
    for config in SCHEMAS:
        train, test = (swapped / config / f"{split}-00000-of-00001.parquet" for split in ("train", "test"))
        test.unlink(missing_ok=True)
        if train.exists():
            train.rename(test)
    told = merge([finished, swapped], tmp_path / "out", Wanted())
    assert all("train" not in splits for splits in told["rows"].values())
    assert told["prompts_left_out"]["root_in_test"] > 200


def test_errors_of_the_command_are_one_line(tmp_path):
    done = command("merge", tmp_path / "none", "--out", tmp_path / "out")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith(f"synthgen: {tmp_path / 'none'} is no folder")
    assert "Traceback" not in done.stderr
    assert command("merge", tmp_path, "--out", tmp_path / "out", "--by", "letters").returncode == 2
