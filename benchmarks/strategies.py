"""Does the tournament find the strategies that are truly best? `synthgen strategies tune` against the rehearsal, whose truth is known.

Each repeat makes new items with known answers in every category that has any, runs the command over them (half of them decide, half
measure the gain), and compares its choices with the planted success of each strategy. Prints JSON:

- of the categories whose best strategy beats the second by at least 10 points, in how many the best one was chosen;
- checked correctness on the held-out half: the tuned policy, the shipped table, every single strategy, and the differences, pooled;
- the same with the seeds alone, where the evidence is thin;
- the same under a budget of half the calls, where strategies drop out early.

Run it as `python benchmarks/strategies.py [--repeats 5] [--per-category 600]`: some 94,000 calls and a minute each.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from synthgen.intervals import wilson
from synthgen.policy import Policy, load
from synthgen.rehearsal.items import CHECKED, items, true_success
from synthgen.strategies import STRATEGIES

GAP = 0.10
MODEL = "rehearsal-strong"
SEEDS = Path(__file__).parent.parent / "seeds"
COMMAND = [
    sys.executable,
    "-c",
    "from synthgen.cli import main; main()",
    "strategies",
    "tune",
    "--teacher",
    "rehearsal",
]


def truth() -> dict[str, tuple[str, float]]:
    """Category to its truly best strategy, and by how much that beats the second."""
    found = {}
    for category in CHECKED:
        success = sorted(((true_success(MODEL, category, one), one) for one in STRATEGIES), reverse=True)
        found[category] = success[0][1], success[0][0] - success[1][0]
    return found


def tuned(folder: Path, *words: object) -> Policy:
    """One run of the command; its policy."""
    out = folder / "policy.json"
    subprocess.run(
        [*COMMAND, "--out", str(out), *map(str, words)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return load(out)


def judged(policy: Policy, best: dict[str, tuple[str, float]]) -> dict[str, int]:
    """How the choices compare with the truth."""
    counts: dict[str, int] = defaultdict(int)
    for category, (strategy, gap) in best.items():
        chosen = policy.teacher.categories[category].strategy
        wide = "gap of 10 points or more" if gap >= GAP else "smaller gap"
        counts[f"{wide}: {'the best' if chosen == strategy else 'another' if chosen else 'none'} chosen"] += 1
    return counts


def gained(policy: Policy) -> dict[str, Any]:
    """What the held-out half says."""
    held = policy.teacher.held_out
    assert held.tuned is not None
    assert held.shipped is not None
    assert held.over_shipped is not None
    return {
        "items": held.items,
        "tuned": held.tuned.model_dump(),
        "shipped": held.shipped.model_dump(),
        "over_shipped": held.over_shipped.model_dump(),
        "single": {name: one.rate for name, one in held.single.items()},
        "over_single": {name: one.model_dump() for name, one in held.over_single.items()},
    }


def repeated(repeats: int, per_category: int, *words: object) -> dict[str, Any]:
    """Several tournaments on new items."""
    best, counts, gains = truth(), defaultdict(int), []
    for seed in range(1, repeats + 1):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            file = folder / "items.jsonl"
            file.write_text("".join(json.dumps(one) + "\n" for one in items(per_category, seed)))
            policy = tuned(folder, "--tune-on", file, *words)
        for said, count in judged(policy, best).items():
            counts[said] += count
        gains.append(gained(policy))
    right = counts["gap of 10 points or more: the best chosen"]
    wide = sum(count for said, count in counts.items() if said.startswith("gap"))
    return {
        "tournaments": repeats,
        "items to choose by, a category": per_category // 2,
        "share of wide gaps where the best was chosen": round(right / wide, 4),
        "interval": [round(end, 4) for end in wilson(right, wide)],
        "choices": dict(sorted(counts.items())),
        "held_out": gains,
    }


def with_seeds() -> dict[str, Any]:
    """The seeds alone."""
    with tempfile.TemporaryDirectory() as name:
        policy = tuned(Path(name), "--seeds", SEEDS)
    thin = sum(not one.strategy for one in policy.teacher.categories.values())
    return {
        "items": sum(policy.sources.values()),
        "categories": len(policy.teacher.categories),
        "not enough evidence": thin,
    }


def main() -> None:
    """All of it."""
    switches = argparse.ArgumentParser()
    switches.add_argument("--repeats", type=int, default=5)
    switches.add_argument("--per-category", type=int, default=600)
    given = switches.parse_args()
    calls = given.per_category * len(CHECKED) * len(STRATEGIES)
    found = {
        "seeds alone": with_seeds(),
        "all calls": repeated(given.repeats, given.per_category),
        f"half the calls ({calls // 2})": repeated(1, given.per_category, "--max-calls", calls // 2),
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
