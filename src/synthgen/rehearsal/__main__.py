"""`python -m synthgen.rehearsal`: the rehearsal teacher as a server."""

import argparse
import asyncio
import contextlib
import signal
import sys

from synthgen.rehearsal.server import Options, serve


def main() -> None:
    """Read the options and serve until a signal."""
    parser = argparse.ArgumentParser(prog="synthgen rehearsal")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--profile", choices=("strong", "weak", "narrow"), default="strong")
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--jitter-ms", type=float, default=0)
    parser.add_argument("--fail-rate", type=float, default=0)
    parser.add_argument("--without", action="append", default=[], help="a parameter to refuse")
    parser.add_argument("--watch-stdin", action="store_true")
    given = parser.parse_args()
    options = Options(
        f"rehearsal-{given.profile}",
        given.latency_ms / 1000,
        given.jitter_ms / 1000,
        given.fail_rate,
        tuple(given.without),
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(serve(options, given.port, watch_stdin=given.watch_stdin))
        except OSError as error:
            sys.exit(f"synthgen: cannot listen on port {given.port}: {error.strerror}; choose another with --port")


if __name__ == "__main__":
    main()
