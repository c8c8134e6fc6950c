"""The plain mode: a fixed reply after a fixed latency, for as little CPU as may be, so that benchmarks measure the client.

It reads just enough HTTP/1.1 to serve many connections that stay open: requests in any number of pieces, several in
one piece, bodies by Content-Length. It does not look into a body.
"""

import asyncio
import re
from collections import deque
from functools import partial
from typing import Any

import orjson

from synthgen.rehearsal.lifetime import announce

TEXT = (
    "The answer follows from what was given, and it helps to take the parts one after the other. First comes what is "
    "asked for, then what is known about it, and last what the two leave open. Nothing in the question speaks against "
    "the plain reading, so that is the one to keep. With it the rest falls into place: each step leans on the one "
    "before, none of them is left over, and the outcome is the same from either end."
)
"""Some 80 words."""
USAGE = {"prompt_tokens": 200, "completion_tokens": 100, "total_tokens": 300}
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
LAST = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)
LONGEST_HEAD = 2**16
BACKLOG = 4096
Replies = dict[bytes, tuple[bytes, bool]]
"""By `METHOD PATH`: the bytes of the response, and whether it waits for the latency."""


def response(status: str, value: dict[str, Any]) -> bytes:
    """A whole HTTP response."""
    body = orjson.dumps(value)
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def problem(status: str, message: str) -> bytes:
    """A whole HTTP response with an error in OpenAI's shape."""
    error = {"message": message, "type": "invalid_request_error", "code": None, "param": None}
    return response(status, {"error": error})


def replies(model: str) -> Replies:
    """All that this server ever says."""
    head = {"id": "rehearsal-plain", "created": 0, "model": model, "usage": USAGE}
    choice = {"index": 0, "finish_reason": "stop", "logprobs": None}
    chat = {"object": "chat.completion", "choices": [{**choice, "message": {"role": "assistant", "content": TEXT}}]}
    text = {"object": "text_completion", "choices": [{**choice, "text": TEXT}]}
    row = {"id": model, "object": "model", "created": 0, "owned_by": "synthgen"}
    return {
        b"POST /v1/chat/completions": (response("200 OK", head | chat), True),
        b"POST /v1/completions": (response("200 OK", head | text), True),
        b"GET /v1/models": (response("200 OK", {"object": "list", "data": [row]}), False),
        b"GET /health": (response("200 OK", {"status": "ok"}), False),
    }


UNKNOWN = problem("404 Not Found", "the plain rehearsal has no such address")
NO_REQUEST = problem("400 Bad Request", "not an HTTP/1.1 request")
NO_LENGTH = problem("411 Length Required", "the plain rehearsal reads bodies by Content-Length")


class Counts:
    """What came of the requests that wait for the latency, for `GET /stats`: times are seconds of the loop's clock."""

    __slots__ = ("first_asked", "last_served", "most_under_way", "second_asked", "served", "under_way")

    def __init__(self) -> None:
        self.served = self.under_way = self.most_under_way = 0
        self.first_asked = self.second_asked = self.last_served = 0.0

    def asked(self, now: float) -> None:
        """A request came in."""
        if not self.second_asked:
            self.first_asked, self.second_asked = self.first_asked or now, now if self.first_asked else 0.0
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)

    def replied(self, now: float) -> None:
        """Its reply went out."""
        self.last_served = now
        self.under_way -= 1
        self.served += 1

    def told(self) -> bytes:
        """The response to `GET /stats`."""
        return response("200 OK", {name: getattr(self, name) for name in self.__slots__})


class Connection(asyncio.Protocol):
    """One connection: its replies leave in the order of its requests."""

    __slots__ = ("counts", "due", "held", "last", "latency", "loop", "replies", "transport", "wanted")

    def __init__(self, known: Replies, latency_seconds: float, counts: Counts) -> None:
        self.replies, self.latency, self.counts = known, latency_seconds, counts
        self.loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport | None = None
        self.held = b""
        self.wanted = 0
        """Bytes of the request that is coming in; 0 before its head is whole."""
        self.due: deque[tuple[bytes, bool]] = deque()
        """Replies that wait for the latency, or behind one that does; and whether they count as served."""
        self.last = False
        """Whether the connection ends with the replies that are due."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # what a TCP server makes
        self.transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        self.transport = None

    def data_received(self, data: bytes) -> None:
        held = self.held + data if self.held else data
        while held and not self.last:
            if not self.wanted and not self._measured(held):
                break
            if len(held) < self.wanted:
                break
            self._asked(held)
            held, self.wanted = held[self.wanted :], 0
        self.held = held

    def eof_received(self) -> bool:
        """A client that has said all it will may still wait for its replies."""
        self.last = True
        return bool(self.due)

    def _measured(self, held: bytes) -> bool:
        """Learn how long the request is; whether its head is there."""
        end = held.find(b"\r\n\r\n")
        if end < 0:
            if len(held) > LONGEST_HEAD:
                self._refuse(NO_REQUEST)
            return False
        found = LENGTH.search(held, 0, end + 2)
        if found is None and CHUNKED.search(held, 0, end):
            self._refuse(NO_LENGTH)
            return False
        self.wanted = end + 4 + (int(found[1]) if found else 0)
        return True

    def _asked(self, held: bytes) -> None:
        """Reply to the request at the start of what is held, at once or later."""
        method, _, rest = held[: held.find(b"\r\n")].partition(b" ")
        path, _, version = rest.partition(b" ")
        if not version.startswith(b"HTTP/1."):
            self._refuse(NO_REQUEST)
            return
        end = held.find(b"\r\n\r\n")
        self.last = version == b"HTTP/1.0" or LAST.search(held, 0, end) is not None
        reply, waits = self.replies.get(method + b" " + path, (UNKNOWN, False))
        if waits and self.latency:
            self.counts.asked(self.loop.time())
        elif path == b"/stats":
            reply = self.counts.told()
        if self.due or (waits and self.latency):
            self.due.append((reply, waits))
            self.loop.call_later(self.latency, self._next)
        else:
            self._write(reply)

    def _refuse(self, reply: bytes) -> None:
        """Reply to what cannot be read on from, and end the connection behind what is due."""
        self.last = True
        if self.due:
            self.due.append((reply, False))
            self.loop.call_later(self.latency, self._next)
        else:
            self._write(reply)

    def _next(self) -> None:
        reply, counted = self.due.popleft()
        self._write(reply)
        if counted:
            self.counts.replied(self.loop.time())

    def _write(self, reply: bytes) -> None:
        """Send a reply; close behind the last one."""
        if self.transport is None:
            return
        self.transport.write(reply)
        if self.last and not self.due:
            self.transport.close()


async def serve(model: str, latency_seconds: float, port: int) -> None:
    """Listen on loopback until the process ends."""
    made = partial(Connection, replies(model), latency_seconds, Counts())
    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", port, backlog=BACKLOG)
    announce(server.sockets[0].getsockname()[1], model)
    await asyncio.Event().wait()
