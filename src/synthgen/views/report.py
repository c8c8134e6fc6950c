"""The report of a run: counted from its files, so that it is true whatever was killed before.

Every stage's balance is part of it: what went in is what came out, was rejected, or is still owed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import orjson

from synthgen import jsonl
from synthgen.config import RunConfig
from synthgen.runs import STAGES, RunDir
from synthgen.text.tokens import word_count
from synthgen.views.growth import growth

LONGER_CHOSEN = (0.35, 0.65)
"""Share of pairs whose longer side is chosen, outside of which length itself is probably being rewarded."""


def counted(run: RunDir, config: RunConfig) -> dict[str, Any]:
    """What the files of a run hold, as plain values."""
    rejected = {stage: reasons(run, stage) for stages in STAGES.values() for stage in stages}
    tasks, categories, strategies = task_counts(run)
    balance = {name: stage_balance(run, name) for name in STAGES}
    given, grown = bool(config.strategy), balance["instructions"]
    accepted = answered(run, config, balance) if given else grown["out"]
    return {
        "command": "answer" if given else "expand",
        "requested": config.target,
        "accepted": accepted,
        "proposed": balance["tasks"]["in"] if given else grown["out"] + grown["rejected"],
        "rejected": {stage: dict(found) for stage, found in rejected.items() if found},
        "owed": owed(balance, tasks, config),
        "tasks": tasks,
        "strategies": with_marks(run, strategies),
        "categories": dict(sorted(categories.items())),
        "pairs": pair_counts(run, rejected["pair"]),
        "contamination": given_away(run, config),
        "growth": {} if given else growth(run, config),
        "stages": balance,
    }


def made(run: RunDir, config: RunConfig, unit: str) -> int:
    """How many rows or pairs a run has made: tasks with a good answer, and pairs."""
    if unit == "pairs":
        return sum(1 for _ in jsonl.rows(run.accepted("pairs")))
    if not config.judged:
        return sum(1 for _ in jsonl.rows(run.accepted("answers")))
    return stage_balance(run, "pairs")["in"] - sum(1 for _ in jsonl.rows(run.rejected("pick")))


def answered(run: RunDir, config: RunConfig, balance: Mapping[str, Mapping[str, int]]) -> int:
    """How many prompts that were given have a row: a usable answer, and where answers are judged a good one."""
    if config.judged:
        return balance["pairs"]["in"] - sum(1 for _ in jsonl.rows(run.rejected("pick")))
    return sum(1 for _ in groupby(commits(run, "answers")))


def reasons(run: RunDir, stage: str) -> Counter[str]:
    """Reason to count, most frequent first."""
    found = Counter(row["reason"] for row in jsonl.rows(run.rejected(stage)))
    return Counter(dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))))


def task_counts(run: RunDir) -> tuple[int, Counter[str], Counter[str]]:
    """Number of tasks, tasks by category, tasks by strategy."""
    categories: Counter[str] = Counter()
    strategies: Counter[str] = Counter()
    for row in jsonl.rows(run.accepted("tasks")):
        categories[row["category"]] += 1
        strategies[row["strategy"]] += 1
    return strategies.total(), categories, strategies


def with_marks(run: RunDir, tasks: Counter[str]) -> dict[str, dict[str, Any]]:
    """For each strategy: tasks planned, answers, their mean words and, where judged, their mean mark."""
    marks = {row["id"]: row["mean"] for row in jsonl.rows(run.accepted("judged"))}
    words: defaultdict[str, list[int]] = defaultdict(list)
    means: defaultdict[str, list[float]] = defaultdict(list)
    for row in jsonl.rows(run.accepted("answers")):
        words[row["strategy"]].append(word_count(row["text"]))
        if row["id"] in marks:
            means[row["strategy"]].append(marks[row["id"]])
    return {
        name: {
            "tasks": tasks[name],
            "answers": len(words[name]),
            "mean_words": average(words[name]),
            "mean_mark": average(means[name]),
        }
        for name in sorted(tasks.keys() | words.keys())
    }


def average(values: list[int] | list[float]) -> float | None:
    """The mean to three places; None of nothing."""
    return round(sum(values) / len(values), 3) if values else None


def pair_counts(run: RunDir, rejected: Counter[str]) -> dict[str, Any]:
    """Pair yield, tie rate, and how often the longer answer is the chosen one."""
    sides = [(row["chosen"], row["rejected"]) for row in jsonl.rows(run.accepted("pairs"))]
    wanted = {one for pair in sides for one in pair}
    lengths = {row["id"]: len(row["text"]) for row in jsonl.rows(run.accepted("answers")) if row["id"] in wanted}
    unequal = [(lengths[a], lengths[b]) for a, b in sides if lengths[a] != lengths[b]]
    longer = sum(a > b for a, b in unequal) / len(unequal) if unequal else None
    judged = len(sides) + rejected.total()
    return {
        "pairs": len(sides),
        "yield": round(len(sides) / judged, 3) if judged else None,
        "tie_rate": round(rejected["tie"] / judged, 3) if judged else None,
        "longer_chosen": round(longer, 3) if longer is not None else None,
    }


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
    accepted = list(commits(run, name))
    rejected = [number for stage in STAGES[name] for number in commit_numbers(run, stage)]
    return {
        "in": len(set(accepted) | set(rejected)),
        "out": len(accepted),
        "rejected": len(rejected),
    }


def commits(run: RunDir, name: str) -> Iterator[int]:
    """The commit number of each accepted line."""
    return (row["commit"] for row in jsonl.rows(run.accepted(name)))


def commit_numbers(run: RunDir, stage: str) -> Iterator[int]:
    """The commit number of each rejected line."""
    return (row["commit"] for row in jsonl.rows(run.rejected(stage)))


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
