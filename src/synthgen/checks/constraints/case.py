"""Capital and small letters."""

import re
import unicodedata
from random import Random

from synthgen.checks.arguments import Nothing
from synthgen.checks.constraints.kind import CASED, CLOSED, SHAPED, Bounds, Kind, counted, pattern
from synthgen.checks.found import Found

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
CAPITAL, SMALL = frozenset({"Lu"}), frozenset({"Ll"})
TITLECASE = "Lt"
"""Such as ǅ, which is neither."""


class Capitals(Nothing):
    """Every letter is a capital."""


class Lowercase(Nothing):
    """No letter is a capital."""


class CapitalWords(Bounds):
    """The answer has a number of words that are capitals throughout, of two letters or more."""


def cases(text: str) -> set[str]:
    """The categories of a text's letters that have a case."""
    return {unicodedata.category(character) for character in set(text)} & {*CAPITAL, *SMALL, TITLECASE}


def capitals(answer: str, args: Capitals) -> Found:
    return all_of(answer, CAPITAL)


def lowercase(answer: str, args: Lowercase) -> Found:
    return all_of(answer, SMALL)


def all_of(answer: str, wanted: frozenset[str]) -> Found:
    """Whether all letters are of one case; undecided where none has any."""
    found = cases(unicodedata.normalize("NFC", answer))
    if not found:
        return Found(None, "no letter has a case")
    odd = next((word for word in answer.split() if not cases(word) <= wanted), "")
    return Found(found <= wanted, odd)


def capital_words(answer: str, args: CapitalWords) -> Found:
    count = sum(is_capital(word) for word in WORD.findall(unicodedata.normalize("NFC", answer)))
    return counted(count, args, "words in capitals")


def is_capital(word: str) -> bool:
    """Whether a word is capitals throughout, and has two."""
    letters = [character for character in word if character.isalpha()]
    return len(letters) > 1 and all(unicodedata.category(letter) in CAPITAL for letter in letters)


def has_case(instruction: str) -> bool:
    """Whether a text is in a script with capital and small letters."""
    return bool(cases(instruction))


def draw_capitals(rng: Random, instruction: str) -> Capitals | None:
    return Capitals() if has_case(instruction) else None


def draw_lowercase(rng: Random, instruction: str) -> Lowercase | None:
    return Lowercase() if has_case(instruction) else None


def draw_capital_words(rng: Random, instruction: str) -> CapitalWords | None:
    if not has_case(instruction):
        return None
    if rng.random() < 0.6:
        return CapitalWords(least=rng.randint(1, 5))
    return CapitalWords(most=rng.randint(2, 6))


def say_capitals(args: Capitals) -> tuple[str, ...]:
    return (
        "Write your whole answer in capital letters.",
        "Use capital letters only.",
        "YOUR ANSWER MUST BE IN CAPITAL LETTERS THROUGHOUT.",
    )


def say_lowercase(args: Lowercase) -> tuple[str, ...]:
    return (
        "Write your whole answer in lower-case letters.",
        "Use no capital letters.",
        "your answer must be in small letters throughout.",
    )


def say_capital_words(args: CapitalWords) -> tuple[str, ...]:
    said = args.say("word", "words")
    return (
        f"Write {said} of two letters or more entirely in capitals, LIKE THIS.",
        f"Your answer should have {said} in all capitals, of two letters or more.",
        f"Set {said}, each of two letters or more, in CAPITALS.",
    )


UNCASED = pattern(*CLOSED, *SHAPED, *CASED)
KINDS: tuple[Kind[Capitals] | Kind[Lowercase] | Kind[CapitalWords], ...] = (
    Kind(
        "capitals", Capitals, capitals, say_capitals, draw_capitals,
        against=frozenset({"lowercase", "capital_words"}), unsuited=UNCASED,
        example=Capitals(), keeps="IT RAINS IN ÅRHUS.",
    ),
    Kind(
        "lowercase", Lowercase, lowercase, say_lowercase, draw_lowercase,
        against=frozenset({"capital_words"}), unsuited=UNCASED,
        example=Lowercase(), keeps="it rains in århus.",
    ),
    Kind(
        "capital_words", CapitalWords, capital_words, say_capital_words, draw_capital_words, unsuited=UNCASED,
        example=CapitalWords(least=1, most=2), keeps="Please do NOT feed the birds.",
    ),
)  # fmt: skip
