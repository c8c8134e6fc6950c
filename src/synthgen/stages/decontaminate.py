"""The benchmarks that a run, or a command, must not give away: read, and looked up before anything is paid for."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from synthgen import rowfiles
from synthgen.config import Decontamination
from synthgen.errors import InputError
from synthgen.records import Nearest, Rejected
from synthgen.text.tokens import words

if TYPE_CHECKING:
    from synthgen.text.contamination import Contamination, Found, Item, Tokenize  # which loads numpy


def load(config: Decontamination) -> "Contamination | None":
    """The benchmarks of a run under its rule; None where it has none."""
    if not config.rule:
        return None
    from synthgen.text.contamination import Contamination

    items = benchmark_items([Path(path) for path in config.against], config.field)
    return Contamination(items, config.rule, tokenizer(Path(config.tokenizer) if config.tokenizer else None))


def filled_in(config: Decontamination, benchmarks: "Contamination | None") -> Decontamination:
    """The config with the digest of what is looked up, and how many rows each benchmark has."""
    if benchmarks is None:
        return config
    whole = hashlib.sha256()
    for one in benchmarks.items:
        whole.update(orjson.dumps([one.benchmark, one.id, one.text]))
    if config.tokenizer:
        whole.update(tokenizer_file(Path(config.tokenizer)).read_bytes())
    return config.model_copy(update={"digest": whole.hexdigest(), "items": dict(benchmarks.items.rows)})


def rejected(identity: str, text: str, found: "Found", call: str) -> Rejected:
    """A text that gives an item away, with the item and the span."""
    evidence = orjson.dumps({"text": text, **found.told()}).decode()
    return Rejected(
        id=identity,
        reason="contaminated",
        evidence=evidence,
        call=call,
        nearest=nearest(found),
    )


def nearest(found: "Found") -> Nearest:
    """The item that stands in a text's way, under its benchmark's name."""
    return Nearest(f"{found.benchmark} {found.item}", found.share)


def benchmark_items(paths: Sequence[Path], field: str) -> "Iterator[Item]":
    """Every text of some benchmarks, each file or folder one benchmark; without a field, every string of a row.

    Raises InputError for a path without a text.
    """
    from synthgen.text.contamination import Item

    for path, name in named(paths).items():
        found = False
        for file in rowfiles.files(path):
            within = file.relative_to(path).as_posix() if path.is_dir() else file.name
            for chunk in rowfiles.read(file):
                for number, row in zip(chunk.numbers(), chunk.rows, strict=True):
                    given = [rowfiles.value(row, field)] if field else list(strings(row))
                    for text in given:
                        if isinstance(text, str) and text.strip():
                            found = True
                            yield Item(name, f"{within}:{number}", text)
        if not found:
            raise InputError(f"no row of {path} has text{f' in a field {field}' if field else ''}")


def named(paths: Sequence[Path]) -> dict[Path, str]:
    """Paths to names that tell them apart: their last parts, as many as that takes. A path that is given twice is one.

    Where the benchmarks lie says nothing about them, so no more than that is kept.
    """
    whole: dict[Path, Path] = {}
    for path in paths:
        whole.setdefault(Path(os.path.abspath(path)), path)  # noqa: PTH100 - resolve() would name what a link points to
    names: dict[Path, str] = {}
    for full, path in whole.items():
        parts = 1
        while sum(other.parts[-parts:] == full.parts[-parts:] for other in whole) > 1:
            parts += 1
        names[path] = "/".join(full.parts[-parts:])
    return names


def strings(value: Any) -> Iterator[str]:
    """Every string of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def tokenizer(path: Path | None) -> "Tokenize":
    """The tokens of a `tokenizer.json`; without one, words. Raises InputError where it cannot be used."""
    return words if path is None else Subwords(opened_tokenizer(path))


def opened_tokenizer(path: Path) -> Any:
    """A `tokenizer.json`, or that of a folder, as the library `tokenizers` has it. Raises InputError where it cannot be used."""
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise InputError("--tokenizer needs the package tokenizers: pip install tokenizers") from error
    try:
        loaded = Tokenizer.from_file(str(tokenizer_file(path)))
    except Exception as error:  # the library raises plain Exceptions
        raise InputError(f"{path} is not a tokenizer.json: {error}") from error
    loaded.no_truncation()  # some files cut texts at what their model reads, and what is cut is not seen
    loaded.no_padding()
    return loaded


class Subwords:
    """The tokens of a model's tokenizer, as `Tokenize` has it, and where they stand in a text."""

    def __init__(self, loaded: Any) -> None:
        self._loaded = loaded

    def __call__(self, text: str) -> Sequence[str]:
        """The tokens."""
        return list(self._encoded(text).tokens)

    def span(self, text: str, first: int, last: int) -> str:
        """What a text says in some tokens in a row."""
        places = self._encoded(text).offsets[first:last]
        return text[places[0][0] : places[-1][1]].strip() if places else ""

    def _encoded(self, text: str) -> Any:
        whole = text.encode("utf-8", "replace").decode()  # the library refuses half a surrogate pair
        return self._loaded.encode(whole, add_special_tokens=False)


def tokenizer_file(path: Path) -> Path:
    """The file itself, or that of a model's folder."""
    return path / "tokenizer.json" if path.is_dir() else path
