"""What becomes in the rows of what a model thought before its answers: a field of its own, tags before the answer, or nothing.

Thoughts are searched as answers are: one that quotes a strategy prompt, or that would end its own tags, is left out of the row,
and the answer stays.
"""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from synthgen.errors import storage
from synthgen.records import Answer, Record, Task
from synthgen.text.ngrams import Leaks
from synthgen.text.special import special_tokens
from synthgen.text.tasktext import user_text

Mode = Literal["apart", "tags", "drop"]
ANSWERED = ("sft", "sft_messages", "dpo", "kto")
"""Configs whose rows hold answers."""
TAG = re.compile(r"</?think>", re.IGNORECASE)
BLOCK = 2**20


class Reasoning(Record):
    """What became of the thoughts of the answers that rows hold."""

    mode: Mode
    answers: int
    """Answers in rows that something was thought before."""
    quoting: int = 0
    """Of these, without their thoughts since those quote a strategy prompt."""
    breaking: int = 0
    """Without their thoughts since those hold tags of their own, marks of chat templates or control characters."""
    one_sided: int = 0
    """Pairs without thoughts, since only one side had any left: a student would learn whether to think, not what is better."""


class Thoughts:
    """What the rows show of thoughts. It remembers those of one task, and counts each answer once."""

    def __init__(self, mode: Mode, leaks: Leaks) -> None:
        self._mode, self._leaks = mode, leaks
        self._counts: Counter[str] = Counter()
        self._task = ""
        self._known: dict[str, str] = {}
        """Answer id to what is shown of its thoughts."""

    def shown(self, task: Task, answer: Answer) -> Answer:
        """The answer as it stands in a row."""
        return self._with(answer, self._thought(task, answer))

    def both(self, task: Task, chosen: Answer, rejected: Answer) -> dict[str, Answer]:
        """The two sides of a pair as they stand in its row, by id: with thoughts on both sides or on neither."""
        two = [(one, self._thought(task, one)) for one in (chosen, rejected)]
        if len({bool(thought) for _, thought in two}) == 2:
            self._counts["one_sided"] += 1
            two = [(one, "") for one, _ in two]
        return {one.id: self._with(one, thought) for one, thought in two}

    def told(self) -> Reasoning | None:
        """What was counted; None where nothing was thought."""
        return Reasoning(mode=self._mode, **self._counts) if self._counts["answers"] else None

    def _with(self, answer: Answer, thought: str) -> Answer:
        if not answer.reasoning or (thought == answer.reasoning and self._mode == "apart"):
            return answer
        tagged = f"<think>\n{thought}\n</think>\n\n{answer.text}" if thought else answer.text
        return answer.model_copy(update={"text": tagged, "reasoning": ""})

    def _thought(self, task: Task, answer: Answer) -> str:
        """What may be shown of an answer's thoughts."""
        if not answer.reasoning:
            return ""
        if task.id != self._task:
            self._task, self._known = task.id, {}
        if answer.id not in self._known:
            why = self._fault(task, answer.reasoning)
            self._counts.update(["answers", *([why] if why else [])])
            self._known[answer.id] = "" if why or self._mode == "drop" else answer.reasoning
        return self._known[answer.id]

    def _fault(self, task: Task, thought: str) -> str:
        """Why a thought cannot be shown; "" where it can, or where none is."""
        if self._mode == "drop":
            return ""
        if TAG.search(thought) or special_tokens(thought) is not None:
            return "breaking"
        leak = self._leaks.find(thought, allowed=user_text(task.instruction, task.input))
        return "quoting" if leak is not None else ""


def further(mode: Mode, answers: Path) -> Mapping[str, tuple[str, ...]]:
    """Config to the further fields of its messages, which a file's schema must name before the first row."""
    return dict.fromkeys(ANSWERED, ("reasoning_content",)) if mode == "apart" and any_thought(answers) else {}


def any_thought(answers: Path) -> bool:
    """Whether any answer of a file was thought about: quotation marks inside texts are escaped, so no text looks like the field."""
    if not answers.exists():
        return False
    with storage(answers), answers.open("rb") as handle:
        while block := handle.read(BLOCK):
            block += handle.readline()
            if block.count(b'"reasoning":') != block.count(b'"reasoning":""'):
                return True
    return False


WORDS: Mapping[Mode, str] = {
    "apart": "it stands in the field `reasoning_content` of the assistant's message, which chat templates of reasoning models read",
    "tags": "it stands before the answer, in `<think>` tags",
    "drop": "it is left out",
}


def sentence(told: Reasoning) -> str:
    """What the card says."""
    parts = [f"Before {told.answers} of the answers in the rows something was thought; {WORDS[told.mode]}."]
    if told.quoting:
        parts.append(f"{told.quoting} answers stand without it because it quotes a strategy prompt.")
    if told.breaking:
        parts.append(f"{told.breaking} answers stand without it because it holds tags or marks of chat templates.")
    if told.one_sided:
        parts.append(f"{told.one_sided} pairs stand without it because only one side had any.")
    return " ".join(parts)
