"""JSON lines for hosted fine-tuning, in OpenAI's shape: Azure, Together and Fireworks take it too.

Sources: OpenAI's guides "Supervised fine-tuning" (formatting your data) and "Direct preference optimization" (data format, one-turn
conversations); Together's "Data preparation", which refuses files with fields of two formats; Fireworks' "Direct Preference
Optimization" (one assistant message on each side). Fields of the contract stand there and no others.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from synthgen.export.formats.view import View, compact, tagged, with_content, wrong_fields
from synthgen.export.rows import Row


def messages_of(messages: Sequence[Row]) -> list[Row] | str:
    """Messages as the service has them: arguments of calls as JSON text, no name beside a tool's answer."""
    return wrong_ids(messages) or [message_of(one) for one in messages]


def wrong_ids(messages: Sequence[Row]) -> str:
    """Why the service would not know which call is answered by what; "" where every call that is not the last word is answered."""
    waiting: set[object] = set()
    for message in messages:
        if message["role"] == "tool":
            if message.get("tool_call_id") not in waiting:
                return "no_call_id"
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            return "unanswered_call"
        ids = [call.get("id") for call in orjson.loads(message.get("tool_calls") or "[]")]
        if not all(isinstance(one, str) and one for one in ids):
            return "no_call_id"
        waiting = set(ids)
    return ""


def message_of(message: Row) -> Row:
    """One message."""
    content, calls = tagged(message), message.get("tool_calls")
    found: Row = {"role": message["role"]}
    if content or not calls:
        found["content"] = content
    if calls:
        found["tool_calls"] = [
            {**call, "function": {**call["function"], "arguments": compact(call["function"]["arguments"])}}
            for call in orjson.loads(calls)
        ]
    if message["role"] == "tool":
        found["tool_call_id"] = message["tool_call_id"]
    return found


def offered(row: Row) -> Row:
    """The tools of a row, as a list; nothing where there are none."""
    tools = orjson.loads(row.get("tools") or "[]")
    return {"tools": tools, "parallel_tool_calls": True} if tools else {}


def write_sft(row: Row, _split: str, _number: int) -> Row | str:
    """A conversation."""
    messages = messages_of(row["messages"])
    return messages if isinstance(messages, str) else {"messages": messages, **offered(row)}


def write_dpo(row: Row, _split: str, _number: int) -> Row | str:
    """A prompt of one turn with the answer that is preferred and the one that is not."""
    if any(message["role"] not in {"system", "user"} for message in row["prompt"]):
        return "several_turns"
    messages, chosen, rejected = (messages_of(row[name]) for name in ("prompt", "chosen", "rejected"))
    return {
        "input": {"messages": messages, **offered(row)},
        "preferred_output": chosen,
        "non_preferred_output": rejected,
    }


def back(messages: object) -> list[Row] | str:
    """Messages as the folder has them; or what is wrong."""
    if not isinstance(messages, list):
        return "missing_field"
    found = []
    for message in messages:
        one = message_back(message)
        if isinstance(one, str):
            return one
        found.append(one)
    return wrong_ids(found) or found


def message_back(message: object) -> Row | str:
    """One message as the folder has it; or what is wrong."""
    if not isinstance(message, dict) or "role" not in message:
        return "missing_field"
    if not message.keys() <= {"role", "content", "tool_calls", "tool_call_id"}:
        return "other_fields"
    calls = message.get("tool_calls")
    if calls is None and "content" not in message:
        return "missing_field"
    found = with_content({"role": message["role"]}, message.get("content", ""))
    if message["role"] == "tool":
        found["tool_call_id"] = str(message.get("tool_call_id"))
    return found if calls is None else {**found, "tool_calls": calls_back(calls)}


def calls_back(calls: object) -> str:
    """Calls with their arguments as objects, as JSON text; "" for what are none."""
    try:
        return compact([call_back(call) for call in calls]) if isinstance(calls, list) else ""
    except (TypeError, KeyError, orjson.JSONDecodeError):
        return ""


def call_back(call: Row) -> Row:
    """One call with its arguments as an object."""
    called = call["function"]
    return {**call, "function": {**called, "arguments": orjson.loads(called["arguments"])}}


def tools_back(row: Mapping[str, Any]) -> Row:
    """The tools of a row as JSON text; nothing where there are none."""
    return {"tools": compact(row["tools"])} if row.get("tools") else {}


def read_sft(row: Mapping[str, Any]) -> Row | str:
    """The conversation of a row."""
    wrong = wrong_fields(row, ("messages",), ("tools", "parallel_tool_calls"))
    messages = back(row.get("messages"))
    return wrong or (messages if isinstance(messages, str) else {"messages": messages, **tools_back(row)})


def read_dpo(row: Mapping[str, Any]) -> Row | str:
    """Prompt and the two answers of a row."""
    wrong = wrong_fields(row, ("input", "preferred_output", "non_preferred_output"))
    asked = row.get("input")
    if wrong or not isinstance(asked, dict):
        return wrong or "missing_field"
    wrong = wrong_fields(asked, ("messages",), ("tools", "parallel_tool_calls"))
    prompt, chosen, rejected = (
        back(one) for one in (asked.get("messages"), row["preferred_output"], row["non_preferred_output"])
    )
    found = next((one for one in (wrong, prompt, chosen, rejected) if isinstance(one, str) and one), "")
    if found or isinstance(prompt, str):
        return found
    if any(one["role"] == "assistant" for one in prompt):
        return "several_turns"
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected, **tools_back(asked)}


VIEWS = (
    View("sft_messages", "openai/sft.{split}.jsonl", write_sft, read_sft),
    View("dpo", "openai/dpo.{split}.jsonl", write_dpo, read_dpo),
)
