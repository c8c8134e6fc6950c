"""`--batch`: answers and verdicts through the Batch API, at half price and within a day.

Requests are collected until nothing else is under way, sent as one file, and their replies fetched when the batch has ended. Every
batch is noted in the ledger from before it is made until its last reply is kept, so that a killed run finds it again: the same
command waits for it, and pays for nothing twice.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import orjson

from synthgen.errors import StopError
from synthgen.records import Reply
from synthgen.teacher import wire
from synthgen.teacher.batchapi import BatchApi, State
from synthgen.teacher.ledger import Batch, Ledger
from synthgen.teacher.wire import Api, Fault

ENDPOINTS: dict[Api, str] = {"chat": "/v1/chat/completions", "completions": "/v1/completions"}
MOST_LINES, MOST_BYTES = 50_000, 150 * 2**20
"""Requests and bytes of one file; OpenAI takes 50,000 and 200 MB."""
TIMES = 2
"""Batches that a request may fail in before it is sent by itself."""
QUIET_SECONDS = 1.0
"""How long nothing more must come before a batch is sent."""
FIRST_POLL_SECONDS, LONGEST_POLL_SECONDS = 1.0, 60.0
FILE = "file:"
"""Before the id of a file, of which it is not noted yet which batch was made from it."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long is waited: for more requests, and between two looks at a batch."""

    quiet_seconds: float = QUIET_SECONDS
    first_poll_seconds: float = FIRST_POLL_SECONDS
    longest_poll_seconds: float = LONGEST_POLL_SECONDS
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Batches:
    """The batches of one endpoint. Used inside `async with`.

    `new` says whether any are to be sent, or only those waited for that are open. `idle` says whether nothing else is under way.
    `settle` turns the fault of a record into its reply, and raises others.
    """

    def __init__(
        self,
        api: BatchApi,
        ledger: Ledger,
        identity: str,
        kind: Api,
        *,
        new: bool,
        idle: Callable[[], bool],
        settle: Callable[[Fault], Reply],
        tell: Callable[[str], None],
        times: Times = Times(),
    ) -> None:
        self.api, self.ledger, self.identity, self.kind = api, ledger, identity, kind
        self.sent = 0
        """Requests that went by batch."""
        self._new, self._idle, self._settle_fault, self._tell, self._times = new, idle, settle, tell, times
        self._waiting: dict[str, bytes] = {}
        """Key to line of what is not sent yet."""
        self._replies: dict[str, asyncio.Future[Reply | Fault | None]] = {}
        """Key to what will come of it, of everything asked or sent."""
        self._failures: Counter[str] = Counter()
        self._open: dict[str, set[str]] = {}
        """Batch to the keys whose replies are not kept yet."""
        self._batch_of: dict[str, str] = {}
        self._sender: asyncio.Task[None] | None = None
        self._followers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.api.__aenter__()
        for batch in self.ledger.open_batches(self.identity):
            self._expect(batch.id, batch.keys)
            self._tell(f"batch {batch.id} with {len(batch.keys)} requests is still open; its replies are waited for")
            self._follow(batch.id, batch.keys)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [*self._followers, *([self._sender] if self._sender is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.api.__aexit__(kind, error, trace)

    def takes(self, key: str) -> bool:
        """Whether a request goes by batch, or is in one already."""
        return self._new or key in self._batch_of

    async def post(self, key: str, body: Mapping[str, Any]) -> Reply | None:
        """What a batch brings for a request; None where it failed in several and is to be sent by itself."""
        while self._failures[key] < TIMES and self.takes(key):
            if key not in self._replies:
                line = {"custom_id": key, "method": "POST", "url": ENDPOINTS[self.kind], "body": body}
                self._waiting[key] = orjson.dumps(line)
                self._replies[key] = asyncio.get_running_loop().create_future()
                self._wake()
            found = await self._replies[key]
            del self._replies[key]
            if isinstance(found, Reply):
                return found
            if found is not None and found.kind not in {"rate", "server"}:
                return self._settle_fault(found)
            self._failures[key] += 1
            await self.kept(key)
        return None

    async def kept(self, key: str) -> None:
        """Note that a reply is kept; a batch all of whose replies are is closed."""
        batch = self._batch_of.pop(key, None)
        if batch is None:
            return
        self._open[batch].discard(key)
        if not self._open[batch]:
            del self._open[batch]
            await self.ledger.close_batch(batch, "kept")

    def _wake(self) -> None:
        """See to it that what waits is sent."""
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._sending())
            self._sender.add_done_callback(self._failed)

    async def _sending(self) -> None:
        """Send what waits, once nothing more comes."""
        while self._waiting:
            count = -1
            while count != len(self._waiting) or not self._idle():
                if self._full():
                    break
                count = len(self._waiting)
                await self._times.sleep(self._times.quiet_seconds)
            await self._send(self._part())

    def _full(self) -> bool:
        """Whether a whole file waits."""
        return len(self._waiting) >= MOST_LINES

    def _part(self) -> list[str]:
        """The keys of the next file."""
        keys: list[str] = []
        size = 0
        for key, line in self._waiting.items():
            size += len(line) + 1
            if keys and (len(keys) == MOST_LINES or size > MOST_BYTES):
                break
            keys.append(key)
        return keys

    async def _send(self, keys: Sequence[str]) -> None:
        """Upload a file, note it, make its batch, note that."""
        lines = b"".join(self._waiting[key] + b"\n" for key in keys)
        file = await self.api.upload(lines)
        await self._note(FILE + file, keys)
        await self._made(file, keys)
        for key in keys:
            del self._waiting[key]

    async def _made(self, file: str, keys: Sequence[str]) -> None:
        """Make the batch of a file that is noted, unless that was done before."""
        batch = await self.api.made_from(file) or await self.api.create(file, ENDPOINTS[self.kind])
        await self._note(batch, keys)
        await self.ledger.close_batch(FILE + file, "made")
        self.sent += len(keys)
        self._tell(
            f"batch {batch} with {len(keys)} requests is sent; it may take up to 24 hours, and a stop loses nothing"
        )
        self._expect(batch, keys)
        self._follow(batch, keys)

    async def _note(self, batch: str, keys: Sequence[str]) -> None:
        await self.ledger.note_batch(Batch(batch, self.identity, "", time.time(), tuple(keys)))

    def _expect(self, batch: str, keys: Sequence[str]) -> None:
        """Take the keys of a batch as on their way."""
        self._open[batch] = set(keys)
        for key in keys:
            self._batch_of[key] = batch
            self._replies.setdefault(key, asyncio.get_running_loop().create_future())

    def _follow(self, batch: str, keys: Sequence[str]) -> None:
        """Look after a batch until it has ended."""
        task = asyncio.create_task(self._followed(batch, keys))
        self._followers.add(task)
        task.add_done_callback(self._followers.discard)
        task.add_done_callback(self._failed)

    async def _followed(self, batch: str, keys: Sequence[str]) -> None:
        """Wait for the end of a batch and hand out what it brought."""
        if batch.startswith(FILE):
            self._open.pop(batch)
            await self._made(batch.removeprefix(FILE), keys)
            return
        wait = self._times.first_poll_seconds
        while not (state := await self.api.state(batch)).ended:
            await self._times.sleep(wait)
            wait = min(1.5 * wait, self._times.longest_poll_seconds)
        if state.status == "failed":
            raise StopError(f"the endpoint refuses batch {batch}: {state.said or 'it does not say why'}")
        await self._hand_out(batch, keys, state)

    async def _hand_out(self, batch: str, keys: Sequence[str], state: State) -> None:
        """Give every request its reply; what a batch left out has failed in it."""
        left = set(keys)
        for file in state.files:
            async for line in self.api.lines(file):
                key, found = read(line, self.kind)
                if key in left:
                    left.discard(key)
                    self._settle(key, found)
        for key in left:
            self._settle(key, None)
        if left:
            self._tell(f"batch {batch} is {state.status} and left out {len(left)} of {len(keys)} requests")

    def _settle(self, key: str, found: Reply | Fault | None) -> None:
        future = self._replies.get(key)
        if future is not None and not future.done():
            future.set_result(found)

    def _failed(self, task: asyncio.Task[None]) -> None:
        """Raise what went wrong in the background where a request waits for it."""
        if task.cancelled() or (error := task.exception()) is None:
            return
        for future in self._replies.values():
            if not future.done():
                future.set_exception(error)
                future.exception()  # whoever asks gets it; nobody has to


def read(line: str, kind: Api) -> tuple[str, Reply | Fault | None]:
    """(key, what came of it) of one line of a batch's results, whatever it holds."""
    value = wire.load(line.encode())
    key, response = str(wire.field(value, "custom_id") or ""), wire.field(value, "response")
    status, body = wire.field(response, "status_code"), wire.field(response, "body")
    if status == 200:
        return key, wire.reply(body, kind)
    if isinstance(status, int):
        return key, wire.fault(status, {}, body, orjson.dumps(body))
    return key, None
