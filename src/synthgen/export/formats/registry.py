"""Every format by name. `config.Format` names the same, so that a command refuses another before it reads anything."""

from collections.abc import Mapping

from synthgen.export.formats import alpaca, llamafactory, nemo, openai, sharegpt, verl
from synthgen.export.formats.view import View

VIEWS: Mapping[str, tuple[View, ...]] = {
    "alpaca": alpaca.VIEWS,
    "llamafactory": llamafactory.VIEWS,
    "nemo": nemo.VIEWS,
    "openai": openai.VIEWS,
    "sharegpt": sharegpt.VIEWS,
    "verl": verl.VIEWS,
}
"""Formats that have files of their own."""
TAKES: Mapping[str, tuple[str, ...]] = {
    "axolotl": ("sft_messages", "dpo"),
    "grpo": ("rl",),
    "trl": ("sft", "dpo", "kto", "rl"),
}
"""Trainers that take configs of the folder as they are: nothing more is written for them."""
