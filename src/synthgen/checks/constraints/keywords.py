"""Words that must stand in an answer, or must not, and how often; and letters."""

import unicodedata
from random import Random
from typing import Annotated

from pydantic import AfterValidator, Field

from synthgen.checks.constraints.kind import (
    CLOSED,
    SHAPED,
    Bounds,
    Kind,
    counted,
    has_word,
    occurrences,
    pattern,
    quoted,
)
from synthgen.checks.found import Found
from synthgen.records import Record
from synthgen.text.tokens import words

Phrase = Annotated[str, AfterValidator(has_word)]
Words = Annotated[tuple[Phrase, ...], Field(min_length=1)]
WELCOME = (
    "because", "evening", "however", "important", "together", "window", "result", "detail", "problem", "morning",
    "different", "future", "simple", "careful", "honest", "practice", "history", "value", "reason", "balance",
)  # fmt: skip
"""Words that fit into nearly every text; none of them has a rare letter, none is discouraged."""
DISCOURAGED = (
    "very", "really", "basically", "actually", "literally", "obviously", "stuff", "amazing", "nice", "totally", "clearly",
    "maybe", "somewhat", "quite",
)  # fmt: skip
"""Words that nearly every text can do without; no other kind asks for them."""
COMMON, RARE = "etaoinsrhl", "jqxz"
SHORTEST = 5
"""Letters of a word of the instruction that is asked for in the answer."""


def letter_of(text: str) -> str:
    """A single letter, case folded."""
    folded = unicodedata.normalize("NFC", text).casefold()
    if len(folded) != 1 or not folded.isalpha():
        raise ValueError(f'"{text}" is no single letter')
    return folded


class Include(Record):
    """Words or phrases must stand in the answer."""

    words: Words
    """Each must stand in it as a whole, in any case."""


class Forbid(Record):
    """Words or phrases must not stand in the answer."""

    words: Words
    """None may stand in it as a whole, in any case."""


class Frequency(Bounds):
    """A word or phrase stands in the answer a number of times."""

    word: Phrase
    """What is counted, as a whole, in any case."""


class Letter(Bounds):
    """A letter stands in the answer a number of times."""

    letter: Annotated[str, AfterValidator(letter_of)]
    """What is counted, in any case; é is not e."""


def include(answer: str, args: Include) -> Found:
    missing = [word for word in args.words if not occurrences(word, answer)]
    return Found(not missing, f"missing: {', '.join(missing)}" if missing else "")


def forbid(answer: str, args: Forbid) -> Found:
    present = [word for word in args.words if occurrences(word, answer)]
    return Found(not present, f"present: {', '.join(present)}" if present else "")


def frequency(answer: str, args: Frequency) -> Found:
    return counted(occurrences(args.word, answer), args, "times")


def letter(answer: str, args: Letter) -> Found:
    return counted(unicodedata.normalize("NFC", answer).casefold().count(args.letter), args, "times")


def candidates(instruction: str) -> list[str]:
    """Words of an instruction that an answer may be asked to use, and some that fit everywhere."""
    own = {
        word
        for word in words(instruction)
        if len(word) >= SHORTEST and word.isalpha() and word not in DISCOURAGED and not set(word) & set(RARE)
    }
    return sorted(own)[:20] + sorted(set(WELCOME) - own)


def draw_include(rng: Random, instruction: str) -> Include:
    return Include(words=tuple(rng.sample(candidates(instruction), rng.randint(1, 3))))


def draw_forbid(rng: Random, instruction: str) -> Forbid:
    free = [word for word in DISCOURAGED if word not in words(instruction)]
    return Forbid(words=tuple(rng.sample(free, min(len(free), rng.randint(1, 4)))) or ("ostensibly",))


def draw_frequency(rng: Random, instruction: str) -> Frequency:
    word = rng.choice(candidates(instruction))
    if rng.random() < 0.7:
        return Frequency(word=word, least=rng.randint(2, 4))
    return Frequency(word=word, most=rng.randint(2, 5))


def draw_letter(rng: Random, instruction: str) -> Letter:
    if rng.random() < 0.6:
        return Letter(letter=rng.choice(COMMON), least=rng.randint(5, 30))
    return Letter(letter=rng.choice(RARE), most=rng.randint(3, 8))


def say_include(args: Include) -> tuple[str, ...]:
    said = quoted(args.words)
    return (
        f"Use {said} in your answer.",
        f"Your answer must contain {said}.",
        f"Make sure that {said} can be found in it.",
    )


def say_forbid(args: Forbid) -> tuple[str, ...]:
    said = quoted(args.words).replace(" and ", " or ")
    return (f"Do not use {said} anywhere.", f"Your answer must not contain {said}.", f"Write it without {said}.")


def say_frequency(args: Frequency) -> tuple[str, ...]:
    said = args.say("time", "times")
    return (
        f'Use the word "{args.word}" {said}.',
        f'The word "{args.word}" should stand in your answer {said}.',
        f'In your answer, "{args.word}" has to occur {said}.',
    )


def say_letter(args: Letter) -> tuple[str, ...]:
    said = args.say("time", "times")
    return (
        f'The letter "{args.letter}" must occur {said} in your answer.',
        f'Write so that "{args.letter}", small or capital, stands in your answer {said}.',
        f'Use the letter "{args.letter}" {said}.',
    )


TIGHT = pattern(*CLOSED, *SHAPED)
KINDS: tuple[Kind[Include] | Kind[Forbid] | Kind[Frequency] | Kind[Letter], ...] = (
    Kind(
        "include", Include, include, say_include, draw_include, unsuited=TIGHT,
        example=Include(words=("harbour", "in the end")), keeps="In the end we reached the harbour.",
    ),
    Kind(
        "frequency", Frequency, frequency, say_frequency, draw_frequency, unsuited=TIGHT,
        example=Frequency(word="rain", least=2), keeps="Rain, and after the rain the sun.",
    ),
    Kind(
        "forbid", Forbid, forbid, say_forbid, draw_forbid, unsuited=TIGHT,
        example=Forbid(words=("very", "nice")), keeps="A pleasant, calm evening.",
    ),
    Kind(
        "letter", Letter, letter, say_letter, draw_letter, unsuited=TIGHT,
        example=Letter(letter="z", most=1), keeps="One zebra, and no more.",
    ),
)  # fmt: skip
