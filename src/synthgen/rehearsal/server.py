"""The server: OpenAI's protocol on a loopback port, one process, no state between requests."""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson
from aiohttp import web

from synthgen.rehearsal import meanings, replies
from synthgen.rehearsal.answers import answer
from synthgen.rehearsal.lifetime import announce
from synthgen.rehearsal.proposals import propose
from synthgen.rehearsal.verdicts import judge
from synthgen.rehearsal.wire import Call, call

CHARACTERS_PER_TOKEN = 4
CONTEXT_TOKENS = 32_768
EMBEDDED_TOKENS = 512
"""Of the longest text that has a vector."""
JSON_REPLIES = {
    "classify": replies.classify,
    "instantiate_open": replies.instantiate_open,
    "instantiate_labels": replies.instantiate_labels,
    "vet": replies.vet,
    "judge": judge,
}
SHAPES = (
    ("Is it classification?", "classify_parity"),
    ("Is the last task a labelling task", "classify"),
    ("whether the last task is a labelling task", "classify"),
    ('{"inputs": [...]}', "instantiate_open"),
    ('{"instances": [', "instantiate_labels"),
    ("Fill in this form", "vet"),
    ("Assess every answer", "judge"),
    ("Go on with the collection", "propose"),
    ("possible class label", "instantiate_parity"),
    ("Work out examples for each task", "instantiate_parity"),
    ("a list of varied tasks", "propose"),
)
"""Words of a prompt that tell its stage where no schema's name does."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the server behaves beyond its replies."""

    model: str
    latency_seconds: float = 0.0
    jitter_seconds: float = 0.0
    fail_rate: float = 0.0
    """Share of requests answered with 503."""
    without: tuple[str, ...] = ()
    """Parameters that are refused, as some endpoints do."""


def stage_of(asked: Call) -> str:
    """Which reply is wanted: by the schema's name, else by the prompt's words, else an answer."""
    if asked.form in JSON_REPLIES:
        return asked.form
    if asked.form == "probe":
        return "probe"
    return next((stage for words, stage in SHAPES if words in asked.text), "answer")


def reply(asked: Call) -> tuple[str, str]:
    """(text, finish reason) of a request: a pure function."""
    stage = stage_of(asked)
    cut = False
    if stage in JSON_REPLIES:
        text = JSON_REPLIES[stage](asked)
    elif stage == "propose":
        text, cut = propose(asked)
    elif stage == "classify_parity":
        text = replies.classify_parity(asked)
    elif stage == "instantiate_parity":
        text = replies.instantiate_parity(asked)
    elif stage == "probe":
        text = '{"ok": true}'
    else:
        text, cut = answer(asked)
    return limited(text, asked, cut=cut)


def limited(text: str, asked: Call, *, cut: bool) -> tuple[str, str]:
    """A text ended by its stop strings or by its length."""
    ends = [place for place in (text.find(word) for word in asked.stop) if place >= 0]
    if ends:
        return text[: min(ends)], "stop"
    if len(text) > asked.max_tokens * CHARACTERS_PER_TOKEN:
        return text[: asked.max_tokens * CHARACTERS_PER_TOKEN], "length"
    return text, "length" if cut else "stop"


def problem(status: int, message: str, code: str, param: str | None = None) -> web.Response:
    """An error in OpenAI's shape."""
    error = {"message": message, "type": "invalid_request_error", "code": code, "param": param}
    return web.Response(status=status, body=orjson.dumps({"error": error}), content_type="application/json")


class Server:
    """The handlers of one profile."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._rng = Random()  # noqa: S311  # delays only

    def app(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(client_max_size=2**24)
        app.router.add_get("/health", self.health)
        app.router.add_get("/v1/models", self.models)
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_post("/v1/completions", self.completions)
        app.router.add_post("/v1/embeddings", self.embeddings)
        return app

    async def health(self, _request: web.Request) -> web.Response:
        """Up."""
        return web.json_response({"status": "ok"})

    async def models(self, _request: web.Request) -> web.Response:
        """The one model of the profile."""
        row = {"id": self.options.model, "object": "model", "created": 0, "owned_by": "synthgen"}
        return web.json_response({"object": "list", "data": [row]})

    async def chat(self, request: web.Request) -> web.Response:
        """A chat completion."""
        return await self._serve(request, completion=False)

    async def completions(self, request: web.Request) -> web.Response:
        """A plain completion."""
        return await self._serve(request, completion=True)

    async def embeddings(self, request: web.Request) -> web.Response:
        """Vectors of one text or of several."""
        try:
            model, texts = inputs(orjson.loads(await request.read()))
        except (orjson.JSONDecodeError, TypeError, KeyError) as error:
            return problem(400, f"not a request: {error}", "invalid_request")
        if model != meanings.MODEL:
            return problem(404, f"The model '{model}' does not exist", "model_not_found", "model")
        tokens = [len(text) // CHARACTERS_PER_TOKEN for text in texts]
        if max(tokens, default=0) > EMBEDDED_TOKENS:
            return problem(400, f"maximum context length is {EMBEDDED_TOKENS} tokens", "context_length_exceeded")
        rows = [
            {"object": "embedding", "index": index, "embedding": meanings.embed(text)}
            for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": sum(tokens), "total_tokens": sum(tokens)}
        return web.Response(
            body=orjson.dumps({"object": "list", "data": rows, "model": model, "usage": usage}),
            content_type="application/json",
        )

    async def _serve(self, request: web.Request, *, completion: bool) -> web.Response:
        try:
            body = orjson.loads(await request.read())
            asked = call(body, completion=completion)
        except (orjson.JSONDecodeError, TypeError, KeyError, ValueError, AttributeError) as error:
            return problem(400, f"not a request: {error}", "invalid_request")
        if (refusal := self._refusal(body, asked)) is not None:
            return refusal
        if self.options.latency_seconds or self.options.jitter_seconds:
            await asyncio.sleep(self.options.latency_seconds + self._rng.random() * self.options.jitter_seconds)
        if self.options.fail_rate and self._rng.random() < self.options.fail_rate:
            return problem(503, "the rehearsal plays at being busy", "overloaded")
        text, finish = reply(asked)
        return web.Response(body=orjson.dumps(shaped(asked, text, finish)), content_type="application/json")

    def _refusal(self, body: dict[str, Any], asked: Call) -> web.Response | None:
        """Why a request is not served, in OpenAI's words."""
        for name in self.options.without:
            if name in body:
                return problem(400, f"Unsupported parameter: '{name}'", "unsupported_parameter", name)
        if asked.model != self.options.model:
            return problem(404, f"The model '{asked.model}' does not exist", "model_not_found", "model")
        if (len(asked.text) + len(asked.system)) // CHARACTERS_PER_TOKEN > CONTEXT_TOKENS:
            return problem(400, f"maximum context length is {CONTEXT_TOKENS} tokens", "context_length_exceeded")
        return None


def inputs(body: dict[str, Any]) -> tuple[str, list[str]]:
    """(model, texts) of a request for embeddings. Raises TypeError or KeyError for one of another shape."""
    given = body["input"]
    texts = [given] if isinstance(given, str) else list(given)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("input must be a string or a list of strings")
    return body["model"], texts


def shaped(asked: Call, text: str, finish: str) -> dict[str, Any]:
    """The response body."""
    prompt, said = (len(asked.system) + len(asked.text)) // CHARACTERS_PER_TOKEN, len(text) // CHARACTERS_PER_TOKEN + 1
    content = {"text": text} if asked.completion else {"message": {"role": "assistant", "content": text}}
    return {
        "id": f"rehearsal-{asked.digest[:16]}",
        "object": "text_completion" if asked.completion else "chat.completion",
        "created": 0,
        "model": asked.model,
        "choices": [{"index": 0, "finish_reason": finish, "logprobs": None, **content}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said},
    }


async def serve(options: Options, port: int) -> None:
    """Listen on loopback until the process ends."""
    runner = web.AppRunner(Server(options).app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=1024)
    await site.start()
    announce(runner.addresses[0][1], options.model)
    await asyncio.Event().wait()
