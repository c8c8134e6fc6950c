"""A stage over a stream: commits in order, so many at work at once, a slow one in nobody's way, and an end at a fault."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

import pytest
from stagecase import task as made

from synthgen.errors import ConfigError, PassingError
from synthgen.jsonl import Journal
from synthgen.records import Rejected, Task
from synthgen.stages.stream import stream

WIDTH, AHEAD = 3, 8


class Counting:
    """A stage that notes what is at work; an input waits until it is let go."""

    name: ClassVar[str] = "tasks"
    kinds: ClassVar[dict] = {"tasks": Task, "vet": Rejected}

    def __init__(self, slow: Iterable[str] = (), faulty: Iterable[str] = ()) -> None:
        self.slow = {name: asyncio.Event() for name in slow}
        self.faulty = set(faulty)
        self.begun: list[str] = []
        self.most = self.now = 0

    def identity(self, item: str) -> str:
        return item

    async def work(self, item: str) -> str:
        self.begun.append(item)
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        if item in self.slow:
            await self.slow[item].wait()
        self.now -= 1
        if item in self.faulty:
            raise PassingError(f"{item} is owed")
        return item

    def settle(self, item: str, raw: str) -> list:
        return [("tasks", made(raw, id=item))]

    def taken(self, item: str, lines: list) -> list[str]:
        return [record.id for _, record in lines]


def names(count: int) -> list[str]:
    return [f"in{number:03d}" for number in range(count)]


async def through(stage: Counting, folder: Path, inputs: list[str]) -> list[str]:
    """Run the stage over inputs; what it hands on."""
    inbox: asyncio.Queue = asyncio.Queue()
    outbox: asyncio.Queue = asyncio.Queue()
    for one in (*inputs, None):
        inbox.put_nowait(one)
    with Journal({name: folder / f"{name}.jsonl" for name in stage.kinds}) as journal:
        await stream(stage, journal, inbox, outbox, WIDTH, AHEAD, lambda _stage, _count: None)
    return [outbox.get_nowait() for _ in range(outbox.qsize() - 1)]


async def settled(stage: Counting) -> None:
    """Wait until nothing more begins."""
    before = -1
    while before != len(stage.begun):
        before = len(stage.begun)
        for _ in range(30):
            await asyncio.sleep(0)


async def test_all_are_handed_on_in_order_and_so_many_are_at_work_at_once(tmp_path: Path):
    stage = Counting()
    assert await through(stage, tmp_path, names(50)) == names(50)
    assert stage.most == WIDTH


async def test_behind_a_slow_input_others_go_on_and_wait_for_it_to_be_committed(tmp_path: Path):
    stage = Counting(slow=["in000"])
    running = asyncio.create_task(through(stage, tmp_path, names(50)))
    await settled(stage)
    # The slow one, those that may wait behind it, and the one that has no place among them.
    assert len(stage.begun) == AHEAD + 2
    assert (tmp_path / "tasks.jsonl").read_bytes() == b""
    stage.slow["in000"].set()
    assert await running == names(50)


async def test_after_a_fault_nothing_is_begun_behind_a_slow_input(tmp_path: Path):
    stage = Counting(slow=["in000"], faulty=["in001", "in002", "in003", "in004"])
    running = asyncio.create_task(through(stage, tmp_path, names(50)))
    await settled(stage)
    assert stage.begun == names(WIDTH)
    stage.slow["in000"].set()
    with pytest.raises(PassingError, match="in001 is owed"):
        await running


async def test_what_was_committed_is_not_worked_on_again(tmp_path: Path):
    await through(Counting(), tmp_path, names(5))
    stage = Counting()
    assert await through(stage, tmp_path, names(9)) == names(9)
    assert stage.begun == names(9)[5:]


async def test_other_inputs_than_those_that_were_committed_are_refused(tmp_path: Path):
    await through(Counting(), tmp_path, names(5))
    with pytest.raises(ConfigError, match="stand at in000 where the line stands at other"):
        await through(Counting(), tmp_path, ["other"])
    with pytest.raises(ConfigError, match="has answered 5 inputs and was given 3"):
        await through(Counting(), tmp_path, names(3))
