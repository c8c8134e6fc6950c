"""Write rows as Parquet under a fixed schema: shards of small row groups, zstd, a page index. Equal rows give equal bytes.

Content-defined chunks are left out: they save the Hub a second upload only in row groups ten times as long, which its viewer would
have to read whole, and cost a sixth of the writing. A run that has grown keeps the bytes of the groups it had without them.
"""

from array import array
from collections.abc import Callable, Collection, Mapping, Sequence, Sized
from contextlib import ExitStack
from itertools import accumulate, chain
from operator import itemgetter, methodcaller
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthgen.errors import storage
from synthgen.export.rows import FURTHER_COLUMNS, FURTHER_FIELDS

ROWS_IN_GROUP = 2000
ROWS_IN_CHUNK = 250
"""Rows that are held as Python objects; those of a group before them are held as columns, which are a third as large."""
CHARACTERS_IN_GROUP = 2**26
"""Of a group, about, however few rows that is."""
CHARACTERS_IN_SHARD = 2**28
"""Of a file, about. The Hub's own library cuts at 500 MB before compression, and a character takes one byte to three."""
OPTIONAL = frozenset((*FURTHER_FIELDS, *FURTHER_COLUMNS))
"""What a record may be without, as null."""
REPEATED = ("strategy", "category", "source")
"""Columns with a dictionary: of the others' values few come twice, and to look costs a tenth of the writing."""


def texts(*names: str) -> pa.DataType:
    """A record of strings."""
    return pa.struct([(name, pa.string()) for name in names])


MESSAGES = pa.list_(texts("role", "content"))
LABELS = ("id", "root_id", "strategy", "category", "source")
SHARED = [(name, pa.string()) for name in (*LABELS, "metadata_json")]
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
        one = self._splits.get((config, split))
        if one is None:
            schema = schema_of(config, self._further.get(config, ()))
            one = self._stack.enter_context(Split(self._folder / config, split, schema))
            self._splits[config, split] = one
        one.put(row)

    def counts(self, splits: Sequence[str]) -> dict[str, dict[str, int]]:
        """Config to split to rows, only those that have some."""
        found = {
            config: {one: self._splits[config, one].rows for one in splits if (config, one) in self._splits}
            for config in SCHEMAS
        }
        return {config: of for config, of in found.items() if of}


class Split:
    """One split of one config. Its files get their names when it is known how many they are."""

    def __init__(self, folder: Path, name: str, schema: pa.Schema) -> None:
        self.rows = 0
        self._folder, self._name, self._schema = folder, name, schema
        self._talks = [field.name for field in schema if pa.types.is_list(field.type)]
        self._texts = [field.name for field in schema if pa.types.is_string(field.type) and field.name not in LABELS]
        self._shards: list[Path] = []
        self._writer: pq.ParquetWriter | None = None
        self._chunk: list[Mapping[str, Any]] = []
        self._group: list[pa.RecordBatch] = []
        self._begun = 0
        """Rows of the group, those of the chunk included."""
        self._size = 0
        """Characters of the group, about."""
        self._written = 0
        """Characters of the shard before it, about."""

    def put(self, row: Mapping[str, Any]) -> None:
        """Take one row; a whole group is written."""
        self.rows += 1
        self._begun += 1
        self._chunk.append(row)
        self._size += self._size_of(row)
        if len(self._chunk) == ROWS_IN_CHUNK:
            self._pack()
        if self._begun == ROWS_IN_GROUP or self._size > CHARACTERS_IN_GROUP:
            self._write()

    def _size_of(self, row: Mapping[str, Any]) -> int:
        """Characters of a row, about."""
        size = 0
        for name in self._texts:
            size += len(row.get(name) or "")
        for name in self._talks:
            for message in row[name]:
                size += len(message["content"])
                if len(message) > 2:
                    size += sum(len(message.get(one) or "") for one in FURTHER_FIELDS)
        return size

    def _pack(self) -> None:
        """Make the rows that are held as objects into columns."""
        columns = members(self._chunk, self._schema)
        self._group.append(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        self._chunk = []

    def _write(self) -> None:
        """Write a group; a shard that is full ends with it."""
        if self._chunk:
            self._pack()
        with storage(self._folder):
            writer = self._writer = self._writer or self._open()
            writer.write_table(pa.Table.from_batches(self._group), row_group_size=self._begun)
        self._written += self._size
        self._group, self._begun, self._size = [], 0, 0
        pa.default_memory_pool().release_unused()  # else what a group took stays: by chance up to 30 MB
        if self._written >= CHARACTERS_IN_SHARD:
            self._close()

    def _open(self) -> pq.ParquetWriter:
        """Begin a shard."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{self._name}-{len(self._shards):05}.unfinished"
        self._shards.append(path)
        return pq.ParquetWriter(
            path, self._schema, compression="zstd", write_page_index=True, use_dictionary=list(REPEATED)
        )

    def _close(self) -> None:
        """End a shard."""
        if self._writer is not None:
            with storage(self._folder):
                self._writer.close()
        self._writer, self._written = None, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self._begun:
                self._write()
        finally:
            self._close()
        if kind is None:
            with storage(self._folder):
                for number, path in enumerate(self._shards):
                    path.rename(path.with_name(f"{self._name}-{number:05}-of-{len(self._shards):05}.parquet"))


def column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """An array of values, of which texts may be null. `pa.array` does the same, and imports pandas first."""
    if pa.types.is_string(kind):
        return strings(values)
    if pa.types.is_list(kind):
        inner = column(list(chain.from_iterable(values)), kind.value_type)
        return pa.Array.from_buffers(kind, len(values), [None, offsets(values)], children=[inner])
    if pa.types.is_struct(kind):
        return pa.Array.from_buffers(kind, len(values), [None], children=members(values, kind))
    if pa.types.is_boolean(kind):
        return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(bits(values))])
    numbers = array("d" if pa.types.is_float64(kind) else "q", values)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(numbers)])


def strings(values: Sequence[Any]) -> pa.Array:
    """An array of texts and nulls. They are encoded at once; where all are ASCII their lengths are those of the bytes."""
    valid = None
    try:
        whole = "".join(values)
    except TypeError:  # to look for nulls first takes as long as to join
        valid = pa.py_buffer(bits([value is not None for value in values]))
        values = [value or "" for value in values]
        whole = "".join(values)
    sizes = values if whole.isascii() else [value.encode() for value in values]
    return pa.Array.from_buffers(pa.string(), len(values), [valid, offsets(sizes), pa.py_buffer(whole.encode())])


def members(values: Sequence[Mapping[str, Any]], kind: pa.StructType | pa.Schema) -> list[pa.Array]:
    """The arrays of the members of records. Raises ValueError for a record with one that the schema would leave out."""
    names = kind.names
    whole = set(map(len, values)) == {len(names)} and OPTIONAL.isdisjoint(
        names
    )  # then a further one would leave one out
    unknown = () if whole else set().union(*values).difference(names)
    if unknown:
        raise ValueError(f"the schema has no place for {', '.join(sorted(unknown))}: name it among the further fields")
    return [column(list(map(getter(field.name), values)), field.type) for field in kind]


def getter(name: str) -> Callable[[Mapping[str, Any]], Any]:
    """What takes a member out of a record: further ones may be missing, as null."""
    return methodcaller("get", name) if name in OPTIONAL else itemgetter(name)


def offsets(values: Sequence[Sized]) -> pa.Buffer:
    """Where each value begins, and the last one ends."""
    ends = accumulate(map(len, values), initial=0)
    return pa.py_buffer(np.fromiter(ends, np.int32, len(values) + 1))


def bits(values: Sequence[bool]) -> bytes:
    """Eight values to the byte, the first in the lowest bit."""
    eights = (values[first : first + 8] for first in range(0, len(values), 8))
    return bytes(sum(value << place for place, value in enumerate(eight)) for eight in eights)
