"""Answer a task under its reasoning strategy, and drop what cannot be a training answer."""

import asyncio
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import ClassVar

from synthgen.config import RunConfig
from synthgen.prompts import Prompts
from synthgen.records import Answer, Message, Nearest, Record, Rejected, Reply, Request, Task, Think
from synthgen.stages import checking
from synthgen.stages.judge import Answered
from synthgen.stages.screen import REFUSAL
from synthgen.stages.stream import Lines, Means
from synthgen.strategies import NONE
from synthgen.text.ngrams import Leaks
from synthgen.text.novelty import Novelty
from synthgen.text.rouge import rouge_l
from synthgen.text.special import special_tokens
from synthgen.text.tasktext import user_text
from synthgen.text.tokens import normalised, unicode_tokens

LONG_ENOUGH_TO_REPEAT = 20
"""Tokens from which the same answer to two different instructions is no coincidence."""
END_OF_THOUGHT = "</think>"
THOUGHT = re.compile(r"<think>(.*?)</think>", re.DOTALL)
"""What was thought, in tags at the beginning of a text."""
LONE_END = re.compile(r"^[ \t]*</think>[ \t\r]*$", re.MULTILINE)
"""The end of a thought on a line of its own: a template that begins the thought leaves the reply with its end alone."""
THINK: Mapping[Think, bool | None] = {"": None, "think": True, "no_think": False}
MOST_ALIKE = 50
"""Of the earlier answers, how many are looked at for one to another instruction."""


def asks(task: Task, config: RunConfig, prompts: Prompts) -> Iterator[tuple[int, str, Request]]:
    """(sample, strategy, request) of every candidate: K of the policy's strategy, and one of the alternative if explored."""
    for sample in range(config.samples):
        yield sample, task.strategy, ask(task, task.strategy, sample, config, prompts)
    if task.alternative:
        yield config.samples, task.alternative, ask(task, task.alternative, config.samples, config, prompts)


def strategy_of(task: Task, sample: int, config: RunConfig) -> str:
    """Under which strategy a sample was asked for: each arm has K in turn, or K are of the task's and the one after explores."""
    if arms := checking.arms(task, config):
        return arms[sample // config.samples]
    return task.alternative if sample == config.samples else task.strategy


def ask(task: Task, strategy: str, sample: int, config: RunConfig, prompts: Prompts) -> Request:
    """The request for one sample of one strategy; its seed is a function of run seed, task and sample."""
    rng = Random(f"synthgen/answer/{config.seed}/{task.id}/{sample}")  # noqa: S311  # sampling, not secrets
    return Request(
        role="answer",
        step="answer",
        about=f"{task.id}-{sample}",
        messages=messages(task, strategy, prompts),
        decoding=config.stage_decoding("answer"),
        sample=sample,
        seed=rng.getrandbits(31),
        think=THINK[task.think],
    )


def messages(task: Task, strategy: str, prompts: Prompts) -> tuple[Message, ...]:
    """The task under the system prompt of its strategy, or as it is."""
    said = Message(role="user", content=user_text(task.instruction, task.input))
    return (said,) if strategy == NONE else (Message(role="system", content=prompts.strategy(strategy)), said)


def read(reply: Reply, task: Task, sample: int, strategy: str, leaks: Leaks) -> Answer | Rejected:
    """One candidate, or why it cannot be used."""
    identity = f"{task.id}-{sample}"
    thought, text = parted(reply)
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
        reasoning=thought,
        completion_tokens=reply.completion_tokens,
    )


def parted(reply: Reply) -> tuple[str, str]:
    """(what was thought, the answer): thoughts that still stand in the text are taken out, whatever the endpoint told beside it."""
    thought, text = reply.reasoning.strip(), reply.text.strip()
    if END_OF_THOUGHT not in text:
        return thought, text
    if found := THOUGHT.match(text):
        return thought or found[1].strip(), text[found.end() :].strip()
    end = LONE_END.search(text)
    if end is None or "<think>" in text or text.count(END_OF_THOUGHT) > 1:
        return thought, text
    return thought or text[: end.start()].strip(), text[end.end() :].strip()


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
    if END_OF_THOUGHT in text:  # chat templates cut an answer off there, or take what comes before for a thought
        return "special_token", END_OF_THOUGHT
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
    """Task to Answered. Its state is the long answers seen so far, for dropping those given twice or nearly so, if at all."""

    name: ClassVar[str] = "answers"
    kinds: ClassVar[Mapping[str, type[Record]]] = {"answers": Answer, "answer": Rejected}

    def __init__(self, means: Means) -> None:
        self.means = means
        self.seen: dict[bytes, tuple[str, str]] = {}
        """Digest of a long answer to (normalised instruction, id) of the first answer that gave it."""
        self.instructions: dict[str, str] = {}
        """Id of a long answer to its normalised instruction."""
        self.pool = Novelty(unicode_tokens, means.config.answer_threshold) if means.config.answer_threshold else None

    def identity(self, item: Task) -> str:
        """The task's id."""
        return item.id

    async def work(self, item: Task) -> Lines:
        """One call for each candidate, all at once; where the cheapest strategy is looked for, strategy by strategy."""
        means = self.means
        arms = checking.arms(item, means.config)
        if not arms:
            found = await self._candidates(item, list(asks(item, means.config, means.prompts)))
        else:
            found = await self._cheapest(item, arms)
        return [("answers" if isinstance(one, Answer) else "answer", one) for one in found]

    async def _candidates(self, item: Task, asked: Sequence[tuple[int, str, Request]]) -> list[Answer | Rejected]:
        """What comes of some requests, checked."""
        asking = [self.means.teacher.ask(request) for _, _, request in asked]
        replies = [await asking[0]] if len(asking) == 1 else await asyncio.gather(*asking)
        found = [
            read(reply, item, sample, strategy, self.means.leaks)
            for reply, (sample, strategy, _) in zip(replies, asked, strict=True)
        ]
        return await checking.checked(item, found)

    async def _cheapest(self, item: Task, arms: Sequence[str]) -> list[Answer | Rejected]:
        """Strategies in order of cost, until one suffices; the task's own where its checks decide nothing, as without a sandbox."""
        config, tried = self.means.config, list[checking.Arm]()
        for strategy in arms:
            tried.append(await self._arm(item, arms, strategy))
            if checking.suffices(tried[-1], item, config):
                break
            if tried[-1].blind:
                own = item.strategy if item.strategy in arms else strategy
                if own not in (arm.strategy for arm in tried):
                    tried.append(await self._arm(item, arms, own))
                return checking.taken(tried, next(arm for arm in tried if arm.strategy == own))
        return checking.chosen(tried, item, config)

    async def _arm(self, item: Task, arms: Sequence[str], strategy: str) -> checking.Arm:
        """What comes of one strategy."""
        config, number = self.means.config, arms.index(strategy)
        samples = range(number * config.samples, (number + 1) * config.samples)
        asked = [(one, strategy, ask(item, strategy, one, config, self.means.prompts)) for one in samples]
        return checking.Arm(strategy, await self._candidates(item, asked))

    def settle(self, item: Task, raw: Lines) -> Lines:
        """Drop long answers that an earlier one of the task, or one to another instruction, has nearly word for word."""
        if len(raw) == 1 and not self.means.config.answers_across:
            return raw
        lines: list[tuple[str, Record]] = []
        kept: list[tuple[str, list[str]]] = []
        for name, record in raw:
            one = self._settled(item, record, kept) if isinstance(record, Answer) else record
            lines.append((name if one is record else "answer", one))
        return lines

    def _settled(self, item: Task, answer: Answer, kept: list[tuple[str, list[str]]]) -> Record:
        """The answer, or why it is dropped; a long one is added to those kept of this task."""
        key = answer_key(answer.text)
        if key is None or item.intended_label:
            return answer
        other = self.seen.get(key)
        if other is not None and other[0] != normalised(item.instruction):
            return Rejected(id=answer.id, reason="repeated_answer", evidence=other[1], call=answer.call)
        near = self._near(item, answer, kept)
        if near is not None:
            return Rejected(id=answer.id, reason="near_identical", evidence=near.id, call=answer.call, nearest=near)
        return answer

    def _near(self, item: Task, answer: Answer, kept: list[tuple[str, list[str]]]) -> Nearest | None:
        """The earlier answer that this one nearly repeats; an explored one may repeat its own task's, for comparison."""
        if self.pool is None:
            return None
        tokens = unicode_tokens(answer.text)
        for identity, others in [] if answer.explored else kept:
            score = rouge_l(others, tokens)
            if score > self.pool.threshold:
                return Nearest(identity, score)
        # Only where something is above at all is it worth a longer look past answers to the same instruction.
        near = self.pool.top(answer.text, MOST_ALIKE) if self.pool.above(answer.text) is not None else []
        for one in near:
            if one.score > self.pool.threshold and self.instructions[one.id] != normalised(item.instruction):
                return one
        if not answer.explored:
            kept.append((answer.id, tokens))
        return None

    def taken(self, item: Task, lines: Lines) -> Iterable[Answered]:
        """The task with its usable answers."""
        answers = tuple(record for _, record in lines if isinstance(record, Answer))
        if self.means.config.answers_across:
            for answer in answers:
                self._remember(item, answer)
        if checking.arms(item, self.means.config):  # what other strategies said is not worth a judge
            answers = tuple(answer for answer in answers if not answer.explored)
        return [Answered(item, answers)]

    def _remember(self, item: Task, answer: Answer) -> None:
        """Take a long answer into those that answers to other instructions are compared with."""
        if (key := answer_key(answer.text)) is None:
            return
        self.seen.setdefault(key, (normalised(item.instruction), answer.id))
        if self.pool is not None and not item.intended_label:
            self.pool.add(answer.id, answer.text)
            self.instructions[answer.id] = normalised(item.instruction)


def answer_key(text: str) -> bytes | None:
    """A digest of an answer of 20 tokens or more; None for a shorter one."""
    words = normalised(text)
    if words.count(" ") + 1 < LONG_ENOUGH_TO_REPEAT:
        return None
    return hashlib.sha256(words.encode()).digest()[:16]
