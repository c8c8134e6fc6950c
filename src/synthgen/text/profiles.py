"""Counts of features of many texts, and which of them can lie within a distance of another's: the index behind `fuzzy`.

A feature falls into one of a few buckets; a text's counts are one byte each. Texts lie in blocks of WIDTH, each block of one
length class, one row for each bucket, so that compiled loops add up the differences of many texts at once. Only blocks whose
lengths come into question are read. Memory: a byte a bucket and 8 bytes for each text, with up to as much again in reserve.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from synthgen.text import kernels_profiles as kernels
from synthgen.text.index import grown, widened
from synthgen.text.kernels_profiles import FULL, WIDTH

SHARED = 256
"""Texts from which the processors share the work."""
PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
Counts = NDArray[np.uint8]


class Profiles:
    """Counts by position, each with the length of its text. A length class is a whole number that rises with the length."""

    def __init__(self, buckets: int) -> None:
        self._used = 0
        self._blocks = np.zeros((16, buckets, WIDTH), np.uint8)
        self._of = np.zeros((16, 3), np.int32)
        """Of each block: length class, longest text, texts in it."""
        self._texts = np.zeros((16, WIDTH, 2), np.int32)
        """Of each text: position, length."""
        self._open: dict[int, int] = {}
        """Length class to the block that takes its next text."""

    def add(self, position: int, counts: Counts, size: int, length_class: int) -> None:
        """Take in the counts of a text of `size` characters."""
        block = self._open.get(length_class, FULL)
        if block == FULL or self._of[block, 2] == WIDTH:
            block = self._open[length_class] = self._opened(length_class)
        place = self._of[block, 2]
        self._blocks[block, :, place] = counts
        self._texts[block, place] = position, size
        self._of[block, 1:] = max(size, self._of[block, 1]), place + 1

    def _opened(self, length_class: int) -> int:
        """A new block."""
        if self._used == len(self._of):
            for name in ("_blocks", "_of", "_texts"):
                setattr(self, name, widened(getattr(self, name), grown(self._used)))
        self._of[self._used] = length_class, 0, 0
        self._used += 1
        return self._used - 1

    def within(
        self, counts: Counts, sizes: NDArray[np.int64], classes: NDArray[np.int64], share: float
    ) -> list[tuple[int, int]]:
        """(number, position) for every text of the pool whose counts differ from a text's by at most `share` of both lengths.

        `counts` has a row for each text, `classes` the first and the last length class that come into question.
        """
        if len(sizes) < SHARED:
            return self._part(counts, sizes, classes, share, slice(None))
        step = -(-len(sizes) // PROCESSORS)
        firsts = range(0, len(sizes), step)
        with ThreadPoolExecutor(PROCESSORS) as threads:  # the kernel needs no lock of Python's
            parts = threads.map(lambda at: self._part(counts, sizes, classes, share, slice(at, at + step)), firsts)
            return [
                (at + number, position) for at, part in zip(firsts, parts, strict=True) for number, position in part
            ]

    def _part(
        self, counts: Counts, sizes: NDArray[np.int64], classes: NDArray[np.int64], share: float, part: slice
    ) -> list[tuple[int, int]]:
        """As `within`, for some of the texts, numbered from the first of them."""
        found = np.empty((16 + 8 * len(sizes), 2), np.int64)
        pool = self._blocks, self._of, self._texts, self._used
        while True:
            filled = kernels.within(counts[part], sizes[part], classes[part], share, *pool, found)
            if filled != FULL:
                return [(int(number), int(position)) for number, position in found[:filled]]
            found = np.empty((4 * len(found), 2), np.int64)
