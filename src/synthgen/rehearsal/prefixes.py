"""A prefix cache as servers have it, without the cache: how much of a prompt was seen before, in whole blocks."""

import hashlib
from collections.abc import Iterator

BLOCK_CHARACTERS = 64
BLOCK_TOKENS = 16
MOST_BLOCKS = 2**18


class Prefixes:
    """Digests of the prefixes of earlier prompts; the oldest are forgotten."""

    def __init__(self) -> None:
        self._seen: dict[bytes, None] = {}

    def take(self, prompt: str) -> int:
        """Tokens of the longest prefix that was seen before; the prompt is then seen as well."""
        found, unbroken = 0, True
        for digest in prefixes(prompt):
            unbroken = unbroken and digest in self._seen
            found += unbroken
            self._remember(digest)
        return found * BLOCK_TOKENS

    def _remember(self, digest: bytes) -> None:
        # To be used is to be young again.
        self._seen.pop(digest, None)
        self._seen[digest] = None
        if len(self._seen) > MOST_BLOCKS:
            del self._seen[next(iter(self._seen))]


def prefixes(prompt: str) -> Iterator[bytes]:
    """A digest for each prefix of whole blocks, the shortest first."""
    running = hashlib.blake2b(digest_size=16)
    for place in range(0, len(prompt) - BLOCK_CHARACTERS + 1, BLOCK_CHARACTERS):
        running.update(prompt[place : place + BLOCK_CHARACTERS].encode("utf-8", "surrogatepass"))
        yield running.digest()
