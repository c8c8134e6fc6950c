"""What the checks of a run's tasks found, told apart by kind: they are never added up."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

from synthgen import jsonl
from synthgen.runs import RunDir

SAID = {True: "passed", False: "failed", None: "undecided"}


def counted(run: RunDir) -> dict[str, dict[str, dict[str, int]]]:
    """Kind of check to its name to how many answers passed, failed or were left undecided, explored ones left out."""
    found: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for row in jsonl.rows(run.accepted("answers")):
        for one in () if row["explored"] else row.get("outcomes", ()):
            found[one["kind"]][one["name"]][SAID[one["passed"]]] += 1
    return {
        kind: {name: {said: counts[said] for said in SAID.values()} for name, counts in sorted(names.items())}
        for kind, names in sorted(found.items())
    }


def with_row(run: RunDir) -> int:
    """How many tasks have an answer that may be trained on, as far as checks say: of the task's strategy, and none failed."""
    commits = groupby(jsonl.rows(run.accepted("answers")), key=itemgetter("commit"))
    return sum(any(fit(row) for row in rows) for _, rows in commits)


def all_failed(run: RunDir) -> int:
    """How many tasks have answers under their strategy, all of which failed a check of content or form: they come to no row."""
    commits = groupby(jsonl.rows(run.accepted("answers")), key=itemgetter("commit"))
    own = ([row for row in rows if not row["explored"]] for _, rows in commits)
    return sum(bool(rows) and not any(map(fit, rows)) for rows in own)


def fit(row: Mapping[str, Any]) -> bool:
    """Whether an answer's row could be trained on; as `checks.verdict.fit`, of a line as it stands."""
    return not row["explored"] and not any(failed(row.get("outcomes", ())))


def failed(outcomes: Iterable[Mapping[str, Any]]) -> Iterator[bool]:
    """Of each check of content or form: whether it failed."""
    return (one["passed"] is False for one in outcomes if one["kind"] != "agreement")
