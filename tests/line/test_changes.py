"""Each input changed alone: refused by name in the same run, and on the old ledger asked anew only where it matters."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import SEEDS, expand, outputs

from synthgen import prompts
from synthgen.errors import ConfigError


@dataclass(frozen=True)
class Change:
    """One input changed, the key it is refused by, and which roles have to be asked again."""

    key: str
    asked: frozenset[str]
    values: dict[str, Any] = field(default_factory=dict)
    edit: Callable[[Path], dict[str, Path]] = lambda _folder: {}


def edited_prompt(name: str, old: str, new: str) -> Callable[[Path], dict[str, Path]]:
    """A prompts folder with one file changed."""

    def edit(folder: Path) -> dict[str, Path]:
        text = prompts.load().texts[name]
        assert old in text
        path = folder / "prompts" / (name if name.endswith(".json") else f"{name}.txt")
        path.parent.mkdir(parents=True)
        path.write_text(text.replace(old, new, 1))
        return {"prompts": folder / "prompts"}

    return edit


def edited_seed(folder: Path) -> dict[str, Path]:
    """The seeds with one word added to every instruction."""
    rows = [json.loads(line) for line in (SEEDS / "seed_tasks.jsonl").read_text().splitlines()]
    for row in rows:
        row["instruction"] += " Please."
    path = folder / "seeds.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {"seeds": path}


EVERY = frozenset({"propose", "instantiate", "answer", "judge"})
CHANGES = {
    "seed text": Change("seeds.", EVERY, edit=edited_seed),
    "system prompt": Change(
        "prompts.strategies/step-by-step",
        frozenset({"answer", "judge"}),
        edit=edited_prompt("strategies/step-by-step", "small moves", "little moves"),
    ),
    "template": Change("prompts.judge", frozenset({"judge"}), edit=edited_prompt("judge", "under twelve", "under ten")),
    "model": Change("teacher.propose.model", EVERY, {"teacher": {"spec": "rehearsal-weak"}}),
    "endpoint": Change("teacher.propose.identity", EVERY, {"teacher": {"spec": "rehearsal", "teacher_id": "other"}}),
    "temperature": Change(
        "decoding.answer.temperature",
        frozenset({"answer", "judge"}),
        {"decoding": {"answer": {"temperature": 0.9, "top_p": 0.95, "max_tokens": 2048}}},
    ),
    "schema": Change(
        "prompts.schemas/judge.json",
        frozenset({"judge"}),
        edit=edited_prompt("schemas/judge.json", '"maximum": 5', '"maximum": 5, "description": "mark"'),
    ),
    "threshold": Change("pick_mean", frozenset(), {"pick_mean": 4.0}),
    "samples": Change("samples", frozenset({"answer", "judge"}), {"samples": 5}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_in_the_same_run_a_changed_input_is_refused_by_name(finished: Path, tmp_path: Path, name: str):
    change = CHANGES[name]
    before = outputs(finished)
    with pytest.raises(ConfigError, match=change.key.replace(".", r"\.")) as refused:
        expand(finished, **change.values, **change.edit(tmp_path))
    assert "--ledger" in str(refused.value)
    assert outputs(finished) == before


@pytest.mark.parametrize("name", CHANGES)
def test_on_the_old_ledger_only_changed_requests_are_asked(finished: Path, tmp_path: Path, name: str):
    change = CHANGES[name]
    ledger = tmp_path / "ledger.sqlite"
    copy_ledger(finished / "ledger.sqlite", ledger)
    held = roles(ledger)
    report = expand(tmp_path / "run", ledger=str(ledger), **change.values, **change.edit(tmp_path))
    added = {role: count - held.get(role, 0) for role, count in roles(ledger).items()}
    assert {role for role, count in added.items() if count} == change.asked
    assert sum(added.values()) == report["calls"]
    if change.asked != EVERY:
        assert report["calls_replayed"] > 30


def copy_ledger(source: Path, target: Path) -> None:
    """A whole copy, whatever is still in the write-ahead log."""
    import sqlite3

    with sqlite3.connect(source) as old, sqlite3.connect(target) as new:
        old.backup(new)
    old.close()
    new.close()


def roles(ledger: Path) -> dict[str, int]:
    """Calls kept by role."""
    import sqlite3

    with sqlite3.connect(ledger) as db:
        found = dict(db.execute("select role, count(*) from calls group by role").fetchall())
    db.close()
    return found
