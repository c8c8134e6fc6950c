"""What a view of the rows is, and what several of them need: messages of role and content alone, and thoughts in tags."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from synthgen.export import contract
from synthgen.export.rows import Row

OPEN, CLOSE = "<think>\n", "\n</think>\n\n"
THOUGHT = re.compile(re.escape(OPEN) + "(.*?)" + re.escape(CLOSE), re.DOTALL)
MEANINGS: Mapping[str, str] = {
    "missing_field": "a field of the contract is missing, or of another kind",
    "no_call_id": "a call has no id, or a tool's answer names no call that waits for one",
    "other_fields": "there are fields that the contract does not have: some services refuse the whole file",
    "parallel_results": "several tools answer in a row: turns of two sides have no place for that",
    "several_turns": "the prompt has several turns: the format takes one",
    "text_beside_call": "an assistant speaks and calls a tool in one message: a turn is one of the two",
    "tools": "tools are called or offered: the format has no place for them",
    "unanswered_call": "the conversation goes on before every call is answered",
    "unknown_tag": "a turn is from none of human, gpt, system, function_call and observation",
}
"""What each further fault means."""


@dataclass(frozen=True, slots=True)
class View:
    """How the rows of one config of the folder stand in the files of a format, one for each split."""

    config: str
    """Whose rows it takes, and whose contract holds for them."""
    path: str
    """Of its files, with `{split}`, relative to the dataset folder."""
    write: Callable[[Row, str, int], Row | str | None]
    """A row as it stands there, by its split and its number in it; or why the format cannot hold it; None for a row of another
    of its views."""
    read: Callable[[Mapping[str, Any]], Row | str]
    """What is trained on of such a row, as the folder has it; or what is wrong."""
    fields: Mapping[str, Any] | None = None
    """Of a Parquet file: column to a kind that `writing.schema` knows. None for JSON lines."""

    def fault(self, row: Mapping[str, Any]) -> str:
        """Why a row that stands in one of its files must not be trained on; "" for a good one."""
        found = self.read(row)
        return found if isinstance(found, str) else contract.fault(self.config, found)


def has_tools(row: Row) -> bool:
    """Whether a row offers tools, or one of its messages calls one or is one's answer."""
    said = (message for value in row.values() if isinstance(value, list) for message in value)
    return bool(row.get("tools")) or any(one["role"] == "tool" or one.get("tool_calls") for one in said)


def tagged(message: Row) -> str:
    """The content of a message, after what was thought before it, in tags: where there is no field for that."""
    thought = message.get("reasoning_content")
    return f"{OPEN}{thought}{CLOSE}{message['content']}" if thought else str(message["content"])


def untagged(content: str) -> Row:
    """Content, and what was thought before it where tags say so."""
    found = THOUGHT.match(content)
    return {"content": content[found.end() :], "reasoning_content": found[1]} if found else {"content": content}


def plain(messages: Sequence[Row]) -> list[Row]:
    """Messages of role and content alone."""
    return [{"role": message["role"], "content": tagged(message)} for message in messages]


def from_plain(messages: object) -> list[Row] | str:
    """Messages of role and content, thoughts apart; or what is wrong."""
    if not isinstance(messages, list):
        return "missing_field"
    if not all(is_plain(one) for one in messages):
        return (
            "other_fields"
            if all(isinstance(one, dict) and one.keys() > {"role", "content"} for one in messages)
            else "missing_field"
        )
    return [with_content({"role": one["role"]}, one["content"]) for one in messages]


def is_plain(message: object) -> bool:
    """Whether this is a message of role and content alone."""
    return isinstance(message, dict) and message.keys() == {"role", "content"}


def with_content(message: Row, content: Any) -> Row:
    """A message with its content; thoughts of an assistant apart. What is no text is left for the contract to refuse."""
    apart = isinstance(content, str) and message["role"] == "assistant"
    return {**message, **(untagged(content) if apart else {"content": content})}


def wrong_fields(row: Mapping[str, Any], must: Sequence[str], may: Sequence[str] = ()) -> str:
    """Whether a row has other fields than those it must and may have."""
    if not row.keys() >= set(must):
        return "missing_field"
    return "" if row.keys() <= {*must, *may} else "other_fields"


def compact(value: object) -> str:
    """JSON in one line, in the order that it has; "" for what is nested too deep, which the contract refuses."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return ""
