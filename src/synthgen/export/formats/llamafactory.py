"""LLaMA-Factory: turns, the system message and the tools in columns of their own, and a `dataset_info.json` that names all of them.

Source: LLaMA-Factory data/README.md, "Sharegpt Format" (supervised, preference and KTO datasets), and the converter that reads it:
a side of a pair is one turn, not a list; once `columns` or `tags` is given, what is left out of it counts as absent, so all of
them are written. Folder and file names are relative: `dataset_dir` is the folder itself.
"""

from collections.abc import Mapping
from typing import Any

from synthgen.export.formats import turns
from synthgen.export.formats.view import View, wrong_fields
from synthgen.export.rows import Row

INFO = "llamafactory/dataset_info.json"
TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}
COLUMNS = {"messages": "conversations", "system": "system", "tools": "tools"}
FURTHER: Mapping[str, Mapping[str, str]] = {
    "sft_messages": {},
    "dpo": {"chosen": "chosen", "rejected": "rejected"},
    "kto": {"kto_tag": "kto_tag"},
}
"""Config to its columns beside those of all."""
NAMES = {"sft_messages": "sft", "dpo": "dpo", "kto": "kto"}


def beside(row: Row, messages: list[Row]) -> Row | str:
    """Turns, system message and tools."""
    system = messages[0]["content"] if messages[0]["role"] == "system" else ""
    found = turns.turns(messages[1:] if system else messages)
    if isinstance(found, str):
        return found
    return {"conversations": found, "system": system, "tools": turns.functions(row)}


def write_sft(row: Row, _split: str, _number: int) -> Row | str:
    """A conversation."""
    return beside(row, row["messages"])


def write_kto(row: Row, _split: str, _number: int) -> Row | str:
    """A conversation whose last turn is good or bad."""
    found = beside(row, row["prompt"] + row["completion"])
    return found if isinstance(found, str) else {**found, "kto_tag": row["label"]}


def write_dpo(row: Row, _split: str, _number: int) -> Row | str:
    """A prompt and the two turns that may follow it."""
    found, chosen, rejected = beside(row, row["prompt"]), turns.turns(row["chosen"]), turns.turns(row["rejected"])
    wrong = next((one for one in (found, chosen, rejected) if isinstance(one, str)), None)
    if isinstance(found, str) or wrong is not None:
        return wrong or found
    return {**found, "chosen": chosen[0], "rejected": rejected[0]}


def messages_of(row: Mapping[str, Any]) -> list[Row] | str:
    """System message and turns of a row, as messages."""
    messages, system = turns.messages_of(row.get("conversations")), row.get("system", "")
    if isinstance(messages, str) or system == "":
        return messages
    return [{"role": "system", "content": system}, *messages]


def read_sft(row: Mapping[str, Any]) -> Row | str:
    """The conversation of a row."""
    wrong = wrong_fields(row, ("conversations", "system", "tools"))
    messages = messages_of(row)
    return wrong or (messages if isinstance(messages, str) else {"messages": messages, **turns.tools_of(row)})


def read_kto(row: Mapping[str, Any]) -> Row | str:
    """Prompt, answer and label of a row."""
    wrong = wrong_fields(row, ("conversations", "system", "tools", "kto_tag"))
    messages = messages_of(row)
    if wrong:
        return wrong
    if isinstance(messages, str):
        return messages
    sides = {"prompt": messages[:-1], "completion": messages[-1:], "label": row["kto_tag"]}
    return {**sides, **turns.tools_of(row)}


def read_dpo(row: Mapping[str, Any]) -> Row | str:
    """Prompt and both sides of a row."""
    wrong = wrong_fields(row, ("conversations", "system", "tools", "chosen", "rejected"))
    prompt, chosen, rejected = (
        messages_of(row),
        turns.message_of(row.get("chosen")),
        turns.message_of(row.get("rejected")),
    )
    found = wrong or next((one for one in (prompt, chosen, rejected) if isinstance(one, str)), "")
    return found or {"prompt": prompt, "chosen": [chosen], "rejected": [rejected], **turns.tools_of(row)}


VIEWS = (
    View("sft_messages", "llamafactory/sft.{split}.jsonl", write_sft, read_sft),
    View("dpo", "llamafactory/dpo.{split}.jsonl", write_dpo, read_dpo),
    View("kto", "llamafactory/kto.{split}.jsonl", write_kto, read_kto),
)


def info(written: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """`dataset_info.json` for the (config to split to rows) that were written: one dataset for each split."""
    return {name_of(config, split): entry(config, split) for config, splits in written.items() for split in splits}


def name_of(config: str, split: str) -> str:
    """What a dataset is called in a training config."""
    return f"synthgen_{NAMES[config]}_{split}"


def entry(config: str, split: str) -> dict[str, Any]:
    """One dataset."""
    return {
        "file_name": f"{NAMES[config]}.{split}.jsonl",
        "formatting": "sharegpt",
        "ranking": config == "dpo",
        "columns": {**COLUMNS, **FURTHER[config]},
        "tags": TAGS,
    }


def info_fault(one: Mapping[str, Any]) -> str:
    """Why a dataset's entry would be read wrong; "" for a good one. What it is, its file's name says."""
    name = str(one.get("file_name", ""))
    config = next((config for config, short in NAMES.items() if name.startswith(f"{short}.")), None)
    if config is None:
        return "file_name"
    if one.get("formatting") != "sharegpt" or one.get("tags") != TAGS:
        return "wrong_tags"
    right = one.get("columns") == {**COLUMNS, **FURTHER[config]} and bool(one.get("ranking")) == (config == "dpo")
    return "" if right else "wrong_columns"
