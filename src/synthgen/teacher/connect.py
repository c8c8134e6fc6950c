"""From a role to its endpoint: what an earlier run learned, or a first contact.

Starts the rehearsal, and a vLLM of our own, when it is needed. Watches the metrics of every vLLM that costs nothing.
"""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from synthgen import specs
from synthgen.config import ROLES, RoleConfig, RunConfig
from synthgen.errors import ConfigError, PassingError, SynthgenError
from synthgen.records import Role
from synthgen.specs import Spec
from synthgen.teacher.batchapi import BatchApi
from synthgen.teacher.batches import Batches
from synthgen.teacher.dispatch import Dispatch
from synthgen.teacher.engine import Ports
from synthgen.teacher.ledger import Ledger
from synthgen.teacher.metrics import Figures, Watcher
from synthgen.teacher.metrics import report as vllm_report
from synthgen.teacher.terms import LOG, Terms
from synthgen.teacher.vllm import OwnClient, Plan, Server
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
        logs: Path | None = None,
    ) -> None:
        self.config, self.environment, self.ledger, self.terms = config, environment, ledger, terms
        self._learned = {name: Binding.model_validate(value) for name, value in learned.items()}
        self._remember = remember
        self._options = rehearsal_options
        self._logs = logs or Path.home() / ".cache" / "synthgen"
        """Where the log of a server of our own is written."""
        self._stack = AsyncExitStack()
        self._lock = asyncio.Lock()
        self._batches: dict[tuple[str, str], Batches | None] = {}
        self._ways: dict[tuple[str, str], Dispatch] = {}
        """By SPEC and the variable of the key: two roles may use one server on two accounts."""
        self._servers = 0
        self._lost: SynthgenError | None = None
        """Why a vLLM could not be started."""
        self._ending = False
        """Whether a start was interrupted: whoever waited for that server starts none of their own."""
        self._watched: list[Figures] = []

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
        place = place_of(chosen)
        if place not in self._ways:
            async with self._lock:
                await self._connect(chosen)
        return self._ways[place]

    async def batches(self, role: Role, idle: Callable[[], bool]) -> Batches | None:
        """The batches of a role's endpoint; None where none is open and none is to be sent."""
        chosen = self.config.role(role)
        place = place_of(chosen)
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

    def vllm(self) -> dict[str, Any] | None:
        """What every vLLM did meanwhile, for the report; None where there was none."""
        return vllm_report(self._watched)

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
        place = place_of(chosen)
        if place not in self._ways:
            spec = self._spec(chosen)
            if spec.kind == "vllm":
                way = self.terms.over(await self._vllm(spec))
            else:
                way = self.terms.dispatch(spec.urls or (await self._rehearsal(spec.model),), self._key(chosen))
            self._ways[place] = await self._stack.enter_async_context(way)
            # A paid endpoint is asked for nothing but replies.
            for url in () if spec.paid else spec.urls:
                await self._watch(url, Figures())
        return self._ways[place]

    async def _vllm(self, spec: Spec) -> OwnClient:
        """Start a vLLM server; it ends when this process does, however that ends. Tried once: many calls wait for it."""
        if self._lost is not None:
            raise self._lost
        if self._ending:
            raise asyncio.CancelledError
        self._servers += 1
        log = self._logs / ("vllm.log" if self._servers == 1 else f"vllm-{self._servers}.log")
        plan = Plan(spec.source, spec.model, log, self.config.vllm_args, self.config.vllm_start_seconds)
        keys = {self.config.role(role).key_env for role in ROLES}
        beside = "" if self._servers == 1 else "beside the one that runs already, "
        LOG.warning(
            "`vllm serve %s` starts, %swhich takes half a minute or many; its log is %s", spec.source, beside, log
        )
        try:
            server = await self._stack.enter_async_context(Server(plan, self.environment, keys))
        except SynthgenError as error:
            self._lost = error
            raise
        except asyncio.CancelledError:
            self._ending = True
            raise
        LOG.warning("`vllm serve %s` is healthy after %.0f s", spec.source, server.seconds_to_start)
        await self._watch(server.url, Figures(seconds_to_start=server.seconds_to_start))
        return OwnClient(server)

    async def _watch(self, url: str, figures: Figures) -> None:
        """Watch the metrics of an endpoint, if a vLLM is there."""
        self._watched.append(figures)
        await self._stack.enter_async_context(Watcher(url, figures))

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


def place_of(chosen: RoleConfig) -> tuple[str, str]:
    """Which connection a role uses: by SPEC and, where one is used, the variable of the key."""
    return chosen.spec, "" if chosen.spec.startswith(specs.VLLM) else chosen.key_env


def slot(chosen: RoleConfig) -> str:
    """Under what name the binding of a role is kept: declared identity, model and api."""
    return f"{chosen.identity} {chosen.model} {chosen.api}".strip()
