"""Which rows of a run take part, what is true of their tasks, and the same rows with the answers at other prompts."""

import hashlib
from random import Random
from typing import TYPE_CHECKING, Any

from synthgen.rehearsal.answers import solved

if TYPE_CHECKING:
    from datasets import Dataset

SHORT = 120
"""Characters of an answer, at most: a model this small learns no longer one within minutes."""
ANNOUNCED = ("So the answer is ", "所以答案是")
"""What the rehearsal writes before an outcome, unless the outcome is the whole answer."""
APART = 26
"""Of 256: the share of the train side's lineages that a recipe is chosen on."""
Row = dict[str, Any]


def kind_and_outcome(row: Row) -> tuple[str, str]:
    """The kind of a row's task and its one right outcome, by the rehearsal's solvers; ("", "") for writing and for the human seeds."""
    known = solved(row["prompt"][-1]["content"])
    return (known[0].kind, known[1].right) if known is not None and not known[1].required else ("", "")


def stated(answer: str) -> str:
    """The outcome that an answer states: what stands after the last of the words that announce it, else all of it.

    >>> stated("From tide one gets to harbour without a detour. So the answer is urgent")
    'urgent'
    """
    for mark in ANNOUNCED:
        answer = answer.rpartition(mark)[2]
    return answer.strip()


def taken(row: Row) -> bool:
    """Whether a row takes part: a task with one right outcome, and short answers."""
    answers = (row[name][0]["content"] for name in ("completion", "chosen", "rejected") if name in row)
    return bool(kind_and_outcome(row)[1]) and all(len(answer) <= SHORT for answer in answers)


def apart(row: Row) -> bool:
    """Whether a train row belongs to the lineages that a recipe is chosen on."""
    return hashlib.sha256(row["root_id"].encode()).digest()[0] < APART


def opened(dataset: str, cache: str, config: str, *, choose: bool) -> "tuple[Dataset, Dataset]":
    """(what is trained on, what is measured on) of one config: the two sides, or two parts of the train side."""
    from datasets import load_dataset

    parts = load_dataset(dataset, config, cache_dir=cache).filter(taken)
    train = parts["train"]
    return (train.filter(lambda row: not apart(row)), train.filter(apart)) if choose else (train, parts["test"])


def deranged(count: int, seed: int) -> list[int]:
    """A permutation that leaves nothing in its place: one random cycle."""
    order = Random(f"shuffled/{seed}").sample(range(count), count)
    found = [0] * count
    for place, other in zip(order, order[1:] + order[:1], strict=True):
        found[place] = other
    return found


def shuffled(rows: "Dataset", seed: int) -> "Dataset":
    """The same rows with every completion at another prompt."""
    completions = rows["completion"][:]
    moved = [completions[place] for place in deranged(len(rows), seed)]
    return rows.remove_columns("completion").add_column("completion", moved, feature=rows.features["completion"])
