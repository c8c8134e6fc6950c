"""Read a JSON object out of a reply, with one chance to repair it.

Models wrap JSON in prose or code fences. What cannot be read after one repair is a value, `Unreadable`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from synthgen.prompts import Prompts
from synthgen.records import Message, Reply, Request, Teacher

T = TypeVar("T")
ModelT = TypeVar("ModelT", bound=BaseModel)
LONGEST_FAULT = 200
"""Characters of a fault's text."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a reply could not be read; `reason` is the finish of a reply that was never whole."""

    fault: str
    reason: str = "unreadable"


def load(text: str, kind: type[ModelT]) -> ModelT | Unreadable:
    """The object of a model's text, validated. Text before the first and after the last brace is left aside."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return Unreadable("it holds no JSON object")
    try:
        return kind.model_validate(orjson.loads(text[start : end + 1]))
    except orjson.JSONDecodeError as error:
        return Unreadable(f"it is not valid JSON ({error})"[:LONGEST_FAULT])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return Unreadable(f"{where}: {first['msg']}"[:LONGEST_FAULT])


async def ask(
    teacher: Teacher, request: Request, read: Callable[[str], T | Unreadable], prompts: Prompts
) -> tuple[T | Unreadable, Reply]:
    """Ask, read, and ask once more with the fault named if the reply was whole and could not be read.

    A reply that was cut, filtered or refused is not asked again: the same request meets the same end.
    """
    reply = await teacher.ask(request)
    if reply.finish != "stop":
        return Unreadable(f"the reply ended with {reply.finish}", reply.finish), reply
    value = read(reply.text)
    if not isinstance(value, Unreadable):
        return value, reply
    again = await teacher.ask(repair(request, reply, value, prompts))
    if again.finish != "stop":
        return value, again
    return read(again.text), again


def repair(request: Request, reply: Reply, fault: Unreadable, prompts: Prompts) -> Request:
    """The request that shows the model its reply and names the fault."""
    said = Message(role="assistant", content=reply.text)
    return request.model_copy(
        update={"messages": (*request.messages, said, *prompts.render("repair", fault=fault.fault))}
    )
