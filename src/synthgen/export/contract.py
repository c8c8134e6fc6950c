"""What a row must be so that no trainer drops it, trains on the wrong part of it, or learns to say nothing.

The rules are those of the folder's own configs, and of TRL's dataset formats and trainers, on whose traps each was tried.
A fault is a word, so that faults can be counted; `MEANINGS` says each in a sentence.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from synthgen.text.special import MARKER

ROW_BYTES = 2_000_000
"""Of a row, about: above it the Hub's viewer shows nothing."""
RESERVED = frozenset(
    "text messages conversations prompt completion chosen rejected label labels input_ids image images tools "
    "chat_template_kwargs assistant_masks completion_mask seq_lengths prompt_ids chosen_ids rejected_ids "
    "ref_chosen_logps ref_rejected_logps environment".split()
)
"""Columns to which a trainer gives a meaning of its own: `input_ids` is trained on in the place of the text."""
OWN: Mapping[str, tuple[str, ...]] = {
    "sft": ("prompt", "completion"),
    "sft_messages": ("messages",),
    "dpo": ("prompt", "chosen", "rejected"),
    "kto": ("prompt", "completion", "label"),
    "rl": ("prompt",),
}
"""Config to the columns that it is trained by."""
FOREIGN = {config: RESERVED.difference(names, {"tools"}) for config, names in OWN.items()}
CONTROLS = bytes([*range(9), 11, 12, *range(14, 32), 127])
"""Control characters, in UTF-8."""
SUSPICIOUS = CONTROLS + b"<["
"""Bytes without which a text holds no chat-template marker and no control character: that is seen at once."""
BEGIN, END = "<think>", "</think>"
"""Tags around what was thought. What stands before the end is taken for a thought by templates, and mostly cut off."""
BESIDE = ("metadata_json", "checks_json", "check_input", "ground_truth", "checks_json", "check_input", "ground_truth")
"""Columns that may be long; those of `rl` stand in its rows once more, for verl."""
MEANINGS: Mapping[str, str] = {
    "bad_tool_calls": "tool_calls is not a JSON string of a list of {type, function: {name, arguments: object}}",
    "bad_tools": "tools is not a JSON string of a list of functions",
    "blank": "an assistant or user message says nothing",
    "blank_system": "a system message says nothing: leave it out",
    "empty_prompt": "the prompt has no message of a user",
    "label_not_bool": "the label is neither true nor false",
    "missing_column": "a column that the row is trained by is missing or null",
    "no_assistant": "no assistant answers",
    "not_messages": "a column that should be a list of {role, content} is something else",
    "not_one_answer": "an answer is not one assistant message",
    "not_text": "the content of a message is not text",
    "not_utf8": "a text cannot be written as UTF-8",
    "null_content": "the content of a message is null",
    "prompt_end": "the prompt does not end with what a user or a tool said",
    "prompt_repeated": "chosen or rejected repeats the prompt",
    "reserved_name": "a column has a name to which a trainer gives another meaning",
    "role_order": "the turns are not: system, then user, assistant and tool by turns",
    "same_pair": "chosen and rejected say the same",
    "special_tokens": "a text holds a marker of a chat template, or a control character",
    "tool_without_call": "a tool answers that no assistant called",
    "thought_inside": "an assistant's message holds `</think>` other than at the end of thoughts at its beginning: templates cut it there",
    "too_large": f"the row is over {ROW_BYTES:,} bytes",
    "two_shapes": "the row has both `messages` and `prompt`: a trainer takes either",
    "unfinished": "the conversation does not end with an assistant's answer",
    "unknown_role": "a role is none of system, user, assistant and tool",
}


def fault(config: str, row: Mapping[str, Any]) -> str:
    """Why a row of this config must not be trained on, in a word; "" for a good one."""
    if not FOREIGN[config].isdisjoint(row):
        return "two_shapes" if {"messages", "prompt"} <= row.keys() else "reserved_name"
    parts: list[str] = []
    return SHAPES[config](row, parts) or tools_fault(row.get("tools"), parts) or text_fault(row, parts)


def text_fault(row: Mapping[str, Any], parts: Sequence[str]) -> str:
    """What is wrong with the texts that a trainer renders, or with their size."""
    whole = "\n".join(parts)
    try:
        written = whole.encode()
    except UnicodeEncodeError:
        return "not_utf8"
    if len(written) + beside(row) > ROW_BYTES:
        return "too_large"
    if len(written.translate(None, SUSPICIOUS)) == len(written):
        return ""
    special = MARKER.search(whole) or len(written.translate(None, CONTROLS)) != len(written)
    return "special_tokens" if special else ""


def beside(row: Mapping[str, Any]) -> int:
    """Characters of a row beside its messages, about."""
    held = (row[name] for name in BESIDE if name in row)
    return sum(len(text) for text in held if isinstance(text, str))


def supervised(row: Mapping[str, Any], parts: list[str]) -> str:
    """A prompt and its one answer."""
    prompt, said = row.get("prompt"), row.get("completion")
    return prompt_fault(prompt, parts) or answer_fault(said, parts)


def conversation(row: Mapping[str, Any], parts: list[str]) -> str:
    """A conversation in one list, which an assistant ends."""
    messages = row.get("messages")
    found = turns_fault(messages, parts)
    if found or not isinstance(messages, list):
        return found
    roles = [message["role"] for message in messages]
    if "assistant" not in roles:
        return "no_assistant"
    return "" if roles[-1] == "assistant" else "unfinished"


def preference(row: Mapping[str, Any], parts: list[str]) -> str:
    """A prompt and two answers, which differ and do not repeat it."""
    prompt, chosen, rejected = row.get("prompt"), row.get("chosen"), row.get("rejected")
    found = prompt_fault(prompt, parts) or side_fault(chosen, parts) or side_fault(rejected, parts)
    if found or not isinstance(chosen, list) or not isinstance(rejected, list):
        return found
    return "same_pair" if same(chosen[0], rejected[0]) else ""


def labelled(row: Mapping[str, Any], parts: list[str]) -> str:
    """A prompt, one answer, and whether it is good."""
    return supervised(row, parts) or ("" if isinstance(row.get("label"), bool) else "label_not_bool")


def asked(row: Mapping[str, Any], parts: list[str]) -> str:
    """A prompt that is answered while training."""
    return prompt_fault(row.get("prompt"), parts)


SHAPES: Mapping[str, Callable[[Mapping[str, Any], list[str]], str]] = {
    "sft": supervised,
    "sft_messages": conversation,
    "dpo": preference,
    "kto": labelled,
    "rl": asked,
}


def prompt_fault(messages: object, parts: list[str]) -> str:
    """What is wrong with the messages that a model is to answer."""
    found = turns_fault(messages, parts)
    if found or not isinstance(messages, list):
        return found
    last = messages[-1]["role"]
    if last == "system":
        return "empty_prompt"
    return "prompt_end" if last == "assistant" else ""


def answer_fault(messages: object, parts: list[str]) -> str:
    """What is wrong with the one message of an assistant."""
    if not isinstance(messages, list):
        return "missing_column" if messages is None else "not_messages"
    if len(messages) != 1:
        return "not_one_answer" if messages else "no_assistant"
    found = message_fault(messages[0], parts)
    return found or ("" if messages[0]["role"] == "assistant" else "no_assistant")


def side_fault(messages: object, parts: list[str]) -> str:
    """What is wrong with one side of a pair."""
    if isinstance(messages, list) and len(messages) > 1 and all(isinstance(one, dict) for one in messages):
        repeats = any(one.get("role") in ("user", "system") for one in messages)
        return "prompt_repeated" if repeats else "not_one_answer"
    return answer_fault(messages, parts)


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two answers say and call the same."""
    said = one["content"].strip() == other["content"].strip()
    return said and (one.get("tool_calls") or "") == (other.get("tool_calls") or "")


KNOWN = frozenset({"user", "assistant", "system", "tool"})
"""Roles. A chat template renders any other as it stands, and the model learns to speak in it."""
AFTER: Mapping[str, frozenset[str]] = {
    "": frozenset({"system", "user"}),
    "system": frozenset({"user"}),
    "user": frozenset({"assistant"}),
    "assistant": frozenset({"user"}),
    "calls": frozenset({"tool"}),
    "tool": frozenset({"tool", "assistant"}),
}
"""What may follow: the start of a conversation, a role, or an assistant who `calls` a tool."""


def turns_fault(messages: object, parts: list[str]) -> str:
    """What is wrong with a conversation, whoever has the last word."""
    if not isinstance(messages, list):
        return "missing_column" if messages is None else "not_messages"
    if not messages:
        return "empty_prompt"
    before = ""
    for message in messages:
        found = message_fault(message, parts)
        if found:
            return found
        role = message["role"]
        if role not in AFTER[before]:
            return "tool_without_call" if role == "tool" else "role_order"
        before = "calls" if message.get("tool_calls") else role
    return ""


def message_fault(message: object, parts: list[str]) -> str:
    """What is wrong with a message by itself; its texts are put beside the others."""
    if not isinstance(message, dict):
        return "not_messages"
    try:
        role, content = message["role"], message["content"]
    except KeyError:
        return "not_messages"
    if not isinstance(role, str) or role not in KNOWN:
        return "unknown_role"
    if not isinstance(content, str):
        return "null_content" if content is None else "not_text"
    parts.append(content)
    if len(message) > 2:
        found = extras_fault(message, parts)
        if found:
            return found
    if role == "assistant" and END in content:
        if "reasoning_content" in message or not content.startswith(BEGIN) or content.count(END) > 1:
            return "thought_inside"
        content = content.partition(END)[2]
    if content and not content.isspace():
        return ""
    return "" if role == "tool" or message.get("tool_calls") else "blank_system" if role == "system" else "blank"


TEXTS = ("reasoning_content", "tool_call_id", "name")
"""What a message may have beside its content, as text."""


def extras_fault(message: Mapping[str, Any], parts: list[str]) -> str:
    """What is wrong with what a message has beside role and content."""
    thought = message.get("reasoning_content")
    if isinstance(thought, str) and END in thought:
        return "thought_inside"
    for name in TEXTS:
        text = message.get(name)
        if text is not None:
            if not isinstance(text, str):
                return "not_text"
            parts.append(text)
    calls = message.get("tool_calls")
    if calls is None:
        return ""
    good = message["role"] == "assistant" and isinstance(calls, str) and all_calls(calls, parts)
    return "" if good else "bad_tool_calls"


def tools_fault(tools: object, parts: list[str]) -> str:
    """What is wrong with the functions that may be called. None is no fault."""
    if tools is None:
        return ""
    return "" if isinstance(tools, str) and all_functions(tools, parts) else "bad_tools"


def listed(text: str, parts: list[str]) -> list[Any] | None:
    """The list that a JSON string holds; None for anything else.

    It is put beside the other texts as a chat template writes it: without escapes, behind which a marker could hide.
    """
    try:
        found = orjson.loads(text)
        parts.append(orjson.dumps(found).decode())
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # the second for what is nested too deep
        return None
    return found if isinstance(found, list) else None


def all_calls(text: str, parts: list[str]) -> bool:
    """Whether a JSON string is a list of at least one call, each with its function's name and arguments."""
    calls = listed(text, parts)
    return bool(calls) and all(is_call(one) for one in calls or ())


def is_call(one: object) -> bool:
    """Whether this is the call of a function with an object of arguments."""
    if not isinstance(one, dict) or one.get("type") != "function" or not isinstance(one.get("function"), dict):
        return False
    called = one["function"]
    return isinstance(called.get("name"), str) and isinstance(called.get("arguments"), dict)


def all_functions(text: str, parts: list[str]) -> bool:
    """Whether a JSON string is a list of functions, or of nothing."""
    tools = listed(text, parts)
    return tools is not None and all(is_function(one) for one in tools)


def is_function(one: object) -> bool:
    """Whether this describes a function by its name."""
    if not isinstance(one, dict) or one.get("type") != "function" or not isinstance(one.get("function"), dict):
        return False
    return isinstance(one["function"].get("name"), str)
