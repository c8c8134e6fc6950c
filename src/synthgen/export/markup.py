"""Strings, lists and tables that no name and no text of a model can break: YAML and Markdown of the card."""

from collections.abc import Sequence

import orjson


def listed(name: str, values: tuple[str, ...] | list[str]) -> list[str]:
    """A YAML list of strings; nothing for an empty one."""
    return [f"{name}:", *(f"- {quoted(value)}" for value in values)] if values else []


def quoted(text: str) -> str:
    """A string that YAML takes as it is: JSON, with what cannot be printed escaped."""
    whole = orjson.dumps(text).decode()
    return "".join(one if one.isprintable() else escaped(ord(one)) for one in whole)


def escaped(code: int) -> str:
    """A YAML escape of one code point."""
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def plain(text: object) -> str:
    """A value on one line, which cannot end a code span."""
    return " ".join(str(text).split()).replace("`", "'")


def cell(text: object) -> str:
    """A value that can end no table cell, and is neither markup nor a link."""
    return "".join(f"\\{one}" if one in "\\|<[" else one for one in plain(text))


def table(head: tuple[str, ...], rows: Sequence[Sequence[str | int]]) -> str:
    """A Markdown table."""
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(cell(value) for value in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)
