"""A pool of texts, and what of it is like a new one, in ROUGE-L. Exact, in three ways that agree.

Small pools are scanned by rapidfuzz, which needs no warming up; from SMALL texts on the compiled index takes over
(docs/decisions/0007-novelty.md). The textbook is `rouge.lcs_textbook`.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from rapidfuzz import process
from rapidfuzz.distance import Indel

from synthgen.records import Nearest
from synthgen.text.rouge import rouge_l

if TYPE_CHECKING:
    from synthgen.text.index import Index

SMALL = 2000
"""Texts from which the index is faster than the scan, its loading included."""
UNSEEN = 0
"""Number, in a query, of every token that no text of the pool has: it can match nothing."""
FIRST_CODE = 0x100
SURROGATES = range(0xD800, 0xE000)
ROUNDING = 1e-5
"""More than what rapidfuzz loses where it turns a similarity into a cutoff; a wider net changes no result."""


class Scan:
    """Every text as a string with one character for each token, so that the compiled scan compares tokens.

    Indel's normalized similarity of two such strings is 2 * LCS / (m + n), ROUGE-L's F1 up to rounding; of all texts that
    come that near to the best the score is then computed in the reference's order of floats, which tells equal fractions apart.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []

    def add(self, text: Sequence[int]) -> None:
        """Take a text into the pool."""
        self.texts.append(coded(text))

    def nearest(self, text: Sequence[int], least: float = 0.0) -> tuple[float, int]:
        """(score, position) of the most similar text, the earliest of equals; (0, 0) where nothing comes up to `least`."""
        query, cutoff = coded(text), max(0.0, least - ROUNDING)
        best = process.extractOne(
            query, self.texts, scorer=Indel.normalized_similarity, processor=None, score_cutoff=cutoff
        )
        if not query or best is None or not best[1]:
            return 0.0, 0
        near = process.extract(
            query,
            self.texts,
            scorer=Indel.normalized_similarity,
            processor=None,
            score_cutoff=max(0.0, best[1] - ROUNDING),
            limit=None,
        )
        score, before = max((rouge_l(self.texts[position], query), -position) for _, _, position in near)
        return score, -before

    def top(self, text: Sequence[int], count: int) -> list[tuple[float, int]]:
        """(score, position) of the most similar texts with a score above 0, best first, the earliest of equals."""
        query = coded(text)
        scores = ((rouge_l(other, query), position) for position, other in enumerate(self.texts))
        return sorted((one for one in scores if one[0]), key=lambda one: (-one[0], one[1]))[:count]


def coded(text: Sequence[int]) -> str:
    """One character for each token number, no surrogate among them."""
    return "".join(
        chr(number + FIRST_CODE + (len(SURROGATES) if number + FIRST_CODE >= SURROGATES.start else 0))
        for number in text
    )


class Novelty:
    """Texts by id, in the order added. A text is a near-duplicate where its F1 with one of them is above the threshold."""

    def __init__(self, tokenize: Callable[[str], list[str]], threshold: float, small: int = SMALL) -> None:
        self.tokenize = tokenize
        self.threshold = threshold
        self._small = small
        self._numbers: dict[str, int] = {}
        self._ids: list[str] = []
        self._held: list[list[int]] = []
        """The texts of a small pool."""
        self._scan = Scan()
        self._index: Index | None = None

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def nbytes(self) -> int:
        """Bytes of the index's arrays; 0 for a pool that is scanned. Ids and the vocabulary are Python's."""
        return self._index.nbytes if self._index is not None else 0

    def add(self, identity: str, text: str) -> None:
        """Take a text into the pool."""
        numbers = self._known(text)
        if self._index is None and len(self) < self._small:
            self._held.append(numbers)
            self._scan.add(numbers)
        else:
            self._compiled().add(numbers)
        self._ids.append(identity)

    def nearest(self, text: str) -> Nearest | None:
        """The most similar text of the pool, the earliest of equals; None in an empty pool."""
        if not self._ids:
            return None
        query = self._asked(text)
        if self._index is None:
            score, position = self._scan.nearest(query)
        else:
            score, position = next(iter(self._index.top(query, 1)), (0.0, 0))
        return Nearest(self._ids[position], score)

    def above(self, text: str) -> Nearest | None:
        """The most similar text if its score is above the threshold; much faster than `nearest` in a large pool."""
        if self._index is None:
            score, position = self._scan.nearest(self._asked(text), self.threshold)
            return self._named(score, position) if score > self.threshold else None
        return self._named(*self._index.above(self._asked(text)))

    def top(self, text: str, count: int) -> list[Nearest]:
        """The most similar texts with a score above 0, best first, the earliest of equals; `count` at most."""
        query = self._asked(text)
        found = self._scan.top(query, count) if self._index is None else self._index.top(query, count)
        return [Nearest(self._ids[position], score) for score, position in found]

    def decide(self, batch: Sequence[tuple[str, str]], enter: Sequence[bool] | None = None) -> list[Nearest | None]:
        """What is above the threshold for each (id, text), as if they came one by one: the texts of None enter the pool.

        Where `enter` is False a text is compared and does not enter.
        """
        from synthgen.text.index import KEEP_NONE, KEEP_NOVEL

        wanted = [True] * len(batch) if enter is None else enter
        scores, places = self._decided(
            [self._known(text) for _, text in batch], [KEEP_NOVEL if may else KEEP_NONE for may in wanted]
        )
        chosen = zip(batch, wanted, places, strict=True)
        self._ids.extend(identity for (identity, _), may, place in chosen if may and place < 0)
        return [self._named(score, place) for score, place in zip(scores, places, strict=True)]

    def repeats(self, batch: Sequence[tuple[str, str]], enter: Sequence[bool]) -> list[bool]:
        """Whether anything is above the threshold for each (id, text), those of `enter` entering all the same."""
        from synthgen.text.index import KEEP_ALL, KEEP_NONE

        numbers, keep = [], []
        for (identity, text), enters in zip(batch, enter, strict=True):
            known = self._known(text)
            # What is taken in unasked is not compared, so it is given twice.
            numbers += [known, known] if enters else [known]
            keep += [KEEP_NONE, KEEP_ALL] if enters else [KEEP_NONE]
            if enters:
                self._ids.append(identity)
        _, places = self._decided(numbers, keep)
        return [place >= 0 for place, kept in zip(places, keep, strict=True) if kept == KEEP_NONE]

    def _decided(self, numbers: Sequence[Sequence[int]], keep: Sequence[int]) -> tuple[list[float], list[int]]:
        """Scores and positions of what is above the threshold for each text, which the index takes in as its `keep` says."""
        import numpy as np

        flat = np.fromiter(chain.from_iterable(numbers), np.int32)
        ends = np.cumsum([len(one) for one in numbers], dtype=np.int64)
        scores, places = self._compiled().decide(flat, ends, np.array(keep, np.int8))
        return scores.tolist(), places.tolist()

    def save(self, path: Path) -> None:
        """Write the pool: texts as token numbers, tokens, ids. `Novelty.open` reads it without the texts themselves."""
        self._compiled().save(path, list(self._numbers), self._ids)

    @classmethod
    def open(cls, path: Path, tokenize: Callable[[str], list[str]]) -> "Novelty":
        """The pool that `save` wrote, for the same tokenizer. Raises OSError, KeyError or ValueError for another file."""
        from synthgen.text.index import Index

        index, tokens, ids = Index.open(path)
        pool = cls(tokenize, index.threshold)
        pool._index, pool._ids = index, ids
        pool._numbers = {token: number for number, token in enumerate(tokens, start=UNSEEN + 1)}
        return pool

    def _compiled(self) -> "Index":
        """The index, with what the scan held so far."""
        if self._index is None:
            from synthgen.text.index import Index  # loads numba

            self._index = Index(self.threshold)
            for numbers in self._held:
                self._index.add(numbers)
            self._held, self._scan = [], Scan()
        return self._index

    def _known(self, text: str) -> list[int]:
        """The numbers of a text's tokens; a new token gets the next one."""
        known = self._numbers
        return [known.setdefault(token, len(known) + UNSEEN + 1) for token in self.tokenize(text)]

    def _asked(self, text: str) -> list[int]:
        """The numbers of a query's tokens: asking does not grow the vocabulary."""
        return [self._numbers.get(token, UNSEEN) for token in self.tokenize(text)]

    def _named(self, score: float, position: int) -> Nearest | None:
        return Nearest(self._ids[position], score) if position >= 0 else None
