"""synthgen: human-written seed tasks in, SFT and DPO datasets out.

>>> import synthgen
>>> run = synthgen.expand(seeds="seeds/", out="runs/first", target=200, teacher="rehearsal")  # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

from synthgen.errors import SynthgenError

if TYPE_CHECKING:
    from synthgen.api import Run, aanswer, aexpand, answer, expand

__all__ = ["Run", "SynthgenError", "aanswer", "aexpand", "answer", "expand"]


def __getattr__(name: str) -> Any:
    """The names of `synthgen.api`, imported when they are first used: the command line starts without them."""
    if name in __all__:
        from synthgen import api

        return getattr(api, name)
    raise AttributeError(f"module 'synthgen' has no attribute {name!r}")
