"""What each rule of the screens dropped in a run, and what it would have dropped by itself.

Rules are asked in turn, so what one dropped hides what the next would have. Here each is asked alone, with the pool as it stood.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from synthgen import jsonl
from synthgen.config import RunConfig
from synthgen.runs import RunDir
from synthgen.text.duplicates import PART, RULES, alone

if TYPE_CHECKING:
    from synthgen.text.contamination import Contamination  # which loads numpy

ACCEPTED, CONTAMINATED = "accepted", "contaminated"
COMPARED = {*RULES, CONTAMINATED}
"""Why a proposal that was compared with the pool is rejected."""
NOVELTY = float(RunConfig.model_fields["novelty_threshold"].default)
FUZZY = float(RunConfig.model_fields["fuzzy"].default)
ANSWERS = float(RunConfig.model_fields["answer_threshold"].default)
"""At which a rule that is off is counted."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed text that came as far as the comparison with the pool."""

    id: str
    text: str
    was: str
    """`accepted`, or why it was rejected."""


def proposals(run: RunDir) -> Iterator[Proposal]:
    """Every proposal that was compared with the pool, in the order proposed."""
    with run.journal("instructions") as journal:
        for commit in journal.commits():
            found = [Proposal(row["id"], row["instruction"], ACCEPTED) for row in commit.rows("instructions")]
            found += [
                Proposal(row["id"], text_of(row), row["reason"])
                for row in commit.rows("grow")
                if row["reason"] in COMPARED
            ]
            yield from sorted(found, key=lambda one: int(one.id.rpartition("-")[2]))


def text_of(row: Mapping[str, Any]) -> str:
    """The text of a rejected line: its evidence, or what stands there beside the item that it gives away."""
    return str(orjson.loads(row["evidence"])["text"] if row["reason"] == CONTAMINATED else row["evidence"])


def counted(
    run: RunDir,
    config: RunConfig,
    seeds: Sequence[str],
    benchmarks: "Contamination | None",
    alike_answers: int | None,
) -> dict[str, dict[str, Any]]:
    """Of each rule: whether it is on, its threshold, what it dropped, and what it would have dropped by itself.

    `seeds` are their instructions. `alike_answers` is how many answers are nearly identical to an earlier one at the
    default threshold; None where that rule is on, and the files say what it dropped.
    """
    return of_proposals(list(proposals(run)), config, seeds, benchmarks) | of_answers(run, config, alike_answers)


def of_proposals(
    proposed: Sequence[Proposal], config: RunConfig, seeds: Sequence[str], benchmarks: "Contamination | None"
) -> dict[str, dict[str, Any]]:
    """The rules by which a proposal is compared with the pool and with the benchmarks."""
    parity = config.mode == "parity"
    rouge, novelty = config.novelty_threshold < 1, config.novelty_threshold
    fuzzy = config.fuzzy_threshold
    near, alike = novelty if rouge else NOVELTY, fuzzy or FUZZY
    texts, entered = [one.text for one in proposed], [one.was == ACCEPTED for one in proposed]
    by_itself = alone(seeds, texts, entered, near, alike, parity=parity)
    by_itself[CONTAMINATED] = sum(one.was == CONTAMINATED or gives_away(one, benchmarks) for one in proposed)
    settings: dict[str, tuple[bool, float | None]] = {
        "duplicate": (not parity, None),
        "near_duplicate": (rouge, near),
        "fuzzy_duplicate": (bool(fuzzy), alike),
        CONTAMINATED: (benchmarks is not None, None),
    }
    return {
        rule: told(on, threshold, sum(one.was == rule for one in proposed), by_itself[rule])
        for rule, (on, threshold) in settings.items()
    }


def of_meaning(
    run: RunDir, config: RunConfig, seeds: Sequence[str], vectors: Mapping[str, Any] | None
) -> dict[str, dict[str, Any]]:
    """The rule of meaning. Where it is off there are no vectors, and nobody knows what it would have dropped."""
    if vectors is None:
        return {}
    from synthgen.text.semantic import Semantic

    pool, by_itself = Semantic(config.semantic.threshold), 0
    pool.extend([(text, vectors[text]) for text in seeds])
    proposed = list(proposals(run))
    for first in range(0, len(proposed), PART):
        part = proposed[first : first + PART]
        near = pool.alike([vectors[one.text] for one in part])
        entered = [one.was == ACCEPTED for one in part]
        by_itself += sum(one.pool is not None or any(entered[other] for _, other in one.batch) for one in near)
        pool.extend([(one.id, vectors[one.text]) for one in part if one.was == ACCEPTED])
    dropped = sum(one.was == "semantic_duplicate" for one in proposed)
    return {"semantic_duplicate": told(True, config.semantic.threshold, dropped, by_itself)}


def gives_away(one: Proposal, benchmarks: "Contamination | None") -> bool:
    """Whether a duplicate gives an item away as well; what was accepted has been looked up, and does not."""
    return benchmarks is not None and one.was != ACCEPTED and benchmarks.find(one.text) is not None


def of_answers(run: RunDir, config: RunConfig, alike: int | None) -> dict[str, dict[str, Any]]:
    """The rules by which an answer is compared with earlier ones. The word-for-word rule is asked first: nothing hides it."""
    rows = [row for row in jsonl.rows(run.rejected("answer")) if row["reason"] in {"near_identical", "repeated_answer"}]
    repeated = [row["evidence"] for row in rows if row["reason"] == "repeated_answer"]
    near = len(rows) - len(repeated)
    on = alike is None
    by_itself = near + nearly_too(run, repeated) if alike is None else alike
    return {
        "near_identical": told(on, config.answer_threshold if on else ANSWERS, near, by_itself),
        "repeated_answer": told(config.answers_across, None, len(repeated), len(repeated)),
    }


def nearly_too(run: RunDir, repeated: Sequence[str]) -> int:
    """How many answers dropped as word for word that of another (its id) are nearly identical to it by the other rule.

    That is all of them but where the other one is a label's text, which that rule passes over.
    """
    if not repeated:
        return 0
    labelled = {row["id"] for row in jsonl.rows(run.accepted("tasks")) if row["intended_label"]}
    passed_over = {row["id"] for row in jsonl.rows(run.accepted("answers")) if row["task"] in labelled}
    return sum(one not in passed_over for one in repeated)


def told(on: bool, threshold: float | None, dropped: int, by_itself: int) -> dict[str, Any]:
    """One rule as the report has it."""
    return {"on": on, "threshold": threshold, "dropped": dropped, "alone": by_itself}
