"""`synthgen strategies`: measure which reasoning strategy each kind of task wants, and show what was found."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from synthgen.commands import categories
from synthgen.commands.common import (
    STOPPED,
    BudgetUsd,
    Concurrency,
    ConfigFile,
    MaxTokensTotal,
    OtherLedger,
    Progress,
    PromptsDir,
    Rpm,
    RunSeed,
    Teacher,
    TeacherId,
    Tpm,
    foreseen,
    given,
    interruptible,
    limits,
    notes,
    roles,
    spoken,
)

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Measure which strategy each kind of task wants.")
app.command("categories")(categories.categories)


@app.command()
def tune(
    seeds: Annotated[
        Path | None, typer.Option("--seeds", help="Seed tasks; those with a verifier of their answer take part.")
    ] = None,
    tune_on: Annotated[
        Path | None,
        typer.Option("--tune-on", help="Items with known answers: JSON lines or Parquet, a file or a folder."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The policy file.")] = Path("policy.json"),
    teacher: Teacher = "",
    student: Annotated[str, typer.Option(help="A SPEC of the model that is to be taught: it is measured too.")] = "",
    samples: Annotated[int, typer.Option(min=1, help="Answers of every strategy to an item.")] = 1,
    think: Annotated[bool, typer.Option("--think", help="Every strategy with and without thinking.")] = False,
    held_out: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of the items that decide nothing and measure the gain.")
    ] = 0.5,
    max_calls: Annotated[
        int | None, typer.Option(min=0, help="Calls at most: then strategies that are clearly worse drop out early.")
    ] = None,
    config: ConfigFile = None,
    concurrency: Concurrency = "",
    rpm: Rpm = None,
    tpm: Tpm = None,
    budget_usd: BudgetUsd = None,
    max_tokens_total: MaxTokensTotal = None,
    seed: RunSeed = None,
    ledger: OtherLedger = None,
    teacher_id: TeacherId = "",
    prompts: PromptsDir = None,
) -> None:
    """Ask every strategy over items whose answers are known, and write the policy that follows. The same command goes on."""
    if seeds is None and tune_on is None:
        raise typer.BadParameter("name items with known answers: --seeds PATH, --tune-on FILE, or both")
    progress = Progress()
    with foreseen(), progress, spoken(progress):
        from synthgen.config import read_toml
        from synthgen.stages.grow import Stop
        from synthgen.steps import merged
        from synthgen.teacher.local import chosen
        from synthgen.tournament import run, told

        values = given(seed=seed) | limits(
            concurrency, rpm, tpm, budget_usd, max_calls, max_tokens_total, ledger, batch=False
        )
        values |= roles(teacher, "", teacher_id)
        values, why = chosen(merged(read_toml(config) if config else {}, values), out, os.environ)
        if why:
            progress.say(why)
        rehearsal = tuple(os.environ.get("SYNTHGEN_REHEARSAL", "").split())
        tuning = run.Tuning(
            out, seeds, tune_on, values, None, prompts, student, samples, think=think, held_out=held_out,
            rehearsal=rehearsal,
        )  # fmt: skip
        prepared = run.prepare(tuning)
        for player in prepared.players:
            for line in notes(player, None):
                progress.say(line)
        try:
            found: Any = interruptible(run.tune(tuning, prepared, progress))
        except KeyboardInterrupt:
            typer.echo("synthgen: interrupted; everything is kept, the same command goes on", err=True)
            raise typer.Exit(STOPPED) from None
    if isinstance(found, Stop):
        typer.echo(f"synthgen: stopped ({found.reason}): {found.advice}", err=True)
        raise typer.Exit(STOPPED)
    typer.echo("\n".join(told.lines(found)))


@app.command()
def show(policy: Annotated[Path, typer.Argument(metavar="POLICY", help="A policy file.")]) -> None:
    """What a policy file holds: the choices, their evidence, and what they gain."""
    with foreseen():
        from synthgen import policy as policies
        from synthgen.tournament import told

        typer.echo("\n".join(told.lines(policies.load(policy))))
