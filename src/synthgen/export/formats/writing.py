"""Write the rows in further shapes as they come: one file for each view and split that has rows, in the folder that is being built."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from synthgen import jsonl
from synthgen.errors import storage
from synthgen.export.formats import llamafactory
from synthgen.export.formats.registry import TAKES, VIEWS
from synthgen.export.formats.view import View
from synthgen.export.rows import Row

TOLD = "formats.json"
"""What was written in further shapes, and what was left out of them, beside the card."""
ROWS_IN_GROUP = 500
KINDS: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "number": pa.int64(),
    "messages": pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])),
}


class File(Protocol):
    """A file that takes rows."""

    rows: int

    def put(self, row: Row) -> None:
        """Take one row."""

    def close(self) -> None:
        """Write what is left."""


class Lines:
    """JSON lines."""

    def __init__(self, path: Path) -> None:
        self.rows = 0
        self._path = path
        with storage(path):
            self._handle = path.open("wb")

    def put(self, row: Row) -> None:
        """Take one row."""
        self.rows += 1
        with storage(self._path):
            self._handle.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Write what is left."""
        with storage(self._path):
            self._handle.close()


class Table:
    """Parquet under a fixed schema."""

    def __init__(self, path: Path, fields: Mapping[str, Any]) -> None:
        self.rows = 0
        self._path, self._schema = path, schema(fields)
        self._group: list[Row] = []
        with storage(path):
            self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def put(self, row: Row) -> None:
        """Take one row; a whole group is written."""
        self.rows += 1
        self._group.append(row)
        if len(self._group) == ROWS_IN_GROUP:
            self._write()

    def _write(self) -> None:
        with storage(self._path):
            self._writer.write_batch(pa.RecordBatch.from_pylist(self._group, schema=self._schema))
        self._group = []

    def close(self) -> None:
        """Write what is left."""
        try:
            if self._group:
                self._write()
        finally:
            with storage(self._path):
                self._writer.close()


def schema(fields: Mapping[str, Any]) -> pa.Schema:
    """The schema of a view's columns."""
    return pa.schema([(name, kind_of(one)) for name, one in fields.items()])


def kind_of(field: Any) -> pa.DataType:
    """The type of a column: a named kind, or a record of such."""
    return KINDS[field] if isinstance(field, str) else pa.struct([(name, kind_of(one)) for name, one in field.items()])


class Formats:
    """The files of the formats that are wanted, each made with its first row."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder, self._names = folder, sorted(set(names))
        self._views = [(name, view) for name in self._names for view in VIEWS.get(name, ())]
        self._configs = {view.config for _, view in self._views}
        self._files: dict[tuple[str, str], File] = {}
        """(path of the view, split) to file."""
        self._left: dict[tuple[str, str], Counter[str]] = {}
        """(format, config) to reason to rows that it cannot hold."""
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every file, and tell of them."""
        self._stack.close()
        if kind is None and self._names and self._folder.is_dir():
            self._tell()

    def put(self, config: str, split: str, row: Row) -> None:
        """Take one row of the folder."""
        if config not in self._configs:
            return
        for name, view in self._views:
            if view.config == config:
                self._put(name, view, split, row)

    def _put(self, name: str, view: View, split: str, row: Row) -> None:
        file = self._files.get((view.path, split))
        written = view.write(row, split, file.rows if file else 0)
        if isinstance(written, str):
            self._left.setdefault((name, view.config), Counter())[written] += 1
        elif written is not None:
            if file is None:
                file = self._files[view.path, split] = self._opened(view, split)
            file.put(written)

    def _opened(self, view: View, split: str) -> File:
        path = self._folder / view.path.format(split=split)
        with storage(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        file: File = Lines(path) if view.fields is None else Table(path, view.fields)
        self._stack.callback(file.close)
        return file

    def _tell(self) -> None:
        """Write what belongs beside the rows: `formats.json`, and LLaMA-Factory's own list of datasets."""
        with storage(self._folder):
            (self._folder / TOLD).write_bytes(jsonl.dump(self.told()))
            written = self._written(llamafactory.VIEWS)
            if written:
                (self._folder / llamafactory.INFO).write_bytes(jsonl.dump(llamafactory.info(written)))

    def _written(self, views: Sequence[View]) -> dict[str, dict[str, int]]:
        """Config to split to rows of some views."""
        found = {
            view.config: {split: file.rows for (path, split), file in self._files.items() if path == view.path}
            for view in views
        }
        return {config: splits for config, splits in found.items() if splits}

    def told(self) -> dict[str, dict[str, Any]]:
        """Of each format its files with their rows and the rows that it cannot hold, or the configs that it takes as they are."""
        return {name: {"takes": list(TAKES[name])} if name in TAKES else self._told(name) for name in self._names}

    def _told(self, name: str) -> dict[str, Any]:
        paths = {view.path for view in VIEWS[name]}
        files = {path.format(split=split): file.rows for (path, split), file in self._files.items() if path in paths}
        left = {config: dict(found) for (one, config), found in self._left.items() if one == name}
        return {"files": files, "left_out": left}


def told(folder: Path) -> dict[str, dict[str, Any]]:
    """What a dataset folder says of its further shapes; {} where it has none."""
    path = folder / TOLD
    return dict(orjson.loads(path.read_bytes())) if path.exists() else {}
