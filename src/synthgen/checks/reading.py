"""Checks as users write them: in a row of prompts, and as the verifier of a seed."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationError

from synthgen import checks
from synthgen.errors import ConfigError
from synthgen.records import Check, Verifier

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
    if value["name"] not in checks.CHECKS:
        return f"there is no check {value['name']}; known: {', '.join(sorted(checks.CHECKS))}"
    usual: dict[str, Any] = {
        "kind": kind_of(value["name"]),
        "chance": chance_of(value["name"], value.get("args")),
        "args": {},
    }
    try:
        check = Check.model_validate({**usual, **value, "source": source})
        tried = checks.run(check, "")  # wrong arguments show before anything is paid for
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except ConfigError as error:
        return str(error)
    untold = tried.passed is None and check.kind == "answer" and check.name not in OUTSIDE
    return f"{check.name}: {tried.detail}" if untold else check


def of_verifier(verifier: Verifier, source: str) -> Check:
    """The check that a seed's verifier stands for."""
    name = verifier.kind
    return Check(
        name=name, kind=kind_of(name), args=verifier.args, source=source, chance=chance_of(name, verifier.args)
    )


def kind_of(name: str) -> Literal["answer", "format"]:
    """What a check speaks of unless somebody says otherwise."""
    return "format" if name in checks.FORMS else "answer"


def chance_of(name: str, args: Any) -> float:
    """How often a guess passes: one in as many as there are labels."""
    labels = args.get("labels") if name == "label" and isinstance(args, Mapping) else None
    return 1 / len(labels) if isinstance(labels, list | tuple) and len(labels) > 1 else 0.0
