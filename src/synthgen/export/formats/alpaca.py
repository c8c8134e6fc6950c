"""Alpaca: the last question as `instruction`, its answer as `output`, earlier turns as `history`; it has no place for tools.

Source: LLaMA-Factory data/README.md, "Alpaca Format", and axolotl's instruction tuning page. `input` is empty: a task and its
input are one message in the folder, and LLaMA-Factory would join the two with one line break more. Rows with a history have a file
of their own: `datasets` takes the kind of a field from the first 10 MB, and could not read a history that begins after them.
"""

from collections.abc import Mapping
from typing import Any

from synthgen.export.formats.view import View, has_tools, tagged, with_content, wrong_fields
from synthgen.export.rows import Row

FIELDS = ("instruction", "input", "output", "system")


def write(row: Row, _split: str, _number: int) -> Row | str | None:
    """A question with its answer, where it is the first."""
    found = whole(row)
    if isinstance(found, str):
        return found
    return None if found.pop("history") else found


def write_turns(row: Row, _split: str, _number: int) -> Row | None:
    """A question with its answer and the turns before it, where there are any."""
    found = whole(row)
    return None if isinstance(found, str) or not found["history"] else found


def whole(row: Row) -> Row | str:
    """A question with its answer and its history."""
    if has_tools(row):
        return "tools"
    messages = row["prompt"]
    system = messages[0]["content"] if messages[0]["role"] == "system" else ""
    said = [tagged(message) for message in (messages[1:] if system else messages)]
    history = [list(pair) for pair in zip(said[:-1:2], said[1::2], strict=True)]
    output = tagged(row["completion"][0])
    return {"instruction": said[-1], "input": "", "output": output, "system": system, "history": history}


def read(row: Mapping[str, Any]) -> Row | str:
    """Prompt and answer of a row."""
    wrong = wrong_fields(row, ("instruction", "output"), (*FIELDS, "history"))
    history = row.get("history", [])
    if wrong or not isinstance(history, list) or not all(isinstance(one, list) and len(one) == 2 for one in history):
        return wrong or "missing_field"
    asked = "\n".join(text for text in (row["instruction"], row.get("input") or "") if isinstance(text, str) and text)
    turns = [*(text for pair in history for text in pair), asked]
    prompt = [with_content({"role": ("user", "assistant")[place % 2]}, text) for place, text in enumerate(turns)]
    system = [{"role": "system", "content": row["system"]}] if row.get("system") else []
    answer = with_content({"role": "assistant"}, row["output"])
    return {"prompt": [*system, *prompt], "completion": [answer]}


VIEWS = (
    View("sft", "alpaca/sft.{split}.jsonl", write, read),
    View("sft", "alpaca/turns.{split}.jsonl", write_turns, read),
)
