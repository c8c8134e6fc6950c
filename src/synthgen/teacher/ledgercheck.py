"""Whether a ledger is sound: what SQLite says of the file, what every row says of itself, and its sums by step and model."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from synthgen.teacher.ledger import Totals
from synthgen.teacher.ledgercopy import rows
from synthgen.teacher.ledgerfile import Call, Damaged, has_log, in_one_line, log_of, logs_of, names_of, said_of, to_read
from synthgen.teacher.ledgerrow import Held, Lost, Seen
from synthgen.teacher.salvage import logged, salvaged


@dataclass(slots=True)
class Checked:
    """What was found in a ledger."""

    faults: list[str] = field(default_factory=list)
    """What is wrong, the gravest first; none in a sound ledger."""
    format: int = 0
    """0 where it cannot be told."""
    seen: Seen = field(default_factory=Seen)
    sums: dict[tuple[str, str], Totals] = field(default_factory=dict)
    """By step and model."""

    def count(self, held: Iterable[Held]) -> None:
        """Add up rows; the same row again changes nothing."""
        losses: set[Lost] = set()
        for row in held:
            if isinstance(row, Call) and row.key not in self.seen.readable:
                tokens = row.prompt_tokens, row.completion_tokens, row.cached_tokens
                self._add(row.step, row.model, Totals(1, *tokens, row.cost_usd))
            elif isinstance(row, Lost) and row not in losses:
                losses.add(row)
                tokens_lost = row.prompt_tokens + row.completion_tokens
                self._add(row.step, row.model, Totals(lost_calls=1, lost_tokens=tokens_lost, lost_usd=row.cost_usd))
            self.seen.note(row)

    def _add(self, step: str, model: str, more: Totals) -> None:
        before = self.sums.get((step, model), Totals())
        self.sums[step, model] = Totals._make(map(sum, zip(before, more, strict=True)))


def check(path: Path) -> Checked:
    """What a ledger holds, and what is wrong with it. Raises as to_read does, but not for damage."""
    found = Checked()
    try:
        with said_of(path), closing(to_read(path)) as db:
            (found.format,) = db.execute("pragma user_version").fetchone()
            look(db, path, found)
    except Damaged as error:
        found.faults.insert(0, error.what)
    if len(names_of(path)) > 1:
        found.faults.append("a repair of it was killed before its last step")
    if not found.faults:
        return found
    whole = Checked(found.faults, found.format)
    with path.open("rb") as file:
        whole.count(salvaged(file, logs_of(path)))
    return whole


def look(db: sqlite3.Connection, path: Path, found: Checked) -> None:
    """Look at the file, at every row, and at the log: SQLite says nothing of what follows a fault in that."""
    in_log = logged(path, log_of(path)) if has_log(path) else set()
    found.faults += integrity(db)
    if not found.faults:
        found.count(rows(db, found.faults))
        unseen = in_log - found.seen.readable - found.seen.named
        if unseen:
            found.faults.append(f"{len(unseen)} calls stand in a part of its log that SQLite does not read")


def integrity(db: sqlite3.Connection) -> list[str]:
    """What SQLite finds wrong with the file."""
    said = [line for (text,) in db.execute("pragma integrity_check") for line in text.splitlines()]
    return [in_one_line(line) for line in said if line != "ok" and not line.startswith("*** in database")]
