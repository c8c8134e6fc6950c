"""A `vllm serve` of our own: found, started in an environment and a session of its own, awaited, used, ended.

vLLM and Prefect cannot share an environment, so vLLM is always another program's: the one that VLLM_BIN names, `vllm` on
PATH, or `uvx vllm`. `synthgen.watch` stands between, so that the server and its engine and worker processes, which
survive it, end with this process however that ends.
"""

import asyncio
import re
import shutil
import sys
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar

import aiohttp

from synthgen import watch
from synthgen.errors import ConfigError, PassingError, StopError, storage
from synthgen.teacher.client import Answered, Client
from synthgen.teacher.wire import Api, in_one_line

T = TypeVar("T")
GRACE_SECONDS = 3
"""How long vLLM may take to end by itself before it is killed; while it starts it ignores that it is asked."""
STOP_SECONDS = GRACE_SECONDS + 5
LOOK_EVERY_SECONDS = 0.25
HEALTH_SECONDS = 2
ILL_TIMES = 3
"""How often in turn a server in use may refuse to answer before it counts as ended."""
TAIL_BYTES = 2**18
ARGUMENTS = (
    "--enable-prompt-tokens-details",  # how much of each prompt was cached
    "--disable-uvicorn-access-log",  # a line a call says nothing
    # Without the second, a weak model that is held to a schema can write blanks until its tokens are used up.
    "--structured-outputs-config", '{"backend":"xgrammar","disable_any_whitespace":true}',
)  # fmt: skip
QUIET = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
LEFT_OUT = {"PYTHONPATH", "PYTHONHOME", "OPENAI_API_KEY", "VLLM_API_KEY"}
"""Variables that are not handed on: our own packages, and keys."""
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
PREFIX = re.compile(r"(?:\([^()]*\) ?)?(?:(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) \S+ \S+ \[[^]]*\] ?)?")
TELLING = re.compile(r"(?:[A-Za-z_][\w.]*(?:Error|Exception)\b.*:.*\S|.*: error: .+)")
HEARSAY = ("root cause", "For further information", "warnings.warn", "UserWarning")
"""What stands below the line that matters."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be served, and how."""

    source: str
    """The model's name, or the path of its folder."""
    model: str
    """The name under which it is asked for."""
    log: Path
    arguments: tuple[str, ...] = ()
    """Further arguments of `vllm serve`; they win over ours."""
    start_seconds: float = 600
    """How long it may take until it is healthy."""
    pulse_seconds: float = 5
    """How often it is asked for its health while it is used."""


def command(environment: Mapping[str, str]) -> list[str]:
    """How vLLM is called here. Raises ConfigError where it is not."""
    path = environment.get("PATH")
    named = environment.get("VLLM_BIN", "")
    if named:
        found = shutil.which(str(Path(named).expanduser()), path=path)
        if found is None:
            raise ConfigError(
                f"VLLM_BIN names {named}, which is no program; name the `vllm` of an environment that has it"
            )
        return [found]
    if found := shutil.which("vllm", path=path):
        return [found]
    if found := shutil.which("uvx", path=path):
        return [found, "vllm"]
    raise ConfigError(
        "there is no vLLM here: name one with VLLM_BIN=/path/to/vllm, put `vllm` on PATH, or install uv, whose `uvx vllm` "
        "fetches it; or start a server yourself and give http://localhost:8000/v1"
    )


def surroundings(environment: Mapping[str, str], secrets: Iterable[str], source: str) -> dict[str, str]:
    """The environment of the server: no telemetry, no keys but the hub's, nothing of our own packages."""
    left_out = LEFT_OUT | set(secrets)
    kept = {name: value for name, value in environment.items() if name not in left_out}
    offline = {"HF_HUB_OFFLINE": "1"} if Path(source).is_absolute() else {}
    return {**offline, **kept, **QUIET}


class Server:
    """A server of our own. `async with` returns when it is healthy, and ends it with everything it started."""

    def __init__(self, plan: Plan, environment: Mapping[str, str], secrets: Iterable[str] = ()) -> None:
        self.plan = plan
        self.environment = surroundings(environment, secrets, plan.source)
        self.port = watch.free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.seconds_to_start = 0.0
        self._process: Process | None = None
        self._ended: asyncio.Task[int] | None = None
        self._gone: asyncio.Task[str] | None = None
        """Ends when the server, once healthy, is of no more use; how that came."""
        self._said_before = 0
        """Size of the log when this server was started."""

    async def __aenter__(self) -> Self:
        began = time.monotonic()
        try:
            ended = await self._start()
            await self._healthy(ended, began + self.plan.start_seconds)
        except BaseException:
            await self._stop()
            raise
        self.seconds_to_start = time.monotonic() - began
        self._gone = asyncio.create_task(self._lifetime(ended))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def during(self, work: Awaitable[T]) -> T:
        """The result of some work with the server. Raises PassingError at once where the server ends first."""
        if self._gone is None:
            raise RuntimeError("a server is used inside `async with`")
        task = asyncio.ensure_future(work)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody else may look
        try:
            await asyncio.wait({task, self._gone}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        finally:
            task.cancel()
        raise PassingError(
            f"{self._name} ended while it was used ({self._gone.result()}){self._last_words()}; "
            "the same command starts it again and goes on"
        )

    @property
    def _name(self) -> str:
        return f"`vllm serve {self.plan.source}`"

    async def _start(self) -> asyncio.Task[int]:
        """Start the command under the watcher; a task that waits for its exit code."""
        plan = self.plan
        asked = [
            *command(self.environment), "serve", plan.source, "--host", "127.0.0.1", "--port", str(self.port),
            "--served-model-name", plan.model, *ARGUMENTS, *plan.arguments,
        ]  # fmt: skip
        with storage(plan.log):
            plan.log.parent.mkdir(parents=True, exist_ok=True)
            with plan.log.open("ab") as log:
                self._said_before = log.tell()
                # The pipe to its standard input is what the watcher watches; by its path, as PYTHONPATH is left out.
                starting = asyncio.ensure_future(asyncio.create_subprocess_exec(
                    sys.executable, "-I", watch.__file__, "--grace", str(GRACE_SECONDS), *asked,
                    stdin=PIPE, stdout=log, stderr=STDOUT, env=self.environment, start_new_session=True,
                ))  # fmt: skip
                try:
                    await asyncio.shield(starting)
                finally:  # cut short, asyncio would kill the watcher, which would leave the server to itself
                    await asyncio.wait({starting})
                    self._process = starting.result()
                    self._ended = asyncio.create_task(self._process.wait())
        return self._ended

    async def _healthy(self, ended: asyncio.Task[int], until: float) -> None:
        """Wait for /health. Raises StopError where the server ends before, PassingError at the deadline."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HEALTH_SECONDS)) as session:
            while await health(session, self.url) != "well":
                await asyncio.wait({ended}, timeout=LOOK_EVERY_SECONDS)
                if ended.done():
                    raise StopError(f"{self._name} did not start ({ending(ended.result())}){self._last_words()}")
                if time.monotonic() > until:
                    raise PassingError(
                        f"{self._name} was not healthy within {self.plan.start_seconds:g} s{self._last_words()}; "
                        "a busy machine or a large model needs longer: vllm_start_seconds in the config"
                    )

    async def _lifetime(self, ended: asyncio.Task[int]) -> str:
        """Wait until the server has ended, or refuses to answer: told to end while it works, it waits for ever."""
        times = 0
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HEALTH_SECONDS)) as session:
            while times < ILL_TIMES:
                await asyncio.wait({ended}, timeout=self.plan.pulse_seconds)
                if ended.done():
                    return ending(ended.result())
                times = times + 1 if await health(session, self.url) == "ill" else 0
        return "it answers no more"

    async def _stop(self) -> None:
        """End it: close the pipe that the watcher watches, and wait."""
        if self._process is None or self._ended is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        # The watcher kills what does not end by itself; were it stuck, it would be no use to wait longer.
        await asyncio.wait({self._ended}, timeout=STOP_SECONDS)
        waiting = [task for task in (self._gone, self._ended) if task is not None]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    def _last_words(self) -> str:
        """What the log of this server says last, and where it is."""
        try:
            with self.plan.log.open("rb") as log:
                size = log.seek(0, 2)
                log.seek(max(self._said_before, size - TAIL_BYTES))
                said = telling(log.read().decode("utf-8", "replace"))
        except OSError:
            said = ""
        return f": {said}; its log is {self.plan.log}" if said else f"; its log is {self.plan.log}"


class OwnClient(Client):
    """The client of a server of our own: it does not wait for one that has ended."""

    def __init__(self, server: Server) -> None:
        super().__init__((server.url,), None)
        self._server = server

    @property
    def names(self) -> str:
        """The server, for people; its port is another every time."""
        return f"vllm:{self._server.plan.source}"

    async def once(self, url: str, data: bytes, api: Api) -> Answered:
        """One attempt. Raises PassingError where the server has ended, or ends before it answers."""
        return await self._server.during(super().once(url, data, api))


async def health(session: aiohttp.ClientSession, url: str) -> Literal["well", "ill", "late"]:
    """Whether a server says that it is well, refuses to, or takes too long to say: it may only be busy."""
    try:
        async with session.get(f"{url.removesuffix('/v1')}/health", allow_redirects=False) as response:
            return "well" if response.status == 200 else "ill"
    except TimeoutError:
        return "late"
    except (aiohttp.ClientError, OSError):
        return "ill"


def ending(code: int) -> str:
    """An exit code of the watcher in words."""
    return f"signal {code - 128}" if code > 128 else f"exit code {code}"


def telling(log: str) -> str:
    """The line of a log that says what went wrong: the last that names an error, else the last one."""
    lines = [PREFIX.sub("", line, count=1).strip() for line in COLOURS.sub("", log).splitlines()]
    lines = [line for line in lines if line and not any(words in line for words in HEARSAY)]
    for place in range(len(lines) - 1, -1, -1):
        if "validation error" in lines[place]:  # pydantic says what is wrong on the next line
            return in_one_line(" ".join(lines[place : place + 2]))
        if TELLING.fullmatch(lines[place]):
            return in_one_line(lines[place])
    return in_one_line(lines[-1]) if lines else ""
