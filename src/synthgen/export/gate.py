"""The erasure gate: nothing that leaves the program quotes a strategy prompt, and what was searched is told."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, Literal

import orjson

from synthgen.config import GENERIC
from synthgen.errors import ConfigError, SynthgenError
from synthgen.export.contract import OWN
from synthgen.export.rows import FURTHER_FIELDS, Voice
from synthgen.export.thoughts import Reasoning
from synthgen.records import Record
from synthgen.text.ngrams import Leaks

Message = Mapping[str, str | None]
Kind = Literal["neutral", "none", "strategy"]
"""What stands in the system message of a row."""
TRUTHS = ("ground_truth", "check_input", "checks_json", "reward_model", "extra_info")
"""Columns of `rl` that no model wrote under a strategy: the task's own input, and what a human, a program or a file states."""

SYSTEM_MESSAGE_OF = ("id", "strategy", "prompt", "messages")
"""Columns that hold it or say which it is to be."""


JSON = ("tools", "tool_calls")
"""A column and a field of messages that hold JSON as somebody else wrote it."""


class LeakError(SynthgenError):
    """Strategy text stands in the dataset, or a system message that does not belong there."""


class Proof(Record):
    """What was searched over the finished folder. It exists only where nothing was found."""

    strategy_prompts: int
    """How many prompts may have been sent, and are looked for."""
    patterns: int
    """Their different runs of eight words and shorter whole sentences."""
    rows: int
    strings: int
    """Texts that were searched: answers, system messages, every string of the other columns and of the metadata."""
    windows: int
    """Runs of eight words that were compared."""
    found: int = 0
    tasks: int
    """Rows whose own task, or human text, says what a strategy prompt says; there it is no leak."""
    system_messages: dict[str, dict[Kind, int]]
    """Config to rows by system message."""
    reasoning: Reasoning | None = None
    """What became of what was thought before the answers; None where nothing was."""


@dataclass(slots=True)
class Search:
    """A search under way."""

    leaks: Leaks
    voice: Voice
    rows: int = 0
    strings: int = 0
    windows: int = 0
    tasks: int = 0
    systems: dict[str, Counter[Kind]] = field(default_factory=lambda: defaultdict(Counter))

    def proof(self) -> Proof:
        """What was searched so far."""
        return Proof(
            strategy_prompts=self.leaks.prompts,
            patterns=len(self.leaks),
            rows=self.rows,
            strings=self.strings,
            windows=self.windows,
            tasks=self.tasks,
            system_messages={config: dict(sorted(kinds.items())) for config, kinds in self.systems.items()},
        )

    def take(self, config: str, row: Mapping[str, Any]) -> None:
        """Search one row. Raises LeakError for the first quotation, and for a system message that does not belong there.

        No quotation is what stands in the row's own task, what a human wrote and, where rows are not erased, the system message.
        """
        said = [message for value in row.values() if isinstance(value, list) for message in value]
        kind = kind_of(config, row, said, self.voice)
        self.rows += 1
        self.systems[config][kind] += 1
        if self.leaks:
            self._search(config, row, said, kind)

    def _search(self, config: str, row: Mapping[str, Any], said: list[Message], kind: Kind) -> None:
        """Look for quotations in every string of a row."""
        task = "\n".join(message["content"] or "" for message in said if message["role"] == "user")
        if row["source"] == "human":
            others = (message for message in said if message["role"] != "system")
            task = "\n".join([*chain.from_iterable(map(texts_in, others)), *texts_of(row)])
        unsearched = {"user", "system"} if kind == "strategy" else {"user"}
        written = [text for message in said if message["role"] not in unsearched for text in texts_in(message)]
        labels = list(texts_of(row))
        self.strings += len(written) + len(labels)
        for text in (*written, "\n".join(labels)):  # most labels are a word, so that they are looked through at once
            looked = self.leaks.look(text)
            self.windows += looked.windows
            if looked.quotations:
                self._allow(config, row, [text] if text in written else labels, task)
        self.tasks += bool(self.leaks.look(task).quotations)

    def _allow(self, config: str, row: Mapping[str, Any], texts: Iterable[str], task: str) -> None:
        """Raise LeakError unless all that texts quote stands in the row's own task."""
        found = next(filter(None, (self.leaks.find(text, allowed=task) for text in texts)), None)
        if found is not None:
            raise LeakError(
                f'row {row["id"]} of {config} quotes a strategy prompt: "{found}"; nothing was exported. '
                "Reword the prompt, or remove the record"
            )


def kind_of(config: str, row: Mapping[str, Any], said: list[Message], voice: Voice) -> Kind:
    """What stands in the system message of a row; LeakError for anything but what the config puts there."""
    systems = [message["content"] for message in said if message["role"] == "system"]
    text = systems[0] if systems else ""
    if len(systems) > 1 or systems == [""] or text not in voice.choices(row["strategy"]):
        raise LeakError(
            f"row {row['id']} of {config} has a system message that rows of its kind do not have; nothing was exported. "
            "Export again, and report it if it stays"
        )
    return "none" if not text else "neutral" if text == voice.generic else "strategy"


def check_neutral(text: str, leaks: Leaks) -> None:
    """Raise ConfigError where the rows' neutral system message quotes a strategy prompt: no export could pass."""
    found = leaks.find(text)
    if found is not None:
        raise ConfigError(
            f'the rows\' system message (prompts/{GENERIC}.txt) and a strategy prompt both say "{found}"; reword one of '
            "them, or leave the message out with --system none"
        )


def search(folder: Path, leaks: Leaks, voice: Voice) -> Proof:
    """Look for strategy text in every string of every row, and at every system message; what was searched.

    Where there is none to look for, only the messages are read back. The files of further formats are not read: they
    hold texts of these rows and no others (`export.formats`).
    """
    whole = Search(leaks, voice)
    files = {config: sorted((folder / config).glob("*.parquet")) for config in OWN}
    sources = [chain.from_iterable(rows_of(path, whole=bool(leaks)) for path in paths) for paths in files.values()]
    for rows in zip_longest(*sources):  # side by side: configs have the same texts in the same order, searched once
        for config, row in zip(files, rows, strict=True):
            if row is not None:
                whole.take(config, row)
    return whole.proof()


def search_card(text: str, leaks: Leaks) -> None:
    """Look for strategy text in the card. Raises LeakError for the first."""
    found = leaks.find(text)
    if found is not None:
        raise LeakError(
            f'the dataset card quotes a strategy prompt: "{found}"; reword the prompt or what the card is made of'
        )


def rows_of(path: Path, *, whole: bool) -> Iterator[dict[str, Any]]:
    """The rows of a file, a few at a time; of those that are not wanted whole, what says whose system message they have."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, pre_buffer=False) as file:
        some = None if whole else [name for name in file.schema_arrow.names if name in SYSTEM_MESSAGE_OF]
        for batch in file.iter_batches(batch_size=500, columns=some, use_threads=False):
            yield from batch.to_pylist()


def texts_of(row: Mapping[str, Any]) -> Iterator[str]:
    """The strings of the plain columns, and those inside the metadata as they read without JSON's escapes."""
    for name, value in row.items():
        if isinstance(value, str) and name not in TRUTHS:
            yield from strings(orjson.loads(value)) if name == "metadata_json" else shown(name, value)


def texts_in(message: Message) -> Iterator[str]:
    """What a message says: its content, what was thought before it, the tools that it calls and with what."""
    yield message["content"] or ""
    for name in FURTHER_FIELDS:
        if value := message.get(name):
            yield from shown(name, value)


def shown(name: str, value: str) -> Iterator[str]:
    """The text of a column or field; of one that holds JSON, its strings."""
    return unfolded(value) if name in JSON else iter((value,))


def unfolded(text: str) -> Iterator[str]:
    """The strings of a JSON text, those inside its strings included, as arguments of calls often are; another text as it stands."""
    try:
        value = orjson.loads(text) if text[:1] in {"{", "["} else text
    except orjson.JSONDecodeError:
        value = text
    if isinstance(value, str):
        yield value
    else:
        yield from chain.from_iterable(map(unfolded, strings(value)))


def strings(value: object) -> Iterator[str]:
    """Every string of a JSON value, names included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
