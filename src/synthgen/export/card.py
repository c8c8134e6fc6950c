"""The dataset card: front matter that `load_dataset` reads, and what a person who trains on the rows should know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from synthgen.export import thoughts
from synthgen.export.gate import Proof
from synthgen.strategies import AUTO, NONE

SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
REHEARSAL = (
    "**Rehearsal data: made by a program that imitates a teacher, to try out the pipeline. It is not for training.**"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the card says. Nothing here names a time, a path or an address."""

    license: str
    languages: tuple[str, ...]
    rehearsal: bool
    teacher: str
    judge: str
    rows: Mapping[str, Mapping[str, int]]
    """Config to split to rows, only those that have some."""
    digests: Mapping[str, str]
    """Config to the SHA-256 of its Parquet files."""
    funnel: Mapping[str, int]
    marks: Mapping[str, int]
    """Mean mark to judged answers; empty where nothing was judged."""
    strategies: Mapping[str, int]
    categories: Mapping[str, int]
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
    words: tuple[int, int, int]
    """Words of the SFT completions: median, 90th percentile, longest."""
    over: tuple[float, float]
    """Share of SFT rows over about 1,024 and 2,048 tokens, four characters to a token."""
    policy: str = ""
    """Where the strategies came from, in a sentence; "" where nothing chose among them."""
    strategy: str = ""
    """How prompts that were given were answered; "" for tasks that were grown."""


def card(facts: Facts) -> str:
    """README.md of the dataset folder."""
    return f"---\n{front_matter(facts)}---\n\n{body(facts)}"


def front_matter(facts: Facts) -> str:
    """The YAML part. Its strings are JSON strings, which are YAML."""
    total = sum(facts.rows.get("sft", {}).values())
    size = next((name for limit, name in SIZES if total < limit), "10M<n<100M")
    tags = ["synthetic", "sft", "dpo", "synthgen", *(["rehearsal"] if facts.rehearsal else [])]
    lines = [
        f"license: {quoted(facts.license)}",
        f"pretty_name: {quoted('synthgen dataset')}",
        *listed("language", facts.languages),
        *listed("size_categories", (size,)),
        *listed("task_categories", ("text-generation",)),
        *listed("tags", tags),
        *(["configs:"] if facts.rows else []),
    ]
    for config, splits in facts.rows.items():
        # `datasets` 5.2 caches a local folder under a hash of this block alone: without the digest it would give the rows
        # of the last folder that had the same splits, another run's or this one's before it was exported anew.
        told = quoted(f"Rows with SHA-256 {facts.digests[config]}")
        lines += [f"- config_name: {config}", f"  description: {told}"]
        lines += [*(["  default: true"] if config == "sft" else []), "  data_files:"]
        for split in splits:
            lines += [f"  - split: {split}", f"    path: {config}/{split}-*.parquet"]
    return "\n".join(lines) + "\n"


def listed(name: str, values: tuple[str, ...] | list[str]) -> list[str]:
    """A YAML list of strings; nothing for an empty one."""
    return [f"{name}:", *(f"- {quoted(value)}" for value in values)] if values else []


def quoted(text: str) -> str:
    """A string that YAML takes as it is: JSON, with what cannot be printed escaped."""
    whole = orjson.dumps(text).decode()
    return "".join(one if one.isprintable() else escaped(ord(one)) for one in whole)


def escaped(code: int) -> str:
    """A YAML escape of one code point."""
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def plain(text: object) -> str:
    """A value on one line, which can end neither a table cell nor a code span."""
    return " ".join(str(text).split()).replace("`", "'").replace("|", "\\|")


def body(facts: Facts) -> str:
    """The Markdown part."""
    parts = [
        "# Synthetic instruction data",
        *([REHEARSAL] if facts.rehearsal else []),
        f"{made(facts)}, {facts.samples} sample(s) a task"
        + (f", judged blind by `{plain(facts.judge)}`." if facts.judge else ", not judged."),
        "## Rows\n\n"
        + table(("config", "split", "rows"), [(c, s, n) for c, x in facts.rows.items() for s, n in x.items()]),
        "## How they came about\n\n" + table(("step", "count"), list(facts.funnel.items())),
        *(["## Marks\n\n" + table(("mean mark", "answers"), list(facts.marks.items()))] if facts.marks else []),
        f"## Strategies\n\n{plain(facts.policy)}"
        + "\n\n" * bool(facts.policy)
        + table(("strategy", "SFT rows"), list(facts.strategies.items())),
        "## Categories\n\n" + table(("category", "SFT rows"), list(facts.categories.items())),
        *([f"## Checks\n\n{checked(facts)}"] if "rl" in facts.rows else []),
        f"## Split\n\n{facts.split_rule}",
        f"## Prompts\n\n{prompts(facts)}",
        *([f"## Reasoning\n\n{thoughts.sentence(facts.proof.reasoning)}"] if facts.proof.reasoning else []),
        (
            f"## Length\n\nWords of an SFT completion: median {facts.words[0]}, 90th percentile {facts.words[1]}, longest "
            f"{facts.words[2]}. Rows over about 1,024 tokens: {facts.over[0]:.1%}; over 2,048: {facts.over[1]:.1%} (estimated at "
            "four characters a token). TRL cuts or drops longer rows without a word unless `max_length` is raised."
        ),
        f"## Loading\n\n{loading(facts)}",
        (
            f"## Limits\n\nAnswers are a model's: they may be wrong, and the judge is a model too. Generation config "
            f"`{facts.digest[:16]}`."
        ),
    ]
    return "\n\n".join(parts) + "\n"


def made(facts: Facts) -> str:
    """How the rows were made, in a sentence without its end."""
    teacher = f"answered by `{plain(facts.teacher)}`"
    if not facts.strategy:
        return (
            f"Tasks grown from human-written seeds (Self-Instruct), {teacher} under the reasoning strategies of Orca 2"
        )
    if facts.strategy == NONE:
        return f"Prompts that were given, {teacher} as they are"
    under = "strategies" if facts.strategy == AUTO else f"strategy {plain(facts.strategy)}"
    return f"Prompts that were given, {teacher} under the reasoning {under} of Orca 2"


CHECKED = (
    "Rows of `rl` are tasks that a program can check: against a truth that a human, a program or a file states (`answer`), or, "
    "without one, against the task's own constraints on its form (`format`). `pass_rate` is the share of the teacher's answers "
    "that passed every check of the row, over at least {minimum} usable and different answers under one strategy; it lies "
    "strictly between 0 and 1. It is the teacher's, not your model's."
)


def checked(facts: Facts) -> str:
    """What the rows of `rl` are, and how many there are of each check."""
    rows = [(*check, count) for check, count in facts.checks.items()]
    return CHECKED.format(minimum=facts.minimum) + "\n\n" + table(("check", "kind", "who says so", "rows"), rows)


AS_IT_IS = "Every prompt was sent as it is, with no system message."
ERASED = (
    "The system prompt under which an answer was written is erased from every row. The column `strategy` names the reasoning "
    "strategy that was used."
)
NOT_ERASED = "**Not erased:** rows carry the system prompt of their strategy, for ablation (`--no-erase`); what follows holds for the others."
DEGREES = {
    "generic": "every row carries one neutral message",
    "none": "no row carries any",
    "mix": (
        "one neutral message for half of the tasks and none for the others, by a hash of the task's id, the same in every row "
        "of a task"
    ),
}
"""What stands in the place of a strategy's prompt."""


def prompts(facts: Facts) -> str:
    """What became of the prompts, what stands in their place, and what shows it."""
    parts = [AS_IT_IS if facts.strategy == NONE else ERASED if facts.erased else NOT_ERASED]
    parts += [f"System message (`{facts.system}`): {DEGREES[facts.system]}."]
    if facts.message:
        parts.append(f"> {plain(facts.message)}")
    parts.append(proven(facts.proof, erased=facts.erased))
    kinds = sorted({kind for counts in facts.proof.system_messages.values() for kind in counts})
    rows: list[tuple[str | int, ...]] = [
        (config, *(counts.get(kind, 0) for kind in kinds)) for config, counts in facts.proof.system_messages.items()
    ]
    parts.append(table(("rows by system message", *kinds), rows))
    return "\n\n".join(parts)


def proven(proof: Proof, *, erased: bool) -> str:
    """What was searched, in words."""
    whole = f"All {proof.rows} rows were read back: every system message is one of those above"
    if not proof.strategy_prompts:
        return f"{whole}. No strategy prompt was sent, so there was none to look for."
    apart = "" if erased else " outside of system messages"
    own = f" In {proof.tasks} rows the task itself, or human text, says such words; there they are left." * bool(
        proof.tasks
    )
    return (
        f"{whole}, and{apart} nothing quotes the {proof.strategy_prompts} strategy prompts. {proof.strings} strings (answers, "
        f"system messages, every other column and the metadata, not the tasks themselves) with {proof.windows} runs of eight words "
        f"were compared with the prompts' {proof.patterns} runs of eight words and shorter sentences, and so was this card: "
        f"{proof.found} found.{own}"
    )


EOS = (
    "TRL adds no end-of-sequence token to conversational rows: the chat template must. For a base model set `eos_token` to "
    "the token that ends a turn in its template, or it never learns to stop."
)
USES = {
    "sft": "prompt, completion",
    "dpo": "prompt, chosen, rejected",
    "kto": "prompt, completion, label",
    "rl": "prompt, ground_truth, checks_json",
}


def loading(facts: Facts) -> str:
    """How the rows are loaded and trained on."""
    lines = [f'{name} = load_dataset("PATH", "{name}")  # {what}' for name, what in USES.items() if name in facts.rows]
    code = ["from datasets import load_dataset", "from trl import SFTConfig, SFTTrainer", "", *lines]
    if "sft" in facts.rows:
        code += ["", 'SFTTrainer("MODEL", args=SFTConfig(max_length=4096), train_dataset=sft["train"]).train()']
    return "\n".join(["```python", *code, "```"]) + f"\n\n{EOS}"


def table(head: tuple[str, ...], rows: Sequence[Sequence[str | int]]) -> str:
    """A Markdown table."""
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(plain(cell) for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)
