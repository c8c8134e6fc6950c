"""How long the rows are in tokens, told without a column of its own: eight bytes of each text are kept while rows go by.

Four ways to count, the first that is there: a tokenizer that was given; the server's own, of a sample of the texts; the tokens
that the endpoint charged for answers; four characters to a token. A text that was not counted itself is told by its characters, at
the rate of those that were. The chat template's own tokens, a handful to each message, are in none of them.
"""

import heapq
import math
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Message = Mapping[str, Any]
Charged = tuple[int, int]
"""Tokens that an endpoint charged for a reply, and the characters of all that it wrote for them."""
Count = Callable[[Sequence[str]], Sequence[int]]
"""Texts to their tokens."""
NOTHING: Charged = (0, 0)
CHARACTERS_PER_TOKEN = 4.0
LIMITS = (1024, 2048, 4096)
"""Tokens that a row may be over."""
PERCENTILES = (50, 90, 95, 99, 100)
GAP_PERCENTILES = (5, 25, 50, 75, 95)
SAMPLE = 256
"""Texts of each kind that a server is asked to count: those with the least CRC, so that equal texts are chosen alike."""
AT_ONCE = 256
"""Texts that a tokenizer is given at a time."""
OCTAVES = 20
BINS = tuple(2 ** (place / 2) for place in range(2 * OCTAVES + 1))
"""Where the bars of a distribution of lengths begin: two to a doubling."""


SPOKEN = ("reasoning_content", "content", "tool_calls")
"""What a message may say beside its role; most have two fields, role and content."""


def text_of(messages: Sequence[Message]) -> str:
    """All that messages say: contents, thoughts and tool calls, one below the other."""
    said: list[str | None] = []
    for one in messages:
        said += [one["content"]] if len(one) == 2 else [one.get(name) for name in SPOKEN]
    return "\n".join(filter(None, said))


def asked_of(row: Mapping[str, Any]) -> str:
    """What a row asks: its tools, if it has any, and the messages of its prompt."""
    said = text_of(row["prompt"])
    return f"{row['tools']}\n{said}" if row.get("tools") else said


class Texts:
    """The lengths of texts of one kind, in the order in which they came."""

    def __init__(self, tokenizer: Count | None = None, sample: int = 0) -> None:
        self._tokenizer, self._size = tokenizer, sample
        self._characters = array("I")
        self._tokens = array("I")
        """0 for a text that nobody counted."""
        self._waiting: list[str] = []
        self._sample: list[tuple[int, int, str]] = []
        """(-CRC, number, text), the greatest CRC first: a heap."""

    def __len__(self) -> int:
        return len(self._characters)

    def put(self, text: str, charged: Charged = NOTHING) -> None:
        """Take one text, with what was charged for the reply that it comes from."""
        size = len(text)
        if self._tokenizer is not None:
            self._waiting.append(text)
            if len(self._waiting) == AT_ONCE:
                self._count()
        else:
            tokens, whole = charged
            self._tokens.append(tokens if whole <= size else max(1, tokens * size // whole))
            if self._size:
                self._consider(text)
        self._characters.append(size)

    def _count(self) -> None:
        """Let the tokenizer count what waits."""
        if self._tokenizer is not None and self._waiting:
            self._tokens.extend(self._tokenizer(self._waiting))
            self._waiting = []

    def _consider(self, text: str) -> None:
        """Keep a text in the sample if its CRC is among the least."""
        one = (-zlib.crc32(text.encode("utf-8", "replace")), len(self._characters), text)
        if len(self._sample) < self._size:
            heapq.heappush(self._sample, one)
        elif one[0] > self._sample[0][0]:
            heapq.heapreplace(self._sample, one)

    def sample(self) -> dict[int, str]:
        """The texts that a server is to count, by number."""
        return {number: text for _, number, text in sorted(self._sample, key=lambda one: one[1])}

    def counted(self) -> NDArray[np.int64]:
        """The tokens of each text that was counted or charged for, 0 of the others."""
        self._count()
        return np.array(self._tokens, np.int64)

    def characters(self) -> NDArray[np.int64]:
        """The characters of each text."""
        return np.array(self._characters, np.int64)


@dataclass(frozen=True, slots=True)
class Columns:
    """The texts of the rows that are told about."""

    prompts: Texts
    completions: Texts
    pair_prompts: Texts
    chosen: Texts
    rejected: Texts

    @classmethod
    def new(cls, tokenizer: Count | None = None, sample: int = 0) -> "Columns":
        """Empty ones."""
        return cls(*(Texts(tokenizer, sample) for _ in range(5)))

    @property
    def asked(self) -> tuple[Texts, ...]:
        """What a teacher was asked."""
        return self.prompts, self.pair_prompts

    @property
    def answered(self) -> tuple[Texts, ...]:
        """What it answered."""
        return self.completions, self.chosen, self.rejected

    def __iter__(self) -> Iterator[Texts]:
        return iter((*self.asked, *self.answered))

    def sample(self) -> list[str]:
        """The texts that a server is to count, each once."""
        return list(dict.fromkeys(text for texts in self for text in texts.sample().values()))


@dataclass(frozen=True, slots=True)
class Spread:
    """How long some texts are, in tokens."""

    percentiles: tuple[int, ...]
    """At PERCENTILES; the last is the longest."""
    over: tuple[float, ...]
    """Share that is over each of LIMITS."""
    bins: tuple[int, ...]
    """How many there are from each of BINS to the next; the last holds all beyond."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """By how many tokens the chosen side of a pair is longer than the rejected one."""

    percentiles: tuple[int, ...]
    """At GAP_PERCENTILES."""
    longer: float | None
    """Of the pairs whose sides differ in length, the share whose longer side is chosen; None where none differ."""
    values: tuple[int, ...]
    """How many pairs lie in each of GAP_BINS' stretches."""


GAP_BINS = (-1000, -500, -200, -100, -50, -20, -5, 6, 21, 51, 101, 201, 501, 1001)
"""Where the stretches of gaps divide: the middle one, from -5 to 5, is about none."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """What the card says of lengths."""

    counter: str
    """How they were counted, in words."""
    whole: Spread | None = None
    """Of SFT rows; None where there are none."""
    completion: Spread | None = None
    pair: Spread | None = None
    """Of preference rows with the longer of their sides; None where there are none."""
    chosen: Spread | None = None
    gaps: Gaps | None = None


Summed = tuple[Lengths, NDArray[np.int64]]
"""What the card says, and the tokens of each SFT row."""


def spread(tokens: NDArray[np.int64]) -> Spread | None:
    """The spread of some lengths; None of none."""
    if not len(tokens):
        return None
    ordered = np.sort(tokens)
    # The least length that so large a share does not exceed: a value that is there.
    places = [max(0, math.ceil(len(ordered) * share / 100) - 1) for share in PERCENTILES]
    bars, _ = np.histogram(np.maximum(tokens, 1), bins=[*BINS, np.inf])
    return Spread(
        tuple(int(ordered[place]) for place in places),
        tuple(float((tokens > limit).mean()) for limit in LIMITS),
        tuple(int(one) for one in bars),
    )


def gaps(chosen: NDArray[np.int64], rejected: NDArray[np.int64]) -> Gaps | None:
    """The gaps of some pairs; None of none."""
    if not len(chosen):
        return None
    found = np.sort(chosen - rejected)
    unequal = int((found != 0).sum())
    bars, _ = np.histogram(found, bins=[-np.inf, *GAP_BINS, np.inf])
    return Gaps(
        tuple(int(found[max(0, math.ceil(len(found) * share / 100) - 1)]) for share in GAP_PERCENTILES),
        float((found > 0).sum() / unequal) if unequal else None,
        tuple(int(one) for one in bars),
    )


def estimated(texts: Texts, known: NDArray[np.int64], rate: float) -> NDArray[np.int64]:
    """The tokens of each text: as counted, or by its characters."""
    return np.where(known > 0, known, np.ceil(texts.characters() / rate).astype(np.int64))


def rate_of(columns: Sequence[Texts], known: Sequence[NDArray[np.int64]]) -> float:
    """Characters to a token in the texts that were counted; the usual rate where none was."""
    tokens = sum(int(one.sum()) for one in known)
    characters = sum(int(texts.characters()[one > 0].sum()) for texts, one in zip(columns, known, strict=True))
    return characters / tokens if tokens and characters else CHARACTERS_PER_TOKEN


def summed(columns: Columns, known: Sequence[NDArray[np.int64]], rates: tuple[float, float], counter: str) -> Summed:
    """Summed up: columns with their counted tokens (0 for none), and the rates of prompts and of answers."""
    each = (rates[0],) * len(columns.asked) + (rates[1],) * len(columns.answered)
    prompts, pair_prompts, completions, chosen, rejected = map(estimated, columns, known, each)
    whole = prompts + completions
    told = Lengths(
        counter,
        spread(whole),
        spread(completions),
        spread(pair_prompts + np.maximum(chosen, rejected)),
        spread(chosen),
        gaps(chosen, rejected),
    )
    return told, whole
