"""Whatever can still be read of a damaged ledger: records, page by page, without SQLite's help.

SQLite gives up a whole tree where one page of it is damaged. Here every page is looked at by itself, as the file format lays it
down (sqlite.org/fileformat2.html), in the file and in its log; what was read is believed only where a row vouches for itself.
"""

import os
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from synthgen.teacher.ledgerfile import FORMAT_1_COLUMNS, ONE_STEP, Call, crc_of
from synthgen.teacher.ledgerrow import Endpoint, Held, Lost, Named, batch_of, wrong_with
from synthgen.teacher.wire import Binding

MAGIC = b"SQLite format 3\x00"
PAGE_BYTES = 4096
"""Of a page, where neither the file nor its log can say."""
SIZES = tuple(1 << power for power in range(9, 17))
"""Bytes that a page can have."""
LEAF_TABLE, LEAF_INDEX, INNER_INDEX = 13, 10, 2
"""The first byte of pages that hold records."""
LOG_HEAD, FRAME_HEAD = 32, 24
"""Bytes before the first frame of a log, and before the page in a frame."""
INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Of integers, by the type that a record states."""
DIGEST = re.compile(r"[0-9a-f]{64}")

Record = tuple[Any, ...]
Image = Callable[[int], bytes]
"""The page of a number, from 1; empty where there is none."""

CALL = (str, str, str, str, str, int, str, int, int, int, float, float, float, bytes, bytes, int)
CALL_OF_FORMAT_1 = (str, str, str, str, int, bytes, bytes, str, int, int, int, float, float, float)
LOST = (float, str, str, str, str, int, int, float, str)
BATCH = (str, str, str, str, float, bytes)
ENDPOINT = (str, str, str)
KEY_IN_INDEX = (str, int)
SUMS_IN_INDEX = (str, int, int, int, float, int)


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one view of a file."""

    image: Image
    numbers: Sequence[int]
    usable: int
    """Bytes of a page that hold content."""
    longest: int
    """Bytes of all of them: no record is longer."""


def salvaged(file: IO[bytes], logs: Sequence[Path]) -> Iterator[Held]:
    """All that a damaged file still holds, under each of its logs. Rows may come several times, the newest first."""
    for log in logs:
        with log.open("rb") as handle:
            yield from read(views(file.fileno(), handle.fileno()))
    if not logs:
        yield from read(views(file.fileno(), None))


def logged(path: Path, log: Path) -> set[str]:
    """Keys of the calls on the pages of a log: all that a sound log holds are seen in its file."""
    with path.open("rb") as file, log.open("rb") as handle:
        newest = next(views(file.fileno(), handle.fileno()))
        numbers = sorted(frames(handle.fileno(), measures(file.fileno(), handle.fileno())[0]))
        return {row.key for row in read([replace(newest, numbers=numbers)]) if isinstance(row, Call)}


def read(views: Iterable[Pages]) -> Iterator[Held]:
    """All that some pages hold."""
    for pages in views:
        for number in pages.numbers:
            for record in records(pages, number):
                yield from told(record)


def views(file: int, log: int | None) -> Iterator[Pages]:
    """The file under its log, and then the pages that lie under the log: it may be damaged too."""
    size, usable = measures(file, log)
    length = os.fstat(file).st_size + (os.fstat(log).st_size if log is not None else 0)

    def plain(number: int) -> bytes:
        return os.pread(file, size, (number - 1) * size) if number > 0 else b""

    def newest(number: int) -> bytes:
        place = newer.get(number)
        return plain(number) if place is None or log is None else os.pread(log, size, place)

    newer = frames(log, size) if log is not None else {}
    whole = range(1, os.fstat(file).st_size // size + 2)  # a torn last page too
    for fill in usable:
        yield Pages(newest, sorted({*whole, *newer}), fill, length)
        if newer:
            yield Pages(plain, sorted(newer), fill, length)


def measures(file: int, log: int | None) -> tuple[int, tuple[int, ...]]:
    """Bytes of a page, and how many of them hold content: all, or fewer, if the file says so and that is no damage."""
    head = os.pread(file, 100, 0)
    if head.startswith(MAGIC) and len(head) == 100:
        (size,) = struct.unpack_from(">H", head, 16)
        if (size := 65536 if size == 1 else size) in SIZES:
            return size, (size, size - head[20]) if head[20] else (size,)
    head = os.pread(log, LOG_HEAD, 0) if log is not None else b""
    if len(head) == LOG_HEAD:
        (size,) = struct.unpack_from(">I", head, 8)
        if size in SIZES:
            return size, (size,)
    return PAGE_BYTES, (PAGE_BYTES,)


def frames(log: int, size: int) -> dict[int, int]:
    """Page number to where the newest page stands in a log, as far as whole transactions reach."""
    found: dict[int, int] = {}
    waiting: dict[int, int] = {}
    salts = os.pread(log, LOG_HEAD, 0)[16:24]
    place = LOG_HEAD
    while len(head := os.pread(log, FRAME_HEAD, place)) == FRAME_HEAD and head[8:16] == salts:
        number, pages_after = struct.unpack_from(">II", head)
        waiting[number] = place + FRAME_HEAD
        if pages_after:
            found |= waiting
            waiting.clear()
        place += FRAME_HEAD + size
    return found


def records(pages: Pages, number: int) -> Iterator[Record]:
    """The records of a page, without those that are spoilt; before the values of each the number of its row, if it has one."""
    page = pages.image(number)
    head = 100 if number == 1 else 0
    if len(page) < head + 12 or page[head] not in {LEAF_TABLE, LEAF_INDEX, INNER_INDEX}:
        return
    (cells,) = struct.unpack_from(">H", page, head + 3)
    first = head + (12 if page[head] == INNER_INDEX else 8)
    for place in range(first, min(first + 2 * cells, len(page) - 1), 2):
        try:
            row, data = payload(pages, page, struct.unpack_from(">H", page, place)[0], page[head])
            yield (row, *record(data))
        except (IndexError, ValueError, OverflowError, struct.error):
            continue


def payload(pages: Pages, page: bytes, place: int, kind: int) -> tuple[int, bytes]:
    """A cell's row number, 0 in an index, and its record, with what stands on other pages. Raises ValueError where that is cut."""
    size, place = varint(page, place + 4 if kind == INNER_INDEX else place)
    row, place = varint(page, place) if kind == LEAF_TABLE else (0, place)
    if size > pages.longest:
        raise ValueError(f"no record has {size} bytes")
    local = bytes_on_page(size, pages.usable, kind)
    parts, missing = [page[place : place + local]], size - local
    (following,) = struct.unpack_from(">I", page, place + local) if missing else (0,)
    while missing > 0:
        page = pages.image(following)
        parts.append(page[4 : min(pages.usable, 4 + missing)])
        missing -= pages.usable - 4
        (following,) = struct.unpack_from(">I", page)
    whole = b"".join(parts)
    if len(whole) != size:
        raise ValueError("a record that was cut")
    return row, whole


def bytes_on_page(size: int, usable: int, kind: int) -> int:
    """How many bytes of a record stand in its cell; the others follow on pages of their own."""
    most = usable - 35 if kind == LEAF_TABLE else (usable - 12) * 64 // 255 - 23
    if size <= most:
        return size
    least = (usable - 12) * 32 // 255 - 23
    fitting = least + (size - least) % (usable - 4)
    return fitting if fitting <= most else least


def record(data: bytes) -> Record:
    """The values of a record."""
    place, kinds, values = 0, [], []
    end, place = varint(data, 0)
    while place < end:
        kind, place = varint(data, place)
        kinds.append(kind)
    for kind in kinds:
        value, place = value_at(data, place, kind)
        values.append(value)
    return tuple(values)


def value_at(data: bytes, place: int, kind: int) -> tuple[Any, int]:
    """A value of a record by its type, and where the next one begins."""
    if kind == 0:
        return None, place
    if kind in {8, 9}:
        return kind - 8, place
    if kind == 7:
        return struct.unpack_from(">d", data, place)[0], place + 8
    end = place + (INTEGER_BYTES[kind] if kind in INTEGER_BYTES else (kind - 12) // 2)
    if end > len(data) or end < place:
        raise ValueError("a value that was cut")
    found = data[place:end]
    if kind in INTEGER_BYTES:
        return int.from_bytes(found, "big", signed=True), end
    return found.decode() if kind % 2 else found, end


def varint(data: bytes, place: int) -> tuple[int, int]:
    """An integer of one to nine bytes, seven bits in each but the ninth, and where it ends."""
    value = 0
    for count in range(8):
        byte = data[place + count]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + count + 1
    return value << 8 | data[place + 8], place + 9


def told(found: Record) -> Iterator[Held]:
    """What a record says, by its shape: nothing, if it is none of a ledger's rows, or does not vouch for itself."""
    number, *values = found
    if row := shaped(values[1:], CALL):
        yield from sound(Call(*row), number)
    elif row := shaped(values, CALL_OF_FORMAT_1):
        yield from sound(of_format_1(dict(zip(FORMAT_1_COLUMNS, row, strict=True))), 0)
    elif row := shaped(values, KEY_IN_INDEX):
        if DIGEST.fullmatch(row[0]):
            yield Named(*row)
    elif row := shaped(values, SUMS_IN_INDEX):
        yield Named(number=row[-1])
    elif row := shaped(values, LOST):
        yield Lost(*row)
    with suppress(ValidationError, ValueError, zlib.error):
        if row := shaped(values, BATCH):
            yield batch_of(row)
        elif row := shaped(values, ENDPOINT):
            Binding.model_validate_json(row[2])
            yield Endpoint(*row)


def shaped(found: Sequence[Any], kinds: Sequence[type]) -> Record | None:
    """A record whose values have these types; whole numbers stand for floats, as SQLite writes them."""
    if len(found) != len(kinds):
        return None
    row = tuple(
        float(value) if kind is float and type(value) is int else value
        for value, kind in zip(found, kinds, strict=True)
    )
    return row if all(type(value) is kind for value, kind in zip(row, kinds, strict=True)) else None


def sound(call: Call, number: int) -> Iterator[Held]:
    """A call, if it vouches for itself, and its trace."""
    if not wrong_with(call):
        yield call
    yield Named(call.key if DIGEST.fullmatch(call.key) else "", number)


def of_format_1(row: dict[str, Any]) -> Call:
    """A call of format 1."""
    step = row["role"] if row["role"] in ONE_STEP else ""
    crc = crc_of(row["reply"], row["role"], step, row["cost_usd"], row["seconds"], row["at"])
    return Call(**row, step=step, crc=crc)
