"""The ways in which TRL trains on a config: the trainer that is made, and what it then teaches of a row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthgen.trainers import tiny
from synthgen.trainers.rows import Row, dataset

IGNORED = -100
"""What TRL puts in the place of a label that is not learned."""
BATCH = 2
REPLY_TOKENS = 8
"""Of an answer that GRPO draws."""
WAYS: Mapping[str, tuple[str, ...]] = {
    "sft": ("sft",),
    "sft_messages": ("sft-all", "sft-assistant"),
    "dpo": ("dpo", "reward"),
    "kto": ("kto",),
    "rl": ("grpo",),
}
"""Config to the ways that take it: `sft-all` learns every token of the messages, `sft-assistant` what the assistant says."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How a trainer is made."""

    tokenizer: Any
    folder: Path
    """Where TRL may write."""
    max_length: int | None = None
    """Tokens of a row; None for no bound."""
    steps: int = 2


def make(way: str, rows: Sequence[Row], setting: Setting) -> Any:
    """The trainer of a way, its rows prepared by TRL itself."""
    return MAKERS[way](rows, setting)


def arguments(setting: Setting, *, bounded: bool = True) -> dict[str, Any]:
    """What all trainers are told: nothing is saved or shown, numbers are exact, order and chance are fixed."""
    length = {"max_length": setting.max_length} if bounded else {}
    return length | {
        "output_dir": str(setting.folder),
        "max_steps": setting.steps,
        "per_device_train_batch_size": BATCH,
        "learning_rate": 1e-3,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "dataloader_pin_memory": False,
        "seed": 7,
    }


def given(rows: Sequence[Row], setting: Setting, *, rewarding: bool = False) -> dict[str, Any]:
    """What all trainers are given: a tiny model behind LoRA, its tokenizer, the rows."""
    from peft import LoraConfig

    return {
        "model": tiny.model(setting.tokenizer, rewarding=rewarding),
        "processing_class": setting.tokenizer,
        "train_dataset": dataset(rows),
        "peft_config": LoraConfig(r=8, target_modules="all-linear", task_type="SEQ_CLS" if rewarding else "CAUSAL_LM"),
    }


def sft(rows: Sequence[Row], setting: Setting, *, assistant: bool = False) -> Any:
    """Prompt and completion, or messages; of these all tokens are learned, or the assistant's."""
    from trl import SFTConfig, SFTTrainer

    return SFTTrainer(args=SFTConfig(**arguments(setting), assistant_only_loss=assistant), **given(rows, setting))


def sft_assistant(rows: Sequence[Row], setting: Setting) -> Any:
    """Messages, of which what the assistant says is learned."""
    return sft(rows, setting, assistant=True)


def dpo(rows: Sequence[Row], setting: Setting) -> Any:
    """A pair at a time against the model as it was."""
    from trl import DPOConfig, DPOTrainer

    return DPOTrainer(args=DPOConfig(**arguments(setting)), **given(rows, setting))


def kto(rows: Sequence[Row], setting: Setting) -> Any:
    """Single answers, good or bad."""
    from trl import KTOConfig, KTOTrainer

    return KTOTrainer(args=KTOConfig(**arguments(setting)), **given(rows, setting))


def reward(rows: Sequence[Row], setting: Setting) -> Any:
    """A model that gives the chosen answer of a pair the higher number."""
    from trl import RewardConfig, RewardTrainer

    return RewardTrainer(args=RewardConfig(**arguments(setting)), **given(rows, setting, rewarding=True))


def grpo(rows: Sequence[Row], setting: Setting) -> Any:
    """Answers that the model draws itself, rewarded by a function of the row's own columns."""
    from trl import GRPOConfig, GRPOTrainer

    args = GRPOConfig(
        **arguments(setting, bounded=False), num_generations=2, max_completion_length=REPLY_TOKENS, beta=0.0
    )
    return GRPOTrainer(args=args, reward_funcs=near, **given(rows, setting))


def near(completions: Sequence[Any], ground_truth: Sequence[str] = (), **_: Any) -> list[float]:
    """Whether an answer states its row's truth; a little for length, so that two answers of an untaught model differ."""
    answers = [one[0]["content"] for one in completions]
    truths = ground_truth or [""] * len(answers)
    return [
        float(bool(truth) and truth in text) + len(text) / 1000 for text, truth in zip(answers, truths, strict=True)
    ]


MAKERS: Mapping[str, Callable[[Sequence[Row], Setting], Any]] = {
    "sft": sft,
    "sft-all": sft,
    "sft-assistant": sft_assistant,
    "dpo": dpo,
    "reward": reward,
    "kto": kto,
    "grpo": grpo,
}


def learned(way: str, batch: Mapping[str, Any]) -> list[list[int]]:
    """The tokens that a collated batch teaches, sequence by sequence: two for a pair."""
    if way == "grpo":
        return []
    if way.startswith("sft"):
        return [[token for token in labels if token != IGNORED] for labels in batch["labels"].tolist()]
    mask = batch["attention_mask"] if way == "reward" else batch["completion_mask"]
    pairs = zip(batch["input_ids"].tolist(), mask.tolist(), strict=True)
    return [[token for token, counts in zip(tokens, counted, strict=True) if counts] for tokens, counted in pairs]
