"""A run directory: the names of its files, the lock, the guard of its config, its sides and what it learned.

`config.json` is written before the first call. It holds the generative keys (a later command must have the same),
the limits and export keys of the last command, and what was learned of each role's endpoint.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from synthgen import jsonl
from synthgen.config import ROLES, RunConfig, differences, keys
from synthgen.errors import ConfigError, storage
from synthgen.jsonl import Journal
from synthgen.records import Side

STAGES: dict[str, tuple[str, ...]] = {
    "instructions": ("grow",),
    "tasks": ("instantiate", "vet", "prompts"),
    "answers": ("answer",),
    "judged": ("judge",),
    "pairs": ("pick", "pair"),
}
"""What each stage accepts into, and the names of its rejected files."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a directory for this process."""
    path = folder / ".lock"
    with storage(path):
        handle = path.open("a+")
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            holder = handle.read().strip() or "another process"
            raise ConfigError(f"{folder} is in use by {holder}; wait for it, or choose another --out") from None
        with storage(path):
            handle.truncate(0)
            handle.write(f"process {os.getpid()}")
            handle.flush()
        yield


class RunDir:
    """The files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"
        self.sides = path / "sides.jsonl"
        self.report = path / "report.json"
        self.dataset = path / "dataset"

    def accepted(self, name: str) -> Path:
        """The file of what a stage accepts."""
        return self.path / f"{name}.jsonl"

    def rejected(self, name: str) -> Path:
        """The file of what a stage rejects."""
        return self.path / "rejected" / f"{name}.jsonl"

    def files(self, name: str, kinds: Iterable[str] = ()) -> dict[str, Path]:
        """The files of one stage: what it accepts, and what it rejects into; `kinds` names them where not all are wanted."""
        rejected = [one for one in kinds or STAGES[name] if one != name]
        return {name: self.accepted(name)} | {one: self.rejected(one) for one in rejected}

    def journal(self, name: str, kinds: Iterable[str] = ()) -> Journal:
        """The journal of one stage."""
        return Journal(self.files(name, kinds))

    def ledger(self, config: RunConfig) -> Path:
        """The ledger: the run's own, or that of another run."""
        return Path(config.ledger) if config.ledger else self.path / "ledger.sqlite"

    def create(self) -> None:
        """Make the directory; refuse one that holds something else."""
        if self.path.exists() and not self.path.is_dir():
            raise ConfigError(f"{self.path} is not a folder; choose another --out")
        if self.path.is_dir() and not self.config.exists():
            foreign = sorted(p.name for p in self.path.iterdir() if not p.name.startswith((".", "ledger.sqlite")))
            if foreign:
                raise ConfigError(f"{self.path} holds {foreign[0]} and is not a synthgen run; choose another --out")
        with storage(self.path):
            self.path.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the directory and hold it for this process: two at once would spoil its files."""
        self.create()
        with held(self.path):
            yield

    def stored(self) -> dict[str, Any]:
        """What config.json holds; {} in a new run."""
        if not self.config.exists():
            return {}
        try:
            stored = orjson.loads(self.config.read_bytes())
            _ = stored["generative"], stored["learned"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise ConfigError(f"{self.config} cannot be read ({error}); restore it or start a new run") from error
        return dict(stored)

    def guard(self, config: RunConfig) -> None:
        """Refuse a config whose generative keys differ from those the run was started with, naming them."""
        stored = self.stored()
        if not stored:
            return
        new = orjson.loads(orjson.dumps(config.generative()))
        different = list(differences(stored["generative"], new))
        if different:
            ledger = self.ledger(config)
            raise ConfigError(
                f"config differs from the one {self.path} was started with: {', '.join(different[:8])}"
                f"{' and more' if len(different) > 8 else ''}; restore it, or start a new run on what was paid for: "
                f"--out NEW --ledger {ledger}"
            )

    def write(self, config: RunConfig, learned: Mapping[str, Any], source: Mapping[str, Any]) -> None:
        """Write config.json whole; `source` says where seeds and prompts were read from."""
        value = {
            "digest": config.digest,
            "generative": config.generative(),
            "limits": config.model_dump(mode="json", include=keys("limit")),
            "export": config.model_dump(mode="json", include=keys("export")),
            "specs": {role: config.role(role).spec for role in ROLES},
            "learned": dict(learned),
            "source": dict(source),
        }
        jsonl.replace(self.config, jsonl.dump(value))

    def read_sides(self) -> dict[str, Side]:
        """The sides written earlier, by seed id."""
        if not self.sides.exists():
            return {}
        try:
            rows = [orjson.loads(line) for line in self.sides.read_bytes().splitlines()]
            return {row["id"]: row["side"] for row in rows}
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise ConfigError(f"{self.sides} cannot be read ({error}); restore it or start a new run") from error

    def write_sides(self, sides: Mapping[str, Side]) -> None:
        """Write the side of every seed, in order of the seeds, once."""
        lines = (orjson.dumps({"id": name, "side": side}) for name, side in sides.items())
        jsonl.replace(self.sides, b"\n".join(lines) + b"\n")
