"""Which texts came before, in some 30 bytes for each however long it is."""

import hashlib
from array import array

ROOM = 1024
"""Places of an empty table."""


class Seen:
    """A table of 64-bit digests with open addressing. Two of a million texts share a digest once in 40 million tables."""

    def __init__(self) -> None:
        self._digests = array("Q", bytes(8 * ROOM))
        self._numbers = array("Q", bytes(8 * ROOM))
        self._count = 0

    def add(self, text: str, number: int) -> int | None:
        """Note a text under a number; the number of the same text that was noted before, which stays."""
        digest = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") or 1
        place = self._place(digest)
        if self._digests[place]:
            return self._numbers[place]
        self._digests[place], self._numbers[place] = digest, number
        self._count += 1
        if self._count * 2 > len(self._digests):
            self._widen()
        return None

    def _place(self, digest: int) -> int:
        """Where a digest stands, or would stand; 0 marks a free place."""
        digests, size = self._digests, len(self._digests)
        place = digest % size
        while digests[place] not in (0, digest):
            place = (place + 1) % size
        return place

    def _widen(self) -> None:
        """Twice the room."""
        old = zip(self._digests, self._numbers, strict=True)
        size = 2 * len(self._digests)
        self._digests, self._numbers = array("Q", bytes(8 * size)), array("Q", bytes(8 * size))
        for digest, number in old:
            if digest:
                place = self._place(digest)
                self._digests[place], self._numbers[place] = digest, number
