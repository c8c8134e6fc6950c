"""Duplicates in meaning: texts whose embeddings point the same way. Exact, by products of whole blocks of vectors.

Two texts are alike where the cosine of their vectors reaches a threshold. Matrix products find what comes near it; the cosine
of each such pair is then taken alone in double precision, so that it does not depend on what else was asked.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthgen.records import Nearest
from synthgen.text.fuzzy import Alike
from synthgen.text.index import grown, widened

Vector = NDArray[np.float32]
BLOCK = 8192
"""Vectors of the pool in one product."""
ROUNDING = 1e-4
"""More than what single precision loses over some thousand dimensions; a wider net changes no result."""


class Semantic:
    """Vectors by id, in the order added. A text without a vector (None) is like nothing. 4 bytes a dimension and text."""

    def __init__(self, threshold: float) -> None:
        if not 0 < threshold <= 1:
            raise ValueError(f"a threshold lies in (0, 1], {threshold} does not")
        self.threshold = threshold
        self._ids: list[str] = []
        self._held = np.zeros((0, 0), np.float32)

    def extend(self, given: Sequence[tuple[str, Vector | None]]) -> None:
        """Take (id, vector) pairs into the pool. Raises ValueError for a vector of another size."""
        for identity, vector in given:
            if vector is None:
                continue
            if not self._ids:
                self._held = np.zeros((64, len(vector)), np.float32)
            elif len(self._ids) == len(self._held):
                self._held = widened(self._held, grown(len(self._held)))
            self._held[len(self._ids)] = unit(vector)
            self._ids.append(identity)

    def nearest(self, given: Vector | None) -> Nearest | None:
        """The most similar text if it reaches the threshold, the earliest of equals; None for none."""
        return self.alike([given])[0].pool

    def alike(self, given: Sequence[Vector | None]) -> list[Alike]:
        """What each vector is like: of the pool, and of those before it."""
        numbers = [number for number, vector in enumerate(given) if vector is not None]
        found = [Alike(None, ()) for _ in given]
        if not numbers:
            return found
        asked = np.stack([unit(vector) for vector in given if vector is not None])
        pool = self._near(asked, self._held[: len(self._ids)])
        among = self._near(asked, asked)
        for place, number in enumerate(numbers):
            best = max(pool[place], key=lambda one: (one[0], -one[1]), default=None)
            earlier = [(score, numbers[other]) for score, other in among[place] if other < place]
            found[number] = Alike(
                Nearest(self._ids[best[1]], best[0]) if best is not None else None,
                sorted(earlier, key=lambda one: (-one[0], one[1])),
            )
        return found

    def _near(self, asked: Vector, held: Vector) -> list[list[tuple[float, int]]]:
        """For each asked vector the (cosine, position) of what reaches the threshold."""
        found: list[list[tuple[float, int]]] = [[] for _ in asked]
        for first in range(0, len(held), BLOCK):
            products = asked @ held[first : first + BLOCK].T
            for place, offset in np.argwhere(products >= self.threshold - ROUNDING):
                score = cosine(asked[place], held[first + offset])
                if score >= self.threshold:
                    found[place].append((score, int(first + offset)))
        return found


def unit(vector: Vector) -> Vector:
    """A vector of length 1; one of zeros stays as it is, and is like nothing."""
    whole = np.asarray(vector, np.float64)
    length = float(np.sqrt((whole * whole).sum()))
    return np.asarray(whole / length if length else whole, np.float32)


def cosine(left: Vector, right: Vector) -> float:
    """The cosine of two unit vectors, 1 at most."""
    return min(1.0, float((left.astype(np.float64) * right.astype(np.float64)).sum()))
