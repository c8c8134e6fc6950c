"""The dataset folder: built beside the old one, searched for strategy text, and put in its place whole."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq

from synthgen import jsonl
from synthgen.config import RunConfig
from synthgen.errors import SynthgenError, storage
from synthgen.export import card, rows
from synthgen.export.parquet import SCHEMAS, write_split
from synthgen.export.rows import Ancestry, Origin, Row, Voice
from synthgen.prompts import Prompts
from synthgen.records import Answer, Instruction, Judged, Pair, Record, Role, Seed, Side, Task
from synthgen.runs import RunDir
from synthgen.stages.pick import first, pick, scored
from synthgen.text.ngrams import Leaks

SPLITS: tuple[Side, ...] = ("train", "test")
CHARACTERS_PER_TOKEN = 4


class LeakError(SynthgenError):
    """Strategy text stands in the dataset."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A task at the end of the line, with everything known of it."""

    task: Task
    ancestry: Ancestry
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
                    yield from (rows.seed_sft(seed, number, self.voice) for number in range(len(seed.instances)))
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
                yield Finished(task, ancestry[task.parent], tuple(answers), by_id, picked, pair)


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
        prompts.text("system_generic") if config.system == "generic" else None,
        None if config.erase else prompts.strategies,
    )
    judge = models["judge"] if config.judged else ""
    export = Export(run, config, seeds, sides, voice, Origin(models["answer"], judge, config.rehearsed))
    new = run.path / ".dataset.new"
    recover(run.dataset)
    shutil.rmtree(new, ignore_errors=True)
    counts = {name: write_config(new, name, export) for name in SCHEMAS}
    counts = {name: splits for name, splits in counts.items() if splits}
    if not counts:
        return {}
    text = card.card(facts(export, counts))
    with storage(new):
        (new / "README.md").write_text(text, encoding="utf-8")
    search(new, text, Leaks(prompts.strategies), erased=config.erase)
    swap(new, run.dataset)
    return counts


def write_config(folder: Path, name: str, export: Export) -> dict[str, int]:
    """Write one config; split to rows, only those that have some."""
    made = export.rows(name)
    counts = {split: write_split(folder, name, split, made(split)) for split in SPLITS}
    return {split: count for split, count in counts.items() if count}


def search(folder: Path, text: str, leaks: Leaks, *, erased: bool) -> None:
    """Look for strategy text in every string of every file. What stands in a row's own task is excepted."""
    found = leaks.find(text)
    if found is not None:
        raise LeakError(
            f'the dataset card quotes a strategy prompt: "{found}"; reword the prompt or what the card is made of'
        )
    for path in sorted(folder.rglob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(batch_size=500):
            for row in batch.to_pylist():
                search_row(path.parent.name, row, leaks, erased=erased)


def search_row(config: str, row: Row, leaks: Leaks, *, erased: bool) -> None:
    """Look for strategy text in one row."""
    said = [message for value in row.values() if isinstance(value, list) for message in value]
    task = "\n".join(message["content"] for message in said if message["role"] == "user")
    texts = [value for value in row.values() if isinstance(value, str)]
    texts += [m["content"] for m in said if m["role"] == "assistant" or (m["role"] == "system" and erased)]
    for text in texts:
        found = leaks.find(text, allowed=task)
        if found is not None:
            raise LeakError(f'row {row["id"]} of {config} quotes a strategy prompt: "{found}"; nothing was exported')


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
        aside.rename(folder)


def facts(export: Export, counts: Mapping[str, Mapping[str, int]]) -> card.Facts:
    """What the card says, counted from the rows."""
    strategies: Counter[str] = Counter()
    categories: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    words: list[int] = []
    tokens: list[int] = []
    for side in SPLITS:
        for row in export.sft(side):
            strategies[row["strategy"]] += 1
            categories[row["category"]] += 1
            languages[str(orjson.loads(row["metadata_json"]).get("language", ""))] += 1
            text = row["completion"][0]["content"]
            words.append(len(text.split()))
            tokens.append((len(text) + sum(len(m["content"]) for m in row["prompt"])) // CHARACTERS_PER_TOKEN)
    words.sort()
    config = export.config
    return card.Facts(
        license=config.license,
        languages=tuple(sorted(code for code in languages if len(code) == 2)),
        rehearsal=config.rehearsed,
        teacher=export.origin.teacher,
        judge=export.origin.judge,
        rows=counts,
        funnel=funnel(export.run, config),
        strategies=dict(sorted(strategies.items())),
        categories=dict(sorted(categories.items())),
        split_rule=split_rule(export),
        erased=config.erase,
        samples=config.samples,
        digest=config.digest,
        words=(words[len(words) // 2], words[len(words) * 9 // 10], words[-1]) if words else (0, 0, 0),
        over=(share(tokens, 1024), share(tokens, 2048)),
    )


def share(values: list[int], limit: int) -> float:
    """Share of the values above a limit."""
    return sum(value > limit for value in values) / len(values) if values else 0.0


def funnel(run: RunDir, config: RunConfig) -> dict[str, int]:
    """How many there were at each step of the line."""
    steps = {"seed tasks": len(config.seeds), "instructions rejected": lines(run.rejected("grow"))}
    steps["instructions accepted"] = lines(run.accepted("instructions"))
    steps["tasks after inspection"] = lines(run.accepted("tasks"))
    steps["usable answers"] = lines(run.accepted("answers"))
    if config.judged:
        steps |= {"answers judged": lines(run.accepted("judged")), "preference pairs": lines(run.accepted("pairs"))}
    return steps


def lines(path: Path) -> int:
    """Lines of a file of commits."""
    return sum(1 for _ in jsonl.rows(path))


def split_rule(export: Export) -> str:
    """How train and test are divided, or why there is no test."""
    test = sum(side == "test" for side in export.sides.values())
    if test:
        return (
            f"{test} of {len(export.seeds)} seeds form the test side, chosen by a hash of their ids before anything was "
            "generated. Demonstrations come from one side only, so every row's ancestors are on its own side; near-duplicates "
            "are screened across both."
        )
    if export.config.mode == "parity":
        return "There is no test split: in parity mode demonstrations are drawn from the whole pool."
    return f"There is no test split: {len(export.seeds)} seeds are fewer than the {export.config.test_from} it takes."
