"""The rule against nearly identical answers once more, over answers that are there. Nobody is asked."""

from collections.abc import Iterable, Iterator, Sequence

from synthgen.config import RunConfig
from synthgen.prompts import Prompts
from synthgen.records import Answer, Record, Rejected, Reply, Request, Task
from synthgen.stages.answer import AnswerStage
from synthgen.stages.stream import Means
from synthgen.text.ngrams import Leaks

Answered = tuple[Task, Sequence[Answer]]
"""A task with the answers that came as far as the comparison with others, in order."""


class Nobody:
    """A teacher for what needs none."""

    async def ask(self, request: Request) -> Reply:
        raise RuntimeError("answers are compared again, not asked for")


def stage(config: RunConfig, prompts: Prompts, threshold: float) -> AnswerStage:
    """The stage of a run under another threshold."""
    changed = config.model_copy(update={"answer_threshold": threshold})
    return AnswerStage(Means(Nobody(), changed, prompts, {}, Leaks({})))


def settled(answered: Iterable[Answered], under: AnswerStage) -> Iterator[tuple[Answer, Record]]:
    """Each answer with what becomes of it: itself, or its rejection. What is dropped stands in nobody's way."""
    for task, answers in answered:
        lines = under.settle(task, [("answers", one) for one in answers])
        yield from zip(answers, (record for _, record in lines), strict=True)
        under.taken(task, lines)


def alike(answered: Iterable[Answered], under: AnswerStage) -> int:
    """How many answers the rule would drop, where all of them stay for those of later tasks to be compared with."""
    count = 0
    for task, answers in answered:
        raw = [("answers", one) for one in answers]
        found = (record for _, record in under.settle(task, raw))
        count += sum(isinstance(one, Rejected) and one.reason == "near_identical" for one in found)
        under.taken(task, raw)
    return count
