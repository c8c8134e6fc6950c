"""`synthgen train-check`: whether trainers will learn from a dataset folder what it says, found before a GPU is paid for."""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synthgen.commands.common import NOT_STARTED, foreseen
from synthgen.errors import InputError

if TYPE_CHECKING:
    from synthgen.trainers.report import Checked

MAX_LENGTH = 4096
"""Tokens of a row with --model; it is what the scripts of the folder take."""
MOST_ROWS = 5000


def train_check(
    where: Annotated[Path, typer.Argument(metavar="RUN|FOLDER", help="A run, or a dataset folder.")],
    model: Annotated[
        Path | None, typer.Option(help="A model's folder: lengths by its tokenizer, rows under its chat template.")
    ] = None,
    max_length: Annotated[
        int | None, typer.Option(min=1, help=f"Tokens of a row ({MAX_LENGTH} with --model, else no bound).")
    ] = None,
    steps: Annotated[int, typer.Option(min=0, help="Steps of training for each kind of row.")] = 2,
    rows: Annotated[
        int, typer.Option(min=0, help="Rows of each config that trainers are given; 0 for all.")
    ] = MOST_ROWS,
    train: Annotated[
        bool | None, typer.Option("--train/--no-train", help="With the trainers, where they are installed by default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Whether trainers take every row of a dataset and learn it to its end. Exit code 1 where something is wrong."""
    with foreseen():
        from synthgen.trainers import report

        checked = report.Checked(folder_of(where))
        bound = max_length or (MAX_LENGTH if model else None)
        contract(checked)
        hindrance = hindered(checked)
        if hindrance:
            checked.notes.append(f"no trainer was asked: {hindrance}")
        elif wanted(checked, train):
            trained(checked, model, bound, steps, rows)
        elif model is not None:
            measured(checked, model, bound or MAX_LENGTH)
    wrong = list(report.faults(checked))
    typer.echo(
        json.dumps(report.told(checked, wrong), indent=2) if as_json else "\n".join(report.in_words(checked, wrong))
    )
    for line in wrong:
        typer.echo(f"synthgen: {line}", err=True)
    if wrong:
        raise typer.Exit(NOT_STARTED)


def folder_of(where: Path) -> Path:
    """The dataset folder that a path means. Raises InputError where there is none."""
    from synthgen.trainers.rows import configs

    for folder in (where / "dataset", where):
        if configs(folder) or (folder / "README.md").is_file():
            return folder
    if (where / "config.json").is_file():
        raise InputError(f"{where} has no dataset yet; `synthgen export {where}` writes it once there are rows")
    raise InputError(f"{where} is no run and no dataset folder: there are no rows in sft/, dpo/, kto/ or rl/")


def wanted(checked: "Checked", train: bool | None) -> bool:
    """Whether trainers are asked. Raises InputError where they must be and are not installed."""
    from synthgen.trainers import needs

    missing = needs.missing() if train is not False else ()
    if missing and train:
        raise InputError(f"--train needs {', '.join(missing)}: {needs.INSTALL}")
    if missing:
        checked.notes.append(f"no trainer was asked, for want of {', '.join(missing)}: {needs.INSTALL}")
    return train is not False and not missing


def hindered(checked: "Checked") -> str:
    """Why trainers could not be given the rows; "" where they can."""
    from synthgen.trainers.rows import CONFIGS, configs

    if any("unreadable" in one.faults for one in checked.findings):
        return "a file cannot be read"
    return "" if configs(checked.folder) else f"they are given the rows in {', '.join(CONFIGS)}, and there are none"


def contract(checked: "Checked") -> None:
    """What the contract of every view says of a folder's files."""
    from synthgen.export.check import check_folder

    checked.findings = check_folder(checked.folder)


def measured(checked: "Checked", model: Path, max_length: int) -> None:
    """Count tokens, without a trainer."""
    from synthgen.trainers import lengths, rows

    tokenizer = lengths.pieces(model)
    for config in rows.configs(checked.folder):
        checked.lengths.append(lengths.measure(config, rows.read(checked.folder, config), tokenizer, max_length))


def trained(checked: "Checked", model: Path | None, max_length: int | None, steps: int, most: int) -> None:
    """Give the rows to the trainers."""
    from synthgen.trainers import checked as under_trainers
    from synthgen.trainers import needs, template
    from synthgen.trainers.ways import Setting

    with needs.quiet(), tempfile.TemporaryDirectory() as scratch:
        if model is None:
            tokenizer = under_trainers.local(checked.folder, most)
            if max_length is None:
                checked.notes.append("lengths were not looked at: --model FOLDER says by which tokenizer")
        else:
            tokenizer = needs.tokenizer(model)
            checked.notes += template.settle(tokenizer)
        setting = Setting(tokenizer, Path(scratch), max_length, steps)
        checked.outcomes += under_trainers.check(checked.folder, setting, most)
