"""A pool of texts as arrays, and which of them are like a new one: the compiled index behind `novelty`.

A text is a sequence of token numbers, given by the caller. Memory: 4 bytes a token, 116 for each text (96 of them signatures), and
16 for each token of its prefix (about half of them at a threshold of 0.7), and 272 for each distinct token, with up to as much again
in reserve; in all 560 to 730 bytes for a text of 16 words.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from synthgen.errors import storage
from synthgen.text import kernels

Flat = NDArray[np.int32]
KEEP_NONE, KEEP_NOVEL, KEEP_ALL = 0, 1, 2
FIRST_REORDER = 256
"""Texts after which the tokens are first put in order of frequency; then whenever the pool has doubled."""
LONGEST = (1 << 31) - 1
"""Tokens that all texts of a pool may have together."""


class Index:
    """Texts by position, in the order added. `threshold` is the F1 above which a text counts as a near-duplicate."""

    def __init__(self, threshold: float) -> None:
        if not 0 < threshold <= 1:
            raise ValueError(f"a threshold lies in (0, 1], {threshold} does not")
        self.threshold = threshold
        self._state = np.zeros(4, np.int64)
        self._sizes = np.zeros(1024, np.int32)
        self._starts = np.zeros(1024, np.int64)
        self._large = np.zeros((4, 1024), np.uint64)
        self._great = np.zeros((1024, 8), np.uint64)
        self._stamp = np.zeros(1024, np.int64)
        self._tokens = np.zeros(1 << 15, np.int32)
        self._places = np.zeros(1 << 15, np.uint64)
        self._signatures = np.zeros(1 << 15, np.uint64)
        self._vocabulary(1 << 12)
        self._reorder_at = FIRST_REORDER

    def _vocabulary(self, size: int) -> None:
        self._lists = np.zeros((size * kernels.BUCKETS, 4), np.int32)  # four for the sake of alignment: one cache line
        self._rank = np.zeros(size, np.int32)
        self._slot = np.full(size, -1, np.int32)
        self._direct = np.zeros(size, np.uint64)

    def __len__(self) -> int:
        return int(self._state[0])

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(value.nbytes for value in vars(self).values() if isinstance(value, np.ndarray))

    def add(self, text: Sequence[int]) -> None:
        """Take a text into the pool."""
        self.decide(np.asarray(text, np.int32), np.array([len(text)], np.int64), np.array([KEEP_ALL], np.int8))

    def above(self, text: Sequence[int]) -> tuple[float, int]:
        """(score, position) of the most similar text above the threshold; (0, -1) for none."""
        given, end, keep = np.asarray(text, np.int32), np.array([len(text)], np.int64), np.array([KEEP_NONE], np.int8)
        scores, nearest = self.decide(given, end, keep)
        return float(scores[0]), int(nearest[0])

    def decide(
        self, flat: Flat, ends: NDArray[np.int64], keep: NDArray[np.int8]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Compare each text with everything before it, as if they came one by one, and take it in as its `keep` says.

        `flat` holds the tokens of all texts, `ends` where each ends. Scores and positions of the most similar text above
        the threshold, (0, -1) where there is none.
        """
        count = len(ends)
        scores, nearest = np.zeros(count), np.full(count, -1, np.int64)
        self._know(int(flat.max(initial=-1)) + 1)
        first = 0
        while first < count:
            # A stretch ends where the tokens are to be put in order again.
            last = min(count, first + max(1, self._reorder_at - len(self)))
            status, first = kernels.run(
                flat, ends, first, last, self.threshold, keep, self._pool, self._large, self._great, self._posted,
                self._rank, self._slot, self._direct, self._stamp, self._state, scores, nearest,
            )  # fmt: skip
            if status == kernels.GROW:
                self._grow(int(ends[first] - (ends[first - 1] if first else 0)))
            if len(self) >= self._reorder_at:
                self._reorder()
        return scores, nearest

    def top(self, text: Sequence[int], count: int) -> list[tuple[float, int]]:
        """(score, position) of the most similar texts with a score above 0, best first, the earliest of equals."""
        given = np.asarray(text, np.int32)
        self._know(int(given.max(initial=-1)) + 1)
        scores, found = np.zeros(count), np.zeros(count, np.int64)
        filled = kernels.top(
            given, self.threshold, self._pool, self._large, self._great, self._posted,
            self._rank, self._slot, self._direct, self._stamp, self._state, scores, found,
        )  # fmt: skip
        return [(float(scores[at]), int(found[at])) for at in range(filled)]

    @property
    def _pool(self) -> tuple[Any, Any, Any]:
        return self._sizes, self._starts, self._tokens

    @property
    def _posted(self) -> tuple[Any, Any, Any]:
        return self._lists, self._places, self._signatures

    def _know(self, tokens: int) -> None:
        """Make room for token numbers below `tokens`."""
        if tokens > len(self._rank):
            wider = max(tokens, 2 * len(self._rank))
            self._lists = widened(self._lists, wider * kernels.BUCKETS)
            self._rank, self._slot = widened(self._rank, wider), widened(self._slot, wider, -1)
            self._direct = widened(self._direct, wider)

    def _grow(self, tokens: int) -> None:
        """Make room for another text of so many tokens."""
        held, laid = (int(value) for value in self._state[:2])
        if held == len(self._sizes):
            for name in ("_sizes", "_starts", "_great", "_stamp"):
                setattr(self, name, widened(getattr(self, name), grown(held)))
            self._large = np.stack([widened(word, grown(held)) for word in self._large])
        elif laid + tokens > len(self._tokens):
            self._tokens = widened(self._tokens, grown(laid + tokens))
        else:
            for name in ("_places", "_signatures"):
                setattr(self, name, widened(getattr(self, name), grown(len(getattr(self, name)))))

    def _reorder(self) -> None:
        """Put the tokens in order of frequency and lay the postings out anew: prefixes hold the rarest tokens."""
        held, laid = len(self), int(self._state[1])
        kernels.frequencies(self._tokens, laid, self._rank)
        kernels.count_postings(self._pool, held, self.threshold, self._rank, self._lists)
        counts = self._lists[:, kernels.COUNT].astype(np.int64)
        capacities = np.where(counts > 0, counts + counts // 2 + 1, 0)
        self._lists[:, kernels.CAPACITY] = capacities
        self._lists[:, kernels.HEAD] = np.cumsum(capacities) - capacities
        used = int(capacities.sum())
        self._places, self._signatures = np.zeros(0, np.uint64), np.zeros(0, np.uint64)  # let go before the new ones
        self._places, self._signatures = (
            np.zeros(used + used // 4 + 1024, np.uint64),
            np.zeros(used + used // 4 + 1024, np.uint64),
        )
        kernels.repost(self._pool, held, self.threshold, self._rank, self._slot, self._posted)
        self._state[2] = used
        self._reorder_at = 2 * held

    def save(self, path: Path, tokens: Sequence[str], ids: Sequence[str]) -> None:
        """Write the pool with its tokens (from number 1 on) and ids; postings are laid out anew when it is opened."""
        held, laid = len(self), int(self._state[1])
        arrays = {"sizes": self._sizes[:held], "tokens": self._tokens[:laid]}
        words = {name: packed(texts) for name, texts in (("words", tokens), ("ids", ids))}
        with storage(path), path.open("wb") as handle:
            np.savez(handle, allow_pickle=False, threshold=np.float64(self.threshold), **arrays, **words)

    @classmethod
    def open(cls, path: Path) -> "tuple[Index, list[str], list[str]]":
        """The index, tokens and ids that `save` wrote. Raises OSError, KeyError or ValueError for another file."""
        with np.load(path, allow_pickle=False) as held:
            index = cls(float(held["threshold"]))
            sizes, tokens = held["sizes"].astype(np.int64), held["tokens"]
            words, ids = unpacked(held["words"]), unpacked(held["ids"])
        index.decide(tokens, np.cumsum(sizes), np.full(len(sizes), KEEP_ALL, np.int8))
        return index, words, ids


def packed(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Texts as bytes: JSON, since a token may hold anything."""
    return np.frombuffer(orjson.dumps(list(texts)), np.uint8)


def unpacked(array: NDArray[np.uint8]) -> list[str]:
    """What `packed` was given."""
    return list(orjson.loads(array.tobytes()))


def grown(size: int) -> int:
    """The next size of an array that is full: half as much again."""
    return size + size // 2 + 1024


def widened(array: NDArray[Any], size: int, fill: int = 0) -> NDArray[Any]:
    """A copy with more rows."""
    if size <= len(array):
        return array
    wider = np.full((size, *array.shape[1:]), fill, array.dtype)
    wider[: len(array)] = array
    return wider
