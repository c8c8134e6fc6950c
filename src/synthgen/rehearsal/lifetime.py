"""How a rehearsal server begins and ends: one line that names its port, and no life beyond its parent's."""

import os
import sys
import threading

import orjson


def announce(port: int, model: str) -> None:
    """Print where the server listens and what it serves, as one JSON line."""
    print(orjson.dumps({"port": port, "model": model}).decode(), flush=True)


def watch_stdin() -> None:
    """End this process when its standard input does."""
    threading.Thread(target=die_with_parent, daemon=True).start()


def die_with_parent() -> None:
    """Wait for the end of the pipe from the parent, which comes however the parent ends."""
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)
