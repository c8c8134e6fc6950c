"""Which prompts of which dataset stay: none that repeats one of an earlier dataset, none to train on that any of them tests.

Prompts of one dataset are not compared with one another: what is in it is its own affair.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from synthgen.export.rows import Row
from synthgen.export.splits import ACROSS, asked, pool
from synthgen.merge.inputs import Input
from synthgen.merge.lineage import Lineage, row_id
from synthgen.records import Nearest, Side

SEED, EQUAL, NEAR, ROOT = "same_seed", "duplicate", "near_duplicate", "root_in_test"

Progress = Callable[[str, int], None]
"""Told what is counted, and how far it is."""


class Lost(NamedTuple):
    """A prompt that is left out, and why."""

    reason: str
    near: Nearest | None


class Screen:
    """Decides each prompt of each dataset once; then tells of any row whether it stays."""

    def __init__(self, inputs: Sequence[Input], lineage: Lineage, threshold: float, progress: Progress) -> None:
        self._progress, self._decided = progress, 0
        self._inputs, self._lineage = inputs, lineage
        self._tests, self._lost_tests, self._trains = pool(threshold), pool(threshold), pool(threshold)
        self._humans: set[str] = set()
        """Names of the rows of seeds that are in a pool."""
        self._lost: dict[bytes, str] = {}
        """Prompt to why it is left out."""
        self.prompts: Counter[tuple[int, str]] = Counter()
        """(dataset, reason) to prompts that are left out."""

    def run(self) -> Iterator[dict[str, Any]]:
        """Decide all; a line for each prompt that is left out. Tests first: what they hold is kept from training."""
        for one in self._inputs:
            yield from self._side(one, "test")
        for one in self._inputs:
            yield from self._side(one, "train")

    def _side(self, one: Input, side: Side) -> Iterator[dict[str, Any]]:
        """Decide the prompts of one dataset's side, and only then take them in: they are not compared with one another."""
        for text, row in one.prompts(side):
            self._decided += 1
            self._progress("prompts", self._decided)
            lost = self._judge(one.number, side, text, row)
            if lost is not None:
                self._lost[place(one.number, side, text)] = lost.reason
                self.prompts[one.number, lost.reason] += 1
                yield line(row_id(one.number, row), one.number, side, lost)
        last = one is self._inputs[-1] and side == "train"  # no later one will ask
        for text, row in one.prompts(side) if not last else ():
            self._take(one.number, side, text, row)

    def _judge(self, number: int, side: Side, text: str, row: Row) -> Lost | None:
        """Why a prompt is left out; None for one that stays."""
        if side == "test":
            return self._repeated(self._tests.above(text), row)
        if self._lineage.in_test(number, row):
            return Lost(ROOT, None)
        near = self._tests.above(text) or self._lost_tests.above(text)
        return Lost(ACROSS, near) if near is not None else self._repeated(self._trains.above(text), row)

    def _repeated(self, near: Nearest | None, row: Row) -> Lost | None:
        """A prompt that an earlier dataset has, by how far it is the same."""
        if near is None:
            return None
        if near.score < 1:
            return Lost(NEAR, near)
        return Lost(SEED if row["source"] == "human" and near.id in self._humans else EQUAL, near)

    def _take(self, number: int, side: Side, text: str, row: Row) -> None:
        """Take a prompt in."""
        lost = place(number, side, text) in self._lost
        if lost and side == "train":
            return
        name = row_id(number, row)
        (self._trains if side == "train" else self._lost_tests if lost else self._tests).add(name, text)
        if row["source"] == "human":
            self._humans.add(name)

    def lost(self, number: int, side: Side, row: Row) -> str:
        """Why a row is left out; "" for one that stays."""
        return self._lost.get(place(number, side, asked(row)), "") if self._lost else ""


def place(number: int, side: Side, text: str) -> bytes:
    """A prompt of one side of one dataset."""
    return hashlib.blake2b(f"{number} {side} {text}".encode(), digest_size=12).digest()


def line(identity: str, number: int, side: Side, lost: Lost) -> dict[str, Any]:
    """What is written of a prompt that is left out."""
    near = {"id": lost.near.id, "score": lost.near.score} if lost.near is not None else None
    return {"id": identity, "dataset": number, "side": side, "reason": lost.reason, "nearest": near}
