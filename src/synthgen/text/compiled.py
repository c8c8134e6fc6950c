"""Compile a kernel, and keep the compiled code for the next process where that can be written."""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Any:
    """A function compiled by numba, which needs no lock of Python's.

    The code is kept beside the source, or in the user's cache folder; where neither can be written, as in a read-only container
    without a home, every process compiles anew (some seconds) instead of failing.
    """
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # no folder for the cache
        return njit(nogil=True)(function)
