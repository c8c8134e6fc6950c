"""A few steps of training, and whether they went as they must on rows that are right."""

import math
from dataclasses import dataclass
from typing import Any

FIRST_DPO_LOSS = math.log(2)
"""Of a model that is still its own reference: any other says that the two were not given the same rows."""
NEAR = 1e-3


@dataclass(frozen=True, slots=True)
class Trained:
    """Steps of a trainer."""

    steps: int
    losses: tuple[float, ...]
    """One for each step."""

    @property
    def finite(self) -> bool:
        """Whether every loss is a number."""
        return bool(self.losses) and all(map(math.isfinite, self.losses))


def train(trainer: Any) -> Trained:
    """Let a trainer take its steps."""
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.train()
    history: list[dict[str, float]] = trainer.state.log_history
    return Trained(trainer.state.global_step, tuple(entry["loss"] for entry in history if "loss" in entry))


def fault(way: str, trained: Trained) -> str:
    """What is wrong with the losses; "" for nothing."""
    if not trained.finite:
        return f"the loss is no number: {', '.join(map(str, trained.losses)) or 'none'}"
    if way == "dpo" and abs(trained.losses[0] - FIRST_DPO_LOSS) > NEAR:
        return f"the first loss is {trained.losses[0]:.4f} where it must be ln 2 = {FIRST_DPO_LOSS:.4f}"
    return ""
