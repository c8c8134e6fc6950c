"""What notebooks use, and what the command line is a thin layer over."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgen import jsonl, steps
from synthgen.errors import ConfigError, InputError
from synthgen.line import Progress
from synthgen.records import Answer, Instruction, Judged, Pair, Record, Task
from synthgen.runs import RunDir
from synthgen.stages.given import Given
from synthgen.steps import Job
from synthgen.views import story

if TYPE_CHECKING:
    from datasets import DatasetDict

KINDS: Mapping[str, type[Record]] = {
    "instructions": Instruction, "tasks": Task, "answers": Answer, "judged": Judged, "pairs": Pair,
}  # fmt: skip


def silent(_stage: str, _count: int) -> None:
    """No progress."""


class Run:
    """A run directory, read."""

    def __init__(self, path: str | Path) -> None:
        self.dir = RunDir(Path(path))
        if not self.dir.config.exists():
            raise InputError(f"{path} is not a run of synthgen: it has no config.json")

    @property
    def report(self) -> dict[str, Any]:
        """The report of the last command on this run."""
        try:
            return dict(json.loads(self.dir.report.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise InputError(
                f"{self.dir.path} has no report yet: its first command did not end; run it again"
            ) from None
        except ValueError as error:
            raise InputError(f"{self.dir.report} cannot be read: {error}; run the same command again") from error

    def records(self, stage: str) -> Iterator[Record]:
        """The records of `instructions`, `tasks`, `answers`, `judged` or `pairs`, in order."""
        if stage not in KINDS:
            raise ConfigError(f"there is no stage {stage}; known: {', '.join(KINDS)}")
        return jsonl.records(self.dir.accepted(stage), KINDS[stage])

    def dataset(self, config: str = "sft") -> "DatasetDict":
        """One config of the dataset folder, as `datasets` opens it."""
        from datasets import load_dataset

        if not self.dir.dataset.exists():
            raise InputError(f"{self.dir.path} has no dataset yet")
        return load_dataset(str(self.dir.dataset), config)

    def why(self, identity: str) -> str:
        """The whole story of an id: seeds, prompt, reply, screens, strategy, candidates, verdicts, pair, row."""
        return story.why(self.dir, identity)


async def aexpand(
    seeds: str | Path,
    out: str | Path,
    target: int = 200,
    teacher: str = "",
    *,
    prefect: bool = False,
    config: str | Path | None = None,
    prompts: str | Path | None = None,
    progress: Progress = silent,
    **keys: Any,
) -> Run:
    """Run the whole line; to resume is to run again. Further keys are those of a config file.

    Raises SynthgenError where nothing could start. A stop by rule is in the report: `run.report["stopped"]`.
    """
    values = {**keys, "target": target, "prefect": prefect, **({"teacher": {"spec": teacher}} if teacher else {})}
    job = Job(Path(seeds), Path(out), values, path_or_none(config), path_or_none(prompts))
    await perform(job, progress, prefect=prefect)
    return Run(out)


def expand(seeds: str | Path, out: str | Path, target: int = 200, teacher: str = "", **keys: Any) -> Run:
    """`aexpand` for code without an event loop."""
    return asyncio.run(aexpand(seeds, out, target, teacher, **keys))


async def aanswer(
    prompts: str | Path,
    out: str | Path,
    strategy: str = "auto",
    samples: int = 1,
    teacher: str = "",
    *,
    field: str = "",
    prefect: bool = False,
    config: str | Path | None = None,
    prompts_dir: str | Path | None = None,
    progress: Progress = silent,
    **keys: Any,
) -> Run:
    """Answer the prompts of a file, as `synthgen answer` does; to resume is to run again. Raises as `aexpand` does."""
    values = {**keys, "strategy": strategy, "samples": samples, "prefect": prefect}
    values |= {"teacher": {"spec": teacher}} if teacher else {}
    given = Given(Path(prompts), field)
    job = Job(None, Path(out), values, path_or_none(config), path_or_none(prompts_dir), given=given)
    await perform(job, progress, prefect=prefect)
    return Run(out)


def answer(
    prompts: str | Path, out: str | Path, strategy: str = "auto", samples: int = 1, teacher: str = "", **keys: Any
) -> Run:
    """`aanswer` for code without an event loop."""
    return asyncio.run(aanswer(prompts, out, strategy, samples, teacher, **keys))


async def perform(job: Job, progress: Progress, *, prefect: bool) -> dict[str, Any]:
    """Every step of a job, as a Prefect flow or in turn; the report."""
    if prefect:
        from synthgen import pipeline

        return await pipeline.run_all(job, progress)
    return await steps.run_all(job, progress)


def path_or_none(path: str | Path | None) -> Path | None:
    """A path, where there is one."""
    return Path(path) if path is not None else None
