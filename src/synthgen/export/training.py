"""Training configs beside the dataset, ready to start: scripts for TRL, YAML for axolotl and LLaMA-Factory.

Each is a text of `recipes/` for a config that has rows to train on. They name the folder by where they stand in it, never by its path.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path

FOLDER = "training"
NEEDED: Mapping[str, tuple[str, str]] = {
    "trl_sft.py": ("sft", ""),
    "trl_dpo.py": ("dpo", ""),
    "axolotl_sft.yml": ("sft_messages", ""),
    "axolotl_dpo.yml": ("dpo", ""),
    "llamafactory_sft.yaml": ("sft_messages", "llamafactory/sft.{split}.jsonl"),
    "llamafactory_dpo.yaml": ("dpo", "llamafactory/dpo.{split}.jsonl"),
}
"""File to the config it trains on, and the files of another shape that it reads; "" for none."""
TESTED: Mapping[str, str] = {
    "axolotl_sft": """\
test_datasets:
  - path: .
    name: sft_messages
    split: test
    type: chat_template
    field_messages: messages""",
    "axolotl_dpo": """\
test_datasets:
  - path: .
    name: dpo
    split: test
    type: chat_template.default
    field_messages: prompt""",
    "llamafactory_sft": "eval_dataset: synthgen_sft_test\neval_strategy: epoch",
    "llamafactory_dpo": "eval_dataset: synthgen_dpo_test\neval_strategy: epoch",
}
"""What a config says of a test split. A script looks whether there is one."""
UNTESTED: Mapping[str, str] = {"axolotl": "val_set_size: 0", "llamafactory": "val_size: 0"}
"""What it says where there is none: nothing is taken from train for it."""


def write(folder: Path, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Write the scripts and configs for what the folder holds: configs with rows in train."""
    for name, text in texts(folder, counts):
        (folder / FOLDER).mkdir(exist_ok=True)
        (folder / FOLDER / name).write_text(text, encoding="utf-8")


def texts(folder: Path, counts: Mapping[str, Mapping[str, int]]) -> Iterator[tuple[str, str]]:
    """(name, text) of every file that has something to train on. Another shape may not hold all rows, and then has no file."""
    for name, (config, path) in NEEDED.items():
        counted = (split for split, rows in counts.get(config, {}).items() if rows)
        splits = {split for split in counted if not path or (folder / path.format(split=split)).is_file()}
        if "train" in splits:
            yield name, filled(name.partition(".")[0], tested="test" in splits)


def filled(name: str, *, tested: bool) -> str:
    """The text of a file, where there is a test split or none."""
    text = recipe(name)
    if name in TESTED:
        return text.replace("@@TESTS@@", TESTED[name] if tested else UNTESTED[name.partition("_")[0]])
    return text.replace("@@SHARED@@", recipe("trl_shared").strip())


@cache
def recipe(name: str) -> str:
    """A text that is shipped."""
    return resources.files("synthgen.export").joinpath("recipes", f"{name}.txt").read_text(encoding="utf-8")
