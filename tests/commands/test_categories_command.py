"""`synthgen strategies categories`, against the rehearsal."""

import json
from pathlib import Path

from conftest import SEEDS, command


def measured(*options: str, seeds: Path = SEEDS):
    """The command."""
    return command("strategies", "categories", "--seeds", seeds, "--teacher", "rehearsal", *options)


def test_it_says_how_often_the_inspection_is_right_and_what_it_takes_for_what(tmp_path: Path):
    ledger = str(tmp_path / "ledger.sqlite")
    said = measured("--ledger", ledger)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("175 seeds: the inspection names their own category in ")
    assert "most often taken for another: " in said.stdout
    again = measured("--ledger", ledger, "--budget-usd", "0", "--json")
    found = json.loads(again.stdout)
    assert 0.3 < found["accuracy"]["share"] < 0.7, "the rehearsal guesses by words"
    assert f"in {found['accuracy']['count']} of 175 (" in said.stdout, "what is in the ledger is not asked again"
    assert len(found["by_category"]) == 29


def test_seeds_that_are_not_there_are_one_line(tmp_path: Path):
    said = measured(seeds=tmp_path / "nowhere.jsonl")
    assert said.returncode == 1
    assert len([line for line in said.stderr.splitlines() if "nowhere" in line]) == 1
