"""Checks as users write them: what is kept can be written and read back, and what cannot be used says why."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from synthgen.checks import reading
from synthgen.checks import registry as checks
from synthgen.records import Check


def nested(levels: int) -> dict[str, Any]:
    """An object so deep."""
    whole: dict[str, Any] = {}
    for _ in range(levels):
        whole = {"a": whole}
    return whole


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"name": "json", "args": {"answer": nested(150)}}, "nested deeper than 100 levels"),
        ({"name": "json", "args": {"answer": nested(600)}}, "cannot be kept as JSON"),
        ({"name": "json", "args": {"answer": {"x": float("nan")}}}, "hold what JSON cannot say"),
        ({"name": "json", "args": {"answer": date(2020, 1, 1)}}, "hold what JSON cannot say"),
        ({"name": "number", "args": {"answer": Decimal(1)}}, "cannot be kept as JSON"),
        ({"name": "exact", "args": {"answers": ["\ud800"]}}, "cannot be kept as JSON"),
        ({"name": "exact", "args": {"answers": [b"x"]}}, "cannot be kept as JSON"),
        ({"name": "exact", "args": "["}, "not JSON"),
        ({"name": "exact", "args": [1]}, "no object"),
    ],
)
def test_arguments_that_could_not_be_written_and_read_back_are_refused(value: dict[str, Any], said: str):
    found = reading.of_value(value, "file:f")
    assert isinstance(found, str)
    assert said in found


@pytest.mark.parametrize("name", ["constraint:no_commas", "language"])
def test_a_check_of_form_alone_cannot_be_called_one_of_the_answer(name: str):
    found = reading.of_value({"name": name, "args": {}, "kind": "answer"}, "file:f")
    assert found == f"{name} looks at form alone, so it cannot be of kind answer"


def test_a_truth_that_a_model_stated_can_be_called_agreement():
    found = reading.of_value({"name": "number", "args": {"answer": 1}, "kind": "agreement"}, "file:f")
    assert isinstance(found, Check)
    assert found.kind == "agreement"


def test_a_check_of_a_parquet_file_has_the_fields_of_the_others_empty():
    row = {
        "name": "label",
        "kind": None,
        "chance": None,
        "args": {"answer": "a", "labels": ["a", "b"], "pattern": None},
    }
    found = reading.of_value(row, "file:f")
    assert isinstance(found, Check)
    assert (found.args, found.kind, found.chance) == ({"answer": "a", "labels": ["a", "b"]}, "answer", 0.5)
    assert reading.of_value({**row, "args": '{"answer": "a", "labels": ["a", "b"]}'}, "file:f") == found


def test_the_truth_may_be_null():
    found = reading.of_value({"name": "json", "args": {"answer": None}}, "file:f")
    assert isinstance(found, Check)
    assert found.args == {"answer": None}


def test_no_program_is_run_to_read_a_check_of_code():
    check = reading.of_value({"name": "code", "args": {"tests": ["f(1) == 2"]}}, "file:f")
    assert isinstance(check, Check)
    found = checks.run(check, "")
    assert (found.passed, found.detail) == (False, "no code")
