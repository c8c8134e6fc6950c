"""The datasets that are joined: opened, checked, and read a few rows at a time. They may have come from anywhere."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from synthgen import datafolders
from synthgen.errors import InputError
from synthgen.export import licences
from synthgen.export.folder import PROOF, digest
from synthgen.export.parquet import SCHEMAS, schema_of
from synthgen.export.rows import FURTHER_COLUMNS, FURTHER_FIELDS, Row
from synthgen.export.splits import asked
from synthgen.records import Side
from synthgen.text.seen import Seen

if TYPE_CHECKING:
    import pyarrow as pa

DERIVED = "sft_messages"
"""Written anew from the rows of `sft`."""
CONFIGS = tuple(name for name in SCHEMAS if name != DERIVED)
FILE = re.compile(r"(train|test)-.*\.parquet")
ROWS_AT_ONCE = 500
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Input:
    """One dataset folder."""

    number: int
    """From 1, in the order given."""
    name: str
    """As it was given, for people. Never written."""
    folder: Path
    files: Mapping[tuple[str, str], Sequence[Path]]
    """(config, side) to its files."""
    digests: Mapping[str, str]
    """Config to the SHA-256 of its files."""
    license: str
    """As its card says; `unknown` where that says nothing."""
    further: Mapping[str, frozenset[str]]
    """Config to the further fields of its messages and columns of its rows."""
    proof: Mapping[str, Any] | None
    """What was searched for strategy text; None where the folder does not tell."""

    @property
    def digest(self) -> str:
        """SHA-256 of the whole."""
        return hashlib.sha256(orjson.dumps(dict(self.digests), option=orjson.OPT_SORT_KEYS)).hexdigest()

    def rows(self, config: str, side: Side) -> Iterator[Row]:
        """The rows of one split in order. Raises InputError where one cannot be used."""
        for path in self.files.get((config, side), ()):
            for row in parsed(path, self.name):
                check(row, f"{self.name}: row {row.get('id')} of {config}")
                yield row

    def prompts(self, side: Side) -> Iterator[tuple[str, Row]]:
        """Every distinct prompt of a side, with the first row that has it."""
        seen = Seen()
        for config in CONFIGS:
            for row in self.rows(config, side):
                text = asked(row)
                if seen.add(text, 0) is None:
                    yield text, row


def parsed(path: Path, name: str) -> Iterator[Row]:
    """The rows of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, use_threads=False):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{name}: {path.name} cannot be read: {error}; nothing was written") from error


def check(row: Row, place: str) -> None:
    """Raise InputError for a row that lacks something."""
    for column, value in row.items():
        if column in FURTHER_COLUMNS:
            continue
        if value is None or (isinstance(value, list) and not said(value)):
            raise InputError(f"{place} has no {column}; export that dataset again, or leave the row out of it")


def said(messages: Sequence[Any]) -> bool:
    """Whether every message has a role and a content."""
    return all(one is not None and one.get("role") is not None and one.get("content") is not None for one in messages)


def about(row: Row, name: str) -> dict[str, Any]:
    """The metadata of a row."""
    try:
        found = orjson.loads(row["metadata_json"])
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{name}: metadata_json of row {row['id']} is no JSON object; export that dataset again")
    return found


def opened(paths: Sequence[Path]) -> tuple[Input, ...]:
    """The datasets, each a run directory or a dataset folder. Raises InputError for the first that is none."""
    folders = [folder_of(path) for path in paths]
    seen: dict[Path, Path] = {}
    for path, folder in zip(paths, folders, strict=True):
        if folder.resolve() in seen:
            raise InputError(f"{path} and {seen[folder.resolve()]} are the same dataset; name each once")
        seen[folder.resolve()] = path
    return tuple(
        opened_one(number, str(path), folder)
        for number, (path, folder) in enumerate(zip(paths, folders, strict=True), start=1)
    )


def folder_of(path: Path) -> Path:
    """The dataset folder of a run directory, or of itself."""
    if not path.is_dir():
        raise InputError(f"{path} is no folder; name a run directory or a dataset folder of synthgen")
    if (path / "dataset").is_dir():
        return path / "dataset"
    if (path / "config.json").exists() and not any((path / config).is_dir() for config in SCHEMAS):
        raise InputError(f"the run {path} has no dataset; `synthgen export {path}` writes what is complete")
    return path


def opened_one(number: int, name: str, folder: Path) -> Input:
    """One dataset, with its files checked."""
    files: dict[tuple[str, str], list[Path]] = {}
    for config in CONFIGS:
        for path in sorted((folder / config).glob("*.parquet")):
            found = FILE.fullmatch(path.name)
            if found is None:
                raise InputError(f"{name}: {config}/{path.name} is of a split that is neither train nor test")
            if fault := misfit(path, config):
                raise InputError(f"{name}: {config}/{path.name} {fault}; it is not a dataset of this synthgen")
            files.setdefault((config, found[1]), []).append(path)
    if not files:
        raise InputError(f"{name} is no dataset of synthgen: it holds none of {', '.join(CONFIGS)} as Parquet")
    digests = {config: digest(folder / config) for config in CONFIGS if any((config, side) in files for side in SIDES)}
    further = {config: frozenset().union(*map(further_of, of)) for (config, _), of in files.items()}
    return Input(
        number,
        name,
        folder,
        files,
        digests,
        licences.of(datafolders.front_matter(folder)),
        further,
        proof_of(folder, name),
    )


SIDES: tuple[Side, ...] = ("train", "test")


def misfit(path: Path, config: str) -> str:
    """What is wrong with a file's columns, in words; "" for nothing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        return f"cannot be read ({error})"
    wanted = schema_of(config, further_of(path))
    missing = [name for name in wanted.names if name not in found.names]
    more = [name for name in found.names if name not in wanted.names]
    if missing or more:
        return " and ".join(
            [*([f"lacks {', '.join(missing)}"] if missing else []), *([f"also has {', '.join(more)}"] if more else [])]
        )
    other = [name for name in wanted.names if shape(found.field(name).type) != shape(wanted.field(name).type)]
    return f"has another type of {', '.join(other)}" if other else ""


def further_of(path: Path) -> frozenset[str]:
    """What the messages and rows of a file may have beside what every one has."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.read_schema(path)
    lists = [kind.value_type for kind in schema.types if pa.types.is_list(kind) or pa.types.is_large_list(kind)]
    held = {field.name for kind in lists if pa.types.is_struct(kind) for field in kind} | set(schema.names)
    return frozenset(held.intersection((*FURTHER_FIELDS, *FURTHER_COLUMNS)))


def shape(kind: "pa.DataType") -> object:
    """A type as it matters to rows: however wide its offsets are, and in whichever order a record has its fields."""
    import pyarrow as pa

    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "text"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return ("list", shape(kind.value_type))
    if pa.types.is_struct(kind):
        return tuple(sorted((field.name, shape(field.type)) for field in kind))
    return str(kind)


def proof_of(folder: Path, name: str) -> Mapping[str, Any] | None:
    """The erasure proof that stands beside the rows, if one does."""
    path = folder / PROOF
    if not path.exists():
        return None
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise InputError(f"{name}: {PROOF} cannot be read ({error}); export that dataset again") from error
    return found if isinstance(found, dict) else None
