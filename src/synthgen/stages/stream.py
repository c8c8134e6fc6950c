"""Run a stage over a stream of inputs: many at once, committed one by one in the order of the inputs.

To resume is to run again: inputs whose commit is already in the journal are answered from there, without a call.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from synthgen.config import RunConfig
from synthgen.errors import ConfigError
from synthgen.jsonl import Commit, Journal
from synthgen.prompts import Prompts
from synthgen.records import Record, Seed, Side, Teacher
from synthgen.text.contamination import Contamination
from synthgen.text.ngrams import Leaks

In = TypeVar("In")
Raw = TypeVar("Raw")
Out = TypeVar("Out")
In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)
Lines = Sequence[tuple[str, Record]]
"""(file, record) of one commit."""
OR_ANEW = "or start a new run with --ledger pointing at this run's ledger"


@dataclass(frozen=True, slots=True)
class Means:
    """What the stages work with."""

    teacher: Teacher
    config: RunConfig
    prompts: Prompts
    examples: Mapping[Side, Sequence[Seed]]
    """The seeds that may be shown as worked examples, by side."""
    leaks: Leaks
    benchmarks: Contamination | None = None
    """What no task may give away."""


class Stage(Protocol, Generic[In_contra, Raw, Out_co]):
    """One stage of the line."""

    name: ClassVar[str]
    kinds: ClassVar[Mapping[str, type[Record]]]
    """The record kind of each of the stage's files."""

    def identity(self, item: In_contra) -> str:
        """The id of an input."""
        ...

    async def work(self, item: In_contra) -> Raw:
        """The calls that one input needs."""
        ...

    def settle(self, item: In_contra, raw: Raw) -> Lines:
        """The commit of one input; called in the order of the inputs."""
        ...

    def taken(self, item: In_contra, lines: Lines) -> Iterable[Out_co]:
        """What goes on to the next stage; called once for each commit, those read back included."""
        ...


class Room(Generic[Raw]):
    """Begins work on at most `width` inputs at once.

    What failed makes no room: the line stops when its turn comes, and nothing more is begun until then.
    """

    def __init__(self, width: int) -> None:
        self._free = asyncio.Semaphore(width)
        self.begun: set[asyncio.Task[Raw]] = set()
        """What has not ended."""

    async def begin(self, work: Callable[[In], Coroutine[Any, Any, Raw]], item: In) -> asyncio.Task[Raw]:
        """Begin on an input as soon as there is room."""
        await self._free.acquire()
        task = asyncio.create_task(work(item))
        self.begun.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Raw]) -> None:
        self.begun.discard(task)
        if not task.cancelled() and task.exception() is None:
            self._free.release()


async def stream(
    stage: Stage[In, Raw, Out],
    journal: Journal,
    inbox: asyncio.Queue[In | None],
    outbox: asyncio.Queue[Out | None],
    width: int,
    ahead: int,
    progress: Callable[[str, int], None],
) -> None:
    """Work on `width` inputs at once; None ends the inbox, and then the outbox. Raises what `work` raises.

    A slow input holds up the commits of those behind it, but not their work, up to `ahead` inputs. `progress` is told
    the stage's name and how many inputs are done.
    """
    past = journal.commits()
    done = journal.committed
    under_way: asyncio.Queue[tuple[In, asyncio.Task[Raw] | None] | None] = asyncio.Queue(ahead)
    room: Room[Raw] = Room(width)
    flowing = asyncio.Event()
    """Not set while the next stage has more than it can take: what is begun then only gets in the way of its replies."""
    flowing.set()

    async def feed() -> None:
        number = 0
        while (item := await inbox.get()) is not None:
            await flowing.wait()
            await under_way.put((item, await room.begin(stage.work, item) if number >= done else None))
            number += 1
        await under_way.put(None)

    feeding = asyncio.create_task(feed())
    settled = 0
    try:
        while (entry := await under_way.get()) is not None:
            item, task = entry
            if task is None:
                lines = read_back(stage, stage.identity(item), next(past))
            else:
                lines = stage.settle(item, await task)
                journal.commit(stage.identity(item), lines)
            settled += 1
            progress(stage.name, settled)
            for out in stage.taken(item, lines):
                if outbox.full():
                    flowing.clear()
                await outbox.put(out)
                flowing.set()
        if settled < done:
            raise ConfigError(
                f"stage {stage.name} has answered {done} inputs and was given {settled}: rows were taken from the input, or "
                f"files of two runs are mixed; restore them, {OR_ANEW}"
            )
        await outbox.put(None)
    finally:
        begun = (feeding, *room.begun)
        for pending in begun:
            pending.cancel()
        await asyncio.gather(*begun, return_exceptions=True)


def read_back(stage: Stage[In, Raw, Out], identity: str, commit: Commit) -> Lines:
    """The records of a commit that an earlier run made for the same input."""
    if commit.of != identity:
        raise ConfigError(
            f"the files of stage {stage.name} stand at {commit.of} where the line stands at {identity}: files of two runs "
            f"are mixed in this directory; restore it, {OR_ANEW}"
        )
    return [(name, kind.model_validate(row)) for name, kind in stage.kinds.items() for row in commit.rows(name)]
