"""Answer a task under its reasoning strategy, and drop what cannot be a training answer."""

import asyncio
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from random import Random
from typing import ClassVar

from synthgen.config import RunConfig
from synthgen.prompts import Prompts
from synthgen.records import Answer, Message, Record, Rejected, Reply, Request, Task
from synthgen.stages.judge import Answered
from synthgen.stages.screen import REFUSAL
from synthgen.stages.stream import Lines, Means
from synthgen.text.ngrams import Leaks
from synthgen.text.special import special_tokens
from synthgen.text.tasktext import user_text
from synthgen.text.tokens import normalised

LONG_ENOUGH_TO_REPEAT = 20
"""Tokens from which the same answer to two different instructions is no coincidence."""


def asks(task: Task, config: RunConfig, prompts: Prompts) -> Iterator[tuple[int, str, Request]]:
    """(sample, strategy, request) of every candidate: K of the policy's strategy, and one of the alternative if explored."""
    for sample in range(config.samples):
        yield sample, task.strategy, ask(task, task.strategy, sample, config, prompts)
    if task.alternative:
        yield config.samples, task.alternative, ask(task, task.alternative, config.samples, config, prompts)


def ask(task: Task, strategy: str, sample: int, config: RunConfig, prompts: Prompts) -> Request:
    """The request for one sample of one strategy; its seed is a function of run seed, task and sample."""
    rng = Random(f"synthgen/answer/{config.seed}/{task.id}/{sample}")  # noqa: S311  # sampling, not secrets
    return Request(
        role="answer",
        messages=(
            Message(role="system", content=prompts.strategy(strategy)),
            Message(role="user", content=user_text(task.instruction, task.input)),
        ),
        decoding=config.stage_decoding("answer"),
        sample=sample,
        seed=rng.getrandbits(31),
    )


def read(reply: Reply, task: Task, sample: int, strategy: str, leaks: Leaks) -> Answer | Rejected:
    """One candidate, or why it cannot be used."""
    identity, text = f"{task.id}-{sample}", reply.text.strip()
    found = fault(reply, text, task, leaks)
    if found is not None:
        reason, evidence = found
        return Rejected(id=identity, reason=reason, evidence=evidence, call=reply.key)
    return Answer(
        id=identity,
        call=reply.key,
        task=task.id,
        strategy=strategy,
        explored=strategy != task.strategy,
        teacher=reply.model,
        sample=sample,
        text=text,
        completion_tokens=reply.completion_tokens,
    )


def fault(reply: Reply, text: str, task: Task, leaks: Leaks) -> tuple[str, str] | None:
    """(reason, evidence) of an answer that cannot be used."""
    if reply.finish != "stop":
        return reply.finish, text
    if not text:
        return "empty", ""
    if REFUSAL.match(text):
        return "refusal", text
    if task.input and text == task.input.strip():
        return "repeats_input", text
    if text.endswith(":"):
        return "ends_with_colon", text
    marker = special_tokens(text)
    if marker is not None:
        return "special_token", marker
    leak = leaks.find(text, allowed=user_text(task.instruction, task.input))
    if leak is not None:
        return "prompt_leak", leak
    if task.intended_label and stated_label(text, task.labels) != normalised(task.intended_label):
        return "label_conflict", text
    return None


def stated_label(text: str, labels: tuple[str, ...]) -> str:
    """The label an answer settles on, normalised: the whole answer, or the last one it names; "" for none."""
    words = normalised(text)
    known = {normalised(label) for label in labels} - {""}
    if words in known:
        return words
    ends = {
        label: max((match.end() for match in re.finditer(rf"(?<!\S){re.escape(label)}(?!\S)", words)), default=-1)
        for label in known
    }
    # Of two labels that end at the same place ("positive", "very positive") the longer is the one that is meant.
    best = max(ends, key=lambda label: (ends[label], len(label)), default="")
    return best if best and ends[best] >= 0 else ""


class AnswerStage:
    """Task to Answered. Its state is the long answers seen so far, for dropping those given twice."""

    name: ClassVar[str] = "answers"
    kinds: ClassVar[Mapping[str, type[Record]]] = {"answers": Answer, "answer": Rejected}

    def __init__(self, means: Means) -> None:
        self.means = means
        self.seen: dict[bytes, tuple[str, str]] = {}
        """Digest of a long answer to (normalised instruction, id) of the first answer that gave it."""

    def identity(self, item: Task) -> str:
        """The task's id."""
        return item.id

    async def work(self, item: Task) -> Lines:
        """One call for each candidate, all at once."""
        means = self.means
        asked = list(asks(item, means.config, means.prompts))
        replies = await asyncio.gather(*(means.teacher.ask(request) for _, _, request in asked))
        read_all = [
            read(reply, item, sample, strategy, means.leaks)
            for reply, (sample, strategy, _) in zip(replies, asked, strict=True)
        ]
        return [("answers" if isinstance(one, Answer) else "answer", one) for one in read_all]

    def settle(self, item: Task, raw: Lines) -> Lines:
        """Drop long answers that another instruction got word for word."""
        return [self._settled(item, name, record) for name, record in raw]

    def _settled(self, item: Task, name: str, record: Record) -> tuple[str, Record]:
        if not isinstance(record, Answer) or (key := answer_key(record.text)) is None:
            return name, record
        other = self.seen.get(key)
        if other is None or other[0] == normalised(item.instruction):
            return name, record
        return "answer", Rejected(id=record.id, reason="repeated_answer", evidence=other[1], call=record.call)

    def taken(self, item: Task, lines: Lines) -> Iterable[Answered]:
        """The task with its usable answers."""
        answers = tuple(record for _, record in lines if isinstance(record, Answer))
        for answer in answers:
            if (key := answer_key(answer.text)) is not None:
                self.seen.setdefault(key, (normalised(item.instruction), answer.id))
        return [Answered(item, answers)]


def answer_key(text: str) -> bytes | None:
    """A digest of an answer of 20 tokens or more; None for a shorter one."""
    words = normalised(text)
    if words.count(" ") + 1 < LONG_ENOUGH_TO_REPEAT:
        return None
    return hashlib.sha256(words.encode()).digest()[:16]
