"""Tasks with a truth: which of them make a row, and what stands in it."""

import re
from pathlib import Path

import orjson
import pytest
from exportcase import COMMAS, JSON, LABEL, NUMBER, TASK, VOTE, WORDS, answer, checked, outcomes
from hypothesis import given
from hypothesis import strategies as st

from synthgen.checks.found import Found
from synthgen.checks.registry import CHECKS
from synthgen.export import rl
from synthgen.export.rows import Voice
from synthgen.records import Check

VOICE = Voice("Be careful.")
DOCS = Path(__file__).parents[2] / "docs" / "reference" / "dataset.md"
FOUND = st.sampled_from([True, False, None])


def answers(checks, *found):
    """One answer for each tuple of what the checks found."""
    return [answer(sample).model_copy(update={"outcomes": outcomes(checks, one)}) for sample, one in enumerate(found)]


def measured(checks, *found):
    return rl.measure(checked(*checks), answers(checks, *found))


def row(checks, *found):
    return rl.row(checked(*checks), measured(checks, *found), VOICE, {})


@pytest.mark.parametrize("checks", [(), (VOTE,), (JSON,), (JSON, VOTE)])
def test_a_task_without_a_truth_or_constraint_is_left_out(checks):
    assert measured(checks, *[(True,) * len(checks), (False,) * len(checks)]) is None


def test_what_a_truth_says_is_not_mixed_with_form_or_agreement():
    found = measured((WORDS, NUMBER, VOTE), (False, True, False), (True, False, True))
    assert found.checks == (NUMBER,)
    assert list(found.passed.values()) == [True, False]


def test_without_a_truth_all_constraints_must_pass():
    found = measured((WORDS, JSON, COMMAS), (True, False, True), (True, True, False), (False, True, True))
    assert found.checks == (WORDS, COMMAS)
    assert list(found.passed.values()) == [True, False, False]
    assert found.rate == 1 / 3


def test_an_answer_that_was_not_decided_is_not_counted_and_one_failure_decides():
    found = measured((WORDS, COMMAS), (True, None), (None, None), (None, False), (True, True))
    assert list(found.passed.values()) == [False, True]


def test_an_answer_whose_checks_never_ran_is_not_counted():
    found = rl.measure(checked(NUMBER), [answer(0), *answers((NUMBER,), (True,))])
    assert list(found.passed.values()) == [True]


def test_explored_answers_do_not_count():
    other = answer(7, explored=True).model_copy(update={"outcomes": outcomes((NUMBER,), (False,))})
    found = rl.measure(checked(NUMBER), [*answers((NUMBER,), (True,), (True,)), other])
    assert (found.rate, found.strategy) == (1, "direct-answer")


def test_the_strategy_is_that_of_the_answers():
    task = checked(NUMBER).model_copy(update={"strategy": "step-by-step"})
    found = rl.measure(task, answers((NUMBER,), (True,), (False,)))
    assert rl.row(task, found, VOICE, {})["strategy"] == "direct-answer"
    assert rl.measure(task, []).strategy == "step-by-step"


@pytest.mark.parametrize(
    ("found", "minimum", "kept"),
    [
        ("pf", 2, True), ("pf", 3, False), ("pff", 3, True), ("pppp", 4, False), ("ffff", 4, False), ("pf??", 4, False),
        ("pfff", 4, True), ("", 2, False), ("??", 2, False),
    ],
)  # fmt: skip
def test_the_pass_rate_is_over_enough_answers_and_neither_0_nor_1(found, minimum, kept):
    meaning = {"p": True, "f": False, "?": None}
    assert measured((NUMBER,), *((meaning[one],) for one in found)).between(minimum) is kept


@given(st.lists(st.tuples(FOUND, FOUND), max_size=8), st.integers(2, 6))
def test_a_row_has_a_rate_that_its_counts_give(found, minimum):
    one = measured((WORDS, COMMAS), *found)
    passed = sum(each == (True, True) for each in found)
    failed = sum(False in each for each in found)
    assert one.between(minimum) is (passed + failed >= minimum and passed > 0 and failed > 0)
    if one.between(minimum):
        made = rl.row(checked(WORDS, COMMAS), one, VOICE, {})
        assert (made["samples"], made["pass_rate"]) == (passed + failed, passed / (passed + failed))
        assert 0 < made["pass_rate"] < 1


def test_a_row_holds_the_erased_prompt_and_all_that_its_checks_need():
    made = row((NUMBER,), (True,), (False,))
    assert [message["role"] for message in made["prompt"]] == ["system", "user"]
    assert made["prompt"][0]["content"] == "Be careful."
    assert orjson.loads(made["checks_json"]) == [NUMBER.model_dump()]
    assert (made["check"], made["check_kind"], made["check_source"]) == ("number", "answer", "seed:seed_task_3")
    assert (made["check_input"], made["samples"], made["pass_rate"], made["chance"]) == (TASK.input, 2, 0.5, 0.0)
    assert (made["id"], made["strategy"], made["source"]) == (TASK.id, "direct-answer", "teacher")
    assert orjson.loads(made["metadata_json"])["passed"] == {f"{TASK.id}-0": True, f"{TASK.id}-1": False}


def test_a_row_says_the_same_once_more_where_verl_looks():
    made = row((LABEL,), (True,), (False,))
    assert made["data_source"] == "synthgen/answer"
    assert made["reward_model"] == {"style": "rule", "ground_truth": made["ground_truth"]}
    assert made["extra_info"] == {
        "index": made["id"],
        "checks_json": made["checks_json"],
        "check_input": made["check_input"],
    }


@pytest.mark.parametrize(
    ("checks", "truth"),
    [
        ((NUMBER,), "225"),
        ((LABEL,), "no"),
        ((LABEL, NUMBER), '["no",225]'),
        ((NUMBER.model_copy(update={"args": {"tests": ["assert f() == 1"], "entry": "f"}}),),
         '{"entry":"f","tests":["assert f() == 1"]}'),
        ((NUMBER.model_copy(update={"args": {"answer": {"b": 1, "a": None}}}),), '{"a":null,"b":1}'),
        ((WORDS, COMMAS), ""),
    ],
)  # fmt: skip
def test_the_truth_is_text_or_json_and_empty_for_constraints(checks, truth):
    assert row(checks, (True,) * len(checks), (False,) * len(checks))["ground_truth"] == truth


def test_several_checks_are_named_together_and_guessed_no_oftener_than_the_hardest():
    made = row((WORDS, COMMAS), (True, True), (True, False))
    assert made["check"] == "constraint:words + constraint:no_commas"
    assert made["check_source"] == "program:constraints"
    assert made["chance"] == 0.25
    assert [one["name"] for one in orjson.loads(made["checks_json"])] == ["constraint:words", "constraint:no_commas"]


def test_the_rewards_of_the_docs_pass_what_passes(monkeypatch):
    monkeypatch.setitem(CHECKS, "says", lambda said, args, given: Found(args["word"] in said and given in said))
    both = tuple(
        Check(name="says", kind="answer", args={"word": word}, source="file:words") for word in ("rain", "wind")
    )
    made = row(both, (True, True), (True, False))
    code = re.search(r"```python\n(import json\n.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[1]
    names: dict = {}
    exec(code, names)  # the docs' own lines
    good, bad = f"{TASK.input} rain, wind", f"{TASK.input} rain"
    columns = {name: [value, value] for name, value in made.items()}
    said = [[{"role": "assistant", "content": text}] for text in (good, bad)]
    assert names["reward"](completions=said, **columns) == [1.0, 0.0]
    told = made["data_source"], made["reward_model"]["ground_truth"], made["extra_info"]
    assert [names["compute_score"](told[0], text, *told[1:]) for text in (good, bad)] == [1.0, 0.0]
