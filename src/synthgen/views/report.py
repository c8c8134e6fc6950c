"""The report of a run: counted from its files, so that it is true whatever was killed before.

Every stage's balance is part of it: what went in is what came out, was rejected, or is still owed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from synthgen import jsonl
from synthgen.config import RunConfig
from synthgen.runs import STAGES, RunDir
from synthgen.strategies import AUTO
from synthgen.views import checked
from synthgen.views.growth import growth
from synthgen.views.tasks import survey

LONGER_CHOSEN = (0.35, 0.65)
"""Share of pairs whose longer side is chosen, outside of which length itself is probably being rewarded."""

EXPORT = "export"
"""The name of the file of rows that were left out of the dataset."""


def counted(run: RunDir, config: RunConfig) -> dict[str, Any]:
    """What the files of a run hold, as plain values."""
    rejected = {stage: reasons(run, stage) for stages in (*STAGES.values(), (EXPORT,)) for stage in stages}
    balance = {name: stage_balance(run, name) for name in STAGES}
    seen = survey(run, judged=config.judged, ended=balance["pairs" if config.judged else "answers"]["in"])
    categories = {name: one.tasks for name, one in sorted(seen.categories.items())}
    given, grown = bool(config.strategy), balance["instructions"]
    rows = picked(run) if config.judged else seen.with_row
    accepted = rows if given else grown["out"]
    return {
        "command": "answer" if given else "expand",
        "requested": config.target,
        "accepted": accepted,
        "proposed": balance["tasks"]["in"] if given else grown["out"] + grown["rejected"],
        "rejected": {stage: dict(found) for stage, found in rejected.items() if found},
        "owed": owed(balance, seen.tasks, config),
        "tasks": seen.tasks,
        "strategies": {name: one.told() for name, one in sorted(seen.strategies.items())},
        "categories": categories,
        "policy": policy(config, categories),
        "checks": seen.checks.told(),
        "all_failed": seen.all_failed,
        "by_category": {name: one.told() for name, one in sorted(seen.categories.items())},
        "pairs": pair_counts(run, rejected["pair"]),
        "contamination": given_away(run, config),
        "growth": {} if given else growth(run, config),
        "stages": balance,
    }


SHIPPED = "the shipped table: the authors' prior, not measured"


def policy(config: RunConfig, categories: Mapping[str, int]) -> dict[str, Any]:
    """Where the strategies of a run's tasks came from: of each category that has tasks, measured or from the shipped table."""
    if config.strategy not in {"", AUTO}:
        return {}
    measured = sorted(name for name in categories if name in config.policy.choices)
    return {
        "origin": config.policy.origin or SHIPPED,
        "measured": {name: list(config.policy.choices[name]) for name in measured},
        "shipped": sorted(set(categories) - set(measured)),
    }


def made(run: RunDir, config: RunConfig, unit: str) -> int:
    """How many rows or pairs a run has made: tasks with a good answer, and pairs."""
    if unit == "pairs":
        return jsonl.lines(run.accepted("pairs"))
    return picked(run) if config.judged else checked.with_row(run)


def picked(run: RunDir) -> int:
    """How many tasks whose answers were judged have a row."""
    return stage_balance(run, "pairs")["in"] - jsonl.lines(run.rejected("pick"))


def reasons(run: RunDir, stage: str) -> Counter[str]:
    """Reason to count, most frequent first."""
    found = Counter(row["reason"] for row in jsonl.rows(run.rejected(stage)))
    return Counter(dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))))


def by_commit(path: Path) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """(number, rows) of every commit that has rows in a file."""
    for number, rows in groupby(jsonl.rows(path), key=itemgetter("commit")):
        yield number, list(rows)


def pair_counts(run: RunDir, rejected: Counter[str]) -> dict[str, Any]:
    """Pair yield, tie rate, and how often the longer answer is the chosen one."""
    answers, pairs, longer, unequal = by_commit(run.accepted("answers")), 0, 0, 0
    for number, (pair,) in by_commit(run.accepted("pairs")):
        lengths = next({row["id"]: len(row["text"]) for row in rows} for other, rows in answers if other == number)
        chosen, worse = lengths[pair["chosen"]], lengths[pair["rejected"]]
        pairs, longer, unequal = pairs + 1, longer + (chosen > worse), unequal + (chosen != worse)
    judged = pairs + rejected.total()
    return {
        "pairs": pairs,
        "yield": round(pairs / judged, 3) if judged else None,
        "tie_rate": round(rejected["tie"] / judged, 3) if judged else None,
        "longer_chosen": round(longer / unequal, 3) if unequal else None,
    }


def cost_each(report: Mapping[str, Any]) -> dict[str, float]:
    """US dollars that the ledger holds, lost attempts included, for each accepted instruction, SFT row and pair; none for none."""
    spent = report["ledger"]["cost_usd"] + report["ledger"]["lost_usd"]
    made = {name: sum(splits.values()) for name, splits in report["rows"].items()}
    counts = {"accepted": report["accepted"], "sft_row": made.get("sft", 0), "pair": made.get("dpo", 0)}
    return {name: round(spent / count, 6) for name, count in counts.items() if count}


def given_away(run: RunDir, config: RunConfig) -> dict[str, dict[str, Any]]:
    """Of each benchmark: texts, how many of them a rejected proposal or task gave away, and their share."""
    touched: defaultdict[str, set[str]] = defaultdict(set)
    for stage in ("grow", "instantiate", "prompts"):
        for row in jsonl.rows(run.rejected(stage)):
            if row["reason"] == "contaminated":
                found = orjson.loads(row["evidence"])
                touched[found["benchmark"]].add(found["item"])
    return {
        name: {"items": count, "touched": len(touched[name]), "share": round(len(touched[name]) / count, 4)}
        for name, count in config.decontaminate.items.items()
    }


def stage_balance(run: RunDir, name: str) -> dict[str, int]:
    """Commits of one stage, with the lines it accepted and rejected."""
    ends = (jsonl.last(path) for path in run.files(name).values())
    return {
        "in": max((row["commit"] + 1 for row in ends if row is not None), default=0),
        "out": jsonl.lines(run.accepted(name)),
        "rejected": sum(jsonl.lines(run.rejected(stage)) for stage in STAGES[name]),
    }


def owed(balance: Mapping[str, Mapping[str, int]], tasks: int, config: RunConfig) -> dict[str, int]:
    """Inputs of each stage that have no commit yet."""
    accepted = balance["instructions"]["out"]
    first = {} if config.strategy else {"instructions": accepted}
    done = {**first, "tasks": balance["tasks"]["in"], "answers": balance["answers"]["in"]}
    wanted = {"tasks": config.target if config.strategy else accepted, "answers": tasks}
    wanted |= {name: max(config.target, accepted) for name in first}
    if config.judged:
        wanted |= {"judged": tasks, "pairs": tasks}
        done |= {"judged": balance["judged"]["in"], "pairs": balance["pairs"]["in"]}
    return {name: wanted[name] - done[name] for name in done}


def warnings(report: dict[str, Any]) -> list[str]:
    """What in a report deserves a second look."""
    found = []
    longer = report["pairs"]["longer_chosen"]
    low, high = LONGER_CHOSEN
    if longer is not None and not low <= longer <= high:
        found.append(
            f"the longer answer is chosen in {longer:.0%} of the pairs (expected {low:.0%} to {high:.0%}): "
            "the judge may be rewarding length"
        )
    found += unbalanced(report)
    return found


def unbalanced(report: Mapping[str, Any]) -> Iterator[str]:
    """Where what went in is not what came out, was rejected or is owed."""
    grown, tasks = report["stages"]["instructions"], report["stages"]["tasks"]
    taken = report["accepted"] + sum(report["rejected"].get("grow", {}).values())
    if report["command"] == "expand" and grown["out"] + grown["rejected"] != taken:
        yield f"the grow stage does not balance: {grown} against {taken} proposals"
    if (
        report["command"] == "answer"
        and tasks["out"] + tasks["rejected"] + report["owed"]["tasks"] != report["requested"]
    ):
        yield f"the prompts do not balance: {tasks} against {report['requested']} rows"
