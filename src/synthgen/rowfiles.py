"""Rows of anybody's files: JSON lines or Parquet, read in chunks in their order, and written whole or not at all.

What a row was is what it stays: a kept line is written as the bytes it was, a kept Parquet row under its file's schema.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import orjson

from synthgen.errors import InputError, storage

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK = 4096
CHUNK_BYTES = 8 * 2**20
"""Of a chunk of lines, about, however few rows that is."""
BOM = b"\xef\xbb\xbf"
"""Before the first line, as some programs for Windows write it."""
SUFFIXES = (".jsonl", ".json", ".parquet")
IN_FOLDERS = (".jsonl", ".parquet", ".arrow")
"""What is read of a folder: `datasets` keeps facts of its own in .json files, and rows in .arrow ones."""
MISSING = object()


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows in a row. Their numbers begin at `first`; a file's first row is 1."""

    first: int
    rows: Sequence[Mapping[str, Any]]
    lines: Sequence[bytes] = ()
    """The lines they were read from, without their ends; () for Parquet."""
    table: "pa.RecordBatch | None" = None

    def numbers(self) -> range:
        """The numbers of the rows."""
        return range(self.first, self.first + len(self.rows))


class Broken(dict[str, Any]):
    """In the place of a row that cannot be read. It has no field."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


def files(path: Path) -> list[Path]:
    """A file, or every row file below a folder in order of name."""
    if path.is_dir():
        found = sorted(one for one in path.rglob("*") if one.suffix in IN_FOLDERS and one.is_file())
        if not found:
            raise InputError(f"{path} holds no {', '.join(IN_FOLDERS)} file")
        return found
    if not path.exists():
        raise InputError(f"{path} does not exist")
    if path.suffix not in {*SUFFIXES, *IN_FOLDERS}:
        raise InputError(f"{path} is neither JSON lines nor Parquet; name it {' or '.join(SUFFIXES)}")
    return [path]


def read(path: Path, *, broken: bool = False) -> Iterator[Chunk]:
    """The rows of one file. Raises InputError, naming the line, where it cannot be read.

    With `broken`, a line that is no row is a Broken one, and what follows is read on.
    """
    try:
        yield from (line_chunks if path.suffix in {".jsonl", ".json"} else table_chunks)(path, broken=broken)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def line_chunks(path: Path, *, broken: bool = False) -> Iterator[Chunk]:
    """Chunks of a file of JSON lines. Empty lines are counted and left out."""
    rows: list[Mapping[str, Any]] = []
    lines: list[bytes] = []
    first, size = 1, 0
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            if len(rows) == CHUNK or (rows and (size > CHUNK_BYTES or not line.strip())):
                yield Chunk(first, rows, lines)
                rows, lines, size = [], [], 0
            if not line.strip():
                continue
            if not rows:
                first = number
            rows.append(row_of(path, number, line, broken=broken))
            lines.append(line.rstrip(b"\r\n"))
            size += len(line)
    if rows:
        yield Chunk(first, rows, lines)


def row_of(path: Path, number: int, line: bytes, *, broken: bool = False) -> Mapping[str, Any]:
    """The JSON object of a line; with `broken`, what is none is a Broken one."""
    try:
        row = orjson.loads(line.removeprefix(BOM) if number == 1 else line)
    except orjson.JSONDecodeError as error:
        return unreadable(f"{path} line {number}", f"is not JSON: {error}", broken=broken)
    return row if isinstance(row, dict) else unreadable(f"{path} line {number}", "is not a JSON object", broken=broken)


def unreadable(place: str, why: str, *, broken: bool) -> Broken:
    """A Broken row, where those are wanted; otherwise raises InputError."""
    if broken:
        return Broken(why)
    raise InputError(f"{place} {why}; nothing was written")


def table_chunks(path: Path, *, broken: bool = False) -> Iterator[Chunk]:
    """Chunks of a Parquet file, or of an Arrow file as `datasets` saves it."""
    import pyarrow as pa

    first = 1
    try:
        for batch in batches(path):
            yield Chunk(first, table_rows(path, first, batch, broken=broken), table=batch)
            first += batch.num_rows
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(
            f"{path} is not a {path.suffix} file that can be read: {error}{'' if broken else '; nothing was written'}"
        ) from error


def table_rows(path: Path, first: int, batch: "pa.RecordBatch", *, broken: bool) -> list[Mapping[str, Any]]:
    """The rows of a batch; one whose text is not UTF-8 is looked for by itself."""
    try:
        return list(batch.to_pylist())
    except UnicodeDecodeError:
        if batch.num_rows == 1:
            return [unreadable(f"{path} row {first}", "holds text that is not UTF-8", broken=broken)]
    parts = ((first + place, batch.slice(place, 1)) for place in range(batch.num_rows))
    return [row for number, part in parts for row in table_rows(path, number, part, broken=broken)]


def count(path: Path) -> int:
    """How many rows a file has. Raises InputError where it cannot be read."""
    try:
        return count_lines(path) if path.suffix in {".jsonl", ".json"} else count_table(path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def count_lines(path: Path) -> int:
    """How many lines of a file are not empty."""
    with path.open("rb") as handle:
        return sum(1 for line in handle if line.strip())


def count_table(path: Path) -> int:
    """How many rows a Parquet or Arrow file says it has."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.suffix == ".arrow":
            return sum(batch.num_rows for batch in batches(path))
        return int(pq.read_metadata(path).num_rows)
    except pa.ArrowInvalid as error:
        raise InputError(f"{path} is not a {path.suffix} file that can be read: {error}") from error


def batches(path: Path) -> "Iterator[pa.RecordBatch]":
    """The record batches of a file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix == ".arrow":
        with pa.ipc.open_stream(path) as stream:
            yield from stream
    else:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=CHUNK)


def value(row: Mapping[str, Any], field: str) -> Any:
    """What stands at a field, or at a path such as `prompt.0.content`; MISSING where nothing does."""
    if field in row:
        return row[field]
    found: Any = row
    for part in field.split("."):
        if isinstance(found, Mapping) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            return MISSING
    return found


class Writer:
    """A file that is written beside its place and put there when all is written."""

    def __init__(self, path: Path) -> None:
        if path.suffix not in SUFFIXES:
            raise InputError(f"{path} is neither JSON lines nor Parquet; name it {' or '.join(SUFFIXES)}")
        self.path = path
        self.rows = 0
        self._part = path.with_name(f".{path.name}.part")
        self._handle: Any = None
        self._parquet: Any = None
        self._schema: Any = None
        """Of the rows' file, which a file without rows has too."""

    def __enter__(self) -> Self:
        with storage(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = self._part.open("wb")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            with storage(self.path):
                if kind is None and self.path.suffix == ".parquet":
                    self._finish_table()
                self._handle.close()
                if kind is None:
                    self._part.replace(self.path)
        finally:
            self._handle.close()
            self._part.unlink(missing_ok=True)

    def take(self, chunk: Chunk, places: Sequence[int]) -> None:
        """Write some rows of a chunk, by their places in it."""
        if self._schema is None and chunk.table is not None:
            self._schema = chunk.table.schema
        if not places:
            return
        self.rows += len(places)
        if self.path.suffix == ".parquet":
            self._take_table(chunk, places)
            return
        lines = chunk.lines or [dumped(row) for row in chunk.rows]
        with storage(self.path):
            self._handle.write(b"".join(lines[place] + b"\n" for place in places))

    def put(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows of our own."""
        self.take(Chunk(1, rows), range(len(rows)))

    def _finish_table(self) -> None:
        """The end of a Parquet file, also of one without rows."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        writer = self._parquet or pq.ParquetWriter(self._handle, self._schema or pa.schema([]), compression="zstd")
        writer.close()

    def _take_table(self, chunk: Chunk, places: Sequence[int]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = chunk.table
            if table is None:
                schema = self._parquet.schema if self._parquet else None
                table = pa.RecordBatch.from_pylist([dict(row) for row in chunk.rows], schema=schema)
            with storage(self.path):
                self._parquet = self._parquet or pq.ParquetWriter(self._handle, table.schema, compression="zstd")
                self._parquet.write_batch(table.take(pa.array(list(places), pa.int64())))
        except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError) as error:
            raise InputError(
                f"the rows do not fit one Parquet schema: {error}; write .jsonl instead; nothing was written"
            ) from error


def dumped(row: Mapping[str, Any]) -> bytes:
    """A row as JSON; what JSON lacks (bytes, dates of years before 1) is written as text."""
    return orjson.dumps(dict(row), default=str)
