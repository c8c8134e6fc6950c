"""Answers in parts: two answers, the request and its answer."""

from random import Random
from typing import Annotated

from pydantic import AfterValidator

from synthgen.checks.constraints.kind import CLOSED, LISTED, SHAPED, SIZED, Kind, has_word, pattern
from synthgen.checks.constraints.markdown import divided
from synthgen.checks.found import Found
from synthgen.records import Record
from synthgen.text.tokens import words

DIVIDERS = ("******", "------", "======")
LONGEST = 400
"""Characters of a request that is to be repeated, where arguments are drawn."""
SHOWN = 4
"""Words of its beginning and its end that are told."""


class TwoAnswers(Record):
    """There are two different answers, with a divider between them."""

    divider: str = "******"
    """What stands on a line of its own between them."""


class Repeat(Record):
    """The answer begins with the request, word for word, and goes on."""

    text: Annotated[str, AfterValidator(has_word)]
    """The request; case, space and punctuation do not matter."""


def two_answers(answer: str, args: TwoAnswers) -> Found:
    parts = [words(part) for part in divided(answer, args.divider)]
    if len(parts) != 2 or not all(parts):
        return Found(False, f"{sum(map(bool, parts))} answers")
    return Found(parts[0] != parts[1], "" if parts[0] != parts[1] else "both are the same")


def repeat(answer: str, args: Repeat) -> Found:
    said, wanted = words(answer), words(args.text)
    if said[: len(wanted)] != wanted:
        return Found(False, "the request is not repeated")
    return Found(len(said) > len(wanted), "" if len(said) > len(wanted) else "nothing follows the request")


def draw_two_answers(rng: Random, instruction: str) -> TwoAnswers:
    return TwoAnswers(divider=rng.choice(DIVIDERS))


def draw_repeat(rng: Random, instruction: str) -> Repeat | None:
    return Repeat(text=instruction) if words(instruction) and len(instruction) <= LONGEST else None


def say_two_answers(args: TwoAnswers) -> tuple[str, ...]:
    return (
        f"Give two different answers, with a line that holds only {args.divider} between them.",
        f"Write two different answers. Separate them by {args.divider} on a line of its own.",
        f"Offer exactly two different answers, parted by one line of {args.divider}",
    )


def say_repeat(args: Repeat) -> tuple[str, ...]:
    said = shown(args.text)
    return (
        f"Before you answer, repeat the request ({said}) word for word; then answer it.",
        f"First repeat the request ({said}) without any change, and nothing of these rules; then give your answer.",
        f"Begin by copying the request ({said}) word for word, then go on with the answer.",
    )


def shown(text: str) -> str:
    """A text, or how it begins and ends."""
    told = text.split()
    if len(told) <= 2 * SHOWN:
        return f'"{" ".join(told)}"'
    return f'from "{" ".join(told[:SHOWN])}" to "{" ".join(told[-SHOWN:])}"'


KINDS: tuple[Kind[TwoAnswers] | Kind[Repeat], ...] = (
    Kind(
        "two_answers", TwoAnswers, two_answers, say_two_answers, draw_two_answers,
        against=frozenset({"postscript"}), unsuited=pattern(*CLOSED, *SHAPED, *SIZED, *LISTED, "two", "solve", "calculate"),
        example=TwoAnswers(divider="******"), keeps="Walk along the river.\n******\nRead a book.",
    ),
    Kind(
        "repeat", Repeat, repeat, say_repeat, draw_repeat,
        against=frozenset({
            "frequency", "forbid", "letter", "words", "sentences", "paragraphs", "paragraph_start", "bullets", "title",
            "two_answers", "capitals", "lowercase", "capital_words", "quoted", "no_commas",
        }),
        unsuited=pattern(*CLOSED, *SHAPED, *SIZED),
        example=Repeat(text="Name a river."), keeps="Name a river. The Nile is one.",
    ),
)  # fmt: skip
