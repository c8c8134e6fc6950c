"""A tiny language model with random weights and its tokenizer, made in a second without a download, the same every time.

It shows what a trainer does with rows, not what a model learns from them.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

PIECES, HIDDEN, LAYERS, HEADS, CONTEXT_TOKENS = 2048, 64, 2, 4, 32_768
END, PAD = "<|end|>", "<|pad|>"
ROLES = ("<|tools|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>", "<|call|>")
TEMPLATE = """\
{%- if tools %}<|tools|>{{ tools | tojson }}{{ eos_token }}{% endif %}
{%- for message in messages %}
{%- if message.role == 'assistant' %}<|assistant|>
{%- generation %}
{%- if message.reasoning_content %}<think>{{ message.reasoning_content }}</think>{% endif %}
{{- message.content or '' }}
{%- for call in message.tool_calls or [] %}<|call|>{{ call.function.name }}{{ call.function.arguments | tojson }}{% endfor %}
{{- eos_token }}
{%- endgeneration %}
{%- else %}<|{{ message.role }}|>{{ message.content }}{{ eos_token }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}<|assistant|>{% endif %}
"""
"""Every turn ends with the one token that ends a text, the assistant's within what is learned."""


def tokenizer(texts: Iterable[str]) -> Any:
    """A byte-level tokenizer whose pieces are those of the texts, with a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pieces.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=PIECES, special_tokens=[PAD, END, *ROLES], initial_alphabet=alphabet, show_progress=False
    )
    pieces.train_from_iterator(texts, trainer)
    made = PreTrainedTokenizerFast(tokenizer_object=pieces, eos_token=END, pad_token=PAD)
    made.chat_template = TEMPLATE
    return made


def model(tokenizer: Any, *, rewarding: bool = False) -> Any:
    """A Llama of two layers for a tokenizer of any size; with one number at its end instead of the next token's odds."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN,
        intermediate_size=2 * HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=CONTEXT_TOKENS,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id,
        num_labels=1,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        return LlamaForSequenceClassification(config) if rewarding else LlamaForCausalLM(config)


def write(folder: Path, texts: Iterable[str]) -> Path:
    """The model and its tokenizer as a folder that `from_pretrained` opens."""
    made = tokenizer(texts)
    model(made).save_pretrained(folder)
    made.save_pretrained(folder)
    return folder
