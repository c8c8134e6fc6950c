"""What a request on the wire says: its text, its parts, its chance."""

import hashlib
import re
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as the rehearsal reads it."""

    model: str
    system: str
    text: str
    """The last user message, or the prompt."""
    repairing: bool
    """Whether an earlier reply is being mended."""
    form: str
    """Name of the schema asked for; "" for none."""
    max_tokens: int
    stop: tuple[str, ...]
    completion: bool
    """Whether it came to the completions endpoint."""
    think: bool | None
    """Whether it is to be thought about before it is answered, where the request says."""
    digest: str
    """Of the whole body; at temperature 0 without its seed."""

    def chance(self, purpose: str) -> Random:
        """A random generator that depends on the request alone."""
        return Random(f"{purpose}/{self.digest}")  # noqa: S311  # an imitation of sampling


def call(body: dict[str, Any], *, completion: bool) -> Call:
    """A request's body, read. Raises TypeError or ValueError for one of another shape."""
    model = body.get("model")
    stop = body.get("stop") or ()
    length = body.get("max_tokens") or body.get("max_completion_tokens") or 1024
    if not isinstance(model, str) or not isinstance(length, int):
        raise TypeError("model must be a string and max_tokens a whole number")
    system, text, repairing = "", "", False
    if completion:
        text = body["prompt"]
        if not isinstance(text, str):
            raise TypeError("prompt must be a string")
    else:
        system, text, repairing = read_messages(body["messages"])
    form = ((body.get("response_format") or {}).get("json_schema") or {}).get("name", "")
    counted = {name: value for name, value in body.items() if name != "seed" or body.get("temperature")}
    digest = hashlib.sha256(orjson.dumps(counted, option=orjson.OPT_SORT_KEYS)).hexdigest()
    stops = (stop,) if isinstance(stop, str) else tuple(stop)
    return Call(model, system, text, repairing, form, length, stops, completion, thinking(body), digest)


def thinking(body: dict[str, Any]) -> bool | None:
    """What a request says of thinking: vLLM and SGLang hand `chat_template_kwargs` to the model's template."""
    wanted = (body.get("chat_template_kwargs") or {}).get("enable_thinking")
    return wanted if isinstance(wanted, bool) else None


def read_messages(messages: Any) -> tuple[str, str, bool]:
    """(system text, text of the first user message that is no repair, whether a repair is asked)."""
    if not isinstance(messages, list) or not messages:
        raise TypeError("messages must be a list that is not empty")
    said = [(message["role"], message["content"]) for message in messages]
    if not all(isinstance(content, str) for _, content in said):
        raise TypeError("content must be a string")
    system = next((content for role, content in said if role == "system"), "")
    asked = [content for role, content in said if role == "user"]
    repairing = any(role == "assistant" for role, _ in said)
    return system, (asked[0] if repairing else asked[-1]) if asked else "", repairing


def tagged(text: str, tag: str) -> str:
    """The last text between tags; "" for none."""
    found = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    return found[-1] if found else ""
