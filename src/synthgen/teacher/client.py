"""The HTTP client: one attempt at a time, its fault as a value. What is tried again, and when, `dispatch` decides.

aiohttp, because a call through the openai SDK costs many times its processor time (docs/decisions/0001-aiohttp.md).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp

from synthgen.errors import AuthenticationFailed, BillingFailed, PassingError, TeacherError, UnknownModel
from synthgen.records import Reply
from synthgen.teacher import wire
from synthgen.teacher.wire import Api, Capabilities, Fault

PATHS: dict[Api, str] = {"chat": "/chat/completions", "completions": "/completions", "embeddings": "/embeddings"}
CONNECT_SECONDS = 10.0
ALIVE_SECONDS = 5.0
LARGEST_REPLY = 32 * 2**20
"""Bytes of a reply; a larger one is cut off and counts as a fault."""
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
FORM_WORDS = ("response_format", "json_schema", "guided", "schema", "structured")
NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one attempt."""

    found: Reply | Fault
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)


class TooLarge(Exception):
    """A reply of more bytes than anybody needs."""


class Client:
    """Posts bodies. The key travels in one header, to the URLs it was given for, and nowhere else."""

    def __init__(
        self,
        urls: tuple[str, ...],
        key: str | None,
        *,
        largest_reply: int = LARGEST_REPLY,
        alive_seconds: float = ALIVE_SECONDS,
    ) -> None:
        self.urls = urls
        self._key = key
        self._largest = largest_reply
        self._alive_seconds = alive_seconds
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        # How long a whole attempt may take is the caller's business.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
        connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300)
        self._session = aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def once(self, url: str, data: bytes, api: Api) -> Answered:
        """One attempt. Redirects are not followed. Raises nothing but what cancels it."""
        try:
            async with self._opened.post(url + PATHS[api], data=data, allow_redirects=False) as response:
                payload = self._without_key(await self._payload(response))
                return Answered(wire.read(response.status, response.headers, payload, api), response.headers)
        except TooLarge:
            return Answered(Fault("server", f"a reply of more than {self._largest} bytes", uncertain=True))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Answered(Fault("server", self.shown(plain(error)), unreached=True))
        except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: headers that are none
            return Answered(Fault("server", self.shown(plain(error)), uncertain=True, unreached=True))

    async def _payload(self, response: aiohttp.ClientResponse) -> bytes:
        """The whole body of a response, up to the bound."""
        if response.content_length is not None and "Content-Encoding" not in response.headers:
            if response.content_length > self._largest:
                response.close()
                raise TooLarge
            return await response.read()
        parts, size = [], 0
        async for part in response.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > self._largest:
                response.close()
                raise TooLarge
        return b"".join(parts)

    def _without_key(self, payload: bytes) -> bytes:
        """A body without the key, in case a server echoes it: what it says may be kept."""
        return payload.replace(self._key.encode(), b"[key]") if self._key else payload

    async def models(self) -> list[str]:
        """The models an endpoint serves. Raises TeacherError where no OpenAI-compatible server answers."""
        url = f"{self.urls[0]}/models"
        status, headers, payload = await self._get(url)
        if status != 200:
            found = wire.fault(status, headers, wire.load(payload), payload)
            if found.kind in {"auth", "billing"}:
                self.settled(found)
            raise PassingError(f"{url} answers {self.shown(found.text)}; is it an OpenAI-compatible endpoint?")
        rows = wire.field(wire.load(payload), "data")
        names = [wire.field(row, "id") for row in rows] if isinstance(rows, list) else []
        found_names = [name for name in names if isinstance(name, str)]
        if not found_names:
            raise PassingError(f"{url} names no model; is it an OpenAI-compatible endpoint?")
        return found_names

    async def alive(self, url: str) -> bool:
        """Whether an endpoint answers anything at all within a few seconds."""
        try:
            async with asyncio.timeout(self._alive_seconds):
                status, _, _ = await self._get(f"{url}/models")
        except (PassingError, TimeoutError):
            return False
        return status < 500

    async def _get(self, url: str) -> tuple[int, Mapping[str, str], bytes]:
        """One GET; an unreachable server is a PassingError."""
        try:
            async with self._opened.get(url, allow_redirects=False) as response:
                return response.status, response.headers, await self._payload(response)
        except (aiohttp.ClientError, TooLarge, TimeoutError, OSError, ValueError) as error:
            raise PassingError(f"no server answers at {url} ({self.shown(plain(error))}); is it running?") from error

    @property
    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("a client is used inside `async with`")
        return self._session

    def settled(self, found: Fault) -> Reply:
        """A fault that asking again cannot mend: the record's own becomes its reply, the rest is raised."""
        text = self.shown(found.text)
        if found.kind == "auth":
            raise AuthenticationFailed(f"{self.names} refuses the key: {text}; check the variable that holds it")
        if found.kind == "billing":
            raise BillingFailed(f"{self.names} cannot bill the account: {text}")
        if found.kind == "model":
            raise UnknownModel(f"{self.names} does not serve this model: {text}; look at {self.urls[0]}/models")
        return Reply(text=text, finish=found.kind if found.kind in {"too_long", "filtered"} else "refused")

    @property
    def names(self) -> str:
        """The URLs, for people."""
        return ", ".join(self.urls)

    def shown(self, text: str) -> str:
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
        optional["response_format"] = PROBE_SCHEMA if known.form == "json_schema" else {"type": "json_object"}
    chosen = {name: value for name, value in optional.items() if name not in known.without}
    length = known.length_name if api == "chat" else "max_tokens"
    return {"model": model, **said, length: 16, **chosen}


def lessened(known: Capabilities, said: str, api: Api) -> Capabilities | None:
    """Capabilities without what a refusal names; without the next candidate where it names nothing; None at the end.

    Of a form an endpoint may know the object and not the schema.
    """
    if "max_completion_tokens" in said and known.length_name == "max_tokens":
        return known.model_copy(update={"length_name": "max_completion_tokens"})
    possible = [name for name in wire.OPTIONAL if name != "logprobs" and (api == "chat" or name != "response_format")]
    left = [name for name in possible if name not in known.without]
    words = {"response_format": FORM_WORDS}
    named = [name for name in left if any(word in said for word in words.get(name, (name,)))]
    # Forms first where nothing is named: of all these, endpoints most often lack them.
    chosen = (named or left[::-1])[:1]
    if chosen == ["response_format"] and known.form == "json_schema":
        return known.model_copy(update={"form": "json_object"})
    return known.model_copy(update={"without": (*known.without, *chosen)}) if chosen else None


def refuses_everything(client: Client, found: Fault) -> TeacherError:
    """The error of an endpoint that takes not even the smallest request."""
    return TeacherError(f"{client.names} refuses even the plainest request: {client.shown(found.text)}")


def plain(error: Exception) -> str:
    """What went wrong with a connection, in few words."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection: {error.os_error.strerror or error.os_error}"
    return wire.in_one_line(f"{type(error).__name__} {error}").strip()
