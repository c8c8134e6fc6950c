"""What the server did, for `GET /stats`: above all which work was done more than once, so that tests can say what was paid twice."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

MOST_BODIES = 2**19
"""Of which something is remembered; then the oldest is forgotten."""
MOST_NAMED = 1000
"""Bodies that are named one by one."""


@dataclass(slots=True)
class Tally:
    """What became of one body."""

    attempts: int = 0
    """Those that were within the limits."""
    served: int = 0
    """How often its work was done."""
    delivered: int = 0
    """How often a whole and good reply to it went out."""


def digest_of(payload: bytes, value: object) -> bytes:
    """16 bytes of the SHA-256 of a body as canonical JSON; of its bytes where it is no JSON."""
    known = payload if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(known).digest()[:16]


class Stats:
    """Counts since the server's start."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.limited = self.served = self.delivered = self.in_flight = self.most_in_flight = 0
        self.bodies: dict[bytes, Tally] = {}

    @contextmanager
    def under_way(self, address: str) -> Iterator[None]:
        """Count a request in, and out again."""
        self.requests[address] += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1

    def tally(self, digest: bytes) -> Tally:
        """The tally of a body."""
        if digest not in self.bodies and len(self.bodies) >= MOST_BODIES:
            del self.bodies[next(iter(self.bodies))]
        return self.bodies.setdefault(digest, Tally())

    def serve(self, tally: Tally) -> None:
        """Count work that was done."""
        self.served += 1
        tally.served += 1

    def deliver(self, tally: Tally) -> None:
        """Count a whole reply that went out."""
        self.delivered += 1
        tally.delivered += 1

    def value(self) -> dict[str, Any]:
        """As JSON."""
        again = {digest: tally for digest, tally in self.bodies.items() if tally.served > 1}
        return {
            "requests": dict(self.requests),
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
            "limited": self.limited,
            "faults": dict(self.faults),
            "served": self.served,
            "delivered": self.delivered,
            "bodies": len(self.bodies),
            "served_again": sum(tally.served - 1 for tally in again.values()),
            "delivered_again": sum(max(0, tally.delivered - 1) for tally in again.values()),
            "again": {digest.hex(): again[digest].served for digest in list(again)[:MOST_NAMED]},
        }
