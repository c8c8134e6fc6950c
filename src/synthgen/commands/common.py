"""What commands share: how they end."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from synthgen.errors import SynthgenError

DONE, NOT_STARTED, WRONG_USAGE, STOPPED = 0, 1, 2, 3


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
