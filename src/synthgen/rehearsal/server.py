"""The server: OpenAI's protocol on a loopback port, one process. What it replies is in `protocol.py`, how it fails in `faults.py`."""

import asyncio
import hmac
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from random import Random
from typing import Any

from aiohttp import web

from synthgen.rehearsal import buckets, faults, protocol
from synthgen.rehearsal.batches import Batches
from synthgen.rehearsal.lifetime import announce
from synthgen.rehearsal.options import Options
from synthgen.rehearsal.prefixes import Prefixes
from synthgen.rehearsal.protocol import Asked, Problem
from synthgen.rehearsal.stats import Stats, digest_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BACKLOG = 4096
OPEN = ("/health", "/stats")
"""Addresses that need no key and are not counted."""
OVERLOADED = Problem(503, "the rehearsal plays at being busy", "overloaded")


class Server:
    """The handlers of one profile."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.stats = Stats()
        self._limits = buckets.Limits(options, time.monotonic())
        self._width = asyncio.Semaphore(options.width) if options.width else nullcontext()
        self._prefixes = Prefixes()
        self._rng = Random()  # noqa: S311  # delays only
        self._batches = Batches(options, self._answered)
        self._attempts: Counter[str] = Counter()
        """Of requests for files and batches, by method and address."""

    def app(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(client_max_size=2**24, middlewares=[self._counted])
        app.router.add_get("/health", self.health)
        app.router.add_get("/stats", self.told)
        app.router.add_get("/v1/models", self.models)
        app.router.add_post(protocol.CHAT, self.chat)
        app.router.add_post(protocol.COMPLETIONS, self.completions)
        app.router.add_post(protocol.EMBEDDINGS, self.embeddings)
        self._batches.add_to(app)
        return app

    async def health(self, _request: web.Request) -> web.Response:
        """Up."""
        return web.json_response({"status": "ok"})

    async def told(self, _request: web.Request) -> web.Response:
        """What was asked, what was done, and what was done again."""
        return web.json_response(self.stats.value())

    async def models(self, _request: web.Request) -> web.Response:
        """The one model of the profile."""
        row = {"id": self.options.model, "object": "model", "created": 0, "owned_by": "synthgen"}
        return web.json_response({"object": "list", "data": [row]})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """A chat completion."""
        return await self._worked(request, protocol.CHAT)

    async def completions(self, request: web.Request) -> web.StreamResponse:
        """A plain completion."""
        return await self._worked(request, protocol.COMPLETIONS)

    async def embeddings(self, request: web.Request) -> web.StreamResponse:
        """Vectors of one text or of several."""
        return await self._worked(request, protocol.EMBEDDINGS)

    @web.middleware
    async def _counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count a request, and ask for its key."""
        if request.path in OPEN:
            return await handler(request)
        resource = request.match_info.route.resource
        # A client that goes before its reply has ended is no fault of the server's, and nobody is left to be told.
        address = resource.canonical if resource else "elsewhere"
        with self.stats.under_way(address), suppress(ConnectionError):
            sent = request.headers.get("Authorization", "")
            if self.options.key and not hmac.compare_digest(sent.encode(), f"Bearer {self.options.key}".encode()):
                return faults.failed(faults.key_refused(sent, self.options), {})
            if self.options.fault_batches and address.startswith(("/v1/files", "/v1/batches")):
                return await self._exposed(request, handler, address)
            return await handler(request)
        return web.Response()

    async def _worked(self, request: web.Request, path: str) -> web.StreamResponse:
        """A request that costs work: its limits, its fault, its refusal, its reply."""
        payload = await request.read()
        value = protocol.loaded(payload)
        asked, digest = protocol.read(path, value, self.options), digest_of(payload, value)
        tally = self.stats.tally(digest)
        over = self._limits.take(asked.limited_tokens if isinstance(asked, Asked) else 0, time.monotonic())
        headers = self._limits.headers(time.monotonic())
        if over is not None:
            self.stats.limited += 1
            return faults.failed(over.problem, {**headers, **buckets.retry_after(over.wait_seconds)})
        tally.attempts += 1
        fault = faults.met(self.options, digest, tally.attempts)
        if fault is not None and fault.comes_before:
            self.stats.faults[fault.kind] += 1
            return await faults.before(fault, request, self.options, headers)
        made = asked if isinstance(asked, Problem) else await self._made(asked)
        if isinstance(made, Problem):
            return faults.failed(made, headers)
        self.stats.serve(tally)
        if fault is None:
            self.stats.deliver(tally)
            return faults.replied(made, headers)
        self.stats.faults[fault.kind] += 1
        response = faults.replied(faults.altered(fault.kind, made), headers)
        found = await faults.after(fault, request, self.options, response)
        if fault.kind in faults.HARMLESS:
            self.stats.deliver(tally)
        return found

    async def _made(self, asked: Asked) -> dict[str, Any] | Problem:
        """The reply to a request, after the time that it takes."""
        options = self.options
        async with self._width:
            if options.latency_seconds or options.jitter_seconds:
                await asyncio.sleep(options.latency_seconds + self._rng.random() * options.jitter_seconds)
            if options.fail_rate and self._rng.random() < options.fail_rate:
                return OVERLOADED
            cached = self._prefixes.take(asked.prompt) if options.cached else None
            return protocol.answered(asked, options, cached)

    def _answered(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """(status, body) for a line of a batch: what the direct call says, without its time, its limits and its faults."""
        asked = protocol.read(path, body, self.options)
        if isinstance(asked, Problem):
            return asked.status, asked.value
        self.stats.serve(self.stats.tally(digest_of(b"", body)))
        return 200, protocol.answered(asked, self.options)

    async def _exposed(self, request: web.Request, handler: Handler, address: str) -> web.StreamResponse:
        """A request for a file or a batch, with the fault that it meets."""
        attempted = f"{request.method} {address}"
        self._attempts[attempted] += 1
        fault = faults.met(self.options, digest_of(attempted.encode(), None), self._attempts[attempted])
        if fault is None or not (fault.comes_before or fault.kind in faults.ON_THE_WIRE):
            return await handler(request)
        self.stats.faults[fault.kind] += 1
        if fault.comes_before:
            return await faults.before(fault, request, self.options, {})
        response = await handler(request)
        assert isinstance(response, web.Response)  # noqa: S101  # files and batches have no other
        return await faults.after(fault, request, self.options, response)


async def serve(options: Options, port: int) -> None:
    """Listen on loopback until the process ends."""
    runner = web.AppRunner(Server(options).app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=BACKLOG)
    await site.start()
    announce(runner.addresses[0][1], options.model)
    await asyncio.Event().wait()
