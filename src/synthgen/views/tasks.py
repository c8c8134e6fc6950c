"""What became of the tasks of a run: one pass over its files.

A task is the input of its own number in every later stage, so the files are read side by side.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synthgen import jsonl
from synthgen.jsonl import Ahead
from synthgen.runs import RunDir
from synthgen.text.tokens import word_count
from synthgen.views import checked
from synthgen.views.checked import Found


@dataclass(slots=True)
class Mean:
    """A mean of values that come one by one."""

    total: float = 0
    count: int = 0

    def add(self, value: float) -> None:
        """Take a value."""
        self.total += value
        self.count += 1

    @property
    def rounded(self) -> float | None:
        """The mean to three places; None of nothing."""
        return round(self.total / self.count, 3) if self.count else None


@dataclass(slots=True)
class Category:
    """What became of the tasks of one category."""

    tasks: int = 0
    doubted: int = 0
    answers: int = 0
    marks: Mean = field(default_factory=Mean)
    settled: int = 0
    """Tasks of which it is known whether they have a row."""
    kept: int = 0
    """Of those, the tasks that have one."""

    def told(self) -> dict[str, Any]:
        """Its row of the report."""
        return {
            "tasks": self.tasks,
            "doubted": self.doubted,
            "answers": self.answers,
            "mean_mark": self.marks.rounded,
            "kept": self.kept,
            "retention": round(self.kept / self.settled, 3) if self.settled else None,
        }


@dataclass(slots=True)
class Strategy:
    """The tasks planned under one strategy, and the answers under it."""

    tasks: int = 0
    words: Mean = field(default_factory=Mean)
    marks: Mean = field(default_factory=Mean)

    def told(self) -> dict[str, Any]:
        """Its row of the report: tasks planned, answers, their mean words and, where judged, their mean mark."""
        return {
            "tasks": self.tasks,
            "answers": self.words.count,
            "mean_words": self.words.rounded,
            "mean_mark": self.marks.rounded,
        }


@dataclass(slots=True)
class Seen:
    """The tasks that were seen so far."""

    categories: defaultdict[str, Category] = field(default_factory=lambda: defaultdict(Category))
    strategies: defaultdict[str, Strategy] = field(default_factory=lambda: defaultdict(Strategy))
    checks: Found = field(default_factory=Found)
    tasks: int = 0
    with_row: int = 0
    """Tasks with an answer that may be trained on, as far as checks say."""
    all_failed: int = 0
    """Tasks all of whose answers under their strategy failed a check of content or form: they come to no row."""

    def take(self, task: Mapping[str, Any], answers: Sequence[Mapping[str, Any]], marks: Mapping[str, float]) -> None:
        """Count a task with its usable answers and, by answer id, their mean marks."""
        category = self.categories[task["category"]]
        self.strategies[task["strategy"]].tasks += 1
        self.tasks += 1
        category.tasks += 1
        category.doubted += bool(doubted(task))
        category.answers += len(answers)
        for mark in marks.values():
            category.marks.add(mark)
        for row in answers:
            strategy = self.strategies[row["strategy"]]
            strategy.words.add(word_count(row["text"]))
            if row["id"] in marks:
                strategy.marks.add(marks[row["id"]])
        own = [row for row in answers if not row["explored"]]
        self.checks.take(own)
        some = any(map(checked.fit, own))
        self.with_row += some
        self.all_failed += bool(own) and not some


def survey(run: RunDir, *, judged: bool, ended: int) -> Seen:
    """Every task of a run with what the later stages made of it; of the first `ended` it is known whether they have a row."""
    seen = Seen()
    answers, marked, unpicked = (
        Ahead(path) for path in (run.accepted("answers"), run.accepted("judged"), run.rejected("pick"))
    )
    for number, task in enumerate(jsonl.rows(run.accepted("tasks"))):
        usable = answers.take(number)
        seen.take(task, usable, {row["id"]: row["mean"] for row in marked.take(number)})
        dropped = bool(unpicked.take(number)) if judged else not any(map(checked.fit, usable))
        category = seen.categories[task["category"]]
        category.settled += number < ended
        category.kept += number < ended and not dropped
    return seen


def doubted(task: Mapping[str, Any]) -> str:
    """What the rules say against a task's label."""
    from synthgen.text.sorting import doubt

    closed = bool(task["is_classification"])
    return doubt(task["category"], task["instruction"], task["input"], is_classification=closed, labels=task["labels"])
