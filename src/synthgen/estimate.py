"""What a run will cost, from a pilot of a few calls: a ratio with an interval, by resampling the calls of the grow loop.

A cluster is one proposing call with everything that follows from it: its instructions, their tasks, answers and verdicts. The estimate
is the ratio of what the clusters cost to what was accepted of them; resampled clusters give the interval (Efron 1979, the
percentile bootstrap), so that calls which bring nothing count as they should.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from synthgen import jsonl
from synthgen.config import RunConfig
from synthgen.errors import InputError
from synthgen.runs import STAGES, RunDir
from synthgen.teacher.ledger import Ledger

CLUSTER = len("c000000")
"""Characters of an id that name its proposing call."""
RESAMPLES = 2_000
LEVEL = 0.95
FEW = 8
"""Clusters below which an interval says little."""
QUANTITIES = ("cost_usd", "calls", "prompt_tokens", "completion_tokens")


@dataclass(slots=True)
class Cluster:
    """What came of one proposing call."""

    accepted: int = 0
    keys: set[str] = field(default_factory=set)
    """Of the ledger."""


def estimated(run: RunDir, config: RunConfig, target: int) -> dict[str, Any]:
    """What `target` accepted instructions take in all, as far as the calls of the run so far tell."""
    clusters = clusters_of(run)
    accepted = sum(one.accepted for one in clusters)
    if not accepted:
        raise InputError(
            "the pilot accepted nothing, so nothing can be estimated; look at rejected/, or take more with --n"
        )
    with Ledger(run.ledger(config), reading=True) as ledger:
        known = ledger.uses({key for one in clusters for key in one.keys})
        # A run's own ledger also holds the calls that were repaired; one that is shared holds those of others.
        steps = (
            by_step(known.values()) if config.ledger else {name: one.cost_usd for name, one in ledger.costs().items()}
        )
        paid = ledger.totals()
    used = [sums(known[key] for key in one.keys if key in known) for one in clusters]
    whole = {name: ratio_of(name, used, clusters, target, config.seed) for name in QUANTITIES}
    return {
        "target": target,
        "pilot": {
            "proposing_calls": len(clusters),
            "accepted": accepted,
            "calls": len(known) if config.ledger else paid.calls,
            "cost_usd": round(sum(steps.values()), 6),
        },
        **whole,
        "cost_usd_by_step": {name: round(usd / accepted * target, 6) for name, usd in sorted(steps.items())},
        "few": len(clusters) < FEW,
    }


def clusters_of(run: RunDir) -> list[Cluster]:
    """The clusters of a run, in the order of their calls."""
    found: defaultdict[str, Cluster] = defaultdict(Cluster)
    for name, stages in STAGES.items():
        for row in rows_of(run, name, stages):
            one = found[str(row["id"])[:CLUSTER]]
            one.accepted += name == "instructions" and "instruction" in row
            one.keys.update(filter(None, (row.get("call", ""), *row.get("calls", {}).values())))
    return [found[name] for name in sorted(found)]


def rows_of(run: RunDir, name: str, rejected: Sequence[str]) -> Iterator[dict[str, Any]]:
    """What a stage accepted, then what it rejected."""
    for path in (run.accepted(name), *(run.rejected(stage) for stage in rejected)):
        yield from jsonl.rows(path)


def by_step(uses: Iterable[tuple[str, float, int, int]]) -> dict[str, float]:
    """US dollars by step."""
    found: defaultdict[str, float] = defaultdict(float)
    for step, usd, _, _ in uses:
        found[step] += usd
    return found


def sums(uses: Iterable[tuple[str, float, int, int]]) -> dict[str, float]:
    """What a cluster took."""
    found = dict.fromkeys(QUANTITIES, 0.0)
    for _, usd, prompt, completion in uses:
        for name, value in zip(QUANTITIES, (usd, 1, prompt, completion), strict=True):
            found[name] += value
    return found


def ratio_of(
    name: str, used: Sequence[Mapping[str, float]], clusters: Sequence[Cluster], target: int, seed: int
) -> dict[str, float | None]:
    """A quantity for `target` accepted ones, with the ends of its interval; no interval from a single cluster."""
    pairs = [(one[name], cluster.accepted) for one, cluster in zip(used, clusters, strict=True)]
    drawn = sorted(resampled(pairs, Random(f"synthgen/estimate/{seed}/{name}")))  # noqa: S311  # sampling, not secrets
    low, high = (
        (drawn[int(share * (len(drawn) - 1))] for share in ((1 - LEVEL) / 2, (1 + LEVEL) / 2)) if drawn else (0, 0)
    )
    middle = sum(value for value, _ in pairs) / sum(count for _, count in pairs)
    ends = (low, high) if len(pairs) > 1 else (None, None)
    return {
        "estimate": round(middle * target, 6),
        "low": round(ends[0] * target, 6) if ends[0] is not None else None,
        "high": round(ends[1] * target, 6) if ends[1] is not None else None,
    }


def resampled(pairs: Sequence[tuple[float, int]], rng: Random) -> Iterator[float]:
    """The ratio in samples of as many clusters, drawn with replacement; those in which nothing was accepted are left out."""
    for _ in range(RESAMPLES):
        drawn = rng.choices(pairs, k=len(pairs))
        count = sum(one for _, one in drawn)
        if count:
            yield sum(value for value, _ in drawn) / count


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The estimate in plain words."""
    pilot = found["pilot"]
    yield f"pilot: {pilot['proposing_calls']} proposing calls, {pilot['accepted']} accepted, {pilot['cost_usd']:.4f} USD paid and kept"
    usd, calls = found["cost_usd"], found["calls"]
    yield f"for {found['target']} accepted instructions: {ends(usd, '.2f')} USD, {ends(calls, ',.0f')} calls"
    yield f"tokens: {ends(found['prompt_tokens'], ',.0f')} in, {ends(found['completion_tokens'], ',.0f')} out"
    by_step = ", ".join(f"{name or 'other'} {value:.2f}" for name, value in found["cost_usd_by_step"].items())
    yield f"USD by step: {by_step}"
    yield "acceptance falls as a pool grows, which a pilot cannot see: take the upper end, and more for large targets"
    if found["few"]:
        yield f"fewer than {FEW} proposing calls: the interval says little; take more with --n"


def ends(one: Mapping[str, float], form: str) -> str:
    """An estimate with its interval."""
    said = format(one["estimate"], form)
    return said if one["low"] is None else f"{said} ({format(one['low'], form)} to {format(one['high'], form)})"
