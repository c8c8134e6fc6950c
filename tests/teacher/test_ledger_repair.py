"""A damaged ledger is named, never believed, and saved as far as its pages can be read; whatever dies meanwhile."""

import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgercase import HERE, contents, entry, filled, old, program

from synthgen.errors import ConfigError
from synthgen.teacher.ledger import Batch, Entry, Ledger, Lost
from synthgen.teacher.ledgercheck import check
from synthgen.teacher.ledgercopy import merge
from synthgen.teacher.ledgerfile import has_log, log_of
from synthgen.teacher.ledgerrepair import repair
from synthgen.teacher.wire import Binding

PAGE = 4096
CALLS = 300


def made(number: int) -> Entry:
    """A call; some have long replies, which go over several pages."""
    return entry(number, long=700 if number % 50 == 7 else 0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with everything in it, for copying."""
    path = filled(tmp_path_factory.mktemp("whole") / "l", map(made, range(CALLS)))
    with Ledger(path) as book:
        book.remember("slot", "chat", Binding(identity="i", model="m"))
    return everything_else(path)


def everything_else(path: Path) -> Path:
    """The ledger with a lost attempt and a batch."""
    import asyncio
    import threading

    async def note() -> None:
        await book.lose(Lost(1.5, "judge", "judge", HERE, "m", 10, 20, 0.5, "HTTP 502"))
        await book.note_batch(Batch("b1", HERE, "answer", 2.0, ("a" * 64,)))

    with Ledger(path) as book:
        thread = threading.Thread(target=lambda: asyncio.run(note()))
        thread.start()
        thread.join()
    return path


def rest(path: Path) -> tuple:
    """What a ledger holds beside its calls."""
    with Ledger(path, reading=True) as book:
        return book.totals()[5:], book.open_batches(HERE), book.binding("slot", "chat")


def damaged(whole: Path, path: Path, harm: Callable[[bytearray], None]) -> Path:
    """A copy that came to harm."""
    data = bytearray(whole.read_bytes())
    harm(data)
    path.write_bytes(data)
    return path


def overwritten(page: int) -> Callable[[bytearray], None]:
    """A page of noise."""

    def harm(data: bytearray) -> None:
        data[page * PAGE : (page + 1) * PAGE] = random.Random(page).randbytes(PAGE)

    return harm


def looked_up(path: Path, number: int) -> object:
    """What a run is told of a call: its reply, that there is none, or that the file is damaged."""
    try:
        with Ledger(path, reading=True) as book:
            return book.get(made(number).reply.key)
    except ConfigError as error:
        return error


def names(folder: Path) -> list[str]:
    """The files of a folder, but for the empty ones that SQLite shares a file through."""
    left = {one for one in folder.iterdir() if one.name.endswith("-shm") or not one.stat().st_size}
    return sorted(one.name for one in {*folder.iterdir()} - left)


def saved(whole: Path, path: Path) -> int:
    """How many calls a repair saved; every one as it was."""
    kept = {one["key"]: one for one in contents(whole)}
    found = contents(path)
    assert all(one == kept[one["key"]] for one in found)
    assert check(path).faults == []
    return len(found)


def test_a_sound_ledger_is_sound_and_is_not_touched(whole: Path, tmp_path: Path):
    path = shutil.copy(whole, tmp_path / "l")
    checked = check(path)
    assert checked.faults == []
    assert checked.format == 2
    assert len(checked.seen.readable) == CALLS
    assert checked.seen.unreadable == 0
    assert sum(one.calls for one in checked.sums.values()) == CALLS
    assert checked.sums["judge", "m"].lost_tokens == 30
    before = path.read_bytes()
    assert repair(path).saved == CALLS
    assert path.read_bytes() == before
    assert names(tmp_path) == ["l"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_after_a_byte_was_flipped_no_reply_is_wrong_and_nothing_is_lost_but_its_page(whole: Path, tmp_path: Path, data):
    size = whole.stat().st_size
    place = data.draw(st.integers(0, size - 1).filter(lambda place: not 60 <= place < 64))  # a newer format is refused
    path = tmp_path / "l"

    def flip(held: bytearray) -> None:
        held[place] ^= 1 << data.draw(st.integers(0, 7))

    damaged(whole, path, flip)
    number = data.draw(st.integers(0, CALLS - 1))
    found = looked_up(path, number)
    assert (
        found is None or isinstance(found, ConfigError) or found == entry(number, long=number % 50 == 7 and 700).reply
    )
    done = repair(path, tmp_path / "new")
    assert saved(whole, tmp_path / "new") == done.saved >= CALLS - 12
    assert CALLS <= done.saved + done.lost <= CALLS + 1  # a key that was changed may look like one more
    (tmp_path / "new").unlink()


def test_a_page_of_noise_costs_no_more_than_what_stood_there(whole: Path, tmp_path: Path):
    pages = whole.stat().st_size // PAGE
    for page in random.Random(1).sample(range(pages), 15):
        path = damaged(whole, tmp_path / "l", overwritten(page))
        done = repair(path, tmp_path / "new")
        assert saved(whole, tmp_path / "new") == done.saved >= CALLS - 12, page
        (tmp_path / "new").unlink()


def test_without_its_first_page_a_ledger_is_saved_whole(whole: Path, tmp_path: Path):
    path = damaged(whole, tmp_path / "l", overwritten(0))
    checked = check(path)
    assert "not a database" in checked.faults[0]
    assert (len(checked.seen.readable), checked.seen.unreadable) == (CALLS, 0)
    done = repair(path)
    assert (done.saved, done.lost) == (CALLS, 0)
    assert saved(whole, path) == CALLS
    assert rest(path) == rest(whole)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.97])
def test_what_is_left_of_a_truncated_ledger_is_saved(whole: Path, tmp_path: Path, share: float):
    def cut(data: bytearray) -> None:
        del data[int(len(data) * share) :]

    path = damaged(whole, tmp_path / "l", cut)
    assert isinstance(looked_up(path, 0), ConfigError)
    checked = check(path)
    assert checked.faults
    done = repair(path)
    assert (done.saved, done.lost) == (len(checked.seen.readable), checked.seen.unreadable)
    assert saved(whole, path) == done.saved
    assert done.saved >= CALLS * share * 0.5


def test_a_truncated_ledger_knows_from_its_keys_how_much_is_lost(whole: Path, tmp_path: Path):
    def cut(data: bytearray) -> None:
        del data[int(len(data) * 0.97) :]

    done = repair(damaged(whole, tmp_path / "l", cut))
    assert 0 < done.lost <= CALLS - done.saved


CHANGES = (
    "sample = sample + 1", "model = 'x'", "cost_usd = 0.5", "reply = cast('{}' as blob)", "reply = cast(reply as text)",
    "request = cast(key as blob)", "request = 7",
)  # fmt: skip


def test_a_row_that_was_changed_is_found_and_left_out(whole: Path, tmp_path: Path):
    path = Path(shutil.copy(whole, tmp_path / "l"))
    with closing(sqlite3.connect(path)) as db, db:
        for number, change in enumerate(CHANGES):
            db.execute(f"update calls set {change} where number = ?", (number + 11,))
    checked = check(path)
    assert len(checked.faults) == 3
    left = CALLS - len(CHANGES)
    assert (len(checked.seen.readable), checked.seen.unreadable) == (left, len(CHANGES))
    with Ledger(path, reading=True) as book:
        for number in (12, 13, 14):
            with pytest.raises(ConfigError, match="is damaged"):
                book.get(made(number).reply.key)
        for number in (15, 16):
            with pytest.raises(ConfigError, match="is damaged"):
                book.request(made(number).reply.key)
    with pytest.raises(ConfigError, match="is damaged"):
        merge(tmp_path / "new", [path])
    assert not (tmp_path / "new").exists()
    done = repair(path)
    assert (done.saved, done.lost) == (left, len(CHANGES))
    assert saved(whole, path) == left
    assert rest(path) == rest(whole)


def test_the_damaged_file_stays_and_a_second_repair_changes_nothing(whole: Path, tmp_path: Path):
    path = damaged(whole, tmp_path / "l", overwritten(3))
    before = path.read_bytes()
    done = repair(path)
    assert done.kept == tmp_path / "l.damaged-1"
    assert done.kept.read_bytes() == before
    after = path.read_bytes()
    again = repair(path)
    assert (again.saved, again.lost, again.kept) == (done.saved, 0, None)
    assert path.read_bytes() == after
    damaged(whole, path, overwritten(4))
    assert repair(path).kept == tmp_path / "l.damaged-2"
    assert names(tmp_path) == ["l", "l.damaged-1", "l.damaged-2"]


def test_with_out_the_damaged_file_stays_in_its_place(whole: Path, tmp_path: Path):
    path = damaged(whole, tmp_path / "l", overwritten(3))
    before = path.read_bytes()
    done = repair(path, tmp_path / "new")
    assert done.kept is None
    assert path.read_bytes() == before
    assert saved(whole, tmp_path / "new") == done.saved
    with pytest.raises(ConfigError, match="is there already"):
        repair(path, tmp_path / "new")


def test_a_file_that_never_was_a_ledger_stays_as_it_is(tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_text("my notes\n" * 5000)
    with pytest.raises(ConfigError, match="no call can be read"):
        repair(path)
    assert path.read_text() == "my notes\n" * 5000
    assert names(tmp_path) == ["notes.txt"]


def test_a_damaged_ledger_of_format_1_is_saved_in_this_format(tmp_path: Path):
    sound = old(tmp_path / "sound", map(made, range(CALLS)))
    pages = sound.stat().st_size // PAGE
    for page in (0, pages // 3, pages - 2):
        path = damaged(sound, tmp_path / "l", overwritten(page))
        assert check(path).faults
        done = repair(path)
        assert saved(sound, path) == done.saved >= CALLS - 12
        assert check(path).format == 2


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from ledgercase import entry
from synthgen.teacher.ledger import Ledger
async def main():
    with Ledger(Path(sys.argv[1])) as book:
        for number in range(40):
            await book.keep(entry(number))
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a ledger whose process was killed: much of it stands in its log."""
    folder = tmp_path_factory.mktemp("killed")
    with program(KILLED, folder / "l") as process:
        assert process.wait() == -signal.SIGKILL
    assert log_of(folder / "l").stat().st_size > 100_000
    return folder


def harmed_log(killed: Path, folder: Path) -> tuple[Path, int]:
    """A copy whose log has a flipped byte in the middle, and how many calls SQLite still sees."""
    shutil.copytree(killed, folder)
    data = bytearray(log_of(folder / "l").read_bytes())
    data[len(data) // 2] ^= 1
    log_of(folder / "l").write_bytes(data)
    with Ledger(folder / "l", reading=True) as book:
        return folder / "l", book.totals().calls


def test_what_follows_a_fault_in_the_log_is_named_and_saved(killed: Path, tmp_path: Path):
    path, seen = harmed_log(killed, tmp_path / "copy")
    assert 0 < seen < 40
    checked = check(path)
    assert checked.faults == [
        f"{len(checked.seen.readable) - seen} calls stand in a part of its log that SQLite does not read"
    ]
    done = repair(path)
    assert done.saved == len(checked.seen.readable) >= 39
    assert has_log(done.kept)
    assert check(path).faults == []
    shutil.copytree(killed, tmp_path / "again")
    assert check(tmp_path / "again" / "l").faults == []
    sound = {one["key"]: one for one in contents(tmp_path / "again" / "l")}
    assert all(sound[one["key"]] == one for one in contents(path))


def test_without_its_log_a_ledger_is_what_it_was_before(killed: Path, tmp_path: Path):
    folder = Path(shutil.copytree(killed, tmp_path / "copy"))
    log_of(folder / "l").unlink()
    with Ledger(folder / "l") as book:
        found = [book.get(entry(number).reply.key) for number in range(40)]
    assert all(one in (None, entry(number).reply) for number, one in enumerate(found))
    assert check(folder / "l").faults == []


REPAIRING = """
import sys
from pathlib import Path
from synthgen.teacher.ledgerrepair import repair
print("begun", flush=True)
repair(Path(sys.argv[1]))
"""


def test_killed_at_any_moment_the_old_file_is_there_or_the_new_one_and_a_repair_goes_on(whole: Path, tmp_path: Path):
    rng = random.Random(5)
    for turn in range(12):
        folder = tmp_path / f"turn{turn}"
        folder.mkdir()
        path = damaged(whole, folder / "l", overwritten(7))
        before = path.read_bytes()
        process = program(REPAIRING, path)
        assert process.stdout.readline() == "begun\n"
        time.sleep(rng.uniform(0, 0.15))
        process.kill()
        process.communicate()
        assert path.read_bytes() == before or check(path).faults == []
        done = repair(path)
        assert saved(whole, path) >= CALLS - 12
        assert (folder / "l.damaged-1").read_bytes() == before
        assert names(folder) == ["l", "l.damaged-1"]
        assert done.kept in {None, folder / "l.damaged-1"}


def test_a_repair_that_was_killed_before_the_last_step_finds_the_log_again(killed: Path, tmp_path: Path):
    path, _ = harmed_log(killed, tmp_path / "copy")
    saved = len(check(path).seen.readable)
    kept = path.with_name("l.damaged-1")
    os.link(path, kept)
    log_of(path).rename(log_of(kept))
    done = repair(path)
    assert (done.saved, done.kept) == (saved, kept)


OPEN = """
import sys
from pathlib import Path
from synthgen.teacher.ledger import Ledger
with Ledger(Path(sys.argv[1]), reading=sys.argv[2] == "reading"):
    print("open", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize("how", ["reading", "writing"])
def test_a_ledger_that_another_program_has_open_is_not_replaced(whole: Path, tmp_path: Path, how: str):
    path = damaged(whole, tmp_path / "l", overwritten(20))
    before = path.read_bytes()
    with program(OPEN, path, how) as other:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(ConfigError, match="is open in another program"):
            repair(path)
        assert path.read_bytes() == before
        other.stdin.write("\n")
        other.stdin.flush()
    assert repair(path).saved >= CALLS - 12


some = st.sets(st.integers(0, 60), max_size=12)


@settings(max_examples=25, deadline=None)
@given(some, some)
def test_joining_ledgers_is_a_union_whatever_their_order(tmp_path_factory, one: set[int], other: set[int]):
    folder = tmp_path_factory.mktemp("merge")
    left = filled(folder / "left", map(entry, sorted(one)))
    right = filled(folder / "right", map(entry, sorted(other)))
    done = merge(folder / "a", [left, right])
    merge(folder / "b", [right, left])
    assert (done.added, done.there, done.different) == (len(one | other), len(one & other), [])
    assert contents(folder / "a") == contents(folder / "b")
    assert [row["key"] for row in contents(folder / "a")] == sorted(entry(n).reply.key for n in one | other)
    again = merge(folder / "a", [left, right, folder / "b"])
    assert (again.added, again.different) == (0, [])
    assert contents(folder / "a") == contents(folder / "b")


def test_what_was_kept_first_wins_and_the_others_are_named(tmp_path: Path):
    first = filled(tmp_path / "first", [entry(1), entry(2)])
    second = filled(tmp_path / "second", [entry(2, text="other"), entry(3)])
    done = merge(first, [second])
    assert (done.added, done.there, done.different) == (1, 1, [entry(2).reply.key])
    with Ledger(first, reading=True) as book:
        assert book.get(entry(2).reply.key) == entry(2).reply
        assert book.get(entry(3).reply.key) == entry(3).reply


def test_all_else_is_joined_too_and_once(whole: Path, tmp_path: Path):
    older = old(tmp_path / "old", [entry(1000)])
    merge(tmp_path / "new", [older, whole, whole])
    assert rest(tmp_path / "new") == rest(whole)
    assert len(contents(tmp_path / "new")) == CALLS + 1
    assert check(older).format == 1


def test_where_one_of_several_cannot_be_read_nothing_is_joined(whole: Path, tmp_path: Path):
    broken = damaged(whole, tmp_path / "broken", overwritten(5))
    into = filled(tmp_path / "into", [entry(5000)])
    before = contents(into)
    for sources, said in (([whole, broken], "is damaged"), ([whole, tmp_path / "none"], "is not there")):
        with pytest.raises(ConfigError, match=said):
            merge(into, sources)
        assert contents(into) == before
