"""Answers as data: JSON, schemas, patterns, what stands in the input, the language. Hostile ones are decided in bounded time."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgen.checks import data
from synthgen.checks import registry as checks
from synthgen.checks.forms_worker import SECONDS
from synthgen.errors import ConfigError
from synthgen.records import Check

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def found(name, answer, args, given=""):
    return checks.CHECKS[name](answer, args, given)


# JSON


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ('{"a": 1}', {"a": 1}),
        ('{"a": 1.0}', {"a": 1}),
        ('{"a": 1e0}', {"a": 1}),
        ('{"b": [1, 2], "a": null}', {"a": None, "b": [1, 2]}),
        ('Here it is:\n```json\n{"a": [true]}\n```\nDone.', {"a": [True]}),
        ("```\n[1, 2]\n```", [1, 2]),
        ('The result is {"a": {"b": "}"}} as asked.', {"a": {"b": "}"}}),
        ("I [think] it is [1, 2].", [1, 2]),
        ("  42 \n", 42),
        ('"yes"', "yes"),
        ("true", True),
        ('{"name": "caf\\u00e9"}', {"name": "cafe\u0301"}),
        ("```python\nprint(1)\n```\n```json\n[3]\n```", [3]),
        ("[]", []),
    ],
)
def test_equal_json_passes_wherever_it_stands(answer, wanted):
    assert found("json", answer, {"answer": wanted}).passed is True


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ('{"a": true}', {"a": 1}),
        ('{"a": 1}', {"a": True}),
        ('{"a": 0}', {"a": False}),
        ('{"a": null}', {"a": 0}),
        ('{"a": "1"}', {"a": 1}),
        ("[1, 2]", [2, 1]),
        ("[1]", [1, 1]),
        ('{"a": 1, "b": 2}', {"a": 1}),
        ("{}", []),
        ("[]", None),
        ("{'a': 1}", {"a": 1}),
        ('{"a": 1, "a": 1}', {"a": 1}),
        ('{"a": NaN}', {"a": None}),
        ("[Infinity]", [1]),
        ("[1e999]", [1]),
        ("no data", {"a": 1}),
        ("", {}),
        ("[1, 2", [1, 2]),
    ],
)
def test_other_json_and_what_readers_differ_about_fail(answer, wanted):
    assert found("json", answer, {"answer": wanted}).passed is False


@given(value=VALUES)
def test_a_value_is_equal_to_itself_after_writing_and_reading(value):
    for text in (json.dumps(value), json.dumps(value, indent=2), f"```json\n{json.dumps(value)}\n```"):
        assert found("json", text, {"answer": value}).passed is True


@given(one=VALUES, other=VALUES)
def test_equality_of_json_values_is_that_of_their_kinds_and_numbers(one, other):
    def typed(value):
        match value:
            case bool() | None:
                return ("constant", value)
            case int() | float():
                return ("number", value)
            case list():
                return ("list", [typed(item) for item in value])
            case dict():
                return ("object", {key: typed(item) for key, item in value.items()})
            case _:
                return ("text", value)

    if one != other or typed(one) == typed(other):
        assert data.equal(one, other) is (typed(one) == typed(other))
    else:
        assert not data.equal(one, other)


@pytest.mark.parametrize(
    "answer",
    [
        "[" * 1_000_000,
        "[" * 50_000 + "]" * 50_000,
        '{"a":' * 100_000,
        '["x", ' * 150_000,
        "{" * 999_999,
        '"' * 999_999,
        "9" * 999_999,
        "[" + "1," * 400_000 + "2]",
        "```json\n" * 100_000,
        "```\n" + " " * 900_000,
        "x" * 1_000_001,
        '{"a": "' + "\ud800" * 10 + '"}',
    ],
    ids=range(12),
)
def test_hostile_json_is_decided(answer):
    assert found("json", answer, {"answer": {"a": 1}}).passed is False
    assert found("schema", answer, {"schema": {"type": "object", "required": ["b"]}}).passed is False


# Schemas

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"$ref": "#/$defs/age"}},
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"age": {"type": "integer", "minimum": 0}},
}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"name": "Ann", "age": 3}', True),
        ('```json\n{"name": "Ann"}\n```', True),
        ('{"age": 3}', False),
        ('{"name": "Ann", "age": -1}', False),
        ('{"name": "Ann", "age": "3"}', False),
        ('{"name": "Ann", "city": "Bonn"}', False),
        ("Ann, 3", False),
    ],
)
def test_an_answer_fits_a_schema_or_not(answer, expected):
    assert found("schema", answer, {"schema": PERSON}).passed is expected


def test_what_does_not_fit_is_named():
    assert "$.age" in found("schema", '{"name": "Ann", "age": -1}', {"schema": PERSON}).detail


def test_an_older_draft_is_read_as_it_says():
    schema = {"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 1, "exclusiveMinimum": True}
    assert found("schema", "1", {"schema": schema}).passed is False
    assert found("schema", "2", {"schema": schema}).passed is True


@pytest.mark.parametrize(
    "schema", [{"type": "banana"}, {"$ref": "#/$defs/nothing"}, {"pattern": "("}, {"minimum": "1"}]
)
def test_a_wrong_schema_is_the_users_fault(schema):
    with pytest.raises(ConfigError, match="check schema"):
        found("schema", '"text"', {"schema": schema})


def test_what_a_schema_refers_to_is_never_fetched():
    asked = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with pytest.raises(ConfigError, match="nothing is fetched"):
                found("schema", "1", {"schema": {"$ref": f"http://127.0.0.1:{server.server_port}/schema.json"}})
        finally:
            server.shutdown()
    assert asked == []


@pytest.mark.parametrize(
    ("schema", "answer"),
    [
        ({"pattern": "^(a+)+$"}, json.dumps("a" * 40 + "!")),
        ({"$ref": "#"}, "1"),
        ({"multipleOf": 0.1}, "1" + "0" * 400),
        ({"allOf": [{"$ref": "#"}, {"$ref": "#"}]}, "1"),
    ],
)
def test_a_schema_that_cannot_be_computed_decides_nothing_and_the_next_one_does(schema, answer):
    assert found("schema", answer, {"schema": schema}).passed is None
    assert found("schema", "1", {"schema": {"type": "integer"}}).passed is True


# Patterns


@pytest.mark.parametrize(
    ("pattern", "answer", "expected"),
    [
        (r"\d{4}-\d\d-\d\d", "2024-05-01", True),
        (r"\d{4}-\d\d-\d\d", " 2024-05-01\n", True),
        (r"\d{4}-\d\d-\d\d", "On 2024-05-01", False),
        ("a.b", "a\nb", True),
        ("(?i)yes", "YES", True),
        ("yes", "YES", False),
        ("", "", True),
        (".+", "", False),
        ("é", "é", True),
        ("a", "\ud800", False),
    ],
)
def test_a_pattern_is_matched_as_a_whole(pattern, answer, expected):
    assert found("regex", answer, {"pattern": pattern}).passed is expected


@pytest.mark.parametrize("pattern", ["(", "[", "(?P<a", "a{2,1}", "*"])
def test_a_pattern_that_cannot_be_read_is_the_users_fault(pattern):
    with pytest.raises(ConfigError, match="check regex: the pattern cannot be read"):
        found("regex", "text", {"pattern": pattern})


@pytest.mark.parametrize(
    ("pattern", "answer"),
    [
        ("(a+)+$", "a" * 50 + "!"),
        ("(x+x+)+y", "x" * 60),
        ("(.*)*(.*)*(.*)*z", "ab" * 100),
    ],
)
def test_a_catastrophic_pattern_decides_nothing_and_the_next_one_does(pattern, answer):
    assert found("regex", answer, {"pattern": pattern}) == (
        None,
        f"took more than {SECONDS} s or too much memory",
    )
    assert found("regex", "abc", {"pattern": "abc"}).passed is True


def test_an_endless_answer_is_not_matched():
    assert found("regex", "a" * 1_000_001, {"pattern": "a*"}).passed is None
    assert found("regex", "a" * 1_000_000, {"pattern": "a*"}).passed is True


def test_jobs_of_many_threads_get_their_own_replies():
    replies = {}

    def ask(number):
        replies[number] = found("regex", str(number), {"pattern": str(number % 2)}).passed

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies == {number: number < 2 for number in range(16)}


# Grounded

LETTER = (
    "On 3 May 2021, Ms. Ana María López of “Blue  Harbour” paid 1,200 euros and 12.50 in fees.\nShe lives in København."
)


@pytest.mark.parametrize(
    ("answer", "args"),
    [
        ('{"name": "Ana María López", "paid": 1200, "fees": 12.5}', {"fields": ["name", "paid"]}),
        ('{"name": "ANA MARI\u0301A LO\u0301PEZ"}', {}),
        ('```json\n["Blue Harbour", "København"]\n```', {}),
        ("- Ana María López\n- København", {}),
        ("Name: Ana María López\nCity: København", {}),
        ('1. 3 May 2021\n2. "blue harbour"', {}),
        ("The names are:\n* López\n* Blue Harbour", {}),
        ('{"name": null, "city": "København", "phone": "not stated"}', {}),
        ("She is from “Blue Harbour”, I think.", {"quotes": True}),
        ('{"people": [{"name": "López", "guess": "Spain"}]}', {"fields": ["name"]}),
        ("None", {}),
    ],
)
def test_what_stands_in_the_input_is_grounded(answer, args):
    assert found("grounded", answer, args, LETTER).passed is True


@pytest.mark.parametrize(
    ("answer", "args"),
    [
        ('{"name": "Anna López"}', {}),
        ('{"paid": 1300}', {}),
        ('{"paid": 200, "fees": 13}', {}),
        ("- Ana María López\n- Copenhagen", {}),
        ("Name: Ana Lopez", {}),
        ("Lópe", {}),
        ("11:30", {}),
        ('He said "Red Harbour" was closed.', {"quotes": True}),
        ("3 May 2022", {}),
        ('{"name": "not in the letter"}', {}),
    ],
)
def test_what_does_not_stand_in_the_input_is_told(answer, args):
    outcome = found("grounded", answer, args, LETTER)
    assert outcome.passed is False
    assert outcome.detail.startswith("not in the input: ")


@pytest.mark.parametrize(
    ("answer", "given_text", "args"),
    [
        ("López", "", {}),
        ("", LETTER, {}),
        ("{}", LETTER, {}),
        ("nothing quoted", LETTER, {"quotes": True}),
        ("x\n" * 2000, LETTER, {}),
    ],
)
def test_with_nothing_to_look_for_or_in_nothing_is_decided(answer, given_text, args):
    assert found("grounded", answer, args, given_text).passed is None


@given(text=st.text(alphabet="abc XYZ,-\n", min_size=1), start=st.integers(0, 50), size=st.integers(1, 50))
def test_whole_words_cut_out_of_the_input_are_grounded(text, start, size):
    cut = " ".join(re.findall(r"[a-zA-Z]+", text)[start : start + size])
    assert found("grounded", json.dumps([cut]), {}, text).passed in ({True} if cut else {None})


# Language


@pytest.mark.parametrize(
    ("answer", "language", "expected"),
    [
        ("Das Wetter ist heute schön, und wir gehen alle an den See.", "de", True),
        ("The weather is fine today, and we all go to the lake.", "de", False),
        ("Ja.", "de", None),
        ("Paris", "fr", None),
        ("はい。", "ja", True),
        ("", "de", None),
        ("42", "de", None),
    ],
)
def test_the_language_of_an_answer_is_told_where_it_can_be(answer, language, expected):
    assert found("language", answer, {"language": language}).passed is expected


# All of them


@pytest.mark.parametrize(("name", "args"), [("json", {"answer": 1}), ("schema", {"schema": False}), ("grounded", {})])
def test_what_was_found_in_text_that_no_file_can_hold_is_written_all_the_same(name, args):
    outcome = checks.run(Check(name=name, kind="format", args=args), r'{"\ud800": "\udfff x"}', "input")
    assert outcome.passed is False
    assert outcome.detail
    assert "x" in outcome.model_dump_json()


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("json", {}),
        ("json", {"value": 1}),
        ("schema", {"schema": "x"}),
        ("regex", {}),
        ("regex", {"pattern": 1}),
        ("grounded", {"field": "a"}),
        ("language", {"language": "German"}),
    ],
)
def test_wrong_arguments_are_told_before_the_answer_is_looked_at(name, args):
    with pytest.raises(ConfigError, match=f"check {name}: .*its arguments are"):
        found(name, "", args)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("json", {"answer": {"a": 1}}),
        ("schema", {"schema": PERSON}),
        ("regex", {"pattern": "a*"}),
        ("grounded", {}),
        ("grounded", {"quotes": True}),
        ("language", {"language": "de"}),
    ],
)
@given(answer=st.text(alphabet=st.characters(), max_size=100) | VALUES.map(json.dumps), given_text=st.text(max_size=50))
def test_whatever_a_model_writes_something_is_found(name, args, answer, given_text):
    outcome = checks.run(Check(name=name, kind="format", args=args), answer, given_text)
    assert outcome.passed in {True, False, None}
