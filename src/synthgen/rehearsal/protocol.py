"""From the body of a request to the body of its reply: pure, whatever brought the request, a connection or a batch."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from synthgen.rehearsal import meanings, replies
from synthgen.rehearsal.answers import answer, thoughts
from synthgen.rehearsal.options import Options
from synthgen.rehearsal.proposals import propose
from synthgen.rehearsal.verdicts import judge
from synthgen.rehearsal.wire import Call, call

CHARACTERS_PER_TOKEN = 4
CONTEXT_TOKENS = 32_768
EMBEDDED_TOKENS = 512
"""Of the longest text that has a vector."""
CHAT, COMPLETIONS, EMBEDDINGS = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
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
    ("Write one entry for each of", "judge"),
    ("Go on with the collection", "propose"),
    ("possible class label", "instantiate_parity"),
    ("Work out examples for each task", "instantiate_parity"),
    ("a list of varied tasks", "propose"),
    ('Reply with the JSON object {"ok": true}', "probe"),
)
"""Words of a prompt that tell its stage where no schema's name does."""
PIECE = re.compile(r"\s*\S+|\s+")
"""A token, for logprobs: together they are the text again."""
REASONING = "I look at what is asked, set aside what is not, and then say what is left."


@dataclass(frozen=True, slots=True)
class Problem:
    """An error of the request."""

    status: int
    message: str
    code: str | None
    param: str | None = None
    kind: str = "invalid_request_error"

    @property
    def value(self) -> dict[str, Any]:
        """In OpenAI's shape."""
        return {"error": {"message": self.message, "type": self.kind, "code": self.code, "param": self.param}}


@dataclass(frozen=True, slots=True)
class Texts:
    """A request for embeddings, as the rehearsal reads it."""

    model: str
    texts: tuple[str, ...]

    @property
    def tokens(self) -> list[int]:
        """Of each text."""
        return [len(text) // CHARACTERS_PER_TOKEN for text in self.texts]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that can be answered."""

    call: Call | Texts
    logprobs: bool
    prompt: str
    """All that a prefix cache would see."""
    limited_tokens: int
    """What it counts for at a limit of tokens: the estimate of its prompt, or `max_tokens` where that is more."""


def read(path: str, payload: object, options: Options) -> Asked | Problem:
    """The request in a JSON body, or why it is not served, in OpenAI's words."""
    if not isinstance(payload, dict):
        return Problem(400, "not a request: the body must be a JSON object", "invalid_request")
    try:
        asked = read_texts(payload) if path == EMBEDDINGS else read_call(path, payload, options)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        return Problem(400, f"not a request: {error}", "invalid_request")
    return refused(payload, asked.call, options) or asked


def read_call(path: str, body: dict[str, Any], options: Options) -> Asked:
    """A request for text. Raises for one of another shape."""
    made = call(body, completion=path == COMPLETIONS)
    tokens = (len(made.text) + len(made.system)) // CHARACTERS_PER_TOKEN
    length = body.get("max_tokens") or body.get("max_completion_tokens") or 0
    prompt = (
        body["prompt"] if made.completion else "".join(f"{one['role']}\n{one['content']}\n" for one in body["messages"])
    )
    return Asked(made, options.logprobs and body.get("logprobs") is True, prompt, max(tokens, length))


def read_texts(body: dict[str, Any]) -> Asked:
    """A request for vectors. Raises for one of another shape."""
    given = body["input"]
    texts = [given] if isinstance(given, str) else list(given)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("input must be a string or a list of strings")
    made = Texts(body["model"], tuple(texts))
    return Asked(made, False, "", sum(made.tokens))


def refused(body: dict[str, Any], made: Call | Texts, options: Options) -> Problem | None:
    """Why a request of the right shape is not served."""
    if isinstance(made, Texts):
        model, tokens, most = meanings.MODEL, max(made.tokens, default=0), EMBEDDED_TOKENS
    else:
        model, tokens = options.model, (len(made.text) + len(made.system)) // CHARACTERS_PER_TOKEN
        most = CONTEXT_TOKENS
    for name in options.without:
        if has(body, name):
            return unsupported(name)
    if made.model != model:
        return Problem(404, f"The model '{made.model}' does not exist", "model_not_found", "model")
    if tokens > most:
        return Problem(400, f"maximum context length is {most} tokens", "context_length_exceeded")
    if form_of(body) == "json_object" and "json" not in str(body.get("messages")).lower():
        message = (
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        )
        return Problem(400, message, None, "messages")
    return None


def has(body: dict[str, Any], name: str) -> bool:
    """Whether a body has a parameter NAME, or a parameter of the form NAME.FORM."""
    parameter, _, form = name.partition(".")
    if not form:
        return parameter in body
    value = body.get(parameter)
    return isinstance(value, dict) and (form in value or value.get("type") == form)


def unsupported(name: str) -> Problem:
    """The refusal of a parameter, or of one form of it."""
    parameter, _, form = name.partition(".")
    message = (
        f"Invalid parameter: '{parameter}' of type '{form}' is not supported with this model."
        if form
        else f"Unsupported parameter: '{parameter}'"
    )
    return Problem(400, message, "unsupported_parameter", parameter)


def form_of(body: dict[str, Any]) -> object:
    """The type of the response format that is asked for."""
    wanted = body.get("response_format")
    return wanted.get("type") if isinstance(wanted, dict) else None


def answered(asked: Asked, options: Options, cached_tokens: int | None = None) -> dict[str, Any]:
    """The body of the reply."""
    if isinstance(asked.call, Texts):
        return vectors(asked.call)
    text, finish = reply(asked.call)
    value = shaped(asked.call, text, finish)
    if asked.logprobs:
        value["choices"][0]["logprobs"] = {"content": logprobs(asked.call, text)}
    said = reasoning(asked.call, options)
    if said:
        value["choices"][0]["message"]["reasoning_content"] = said
        thought = len(said) // CHARACTERS_PER_TOKEN
        value["usage"]["completion_tokens"] += thought
        value["usage"]["total_tokens"] += thought
        value["usage"]["completion_tokens_details"] = {"reasoning_tokens": thought}
    if cached_tokens is not None:
        known = min(cached_tokens, value["usage"]["prompt_tokens"])
        value["usage"]["prompt_tokens_details"] = {"cached_tokens": known}
    return value


def vectors(made: Texts) -> dict[str, Any]:
    """The reply to a request for embeddings."""
    rows = [
        {"object": "embedding", "index": index, "embedding": meanings.embed(text)}
        for index, text in enumerate(made.texts)
    ]
    usage = {"prompt_tokens": sum(made.tokens), "total_tokens": sum(made.tokens)}
    return {"object": "list", "data": rows, "model": made.model, "usage": usage}


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


def reasoning(asked: Call, options: Options) -> str:
    """What a reply shows of its reasoning beside the answer: as the request says, else by habit; "" for nothing."""
    if asked.completion or asked.think is False:
        return ""
    if asked.think:
        return thoughts(asked)
    share = options.faults.get("reasoning", 0.0)
    return REASONING if share > 0 and asked.chance("reasoning").random() < share else ""


def logprobs(asked: Call, text: str) -> list[dict[str, Any]]:
    """The pieces of a text, each with a logarithm of its probability."""
    rng = asked.chance("logprobs")
    return [
        {"token": piece, "logprob": -rng.expovariate(2), "bytes": list(piece.encode()), "top_logprobs": []}
        for piece in PIECE.findall(text)
    ]


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


def loaded(payload: bytes) -> object:
    """The value of a JSON text; None where it is none."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
