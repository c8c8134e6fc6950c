"""Append-only JSON lines written in whole commits, and the one way in which a file is replaced whole.

A stage answers each of its inputs with one commit: all children and rejections of that input, spread over the
stage's files. Every line carries the commit's number, its input and how many lines the commit has over all
files, so that a reader can tell a whole commit from a torn one without any other file.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import FileIO
from itertools import count, islice
from pathlib import Path
from typing import Any, Self, TypeVar

import orjson
from pydantic import ValidationError

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
    """With their envelope."""
    ends: dict[str, int]
    """Where each file's lines of this commit and of those before it end."""

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The lines of one file, without their envelope."""
        return [bare(row) for row in self.lines.get(name, [])]


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
        return islice(commits(self.files), self.committed)

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
        whole, ends = 0, dict.fromkeys(self.files, 0)
        for one in commits(self.files):
            whole, ends = one.number + 1, one.ends
        for name, path in self.files.items():
            if path.stat().st_size != ends[name]:
                with storage(path):
                    os.truncate(path, ends[name])
        return whole


class Ahead:
    """The rows of one file, taken commit by commit; none where there is no file."""

    def __init__(self, path: Path) -> None:
        self._source = located(path) if path.exists() else iter(())
        self._next = next(self._source, None)
        self.end = 0
        """Where the last row that was taken ends."""

    def take(self, number: int) -> list[dict[str, Any]]:
        """The rows of commit `number`, envelope included."""
        taken = []
        while self._next is not None and self._next[0]["commit"] == number:
            row, self.end = self._next
            taken.append(row)
            self._next = next(self._source, None)
        return taken


def commits(files: Mapping[str, Path]) -> Iterator[Commit]:
    """Every commit of a stage's files in order, up to the first that is not whole. Holds one at a time."""
    readers = {name: Ahead(path) for name, path in files.items()}
    for number in count():
        lines = {name: reader.take(number) for name, reader in readers.items()}
        taken = [row for some in lines.values() for row in some]
        if not taken or len(taken) != taken[0]["commit_lines"]:
            return
        yield Commit(number, taken[0]["commit_of"], lines, {name: reader.end for name, reader in readers.items()})


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


def lines(path: Path) -> int:
    """How many whole lines a file has; 0 where there is none."""
    if not path.exists():
        return 0
    with path.open("rb") as handle:
        return sum(part.count(b"\n") for part in iter(lambda: handle.read(2**20), b""))


def last(path: Path) -> dict[str, Any] | None:
    """The last whole line of a file of commits, envelope included; None where there is none."""
    if not path.exists():
        return None
    with path.open("rb") as handle:
        size, wanted = handle.seek(0, os.SEEK_END), 2**13
        while True:
            handle.seek(max(0, size - wanted))
            parts = handle.read().split(b"\n")[:-1]
            whole = parts if wanted >= size else parts[1:]
            if whole or wanted >= size:
                return dict(orjson.loads(whole[-1])) if whole else None
            wanted *= 8


def bare(row: dict[str, Any]) -> dict[str, Any]:
    """A row without its envelope."""
    rest = row.copy()
    for key in ENVELOPE:
        rest.pop(key, None)
    return rest


def records(path: Path, kind: type[RecordT]) -> Iterator[RecordT]:
    """The records of a file of commits, in order."""
    return (record(row, kind, path) for row in rows(path))


def record(row: dict[str, Any], kind: type[RecordT], path: Path) -> RecordT:
    """The record of a line of a file. Raises ConfigError for one that synthgen did not write."""
    try:
        return kind.model_validate(bare(row))
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise ConfigError(
            f"{path.name} holds what is no record, of {row['commit_of']!r}: {where}: {error.errors()[0]['msg']}; it was changed by "
            "hand or by another program: restore it, or start a new run with --ledger pointing at this run's ledger"
        ) from error


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
