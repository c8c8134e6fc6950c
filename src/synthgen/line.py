"""The straight line: tasks, answers, judged, pairs, all streaming on one event loop and one window of calls.

It begins with instructions that are grown from seeds, or with prompts that were given.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from synthgen.config import RunConfig
from synthgen.errors import InputError, SynthgenError
from synthgen.prompts import Prompts
from synthgen.records import Instruction, Seed, Side, Teacher
from synthgen.runs import RunDir
from synthgen.stages import grow
from synthgen.stages.answer import AnswerStage
from synthgen.stages.given import Prompt
from synthgen.stages.giventasks import GivenStage
from synthgen.stages.grow import Embed, Pool, Source, Stop
from synthgen.stages.judge import JudgeStage
from synthgen.stages.pair import PairStage
from synthgen.stages.stream import Means, Stage, stream
from synthgen.stages.tasks import TaskStage
from synthgen.text.contamination import Contamination
from synthgen.text.ngrams import Leaks

FEWEST_BETWEEN = 8
"""Inputs that wait between two stages, at least; and a quarter of the calls at once."""
Progress = Callable[[str, int], None]
"""Called with `accepted` and how many instructions are, and with each stage's name and how many inputs it is done with."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one run of the line works with."""

    run: RunDir
    config: RunConfig
    prompts: Prompts
    seeds: Sequence[Seed]
    sides: dict[str, Side]
    teacher: Teacher
    progress: Progress = lambda _stage, _count: None
    benchmarks: Contamination | None = None
    embed: Embed | None = None

    def means(self) -> Means:
        """What the stages work with. Worked examples come from one side, as demonstrations do."""
        by_side: dict[Side, list[Seed]] = {"train": [], "test": []}
        for seed in self.seeds:
            by_side[self.sides[seed.id]].append(seed)
        leaks = Leaks(self.prompts.imposed(self.config.strategy))
        return Means(self.teacher, self.config, self.prompts, by_side, leaks, self.benchmarks)


Emit = Callable[[Any], Awaitable[None]]
Begin = Callable[[Emit], Awaitable[Stop | None]]
"""Hands on every record that the line begins with; None, or why it ended before the last."""


def stages(means: Means) -> list[Stage[Any, Any, Any]]:
    """The stages after the beginning. Without a judge the line ends with the answers."""
    line: list[Stage[Any, Any, Any]] = [GivenStage(means) if means.config.strategy else TaskStage(means)]
    line += [AnswerStage(means)]
    if means.config.judged:
        line += [JudgeStage(means), PairStage(means)]
    return line


async def run(line: Line, target: int) -> Stop | None:
    """Run the line to `target` accepted instructions; None, or why growing stopped before.

    Raises the first SynthgenError of any stage, after every stage was brought to a halt.
    """
    source = Source.of(line.seeds, line.sides, line.config, line.prompts, line.benchmarks)
    pool = Pool.of(source, await grow.vectors_of([seed.instruction for seed in line.seeds], line.embed))

    async def growing(emit: Emit) -> Stop | None:
        async def told(instruction: Instruction) -> None:
            line.progress("accepted", pool.accepted)
            await emit(instruction)

        return await grow.run(line.teacher, grown, pool, target, told, line.embed)

    with line.run.journal("instructions") as grown:
        return await through(line, growing)


async def answer(line: Line, prompts: Iterable[Prompt]) -> Stop | None:
    """Run the line over prompts that were given. Raises as `run` does."""

    async def reading(emit: Emit) -> Stop | None:
        try:
            for one in prompts:
                await emit(one)
        except InputError as error:  # what was read before is answered
            return Stop("InputError", f"{error}; what stands before it is kept, and the same command goes on")
        return None

    return await through(line, reading)


async def through(line: Line, begin: Begin) -> Stop | None:
    """Run the line's stages over what `begin` hands on; what `begin` returns."""
    following = stages(line.means())
    with ExitStack() as stack:
        journals = [stack.enter_context(line.run.journal(stage.name, stage.kinds)) for stage in following]
        config = line.config
        size = max(FEWEST_BETWEEN, config.at_once // 4)
        queues: list[asyncio.Queue[Any]] = [asyncio.Queue(size) for _ in following]
        drain: asyncio.Queue[Any] = asyncio.Queue(size)

        async def beginning() -> Stop | None:
            stop = await begin(queues[0].put)
            await queues[0].put(None)
            return stop

        try:
            async with asyncio.TaskGroup() as group:
                first = group.create_task(beginning())
                for stage, journal, inbox, outbox in zip(
                    following, journals, queues, [*queues[1:], drain], strict=True
                ):
                    group.create_task(stream(stage, journal, inbox, outbox, config.room, config.width, line.progress))
                group.create_task(discard(drain))
        except* SynthgenError as errors:
            raise leaf(errors) from None
        return first.result()


async def discard(queue: asyncio.Queue[Any]) -> None:
    """Take what the last stage hands on, which nobody wants."""
    while await queue.get() is not None:
        pass


def leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group, however deep."""
    first = group.exceptions[0]
    return leaf(first) if isinstance(first, BaseExceptionGroup) else first
