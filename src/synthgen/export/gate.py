"""The erasure gate: nothing that leaves the program quotes a strategy prompt."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from synthgen.config import GENERIC
from synthgen.errors import ConfigError, SynthgenError
from synthgen.text.ngrams import Leaks


class LeakError(SynthgenError):
    """Strategy text stands in the dataset."""


def check_neutral(text: str, leaks: Leaks) -> None:
    """Raise ConfigError where the rows' neutral system message quotes a strategy prompt: no export could pass."""
    found = leaks.find(text)
    if found is not None:
        raise ConfigError(
            f'the rows\' system message (prompts/{GENERIC}.txt) and a strategy prompt both say "{found}"; reword one of '
            "them, or leave the message out with --system none"
        )


def search(folder: Path, leaks: Leaks, *, erased: bool) -> None:
    """Look for strategy text in the card and in every string of every row. Raises LeakError for the first."""
    found = leaks.find((folder / "README.md").read_text(encoding="utf-8"))
    if found is not None:
        raise LeakError(
            f'the dataset card quotes a strategy prompt: "{found}"; reword the prompt or what the card is made of'
        )
    for path in sorted(folder.rglob("*.parquet")) if leaks else []:
        for row in rows_of(path):
            search_row(path.parent.name, row, leaks, erased=erased)


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file, a few at a time."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, pre_buffer=False) as file:
        for batch in file.iter_batches(batch_size=500, use_threads=False):
            yield from batch.to_pylist()


def search_row(config: str, row: Mapping[str, Any], leaks: Leaks, *, erased: bool = True) -> None:
    """Look for strategy text in one row.

    Excepted are what stands in the row's own task, what a human wrote and, where rows are not erased, system messages.
    """
    said = [message for value in row.values() if isinstance(value, list) for message in value]
    task = "\n".join(message["content"] for message in said if message["role"] == "user")
    if row["source"] == "human":
        task = "\n".join([*(message["content"] for message in said if message["role"] != "system"), *texts_of(row)])
    written = [message["content"] for message in said if message["role"] == "assistant"]
    systems = [message["content"] for message in said if message["role"] == "system"]
    for text in (*written, *(systems if erased else ()), *texts_of(row)):
        found = leaks.find(text, allowed=task)
        if found is not None:
            raise LeakError(
                f'row {row["id"]} of {config} quotes a strategy prompt: "{found}"; nothing was exported. '
                "Reword the prompt, or remove the record"
            )


def texts_of(row: Mapping[str, Any]) -> Iterator[str]:
    """The strings of the plain columns, and those inside the metadata as they read without JSON's escapes."""
    for name, value in row.items():
        if isinstance(value, str):
            yield from strings(orjson.loads(value)) if name == "metadata_json" else (value,)


def strings(value: object) -> Iterator[str]:
    """Every string of a JSON value, names included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
