"""A dataset of several shards is the same to the byte however often it is written, and however often writing was killed."""

import shutil
import signal
import subprocess
import sys

import pytest
from conftest import clean_environment, outputs
from test_folder import plant_checks

from synthgen import steps
from synthgen.export import parquet

CHILD = """
import os, signal, sys
from itertools import count
from pathlib import Path

from synthgen.export import gate, parquet
from synthgen.steps import export_again

run, owner, name, last = Path(sys.argv[1]), eval(sys.argv[2]), sys.argv[3], int(sys.argv[4])
parquet.ROWS_IN_GROUP, parquet.CHARACTERS_IN_SHARD = map(int, sys.argv[5:])
calls, whole = count(1), getattr(owner, name)

def killed(*arguments, **named):
    if next(calls) == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*arguments, **named)

setattr(owner, name, killed)
export_again(run)
"""
"""An export in small shards that ends itself, as a kill does, when a function is called for the nth time."""
ROWS_IN_GROUP, CHARACTERS_IN_SHARD = 4, 8_000
MOMENTS = {
    "at the first row": ("parquet.Files", "put", 1),
    "in the middle of the rows": ("parquet.Files", "put", 300),
    "when a shard is written": ("parquet.Split", "_close", 3),
    "when the shards get their names": ("Path", "rename", 2),
    "while they are read back": ("gate.Search", "take", 50),
}


@pytest.fixture(scope="module")
def start(finished, tmp_path_factory):
    """A run with rows for every config that was never exported."""
    path = tmp_path_factory.mktemp("scale") / "run"
    shutil.copytree(finished, path, ignore=shutil.ignore_patterns("ledger.sqlite*", "dataset"))
    plant_checks(path)
    return path


@pytest.fixture
def run(start, tmp_path):
    """A copy of that run."""
    shutil.copytree(start, tmp_path / "run")
    return tmp_path / "run"


def export(run):
    """Export in small shards; what is there then."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "ROWS_IN_GROUP", ROWS_IN_GROUP)
        patch.setattr(parquet, "CHARACTERS_IN_SHARD", CHARACTERS_IN_SHARD)
        steps.export_again(run)
    return outputs(run)


def export_and_kill(run, owner, name, last):
    """Export in a process of its own, which is killed."""
    numbers = [str(number) for number in (last, ROWS_IN_GROUP, CHARACTERS_IN_SHARD)]
    command = [sys.executable, "-c", CHILD, str(run), owner, name, *numbers]
    assert subprocess.run(command, env=clean_environment(), check=False, timeout=240).returncode == -signal.SIGKILL


@pytest.fixture(scope="module")
def whole(start, tmp_path_factory):
    """What an export leaves that nothing disturbed."""
    path = tmp_path_factory.mktemp("whole") / "run"
    shutil.copytree(start, path)
    return export(path)


def test_every_config_comes_in_several_shards(whole):
    for config in ("sft", "sft_messages", "dpo", "kto", "rl"):
        assert any(name.startswith(f"dataset/{config}/train-00001-of-") for name in whole)
    assert not [name for name in whole if "unfinished" in name]


def test_written_twice_the_bytes_are_the_same(run, whole):
    for _ in range(2):
        assert export(run) == whole


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_in_the_middle_nothing_half_is_left_and_the_next_export_is_the_same(run, whole, moment):
    export_and_kill(run, *MOMENTS[moment])
    assert not (run / "dataset").exists()
    assert export(run) == whole
    assert not list(run.glob(".dataset*"))


def test_killed_in_the_middle_the_dataset_before_stays(run, whole):
    export(run)
    export_and_kill(run, *MOMENTS["in the middle of the rows"])
    assert outputs(run) == whole
