"""The `synthgen` command. Heavy imports stand inside functions, so that `--help` and the first line come at once."""

import atexit
import gc
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from synthgen.commands import answer, estimate, export, merge, push, train_check
from synthgen.commands.common import (
    NOT_STARTED,
    BudgetUsd,
    ByBatch,
    Concurrency,
    ConfigFile,
    Constraints,
    Embedder,
    Judge,
    MaxCalls,
    MaxTokensTotal,
    Mode,
    NoErase,
    NoIncludeSeeds,
    NoPrefect,
    OtherLedger,
    OutPath,
    PolicyFile,
    Progress,
    PromptsDir,
    Rpm,
    RunSeed,
    SeedsPath,
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
from synthgen.commands.ledger import app as ledgers
from synthgen.commands.strategies import app as strategies

GARBAGE_AT = 10_000
"""New objects until the interpreter looks among them for cycles: with its own 700 that is a tenth of a run's processor time, and
hardly any are found."""
SHOWN = 200
"""Characters of a task or an answer in a line of `synthgen screen`."""
app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)
app.add_typer(ledgers, name="ledger")
app.add_typer(strategies, name="strategies")
app.command("answer")(answer.answer)
app.command("estimate")(estimate.estimate)
app.command("export")(export.export)
app.command("merge")(merge.merge)
app.command("push")(push.push)
app.command("train-check")(train_check.train_check)


@app.command()
def expand(
    seeds: SeedsPath,
    out: OutPath = Path("runs/first"),
    target: Annotated[int | None, typer.Option(min=1, help="How many to accept (200).")] = None,
    target_unit: Annotated[str | None, typer.Option(help="instructions, rows or pairs.")] = None,
    teacher: Teacher = "",
    judge: Judge = "",
    no_judge: Annotated[bool, typer.Option("--no-judge", help="SFT only: keep the first usable answer.")] = False,
    config: ConfigFile = None,
    mode: Mode = "",
    samples: Annotated[int | None, typer.Option(min=1, help="Candidate answers a task (4).")] = None,
    concurrency: Concurrency = "",
    batch: ByBatch = False,
    rpm: Rpm = None,
    tpm: Tpm = None,
    budget_usd: BudgetUsd = None,
    max_calls: MaxCalls = None,
    max_tokens_total: MaxTokensTotal = None,
    policy: PolicyFile = None,
    constraints: Constraints = None,
    seed: RunSeed = None,
    language: Annotated[str, typer.Option(help="A language code, or `seeds`.")] = "",
    ledger: OtherLedger = None,
    teacher_id: TeacherId = "",
    prompts: PromptsDir = None,
    topics: Annotated[Path | None, typer.Option(help="A file of topics to aim at, one a line.")] = None,
    personas: Annotated[Path | None, typer.Option(help="A file of personas to aim at, one a line.")] = None,
    fuzzy: Annotated[
        float | None, typer.Option(min=0, max=1, help="Similarity in characters that is a duplicate; 0 for none (0.9).")
    ] = None,
    semantic: Annotated[
        float | None, typer.Option(min=0, max=1, help="Cosine of embeddings that is a duplicate; needs --embedder.")
    ] = None,
    embedder: Embedder = "",
    decontaminate: Annotated[str, typer.Option(help="The rule by which --against is looked up.")] = "",
    against: Annotated[
        list[Path] | None, typer.Option(help="A benchmark that must not be given away; may be given several times.")
    ] = None,
    no_prefect: NoPrefect = False,
    no_erase: NoErase = False,
    no_include_seeds: NoIncludeSeeds = False,
    system: System = "",
) -> None:
    """Grow the seeds to SFT and DPO datasets. To resume is to run the same command again."""
    values = given(
        target=target,
        target_unit=target_unit,
        mode=mode,
        samples=samples,
        policy=str(policy.resolve()) if policy else None,
        constraints=constraints,
        seed=seed,
        language=language,
        system=system,
        fuzzy=fuzzy,
        judging=False if no_judge else None,
        prefect=False if no_prefect else None,
        erase=False if no_erase else None,
        include_seeds=False if no_include_seeds else None,
    ) | limits(concurrency, rpm, tpm, budget_usd, max_calls, max_tokens_total, ledger, batch=batch)
    with foreseen():
        values |= (
            roles(teacher, judge, teacher_id)
            | steering(topics, personas)
            | looked_up(decontaminate, against or [])
            | meaning(semantic, embedder)
        )
        run_job(seeds, out, values, config, prompts)


@app.command()
def pilot(
    seeds: SeedsPath,
    n: Annotated[int, typer.Option("--n", min=1, help="How many instructions to accept.")] = 20,
    out: OutPath = Path("runs/pilot"),
    teacher: Teacher = "",
    judge: Judge = "",
    config: ConfigFile = None,
    prompts: PromptsDir = None,
    mode: Mode = "",
) -> None:
    """The whole line on a few tasks: what your teacher does, and what a row would cost."""
    with foreseen():
        from synthgen.views import terminal

        values = given(target=n, mode=mode, prefect=False) | roles(teacher, judge, "")
        run_job(seeds, out, values, config, prompts, told=terminal.pilot)


def meaning(threshold: float | None, embedder: str) -> dict[str, Any]:
    """How meanings are compared, as far as flags say."""
    found = given(threshold=threshold, spec=embedder)
    return {"semantic": found} if found else {}


def looked_up(rule: str, against: list[Path]) -> dict[str, Any]:
    """The benchmarks that must not be given away; one flag without the other is wrong usage."""
    if bool(rule) != bool(against):
        raise typer.BadParameter("--decontaminate RULE and --against PATH go together")
    return {"decontaminate": {"rule": rule, "against": [str(path.resolve()) for path in against]}} if rule else {}


def steering(topics: Path | None, personas: Path | None) -> dict[str, Any]:
    """The axes that come from files."""
    from synthgen.stages.propose import read_lines

    axes = {name: read_lines(path) for name, path in (("topics", topics), ("personas", personas)) if path}
    return {"axes": axes} if axes else {}


@app.command()
def show(run: Path) -> None:
    """The report of a run: the funnel, the rejections, the strategies, the pairs."""
    with foreseen():
        from synthgen.api import Run
        from synthgen.views import terminal

        typer.echo(terminal.summary(Run(run).report, run))


@app.command()
def why(run: Path, identity: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """The whole story of an id."""
    with foreseen():
        from synthgen.api import Run

        typer.echo(Run(run).why(identity))


@app.command("check-seeds")
def check_seeds(path: Path, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """What a file or folder of seed tasks holds, and what is wrong with it. Exit code 1 where something is."""
    with foreseen():
        from synthgen.stages import seedcheck

        found = seedcheck.check(path)
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else seedcheck.in_words(found))
        if found["problems"]:
            raise typer.Exit(NOT_STARTED)


Input = Annotated[Path, typer.Argument(metavar="INPUT", help="JSON lines or Parquet: a file, or a folder of them.")]
Field = Annotated[str, typer.Option("--field", help="The field to compare, or a path such as prompt.0.content.")]
Kept = Annotated[Path, typer.Option("--out", help="Where the rows that are kept go, .jsonl or .parquet.")]
Dropped = Annotated[Path, typer.Option("--rejected", help="Where the others go, each with its reason.")]


@app.command()
def dedup(
    source: Input,
    field: Field,
    out: Kept,
    rejected: Dropped,
    threshold: Annotated[float, typer.Option(help="ROUGE-L F1 above which a row is a near-duplicate.")] = 0.7,
    mode: Annotated[str, typer.Option(help="default, or parity: ROUGE-L as rouge-score has it, alone.")] = "default",
    fuzzy: Annotated[
        float | None, typer.Option(help="Similarity in characters from which a row is a duplicate; 0 for none (0.9).")
    ] = None,
    semantic: Annotated[
        float, typer.Option(help="Cosine of embeddings from which a row is a duplicate; needs --embedder.")
    ] = 0.0,
    embedder: Embedder = "",
    ledger: Annotated[
        Path | None, typer.Option(help="Keep the embeddings there: the same command then asks for none again.")
    ] = None,
    against: Annotated[Path | None, typer.Option(help="Rows that count as kept before: a file or folder.")] = None,
) -> None:
    """Drop rows that repeat an earlier one: exactly, in ROUGE-L, reordered, misspelt, or in meaning. Order is kept."""
    with foreseen(), Progress() as progress:
        from synthgen import curate
        from synthgen.config import SemanticConfig

        chosen = one_of(mode, ("default", "parity"), "--mode")
        if not 0 <= semantic <= 1:
            raise typer.BadParameter("--semantic lies between 0 and 1")
        found = curate.dedup(
            source, field, out, rejected, threshold=threshold, mode=chosen, fuzzy=fuzzy, against=against,
            semantic=SemanticConfig(threshold=semantic, spec=embedder), ledger=ledger, progress=progress,
        )  # fmt: skip
    typer.echo(json.dumps({"kept": found.kept, "rejected": found.rejected}))


@app.command()
def decontaminate(
    source: Input,
    field: Field,
    against: Annotated[list[Path], typer.Option(help="A benchmark, file or folder; may be given several times.")],
    rule: Annotated[
        str,
        typer.Option(help="gpt3-13gram, llama2-skipgram, tulu3-8gram or openthoughts; see docs/reference/curate.md."),
    ],
    out: Kept,
    rejected: Dropped,
    against_field: Annotated[
        str, typer.Option(help="The benchmark's field; every string of a row where left out.")
    ] = "",
    tokenizer: Annotated[Path | None, typer.Option(help="A tokenizer.json, in place of words.")] = None,
) -> None:
    """Drop rows that give away a benchmark item, by a published rule. Order is kept."""
    with foreseen(), Progress() as progress:
        from synthgen import curate
        from synthgen.text.contamination import RULES

        chosen = one_of(rule, RULES, "--rule")
        found, touched = curate.decontaminate(
            source, field, against, chosen, out, rejected, against_field=against_field, tokens=tokenizer, progress=progress
        )  # fmt: skip
    typer.echo(json.dumps({"kept": found.kept, "rejected": found.rejected, "benchmarks": touched}))


@app.command()
def screen(
    run: Path,
    threshold: Annotated[
        float | None, typer.Option(help="Another ROUGE-L threshold; the run's where left out.")
    ] = None,
    fuzzy: Annotated[
        float | None, typer.Option(help="Another similarity in characters; 0 for none; the run's where left out.")
    ] = None,
    semantic: Annotated[
        float | None, typer.Option(help="Another cosine of the embeddings that the run has; the run's where left out.")
    ] = None,
    answers: Annotated[
        float | None, typer.Option(help="Another ROUGE-L threshold of answers; they stay as they are where left out.")
    ] = None,
    decontaminate: Annotated[
        str, typer.Option(help="Another rule by which --against is looked up; the run's where left out.")
    ] = "",
    against: Annotated[
        list[Path] | None, typer.Option(help="A benchmark that must not be given away; may be given several times.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the whole answer there, as JSON.")] = None,
) -> None:
    """Other rules over what a run was proposed, without a call: what would enter, what would leave."""
    with foreseen():
        from synthgen import replay

        found = replay.screen(run, threshold, fuzzy, semantic, answers, replayed_rule(decontaminate, against or []))
        if out is not None:
            replay.written(found, out)
        moved = {name: of for name, of in found.items() if isinstance(of, list)}
        typer.echo(json.dumps({**found, **{name: len(of) for name, of in moved.items()}}))
        for name, of in moved.items():
            for one in of[:20]:
                near = f", {one['nearest'].score:.3f} to {one['nearest'].id}" if one["nearest"] else ""
                # The text of a task or an answer may have many lines, and this is one.
                text = one["text"] if name in {"enter", "leave"} else " ".join(one["text"].split())[:SHOWN]
                typer.echo(f"{name} {one['id']} (was {one['was']}, now {one['reason'] or 'accepted'}{near}): {text}")


def replayed_rule(rule: str, against: list[Path]) -> Any:
    """The decontamination of `synthgen screen`; None for the run's own."""
    from synthgen.config import Decontamination
    from synthgen.text.contamination import RULES

    given = looked_up(rule, against)
    return (
        Decontamination(**given["decontaminate"] | {"rule": one_of(rule, RULES, "--decontaminate")}) if given else None
    )


def one_of(given: str, known: tuple[Any, ...], flag: str) -> Any:
    """A flag's value, or exit code 2."""
    if given not in known:
        raise typer.BadParameter(f"{flag} is one of {', '.join(known)}")
    return given


@app.command("prompts")
def show_prompts(
    stage: Annotated[
        str, typer.Argument(help="propose, classify, instantiate, vet, answer or judge; all where left out.")
    ] = "",
    seeds: SeedsPath = Path("seeds"),
    config: ConfigFile = None,
    prompts: PromptsDir = None,
    mode: Mode = "",
) -> None:
    """The exact requests that would be sent, with token counts, and no call."""
    with foreseen():
        from synthgen import preview
        from synthgen.steps import Job

        for text in preview.requests(Job(seeds, Path(), given(mode=mode), config, prompts), stage):
            typer.echo(text)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def rehearsal(
    more: typer.Context,
    port: Annotated[int, typer.Option(help="0 for a free one.")] = 8000,
    profile: Annotated[str, typer.Option(help="strong, weak or narrow.")] = "strong",
) -> None:
    """Serve the rehearsal teacher on loopback, with any of the switches in docs/rehearsal.md: faults, limits, batches."""
    chosen = ["--port", str(port), "--profile", profile, *more.args]
    os.execv(sys.executable, [sys.executable, "-m", "synthgen.rehearsal", *chosen])


@app.command()
def init(folder: Path) -> None:
    """Write editable seeds, prompts, strategies, schemas, policy, flows and a config into a folder."""
    with foreseen():
        from synthgen import scaffold

        for path in scaffold.write(folder):
            typer.echo(path)


def main() -> None:
    """The entry point."""
    # Arrow's own allocator keeps some 40 MB more than the system's; read when pyarrow is imported.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    gc.set_threshold(GARBAGE_AT)
    atexit.register(gc.freeze)  # else the interpreter's last act is to look through every object for cycles: 50 ms
    app()
