"""Things that must stand somewhere in an answer: a postscript, placeholders."""

import re
from random import Random
from typing import Annotated

from pydantic import AfterValidator, Field

from synthgen.checks.constraints.kind import CLOSED, SHAPED, SIZED, Kind, pattern, plural
from synthgen.checks.constraints.markdown import DECORATION
from synthgen.checks.found import Found
from synthgen.records import Record
from synthgen.text.tokens import words

PLACEHOLDER = re.compile(r"(?<![A-Za-z0-9_)\]!])\[([^\[\]\n]+)\](?![(\[:])")
"""In square brackets, but no link, no index of a program and no footnote."""
MARKS = ("P.S.", "P.P.S.")


def mark_of(text: str) -> str:
    """A mark of a postscript: `P.S.` or with more Ps."""
    if not re.fullmatch(r"(?:P\.){1,3}S\.", text):
        raise ValueError(f'"{text}" is no mark of a postscript, as P.S. and P.P.S. are')
    return text


class Postscript(Record):
    """The answer ends with a postscript."""

    mark: Annotated[str, AfterValidator(mark_of)] = "P.S."
    """What the line of the postscript begins with; its dots may be missing."""


class Placeholders(Record):
    """The answer holds placeholders in square brackets, such as [name]."""

    least: int = Field(default=1, ge=1)
    """The fewest there may be."""


def postscript(answer: str, args: Postscript) -> Found:
    spelling = r"\.?\s?".join(args.mark.replace(".", ""))
    opening = re.compile(rf"{spelling}\b\.?(?P<text>.*)", re.IGNORECASE | re.DOTALL)
    spoken = False
    lines = answer.splitlines()
    for number, line in enumerate(lines):
        found = opening.match(line.lstrip(DECORATION))
        if found and spoken:
            told = words(found["text"]) or words("\n".join(lines[number + 1 :]))
            return Found(bool(told), "" if told else "the postscript is empty")
        spoken = spoken or bool(words(line))
    return Found(False, "no postscript")


def placeholders(answer: str, args: Placeholders) -> Found:
    found = PLACEHOLDER.findall(answer)
    count = sum(any(character.isalpha() for character in one) and one.strip() not in {"x", "X"} for one in found)
    return Found(count >= args.least, f"{count} placeholders")


def draw_postscript(rng: Random, instruction: str) -> Postscript:
    return Postscript(mark=rng.choice(MARKS))


def draw_placeholders(rng: Random, instruction: str) -> Placeholders:
    return Placeholders(least=rng.randint(1, 4))


def say_postscript(args: Postscript) -> tuple[str, ...]:
    return (
        f"Close with a postscript on a line that begins with {args.mark}",
        f"Add a postscript at the end; its line starts with {args.mark}",
        f"After your answer, write a postscript that opens with {args.mark}",
    )


def say_placeholders(args: Placeholders) -> tuple[str, ...]:
    said = plural(args.least, "placeholder", "placeholders")
    return (
        f"Use at least {said} in square brackets, such as [address].",
        f"Leave at least {said} to be filled in, written like [name].",
        f"Your answer must hold at least {said} in square brackets, for example [date].",
    )


KINDS: tuple[Kind[Postscript] | Kind[Placeholders], ...] = (
    Kind(
        "postscript", Postscript, postscript, say_postscript, draw_postscript,
        unsuited=pattern(*CLOSED, *SHAPED, *SIZED, "poems?"),
        example=Postscript(mark="P.S."), keeps="See you on Monday.\n\nP.S. Bring the map.",
    ),
    Kind(
        "placeholders", Placeholders, placeholders, say_placeholders, draw_placeholders,
        unsuited=pattern(*CLOSED, *SHAPED, "poems?", "solve", "calculate", "compute"),
        example=Placeholders(least=2), keeps="Dear [name], we meet on [date].",
    ),
)  # fmt: skip
