"""Conversations as turns of two sides, from and value: what ShareGPT began and LLaMA-Factory reads.

The sides are human and observation (what a tool answers), gpt and function_call; they alternate strictly. Source: LLaMA-Factory
data/README.md, "Sharegpt Format", and the formatters by which it reads a call (one object or a list of {name, arguments}).
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import orjson

from synthgen.export.formats.view import CLOSE, OPEN, THOUGHT, compact, tagged, with_content
from synthgen.export.rows import Row

TAGS = {"user": "human", "assistant": "gpt", "system": "system", "tool": "observation"}
ROLES = {tag: role for role, tag in TAGS.items()} | {"function_call": "assistant"}


def turns(messages: Sequence[Row]) -> list[Row] | str:
    """Messages as turns; or why they cannot be."""
    if any(one["role"] == "tool" == other["role"] for one, other in pairwise(messages)):
        return "parallel_results"
    if any(one.get("tool_calls") and one["content"] for one in messages):
        return "text_beside_call"
    return [turn(one) for one in messages]


def turn(message: Row) -> Row:
    """One message as a turn."""
    if not message.get("tool_calls"):
        return {"from": TAGS[message["role"]], "value": tagged(message)}
    calls = [
        {"name": call["function"]["name"], "arguments": call["function"]["arguments"]}
        for call in orjson.loads(message["tool_calls"])
    ]
    thought = message.get("reasoning_content")
    before = f"{OPEN}{thought}{CLOSE}" if thought else ""
    return {"from": "function_call", "value": before + compact(calls if len(calls) > 1 else calls[0])}


def functions(row: Row) -> str:
    """The functions that a row offers, as JSON text; "" for none."""
    tools = orjson.loads(row.get("tools") or "[]")
    return compact([tool["function"] for tool in tools]) if tools else ""


def messages_of(found: object) -> list[Row] | str:
    """Turns as messages; or what is wrong."""
    if not isinstance(found, list):
        return "missing_field"
    messages = []
    for one in found:
        message = message_of(one)
        if isinstance(message, str):
            return message
        messages.append(message)
    return messages


def message_of(one: object) -> Row | str:
    """One turn as a message; or what is wrong."""
    if not isinstance(one, dict) or one.keys() != {"from", "value"}:
        return "missing_field"
    tag = one["from"]
    if not isinstance(tag, str) or tag not in ROLES:
        return "unknown_tag"
    message: Row = {"role": ROLES[tag]}
    return called(message, one["value"]) if tag == "function_call" else with_content(message, one["value"])


def called(message: Row, value: object) -> Row:
    """An assistant's message that calls functions; what cannot be read is left for the contract to refuse."""
    if not isinstance(value, str):
        return {**message, "content": "", "tool_calls": ""}
    thought = THOUGHT.match(value)
    found = {**message, "content": "", **({"reasoning_content": thought[1]} if thought else {})}
    try:
        calls = orjson.loads(value[thought.end() :] if thought else value)
    except orjson.JSONDecodeError:
        return {**found, "tool_calls": ""}
    calls = calls if isinstance(calls, list) else [calls]
    return {**found, "tool_calls": compact([{"type": "function", "function": call} for call in calls])}


def tools_of(row: Mapping[str, Any]) -> Row:
    """The tools of a row as the folder has them; nothing where there are none."""
    text = row.get("tools")
    if text == "" or text is None:
        return {}
    try:
        found = orjson.loads(text)
    except (TypeError, orjson.JSONDecodeError):
        return {"tools": ""}
    return {
        "tools": compact([{"type": "function", "function": one} for one in found]) if isinstance(found, list) else ""
    }
