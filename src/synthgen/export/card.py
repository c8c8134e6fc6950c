"""The dataset card: front matter that `load_dataset` reads, and what a person who trains on the rows should know."""

from collections.abc import Mapping

from synthgen.export import sections, thoughts
from synthgen.export.facts import Facts
from synthgen.export.front import front_matter
from synthgen.export.markup import plain, table
from synthgen.export.plots import Plot

REHEARSAL = (
    "**Rehearsal data: made by a program that imitates a teacher, to try out the pipeline. It is not for training.**"
)
NO_PLOTS: Mapping[str, Plot] = {}


def card(facts: Facts, plots: Mapping[str, Plot] = NO_PLOTS) -> str:
    """README.md of the dataset folder."""
    top = front_matter(
        "synthgen dataset",
        facts.rows,
        facts.digests,
        license_told=facts.license,
        languages=facts.languages,
        rehearsal=facts.rehearsal,
    )
    return f"{top}\n{body(facts, plots)}"


def body(facts: Facts, plots: Mapping[str, Plot]) -> str:
    """The Markdown part."""
    rows = [(config, split, number) for config, splits in facts.rows.items() for split, number in splits.items()]
    gaps = facts.lengths.gaps
    parts = {
        "Licence": sections.licence(facts),
        "Rows": table(("config", "split", "rows"), rows),
        "Models": sections.models(facts),
        "How they came about": table(("step", "count"), list(facts.funnel.items())),
        "Marks": pictured(table(("mean mark", "answers"), list(facts.marks.items())), plots.get("scores"))
        if facts.marks
        else "",
        "Mix": pictured(sections.mixes(facts), plots.get("mix")),
        "Checks": sections.checked(facts) if "rl" in facts.rows else "",
        "Split": facts.split_rule,
        "Prompts": sections.prompts(facts),
        "Reasoning": thoughts.sentence(facts.proof.reasoning) if facts.proof.reasoning else "",
        "Length": pictured(sections.lengths(facts), plots.get("lengths")),
        "Pairs": sections.pairs(gaps) if gaps is not None else "",
        "Decontamination": sections.decontamination(facts),
        "Loading": sections.loading(facts),
        "Training": sections.training(facts),
        "Limits": sections.limits(facts),
    }
    made = f"{sections.made(facts)}, {facts.samples} sample(s) a task"
    judged = f", judged blind by `{plain(facts.judge)}`." if facts.judge else ", not judged."
    head = ["# Synthetic instruction data", *([REHEARSAL] if facts.rehearsal else []), made + judged]
    return "\n\n".join([*head, *(f"## {title}\n\n{text}" for title, text in parts.items() if text)]) + "\n"


def pictured(text: str, plot: Plot | None) -> str:
    """A part with its picture, which stands beside the card."""
    return f"![{plot.told}]({plot.path})\n\n{text}" if plot else text
