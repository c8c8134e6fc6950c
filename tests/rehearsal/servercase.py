"""Shared by the tests of the rehearsal: a server of its own process, and a socket that sees what HTTP clients hide."""

import asyncio
import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Self

import aiohttp
from aiohttp import web
from conftest import clean_environment

from synthgen.rehearsal.options import Options
from synthgen.rehearsal.server import Server

MODEL = "rehearsal-strong"
BODY = {
    "model": MODEL, "messages": [{"role": "user", "content": "What is the capital of Norway?"}], "temperature": 0.8,
    "seed": 3, "max_tokens": 200,
}  # fmt: skip
CHAT = "/v1/chat/completions"


def start(*options: str, stdin: int = subprocess.PIPE, **environment: str) -> tuple[subprocess.Popen[bytes], str]:
    """A server and its base URL."""
    command = [sys.executable, "-m", "synthgen.rehearsal", "--port", "0", *options]
    process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, env={**clean_environment(), **environment})
    return process, f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"


@contextmanager
def serving(*options: str, **environment: str) -> Iterator[str]:
    """The base URL of a server that ends with the block."""
    process, base = start("--watch-stdin", *options, **environment)
    with process:
        yield base
        process.stdin.close()


def post(url: str, body: object, path: str = CHAT, **headers: str) -> tuple[int, dict]:
    """(status, JSON) of a request."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url + path, data, headers)) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def get(url: str, path: str) -> dict:
    """The JSON at an address."""
    with urllib.request.urlopen(url + path) as answer:
        return json.loads(answer.read())


def request(body: object = BODY, path: str = CHAT, method: str = "POST", **headers: str) -> bytes:
    """The bytes of a request."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def connected(url: str) -> socket.socket:
    """An open connection."""
    host, _, port = url.rpartition("/")[2].partition(":")
    opened = socket.create_connection((host, int(port)), timeout=20)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


def everything(opened: socket.socket, most: int = 2**24) -> bytes:
    """All that comes until the other side closes, or until there is more than enough."""
    parts, size = [], 0
    try:
        while size < most and (data := opened.recv(2**16)):
            parts.append(data)
            size += len(data)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def exchanged(url: str, sent: bytes, most: int = 2**24) -> bytes:
    """What comes back for bytes on a connection of their own, until the server closes it."""
    with connected(url) as opened:
        opened.sendall(sent)
        return everything(opened, most)


def head_and_body(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    """(status, headers by lower-case name, body) of a raw response."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split()[1]), headers, body


class Running:
    """A rehearsal in this process, on loopback, whose counts can be looked at."""

    def __init__(self, **options: object) -> None:
        self.server = Server(Options(MODEL, **options))
        self.runner = web.AppRunner(self.server.app(), access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0, backlog=1024).start()
        self.port = self.runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.session = aiohttp.ClientSession(self.url)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()
        await self.runner.cleanup()

    async def post(self, body: object = BODY, path: str = CHAT, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
        """(status, headers, body) of a request."""
        async with self.session.post(path, json=body, headers=headers, allow_redirects=False) as response:
            return response.status, response.headers, await response.read()

    async def said(self, body: object = BODY, path: str = CHAT, **headers: str) -> dict:
        """The JSON of a request's response."""
        return json.loads((await self.post(body, path, **headers))[2])

    async def raw(self, body: object = BODY, path: str = CHAT, most: int = 2**24) -> bytes:
        """All that comes for a request on a connection of its own until the server closes it, or more than enough."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request(body, path, Connection="close"))
        parts, size = [], 0
        with suppress(ConnectionResetError):
            while size < most and (data := await reader.read(2**16)):
                parts.append(data)
                size += len(data)
        writer.close()
        return b"".join(parts)

    @property
    def counts(self) -> dict:
        """What the server says it did."""
        return self.server.stats.value()
