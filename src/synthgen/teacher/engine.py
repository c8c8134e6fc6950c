"""The teacher that the line asks: ledger first, then, within window and limits, the endpoint of the role."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from synthgen.config import Prices
from synthgen.errors import StopError
from synthgen.records import Reply, Request, Role
from synthgen.teacher import wire
from synthgen.teacher.client import Client
from synthgen.teacher.dispatch import Window
from synthgen.teacher.ledger import Ledger
from synthgen.teacher.meter import Meter, cost
from synthgen.teacher.wire import Binding

REFUSALS = 20
"""Refused requests without one success, after which the endpoint is taken to refuse everything."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The two ways to an endpoint: what is known of it without asking, and the client that asks."""

    binding: Callable[[Role], Awaitable[Binding]]
    """The binding of a role; connects only where no earlier run learned it."""
    client: Callable[[Role], Awaitable[Client]]
    """The client of a role; connects when a call is truly owed."""


class Engine:
    """A Teacher over HTTP. A request that was paid for once is answered from the ledger."""

    def __init__(
        self,
        ports: Ports,
        ledger: Ledger,
        meter: Meter,
        window: Window,
        prices: Mapping[str, Prices],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.ports, self.ledger, self.meter, self.window, self.prices = ports, ledger, meter, window, prices
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
        client = await self.ports.client(request.role)
        prices = self.prices.get(binding.model)
        estimate = sum(len(message.content) for message in request.messages) // 3 + request.decoding.max_tokens
        async with self.window.slot(estimate):
            reserved = self.meter.admit(request, prices)
            try:
                began = self._clock()
                reply = (await client.post(body, binding.api)).model_copy(update={"key": key, "model": binding.model})
                ended = self._clock()
            finally:
                self.meter.release(reserved)
            usd = cost(prices, reply.prompt_tokens, reply.cached_tokens, reply.completion_tokens)
            self.ledger.put(
                reply,
                body,
                role=request.role,
                identity=binding.identity,
                sample=request.sample,
                cost_usd=usd,
                seconds=ended - began,
                at=began,
            )
            self.meter.settle(request.role, reply, usd, ended - began)
            self._count_refusal(reply)
            return reply

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
