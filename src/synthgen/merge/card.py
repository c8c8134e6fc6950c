"""The card of a merged dataset: what it was made of, what was left out, and the mix."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from synthgen.export.card import REHEARSAL
from synthgen.export.front import front_matter
from synthgen.export.lengths import CHARACTERS_PER_TOKEN
from synthgen.export.markup import table
from synthgen.export.rows import Row
from synthgen.export.splits import ACROSS
from synthgen.merge.inputs import UNKNOWN, Input
from synthgen.merge.lineage import Lineage
from synthgen.merge.mix import OTHERS, Mixed, tokens
from synthgen.merge.screen import EQUAL, NEAR, ROOT, SEED

WHY = {
    SEED: "the same seed in an earlier dataset",
    EQUAL: "the same words as a prompt of an earlier dataset",
    NEAR: "nearly a prompt of an earlier dataset",
    ROOT: "descends from a seed that stands on the test side of one of them",
    ACROSS: "nearly a prompt of the test side of one of them",
}
"""Reason to words."""
SPLIT = (
    "Rows keep the side that they had. What any of the datasets tests is not trained on: no row to train on descends from a seed "
    "of any test side, or has a prompt that is nearly one of a test side. A row's demonstrations, `parents` in the metadata, "
    "are of its side in its own dataset; another may have had them on the other side."
)
ORIGIN = (
    "Ids begin with `r` and the number of the dataset, in the metadata too; `merged_from` there names it once more. A seed that "
    "several datasets have is called by its name in the first one."
)


@dataclass(slots=True)
class Tally:
    """Counts the rows of the whole."""

    kept: Counter[int] = field(default_factory=Counter)
    """Dataset to its SFT rows."""
    categories: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    """Category to estimated tokens of its SFT rows."""
    strategies: Counter[str] = field(default_factory=Counter)
    languages: set[str] = field(default_factory=set)

    def take(self, number: int, row: Row, language: str) -> None:
        """Count an SFT row."""
        self.kept[number] += 1
        self.categories[row["category"]] += 1
        self.tokens[row["category"]] += tokens(row)
        self.strategies[row["strategy"]] += 1
        if len(language) == 2 and language.isascii() and language.isalpha():
            self.languages.add(language)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the card says."""

    inputs: Sequence[Input]
    lineage: Lineage
    license: str
    stated: bool
    """Whether the licence was given when the datasets were merged."""
    rows: Mapping[str, Mapping[str, int]]
    digests: Mapping[str, str]
    tally: Tally
    prompts: Mapping[tuple[int, str], int]
    """(dataset, reason) to prompts that were left out."""
    threshold: float
    mixed: Sequence[Mixed]
    by: str
    rehearsal: bool


def card(facts: Facts) -> str:
    """README.md of the dataset folder."""
    top = front_matter(
        "synthgen merged dataset",
        facts.rows,
        facts.digests,
        license_told=facts.license,
        languages=sorted(facts.tally.languages),
        rehearsal=facts.rehearsal,
    )
    return f"{top}\n{body(facts)}"


def body(facts: Facts) -> str:
    """The Markdown part."""
    counted = [(config, split, rows) for config, of in facts.rows.items() for split, rows in of.items()]
    categories = [(name, rows, facts.tally.tokens[name]) for name, rows in sorted(facts.tally.categories.items())]
    parts = [
        "# Synthetic instruction data, merged",
        *([REHEARSAL] if facts.rehearsal else []),
        f"Merged from {len(facts.inputs)} dataset(s) by synthgen. {ORIGIN}",
        f"## Rows\n\n{table(('config', 'split', 'rows'), counted)}",
        f"## Merged from\n\n{merged(facts)}",
        f"## Left out\n\n{left_out(facts)}",
        *([f"## Mix\n\n{mix(facts)}"] if facts.mixed else []),
        f"## Categories\n\n{table(('category', 'SFT rows', 'tokens'), categories)}\n\n{ESTIMATED}",
        f"## Strategies\n\n{table(('strategy', 'SFT rows'), sorted(facts.tally.strategies.items()))}",
        f"## Split\n\n{SPLIT}",
        f"## Licence\n\n{licence(facts)}",
        f"## Prompts\n\n{erased(facts)}",
        f"## Loading\n\n{loading(facts.rows)}",
        "## Limits\n\nAnswers are a model's: they may be wrong, and a judge is a model too.",
    ]
    return "\n\n".join(parts) + "\n"


ESTIMATED = f"Tokens are estimated at {CHARACTERS_PER_TOKEN:g} characters each, system message and prompt included."


def merged(facts: Facts) -> str:
    """The datasets, each with its makers and what it brought."""
    head = ("dataset", "SHA-256", "teacher", "judge", "SFT rows", "of them here")
    return table(head, [brought(one, facts) for one in facts.inputs])


def brought(one: Input, facts: Facts) -> tuple[str | int, ...]:
    """What one dataset says of itself, and how much of it is here."""
    told = facts.lineage.told[one.number]
    makers = (", ".join(sorted(names)) or "-" for names in (told.teachers, told.judges))
    return f"r{one.number}", one.digest[:16], *makers, told.rows["sft"], facts.tally.kept[one.number]


def left_out(facts: Facts) -> str:
    """Prompts that were left out, by reason and dataset."""
    rule = (
        f"A prompt that is left out has no row in any config. Nearly the same is a ROUGE-L F1 above {facts.threshold:g}; prompts "
        "of one dataset are not compared with one another."
    )
    rows: list[tuple[str | int, ...]] = [
        (words, *(facts.prompts.get((one.number, why), 0) for one in facts.inputs)) for why, words in WHY.items()
    ]
    found = [row for row in rows if any(row[1:])] or [("nothing", *(0 for _ in facts.inputs))]
    head = ("why", *(f"prompts of r{one.number}" for one in facts.inputs))
    return f"{rule}\n\n{table(head, found)}"


def mix(facts: Facts) -> str:
    """What the weights came to."""
    rule = (
        f"Rows to train on were taken so that each config has these shares in {facts.by}, as many as there can be; which ones, a hash "
        "of their prompts decides. A category that a config has not is left out of account there. Test rows are all there."
    )
    whole = Counter[str]()
    for one in facts.mixed:
        whole[one.config] += one.counted(facts.by)
    rows = [
        (
            one.config,
            "all others" if one.group == OTHERS else one.group,
            f"{one.wanted:.1%}",
            f"{one.counted(facts.by) / max(1, whole[one.config]):.1%}",
            one.rows,
            one.tokens,
            one.before,
        )
        for one in facts.mixed
    ]
    return f"{rule}\n\n{table(('config', 'category', 'wanted', 'share', 'rows', 'tokens', 'rows before'), rows)}"


def licence(facts: Facts) -> str:
    """Where the licence comes from."""
    told = table(("dataset", "licence"), [(f"r{one.number}", one.license) for one in facts.inputs])
    given = {one.license for one in facts.inputs}
    if facts.stated:
        return f"The licence was given when the datasets were merged. They say of themselves:\n\n{told}"
    if given == {UNKNOWN}:
        return f"None of the datasets tells its licence, so this one's is unknown.\n\n{told}"
    if UNKNOWN in given:
        return f"Not every dataset tells its licence.\n\n{told}"
    agreed = "The datasets agree" if len(given) == 1 else "The datasets differ, and each part stays under its own"
    return f"{agreed}.\n\n{told}"


def erased(facts: Facts) -> str:
    """What is known of strategy prompts in the rows."""
    rows = []
    for one in facts.inputs:
        searched = (one.proof or {}).get("rows")
        kinds = (one.proof or {}).get("system_messages")
        kept = isinstance(kinds, dict) and any(isinstance(of, dict) and of.get("strategy") for of in kinds.values())
        told = "not told" if not isinstance(searched, int) else f"{searched} rows, nothing found"
        rows.append((f"r{one.number}", told, "yes" if kept else "no" if isinstance(kinds, dict) else "not told"))
    rule = (
        "Each dataset was searched for text of the strategy prompts when it was written; `erasure.json` has what each tells of it. "
        "Rows and messages are as they were there, and were not searched again."
    )
    return f"{rule}\n\n{table(('dataset', 'searched', 'strategy prompts as system messages'), rows)}"


def loading(rows: Mapping[str, object]) -> str:
    """How the rows are loaded."""
    lines = [f'{name} = load_dataset("PATH", "{name}")' for name in rows]
    return "\n".join(["```python", "from datasets import load_dataset", "", *lines, "```"])
