"""From a role to its endpoint: what an earlier run learned, or a first contact. Starts the rehearsal when it is needed."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

import orjson

from synthgen import specs
from synthgen.config import RoleConfig, RunConfig
from synthgen.errors import ConfigError, PassingError
from synthgen.records import Role
from synthgen.specs import Spec
from synthgen.teacher.batchapi import BatchApi
from synthgen.teacher.batches import Batches
from synthgen.teacher.dispatch import Dispatch
from synthgen.teacher.engine import Ports
from synthgen.teacher.ledger import Ledger
from synthgen.teacher.terms import LOG, Terms
from synthgen.teacher.wire import Binding

START_SECONDS = 30
STOP_SECONDS = 5


class Connections:
    """The endpoints of a run's roles. Nothing is started or asked before somebody needs it."""

    def __init__(
        self,
        config: RunConfig,
        environment: Mapping[str, str],
        ledger: Ledger,
        terms: Terms,
        learned: Mapping[str, Any],
        remember: Callable[[dict[str, Any]], None],
        rehearsal_options: tuple[str, ...] = (),
    ) -> None:
        self.config, self.environment, self.ledger, self.terms = config, environment, ledger, terms
        self._learned = {name: Binding.model_validate(value) for name, value in learned.items()}
        self._remember = remember
        self._options = rehearsal_options
        self._stack = AsyncExitStack()
        self._lock = asyncio.Lock()
        self._batches: dict[tuple[str, str], Batches | None] = {}
        self._ways: dict[tuple[str, str], Dispatch] = {}
        """By SPEC and the variable of the key: two roles may use one server on two accounts."""

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def ports(self) -> Ports:
        """What the engine asks for."""
        return Ports(binding=self.binding, dispatch=self.dispatch, batches=self.batches)

    async def binding(self, role: Role) -> Binding:
        """The binding of a role: this run's, that of an earlier run on this ledger, or from a first contact."""
        name = slot(self.config.role(role))
        if name in self._learned:
            return self._learned[name]
        async with self._lock:
            if name not in self._learned:
                chosen = self.config.role(role)
                found = self.ledger.binding(name, chosen.api) or await self._contact(role, chosen)
                self._learned[name] = found
                self._remember({key: value.model_dump(mode="json") for key, value in sorted(self._learned.items())})
                self.ledger.remember(name, chosen.api, found)
        return self._learned[name]

    async def dispatch(self, role: Role) -> Dispatch:
        """The way to the endpoint of a role, connected."""
        chosen = self.config.role(role)
        place = (chosen.spec, chosen.key_env)
        if place not in self._ways:
            async with self._lock:
                await self._connect(chosen)
        return self._ways[place]

    async def batches(self, role: Role, idle: Callable[[], bool]) -> Batches | None:
        """The batches of a role's endpoint; None where none is open and none is to be sent."""
        chosen = self.config.role(role)
        place = (chosen.spec, chosen.key_env)
        if place not in self._batches:
            async with self._lock:
                if place not in self._batches:
                    self._batches[place] = await self._opened_batches(chosen, idle)
        return self._batches[place]

    async def _opened_batches(self, chosen: RoleConfig, idle: Callable[[], bool]) -> Batches | None:
        """The batches of a SPEC; the caller holds the lock."""
        if not self.config.batch and not self.ledger.open_batches(chosen.identity):
            return None
        client = (await self._connect(chosen)).client
        api = BatchApi(client.urls[0], self._key(chosen))
        batches = Batches(
            api, self.ledger, chosen.identity, chosen.api, new=self.config.batch, idle=idle,
            settle=client.settled, tell=LOG.warning,
        )  # fmt: skip
        return await self._stack.enter_async_context(batches)

    def _key(self, chosen: RoleConfig) -> str | None:
        """The key of a role's endpoint."""
        return self.environment.get(chosen.key_env) or None if self._spec(chosen).kind == "http" else None

    async def _contact(self, role: Role, chosen: RoleConfig) -> Binding:
        """Ask an endpoint which model it serves and what it takes."""
        spec = self._spec(chosen)
        dispatch = await self._connect(chosen)
        served = await dispatch.client.models() if not spec.model else []
        if len(served) > 1:
            raise ConfigError(
                f"{spec.identity} serves {', '.join(served[:8])}; say which one for {role}: {served[0]}@{spec.urls[0]}"
            )
        model = spec.model or served[0]
        capabilities, name = await dispatch.probe(model, chosen.api)
        return Binding(identity=spec.identity, model=model, api=chosen.api, capabilities=capabilities, served=name)

    async def _connect(self, chosen: RoleConfig) -> Dispatch:
        """The way to the endpoint of a SPEC; the caller holds the lock."""
        place = (chosen.spec, chosen.key_env)
        if place not in self._ways:
            spec = self._spec(chosen)
            urls = spec.urls or (await self._rehearsal(spec.model),)
            self._ways[place] = await self._stack.enter_async_context(self.terms.dispatch(urls, self._key(chosen)))
        return self._ways[place]

    def _spec(self, chosen: RoleConfig) -> Spec:
        return specs.parse(chosen.spec, self.environment, chosen.teacher_id)

    async def _rehearsal(self, model: str) -> str:
        """Start a rehearsal server; it ends when this process does, however that ends. Its base URL."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "synthgen.rehearsal", "--port", "0", "--watch-stdin",
            "--profile", model.removeprefix("rehearsal-"), *self._options, stdin=PIPE, stdout=PIPE,
            start_new_session=True,
        )  # fmt: skip
        self._stack.push_async_callback(stop, process)
        if process.stdout is None:
            raise RuntimeError("the rehearsal has no standard output")
        try:
            line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
            port = orjson.loads(line)["port"]
        except (TimeoutError, orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise PassingError(f"the rehearsal server did not start within {START_SECONDS} s; try again") from error
        return f"http://127.0.0.1:{port}/v1"


async def stop(process: Process) -> None:
    """End a rehearsal server: close the pipe it watches, then make sure."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def slot(chosen: RoleConfig) -> str:
    """Under what name the binding of a role is kept: declared identity, model and api."""
    return f"{chosen.identity} {chosen.model} {chosen.api}".strip()
