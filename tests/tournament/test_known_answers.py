"""Items come from seeds and files whose answers no model gave; what cannot be one is said with its line."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import SEEDS
from hypothesis import given
from hypothesis import strategies as st

from synthgen import strategies as taxonomies
from synthgen.config import RunConfig
from synthgen.errors import ConfigError, InputError
from synthgen.records import Check, Instance, Seed, Verifier
from synthgen.stages import seeds as seed_files
from synthgen.tournament import items

CONFIG = RunConfig(taxonomy=taxonomies.load())


def seed(kind: str, args: dict, identity: str = "s") -> Seed:
    """A seed with a verifier."""
    return Seed(
        id=identity,
        instruction=f"Do it, {identity}.",
        instances=(Instance(input="this", output="that"),),
        category="reading",
        verifier=Verifier(kind=kind, args=args),
    )


def one(path: Path, row: object) -> items.Item:
    """The item of a file of one row."""
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    (found,) = items.of_file(path, CONFIG)
    return found


def item(text: str) -> items.Item:
    """An item of a text."""
    check = Check(name="exact", kind="answer", args={"answers": ["x"]}, source="file:f")
    return items.Item(text, items.task_of(text, "", "reading", check, CONFIG, is_classification=False), check)


@pytest.mark.parametrize(
    ("kind", "args", "chance"),
    [
        ("number", {"answer": 3}, 0),
        ("exact", {"answers": ["x"]}, 0),
        ("label", {"labels": ["a", "b", "c", "d"], "answer": "a"}, 0.25),
        ("json", {"answer": {"a": 1}}, 0),
        ("code", {"entry": "f", "tests": ["assert f()"], "answer": ""}, 0),
    ],
)
def test_a_verifier_of_the_answer_makes_an_item(kind: str, args: dict, chance: float):
    (found,) = items.of_seeds([seed(kind, args)], CONFIG)
    assert found.check == Check(name=kind, kind="answer", args=args, source="seed:s", chance=chance)
    assert (found.task.instruction, found.task.input, found.task.category) == ("Do it, s.", "this", "reading")


def test_a_pattern_and_a_seed_without_verifier_make_none():
    plain = seed("number", {"answer": 1}).model_copy(update={"verifier": None})
    assert list(items.of_seeds([seed("regex", {"pattern": "x"}), plain], CONFIG)) == []


def test_of_the_shipped_seeds_every_one_with_a_known_answer_takes_part():
    seeds = seed_files.read(SEEDS)
    found = list(items.of_seeds(seeds, CONFIG))
    wanted = [one.id for one in seeds if one.verifier is not None and one.verifier.kind != "regex"]
    assert [one.name for one in found] == wanted
    assert len(found) > 80
    assert {one.check.kind for one in found} == {"answer"}


@pytest.mark.parametrize(
    ("row", "name", "args"),
    [
        ({"answer": 42}, "number", {"answer": 42}),
        ({"answer": "42"}, "number", {"answer": 42}),
        ({"answer": "-1.5e3"}, "number", {"answer": -1500.0}),
        ({"answer": "12345678901234567890123"}, "number", {"answer": "12345678901234567890123"}),
        ({"answer": " 0.12345678901234567890 "}, "number", {"answer": "0.12345678901234567890"}),
        ({"answer": "forty-two"}, "exact", {"answers": ["forty-two"]}),
        ({"answer": ["a", "b"]}, "exact", {"answers": ["a", "b"]}),
        ({"answer": {"a": 1}}, "json", {"answer": {"a": 1}}),
        ({"answer": [1, 2]}, "json", {"answer": [1, 2]}),
        ({"answer": True}, "json", {"answer": True}),
        ({"answer": "b", "labels": ["a", "b"]}, "label", {"answer": "b", "labels": ["a", "b"]}),
        ({"check": {"name": "exact", "args": {"answers": ["x"]}}}, "exact", {"answers": ["x"]}),
        ({"check": {"name": "exact", "args": '{"answers": ["x"]}', "kind": "answer"}}, "exact", {"answers": ["x"]}),
    ],
)
def test_a_row_states_its_answer_or_its_check(tmp_path: Path, row: dict, name: str, args: dict):
    found = one(tmp_path / "items.jsonl", {"prompt": "Which?", **row})
    assert (found.check.name, found.check.args, found.check.kind) == (name, args, "answer")
    assert found.check.source == "file:items.jsonl"
    assert found.name.endswith("items.jsonl line 1")


def test_a_guess_at_a_label_passes_by_chance_unless_the_row_says_how_often(tmp_path: Path):
    row = {"prompt": "Which?", "answer": "b", "labels": ["a", "b"]}
    assert one(tmp_path / "a.jsonl", row).check.chance == 0.5
    check = {"name": "exact", "args": {"answers": ["x"]}, "chance": 0.2}
    assert one(tmp_path / "b.jsonl", {"prompt": "Which?", "check": check}).check.chance == 0.2


@pytest.mark.parametrize(
    ("category", "found"), [("Mathematics", "mathematics"), ("no such", "other"), (None, "other"), (3, "other")]
)
def test_a_category_that_is_unknown_is_other(tmp_path: Path, category: object, found: str):
    assert one(tmp_path / "a.jsonl", {"prompt": "Which?", "answer": 1, "category": category}).task.category == found


def test_an_item_of_labels_is_planned_as_the_line_plans_it(tmp_path: Path):
    row = {"instruction": "Which?", "input": "this", "answer": "b", "labels": ["a", "b"], "category": "reading"}
    found = one(tmp_path / "a.jsonl", row).task
    assert (found.instruction, found.input, found.strategy) == ("Which?", "this", "direct-answer")
    assert (
        one(tmp_path / "b.jsonl", {"prompt": "Which?", "answer": 1, "category": "reading"}).task.strategy
        == "extract-generate"
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("not json", "line 2 is not JSON"),
        ("[1]", "line 2 is not a JSON object"),
        ('{"answer": 1}', "line 2 cannot be asked (no_prompt)"),
        ('{"prompt": " ", "answer": 1}', "line 2 cannot be asked (empty)"),
        ('{"prompt": 1, "answer": 1}', "line 2 cannot be asked (not_text)"),
        ('{"prompt": "Which?"}', "line 2 has neither check nor answer"),
        ('{"prompt": "Which?", "answer": " "}', "line 2 has an empty answer"),
        ('{"prompt": "Which?", "answer": []}', "line 2 has an empty answer"),
        (
            '{"prompt": "Which?", "answer": "c", "labels": ["a", "b"]}',
            "line 2: the answer 'c' is none of its labels: a, b",
        ),
        ('{"prompt": "Which?", "check": {"name": "nonesuch"}}', "line 2: there is no check nonesuch; known: "),
        ('{"prompt": "Which?", "check": "exact"}', "line 2: a check is an object such as "),
        (
            '{"prompt": "Which?", "check": {"name": "exact", "args": 1}}',
            "line 2: exact: its arguments are no object",
        ),
        (
            '{"prompt": "Which?", "check": {"name": "exact", "args": "{"}}',
            "line 2: exact: its arguments are not JSON",
        ),
        (
            '{"prompt": "Which?", "check": {"name": "exact", "args": {"answers": ["a"]}, "chance": 1}}',
            "line 2: chance: Input should be less than 1",
        ),
        (
            '{"prompt": "Which?", "check": {"name": "exact", "args": {"answers": ["a"]}, "kind": "format"}}',
            "line 2: the check exact is of kind format",
        ),
    ],
)
def test_a_row_that_cannot_be_an_item_is_an_error_with_file_and_line(tmp_path: Path, row: str, said: str):
    path = tmp_path / "items.jsonl"
    path.write_text('{"prompt": "Which?", "answer": 1}\n' + row + "\n", encoding="utf-8")
    with pytest.raises(InputError) as refused:
        list(items.of_file(path, CONFIG))
    assert f"{path} {said}" in str(refused.value)


def test_a_parquet_file_is_read_and_its_empty_fields_are_no_arguments(tmp_path: Path):
    rows = [
        {"prompt": "One?", "check": {"name": "number", "args": {"answer": 1.0, "answers": None}}},
        {"prompt": "Two?", "check": {"name": "exact", "args": {"answer": None, "answers": ["two"]}}},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "items.parquet")
    first, second = items.of_file(tmp_path / "items.parquet", CONFIG)
    assert first.check.args == {"answer": 1.0}
    assert second.check.args == {"answers": ["two"]}


def test_a_question_that_is_asked_twice_counts_once():
    assert [one.name for one in items.distinct([item("a"), item("b"), item("a")])] == ["a", "b"]


@given(st.text(min_size=1), st.sampled_from([" ", "  ", "\n", "\t"]))
def test_a_question_that_is_only_spaced_otherwise_is_not_on_both_halves(text: str, space: str):
    assert len(items.distinct([item(f"ask {text}"), item(f"ask{space}{text}"), item(f"ask {text}{space}")])) == 1


@given(st.sets(st.text(min_size=1), min_size=1, max_size=40), st.floats(0, 0.9))
def test_an_item_stays_on_its_half_in_its_order_whatever_is_added(texts: set[str], share: float):
    every = [item(text) for text in sorted(texts)]
    deciding, held = items.divided(every, share)
    assert sorted(one.key for one in deciding + held) == sorted(one.key for one in every)
    fewer, _ = items.divided(every[: len(every) // 2], share)
    kept = {one.key for one in fewer}
    assert [one.key for one in deciding if one.key in kept] == [one.key for one in fewer]


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
def test_the_held_out_half_has_its_share(share: float):
    _, held = items.divided([item(str(number)) for number in range(2000)], share)
    assert len(held) / 2000 == pytest.approx(share, abs=0.03)


def test_the_digest_tells_other_items_and_not_another_order():
    first, second = item("a"), item("b")
    assert items.digest([first, second]) == items.digest([second, first])
    assert items.digest([first]) != items.digest([second])
    other = items.Item("a", first.task, first.check.model_copy(update={"args": {"answers": ["y"]}}))
    assert items.digest([other]) != items.digest([first])


def test_where_answers_come_from_is_counted(tmp_path: Path):
    found = [item("a"), item("b"), *items.of_seeds([seed("number", {"answer": 1})], CONFIG)]
    assert items.sources(found) == {"f": 2, "seeds": 1}


def test_a_question_with_two_answers_is_an_error_that_names_both(tmp_path: Path):
    file = tmp_path / "items.jsonl"
    file.write_text('{"prompt": "Which?", "answer": 1}\n{"prompt": " Which? ", "answer": 2}\n')
    with pytest.raises(InputError, match=r"line 1 and .*line 2 ask the same and state different answers"):
        items.distinct(items.of_file(file, CONFIG))


def test_without_a_sandbox_items_of_code_are_left_out_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch, caplog):
    def refuse(*, unsandboxed: bool = False):
        raise ConfigError("no sandbox here")

    monkeypatch.setattr(items.sandbox, "find", refuse)  # what a machine without one says
    code = Check(name="code", kind="answer", args={"entry": "f", "tests": ["f()"]}, source="file:f")
    one = items.Item("one", items.task_of("Write f.", "", "code-writing", code, CONFIG, is_classification=False), code)
    other = item("Which?")
    assert items.decidable([one, other], unsandboxed=False) == [other]
    assert "1 items of code are left out: no sandbox here" in caplog.text
