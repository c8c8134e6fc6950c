"""`synthgen export`: the dataset folder of a run once more, without a call."""

import json
from pathlib import Path
from typing import Annotated

import typer

from synthgen.commands.common import NoErase, NoIncludeSeeds, System, foreseen, given


def export(
    run: Path,
    no_erase: NoErase = False,
    no_include_seeds: NoIncludeSeeds = False,
    system: System = "",
    rl_minimum: Annotated[
        int | None, typer.Option(min=2, help="Fewest checked answers of a task in rl/; the run's where left out.")
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="A further shape of the rows: alpaca, llamafactory, nemo, openai, sharegpt or verl; several times for several.",
        ),
    ] = None,
    reasoning: Annotated[
        str, typer.Option(help="What was thought before an answer: apart (a field of its own), tags, or drop.")
    ] = "",
    dpo_prompts: Annotated[
        str, typer.Option(help="Whether a task may be in sft and in dpo (shared), or in one of them (disjoint).")
    ] = "",
    tokenizer: Annotated[
        Path | None, typer.Option(help="A tokenizer.json, or its folder, by which the card tells lengths.")
    ] = None,
    license: Annotated[  # noqa: A002
        str, typer.Option(help="The dataset's licence: an identifier of the Hub, or a name and a URL.")
    ] = "",
    seeds_license: Annotated[str, typer.Option(help="The seeds' licence, for the card.")] = "",
    teacher_terms: Annotated[
        str, typer.Option(help="What the teacher's terms say of training on its answers, for the card.")
    ] = "",
) -> None:
    """Write the dataset folder of a run again, from what is complete, without a call. Flags hold this once."""
    values = given(
        erase=False if no_erase else None,
        include_seeds=False if no_include_seeds else None,
        system=system,
        rl_minimum=rl_minimum,
        formats=tuple(formats) if formats else None,
        reasoning=reasoning,
        dpo_prompts=dpo_prompts,
        tokenizer=str(tokenizer.absolute()) if tokenizer else None,
        license=license,
        seeds_license=seeds_license,
        teacher_terms=teacher_terms,
    )
    with foreseen():
        from synthgen import steps

        typer.echo(json.dumps(steps.export_again(run, values)))
