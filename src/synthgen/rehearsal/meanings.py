"""Vectors of texts: an imitation of an embedding model, in which the stems of the words are the meaning, in any order."""

import hashlib
import math
import re

DIMENSIONS = 128
STEM = 4
"""Letters of a word that count."""
MODEL = "rehearsal-embedding"


def embed(text: str) -> list[float]:
    """A unit vector: each stem adds its own direction."""
    whole = [0.0] * DIMENSIONS
    for word in re.findall(r"\w+", text.casefold()):
        digest = hashlib.sha256(word[:STEM].encode("utf-8", "replace")).digest()
        for place in range(0, 16, 2):
            whole[digest[place] % DIMENSIONS] += 1.0 if digest[place + 1] & 1 else -1.0
    length = math.sqrt(sum(value * value for value in whole)) or 1.0
    return [value / length for value in whole]
