"""Write rows as Parquet under a fixed schema: small row groups, zstd, a page index. Equal rows give equal bytes."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from synthgen.errors import storage

ROWS_IN_GROUP = 2000
MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
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
}  # fmt: skip


def write_split(folder: Path, config: str, split: str, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write one split of one config, streaming; how many rows it has. A split without rows leaves no file."""
    groups = grouped(rows)
    first = next(groups, None)
    if first is None:
        return 0
    path = folder / config / f"{split}-00000-of-00001.parquet"
    written = 0
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(path, SCHEMAS[config], compression="zstd", write_page_index=True) as writer:
            for group in chain([first], groups):
                writer.write_table(pa.Table.from_pylist(group, schema=SCHEMAS[config]))
                written += len(group)
    return written


def grouped(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """The rows in lists of a row group's size."""
    source = iter(rows)
    while group := list(islice(source, ROWS_IN_GROUP)):
        yield group
