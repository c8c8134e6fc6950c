"""`synthgen estimate`: what a run will cost, from its own first calls."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from synthgen.commands.common import (
    BudgetUsd,
    Concurrency,
    ConfigFile,
    Judge,
    MaxCalls,
    MaxTokensTotal,
    Mode,
    OtherLedger,
    OutPath,
    PromptsDir,
    Rpm,
    RunSeed,
    SeedsPath,
    Teacher,
    TeacherId,
    Tpm,
    foreseen,
    given,
    limits,
    roles,
    run_job,
)


def estimate(
    seeds: SeedsPath,
    target: Annotated[int, typer.Option(min=1, help="How many accepted instructions to estimate for.")] = 200,
    n: Annotated[int, typer.Option("--n", min=1, help="How many instructions the pilot accepts.")] = 20,
    out: OutPath = Path("runs/first"),
    teacher: Teacher = "",
    judge: Judge = "",
    no_judge: Annotated[bool, typer.Option("--no-judge", help="SFT only: keep the first usable answer.")] = False,
    config: ConfigFile = None,
    mode: Mode = "",
    samples: Annotated[int | None, typer.Option(min=1, help="Candidate answers a task (4).")] = None,
    concurrency: Concurrency = "",
    rpm: Rpm = None,
    tpm: Tpm = None,
    budget_usd: BudgetUsd = None,
    max_calls: MaxCalls = None,
    max_tokens_total: MaxTokensTotal = None,
    seed: RunSeed = None,
    language: Annotated[str, typer.Option(help="A language code, or `seeds`.")] = "",
    ledger: OtherLedger = None,
    teacher_id: TeacherId = "",
    prompts: PromptsDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run a pilot in the run directory and say what the whole run will cost. `expand` with the same keys goes on from there."""
    values = given(
        target=n, mode=mode, samples=samples, seed=seed, language=language, judging=False if no_judge else None
    )
    values |= limits(concurrency, rpm, tpm, budget_usd, max_calls, max_tokens_total, ledger, batch=False)
    values |= roles(teacher, judge, teacher_id) | {"prefect": False}

    def told(_report: dict[str, Any]) -> str:
        from synthgen import estimate as estimates
        from synthgen.runs import RunDir
        from synthgen.steps import reopened, resolve

        found = estimates.estimated(RunDir(out), resolve(reopened(out))[0], target)
        return json.dumps(found, indent=2) if as_json else "\n".join(estimates.lines(found))

    with foreseen():
        run_job(seeds, out, values, config, prompts, told=told)
