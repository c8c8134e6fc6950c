"""Training configs beside the dataset, ready to start: scripts for TRL, YAML for axolotl and LLaMA-Factory.

Each is a text of `recipes/` for a config that has rows to train on. They name the folder by where they stand in it, never by its path.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

FOLDER = "training"
NEEDED: Mapping[str, tuple[str, str]] = {
    "trl_sft.py": ("sft", ""),
    "trl_dpo.py": ("dpo", ""),
    "axolotl_sft.yml": ("sft_messages", ""),
    "axolotl_dpo.yml": ("dpo", ""),
    "llamafactory_sft.yaml": ("sft", "llamafactory"),
    "llamafactory_dpo.yaml": ("dpo", "llamafactory"),
}
"""File to the config it trains on, and the format it needs; "" for none."""
TESTS = """\
test_datasets:
  - path: .
    name: {config}
    split: test
    type: {kind}
    field_messages: {field}"""
NO_TESTS = "val_set_size: 0"


def write(folder: Path, counts: Mapping[str, Mapping[str, int]], formats: Sequence[str]) -> None:
    """Write the scripts and configs for what the folder holds: configs with rows in train."""
    for name, text in texts(counts, formats):
        (folder / FOLDER).mkdir(exist_ok=True)
        (folder / FOLDER / name).write_text(text, encoding="utf-8")


def texts(counts: Mapping[str, Mapping[str, int]], formats: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(name, text) of every file that has something to train on."""
    for name, (config, shape) in NEEDED.items():
        splits = counts.get(config, {})
        if splits.get("train") and (not shape or shape in formats):
            yield name, filled(name, config, tested=bool(splits.get("test")))


def filled(name: str, config: str, *, tested: bool) -> str:
    """The text of a file, for a config with a test split or without."""
    kind, field = ("chat_template.default", "prompt") if config == "dpo" else ("chat_template", "messages")
    tests = TESTS.format(config=config, kind=kind, field=field) if tested else NO_TESTS
    text = recipe(name.partition(".")[0])
    return text.replace("@@SHARED@@", recipe("trl_shared").strip()).replace("@@TESTS@@", tests)


@cache
def recipe(name: str) -> str:
    """A text that is shipped."""
    return resources.files("synthgen.export").joinpath("recipes", f"{name}.txt").read_text(encoding="utf-8")
