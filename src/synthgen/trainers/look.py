"""Which rows TRL would drop, cut, teach nothing of, or teach without an end: read off the rows that it prepared itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from synthgen.trainers.rows import Row
from synthgen.trainers.ways import Setting, learned, make

TOKENS = ("input_ids", "prompt_ids", "completion_ids", "chosen_ids", "rejected_ids")
"""Columns of a prepared row that hold its tokens."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a trainer made of rows. Rows are named by their ids."""

    rows: int
    dropped: tuple[str, ...] = ()
    """Left out without a word."""
    cut: tuple[str, ...] = ()
    """Taught without their last tokens."""
    unsupervised: tuple[str, ...] = ()
    """Taken, and nothing is learned of them but, at most, to end."""
    endless: tuple[str, ...] = ()
    """Taught something, but not where it ends."""
    tokens: int = 0
    """That are learned, without the end tokens."""

    @property
    def kept(self) -> int:
        """Rows that are trained on."""
        return self.rows - len(self.dropped)

    @property
    def ended(self) -> float:
        """Share of all rows that are learned to their end."""
        lost = len({*self.dropped, *self.unsupervised, *self.endless})
        return 1 - lost / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class Taught:
    """What is learned of one row."""

    tokens: int
    """Without the end token; 0 where one side of a pair has none."""
    ends: bool


def look(way: str, trainer: Any, rows: Sequence[Row], setting: Setting) -> Looked:
    """What a trainer that was made of rows does with each of them. GRPO learns of what it draws, so there only rows count."""
    kept = {row["id"]: row for row in trainer.train_dataset}
    if way == "grpo":
        return Looked(len(rows), dropped=missing(rows, kept))
    found = {identity: taught(way, trainer, row) for identity, row in kept.items()}
    return Looked(
        len(rows),
        dropped=missing(rows, kept),
        cut=cut(way, rows, kept, found, setting),
        unsupervised=tuple(identity for identity, one in found.items() if not one.tokens),
        endless=tuple(identity for identity, one in found.items() if one.tokens and not one.ends),
        tokens=sum(one.tokens for one in found.values()),
    )


def missing(rows: Sequence[Row], kept: Mapping[str, Row]) -> tuple[str, ...]:
    """Rows that the trainer no longer has."""
    return tuple(row["id"] for row in rows if row["id"] not in kept)


def taught(way: str, trainer: Any, row: Row) -> Taught:
    """What is learned of a prepared row, as it comes out of the trainer's own collator."""
    texts = [spoken(one, trainer.processing_class) for one in learned(way, trainer.data_collator([dict(row)]))]
    said = [len(tokens) - ends for tokens, ends in texts]
    # Of a pair of which one side says nothing, nothing is learned that was meant.
    return Taught(sum(said) if all(said) else 0, all(ends for _, ends in texts))


def spoken(tokens: Sequence[int], tokenizer: Any) -> tuple[Sequence[int], bool]:
    """Tokens without the blanks behind them, and whether the end token stands last there."""
    last = len(tokens)
    while last and not tokenizer.decode([tokens[last - 1]]).strip():
        last -= 1
    return tokens[:last], bool(last) and tokens[last - 1] == tokenizer.eos_token_id


def cut(
    way: str, rows: Sequence[Row], kept: Mapping[str, Row], found: Mapping[str, Taught], setting: Setting
) -> tuple[str, ...]:
    """Rows of which more would be learned without a bound. Only those that reach the bound are prepared again to see."""
    bound = setting.max_length
    full = {identity for identity, row in kept.items() if bound and longest(row) >= bound}
    if not full or way == "reward":  # which drops, and never cuts
        return ()
    whole = make(way, [row for row in rows if row["id"] in full], replace(setting, max_length=None))
    more = {row["id"]: taught(way, whole, row) for row in whole.train_dataset}
    return tuple(identity for identity, one in more.items() if measure(one) > measure(found[identity]))


def measure(one: Taught) -> tuple[int, bool]:
    """How much is learned of a row."""
    return one.tokens, one.ends


def longest(row: Row) -> int:
    """Tokens of the longest text that a prepared row makes."""
    found = {name: len(row[name]) for name in TOKENS if row.get(name) is not None}
    prompt = found.pop("prompt_ids", 0)
    return prompt + max(found.values(), default=0)
