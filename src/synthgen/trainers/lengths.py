"""Tokens of rows without a trainer: what the messages say, by a tokenizer.json. A chat template adds to that."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthgen.errors import InputError
from synthgen.trainers.rows import Row, said


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long the rows of a config are at the least."""

    config: str
    rows: int
    longest: int
    """Tokens."""
    over: tuple[str, ...]
    """Ids of rows that are longer than a trainer takes."""


def pieces(folder: Path) -> Any:
    """The tokenizer of a model's folder. Raises InputError where there is none."""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise InputError("--model needs the package tokenizers: pip install 'synthgen[tokenizer]'") from None
    path = folder / "tokenizer.json" if folder.is_dir() else folder
    if not path.is_file():
        raise InputError(f"{path} is not there; --model takes a model's folder with a tokenizer.json")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises plain Exception
        raise InputError(f"{path} is no tokenizer: {error}") from error


def measure(config: str, rows: Sequence[Row], tokenizer: Any, max_length: int) -> Lengths:
    """How long rows are. A pair is as long as its prompt and the longer side."""
    tokens = {row["id"]: tokens_of(row, tokenizer) for row in rows}
    over = tuple(identity for identity, count in tokens.items() if count > max_length)
    return Lengths(config, len(rows), max(tokens.values(), default=0), over)


def tokens_of(row: Row, tokenizer: Any) -> int:
    """Tokens of the longest text that a row makes."""
    sides = [{**row, left: None} for left in ("chosen", "rejected")] if row.get("chosen") else [row]
    texts = [list(said(side)) for side in sides]
    return max(sum(len(one.ids) for one in tokenizer.encode_batch(some, add_special_tokens=False)) for some in texts)
