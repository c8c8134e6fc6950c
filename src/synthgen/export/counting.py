"""Who counts the tokens of the rows: a tokenizer that was given, the server that answered, or what it charged."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from synthgen import jsonl, specs
from synthgen.config import RunConfig
from synthgen.export.lengths import CHARACTERS_PER_TOKEN, SAMPLE, Columns, Count, Summed, Texts, rate_of, summed
from synthgen.runs import RunDir
from synthgen.stages.decontaminate import opened_tokenizer, tokenizer_file
from synthgen.teacher.connect import slot
from synthgen.teacher.counting import Counter
from synthgen.teacher.terms import LOG

KEPT = "tokens.json"
"""What a server counted, in the run directory: an export without the server gives the same bytes."""
RATE = "texts that were not counted are told by their characters, at the rate of those that were"


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A `tokenizer.json`."""

    count: Count
    digest: str


@dataclass(frozen=True, slots=True)
class Server:
    """A server of one's own that answered this run, and may count."""

    url: str
    model: str
    key: str | None
    kept: Path


@dataclass(frozen=True, slots=True)
class Counting:
    """Who counts; with neither, what was charged tells."""

    tokenizer: Tokenizer | None = None
    server: Server | None = None

    @classmethod
    def of(cls, run: RunDir, config: RunConfig) -> "Counting":
        """Who counts the rows of a run. Raises InputError for a tokenizer that cannot be used."""
        if config.tokenizer:
            return cls(tokenizer=opened(Path(config.tokenizer)))
        return cls(server=server_of(run, config))

    def columns(self) -> Columns:
        """Empty columns, which keep what is needed."""
        return Columns.new(self.tokenizer.count if self.tokenizer else None, SAMPLE if self.server else 0)

    def lengths(self, columns: Columns) -> Summed:
        """What the card says of them."""
        if self.tokenizer is not None:
            told = f"by the tokenizer whose `tokenizer.json` has the SHA-256 `{self.tokenizer.digest[:16]}`"
            return summed(columns, [one.counted() for one in columns], (CHARACTERS_PER_TOKEN,) * 2, told)
        by_server = of_server(columns, self.server) if self.server is not None else None
        return by_server or of_charges(columns)


def opened(path: Path) -> Tokenizer:
    """The tokenizer of a file or folder."""
    loaded = opened_tokenizer(path)

    def count(texts: Sequence[str]) -> list[int]:
        whole = [text.encode("utf-8", "replace").decode() for text in texts]  # it refuses half a surrogate pair
        return [len(one.ids) for one in loaded.encode_batch_fast(whole, add_special_tokens=False)]

    return Tokenizer(count, hashlib.sha256(tokenizer_file(path).read_bytes()).hexdigest())


def server_of(run: RunDir, config: RunConfig) -> Server | None:
    """The server that answered this run, if it was reached and costs nothing; None else: a paid API is asked for nothing but replies."""
    chosen = config.role("answer")
    found = run.stored().get("learned", {}).get(slot(chosen), {})
    if "://" not in chosen.spec or not found.get("model"):
        return None
    spec = specs.parse(chosen.spec, os.environ, chosen.teacher_id)
    if spec.paid:
        return None
    return Server(spec.urls[0], str(found["model"]), os.environ.get(chosen.key_env) or None, run.path / KEPT)


def of_server(columns: Columns, server: Server) -> Summed | None:
    """What the card says by the server's own tokenizer; None where it did not count every text of the sample."""
    texts = columns.sample()
    counts = counted(texts, server)
    if not texts or any(key(text) not in counts for text in texts):
        return None
    known = [at(one, counts) for one in columns]
    asked, answered = len(columns.asked), len(columns.answered)
    rates = rate_of(columns.asked, known[:asked]), rate_of(columns.answered, known[-answered:])
    every = sum(map(len, columns)) == sum(len(one.sample()) for one in columns)
    rest = "" if every else f", of {len(texts)} texts chosen by their CRC; {RATE}"
    return summed(columns, known, rates, f"by the server that answered (`/tokenize`){rest}")


def at(texts: Texts, counts: Mapping[str, int]) -> NDArray[np.int64]:
    """The counts at the places of the texts that were counted, 0 elsewhere."""
    known = np.zeros(len(texts), np.int64)
    for number, text in texts.sample().items():
        known[number] = counts[key(text)]
    return known


def counted(texts: Sequence[str], server: Server) -> Mapping[str, int]:
    """The tokens of texts by their keys, as far as they are known: kept by an earlier export, or counted now and kept."""
    counts = kept(server)
    missing = [text for text in texts if key(text) not in counts]
    if not missing:
        return counts
    found, why = Counter(server.url, server.model, server.key).counts(missing)
    if why:
        LOG.warning("the server that answered does not count tokens (%s); the card says how lengths were told", why)
    new = {key(text): number for text, number in zip(missing, found, strict=True) if number is not None}
    if new:
        counts |= new
        jsonl.replace(server.kept, jsonl.dump({"model": server.model, "counts": dict(sorted(counts.items()))}))
    return counts


def kept(server: Server) -> dict[str, int]:
    """What an earlier export had counted; nothing of another model, or of a file that cannot be read."""
    try:
        value: Any = orjson.loads(server.kept.read_bytes())
        same = value["model"] == server.model
        return {str(name): int(number) for name, number in value["counts"].items()} if same else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def key(text: str) -> str:
    """What a text is kept under."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24]


def of_charges(columns: Columns) -> Summed:
    """What the card says by the tokens that were charged for answers; without any, by the usual rate."""
    known = [np.zeros(len(one), np.int64) for one in columns.asked] + [one.counted() for one in columns.answered]
    if not any(one.any() for one in known):
        told = f"by nobody: they are **estimated** at {CHARACTERS_PER_TOKEN:.0f} characters a token"
        return summed(columns, known, (CHARACTERS_PER_TOKEN,) * 2, told)
    rate = rate_of(columns.answered, known[-len(columns.answered) :])
    told = (
        f"as the endpoint charged them for answers; prompts, and answers of others, **estimated** at {rate:.2f} characters a "
        "token, the rate of those"
    )
    return summed(columns, known, (rate, rate), told)
