"""With no --teacher: a server on this machine if one answers, else the rehearsal. A key alone never spends."""

from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import orjson

from synthgen.runs import RunDir
from synthgen.teacher.wire import field

PORTS = (8000, 11434)
WAIT_SECONDS = 0.5


def chosen(values: dict[str, Any], out: Path, environment: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """The config values with a teacher in them, and the line that says which and why; "" where it was named."""
    if values.get("teacher", {}).get("spec"):
        return values, ""
    held = RunDir(out).stored().get("specs", {}).get("propose")
    if held:
        return values, f"synthgen: teacher {held}, as in {out}"
    for port in PORTS:
        model = served(port)
        if model:
            spec = f"{model}@http://127.0.0.1:{port}/v1"
            return with_spec(
                values, spec
            ), f"synthgen: teacher {spec}, because a server answers there; name another with --teacher"
    key = " (a key in the environment alone never spends)" if environment.get("OPENAI_API_KEY") else ""
    return with_spec(
        values, "rehearsal"
    ), f"synthgen: teacher rehearsal, because no --teacher was named and no local server answers{key}"


def with_spec(values: dict[str, Any], spec: str) -> dict[str, Any]:
    """The values with a teacher SPEC."""
    return {**values, "teacher": {**values.get("teacher", {}), "spec": spec}}


def served(port: int) -> str:
    """The first model that a server on a loopback port names in OpenAI's shape; "" for none."""
    connection = HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS)
    try:
        connection.request("GET", "/v1/models")
        answer = connection.getresponse()
        rows = field(orjson.loads(answer.read(2**20)), "data") if answer.status == 200 else None
    except (OSError, HTTPException, ValueError):
        return ""
    finally:
        connection.close()
    names = [field(row, "id") for row in rows] if isinstance(rows, list) else []
    return next((name for name in names if isinstance(name, str)), "")
