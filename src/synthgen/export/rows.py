"""Rows of the dataset, as pure functions of the records. Shapes: docs/reference/dataset.md.

A row holds the task as the user put it and one neutral system message, never the strategy's (Orca 2's prompt erasure).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from synthgen.checks.verdict import fit
from synthgen.records import Answer, Instruction, Judged, Pair, Seed, Task
from synthgen.strategies import NONE
from synthgen.text.tasktext import user_text

Row = dict[str, Any]
FURTHER_FIELDS = ("reasoning_content", "tool_calls", "tool_call_id", "name")
"""What a message may have beside its role and content, as text: `tool_calls` is JSON."""
FURTHER_COLUMNS = ("tools",)
"""What a row may have beside the columns of its config, as text: JSON."""


@dataclass(frozen=True, slots=True)
class Voice:
    """What stands in the system message of a row."""

    generic: str | None
    """The neutral message; None for no system message at all."""
    strategies: Mapping[str, str] | None = None
    """Only with --no-erase: the strategy prompts, which then take its place."""
    mixed: bool = False
    """Whether half of the tasks have no system message."""

    def choices(self, strategy: str) -> tuple[str, ...]:
        """The system messages that a row of this strategy may have; "" is none."""
        imposed = self.strategies.get(strategy) if self.strategies is not None else None
        neutral = self.generic or ""
        return (imposed,) if imposed else (neutral, "") if self.mixed else (neutral,)

    def system(self, strategy: str, task: str) -> list[dict[str, str]]:
        """The system message, or nothing: the same in every row of a task, whatever else there is in the run."""
        may = self.choices(strategy)
        text = may[hashlib.sha256(f"system {task}".encode()).digest()[0] % len(may)] if len(may) > 1 else may[0]
        return [{"role": "system", "content": text}] if text else []


@dataclass(frozen=True, slots=True)
class Origin:
    """Who made the rows of a run."""

    teacher: str
    judge: str
    rehearsal: bool


@dataclass(frozen=True, slots=True)
class Ancestry:
    """What a task inherits from its instruction."""

    parents: tuple[str, ...]
    nearest_id: str
    nearest_score: float
    call: str

    @classmethod
    def of(cls, one: Instruction) -> "Ancestry":
        """That of the tasks of an instruction."""
        return cls(one.parents, one.nearest.id, one.nearest.score, one.call)


def prompt(task: Task, strategy: str, voice: Voice) -> list[dict[str, str]]:
    """The messages that a model is to answer, where the teacher did under this strategy."""
    return [*voice.system(strategy, task.id), {"role": "user", "content": user_text(task.instruction, task.input)}]


def completion(text: str, reasoning: str = "") -> list[dict[str, str]]:
    """The one assistant message, with what was thought before it if anything is to be shown."""
    thought = {"reasoning_content": reasoning} if reasoning else {}
    return [{"role": "assistant", "content": text, **thought}]


def further(row: Row) -> set[str]:
    """Which further fields and columns a row has: what `schema_of` must be told to keep them."""
    said = [message for value in row.values() if isinstance(value, list) for message in value]
    fields = {name for message in said for name in FURTHER_FIELDS if message.get(name) is not None}
    return fields | {name for name in FURTHER_COLUMNS if row.get(name) is not None}


def labels_of(task: Task, strategy: str, identity: str, metadata: Mapping[str, Any]) -> Row:
    """The columns that every row of a task has. The strategy is the answers': a cheaper one than the task's may have been taken."""
    return {
        "id": identity,
        "root_id": task.root_id,
        "strategy": strategy,
        "category": task.category,
        "source": "teacher",
        "metadata_json": dumped(metadata),
    }


def dumped(value: object) -> str:
    """Canonical JSON."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def metadata(task: Task, ancestry: Ancestry | None, origin: Origin, verdicts: Mapping[str, Judged]) -> dict[str, Any]:
    """Where a row comes from and how its answers were marked, by answer id."""
    found = {
        "teacher": origin.teacher,
        "side": task.side,
        **(given(task) if ancestry is None else grown(task, ancestry)),
    }
    if task.intended_label:
        found |= {"labels": task.labels, "intended_label": task.intended_label}
    if verdicts:
        found["judge"] = origin.judge
        found["calls"]["judge"] = next(iter(verdicts.values())).call
        found["marks"] = {
            name: {"mean": one.mean, **{aspect: mark.score for aspect, mark in one.aspects.items()}}
            for name, one in verdicts.items()
        }
    if origin.rehearsal:
        found["rehearsal"] = True
    return found


def grown(task: Task, ancestry: Ancestry) -> dict[str, Any]:
    """Where a task comes from that was grown from seeds."""
    return {
        "instruction_id": task.parent,
        "parents": ancestry.parents,
        "nearest": {"id": ancestry.nearest_id, "score": ancestry.nearest_score},
        "calls": {**task.calls, "propose": ancestry.call},
        "difficulty": task.difficulty,
        "language": task.language,
        "is_classification": task.is_classification,
    }


def given(task: Task) -> dict[str, Any]:
    """Where a prompt comes from that was given: its row's own id, and what the inspection found, as far as there is any."""
    inspected = {"difficulty": task.difficulty, "language": task.language} if task.difficulty else {}
    return {"calls": dict(task.calls), **inspected, **({"row_id": task.parent} if task.parent else {})}


def sft(task: Task, answer: Answer, voice: Voice, about: Mapping[str, Any]) -> Row:
    """Prompt and completion, both as message lists."""
    shared = labels_of(task, answer.strategy, answer.id, {**about, "sample": answer.sample, "call": answer.call})
    said = completion(answer.text, answer.reasoning)
    return {"prompt": prompt(task, answer.strategy, voice), "completion": said, **shared}


def seed_sft(seed: Seed, number: int, voice: Voice, origin: Origin) -> Row:
    """A human seed as an SFT row; it was answered under no strategy. Beside a rehearsal's rows it is marked as they are."""
    marked = {"rehearsal": True} if origin.rehearsal else {}
    one = seed.instances[number]
    identity = f"{seed.id}-{number}"
    said = [*voice.system(NONE, identity), {"role": "user", "content": user_text(seed.instruction, one.input)}]
    return {
        "prompt": said,
        "completion": completion(one.output),
        "id": identity,
        "root_id": seed.id,
        "strategy": NONE,
        "category": seed.category,
        "source": "human",
        "metadata_json": dumped({"name": seed.name, "is_classification": seed.is_classification, **marked}),
    }


def as_messages(row: Row) -> Row:
    """An SFT row as one list of messages; never beside `prompt` in one config (TRL would train on the wrong one)."""
    rest = {name: value for name, value in row.items() if name not in {"prompt", "completion"}}
    return {"messages": row["prompt"] + row["completion"], **rest}


def dpo(task: Task, pair: Pair, answers: Mapping[str, Answer], voice: Voice, about: Mapping[str, Any]) -> Row:
    """Prompt, chosen and rejected; the prompt is not repeated in either side."""
    chosen, rejected = answers[pair.chosen], answers[pair.rejected]
    extra = {**about, "chosen_id": chosen.id, "rejected_id": rejected.id, "pair_policy": pair.policy}
    return {
        "prompt": prompt(task, pair.strategy, voice),
        "chosen": completion(chosen.text, chosen.reasoning),
        "rejected": completion(rejected.text, rejected.reasoning),
        "score_chosen": pair.score_chosen,
        "score_rejected": pair.score_rejected,
        **labels_of(task, pair.strategy, pair.id, extra),
    }


def kto(
    task: Task,
    answers: Sequence[Answer],
    verdicts: Mapping[str, Judged],
    voice: Voice,
    about: Mapping[str, Any],
    *,
    mean: float,
    floor: float,
    shown: Callable[[Answer], Answer] = lambda answer: answer,
) -> list[Row]:
    """One row for each judged answer that is clearly good (mean and floor reached) or clearly bad (mean below the floor).

    `shown` gives an answer as it stands in a row.
    One that a check of content or form speaks against is not good, however well it was marked.
    """
    found = []
    for answer in answers:
        verdict = verdicts.get(answer.id)
        if verdict is None or answer.explored:
            continue
        good = verdict.mean >= mean and min(mark.score for mark in verdict.aspects.values()) >= floor
        if not good and verdict.mean >= floor:
            continue
        if good and not fit(answer.outcomes):
            continue
        row = sft(task, shown(answer), voice, about)
        found.append({"prompt": row["prompt"], "completion": row["completion"], "label": good, **shared(row)})
    return found


def shared(row: Row) -> Row:
    """The columns beside prompt and completion."""
    return {name: value for name, value in row.items() if name not in {"prompt", "completion"}}
