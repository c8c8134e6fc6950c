"""ShareGPT: a conversation as turns, the system message the first of them, and the tools beside it.

Source: LLaMA-Factory data/README.md, "Sharegpt Format"; axolotl's conversation page maps `from` and `value` by
`message_property_mappings`. Trainers that take roles as they stand would learn from a `human`: read their page first.
"""

from collections.abc import Mapping
from typing import Any

from synthgen.export.formats import turns
from synthgen.export.formats.view import View, wrong_fields
from synthgen.export.rows import Row


def write(row: Row, _split: str, _number: int) -> Row | str:
    """A conversation."""
    found = turns.turns(row["messages"])
    return found if isinstance(found, str) else {"conversations": found, "tools": turns.functions(row)}


def read(row: Mapping[str, Any]) -> Row | str:
    """The conversation of a row."""
    wrong = wrong_fields(row, ("conversations",), ("tools",))
    messages = turns.messages_of(row.get("conversations"))
    return wrong or (messages if isinstance(messages, str) else {"messages": messages, **turns.tools_of(row)})


VIEWS = (View("sft_messages", "sharegpt/sft.{split}.jsonl", write, read),)
