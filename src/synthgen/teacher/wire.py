"""What goes over the wire and what comes back, as pure functions: body, key, reply or fault."""

import hashlib
import json
import re
import struct
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import orjson

from synthgen.errors import ConfigError
from synthgen.records import Finish, Record, Reply, Request, Schema

Api = Literal["chat", "completions", "embeddings"]
FaultKind = Literal["rate", "server", "auth", "billing", "model", "parameter", "too_long", "filtered", "refused"]
OPTIONAL = ("seed", "temperature", "top_p", "presence_penalty", "stop", "logprobs", "response_format")
THINK = "chat_template_kwargs"
"""What vLLM and SGLang hand to a model's chat template; of Qwen3 and its like `enable_thinking` is one."""
TOO_LONG = (
    "context length",
    "context_length",
    "maximum context",
    "context window",
    "too many tokens",
    "prompt is too long",
)
MARKUP = re.compile(r"<(style|script|title)\b.*?</\1>|<[!/?a-z][^<>]*>", re.IGNORECASE | re.DOTALL)
THOUGHT = re.compile(r"\s*<think>(.*?)(?:</think>\s*|$)", re.DOTALL)
"""Where a model's thoughts stand in its text: at the beginning, if the server does not take them out."""
VERSION = re.compile(r"[-@:](?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4}|\d{3}|latest)$")
"""The date or number that an endpoint puts behind the name of a model."""
LONGEST_TOLD_SECONDS = 86_400.0
"""A day: an endpoint that asks for more says nothing that makes sense."""
UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
BILLING_CODES = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
BROKEN_OFF = ("abort", "error")
"""Finish reasons of a reply that is not whole: vLLM's, where it is told to end or to pause."""


class Capabilities(Record):
    """What an endpoint takes. Learned once, with a probe."""

    without: tuple[str, ...] = ()
    """Parameters it refuses, of OPTIONAL."""
    length_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    form: Literal["json_schema", "json_object"] = "json_schema"
    """How a form is asked for, if `response_format` is not among what it refuses."""


class Binding(Record):
    """The endpoint of a role as it is declared and as it was found: with a request it makes the exact body."""

    identity: str
    model: str
    api: Api = "chat"
    capabilities: Capabilities = Capabilities()
    served: str = ""
    """The name under which the endpoint answers, where it is another one than it was asked by."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no reply."""

    kind: FaultKind
    text: str
    wait_seconds: float | None = None
    """How long the endpoint asks to wait."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    """What the endpoint says it charged for nothing."""
    uncertain: bool = False
    """Whether the request had been sent, so that it may have been worked on."""
    unreached: bool = False
    """Whether no connection came about, or it broke."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an endpoint's headers say of one of its limits: so many in all, so many left, full again in so many seconds."""

    limit: float
    remaining: float
    reset_seconds: float

    @property
    def seconds_each(self) -> float:
        """Seconds until one more is allowed, on average, while the limit fills up again."""
        return self.reset_seconds / max(1.0, self.limit - self.remaining)


def body(request: Request, binding: Binding) -> dict[str, Any]:
    """The JSON body of a request. A schema is left out where the endpoint has none: the prompt says it in words."""
    decoding = request.decoding
    optional: dict[str, Any] = {
        "temperature": decoding.temperature,
        "top_p": decoding.top_p,
        "presence_penalty": decoding.presence_penalty,
        "stop": list(decoding.stop) or None,
        "seed": request.seed,
    }
    if request.think is not None:
        optional[THINK] = {"enable_thinking": request.think}
    if binding.api == "chat":
        said: dict[str, Any] = {"messages": [{"role": m.role, "content": m.content} for m in request.messages]}
        length = binding.capabilities.length_name
        if request.form is not None:
            optional["response_format"] = response_format(request.form, binding.capabilities)
        if decoding.logprobs:
            optional["logprobs"] = True
    else:
        if request.think is not None:
            raise ConfigError(
                f'{binding.identity} is asked over completions, which knows no thinking; use api = "chat"'
            )
        said = {"prompt": "\n\n".join(message.content for message in request.messages)}
        length = "max_tokens"
    left_out = binding.capabilities.without
    chosen = {name: value for name, value in optional.items() if value is not None and name not in left_out}
    return {"model": binding.model, **said, length: decoding.max_tokens, **chosen}


def response_format(form: Schema, capabilities: Capabilities) -> dict[str, Any]:
    """How a form is asked for. An endpoint that knows only `json_object` is told the form by the prompt's words alone."""
    if capabilities.form == "json_object":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": form.name, "strict": True, "schema": form.body}}


def refuses_thinking(request: Request, reply: Reply) -> bool:
    """Whether a request was refused because it says whether to think."""
    names = (THINK, "enable_thinking")
    return request.think is not None and reply.finish == "refused" and any(name in reply.text for name in names)


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def key(sent: Mapping[str, Any], sample: int, identity: str) -> str:
    """The ledger's key: SHA-256 of the very body sent, the sample's number and the endpoint's declared identity."""
    return hashlib.sha256(canonical({"body": sent, "sample": sample, "identity": identity})).hexdigest()


def read(status: int, headers: Mapping[str, str], payload: bytes, api: Api) -> Reply | Fault:
    """The reply an HTTP response holds, or its fault. Never raises, whatever the payload is."""
    value = load(payload)
    if status == 200:
        return reply(value, api)
    return fault(status, headers, value, payload)


def load(payload: bytes) -> object:
    """The value of a JSON text, None where it is none. Half a surrogate pair, as cut emoji leave it, is no fault."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None


def reply(value: object, api: Api) -> Reply | Fault:
    """The reply of a body that came with status 200."""
    if api == "embeddings":
        return embeddings(value)
    usage = field(value, "usage")
    prompt, completion = count(field(usage, "prompt_tokens")), count(field(usage, "completion_tokens"))
    choices = field(value, "choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice if api == "completions" else field(choice, "message")
    if not isinstance(message, dict):
        said = "a reply without choices" if isinstance(value, dict) else "a reply that is not JSON"
        return Fault("server", said, prompt_tokens=prompt, completion_tokens=completion, uncertain=not prompt)
    if field(choice, "finish_reason") in BROKEN_OFF:
        said = "a reply that the endpoint broke off"
        return Fault("server", said, prompt_tokens=prompt, completion_tokens=completion, uncertain=not prompt)
    text, refusal = field(message, "text" if api == "completions" else "content"), field(message, "refusal")
    finish = finish_of(field(choice, "finish_reason"))
    if isinstance(refusal, str) and refusal:
        text, finish = refusal, "refused"
    thought, text = thoughts(message, text if isinstance(text, str) else "")
    return Reply(
        text=clean(text),
        finish=finish,
        model=clean(str(field(value, "model") or "")),
        reasoning=clean(thought),
        logprobs=logprobs(choice),
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=count(field(field(usage, "prompt_tokens_details"), "cached_tokens")),
    )


def thoughts(message: Mapping[str, Any], text: str) -> tuple[str, str]:
    """(what was thought, the answer): thoughts come in a field of their own, or in tags before the answer."""
    for name in ("reasoning_content", "reasoning"):
        if isinstance(said := message.get(name), str) and said:
            return said, text
    found = THOUGHT.match(text)
    return (found[1].strip(), text[found.end() :]) if found else ("", text)


def logprobs(choice: object) -> tuple[tuple[str, float], ...]:
    """(token, log probability) of a choice; nothing where any of them is not as it should be."""
    rows = field(field(choice, "logprobs"), "content")
    found = []
    for row in rows if isinstance(rows, list) else ():
        token, value = field(row, "token"), field(row, "logprob")
        if not isinstance(token, str) or not isinstance(value, int | float) or isinstance(value, bool):
            return ()
        found.append((clean(token), float(value)))
    return tuple(found)


def is_model(said: str, binding: Binding) -> bool:
    """Whether the model that a reply names is the one that was asked: also by a dated name, or without its owner."""
    names = {binding.model, binding.served} - {""}
    return not said or not names or any(same_model(said, name) for name in names)


def same_model(said: str, asked: str) -> bool:
    """Whether two names mean one model.

    >>> same_model("gpt-4o-2024-08-06", "gpt-4o"), same_model("gpt-4o-mini", "gpt-4o")
    (True, False)
    """
    plain_said, plain_asked = (VERSION.sub("", name.rpartition("/")[2].lower()) for name in (said, asked))
    return plain_said == plain_asked


def embeddings(value: object) -> Reply | Fault:
    """Vectors as lines of base64 of little-endian single floats, in the order of the texts."""
    rows = field(value, "data")
    if not isinstance(rows, list) or not rows:
        return Fault("server", "a reply without vectors")
    try:
        rows = sorted(rows, key=lambda row: row["index"])
        lines = [b64encode(struct.pack(f"<{len(row['embedding'])}f", *row["embedding"])).decode() for row in rows]
    except (KeyError, TypeError, struct.error, OverflowError):
        return Fault("server", "a reply whose vectors are no lists of numbers")
    if len({len(line) for line in lines}) != 1 or not lines[0]:
        return Fault("server", "a reply whose vectors differ in size")
    usage = field(value, "usage")
    return Reply(
        text="\n".join(lines),
        finish="stop",
        model=str(field(value, "model") or ""),
        prompt_tokens=count(field(usage, "prompt_tokens")),
    )


def finish_of(reason: object) -> Finish:
    """The endpoint's finish reason in our words."""
    if reason in ("length", "max_tokens"):
        return "length"
    return "filtered" if reason == "content_filter" else "stop"


def field(value: object, name: str) -> Any:
    """A field of what may not be an object at all."""
    return value.get(name) if isinstance(value, dict) else None


def count(value: object) -> int:
    """A number of tokens, 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else 0


def clean(text: str) -> str:
    """Text that can always be written as UTF-8: lone surrogates and NULs are replaced."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def fault(status: int, headers: Mapping[str, str], value: object, payload: bytes) -> Fault:
    """The fault of a response with another status than 200."""
    error = field(value, "error")
    error = error if isinstance(error, dict) else {"message": error} if isinstance(error, str) else value
    said = field(error, "message") or field(value, "detail") or payload[:3000].decode("utf-8", "replace")
    text = f"HTTP {status}: {in_one_line(str(said))}"
    code = str(field(error, "code") or field(error, "type") or "")
    if status == 402 or code in BILLING_CODES:
        return Fault("billing", text)
    if status in {401, 403}:
        return Fault("auth", text)
    if status == 429:
        return Fault("rate", text, wait_of(headers))
    if 300 <= status < 400:
        where = in_one_line(headers.get("location", "elsewhere"))
        return Fault(
            "server", f"HTTP {status}: it sends us to {where}, where no request goes; name that URL if you mean it"
        )
    if status >= 500 or status in {408, 409, 425}:
        return Fault("server", text, wait_of(headers))
    if status == 404 or code == "model_not_found":
        return Fault("model", text)
    low = f"{code} {said}".lower()
    if any(words in low for words in TOO_LONG):
        return Fault("too_long", text)
    if "content_filter" in low or "content policy" in low or "content_policy" in low:
        return Fault("filtered", text)
    named = field(error, "param")
    if named or "unsupported" in low or "unrecognized" in low or "not supported" in low or "extra inputs" in low:
        return Fault("parameter", f"{text} {named or ''}".strip())
    return Fault("refused", text)


def in_one_line(said: str) -> str:
    """What a server said, for a person: one line, without the markup of an error page."""
    return " ".join(MARKUP.sub(" ", clean(said)).split())[:300]


def allowances(headers: Mapping[str, str]) -> dict[str, Allowance]:
    """What `x-ratelimit-*` headers say of "requests" and "tokens"; nothing of what they say in words nobody knows."""
    found = {}
    for name in ("requests", "tokens"):
        if f"x-ratelimit-remaining-{name}" not in headers:
            continue
        limit, remaining = (number(headers.get(f"x-ratelimit-{what}-{name}", "")) for what in ("limit", "remaining"))
        reset = duration(headers.get(f"x-ratelimit-reset-{name}", ""))
        if limit is not None and remaining is not None and reset is not None:
            found[name] = Allowance(limit, remaining, reset)
    return found


def number(text: str) -> float | None:
    """A finite number from 0 on; None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 2**53 else None


def duration(text: str) -> float | None:
    """Seconds of `6m0s`, `20ms`, `1.5s` or a plain number; None for anything else."""
    parts = DURATION.findall(text)
    if parts and "".join(amount + unit for amount, unit in parts) == text:
        return sum(float(amount) * UNIT_SECONDS[unit] for amount, unit in parts)
    return number(text)


def wait_of(headers: Mapping[str, str]) -> float | None:
    """Seconds that an endpoint asks to wait; None where it does not say, or says more than a client should believe."""
    told = told_wait(headers)
    return told if told is not None and told <= LONGEST_TOLD_SECONDS else None


def told_wait(headers: Mapping[str, str]) -> float | None:
    """What `retry-after-ms` or `retry-after` (seconds or a date) say, in seconds."""
    if (told := number(headers.get("retry-after-ms", ""))) is not None:
        return told / 1000
    if (told := number(headers.get("retry-after", ""))) is not None:
        return told
    try:
        when = parsedate_to_datetime(headers["retry-after"])
        sent = parsedate_to_datetime(headers["date"])
        return max(0.0, (when - sent).total_seconds())
    except (KeyError, ValueError, TypeError):
        return None
