"""`synthgen ledger`: check, repair, join and write out the file in which every teacher call is kept."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthgen.commands.common import foreseen
from synthgen.errors import ConfigError, InputError

if TYPE_CHECKING:
    from synthgen.teacher.ledgercheck import Checked

SHOWN = 3
"""Keys that are named in a line."""
app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look after the file that keeps every teacher call."
)

Where = Annotated[Path, typer.Argument(metavar="PATH|RUN", help="A ledger, or the directory of a run.")]


@app.command()
def check(where: Where, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Whether a ledger is as it was written, and what it holds by step and model. Exit code 1 where something is wrong."""
    with foreseen():
        from synthgen.teacher import ledgercheck

        path = ledger_of(where)
        checked = ledgercheck.check(path)
        missing = len(rested_on(where) - checked.seen.readable)
        told = told_of(path, checked, missing)
        typer.echo(json.dumps(told, indent=2) if as_json else "\n".join(in_words(told)))
        if checked.faults:
            raise ConfigError(wrong(path, where, checked))
        if missing:
            raise ConfigError(
                f"{missing} calls that {where} rests on are not in {path}; restore the ledger it was made with"
            )


@app.command()
def repair(
    where: Where,
    out: Annotated[Path | None, typer.Option(help="Write there, and leave the damaged file in its place.")] = None,
) -> None:
    """Save all that can be read of a damaged ledger. The damaged file stays beside the new one, as NAME.damaged-1."""
    with foreseen(), held(where):
        from synthgen.teacher import ledgerrepair

        path = ledger_of(where)
        done = ledgerrepair.repair(path, out)
        if done.kept is None and out is None:
            typer.echo(f"{path} is sound, there is nothing to repair: {done.saved} calls")
            return
        stays = f"; the damaged file is now {done.kept}" if done.kept else ""
        typer.echo(f"{out or path}: {done.saved} calls saved, {done.lost} known to be lost{stays}")


@app.command()
def merge(
    into: Annotated[Path, typer.Argument(metavar="INTO", help="A ledger, the directory of a run, or a new file.")],
    sources: Annotated[list[Path], typer.Argument(metavar="FROM...", help="Ledgers, or directories of runs.")],
) -> None:
    """Add what other ledgers hold to one. What was kept first under a key stays."""
    with foreseen(), held(into):
        from synthgen.teacher import ledgercopy

        path = ledger_of(into) if into.is_dir() else into
        joined = ledgercopy.merge(path, [ledger_of(source) for source in sources])
        typer.echo(f"{path}: {joined.added} calls added, {joined.there} were there")
        if joined.different:
            named = ", ".join(joined.different[:SHOWN]) + (" and more" if len(joined.different) > SHOWN else "")
            typer.echo(f"{len(joined.different)} of them with another reply, which stays: {named}")


@app.command()
def export(where: Where, out: Annotated[Path | None, typer.Option(help="Write there, not to stdout.")] = None) -> None:
    """Write every call as a line of JSON, in the order of the keys: request, reply, tokens, cost, times."""
    with foreseen():
        from synthgen.teacher import ledgercopy

        path = ledger_of(where)
        if out is not None:
            typer.echo(f"{out}: {ledgercopy.export(path, out)} calls")
            return
        for line in ledgercopy.lines(path):
            sys.stdout.buffer.write(line)


def ledger_of(where: Path) -> Path:
    """The ledger that a path, or a run's directory, means. Raises InputError where there is none."""
    path = where
    if where.is_dir():
        from synthgen.runs import RunDir

        limits = RunDir(where).stored().get("limits", {})
        path = Path(limits.get("ledger") or where / "ledger.sqlite")
    if not path.is_file():
        raise InputError(f"{path} is not there; name a ledger, or the directory of a run")
    return path


@contextmanager
def held(where: Path) -> Iterator[None]:
    """Hold a run for this process; a ledger by itself is held by SQLite's own locks."""
    if not where.is_dir():
        yield
        return
    from synthgen.runs import RunDir

    with RunDir(where).locked():
        yield


def rested_on(where: Path) -> set[str]:
    """Keys of the calls that the records of a run name."""
    if not where.is_dir():
        return set()
    from synthgen import jsonl

    files = [*where.glob("*.jsonl"), *where.glob("rejected/*.jsonl")]
    rows = (row for path in files if path.name != "sides.jsonl" for row in jsonl.rows(path))
    return {key for row in rows for key in (row.get("call"), *row.get("calls", {}).values()) if key}


def told_of(path: Path, checked: "Checked", missing: int) -> dict[str, Any]:
    """What was found, as plain values."""
    return {
        "path": str(path),
        "format": checked.format,
        "sound": not checked.faults and not missing,
        "faults": checked.faults,
        "calls": len(checked.seen.readable),
        "unreadable": checked.seen.unreadable,
        "missing": missing,
        "sums": [
            {"step": step, "model": model, **totals._asdict()} for (step, model), totals in sorted(checked.sums.items())
        ],
    }


def in_words(told: Mapping[str, Any]) -> Iterator[str]:
    """What was found, in lines."""
    yield f"{told['path']}: format {told['format']}, {told['calls']:,} calls"
    for one in told["sums"]:
        lost = f", {one['lost_calls']:,} attempts lost" if one["lost_calls"] else ""
        yield (
            f"  {one['step'] or '?'} by {one['model']}: {one['calls']:,} calls, {one['prompt_tokens']:,} tokens in "
            f"({one['cached_tokens']:,} cached), {one['completion_tokens']:,} out, {one['cost_usd']:.4f} USD{lost}"
        )


def wrong(path: Path, where: Path, checked: "Checked") -> str:
    """What is wrong with a ledger, and what to do about it."""
    more = f" ({len(checked.faults) - 1} more)" if len(checked.faults) > 1 else ""
    return (
        f"{path} is damaged: {checked.faults[0]}{more}; at least {checked.seen.unreadable} calls that were kept cannot be read, "
        f"{len(checked.seen.readable)} can: save them with `synthgen ledger repair {where}`"
    )
