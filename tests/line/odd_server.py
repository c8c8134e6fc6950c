"""An endpoint that speaks the protocol and talks nonsense: `python odd_server.py MODE`. GET /counts tells how often."""

import asyncio
import json
import random
import sys
from collections.abc import Callable

from aiohttp import web

RNG = random.Random(5)


def said(text: object, finish: object = "stop", **more: object) -> web.Response:
    """A chat reply."""
    return web.json_response({"choices": [{"message": {"content": text}, "finish_reason": finish}], **more})


def error(status: int, message: str, **more: object) -> web.Response:
    """An error in OpenAI's shape."""
    return web.json_response({"error": {"message": message, **more}}, status=status)


def gibberish() -> web.Response:
    """Letters, controls, lone surrogates, markup."""
    return said("".join(chr(RNG.choice((0, 7, 10, 34, 60, 123, 0xD800, 0x202E, 0x1F600, 97))) for _ in range(400)))


MODES: dict[str, Callable[[], web.Response]] = {
    "gibberish": gibberish,
    "empty": lambda: said(""),
    "nothing": lambda: said(None, None, usage="much"),
    "one-phrase": lambda: said("\n".join(f"{n}. Tell me a story about a fox." for n in range(9, 17))),
    "numbers": lambda: said("1" * 200_000),
    "refusal": lambda: said("I'm sorry, but I can't help with that."),
    "list": lambda: said([{"type": "text", "text": "1. hello"}]),
    "deep": lambda: said("[" * 50_000),
    "refused": lambda: error(400, "we do not like this request"),
    "filtered": lambda: error(400, "blocked", code="content_filter"),
    "key": lambda: error(401, "Incorrect API key provided: sk-test-secret"),
    "quota": lambda: error(429, "no more money", code="insufficient_quota"),
    "no-model": lambda: error(404, "no such model", code="model_not_found"),
    "html": lambda: web.Response(text="<html>welcome</html>", content_type="text/html"),
}


async def serve(mode: str) -> None:
    asked = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal asked
        body = await request.json()
        if "Say ok" in str(body) or '{"ok": true}' in str(body):
            return said('{"ok": true}') if mode not in {"key", "quota", "no-model"} else MODES[mode]()
        asked += 1
        return MODES[mode]()

    async def models(_request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "odd"}]})

    async def tell(_request: web.Request) -> web.Response:
        return web.json_response({"asked": asked})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    app.router.add_get("/v1/models", models)
    app.router.add_get("/counts", tell)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(serve(sys.argv[1]))
