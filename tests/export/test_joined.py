"""Files of a run that no longer go together make no dataset, in which answers would stand beside prompts of others."""

import shutil
from pathlib import Path

import orjson
import pytest

from synthgen import steps
from synthgen.errors import ConfigError


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run, to change and to export again."""
    path = tmp_path / "run"
    shutil.copytree(finished, path, ignore=shutil.ignore_patterns("ledger.sqlite*"))
    return path


def edit(run, name, change):
    """Change the rows of a file: `change` gives those that then stand there."""
    path = run / f"{name}.jsonl"
    rows = change([orjson.loads(line) for line in path.read_bytes().splitlines()])
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def only(place, **new):
    """Change one row."""
    return lambda rows: [row | (new if number == place else {}) for number, row in enumerate(rows)]


def renamed(rows):
    """The first answers under other ids, so that a pair names what is not there."""
    return [row | {"id": f"{row['id']}-x"} for row in rows]


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("answers", only(3, text=None), "answers.jsonl holds what is no record, of '.*': text: "),
        ("answers", only(3, colour="red"), "answers.jsonl holds what is no record, of '.*': colour: "),
        ("judged", only(0, mean="good"), "judged.jsonl holds what is no record, of '.*': mean: "),
        ("tasks", only(2, side="left"), "tasks.jsonl holds what is no record, of '.*': side: "),
        ("instructions", only(0, nearest=None), "instructions.jsonl holds what is no record, of '.*': nearest"),
        ("answers", renamed, "pairs.jsonl does not go with the run's other files at "),
        ("answers", only(0, task="c999999-0-0"), "answers.jsonl does not go with the run's other files at "),
        ("tasks", lambda rows: rows[1:], "answers.jsonl does not go with the run's other files at "),
        ("instructions", lambda rows: rows[:1], "tasks.jsonl does not go with the run's other files at "),
    ],
)
def test_a_file_that_was_changed_by_hand_is_named_and_the_dataset_stays(run, name, change, why):
    before = (run / "dataset" / "README.md").read_bytes()
    edit(run, name, change)
    with pytest.raises(ConfigError, match=why) as told:
        steps.export_again(run)
    assert "\n" not in str(told.value)
    assert (run / "dataset" / "README.md").read_bytes() == before
