"""Chat-template markers, which would end a turn or begin another when a trainer renders a row, and control characters."""

import re

MARKER = re.compile(
    r"<[|｜][a-z0-9_▁]{2,40}[|｜]>|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>",
    re.IGNORECASE,
)
"""The markers alone, which are found five times as fast. Each begins with `<` or `[`, and none goes over the end of a line."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""The control characters alone."""
SPECIAL = re.compile(f"{MARKER.pattern}|{CONTROL.pattern}", re.IGNORECASE)


def special_tokens(text: str) -> str | None:
    """The first chat-template marker or control character of a text, or None.

    >>> special_tokens("so be it <|im_end|> and more")
    '<|im_end|>'
    """
    found = SPECIAL.search(text)
    return found[0] if found else None
