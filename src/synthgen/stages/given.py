"""Prompts that one already has: the rows of a JSON lines or Parquet file, each as a prompt or with why it is none.

A row has `prompt` (a text, or one message in a list), or `instruction` and perhaps `input`, or `messages` of one turn; `id`, `category`
and `check` or `checks` may stand beside.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from synthgen import datafolders, rowfiles
from synthgen.checks import reading
from synthgen.errors import InputError
from synthgen.records import Check
from synthgen.rowfiles import MISSING, Broken
from synthgen.text.seen import Seen
from synthgen.text.special import CONTROL

EXAMPLE = '{"prompt": "Name three uses of an old newspaper."}'
FIELDS = ("prompt", "instruction", "messages")
LONGEST_CHARACTERS = 1_000_000
"""Of the longest text that is sent."""
LONGEST_ID = 1000
"""Characters of a row's own id."""
SHOWN = 300
"""Characters of a text in a rejection."""


class Unfit(NamedTuple):
    """Why a row cannot be asked."""

    reason: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """A file of prompts, or a folder of them."""

    path: Path
    field: str = ""
    """Where the prompt stands in a row, as a path such as `turns.0`; "" for the usual fields."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One row: what is to be asked, or why it cannot be."""

    id: str
    place: str
    """File and line, for people."""
    instruction: str = ""
    input: str = ""
    row_id: str = ""
    """The row's own id."""
    category: str = ""
    """The row's own category."""
    checks: tuple[Check, ...] = ()
    """What the row says that a program can check."""
    unfit: Unfit | None = None


def read(given: Given) -> Iterator[Prompt]:
    """Every row in order. Raises InputError where a file cannot be read on."""
    seen = Seen()
    for number, (row, place) in enumerate(rows(given)):
        one = prompt(f"p{number:06d}", place, row, given.field)
        earlier = seen.add(one.row_id, number) if one.row_id else None
        yield one if earlier is None else Prompt(one.id, place, unfit=Unfit("duplicate_id", f"p{earlier:06d}"))


def rows(given: Given) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Every row with its place. What cannot be read as a row is one too, a Broken one."""
    for file in datafolders.files(given.path):
        for chunk in rowfiles.read(file, broken=True):
            for number, row in zip(chunk.numbers(), chunk.rows, strict=True):
                yield row, f"{file} {'line' if chunk.lines else 'row'} {number}"


def check(given: Given) -> None:
    """Raise InputError where the first rows say that nothing can start: no rows, or none with a prompt."""
    first = list(islice(rows(given), rowfiles.CHUNK))
    if not first:
        raise InputError(f"{given.path} holds no prompt: write at least one line such as {EXAMPLE}")
    broken = [f"{place} {row.why}" for row, place in first if isinstance(row, Broken)]
    if len(broken) == len(first):
        raise InputError(f"{broken[0]}; every line is one prompt such as {EXAMPLE}")
    whole = [row for row, _ in first if not isinstance(row, Broken)]
    wanted = (given.field,) if given.field else FIELDS
    if all(rowfiles.value(row, name) is MISSING for row in whole for name in wanted):
        raise InputError(
            f"no row of {given.path} has {' or '.join(wanted)}; the first has {', '.join(list(whole[0])[:12])}; name the "
            "prompt's field with --field"
        )


def count(given: Given) -> int:
    """How many rows there are, as far as they can be counted."""
    found = 0
    for file in datafolders.files(given.path):
        with suppress(InputError):
            found += rowfiles.count(file)
    return found


def prompt(identity: str, place: str, row: Mapping[str, Any], field: str) -> Prompt:
    """One row as a prompt, whatever it holds."""
    if isinstance(row, Broken):
        return Prompt(identity, place, unfit=Unfit("not_a_row", row.why[:SHOWN]))
    instruction, given = asked(row, field)
    found = unfit(instruction) or unfit(given) or unfit_id(row.get("id"))
    if found is None and not instruction.strip():
        found = Unfit("empty")
    checks = reading.of_row(row, f"file:{identity}")
    if isinstance(checks, str):
        found = found or Unfit("bad_check", checks[:SHOWN])
        checks = ()
    if found is not None:
        return Prompt(identity, place, unfit=found)
    category, own = row.get("category"), row.get("id")
    return Prompt(
        identity,
        place,
        instruction,
        given,
        "" if own is None else str(own),
        category if isinstance(category, str) else "",
        checks,
    )


def asked(row: Mapping[str, Any], field: str) -> tuple[Any, Any]:
    """What a row wants asked, and the input to it. Neither need be text."""
    if field:
        return turn(rowfiles.value(row, field)), ""
    name = next((name for name in FIELDS if row.get(name) is not None), "prompt")
    if name == "messages":
        return only_turn(row["messages"]), ""
    given = row.get("input") if name == "instruction" else None
    return turn(row.get(name, MISSING)), "" if given is None else given


def turn(value: Any) -> Any:
    """A text, or what the user says where there is a list of messages in its place, as TRL has prompts."""
    messages = isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value)
    return only_turn(value) if messages else value


def only_turn(messages: Any) -> Any:
    """What the user says in a conversation of one message; longer ones, and those with a system message, are not answered."""
    said = messages if isinstance(messages, list) else []
    speakers = [one.get("role") if isinstance(one, Mapping) else None for one in said]
    if speakers != ["user"]:
        return Unfit("not_single_turn", ", ".join(map(str, speakers))[:SHOWN])
    return said[0].get("content", MISSING)


def unfit(text: Any) -> Unfit | None:
    """Why a text cannot be sent."""
    if isinstance(text, Unfit):
        return text
    if text is MISSING or text is None:
        return Unfit("no_prompt")
    if not isinstance(text, str):
        return Unfit("not_text", type(text).__name__)
    if len(text) > LONGEST_CHARACTERS:
        return Unfit("too_long", f"{len(text)} characters")
    return Unfit("control_character", text[:SHOWN]) if CONTROL.search(text) else None


def unfit_id(given: Any) -> Unfit | None:
    """Why a row's own id is none: it is neither a whole number nor a short text that can be printed."""
    if given is None or (isinstance(given, int) and not isinstance(given, bool)):
        return None
    good = isinstance(given, str) and len(given) <= LONGEST_ID and given.isprintable()
    return None if good else Unfit("bad_id", repr(given)[:SHOWN])
