"""Check a set of seed tasks: counts, shares, openings, similarity, screens and verifiers. For anybody's seeds."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from synthgen import strategies
from synthgen.checks import reading, registry
from synthgen.config import RunConfig
from synthgen.errors import ConfigError
from synthgen.records import Instance, Seed, Verifier
from synthgen.stages import seeds as seed_files
from synthgen.stages.screen import default
from synthgen.text.rouge import rouge_l
from synthgen.text.tokens import unicode_tokens, word_count

MOST_SIMILAR = 0.6
MOST_PER_OPENING = 4
OPENING_WORDS = 3


def check(path: Path) -> dict[str, Any]:
    """What the seeds are, and a list of problems, each with the seed's id."""
    tasks = seed_files.read(path)
    words = sorted(word_count(seed.instruction) for seed in tasks)
    return {
        "seeds": len(tasks),
        "instances": sum(len(seed.instances) for seed in tasks),
        "classification_share": share(seed.is_classification for seed in tasks),
        "input_share": share(any(one.input for one in seed.instances) for seed in tasks),
        "verifiers": dict(sorted(Counter(seed.verifier.kind for seed in tasks if seed.verifier).items())),
        "categories": dict(sorted(Counter(seed.category for seed in tasks).items())),
        "instruction_words": {"least": words[0], "median": words[len(words) // 2], "most": words[-1]},
        "most_similar": most_similar(tasks),
        "problems": list(problems(tasks)),
    }


def share(flags: Iterable[bool]) -> float:
    """Share of true ones, to three places."""
    values = list(flags)
    return float(round(sum(values) / len(values), 3))


def most_similar(tasks: Sequence[Seed]) -> dict[str, Any] | None:
    """The two instructions nearest in ROUGE-L; None for a single seed."""
    tokens = {seed.id: unicode_tokens(seed.instruction) for seed in tasks}
    scored = ((rouge_l(tokens[a], tokens[b]), a, b) for a, b in combinations(tokens, 2))
    best = max(scored, default=None)
    return {"score": round(best[0], 3), "ids": [best[1], best[2]]} if best else None


def problems(tasks: Sequence[Seed]) -> Iterator[str]:
    """One line for each thing that is wrong."""
    taxonomy = strategies.load()
    config = RunConfig(taxonomy=taxonomy)
    for seed in tasks:
        reason = default(seed.instruction, config, frozenset())
        if reason:
            yield f"{seed.id}: the instruction fails the screen {reason}"
        if seed.category not in taxonomy.categories:
            yield f"{seed.id}: {seed.category} is not a category of the taxonomy"
        yield from instance_problems(seed)
    yield from repeated_openings(tasks)
    yield from too_similar(tasks)


def instance_problems(seed: Seed) -> Iterator[str]:
    """What is wrong with a seed's instances."""
    if not seed.instances:
        yield f"{seed.id}: it has no instance, so it can be shown but gives no SFT row"
    for one in seed.instances:
        if not one.output.strip():
            yield f"{seed.id}: an output is empty"
        elif one.input.strip() == one.output.strip():
            yield f"{seed.id}: an output repeats its input"
        elif one.output.rstrip().endswith(":") or one.input.rstrip().endswith(":"):
            yield f"{seed.id}: an input or output ends with a colon"
    if seed.is_classification and seed.verifier is not None and seed.verifier.kind == "label" and len(seed.labels) < 2:
        yield f"{seed.id}: a label set needs two labels"
    if seed.verifier is not None and seed.instances and not verified(seed.verifier, seed.instances[0]):
        yield f"{seed.id}: its own first output does not pass its verifier"


def verified(verifier: Verifier, instance: Instance) -> bool:
    """Whether an output passes, or nobody can tell: code is run only in a sandbox. A verifier that cannot be used does not pass."""
    check = reading.of_verifier(verifier, "")
    try:
        return registry.run(check, instance.output, instance.input).passed is not False
    except ConfigError:
        return False


def repeated_openings(tasks: Sequence[Seed]) -> Iterator[str]:
    """Openings of three words that too many tasks share."""
    openings = Counter(" ".join(unicode_tokens(seed.instruction)[:OPENING_WORDS]) for seed in tasks)
    for opening, count in openings.items():
        if count > MOST_PER_OPENING:
            yield f'{count} tasks open with "{opening}"; {MOST_PER_OPENING} may'


def too_similar(tasks: Sequence[Seed]) -> Iterator[str]:
    """Pairs of instructions above the limit."""
    tokens = {seed.id: unicode_tokens(seed.instruction) for seed in tasks}
    for a, b in combinations(tokens, 2):
        if (score := rouge_l(tokens[a], tokens[b])) > MOST_SIMILAR:
            yield f"{a} and {b} are similar (ROUGE-L {score:.2f}; {MOST_SIMILAR} may be)"


def in_words(found: dict[str, Any]) -> str:
    """The check as lines for a person."""
    lines = [f"{name.replace('_', ' ')}: {value}" for name, value in found.items() if name != "problems"]
    return "\n".join([*lines, *(found["problems"] or ["no problems"])])
