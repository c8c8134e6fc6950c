"""The switches of the rehearsal, from the command line to its options."""

import argparse
import math
import os
from collections.abc import Callable
from pathlib import Path

from synthgen.rehearsal.options import BATCH_FAULTS, FAULTS, HABITS, LINE_FAULTS, Options


def parser() -> argparse.ArgumentParser:
    """The switches, which docs/rehearsal.md explains."""
    made = argparse.ArgumentParser(prog="synthgen rehearsal", allow_abbrev=False)
    made.add_argument("--port", type=int, default=0, help="0 for a free one")
    made.add_argument("--profile", choices=("strong", "weak", "narrow"), default="strong")
    made.add_argument("--plain", action="store_true", help="a fixed reply for next to no CPU, for benchmarks")
    made.add_argument("--watch-stdin", action="store_true", help="end when standard input does")
    made.add_argument("--latency-ms", type=amount, default=0.0)
    made.add_argument("--jitter-ms", type=amount, default=0.0)
    made.add_argument("--width", type=int, default=0, metavar="N", help="requests worked on at once")
    made.add_argument("--cached", action="store_true", help="tell what a prefix cache would have held")
    made.add_argument("--logprobs", action="store_true", help="logprobs, for requests that want them")
    made.add_argument("--without", action="append", default=[], metavar="NAME", help="a parameter to refuse")
    made.add_argument("--key", default="", metavar="VARIABLE", help="ask for the key that the variable holds")
    made.add_argument("--echo-key", action="store_true", help="show a refused key in the refusal")
    made.add_argument("--requests-per-second", type=amount, default=0.0, metavar="R")
    made.add_argument("--burst", type=amount, default=0.0, metavar="B", help="requests that may come at once")
    made.add_argument("--tokens-per-minute", type=amount, default=0.0, metavar="T")
    made.add_argument("--fail-rate", type=amount, default=0.0, metavar="SHARE", help="of 503, by chance")
    made.add_argument("--fault", type=share_of(FAULTS + HABITS), action="append", default=[], metavar="KIND=SHARE")
    made.add_argument("--fault-seed", type=int, default=0)
    made.add_argument("--retry-after", type=amount, default=1.0, metavar="SECONDS", help="of the fault busy")
    made.add_argument("--drip-seconds", type=amount, default=5.0, help="of the fault drip")
    made.add_argument("--redirect-to", default="http://127.0.0.1:1/", metavar="URL", help="of the fault redirect")
    made.add_argument("--batch-seconds", type=amount, default=1.0, help="how long a batch takes")
    made.add_argument(
        "--batch-fault", type=share_of(BATCH_FAULTS + LINE_FAULTS), action="append", default=[], metavar="KIND=SHARE"
    )
    made.add_argument("--fault-batches", action="store_true", help="--fault comes to files and batches as well")
    made.add_argument("--state", type=Path, metavar="DIR", help="keep files and batches there")
    return made


def amount(text: str) -> float:
    """A number that is not negative."""
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0")
    return value


def share_of(kinds: tuple[str, ...]) -> Callable[[str], tuple[str, float]]:
    """A reader of KIND=SHARE."""

    def read(text: str) -> tuple[str, float]:
        kind, _, share = text.partition("=")
        if kind not in kinds:
            raise argparse.ArgumentTypeError(f"there is no {kind}; the kinds are {', '.join(kinds)}")
        try:
            value = float(share)
        except ValueError:
            value = math.nan
        if not 0 <= value <= 1:
            raise argparse.ArgumentTypeError(f"{text}: a share lies between 0 and 1, as in {kind}=0.1")
        return kind, value

    return read


def shares(given: list[tuple[str, float]], *groups: tuple[str, ...]) -> dict[str, float]:
    """The shares by kind. Raises ValueError where one thing would have to meet two faults of a group."""
    found = dict(given)
    for kinds in groups:
        if sum(found.get(kind, 0.0) for kind in kinds) > 1 + 1e-9:
            raise ValueError(
                f"the shares of {', '.join(kind for kind in kinds if kind in found)} add up to more than 1"
            )
    return found


def key_in(variable: str) -> str:
    """The key that a variable of the environment holds. Raises ValueError where it holds none."""
    found = os.environ.get(variable, "") if variable else ""
    if variable and not found:
        raise ValueError(f"--key names {variable}, which is not set")
    return found


def options_of(given: argparse.Namespace) -> Options:
    """The options of a server. Raises ValueError for switches that do not go together."""
    return Options(
        model=f"rehearsal-{given.profile}",
        latency_seconds=given.latency_ms / 1000,
        jitter_seconds=given.jitter_ms / 1000,
        fail_rate=given.fail_rate,
        without=tuple(given.without),
        faults=shares(given.fault, FAULTS),
        fault_seed=given.fault_seed,
        retry_after_seconds=given.retry_after,
        drip_seconds=given.drip_seconds,
        redirect_to=given.redirect_to,
        requests_per_second=given.requests_per_second,
        burst=given.burst,
        tokens_per_minute=given.tokens_per_minute,
        width=given.width,
        cached=given.cached,
        logprobs=given.logprobs,
        key=key_in(given.key),
        echo_key=given.echo_key,
        batch_seconds=given.batch_seconds,
        batch_faults=shares(given.batch_fault, BATCH_FAULTS, LINE_FAULTS),
        fault_batches=given.fault_batches,
        state=given.state,
    )
