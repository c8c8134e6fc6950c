"""The faults of a hostile server: which one an attempt meets, and how it is played on the wire.

An attempt meets a fault by the seed, the body and the number of attempts that the body has had: the same faults come
in whatever order the requests do.
"""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any

import orjson
from aiohttp import web

from synthgen.rehearsal.buckets import retry_after
from synthgen.rehearsal.options import FAULTS, Options
from synthgen.rehearsal.protocol import Problem

BEFORE = ("busy", "error", "unavailable", "drop-before", "hang", "redirect", "quota", "auth", "wrong-type")
"""Those that cost no work; of garbage headers half do."""
PROBLEMS = {
    "busy": Problem(429, "Rate limit reached for requests; try again later.", "rate_limit_exceeded", None, "requests"),
    "error": Problem(500, "The server had an error while processing your request.", None, None, "server_error"),
    "unavailable": Problem(503, "The server is overloaded; try again later.", None, None, "server_error"),
    "quota": Problem(
        429,
        "You exceeded your current quota; check your plan and billing.",
        "insufficient_quota",
        None,
        "insufficient_quota",
    ),
}
PAGE = (
    "<!DOCTYPE html><html><head><title>Gateway</title><style>body { color: #333 }</style></head><body>"
    "<h1>The gateway has had an error</h1><p>The upstream server is out of reach. Reference 7f3a.</p></body></html>"
)
NONSENSE = {
    "x-ratelimit-limit-requests": ("many", "-5", "0", "1e999", ""),
    "x-ratelimit-remaining-requests": ("-1", "nan", "0x10", "1,000", ""),
    "x-ratelimit-reset-requests": ("yesterday", "-6m", "99999999h", "ms", ""),
    "x-ratelimit-limit-tokens": ("NaN", "9" * 400, "0", "-0", ""),
    "x-ratelimit-remaining-tokens": ("1e999", "-9999", "none", "0", ""),
    "x-ratelimit-reset-tokens": ("6m0", "1s1s", "inf", "-1ms", ""),
    "Retry-After": ("soon", "-1", "nan", "1e999", "99999999999", "Thu, 99 Zzz 9999 99:99:99 GMT", ""),
    "retry-after-ms": ("nan", "-1", "never", "inf", "1e30", ""),
}
"""Headers that promise a number or a time, and values that are neither."""
ON_THE_WIRE = ("drop-after", "cut", "short", "drip", "huge", "garbage-headers")
"""Those that any response can have; the others are about the reply of a model."""
HARMLESS = ("drip", "garbage-headers")
"""Those that leave a whole and good reply."""
HUGE_PIECE = b"a" * 2**16
WATCH_SECONDS = 0.05
"""How often a hanging reply looks whether its client has gone."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What an attempt meets."""

    kind: str
    luck: float
    """Between 0 and 1: which of its forms it takes."""

    @property
    def comes_before(self) -> bool:
        """Whether it comes before any work."""
        return self.kind in BEFORE or (self.kind == "garbage-headers" and self.luck < 0.5)


def met(options: Options, digest: bytes, attempt: int) -> Fault | None:
    """The fault of a body's attempt, or None."""
    if not options.faults:
        return None
    rng = Random(f"{options.fault_seed}/{attempt}/{digest.hex()}")  # noqa: S311  # a share, reproducible
    place = rng.random()
    for kind in FAULTS:
        place -= options.faults.get(kind, 0.0)
        if place < 0:
            return Fault(kind, rng.random())
    return None


async def before(
    fault: Fault, request: web.Request, options: Options, headers: Mapping[str, str]
) -> web.StreamResponse:
    """The response of a fault that comes before any work."""
    match fault.kind:
        case "drop-before":
            return dropped(request)
        case "hang":
            return await hung(request)
        case "redirect":
            return web.Response(status=307, headers={**headers, "Location": options.redirect_to})
        case "wrong-type":
            status = 200 if fault.luck < 0.5 else 502
            return web.Response(status=status, headers=headers, text=PAGE, content_type="text/html")
        case "auth":
            return failed(key_refused(request.headers.get("Authorization", ""), options), headers)
        case "busy":
            return failed(PROBLEMS["busy"], {**headers, **waiting(fault.luck, options)})
        case "garbage-headers":
            return failed(PROBLEMS["busy"], {**headers, **nonsense(fault.luck)})
    return failed(PROBLEMS[fault.kind], headers)


async def after(fault: Fault, request: web.Request, options: Options, response: web.Response) -> web.StreamResponse:
    """How a response goes out, or does not, under a fault that comes after the work.

    Raises ConnectionError where the client does not wait for its end.
    """
    body = response.body if isinstance(response.body, bytes) else b""
    match fault.kind:
        case "drop-after":
            return dropped(request)
        case "cut":
            response.body = body[: len(body) // 2]
        case "short":
            return await cut_short(request, response.headers, body)
        case "drip":
            return await dripped(request, response.headers, body, options.drip_seconds)
        case "huge":
            return await endless(request, response.headers)
        case "garbage-headers":
            response.headers.update(nonsense(fault.luck))
    return response


def altered(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    """The body of a reply as a fault has it: most leave it as it is."""
    rows = "choices" if "choices" in value else "data"
    match kind:
        case "wrong-model":
            return {**value, "model": "another-model"}
        case "empty":
            return {**value, rows: []}
        case "null":
            return {**value, rows: [nulled(row) for row in value[rows]]}
    return value


def nulled(row: dict[str, Any]) -> dict[str, Any]:
    """A choice or a vector's row without what it is for."""
    if "message" in row:
        return {**row, "message": {**row["message"], "content": None}}
    return {**row, "text" if "text" in row else "embedding": None}


def waiting(luck: float, options: Options) -> dict[str, str]:
    """How a busy server says when to come back: for half of them to the millisecond, for a quarter as a date."""
    said = retry_after(options.retry_after_seconds)
    if luck < 0.5:
        return said
    if luck < 0.75:
        return {"Retry-After": said["Retry-After"]}
    now = datetime.now(UTC)
    when = now + timedelta(seconds=math.ceil(options.retry_after_seconds))
    return {"Date": format_datetime(now, usegmt=True), "Retry-After": format_datetime(when, usegmt=True)}


def nonsense(luck: float) -> dict[str, str]:
    """A header of each name, with one of its values."""
    rng = Random(luck)  # noqa: S311  # which nonsense
    return {name: rng.choice(values) for name, values in NONSENSE.items()}


def key_refused(sent: str, options: Options) -> Problem:
    """401; a careless server shows what it was sent."""
    shown = f": {sent}" if options.echo_key else ""
    return Problem(401, f"Incorrect API key provided{shown}.", "invalid_api_key")


def replied(value: dict[str, Any], headers: Mapping[str, str]) -> web.Response:
    """The response of a reply."""
    return web.Response(body=orjson.dumps(value), headers=headers, content_type="application/json")


def failed(problem: Problem, headers: Mapping[str, str]) -> web.Response:
    """The response of an error."""
    body = orjson.dumps(problem.value)
    return web.Response(status=problem.status, body=body, headers=headers, content_type="application/json")


def dropped(request: web.Request) -> web.Response:
    """Close the connection; what is returned goes nowhere."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


async def hung(request: web.Request) -> web.Response:
    """Wait until the client goes."""
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110  # nobody is told when a client goes
        await asyncio.sleep(WATCH_SECONDS)
    return web.Response()


async def opened(request: web.Request, headers: Mapping[str, str], length: int | None) -> web.StreamResponse:
    """A response that is written piece by piece."""
    kept = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    response = web.StreamResponse(headers=kept)
    response.content_length = length
    await response.prepare(request)
    return response


async def cut_short(request: web.Request, headers: Mapping[str, str], body: bytes) -> web.StreamResponse:
    """Promise a length, send half of it, close."""
    response = await opened(request, headers, len(body))
    await response.write(body[: len(body) // 2])
    dropped(request)
    return response


async def dripped(request: web.Request, headers: Mapping[str, str], body: bytes, seconds: float) -> web.StreamResponse:
    """Send a reply byte by byte."""
    loop = asyncio.get_running_loop()
    response, began = await opened(request, headers, len(body)), loop.time()
    for place in range(len(body)):
        await asyncio.sleep(max(0.0, began + seconds * place / len(body) - loop.time()))
        await response.write(body[place : place + 1])
    return response


async def endless(request: web.Request, headers: Mapping[str, str]) -> web.StreamResponse:
    """A reply that goes on for as long as the client reads."""
    response = await opened(request, headers, None)
    await response.write(b'{"object": "chat.completion", "choices": [{"message": {"content": "')
    while True:
        await response.write(HUGE_PIECE)
