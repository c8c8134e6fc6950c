"""Judge the answers of a task, blind: the erased prompt, the answers in shuffled order, no strategy and no model.

The four aspects are UltraFeedback's (2310.01377 section 2), here in one call per task, reason before mark.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from string import ascii_uppercase
from typing import ClassVar

from pydantic import BaseModel, Field

from synthgen.config import RunConfig
from synthgen.prompts import Prompts, fenced
from synthgen.records import ASPECTS, Answer, Aspect, Judged, Record, Rejected, Request, Task
from synthgen.stages import reading
from synthgen.stages.reading import Unreadable, load
from synthgen.stages.stream import Lines, Means
from synthgen.text.tasktext import user_text


class Mark(BaseModel):
    """A reason, and the mark it led to."""

    reason: str = ""
    score: int = Field(ge=1, le=5)


class Verdict(BaseModel):
    """The marks of one answer."""

    answer: str
    instruction_following: Mark
    truthfulness: Mark
    honesty: Mark
    helpfulness: Mark


class Verdicts(BaseModel):
    """The reply of a judge call."""

    verdicts: list[Verdict]


def shown(task: Task, answers: Sequence[Answer], config: RunConfig) -> dict[str, str]:
    """Letter to text, each different text once, in an order drawn from (run seed, task)."""
    texts = list(dict.fromkeys(answer.text for answer in answers))
    Random(f"synthgen/judge/{config.seed}/{task.id}").shuffle(texts)  # noqa: S311  # an order, not secrets
    return dict(zip(letters(len(texts)), texts, strict=True))


def letters(count: int) -> list[str]:
    """Names for `count` answers: A to Z, then A2, B2, ..."""
    return [ascii_uppercase[n % 26] + (str(n // 26 + 1) if n >= 26 else "") for n in range(count)]


def ask(task: Task, texts: Mapping[str, str], reference: str, config: RunConfig, prompts: Prompts) -> Request:
    """The request that judges the shown texts; `reference` is "" where there is none."""
    messages = prompts.render(
        "judge",
        task=fenced("task", user_text(task.instruction, task.input)).removeprefix("<task>").removesuffix("</task>"),
        reference=fenced("reference", reference) + "\n" if reference else "",
        answers="\n".join(
            fenced("answer", text).replace("<answer>", f'<answer id="{name}">', 1) for name, text in texts.items()
        ),
        names=", ".join(texts),
    )
    return Request(
        role="judge",
        step="judge",
        about=task.id,
        messages=messages,
        decoding=config.stage_decoding("judge"),
        form=prompts.schema("judge"),
    )


def read(text: str, names: Sequence[str]) -> dict[str, Verdict] | Unreadable:
    """Letter to verdict. Every answer needs exactly one: a verdict that lacks one is unreadable, never a low score."""
    found = load(text, Verdicts)
    if isinstance(found, Unreadable):
        return found
    verdicts = {verdict.answer.strip().upper(): verdict for verdict in found.verdicts}
    if sorted(verdicts) != sorted(names) or len(found.verdicts) != len(names):
        return Unreadable(f"it must hold one verdict for each of {', '.join(names)}")
    return verdicts


def records(
    answers: Sequence[Answer], texts: Mapping[str, str], verdicts: Mapping[str, Verdict], call: str
) -> list[Judged]:
    """One Judged per answer; equal texts share a verdict."""
    names = {text: name for name, text in texts.items()}
    order = list(texts)
    return [judged(answer, verdicts[names[answer.text]], order.index(names[answer.text]), call) for answer in answers]


def judged(answer: Answer, verdict: Verdict, position: int, call: str) -> Judged:
    """An answer with its verdict."""
    marks = {name: getattr(verdict, name) for name in ASPECTS}
    aspects = {name: Aspect(reason=mark.reason, score=mark.score) for name, mark in marks.items()}
    mean = sum(mark.score for mark in marks.values()) / len(ASPECTS)
    return Judged(id=answer.id, call=call, task=answer.task, position=position, aspects=aspects, mean=mean)


@dataclass(frozen=True, slots=True)
class Answered:
    """A task with its usable answers."""

    task: Task
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Verdicted:
    """A task with its usable answers and their verdicts."""

    task: Task
    answers: tuple[Answer, ...]
    verdicts: tuple[Judged, ...]


class JudgeStage:
    """Answered to Verdicted, one call for each task."""

    name: ClassVar[str] = "judged"
    kinds: ClassVar[Mapping[str, type[Record]]] = {"judged": Judged, "judge": Rejected}

    def __init__(self, means: Means) -> None:
        self.means = means

    def identity(self, item: Answered) -> str:
        """The task's id."""
        return item.task.id

    async def work(self, item: Answered) -> Lines:
        """One call, and a second one if the verdict cannot be read."""
        if not item.answers:
            return [("judge", Rejected(id=item.task.id, reason="no_answer"))]
        means, texts = self.means, shown(item.task, item.answers, self.means.config)
        request = ask(item.task, texts, item.task.intended_label, means.config, means.prompts)
        found, reply = await reading.ask(means.teacher, request, lambda text: read(text, list(texts)), means.prompts)
        if isinstance(found, Unreadable):
            reason = f"verdict_{found.reason}"
            return [("judge", Rejected(id=item.task.id, reason=reason, evidence=found.fault, call=reply.key))]
        return [("judged", one) for one in records(item.answers, texts, found, reply.key)]

    def settle(self, item: Answered, raw: Lines) -> Lines:
        """As it came: verdicts have no memory."""
        return raw

    def taken(self, item: Answered, lines: Lines) -> Iterable[Verdicted]:
        """The task with what is known of it."""
        verdicts = tuple(record for _, record in lines if isinstance(record, Judged))
        return [Verdicted(item.task, item.answers, verdicts)]
