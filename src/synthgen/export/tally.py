"""Count rows for the card while they go by."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import orjson
from numpy.typing import NDArray

from synthgen.export.counting import Counting
from synthgen.export.lengths import NOTHING, Charged, Lengths, asked_of, text_of
from synthgen.export.rows import Row
from synthgen.records import Answer

LANGUAGE = '"language":"'
"""Where metadata tells the language: quotation marks inside its texts are escaped, so no text looks like the field."""


@dataclass(frozen=True, slots=True)
class Mix:
    """The rows of one strategy or category."""

    rows: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted over the SFT rows and the pairs, and the checks over the rows of `rl`; the fields are those of the card's Facts."""

    strategies: Mapping[str, Mix]
    categories: Mapping[str, Mix]
    checks: Mapping[tuple[str, str, str], int]
    languages: tuple[str, ...]
    lengths: Lengths
    human: int
    """SFT rows that humans wrote."""


class Tally:
    """Counts rows, one at a time; it keeps some twenty-four bytes of each."""

    def __init__(self, counting: Counting | None = None) -> None:
        self._counting = counting or Counting()
        self._columns = self._counting.columns()
        self._strategies, self._categories = Names(), Names()
        self._checks: Counter[tuple[str, str, str]] = Counter()
        self._languages: set[str] = set()
        self._human = 0

    def take(self, row: Row, charged: Mapping[str, Charged]) -> None:
        """Count one SFT row; `charged` has what the endpoint charged for each answer of its task, by id."""
        self._strategies.put(row["strategy"])
        self._categories.put(row["category"])
        self._human += row["source"] == "human"
        self._languages.add(row["metadata_json"].partition(LANGUAGE)[2].partition('"')[0])
        self._columns.prompts.put(asked_of(row))
        self._columns.completions.put(text_of(row["completion"]), charged.get(row["id"], NOTHING))

    def take_pair(self, row: Row, charged: Mapping[str, Charged]) -> None:
        """Count one preference row."""
        about = orjson.loads(row["metadata_json"])
        self._columns.pair_prompts.put(asked_of(row))
        self._columns.chosen.put(text_of(row["chosen"]), charged.get(about.get("chosen_id", ""), NOTHING))
        self._columns.rejected.put(text_of(row["rejected"]), charged.get(about.get("rejected_id", ""), NOTHING))

    def take_checked(self, row: Row) -> None:
        """Count one row of `rl`, once for each of its checks."""
        for check in orjson.loads(row["checks_json"]):
            self._checks[check["name"], check["kind"], check["source"].partition(":")[0]] += 1

    def counted(self) -> Counted:
        """What was counted."""
        lengths, tokens = self._counting.lengths(self._columns)
        languages = (code for code in self._languages if len(code) == 2 and code.isascii() and code.isalpha())
        return Counted(
            strategies=self._strategies.mix(tokens),
            categories=self._categories.mix(tokens),
            checks=dict(sorted(self._checks.items())),
            languages=tuple(sorted(languages)),
            lengths=lengths,
            human=self._human,
        )


class Names:
    """One name of each row."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._rows = array("I")

    def put(self, name: str) -> None:
        """Take the next row's."""
        self._rows.append(self._numbers.setdefault(name, len(self._numbers)))

    def mix(self, tokens: NDArray[np.int64]) -> dict[str, Mix]:
        """Rows and tokens of each name, of the tokens of each row."""
        numbers = np.array(self._rows, np.int64)
        rows, whole = np.bincount(numbers), np.bincount(numbers, weights=tokens)
        return {name: Mix(int(rows[number]), int(whole[number])) for name, number in sorted(self._numbers.items())}


def charges(answers: Iterable[Answer]) -> dict[str, Charged]:
    """What the endpoint charged for answers, by id, with the characters that it wrote for it."""
    return {one.id: (one.completion_tokens, len(one.text) + len(one.reasoning)) for one in answers}
