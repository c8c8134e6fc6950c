"""What the card says, counted from the rows and from the files of the run."""

import math
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from synthgen import jsonl
from synthgen.config import RunConfig
from synthgen.export.rows import Row
from synthgen.records import Side
from synthgen.runs import RunDir
from synthgen.strategies import AUTO
from synthgen.text.tokens import word_count

CHARACTERS_PER_TOKEN = 4
LIMITS = (1024, 2048)
"""Tokens that a row may be over."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted over the SFT rows, and the checks over those of `rl`; the fields are those of the card's Facts."""

    strategies: Mapping[str, int]
    categories: Mapping[str, int]
    checks: Mapping[tuple[str, str, str], int]
    languages: tuple[str, ...]
    words: tuple[int, int, int]
    over: tuple[float, float]


class Tally:
    """Counts SFT rows, one at a time; it keeps four bytes of each."""

    def __init__(self) -> None:
        self._strategies: Counter[str] = Counter()
        self._categories: Counter[str] = Counter()
        self._checks: Counter[tuple[str, str, str]] = Counter()
        self._languages: set[str] = set()
        self._words = array("I")
        self._over: Counter[int] = Counter()

    def take(self, row: Row) -> None:
        """Count one row."""
        self._strategies[row["strategy"]] += 1
        self._categories[row["category"]] += 1
        self._languages.add(str(orjson.loads(row["metadata_json"]).get("language", "")))
        self._words.append(word_count(row["completion"][-1]["content"]))
        said = [message for name in ("prompt", "completion") for message in row[name]]
        written = (text for message in said for name, text in message.items() if name != "role" and text)
        tokens = sum(map(len, [*written, row.get("tools") or ""])) // CHARACTERS_PER_TOKEN
        self._over.update(limit for limit in LIMITS if tokens > limit)

    def take_checked(self, row: Row) -> None:
        """Count one row of `rl`, once for each of its checks."""
        for check in orjson.loads(row["checks_json"]):
            self._checks[check["name"], check["kind"], check["source"].partition(":")[0]] += 1

    def counted(self) -> Counted:
        """What was counted."""
        rows = len(self._words) or 1
        languages = (code for code in self._languages if len(code) == 2 and code.isascii() and code.isalpha())
        return Counted(
            strategies=dict(sorted(self._strategies.items())),
            categories=dict(sorted(self._categories.items())),
            checks=dict(sorted(self._checks.items())),
            languages=tuple(sorted(languages)),
            words=spread(sorted(self._words)),
            over=(self._over[LIMITS[0]] / rows, self._over[LIMITS[1]] / rows),
        )


def spread(ordered: list[int]) -> tuple[int, int, int]:
    """Median, 90th percentile and greatest of ordered values."""
    return (ordered[len(ordered) // 2], ordered[len(ordered) * 9 // 10], ordered[-1]) if ordered else (0, 0, 0)


def marks(run: RunDir) -> dict[str, int]:
    """Judged answers by mean mark, in steps of half a point."""
    counts = Counter(math.floor(row["mean"] * 2) / 2 for row in jsonl.rows(run.accepted("judged")))
    return {
        f"{step} to {min(step + 0.5, 5.0)}" if step < 5 else "5.0": number for step, number in sorted(counts.items())
    }


def funnel(run: RunDir, config: RunConfig) -> dict[str, int]:
    """How many there were at each step of the line."""
    if config.strategy:
        steps = {
            "prompts rejected": jsonl.lines(run.rejected("prompts")),
            "prompts": jsonl.lines(run.accepted("tasks")),
        }
    else:
        steps = {"seed tasks": len(config.seeds), "instructions rejected": jsonl.lines(run.rejected("grow"))}
        steps["instructions accepted"] = jsonl.lines(run.accepted("instructions"))
        steps["tasks after inspection"] = jsonl.lines(run.accepted("tasks"))
    steps["usable answers"] = jsonl.lines(run.accepted("answers"))
    if config.judged:
        steps |= {
            "answers judged": jsonl.lines(run.accepted("judged")),
            "preference pairs": jsonl.lines(run.accepted("pairs")),
        }
    return steps


def policy(config: RunConfig) -> str:
    """Where the strategies came from, in a sentence."""
    if config.strategy not in {"", AUTO}:
        return ""
    shipped = "by the shipped table, which is its authors' prior and was not measured"
    if not config.policy.choices:
        return f"Chosen {shipped}."
    named = ", ".join(sorted(config.policy.choices))
    return f"Chosen by a policy {config.policy.origin} for {named}; for other categories {shipped}."


def split_rule(config: RunConfig, sides: Mapping[str, Side]) -> str:
    """How train and test are divided, or why there is no test."""
    test = sum(side == "test" for side in sides.values())
    if config.strategy:
        share = f"about {config.test_share:.0%} of the prompts form the test side, by a hash of their text"
        return (
            f"{share[0].upper()}{share[1:]}."
            if config.test_share
            else "There is no test split: all prompts are to train on."
        )
    if test:
        return (
            f"{test} of {len(sides)} seeds form the test side, chosen by a hash of their ids before anything was "
            "generated. Demonstrations come from one side only, so every row's ancestors are on its own side; near-duplicates "
            "are screened across both."
        )
    if config.mode == "parity":
        return "There is no test split: in parity mode demonstrations are drawn from the whole pool."
    return f"There is no test split: {len(sides)} seeds are fewer than the {config.test_from} it takes."
