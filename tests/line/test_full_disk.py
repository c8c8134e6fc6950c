"""A disk that is full at any moment costs one clear line and nothing that was paid for."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SEEDS, clean_environment, command, outputs

LIMITED = """
import resource, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from synthgen.cli import main
main()
"""
"""No file may grow beyond a limit: for a program the same as a full disk, and it needs no mount."""


@pytest.mark.parametrize("limit", [2_000, 20_000, 60_000, 250_000])
def test_a_full_disk_is_one_line_and_with_room_the_same_command_goes_on(finished: Path, tmp_path: Path, limit: int):
    arguments = [
        "expand", "--seeds", str(SEEDS), "--out", str(tmp_path / "run"), "--target", "30", "--no-prefect",
        "--teacher", "rehearsal",
    ]  # fmt: skip
    full = subprocess.run(
        [sys.executable, "-c", LIMITED, str(limit), *arguments],
        capture_output=True,
        text=True,
        env=clean_environment(),
        timeout=120,
        check=False,
    )
    assert full.returncode in {1, 3}, full.stderr
    lines = [line for line in full.stderr.splitlines() if line and line != "synthgen: starting"]
    assert len(lines) == 1, full.stderr
    assert "make room" in lines[0]
    assert not (tmp_path / "run" / "dataset").exists()
    again = command(*arguments)
    assert again.returncode == 0, again.stderr
    assert outputs(tmp_path / "run") == outputs(finished)
