"""verl: Parquet of `messages` for SFT, and of prompt, truth and what a reward function is given for RL. Tools are left out.

Sources: verl docs/preparation/prepare_data.rst (the five fields of a row) and its RLHFDataset and MultiTurnSFTDataset, which read
`extra_info.index` as a number, hand `messages` to the chat template as they are, and take tools as records, in which Arrow would
mix the arguments of all.
"""

from collections.abc import Mapping
from typing import Any

from synthgen.export.formats.view import View, from_plain, has_tools, plain, wrong_fields
from synthgen.export.rows import Row

SFT = {"messages": "messages"}
INFO = ("split", "index", "id", "checks_json", "check_input")
RL: Mapping[str, Any] = {
    "data_source": "text",
    "prompt": "messages",
    "ability": "text",
    "reward_model": {"style": "text", "ground_truth": "text"},
    "extra_info": {"split": "text", "index": "number", "id": "text", "checks_json": "text", "check_input": "text"},
}


def write_sft(row: Row, _split: str, _number: int) -> Row | str:
    """A conversation."""
    return "tools" if has_tools(row) else {"messages": plain(row["messages"])}


def read_sft(row: Mapping[str, Any]) -> Row | str:
    """The conversation of a row."""
    wrong, messages = wrong_fields(row, tuple(SFT)), from_plain(row.get("messages"))
    return wrong or (messages if isinstance(messages, str) else {"messages": messages})


def write_rl(row: Row, split: str, number: int) -> Row | str:
    """A prompt with its truth. The ability is the task's category."""
    if has_tools(row):
        return "tools"
    given = {name: row["extra_info"][name] for name in ("checks_json", "check_input")}
    return {
        "data_source": row["data_source"],
        "prompt": plain(row["prompt"]),
        "ability": row["category"],
        "reward_model": row["reward_model"],
        "extra_info": {"split": split, "index": number, "id": row["id"], **given},
    }


def read_rl(row: Mapping[str, Any]) -> Row | str:
    """The prompt of a row, whose truth and reward are there."""
    wrong, prompt = wrong_fields(row, tuple(RL)), from_plain(row.get("prompt"))
    if wrong:
        return wrong
    if isinstance(prompt, str):
        return prompt
    reward, info = row["reward_model"], row["extra_info"]
    if not isinstance(reward, dict) or not all(isinstance(reward.get(name), str) for name in ("style", "ground_truth")):
        return "missing_field"
    if not isinstance(info, dict) or not isinstance(info.get("index"), int) or not isinstance(row["data_source"], str):
        return "missing_field"
    return {"prompt": prompt}


VIEWS = (
    View("sft_messages", "verl/sft.{split}.parquet", write_sft, read_sft, SFT),
    View("rl", "verl/rl.{split}.parquet", write_rl, read_rl, RL),
)
