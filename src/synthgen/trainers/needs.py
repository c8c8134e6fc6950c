"""What a check needs that is not part of synthgen: the trainers, a tokenizer's folder. Foreign faults become ours here."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from synthgen.errors import InputError
from synthgen.trainers.template import SAID

MODULES = ("torch", "transformers", "peft", "trl", "accelerate")
INSTALL = "pip install 'synthgen[trainers]'"


def missing() -> tuple[str, ...]:
    """Modules of the extra `trainers` that are not installed."""
    return tuple(name for name in MODULES if find_spec(name) is None)


@contextmanager
def quiet() -> Iterator[None]:
    """Trainers without a network, progress bars, warnings and advice: what matters of it is told by the check."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # read when huggingface_hub is imported, which nothing has done yet
    import datasets

    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
        if shown:
            datasets.enable_progress_bars()


def tokenizer(folder: Path) -> Any:
    """The tokenizer of a model's folder. Raises InputError where there is none that a trainer could use."""
    from transformers import AutoTokenizer

    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; --model takes one with a model's tokenizer and chat template")
    try:
        found = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:  # tokenizers raises plain Exception
        raise InputError(f"no tokenizer can be read from {folder}: {' '.join(str(error).split())}") from error
    if not found.chat_template:
        raise InputError(
            f"the tokenizer of {folder} has no chat template, as base models often have none; "
            "put the template you will train with there as chat_template.jinja"
        )
    try:
        found.apply_chat_template(SAID, tokenize=False)
    except Exception as error:  # a template is a program, and may raise anything
        raise InputError(f"the chat template of {folder} cannot write a question and its answer: {error}") from error
    return found
