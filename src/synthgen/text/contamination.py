"""Whether a text gives away a benchmark item, by four published rules. What no n-gram sees, rephrasing, none of them sees.

- `gpt3-13gram` (GPT-3, 2005.14165 appendix C): a shared n-gram, n the 5th percentile of the benchmark's item lengths in words,
  kept within 8 to 13. The paper cuts 200 characters around it out of a document; a task is rejected whole.
- `llama2-skipgram` (Llama 2, 2307.09288 appendix A.6): a token of an item is contaminated inside a match of more than 10 tokens,
  of which up to 4 after the first 10 may differ, the last not among them. The paper calls an item clean below 20%
  contaminated tokens: a text that takes one item to 20% is rejected. Dirty is 80%.
- `tulu3-8gram` (Tulu 3, 2411.15124 section 3.2): more than half of an item's tokens are covered by 8-grams shared with one text.
- `openthoughts` (OpenThoughts, 2506.04178): a shared 13-gram, or an Indel similarity of at least 75%.

Tokens are `tokens.words` unless a tokenizer is given: case and punctuation hide nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from synthgen.text.fuzzy import Fuzzy
from synthgen.text.tokens import words

Rule = Literal["gpt3-13gram", "llama2-skipgram", "tulu3-8gram", "openthoughts"]
RULES: tuple[Rule, ...] = get_args(Rule)
SEED, SKIPS, CLEAN = 10, 4, 0.2
COVERED = 0.5
ALIKE = 0.75
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
Tokenize = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a benchmark."""

    benchmark: str
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a text gives away."""

    benchmark: str
    item: str
    span: str
    """The longest run of the item's tokens that the text holds; for an Indel match the item's beginning."""
    share: float
    """Of the item's tokens, how many are covered; for an Indel match, the similarity."""

    def told(self) -> dict[str, Any]:
        """As plain values."""
        return {"benchmark": self.benchmark, "item": self.item, "span": self.span, "share": round(self.share, 4)}


@dataclass(slots=True)
class Grams:
    """Every n-gram of a benchmark's items, sorted by hash: 24 bytes for each token."""

    size: int
    tokens: NDArray[np.uint64]
    """The tokens of all items, mixed to 64 bits."""
    ends: NDArray[np.int64]
    keys: NDArray[np.uint64] = field(init=False)
    places: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        starts = np.concatenate(([0], self.ends[:-1])).astype(np.int64)
        last = np.repeat(self.ends, self.ends - starts)
        places = np.flatnonzero(np.arange(len(self.tokens)) + self.size <= last)
        keys = rolled(self.tokens, self.size)[places]
        order = np.argsort(keys, kind="stable")
        self.keys, self.places = keys[order], places[order]

    def hits(self, tokens: NDArray[np.uint64]) -> list[tuple[int, int]]:
        """(place in the text, place in `tokens`) of every n-gram that the text has, in order of both."""
        if len(tokens) < self.size:
            return []
        wanted = rolled(tokens, self.size)[: len(tokens) - self.size + 1]
        low, high = (np.searchsorted(self.keys, wanted, side) for side in ("left", "right"))
        found = []
        for at in np.flatnonzero(high > low):
            mine, places = tokens[at : at + self.size], self.places[low[at] : high[at]]
            same = (self.tokens[places[:, None] + np.arange(self.size)] == mine).all(axis=1)  # hashes may collide
            found += [(int(at), int(place)) for place in places[same]]
        return found


def rolled(tokens: NDArray[np.uint64], size: int) -> NDArray[np.uint64]:
    """A hash of the `size` tokens from each place on; the last size - 1 are of no use."""
    total = np.zeros(len(tokens), np.uint64)
    for offset in range(min(size, len(tokens))):
        total *= MULTIPLIER
        total[: len(tokens) - offset] += tokens[offset:]
    return total


def mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Splitmix64 of token numbers."""
    value = numbers + MULTIPLIER
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


class Contamination:
    """The items of some benchmarks under one rule."""

    def __init__(self, items: Iterable[Item], rule: Rule, tokenize: Tokenize = words) -> None:
        self.rule, self.tokenize = rule, tokenize
        self.items = list(items)
        self.touched: defaultdict[str, set[str]] = defaultdict(set)
        """Benchmark to the items that some text gave away."""
        self._numbers: dict[str, int] = {}
        spoken = [
            [self._numbers.setdefault(token, len(self._numbers) + 1) for token in tokenize(one.text)]
            for one in self.items
        ]
        self._ends = np.cumsum([len(one) for one in spoken], dtype=np.int64)
        self._tokens = mixed(np.array([number for one in spoken for number in one], np.uint64))
        self.sizes = self._sizes() if rule == "gpt3-13gram" else {}
        """Benchmark to GPT-3's n."""
        self._grams = self._indexed()
        self._alike = Fuzzy(ALIKE) if rule == "openthoughts" else None
        for number, one in enumerate(self.items):
            if self._alike is not None:
                self._alike.add(str(number), one.text)

    def _indexed(self) -> list[Grams]:
        """The n-grams the rule looks for."""
        fixed = {"llama2-skipgram": SEED, "tulu3-8gram": 8, "openthoughts": 13}
        sizes = {fixed[self.rule]} if self.rule in fixed else set(self.sizes.values())
        return [Grams(size, self._tokens, self._ends) for size in sorted(sizes)]

    def _sizes(self) -> dict[str, int]:
        """GPT-3's n of each benchmark: the 5th percentile of its item lengths, within 8 to 13."""
        lengths: defaultdict[str, list[int]] = defaultdict(list)
        for number, one in enumerate(self.items):
            start, end = self._bounds(number)
            lengths[one.benchmark].append(end - start)
        return {name: min(13, max(8, sorted(own)[len(own) // 20])) for name, own in lengths.items()}

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self._tokens.nbytes + sum(one.keys.nbytes + one.places.nbytes for one in self._grams)

    def find(self, text: str) -> Found | None:
        """The item that a text gives away most of, or None."""
        spoken = list(self.tokenize(text))
        # Number 0 stands for every token that no benchmark has; none of theirs has it.
        mine = mixed(np.array([self._numbers.get(token, 0) for token in spoken], np.uint64))
        best: tuple[float, int, str] | None = None
        for item, covered in self._covered(mine).items():
            start, end = self._bounds(item)
            share = len(covered) / (end - start)
            if self._enough(share) and (best is None or share > best[0]):
                best = share, item, self._span(covered, item)
        if best is None and self._alike is not None:
            near = self._alike.nearest(text)
            if near is not None:
                best = near.score, int(near.id), self.items[int(near.id)].text[:200]
        if best is None:
            return None
        share, item, span = best
        one = self.items[item]
        self.touched[one.benchmark].add(one.id)
        return Found(one.benchmark, one.id, span, share)

    def _enough(self, share: float) -> bool:
        if self.rule == "tulu3-8gram":
            return share > COVERED
        return share >= CLEAN if self.rule == "llama2-skipgram" else share > 0

    def _bounds(self, item: int) -> tuple[int, int]:
        """Where an item's tokens begin and end."""
        return int(self._ends[item - 1]) if item else 0, int(self._ends[item])

    def _covered(self, mine: NDArray[np.uint64]) -> dict[int, set[int]]:
        """Item to the places of its tokens that the text covers."""
        covered: defaultdict[int, set[int]] = defaultdict(set)
        for grams in self._grams:
            hits = grams.hits(mine)
            for at, place in hits:
                item = int(np.searchsorted(self._ends, place, "right"))
                if self.sizes and self.sizes[self.items[item].benchmark] != grams.size:
                    continue
                length = self._extended(mine, at, place, item) if self.rule == "llama2-skipgram" else grams.size
                covered[item].update(range(place, place + length))
        return {item: places for item, places in covered.items() if places}

    def _extended(self, mine: NDArray[np.uint64], at: int, place: int, item: int) -> int:
        """How far a match of 10 tokens goes on with up to 4 that differ, the last not among them; 0 if it is no longer."""
        _, end = self._bounds(item)
        length, whole, skips = SEED, SEED, 0
        while at + length < len(mine) and place + length < end:
            same = mine[at + length] == self._tokens[place + length]
            skips += not same
            if skips > SKIPS:
                break
            length += 1
            whole = length if same else whole
        return whole if whole > SEED else 0

    def _span(self, covered: set[int], item: int) -> str:
        """The longest run of covered tokens, as the item has it."""
        start, _ = self._bounds(item)
        ordered, best, run = sorted(covered), (0, 0), (0, 0)
        for place in ordered:
            run = (run[0], place + 1) if place == run[1] and run[1] else (place, place + 1)
            best = max(best, run, key=lambda one: one[1] - one[0])
        return " ".join(list(self.tokenize(self.items[item].text))[best[0] - start : best[1] - start])

    def report(self) -> dict[str, dict[str, float]]:
        """Of each benchmark: items, how many were given away, and their share."""
        sizes = Counter(one.benchmark for one in self.items)
        return {
            name: {
                "items": count,
                "touched": len(self.touched[name]),
                "share": round(len(self.touched[name]) / count, 4),
            }
            for name, count in sizes.items()
        }
