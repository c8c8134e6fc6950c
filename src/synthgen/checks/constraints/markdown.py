"""What a text is divided into: lines, paragraphs, parts between dividers; fenced code is kept apart. All in linear time."""

import re
from collections.abc import Iterator

from synthgen.text.tokens import words

FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
RULE = re.compile(r"\s*(?:(?:\*\s*){3,}|(?:-\s*){3,}|(?:_\s*){3,})")
HEADING = re.compile(r"\s{0,3}#{1,6}\s")
DECORATION = "#*_> \t"
"""What may stand around a heading."""


def lines(text: str) -> Iterator[tuple[str, bool]]:
    """The lines of a text, and whether each is part of fenced code."""
    closing = ""
    for line in text.splitlines():
        found = FENCE.match(line)
        if closing:
            yield line, True
            if found is not None and found[1].startswith(closing) and not line.strip(" \t`~"):
                closing = ""
        elif found is not None:
            closing = found[1]
            yield line, True
        else:
            yield line, False


def prose(text: str) -> list[str]:
    """The lines that are no code."""
    return [line for line, code in lines(text) if not code]


def paragraphs(text: str) -> list[str]:
    """What stands between blank lines and holds words, apart from headings and rules; a block of code is never cut."""
    parts: list[list[str]] = [[]]
    for line, code in lines(text):
        if code or line.strip():
            parts[-1].append(line)
        else:
            parts.append([])
    return ["\n".join(part) for part in parts if any(words(line) and not HEADING.match(line) for line in part)]


def divided(text: str, divider: str) -> list[str]:
    """What stands between lines that hold nothing but the divider."""
    parts: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip().replace("\\", "") == divider:
            parts.append([])
        else:
            parts[-1].append(line)
    return ["\n".join(part) for part in parts]


def first_words(text: str) -> list[str]:
    """The words with which a text begins, as many as matter."""
    return words(text[:500])
