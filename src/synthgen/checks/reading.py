"""Checks as users write them: in a row of prompts, and as the verifier of a seed."""

from collections.abc import Mapping
from typing import Any, Literal

import orjson
from pydantic import ValidationError

from synthgen.errors import ConfigError
from synthgen.records import Check, Verifier

DEEPEST = 100
"""Levels of the arguments of a check, one within the other: those that are kept have to be written, too."""
OUTSIDE = frozenset({"code"})
"""Checks that may not be able to decide on this machine, whatever their arguments."""


def of_row(row: Mapping[str, Any], source: str) -> tuple[Check, ...] | str:
    """The checks of a row, from `check` (one) or `checks` (a list): each `{"name", "args"}`, perhaps with `kind` and `chance`.

    A text where they cannot be used, which says why.
    """
    given = row.get("checks") if row.get("checks") is not None else row.get("check")
    if given is None:
        return ()
    found = []
    for one in given if isinstance(given, list) else [given]:
        check = of_value(one, source)
        if isinstance(check, str):
            return check
        found.append(check)
    return tuple(found)


def of_value(value: Any, source: str) -> Check | str:
    """One check, or why it is none."""
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        return 'a check is an object such as {"name": "number", "args": {"answer": 12}}'
    from synthgen.checks import registry

    if value["name"] not in registry.CHECKS:
        return f"there is no check {value['name']}; known: {', '.join(sorted(registry.CHECKS))}"
    stated = {name: one for name, one in value.items() if one is not None}  # Parquet has every field in every row
    args = arguments(stated.get("args", {}))
    if isinstance(args, str):
        return f"{value['name']}: {args}"
    usual = {"kind": kind_of(value["name"]), "chance": chance_of(value["name"], args)}
    if stated.get("kind") == "answer" and value["name"] in registry.FORM_ALONE:
        return f"{value['name']} looks at form alone, so it cannot be of kind answer"
    try:
        check = Check.model_validate({**usual, **stated, "args": args, "source": source})
        tried = registry.run(check, "")  # wrong arguments show before anything is paid for
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except ConfigError as error:
        return str(error)
    untold = tried.passed is None and check.kind == "answer" and check.name not in OUTSIDE
    return f"{check.name}: {tried.detail}" if untold else check


def arguments(stated: Any) -> dict[str, Any] | str:
    """The arguments of a check: an object, or its JSON as text, which a Parquet file of different checks needs; or why they are none.

    They are as they will be read back: what JSON cannot say, and what is too deep to be written, is refused.
    """
    try:
        found = orjson.loads(stated) if isinstance(stated, str) else stated
        written = orjson.loads(orjson.dumps(found))
    except orjson.JSONDecodeError as error:
        return f"its arguments are not JSON: {error}"
    except TypeError as error:
        return f"its arguments cannot be kept as JSON: {error}"
    if not isinstance(written, dict):
        return "its arguments are no object"
    if deeper(written, DEEPEST):
        return f"its arguments are nested deeper than {DEEPEST} levels"
    if written != found:  # no number, a date
        return "its arguments hold what JSON cannot say"
    if list(written) == ["answer"]:  # the truth may be JSON's null
        return written
    return {name: one for name, one in written.items() if one is not None}


def deeper(value: Any, levels: int) -> bool:
    """Whether a JSON value has more levels than these."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(deeper(one, levels - 1) for one in inner)


def of_verifier(verifier: Verifier, source: str) -> Check:
    """The check that a seed's verifier stands for."""
    name = verifier.kind
    return Check(
        name=name, kind=kind_of(name), args=verifier.args, source=source, chance=chance_of(name, verifier.args)
    )


def kind_of(name: str) -> Literal["answer", "format"]:
    """What a check speaks of unless somebody says otherwise."""
    from synthgen.checks import registry

    return "format" if name in registry.FORMS else "answer"


def chance_of(name: str, args: Any) -> float:
    """How often a guess passes: one in as many as there are labels."""
    labels = args.get("labels") if name == "label" and isinstance(args, Mapping) else None
    return 1 / len(labels) if isinstance(labels, list | tuple) and len(labels) > 1 else 0.0
