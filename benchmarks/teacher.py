"""What a teacher call costs this side of the wire: ours, raw aiohttp and the openai SDK against one local server.

Prints JSON: CPU milliseconds of the client process for a call, and calls a second, at each concurrency. The server is a
process of its own that answers a fixed reply at once. Run it as `python benchmarks/teacher.py [CALLS]`; without 2,000.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import openai
import orjson

from synthgen.records import Decoding, Message, Request
from synthgen.teacher.dispatch import Dispatch
from synthgen.teacher.engine import Engine, Ports
from synthgen.teacher.ledger import Ledger
from synthgen.teacher.meter import Meter
from synthgen.teacher.terms import Terms
from synthgen.teacher.wire import Binding

CONCURRENCY = (1, 64)
SERVER = """
import asyncio, json
TEXT = "The answer follows from what was given, and here it is. " * 8
BODY = json.dumps({"id": "x", "object": "chat.completion", "created": 0, "model": "fixed", "choices": [{"index": 0,
    "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 200, "completion_tokens": 100, "total_tokens": 300}}).encode()
REPLY = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(BODY), BODY)
async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            size = int(head.lower().split(b"content-length:")[1].split(b"\\r\\n")[0])
            await reader.readexactly(size)
            writer.write(REPLY)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""
Call = Callable[[int], Awaitable[object]]


def request(number: int) -> Request:
    """One of many different questions of some 800 characters."""
    said = (
        Message(role="system", content="Be brief. " * 30),
        Message(role="user", content=f"{number}: " + "why? " * 100),
    )
    decoding = Decoding(temperature=0.8, max_tokens=512)
    return Request(role="answer", step="answer", about=str(number), messages=said, decoding=decoding, seed=number)


def body(number: int) -> dict[str, object]:
    """The same question as plain values."""
    asked = request(number)
    said = [message.model_dump() for message in asked.messages]
    return {"model": "fixed", "messages": said, "temperature": 0.8, "max_tokens": 512, "seed": number}


async def measured(call: Call, calls: int, concurrency: int) -> dict[str, float]:
    """CPU milliseconds a call, and calls a second."""
    await asyncio.gather(*(call(-number) for number in range(1, concurrency + 1)))
    numbers = iter(range(calls))

    async def worker() -> None:
        for number in numbers:
            await call(number + concurrency * 1_000_000)

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu_ms": round(1000 * cpu / calls, 3), "calls_per_second": round(calls / wall)}


async def compared(url: str, calls: int, concurrency: int) -> dict[str, object]:
    """The three clients, one after the other."""
    found: dict[str, dict[str, float]] = {}
    binding = Binding(identity=url, model="fixed", api="chat")
    with tempfile.TemporaryDirectory() as folder, Ledger(Path(folder) / "ledger.sqlite") as ledger:
        async with Terms(concurrency).dispatch([url], None) as dispatch:

            async def bound(_role: str) -> Binding:
                return binding

            async def connected(_role: str) -> Dispatch:
                return dispatch

            engine = Engine(Ports(bound, connected), ledger, Meter(), {})
            found["synthgen, ledger included"] = await measured(lambda n: engine.ask(request(n)), calls, concurrency)
            found["synthgen's client alone"] = await measured(
                lambda n: dispatch.post(body(n), binding, 600, str(n)), calls, concurrency
            )
            await engine.aclose()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def raw(number: int) -> None:
            async with session.post(f"{url}/chat/completions", data=orjson.dumps(body(number))) as response:
                orjson.loads(await response.read())

        found["raw aiohttp"] = await measured(raw, calls, concurrency)
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as sdk:
        ask = lambda n: sdk.chat.completions.create(**body(n))  # noqa: E731
        found["openai SDK"] = await measured(ask, calls, concurrency)
    ours = found["synthgen, ledger included"]["cpu_ms"]
    ratios = {name: round(one["cpu_ms"] / ours, 2) for name, one in found.items()}
    return {"clients": found, "cpu_against_ours": ratios}


async def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        try:
            figures = {f"concurrency {width}": await compared(url, calls, width) for width in CONCURRENCY}
        finally:
            server.kill()
    print(json.dumps({"calls": calls, **figures}, indent=2))


if __name__ == "__main__":
    asyncio.run(main())
