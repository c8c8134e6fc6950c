"""What the card says, as far as the config and the files of the run tell it."""

import hashlib
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from synthgen import jsonl
from synthgen.config import GENERIC, RunConfig
from synthgen.export.gate import Proof
from synthgen.export.lengths import Lengths
from synthgen.export.tally import Mix
from synthgen.records import Role, Side
from synthgen.runs import RunDir
from synthgen.strategies import AUTO
from synthgen.teacher.connect import slot
from synthgen.views.report import given_away

VERSION = "0.1.0"
"""Of synthgen, as in pyproject.toml: from there it takes 10 to 30 ms to look up, and a test does."""
ROLES_TOLD: Mapping[Role, str] = {
    "propose": "proposes tasks",
    "instantiate": "writes inputs, inspects tasks",
    "answer": "answers",
    "judge": "judges",
}
ROLES_TOLD_OF_GIVEN: tuple[Mapping[Role, str], Mapping[Role, str]] = (
    {"answer": "answers", "judge": "judges"},
    {"instantiate": "finds categories", "answer": "answers", "judge": "judges"},
)
"""Where prompts were given: under one strategy or none, and under that of their category."""


@dataclass(frozen=True, slots=True)
class Model:
    """Who played some roles."""

    roles: str
    name: str
    served: str = ""
    """As the endpoint calls it, where that is another name: with its date or version, mostly."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was looked up so that no benchmark is given away."""

    rule: str
    benchmarks: Mapping[str, tuple[int, int]]
    """Name to its texts, and how many of them a rejected text gave away."""
    rejected: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What the card says. Nothing here names a time, a path or an address."""

    license: str
    seeds_license: str
    """Of the prompts, where prompts were given."""
    teacher_terms: str
    languages: tuple[str, ...]
    rehearsal: bool
    teacher: str
    judge: str
    models: tuple[Model, ...]
    version: str
    """Of synthgen."""
    prompts: str
    """SHA-256 of the prompts that the models were sent."""
    rows: Mapping[str, Mapping[str, int]]
    """Config to split to rows, only those that have some."""
    digests: Mapping[str, str]
    """Config to the SHA-256 of its Parquet files."""
    funnel: Mapping[str, int]
    marks: Mapping[str, int]
    """Mean mark to judged answers; empty where nothing was judged."""
    strategies: Mapping[str, Mix]
    categories: Mapping[str, Mix]
    checks: Mapping[tuple[str, str, str], int]
    """(name, kind, who says so) of a check to rows of `rl`."""
    minimum: int
    """Fewest checked answers of a row of `rl`."""
    split_rule: str
    erased: bool
    system: str
    """generic, none or mix."""
    message: str
    """The neutral system message; "" where no row has it."""
    proof: Proof
    samples: int
    digest: str
    lengths: Lengths
    human: int = 0
    """SFT rows that humans wrote: seeds."""
    formats: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What was written in further shapes, as `formats.json` tells it."""
    looked: Looked | None = None
    """None where nothing was looked up."""
    training: tuple[str, ...] = ()
    """Paths of training scripts and configs beside the card."""
    policy: str = ""
    """Where the strategies came from, in a sentence; "" where nothing chose among them."""
    strategy: str = ""
    """How prompts that were given were answered; "" for tasks that were grown."""


def models(run: RunDir, config: RunConfig, names: Mapping[Role, str]) -> tuple[Model, ...]:
    """Who played which roles, each model once."""
    learned = run.stored().get("learned", {})
    found: dict[tuple[str, str], list[str]] = {}
    told = ROLES_TOLD_OF_GIVEN[config.strategy == AUTO] if config.strategy else ROLES_TOLD
    for role, does in told.items():
        if role == "judge" and not config.judged:
            continue
        served = str(learned.get(slot(config.role(role)), {}).get("served", ""))
        found.setdefault((names[role], served), []).append(does)
    return tuple(Model("; ".join(roles), name, served) for (name, served), roles in found.items())


def prompts_digest(config: RunConfig) -> str:
    """SHA-256 of the names and digests of the prompts that are sent."""
    sent = {name: digest for name, digest in config.prompts.items() if name != GENERIC}
    return hashlib.sha256(orjson.dumps(sent, option=orjson.OPT_SORT_KEYS)).hexdigest()


def training(folder: Path) -> tuple[str, ...]:
    """The scripts and configs that stand beside the rows, as paths from the card."""
    return tuple(f"training/{path.name}" for path in sorted((folder / "training").glob("*")))


def looked(run: RunDir, config: RunConfig) -> Looked | None:
    """What was looked up, and what was rejected for it."""
    if not config.decontaminate.rule:
        return None
    stages = ("prompts",) if config.strategy else ("grow", "instantiate")
    rejected = sum(row["reason"] == "contaminated" for name in stages for row in jsonl.rows(run.rejected(name)))
    benchmarks = {name: (int(one["items"]), int(one["touched"])) for name, one in given_away(run, config).items()}
    return Looked(config.decontaminate.rule, benchmarks, rejected)


STEPS = tuple(half / 2 for half in range(2, 11))
"""Marks from 1 to 5 by half a point."""


def stretch(step: float) -> str:
    """What a half point is called: 3.0 to 3.5."""
    return f"{step} to {min(step + 0.5, 5.0)}" if step < 5 else "5.0"


def marks(run: RunDir) -> dict[str, int]:
    """Judged answers by mean mark, in steps of half a point."""
    counts = Counter(math.floor(row["mean"] * 2) / 2 for row in jsonl.rows(run.accepted("judged")))
    return {stretch(step): number for step, number in sorted(counts.items())}


def funnel(run: RunDir, config: RunConfig) -> dict[str, int]:
    """How many there were at each step of the line."""
    if config.strategy:
        steps = {
            "prompts rejected": jsonl.lines(run.rejected("prompts")),
            "prompts": jsonl.lines(run.accepted("tasks")),
        }
    else:
        steps = {"seed tasks": len(config.seeds), "instructions rejected": jsonl.lines(run.rejected("grow"))}
        steps["instructions accepted"] = jsonl.lines(run.accepted("instructions"))
        steps["tasks after inspection"] = jsonl.lines(run.accepted("tasks"))
    steps["usable answers"] = jsonl.lines(run.accepted("answers"))
    if config.judged:
        steps |= {
            "answers judged": jsonl.lines(run.accepted("judged")),
            "preference pairs": jsonl.lines(run.accepted("pairs")),
        }
    return steps


def policy(config: RunConfig) -> str:
    """Where the strategies came from, in a sentence."""
    if config.strategy not in {"", AUTO}:
        return ""
    shipped = "by the shipped table, which is its authors' prior and was not measured"
    if not config.policy.choices:
        return f"Strategies were chosen {shipped}."
    named = ", ".join(sorted(config.policy.choices))
    return f"Strategies were chosen by a policy {config.policy.origin} for {named}; for other categories {shipped}."


def split_rule(config: RunConfig, sides: Mapping[str, Side]) -> str:
    """How train and test are divided, or why there is no test."""
    test = sum(side == "test" for side in sides.values())
    if config.strategy:
        share = f"about {config.test_share:.0%} of the prompts form the test side, by a hash of their text"
        return (
            f"{share[0].upper()}{share[1:]}."
            if config.test_share
            else "There is no test split: all prompts are to train on."
        )
    if test:
        return (
            f"{test} of {len(sides)} seeds form the test side, chosen by a hash of their ids before anything was "
            "generated. Demonstrations come from one side only, so every row's ancestors are on its own side."
        )
    if config.mode == "parity":
        return "There is no test split: in parity mode demonstrations are drawn from the whole pool."
    return f"There is no test split: {len(sides)} seeds are fewer than the {config.test_from} it takes."
