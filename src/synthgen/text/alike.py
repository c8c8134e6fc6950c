"""The most similar of many texts by Indel similarity, that is, 2 LCS / (m + n) in characters: rapidfuzz's `ratio`. Exact.

Every text of about the same length is looked at, so a question costs time in proportion to their number.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

CHUNK = 1 << 20
"""Characters that are coded at once."""
CHARACTERS = 0x110000


class Alike:
    """Texts by number, as codes of their characters: a byte for each, or two where they have more than 255 different ones."""

    def __init__(self, texts: Iterable[str], threshold: Fraction, chunk: int = CHUNK) -> None:
        self._threshold = threshold
        self._code = np.zeros(CHARACTERS, np.uint32)
        """Code point to code; 0 for characters that no text has."""
        self._known = 0
        sizes: list[NDArray[np.int64]] = []
        held, width = bytearray(), np.dtype(np.uint8)  # grows in place: never are there two copies, but where it widens
        for some in chunks(texts, chunk):
            sizes.append(np.array([len(text) for text in some], np.int64))
            codes = self._coded("".join(some))
            wider = np.min_scalar_type(self._known)
            if wider != width:
                held, width = bytearray(np.frombuffer(held, width).astype(wider).tobytes()), wider
            held += codes.astype(width).tobytes()
        self._ends = np.cumsum(np.concatenate(sizes), dtype=np.int64) if sizes else np.zeros(0, np.int64)
        self._codes = np.frombuffer(held, width)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self._codes.nbytes + self._ends.nbytes

    def nearest(self, text: str) -> tuple[int, float] | None:
        """(number, similarity) of the most similar text if it reaches the threshold, the earliest of equals."""
        from synthgen.text.kernels_indel import nearest

        if not text or not len(self._ends):
            return None
        mine = self._code[points(text)]
        number, common = nearest(mine, self._codes, self._ends, self._known + 1, *self._threshold.as_integer_ratio())
        if number < 0:
            return None
        size = int(self._ends[number] - (self._ends[number - 1] if number else 0))
        return int(number), 2 * int(common) / (len(text) + size)

    def _coded(self, text: str) -> NDArray[np.uint32]:
        """The codes of a text's characters; new ones get the next codes."""
        found = points(text)
        codes = self._code[found]
        new = np.unique(found[codes == 0])
        if len(new):
            self._code[new] = np.arange(self._known + 1, self._known + 1 + len(new), dtype=np.uint32)
            self._known += len(new)
            codes = self._code[found]
        return codes


def chunks(texts: Iterable[str], most: int) -> Iterator[list[str]]:
    """Texts in lists of so many characters, and what the last one has more."""
    held, size = [], 0
    for text in texts:
        held.append(text)
        size += len(text)
        if size >= most:
            yield held
            held, size = [], 0
    if held:
        yield held


def points(text: str) -> NDArray[np.uint32]:
    """The code points of a text, lone surrogates among them."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.dtype("<u4")).astype(np.uint32, copy=False)
