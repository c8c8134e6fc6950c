"""Append-only JSON lines written in whole commits, and the one way in which a file is replaced whole.

A stage answers each of its inputs with one commit: all children and rejections of that input, spread over the
stage's files. Every line carries the commit's number, its input and how many lines the commit has over all
files, so that a reader can tell a whole commit from a torn one without any other file.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, Self, TypeVar

import orjson

from synthgen.errors import ConfigError, storage
from synthgen.records import Record

RecordT = TypeVar("RecordT", bound=Record)
ENVELOPE = ("commit", "commit_of", "commit_lines")


@dataclass(frozen=True, slots=True)
class Commit:
    """What one input came to: its lines by the name of the file that holds them."""

    number: int
    of: str
    """Id of the input."""
    lines: dict[str, list[dict[str, Any]]]

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The lines of one file, without their envelope."""
        return self.lines.get(name, [])


class Journal:
    """The commits of one stage. Opening it cuts its files back to the last whole commit."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self.files = dict(files)
        self.committed = 0
        self._handles: dict[str, FileIO] = {}

    def __enter__(self) -> Self:
        for path in self.files.values():
            with storage(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        self.committed = self._cut_back()
        for name, path in self.files.items():
            with storage(path):
                self._handles[name] = path.open("ab", buffering=0)
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles.values():
            handle.close()
        self._handles.clear()

    def commit(self, of: str, lines: Sequence[tuple[str, Record]]) -> None:
        """Append one input's commit: (name of the file, record), at least one line."""
        if not lines:
            raise ValueError(f"an empty commit for {of}: every input leaves a trace")
        envelope = {"commit": self.committed, "commit_of": of, "commit_lines": len(lines)}
        chunks: dict[str, list[bytes]] = {}
        for name, record in lines:
            row = record.model_dump(mode="json") | envelope
            chunks.setdefault(name, []).append(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        for name, chunk in chunks.items():
            with storage(self.files[name]):
                write_all(self._handles[name], b"".join(chunk))
        self.committed += 1

    def commits(self) -> Iterator[Commit]:
        """Every whole commit in order."""
        readers = {name: _Ahead(rows(path)) for name, path in self.files.items()}
        for number in range(self.committed):
            found = {name: reader.take(number) for name, reader in readers.items()}
            of = next(row["commit_of"] for taken in found.values() for row in taken)
            yield Commit(number, of, {name: [bare(row) for row in taken] for name, taken in found.items()})

    def drop_from(self, number: int) -> None:
        """Cut every commit from `number` on, for an input that is answered anew."""
        for name, path in self.files.items():
            offset = 0
            for row, end in located(path):
                if row["commit"] >= number:
                    break
                offset = end
            with storage(path):
                os.truncate(path, offset)
                self._handles[name].seek(0, os.SEEK_END)
        self.committed = min(self.committed, number)

    def _cut_back(self) -> int:
        """Truncate every file after the last whole commit; how many commits are left."""
        seen: dict[int, int] = {}
        wanted: dict[int, int] = {}
        for path in self.files.values():
            for row, _ in located(path):
                seen[row["commit"]] = seen.get(row["commit"], 0) + 1
                wanted[row["commit"]] = row["commit_lines"]
        whole = 0
        while whole in seen and seen[whole] == wanted[whole]:
            whole += 1
        for path in self.files.values():
            offset = 0
            for row, end in located(path):
                if row["commit"] >= whole:
                    break
                offset = end
            if path.stat().st_size != offset:
                with storage(path):
                    os.truncate(path, offset)
        return whole


class _Ahead:
    """Rows of one file, taken commit by commit."""

    def __init__(self, source: Iterator[dict[str, Any]]) -> None:
        self._source = source
        self._next = next(source, None)

    def take(self, number: int) -> list[dict[str, Any]]:
        """The rows of commit `number`."""
        taken = []
        while self._next is not None and self._next["commit"] == number:
            taken.append(self._next)
            self._next = next(self._source, None)
        return taken


def write_all(handle: FileIO, data: bytes) -> None:
    """Write every byte: an unbuffered write may take only some, as on a disk that is nearly full."""
    view = memoryview(data)
    while view:
        view = view[handle.write(view) :]


def located(path: Path) -> Iterator[tuple[dict[str, Any], int]]:
    """Each whole line of a file of commits with the offset of its end. A torn last line is left out."""
    end = 0
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            if not line.endswith(b"\n"):
                return
            end += len(line)
            try:
                row = orjson.loads(line)
                _ = row["commit"], row["commit_of"], row["commit_lines"]
            except (orjson.JSONDecodeError, TypeError, KeyError) as error:
                raise ConfigError(
                    f"{path.name} line {number} is not a line that synthgen wrote: it was changed by hand or by "
                    "another program; restore it, or start a new run with --ledger pointing at this run's ledger"
                ) from error
            yield row, end


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Each whole line of a file of commits, envelope included; nothing where there is no file."""
    if path.exists():
        for row, _ in located(path):
            yield row


def bare(row: dict[str, Any]) -> dict[str, Any]:
    """A row without its envelope."""
    return {key: value for key, value in row.items() if key not in ENVELOPE}


def records(path: Path, kind: type[RecordT]) -> Iterator[RecordT]:
    """The records of a file of commits, in order."""
    return (kind.model_validate(bare(row)) for row in rows(path))


def replace(path: Path, data: bytes) -> None:
    """Put `data` in the place of a file: either the old file or the whole new one is there, at any moment."""
    new = path.with_name(f".{path.name}.new")
    with storage(path):
        with new.open("wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        new.replace(path)


def dump(value: object) -> bytes:
    """Canonical indented JSON with sorted keys and a last newline."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
