"""From a body to its reply: a place in the window, the limits, an endpoint, an attempt, and what is tried again, by cause.

Waiting is no part of an attempt: a call holds its place only while an endpoint works on it, and its deadline starts when it is sent.
"""

import asyncio
import statistics
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from types import TracebackType
from typing import Any, Self

import orjson

from synthgen.errors import PassingError
from synthgen.records import Reply
from synthgen.teacher import client as clients
from synthgen.teacher import wire
from synthgen.teacher.client import Answered, Client
from synthgen.teacher.fleet import Endpoint, Fleet
from synthgen.teacher.pace import Pace
from synthgen.teacher.window import Window
from synthgen.teacher.wire import Api, Binding, Capabilities, Fault

ATTEMPTS = 6
"""Attempts of a request that meet a broken server; refusals because of a rate are not counted."""
LONGEST_WAIT_SECONDS = 30.0
PATIENCE_SECONDS = 600.0
"""How long an endpoint may refuse everything because of a rate before it is given up."""
DEADLINE_SECONDS = 600.0
LOOK_SECONDS = 1.0
"""How often the watchdog looks."""
STUCK_SECONDS, STUCK_TIMES = 60.0, 10.0
"""An attempt is stuck after a minute, or ten times what the others take if that is more."""
REMEMBERED = 200
"""Attempts whose seconds are remembered."""
Sleep = Callable[[float], Awaitable[None]]
Lost = Callable[[Fault], None]
Keep = Callable[["Served"], Awaitable[None]]


async def unkept(_served: "Served") -> None:
    """For callers that keep nothing, or later."""


def unnoticed(_fault: Fault) -> None:
    """For callers that count nothing."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What may start in a minute, of all endpoints together."""

    calls: Pace | None = None
    tokens: Pace | None = None

    @classmethod
    def of(cls, rpm: int | None, tpm: int | None, clock: Callable[[], float] = time.monotonic) -> "Rates":
        """The rates that a user states."""
        return cls(Pace(rpm, clock) if rpm else None, Pace(tpm, clock) if tpm else None)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request on its way."""

    data: bytes
    binding: Binding
    tokens: int
    """Of the prompt and the longest reply, by estimate."""
    about: str
    """What it is, for people."""
    keep: Keep = unkept


@dataclass(slots=True, eq=False)
class Attempt:
    """One attempt under way, as the watchdog sees it."""

    about: str
    endpoint: Endpoint
    began: float
    scope: asyncio.Timeout
    named: bool = False


@dataclass(frozen=True, slots=True)
class Served:
    """A reply, and how long the attempt took that brought it."""

    reply: Reply
    seconds: float


@dataclass(slots=True)
class Health:
    """How the endpoints have done of late."""

    refusing_since: float | None = None
    """When they began to refuse everything because of a rate."""
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))


class Dispatch:
    """The calls to the endpoints of one SPEC. Used inside `async with`."""

    def __init__(
        self,
        client: Client,
        window: Window,
        rates: Rates = Rates(),
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        attempts: int = ATTEMPTS,
        stuck_seconds: float = STUCK_SECONDS,
        look_seconds: float = LOOK_SECONDS,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        rng: Random | None = None,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.client, self.window, self.rates = client, window, rates
        self.fleet = Fleet(client.urls, client.alive, clock, sleep, tell)
        self._deadline, self._attempts = deadline_seconds, attempts
        self._stuck_after, self._look_seconds = stuck_seconds, look_seconds
        self._sleep, self._clock, self._tell = sleep, clock, tell
        self._rng = rng or Random()  # noqa: S311  # jitter, not secrets
        self._under_way: set[Attempt] = set()
        self._health = Health()
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.client.__aenter__()
        self._watch = asyncio.create_task(self._watching())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        await self.fleet.aclose()
        await self.client.__aexit__(kind, error, trace)

    async def post(
        self,
        body: Mapping[str, Any],
        binding: Binding,
        tokens: int,
        about: str,
        lost: Lost = unnoticed,
        keep: Keep = unkept,
    ) -> Served:
        """The reply to a body. Faults of the record are replies; passing ones are tried again; the rest are raised.

        `lost` is told of every attempt that gave no reply. `keep` is awaited with the reply before its place in the window is
        given to another call, so that no more than the window's calls are ever paid for and not kept.
        """
        asked = Asked(orjson.dumps(body), binding, tokens, about, keep)
        broken, first = 0, True
        while True:
            found = await self._tried(asked, again=not first)
            if isinstance(found, Served):
                return found
            lost(found)
            first = False
            if found.kind == "rate":
                self._check_patience(found)
            elif found.kind == "server":
                broken += 1
                if broken >= self._attempts:
                    raise PassingError(self._given_up(found))
            else:
                served = Served(self.client.settled(found), 0.0)
                await keep(served)
                return served
            await self._sleep(self._wait(max(1, broken), found))

    async def _tried(self, asked: Asked, *, again: bool) -> Served | Fault:
        """One attempt, in its turn and within the limits."""
        async with self.window.place(again=again):
            rates = self.rates
            start = await rates.tokens.take(asked.tokens) if rates.tokens is not None else None
            if rates.calls is not None:
                await rates.calls.take()
            endpoint = await self.fleet.chosen()
            began = self._clock()
            answered = await self._attempt(asked, endpoint, began)
            seconds = self._clock() - began
            found = checked(answered.found, asked.binding)
            self._note(endpoint, found, answered.headers, seconds)
            if isinstance(found, Fault):
                return found
            if rates.tokens is not None and start is not None:
                rates.tokens.correct(start, found.prompt_tokens + found.completion_tokens)
            served = Served(found, seconds)
            await asked.keep(served)
            return served

    async def _attempt(self, asked: Asked, endpoint: Endpoint, began: float) -> Answered:
        """Send it, and wait until its deadline."""
        endpoint.under_way += 1
        try:
            async with asyncio.timeout(self._deadline) as scope:
                attempt = Attempt(asked.about, endpoint, began, scope)
                self._under_way.add(attempt)
                try:
                    return await self.client.once(endpoint.url, asked.data, asked.binding.api)
                finally:
                    self._under_way.discard(attempt)
        except TimeoutError:
            said = "set aside" if endpoint.aside else f"no reply in {self._deadline:g} s"
            return Answered(Fault("server", f"{asked.about}: {said}", uncertain=True, unreached=endpoint.aside))
        finally:
            endpoint.under_way -= 1

    def _note(self, endpoint: Endpoint, found: Reply | Fault, headers: Mapping[str, str], seconds: float) -> None:
        """Tell everybody who learns from an attempt."""
        served = not isinstance(found, Fault)
        self.window.ended(served=served)
        if served:
            self._health.refusing_since = None
            self._health.seconds.append(seconds)
        if isinstance(found, Fault) and found.unreached:
            self.fleet.broke(endpoint, found)
        else:
            self.fleet.answered(endpoint, headers)

    def _check_patience(self, found: Fault) -> None:
        """Raise PassingError where an endpoint has refused everything for long."""
        health, now = self._health, self._clock()
        health.refusing_since = health.refusing_since or now
        if now - health.refusing_since > PATIENCE_SECONDS:
            raise PassingError(
                f"{self.client.names} has served nothing for {PATIENCE_SECONDS:g} s: {self.client.shown(found.text)}; "
                "lower --concurrency or --rpm; the same command goes on"
            )

    def _wait(self, broken: int, last: Fault) -> float:
        """Seconds before the next attempt: as told, or doubling with jitter; none where another endpoint can take it."""
        if last.unreached and any(not one.aside and not one.failures for one in self.fleet.endpoints):
            return 0.0
        if last.wait_seconds is not None:
            return min(last.wait_seconds, 4 * LONGEST_WAIT_SECONDS)
        return min(LONGEST_WAIT_SECONDS, 0.5 * 2.0**broken) * self._rng.uniform(0.5, 1.0)

    def _given_up(self, last: Fault) -> str:
        return (
            f"{self.client.names} did not serve a request in {self._attempts} attempts; the last one: "
            f"{self.client.shown(last.text)}; the same command goes on when it is back"
        )

    async def probe(self, model: str, api: Api) -> tuple[Capabilities, str]:
        """What the endpoint takes, and the name it answers under: a tiny call with everything, then less until it is accepted.

        A passing failure decides nothing: it is tried again, and raised in the end.
        """
        known = Capabilities()
        while True:
            body = clients.probe_body(model, api, known)
            asked = Asked(orjson.dumps(body), Binding(identity="", model="", api=api), 64, f"the probe of {model}")
            found = await self._probed(asked)
            if isinstance(found, Reply):
                return known, "" if wire.same_model(found.model, model) else found.model
            if found.kind not in {"parameter", "refused"}:
                self.client.settled(found)
                return known, ""
            smaller = clients.lessened(known, found.text, api)
            if smaller is None:
                raise clients.refuses_everything(self.client, found)
            known = smaller

    async def _probed(self, asked: Asked) -> Reply | Fault:
        """One probe call, tried again while its failure is a passing one."""
        found = Fault("server", "not asked")
        for number in range(self._attempts):
            if number:
                await self._sleep(self._wait(number, found))
            tried = await self._tried(asked, again=False)
            if isinstance(tried, Served):
                return tried.reply
            if tried.kind not in {"rate", "server"}:
                return tried
            found = tried
        raise PassingError(
            f"{self.client.names} cannot be probed now: {self.client.shown(found.text)}; the same command tries again"
        )

    async def _watching(self) -> None:
        """Name attempts that are stuck; set aside an endpoint of a fleet that does not answer any more."""
        while True:
            await asyncio.sleep(self._look_seconds)
            stuck = self._stuck()
            for attempt in stuck:
                if not attempt.named:
                    attempt.named = True
                    seconds = self._clock() - attempt.began
                    self._tell(
                        f"{attempt.about} has been waiting for {seconds:.0f} s at {attempt.endpoint.url}; "
                        f"it is given up after {self._deadline:g} s and tried again"
                    )
            if len(self.fleet.endpoints) > 1:
                for endpoint in {attempt.endpoint.url: attempt.endpoint for attempt in stuck}.values():
                    await self._look_after(endpoint)

    def _stuck(self) -> list[Attempt]:
        """Attempts that take much longer than others."""
        if not self._under_way:
            return []
        usual = statistics.median(self._health.seconds) if self._health.seconds else 0.0
        before = self._clock() - max(self._stuck_after, STUCK_TIMES * usual)
        return [attempt for attempt in self._under_way if attempt.began < before]

    async def _look_after(self, endpoint: Endpoint) -> None:
        """Where an endpoint does not even answer a probe, its calls go elsewhere at once."""
        if endpoint.aside or await self.client.alive(endpoint.url):
            return
        self.fleet.set_aside(endpoint, "it does not answer")
        now = asyncio.get_running_loop().time()
        for attempt in self._under_way:
            if attempt.endpoint is endpoint:
                attempt.scope.reschedule(now)


def checked(found: Reply | Fault, binding: Binding) -> Reply | Fault:
    """A reply of another model than was asked is none."""
    if isinstance(found, Fault) or binding.api == "embeddings" or wire.is_model(found.model, binding):
        return found
    return Fault(
        "server",
        f"it answers as {wire.in_one_line(found.model)} where {binding.model} was asked; name the model it serves",
        prompt_tokens=found.prompt_tokens,
        completion_tokens=found.completion_tokens,
    )
