"""The life of a batch, from its creation to its files. It goes on where it was after the server's death.

A batch takes `batch_seconds`: a tenth of them it is validated, then it is worked on in steps, and in the last tenth its
files are written. Where it stands is a matter of the clock and of what is kept, so a server that starts again catches up.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson

from synthgen.rehearsal import batchlines
from synthgen.rehearsal.batchlines import Line, Result
from synthgen.rehearsal.options import BATCH_FAULTS, Options
from synthgen.rehearsal.store import Store

ORDER = ("validating", "in_progress", "finalizing", "cancelling", "completed", "failed", "expired", "cancelled")
"""A batch only ever goes to a later one."""
OVER = ("completed", "failed", "expired", "cancelled")
VALIDATED, WORKED = 0.1, 0.9
"""Shares of a batch's time after which it is validated, and worked on."""
STEPS = 10
"""In which it is worked on; between them it can be cancelled."""
AT_ONCE = 20
"""Lines between which other requests are served."""
HEXADECIMAL = re.compile(r"[0-9a-f]+")
WINDOW_SECONDS = 86_400
TOO_MANY = {
    "code": "token_limit_exceeded",
    "message": "Enqueued token limit reached. Please try again once some in_progress batches have been completed.",
    "param": None,
    "line": None,
}
"""Why a batch fails that nothing is wrong with."""
Answer = Callable[[str, dict[str, Any]], tuple[int, dict[str, Any]]]
"""From an address and a body to the status and the body of the direct call's reply."""


@dataclass(frozen=True, slots=True)
class Held:
    """A batch as it is kept."""

    batch: dict[str, Any]
    """What OpenAI's API shows."""
    ordinal: int
    """Its number among all."""
    began: float
    """Seconds since 1970."""
    cancelled: float | None = None
    """When somebody wanted it no more."""


class Book:
    """The files and batches of a server, and the work on those that are open."""

    def __init__(self, options: Options, answer: Answer) -> None:
        self._options, self._answer = options, answer
        self._store = Store(options.state)
        self._running: set[asyncio.Task[None]] = set()

    def go_on(self) -> None:
        """Go on with every batch that an earlier server left open."""
        for held in self.batches():
            self.start(held.batch["id"])

    async def stop(self) -> None:
        """Leave the open batches as they are."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """Keep a new batch and begin with it; the batch."""
        now, ordinal = time.time(), len(self._store.names("batch_"))
        batch = new_batch(f"batch_{secrets.token_hex(16)}", body, int(now))
        self._keep(Held(batch, ordinal, now))
        self.start(batch["id"])
        return batch

    def batches(self) -> list[Held]:
        """All batches, the newest first."""
        names = [name.removesuffix(".json") for name in self._store.names("batch_")]
        return sorted((self._known(name) for name in names), key=lambda held: -held.ordinal)

    def cancel(self, held: Held) -> dict[str, Any]:
        """Note that nobody wants a batch any more; the batch."""
        self._keep(Held(held.batch, held.ordinal, held.began, time.time()))
        return self._enter(held.batch["id"], "cancelling")

    def start(self, name: str) -> None:
        """Work on a batch that is not over."""
        if self._known(name).batch["status"] in OVER:
            return
        task = asyncio.create_task(self._run(name))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, name: str) -> None:
        """Take a batch from its creation, however long ago, to its end."""
        held = self._known(name)
        content = self.content(held.batch["input_file_id"]) or b""
        lines, errors = await asyncio.to_thread(batchlines.read, content, held.batch["endpoint"])
        await self._until(held, VALIDATED)
        fault = met(self._options, held.ordinal)
        if errors or fault == "failed":
            self._enter(name, "failed", errors={"object": "list", "data": errors or [TOO_MANY]})
            return
        self._enter(name, "in_progress", request_counts=counts([], len(lines)))
        order = batchlines.shuffled(lines, Random(f"{self._options.fault_seed}/order/{held.ordinal}"))  # noqa: S311
        results, end = await self._worked(held, order, STEPS // 2 if fault == "expired" else STEPS)
        if end == "completed":
            self._enter(name, "finalizing")
        if end != "cancelled":
            await self._until(held, 1.0)
        self._close(name, end, results, len(lines))

    async def _worked(self, held: Held, order: list[Line], steps: int) -> tuple[list[Result], str]:
        """The results of so many steps of the work, and how the batch ends."""
        name, results = held.batch["id"], list[Result]()
        for step in range(steps):
            due = await self._until(held, VALIDATED + (WORKED - VALIDATED) * (step + 1) / STEPS)
            cancelled = self._known(name).cancelled
            if cancelled is not None and cancelled <= due:
                return results, "cancelled"
            for line in order[len(results) : len(order) * (step + 1) // STEPS]:
                status, body = self._answer(held.batch["endpoint"], line.body)
                results.append(batchlines.result(line, status, body, self._options, held.ordinal))
                if len(results) % AT_ONCE == 0:
                    await asyncio.sleep(0)
            self._change(name, request_counts=counts(results, len(order)))
        left = order[len(results) :]
        return [*results, *map(batchlines.expired, left)], "completed" if steps == STEPS else "expired"

    async def _until(self, held: Held, share: float) -> float:
        """Wait until a share of a batch's time is over; when that is or was."""
        due = held.began + share * self._options.batch_seconds
        await asyncio.sleep(max(0.0, due - time.time()))
        return due

    def _close(self, name: str, end: str, results: list[Result], total: int) -> None:
        """Write the files of a batch, and end it."""
        files = {
            "output_file_id": b"".join(one.output for one in results),
            "error_file_id": b"".join(one.errors for one in results),
        }
        kept = {
            key: self.keep_file(content, f"{name}.jsonl", "batch_output")["id"]
            for key, content in files.items()
            if content
        }
        self._enter(name, end, **kept, request_counts=counts(results, total))

    def _enter(self, name: str, status: str, **values: Any) -> dict[str, Any]:
        """Bring a batch to a status, unless it is there or beyond; the batch."""
        batch = self._known(name).batch
        if ORDER.index(status) > ORDER.index(batch["status"]):
            values |= {"status": status, f"{status}_at": int(time.time())}
            return self._change(name, **values)
        return batch

    def _change(self, name: str, **values: Any) -> dict[str, Any]:
        """Change what is shown of a batch; the batch."""
        held = self._known(name)
        batch = {**held.batch, **values}
        self._keep(Held(batch, held.ordinal, held.began, held.cancelled))
        return batch

    def _keep(self, held: Held) -> None:
        self._store.put(f"{held.batch['id']}.json", orjson.dumps(held))

    def held(self, name: str) -> Held | None:
        """A batch, or None."""
        found = self._read(name, "batch_", ".json")
        return Held(**orjson.loads(found)) if found is not None else None

    def _known(self, name: str) -> Held:
        """A batch that there is."""
        found = self.held(name)
        if found is None:
            raise KeyError(name)
        return found

    def file(self, name: str) -> dict[str, Any] | None:
        """What is known of a file, or None."""
        found = self._read(name, "file-", ".json")
        return dict(orjson.loads(found)) if found is not None else None

    def content(self, name: str) -> bytes | None:
        """The bytes of a file, or None."""
        return self._read(name, "file-", ".jsonl")

    def _read(self, name: str, start: str, end: str) -> bytes | None:
        """What is kept under a name that a client may have made up: it must not lead out of the folder."""
        known = name.startswith(start) and HEXADECIMAL.fullmatch(name.removeprefix(start))
        return self._store.get(name + end) if known else None

    def keep_file(self, content: bytes, filename: str, purpose: str) -> dict[str, Any]:
        """Keep a file, its bytes first; what is known of it."""
        name = f"file-{secrets.token_hex(12)}"
        known = {
            "id": name, "object": "file", "bytes": len(content), "created_at": int(time.time()), "filename": filename,
            "purpose": purpose, "status": "processed", "expires_at": None, "status_details": None,
        }  # fmt: skip
        self._store.put(f"{name}.jsonl", content)
        self._store.put(f"{name}.json", orjson.dumps(known))
        return known


def new_batch(name: str, body: dict[str, Any], now: int) -> dict[str, Any]:
    """A batch as OpenAI shows it, just created."""
    ends = {f"{status}_at": None for status in ORDER if status != "validating"}
    return {
        "id": name, "object": "batch", "endpoint": body["endpoint"], "errors": None, "input_file_id": body["input_file_id"],
        "completion_window": "24h", "status": "validating", "output_file_id": None, "error_file_id": None, "created_at": now,
        "expires_at": now + WINDOW_SECONDS, **ends, "request_counts": counts([], 0), "metadata": body.get("metadata"),
    }  # fmt: skip


def counts(results: list[Result], total: int) -> dict[str, int]:
    """The numbers of a batch's requests."""
    lost = sum(one.failed for one in results)
    return {"total": total, "completed": len(results) - lost, "failed": lost}


def met(options: Options, ordinal: int) -> str:
    """The fault of a whole batch; "" for none."""
    place = Random(f"{options.fault_seed}/batch/{ordinal}").random()  # noqa: S311  # a share, reproducible
    for kind in BATCH_FAULTS:
        place -= options.batch_faults.get(kind, 0.0)
        if place < 0:
            return kind
    return ""
