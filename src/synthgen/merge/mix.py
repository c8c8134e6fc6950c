"""How much of each category there is to train on: the largest part of the rows whose shares are as they are wanted.

Which rows stay is decided by a hash of their prompt, the same in every config, whatever else there is.
"""

import hashlib
import math
import tomllib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthgen.errors import InputError
from synthgen.export.lengths import CHARACTERS_PER_TOKEN, text_of
from synthgen.export.rows import Row
from synthgen.export.splits import asked

By = Literal["rows", "tokens"]
OTHERS = ""
"""The group of all categories that no weight names."""
EXAMPLE = "--weight coding=0.4"


@dataclass(frozen=True, slots=True)
class Weights:
    """What is wanted."""

    shares: Mapping[str, Fraction]
    """Category to its share. What is left of 1 is the others', in the proportion that they have."""
    by: By = "rows"

    def group(self, category: str) -> str:
        """The group of a category."""
        return category if category in self.shares else OTHERS


@dataclass(frozen=True, slots=True)
class Mixed:
    """What became of one group of one config."""

    config: str
    group: str
    wanted: float
    """Its share."""
    rows: int
    tokens: int
    before: int
    """Rows that there were."""

    def counted(self, by: str) -> int:
        """What is shared out."""
        return self.tokens if by == "tokens" else self.rows


def read(flags: Sequence[str], file: Path | None) -> Mapping[str, Fraction]:
    """Shares of a file, with those of flags over them. Raises InputError for what is no share."""
    values = {**(of_file(file) if file is not None else {}), **dict(map(of_flag, flags))}
    shares = {category: share(category, value) for category, value in values.items()}
    if sum(shares.values()) > 1:
        raise InputError(
            f"the weights add up to {float(sum(shares.values())):g}; shares of the rows add up to 1 at most"
        )
    return shares


def of_flag(text: str) -> tuple[str, str]:
    """`category=share`."""
    category, equals, value = text.rpartition("=")
    if not equals or not category.strip():
        raise InputError(f"--weight takes category=share such as {EXAMPLE}, not {text}")
    return category.strip(), value


def of_file(path: Path) -> dict[str, object]:
    """`category = share`, a line each."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the weights {path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"the weights {path} are not TOML: {error}") from error


def share(category: str, value: object) -> Fraction:
    """A share as it was written: 0.1 is a tenth."""
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not 0 <= number <= 1:
        raise InputError(f"the weight of {category} is a share from 0 to 1, not {value}")
    return Fraction(str(number))


class Ordered(NamedTuple):
    """The rows of a group, in order of their ranks."""

    ranks: NDArray[np.uint64]
    sums: NDArray[np.int64]
    """Tokens up to each row."""


class Mix:
    """Rows to train on by config and group: first all are counted, then it is known which stay."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._ranks: dict[tuple[str, str], array[int]] = {}
        self._sizes: dict[tuple[str, str], array[int]] = {}
        self._last: dict[tuple[str, str], int] = {}
        """(config, group) to the rank of the last row that stays; -1 where none does."""

    def count(self, config: str, row: Row) -> None:
        """Count a row: 12 bytes of each."""
        place = config, self._weights.group(row["category"])
        self._ranks.setdefault(place, array("Q")).append(rank(row))
        self._sizes.setdefault(place, array("I")).append(tokens(row))

    def settle(self) -> list[Mixed]:
        """Decide; what becomes of each group. Raises InputError where nothing has a category that is wanted."""
        known = {group for _, group in self._ranks}
        for category, wanted in self._weights.shares.items():
            if wanted and category not in known:
                raise InputError(
                    f"no row to train on is of the category {category}, which has a weight of {float(wanted):g}"
                )
        configs = dict.fromkeys(config for config, _ in self._ranks)
        return [one for config in configs for one in self._settled(config)]

    def _settled(self, config: str) -> list[Mixed]:
        """Decide one config."""
        groups = sorted(group for name, group in self._ranks if name == config)
        left = 1 - sum(self._weights.shares.values(), Fraction())
        wanted = {group: self._weights.shares.get(group, left) for group in groups}
        total = sum(wanted.values(), Fraction())
        wanted = {group: one / total if total else total for group, one in wanted.items()}
        ordered = {group: self._ordered(config, group) for group in groups}
        if self._weights.by == "rows":
            takes = quotas({group: len(ordered[group].sums) for group in groups}, wanted)
        else:
            takes = prefixes({group: ordered[group].sums for group in groups}, wanted)
        return [self._taken(config, group, float(wanted[group]), takes[group], ordered[group]) for group in groups]

    def _ordered(self, config: str, group: str) -> "Ordered":
        """A group's rows in the order in which they are taken."""
        ranks = np.asarray(self._ranks[config, group], np.uint64)
        order = np.argsort(ranks, kind="stable")
        return Ordered(ranks[order], np.cumsum(np.asarray(self._sizes[config, group], np.int64)[order]))

    def _taken(self, config: str, group: str, wanted: float, take: int, rows: "Ordered") -> Mixed:
        """Take the first rows of a group."""
        self._last[config, group] = int(rows.ranks[take - 1]) if take else -1
        return Mixed(config, group, wanted, take, int(rows.sums[take - 1]) if take else 0, len(rows.sums))

    def keeps(self, config: str, row: Row) -> bool:
        """Whether a row stays."""
        return rank(row) <= self._last[config, self._weights.group(row["category"])]


def quotas(held: Mapping[str, int], wanted: Mapping[str, Fraction]) -> dict[str, int]:
    """How many rows of each group stay: the most there can be, each group within one row of its share.

    What rounding leaves goes to the groups with the largest remainders.
    """
    whole = math.floor(most(held, wanted))
    exact = {group: whole * one for group, one in wanted.items()}
    takes = {group: math.floor(one) for group, one in exact.items()}
    rest = sorted(exact, key=lambda group: (takes[group] - exact[group], group))
    for group in rest[: whole - sum(takes.values())]:
        takes[group] += 1
    return takes


def prefixes(sums: Mapping[str, NDArray[np.int64]], wanted: Mapping[str, Fraction]) -> dict[str, int]:
    """How many of the first rows of each group stay, where tokens count: as many as there is room for in its share.

    `sums` are the tokens up to each row.
    """
    whole = most({group: int(of[-1]) if len(of) else 0 for group, of in sums.items()}, wanted)
    rooms = {group: math.floor(whole * one) for group, one in wanted.items()}
    return {group: int(np.searchsorted(of, rooms[group], side="right")) for group, of in sums.items()}


def most(held: Mapping[str, int], wanted: Mapping[str, Fraction]) -> Fraction:
    """The largest whole of which no group's share is more than there is of it."""
    return min((held[group] / one for group, one in wanted.items() if one), default=Fraction(0))


def rank(row: Row) -> int:
    """Where a row stands in the order in which rows are taken: its prompt decides, then its id."""
    prompt = hashlib.sha256(f"synthgen/mix/{asked(row)}".encode()).digest()[:5]
    return int.from_bytes(prompt + hashlib.sha256(row["id"].encode()).digest()[:3], "big")


def tokens(row: Row) -> int:
    """Tokens of a row's messages, thoughts and calls among them, estimated at four characters each."""
    said = [message for value in row.values() if isinstance(value, list) for message in value]
    return max(1, int(len(text_of(said)) / CHARACTERS_PER_TOKEN))
