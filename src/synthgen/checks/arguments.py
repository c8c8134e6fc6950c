"""Read the arguments of a check: what does not fit is the fault of whoever wrote the check, told in one line."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from synthgen.errors import ConfigError
from synthgen.records import Record

ArgsT = TypeVar("ArgsT", bound=Record)


class Nothing(Record):
    """No arguments."""


def read(name: str, kind: type[ArgsT], args: Mapping[str, Any]) -> ArgsT:
    """The arguments of the check `name`. Raises ConfigError for those it does not know or cannot use."""
    try:
        return kind.model_validate(dict(args))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ")
        known = ", ".join(kind.model_fields) or "none"
        raise ConfigError(f"check {name}: {f'{where}: ' if where else ''}{said}; its arguments are: {known}") from error
