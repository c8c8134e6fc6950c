"""Shared by all tests: small seeds, a run of the line, and the bytes it leaves."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from synthgen import steps
from synthgen.steps import Job

# What a shell starts with `&` ignores SIGINT, and so does every command that it starts in turn.
signal.signal(signal.SIGINT, signal.default_int_handler)
# `datasets` reads these when it is imported: no network, and no cache that outlives the tests.
CACHE = tempfile.TemporaryDirectory(prefix="synthgen-tests-")
os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HOME": CACHE.name}

settings.register_profile("synthgen", deadline=None)  # no test asserts a time
settings.load_profile("synthgen")

ROOT = Path(__file__).parent.parent
SEEDS = ROOT / "seeds"


def outputs(run: Path) -> dict[str, bytes]:
    """What must not change: every .jsonl and everything under dataset/."""
    files = [*run.rglob("*.jsonl"), *(path for path in (run / "dataset").rglob("*") if path.is_file())]
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(set(files))}


def nothing(_stage: str, _count: int) -> None:
    """No progress."""


def expand(
    out: Path,
    *,
    seeds: Path = SEEDS,
    rehearsal: tuple[str, ...] = (),
    prompts: Path | None = None,
    progress: Callable[[str, int], None] = nothing,
    **values,
):
    """Run the whole line in this process, without Prefect; the report."""
    values.setdefault("teacher", {"spec": "rehearsal"})
    values.setdefault("target", 30)
    job = Job(seeds, out, values, None, prompts, rehearsal)
    return asyncio.run(steps.run_all(job, progress))


def command(*arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the `synthgen` command as a user does."""
    return subprocess.run(
        [sys.executable, "-c", "from synthgen.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**clean_environment(), **environment},
        timeout=240,
        check=False,
    )


def clean_environment() -> dict[str, str]:
    """The environment without anybody's keys or servers."""
    left_out = ("OPENAI", "PREFECT", "SYNTHGEN", "HF_")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)} | {
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": CACHE.name,
    }


def few_seeds(path: Path, count: int) -> Path:
    """A file with the first seeds of the project."""
    rows = [json.loads(line) for line in (SEEDS / "seed_tasks.jsonl").read_text().splitlines()][:count]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 30 accepted, for reading only."""
    out = tmp_path_factory.mktemp("finished") / "run"
    expand(out)
    return out


@pytest.fixture(scope="session")
def off_path() -> None:
    """This folder off the path of imports: TRL would take `vllm` in it for the package."""
    sys.path[:] = [place for place in sys.path if place != str(Path(__file__).parent)]


@pytest.fixture
def work(tmp_path: Path) -> Callable[[str], Path]:
    """Names of fresh run directories."""
    return lambda name: tmp_path / name
