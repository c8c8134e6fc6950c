"""Write rows as Parquet under a fixed schema: small row groups, zstd, a page index. Equal rows give equal bytes."""

from array import array
from collections.abc import Collection, Mapping, Sequence, Sized
from contextlib import ExitStack
from itertools import accumulate, chain
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from synthgen.errors import storage
from synthgen.export.rows import FURTHER_COLUMNS, FURTHER_FIELDS

ROWS_IN_GROUP = 2000
ROWS_IN_CHUNK = 250
"""Rows that are held as Python objects; those of a group before them are held as columns, which are a third as large."""
CHARACTERS_IN_GROUP = 2**26
"""Of a group, about, however few rows that is."""


def texts(*names: str) -> pa.DataType:
    """A record of strings."""
    return pa.struct([(name, pa.string()) for name in names])


MESSAGES = pa.list_(texts("role", "content"))
SHARED = [(name, pa.string()) for name in ("id", "root_id", "strategy", "category", "source", "metadata_json")]
SCHEMAS: Mapping[str, pa.Schema] = {
    "sft": pa.schema([("prompt", MESSAGES), ("completion", MESSAGES), *SHARED]),
    "sft_messages": pa.schema([("messages", MESSAGES), *SHARED]),
    "dpo": pa.schema(
        [
            ("prompt", MESSAGES), ("chosen", MESSAGES), ("rejected", MESSAGES),
            ("score_chosen", pa.float64()), ("score_rejected", pa.float64()), *SHARED,
        ]
    ),
    "kto": pa.schema([("prompt", MESSAGES), ("completion", MESSAGES), ("label", pa.bool_()), *SHARED]),
    "rl": pa.schema(
        [
            ("prompt", MESSAGES), ("ground_truth", pa.string()), ("check", pa.string()), ("check_kind", pa.string()),
            ("check_source", pa.string()), ("check_input", pa.string()), ("checks_json", pa.string()),
            ("chance", pa.float64()), ("pass_rate", pa.float64()), ("samples", pa.int64()), ("data_source", pa.string()),
            ("reward_model", texts("style", "ground_truth")), ("extra_info", texts("index", "checks_json", "check_input")),
            *SHARED,
        ]
    ),
}  # fmt: skip


def schema_of(config: str, further: Collection[str] = ()) -> pa.Schema:
    """The schema of a config whose messages and rows have further fields and columns, of those that `rows.further` names.

    They may be null. All are text: Arrow would give the arguments of every tool call the names of all the others.
    """
    fields = [name for name in FURTHER_FIELDS if name in further]
    columns = [pa.field(name, pa.string()) for name in FURTHER_COLUMNS if name in further]
    kind = pa.list_(texts("role", "content", *fields))
    schema = [one.with_type(kind) if one.type == MESSAGES else one for one in SCHEMAS[config]]
    before = len(schema) - len(SHARED)
    return pa.schema([*schema[:before], *columns, *schema[before:]])


class Files:
    """The Parquet files of a dataset folder, each made with its first row and written as its rows come."""

    def __init__(self, folder: Path, further: Mapping[str, Collection[str]] | None = None) -> None:
        self._folder = folder
        self._further = further or {}
        """Config to the further fields and columns of its rows: a file's schema is fixed before its first row."""
        self._splits: dict[tuple[str, str], Split] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def put(self, config: str, split: str, row: Mapping[str, Any]) -> None:
        """Take one row."""
        place = config, split
        if place not in self._splits:
            one = Split(
                self._folder / config / f"{split}-00000-of-00001.parquet",
                schema_of(config, self._further.get(config, ())),
            )
            self._splits[place] = self._stack.enter_context(one)
        self._splits[place].put(row)

    def counts(self, splits: Sequence[str]) -> dict[str, dict[str, int]]:
        """Config to split to rows, only those that have some."""
        found = {
            config: {one: self._splits[config, one].rows for one in splits if (config, one) in self._splits}
            for config in SCHEMAS
        }
        return {config: of for config, of in found.items() if of}


class Split:
    """One split of one config."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.rows = 0
        self._path, self._schema = path, schema
        self._chunk: list[Mapping[str, Any]] = []
        self._group: list[pa.RecordBatch] = []
        self._begun = 0
        """Rows of the group, those of the chunk included."""
        self._size = 0
        with storage(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(path, schema, compression="zstd", write_page_index=True)

    def put(self, row: Mapping[str, Any]) -> None:
        """Take one row; a whole group is written."""
        self.rows += 1
        self._begun += 1
        self._chunk.append(row)
        self._size += size_of(row)
        if len(self._chunk) == ROWS_IN_CHUNK:
            self._pack()
        if self._begun == ROWS_IN_GROUP or self._size > CHARACTERS_IN_GROUP:
            self._write()

    def _pack(self) -> None:
        """Make the rows that are held as objects into columns."""
        columns = members(self._chunk, self._schema)
        self._group.append(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        self._chunk = []

    def _write(self) -> None:
        if self._chunk:
            self._pack()
        with storage(self._path):
            self._writer.write_table(pa.Table.from_batches(self._group), row_group_size=self._begun)
        self._group, self._begun, self._size = [], 0, 0
        pa.default_memory_pool().release_unused()  # else what a group took stays: by chance up to 30 MB

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self._begun:
                self._write()
        finally:
            with storage(self._path):
                self._writer.close()


def size_of(row: Mapping[str, Any]) -> int:
    """Characters of a row, about."""
    said = [message for value in row.values() if isinstance(value, list) for message in value]
    plain = (value for value in row.values() if isinstance(value, str))
    further = (message.get(name) or "" for message in said if len(message) > 2 for name in FURTHER_FIELDS)
    return sum(len(message["content"]) for message in said) + sum(map(len, further)) + sum(map(len, plain))


def column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """An array of values: those that `texts_or_null` makes aside, none is null.

    `pa.array` does the same, and imports pandas to ask whether they are its.
    """
    if pa.types.is_list(kind):
        inner = column(list(chain.from_iterable(values)), kind.value_type)
        return pa.Array.from_buffers(kind, len(values), [None, offsets(values)], children=[inner])
    if pa.types.is_struct(kind):
        return pa.Array.from_buffers(kind, len(values), [None], children=members(values, kind))
    if pa.types.is_boolean(kind):
        return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(bits(values))])
    if pa.types.is_float64(kind):
        return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(array("d", values))])
    if pa.types.is_int64(kind):
        return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(array("q", values))])
    encoded = [value.encode() for value in values]
    return pa.Array.from_buffers(kind, len(encoded), [None, offsets(encoded), pa.py_buffer(b"".join(encoded))])


def members(values: Sequence[Mapping[str, Any]], kind: pa.StructType | pa.Schema) -> list[pa.Array]:
    """The arrays of the members of records. Raises ValueError for a record with one that the schema would leave out."""
    unknown = set().union(*values).difference(kind.names)
    if unknown:
        raise ValueError(f"the schema has no place for {', '.join(sorted(unknown))}: name it among the further fields")
    return [
        texts_or_null([value.get(field.name) for value in values])
        if field.name in FURTHER_FIELDS or field.name in FURTHER_COLUMNS
        else column([value[field.name] for value in values], field.type)
        for field in kind
    ]


def texts_or_null(values: Sequence[str | None]) -> pa.Array:
    """An array of texts, some of them null."""
    encoded = [(value or "").encode() for value in values]
    there = pa.py_buffer(bits([value is not None for value in values]))
    return pa.Array.from_buffers(pa.string(), len(encoded), [there, offsets(encoded), pa.py_buffer(b"".join(encoded))])


def offsets(values: Sequence[Sized]) -> pa.Buffer:
    """Where each value begins, and the last one ends."""
    return pa.py_buffer(array("i", accumulate(map(len, values), initial=0)))


def bits(values: Sequence[bool]) -> bytes:
    """Eight values to the byte, the first in the lowest bit."""
    eights = (values[first : first + 8] for first in range(0, len(values), 8))
    return bytes(sum(value << place for place, value in enumerate(eight)) for eight in eights)
