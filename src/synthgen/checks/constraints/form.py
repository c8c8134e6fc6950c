"""What an answer looks like: bullets, one of some options, highlights, sections, JSON, a title."""

import re
from random import Random
from typing import Annotated

from pydantic import AfterValidator, Field

from synthgen.checks.arguments import Nothing
from synthgen.checks.constraints.kind import CLOSED, LISTED, SHAPED, SIZED, Kind, has_word, pattern, plural, quoted
from synthgen.checks.constraints.markdown import DECORATION, RULE, prose
from synthgen.checks.data import Unreadable, whole
from synthgen.checks.found import Found
from synthgen.records import Record
from synthgen.text.tokens import words

BULLET = re.compile(r"[\s>]*[-*+•]\s+\S")
HIGHLIGHT = re.compile(r"(?<![\d*\\])(\*{1,3}+)(?![\s*])[^*\n]++(?<!\s)\1(?![\d*])")
"""Text between one, two or three asterisks, but no product such as 2*3*4."""
TITLE = re.compile(r"<<([^<>\n]++)>>")
HEADINGS = ("Section", "Part", "Chapter")
CHOICES = (
    ("Yes.", "No.", "It depends."),
    ("I agree.", "I disagree.", "I cannot tell."),
    ("True.", "False.", "Undecided."),
)
WHETHER = re.compile(
    r"^(?:is|are|was|were|does|do|did|can|could|should|will|would|has|have)\b[^?\n]*\?\s*$|\b(?:yes or no|true or false)\b",
    re.IGNORECASE,
)
"""Instructions that ask whether something is so."""


class Bullets(Record):
    """The answer has an exact number of bullets."""

    count: int = Field(ge=1)
    """How many, nested ones among them; numbered items and code do not count."""


class Options(Record):
    """The answer is one of some options, and nothing else."""

    options: tuple[Annotated[str, AfterValidator(has_word)], ...] = Field(min_length=2)
    """Those that may be given; case and punctuation do not matter."""


class Highlights(Record):
    """Parts of the answer are highlighted with asterisks."""

    least: int = Field(default=1, ge=1)
    """The fewest there may be."""


class Sections(Record):
    """The answer has numbered sections."""

    heading: Annotated[str, AfterValidator(has_word)] = "Section"
    """What the heading of each begins with, before its number."""
    count: int = Field(ge=1)
    """How many there are, numbered from 1."""


class WholeJson(Nothing):
    """The whole answer is a JSON object or array; it may stand in a fenced block."""


class Title(Nothing):
    """The answer has a title in double angle brackets, such as <<a day at sea>>."""


def bullets(answer: str, args: Bullets) -> Found:
    count = sum(bool(BULLET.match(line)) and not RULE.fullmatch(line) for line in prose(answer))
    return Found(count == args.count, f"{count} bullets")


def options(answer: str, args: Options) -> Found:
    said = words(answer)
    return Found(any(said == words(option) for option in args.options))


def highlights(answer: str, args: Highlights) -> Found:
    count = sum(1 for line in prose(answer) for found in HIGHLIGHT.finditer(line) if words(found[0]))
    return Found(count >= args.least, f"{count} highlights")


def sections(answer: str, args: Sections) -> Found:
    heading = re.compile(
        rf"(?P<mark>[{re.escape(DECORATION)}]*){re.escape(args.heading)}\s+(?P<number>\d{{1,4}})(?P<rest>.*)",
        re.IGNORECASE,
    )
    numbers: list[int] = []
    filled: list[bool] = []
    for line in prose(answer):
        found = heading.fullmatch(line)
        if found and heads(found["mark"], found["rest"]):
            numbers.append(int(found["number"]))
            filled.append(bool(words(found["rest"])))
        elif filled and not filled[-1]:
            filled[-1] = bool(words(line))
    in_order = numbers == list(range(1, args.count + 1))
    return Found(in_order and all(filled), f"sections {numbers[:20]}{'' if all(filled) else ', one of them empty'}")


def heads(mark: str, rest: str) -> bool:
    """Whether a line that begins like a heading is one, by what stands around it, and no sentence about a section."""
    return bool(mark.strip()) or not rest.strip() or rest.lstrip()[0] in ":.-–—)|："


def whole_json(answer: str, args: WholeJson) -> Found:
    try:
        value = whole(answer)
    except Unreadable as error:
        return Found(False, str(error))
    return Found(
        isinstance(value, dict | list), "" if isinstance(value, dict | list) else "neither an object nor an array"
    )


def title(answer: str, args: Title) -> Found:
    found = next((one for one in TITLE.findall(answer) if words(one)), "")
    return Found(bool(found), found)


def draw_bullets(rng: Random, instruction: str) -> Bullets:
    return Bullets(count=rng.randint(2, 7))


def draw_options(rng: Random, instruction: str) -> Options | None:
    return Options(options=rng.choice(CHOICES)) if WHETHER.search(instruction.strip()) else None


def draw_highlights(rng: Random, instruction: str) -> Highlights:
    return Highlights(least=rng.randint(1, 4))


def draw_sections(rng: Random, instruction: str) -> Sections:
    return Sections(heading=rng.choice(HEADINGS), count=rng.randint(2, 5))


def say_bullets(args: Bullets) -> tuple[str, ...]:
    said = plural(args.count, "bullet", "bullets")
    return (
        f"Your answer must contain exactly {said}, written in Markdown like: * This is a point.",
        f"Use exactly {said}, each on a line that starts with * or -.",
        f"Put what matters into exactly {said} in Markdown, such as: - one point",
    )


def say_options(args: Options) -> tuple[str, ...]:
    said = quoted(args.options).replace(" and ", " or ")
    return (
        f"Answer with one of these and nothing else: {said}.",
        f"Choose your answer from {said}; write nothing more.",
        f"Your whole answer must be {said}.",
    )


def say_highlights(args: Highlights) -> tuple[str, ...]:
    said = plural(args.least, "part", "parts")
    return (
        f"Highlight at least {said} of your answer with asterisks, *like this*.",
        f"Set at least {said} of your answer in Markdown emphasis, such as *a highlighted part*.",
        f"At least {said} of the answer should stand between asterisks, as in *this one*.",
    )


def say_sections(args: Sections) -> tuple[str, ...]:
    said = plural(args.count, "section", "sections")
    first = f"{args.heading} 1"
    return (
        f"Divide your answer into {said}, each under a line of its own with its number: {first}, and so on.",
        f'Your answer must have {said}. Begin each with "{args.heading}" and its number on a line of its own, from "{first}".',
        f'Structure the answer as {said}, headed "{first}" and so on, each heading on its own line.',
    )


def say_json(args: WholeJson) -> tuple[str, ...]:
    return (
        "Give your whole answer as JSON.",
        "Your entire output must be one JSON object or array; a fenced block around it is allowed.",
        "Wrap the whole answer in JSON, with nothing before or after it.",
    )


def say_title(args: Title) -> tuple[str, ...]:
    return (
        "Give your answer a title in double angle brackets, such as <<a day at sea>>.",
        "Your answer must have a title, written like <<title>>.",
        "Add a title between << and >>.",
    )


PLAIN = pattern(*CLOSED, *SHAPED)
OPEN = pattern(*CLOSED, *SHAPED, *SIZED, *LISTED)
MARKED = frozenset({"bullets", "options", "highlights", "sections", "title", "json"})
KINDS: tuple[
    Kind[Bullets] | Kind[Options] | Kind[Highlights] | Kind[Sections] | Kind[WholeJson] | Kind[Title], ...
] = (
    Kind(
        "bullets", Bullets, bullets, say_bullets, draw_bullets, against=frozenset({"two_answers"}), unsuited=OPEN,
        example=Bullets(count=2), keeps="To pack:\n* a coat\n* a map",
    ),
    Kind(
        "options", Options, options, say_options, draw_options,
        against=MARKED - {"options"} | {
            "include", "frequency", "forbid", "letter", "words", "sentences", "paragraphs", "paragraph_start", "postscript",
            "placeholders", "two_answers", "repeat", "capitals", "lowercase", "capital_words", "ending", "quoted", "no_commas",
        },
        example=Options(options=("Yes.", "No.", "It depends.")), keeps="It depends.",
    ),
    Kind(
        "highlights", Highlights, highlights, say_highlights, draw_highlights, unsuited=PLAIN,
        example=Highlights(least=2), keeps="Boil the *rice* in **plenty** of water.",
    ),
    Kind(
        "sections", Sections, sections, say_sections, draw_sections, against=frozenset({"two_answers"}), unsuited=OPEN,
        example=Sections(heading="Part", count=2), keeps="Part 1\nThe plan.\n\nPart 2\nThe result.",
    ),
    Kind(
        "json", WholeJson, whole_json, say_json, lambda rng, instruction: WholeJson(),
        against=MARKED - {"json"} | {
            "sentences", "paragraphs", "paragraph_start", "postscript", "placeholders", "two_answers", "repeat", "capitals",
            "ending", "quoted", "no_commas", "language",
        },
        unsuited=pattern(*CLOSED, *SHAPED, *SIZED, *LISTED, "letters?", "emails?", "essays?", "story", "stories", "dialogue"),
        example=WholeJson(), keeps='```json\n{"capital": "Lima"}\n```',
    ),
    Kind(
        "title", Title, title, say_title, lambda rng, instruction: Title(), unsuited=pattern(*CLOSED, *SHAPED, *SIZED),
        example=Title(), keeps="<<a day at sea>>\nWe left at dawn.",
    ),
)  # fmt: skip
