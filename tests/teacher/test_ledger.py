"""The ledger keeps what was paid for, first come, whatever dies."""

import asyncio
import random
import sqlite3
import stat
import struct
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgercase import HERE, contents, entry, filled, old, program

from synthgen.errors import ConfigError, StorageError
from synthgen.records import Reply
from synthgen.teacher import wire
from synthgen.teacher.ledger import Batch, Entry, Ledger, Lost, Totals
from synthgen.teacher.scribe import LONGEST_SECONDS, MOST, TOGETHER, Pace
from synthgen.teacher.wire import Binding, Capabilities

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
amounts = st.floats(0, 1e6, allow_nan=False)
finishes = st.sampled_from(["stop", "length", "filtered", "too_long", "refused"])


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """Any call."""
    body, sample, identity = draw(st.dictionaries(texts, values, max_size=4)), draw(st.integers(0, 9)), draw(texts)
    counts = dict.fromkeys(("prompt_tokens", "completion_tokens", "cached_tokens"), draw(st.integers(0, 2**40)))
    key = wire.key(body, sample, identity)
    reply = Reply(text=draw(texts), finish=draw(finishes), key=key, model=draw(texts), **counts)
    step = draw(st.sampled_from(["propose", "vet", "embed"]))
    return Entry(reply, body, step, step, identity, sample, draw(amounts), draw(amounts), draw(amounts))


@settings(max_examples=40)
@given(st.lists(entries(), min_size=1, max_size=4, unique_by=lambda one: one.reply.key))
def test_what_was_kept_comes_back_as_it_was(tmp_path_factory, some: list[Entry]):
    path = filled(tmp_path_factory.mktemp("ledger") / "ledger.sqlite", some)
    with Ledger(path, reading=True) as book:
        for one in some:
            assert book.get(one.reply.key) == one.reply
            assert book.request(one.reply.key) == (one.role, one.body)
    for row, one in zip(contents(path), sorted(some, key=lambda one: one.reply.key), strict=True):
        assert row["request"] == one.body
        assert (row["step"], row["identity"], row["sample"]) == (one.step, one.identity, one.sample)
        assert (row["cost_usd"], row["seconds"], row["at"]) == (one.cost_usd, one.seconds, one.at)


async def test_what_was_kept_first_stays(tmp_path: Path):
    with Ledger(tmp_path / "l") as book:
        await book.keep(entry(1, text="first"))
        await book.keep(entry(1, text="second"))
        assert book.get(entry(1).reply.key).text == "first"
        assert book.totals().calls == 1


async def test_what_is_not_there_is_none(tmp_path: Path):
    with Ledger(tmp_path / "l") as book:
        assert book.get("k") is None
        assert book.request("k") is None
        assert book.binding("s", "chat") is None
        assert book.totals() == Totals()
        assert book.costs() == {}
        assert book.open_batches(HERE) == []


async def test_what_is_kept_is_seen_at_once_by_those_that_read(tmp_path: Path):
    with Ledger(tmp_path / "l") as book, Ledger(tmp_path / "l", reading=True) as other:

        async def kept(number: int) -> None:
            await book.keep(entry(number))
            assert book.get(entry(number).reply.key) == entry(number).reply
            assert other.get(entry(number).reply.key) == entry(number).reply

        await asyncio.gather(*map(kept, range(200)))


def test_one_ledger_serves_one_loop_after_the_other(tmp_path: Path):
    with Ledger(tmp_path / "l") as book:
        for number in range(3):
            asyncio.run(book.keep(entry(number)))
        assert book.totals().calls == 3


def commits(path: Path) -> int:
    """Transactions in the log of an open ledger: the frames that end one say how large the file is then."""
    log = path.with_name(f"{path.name}-wal").read_bytes()
    (size,) = struct.unpack_from(">I", log, 8)
    return sum(struct.unpack_from(">I", log, place + 4) != (0,) for place in range(32, len(log), 24 + size))


async def test_many_together_are_written_in_few_transactions(tmp_path: Path):
    with Ledger(tmp_path / "l") as book:
        before = commits(tmp_path / "l")
        await asyncio.gather(*(book.keep(entry(number)) for number in range(300)))
        assert 0 < commits(tmp_path / "l") - before < 30
        assert book.totals().calls == 300


async def test_a_group_has_an_end(tmp_path: Path):
    with Ledger(tmp_path / "l") as book:
        await asyncio.gather(*(book.keep(entry(number)) for number in range(2 * MOST + 10)))
        assert book.totals().calls == 2 * MOST + 10


async def test_sums_by_step_with_what_was_lost(tmp_path: Path):
    with Ledger(tmp_path / "l") as book:
        await book.keep(entry(4), entry(10), entry(5))
        await book.lose(Lost(1.0, "judge", "judge", HERE, "m", 10, 20, 0.5, "HTTP 502"))
        await book.lose(Lost(2.0, "instantiate", "vet", HERE, "m", 1, 0, 0.25, "dropped"))
        assert book.costs() == {
            "answer": Totals(2, 14, 7, 4, 1.75),
            "judge": Totals(1, 5, 5, 0, 0.625, 1, 30, 0.5),
            "vet": Totals(lost_calls=1, lost_tokens=1, lost_usd=0.25),
        }
        assert book.totals() == Totals(3, 19, 12, 4, 2.375, 2, 31, 0.75)


async def test_a_batch_is_open_until_it_ends(tmp_path: Path):
    first, second = (Batch(name, HERE, "answer", at, ("a" * 64, "b" * 64)) for name, at in (("b2", 2.0), ("b1", 1.0)))
    elsewhere = Batch("b3", "other", "answer", 3.0, ())
    with Ledger(tmp_path / "l") as book:
        for one in (first, second, elsewhere):
            await book.note_batch(one)
    with Ledger(tmp_path / "l") as book:
        assert book.open_batches(HERE) == [second, first]
        await book.close_batch("b1", "completed")
        assert book.open_batches(HERE) == [first]
        assert book.open_batches("other") == [elsewhere]


async def test_a_binding_is_remembered(tmp_path: Path):
    found = Binding(identity="i", model="m", capabilities=Capabilities(without=("seed",)))
    with Ledger(tmp_path / "l") as book:
        book.remember("slot", "chat", found)
    with Ledger(tmp_path / "l") as book:
        assert book.binding("slot", "chat") == found
        assert book.binding("slot", "completions") is None


async def test_a_ledger_that_is_only_read_is_not_written(tmp_path: Path):
    filled(tmp_path / "l", [entry(1)])
    before = (tmp_path / "l").read_bytes()
    with Ledger(tmp_path / "l", reading=True) as book:
        with pytest.raises(RuntimeError, match="only read"):
            await book.keep(entry(2))
        with pytest.raises(StorageError, match="readonly"):
            book.remember("slot", "chat", Binding(identity="i", model="m"))
        assert book.totals().calls == 1
    assert (tmp_path / "l").read_bytes() == before


async def test_one_whose_asker_gave_up_is_kept_all_the_same(tmp_path: Path):
    with Ledger(tmp_path / "l") as book:
        asker = asyncio.create_task(book.keep(entry(1)))
        await asyncio.sleep(0)
        asker.cancel()
        await asyncio.gather(asker, return_exceptions=True)
    assert len(contents(tmp_path / "l")) == 1


def test_what_was_handed_in_before_the_end_is_written_at_the_end(tmp_path: Path):
    async def hand_in(book: Ledger) -> None:
        for number in range(50):
            asyncio.create_task(book.keep(entry(number)))  # noqa: RUF006 - nobody waits for them
        await asyncio.sleep(0)

    with Ledger(tmp_path / "l") as book:
        asyncio.run(hand_in(book))
    assert len(contents(tmp_path / "l")) == 50


async def test_one_that_cannot_be_written_down_harms_no_other(tmp_path: Path):
    class Odd:
        pass

    spoilt = Entry(entry(2).reply, {"odd": Odd()}, "answer", "answer", HERE, 0, 0.0, 0.0, 0.0)
    with Ledger(tmp_path / "l") as book:
        done = await asyncio.gather(book.keep(entry(1)), book.keep(spoilt), book.keep(entry(3)), return_exceptions=True)
        assert [type(one) for one in done] == [type(None), TypeError, type(None)]
        assert book.totals().calls == 2


def test_it_waits_for_more_only_where_more_comes():
    at_once, alone, slow = Pace(0.0), Pace(0.0), Pace(0.0)
    assert at_once.seconds() == 0
    for number in range(1, 100):
        at_once.took(4, number * LONGEST_SECONDS / 4)
        alone.took(1, number * LONGEST_SECONDS / 16)
        slow.took(2, number * LONGEST_SECONDS * 2)
    assert at_once.seconds() == pytest.approx(TOGETHER * LONGEST_SECONDS / 16, rel=0.01)
    assert alone.seconds() == 0
    assert slow.seconds() == 0


KEEPING = """
import asyncio, os, sys
from pathlib import Path
from ledgercase import entry
from synthgen.teacher.ledger import Ledger
first = int(sys.argv[2])
numbers = iter(range(first, first + 100_000))
async def one(book):
    for number in numbers:
        await book.keep(entry(number))
        os.write(1, b"%d\\n" % number)
async def main():
    with Ledger(Path(sys.argv[1])) as book:
        await asyncio.gather(*(one(book) for _ in range(16)))
asyncio.run(main())
"""


def test_whatever_keep_returned_from_survives_the_death_of_the_process(tmp_path: Path):
    path, rng, kept, first = tmp_path / "ledger.sqlite", random.Random(3), [], 0
    for _ in range(20):
        process = program(KEEPING, path, first)
        told = [int(process.stdout.readline()) for _ in range(rng.randrange(1, 60))]
        process.kill()
        rest = process.communicate()[0]
        told += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        kept += told
        first = max(told) + 100
        with Ledger(path, reading=True) as book:
            assert all(book.get(entry(number).reply.key) == entry(number).reply for number in kept)
    assert len(set(kept)) == len(kept) > 200


FULL = """
import asyncio, resource, sys
from pathlib import Path
from ledgercase import entry
from synthgen.errors import StorageError
from synthgen.teacher.ledger import Ledger
room = int(sys.argv[2])
async def tried(book, number):
    try:
        await book.keep(entry(number, long=50))
        print("kept", number, flush=True)
    except StorageError as error:
        print("full", number, error, flush=True)
async def main():
    with Ledger(Path(sys.argv[1])) as book:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        await asyncio.gather(*(tried(book, number) for number in range(200)))
        for number in range(200, 230):
            await tried(book, number)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await asyncio.gather(*(tried(book, number) for number in range(300, 310)))
asyncio.run(main())
"""


@pytest.mark.parametrize("room", [40_000, 100_000, 150_000, 300_000])
def test_on_a_full_disk_each_is_kept_or_told_of_and_with_room_it_goes_on(tmp_path: Path, room: int):
    output, errors = program(FULL, tmp_path / "l", room).communicate(timeout=60)
    told = [line.split(" ", 2) for line in output.splitlines()]
    kept = {int(line[1]) for line in told if line[0] == "kept"}
    full = {int(line[1]) for line in told if line[0] == "full"}
    assert errors == ""
    assert full
    assert all("make room" in line[2] for line in told if line[0] == "full")
    assert kept >= set(range(300, 310))
    assert kept | full == {*range(230), *range(300, 310)}
    assert {one["key"] for one in contents(tmp_path / "l")} == {entry(number, long=50).reply.key for number in kept}


LOCKING = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("begin immediate")
print("locked", flush=True)
sys.stdin.readline()
db.execute("rollback")
print("free", flush=True)
sys.stdin.readline()
"""


async def test_a_ledger_that_another_program_holds_is_named_and_once_free_it_goes_on(tmp_path: Path):
    path = filled(tmp_path / "l", [entry(1)])
    with program(LOCKING, path) as other, Ledger(path, wait_seconds=0.2) as book:
        assert other.stdout.readline() == "locked\n"
        done = await asyncio.gather(*(book.keep(entry(number)) for number in (2, 3)), return_exceptions=True)
        for error in done:
            assert isinstance(error, StorageError)
            assert str(error) == (
                f"cannot use the ledger {path}: database is locked; another program has held it for 0.2 s; end that, "
                "then run the same command"
            )
        assert done[0] is not done[1]
        assert book.get(entry(1).reply.key) == entry(1).reply
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline() == "free\n"
        await book.keep(entry(2))
        other.stdin.write("\n")
        other.stdin.flush()
    assert {one["key"] for one in contents(path)} == {entry(1).reply.key, entry(2).reply.key}


def test_what_could_not_be_written_is_told_at_the_end_if_nobody_waited_for_it(tmp_path: Path):
    path = filled(tmp_path / "l", [entry(1)])

    async def hand_in(book: Ledger) -> None:
        asyncio.create_task(book.keep(entry(2)))  # noqa: RUF006 - nobody waits for it
        await asyncio.sleep(0)

    async def fail_first(book: Ledger) -> None:
        await hand_in(book)
        raise ZeroDivisionError

    with program(LOCKING, path) as other:
        assert other.stdout.readline() == "locked\n"
        book = Ledger(path, wait_seconds=0.2)
        with pytest.raises(StorageError, match="database is locked"), book:
            asyncio.run(hand_in(book))
        with pytest.raises(ZeroDivisionError), Ledger(path, wait_seconds=0.2) as book:
            asyncio.run(fail_first(book))
        other.stdin.write("\n\n")
        other.stdin.flush()


async def test_a_file_that_came_to_harm_while_it_was_open_is_told_to_all_who_wait(tmp_path: Path):
    path = filled(tmp_path / "l", (entry(number) for number in range(50)))
    with Ledger(path) as book:
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xa5" * (path.stat().st_size - 4096))
        done = await asyncio.gather(*(book.keep(entry(number)) for number in (60, 61)), return_exceptions=True)
        for error in done:
            assert isinstance(error, ConfigError)
            assert f"`synthgen ledger check {path}`" in str(error)
        with pytest.raises(ConfigError, match="is damaged"):
            book.get(entry(3).reply.key)


OPENING = """
import asyncio, sys
from pathlib import Path
from ledgercase import entry
from synthgen.teacher.ledger import Ledger
print("ready", flush=True)
sys.stdin.readline()
with Ledger(Path(sys.argv[1])) as book:
    asyncio.run(book.keep(*(entry(number) for number in range(int(sys.argv[2]), int(sys.argv[2]) + 10))))
"""


def test_several_processes_may_begin_on_one_new_ledger_at_once(tmp_path: Path):
    processes = [program(OPENING, tmp_path / "l", 10 * number) for number in range(4)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        assert process.communicate(timeout=60)[1] == ""
        assert process.returncode == 0
    assert len(contents(tmp_path / "l")) == 40


def test_a_ledger_of_format_1_reads_as_if_it_had_this_one_and_stays_as_it_is(tmp_path: Path):
    some = [entry(number) for number in range(12)]
    path = old(tmp_path / "l", some)
    before = path.read_bytes()
    with Ledger(path, reading=True) as book:
        assert all(book.get(one.reply.key) == one.reply for one in some)
        assert set(book.costs()) == {"propose", "answer", "judge", ""}
        assert book.costs()["answer"] == Totals(2, 14, 7, 4, 1.75)
        assert book.binding("s", "chat") is None
        assert book.open_batches(HERE) == []
    assert path.read_bytes() == before


async def test_a_ledger_of_format_1_is_brought_to_this_one(tmp_path: Path):
    some = [entry(number) for number in range(12)]
    path = old(tmp_path / "l", some)
    with closing(sqlite3.connect(path)) as db, db:
        found = Binding(identity="i", model="m")
        db.execute("insert into endpoints values ('s', 'chat', ?)", (found.model_dump_json(),))
    before = contents(path)
    with Ledger(path) as book:
        assert book.binding("s", "chat") == found
        await book.keep(entry(1, text="another"), entry(13))
        assert all(book.get(one.reply.key) == one.reply for one in some)
        assert book.costs()[""] == Totals(6, *(sum(n % d for n in (1, 2, 3, 7, 8, 9)) for d in (100, 7, 5)), 30 / 8)
        assert book.costs()["classify"].calls == 0 + 0 + (entry(13).step == "classify")
    after = contents(path)
    assert [one for one in after if one["key"] != entry(13).reply.key] == before
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("pragma user_version").fetchone() == (2,)
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)


MOVING = """
import resource, sys
from pathlib import Path
from synthgen.errors import StorageError
from synthgen.teacher.ledger import Ledger
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    with Ledger(Path(sys.argv[1])):
        print("moved")
except StorageError as error:
    print(error)
"""


def test_a_disk_too_full_for_the_new_format_leaves_the_old_one(tmp_path: Path):
    path = old(tmp_path / "l", (entry(number) for number in range(300)))
    before = contents(path)
    said = program(MOVING, path, path.stat().st_size + 5000).communicate(timeout=60)
    assert "make room" in said[0], said
    assert contents(path) == before
    with Ledger(path) as book:
        assert book.totals().calls == 300


def test_a_ledger_of_a_newer_format_is_refused(tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "l")) as db:
        db.execute("pragma user_version = 99")
    for reading in (False, True):
        with pytest.raises(ConfigError, match="newer synthgen"), Ledger(tmp_path / "l", reading=reading):
            pass


def test_a_file_that_is_no_database_is_named(tmp_path: Path):
    (tmp_path / "l").write_bytes(b"text" * 1000)
    for reading in (False, True):
        with (
            pytest.raises(ConfigError, match="is not a ledger, or is damaged"),
            Ledger(tmp_path / "l", reading=reading),
        ):
            pass
    assert (tmp_path / "l").read_bytes() == b"text" * 1000


@pytest.mark.parametrize("table", ["create table notes (text)", "create table calls (key text primary key, who text)"])
def test_another_program_s_database_is_named_and_left_alone(tmp_path: Path, table: str):
    with closing(sqlite3.connect(tmp_path / "l")) as db, db:
        db.execute(table)
        db.execute("pragma user_version = 7")
    before = (tmp_path / "l").read_bytes()
    for reading in (False, True):
        with pytest.raises(ConfigError, match=r"of another program|newer"), Ledger(tmp_path / "l", reading=reading):
            pass
    assert (tmp_path / "l").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["l"]


def test_a_ledger_that_is_not_there_cannot_be_read(tmp_path: Path):
    with pytest.raises(ConfigError, match="is not there"), Ledger(tmp_path / "l", reading=True):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_that_cannot_be_made_is_a_storage_error(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot use the ledger"), Ledger(tmp_path / "file" / "l"):
        pass


UNPRIVILEGED = """
import ctypes, sys
from pathlib import Path
from ledgercase import entry
from synthgen.errors import SynthgenError
from synthgen.teacher.ledger import Ledger
libc = ctypes.CDLL(None)
nothing = (ctypes.c_uint32 * 6)()  # the superuser may write anywhere: give that up
assert libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), nothing) == 0
for reading in (False, True):
    try:
        with Ledger(Path(sys.argv[1]), reading=reading) as book:
            print(book.get(entry(1).reply.key) == entry(1).reply)
    except SynthgenError as error:
        print(error)
"""


def test_in_a_folder_that_is_only_read_a_ledger_can_be_read_and_not_written(tmp_path: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    path = filled(folder / "l", [entry(1)])
    path.chmod(0o444)
    folder.chmod(0o555)
    try:
        output, errors = program(UNPRIVILEGED, path).communicate(timeout=60)
        missing, _ = program(UNPRIVILEGED, folder / "new").communicate(timeout=60)
    finally:
        folder.chmod(stat.S_IRWXU)
    assert errors == ""
    refused, read = output.splitlines()
    assert f"cannot use the ledger {path}" in refused
    assert "must be there and writable" in refused
    assert read == "True"
    assert "must be there and writable" in missing.splitlines()[0]
