"""A run directory: its guard, its lock, its sides, and what is said of files that cannot be used."""

import subprocess
import sys
from pathlib import Path

import pytest
from stagecase import CONFIG

from synthgen.errors import ConfigError
from synthgen.runs import STAGES, RunDir


def begun(path: Path) -> RunDir:
    """A run directory with its config written."""
    run = RunDir(path)
    run.create()
    run.write(CONFIG, {}, {})
    return run


def test_the_same_config_passes_and_another_is_refused_by_name(tmp_path: Path):
    run = begun(tmp_path / "run")
    run.guard(CONFIG)
    run.guard(CONFIG.model_copy(update={"target": 9, "erase": False}))
    with pytest.raises(ConfigError) as error:
        run.guard(CONFIG.model_copy(update={"samples": 2, "seed": 1}))
    assert "was started with: samples, seed; restore it" in str(error.value)
    assert f"--out NEW --ledger {run.path / 'ledger.sqlite'}" in str(error.value)


def test_of_many_differences_the_first_are_named(tmp_path: Path):
    run = begun(tmp_path / "run")
    with pytest.raises(ConfigError, match="and more"):
        run.guard(CONFIG.model_copy(update={"seeds": {f"s{n}": "x" for n in range(20)}}))


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds thesis\.tex and is not a synthgen run"):
        RunDir(tmp_path).create()
    with pytest.raises(ConfigError, match="is not a folder"):
        RunDir(tmp_path / "thesis.tex").create()


def test_a_folder_with_nothing_but_a_ledger_may_become_a_run(tmp_path: Path):
    (tmp_path / "ledger.sqlite").touch()
    RunDir(tmp_path).create()


def test_two_processes_cannot_hold_one_run(tmp_path: Path):
    code = (
        "import sys, pathlib; from synthgen.runs import RunDir\n"
        "with RunDir(pathlib.Path(sys.argv[1])).locked(): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "run")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(ConfigError, match=f"in use by process {other.pid}"), RunDir(tmp_path / "run").locked():
            pass
        other.kill()
    with RunDir(tmp_path / "run").locked():
        pass


@pytest.mark.parametrize("text", ["{", "[]", '{"generative": {}}', ""])
def test_a_config_that_cannot_be_read_is_named(tmp_path: Path, text: str):
    run = begun(tmp_path / "run")
    run.config.write_text(text)
    with pytest.raises(ConfigError, match=r"config\.json cannot be read"):
        run.stored()


def test_sides_are_read_back_as_written(tmp_path: Path):
    run = begun(tmp_path / "run")
    assert run.read_sides() == {}
    run.write_sides({"b": "train", "a": "test"})
    assert list(run.read_sides().items()) == [("b", "train"), ("a", "test")]
    run.sides.write_text('{"id": "b"}\n')
    with pytest.raises(ConfigError, match=r"sides\.jsonl cannot be read"):
        run.read_sides()


def test_every_rejected_file_belongs_to_one_stage():
    names = [name for stage in STAGES.values() for name in stage]
    assert len(names) == len(set(names))
