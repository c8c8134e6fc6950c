"""The lines of a batch as pure functions: what is wrong with the input, and what stands in the output."""

import hashlib
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson

from synthgen.rehearsal.options import LINE_FAULTS, Options
from synthgen.rehearsal.protocol import Problem, loaded

MOST_LINES = 50_000
MOST_BYTES = 200_000_000
MOST_ERRORS = 100
"""That a failed batch names."""
OWN_FAULTS = (
    Problem(500, "The server had an error while processing your request.", None, None, "server_error"),
    Problem(429, "Rate limit reached for requests.", "rate_limit_exceeded", None, "requests"),
)
"""With which a line fails that nothing is wrong with."""
EXPIRED = {
    "code": "batch_expired",
    "message": "This request could not be executed before the completion window expired.",
}
Error = dict[str, Any]
"""One of a failed batch: code, message, param, line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One request of a batch."""

    custom_id: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What a line leaves behind."""

    output: bytes = b""
    errors: bytes = b""
    failed: bool = False


def read(
    content: bytes, endpoint: str, most_lines: int = MOST_LINES, most_bytes: int = MOST_BYTES
) -> tuple[list[Line], list[Error]]:
    """The requests of an input file, and what is wrong with it; a batch with an error is not worked on at all."""
    if len(content) > most_bytes:
        return [], [error("file_too_large", f"The input file has {len(content)} bytes; the limit is {most_bytes}.")]
    texts = content.removesuffix(b"\n").split(b"\n") if content.strip() else []
    if not texts:
        return [], [error("empty_file", "The input file has no requests.")]
    if len(texts) > most_lines:
        return [], [error("too_many_tasks", f"The input file has {len(texts)} requests; the limit is {most_lines}.")]
    lines, errors, seen, model = [], [], set[str](), None
    for number, text in enumerate(texts, 1):
        value = loaded(text)
        found = wrong(value, endpoint, seen, model)
        if found is not None:
            errors.append({**found, "line": number})
            continue
        assert isinstance(value, dict)  # noqa: S101  # else it is wrong
        seen.add(value["custom_id"])
        model = model or value["body"].get("model")
        lines.append(Line(value["custom_id"], value["body"]))
    return lines, errors[:MOST_ERRORS]


def wrong(value: object, endpoint: str, seen: set[str], model: object) -> Error | None:
    """What is wrong with the value of one line."""
    if not isinstance(value, dict):
        return error("invalid_json_line", "This line is not parseable as valid JSON.")
    for name, kind in (("custom_id", str), ("method", str), ("url", str), ("body", dict)):
        if not isinstance(value.get(name), kind) or not value[name]:
            return error("missing_required_parameter", f"Missing required parameter: '{name}'.", name)
    if value["custom_id"] in seen:
        message = f"The custom_id '{value['custom_id'][:64]}' has already been used in this batch."
        return error("duplicate_custom_id", message, "custom_id")
    if value["method"] != "POST":
        return error("invalid_method", "The method of a request must be POST.", "method")
    if value["url"] != endpoint:
        return error("url_mismatch", f"The url of this request is not the batch's endpoint, {endpoint}.", "url")
    if model is not None and value["body"].get("model") != model:
        return error("model_mismatch", "All requests of a batch must be for one model.", "body.model")
    return None


def error(code: str, message: str, param: str | None = None) -> Error:
    """An error of a batch."""
    return {"code": code, "message": message, "param": param, "line": None}


def shuffled(lines: list[Line], rng: Random) -> list[Line]:
    """The lines in another order than they came in, if there is one."""
    order = rng.sample(lines, len(lines))
    return order if order != lines else lines[::-1]


def result(line: Line, status: int, body: dict[str, Any], options: Options, ordinal: int) -> Result:
    """What a line leaves that was worked on, with its fault if it has one. The ordinal is the batch's number."""
    kind, luck = met(line, options, ordinal)
    if kind == "failed-lines":
        problem = OWN_FAULTS[luck < 0.5]
        status, body = problem.status, problem.value
    said = done(line, {"status_code": status, "request_id": name_of(line), "body": body}, None)
    if status != 200:
        return Result(errors=said, failed=True)
    match kind:
        case "missing-lines":
            return Result()
        case "repeated-lines":
            return Result(said * 2)
        case "unreadable-lines":
            return Result(said[: len(said) // 2] + b"\n")
    return Result(said)


def expired(line: Line) -> Result:
    """What a line leaves that nobody came to in time."""
    return Result(errors=done(line, None, EXPIRED), failed=True)


def met(line: Line, options: Options, ordinal: int) -> tuple[str, float]:
    """(kind, luck) of a line's fault; ("", 0) for none. A line has its own in every batch."""
    rng = Random(f"{options.fault_seed}/line/{ordinal}/{line.custom_id}")  # noqa: S311  # a share, reproducible
    place = rng.random()
    for kind in LINE_FAULTS:
        place -= options.batch_faults.get(kind, 0.0)
        if place < 0:
            return kind, rng.random()
    return "", 0.0


def done(line: Line, response: dict[str, Any] | None, problem: dict[str, str] | None) -> bytes:
    """A line of the output or of the error file."""
    value = {"id": f"batch_req_{name_of(line)}", "custom_id": line.custom_id, "response": response, "error": problem}
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def name_of(line: Line) -> str:
    """A name for a request, of what it asks."""
    asked = line.custom_id.encode("utf-8", "replace") + orjson.dumps(line.body, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(asked).hexdigest()[:24]
