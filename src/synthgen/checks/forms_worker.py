"""The program of the process that matches patterns and validates against schemas, since neither can be stopped from within Python.

One JSON object a line in, one out. The system ends it where a job takes more than SECONDS of computing. It imports nothing of
synthgen.
"""

import contextlib
import json
import re
import sys
from typing import Any

SECONDS = 1
"""Of computing, for one job."""
MOST_BYTES = 1 << 30
"""Memory of the process."""


def main() -> None:
    """Answer jobs until the input ends."""
    import signal

    bound_memory()
    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # nothing catches SIGPROF: the system ends the process
        try:
            reply = answered(json.loads(line))
        except MemoryError:
            break
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


def bound_memory() -> None:
    """Ask for a bound on memory, where the system knows one."""
    import resource

    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))


def answered(job: dict[str, Any]) -> dict[str, Any]:
    """What is found by one job."""
    try:
        return validated(job["schema"], job["value"]) if "schema" in job else matched(job["pattern"], job["text"])
    except re.error as error:
        return {"fault": f"the pattern cannot be read: {error}"}
    except (RecursionError, OverflowError, ArithmeticError) as error:
        return {"passed": None, "detail": f"could not be computed: {type(error).__name__}"}


def matched(pattern: str, text: str) -> dict[str, Any]:
    """Whether a whole text matches; a dot is any character."""
    return {"passed": re.fullmatch(pattern, text, re.DOTALL) is not None, "detail": ""}


def validated(schema: Any, value: Any) -> dict[str, Any]:
    """Whether a value fits a JSON schema. What the schema refers to is looked for in the schema itself, never fetched."""
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.validators import validator_for
    from jsonschema_specifications import REGISTRY
    from referencing.exceptions import Unresolvable

    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
        first = next(kind(schema, registry=REGISTRY).iter_errors(value), None)
    except SchemaError as error:
        return {"fault": f"no JSON schema: {error.message}"[:200]}
    except Unresolvable as error:
        return {"fault": f"the schema refers to {error.ref}, which does not stand in it; nothing is fetched"[:200]}
    detail = "" if first is None else f"{first.json_path}: {first.message}"
    return {"passed": first is None, "detail": detail[:200]}


if __name__ == "__main__":
    main()
