"""How full a whole command keeps a teacher, and what a call costs it: ours beside a raw aiohttp loop and the openai SDK.

Every client is a process of its own that reads the prompts, asks the rehearsal server's plain mode (200 ms a reply) and writes the
replies; ours is the command `synthgen answer --strategy none` with its ledger. The server says when it was first asked and when it
last replied. Prints JSON:

- window utilisation: the ideal time over the time from the first request for a prompt to the last reply, as the server saw them; and
  the same from the very first request, which for ours is the first contact: one tiny call, waited for, that learns what the endpoint takes;
- process utilisation: the ideal time over the whole command's;
- CPU milliseconds a call, of the whole process and its start; memory; seconds until the first request.

A run at a concurrency is void where the raw loop itself stays under 0.93 (64) or 0.83 (256): then the machine is what bounds it.
Run it as `python benchmarks/teacher.py [--quick]`; needs /proc.
"""

import asyncio
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LATENCY_MS = 200
PROMPTS, MANY, MOST = 2_000, 10_000, 100_000
FLOORS = {64: 0.93, 256: 0.83}
"""Window utilisation of the raw loop, below which a run is void."""
REPEATS = 3
MODEL = "rehearsal-strong"
QUESTION = (
    "Say in a few words why that is so, what follows from it, and what one could try instead if it were not. " * 6
)
CLIENTS = {
    "synthgen": [
        sys.executable, "-c", "from synthgen.cli import main; main()", "answer", "{prompts}", "--strategy", "none", "--out",
        "{out}", "--teacher", f"{MODEL}@{{url}}", "--concurrency", "{width}", "--no-prefect",
    ],
    "raw aiohttp": [sys.executable, __file__, "--raw", "{prompts}", "{out}", "{url}", "{width}"],
    "openai SDK": [sys.executable, __file__, "--sdk", "{prompts}", "{out}", "{url}", "{width}"],
}  # fmt: skip


def body(prompt: str, number: int) -> dict[str, Any]:
    """A request as ours sends it."""
    said = [{"role": "user", "content": prompt}]
    return {"model": MODEL, "messages": said, "temperature": 0.8, "top_p": 0.95, "seed": number, "max_tokens": 2048}


def raw(prompts: str, out: str, url: str, width: str) -> None:
    """The cheapest loop there is over aiohttp: nothing is checked, kept or tried again."""
    import aiohttp
    import orjson

    async def run() -> None:
        lines = iter(Path(prompts).read_bytes().splitlines())
        numbers = iter(range(10**9))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            with Path(out).open("wb") as handle:

                async def worker() -> None:
                    for line in lines:
                        sent = orjson.dumps(body(orjson.loads(line)["prompt"], next(numbers)))
                        async with session.post(f"{url}/chat/completions", data=sent) as response:
                            found = orjson.loads(await response.read())
                        handle.write(orjson.dumps({"text": found["choices"][0]["message"]["content"]}) + b"\n")

                await asyncio.gather(*(worker() for _ in range(int(width))))

    asyncio.run(run())


def sdk(prompts: str, out: str, url: str, width: str) -> None:
    """The same loop over the openai SDK."""
    import openai

    async def run() -> None:
        lines, numbers = iter(Path(prompts).read_bytes().splitlines()), iter(range(10**9))
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
            with Path(out).open("w", encoding="utf-8") as handle:

                async def worker() -> None:
                    for line in lines:
                        sent = body(json.loads(line)["prompt"], next(numbers))
                        found = await client.chat.completions.create(**sent)
                        handle.write(json.dumps({"text": found.choices[0].message.content}) + "\n")

                await asyncio.gather(*(worker() for _ in range(int(width))))

    asyncio.run(run())


@contextmanager
def server() -> Iterator[str]:
    """The address of a plain rehearsal server."""
    command = [sys.executable, "-m", "synthgen.rehearsal", "--plain", "--latency-ms", str(LATENCY_MS), "--watch-stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        yield f"http://127.0.0.1:{json.loads(child.stdout.readline())['port']}"
        child.kill()


def measured(name: str, prompts: Path, count: int, width: int) -> dict[str, float]:
    """One run of a client as a process."""
    with tempfile.TemporaryDirectory() as folder, server() as address:
        given = {"prompts": str(prompts), "out": f"{folder}/out", "url": f"{address}/v1", "width": str(width)}
        command = [part.format(**given) for part in CLIENTS[name]]
        began = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            wall = time.monotonic() - began
            if child.returncode:
                raise SystemExit(f"{name} ended with {child.returncode}: {child.stderr.read().decode()}")
        with urllib.request.urlopen(f"{address}/stats") as answer:
            counts = json.loads(answer.read())
    if counts["served"] < count:
        raise SystemExit(f"{name} made {counts['served']} calls for {count} prompts")
    ideal = math.ceil(count / width) * LATENCY_MS / 1000
    first = "second_asked" if name == "synthgen" else "first_asked"
    cpu = used.ru_utime + used.ru_stime
    return {
        "wall_seconds": round(wall, 2),
        "cpu_seconds": round(cpu, 2),
        "window_utilisation": round(ideal / (counts["last_served"] - counts[first]), 3),
        "window_utilisation_with_first_contact": round(ideal / (counts["last_served"] - counts["first_asked"]), 3),
        "process_utilisation": round(ideal / wall, 3),
        "cpu_ms_a_call": round(1000 * cpu / count, 3),
        "memory_mib": round(used.ru_maxrss / 1024),
        "first_request_seconds": round(counts["first_asked"] - began, 2),
        "most_under_way": counts["most_under_way"],
    }


def middle(runs: list[dict[str, float]]) -> dict[str, float]:
    """The run of several whose wall time is the median."""
    return sorted(runs, key=lambda one: one["wall_seconds"])[len(runs) // 2]


def compared(prompts: Path, count: int, width: int, names: list[str], repeats: int) -> dict[str, Any]:
    """Clients in turn, several times; the median run of each, and ratios to the raw loop."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(repeats):
        for name in names:
            runs[name].append(measured(name, prompts, count, width))
    found = {name: middle(each) for name, each in runs.items()}
    reference = found["raw aiohttp"]
    ratios = {name: round(reference["wall_seconds"] / one["wall_seconds"], 3) for name, one in found.items()}
    void = reference["window_utilisation"] < FLOORS.get(width, 0)
    return {"load": os.getloadavg()[0], "void": void, "throughput_of_raw": ratios, "clients": found}


def written(folder: Path, count: int) -> Path:
    """A file of so many different prompts."""
    path = folder / f"{count}.jsonl"
    lines = (json.dumps({"prompt": f"Question {number}: {QUESTION}"}) + "\n" for number in range(count))
    with path.open(
        "w", encoding="utf-8"
    ) as handle:  # line by line: a child's memory is counted from its parent's, at the fork
        handle.writelines(lines)
    return path


def main() -> None:
    """All of it; `--quick` without the long runs."""
    if sys.argv[1:2] in (["--raw"], ["--sdk"]):
        (raw if sys.argv[1] == "--raw" else sdk)(*sys.argv[2:])
        return
    quick = "--quick" in sys.argv
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prompts = written(folder, PROMPTS)
        found: dict[str, Any] = {"latency_ms": LATENCY_MS, "python": sys.version.split()[0]}
        for width in FLOORS:
            found[f"{PROMPTS} prompts, concurrency {width}"] = compared(
                prompts, PROMPTS, width, list(CLIENTS), 1 if quick else REPEATS
            )
        if not quick:
            both = ["synthgen", "raw aiohttp"]
            found[f"{MANY} prompts, concurrency 256"] = compared(written(folder, MANY), MANY, 256, both, 1)
            found[f"{MOST} prompts, concurrency 256"] = compared(written(folder, MOST), MOST, 256, both, 1)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
