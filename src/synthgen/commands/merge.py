"""`synthgen merge`: the datasets of several runs as one, without a call."""

import json
from pathlib import Path
from typing import Annotated

import typer

from synthgen.commands.common import Progress, foreseen

DATASETS = typer.Argument(metavar="RUN...", help="Run directories, or dataset folders that synthgen wrote.")


def merge(
    runs: Annotated[list[Path], DATASETS],
    out: Annotated[Path, typer.Option(help="Where the folder `dataset` is written.")],
    threshold: Annotated[
        float,
        typer.Option(help="ROUGE-L F1 above which a prompt repeats one of an earlier dataset; 1: only the same words."),
    ] = 0.7,
    weights: Annotated[Path | None, typer.Option(help="A TOML file of lines `category = share`.")] = None,
    weight: Annotated[
        list[str] | None, typer.Option(help="category=share of the rows to train on; several times for several.")
    ] = None,
    by: Annotated[str, typer.Option(help="What weights share out: rows, or tokens.")] = "rows",
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", help="A further shape of the rows, by name; several times for several."),
    ] = None,
    license: Annotated[  # noqa: A002
        str, typer.Option(help="The licence of the whole, an identifier of the Hub; else what the datasets agree on.")
    ] = "",
    allow_rehearsal: Annotated[
        bool, typer.Option("--allow-rehearsal", help="Join rehearsal rows with real ones.")
    ] = False,
) -> None:
    """Join datasets: what repeats an earlier one is left out, sides hold, and categories are mixed as they are weighed."""
    if by not in {"rows", "tokens"}:
        raise typer.BadParameter("--by is one of rows, tokens")
    with foreseen(), Progress() as progress:
        from synthgen.merge import join, mix

        shares = mix.read(weight or [], weights)
        wanted = join.Wanted(
            threshold=threshold,
            weights=mix.Weights(shares, "tokens" if by == "tokens" else "rows") if shares else None,
            formats=tuple(formats or ()),
            license=license,
            allow_rehearsal=allow_rehearsal,
        )
        found = join.merge(runs, out, wanted, progress)
    typer.echo(json.dumps(found))
