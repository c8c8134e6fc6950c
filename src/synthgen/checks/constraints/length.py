"""How long an answer is, in words, sentences and paragraphs, and how a paragraph begins."""

import re
from random import Random
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from synthgen.checks.constraints.kind import (
    CLOSED,
    LISTED,
    SHAPED,
    SIZED,
    Bounds,
    Kind,
    counted,
    has_word,
    pattern,
    plural,
)
from synthgen.checks.constraints.markdown import DECORATION, HEADING, RULE, divided, first_words, paragraphs, prose
from synthgen.checks.found import Found
from synthgen.records import Record
from synthgen.text.tokens import ALONE, word_count, words

END = re.compile(
    r"(?<![.!?…])[.!?…]++(?P<close>[\"'”’»)\]*_]*+)(?=\s|$)|[。！？｡।॥۔։።]++(?P<other>[”」』）]*+)|؟++(?=\s|$)"
)
"""Where a sentence may end."""
MARKER = re.compile(r"\s*(?:[-*+•]\s+|\(?\d{1,3}[.)]\s+|\(?[A-Za-z][.)]\s+|#{1,6}\s+|>\s*)*")
"""What stands before the text of a line."""
TITLES = frozenset(
    "mr mrs ms dr prof st mt sen rep gen col capt lt sgt rev hon fr hr bzw ca vgl nr no fig vs e.g i.e cf z.b d.h".split()
)
"""Abbreviations after which a sentence goes on."""
SHORTENED = frozenset("etc inc ltd co corp jr sr dept approx est p.m a.m u.s u.k u.n ph.d usw al op vol pp ed".split())
"""Abbreviations after which a sentence may end."""
BEGINNINGS = ("first", "today", "consider", "although", "nobody", "most", "imagine", "sometimes", "without", "after")
RULED = "***"
UNSPACED = re.compile(f"[{ALONE}]")
"""A letter of a script without spaces, where people do not agree on what a word is."""


class WordBounds(Bounds):
    """The answer has a number of words; in scripts without spaces, of characters."""


class SentenceBounds(Bounds):
    """The answer has a number of sentences; a line end ends one too."""


class Paragraphs(Record):
    """The answer has an exact number of paragraphs."""

    count: int = Field(ge=1)
    """How many."""
    divider: str = ""
    """The line that stands between two of them; a blank line where it is left out."""


class Start(Record):
    """One paragraph begins with a word; blank lines part the paragraphs."""

    paragraphs: int = Field(ge=1)
    """How many there are."""
    number: int = Field(ge=1)
    """Which one, from 1."""
    word: Annotated[str, AfterValidator(has_word)]
    """Its first word, in any case."""

    @model_validator(mode="after")
    def _sane(self) -> Self:
        if self.number > self.paragraphs:
            raise ValueError("number is more than paragraphs")
        return self


def how_many_words(answer: str, args: WordBounds) -> Found:
    return counted(word_count(answer), args, "words")


def how_many_sentences(answer: str, args: SentenceBounds) -> Found:
    count = sum(sentence_count(line) for line in prose(answer) if not RULE.fullmatch(line))
    return counted(count, args, "sentences")


def sentence_count(line: str) -> int:
    """How many sentences stand on a line."""
    text = line[match.end() :] if (match := MARKER.match(line)) else line
    count = start = 0
    for end in END.finditer(text):
        if goes_on(text, end):
            continue
        count += has_letters(text[start : end.start()])
        start = end.end()
    return count + has_letters(text[start:])


def has_letters(text: str) -> bool:
    """Whether a letter or a digit stands in a text."""
    return any(character.isalnum() for character in text)


def goes_on(text: str, end: re.Match[str]) -> bool:
    """Whether a sentence goes on after what may be its end: after an abbreviation, an ellipsis or a quotation within it."""
    following = text[end.end() : end.end() + 10].lstrip()[:1]
    if end["other"] is not None or not following:
        return False
    before = text[max(0, end.start() - 12) : end.start()].rsplit(maxsplit=1)
    word = before[-1].lstrip("(\"'“") if before and not text[end.start() - 1].isspace() else ""
    if end[0] == ".":
        initial = len(word) == 1 and word.isupper() and word != "I" and following.isupper()
        return word.lower() in TITLES or initial or (word.lower() in SHORTENED and not following.isupper())
    unsure = bool(end["close"]) or "…" in end[0] or ".." in end[0]
    return unsure and following.islower()


def how_many_paragraphs(answer: str, args: Paragraphs) -> Found:
    if not args.divider:
        count = len(paragraphs(answer))
        return Found(count == args.count, f"{count} paragraphs")
    parts = divided(answer.strip(), args.divider)
    while len(parts) > 1 and not parts[-1].strip():
        parts.pop()
    filled = all(words(part) for part in parts)
    return Found(
        filled and len(parts) == args.count, f"{len(parts)} paragraphs{'' if filled else ', one of them empty'}"
    )


def paragraph_start(answer: str, args: Start) -> Found:
    found = paragraphs(answer)
    if len(found) != args.paragraphs:
        return Found(False, f"{len(found)} paragraphs")
    lines = [line for line in found[args.number - 1].splitlines() if not HEADING.match(line)]
    wanted = words(args.word)
    first = first_words("\n".join(lines).lstrip(DECORATION))[: len(wanted)]
    return Found(first == wanted, f"begins with {' '.join(first)}")


def draw_words(rng: Random, instruction: str) -> WordBounds | None:
    if UNSPACED.search(instruction):
        return None
    if rng.random() < 0.5:
        return WordBounds(least=10 * rng.randint(5, 20))
    return WordBounds(most=10 * rng.randint(12, 30))


def draw_sentences(rng: Random, instruction: str) -> SentenceBounds:
    if rng.random() < 0.5:
        return SentenceBounds(least=rng.randint(3, 6))
    return SentenceBounds(most=rng.randint(10, 15))


def draw_paragraphs(rng: Random, instruction: str) -> Paragraphs:
    return Paragraphs(count=rng.randint(2, 5), divider=rng.choice(["", RULED]))


def draw_start(rng: Random, instruction: str) -> Start:
    count = rng.randint(2, 4)
    return Start(paragraphs=count, number=rng.randint(1, count), word=rng.choice(BEGINNINGS))


def say_words(args: WordBounds) -> tuple[str, ...]:
    said = args.say("word", "words")
    return (f"Write {said}.", f"Your answer should have {said}.", f"Keep to {said}.")


def say_sentences(args: SentenceBounds) -> tuple[str, ...]:
    said = args.say("sentence", "sentences")
    return (f"Write {said}.", f"Your answer should consist of {said}.", f"Answer in {said}.")


def say_paragraphs(args: Paragraphs) -> tuple[str, ...]:
    said = plural(args.count, "paragraph", "paragraphs")
    by = f"a line that holds only {args.divider}" if args.divider else "a blank line"
    return (
        f"Write exactly {said}, with {by} between one and the next.",
        f"Divide your answer into exactly {said}, parted by {by}.",
        f"Your answer must have exactly {said}; put {by} between them.",
    )


def say_start(args: Start) -> tuple[str, ...]:
    said = plural(args.paragraphs, "paragraph", "paragraphs")
    return (
        f'Write exactly {said} with a blank line between them, and begin paragraph {args.number} with the word "{args.word}".',
        f'Your answer must have exactly {said}, parted by blank lines. "{args.word}" is the first word of paragraph {args.number}.',
        f'Use exactly {said}, with blank lines between them; paragraph {args.number} starts with "{args.word}".',
    )


LAID_OUT = frozenset({"bullets", "sections", "two_answers"})
OPEN = pattern(*CLOSED, *SHAPED, *SIZED, *LISTED)
KINDS: tuple[Kind[WordBounds] | Kind[SentenceBounds] | Kind[Paragraphs] | Kind[Start], ...] = (
    Kind(
        "words", WordBounds, how_many_words, say_words, draw_words, unsuited=pattern(*CLOSED, *SHAPED, *SIZED),
        example=WordBounds(least=3, most=6), keeps="Four words are enough.",
    ),
    Kind(
        "sentences", SentenceBounds, how_many_sentences, say_sentences, draw_sentences,
        against=LAID_OUT, unsuited=OPEN,
        example=SentenceBounds(most=2), keeps="Dr. Ito left at 9.30 p.m. by train. Nobody saw her.",
    ),
    Kind(
        "paragraphs", Paragraphs, how_many_paragraphs, say_paragraphs, draw_paragraphs,
        against=LAID_OUT | {"paragraph_start", "title", "postscript"}, unsuited=OPEN,
        example=Paragraphs(count=2, divider="***"), keeps="One thought.\n***\nAnother thought.",
    ),
    Kind(
        "paragraph_start", Start, paragraph_start, say_start, draw_start,
        against=LAID_OUT | {"title", "postscript"}, unsuited=OPEN,
        example=Start(paragraphs=2, number=2, word="after"), keeps="It rained.\n\nAfter that it was quiet.",
    ),
)  # fmt: skip
