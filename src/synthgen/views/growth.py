"""How the pool grew: acceptance over time, novelty, what each seed gave, how deep the lineages are. Counted from the files."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from synthgen import jsonl
from synthgen.config import RunConfig
from synthgen.runs import RunDir

WINDOWS = 20
"""Points of the curve, at most."""
MOST_SEEDS = 10
"""Seeds that are named with what they gave."""


def growth(run: RunDir, config: RunConfig) -> dict[str, Any]:
    """Acceptance, novelty curve, yield of the seeds, depth of the lineages."""
    accepted = list(jsonl.rows(run.accepted("instructions")))
    rejected = [row["commit"] for row in jsonl.rows(run.rejected("grow"))]
    per_seed = Counter(row["root_id"] for row in accepted)
    depths = depth_of([(row["id"], row["parents"]) for row in accepted])
    shown = Counter(parent for row in accepted for parent in row["parents"] if parent in depths)
    proposed = len(accepted) + len(rejected)
    return {
        "acceptance": round(len(accepted) / proposed, 4) if proposed else None,
        "curve": curve(accepted, rejected),
        "seeds": {
            "with_offspring": len(per_seed),
            "without": sum(1 for seed in config.seeds if seed not in per_seed),
            "effective": round(effective(list(per_seed.values())), 2),
            "most": dict(per_seed.most_common(MOST_SEEDS)),
        },
        "lineage": {
            "depths": {str(depth): count for depth, count in sorted(Counter(depths.values()).items())},
            "deepest": max(depths.values(), default=0),
            "parents": len(shown),
            "most_shown": dict(shown.most_common(MOST_SEEDS)),
        },
    }


def curve(accepted: Sequence[dict[str, Any]], rejected: Sequence[int]) -> list[dict[str, Any]]:
    """For each stretch of calls: how many were proposed and accepted, and how near the accepted ones came to the pool."""
    calls = max((*(row["commit"] for row in accepted), *rejected), default=-1) + 1
    width = max(1, math.ceil(calls / WINDOWS))
    taken: dict[int, list[float]] = {}
    for row in accepted:
        taken.setdefault(row["commit"] // width, []).append(row["nearest"][1])
    dropped = Counter(commit // width for commit in rejected)
    points = []
    for window in range(math.ceil(calls / width)):
        scores = taken.get(window, [])
        points.append(
            {
                "calls": min(calls, (window + 1) * width),
                "proposed": len(scores) + dropped[window],
                "accepted": len(scores),
                "mean_nearest": round(sum(scores) / len(scores), 4) if scores else None,
            }
        )
    return points


def depth_of(lineage: Sequence[tuple[str, Sequence[str]]]) -> dict[str, int]:
    """Generations between each instruction and the seeds: 1 where only seeds were shown. In order of acceptance."""
    depths: dict[str, int] = {}
    for identity, parents in lineage:
        depths[identity] = 1 + max((depths.get(parent, 0) for parent in parents), default=0)
    return depths


def effective(counts: Sequence[int]) -> float:
    """How many seeds would give the same entropy if all gave alike: exp of the entropy."""
    total = sum(counts)
    return math.exp(-sum(count / total * math.log(count / total) for count in counts)) if total else 0.0
