"""For all good rows: a format keeps what is trained on and adds nothing, and its files are read back as good."""

from typing import get_args

import orjson
import pytest
from formatcase import ROWS, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen.config import Format
from synthgen.export import contract
from synthgen.export.formats.registry import TAKES, VIEWS
from synthgen.export.formats.view import MEANINGS, THOUGHT

EVERY = [(name, view) for name, views in VIEWS.items() for view in views]
NAMES = [view.path.partition(".")[0] for _, view in EVERY]
OWN_WORDS = {
    *"from value human gpt observation function_call conversations system tools chosen rejected kto_tag".split(),
    *"instruction input output history context completions completion rank train split ability".split(),
    *"messages parallel_tool_calls preferred_output non_preferred_output".split(),
    "",
}
"""Names of fields and sides, and the empty text for what is not there."""


def trained(value, *, ids=True):
    """What is trained on: messages without what not every format has a place for, and no empty fields."""
    if isinstance(value, list):
        return [trained(one, ids=ids) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {name: one for name, one in value.items() if one is not None and name not in {"name", "tool_call_id"}}
    if "tool_calls" in kept:
        kept["tool_calls"] = [call["function"] for call in orjson.loads(kept["tool_calls"])]
    return {name: trained(one) for name, one in kept.items()}


def own(config, row):
    """The columns of a row that it is trained by."""
    names = [*contract.OWN[config], *(["tools"] if row.get("tools") and row["tools"] != "[]" else [])]
    return {name: orjson.loads(row[name]) if name == "tools" else trained(row[name]) for name in names}


@pytest.mark.parametrize(("name", "view"), EVERY, ids=NAMES)
@settings(max_examples=30)
@given(data=st.data())
def test_what_a_format_holds_reads_back_as_what_was_there(name, view, data):
    row = data.draw(rows(view.config))
    written = view.write(row, "train", 0)
    if not isinstance(written, dict):
        assert written in {None, *MEANINGS}
        return
    read = view.read(orjson.loads(orjson.dumps(written)))
    assert own(view.config, read) == own(view.config, row)
    assert view.fault(written) == ""


def leaves(value):
    """Every text in a value, names of fields included: what stands in tags and in JSON by itself."""
    if isinstance(value, dict):
        return {one for pair in value.items() for inner in pair for one in leaves(inner)}
    if isinstance(value, list):
        return {one for inner in value for one in leaves(inner)}
    if not isinstance(value, str):
        return set()
    thought = THOUGHT.match(value)
    if thought:
        return {thought[1]} | leaves(value[thought.end() :])
    try:
        inside = orjson.loads(value)
    except orjson.JSONDecodeError:
        return {value}
    return leaves(inside) if isinstance(inside, dict | list) else {value}


@pytest.mark.parametrize(("name", "view"), EVERY, ids=NAMES)
@settings(max_examples=30)
@given(data=st.data())
def test_a_format_says_nothing_that_the_row_does_not(name, view, data):
    row = data.draw(rows(view.config))
    written = view.write(row, "train", 0)
    if isinstance(written, dict):
        assert leaves(written) <= leaves(row) | OWN_WORDS


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 2)
    | st.sampled_from(["", "a", "human", "gpt", "user", "assistant", "[]"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from("role content from value rank completion messages index".split()), inner, max_size=3
        )
    ),
    max_leaves=10,
)


@pytest.mark.parametrize(("name", "view"), EVERY, ids=NAMES)
@settings(max_examples=30)
@given(data=st.data())
def test_whatever_stands_in_a_field_is_told_in_a_known_word(name, view, data):
    good = next(one for row in ROWS[view.config] if isinstance(one := view.write(row, "train", 0), dict))
    field = data.draw(st.sampled_from(sorted(good)))
    assert view.fault(good | {field: data.draw(ANY)}) in {"", *MEANINGS, *contract.MEANINGS}


def test_the_names_of_the_config_are_those_of_the_registry():
    assert sorted(get_args(Format)) == sorted([*VIEWS, *TAKES])
    assert not set(VIEWS) & set(TAKES)


def test_no_two_views_write_the_same_file():
    assert len({view.path for _, view in EVERY}) == len(EVERY)
