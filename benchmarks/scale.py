"""The whole line on the rehearsal at growing sizes: wall time, memory, and CPU seconds of each part of the program.

Prints JSON. `growth` is the exponent between the two largest sizes: 1 is linear, n log n comes to about 1.1.
Run it as `python benchmarks/scale.py [SIZE ...]`; without sizes 1,000, 3,000 and 10,000 accepted instructions.
"""

import asyncio
import cProfile
import json
import math
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from functools import cache
from pathlib import Path

from synthgen import steps
from synthgen.steps import Job

ROOT = Path(__file__).parent.parent
SIZES = (1_000, 3_000, 10_000)
PARTS = {
    "text/novelty": "novelty", "text/rouge": "novelty", "text": "text", "stages/grow": "grow", "stages": "stages",
    "teacher": "teacher", "jsonl": "journals", "records": "journals", "export": "export", "views": "report",
}  # fmt: skip
Function = tuple[str, int, str]


def part_of(function: Function) -> str | None:
    """The part of the program a function belongs to; None for what others wrote."""
    path = function[0].replace("\\", "/")
    if "/synthgen/" not in path:
        return None
    inside = path.split("/synthgen/")[-1].removesuffix(".py")
    return next((name for start, name in PARTS.items() if inside.startswith(start)), "rest")


def by_part(stats: pstats.Stats) -> dict[str, float]:
    """CPU seconds of each part; time in libraries counts for whoever called them."""
    timings = stats.stats  # type: ignore[attr-defined]  # pstats keeps its table out of the type stubs

    @cache
    def owners(function: Function, depth: int = 0) -> dict[str, float]:
        part = part_of(function)
        callers = timings[function][4]
        whole = sum(edge[3] for edge in callers.values())
        if part is not None or depth > 12 or not whole:
            return {part or "event loop and start": 1.0}
        shares: Counter[str] = Counter()
        for caller, edge in callers.items():
            for name, share in owners(caller, depth + 1).items():
                shares[name] += share * edge[3] / whole
        return dict(shares)

    seconds: Counter[str] = Counter()
    for function, (_, _, own, _, _) in timings.items():
        for name, share in owners(function).items():
            seconds[name] += own * share
    return {name: round(value, 2) for name, value in sorted(seconds.items())}


def run(size: int, *, profiled: bool) -> dict[str, object]:
    """One run in this process."""
    profile = cProfile.Profile()
    with tempfile.TemporaryDirectory() as folder:
        job = Job(ROOT / "seeds", Path(folder) / "run", {"target": size, "teacher": {"spec": "rehearsal"}})
        began = time.perf_counter()
        if profiled:
            report = profile.runcall(asyncio.run, steps.run_all(job, lambda _stage, _count: None))
        else:
            report = asyncio.run(steps.run_all(job, lambda _stage, _count: None))
        wall = time.perf_counter() - began
    found: dict[str, object] = {
        "accepted": report["accepted"],
        "calls": report["calls"],
        "wall_seconds": round(wall, 2),
        "resident_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    return found | ({"cpu_seconds": by_part(pstats.Stats(profile))} if profiled else {})


def child(size: int, kind: str) -> dict[str, dict[str, float]]:
    """One run in a process of its own, so that memory is its own."""
    done = subprocess.run([sys.executable, __file__, kind, str(size)], stdout=subprocess.PIPE, check=True)
    found: dict[str, dict[str, float]] = json.loads(done.stdout)
    return found


def main(sizes: tuple[int, ...]) -> None:
    """Every size plain and profiled, and how each part grows."""
    runs = {}
    for size in sizes:
        print(f"{size} accepted ...", file=sys.stderr)
        runs[size] = child(size, "--plain") | {"cpu_seconds": child(size, "--profiled")["cpu_seconds"]}
    found: dict[str, object] = {"runs": runs}
    if len(sizes) > 1:
        small, large = sorted(sizes)[-2:]
        before, after = runs[small]["cpu_seconds"], runs[large]["cpu_seconds"]
        steps_up = math.log(large / small)
        found["growth"] = {
            name: round(math.log(after[name] / before[name]) / steps_up, 2) for name in after if before.get(name, 0) > 0
        }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    if sys.argv[1:2] in (["--plain"], ["--profiled"]):
        print(json.dumps(run(int(sys.argv[2]), profiled=sys.argv[1] == "--profiled")))
    else:
        main(tuple(map(int, sys.argv[1:])) or SIZES)
