"""The HTTP client: one endpoint, or a fleet of them with one model; retries by cause."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any, Self

import aiohttp
import orjson

from synthgen.errors import AuthenticationFailed, BillingFailed, PassingError, TeacherError, UnknownModel
from synthgen.records import Reply
from synthgen.teacher import wire
from synthgen.teacher.wire import Api, Capabilities, Fault

ATTEMPTS = 6
LONGEST_WAIT_SECONDS = 30.0
PATHS: dict[Api, str] = {"chat": "/chat/completions", "completions": "/completions", "embeddings": "/embeddings"}
PROBE_SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "probe",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"ok": {"type": "boolean"}},
            "required": ["ok"],
            "additionalProperties": False,
        },
    },
}
Sleep = Callable[[float], Awaitable[None]]


class Client:
    """Posts bodies to an endpoint. The key travels in one header and nowhere else."""

    def __init__(
        self,
        urls: tuple[str, ...],
        key: str | None,
        *,
        timeout_seconds: float = 600,
        attempts: int = ATTEMPTS,
        sleep: Sleep = asyncio.sleep,
        rng: Random | None = None,
    ) -> None:
        self.urls = urls
        self._key = key
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=10)
        self._attempts = attempts
        self._sleep = sleep
        self._rng = rng or Random()  # noqa: S311  # jitter, not secrets
        self._load = dict.fromkeys(urls, 0)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300)
        self._session = aiohttp.ClientSession(connector=connector, headers=headers, timeout=self._timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, body: Mapping[str, Any], api: Api) -> Reply:
        """The reply to a body. Faults of the record are replies; passing ones are retried; the rest are raised."""
        data = orjson.dumps(body)
        last = Fault("server", "not asked")
        for attempt in range(self._attempts):
            if attempt:
                await self._sleep(self._wait(attempt, last))
            found = await self._once(data, api)
            if isinstance(found, Reply):
                return found
            if found.kind not in {"rate", "server"}:
                return self._settled(found)
            last = found
        raise PassingError(
            f"{self._names()} did not serve a request in {self._attempts} attempts; the last one: {last.text}; "
            "the same command goes on when it is back"
        )

    async def models(self) -> list[str]:
        """The models an endpoint serves. Raises TeacherError where no OpenAI-compatible server answers."""
        status, headers, payload = await self._get(f"{self.urls[0]}/models")
        if status != 200:
            found = wire.fault(status, headers, wire.load(payload), payload)
            if found.kind in {"auth", "billing"}:
                self._settled(found)
            raise PassingError(f"{self.urls[0]}/models answers {found.text}; is it an OpenAI-compatible endpoint?")
        rows = wire.field(wire.load(payload), "data")
        names = [wire.field(row, "id") for row in rows] if isinstance(rows, list) else []
        found_names = [name for name in names if isinstance(name, str)]
        if not found_names:
            raise PassingError(f"{self.urls[0]}/models names no model; is it an OpenAI-compatible endpoint?")
        return found_names

    async def probe(self, model: str, api: Api) -> Capabilities:
        """What the endpoint takes: one tiny call with everything, and one less or renamed until it is accepted."""
        known = Capabilities()
        candidates = [name for name in wire.OPTIONAL if api == "chat" or name != "response_format"]
        while True:
            found = await self._tried(probe_body(model, api, known), api)
            if isinstance(found, Reply):
                return known
            if found.kind not in {"parameter", "refused"}:
                self._settled(found)
                return known
            smaller = lessened(known, found.text, candidates)
            if smaller is None:
                raise TeacherError(f"{self._names()} refuses even the plainest request: {found.text}")
            known = smaller

    async def _tried(self, body: Mapping[str, Any], api: Api) -> Reply | Fault:
        """One probe call, retried while its failure is a passing one."""
        data, found = orjson.dumps(body), Fault("server", "not asked")
        for attempt in range(self._attempts):
            if attempt:
                await self._sleep(self._wait(attempt, found))
            answer = await self._once(data, api)
            if isinstance(answer, Reply) or answer.kind not in {"rate", "server"}:
                return answer
            found = answer
        raise PassingError(f"{self._names()} cannot be probed now: {found.text}; the same command tries again")

    async def _once(self, data: bytes, api: Api) -> Reply | Fault:
        """One attempt, at the least busy endpoint."""
        if self._session is None:
            raise RuntimeError("a client is used inside `async with`")
        url = min(self.urls, key=self._load.__getitem__)
        self._load[url] += 1
        try:
            async with self._session.post(
                f"{url}{PATHS[api]}", data=data, headers={"Content-Type": "application/json"}, allow_redirects=False
            ) as response:
                return wire.read(response.status, lowered(response.headers), await response.read(), api)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Fault("server", self._shown(plain(error)))
        finally:
            self._load[url] -= 1

    async def _get(self, url: str) -> tuple[int, Mapping[str, str], bytes]:
        """One GET; an unreachable server is a PassingError."""
        if self._session is None:
            raise RuntimeError("a client is used inside `async with`")
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                return response.status, lowered(response.headers), await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise PassingError(f"no server answers at {url} ({self._shown(plain(error))}); is it running?") from error

    def _settled(self, found: Fault) -> Reply:
        """A fault that asking again cannot mend: the record's own becomes its reply, the rest is raised."""
        text = self._shown(found.text)
        if found.kind == "auth":
            raise AuthenticationFailed(f"{self._names()} refuses the key: {text}; check the variable that holds it")
        if found.kind == "billing":
            raise BillingFailed(f"{self._names()} cannot bill the account: {text}")
        if found.kind == "model":
            raise UnknownModel(f"{self._names()} does not serve this model: {text}; look at {self.urls[0]}/models")
        return Reply(text=text, finish=found.kind if found.kind in {"too_long", "filtered"} else "refused")

    def _wait(self, attempt: int, last: Fault) -> float:
        """Seconds before the next attempt: as told, or doubling with jitter."""
        if last.wait_seconds is not None:
            return min(last.wait_seconds, 4 * LONGEST_WAIT_SECONDS)
        return min(LONGEST_WAIT_SECONDS, 0.5 * 2.0**attempt) * self._rng.uniform(0.5, 1.0)

    def _names(self) -> str:
        return ", ".join(self.urls)

    def _shown(self, text: str) -> str:
        """Text for a person, without the key in case a server echoes it."""
        return text.replace(self._key, "[key]") if self._key else text


def probe_body(model: str, api: Api, known: Capabilities) -> dict[str, Any]:
    """A tiny request with every parameter that is not known to be refused."""
    said: dict[str, Any] = (
        {"prompt": "Say ok."}
        if api == "completions"
        else {"messages": [{"role": "user", "content": 'Reply with the JSON object {"ok": true}.'}]}
    )
    optional: dict[str, Any] = {"seed": 1, "temperature": 0.5, "top_p": 0.9, "presence_penalty": 0.0, "stop": ["###"]}
    if api == "chat":
        optional["response_format"] = PROBE_SCHEMA
    chosen = {name: value for name, value in optional.items() if name not in known.without}
    length = known.length_name if api == "chat" else "max_tokens"
    return {"model": model, **said, length: 16, **chosen}


def lessened(known: Capabilities, said: str, candidates: list[str]) -> Capabilities | None:
    """Capabilities without what a refusal names; without the next candidate where it names nothing; None at the end."""
    if "max_completion_tokens" in said and known.length_name == "max_tokens":
        return known.model_copy(update={"length_name": "max_completion_tokens"})
    left = [name for name in candidates if name not in known.without]
    aliases = {"response_format": ("response_format", "json_schema", "guided", "schema")}
    named = [name for name in left if any(alias in said for alias in aliases.get(name, (name,)))]
    # Schemas first where nothing is named: of all these, endpoints most often lack them.
    chosen = (named or left[::-1])[:1]
    return known.model_copy(update={"without": (*known.without, *chosen)}) if chosen else None


def lowered(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by lower-case name."""
    return {name.lower(): value for name, value in headers.items()}


def plain(error: Exception) -> str:
    """What went wrong with a connection, in few words."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection: {error.os_error.strerror or error.os_error}"
    return f"{type(error).__name__} {error}".strip()
