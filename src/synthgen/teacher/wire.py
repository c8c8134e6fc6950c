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

from synthgen.records import Finish, Record, Reply, Request

Api = Literal["chat", "completions", "embeddings"]
FaultKind = Literal["rate", "server", "auth", "billing", "model", "parameter", "too_long", "filtered", "refused"]
OPTIONAL = ("seed", "temperature", "top_p", "presence_penalty", "stop", "response_format")
TOO_LONG = (
    "context length",
    "context_length",
    "maximum context",
    "context window",
    "too many tokens",
    "prompt is too long",
)
MARKUP = re.compile(r"<(style|script|title)\b.*?</\1>|<[!/?a-z][^<>]*>", re.IGNORECASE | re.DOTALL)
BILLING_CODES = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")


class Capabilities(Record):
    """What an endpoint takes. Learned once, with a probe."""

    without: tuple[str, ...] = ()
    """Parameters it refuses, of OPTIONAL."""
    length_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"


class Binding(Record):
    """The endpoint of a role as it is declared and as it was found: with a request it makes the exact body."""

    identity: str
    model: str
    api: Api = "chat"
    capabilities: Capabilities = Capabilities()


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no reply."""

    kind: FaultKind
    text: str
    wait_seconds: float | None = None
    """How long the endpoint asks to wait."""


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
    if binding.api == "chat":
        said: dict[str, Any] = {"messages": [{"role": m.role, "content": m.content} for m in request.messages]}
        length = binding.capabilities.length_name
        if request.form is not None:
            form = {"name": request.form.name, "strict": True, "schema": request.form.body}
            optional["response_format"] = {"type": "json_schema", "json_schema": form}
    else:
        said = {"prompt": "\n\n".join(message.content for message in request.messages)}
        length = "max_tokens"
    left_out = binding.capabilities.without
    chosen = {name: value for name, value in optional.items() if value is not None and name not in left_out}
    return {"model": binding.model, **said, length: decoding.max_tokens, **chosen}


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
    choices = field(value, "choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return Fault("server", "a reply without choices")
    message = choice if api == "completions" else field(choice, "message")
    text, refusal = field(message, "text" if api == "completions" else "content"), field(message, "refusal")
    finish = finish_of(field(choice, "finish_reason"))
    if isinstance(refusal, str) and refusal:
        text, finish = refusal, "refused"
    usage = field(value, "usage")
    return Reply(
        text=clean(text if isinstance(text, str) else ""),
        finish=finish,
        model=str(field(value, "model") or ""),
        prompt_tokens=count(field(usage, "prompt_tokens")),
        completion_tokens=count(field(usage, "completion_tokens")),
        cached_tokens=count(field(field(usage, "prompt_tokens_details"), "cached_tokens")),
    )


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


def wait_of(headers: Mapping[str, str]) -> float | None:
    """Seconds that an endpoint asks to wait, from `retry-after-ms` or `retry-after` (seconds or a date)."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        text = headers.get("retry-after", "")
        return max(0.0, float(text)) if text else None
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(headers["retry-after"])
        sent = parsedate_to_datetime(headers["date"])
        return max(0.0, (when - sent).total_seconds())
    except (KeyError, ValueError, TypeError):
        return None
