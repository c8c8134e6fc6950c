"""Find text of the strategy prompts in other text: whole sentences, and runs of eight words."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from synthgen.text.tokens import sentences, words

RUN = 8
"""Words in a row that are no coincidence."""
SHORTEST_SENTENCE = 4
"""Words of the shortest sentence that counts as a whole."""


PARTS = bytes(ord(chr(byte).lower()) if byte < 128 and chr(byte).isalnum() else ord(" ") for byte in range(256))
"""Byte to itself in lower case where it is an ASCII letter or digit, and to a space."""


class Looked(NamedTuple):
    """What a text was found to hold."""

    quotations: Sequence[tuple[str, ...]]
    """In order."""
    windows: int
    """Runs of eight words that were compared; none in a text that is too short to quote anything."""


NOTHING = Looked((), 0)


class Leaks:
    """What no answer and no dataset row may quote. Case, punctuation and line ends do not hide a quotation."""

    def __init__(self, prompts: Mapping[str, str]) -> None:
        runs = {run for prompt in prompts.values() for run in windows(words(prompt), RUN)}
        short = {
            tuple(spoken)
            for prompt in prompts.values()
            for sentence in sentences(prompt)
            if SHORTEST_SENTENCE <= len(spoken := words(sentence)) < RUN
        }
        self.prompts = len(prompts)
        self._runs = frozenset(runs | short)
        self._begin = frozenset(run[:2] for run in self._runs)
        self._pairs = frozenset(next(pairwise(parts(run))) for run in map(" ".join, self._runs) if run.isascii())
        """With what each begins, where words are parted at every sign: an ASCII text that has none of these has no run either."""
        self._lengths = sorted({len(run) for run in self._runs})
        self._least = min((sum(map(len, run)) for run in self._runs), default=0)
        self.look = lru_cache(maxsize=64)(self._look)
        """Remembers some: every row has the same system message."""

    def __len__(self) -> int:
        """How many runs and short sentences are looked for."""
        return len(self._runs)

    def find(self, text: str, allowed: str = "") -> str | None:
        """The first quotation in a text, or None. What also stands in `allowed`, the task itself, is no quotation."""
        quoted = self.look(text).quotations
        if not quoted:
            return None
        return next((" ".join(run) for run in quoted if run not in windows(words(allowed), len(run))), None)

    def _look(self, text: str) -> Looked:
        """Every quotation in a text."""
        if not self._runs or (text.isascii() and (len(text) < self._least or text.isalnum())):
            return NOTHING  # too short, or one word: most strings of a row are ids
        if text.isascii() and self._pairs.isdisjoint(pairwise(told := parts(text))):
            return Looked((), max(0, len(told) - RUN + 1))  # a third of what it takes to split text into words
        spoken = words(text)
        compared = max(0, len(spoken) - RUN + 1)
        if self._begin.isdisjoint(pairwise(spoken)):
            return Looked((), compared)
        starts = (start for start, two in enumerate(pairwise(spoken)) if two in self._begin)
        runs = (tuple(spoken[start : start + length]) for start in starts for length in self._lengths)
        return Looked([run for run in runs if run in self._runs], compared)


def parts(text: str) -> list[bytes]:
    """Runs of ASCII letters and digits: the words of ASCII text, but for signs in and around them."""
    return text.encode().translate(PARTS).split()


def windows(tokens: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    """Every run of `length` tokens."""
    return zip(*(tokens[start:] for start in range(length)), strict=False)
