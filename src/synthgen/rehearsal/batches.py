"""OpenAI's files and batches over HTTP: upload, create, poll, list, download, cancel. `batchrun.py` does the work."""

from typing import Any

import orjson
from aiohttp import BodyPartReader, web

from synthgen.rehearsal import protocol
from synthgen.rehearsal.batchrun import Answer, Book
from synthgen.rehearsal.faults import failed
from synthgen.rehearsal.options import Options
from synthgen.rehearsal.protocol import Problem

ENDPOINTS = (protocol.CHAT, protocol.COMPLETIONS, protocol.EMBEDDINGS)
MOST_UPLOADED = 512_000_000
CHUNK = 2**18
PAGE, LONGEST_PAGE = 20, 100
NAME = "{name:[A-Za-z0-9_-]+}"


class Batches:
    """The addresses of files and batches."""

    def __init__(self, options: Options, answer: Answer) -> None:
        self._book = Book(options, answer)

    def add_to(self, app: web.Application) -> None:
        """Put the addresses into an application, and go on with the batches that are open when it starts."""
        app.router.add_post("/v1/files", self.upload)
        app.router.add_get(f"/v1/files/{NAME}", self.file)
        app.router.add_get(f"/v1/files/{NAME}/content", self.content)
        app.router.add_post("/v1/batches", self.create)
        app.router.add_get("/v1/batches", self.listed)
        app.router.add_get(f"/v1/batches/{NAME}", self.batch)
        app.router.add_post(f"/v1/batches/{NAME}/cancel", self.cancel)
        app.on_startup.append(self._go_on)
        app.on_cleanup.append(self._stop)

    async def _go_on(self, _app: web.Application) -> None:
        self._book.go_on()

    async def _stop(self, _app: web.Application) -> None:
        await self._book.stop()

    async def upload(self, request: web.Request) -> web.Response:
        """Take a file, in any number of megabytes that a client may try."""
        if not request.content_type.startswith("multipart/"):
            return failed(Problem(400, "a file is uploaded as multipart/form-data", "invalid_request"), {})
        purpose, name, content = "", "", None
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                continue
            if part.name == "purpose":
                purpose = await part.text()
            elif part.name == "file":
                name, content = part.filename or "file", await whole(part)
                if content is None:
                    return failed(Problem(413, "The file is too large.", "file_too_large"), {})
        if content is None:
            return failed(Problem(400, "Missing required parameter: 'file'.", "missing_required_parameter", "file"), {})
        if purpose != "batch":
            return failed(Problem(400, f"Invalid purpose: '{purpose}'; this server has 'batch'.", None, "purpose"), {})
        return shown(self._book.keep_file(content, name, purpose))

    async def file(self, request: web.Request) -> web.Response:
        """What is known of a file."""
        found = self._book.file(request.match_info["name"])
        return shown(found) if found is not None else missing("File", request)

    async def content(self, request: web.Request) -> web.Response:
        """The bytes of a file."""
        found = self._book.content(request.match_info["name"])
        if found is None:
            return missing("File", request)
        return web.Response(body=found, content_type="application/octet-stream")

    async def create(self, request: web.Request) -> web.Response:
        """Start a batch; what is wrong with its file is said later."""
        body = protocol.loaded(await request.read())
        if not isinstance(body, dict):
            return failed(Problem(400, "the body must be a JSON object", "invalid_request"), {})
        problem = self._unwanted(body)
        return failed(problem, {}) if problem is not None else shown(self._book.create(body))

    async def batch(self, request: web.Request) -> web.Response:
        """Where a batch stands."""
        held = self._book.held(request.match_info["name"])
        return shown(held.batch) if held is not None else missing("Batch", request)

    async def listed(self, request: web.Request) -> web.Response:
        """The batches, the newest first, `limit` of them `after` one."""
        rows = [held.batch for held in self._book.batches()]
        after, limit = request.query.get("after"), request.query.get("limit", "")
        begin = next((place + 1 for place, row in enumerate(rows) if row["id"] == after), 0)
        end = begin + (
            min(int(limit), LONGEST_PAGE) if limit.isascii() and limit.isdigit() and len(limit) < 9 else PAGE
        )
        page = rows[begin:end]
        first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
        more = {"first_id": first, "last_id": last, "has_more": end < len(rows)}
        return shown({"object": "list", "data": page, **more})

    async def cancel(self, request: web.Request) -> web.Response:
        """Ask a batch to stop; what it has done by then is kept."""
        held = self._book.held(request.match_info["name"])
        if held is None:
            return missing("Batch", request)
        status = held.batch["status"]
        if status == "cancelling":
            return shown(held.batch)
        if status not in {"validating", "in_progress"}:
            return failed(Problem(409, f"Cannot cancel a batch with status '{status}'.", None), {})
        return shown(self._book.cancel(held))

    def _unwanted(self, body: dict[str, Any]) -> Problem | None:
        """Why a batch is not even created."""
        for name in ("input_file_id", "endpoint", "completion_window"):
            if not isinstance(body.get(name), str):
                return Problem(400, f"Missing required parameter: '{name}'.", "missing_required_parameter", name)
        if body["endpoint"] not in ENDPOINTS:
            return Problem(400, f"Invalid endpoint; supported are {', '.join(ENDPOINTS)}.", "invalid_value", "endpoint")
        if body["completion_window"] != "24h":
            return Problem(400, "Invalid completion_window; supported is 24h.", "invalid_value", "completion_window")
        found = self._book.file(body["input_file_id"])
        if found is None or found["purpose"] != "batch":
            return Problem(400, "The input file is no file for a batch.", "invalid_value", "input_file_id")
        return None


async def whole(part: BodyPartReader) -> bytes | None:
    """The bytes of a part; None where there are too many."""
    content = bytearray()
    while chunk := await part.read_chunk(CHUNK):
        content += chunk
        if len(content) > MOST_UPLOADED:
            return None
    return bytes(content)


def shown(value: dict[str, Any]) -> web.Response:
    """A JSON response."""
    return web.Response(body=orjson.dumps(value), content_type="application/json")


def missing(kind: str, request: web.Request) -> web.Response:
    """404."""
    return failed(Problem(404, f"No such {kind} object: {request.match_info['name']}", None, "id"), {})
