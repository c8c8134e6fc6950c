"""Duplicates that ROUGE-L passes: the same words in another order, or misspelt.

Two texts are alike where rapidfuzz's ratio or token_sort_ratio of their normalised forms reaches a threshold, that is,
where their Indel distance in characters, as they stand or with sorted words, is at most (1 - threshold) of their lengths.
So only texts of about the same length are looked at, and of those nearly all are refused unread by a count of features that
reordering leaves as they are, never one that would pass: one insertion or deletion changes one character, and three pairs of
neighbouring characters, at most.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import ceil, floor, log
from typing import TYPE_CHECKING

from rapidfuzz import process
from rapidfuzz.distance import Indel

from synthgen.records import Nearest
from synthgen.text.tokens import ALONE

if TYPE_CHECKING:
    from synthgen.text.profiles import Counts

SMALL = 500
"""Texts from which features are counted before anything is compared."""
LONG = 400
"""Characters from which pairs are counted: of long texts all have about the same characters."""
LONGEST = 4_000
"""Characters of the longest text that is compared. Of longer ones no count tells two apart, and most pairs would have to be read."""
CHARACTERS, PAIRS = 32, 256
"""Buckets that characters and pairs fall into."""
CHANGED_PAIRS = 3
"""Pairs of neighbouring characters that one insertion or deletion takes away or brings, at most."""
ROUNDING = 1e-9
"""By how much a similarity may miss the threshold: 0.9 of an exact tenth is reached, whatever its floats."""
CUTOFF_ROUNDING = 1e-5
"""What rapidfuzz loses where it turns a cutoff into a distance; a wider net changes no result."""
UNSPACED = re.compile(rf"(?<=[{ALONE}]) (?=[{ALONE}])")


@dataclass(frozen=True, slots=True)
class Alike:
    """What a text of a batch is like."""

    pool: Nearest | None
    """The most similar text of the pool, the earliest of equals."""
    batch: Sequence[tuple[float, int]]
    """(score, number) of the texts before it in the batch, best first, the earliest of equals."""


class Fuzzy:
    """Texts by id, in the order added. Every text is given as `tokens.normalised` has it."""

    def __init__(self, threshold: float, small: int = SMALL) -> None:
        if not 0 < threshold <= 1:
            raise ValueError(f"a threshold lies in (0, 1], {threshold} does not")
        self.threshold = threshold
        self._small = small
        self._ids: list[str] = []
        self._plain: list[str] = []
        self._sorted: list[str] = []
        self._counted: Counted | None = None
        """The features of the pool, once it is large enough."""

    def add(self, identity: str, text: str) -> None:
        """Take a text into the pool."""
        self.extend([(identity, text)])

    def extend(self, texts: Iterable[tuple[str, str]]) -> None:
        """Take (id, text) pairs into the pool."""
        first = len(self._ids)
        for identity, text in texts:
            plain, ordered = forms(text)
            self._ids.append(identity)
            self._plain.append(plain if fits(len(plain)) else "")  # which is like nothing
            self._sorted.append(ordered if fits(len(plain)) else "")
        if self._counted is not None:
            self._counted.extend(self._plain[first:])

    def nearest(self, text: str) -> Nearest | None:
        """The most similar text if it reaches the threshold, the earliest of equals; None for none."""
        plain, ordered = forms(text)
        if not fits(len(plain)):
            return None
        if len(self._ids) < self._small:
            return self._scanned(plain, ordered)
        (positions,) = self._grown().near([plain])
        return self._best(plain, ordered, positions)

    def alike(self, texts: Sequence[str]) -> list[Alike]:
        """What each text is like: of the pool, and of the texts before it."""
        both = [forms(text) for text in texts]
        plain = [one for one, _ in both]
        among = Counted(self.threshold)
        among.extend(plain)
        found = []
        near = zip(both, self._grown().near(plain), among.near(plain), strict=True)
        for number, ((mine, ordered), positions, earlier) in enumerate(near):
            scores = ((self._score(mine, ordered, *both[other]), other) for other in earlier if other < number)
            batch = sorted((one for one in scores if one[0]), key=lambda one: (-one[0], one[1]))
            found.append(Alike(self._best(mine, ordered, positions), batch))
        return found

    def repeats(self, texts: Sequence[tuple[str, str]], enter: Sequence[bool]) -> list[bool]:
        """Whether each (id, text) is like one of the pool or one before it that enters; those of `enter` enter all the same."""
        both = [forms(text) for _, text in texts]
        plain = [one for one, _ in both]
        among = Counted(self.threshold)
        among.extend(plain)
        found = []
        near = zip(both, self._grown().near(plain), among.near(plain), strict=True)
        for number, (mine, positions, earlier) in enumerate(near):
            held = ((self._plain[at], self._sorted[at]) for at in positions)
            before = (both[other] for other in earlier if other < number and enter[other])
            found.append(any(self._score(*mine, *other) for other in chain(before, held)))
        self.extend(one for one, enters in zip(texts, enter, strict=True) if enters)
        return found

    def _scanned(self, plain: str, ordered: str) -> Nearest | None:
        """The best of both forms over the whole pool."""
        found = [
            process.extractOne(
                query,
                texts,
                scorer=Indel.normalized_similarity,
                processor=None,
                score_cutoff=max(0.0, self.threshold - CUTOFF_ROUNDING),
            )
            for query, texts in ((plain, self._plain), (ordered, self._sorted))
        ]
        best = max(((one[1], -one[2]) for one in found if one and one[1] >= self.threshold - ROUNDING), default=None)
        return Nearest(self._ids[-best[1]], best[0]) if best else None

    def _best(self, plain: str, ordered: str, positions: Sequence[int]) -> Nearest | None:
        """The best of some texts of the pool."""
        scores = ((self._score(plain, ordered, self._plain[at], self._sorted[at]), -at) for at in positions)
        best = max(scores, default=(0.0, 0))
        return Nearest(self._ids[-best[1]], best[0]) if best[0] else None

    def _score(self, plain: str, ordered: str, other: str, other_ordered: str) -> float:
        """The similarity of two texts; 0 where it does not reach the threshold."""
        cutoff = max(0.0, self.threshold - CUTOFF_ROUNDING)
        score = max(
            Indel.normalized_similarity(plain, other, score_cutoff=cutoff),
            Indel.normalized_similarity(ordered, other_ordered, score_cutoff=cutoff),
        )
        return score if score >= self.threshold - ROUNDING else 0.0

    def _grown(self) -> "Counted":
        """The features of the pool."""
        if self._counted is None:
            self._counted = Counted(self.threshold)
            self._counted.extend(self._plain)
        return self._counted


class Counted:
    """Texts by position, and which of them may be within the distance of another: a few that are not, none that is left out."""

    def __init__(self, threshold: float) -> None:
        from synthgen.text.profiles import Profiles

        self._share = 1 - threshold
        self._held = 0
        self._short: Profiles = Profiles(CHARACTERS)
        self._long: Profiles = Profiles(PAIRS)

    def extend(self, texts: Sequence[str]) -> None:
        """Take texts in, those that are compared at all."""
        for long, index in ((False, self._short), (True, self._long)):
            numbers = [number for number, text in enumerate(texts) if fits(len(text)) and (len(text) >= LONG) == long]
            if not numbers:
                continue
            for number, counts in zip(numbers, counted([texts[number] for number in numbers], long=long), strict=True):
                size = len(texts[number])
                index.add(self._held + number, counts, size, length_class(size))
        self._held += len(texts)

    def near(self, texts: Sequence[str]) -> list[list[int]]:
        """Of each text the positions, in order, of what may be within the distance of it."""
        bounds = [self._bounds(len(text)) for text in texts]
        fit = [number for number, text in enumerate(texts) if fits(len(text))]
        short = [number for number in fit if bounds[number][0] < LONG]
        long = [number for number in fit if bounds[number][1] >= LONG]
        found: list[list[int]] = [[] for _ in texts]
        for number, position in self._within(texts, bounds, short, long=False):
            found[number].append(position)
        for number, position in self._within(texts, bounds, long, long=True):
            found[number].append(position)
        return [sorted(positions) for positions in found]

    def _within(
        self, texts: Sequence[str], bounds: Sequence[tuple[int, int]], numbers: Sequence[int], *, long: bool
    ) -> Iterator[tuple[int, int]]:
        """(number, position) of what one kind of features does not refuse."""
        import numpy as np

        if not numbers:
            return
        counts = counted([texts[number] for number in numbers], long=long)
        sizes = np.array([len(texts[number]) for number in numbers], np.int64)
        classes = np.array([[length_class(size) for size in bounds[number]] for number in numbers], np.int64)
        index, share = (self._long, self._share * CHANGED_PAIRS) if long else (self._short, self._share)
        for place, position in index.within(counts, sizes, classes, share):
            yield numbers[place], position

    def _bounds(self, size: int) -> tuple[int, int]:
        """The lengths of the shortest and the longest text that may be near."""
        if self._share >= 1:
            return 1, LONGEST
        ratio = (1 + self._share) / (1 - self._share)
        return max(1, ceil(size / ratio - ROUNDING)), min(LONGEST, floor(size * ratio + ROUNDING))


def fits(size: int) -> bool:
    """Whether a text of so many characters is compared."""
    return 0 < size <= LONGEST


def length_class(size: int) -> int:
    """Lengths within a twentieth of each other are one class."""
    return floor(log(size, 1.05))


def forms(text: str) -> tuple[str, str]:
    """A normalised text, and the same with its words in order. Characters of scripts without spaces stand together."""
    plain = text if text.isascii() else UNSPACED.sub("", text)
    return plain, " ".join(sorted(plain.split(" ")))


def counted(texts: Sequence[str], *, long: bool) -> "Counts":
    """The features of each text, a row each, 255 of a bucket at most."""
    import numpy as np

    from synthgen.text import kernels_profiles

    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
    count = kernels_profiles.count_pairs if long else kernels_profiles.count_characters
    counts: Counts = count(codes, ends, PAIRS if long else CHARACTERS, 0xFF)
    return counts
