"""What was found of a dataset folder: what is wrong, as plain values, and in words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from synthgen.export.check import Finding
from synthgen.trainers import checked as trainers
from synthgen.trainers.checked import Outcome
from synthgen.trainers.lengths import Lengths


@dataclass(slots=True)
class Checked:
    """What was found, as far as was looked."""

    folder: Path
    findings: Sequence[Finding] = ()
    """Of the contract of every view."""
    lengths: list[Lengths] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def faults(checked: Checked) -> Iterator[str]:
    """What is wrong, a line each."""
    for one in checked.findings:
        yield from one.in_words()
    for measure in checked.lengths:
        if measure.over:
            yield f"{measure.config}: {len(measure.over)} of {measure.rows} rows are too long: {trainers.named(measure.over)}"
    for outcome in checked.outcomes:
        yield from (f"{outcome.config} by {outcome.way}: {one}" for one in trainers.faults(outcome))


def told(checked: Checked, wrong: Sequence[str]) -> Mapping[str, Any]:
    """What was found, as plain values."""
    return {
        "folder": str(checked.folder),
        "sound": not wrong,
        "faults": list(wrong),
        "notes": checked.notes,
        "contract": [asdict(one) for one in checked.findings],
        "lengths": [asdict(one) for one in checked.lengths],
        "trainers": [asdict(one) for one in checked.outcomes],
    }


def in_words(checked: Checked, wrong: Sequence[str]) -> Iterator[str]:
    """What was found, in lines."""
    for finding in checked.findings:
        yield f"{finding.config:<13} contract       {finding.rows:,} rows in {finding.path}"
    for measure in checked.lengths:
        yield f"{measure.config:<13} lengths        {measure.rows:,} rows, the longest of {measure.longest:,} tokens at least"
    for outcome in checked.outcomes:
        yield trainers.in_words(outcome)
    yield from (f"note: {one}" for one in checked.notes)
    yield f"{len(wrong)} fault{'s' if len(wrong) > 1 else ''}" if wrong else "no fault was found"
