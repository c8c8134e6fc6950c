"""Plays at being `vllm serve`: its arguments, log lines, /health, /metrics and bad habits, with the rehearsal's replies.

Further arguments, as `vllm_args` hands them on: `--late S` is healthy after S seconds, `--fails` ends before that, `--dies N`
ends at the N-th reply and leaves a process behind, `--mute N` stops listening then, `--stubborn` ignores SIGTERM, and so
does the process that it starts.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

from aiohttp import web

from synthgen.rehearsal.options import Options
from synthgen.rehearsal.server import Server

WORKER = "import signal, time; signal.signal(signal.SIGTERM, signal.{}); time.sleep(600)"
CRASH = """\
(EngineCore pid=7) ERROR 11-25 14:08:02 [core.py:1510] ValueError: the weights are those of another model.
(APIServer pid=6)     raise RuntimeError(
RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}
/usr/lib/python3/resource_tracker.py:254: UserWarning: resource_tracker: There appears to be 1 leaked object
  warnings.warn('resource_tracker: There appear to be %d '
"""
METRICS = """\
# HELP vllm:prompt_tokens_total Number of prefill tokens processed.
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{{engine="0",model_name="{model}"}} {prompt}.0
vllm:generation_tokens_total{{engine="0",model_name="{model}"}} {said}.0
vllm:prefix_cache_queries_total{{engine="0",model_name="{model}"}} {prompt}.0
vllm:prefix_cache_hits_total{{engine="0",model_name="{model}"}} {half}.0
vllm:kv_cache_usage_perc{{engine="0",model_name="{model}"}} 0.25
vllm:num_requests_running{{engine="0",model_name="{model}"}} 3.0
vllm:num_requests_waiting{{engine="0",model_name="{model}"}} 1.0
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="vllm")
    parser.add_argument("serve")
    parser.add_argument("source")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--served-model-name")
    parser.add_argument("--enable-prompt-tokens-details", action="store_true")
    parser.add_argument("--disable-uvicorn-access-log", action="store_true")
    parser.add_argument("--structured-outputs-config")
    parser.add_argument("--late", type=float, default=0)
    parser.add_argument("--fails", action="store_true")
    parser.add_argument("--dies", type=int)
    parser.add_argument("--mute", type=int)
    parser.add_argument("--stubborn", action="store_true")
    return parser.parse_args()


async def serve(given: argparse.Namespace) -> None:
    began, replies = time.monotonic(), 0
    model = given.served_model_name
    app = Server(Options(model, latency_seconds=0.002)).app()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)

    @web.middleware
    async def habits(request: web.Request, handler):
        nonlocal replies
        if request.path == "/health" and time.monotonic() - began < given.late:
            return web.Response(status=503)
        replies += request.method == "POST"
        if replies == given.dies:
            print("(EngineCore pid=7) ERROR 11-25 14:15:55 [core.py:1512] RuntimeError: out of memory", flush=True)
            os._exit(1)
        if given.mute is not None and replies >= given.mute:
            for site in list(runner.sites):
                await site.stop()
            await asyncio.sleep(600)
        return await handler(request)

    async def metrics(_request: web.Request) -> web.Response:
        counts = {"prompt": 100 * replies, "said": 20 * replies, "half": 50 * replies}
        return web.Response(text=METRICS.format(model=model, **counts))

    async def version(_request: web.Request) -> web.Response:
        return web.json_response({"version": "0.0.standin"})

    app.middlewares.append(habits)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/version", version)
    await runner.setup()
    await web.TCPSite(runner, given.host, given.port).start()
    await asyncio.Event().wait()


def main() -> None:
    given = arguments()
    print(f"(APIServer pid=6) INFO 11-25 14:06:30 [api_utils.py:286] starting {given.source}", flush=True)
    subprocess.Popen([sys.executable, "-c", WORKER.format("SIG_IGN" if given.stubborn else "SIG_DFL")])
    if given.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if given.fails:
        print(CRASH, flush=True)
        sys.exit(1)
    asyncio.run(serve(given))


main()
