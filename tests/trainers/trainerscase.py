"""Rows and folders that trainers are given, and the tiny model that takes them."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from synthgen.trainers import tiny
from synthgen.trainers.look import look
from synthgen.trainers.rows import bare
from synthgen.trainers.ways import IGNORED, Setting, make

TEXTS = ("What is the weather in Bergen, and in Kumasi? It rains there. Add 2 and 3: 5. Nothing is known of that.",) * 9


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


def call(name, **arguments):
    """Tool calls as a row has them: JSON text."""
    function = {"name": name, "arguments": arguments}
    return json.dumps([{"type": "function", "id": "c1", "function": function}])


def offered(*names):
    """Tools as a row has them: JSON text."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    return json.dumps([{"type": "function", "function": {"name": name, "parameters": schema}} for name in names])


ASKED = [user("What is the weather in Bergen?")]
CALLED = [
    *ASKED,
    assistant("", reasoning_content="I must look.", tool_calls=call("weather", city="Bergen")),
    {"role": "tool", "content": "rain", "tool_call_id": "c1", "name": "weather"},
]
ADDED = [
    user("Hello"),
    assistant("Hello to you."),
    user("Add 2 and 3"),
    assistant("", tool_calls=call("add", terms=[2, 3])),
]
SUM = [*ADDED, {"role": "tool", "content": "5", "tool_call_id": "c1", "name": "add"}]
PLAIN = [{"role": "system", "content": "Be brief."}, user("Is it known?")]
CONVERSATIONS = (
    (CALLED, assistant("It rains there.", reasoning_content="The tool says rain."), offered("weather")),
    (SUM, assistant("5"), offered("add", "weather")),
    (PLAIN, assistant("Nothing is known of that."), None),
    (ADDED[:3], ADDED[3], offered("add")),
)
"""Prompt, answer and tools of rows: several turns, calls with different arguments, thoughts, an answer that is a call."""


def of_config(config):
    """The hand-made rows of a config."""
    made = []
    for number, (prompt, answer, tools) in enumerate(CONVERSATIONS):
        other = assistant("I will not say.")
        columns = {
            "sft": {"prompt": prompt, "completion": [answer]},
            "sft_messages": {"messages": [*prompt, answer]},
            "dpo": {"prompt": prompt, "chosen": [answer], "rejected": [other]},
            "kto": {"prompt": prompt, "completion": [answer], "label": number % 2 == 0},
            "rl": {"prompt": prompt, "ground_truth": "5", "checks_json": "[]"},
        }[config]
        made.append({**columns, "id": f"row-{number}", "tools": tools})
    return made


def saved(folder: Path, config, rows):
    """Rows as the Parquet of a config."""
    (folder / config).mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / config / "train-00000-of-00001.parquet")
    return folder


def tokenizer():
    """A tokenizer for the hand-made rows."""
    return tiny.tokenizer(TEXTS)


def made(way, rows, folder, **values):
    """The trainer of a way, made of rows as a folder has them."""
    return make(way, [bare(row, f"row {number}") for number, row in enumerate(rows)], setting(folder, **values))


def setting(folder, **values):
    return Setting(tokenizer(), folder, **values)


def looked(way, rows, folder, **values):
    """What a trainer makes of rows."""
    whole = [bare(row, f"row {number}") for number, row in enumerate(rows)]
    chosen = setting(folder, **values)
    return look(way, make(way, whole, chosen), whole, chosen)


def taught(trainer, number=0):
    """The text that an SFT trainer teaches of a row."""
    labels = trainer.train_dataset[number]["labels"]
    return trainer.processing_class.decode([label for label in labels if label != IGNORED])
