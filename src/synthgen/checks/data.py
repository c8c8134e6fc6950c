"""Checks of answers as data: a JSON value, a schema, a pattern, what stands in the input, the language."""

import json
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from pydantic import Field

from synthgen.checks import arguments
from synthgen.checks.forms_worker import SECONDS
from synthgen.checks.found import Found, Function
from synthgen.checks.lasting import Lasting
from synthgen.errors import ConfigError
from synthgen.records import Record
from synthgen.text import language as languages
from synthgen.text.tokens import normalised, words

WORKER = Lasting(Path(__file__).with_name("forms_worker.py"))
"""Matches patterns and validates against schemas."""
MOST_CHARACTERS = 1_000_000
"""Of a text that is looked at."""
MOST_DEPTH = 100
"""Of arrays and objects within each other."""
MOST_STARTS = 50
"""Places in a text where a JSON value is tried."""
MOST_VALUES = 1_000
"""Extracted from one text."""
LONGEST_LABEL = 4
"""Words before a colon that are no part of the value after it."""
FENCE = re.compile(r"^[ \t]*```[\w+-]*[ \t]*\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE)
START = re.compile(r"[\[{]")
MARKER = re.compile(r"^\s*(?:[-*+•]\s+|\d{1,3}[.)]\s+|>\s*)*")
"""What stands before the text of a line: bullets, numbers, marks of quotation."""
QUOTES = re.compile(r"\"([^\"\n]+)\"|“([^”\n]+)”|«([^»\n]+)»|„([^“”\n]+)[“”]|「([^」\n]+)」")
CLOSE = (frozenset({"no", "nb", "nn", "da"}), frozenset({"hr", "bs", "sr"}), frozenset({"id", "ms"}))
"""Languages that are easily taken for each other."""


class Unreadable(ValueError):
    """A text that is no JSON, or none that everybody reads alike."""


class Json(Record):
    """A JSON value that must be equal."""

    answer: Any
    """The value: any JSON."""


class Schema(Record):
    """A JSON schema."""

    schema_: dict[str, Any] | bool = Field(alias="schema")
    """The schema, whole: what it refers to stands in it."""


class Pattern(Record):
    """A regular expression."""

    pattern: str
    """In Python's syntax; a dot matches line ends too."""


class Grounded(Record):
    """What is looked up in the input."""

    fields: tuple[str, ...] | None = None
    """Of a JSON answer, only the values under these keys; every value where it is left out."""
    quotes: bool = False
    """Only what the answer puts in quotation marks."""
    absent: tuple[str, ...] = ("none", "n/a", "not stated", "unknown")
    """Values that say that the input holds nothing."""


class Language(Record):
    """A language."""

    language: str = Field(pattern="^[a-z]{2}$")
    """Its two-letter code."""


def is_json(answer: str, args: Mapping[str, Any], given: str) -> Found:
    """Whether the answer holds a JSON value equal to the known one. Numbers are compared by value; true is not 1."""
    wanted = arguments.read("json", Json, args).answer
    try:
        value = parsed(answer)
    except Unreadable as error:
        return Found(False, str(error))
    return Found(equal(value, wanted), short(value))


def fits_schema(answer: str, args: Mapping[str, Any], given: str) -> Found:
    """Whether the answer holds a JSON value that fits the schema."""
    schema = arguments.read("schema", Schema, args).schema_
    try:
        value = parsed(answer)
    except Unreadable as error:
        return Found(False, str(error))
    return asked("schema", {"schema": schema, "value": value})


def matches(answer: str, args: Mapping[str, Any], given: str) -> Found:
    """Whether the answer, without the space around it, matches a pattern as a whole."""
    pattern = arguments.read("regex", Pattern, args).pattern
    if len(answer) > MOST_CHARACTERS:
        return Found(None, "the answer is too long to look at")
    return asked("regex", {"pattern": pattern, "text": answer.strip()})


def asked(name: str, job: dict[str, Any]) -> Found:
    """What the worker finds. Raises ConfigError where the check itself is wrong."""
    found = WORKER.ask(job)
    if found is None:
        return Found(None, f"took more than {SECONDS} s or too much memory")
    if "fault" in found:
        raise ConfigError(f"check {name}: {found['fault']}")
    return Found(found["passed"], found["detail"])


def is_grounded(answer: str, args: Mapping[str, Any], given: str) -> Found:
    """Whether every value, line or quotation of the answer stands in the task's input, whatever its case, space and marks."""
    wanted = arguments.read("grounded", Grounded, args)
    source = normalised(given[:MOST_CHARACTERS])
    if not source:
        return Found(None, "the task has no input to look in")
    if len(answer) > MOST_CHARACTERS:
        return Found(None, "the answer is too long to look at")
    values = list(extracted(answer, wanted))
    if not values or len(values) > MOST_VALUES:
        return Found(None, f"{len(values)} values to look for")
    absent = {normalised(one) for one in wanted.absent}
    lost = [one for one in values if not any(stands(form, source) or form in absent for form in one)]
    return Found(not lost, f"not in the input: {lost[0][0]}" if lost else f"{len(values)} found")


def stands(form: str, source: str) -> bool:
    """Whether whole tokens stand in a row in a normalised text."""
    return f" {form} " in f" {source} "


def extracted(answer: str, wanted: Grounded) -> Iterator[tuple[str, ...]]:
    """What an answer takes from the input, each normalised, in every form that counts: JSON values, quotations, or lines."""
    for forms in spellings(answer, wanted):
        read = tuple(dict.fromkeys(form for one in forms if (form := normalised(one))))
        if read:
            yield read


def spellings(answer: str, wanted: Grounded) -> Iterator[tuple[str, ...]]:
    """The forms of every value of an answer, as they are written."""
    if wanted.quotes:
        yield from (tuple(filter(None, found.groups())) for found in QUOTES.finditer(answer))
        return
    try:
        value = whole(answer) if wanted.fields is None else parsed(answer)
    except Unreadable:
        yield from (line_forms(line) for line in answer.splitlines() if not line.rstrip().endswith(":"))
    else:
        yield from (forms(one) for one in leaves(value, wanted.fields))


def line_forms(line: str) -> tuple[str, ...]:
    """A line without its marker, and what stands in it after a label of a few words."""
    text = MARKER.sub("", line, count=1)
    label, colon, rest = text.partition(": ")
    return (text, rest) if colon and len(label.split()) <= LONGEST_LABEL else (text,)


def forms(value: str | float) -> tuple[str, ...]:
    """The ways in which a value may be written: a number with and without marks of thousands."""
    if isinstance(value, str):
        return (value,)
    number = int(value) if isinstance(value, float) and value.is_integer() else value
    return f"{number}", f"{number:,}"


def leaves(value: Any, fields: tuple[str, ...] | None) -> Iterator[str | int | float]:
    """The texts and numbers of a JSON value, those under certain keys alone where they are named."""
    waiting = [(value, fields is None)]
    while waiting:
        one, counts = waiting.pop()
        match one:
            case dict():
                waiting += [(item, counts or key in (fields or ())) for key, item in reversed(one.items())]
            case list():
                waiting += [(item, counts) for item in reversed(one)]
            case str() | int() | float() if counts and not isinstance(one, bool):
                yield one


def is_language(answer: str, args: Mapping[str, Any], given: str) -> Found:
    """Whether the answer is in a language; undecided where a few words could be of any."""
    return spoken(answer, arguments.read("language", Language, args).language)


def spoken(text: str, wanted: str) -> Found:
    """Whether a text is in the wanted language."""
    found = languages.detect(text)
    if found == wanted:
        return Found(True, found)
    if found == languages.UNKNOWN or len(words(text)) < languages.ENOUGH_WORDS:
        return Found(None, "cannot be told")
    if any({found, wanted} <= close for close in CLOSE):
        return Found(None, f"{found}, or {wanted}")
    return Found(False, found)


def parsed(text: str) -> Any:
    """The JSON value of a text: the whole of it, of a fenced block, or the first object or array that stands in it whole.

    Raises Unreadable, also where a key stands twice or a number is none of JSON's: readers differ about those.
    """
    if len(text) > MOST_CHARACTERS:
        raise Unreadable("too long to look at")
    for block in (text, *(found[1] for found in FENCE.finditer(text))):
        try:
            return shallow(json.loads(block, **STRICT))
        except json.JSONDecodeError:
            continue
        except (ValueError, RecursionError) as error:
            raise Unreadable(str(error)) from error
    return embedded(text)


def embedded(text: str) -> Any:
    """The first whole object or array of a text."""
    decoder = json.JSONDecoder(**STRICT)
    at = 0
    for _ in range(MOST_STARTS):
        start = START.search(text, at)
        if start is None:
            break
        try:
            return shallow(decoder.raw_decode(text, start.start())[0])
        except json.JSONDecodeError:
            at = start.end()
        except (ValueError, RecursionError) as error:
            raise Unreadable(str(error)) from error
    raise Unreadable("no JSON value")


def whole(text: str) -> Any:
    """The JSON value that a text is, with or without a fence around it. Raises Unreadable."""
    if len(text) > MOST_CHARACTERS:
        raise Unreadable("too long to look at")
    fence = FENCE.fullmatch(text.strip())
    try:
        return shallow(json.loads(fence[1] if fence else text, **STRICT))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"no JSON: {error}") from error


def single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, refused where a key stands twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unreadable("a key stands twice")
    return found


def refused(constant: str) -> NoReturn:
    raise Unreadable(f"{constant} is no JSON")


def finite(digits: str) -> float:
    """A number, refused where it is too large for a float."""
    value = float(digits)
    if math.isinf(value):
        raise Unreadable("a number is too large")
    return value


STRICT: dict[str, Any] = {"object_pairs_hook": single, "parse_constant": refused, "parse_float": finite}


def shallow(value: Any) -> Any:
    """A JSON value, refused where it is nested too deeply."""
    level = [value]
    for _ in range(MOST_DEPTH + 1):
        level = [
            item
            for one in level
            if isinstance(one, dict | list)
            for item in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return value
    raise Unreadable("nested too deeply")


def equal(a: Any, b: Any) -> bool:
    """Whether two JSON values are the same; 1 is 1.0, true is not 1, and the order of keys says nothing."""
    waiting = [(a, b)]
    while waiting:
        one, other = waiting.pop()
        if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
            waiting += [(one[key], other[key]) for key in one]
        elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
            waiting += zip(one, other, strict=True)
        elif not alike(one, other):
            return False
    return True


def alike(one: Any, other: Any) -> bool:
    """Whether two values that hold no others are the same."""
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    if isinstance(one, str) and isinstance(other, str):
        return unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
    return False


def short(value: Any) -> str:
    """The beginning of a JSON value, for people."""
    return json.dumps(value, ensure_ascii=False)[:80]


CHECKS: dict[str, Function] = {
    "json": is_json,
    "schema": fits_schema,
    "regex": matches,
    "grounded": is_grounded,
    "language": is_language,
}
