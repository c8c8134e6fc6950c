"""What a reply of the rehearsal's plain mode costs the server: CPU of its process, driven by a raw client.

Prints JSON. The plain mode stands behind every figure of `benchmarks/teacher.py`, and must not be what bounds it: at
most 0.15 ms of CPU a reply. Run it as `python benchmarks/rehearsal_plain.py [CALLS]`; without 20,000. Needs /proc.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

CONCURRENCY = (1, 64, 256, 512)
LATENCY_MS = 200
BOUND_MS = 0.15
PROMPT = "why? " * 160
BODY = json.dumps({"model": "rehearsal-strong", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 512})
REQUEST = (
    "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nUser-Agent: raw\r\n"
    f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n{BODY}"
).encode()


class Asker(asyncio.Protocol):
    """One connection that asks again as soon as it is answered, until all calls are made."""

    def __init__(self, owed: list[int], answered: asyncio.Event) -> None:
        self.owed, self.answered, self.left = owed, answered, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        if not self.left:
            head, _, _ = data.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            self.left = len(head) + 4 + int(head.lower().partition(b"content-length:")[2].split()[0])
        self.left -= len(data)
        if not self.left:
            self.owed[1] -= 1
            self._ask()

    def _ask(self) -> None:
        if self.owed[0]:
            self.owed[0] -= 1
            self.transport.write(REQUEST)
        elif not self.owed[1]:
            self.answered.set()


def cpu_seconds(process: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def driven(port: int, server: int, calls: int, width: int) -> dict[str, float]:
    """CPU milliseconds of the server for a reply, and replies a second, at one concurrency."""
    owed, answered = [calls, calls], asyncio.Event()
    began, cpu = time.perf_counter(), cpu_seconds(server)
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Asker(owed, answered), "127.0.0.1", port) for _ in range(min(width, calls))
    ]
    await answered.wait()
    seconds, spent = time.perf_counter() - began, cpu_seconds(server) - cpu
    for transport, _ in made:
        transport.close()
    return {
        "calls": calls,
        "cpu_ms_a_reply": round(1000 * spent / calls, 4),
        "replies_a_second": round(calls / seconds),
    }


def at(width: int, latency_ms: float, calls: int) -> dict[str, float]:
    """The figures of one server at one concurrency."""
    command = [sys.executable, "-m", "synthgen.rehearsal", "--plain", "--watch-stdin", "--latency-ms", str(latency_ms)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = json.loads(server.stdout.readline())["port"]
        found = asyncio.run(driven(port, server.pid, calls, width))
        server.stdin.close()
    return found


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    waiting = {
        f"concurrency {width}": at(width, LATENCY_MS, min(calls, 25 * width)) for width in CONCURRENCY if width > 1
    }
    at_once = {f"concurrency {width}": at(width, 0, calls) for width in CONCURRENCY}
    worst = max(one["cpu_ms_a_reply"] for one in (*waiting.values(), *at_once.values()))
    print(
        json.dumps(
            {
                f"at {LATENCY_MS} ms": waiting,
                "at once": at_once,
                "worst_cpu_ms_a_reply": worst,
                "within_bound": worst <= BOUND_MS,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
