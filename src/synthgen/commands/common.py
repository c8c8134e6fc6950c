"""What the commands that run the line share: options, the job with its progress line, and how they end."""

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Self

import typer

from synthgen.errors import InputError, SynthgenError

if TYPE_CHECKING:
    from synthgen.stages.given import Given

DONE, NOT_STARTED, WRONG_USAGE, STOPPED = 0, 1, 2, 3
LOG_EVERY_SECONDS = 10.0
SAID = {"tasks": "made into tasks", "answers": "answered", "pairs": "paired"}
"""Stages by what is done there to an instruction or task."""
SeedsPath = Annotated[Path, typer.Option("--seeds", help="Seed tasks: JSON lines or Parquet, a file or a folder.")]
OutPath = Annotated[Path, typer.Option("--out", help="The run directory; the same command on it goes on.")]
Teacher = Annotated[
    str,
    typer.Option(
        "--teacher",
        help="rehearsal, MODEL, http://host:8000/v1, MODEL@URL, several URLs of one model, or vllm:MODEL_OR_PATH.",
    ),
]
Judge = Annotated[str, typer.Option("--judge", help="A teacher SPEC for the judge; the teacher where left out.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="A TOML file of config keys.")]
PromptsDir = Annotated[Path | None, typer.Option("--prompts", help="A folder of edited prompts (see `synthgen init`).")]
Embedder = Annotated[
    str, typer.Option("--embedder", help="Who embeds: MODEL@http://host:8000/v1, MODEL, or a local model folder.")
]
Concurrency = Annotated[str, typer.Option(help="Calls under way at once, or auto (64).")]
ByBatch = Annotated[
    bool, typer.Option("--batch", help="Answers and verdicts by the Batch API: half the price, within a day.")
]
Rpm = Annotated[int | None, typer.Option(min=1, help="Calls a minute, at most.")]
Tpm = Annotated[int | None, typer.Option(min=1, help="Tokens a minute, at most.")]
BudgetUsd = Annotated[float | None, typer.Option(min=0, help="Stop before this is spent (5 for a paid endpoint).")]
MaxCalls = Annotated[int | None, typer.Option(min=0, help="Stop before more calls than this were made.")]
MaxTokensTotal = Annotated[int | None, typer.Option(min=0, help="Stop before more tokens than this were used.")]
PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy", help="Strategies that `synthgen strategies tune` measured, over the shipped table."),
]
Sufficient = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, help="Take the cheapest strategy that checked answers show to suffice (0.5 is usual; 0 is off)."
    ),
]
Constraints = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Share of the open tasks that also ask for a form that a program can check (0)."),
]
RunSeed = Annotated[int | None, typer.Option(help="The run's seed (42).")]
OtherLedger = Annotated[Path | None, typer.Option(help="Use the ledger of another run.")]
TeacherId = Annotated[str, typer.Option(help="The endpoint's name, so that a moved server replays.")]
NoPrefect = Annotated[bool, typer.Option("--no-prefect", help="Run without Prefect; the same bytes.")]
NoErase = Annotated[bool, typer.Option("--no-erase", help="Keep the strategy's system prompt in rows (ablation).")]
NoIncludeSeeds = Annotated[bool, typer.Option("--no-include-seeds", help="Leave the seeds out of SFT.")]
System = Annotated[str, typer.Option(help="The system message of rows: generic, none, or mix: half and half.")]
Mode = Annotated[str, typer.Option("--mode", help="default, or parity: Self-Instruct's own decisions.")]


def fail(error: SynthgenError) -> NoReturn:
    """One line on stderr, and the exit code for a command that could not start."""
    typer.echo(f"synthgen: {' '.join(str(error).split())}", err=True)
    raise typer.Exit(NOT_STARTED)


@contextmanager
def foreseen() -> Iterator[None]:
    """Foreseen errors end the command with one line and exit code 1."""
    try:
        yield
    except SynthgenError as error:
        fail(error)
    except OSError as error:
        if error.filename is None:
            raise
        fail(InputError(f"cannot use {error.filename}: {error.strerror}; name another path, or mend that one"))


def given(**values: Any) -> dict[str, Any]:
    """The flags that were given."""
    return {name: value for name, value in values.items() if value is not None and value != ""}


def whole_number(text: str, flag: str) -> int:
    """A flag's whole number, or exit code 2."""
    if not text.isdigit() or int(text) < 1:
        raise typer.BadParameter(f"{flag} takes a whole number from 1, or auto")
    return int(text)


def limits(
    concurrency: str,
    rpm: int | None,
    tpm: int | None,
    budget_usd: float | None,
    max_calls: int | None,
    max_tokens_total: int | None,
    ledger: Path | None,
    *,
    batch: bool,
) -> dict[str, Any]:
    """The config keys that may differ from call to call."""
    return given(
        concurrency=concurrency if concurrency in {"", "auto"} else whole_number(concurrency, "--concurrency"),
        batch=True if batch else None,
        rpm=rpm,
        tpm=tpm,
        budget_usd=budget_usd,
        max_calls=max_calls,
        max_tokens_total=max_tokens_total,
        ledger=str(ledger) if ledger else None,
    )


def roles(teacher: str, judge: str, teacher_id: str) -> dict[str, Any]:
    """The config keys that say who plays what."""
    found: dict[str, Any] = {}
    if teacher or teacher_id:
        found["teacher"] = given(spec=teacher, teacher_id=teacher_id)
    if judge:
        found["roles"] = {"judge": {"spec": judge}}
    return found


def run_job(
    seeds: Path | None,
    out: Path,
    values: dict[str, Any],
    config: Path | None,
    prompts: Path | None,
    *,
    rows: "Given | None" = None,
    told: Callable[[dict[str, Any]], str] | None = None,
) -> None:
    """Run a job with a progress line, print its report, and exit with its code.

    `rows` are prompts in the place of seeds; `told` says a report in other words than the summary's.
    """
    progress = Progress()
    with progress, spoken(progress):
        from synthgen import api
        from synthgen.config import read_toml
        from synthgen.steps import Job, merged, resolve
        from synthgen.teacher.local import chosen

        values, why = chosen(merged(read_toml(config) if config else {}, values), out, os.environ)
        if why:
            progress.say(why)
        rehearsal = tuple(os.environ.get("SYNTHGEN_REHEARSAL", "").split())
        job = Job(seeds, out, values, config, prompts, rehearsal, rows)
        settings, _, tasks = resolve(job)
        for line in notes(settings, len(tasks) if rows is None else None):
            progress.say(line)
        try:
            report = interruptible(api.perform(job, progress, prefect=settings.prefect))
        except KeyboardInterrupt:
            typer.echo("synthgen: interrupted; everything is kept, the same command goes on", err=True)
            raise typer.Exit(STOPPED) from None
    from synthgen.views import terminal

    typer.echo(told(report) if told is not None else terminal.summary(report, out))
    stop = report["stopped"]
    if stop["reason"] != "done":
        typer.echo(f"synthgen: stopped ({stop['reason']}): {stop['advice']}", err=True)
        raise typer.Exit(STOPPED)


@contextmanager
def spoken(progress: "Progress") -> Iterator[None]:
    """Say what the package logs, between the lines of progress."""
    handler = logging.Handler()
    handler.emit = lambda record: progress.say(f"synthgen: {record.getMessage()}")  # type: ignore[method-assign]
    log = logging.getLogger("synthgen")
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


def interruptible(work: Any) -> dict[str, Any]:
    """Run a coroutine; SIGTERM is an interrupt too."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    result: dict[str, Any] = asyncio.run(work)
    return result


def notes(settings: Any, seeds: int | None) -> Iterator[str]:
    """What a user should know before the run begins."""
    if seeds is not None and seeds < 8:
        low, high = 15 * seeds, 60 * seeds
        yield (
            f"synthgen: only {seeds} seed task(s): every prompt shows the same ones, so expect the pool to saturate at "
            f"some {low} to {high} instructions"
        )
    unpriced = [model for model in settings.prices if settings.budget_usd is not None]
    if unpriced:
        price = settings.prices[unpriced[0]]
        yield (
            f"synthgen: {unpriced[0]} may cost money: counted at {price.prompt:g} and {price.completion:g} USD per million "
            f"tokens in and out ([prices] in the config), budget {settings.budget_usd:g} USD"
        )


class Progress:
    """One line on stderr, at once and then every second: rewritten on a terminal, new in a log every ten seconds."""

    def __init__(self, every_seconds: float = 1.0, write: Callable[[str], object] = sys.stderr.write) -> None:
        self.counts: dict[str, int] = {}
        self.every = every_seconds
        self.write = write
        self.ended = threading.Event()
        self.terminal = sys.stderr.isatty()
        self.began = time.monotonic()
        self.thread = threading.Thread(target=self._show, daemon=True)

    def __call__(self, stage: str, count: int) -> None:
        self.counts[stage] = count

    def say(self, text: str) -> None:
        """A line that stays."""
        self.write(f"\r\033[K{text}\n" if self.terminal else f"{text}\n")

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()

    def _show(self) -> None:
        last, shown = "", -LOG_EVERY_SECONDS
        while True:
            text = ", ".join(f"{SAID.get(stage, stage)} {count}" for stage, count in self.counts.items()) or "starting"
            line, now = f"synthgen: {text}", time.monotonic()
            if self.terminal:
                self.write(f"\r\033[K{line} ({now - self.began:.0f} s)")
            elif line != last and now - shown >= LOG_EVERY_SECONDS:
                self.write(line + "\n")
                last, shown = line, now
            if self.ended.wait(self.every):
                self.write("\r\033[K" if self.terminal else "")
                return
