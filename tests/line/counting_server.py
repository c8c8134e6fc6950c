"""The rehearsal as a server of its own that counts how often each body was asked; GET /counts tells. `SECONDS` is its latency."""

import asyncio
import hashlib
import json
import sys
from collections import Counter

from aiohttp import web

from synthgen.rehearsal.server import Options, Server


async def serve() -> None:
    latency = float(sys.argv[1]) if len(sys.argv) > 1 else 0.004
    server = Server(Options("rehearsal-strong", latency_seconds=latency, jitter_seconds=2 * latency))
    counts: Counter[str] = Counter()

    @web.middleware
    async def counted(request: web.Request, handler):
        if request.method == "POST":
            counts[hashlib.sha256(await request.read()).hexdigest()] += 1
        return await handler(request)

    async def tell(_request: web.Request) -> web.Response:
        return web.json_response({"asked": counts.total(), "different": len(counts)})

    app = server.app()
    app.middlewares.append(counted)
    app.router.add_get("/counts", tell)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(serve())
