"""Items of the rehearsal's families with known answers, and the `synthgen strategies` command."""

import json
import subprocess
import sys
from pathlib import Path

from conftest import clean_environment

from synthgen.rehearsal.items import items

CATEGORIES = ("mathematics", "reasoning", "extraction")


def written(path: Path, each: int, categories: tuple[str, ...] = CATEGORIES) -> Path:
    """Those items as a file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in items(each, 1, categories)), encoding="utf-8")
    return path


def arguments(*more: object) -> list[str]:
    """The command line of `synthgen strategies`."""
    return [sys.executable, "-c", "from synthgen.cli import main; main()", "strategies", *map(str, more)]


def environment(**more: str) -> dict[str, str]:
    """Of the command."""
    return {**clean_environment(), **more}


def strategies(*more: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `synthgen strategies ...` as a user does."""
    return subprocess.run(
        arguments(*more), capture_output=True, text=True, env=environment(**environ), timeout=240, check=False
    )
