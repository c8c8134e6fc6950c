"""The teacher that the line asks: ledger first, then, within the limits, the endpoint of the role; the reply is kept before it is used."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from synthgen.config import Prices
from synthgen.errors import ConfigError, StopError
from synthgen.records import Reply, Request, Role, Step
from synthgen.teacher import ledger as ledgers
from synthgen.teacher import meter as meters
from synthgen.teacher import wire
from synthgen.teacher.batches import Batches
from synthgen.teacher.dispatch import Keep, Lost, Served
from synthgen.teacher.ledger import Entry, Ledger
from synthgen.teacher.meter import Meter, Worst, cost
from synthgen.teacher.wire import Binding, Fault

REFUSALS = 20
"""Refused requests without one success, after which the endpoint is taken to refuse everything."""
BATCHED: frozenset[Step] = frozenset({"answer", "judge"})
"""Steps whose calls may go by batch: nothing else on the line waits for them."""
CHARACTERS_PER_TOKEN = 4
"""Of a prompt, on average."""


class Poster(Protocol):
    """What brings a body to an endpoint, and its reply back."""

    async def post(
        self, body: Mapping[str, Any], binding: Binding, tokens: int, about: str, lost: Lost, keep: Keep
    ) -> Served:
        """As Dispatch.post."""
        ...


async def no_batches(_role: Role, _idle: Callable[[], bool]) -> None:
    """Where everything is asked at once."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ways to an endpoint: what is known of it without asking, what asks at once, and what asks by batch."""

    binding: Callable[[Role], Awaitable[Binding]]
    """The binding of a role; connects only where no earlier run learned it."""
    dispatch: Callable[[Role], Awaitable[Poster]]
    """The way to the endpoint of a role; connects when a call is truly owed."""
    batches: Callable[[Role, Callable[[], bool]], Awaitable[Batches | None]] = no_batches
    """The batches of a role's endpoint; None where none is open and none is to be sent."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that is owed, as it is sent and kept."""

    request: Request
    binding: Binding
    body: Mapping[str, Any]
    key: str
    prices: Prices | None
    began: float

    def reply(self, served: Served) -> Reply:
        """The reply as it is kept and handed out."""
        return served.reply.model_copy(update={"key": self.key, "model": self.binding.model})


class Engine:
    """A Teacher over HTTP. A request that was paid for once is answered from the ledger."""

    def __init__(
        self,
        ports: Ports,
        ledger: Ledger,
        meter: Meter,
        prices: Mapping[str, Prices],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.ports, self.ledger, self.meter, self.prices = ports, ledger, meter, prices
        self._clock = clock
        self._under_way: dict[str, asyncio.Task[Reply]] = {}
        self._at_once: set[str] = set()
        """Keys of the calls under way that do not go by batch."""
        self._notes: set[asyncio.Task[None]] = set()
        self._refused = 0
        self._served = False

    async def ask(self, request: Request) -> Reply:
        """The reply to a request: replayed, awaited if the same one is under way, or paid for."""
        binding = await self.ports.binding(request.role)
        body = wire.body(request, binding)
        key = wire.key(body, request.sample, binding.identity)
        kept = self.ledger.get(key)
        if kept is not None:
            self.meter.replayed += 1
            return kept
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(self._paid(request, binding, body, key))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._ended(key, done))
        # Shielded: a stage that is cancelled leaves the call to finish into the ledger.
        return await asyncio.shield(task)

    def _ended(self, key: str, task: asyncio.Task[Reply]) -> None:
        """Forget a call that has ended. Its error, if nobody awaits it any more, is no news: another one stopped the line."""
        self._under_way.pop(key, None)
        self._at_once.discard(key)
        if not task.cancelled():
            task.exception()

    def idle(self) -> bool:
        """Whether nothing is under way but what goes by batch."""
        return not self._at_once

    async def _paid(self, request: Request, binding: Binding, body: Mapping[str, Any], key: str) -> Reply:
        """Make a call and keep its reply before anybody sees it."""
        call = Call(request, binding, body, key, self.prices.get(binding.model), self._clock())
        self._at_once.add(key)
        batches = await self._batches(request)
        worst = meters.worst(request, call.prices)
        async with self.meter.reserved(worst):
            served = await self._by_batch(batches, call) or await self._sent(call, worst)
        if batches is not None:
            await batches.kept(key)
        reply = call.reply(served)
        self._count_refusal(reply)
        return reply

    async def _keep(self, call: Call, served: Served, share: float = 1.0) -> None:
        """Count a reply, at a share of its price, and bring it to the disk. Not where it is the request's form that is refused."""
        reply, request = call.reply(served), call.request
        if wire.refuses_thinking(request, reply):
            raise ConfigError(
                f"{call.binding.identity} does not take {wire.THINK}, by which a model is told whether to think: {reply.text}; "
                "ask it without think and no_think"
            )
        usd = share * cost(call.prices, reply.prompt_tokens, reply.cached_tokens, reply.completion_tokens)
        self.meter.settle(request.step, reply, usd, served.seconds)
        role, step, identity, sample = request.role, request.step, call.binding.identity, request.sample
        await self.ledger.keep(Entry(reply, call.body, role, step, identity, sample, usd, served.seconds, call.began))

    async def _batches(self, request: Request) -> Batches | None:
        """The batches a request may go by; a repair, which few need, goes by itself."""
        if request.step not in BATCHED or (request.messages[-2:-1] and request.messages[-2].role == "assistant"):
            return None
        return await self.ports.batches(request.role, self.idle)

    async def _by_batch(self, batches: Batches | None, call: Call) -> Served | None:
        """The reply to a request that goes by batch, kept; None for one that does not."""
        if batches is None or not batches.takes(call.key):
            return None
        self._at_once.discard(call.key)
        reply = await batches.post(call.key, call.body)
        self._at_once.add(call.key)
        if reply is None:
            return None
        served = Served(reply, 0.0)
        await self._keep(call, served, call.prices.batch if call.prices is not None else 1.0)
        return served

    async def _sent(self, call: Call, worst: Worst) -> Served:
        """The reply to a request that is sent at once, kept before its place is given to another."""
        request = call.request

        def lost(fault: Fault) -> None:
            self._lose(fault, request, call.binding, call.prices)

        async def keep(served: Served) -> None:
            await self._keep(call, served)

        dispatch = await self.ports.dispatch(request.role)
        about = f"the {request.step} call of {request.about}"
        return await dispatch.post(call.body, call.binding, worst.tokens, about, lost, keep)

    def _lose(self, fault: Fault, request: Request, binding: Binding, prices: Prices | None) -> None:
        """Count an attempt that was charged for nothing, or may have been: then by estimate."""
        if not fault.prompt_tokens and not fault.uncertain:
            return
        if not fault.prompt_tokens:
            characters = sum(len(message.content) for message in request.messages)
            typical = self.meter.typical_completion(request.step)
            fault = replace(fault, prompt_tokens=characters // CHARACTERS_PER_TOKEN, completion_tokens=typical)
        prompt, completion = fault.prompt_tokens, fault.completion_tokens
        usd = cost(prices, prompt, 0, completion)
        self.meter.lose(request.step, fault, usd)
        lost = ledgers.Lost(
            self._clock(),
            request.role,
            request.step,
            binding.identity,
            binding.model,
            prompt,
            completion,
            usd,
            fault.text,
        )
        note = asyncio.create_task(self.ledger.lose(lost))
        self._notes.add(note)
        note.add_done_callback(self._noted)

    def _noted(self, note: asyncio.Task[None]) -> None:
        """Forget a note that is written; where it could not be, the next reply says so."""
        self._notes.discard(note)
        if not note.cancelled():
            note.exception()

    def _count_refusal(self, reply: Reply) -> None:
        """Stop where an endpoint refuses everything: raises StopError at the 20th refusal without a success."""
        if reply.finish in {"stop", "length"}:
            self._served = True
        elif reply.finish in {"refused", "too_long"}:
            self._refused += 1
            if self._refused >= REFUSALS and not self._served:
                raise StopError(
                    f"the endpoint refused {self._refused} requests and served none; the last time: {reply.text}"
                )

    async def aclose(self, grace_seconds: float = 10) -> None:
        """Await what is under way into the ledger, for a while, and give up the rest; open batches stay open."""
        pending = dict(self._under_way)
        soon = {task for key, task in pending.items() if key in self._at_once}
        if soon:
            await asyncio.wait(soon, timeout=grace_seconds)
        for task in pending.values():
            task.cancel()
        await asyncio.gather(*pending.values(), *self._notes, return_exceptions=True)
