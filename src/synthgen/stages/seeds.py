"""Read the human-written seed tasks, and divide them into a train and a test side."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from synthgen.errors import InputError
from synthgen.records import Seed, Side


def read(path: Path) -> tuple[Seed, ...]:
    """The seeds of a .jsonl file, or of a folder's .jsonl files by name.

    Rows have Self-Instruct's shape (`instruction, instances[{input, output}]`) or Alpaca's (`instruction, input,
    output`). Raises InputError with the file and line of the first row that cannot be used.
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


EXAMPLE = '{"instruction": "Name three uses of an old newspaper.", "input": "", "output": "..."}'


def rows(path: Path) -> Iterator[tuple[Any, str]]:
    """Every JSON line of a file or folder with its place, `FILE line N`."""
    if not path.exists():
        raise InputError(f"there is no {path}; --seeds takes a .jsonl file or a folder of them")
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"the folder {path} has no .jsonl file of seed tasks")
    for file in files:
        try:
            lines = file.read_bytes().split(b"\n")
        except OSError as error:
            raise InputError(f"cannot read the seeds {file}: {error.strerror}") from error
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield parse(line, f"{file} line {number}"), f"{file} line {number}"


def parse(line: bytes, place: str) -> object:
    """One line as JSON."""
    try:
        return orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise InputError(f"{place} is not JSON ({error}); every line is one task such as {EXAMPLE}") from error


def row_to_seed(row: object, place: str, number: int) -> Seed:
    """One row as a Seed; unknown columns are left aside."""
    if not isinstance(row, dict):
        raise InputError(f"{place} is not an object; every line is one task such as {EXAMPLE}")
    instruction = row.get("instruction")
    if not isinstance(instruction, str) or not instruction.strip():
        raise InputError(f"{place} has no instruction; every line is one task such as {EXAMPLE}")
    given = {name: row[name] for name in Seed.model_fields if row.get(name) is not None}
    defaults = {"id": f"seed_task_{number}", "instances": instances(row)}
    try:
        return Seed.model_validate(defaults | given | {"instances": defaults["instances"]})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{place}: {name} cannot be used: {first['msg']}") from error


def instances(row: Mapping[str, Any]) -> object:
    """The instances of a row in either shape."""
    if row.get("instances") is None and "output" in row:
        return [{"input": row.get("input") or "", "output": row["output"]}]
    given = row.get("instances")
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
