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
from pydantic import Field, ValidationError, field_validator

from synthgen.errors import ConfigError
from synthgen.records import Decoding, Record, Role, Think
from synthgen.strategies import Taxonomy

LIMIT = Field(json_schema_extra={"kind": "limit"})
EXPORT = Field(json_schema_extra={"kind": "export"})
Kind = Literal["generative", "limit", "export"]
Format = Literal["alpaca", "axolotl", "grpo", "llamafactory", "nemo", "openai", "sharegpt", "trl", "verl"]
"""A further shape of the rows: docs/reference/formats.md."""
Mode = Literal["default", "parity"]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Mark = Annotated[float, Field(ge=1, le=5)]
GENERIC = "system_generic"
"""The prompt that is never sent: it is the rows' system message, and changing it changes only `dataset/`."""
WIDEST = 1024
"""Calls that may be under way at once where the endpoint says how many."""
AHEAD = 8
"""Inputs of a stage that may be begun and not committed, for each call that may be under way."""
SPARE = 8
"""Inputs of a stage that wait for a place in the window, so that it is never empty."""
BATCHED = 20_000
"""Tasks that a stage collects for a batch."""
ROLES: tuple[Role, ...] = ("propose", "instantiate", "answer", "judge")
LATER = ("policy", "constraints", "strategy", "answers_across", "sufficient", "arms", "unsandboxed")
"""Keys that came after the first runs. At their default they are no part of the digest, so that a run begun before goes on."""

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
    """Which of OpenAI's two endpoints is used: a base model can propose over `completions`."""
    teacher_id: str = ""
    """The endpoint's declared identity, in place of the one its SPEC gives."""
    key_env: str = "OPENAI_API_KEY"
    """Name of the environment variable that holds the key. The key itself is never kept."""


class Axes(Record):
    """What a proposing call may be asked to aim at. An empty axis is not used."""

    categories: dict[str, float] = {}
    """Category to weight; {} for all of the taxonomy but `other`, equally."""
    difficulty: tuple[str, ...] = ("easy", "medium", "hard")
    """Levels that are asked for."""
    length: tuple[str, ...] = ("one short sentence", "one or two sentences", "three or four sentences")
    """How long the task's text should be."""
    format: tuple[str, ...] = ("a question", "a command", "a situation, then what is wanted", "any form")
    """What form the task's text should have."""
    topics: tuple[str, ...] = ()
    """Topics, as of `--topics`."""
    personas: tuple[str, ...] = ()
    """Persons who might ask, as of `--personas`."""


class Decontamination(Record):
    """What must not be given away. Without a rule nothing is looked up."""

    rule: Literal["", "gpt3-13gram", "llama2-skipgram", "tulu3-8gram", "openthoughts"] = ""
    """How a text is compared with a benchmark item."""
    against: tuple[str, ...] = ()
    """Benchmarks: files or folders, each one benchmark."""
    field: str = ""
    """The benchmarks' field; "" for every string of a row."""
    tokenizer: str = ""
    """A `tokenizer.json`, in place of words."""
    digest: str = ""
    """SHA-256 of the benchmarks' texts; filled in."""
    items: dict[str, int] = {}
    """Benchmark to number of texts; filled in."""


class SemanticConfig(Record):
    """Duplicates in meaning. Without a threshold nothing is embedded."""

    threshold: Share = 0.0
    """Cosine of two texts' embeddings from which a proposal is rejected; 0 turns it off."""
    spec: str = ""
    """Who embeds: MODEL@http://host:8000/v1, MODEL of the OpenAI API, or a local model folder."""
    model: str = ""
    """The model that embeds; filled in."""
    identity: str = ""
    """The embedder's declared identity, of a folder the digest of its files; filled in."""
    teacher_id: str = ""
    """The endpoint's declared identity, in place of the one its SPEC gives."""
    key_env: str = "OPENAI_API_KEY"
    """Name of the environment variable that holds the key. The key itself is never kept."""


class PolicyConfig(Record):
    """Strategies that were measured, over the shipped table."""

    file: str = ""
    """Where `synthgen strategies tune` wrote them."""
    choices: dict[str, tuple[str, Think]] = {}
    """Category to strategy, and whether to think; filled in. Categories that are not named follow the taxonomy."""
    origin: str = ""
    """What was measured, and with which model; filled in."""


class Prices(Record):
    """US dollars for a million tokens."""

    prompt: float = Field(ge=0)
    """Of the prompt."""
    cached: float = Field(ge=0)
    """Of the part of the prompt that the endpoint had in its cache."""
    completion: float = Field(ge=0)
    """Of the reply."""
    batch: Share = 0.5
    """Share of these prices that a call through the Batch API costs."""


class RunConfig(Record):
    """Every key of a run."""

    mode: Mode = "default"
    """`parity` reproduces the pure decisions of Self-Instruct's code; `default` mends what they spoil."""
    seed: int = 42
    """The run's seed: every random choice is a function of it and of a position on the line."""
    language: str = "seeds"
    """A language code, or `seeds`: the languages of the seed tasks."""
    teacher: RoleConfig = RoleConfig()
    """Who plays every role that `roles` does not give to another."""
    roles: dict[Role, RoleConfig] = {}
    """Roles that are not played by the run's teacher."""
    decoding: dict[str, Decoding] = {}
    """Stage to decoding, over the mode's defaults."""
    seeds: dict[str, str] = {}
    """Seed id to the digest of its row; filled in from the seeds read."""
    prompts: dict[str, str] = {}
    """Prompt name to the digest of its file; filled in."""
    taxonomy: Taxonomy
    """Categories and the shipped table from category to strategy: the authors' prior, not measured."""
    policy: PolicyConfig = PolicyConfig()
    """A policy file, over that table: `policy = "policy.json"`."""
    in_context: Positive = 8
    """Tasks shown in a proposing call."""
    machine_in_context: int = Field(default=2, ge=0)
    """Of those, at most this many made by the teacher."""
    new_per_call: Positive = 8
    """New tasks asked for in a proposing call."""
    machine_per_root: Positive = 10
    """How many instructions that descend from one seed may serve as demonstrations."""
    lookahead: Positive = 64
    """W: how many calls of the grow loop may be under way at once, at most."""
    steer: Literal["axes", "none"] = "axes"
    """`axes`: every proposing call aims at a target drawn from the axes. `none`: as in the paper."""
    axes: Axes = Axes()
    """What may be aimed at."""
    novelty_threshold: Share = 0.7
    """ROUGE-L F1 with any seed or accepted instruction above which a proposal is rejected."""
    fuzzy: Share = 0.9
    """Similarity in characters, as they stand or with sorted words, from which a proposal is rejected; 0 turns it off. Never
    in parity mode."""
    semantic: SemanticConfig = SemanticConfig()
    """Duplicates in meaning, by embeddings."""
    decontaminate: Decontamination = Decontamination()
    """Benchmarks that no instruction and no task may give away; looked up before an answer is paid for."""
    minimum_words: Positive = 4
    """Words of the shortest instruction; in scripts without spaces, characters."""
    maximum_words: Positive = 150
    """Words of the longest instruction."""
    saturation_window: Positive = 50
    """Committed calls over which the novelty yield is taken."""
    saturation_yield: Share = 0.05
    """The pool is saturated when a smaller share of a window's items was accepted."""
    instances: Positive = 1
    """Inputs written for each instruction, at most."""
    constraints: Share = 0.0
    """Share of the open English tasks that also ask for one to three things of an answer's form, which a program can check.
    Never in parity mode."""
    samples: Positive = 4
    """Candidate answers of a task under the policy's strategy."""
    explore: Share = 0.1
    """Share of tasks that also get one answer under the alternative strategy, for reports only."""
    answer_threshold: Share = 0.9
    """ROUGE-L F1 above which an answer of 20 tokens or more is dropped: with an earlier one of its task, or of another
    instruction. 1 turns it off."""
    answers_across: bool = True
    """Whether an answer is also dropped for repeating one to another instruction. `synthgen answer` does not look, unless the
    config says so."""
    strategy: str = ""
    """How `synthgen answer` answers: `auto` by the policy, under the strategy of this name, or `none`. "" for instructions
    that are grown from seeds."""
    sufficient: Share = 0.0
    """Where a program can check a task's answer: the cheapest strategy is taken whose pass rate beyond chance has at least this lower
    bound (95%, over `samples` of at least 4). Strategies are tried in order of cost until one suffices; 0 turns it off."""
    arms: tuple[str, ...] = ()
    """The strategies that are tried, cheapest first; () for all six."""
    unsandboxed: bool = False
    """Whether code that a model wrote is run without a sandbox, with limits alone: it has your network and your files then."""
    judging: bool = True
    """Whether answers are judged; without a judge there are no pairs. `synthgen answer` judges one sample only if a judge is
    named."""
    pick_mean: Mark = 3.5
    """Mean mark from which an answer may be trained on."""
    pick_floor: Mark = 3.0
    """Mark that no aspect of such an answer may be below."""
    pick_band: float = Field(default=0.25, ge=0)
    """Of the answers whose mean is this near to the best, the shortest is picked."""
    pair_margin: float = Field(default=0.5, gt=0)
    """By how much the means of a pair's sides must differ."""
    test_share: Share = 0.1
    """Share of the seeds on the test side."""
    test_minimum: Positive = 8
    """Fewest seeds of a test side."""
    test_from: Positive = 40
    """Fewest seeds for which there is a test side."""

    target: Annotated[Positive, LIMIT] = 200
    """How many to accept."""
    target_unit: Annotated[Literal["instructions", "rows", "pairs"], LIMIT] = "instructions"
    """What `target` counts."""
    concurrency: Annotated[Positive | Literal["auto"], LIMIT] = 64
    """Calls under way at once, at most; `auto` finds how many bring the endpoint's most replies a second."""
    batch: Annotated[bool, LIMIT] = False
    """Whether answers and verdicts go through the Batch API: at half price, within a day."""
    deadline_seconds: Annotated[float, Field(gt=0, json_schema_extra={"kind": "limit"})] = 600.0
    """Seconds after which an attempt of a call is given up and tried again, counted from when it is sent."""
    rpm: Annotated[int | None, LIMIT] = None
    """Calls that may start in a minute."""
    tpm: Annotated[int | None, LIMIT] = None
    """Tokens, prompt and longest reply, of the calls that may start in a minute."""
    budget_usd: Annotated[float | None, LIMIT] = None
    """US dollars that all commands on the ledger may spend; 5 for a paid endpoint unless it is given."""
    max_calls: Annotated[int | None, LIMIT] = None
    """Calls that all commands on the ledger may make."""
    max_tokens_total: Annotated[int | None, LIMIT] = None
    """Tokens that all commands on the ledger may use."""
    prices: Annotated[dict[str, Prices], LIMIT] = {}
    """Model to price."""
    ledger: Annotated[str, LIMIT] = ""
    """Path of another run's ledger; "" for the run's own."""
    vllm_args: Annotated[tuple[str, ...], LIMIT] = ()
    """Further arguments of `vllm serve` for a `vllm:` teacher, as `["--max-model-len", "8192"]`."""
    vllm_start_seconds: Annotated[float, Field(gt=0), LIMIT] = 600
    """How long such a server may take until it is healthy."""
    prefect: Annotated[bool, LIMIT] = True
    """Whether the line runs as a Prefect flow."""

    erase: Annotated[bool, EXPORT] = True
    """Whether the strategy's system prompt is kept out of the rows."""
    include_seeds: Annotated[bool, EXPORT] = True
    """Whether the seeds are SFT rows, of source `human`."""
    system: Annotated[Literal["generic", "none", "mix"], EXPORT] = "generic"
    """The system message of the rows: one neutral message, none, or `mix`: the message for half of the tasks, by a hash of their
    ids."""
    rl_minimum: Annotated[int, Field(ge=2, json_schema_extra={"kind": "export"})] = 4
    """Fewest checked answers of a task whose pass rate is told in `rl/`."""
    formats: Annotated[tuple[Format, ...], EXPORT] = ()
    """Further shapes that the rows are written in, beside the Parquet folder: names of docs/reference/formats.md."""
    reasoning: Annotated[Literal["apart", "tags", "drop"], EXPORT] = "apart"
    """What becomes of what a model thought before its answer: a field `reasoning_content` of its own, `<think>` tags before the
    answer, or nothing."""
    dpo_prompts: Annotated[Literal["shared", "disjoint"], EXPORT] = "shared"
    """Whether a task may have both SFT rows and preference rows (dpo, kto), or only one of the two: with a pair by a hash of its id,
    without one its SFT row."""
    tokenizer: Annotated[str, EXPORT] = ""
    """A `tokenizer.json`, or a folder that holds one, by which the card tells lengths; "" for what the endpoint counted."""
    license: Annotated[str, EXPORT] = "unknown"
    """The licence that the dataset card names: an identifier of the Hub, or a name and a URL. It is not guessed."""
    seeds_license: Annotated[str, EXPORT] = "unknown"
    """The licence of the seed tasks, as the card tells it."""
    teacher_terms: Annotated[str, EXPORT] = "unknown"
    """What the teacher's terms say of training on its answers, as the card tells it."""

    @field_validator("policy", mode="before")
    @classmethod
    def _policy_by_name(cls, value: object) -> object:
        """A file is named by its path alone."""
        return {"file": value} if isinstance(value, str) else value

    def role(self, role: Role) -> RoleConfig:
        """Who plays a role."""
        return self.roles.get(role, self.teacher)

    @property
    def fuzzy_threshold(self) -> float:
        """The threshold of fuzzy duplicates in this mode; 0 for no such rule."""
        return 0.0 if self.mode == "parity" else self.fuzzy

    def stage_decoding(self, stage: str) -> Decoding:
        """How replies of a stage are sampled."""
        return self.decoding.get(stage, DECODING[self.mode][stage])

    @property
    def judged(self) -> bool:
        """Whether answers are judged: with one sample there is nothing to choose from, but marks may be wanted."""
        return self.judging and (self.samples > 1 or bool(self.strategy))

    @property
    def width(self) -> int:
        """Inputs of a stage that may be begun and not committed: behind a slow one others go on."""
        ahead = AHEAD * self.at_once
        return max(BATCHED, ahead) if self.batch else ahead

    @property
    def room(self) -> int:
        """Inputs of a stage that are worked on at once. A few more than calls; what goes by batch waits in the thousands."""
        return self.width if self.batch else self.at_once + SPARE

    @property
    def at_once(self) -> int:
        """Calls that may be under way at once, at most."""
        return WIDEST if self.concurrency == "auto" else self.concurrency

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
        sent = {name: digest for name, digest in self.prompts.items() if name != GENERIC}
        usual = {name for name in LATER if getattr(self, name) == RunConfig.model_fields[name].default}
        kept = keys("generative") - {"teacher", "roles"} - usual
        roles = {role: self._declared(role) for role in ROLES}
        # Benchmarks count by what they hold, wherever they lie.
        looked_up = self.decontaminate.model_copy(update={"against": (), "tokenizer": ""})
        embedded = self.semantic.model_copy(update={"spec": "", "teacher_id": "", "key_env": ""})
        followed = self.policy.model_copy(update={"file": "", "origin": ""})
        whole = self.model_copy(
            update={
                "decoding": resolved,
                "prompts": sent,
                "decontaminate": looked_up,
                "semantic": embedded,
                "policy": followed,
            }
        )
        return whole.model_dump(mode="json", include=kept) | {"teacher": roles}

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
