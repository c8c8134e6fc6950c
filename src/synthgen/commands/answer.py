"""`synthgen answer`: plan and answer, then a dataset, for prompts that one already has."""

from pathlib import Path
from typing import Annotated

import typer

from synthgen.commands.common import (
    BudgetUsd,
    ByBatch,
    Concurrency,
    ConfigFile,
    Judge,
    MaxCalls,
    MaxTokensTotal,
    NoErase,
    NoPrefect,
    OtherLedger,
    OutPath,
    PolicyFile,
    PromptsDir,
    Rpm,
    RunSeed,
    Sufficient,
    System,
    Teacher,
    TeacherId,
    Tpm,
    foreseen,
    given,
    limits,
    roles,
    run_job,
)

Source = Annotated[Path, typer.Argument(metavar="PROMPTS", help="JSON lines or Parquet: a file, or a folder of them.")]


def answer(
    source: Source,
    out: OutPath = Path("runs/answers"),
    field: Annotated[
        str, typer.Option(help="The prompt's field, or a path such as turns.0 (prompt, instruction or messages).")
    ] = "",
    strategy: Annotated[
        str, typer.Option(help="A strategy's name, auto: by the policy, or none: the prompt as it is (auto).")
    ] = "",
    samples: Annotated[int | None, typer.Option(min=1, help="Candidate answers a prompt (1).")] = None,
    teacher: Teacher = "",
    judge: Judge = "",
    no_judge: Annotated[bool, typer.Option("--no-judge", help="SFT only: keep the first usable answer.")] = False,
    config: ConfigFile = None,
    concurrency: Concurrency = "",
    batch: ByBatch = False,
    rpm: Rpm = None,
    tpm: Tpm = None,
    budget_usd: BudgetUsd = None,
    max_calls: MaxCalls = None,
    max_tokens_total: MaxTokensTotal = None,
    policy: PolicyFile = None,
    sufficient: Sufficient = None,
    seed: RunSeed = None,
    ledger: OtherLedger = None,
    teacher_id: TeacherId = "",
    prompts: PromptsDir = None,
    no_prefect: NoPrefect = False,
    no_erase: NoErase = False,
    system: System = "",
) -> None:
    """Answer the prompts of a file: an SFT dataset, and pairs where answers are judged. The same command goes on."""
    values = given(
        strategy=strategy,
        samples=samples,
        policy=str(policy.resolve()) if policy else None,
        sufficient=sufficient,
        seed=seed,
        system=system,
        judging=False if no_judge else None,
        prefect=False if no_prefect else None,
        erase=False if no_erase else None,
    )
    with foreseen():
        from synthgen.stages.given import Given

        values |= limits(concurrency, rpm, tpm, budget_usd, max_calls, max_tokens_total, ledger, batch=batch)
        values |= roles(teacher, judge, teacher_id)
        run_job(None, out, values, config, prompts, rows=Given(source, field))
