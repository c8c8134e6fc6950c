"""What the checks of a run's tasks found, told apart by kind: they are never added up."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from synthgen import jsonl
from synthgen.runs import RunDir

SAID = {True: "passed", False: "failed", None: "undecided"}


@dataclass(slots=True)
class Found:
    """What checks found so far."""

    counts: defaultdict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """(kind, name) to how many answers passed, failed or were left undecided."""

    def take(self, answers: Iterable[Mapping[str, Any]]) -> None:
        """Count what was found of some answers."""
        for row in answers:
            for one in row.get("outcomes", ()):
                self.counts[one["kind"], one["name"]][SAID[one["passed"]]] += 1

    def told(self) -> dict[str, dict[str, dict[str, int]]]:
        """Kind to name to the counts."""
        found: defaultdict[str, dict[str, dict[str, int]]] = defaultdict(dict)
        for kind, name in sorted(self.counts):
            found[kind][name] = {said: self.counts[kind, name][said] for said in SAID.values()}
        return dict(found)


def with_row(run: RunDir) -> int:
    """How many tasks have an answer that may be trained on, as far as checks say: of the task's strategy, and none failed."""
    commits = groupby(jsonl.rows(run.accepted("answers")), key=itemgetter("commit"))
    return sum(any(fit(row) for row in rows) for _, rows in commits)


def fit(row: Mapping[str, Any]) -> bool:
    """Whether an answer's row could be trained on; as `checks.verdict.fit`, of a line as it stands."""
    return not row["explored"] and not any(failed(row.get("outcomes", ())))


def failed(outcomes: Iterable[Mapping[str, Any]]) -> Iterator[bool]:
    """Of each check of content or form: whether it failed."""
    return (one["passed"] is False for one in outcomes if one["kind"] != "agreement")
