"""Rows of a dataset folder as a trainer takes them: what is null is left out, tools and their calls are no longer JSON text."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

Row = dict[str, Any]
CONFIGS = ("sft", "sft_messages", "dpo", "kto", "rl")
"""Folders of Parquet that a trainer is given."""
MESSAGES = ("prompt", "completion", "messages", "chosen", "rejected")
"""Columns that are lists of messages."""


def configs(folder: Path) -> tuple[str, ...]:
    """The configs that a dataset folder has."""
    return tuple(name for name in CONFIGS if any((folder / name).glob("*.parquet")))


def read(folder: Path, config: str, most: int = 0) -> list[Row]:
    """The rows of a config in the order of its files, train and test alike; the first `most` of them where that is not 0."""
    return list(islice(stream(folder, config), most or None))


def stream(folder: Path, config: str) -> Iterator[Row]:
    """The rows of a config, a few at a time."""
    import pyarrow.parquet as pq

    for path in sorted((folder / config).glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=500):
                for row in batch.to_pylist():
                    number += 1
                    yield bare(row, f"row {number} of {path.name}")


def bare(row: Mapping[str, Any], place: str = "") -> Row:
    """A row with its messages as a chat template wants them, named by its place where it has no id.

    `tools` stays JSON text, which trainers decode.
    """
    found = {**row, "id": str(row.get("id") or place)}
    for name in MESSAGES:
        if isinstance(row.get(name), list):
            found[name] = [message(one) for one in row[name]]
    return found


def message(one: Mapping[str, Any]) -> Row:
    """A message without nulls, its tool calls decoded."""
    found = {name: value for name, value in one.items() if value is not None}
    if isinstance(found.get("tool_calls"), str):
        found["tool_calls"] = orjson.loads(found["tool_calls"])
    return found


def said(row: Mapping[str, Any]) -> Iterator[str]:
    """Every text of a row's messages."""
    for name in MESSAGES:
        for one in row.get(name) or []:
            yield from (one[key] for key in ("reasoning_content", "content") if isinstance(one.get(key), str))


def dataset(rows: Sequence[Row]) -> Any:
    """A `datasets.Dataset` of rows. Messages are JSON values there, so that no two of them are made to have the same keys."""
    from datasets import Dataset, Features, Json, List, Value

    kinds = {str: Value("string"), bool: Value("bool"), int: Value("int64"), float: Value("float64")}
    features = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        value = next((row[name] for row in rows if row.get(name) is not None), None)
        features[name] = (
            List(Json()) if name in MESSAGES and isinstance(value, list) else kinds.get(type(value), Json())
        )
    return Dataset.from_list([{name: row.get(name) for name in features} for row in rows], features=Features(features))
