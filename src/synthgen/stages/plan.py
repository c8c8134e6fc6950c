"""Choose the reasoning strategy of a task (Orca 2, 2311.11045 section 3)."""

import hashlib

from synthgen.config import RunConfig

LABEL_STRATEGY = ("direct-answer", "explain-then-answer")
"""Strategy and alternative of a labelling task, whatever its subject, unless its category weighs options."""
WEIGHING = frozenset({"multiple-choice", "judgement"})


def plan(task_id: str, category: str, config: RunConfig, *, is_classification: bool) -> tuple[str, str]:
    """The strategy the policy chose, and the alternative if this task is one of those explored, else ""."""
    labelled = is_classification and category not in WEIGHING
    strategy, alternative = LABEL_STRATEGY if labelled else config.taxonomy.strategy(category)
    return strategy, alternative if explored(task_id, config) else ""


def explored(task_id: str, config: RunConfig) -> bool:
    """Whether a task also gets its alternative: a share `explore` of them, by a hash of the run seed and the id."""
    drawn = hashlib.sha256(f"synthgen/explore/{config.seed}/{task_id}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") < config.explore * 2**64
