"""A dataset folder under every trainer that takes it: what is kept of its rows, a few steps, and what is wrong, in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthgen.trainers import tiny
from synthgen.trainers.look import Looked, longest, look
from synthgen.trainers.rows import Row, configs, read, said
from synthgen.trainers.template import marks_assistant
from synthgen.trainers.train import Trained, fault, train
from synthgen.trainers.ways import BATCH, WAYS, Setting, make

SHOWN = 5
"""Ids that a line names."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One config under one trainer."""

    config: str
    way: str
    rows: int
    looked: Looked | None = None
    """None where the trainer refused the rows altogether."""
    trained: Trained | None = None
    """None where there was nothing to train on."""
    refused: str = ""
    """What the trainer said to that, or in the middle of training."""


def local(folder: Path, most: int) -> Any:
    """A tokenizer made of the folder's own texts, for want of one of a model."""
    return tiny.tokenizer(
        text for config in configs(folder) for row in read(folder, config, most) for text in said(row)
    )


def check(folder: Path, setting: Setting, most: int) -> Iterator[Outcome]:
    """Every config of a folder under each trainer for it, the first `most` rows of each; 0 for all.

    What the chat template alone forbids is left out: it says nothing of the rows.
    """
    unfit = () if marks_assistant(setting.tokenizer) else ("sft-assistant",)
    for config in configs(folder):
        rows = read(folder, config, most)
        for way in WAYS[config]:
            if way not in unfit:
                yield under(config, way, rows, setting)


def under(config: str, way: str, rows: Sequence[Row], setting: Setting) -> Outcome:
    """Rows under one trainer. A trainer may refuse rows with any exception, and then that is what there is to tell."""
    looked = None
    try:
        trainer = make(way, rows, setting)
        looked = look(way, trainer, rows, setting)
        chosen = shortest(trainer, rows, setting.steps * BATCH)
        trained = train(make(way, chosen, setting)) if chosen and setting.steps else None
    except Exception as error:  # noqa: BLE001
        why = " ".join(f"{type(error).__name__}: {error}".split())
        return Outcome(config, way, len(rows), looked, refused=why)
    return Outcome(config, way, len(rows), looked, trained)


def shortest(trainer: Any, rows: Sequence[Row], most: int) -> list[Row]:
    """The shortest of the rows that a trainer kept, in their order: steps over long ones would take a processor minutes."""
    lengths = {row["id"]: longest(row) or sum(map(len, said(row))) for row in trainer.train_dataset}
    chosen = set(sorted(lengths, key=lambda identity: (lengths[identity], identity))[:most])
    return [row for row in rows if row["id"] in chosen]


def faults(one: Outcome) -> Iterator[str]:
    """What is wrong with an outcome, a sentence each, with the rows' ids."""
    if one.refused:
        yield f"the trainer refuses the rows: {one.refused}"
    if one.looked is not None:
        gone = set(one.looked.cut)
        endless = tuple(identity for identity in one.looked.endless if identity not in gone)
        for ids, what in (
            (one.looked.dropped, "would be dropped without a word"),
            (one.looked.cut, "would be cut before they end"),
            (one.looked.unsupervised, "would teach nothing"),
            (endless, "would not teach where an answer ends"),
        ):
            if ids:
                yield f"{len(ids)} of {one.rows} rows {what}: {named(ids)}"
    if one.trained is not None and (wrong := fault(one.way, one.trained)):
        yield wrong


def named(ids: Sequence[str]) -> str:
    """The first ids, and how many more there are."""
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return ", ".join(ids[:SHOWN]) + more


def in_words(one: Outcome) -> str:
    """A line of the table."""
    place = f"{one.config:<13} {one.way:<14}"
    if one.looked is None:
        return f"{place} refused"
    learned = f", {one.looked.tokens:,} tokens learned, {one.looked.ended:.1%} to the end" if one.way != "grpo" else ""
    losses = one.trained.losses if one.trained is not None else ()
    steps = f", loss {losses[0]:.4f} to {losses[-1]:.4f}" if losses else ""
    return f"{place} {one.looked.kept:,} of {one.rows:,} rows kept{learned}{steps}"
