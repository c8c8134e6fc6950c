"""What a trained model knows: the outcomes it states, how likely it finds answers, and which of two it prefers."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

Messages = list[dict[str, str]]
AT_ONCE = 64
MOST_WRITTEN = 128
"""Tokens of a generated answer."""


def ids(words: PreTrainedTokenizerFast, prompt: Messages, answer: Messages) -> tuple[list[int], list[int]]:
    """The tokens of a prompt, ready to be answered, and those of its answer with the end token."""
    said = words.apply_chat_template(prompt, add_generation_prompt=True, return_dict=False)
    whole = words.apply_chat_template(prompt + answer, return_dict=False)
    assert whole[: len(said)] == said
    return said, whole[len(said) :]


@torch.inference_mode()
def likelihoods(
    model: LlamaForCausalLM, words: PreTrainedTokenizerFast, rows: Sequence[tuple[Messages, Messages]]
) -> list[tuple[float, int]]:
    """The log-likelihood of each answer after its prompt, and its number of tokens."""
    found = []
    for start in range(0, len(rows), AT_ONCE):
        parts = [ids(words, *row) for row in rows[start : start + AT_ONCE]]
        longest = max(len(said) + len(answer) for said, answer in parts)
        tokens = torch.full((len(parts), longest), words.pad_token_id)
        labels = torch.full((len(parts), longest), -100)
        for place, (said, answer) in enumerate(parts):
            end = len(said) + len(answer)
            tokens[place, :end] = torch.tensor(said + answer)
            labels[place, len(said) : end] = torch.tensor(answer)
        logits = model(input_ids=tokens, attention_mask=tokens.ne(words.pad_token_id)).logits[:, :-1]
        losses = cross_entropy(logits.transpose(1, 2), labels[:, 1:], reduction="none", ignore_index=-100)
        found += [(-total, len(answer)) for total, (_, answer) in zip(losses.sum(1).tolist(), parts, strict=True)]
    return found


@torch.inference_mode()
def answers(model: LlamaForCausalLM, words: PreTrainedTokenizerFast, prompts: Sequence[Messages]) -> list[str]:
    """What the model writes, always the likeliest token."""
    found: list[str] = [""] * len(prompts)
    said = [words.apply_chat_template(prompt, add_generation_prompt=True, return_dict=False) for prompt in prompts]
    order = sorted(range(len(said)), key=lambda place: len(said[place]))
    for start in range(0, len(order), AT_ONCE):
        places = order[start : start + AT_ONCE]
        given: Any = words.pad(
            {"input_ids": [said[place] for place in places]}, padding_side="left", return_tensors="pt"
        )
        written = model.generate(**given, do_sample=False, max_new_tokens=MOST_WRITTEN)
        for place, tokens in zip(places, written[:, given["input_ids"].shape[1] :], strict=True):
            found[place] = words.decode(tokens, skip_special_tokens=True)
    return found


def of_pairs(
    model: LlamaForCausalLM, words: PreTrainedTokenizerFast, pairs: Iterable[dict[str, Any]]
) -> list[tuple[tuple[float, int], tuple[float, int]]]:
    """The likelihoods of the chosen and of the rejected answer of each pair."""
    given = list(pairs)
    chosen, rejected = (
        likelihoods(model, words, [(pair["prompt"], pair[side]) for pair in given]) for side in ("chosen", "rejected")
    )
    return list(zip(chosen, rejected, strict=True))
