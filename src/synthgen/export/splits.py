"""What keeps train and test apart in the dataset, and, where that is wanted, SFT and preference data.

Sides are fixed before anything is generated. What is looked for here is what they cannot know: prompts of the two sides that
are nearly the same.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from synthgen.config import RunConfig
from synthgen.export.rows import Row
from synthgen.records import Nearest, Side, Task
from synthgen.text.novelty import Novelty
from synthgen.text.seen import Seen
from synthgen.text.tasktext import user_text
from synthgen.text.tokens import normalised

OTHER: Mapping[Side, Side] = {"train": "test", "test": "train"}
ACROSS = "across_sides"
"""Why a row is left out whose prompt is nearly one of the other side's."""
EQUAL = 1 - 1e-9
"""ROUGE-L F1 that only texts with the same words are above."""
Place = Literal["both", "sft", "preference"]
"""Where the rows of a task may go: `preference` is dpo and kto."""
PLACES: tuple[Place, Place] = ("sft", "preference")


def words(text: str) -> list[str]:
    """What ROUGE-L compares: a text without words is its signs."""
    return (normalised(text) or text.strip()).split()


def pool(threshold: float) -> Novelty:
    """An empty pool of prompts. At a threshold of 1 only those with the same words are alike."""
    return Novelty(words, min(threshold, EQUAL))


def asked(row: Mapping[str, Any]) -> str:
    """What the user says in a row, whichever its shape."""
    messages = row["messages"] if "messages" in row else row["prompt"]
    return "\n\n".join(message["content"] for message in messages if message["role"] == "user")


def divided(config: RunConfig, sides: Mapping[str, Side]) -> bool:
    """Whether a run has a test side."""
    return config.test_share > 0 if config.strategy else "test" in sides.values()


class Apart:
    """Prompts of both sides in the order in which their rows come; of two that are alike the later one has no rows.

    So what is in the dataset stays there when the run grows.
    """

    def __init__(self, threshold: float) -> None:
        self._pools: Mapping[Side, Novelty] = {"train": pool(threshold), "test": pool(threshold)}
        self._last: tuple[Side, str] | None = None
        self._near: Nearest | None = None

    def near(self, side: Side, row: Row) -> Nearest | None:
        """The row of the other side whose prompt is nearly this one's; None where there is none, and this one's rows stay."""
        this = side, asked(row)
        if this != self._last:  # the rows of a task come one after the other
            self._last = this
            self._near = self._pools[OTHER[side]].above(this[1])
            if self._near is None:
                self._pools[side].add(row["id"], this[1])
        return self._near


class Places:
    """Where the rows of each task go. Apart, no prompt of dpo or kto is one of sft, and what went somewhere stays there."""

    def __init__(self, *, apart: bool) -> None:
        self._seen = Seen() if apart else None

    def of(self, task: Task, *, picked: bool, paired: bool) -> Place:
        """With a pair a hash of the id decides; without one the SFT row comes first. Equal prompts go one way."""
        if self._seen is None:
            return "both"
        here = half(task.id) if paired else int(not picked)
        text = user_text(task.instruction, task.input)
        before = self._seen.add(normalised(text) or text, here)
        return PLACES[here if before is None else before]


def half(identity: str) -> int:
    """0 or 1, by a hash of an id."""
    return hashlib.sha256(f"synthgen/places/{identity}".encode()).digest()[0] % 2


def told(config: RunConfig, sides: Mapping[str, Side]) -> str:
    """What the card says beside the rule of the split."""
    parts: Sequence[str] = (
        f"Of two prompts of different sides with a ROUGE-L above {config.novelty_threshold:g}, the later one is left out of "
        "the dataset."
        if divided(config, sides)
        else "",
        "No prompt of `dpo` or `kto` is one of `sft`: a task that has a pair is in one of them, by a hash of its id."
        if config.dpo_prompts == "disjoint"
        else "",
    )
    return "".join(f" {part}" for part in parts if part)
