"""The client against a real server on loopback: retries by cause, probing, and a key that is shown nowhere."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest
from aiohttp import web

from synthgen.errors import AuthenticationFailed, BillingFailed, PassingError, TeacherError, UnknownModel
from synthgen.teacher.client import ATTEMPTS, Client
from synthgen.teacher.wire import Capabilities

SECRET = "sk-very-secret"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def said(text: str = "so") -> web.Response:
    """A chat reply."""
    return web.json_response({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]})


def refusal(status: int, message: str, headers: dict | None = None, **more: object) -> web.Response:
    """An error in OpenAI's shape."""
    return web.json_response({"error": {"message": message, **more}}, status=status, headers=headers)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """The base URL of a server that answers every POST with `handler`."""
    app = web.Application()
    app.router.add_post("/v1/{api:.*}", handler)
    app.router.add_get("/v1/models", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


class Waits(list):
    """A sleep that does not sleep, and remembers."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def client(*urls: str, waits: Waits | None = None, **more: object) -> Client:
    """A client that does not wait."""
    return Client(urls, SECRET, sleep=waits if waits is not None else Waits(), rng=Random(1), **more)


def in_turn(*responses: Callable[[], web.Response]) -> tuple[Handler, list[bytes]]:
    """A handler that gives each response once and then the last one for ever, and what it was sent."""
    seen: list[bytes] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(await request.read())
        return responses[min(len(seen), len(responses)) - 1]()

    return handler, seen


async def test_a_busy_server_is_asked_again_when_it_said_so():
    handler, seen = in_turn(lambda: refusal(429, "busy", {"retry-after": "7"}), said)
    waits = Waits()
    async with serving(handler) as url, client(url, waits=waits) as one:
        reply = await one.post({"model": "m"}, "chat")
    assert (reply.text, len(seen), waits) == ("so", 2, [7.0])
    assert seen[0] == seen[1]


async def test_a_broken_server_is_asked_again_after_growing_waits():
    handler, seen = in_turn(*[lambda: refusal(500, "oops")] * 4, said)
    waits = Waits()
    async with serving(handler) as url, client(url, waits=waits) as one:
        assert (await one.post({}, "chat")).text == "so"
    assert len(seen) == 5
    assert all(0.5 * 2**n * 0.5 <= wait <= 0.5 * 2**n for n, wait in enumerate(waits, start=1))


async def test_a_server_that_stays_broken_is_given_up_with_its_last_fault():
    handler, seen = in_turn(lambda: refusal(503, "under repair"))
    async with serving(handler) as url, client(url) as one:
        with pytest.raises(PassingError, match="under repair") as raised:
            await one.post({}, "chat")
    assert len(seen) == ATTEMPTS
    assert url in str(raised.value)


async def test_a_dropped_connection_is_tried_again():
    seen = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(1)
        if len(seen) < 3:
            request.transport.close()
        return said()

    async with serving(handler) as url, client(url) as one:
        assert (await one.post({}, "chat")).text == "so"
    assert len(seen) == 3


async def test_a_server_that_never_answers_is_given_up():
    async def handler(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.3)
        return said()

    async with serving(handler) as url, client(url, timeout_seconds=0.05, attempts=2) as one:
        with pytest.raises(PassingError, match="TimeoutError"):
            await one.post({}, "chat")


async def test_a_cut_reply_is_a_reply_and_never_asked_for_again():
    handler, seen = in_turn(
        lambda: web.json_response({"choices": [{"message": {"content": "so"}, "finish_reason": "length"}]})
    )
    async with serving(handler) as url, client(url) as one:
        assert (await one.post({}, "chat")).finish == "length"
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("status", "more", "kind", "words"),
    [
        (401, {}, AuthenticationFailed, "refuses the key"),
        (403, {}, AuthenticationFailed, "refuses the key"),
        (402, {}, BillingFailed, "cannot bill"),
        (429, {"code": "insufficient_quota"}, BillingFailed, "cannot bill"),
        (404, {}, UnknownModel, "does not serve this model"),
    ],
)
async def test_what_asking_again_cannot_mend_stops_at_once_and_hides_the_key(status, more, kind, words):
    handler, seen = in_turn(lambda: refusal(status, f"wrong: {SECRET}", **more))
    async with serving(handler) as url, client(url) as one:
        with pytest.raises(kind, match=words) as raised:
            await one.post({}, "chat")
    assert len(seen) == 1
    assert SECRET not in str(raised.value)
    assert "[key]" in str(raised.value)


@pytest.mark.parametrize(
    ("code", "finish"), [("context_length_exceeded", "too_long"), ("content_filter", "filtered"), ("odd", "refused")]
)
async def test_a_refusal_of_the_record_is_its_reply(code: str, finish: str):
    handler, seen = in_turn(lambda: refusal(400, "no", code=code))
    async with serving(handler) as url, client(url) as one:
        assert (await one.post({}, "chat")).finish == finish
    assert len(seen) == 1


async def test_the_key_travels_in_its_header_and_a_redirect_is_not_followed():
    seen = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization"))
        raise web.HTTPTemporaryRedirect("http://127.0.0.1:9/elsewhere")

    async with serving(handler) as url, client(url) as one:
        assert (await one.post({}, "chat")).finish == "refused"
    assert seen == [f"Bearer {SECRET}"]


async def test_a_fleet_shares_the_load():
    counts = [0, 0]

    def counting(number: int) -> Handler:
        async def handler(_request: web.Request) -> web.StreamResponse:
            counts[number] += 1
            await asyncio.sleep(0.01)
            return said()

        return handler

    async with serving(counting(0)) as left, serving(counting(1)) as right, client(left, right) as one:
        await asyncio.gather(*(one.post({}, "chat") for _ in range(20)))
    assert counts == [10, 10]


def picky(refused: set[str], named: bool) -> Handler:  # a test's switch
    """An endpoint that refuses some parameters, with or without naming them."""

    async def handler(request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        wrong = sorted(refused & body.keys())
        if not wrong:
            return said('{"ok": true}')
        if wrong == ["max_tokens"]:
            return refusal(400, "Unsupported parameter: use 'max_completion_tokens' instead.", param="max_tokens")
        return refusal(400, f"Unsupported parameter: {wrong[0]}" if named else "bad request")

    return handler


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    "refused", [set(), {"seed"}, {"temperature", "top_p"}, {"response_format"}, {"stop", "seed"}, {"max_tokens"}]
)
async def test_the_probe_learns_what_an_endpoint_takes(refused: set, named: bool):  # a parameter
    async with serving(picky(refused, named)) as url, client(url) as one:
        found = await one.probe("m", "chat")
    optional = refused - {"max_tokens"}
    assert optional <= set(found.without)
    if named or not optional:
        assert set(found.without) == optional
    assert found.length_name == ("max_completion_tokens" if "max_tokens" in refused else "max_tokens")


async def test_a_probe_that_fails_for_a_passing_reason_decides_nothing():
    handler, _ = in_turn(lambda: refusal(503, "starting"))
    async with serving(handler) as url, client(url) as one:
        with pytest.raises(PassingError, match="cannot be probed now"):
            await one.probe("m", "chat")


async def test_an_endpoint_that_takes_nothing_at_all_is_named():
    handler, _ = in_turn(lambda: refusal(400, "never"))
    async with serving(handler) as url, client(url) as one:
        with pytest.raises(TeacherError, match="refuses even the plainest request"):
            await one.probe("m", "chat")


async def test_a_busy_first_contact_is_waited_for():
    handler, seen = in_turn(lambda: refusal(429, "busy"), lambda: refusal(503, "busy"), said)
    async with serving(handler) as url, client(url) as one:
        assert await one.probe("m", "chat") == Capabilities()
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (lambda: web.Response(text="<html>"), "names no model"),
        (lambda: web.json_response({"data": []}), "names no model"),
        (lambda: web.json_response({"data": [{"name": "x"}, 3]}), "names no model"),
        (lambda: refusal(500, "oops"), "is it an OpenAI-compatible endpoint"),
    ],
)
async def test_a_server_without_models_is_named(response, words: str):
    handler, _ = in_turn(response)
    async with serving(handler) as url, client(url) as one:
        with pytest.raises(TeacherError, match=words):
            await one.models()


async def test_a_server_that_is_not_there_is_named_without_jargon():
    async with client("http://127.0.0.1:9/v1") as one:
        with pytest.raises(PassingError, match=r"no server answers at .*is it running\?") as raised:
            await one.models()
    assert "ssl" not in str(raised.value)
