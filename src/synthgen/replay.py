"""Other thresholds over a finished run, without a call: which proposals would enter the pool, and which would leave it.

Only the screens are replayed. With another pool the teacher would have been shown other tasks, so this tells what a threshold
does to what was proposed, not what a run under it would have proposed.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from synthgen import jsonl, steps
from synthgen.errors import InputError
from synthgen.runs import RunDir
from synthgen.text.duplicates import Duplicates

REPLAYED = ("duplicate", "near_duplicate", "fuzzy_duplicate")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed text that came as far as the comparison with the pool."""

    id: str
    text: str
    was: str
    """`accepted`, or why it was rejected."""


def screen(out: Path, threshold: float | None = None, fuzzy: float | None = None) -> dict[str, Any]:
    """What would enter and leave, with reasons and nearest neighbours; thresholds left out are the run's own."""
    job = steps.reopened(out)
    config, _, seeds = steps.resolve(job)
    chosen = config.novelty_threshold if threshold is None else threshold
    share = config.fuzzy_threshold if fuzzy is None else fuzzy
    for name, value, least in (("--threshold", chosen, 1e-9), ("--fuzzy", share, 0.0)):
        if not least <= value <= 1:
            raise InputError(f"{name} lies between 0 and 1, {value:g} does not")
    pool = Duplicates(chosen, share, parity=config.mode == "parity")
    for seed in seeds:
        pool.admit(pool.text(seed.id, seed.instruction))
    proposed = list(proposals(RunDir(out)))
    enter, leave, reasons = [], [], Counter[str]()
    for one, repeat in zip(proposed, pool.decide([pool.text(one.id, one.text) for one in proposed]), strict=True):
        reason, nearest = (repeat.reason, repeat.nearest) if repeat else (None, None)
        reasons[reason or "accepted"] += 1
        told = {"id": one.id, "text": one.text, "was": one.was, "reason": reason, "nearest": nearest}
        if reason is None and one.was != "accepted":
            enter.append(told)
        elif reason is not None and one.was == "accepted":
            leave.append(told)
    return {"threshold": chosen, "fuzzy": share, "counts": dict(reasons.most_common()), "enter": enter, "leave": leave}


def proposals(run: RunDir) -> Iterator[Proposal]:
    """Every proposal that was compared with the pool, in the order proposed."""
    with run.journal("instructions") as journal:
        for commit in journal.commits():
            found = [Proposal(row["id"], row["instruction"], "accepted") for row in commit.rows("instructions")]
            found += [
                Proposal(row["id"], row["evidence"], row["reason"])
                for row in commit.rows("grow")
                if row["reason"] in REPLAYED
            ]
            yield from sorted(found, key=lambda one: int(one.id.rpartition("-")[2]))


def written(found: dict[str, Any], out: Path) -> None:
    """Write what was found as a JSON file, whole."""
    jsonl.replace(out, orjson.dumps(found, default=list, option=orjson.OPT_INDENT_2) + b"\n")
