"""What of a tokenizer and its chat template decides whether a model learns to stop, and sees in training what it is asked later."""

from collections.abc import Iterator
from typing import Any

QUESTION, ANSWER = "question", "answer"
ASKED = [{"role": "user", "content": QUESTION}]
SAID = [*ASKED, {"role": "assistant", "content": ANSWER}]


def end_of_turn(tokenizer: Any) -> str:
    """The special token with which the chat template ends what the assistant says; "" for none."""
    after = tokenizer.apply_chat_template(SAID, tokenize=False).rpartition(ANSWER)[2]
    special = {str(token) for token in tokenizer.added_tokens_decoder.values()}
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(after, add_special_tokens=False)["input_ids"])
    return next((token for token in tokens if token in special), "")


def marks_assistant(tokenizer: Any) -> bool:
    """Whether TRL can tell what the assistant says: the template marks it, or is of a family that TRL marks itself."""
    from trl.chat_template_utils import get_training_chat_template, has_generation_markers

    if has_generation_markers(tokenizer.chat_template):
        return True
    try:
        get_training_chat_template(tokenizer)
    except ValueError:
        return False
    return True


def settle(tokenizer: Any) -> Iterator[str]:
    """Give a tokenizer the end token of its template and a token to pad with, as the scripts of a dataset folder do.

    What a user should know of it, a sentence each.
    """
    end = end_of_turn(tokenizer)
    if not end:
        yield "the chat template ends no answer with a special token: a model that learns from it never learns to stop"
    elif end != tokenizer.eos_token:
        yield (
            f"the chat template ends an answer with {end}, the tokenizer a text with {tokenizer.eos_token}: train with "
            f'eos_token="{end}", as training/trl_sft.py does; it is counted so here'
        )
        tokenizer.eos_token = end
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    alone = tokenizer.apply_chat_template(ASKED, tokenize=False, add_generation_prompt=True)
    if not tokenizer.apply_chat_template(SAID, tokenize=False).startswith(alone):
        yield (
            "the chat template writes a prompt otherwise when no answer follows: TRL leaves its end out of training, and a "
            "model is asked what it was not taught"
        )
    if not marks_assistant(tokenizer):
        yield (
            "the chat template does not mark what the assistant says with {% generation %}: TRL refuses assistant_only_loss, so "
            "training on sft_messages was tried on all tokens alone; sft needs no mark"
        )
