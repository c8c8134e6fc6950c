"""What every kind of constraint is made of: arguments, a check, phrasings, a draw."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Generic, Self, TypeVar

from pydantic import Field, model_validator

from synthgen.checks.found import Found
from synthgen.records import Record
from synthgen.text.tokens import words

ArgsT = TypeVar("ArgsT", bound=Record)
NEVER = re.compile(r"(?!)")


@dataclass(frozen=True, slots=True)
class Kind(Generic[ArgsT]):
    """A kind of constraint on the form of an answer."""

    name: str
    args: type[ArgsT]
    """Its arguments."""
    find: Callable[[str, ArgsT], Found]
    """Whether an answer, which has a word or a sign in it, keeps the constraint."""
    phrasings: Callable[[ArgsT], tuple[str, ...]]
    """Sentences that ask for it, each of which names the arguments."""
    draw: Callable[[Random, str], ArgsT | None]
    """Arguments for an instruction, or None where they would contradict it."""
    example: ArgsT
    keeps: str
    """An answer that keeps the example."""
    against: frozenset[str] = frozenset()
    """Kinds that contradict it, or may. It is enough that one of two names the other."""
    unsuited: re.Pattern[str] = NEVER
    """Found in instructions that say something of this kind themselves, or whose answers cannot keep it."""

    def check(self, answer: str, args: ArgsT) -> Found:
        """Whether an answer keeps the constraint; an empty one keeps none."""
        return self.find(answer, args) if answer.strip() else Found(False, "empty")

    def drawn(self, rng: Random, instruction: str) -> ArgsT | None:
        """Arguments that suit an instruction, or None."""
        return None if self.unsuited.search(instruction) else self.draw(rng, instruction)


class Bounds(Record):
    """How many; at least one of the two is given."""

    least: int | None = Field(default=None, ge=1)
    """The fewest there may be."""
    most: int | None = Field(default=None, ge=0)
    """The most there may be."""

    @model_validator(mode="after")
    def _sane(self) -> Self:
        if self.least is None and self.most is None:
            raise ValueError("least or most is needed")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("least is more than most")
        return self

    def holds(self, count: int) -> bool:
        """Whether a number lies within."""
        return (self.least is None or count >= self.least) and (self.most is None or count <= self.most)

    def say(self, one: str, many: str) -> str:
        """`at least 3 words`."""
        if self.least == self.most:
            return f"exactly {self.least} {one if self.least == 1 else many}"
        if self.least is None:
            return f"at most {self.most} {one if self.most == 1 else many}"
        if self.most is None:
            return f"at least {self.least} {one if self.least == 1 else many}"
        return f"between {self.least} and {self.most} {many}"


def counted(count: int, bounds: Bounds, many: str) -> Found:
    """What is found where something is counted."""
    return Found(bounds.holds(count), f"{count} {many}")


def quoted(texts: tuple[str, ...]) -> str:
    """`"a", "b" and "c"`."""
    said = [f'"{text}"' for text in texts]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def plural(count: int, one: str, many: str) -> str:
    """`1 word`, `2 words`."""
    return f"{count} {one if count == 1 else many}"


def occurrences(of: str, text: str) -> int:
    """How often the words of one text stand in another in a row, in any case; those counted do not overlap."""
    wanted, all_words = parts(of), parts(text)
    size, first, found, at = len(wanted), wanted[0], 0, 0
    while at <= len(all_words) - size:
        if all_words[at] == first and all_words[at : at + size] == wanted:
            found += 1
            at += size
        else:
            at += 1
    return found


def parts(text: str) -> list[str]:
    """The words of a text, cut at apostrophes too: there is an été in l'été."""
    return words(text.replace("’", "'").replace("'", " "))


def has_word(text: str) -> str:
    """A text, refused where no word stands in it. For arguments."""
    if not parts(text):
        raise ValueError(f'there is no word in "{text}"')
    return text


def pattern(*names: str) -> re.Pattern[str]:
    """Any of some words, as whole words in any case."""
    return re.compile(rf"\b(?:{'|'.join(names)})\b", re.IGNORECASE)


CLOSED = (
    "only",
    "exactly",
    "classify",
    "labels?",
    "true or false",
    "yes or no",
    "which of",
    "one word",
    "single word",
    "nothing else",
    "multiple choice",
)
"""Words of instructions that leave no room in the answer."""
SHAPED = (
    "json",
    "csv",
    "xml",
    "ya?ml",
    "html",
    "latex",
    "markdown",
    "tables?",
    "code",
    "functions?",
    "programs?",
    "scripts?",
    "sql",
    "query",
    "python",
    "javascript",
    "java",
    "regex",
    "regular expression",
    "format\\w*",
)
"""Words of instructions whose answers have a form of their own."""
SIZED = (
    "words?",
    "sentences?",
    "paragraphs?",
    "lines?",
    "characters?",
    "brief\\w*",
    "short\\w*",
    "concise\\w*",
    "long\\w*",
    "haiku",
    "limerick",
    "sonnet",
    "tweet",
    "headline",
    "slogan",
    "summar\\w+",
    "title",
)
"""Words of instructions that say how long the answer should be."""
LISTED = ("lists?", "listing", "bullets?", "bulleted", "numbered", "steps?", "points?", "items?", "outline", "poems?")
"""Words of instructions that say what the answer is divided into."""
CASED = ("capital\\w*", "upper-?case", "lower-?case", "case", "capitali[sz]e\\w*", "acronyms?", "spell\\w*")
LANGUAGES = (
    "translat\\w+",
    "languages?",
    "english",
    "german",
    "french",
    "spanish",
    "italian",
    "portuguese",
    "dutch",
    "russian",
    "chinese",
    "japanese",
    "korean",
    "arabic",
    "hindi",
    "latin",
    "polish",
    "turkish",
)
"""Words of instructions that are about a language."""
