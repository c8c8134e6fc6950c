"""The dataset card: front matter that `load_dataset` reads, and what a person who trains on the rows should know."""

from collections.abc import Mapping
from typing import Protocol

from synthgen.export import licences, sections, thoughts
from synthgen.export.facts import Facts
from synthgen.export.markup import listed, plain, quoted, table
from synthgen.export.plots import Plot

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
NO_PLOTS: Mapping[str, Plot] = {}


def card(facts: Facts, plots: Mapping[str, Plot] = NO_PLOTS) -> str:
    """README.md of the dataset folder."""
    return f"---\n{front_matter(facts)}---\n\n{body(facts, plots)}"


class Headed(Protocol):
    """What the YAML part says."""

    @property
    def license(self) -> str: ...
    @property
    def languages(self) -> tuple[str, ...]: ...
    @property
    def rows(self) -> Mapping[str, Mapping[str, int]]: ...
    @property
    def digests(self) -> Mapping[str, str]: ...
    @property
    def rehearsal(self) -> bool: ...


def front_matter(facts: Headed, title: str = "synthgen dataset") -> str:
    """The YAML part. Its strings are JSON strings, which are YAML."""
    total = sum(facts.rows.get("sft", {}).values())
    size = next((name for limit, name in SIZES if total < limit), "10M<n<100M")
    kinds = (name for name in facts.rows if name != "sft_messages")
    tags = ["synthetic", *kinds, "synthgen", *(["rehearsal"] if facts.rehearsal else [])]
    lines = [
        *(f"{name}: {quoted(value)}" for name, value in licences.fields(facts.license).items()),
        f"pretty_name: {quoted(title)}",
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


def body(facts: Facts, plots: Mapping[str, Plot]) -> str:
    """The Markdown part."""
    gaps = facts.lengths.gaps
    parts = {
        "Licence": sections.licence(facts),
        "Rows": sections.rows(facts.rows, facts.human),
        "Further shapes": sections.formats(facts.formats),
        "Models": sections.models(facts),
        "How they came about": table(("step", "count"), list(facts.funnel.items())),
        "Marks": pictured(sections.marks(facts.marks), plots.get("scores")) if facts.marks else "",
        "Mix": pictured(sections.mixes(facts.strategies, facts.categories, facts.policy), plots.get("mix")),
        "Checks": sections.checked(facts) if "rl" in facts.rows else "",
        "Split": facts.split_rule,
        "Prompts": sections.prompts(facts),
        "Reasoning": thoughts.sentence(facts.proof.reasoning) if facts.proof.reasoning else "",
        "Length": pictured(sections.lengths(facts.lengths), plots.get("lengths")),
        "Pairs": pictured(sections.pairs(gaps), None if facts.marks else plots.get("scores"))
        if gaps is not None
        else "",
        "Decontamination": sections.decontamination(facts),
        "Loading": sections.loading(facts.rows),
        "Training": sections.training(facts.training, facts.rows),
        "Limits": sections.limits(facts),
    }
    made = f"{sections.made(facts)}, {facts.samples} sample{'s' * (facts.samples > 1)} a task"
    judged = f", judged blind by `{plain(facts.judge)}`." if facts.judge else ", not judged."
    head = ["# Synthetic instruction data", *([REHEARSAL] if facts.rehearsal else []), made + judged]
    return "\n\n".join([*head, *(f"## {title}\n\n{text}" for title, text in parts.items() if text)]) + "\n"


def pictured(text: str, plot: Plot | None) -> str:
    """A part with its picture, which stands beside the card."""
    return f"![{plot.told}]({plot.path})\n\n{text}" if plot else text
