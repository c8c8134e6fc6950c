"""The files of a run side by side: each task with what the later stages made of it. Files that do not go together are refused."""

from collections.abc import Iterator
from pathlib import Path

from synthgen import jsonl
from synthgen.errors import ConfigError
from synthgen.jsonl import Ahead
from synthgen.records import Answer, Judged, Pair, Task
from synthgen.runs import RunDir


def zip_line(run: RunDir, *, judged: bool) -> Iterator[tuple[Task, list[Answer], list[Judged], Pair | None]]:
    """Tasks with what the later stages made of them: files in one order, so a join is a zip.

    Ends where the last stage has not committed yet.
    """
    tasks = jsonl.records(run.accepted("tasks"), Task)
    answered, marked = Ahead(run.accepted("answers")), Ahead(run.accepted("judged"))
    for task, end in zip(tasks, jsonl.commits(run.files("pairs" if judged else "answers")), strict=False):
        number = end.number
        said = answered.take(number) if judged else end.lines["answers"]
        answers = [jsonl.record(row, Answer, run.accepted("answers")) for row in said]
        verdicts = [jsonl.record(row, Judged, run.accepted("judged")) for row in marked.take(number)] if judged else []
        pair = next((jsonl.record(row, Pair, run.accepted("pairs")) for row in end.lines.get("pairs", ())), None)
        if end.of != task.id or any(one.task != task.id for one in answers):
            raise changed(run.accepted("answers"), task.id)
        if pair is not None and not {pair.chosen, pair.rejected} <= {one.id for one in answers}:
            raise changed(run.accepted("pairs"), pair.id)
        yield task, answers, verdicts, pair


def changed(path: Path, identity: str) -> ConfigError:
    """What is said of files of a run that no longer belong together."""
    return ConfigError(
        f"{path.name} does not go with the run's other files at {identity}: one was changed by hand or by another program; "
        "restore it, or start a new run with --ledger pointing at this run's ledger"
    )
