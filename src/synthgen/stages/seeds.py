"""Read the human-written seed tasks, and divide them into a train and a test side."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from synthgen import datafolders, rowfiles
from synthgen.errors import InputError
from synthgen.records import Seed, Side
from synthgen.rowfiles import Broken

EXAMPLE = '{"instruction": "Name three uses of an old newspaper.", "input": "", "output": "..."}'
SPEAKERS = {"human": "user", "gpt": "assistant"}
"""ShareGPT's names of who speaks."""


def read(path: Path) -> tuple[Seed, ...]:
    """The seeds of a file of JSON lines, a Parquet file, or a folder: one that `datasets` saved, or of the Hub's shape.

    Rows have Self-Instruct's shape (`instruction, instances[{input, output}]`), Alpaca's (`instruction, input, output`), or that
    of a conversation of one turn (`messages`, or `prompt` and `completion`). Equal rows are equal seeds, whatever the file.
    Raises InputError with the file and line of the first row that cannot be used.
    """
    found = [row_to_seed(row, place, number) for number, (row, place) in enumerate(rows(path))]
    if not found:
        raise InputError(f"{path} holds no seed task: write at least one line such as {EXAMPLE}")
    seen: dict[str, str] = {}
    for seed in found:
        if seed.id in seen:
            raise InputError(f"two seeds have the id {seed.id}; ids must differ, or be left out")
        seen[seed.id] = seed.id
    return tuple(found)


def rows(path: Path) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Every row of a path with its place, `FILE line N` or `FILE row N`."""
    if not path.exists() and "*" not in path.as_posix():
        raise InputError(f"there is no {path}; --seeds takes JSON lines, Parquet, or a folder of them")
    lines = path.is_file() and path.suffix not in datafolders.ENDINGS
    for file in [path] if lines else datafolders.files(path):
        for chunk in (rowfiles.line_chunks if lines else rowfiles.read)(file, broken=True):
            for number, row in zip(chunk.numbers(), chunk.rows, strict=True):
                place = f"{file} {'line' if chunk.lines else 'row'} {number}"
                if isinstance(row, Broken):
                    raise InputError(f"{place} {row.why}; every line is one task such as {EXAMPLE}")
                yield row if chunk.lines else filled(row), place


def filled(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a table as it would be in JSON lines: there every row has every field, and those it lacks are null."""
    return {name: present(value) for name, value in row.items() if value is not None}


def present(value: Any) -> Any:
    """A value without the nulls within it."""
    if isinstance(value, dict):
        return {name: present(inner) for name, inner in value.items() if inner is not None}
    return [present(inner) for inner in value] if isinstance(value, list) else value


def row_to_seed(row: Mapping[str, Any], place: str, number: int) -> Seed:
    """One row as a Seed; unknown columns are left aside."""
    if row.get("instruction") is None and ("messages" in row or "conversations" in row or "prompt" in row):
        row = {**row, **conversed(row, place)}
    instruction = row.get("instruction")
    if not isinstance(instruction, str) or not instruction.strip():
        raise InputError(f"{place} has no instruction; every line is one task such as {EXAMPLE}")
    given = {name: row[name] for name in Seed.model_fields if row.get(name) is not None}
    if isinstance(given.get("id"), int) and not isinstance(given["id"], bool):
        given["id"] = str(given["id"])
    if "verifier" in given:
        given["verifier"] = verifier(given["verifier"])
    try:
        return Seed.model_validate({"id": f"seed_task_{number}"} | given | {"instances": instances(row)})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{place}: {name} cannot be used: {first['msg']}") from error


def conversed(row: Mapping[str, Any], place: str) -> dict[str, str]:
    """The task and the answer of a conversation of one turn. Raises InputError for any other."""
    said = turns(row)
    speakers = [speaker for speaker, _ in said]
    if speakers == ["user", "assistant"] and all(isinstance(text, str) and text.strip() for _, text in said):
        return {"instruction": said[0][1], "output": said[1][1]}
    why = {
        "system": "has a system message, for which a seed has no place",
        "user, assistant": "has a message without text",
        "user": "has no answer: a seed is a task with its answer (`synthgen answer` takes prompts)",
    }
    told = ", ".join(speakers)
    found = why["system"] if "system" in speakers else why.get(told, f"is a conversation of {told or 'no messages'}")
    raise InputError(f"{place} {found}; a seed is one user message and one assistant message, or {EXAMPLE}")


def turns(row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """(who, what) of every message: of `prompt` and `completion`, texts or lists of messages, or of the whole conversation."""
    if row.get("prompt") is not None:
        return [*spoken(row["prompt"], "user"), *spoken(row.get("completion") or [], "assistant")]
    return spoken(row.get("messages") or row.get("conversations") or [], "user")


def spoken(said: Any, speaker: str) -> list[tuple[str, Any]]:
    """(who, what) of messages in OpenAI's form or ShareGPT's; a text is one message."""
    if isinstance(said, str):
        return [(speaker, said)]
    messages = [one for one in said if isinstance(one, Mapping)] if isinstance(said, list) else []
    named = ((str(one.get("role") or one.get("from") or "nobody"), one) for one in messages)
    return [(SPEAKERS.get(who, who), one.get("content", one.get("value"))) for who, one in named]


def verifier(given: Any) -> Any:
    """A verifier whose arguments may be JSON text, which a table with different verifiers needs."""
    if isinstance(given, dict) and isinstance(given.get("args"), str):
        try:
            return {**given, "args": orjson.loads(given["args"])}
        except orjson.JSONDecodeError:
            return given
    return {**given, "args": {}} if isinstance(given, dict) and "args" not in given else given


def instances(row: Mapping[str, Any]) -> object:
    """The instances of a row in either shape."""
    if row.get("instances") is None and "output" in row:
        return [{"input": row.get("input") or "", "output": row["output"]}]
    given = row.get("instances")
    if isinstance(given, Mapping):  # a list of records, as older versions of `datasets` save it: a record of lists
        inputs, outputs = given.get("input") or [], given.get("output") or []
        given = [{"input": one or "", "output": other} for one, other in zip_longest(inputs, outputs)]
    if isinstance(given, list):
        names = ("input", "output")
        return [{k: v for k, v in one.items() if k in names} if isinstance(one, dict) else one for one in given]
    return given or []


def digest(seed: Seed) -> str:
    """SHA-256 of a seed, for telling which one was changed."""
    return hashlib.sha256(orjson.dumps(seed.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def sides(
    seeds: Sequence[Seed], fixed: Mapping[str, Side], *, share: float, minimum: int, fewest: int
) -> dict[str, Side]:
    """The side of every seed. Those already fixed keep theirs; new ones fill the test share, in order of a hash.

    The test side has `share` of the seeds, at least `minimum`, and none at all below `fewest` seeds.
    """
    wanted = max(minimum, round(share * len(seeds))) if len(seeds) >= fewest else 0
    chosen = {seed.id for seed in seeds if fixed.get(seed.id) == "test"}
    free = sorted((seed.id for seed in seeds if seed.id not in fixed), key=place)
    chosen |= set(free[: max(0, wanted - len(chosen))])
    return {seed.id: "test" if seed.id in chosen else "train" for seed in seeds}


def place(identity: str) -> str:
    """Where an id stands in the order in which the test side is filled."""
    return hashlib.sha256(f"synthgen/sides/{identity}".encode()).hexdigest()
