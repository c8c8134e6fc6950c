"""`python -m synthgen.rehearsal`: the rehearsal teacher as a server."""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Coroutine

from synthgen.rehearsal import lifetime, plain

OF_PLAIN = {"port", "profile", "latency_ms", "plain", "watch_stdin"}
"""Options that mean something to the plain mode."""


def parser() -> argparse.ArgumentParser:
    """The options, which docs/rehearsal.md explains."""
    made = argparse.ArgumentParser(prog="synthgen rehearsal", allow_abbrev=False)
    made.add_argument("--port", type=int, default=0)
    made.add_argument("--profile", choices=("strong", "weak", "narrow"), default="strong")
    made.add_argument("--latency-ms", type=float, default=0)
    made.add_argument("--jitter-ms", type=float, default=0)
    made.add_argument("--fail-rate", type=float, default=0)
    made.add_argument("--without", action="append", default=[], help="a parameter to refuse")
    made.add_argument("--plain", action="store_true", help="a fixed reply for next to no CPU, for benchmarks")
    made.add_argument("--watch-stdin", action="store_true", help="end when standard input does")
    return made


def chosen(given: argparse.Namespace, options: argparse.ArgumentParser) -> Coroutine[None, None, None]:
    """The server that the options ask for."""
    model = f"rehearsal-{given.profile}"
    if given.plain:
        more = [
            name for name, value in vars(given).items() if name not in OF_PLAIN and value != options.get_default(name)
        ]
        if more:
            options.error(f"--plain has only a latency; leave out --{more[0].replace('_', '-')}")
        return plain.serve(model, given.latency_ms / 1000, given.port)
    # The plain mode starts without aiohttp and the families.
    from synthgen.rehearsal import server

    return server.serve(
        server.Options(model, given.latency_ms / 1000, given.jitter_ms / 1000, given.fail_rate, tuple(given.without)),
        given.port,
    )


def main() -> None:
    """Read the options and serve until a signal."""
    options = parser()
    given = options.parse_args()
    serving = chosen(given, options)
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
