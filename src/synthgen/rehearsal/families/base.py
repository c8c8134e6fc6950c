"""What a family of tasks is."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

from synthgen.rehearsal.vocabulary import dressed

Kind = Literal["number", "logic", "text", "label", "fact", "code", "writing"]


@dataclass(frozen=True, slots=True)
class Solution:
    """What a solver makes of a task."""

    right: str
    wrong: tuple[str, ...] = ()
    """Plausible wrong outcomes, the likeliest first."""
    required: tuple[str, ...] = ()
    """For writing: what the text must mention, in place of one right outcome."""


def nothing(_found: re.Match[str], _rng: Random, _label: str) -> str:
    """No input."""
    return ""


@dataclass(frozen=True, slots=True)
class Family:
    """One family: it writes tasks, finds its own again in any text, writes their inputs and solves them."""

    name: str
    category: str
    kind: Kind
    core: Callable[[Random], str]
    """The sentence that carries the task."""
    pattern: re.Pattern[str]
    """Finds the core, wherever it stands."""
    solve: Callable[[re.Match[str], str], Solution]
    """Of the core and the input."""
    difficulty: float = 0.5
    """On the scale of the skills; an item adds its own."""
    labels: tuple[str, ...] = ()
    given: Callable[[re.Match[str], Random, str], str] = nothing
    """An input for a core; for labelling families, one of the label that is named."""
    language: str = "en"
    proposed: bool = True
    """Whether proposals take it; the others are for items with a known answer."""

    def write(self, rng: Random) -> str:
        """One instruction, in one line."""
        return dressed(self.core(rng), rng) if self.language == "en" else self.core(rng)

    def recognise(self, text: str) -> re.Match[str] | None:
        """The core in a text, or None."""
        return self.pattern.search(text)


def distinct(right: str, *wrong: object) -> Solution:
    """A solution whose wrong outcomes differ from the right one and from each other."""
    found = tuple(text for text in dict.fromkeys(str(one) for one in wrong) if text != right)
    return Solution(right, found or (f"not {right}",))
