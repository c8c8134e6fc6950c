"""Duplicates that ROUGE-L passes: the same words in another order, or misspelt.

Two texts are alike where rapidfuzz's ratio or token_sort_ratio of their normalised forms reaches a threshold, that is,
where their Indel distance in characters, as they stand or with sorted words, is at most (1 - threshold) of their lengths.
So only texts of about the same length are looked at; and since both forms of a text have the same characters, one count of
characters refuses nearly every pair of those unread, and never one that would pass.
"""

import re
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from math import log
from typing import TYPE_CHECKING

from rapidfuzz import process
from rapidfuzz.distance import Indel

from synthgen.records import Nearest
from synthgen.text.tokens import ALONE, normalised

if TYPE_CHECKING:
    from synthgen.text.index import Codes

SMALL = 500
"""Texts from which characters are counted before anything is compared."""
BUCKETS = 32
MOST = 0xFF
"""Characters that a bucket counts; of longer texts fewer are refused unread."""
ROUNDING = 1e-9
"""By how much a similarity may miss the threshold: 0.9 of an exact tenth is reached, whatever its floats."""
CUTOFF_ROUNDING = 1e-5
"""What rapidfuzz loses where it turns a cutoff into a distance; a wider net changes no result."""
LEVELS = (1, 2, 3, 5, 7, 10, 15, 23)
"""Counts from which a bucket's bits are set, eight to a bucket: two codes differ in no more bits than the counts differ by."""
UNSPACED = re.compile(rf"(?<=[{ALONE}]) (?=[{ALONE}])")


class Fuzzy:
    """Texts by id, in the order added."""

    def __init__(self, threshold: float, small: int = SMALL) -> None:
        if not 0 < threshold <= 1:
            raise ValueError(f"a threshold lies in (0, 1], {threshold} does not")
        self.threshold = threshold
        self._small = small
        self._ids: list[str] = []
        self._plain: list[str] = []
        self._sorted: list[str] = []
        self._classes: dict[int, Codes] | None = None
        """Counted texts by the class of their length, once there are enough of them."""

    def add(self, identity: str, text: str) -> None:
        """Take a text into the pool."""
        plain, ordered = forms(text)
        self._ids.append(identity)
        self._plain.append(plain)
        self._sorted.append(ordered)
        if self._classes is not None:
            self._count(len(self._ids) - 1)

    def nearest(self, text: str) -> Nearest | None:
        """The most similar text if it reaches the threshold, the earliest of equals; None for none."""
        plain, ordered = forms(text)
        if not plain:
            return None
        if len(self._ids) < self._small:
            return self._best(plain, ordered, self._plain, self._sorted, None)
        places = self._candidates(plain)
        return self._best(
            plain, ordered, [self._plain[at] for at in places], [self._sorted[at] for at in places], places
        )

    def _best(
        self, plain: str, ordered: str, pool: list[str], pool_sorted: list[str], places: list[int] | None
    ) -> Nearest | None:
        """The best of both forms over a list of texts, whose positions are `places`, or all."""
        found = [
            process.extractOne(
                query,
                texts,
                scorer=Indel.normalized_similarity,
                processor=None,
                score_cutoff=max(0.0, self.threshold - CUTOFF_ROUNDING),
            )
            for query, texts in ((plain, pool), (ordered, pool_sorted))
        ]
        best = max(((one[1], -one[2]) for one in found if one and one[1] >= self.threshold - ROUNDING), default=None)
        if best is None:
            return None
        score, position = best[0], -best[1]
        return Nearest(self._ids[position if places is None else places[position]], score)

    def _candidates(self, plain: str) -> list[int]:
        """Positions of the texts that cannot be refused by their characters, in order."""
        if self._classes is None:
            self._classes = {}
            for position in range(len(self._ids)):
                self._count(position)
        counts, share = count(plain), 1 - self.threshold
        widest = len(plain) * (1 + share) / (1 - share) if share < 1 else float(len(plain) << 32)
        first, last = length_class(len(plain) ** 2 / widest) - 1, length_class(widest) + 1  # one more for rounding
        classes = [held for number, held in self._classes.items() if first <= number <= last]
        return sorted(position for held in classes for position in held.within(code(counts), counts, len(plain), share))

    def _count(self, position: int) -> None:
        """Note the characters of one text of the pool."""
        from synthgen.text.index import Codes

        plain = self._plain[position]
        if plain and self._classes is not None:
            counts = count(plain)
            held = self._classes.setdefault(length_class(len(plain)), Codes(BUCKETS))
            held.add(position, code(counts), counts, len(plain))


def length_class(size: float) -> int:
    """Lengths within a tenth of each other are one class."""
    return int(log(max(size, 1), 1.1))


def forms(text: str) -> tuple[str, str]:
    """A text normalised, and the same with its words in order. Characters of scripts without spaces stand together."""
    plain = UNSPACED.sub("", normalised(text))
    return plain, " ".join(sorted(plain.split(" ")))


def count(plain: str) -> list[int]:
    """How many characters fall into each bucket."""
    counts = [0] * BUCKETS
    for character in set(plain):
        bucket = ord(character) % BUCKETS if character.isascii() else zlib.crc32(character.encode()) % BUCKETS
        counts[bucket] += plain.count(character)
    return [min(number, MOST) for number in counts]


def code(counts: Sequence[int]) -> list[int]:
    """The counts in 256 bits: of each bucket's eight as many are set as it has reached LEVELS."""
    words = [0] * 4
    for bucket, number in enumerate(counts):
        words[bucket // 8] |= ((1 << bisect_right(LEVELS, number)) - 1) << (8 * (bucket % 8))
    return words
