"""`python -m synthgen.rehearsal`: the rehearsal teacher as a server."""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Coroutine

from synthgen.rehearsal import lifetime, plain
from synthgen.rehearsal.switches import options_of, parser

OF_PLAIN = {"port", "profile", "latency_ms", "plain", "watch_stdin"}
"""Switches that mean something to the plain mode."""


def chosen(given: argparse.Namespace, switches: argparse.ArgumentParser) -> Coroutine[None, None, None]:
    """The server that the switches ask for. Raises ValueError for switches that do not go together."""
    if given.plain:
        for name, value in vars(given).items():
            if name not in OF_PLAIN and value != switches.get_default(name):
                raise ValueError(f"--plain has only a latency; leave out --{name.replace('_', '-')}")
        return plain.serve(f"rehearsal-{given.profile}", given.latency_ms / 1000, given.port)
    # The plain mode starts without aiohttp and the families.
    from synthgen.rehearsal import server

    return server.serve(options_of(given), given.port)


def main() -> None:
    """Read the switches and serve until a signal."""
    switches = parser()
    given = switches.parse_args()
    try:
        serving = chosen(given, switches)
    except ValueError as error:
        switches.error(str(error))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if given.watch_stdin:
        lifetime.watch_stdin()
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(serving)
        except OSError as error:
            sys.exit(f"synthgen: cannot listen on port {given.port}: {error.strerror}; choose another with --port")


if __name__ == "__main__":
    main()
