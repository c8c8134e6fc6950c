"""`synthgen strategies categories`: how well a teacher sorts the seeds into their own categories."""

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from synthgen.commands.common import (
    STOPPED,
    BudgetUsd,
    Concurrency,
    ConfigFile,
    OtherLedger,
    Progress,
    PromptsDir,
    Rpm,
    SeedsPath,
    Teacher,
    TeacherId,
    foreseen,
    interruptible,
    limits,
    roles,
    spoken,
)


def categories(
    seeds: SeedsPath = Path("seeds"),
    teacher: Teacher = "",
    config: ConfigFile = None,
    concurrency: Concurrency = "",
    rpm: Rpm = None,
    budget_usd: BudgetUsd = None,
    ledger: OtherLedger = None,
    teacher_id: TeacherId = "",
    prompts: PromptsDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """How often the inspection of a task names the category that a human gave it: over the seeds, one call each."""
    values = limits(concurrency, rpm, None, budget_usd, None, None, None, batch=False)
    values |= roles(teacher, "", teacher_id)
    with foreseen(), TemporaryDirectory(prefix="synthgen-") as folder, Progress() as progress, spoken(progress):
        from synthgen.config import read_toml
        from synthgen.steps import Job, merged
        from synthgen.teacher.local import chosen
        from synthgen.tournament import categories as figures

        values, why = chosen(merged(read_toml(config) if config else {}, values), Path(folder), os.environ)
        if why:
            progress.say(why)
        rehearsal = tuple(os.environ.get("SYNTHGEN_REHEARSAL", "").split())
        job = Job(seeds, Path(folder), values, config, prompts, rehearsal)
        try:
            found = interruptible(figures.measured(job, ledger))
        except KeyboardInterrupt:
            typer.echo("synthgen: interrupted; with --ledger the same command goes on", err=True)
            raise typer.Exit(STOPPED) from None
    typer.echo(json.dumps(found, indent=2) if as_json else "\n".join(figures.lines(found)))
