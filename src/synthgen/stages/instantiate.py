"""Self-Instruct steps 2 and 3: is it a labelling task, and what does it work on (2212.10560 section 2.2).

Open tasks get their input first. Labelling tasks get their label first, the labels in turn, and then a text that
belongs to it: written the other way round, inputs lean to one label.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import orjson
from pydantic import BaseModel

from synthgen.config import RunConfig
from synthgen.prompts import Prompts, fenced
from synthgen.records import Decoding, Instruction, Message, Rejected, Reply, Request, Schema, Seed
from synthgen.stages import parity
from synthgen.stages.reading import Unreadable, load
from synthgen.text.special import special_tokens
from synthgen.text.tokens import normalised, word_count, words

NO_INPUT = frozenset({"n a", "na", "none", "no input", "noinput", "no input needed", "not applicable", "empty"})
LONGEST_MARKER = 24
"""Characters: an input that says as little at greater length, such as a form of dashes, is an input."""
MOST_LABELS = 20
MOST_WORDS = 2000
"""Words of an input."""
EXAMPLES = 3
CLASSIFY_EXAMPLES = 4
"""Of each kind."""


class Kind(BaseModel):
    """The reply of the classify call."""

    is_classification: bool
    labels: list[str] = []


class Inputs(BaseModel):
    """The reply of an instantiate call for an open task."""

    inputs: list[str]


class Labelled(BaseModel):
    """One text written for a label."""

    label: str
    input: str


class LabelledInputs(BaseModel):
    """The reply of an instantiate call for a labelling task."""

    instances: list[Labelled]


@dataclass(frozen=True, slots=True)
class Draft:
    """One instance before it is vetted."""

    input: str
    label: str = ""
    output: str = ""
    """Parity mode only: what the reference takes as the answer."""


def ask_kind(instruction: Instruction, seeds: Sequence[Seed], config: RunConfig, prompts: Prompts) -> Request:
    """The request that sorts an instruction into labelling or open, with examples of both kinds."""
    decoding = config.stage_decoding("classify")
    if config.mode == "parity":
        messages = parity.classify_prompt(instruction.instruction, seeds, prompts)
        return Request(role="instantiate", step="classify", about=instruction.id, messages=messages, decoding=decoding)
    labelled = [seed for seed in seeds if seed.is_classification and seed.labels][:CLASSIFY_EXAMPLES]
    opened = [seed for seed in seeds if not seed.is_classification][:CLASSIFY_EXAMPLES]
    examples = [
        example(seed, {"is_classification": seed.is_classification, "labels": list(seed.labels)})
        for seed in interleaved(labelled, opened)
    ]
    messages = prompts.render(
        "classify", examples="".join(examples), instruction=instruction_text(instruction.instruction)
    )
    form = prompts.schema("classify")
    return Request(
        role="instantiate", step="classify", about=instruction.id, messages=messages, decoding=decoding, form=form
    )


def read_kind(text: str) -> Kind | Unreadable:
    """Labelling or open; fewer than two labels, or a long list, is open."""
    kind = load(text, Kind)
    if isinstance(kind, Unreadable):
        return kind
    labels = list(dict.fromkeys(label.strip() for label in kind.labels if label.strip()))
    closed = kind.is_classification and 2 <= len(labels) <= MOST_LABELS
    return Kind(is_classification=closed, labels=labels if closed else [])


def ask(
    instruction: Instruction, kind: Kind, seeds: Sequence[Seed], config: RunConfig, prompts: Prompts
) -> tuple[Request, tuple[str, ...]]:
    """The request for an instruction's inputs, and the labels they are wanted for (none for open tasks)."""
    rng = Random(f"synthgen/instantiate/{config.seed}/{instruction.id}")  # noqa: S311  # sampling, not secrets
    decoding, seed = config.stage_decoding("instantiate"), rng.getrandbits(31)
    if config.mode == "parity":
        messages = parity.instance_prompt(instruction.instruction, seeds, prompts, labelling=kind.is_classification)
        return _request(instruction, messages, decoding, seed), ()
    wanted = turns(kind.labels, config.instances, rng)
    messages = (
        label_messages(instruction, kind, wanted, seeds, prompts)
        if wanted
        else open_messages(instruction, seeds, config.instances, prompts)
    )
    form = prompts.schema("instantiate_labels" if wanted else "instantiate_open")
    return _request(instruction, messages, decoding, seed, form), wanted


def _request(
    one: Instruction, messages: tuple[Message, ...], decoding: Decoding, seed: int, form: Schema | None = None
) -> Request:
    return Request(
        role="instantiate",
        step="instantiate",
        about=one.id,
        messages=messages,
        decoding=decoding,
        form=form,
        seed=seed,
    )


def turns(labels: Sequence[str], count: int, rng: Random) -> tuple[str, ...]:
    """`count` labels in turn from a random first one: over many tasks every label is wanted equally often."""
    if not labels:
        return ()
    first = rng.randrange(len(labels))
    return tuple(labels[(first + turn) % len(labels)] for turn in range(count))


def open_messages(instruction: Instruction, seeds: Sequence[Seed], count: int, prompts: Prompts) -> tuple[Message, ...]:
    """Input-first, with examples of tasks that need an input and of tasks that do not."""
    opened = [seed for seed in seeds if not seed.is_classification and seed.instances]
    filled = [seed for seed in opened if seed.instances[0].input][:EXAMPLES]
    empty = [seed for seed in opened if not seed.instances[0].input][:EXAMPLES]
    examples = [example(seed, {"inputs": [seed.instances[0].input]}) for seed in interleaved(filled, empty)]
    text = instruction_text(instruction.instruction)
    return prompts.render("instantiate_open", count=count, examples="".join(examples), instruction=text)


def label_messages(
    instruction: Instruction, kind: Kind, wanted: Sequence[str], seeds: Sequence[Seed], prompts: Prompts
) -> tuple[Message, ...]:
    """Output-first: the labels wanted are in the prompt."""
    labelled = [s for s in seeds if s.is_classification and s.labels and s.instances and s.instances[0].input]
    examples = [
        example(seed, {"instances": [{"label": one.output, "input": one.input} for one in seed.instances[:1]]})
        for seed in labelled[:EXAMPLES]
    ]
    return prompts.render(
        "instantiate_labels",
        examples="".join(examples),
        instruction=instruction_text(instruction.instruction),
        labels="\n".join(kind.labels),
        wanted="\n".join(wanted),
    )


def read(text: str, kind: Kind, wanted: Sequence[str], count: int) -> list[Draft] | Unreadable:
    """The instances of a whole reply, `count` at most; a no-input marker is no input."""
    if kind.is_classification:
        labelled = load(text, LabelledInputs)
        if isinstance(labelled, Unreadable):
            return labelled
        drafts = [
            Draft(clean(one.input), label)
            for one, label in zip(labelled.instances, wanted, strict=False)
            if normalised(one.label) == normalised(label)
        ]
    else:
        inputs = load(text, Inputs)
        if isinstance(inputs, Unreadable):
            return inputs
        drafts = [Draft(clean(one)) for one in inputs.inputs[:count]]
    return drafts or Unreadable("it holds no instance of what was asked for")


def clean(text: str) -> str:
    """An input without its outer space, or "" for a marker that says there is none."""
    return "" if " ".join(words(text)) in NO_INPUT and len(text) < LONGEST_MARKER else text.strip()


def fault(draft: Draft, instruction: str, labels: Sequence[str]) -> str | None:
    """Why an instance cannot be used; None for a good one."""
    text = draft.input
    if text.endswith((":", "：")):
        return "input_ends_with_colon"
    if text and normalised(text) == normalised(instruction):
        return "input_repeats_instruction"
    if word_count(text) > MOST_WORDS:
        return "input_too_long"
    if special_tokens(text) is not None:
        return "special_token"
    if draft.label and states(text, draft.label):
        return "states_label"
    if draft.label and draft.label not in labels:
        return "unknown_label"
    return None


def states(text: str, label: str) -> bool:
    """Whether a text names a label: its words, in a row."""
    return f" {normalised(label)} " in f" {normalised(text)} "


def refused(instruction: Instruction, found: Unreadable, reply: Reply, number: int = 0) -> Rejected:
    """The rejection of an instruction whose reply could not be used."""
    return Rejected(id=f"{instruction.id}-{number}", reason=found.reason, evidence=found.fault, call=reply.key)


def example(seed: Seed, reply: dict[str, object]) -> str:
    """One worked example of the prompt, with the reply it should have had."""
    return f"{fenced('instruction', seed.instruction)}\n{orjson.dumps(reply).decode()}\n\n"


def instruction_text(text: str) -> str:
    """An instruction as it stands between the prompt's tags, which it cannot close."""
    return fenced("instruction", text).removeprefix("<instruction>").removesuffix("</instruction>")


def interleaved(left: Sequence[Seed], right: Sequence[Seed]) -> list[Seed]:
    """Both lists, taken in turn."""
    longest = max(len(left), len(right))
    return [seed for n in range(longest) for side in (left, right) if n < len(side) for seed in (side[n],)]
