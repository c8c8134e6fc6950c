"""Small dataset folders, made by hand."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow.parquet as pq

from synthgen.export import rows as shapes
from synthgen.export.parquet import SCHEMAS, Files

CARD = """---
license: "{license}"
tags:
- "synthetic"
---

# A dataset
"""


class Made(NamedTuple):
    """One task, with a row in each of its configs."""

    text: str
    side: str = "train"
    root: str = "seed_a"
    category: str = "editing"
    configs: tuple[str, ...] = ("sft", "dpo", "kto", "rl")
    source: str = "teacher"
    answer: str = "It rains on."
    more: Any = {}
    """More metadata."""


def says(role: str, text: str) -> list[dict[str, str]]:
    """One message."""
    return [{"role": role, "content": text}]


def rows_of(number: int, task: Made) -> Iterable[tuple[str, dict[str, Any]]]:
    """(config, row) of a task, `c000001-0-0` and so on; of a seed, after its id."""
    identity = f"c{number:06d}-0-0" if task.source == "teacher" else f"{task.root}-{number}"
    origin = {"teacher": "model-a", "parents": [task.root, "c000000-0"], "instruction_id": f"c{number:06d}-0"}
    about = {**(origin if task.source == "teacher" else {"name": task.root}), **task.more}
    shared = {
        "root_id": task.root,
        "strategy": "direct-answer",
        "category": task.category,
        "source": task.source,
        "metadata_json": orjson.dumps(about).decode(),
    }
    prompt, completion = says("user", task.text), says("assistant", task.answer)
    sft = {"prompt": prompt, "completion": completion, "id": f"{identity}-0", **shared}
    if task.source == "human":
        sft["id"] = identity
    whole = {
        "sft": sft,
        "sft_messages": shapes.as_messages(sft),
        "dpo": {
            "prompt": prompt, "chosen": completion, "rejected": says("assistant", "No."), "score_chosen": 4.0,
            "score_rejected": 2.0, "id": f"{identity}-p", **shared,
        },
        "kto": {"prompt": prompt, "completion": completion, "label": True, "id": f"{identity}-0", **shared},
        "rl": {
            "prompt": prompt, "ground_truth": "7", "check": "number", "check_kind": "answer", "check_source": "seed:x",
            "check_input": "", "checks_json": "[]", "chance": 0.0, "pass_rate": 0.5, "samples": 4,
            "data_source": "synthgen/answer", "reward_model": {"style": "rule", "ground_truth": "7"},
            "extra_info": {"index": identity, "checks_json": "[]", "check_input": ""}, "id": identity, **shared,
        },
    }  # fmt: skip
    for config in SCHEMAS:
        if config in task.configs or (config == "sft_messages" and "sft" in task.configs):
            yield config, whole[config]


def write(folder: Path, tasks: Iterable[Made], licence: str = "unknown", proof: Any = None) -> Path:
    """A dataset folder."""
    folder.mkdir(parents=True)
    with Files(folder) as files:
        for number, task in enumerate(tasks, start=1):
            for config, row in rows_of(number, task):
                files.put(config, task.side, row)
    (folder / "README.md").write_text(CARD.format(license=licence))
    if proof is not None:
        (folder / "erasure.json").write_bytes(orjson.dumps(proof))
    return folder


def read(folder: Path, config: str = "sft", split: str = "train") -> list[dict[str, Any]]:
    """The rows of one split of a merged directory; none where it has no file."""
    paths = sorted((folder / "dataset" / config).glob(f"{split}-*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def asks(rows: Iterable[dict[str, Any]]) -> list[str]:
    """What is asked in each row."""
    return [row["prompt"][-1]["content"] for row in rows]
