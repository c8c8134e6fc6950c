"""The dataset folder: built beside the old one, searched for strategy text, and put in its place whole."""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthgen import jsonl
from synthgen.config import GENERIC, RunConfig
from synthgen.errors import storage
from synthgen.export import card, facts, gate, rows
from synthgen.export.parquet import SCHEMAS, write_split
from synthgen.export.rows import Ancestry, Origin, Row, Voice
from synthgen.prompts import Prompts
from synthgen.records import Answer, Instruction, Judged, Pair, Record, Role, Seed, Side, Task
from synthgen.runs import RunDir
from synthgen.stages.pick import first, pick, scored
from synthgen.text.ngrams import Leaks

SPLITS: tuple[Side, ...] = ("train", "test")


@dataclass(frozen=True, slots=True)
class Finished:
    """A task at the end of the line, with everything known of it."""

    task: Task
    ancestry: Ancestry | None
    """None for a prompt that was given."""
    answers: tuple[Answer, ...]
    verdicts: Mapping[str, Judged]
    picked: Answer | None
    pair: Pair | None


@dataclass(frozen=True, slots=True)
class Export:
    """What the rows of a run are made from."""

    run: RunDir
    config: RunConfig
    seeds: tuple[Seed, ...]
    sides: Mapping[str, Side]
    voice: Voice
    origin: Origin

    def rows(self, name: str) -> Callable[[Side], Iterator[Row]]:
        """The rows of one config, for a side."""
        made: dict[str, Callable[[Side], Iterator[Row]]] = {
            "sft": self.sft,
            "sft_messages": lambda side: map(rows.as_messages, self.sft(side)),
            "dpo": self.dpo,
            "kto": self.kto,
        }
        return made[name]

    def sft(self, side: Side) -> Iterator[Row]:
        """Seeds first, then the picked answer of each task."""
        if self.config.include_seeds:
            for seed in self.seeds:
                if self.sides[seed.id] == side:
                    yield from (
                        rows.seed_sft(seed, number, self.voice, self.origin) for number in range(len(seed.instances))
                    )
        for one in self.finished(side):
            if one.picked is not None:
                yield rows.sft(one.task, one.picked, self.voice, self.about(one))

    def dpo(self, side: Side) -> Iterator[Row]:
        """One row for each pair."""
        for one in self.finished(side):
            if one.pair is not None:
                answers = {answer.id: answer for answer in one.answers}
                yield rows.dpo(one.task, one.pair, answers, self.voice, self.about(one))

    def kto(self, side: Side) -> Iterator[Row]:
        """The clearly good and the clearly bad answers."""
        mean, floor = self.config.pick_mean, self.config.pick_floor
        for one in self.finished(side):
            yield from rows.kto(
                one.task, one.answers, one.verdicts, self.voice, self.about(one), mean=mean, floor=floor
            )

    def about(self, one: Finished) -> dict[str, Any]:
        """The metadata of a task's rows."""
        return rows.metadata(one.task, one.ancestry, self.origin, one.verdicts)

    def finished(self, side: Side) -> Iterator[Finished]:
        """Every task of a side that went the whole line, in order."""
        ancestry = {one["id"]: ancestry_of(one) for one in jsonl.rows(self.run.accepted("instructions"))}
        for task, answers, verdicts, pair in zip_line(self.run, judged=self.config.judged):
            if task.side == side:
                by_id = {verdict.id: verdict for verdict in verdicts}
                if self.config.judged:
                    best = pick(scored(answers, verdicts), self.config)
                    picked = best.answer if best else None
                else:
                    picked = first(answers)
                yield Finished(task, ancestry.get(task.parent), tuple(answers), by_id, picked, pair)


def ancestry_of(row: Mapping[str, Any]) -> Ancestry:
    """What a task inherits from its instruction's row."""
    one = Instruction.model_validate(jsonl.bare(dict(row)))
    return Ancestry(one.parents, one.nearest.id, one.nearest.score, one.call)


def zip_line(run: RunDir, *, judged: bool) -> Iterator[tuple[Task, list[Answer], list[Judged], Pair | None]]:
    """Tasks with what the later stages made of them: files in one order, so a join is a zip.

    Ends where the last stage has not committed yet.
    """
    last = "pairs" if judged else "answers"
    whole = committed(run, last)
    answers = ahead(run.accepted("answers"), Answer)
    verdicts = ahead(run.accepted("judged"), Judged)
    pairs = ahead(run.accepted("pairs"), Pair)
    for number, task in enumerate(jsonl.records(run.accepted("tasks"), Task)):
        if number >= whole:
            return
        found = pairs(number) if judged else []
        yield task, answers(number), verdicts(number) if judged else [], found[0] if found else None


def ahead(path: Path, kind: type[Any]) -> Callable[[int], list[Any]]:
    """A reader that gives the records of commit after commit."""
    source = jsonl.rows(path)
    held: list[dict[str, Any] | None] = [next(source, None)]

    def take(number: int) -> list[Record]:
        taken = []
        while held[0] is not None and held[0]["commit"] == number:
            taken.append(kind.model_validate(jsonl.bare(held[0])))
            held[0] = next(source, None)
        return taken

    return take


def committed(run: RunDir, name: str) -> int:
    """How many whole commits a stage has made."""
    with run.journal(name) as journal:
        return journal.committed


def write_run(
    run: RunDir,
    config: RunConfig,
    prompts: Prompts,
    seeds: tuple[Seed, ...],
    sides: Mapping[str, Side],
    models: Mapping[Role, str],
) -> dict[str, dict[str, int]]:
    """Write the dataset folder of a run; config to split to rows. No rows, no folder.

    Raises LeakError, and leaves the old folder as it was, where strategy text stands in anything written.
    """
    voice = Voice(
        prompts.text(GENERIC) if config.system == "generic" else None,
        None if config.erase else prompts.strategies,
    )
    judge = models["judge"] if config.judged else ""
    export = Export(run, config, seeds, sides, voice, Origin(models["answer"], judge, config.rehearsed))
    recover(run.dataset)
    new = run.path / ".dataset.new"
    shutil.rmtree(new, ignore_errors=True)
    try:
        counts = build(new, export)
        if counts:
            gate.search(new, Leaks(prompts.imposed(config.strategy)), erased=config.erase)
            swap(new, run.dataset)
        else:
            shutil.rmtree(run.dataset, ignore_errors=True)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return counts


def build(folder: Path, export: Export) -> dict[str, dict[str, int]]:
    """Write every config and the card into a new folder; config to split to rows, only those that have some."""
    counts = {name: write_config(folder, name, export) for name in SCHEMAS}
    counts = {name: splits for name, splits in counts.items() if splits}
    if counts:
        with storage(folder):
            digests = {name: digest(folder / name) for name in counts}
            (folder / "README.md").write_text(card.card(facts_of(export, counts, digests)), encoding="utf-8")
    return counts


def digest(folder: Path) -> str:
    """SHA-256 of a folder's Parquet files, in order of name."""
    whole = hashlib.sha256()
    for path in sorted(folder.glob("*.parquet")):
        with path.open("rb") as handle:
            whole.update(hashlib.file_digest(handle, "sha256").digest())
    return whole.hexdigest()


def facts_of(export: Export, counts: Mapping[str, Mapping[str, int]], digests: Mapping[str, str]) -> card.Facts:
    """What the card says of a run."""
    config = export.config
    counted = facts.count(row for side in SPLITS for row in export.sft(side))
    return card.Facts(
        license=config.license,
        languages=counted.languages,
        rehearsal=config.rehearsed,
        teacher=export.origin.teacher,
        judge=export.origin.judge,
        rows=counts,
        digests=digests,
        funnel=facts.funnel(export.run, config),
        marks=facts.marks(export.run) if config.judged else {},
        strategies=counted.strategies,
        categories=counted.categories,
        split_rule=facts.split_rule(config, export.sides),
        erased=config.erase,
        samples=config.samples,
        strategy=config.strategy,
        digest=config.digest,
        words=counted.words,
        over=counted.over,
    )


def write_config(folder: Path, name: str, export: Export) -> dict[str, int]:
    """Write one config; split to rows, only those that have some."""
    made = export.rows(name)
    counts = {split: write_split(folder, name, split, made(split)) for split in SPLITS}
    return {split: count for split, count in counts.items() if count}


def swap(new: Path, old: Path) -> None:
    """Put a folder in another's place. A kill in between leaves the old one under a name that `recover` knows."""
    aside = old.with_name(".dataset.old")
    with storage(old):
        shutil.rmtree(aside, ignore_errors=True)
        if old.exists():
            old.rename(aside)
        new.rename(old)
        shutil.rmtree(aside, ignore_errors=True)


def recover(folder: Path) -> None:
    """After a kill in the middle of a swap: put the old folder back."""
    aside = folder.with_name(".dataset.old")
    if aside.exists() and not folder.exists():
        with storage(folder):
            aside.rename(folder)
