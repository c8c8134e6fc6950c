"""Finding the processes that a run has started, by a mark in their environment."""

import time
from pathlib import Path

MARK = "SYNTHGEN_TEST_MARK"


def living(mark: str) -> list[int]:
    """The living processes that have this mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}\0".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def gone(mark: str, seconds: float = 15) -> bool:
    """Whether every process with this mark has ended, within a while."""
    until = time.monotonic() + seconds
    while living(mark):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def named(mark: str, words: str) -> list[int]:
    """Of the processes with this mark, those whose command line holds some words."""
    found = []
    for pid in living(mark):
        try:
            if words in Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode():
                found.append(pid)
        except OSError:
            continue
    return found
