"""A model of 0.8 million random weights and its tokenizer, made on the spot, and its training by TRL. Nothing is downloaded."""

import tempfile
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import datasets
import torch
import transformers
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, PrinterCallback, set_seed
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

END, PAD = "<|end|>", "<|pad|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
"""A prompt rendered alone is the beginning of the whole conversation, and every answer ends with the end token."""
LONGEST = 512
"""Tokens of a row, beyond which the trainer would cut; no row of a rehearsal is so long."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is made and trained. The values were chosen on a part of the train side (`--choose`)."""

    vocabulary: int = 2048
    width: int = 128
    layers: int = 2
    heads: int = 4
    spread: float = 0.06
    """Standard deviation of the random weights; of the usual 0.02 a model so narrow learns much later."""
    rows_at_once: int = 8
    answers_only: bool = False
    """Whether prompts are not learned; one that knows no language needs them."""
    epochs: float = 5
    learning_rate: float = 3e-3
    dpo_epochs: float = 1
    dpo_learning_rate: float = 2e-4
    beta: float = 0.1


def quietly() -> None:
    """One thread, no progress bars, and no warnings but our own."""
    torch.set_num_threads(1)
    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    warnings.simplefilter("ignore", FutureWarning)


def tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE of these texts, with a chat template of our own."""
    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = [PAD, END, *ROLES]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    bare.train_from_iterator(texts, trainer)
    made = PreTrainedTokenizerFast(
        tokenizer_object=bare, eos_token=END, pad_token=PAD, extra_special_tokens=list(ROLES), model_max_length=LONGEST
    )
    made.chat_template = TEMPLATE
    return made


def model(words: PreTrainedTokenizerFast, recipe: Recipe, seed: int) -> LlamaForCausalLM:
    """A model of random weights; the same for the same seed."""
    set_seed(seed)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=recipe.width,
        intermediate_size=recipe.width * 4,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=LONGEST,
        initializer_range=recipe.spread,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    return LlamaForCausalLM(config)


def copied(one: LlamaForCausalLM) -> LlamaForCausalLM:
    """Another model of the same weights. A deep copy would not do: TRL puts a `forward` on a model, and the copy's would be the old model's."""
    other = LlamaForCausalLM(one.config)
    other.load_state_dict(one.state_dict())
    return other


def settings(recipe: Recipe, seed: int, folder: str) -> dict[str, Any]:
    """What both trainers are told."""
    return {
        "output_dir": folder,
        "per_device_train_batch_size": recipe.rows_at_once,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.05,
        "weight_decay": 0.05,
        "seed": seed,
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "max_length": LONGEST,
        "logging_steps": 25,
        "logging_first_step": True,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }


def sft(
    start: LlamaForCausalLM, words: PreTrainedTokenizerFast, rows: Dataset, recipe: Recipe, seed: int
) -> tuple[LlamaForCausalLM, dict[str, float]]:
    """A copy of a model, trained by SFTTrainer on `prompt` and `completion`; and what the trainer said at the end."""
    with tempfile.TemporaryDirectory() as folder:
        config = SFTConfig(
            num_train_epochs=recipe.epochs,
            learning_rate=recipe.learning_rate,
            completion_only_loss=recipe.answers_only,
            train_sampling_strategy="group_by_length",
            **settings(recipe, seed, folder),
        )
        trainer = SFTTrainer(copied(start), config, train_dataset=rows, processing_class=words)
        return trained(trainer)


def dpo(
    start: LlamaForCausalLM, words: PreTrainedTokenizerFast, rows: Dataset, recipe: Recipe, seed: int
) -> tuple[LlamaForCausalLM, dict[str, float]]:
    """A copy of a model, trained by DPOTrainer with the model itself as the reference."""
    with tempfile.TemporaryDirectory() as folder:
        config = DPOConfig(
            num_train_epochs=recipe.dpo_epochs,
            learning_rate=recipe.dpo_learning_rate,
            beta=recipe.beta,
            **settings(recipe, seed, folder),
        )
        trainer = DPOTrainer(copied(start), copied(start), config, train_dataset=rows, processing_class=words)
        return trained(trainer)


def trained(trainer: SFTTrainer | DPOTrainer) -> tuple[LlamaForCausalLM, dict[str, float]]:
    """The model of a trainer after its training, its steps, and its first and last losses."""
    trainer.remove_callback(PrinterCallback)  # it prints to where the figures go
    done = trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return copied(trainer.model).eval(), {"steps": done.global_step, "first_loss": losses[0], "last_loss": losses[-1]}


def weights(one: LlamaForCausalLM) -> int:
    """How many there are."""
    return sum(tensor.numel() for tensor in one.parameters())
