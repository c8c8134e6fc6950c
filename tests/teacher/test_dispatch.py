"""Calls against a real server on loopback: retries by cause, probing, a fleet, and a key that is shown nowhere."""

import asyncio
import itertools
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from aiohttp import web

from synthgen.errors import AuthenticationFailed, BillingFailed, PassingError, TeacherError, UnknownModel
from synthgen.records import Reply
from synthgen.teacher import dispatch
from synthgen.teacher.client import Client
from synthgen.teacher.dispatch import ATTEMPTS, Dispatch
from synthgen.teacher.window import Window
from synthgen.teacher.wire import Binding, Capabilities, Fault

DATA = Path(__file__).parent.parent / "data"
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
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
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


class Way(Dispatch):
    """A way to an endpoint that does not wait, with the short question of these tests."""

    def __init__(self, *urls: str, waits: Waits | None = None, largest: int = 2**20, **more: object) -> None:
        self.told: list[str] = []
        self.lost: list[Fault] = []
        super().__init__(
            Client(urls, SECRET, largest_reply=largest, alive_seconds=0.05),
            Window(64),
            sleep=waits if waits is not None else Waits(),
            rng=Random(1),
            stuck_seconds=0.05,
            look_seconds=0.02,
            tell=self.told.append,
            **more,
        )

    async def ask(self, model: str = "") -> Reply:
        """One small request."""
        served = await self.post({}, Binding(identity="i", model=model), 10, "the answer call of t-1", self.lost.append)
        return served.reply


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
    async with serving(handler) as url, Way(url, waits=waits) as one:
        reply = await one.ask()
    assert (reply.text, len(seen), waits) == ("so", 2, [7.0])
    assert seen[0] == seen[1]


async def test_a_broken_server_is_asked_again_after_growing_waits():
    handler, seen = in_turn(*[lambda: refusal(500, "oops")] * 4, said)
    waits = Waits()
    async with serving(handler) as url, Way(url, waits=waits) as one:
        assert (await one.ask()).text == "so"
    assert len(seen) == 5
    assert all(0.5 * 2**n * 0.5 <= wait <= 0.5 * 2**n for n, wait in enumerate(waits, start=1))


async def test_a_server_that_stays_broken_is_given_up_with_its_last_fault():
    handler, seen = in_turn(lambda: refusal(503, "under repair"))
    async with serving(handler) as url, Way(url) as one:
        with pytest.raises(PassingError, match="under repair") as raised:
            await one.ask()
    assert len(seen) == ATTEMPTS
    assert url in str(raised.value)


async def test_a_dropped_connection_is_tried_again():
    seen = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(1)
        if len(seen) < 3:
            request.transport.close()
        return said()

    async with serving(handler) as url, Way(url) as one:
        assert (await one.ask()).text == "so"
    assert len(seen) == 3


async def test_a_server_that_never_answers_is_given_up():
    async def handler(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.3)
        return said()

    async with serving(handler) as url, Way(url, deadline_seconds=0.05, attempts=2) as one:
        with pytest.raises(PassingError, match=r"the answer call of t-1: no reply in 0.05 s"):
            await one.ask()


async def test_a_cut_reply_is_a_reply_and_never_asked_for_again():
    handler, seen = in_turn(
        lambda: web.json_response({"choices": [{"message": {"content": "so"}, "finish_reason": "length"}]})
    )
    async with serving(handler) as url, Way(url) as one:
        assert (await one.ask()).finish == "length"
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
    async with serving(handler) as url, Way(url) as one:
        with pytest.raises(kind, match=words) as raised:
            await one.ask()
    assert len(seen) == 1
    assert SECRET not in str(raised.value)
    assert "[key]" in str(raised.value)


@pytest.mark.parametrize(
    ("code", "finish"), [("context_length_exceeded", "too_long"), ("content_filter", "filtered"), ("odd", "refused")]
)
async def test_a_refusal_of_the_record_is_its_reply(code: str, finish: str):
    handler, seen = in_turn(lambda: refusal(400, "no", code=code))
    async with serving(handler) as url, Way(url) as one:
        assert (await one.ask()).finish == finish
    assert len(seen) == 1


async def test_the_key_travels_in_its_header_and_a_redirect_is_not_followed():
    seen = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization"))
        raise web.HTTPTemporaryRedirect("http://127.0.0.1:9/elsewhere")

    async with serving(handler) as url, Way(url) as one:
        with pytest.raises(PassingError, match=r"sends us to http://127.0.0.1:9/elsewhere, where no request goes"):
            await one.ask()
    assert seen == [f"Bearer {SECRET}"] * ATTEMPTS


async def test_a_fleet_shares_the_load():
    counts = [0, 0]

    def counting(number: int) -> Handler:
        async def handler(_request: web.Request) -> web.StreamResponse:
            counts[number] += 1
            await asyncio.sleep(0.01)
            return said()

        return handler

    async with serving(counting(0)) as left, serving(counting(1)) as right, Way(left, right) as one:
        await asyncio.gather(*(one.ask() for _ in range(20)))
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
    async with serving(picky(refused, named)) as url, Way(url) as one:
        found, _ = await one.probe("m", "chat")
    optional = refused - {"max_tokens"}
    assert optional <= set(found.without)
    if named or not optional:
        assert set(found.without) == optional
    assert found.length_name == ("max_completion_tokens" if "max_tokens" in refused else "max_tokens")


async def test_a_probe_that_fails_for_a_passing_reason_decides_nothing():
    handler, _ = in_turn(lambda: refusal(503, "starting"))
    async with serving(handler) as url, Way(url) as one:
        with pytest.raises(PassingError, match="cannot be probed now"):
            await one.probe("m", "chat")


async def test_an_endpoint_that_takes_nothing_at_all_is_named():
    handler, _ = in_turn(lambda: refusal(400, "never"))
    async with serving(handler) as url, Way(url) as one:
        with pytest.raises(TeacherError, match="refuses even the plainest request"):
            await one.probe("m", "chat")


async def test_a_busy_first_contact_is_waited_for():
    handler, seen = in_turn(lambda: refusal(429, "busy"), lambda: refusal(503, "busy"), said)
    async with serving(handler) as url, Way(url) as one:
        assert await one.probe("m", "chat") == (Capabilities(), "")
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
    async with serving(handler) as url, Way(url) as one:
        with pytest.raises(TeacherError, match=words):
            await one.client.models()


async def test_a_server_that_is_not_there_is_named_without_jargon():
    async with Way("http://127.0.0.1:9/v1") as one:
        with pytest.raises(PassingError, match=r"no server answers at .*is it running\?") as raised:
            await one.client.models()
    assert "ssl" not in str(raised.value)


async def test_an_endpoint_that_knows_only_json_objects_is_found_out():
    async def handler(request: web.Request) -> web.StreamResponse:
        form = json.loads(await request.read()).get("response_format", {})
        return said() if form.get("type") != "json_schema" else refusal(400, "json_schema is not supported")

    async with serving(handler) as url, Way(url) as one:
        found, _ = await one.probe("m", "chat")
    assert (found.form, found.without) == ("json_object", ())


async def test_the_name_an_endpoint_answers_under_is_learned_and_another_one_is_no_reply():
    names = iter(["/models/m.gguf", "/models/m.gguf", "other", "/models/m.gguf"])

    async def handler(_request: web.Request) -> web.StreamResponse:
        choice = {"message": {"content": "so"}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 7, "completion_tokens": 2}
        return web.json_response({"model": next(names), "choices": [choice], "usage": usage})

    async with serving(handler) as url, Way(url) as one:
        _, served = await one.probe("friendly", "chat")
        binding = Binding(identity="i", model="friendly", served=served)
        for _ in range(2):
            assert (await one.post({}, binding, 1, "x", one.lost.append)).reply.model == "/models/m.gguf"
    assert served == "/models/m.gguf"
    assert [(fault.prompt_tokens, fault.completion_tokens) for fault in one.lost] == [(7, 2)]
    assert "answers as other where friendly was asked" in one.lost[0].text


async def test_refusals_because_of_a_rate_use_up_no_attempts():
    handler, seen = in_turn(*[lambda: refusal(429, "slowly", {"retry-after-ms": "10"})] * 30, said)
    async with serving(handler) as url, Way(url) as one:
        assert (await one.ask()).text == "so"
    assert len(seen) == 31
    assert not any(fault.uncertain for fault in one.lost)


async def test_an_endpoint_that_refuses_everything_for_long_is_given_up():
    now = [0.0]

    class Passing(Waits):
        async def __call__(self, seconds: float) -> None:
            now[0] += seconds

    handler, _ = in_turn(lambda: refusal(429, "slowly", {"retry-after": "60"}))
    async with serving(handler) as url, Way(url, waits=Passing(), clock=lambda: now[0]) as one:
        with pytest.raises(PassingError, match="has served nothing for 600 s"):
            await one.ask()
    assert now[0] > dispatch.PATIENCE_SECONDS


async def test_a_call_that_waits_to_be_tried_again_holds_no_place_and_then_goes_first():
    handler, _ = in_turn(lambda: refusal(503, "busy"), said)
    async with serving(handler) as url, Way(url) as one:
        taken = []

        async def looking(_seconds: float) -> None:
            taken.append(one.window.taken)

        one._sleep = looking
        await one.ask()
    assert taken == [0]


@pytest.mark.parametrize("length", [True, False])
async def test_a_reply_that_is_too_large_is_cut_off(length: bool):
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if length:
            response.content_length = 2**30
        await response.prepare(request)
        for _ in range(2**14):
            await response.write(b"x" * 2**16)
        return response

    async with serving(handler) as url, Way(url, largest=2**20, attempts=2) as one:
        with pytest.raises(PassingError, match="a reply of more than 1048576 bytes"):
            await one.ask()


async def test_a_key_that_a_server_echoes_is_in_no_reply():
    handler, _ = in_turn(lambda: said(f"your key is {SECRET}"))
    async with serving(handler) as url, Way(url) as one:
        assert (await one.ask()).text == "your key is [key]"


class Dying:
    """A server of a fleet that can be told to drop every connection, and back."""

    def __init__(self) -> None:
        self.dead = False
        self.served = 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """So, or a closed connection."""
        if self.dead:
            request.transport.close()
        elif request.method == "POST":
            self.served += 1
        return said()


async def test_an_endpoint_that_dies_is_set_aside_and_taken_back_and_its_calls_go_elsewhere():
    left, right = Dying(), Dying()
    async with serving(left.serve) as one_url, serving(right.serve) as other_url, Way(one_url, other_url) as one:
        gate = asyncio.Event()

        async def until_told(_seconds: float) -> None:
            await gate.wait()

        one.fleet._sleep = until_told
        left.dead = True
        assert {(await one.ask()).text for _ in range(20)} == {"so"}
        assert (left.served, right.served) == (0, 20)
        assert [text.split(" (")[0] for text in one.told] == [f"{one_url} is set aside"]
        left.dead = False
        gate.set()
        while one.fleet.endpoints[0].aside or one.fleet.endpoints[1].aside:
            await asyncio.sleep(0.01)
        await asyncio.gather(*(one.ask() for _ in range(20)))
        assert left.served == 10
        assert one.told[-1] == f"{one_url} answers again"


async def test_an_endpoint_of_a_fleet_that_hangs_loses_its_calls_to_the_others():
    async def hanging(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        raise AssertionError

    async with serving(hanging) as one_url, serving(Dying().serve) as other_url, Way(one_url, other_url) as one:
        one.fleet._sleep = asyncio.sleep
        replies = await asyncio.gather(*(one.ask() for _ in range(6)))
    assert [reply.text for reply in replies] == ["so"] * 6
    assert any(f"{one_url} is set aside (it does not answer)" in text for text in one.told)


async def test_a_call_that_is_stuck_is_named_once():
    async def slow(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.4)
        return said()

    async with serving(slow) as url, Way(url) as one:
        assert (await one.ask()).text == "so"
    assert len(one.told) == 1
    assert one.told[0].startswith("the answer call of t-1 has been waiting for 0 s at http://127.0.0.1:")


async def test_headers_that_allow_nothing_more_hold_calls_back():
    began, times = asyncio.get_running_loop().time(), []

    async def handler(_request: web.Request) -> web.StreamResponse:
        times.append(asyncio.get_running_loop().time() - began)
        response = said()
        response.headers.update(
            {
                "x-ratelimit-limit-requests": "20",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "1s",
            }
        )
        return response

    async with serving(handler) as url, Way(url) as one:
        one.fleet._sleep = asyncio.sleep
        await one.ask()
        await asyncio.gather(*(one.ask() for _ in range(4)))
    assert all(later - before > 0.045 for before, later in itertools.pairwise(times))


@pytest.mark.parametrize("value", ["nan", "-1", "1e999", "soon", "", "9" * 400])
async def test_headers_of_nonsense_change_nothing(value: str):
    names = [
        f"x-ratelimit-{what}-{name}" for what in ("limit", "remaining", "reset") for name in ("requests", "tokens")
    ]

    async def handler(_request: web.Request) -> web.StreamResponse:
        response = said()
        response.headers.update({**dict.fromkeys(names, value), "retry-after": value})
        return response

    async with serving(handler) as url, Way(url) as one:
        assert (await one.ask()).text == "so"
        assert one.fleet.endpoints[0].seconds_each == 0


async def test_a_certificate_that_nobody_vouches_for_is_refused():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(DATA / "self_signed.pem")  # made for this test alone
    runner = web.AppRunner(web.Application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    url = f"https://localhost:{runner.addresses[0][1]}/v1"
    async with Way(url, attempts=1) as one:
        with pytest.raises(PassingError, match="certificate"):
            await one.ask()
        with pytest.raises(PassingError, match="certificate"):
            await one.client.models()
    await runner.cleanup()


async def test_a_fleet_that_is_gone_altogether_is_given_up():
    left, right = Dying(), Dying()
    left.dead = right.dead = True
    async with serving(left.serve) as one_url, serving(right.serve) as other_url, Way(one_url, other_url) as one:
        one.fleet._patience_seconds = 0.05
        one.fleet._sleep = asyncio.sleep
        with pytest.raises(PassingError, match=r"none of .* has answered for 0.05 s"):
            await asyncio.gather(*(one.ask() for _ in range(12)))
