"""What a check is, and what it finds."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Found(NamedTuple):
    """What a check found."""

    passed: bool | None
    """None where it could not be decided."""
    detail: str = ""


Function = Callable[[str, Mapping[str, Any], str], Found]
"""(answer, arguments, the task's input) to what was found."""
