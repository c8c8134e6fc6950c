"""Every record, in the order in which it appears on the line.

Records are values: frozen, with no field beyond those named here. Ids are positions on the line:
`c000012` a call of the grow loop, `c000012-3` its item, `c000012-3-0` an instance of that item,
`c000012-3-0-2` a sample of an answer to it; `p000012` a row of a file of prompts, `p000012-2` a sample of an answer to it.
Nothing here knows files, prompts or the network.
"""

from typing import Any, Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, Field

Side = Literal["train", "test"]
Role = Literal["propose", "instantiate", "answer", "judge"]
Step = Literal["propose", "classify", "instantiate", "vet", "answer", "judge"]
Think = Literal["", "think", "no_think"]
Finish = Literal["stop", "length", "filtered", "too_long", "refused"]
ASPECTS = ("instruction_following", "truthfulness", "honesty", "helpfulness")


class Record(BaseModel):
    """A frozen value that is written or sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Message(Record):
    """One message of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


class Decoding(Record):
    """How a reply is sampled. None leaves the choice to the endpoint."""

    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    max_tokens: int = 1024
    """Longest reply, in the endpoint's tokens."""
    stop: tuple[str, ...] = ()
    logprobs: bool = False
    """Whether the log probabilities of the tokens are asked for."""


class Schema(Record):
    """A JSON schema that the reply must fit, for endpoints that can hold a model to one."""

    name: str
    body: dict[str, Any]


class Request(Record):
    """One question to a teacher, before a model and an endpoint are known."""

    role: Role
    step: Step
    """What the call is for; its cost is counted there. Never sent."""
    about: str
    """The id of the record that is worked on, for people. Never sent."""
    messages: tuple[Message, ...]
    """One user message for a completions endpoint."""
    decoding: Decoding
    form: Schema | None = None
    sample: int = 0
    """Number of the sample among those asked of the same messages."""
    seed: int | None = None
    """The sample's seed on the wire; None where sampling does not matter."""
    think: bool | None = None
    """Whether a model that can think before it answers is to; None leaves it to the endpoint, and says nothing on the wire."""


class Reply(Record):
    """What a teacher answered, and what it cost."""

    text: str
    finish: Finish
    """stop: whole · length: cut · filtered: withheld by the provider · too_long: the prompt does not fit · refused."""
    key: str = ""
    """The ledger's key of the call."""
    model: str = ""
    reasoning: str = ""
    """What a reasoning model thought before its answer, where the endpoint tells."""
    logprobs: tuple[tuple[str, float], ...] = ()
    """(token, log probability) of the text, where they were asked for and the endpoint gives them."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


class Teacher(Protocol):
    """Whoever answers requests. Raises TeacherError when no reply can be had."""

    async def ask(self, request: Request) -> Reply:
        """The reply to one request."""
        ...


class Verifier(Record):
    """How a program checks an answer."""

    kind: Literal["number", "maths", "exact", "label", "json", "regex", "code"]
    args: dict[str, Any]


class Check(Record):
    """One thing that a program can find out about an answer. What checks of different kinds find is never added up."""

    name: str
    """Which check, by its name in `checks.registry.CHECKS`."""
    kind: Literal["answer", "format", "agreement"]
    """answer: against a truth that no model stated · format: form alone · agreement: of a model with itself, or with what a
    model wrote before."""
    args: dict[str, Any] = {}
    source: str = ""
    """Who says so: `seed:ID`, `file:` and the id of the row (in the tournament: its name), or `program:NAME`; "" for agreement."""
    chance: float = Field(default=0.0, ge=0, lt=1)
    """How often an answer that is guessed passes: 0.25 where one of four labels is right."""


class Outcome(Record):
    """What a check found of one answer."""

    name: str
    kind: Literal["answer", "format", "agreement"]
    passed: bool | None
    """None where it could not be decided: no sandbox, out of time, a truth that cannot be read."""
    detail: str = ""
    """For people: what was found in the answer, or why nothing was decided; at most 200 characters."""


class Instance(Record):
    """One input of a seed task with its output."""

    input: str = ""
    output: str


class Seed(Record):
    """A task written by a human."""

    id: str
    name: str = ""
    instruction: str
    instances: tuple[Instance, ...]
    is_classification: bool = False
    category: str = "other"
    verifier: Verifier | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The closed label set of a classification task, as far as its verifier states it."""
        if self.verifier is None or self.verifier.kind != "label":
            return ()
        return tuple(str(label) for label in self.verifier.args.get("labels", ()))


class Nearest(NamedTuple):
    """The most similar text of a pool."""

    id: str
    score: float
    """ROUGE-L F1, 0 to 1."""


class Target(Record):
    """What a proposing call was asked to aim at; empty where nothing was."""

    category: str = ""
    difficulty: str = ""
    length: str = ""
    format: str = ""
    topic: str = ""
    persona: str = ""


class Instruction(Record):
    """A new task text, accepted by every screen."""

    id: str
    call: str
    instruction: str
    side: Side
    root_id: str
    """Of the ancestors, the seed nearest in ROUGE-L."""
    parents: tuple[str, ...]
    """The tasks that were shown, in the order shown."""
    nearest: Nearest
    """Of the seeds and everything accepted before."""
    target: Target = Target()


class Vetting(Record):
    """What the inspection of a task found."""

    category: str
    valid: bool
    missing_context: bool
    fresh_or_private: bool
    difficulty: int
    """1 anybody at once, 5 an expert with effort."""
    language: str


class Task(Record):
    """An instruction with one input (or none), vetted and planned."""

    id: str
    call: str
    """Of the call that wrote the instance; the others are in `calls`."""
    calls: dict[str, str]
    parent: str
    """The instruction; of a prompt that was given, the id that its row has, or ""."""
    side: Side
    root_id: str
    """The instruction's; of a prompt that was given, its own id."""
    instruction: str
    input: str
    is_classification: bool
    labels: tuple[str, ...] = ()
    intended_label: str = ""
    """The label the input was written for; "" for open tasks. Never shown to the answerer or the judge."""
    draft: str = ""
    """Parity mode only: the output that the reference writes with the input."""
    category: str
    difficulty: int
    """1 to 5; 0 for a prompt that was not inspected."""
    language: str
    strategy: str
    alternative: str = ""
    """The second strategy, for tasks chosen to be explored; "" for the rest."""
    think: Think = ""
    """Whether a reasoning model is told to think: "" leaves it to the model."""
    checks: tuple[Check, ...] = ()
    """What a program can find out about an answer to it."""


class Answer(Record):
    """One candidate answer to a task."""

    id: str
    call: str
    task: str
    strategy: str
    explored: bool = False
    """True for the alternative strategy, and for those that were tried before a cheaper or better one was taken: for reports only, never
    picked or paired."""
    teacher: str
    sample: int
    text: str
    reasoning: str = ""
    """What a reasoning model thought before it, where the endpoint tells."""
    completion_tokens: int = 0
    outcomes: tuple[Outcome, ...] = ()
    """What the task's checks found, one each, in their order; then those of agreement."""


class Aspect(Record):
    """One mark with the reason given before it."""

    reason: str
    score: int
    """1 to 5."""


class Judged(Record):
    """An answer with its verdict."""

    id: str
    """The answer's id."""
    call: str
    task: str
    position: int
    """Place of the answer among those the judge saw, from 0."""
    aspects: dict[str, Aspect]
    mean: float


class Pair(Record):
    """Two answers to one task under one strategy, the first strictly better."""

    id: str
    call: str
    """Of the verdict."""
    task: str
    strategy: str
    policy: Literal["marks", "verified-vs-failed"] = "marks"
    """Why the first is better: by its mean mark, or since a check of kind `answer` found it right and the other wrong."""
    chosen: str
    rejected: str
    score_chosen: float
    score_rejected: float


class Rejected(Record):
    """What did not pass, and why."""

    id: str
    reason: str
    evidence: str = ""
    """What was found: the text refused, the fault of a reply."""
    call: str = ""
    nearest: Nearest | None = None
    """For near-duplicates: what stands in the way."""
