"""Choose the reasoning strategy of a task (Orca 2, 2311.11045 section 3): as it was measured, else by the shipped table."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from synthgen import policy
from synthgen.config import PolicyConfig, RunConfig
from synthgen.errors import ConfigError
from synthgen.policy import Policy
from synthgen.records import Think
from synthgen.strategies import Taxonomy

LABEL_STRATEGY = ("direct-answer", "explain-then-answer")
"""Strategy and alternative of a labelling task, whatever its subject, unless its category weighs options."""
WEIGHING = frozenset({"multiple-choice", "judgement"})
LABELLING = "classification"
"""The category whose measured strategy labelling tasks follow where their own has none."""


class Plan(NamedTuple):
    """How a task is answered."""

    strategy: str
    alternative: str = ""
    """The second strategy of a task that is explored, else ""."""
    think: Think = ""


def plan(task_id: str, category: str, config: RunConfig, *, is_classification: bool) -> Plan:
    """The plan of a task."""
    labelled = is_classification and category not in WEIGHING
    usual, alternative = LABEL_STRATEGY if labelled else config.taxonomy.strategy(category)
    choices = config.policy.choices
    measured = choices.get(category) or (choices.get(LABELLING) if labelled else None)
    strategy, think = measured or (usual, "")
    if strategy == alternative:
        alternative = usual
    return Plan(strategy, alternative if explored(task_id, config) and alternative != strategy else "", think)


def explored(task_id: str, config: RunConfig) -> bool:
    """Whether a task also gets its alternative: a share `explore` of them, by a hash of the run seed and the id."""
    drawn = hashlib.sha256(f"synthgen/explore/{config.seed}/{task_id}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") < config.explore * 2**64


def followed(named: PolicyConfig, taxonomy: Taxonomy, prompts: Mapping[str, str]) -> PolicyConfig:
    """A policy with what its file says. Raises ConfigError where it speaks of other categories, or of other prompts than the run's."""
    if not named.file:
        for category, (strategy, _) in named.choices.items():
            check_choice("the config key policy", category, strategy, taxonomy, prompts)
        return named
    found = policy.load(Path(named.file))
    names = {*found.teacher.categories, *(found.student.categories if found.student else ())}
    choices = {name: choice for name in sorted(names) if (choice := found.strategy(name)) is not None}
    for category, (strategy, _) in choices.items():
        check_choice(f"the policy {named.file}", category, strategy, taxonomy, prompts)
        if found.prompts.get(strategy) != prompts.get(f"strategies/{strategy}"):
            raise ConfigError(
                f"the policy {named.file} was measured with another prompt of {strategy} than this run has; tune it again, or "
                "take the prompts it was measured with"
            )
    return named.model_copy(update={"choices": choices, "origin": origin(found)})


def check_choice(where: str, category: str, strategy: str, taxonomy: Taxonomy, prompts: Mapping[str, str]) -> None:
    """Raise ConfigError for a choice that cannot be followed."""
    if category not in taxonomy.categories:
        raise ConfigError(f"{where} has a category {category}, which the taxonomy has not; tune it again")
    if f"strategies/{strategy}" not in prompts:
        raise ConfigError(f"{where} chooses {strategy} for {category}, which has no prompt; tune it again")


def origin(found: Policy) -> str:
    """What a policy was measured on, in words."""
    part = found.student or found.teacher
    items = sum(found.sources.values())
    return f"measured with {part.model} over {items} items with known answers ({found.items[:12]})"
