"""Rows that the export leaves out, with the reason."""

from pathlib import Path
from types import TracebackType
from typing import Self

from synthgen.export.rows import Row


class Refused:
    """The rows of a run that must not be trained on."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the file in the place of the last export's."""

    def put(self, config: str, row: Row, why: str, near: str = "") -> None:
        """Take a row that is left out; `near` is the row that stands in its way."""
