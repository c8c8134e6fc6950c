"""Dedup and decontaminate as commands of their own: any file, any field, order kept, a reason for each rejection."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from synthgen import rowfiles
from synthgen.config import Mode, SemanticConfig
from synthgen.errors import InputError
from synthgen.records import Nearest
from synthgen.rowfiles import MISSING, Chunk, Writer
from synthgen.stages.decontaminate import benchmark_items, tokenizer
from synthgen.stages.grow import semantic as meanings
from synthgen.teacher import embeddings
from synthgen.teacher.ledger import Ledger
from synthgen.teacher.meter import Meter
from synthgen.teacher.terms import Terms
from synthgen.text.contamination import RULES, Contamination, Rule
from synthgen.text.duplicates import Duplicates, Text
from synthgen.text.tokens import unicode_tokens

MOST_TOKENS = 100_000
"""Tokens of the longest text that is compared."""
NOT_COMPARED = SemanticConfig()
SHOWN = 300
"""Characters of the neighbour's text in a rejection."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a row is rejected."""

    reason: str
    nearest: Nearest | None = None
    evidence: Mapping[str, Any] | None = None


Embed = Callable[[Sequence[str]], Sequence[Any]]
"""Texts to their vectors, None for one that has none."""
Judge = Callable[[list[tuple[str, str]]], list[Verdict | None]]
"""(id, text) of some rows to their verdicts, None for rows that are kept; called in the rows' order."""


class Dedup:
    """Verdicts on rows that repeat one that was kept before. `embed` gives vectors where meaning is compared."""

    def __init__(self, pool: Duplicates, embed: Embed | None = None) -> None:
        self.pool, self.embed = pool, embed

    def admit(self, batch: list[tuple[str, str]]) -> None:
        """Take texts in without a question."""
        for one in self._texts(batch):
            self.pool.admit(one)

    def _texts(self, batch: list[tuple[str, str]]) -> list[Text]:
        vectors = self.embed([text for _, text in batch]) if self.embed is not None else [None] * len(batch)
        return [self.pool.text(name, text, vector) for (name, text), vector in zip(batch, vectors, strict=True)]

    def __call__(self, batch: list[tuple[str, str]]) -> list[Verdict | None]:
        """The verdicts of a batch, as if its rows came one by one."""
        found = iter(self.pool.decide(self._texts([one for one in batch if self.pool.parity or one[1].strip()])))
        verdicts: list[Verdict | None] = []
        for _, text in batch:
            if not self.pool.parity and not text.strip():
                verdicts.append(Verdict("empty"))
                continue
            repeat = next(found)
            verdicts.append(Verdict(repeat.reason, repeat.nearest) if repeat is not None else None)
        return verdicts


def pool_of(threshold: float, mode: Mode, fuzzy: float | None, semantic: float) -> Duplicates:
    """An empty pool. In parity mode ROUGE-L is the only rule, unless others are given."""
    share = (0.9 if mode == "default" else 0.0) if fuzzy is None else fuzzy
    for name, given, least in (
        ("--threshold", threshold, 1e-9),
        ("--fuzzy", share, 0.0),
        ("--semantic", semantic, 0.0),
    ):
        if not least <= given <= 1:
            raise InputError(f"{name} lies between 0 and 1, {given:g} does not")
    return Duplicates(threshold, share, parity=mode == "parity", semantic=meanings(semantic))


@contextmanager
def embedding(config: SemanticConfig, ledger: Path | None) -> Iterator[Embed | None]:
    """What gives vectors, if meaning is compared; what is paid for is kept in `ledger`, if there is one."""
    if not config.threshold:
        yield None
        return
    chosen = embeddings.declared(config, os.environ)
    with (
        TemporaryDirectory(prefix="synthgen-") as folder,
        Ledger(ledger or Path(folder) / "ledger.sqlite") as book,
        asyncio.Runner() as runner,
    ):
        embedder = embeddings.Embeddings(chosen, os.environ, book, Meter(), {}, Terms())
        runner.run(embedder.__aenter__())
        try:
            yield lambda texts: runner.run(embedder.of(texts))
        finally:
            runner.run(embedder.__aexit__(None, None, None))


@dataclass(frozen=True, slots=True)
class Sorted:
    """What became of the rows."""

    kept: int
    rejected: Mapping[str, int]
    """Reason to count."""


def sort_rows(
    source: Path,
    field: str,
    judge: Judge,
    kept: Path,
    rejected: Path,
    progress: Callable[[str, int], None],
    texts: "Neighbours | None" = None,
) -> Sorted:
    """Write each row to `kept` as it was, or to `rejected` with its reason; neither file appears before both are whole.

    A rejection is `line, reason, nearest, evidence, row`; `nearest` has `line` (or `against:line`), `score` and `text`.
    Raises InputError for a file or a line that cannot be read, and where no row has the field.
    """
    if len({path.resolve() for path in (source, kept, rejected)}) < 3:
        raise InputError("--out, --rejected and the input must be three different files")
    reasons: Counter[str] = Counter()
    texts = texts or Neighbours()
    known = False
    with ExitStack() as stack:
        good, bad = (stack.enter_context(Writer(path)) for path in (kept, rejected))
        total = 0
        for file in rowfiles.files(source):
            for chunk in rowfiles.read(file):
                given = [rowfiles.value(row, field) for row in chunk.rows]
                known = known or any(one is not MISSING for one in given)
                verdicts = judged(chunk, given, judge, texts, file.name if source.is_dir() else "")
                places = [place for place, verdict in enumerate(verdicts) if verdict is None]
                good.take(chunk, places)
                bad.put(list(rejections(chunk, verdicts, texts)))
                reasons.update(verdict.reason for verdict in verdicts if verdict is not None)
                total += len(chunk.rows)
                progress("rows", total)
        if total and not known:
            fields = ", ".join(list(chunk.rows[0])[:12])
            raise InputError(f"no row of {source} has a field {field}; the first has {fields}")
        return Sorted(good.rows, dict(reasons.most_common()))


class Neighbours:
    """The beginnings of the texts that were kept, for the rejections that name them."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def note(self, identity: str, text: str) -> None:
        """Remember a text."""
        self._texts[identity] = text[:SHOWN]

    def shown(self, nearest: Nearest | None) -> dict[str, Any] | None:
        """A neighbour with its text."""
        if nearest is None:
            return None
        return {"line": nearest.id, "score": nearest.score, "text": self._texts.get(nearest.id, "")}


def judged(chunk: Chunk, given: list[Any], judge: Judge, texts: Neighbours, file: str) -> list[Verdict | None]:
    """A verdict for each row; what is no text is not judged."""
    verdicts: list[Verdict | None] = [unfit(one) for one in given]
    names = [f"{file}:{number}" if file else str(number) for number in chunk.numbers()]
    batch = [(name, one) for name, one, verdict in zip(names, given, verdicts, strict=True) if verdict is None]
    found = iter(judge(batch))
    for place, one in enumerate(given):
        if verdicts[place] is None:
            verdicts[place] = next(found)
            if verdicts[place] is None:
                texts.note(names[place], one)
    return verdicts


def unfit(given: Any) -> Verdict | None:
    """Why a value cannot be compared: nothing there, no string, or longer than anything that is compared."""
    if given is MISSING or given is None:
        return Verdict("no_field")
    if not isinstance(given, str):
        return Verdict("not_text", evidence={"type": type(given).__name__})
    if len(given) > MOST_TOKENS and len(unicode_tokens(given)) > MOST_TOKENS:
        return Verdict("too_long", evidence={"characters": len(given)})
    return None


def rejections(chunk: Chunk, verdicts: list[Verdict | None], texts: Neighbours) -> Iterator[Mapping[str, Any]]:
    """The lines of the rejected file."""
    for number, row, verdict in zip(chunk.numbers(), chunk.rows, verdicts, strict=True):
        if verdict is not None:
            yield {
                "line": number,
                "reason": verdict.reason,
                "nearest": texts.shown(verdict.nearest),
                "evidence": verdict.evidence,
                "row": row,
            }


def dedup(
    source: Path,
    field: str,
    kept: Path,
    rejected: Path,
    *,
    threshold: float = 0.7,
    mode: Mode = "default",
    fuzzy: float | None = None,
    semantic: SemanticConfig = NOT_COMPARED,
    ledger: Path | None = None,
    against: Path | None = None,
    progress: Callable[[str, int], None] = lambda _stage, _count: None,
) -> Sorted:
    """Drop what repeats an earlier row, or a row of `against`. Embeddings are kept in `ledger`, if there is one."""
    pool, texts = pool_of(threshold, mode, fuzzy, semantic.threshold), Neighbours()
    with embedding(semantic, ledger) as embed:
        judge = Dedup(pool, embed)
        if against is not None:
            for part in chunks(texts_of(against, field)):
                judge.admit([(f"against:{name}", text) for name, text in part])
                for name, text in part:
                    texts.note(f"against:{name}", text)
                progress("rows of --against", len(pool))
        return sort_rows(source, field, judge, kept, rejected, progress, texts)


def chunks(texts: Iterator[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """The same in lists."""
    while part := list(islice(texts, rowfiles.CHUNK)):
        yield part


def texts_of(path: Path, field: str) -> Iterator[tuple[str, str]]:
    """(line or file:line, text) of every row that has the field as text. Raises InputError where none has."""
    found = False
    for file in rowfiles.files(path):
        for chunk in rowfiles.read(file):
            for number, row in zip(chunk.numbers(), chunk.rows, strict=True):
                text = rowfiles.value(row, field)
                if isinstance(text, str):
                    found = True
                    yield (f"{file.name}:{number}" if path.is_dir() else str(number)), text
    if not found:
        raise InputError(f"no row of {path} has text in a field {field}")


def decontaminate(
    source: Path,
    field: str,
    against: Sequence[Path],
    rule: Rule,
    kept: Path,
    rejected: Path,
    *,
    against_field: str = "",
    tokens: Path | None = None,
    progress: Callable[[str, int], None] = lambda _stage, _count: None,
) -> tuple[Sorted, dict[str, dict[str, float]]]:
    """Drop what gives away an item of a benchmark; what became of the rows, and how much of each benchmark is touched."""
    if rule not in RULES:
        raise InputError(f"there is no rule {rule}; known: {', '.join(RULES)}")
    benchmarks = Contamination(benchmark_items(against, against_field), rule, tokenizer(tokens))
    progress("benchmark texts", len(benchmarks.items))

    def judge(batch: list[tuple[str, str]]) -> list[Verdict | None]:
        found = (benchmarks.find(text) for _, text in batch)
        return [Verdict("contaminated", evidence=one.told()) if one is not None else None for one in found]

    return sort_rows(source, field, judge, kept, rejected, progress), benchmarks.report()
