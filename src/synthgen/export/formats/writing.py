"""Write the rows in further shapes as they come."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from synthgen.export.rows import Row


class Formats:
    """The files of the formats that are wanted."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder, self._names = folder, names

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every file."""

    def put(self, config: str, split: str, row: Row) -> None:
        """Take one row of the folder."""
