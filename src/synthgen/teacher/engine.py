"""The teacher that the line asks: ledger first, then, within the limits, the endpoint of the role; the reply is kept before it is used."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from synthgen.config import Prices
from synthgen.errors import StopError
from synthgen.records import Reply, Request, Role
from synthgen.teacher import meter as meters
from synthgen.teacher import wire
from synthgen.teacher.dispatch import Lost, Served
from synthgen.teacher.ledger import Entry, Ledger
from synthgen.teacher.meter import Meter, cost
from synthgen.teacher.wire import Binding, Fault

REFUSALS = 20
"""Refused requests without one success, after which the endpoint is taken to refuse everything."""
CHARACTERS_PER_TOKEN = 4
"""Of a prompt, on average."""


class Poster(Protocol):
    """What brings a body to an endpoint, and its reply back."""

    async def post(self, body: Mapping[str, Any], binding: Binding, tokens: int, about: str, lost: Lost) -> Served:
        """As Dispatch.post."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """The two ways to an endpoint: what is known of it without asking, and what asks."""

    binding: Callable[[Role], Awaitable[Binding]]
    """The binding of a role; connects only where no earlier run learned it."""
    dispatch: Callable[[Role], Awaitable[Poster]]
    """The way to the endpoint of a role; connects when a call is truly owed."""


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
        if not task.cancelled():
            task.exception()

    async def _paid(self, request: Request, binding: Binding, body: Mapping[str, Any], key: str) -> Reply:
        """Make a call and keep its reply before anybody sees it."""
        dispatch = await self.ports.dispatch(request.role)
        prices = self.prices.get(binding.model)
        worst = meters.worst(request, prices)
        about = f"the {request.step} call of {request.about}"
        began = self._clock()

        def lost(fault: Fault) -> None:
            self._lose(fault, request, prices)

        async with self.meter.reserved(worst):
            served = await dispatch.post(body, binding, worst.tokens, about, lost)
            reply = served.reply.model_copy(update={"key": key, "model": binding.model})
            usd = cost(prices, reply.prompt_tokens, reply.cached_tokens, reply.completion_tokens)
            self.meter.settle(request.step, reply, usd, served.seconds)
        role, step, identity, sample = request.role, request.step, binding.identity, request.sample
        await self.ledger.keep(Entry(reply, body, role, step, identity, sample, usd, served.seconds, began))
        self._count_refusal(reply)
        return reply

    def _lose(self, fault: Fault, request: Request, prices: Prices | None) -> None:
        """Count an attempt that was charged for nothing, or may have been: then by estimate."""
        if not fault.prompt_tokens and not fault.uncertain:
            return
        if not fault.prompt_tokens:
            characters = sum(len(message.content) for message in request.messages)
            typical = self.meter.typical_completion(request.step)
            fault = replace(fault, prompt_tokens=characters // CHARACTERS_PER_TOKEN, completion_tokens=typical)
        usd = cost(prices, fault.prompt_tokens, 0, fault.completion_tokens)
        self.meter.lose(request.step, fault, usd)

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
        """Await what is under way into the ledger, for a while, and give up the rest."""
        pending = set(self._under_way.values())
        if pending:
            await asyncio.wait(pending, timeout=grace_seconds)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
