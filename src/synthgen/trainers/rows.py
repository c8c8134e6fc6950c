"""Rows of a dataset folder as a trainer takes them: what is null is left out, tools and their calls are no longer JSON text."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from synthgen import rowfiles

Row = dict[str, Any]
CONFIGS = ("sft", "sft_messages", "dpo", "kto", "rl")
"""Folders of Parquet that a trainer is given."""
MESSAGES = ("prompt", "completion", "messages", "chosen", "rejected")
"""Columns that are lists of messages."""


def configs(folder: Path) -> tuple[str, ...]:
    """The configs that a dataset folder has."""
    return tuple(name for name in CONFIGS if files(folder, name))


def files(folder: Path, config: str) -> list[Path]:
    """The files of a config."""
    return sorted(path for path in (folder / config).glob("*.parquet") if path.is_file())


def read(folder: Path, config: str, most: int = 0) -> list[Row]:
    """The rows of a config in the order of its files, train and test alike; the first `most` of them where that is not 0."""
    return list(islice(stream(folder, config), most or None))


def stream(folder: Path, config: str) -> Iterator[Row]:
    """The rows of a config, some at a time. Raises InputError for a file that cannot be read."""
    seen: set[str] = set()
    for path in files(folder, config):
        for chunk in rowfiles.read(path, broken=True):
            for number, row in zip(chunk.numbers(), chunk.rows, strict=True):
                if isinstance(row, rowfiles.Broken):
                    continue
                place = f"row {number} of {path.name}"
                found = bare(row, place)
                if found["id"] in seen:  # rows are told apart by their ids when a trainer has taken some of them
                    found["id"] += f", {place}"
                seen.add(found["id"])
                yield found


def bare(row: Mapping[str, Any], place: str = "") -> Row:
    """A row with its messages as a chat template wants them, named by its place where it has no id.

    `tools` stays JSON text, which trainers decode.
    """
    found = {**row, "id": str(row.get("id") or place)}
    for name in MESSAGES:
        if isinstance(row.get(name), list):
            found[name] = [message(one) if isinstance(one, dict) else one for one in row[name]]
    return found


def message(one: Mapping[str, Any]) -> Row:
    """A message without nulls, its tool calls decoded; those that are no JSON stay, for a trainer to say what it says."""
    found = {name: value for name, value in one.items() if value is not None}
    if isinstance(found.get("tool_calls"), str):
        with suppress(orjson.JSONDecodeError):
            found["tool_calls"] = orjson.loads(found["tool_calls"])
    return found


def said(row: Mapping[str, Any]) -> Iterator[str]:
    """Every text of a row's messages."""
    for name in MESSAGES:
        listed = row[name] if isinstance(row.get(name), list) else []
        for one in (message for message in listed if isinstance(message, dict)):
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
