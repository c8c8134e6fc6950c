"""Ask a server of our own how many tokens texts have: vLLM's `/tokenize`, beside the calls and after them.

Nothing here is ever a reason to stop: what is not counted in time is not counted.
"""

import ssl
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

import orjson

from synthgen.teacher import wire

AT_ONCE = 8
REACH_SECONDS, REPLY_SECONDS, WHOLE_SECONDS = 3.0, 5.0, 10.0
"""How long a server may take to be reached, for one text, and for all of them."""
LARGEST_BYTES = 2**24
OWNER = "vllm"


class Counter:
    """A server that counts."""

    def __init__(self, url: str, model: str, key: str | None = None) -> None:
        self._url, self._model = urlsplit(url), model
        self._headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
        self._path = f"{self._url.path.removesuffix('/v1')}/tokenize"
        self._opened: dict[int, HTTPConnection] = {}
        self._until = time.monotonic() + WHOLE_SECONDS
        self._fault = ""

    def counts(self, texts: Sequence[str]) -> tuple[list[int | None], str]:
        """(tokens of each text, why some are None): without a word where it is no server that counts."""
        try:
            if not self._is_vllm():
                return [None] * len(texts), ""
            with ThreadPoolExecutor(AT_ONCE) as pool:
                found = list(pool.map(self._count, texts))
        except (OSError, HTTPException, ValueError) as error:
            return [None] * len(texts), told(error)
        finally:
            for connection in self._opened.values():
                connection.close()
        return found, self._fault

    def _is_vllm(self) -> bool:
        """Whether the endpoint says that it is a vLLM, or at least how long a context its model takes."""
        rows = wire.field(self._asked("GET", f"{self._url.path}/models", None), "data")
        mine = [row for row in rows if wire.field(row, "id") == self._model] if isinstance(rows, list) else []
        return any(wire.field(row, "owned_by") == OWNER or wire.field(row, "max_model_len") for row in mine)

    def _count(self, text: str) -> int | None:
        """The tokens of one text; None once anything went wrong."""
        if self._fault:
            return None
        if time.monotonic() > self._until:
            self._fault = f"all texts would take longer than {WHOLE_SECONDS:.0f} s"
            return None
        try:
            asked = {"model": self._model, "prompt": wire.clean(text), "add_special_tokens": False}
            found = wire.field(self._asked("POST", self._path, orjson.dumps(asked)), "count")
        except (OSError, HTTPException, ValueError) as error:
            self._fault = self._fault or told(error)
            return None
        if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**31:
            return found
        self._fault = "its reply names no number of tokens"
        return None

    def _asked(self, method: str, path: str, body: bytes | None) -> object:
        """What the server answers, as JSON; a ValueError for anything but that. No redirection is followed."""
        connection = self._connection()
        connection.request(method, path, body, self._headers)
        with connection.getresponse() as response:
            payload = response.read(LARGEST_BYTES)
            if response.status != 200:
                raise ValueError(f"HTTP {response.status}")
        return wire.load(payload)

    def _connection(self) -> HTTPConnection:
        """The connection of the thread that asks, which is kept."""
        mine = threading.get_ident()
        if mine not in self._opened:
            self._opened[mine] = one = self._new()
            one.connect()
            if one.sock is not None:
                one.sock.settimeout(REPLY_SECONDS)
        return self._opened[mine]

    def _new(self) -> HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "https":
            return HTTPSConnection(host, port, timeout=REACH_SECONDS, context=ssl.create_default_context())
        return HTTPConnection(host, port, timeout=REACH_SECONDS)


def told(error: Exception) -> str:
    """An error in one line."""
    return wire.in_one_line(str(error) or type(error).__name__)
