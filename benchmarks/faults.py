"""A hostile endpoint: how many rows are answered, what is done twice, and how long it takes, for each kind of fault.

Runs `synthgen answer --strategy none` over prompts against the rehearsal with a tenth of faults of one kind, against a token bucket of
100 requests a second, and with the process killed ten times. The server counts what was done and delivered again. Prints JSON; run it
as `python benchmarks/faults.py [PROMPTS]`, without 1,000.

`ideal` is what the latency and the window alone take; `delivered_again` are good replies that were paid for twice; `served_again` is
work done twice, which only faults after the work force.
"""

import json
import math
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

KINDS = (
    "busy", "error", "unavailable", "drop-before", "hang", "redirect", "wrong-type", "drop-after", "cut", "short", "drip",
    "wrong-model", "huge", "empty", "garbage-headers",
)  # fmt: skip
LATENCY_MS, WIDTH = 200, 64
RATE = 100
KILLS = 10
CONFIG = "deadline_seconds = 5.0\n"
COMMAND = [sys.executable, "-c", "from synthgen.cli import main; main()", "answer"]


@contextmanager
def server(*options: str) -> Iterator[str]:
    """The address of a rehearsal server."""
    command = [sys.executable, "-m", "synthgen.rehearsal", "--latency-ms", str(LATENCY_MS), "--watch-stdin", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        yield f"http://127.0.0.1:{json.loads(child.stdout.readline())['port']}"
        child.kill()


def arguments(folder: Path, url: str) -> list[str]:
    """The command on a folder's prompts."""
    (folder / "config.toml").write_text(CONFIG)
    given = ["--strategy", "none", "--out", f"{folder}/run", "--concurrency", str(WIDTH), "--no-prefect"]
    given += ["--config", f"{folder}/config.toml", "--teacher", f"rehearsal-strong@{url}/v1", "--teacher-id", "lab"]
    return [*COMMAND, f"{folder}/prompts.jsonl", *given]


@contextmanager
def prompts(count: int) -> Iterator[Path]:
    """A folder with prompts."""
    with tempfile.TemporaryDirectory() as name:
        rows = (json.dumps({"prompt": f"What is the capital of country number {number}?"}) for number in range(count))
        (Path(name) / "prompts.jsonl").write_text("\n".join(rows) + "\n")
        yield Path(name)


def outcome(folder: Path, url: str, count: int, seconds: float, ideal: float) -> dict[str, Any]:
    """What a finished run leaves, and what the server counted."""
    with urllib.request.urlopen(f"{url}/stats") as answer:
        stats = json.loads(answer.read())
    report = json.loads((folder / "run" / "report.json").read_text())
    answered = sum(1 for _ in (folder / "run" / "answers.jsonl").open())
    refused = sum(1 for path in (folder / "run" / "rejected").glob("*.jsonl") for _ in path.open())
    return {
        "prompts": count,
        "answered": answered,
        "rejected": refused,
        "stopped": report["stopped"]["reason"],
        "faults": sum(stats["faults"].values()),
        "lost_attempts": report["lost_attempts"],
        "served_again": stats["served_again"],
        "delivered_again": stats["delivered_again"],
        "seconds": round(seconds, 2),
        "times_ideal": round(seconds / ideal, 2),
    }


def run(count: int, ideal: float, *options: str) -> dict[str, Any]:
    """One whole run."""
    with prompts(count) as folder, server(*options) as url:
        began = time.monotonic()
        subprocess.run(arguments(folder, url), check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return outcome(folder, url, count, time.monotonic() - began, ideal)


def killed(count: int, ideal: float) -> dict[str, Any]:
    """A run that is killed ten times, at random moments after its first reply."""
    rng = random.Random(7)
    with prompts(count) as folder, server() as url:
        began = time.monotonic()
        for _ in range(KILLS):
            with subprocess.Popen(
                arguments(folder, url), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ) as process:
                time.sleep(1.0 + rng.random() * ideal / KILLS)
                process.kill()
        subprocess.run(arguments(folder, url), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found = outcome(folder, url, count, time.monotonic() - began, ideal)
        return found | {"kills": KILLS, "bought_again_at_most": KILLS * WIDTH}


def main() -> None:
    """Every kind, the bucket, the kills."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    ideal = math.ceil(count / WIDTH) * LATENCY_MS / 1000
    found: dict[str, Any] = {"latency_ms": LATENCY_MS, "concurrency": WIDTH, "none": run(count, ideal)}
    found |= {f"{kind} 10%": run(count, ideal, "--fault", f"{kind}=0.1") for kind in KINDS}
    bucket = (count - RATE) / RATE + LATENCY_MS / 1000
    found[f"{RATE} requests a second"] = run(count, bucket, "--requests-per-second", str(RATE))
    found["killed"] = killed(2 * count, 2 * ideal)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
