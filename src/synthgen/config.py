"""The configuration of a run: every key, its kind, and the digest of those that shape what is generated.

Keys are of three kinds. Generative keys make the run's digest: in an existing run directory a difference is
refused by name. Limits may differ from call to call. Export keys rewrite only the dataset folder.
"""

import difflib
import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field, ValidationError

from synthgen.errors import ConfigError
from synthgen.records import Decoding, Record, Role
from synthgen.strategies import Taxonomy

LIMIT = Field(json_schema_extra={"kind": "limit"})
EXPORT = Field(json_schema_extra={"kind": "export"})
Kind = Literal["generative", "limit", "export"]
Mode = Literal["default", "parity"]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Mark = Annotated[float, Field(ge=1, le=5)]
ROLES: tuple[Role, ...] = ("propose", "instantiate", "answer", "judge")

DECODING: dict[Mode, dict[str, Decoding]] = {
    "default": {
        "propose": Decoding(temperature=1.0, top_p=0.95, max_tokens=2048),
        "classify": Decoding(temperature=0.0, max_tokens=256),
        "vet": Decoding(temperature=0.0, max_tokens=256),
        "instantiate": Decoding(temperature=0.7, top_p=0.95, max_tokens=1024),
        "answer": Decoding(temperature=0.8, top_p=0.95, max_tokens=2048),
        "judge": Decoding(temperature=0.0, max_tokens=1024),
    },
    # Self-Instruct's own scripts (PAPERS: bootstrap_instructions, identify_clf_or_not, generate_instances).
    "parity": {
        "propose": Decoding(
            temperature=0.7, top_p=0.5, presence_penalty=2.0, max_tokens=1024, stop=("\n\n", "\n16", "16.", "16 .")
        ),
        "classify": Decoding(temperature=0.0, top_p=0.0, max_tokens=3, stop=("\n", "Task")),
        "vet": Decoding(temperature=0.0, max_tokens=256),
        "instantiate": Decoding(
            temperature=0.0, top_p=0.0, presence_penalty=1.5, max_tokens=350, stop=("Example 6", "Task:")
        ),
        "answer": Decoding(temperature=0.8, top_p=0.95, max_tokens=2048),
        "judge": Decoding(temperature=0.0, max_tokens=1024),
    },
}


class RoleConfig(Record):
    """Who plays a role, as far as the user says."""

    spec: str = ""
    """A teacher SPEC; "" for the run's teacher."""
    model: str = ""
    """The model the SPEC names, "" where the endpoint is to be asked; filled in."""
    identity: str = ""
    """The endpoint's declared identity; filled in."""
    api: Literal["chat", "completions"] = "chat"
    teacher_id: str = ""
    """The endpoint's declared identity, in place of the one its SPEC gives."""
    key_env: str = "OPENAI_API_KEY"
    """Name of the environment variable that holds the key. The key itself is never kept."""


class Axes(Record):
    """What a proposing call may be asked to aim at. An empty axis is not used."""

    categories: dict[str, float] = {}
    """Category to weight; {} for all of the taxonomy but `other`, equally."""
    difficulty: tuple[str, ...] = ("easy", "medium", "hard")
    length: tuple[str, ...] = ("one short sentence", "one or two sentences", "three or four sentences")
    format: tuple[str, ...] = ("a question", "a command", "a situation, then what is wanted", "any form")
    topics: tuple[str, ...] = ()
    personas: tuple[str, ...] = ()


class Prices(Record):
    """US dollars for a million tokens."""

    prompt: float = Field(ge=0)
    cached: float = Field(ge=0)
    completion: float = Field(ge=0)


class RunConfig(Record):
    """Every key of a run."""

    mode: Mode = "default"
    seed: int = 42
    language: str = "seeds"
    """A language code, or `seeds`: the languages of the seed tasks."""
    teacher: RoleConfig = RoleConfig()
    roles: dict[Role, RoleConfig] = {}
    """Roles that are not played by the run's teacher."""
    decoding: dict[str, Decoding] = {}
    """Stage to decoding, over the mode's defaults."""
    seeds: dict[str, str] = {}
    """Seed id to the digest of its row; filled in from the seeds read."""
    prompts: dict[str, str] = {}
    """Prompt name to the digest of its file; filled in."""
    taxonomy: Taxonomy
    """Categories and the policy from category to strategy."""
    in_context: Positive = 8
    machine_in_context: int = Field(default=2, ge=0)
    new_per_call: Positive = 8
    machine_per_root: Positive = 10
    """How many instructions that descend from one seed may serve as demonstrations."""
    lookahead: Positive = 64
    """W: how many calls of the grow loop may be under way at once, at most."""
    steer: Literal["axes", "none"] = "axes"
    axes: Axes = Axes()
    novelty_threshold: Share = 0.7
    minimum_words: Positive = 4
    maximum_words: Positive = 150
    saturation_window: Positive = 50
    """Committed calls over which the novelty yield is taken."""
    saturation_yield: Share = 0.05
    """The pool is saturated when a smaller share of a window's items was accepted."""
    instances: Positive = 1
    samples: Positive = 4
    explore: Share = 0.1
    judging: bool = True
    pick_mean: Mark = 3.5
    pick_floor: Mark = 3.0
    pick_band: float = Field(default=0.25, ge=0)
    pair_margin: float = Field(default=0.5, gt=0)
    test_share: Share = 0.1
    test_minimum: Positive = 8
    test_from: Positive = 40
    """Fewest seeds for which there is a test side."""

    target: Annotated[Positive, LIMIT] = 200
    target_unit: Annotated[Literal["instructions", "rows", "pairs"], LIMIT] = "instructions"
    concurrency: Annotated[Positive, LIMIT] = 64
    rpm: Annotated[int | None, LIMIT] = None
    tpm: Annotated[int | None, LIMIT] = None
    budget_usd: Annotated[float | None, LIMIT] = None
    max_calls: Annotated[int | None, LIMIT] = None
    max_tokens_total: Annotated[int | None, LIMIT] = None
    prices: Annotated[dict[str, Prices], LIMIT] = {}
    """Model to price."""
    ledger: Annotated[str, LIMIT] = ""
    """Path of another run's ledger; "" for the run's own."""
    prefect: Annotated[bool, LIMIT] = True

    erase: Annotated[bool, EXPORT] = True
    include_seeds: Annotated[bool, EXPORT] = True
    system: Annotated[Literal["generic", "none"], EXPORT] = "generic"
    license: Annotated[str, EXPORT] = "other"

    def role(self, role: Role) -> RoleConfig:
        """Who plays a role."""
        return self.roles.get(role, self.teacher)

    def stage_decoding(self, stage: str) -> Decoding:
        """How replies of a stage are sampled."""
        return self.decoding.get(stage, DECODING[self.mode][stage])

    @property
    def judged(self) -> bool:
        """Whether answers are judged: with one sample there is nothing to choose from."""
        return self.judging and self.samples > 1

    @property
    def rehearsed(self) -> bool:
        """Whether any role is played by the rehearsal."""
        return any(self.role(role).spec.startswith("rehearsal") for role in ROLES)

    @property
    def digest(self) -> str:
        """SHA-256 of the generative keys."""
        return hashlib.sha256(orjson.dumps(self.generative(), option=orjson.OPT_SORT_KEYS)).hexdigest()

    def generative(self) -> dict[str, Any]:
        """The keys that shape what is generated, fully resolved."""
        resolved = {stage: self.stage_decoding(stage) for stage in DECODING[self.mode]}
        kept = keys("generative") - {"teacher", "roles"}
        roles = {role: self._declared(role) for role in ROLES}
        return self.model_copy(update={"decoding": resolved}).model_dump(mode="json", include=kept) | {"teacher": roles}

    def _declared(self, role: Role) -> dict[str, str]:
        """Who plays a role, by declared identity: an address that is served under --teacher-id may move."""
        chosen = self.role(role)
        return {"model": chosen.model, "identity": chosen.identity, "api": chosen.api}


def keys(kind: Kind) -> set[str]:
    """The names of the keys of one kind."""
    found = set()
    for name, field in RunConfig.model_fields.items():
        extra = field.json_schema_extra
        marked = extra.get("kind", "generative") if isinstance(extra, dict) else "generative"
        if marked == kind:
            found.add(name)
    return found


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The dotted names of the keys whose values differ, in order of name."""
    for name in sorted(old.keys() | new.keys()):
        left, right = old.get(name), new.get(name)
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            yield from differences(left, right, f"{prefix}{name}.")
        elif left != right:
            yield f"{prefix}{name}"


def read_toml(path: Path) -> dict[str, Any]:
    """A configuration file as plain values; an unknown key is a ConfigError that suggests the nearest one."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the config {path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the config {path} is not TOML: {error}") from error
    for key in table:
        if key not in RunConfig.model_fields:
            near = difflib.get_close_matches(key, RunConfig.model_fields, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(RunConfig.model_fields)}"
            raise ConfigError(f"the config {path} has an unknown key {key}{hint}")
    return table


def build(values: Mapping[str, Any]) -> RunConfig:
    """A config from plain values; a wrong one is a ConfigError that names the key."""
    try:
        return RunConfig.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"the config key {name} cannot be {first['input']!r}: {first['msg']}") from error
