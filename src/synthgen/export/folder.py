"""The dataset folder: built beside the old one, searched for strategy text, and put in its place whole."""

import hashlib
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path

import orjson

from synthgen import jsonl
from synthgen.config import GENERIC, RunConfig
from synthgen.errors import storage
from synthgen.export import card, contract, facts, gate, plots, rl, rows, splits, thoughts, training
from synthgen.export.counting import Counting
from synthgen.export.facts import Facts, Model
from synthgen.export.formats.writing import Formats, told
from synthgen.export.joined import changed, zip_line
from synthgen.export.lengths import Charged
from synthgen.export.parquet import Files
from synthgen.export.refused import Refused
from synthgen.export.rows import Ancestry, Origin, Row, Voice
from synthgen.export.tally import Counted, Tally, charges
from synthgen.export.thoughts import Thoughts
from synthgen.prompts import Prompts
from synthgen.records import Answer, Instruction, Judged, Pair, Role, Seed, Side, Task
from synthgen.runs import RunDir
from synthgen.stages.pick import first, pick, scored
from synthgen.text.ngrams import Leaks

SPLITS: tuple[Side, ...] = ("train", "test")
Further = Mapping[str, Collection[str]]
"""Config to the further fields of its messages and rows."""
PROOF = "erasure.json"
"""What was searched for strategy text, beside the card."""


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
    thoughts: Thoughts
    places: splits.Places
    models: tuple[Model, ...] = ()
    charged: dict[str, Charged] = field(default_factory=dict)
    """What the endpoint charged for the answers of the task whose rows are going by."""

    def rows(self) -> Iterator[tuple[str, Side, Row]]:
        """(config, side, row) of every row: seeds first, then what came of each task that went the whole line, in order."""
        for config, side, row in chain(self.of_seeds(), chain.from_iterable(map(self.of_task, self.finished()))):
            yield config, side, row
            if config == "sft":
                yield "sft_messages", side, rows.as_messages(row)

    def of_seeds(self) -> Iterator[tuple[str, Side, Row]]:
        """The seeds' own rows, if they are wanted."""
        for seed in self.seeds if self.config.include_seeds else ():
            for number in range(len(seed.instances)):
                yield "sft", self.sides[seed.id], rows.seed_sft(seed, number, self.voice, self.origin)

    def of_task(self, one: Finished) -> Iterator[tuple[str, Side, Row]]:
        """The picked answer of a task, its pair, its clearly good and clearly bad answers, and its truth if it has one."""
        self.charged.clear()
        self.charged.update(charges(one.answers))
        about = rows.metadata(one.task, one.ancestry, self.origin, one.verdicts)
        shown = partial(self.thoughts.shown, one.task)
        place = self.places.of(one.task, picked=one.picked is not None, paired=one.pair is not None)
        if one.picked is not None and place != "preference":
            yield "sft", one.task.side, rows.sft(one.task, shown(one.picked), self.voice, about)
        if one.pair is not None and place != "sft":
            answers = {answer.id: answer for answer in one.answers}
            answers = self.thoughts.both(one.task, answers[one.pair.chosen], answers[one.pair.rejected])
            yield "dpo", one.task.side, rows.dpo(one.task, one.pair, answers, self.voice, about)
        mean, floor = self.config.pick_mean, self.config.pick_floor
        judged = one.answers if place != "sft" else ()
        for row in rows.kto(one.task, judged, one.verdicts, self.voice, about, mean=mean, floor=floor, shown=shown):
            yield "kto", one.task.side, row
        measured = rl.measure(one.task, one.answers)
        if measured is not None and measured.between(self.config.rl_minimum):
            yield "rl", one.task.side, rl.row(one.task, measured, self.voice, about)

    def finished(self) -> Iterator[Finished]:
        """Every task that went the whole line, in order."""
        instructions = jsonl.records(self.run.accepted("instructions"), Instruction)
        instruction: Instruction | None = None
        for task, answers, verdicts, pair in zip_line(self.run, judged=self.config.judged):
            while not self.config.strategy and (instruction is None or instruction.id != task.parent):
                instruction = next(instructions, None)
                if instruction is None:
                    raise changed(self.run.accepted("tasks"), task.id)
            by_id = {verdict.id: verdict for verdict in verdicts}
            if self.config.judged:
                best = pick(scored(answers, verdicts), self.config)
                picked = best.answer if best else None
            else:
                picked = first(answers)
            ancestry = Ancestry.of(instruction) if instruction is not None else None
            yield Finished(task, ancestry, tuple(answers), by_id, picked, pair)


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
        prompts.text(GENERIC) if config.system != "none" else None,
        None if config.erase else prompts.strategies,
        config.system == "mix",
    )
    judge = models["judge"] if config.judged else ""
    leaks, places = Leaks(prompts.imposed(config.strategy)), splits.Places(apart=config.dpo_prompts == "disjoint")
    origin, thought = Origin(models["answer"], judge, config.rehearsed), Thoughts(config.reasoning, leaks)
    export = Export(run, config, seeds, sides, voice, origin, thought, places, facts.models(run, config, models))
    recover(run.dataset)
    new = run.path / ".dataset.new"
    shutil.rmtree(new, ignore_errors=True)
    try:
        counts = build(new, export, leaks)
        if counts:
            swap(new, run.dataset)
        else:
            shutil.rmtree(run.dataset, ignore_errors=True)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return counts


def build(folder: Path, export: Export, leaks: Leaks) -> dict[str, dict[str, int]]:
    """Write every config, search it, and write what was searched and the card; config to split to rows, where there are some."""
    tally = Tally(Counting.of(export.run, export.config))
    further = thoughts.further(export.config.reasoning, export.run.accepted("answers"))
    refused = Refused(export.run.rejected("export"))
    with refused:
        given = counted(sound(export, refused), tally, export.charged)
        counts = fill(folder, given, export.config.formats, further)
    if counts:
        with storage(folder):
            training.write(folder, counts)
            digests = {name: digest(folder / name) for name in counts}
            found = gate.search(folder, leaks, export.voice)
            proof = found.model_copy(update={"reasoning": export.thoughts.told()})
            known = facts_of(folder, export, tally.counted(), counts, digests, proof)
            text = card.card(known, plots.write(folder, known, known.marks))
            gate.search_card(text, leaks)
            (folder / "README.md").write_text(text, encoding="utf-8")
            (folder / PROOF).write_bytes(
                orjson.dumps(proof.model_dump(exclude_none=True), option=orjson.OPT_INDENT_2) + b"\n"
            )
    refused.place(rows=bool(counts))
    return counts


def sound(export: Export, refused: Refused) -> Iterator[tuple[str, Side, Row]]:
    """The rows that may be trained on; the others are told with their reason."""
    apart = splits.Apart(export.config.novelty_threshold) if splits.divided(export.config, export.sides) else None
    why = ""
    for config, side, row in export.rows():
        if config != "sft_messages":  # the texts of the row before, once more
            why = contract.fault(config, row)
            near = apart.near(side, row) if apart is not None and not why else None
            if near is not None:
                why = splits.ACROSS
            if why:
                refused.put(config, row, why, near.id if near is not None else "")
        if not why:
            yield config, side, row


def counted(
    given: Iterator[tuple[str, Side, Row]], tally: Tally, charged: Mapping[str, Charged]
) -> Iterator[tuple[str, Side, Row]]:
    """The same rows, counted for the card."""
    for config, side, row in given:
        if config == "sft":
            tally.take(row, charged)
        if config == "dpo":
            tally.take_pair(row, charged)
        if config == "rl":
            tally.take_checked(row)
        yield config, side, row


def fill(
    folder: Path, given: Iterator[tuple[str, Side, Row]], formats: Sequence[str], further: Further
) -> dict[str, dict[str, int]]:
    """Write rows as Parquet and in every further shape; config to split to rows, where there are some."""
    with Files(folder, further) as files, Formats(folder, formats) as shapes:
        for config, side, row in given:
            files.put(config, side, row)
            shapes.put(config, side, row)
    return files.counts(SPLITS)


def digest(folder: Path) -> str:
    """SHA-256 of a folder's Parquet files, in order of name."""
    whole = hashlib.sha256()
    for path in sorted(folder.glob("*.parquet")):
        with path.open("rb") as handle:
            whole.update(hashlib.file_digest(handle, "sha256").digest())
    return whole.hexdigest()


def facts_of(
    folder: Path,
    export: Export,
    counted: Counted,
    counts: Mapping[str, Mapping[str, int]],
    digests: Mapping[str, str],
    proof: gate.Proof,
) -> Facts:
    """What the card says of a run, with what stands ready in its folder."""
    config = export.config
    return Facts(
        license=config.license,
        seeds_license=config.seeds_license,
        teacher_terms=config.teacher_terms,
        models=export.models,
        version=facts.VERSION,
        prompts=facts.prompts_digest(config),
        looked=facts.looked(export.run, config),
        training=facts.training(folder),
        formats=told(folder),
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
        checks=counted.checks,
        minimum=config.rl_minimum,
        split_rule=facts.split_rule(config, export.sides) + splits.told(config, export.sides),
        erased=config.erase,
        system=config.system,
        message=export.voice.generic or "",
        proof=proof,
        samples=config.samples,
        policy=facts.policy(config),
        strategy=config.strategy,
        digest=config.digest,
        lengths=counted.lengths,
        human=counted.human,
    )


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
