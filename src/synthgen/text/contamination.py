"""Whether a text gives away a benchmark item, by four published rules. What no n-gram sees, rephrasing, none of them sees.

- `gpt3-13gram` (GPT-3, 2005.14165 section 4 and appendix C): a shared n-gram, n the 5th percentile of the benchmark's item
  lengths in words, kept within 8 to 13; an item shorter than n, but not than 8, is looked for whole. The paper cuts 200
  characters around a 13-gram out of a document, unless more than ten documents have it; a task is rejected whole.
- `llama2-skipgram` (Llama 2, 2307.09288 appendix A.6): a token of an item is contaminated inside a match of more than 10 tokens,
  of which up to 4 after the first 10 may differ, the last not among them. The paper calls an item clean below 20%
  contaminated tokens: a text that takes one item to 20% is rejected. Dirty is 80%.
- `tulu3-8gram` (Tulu 3, 2411.15124 section 3.2): more than half of an item's tokens are covered by 8-grams shared with one text.
- `openthoughts` (OpenThoughts, 2506.04178): a shared 13-gram, or an Indel similarity of at least 75%.

Tokens are `tokens.words` unless a tokenizer is given: case and punctuation hide nothing, from the Indel similarity neither.
With a tokenizer nothing is normalised, as in the papers.
"""

from array import array
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from synthgen.text.alike import Alike
from synthgen.text.fuzzy import UNSPACED
from synthgen.text.items import Item, Items
from synthgen.text.tokens import normalised, words

__all__ = ["RULES", "Contamination", "Found", "Item", "Rule", "Tokenize"]

Rule = Literal["gpt3-13gram", "llama2-skipgram", "tulu3-8gram", "openthoughts"]
RULES: tuple[Rule, ...] = get_args(Rule)
SEED, SKIPS, CLEAN = 10, 4, 0.2
SHORTEST, LONGEST = 8, 13
COVERED = 0.5
ALIKE = Fraction(3, 4)
SIZES = {"llama2-skipgram": SEED, "tulu3-8gram": 8, "openthoughts": 13}
LEAST = {"gpt3-13gram": SHORTEST, "llama2-skipgram": SEED + 1, "tulu3-8gram": 8, "openthoughts": 0}
"""Tokens of the shortest item that a rule can see."""
MOST_CHARACTERS = 100_000
"""Longer texts are not compared whole: two that are alike take 0.1 seconds at this length, and 12 at a million characters."""
SHOWN = 200
"""Characters of an item that is alike."""
Tokenize = Callable[[str], Sequence[str]]


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


@dataclass(frozen=True, slots=True)
class Covered:
    """What a text has of the benchmarks."""

    items: NDArray[np.int64]
    """Numbers of the items, in order."""
    counts: NDArray[np.int64]
    """Their tokens that are covered."""
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    """Stretches of tokens, in order of their beginnings; they may overlap."""


@dataclass(frozen=True, slots=True)
class Grams:
    """The n-grams of items that are looked up by one n: 8 bytes for each."""

    size: int
    tokens: NDArray[np.uint32]
    """The token numbers of all items."""
    ends: NDArray[np.int64]
    starts: NDArray[Any]
    places: NDArray[Any]
    """Of 32 bits, or 64 where there are more than 2**32 tokens."""

    def covered(self, mine: NDArray[np.uint32], skips: int, least: int) -> Covered:
        """What matches of so many tokens at least cover, in which so many may differ after the first n."""
        from synthgen.text.kernels_ngrams import covered

        return Covered(*covered(mine, self.tokens, self.starts, self.places, self.ends, self.size, skips, least))


def indexed(size: int, tokens: NDArray[np.uint32], ends: NDArray[np.int64], own: NDArray[np.uint8]) -> Grams:
    """The n-grams of the items whose own n is this one."""
    from synthgen.text.kernels_ngrams import index

    bits = max(4, len(tokens).bit_length() - 1)
    starts = np.zeros((1 << bits) + 1, np.uint32 if len(tokens) < 1 << 32 else np.int64)
    places = index(tokens, ends, own, size, starts)
    return Grams(size, tokens, ends, starts, places)


class Numbers(dict[str, int]):
    """Tokens to numbers from 1 on, in order of their first use."""

    def __missing__(self, token: str) -> int:
        """The next number."""
        self[token] = number = len(self) + 1
        return number


class Contamination:
    """The items of some benchmarks under one rule."""

    def __init__(self, items: Iterable[Item], rule: Rule, tokenize: Tokenize = words) -> None:
        self.rule, self.tokenize = rule, tokenize
        self.items = Items()
        self.touched: defaultdict[str, set[str]] = defaultdict(set)
        """Benchmark to the items that some text gave away."""
        self._numbers = Numbers()
        spoken, ends = array("I"), array("q")
        read = self._read(items, spoken, ends)
        self._alike = Alike((self._plain(one.text) for one in read), ALIKE) if rule == "openthoughts" else None
        deque(read, maxlen=0)  # reads what nobody has read yet
        self._tokens = np.frombuffer(spoken, np.uint32) if spoken else np.zeros(0, np.uint32)
        self._ends = np.array(ends, np.int64)
        self._lengths = np.diff(self._ends, prepend=0)
        self.sizes = self._sizes() if rule == "gpt3-13gram" else {}
        """Benchmark to GPT-3's n."""
        own = self._own()
        sizes = (int(size) for size in np.unique(own) if size)
        self._grams = [indexed(size, self._tokens, self._ends, own) for size in sizes]

    def _read(self, items: Iterable[Item], spoken: "array[int]", ends: "array[int]") -> Iterator[Item]:
        """Take the items in, and their tokens end to end."""
        for one in items:
            self.items.add(one)
            spoken.extend(map(self._numbers.__getitem__, self.tokenize(one.text)))
            ends.append(len(spoken))
            yield one

    def _plain(self, text: str) -> str:
        """A text as its characters are compared: without case and punctuation, or as it stands where a tokenizer is given."""
        return UNSPACED.sub("", normalised(text)) if self.tokenize is words else text

    def _own(self) -> NDArray[np.uint8]:
        """The n by which each item is looked up; 0 for items without a gram."""
        if self.rule != "gpt3-13gram":
            return np.full(len(self.items), SIZES[self.rule], np.uint8)
        wanted = np.array([self.sizes[name] for name in self.items.names], np.int64)[self._benchmarks()]
        return np.where(self._lengths < SHORTEST, 0, np.minimum(wanted, self._lengths)).astype(np.uint8)

    def _sizes(self) -> dict[str, int]:
        """GPT-3's n of each benchmark: the 5th percentile of its item lengths, within 8 to 13."""
        sizes = {}
        for number, name in enumerate(self.items.names):
            lengths = np.sort(self._lengths[self._benchmarks() == number])
            sizes[name] = min(LONGEST, max(SHORTEST, int(lengths[len(lengths) // 20])))
        return sizes

    def _benchmarks(self) -> NDArray[np.uint32]:
        """Of each item the number of its benchmark."""
        return np.array(self.items.benchmarks, np.uint32)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays; the texts themselves come to those of their UTF-8."""
        grams = sum(one.starts.nbytes + one.places.nbytes for one in self._grams)
        return self._tokens.nbytes + grams + (self._alike.nbytes if self._alike is not None else 0)

    def find(self, text: str) -> Found | None:
        """The item that a text gives away most of, the earliest of equals, or None."""
        found = self._covered(text)
        if found is None and self._alike is not None and len(text) <= MOST_CHARACTERS:
            found = self._similar(text)
        if found is not None:
            self.touched[found.benchmark].add(found.item)
        return found

    def _covered(self, text: str) -> Found | None:
        """The item of whose tokens a text covers most, if that is enough for the rule."""
        spoken = self.tokenize(text)
        # Number 0 stands for every token that no benchmark has; none of theirs has it.
        mine = np.fromiter((self._numbers.get(token, 0) for token in spoken), np.uint32, len(spoken))
        best: tuple[float, int, Covered] | None = None
        for grams in self._grams:
            skipping = self.rule == "llama2-skipgram"
            covered = grams.covered(mine, SKIPS if skipping else 0, grams.size + skipping)
            shares = covered.counts / self._lengths[covered.items]
            at = int(np.argmax(shares)) if len(shares) else -1
            if at >= 0 and self._enough(shares[at]):
                item = int(covered.items[at])
                if best is None or (shares[at], -item) > (best[0], -best[1]):
                    best = float(shares[at]), item, covered
        if best is None:
            return None
        share, item, covered = best
        one = self.items[item]
        return Found(one.benchmark, one.id, self._span(covered, item, one.text), share)

    def _similar(self, text: str) -> Found | None:
        """The item that a text is alike."""
        near = self._alike.nearest(self._plain(text)) if self._alike is not None else None
        if near is None:
            return None
        one = self.items[near[0]]
        return Found(one.benchmark, one.id, one.text[:SHOWN], near[1])

    def _enough(self, share: float) -> bool:
        if self.rule == "tulu3-8gram":
            return share > COVERED
        return share >= CLEAN if self.rule == "llama2-skipgram" else share > 0

    def _span(self, covered: Covered, item: int, text: str) -> str:
        """The longest run of covered tokens, as the item has it."""
        end = int(self._ends[item])
        start = end - int(self._lengths[item])
        mine = slice(*np.searchsorted(covered.begins, (start, end)))
        best, run = (start, start), (start, start)
        for begin, reached in zip(covered.begins[mine].tolist(), covered.ends[mine].tolist(), strict=True):
            run = (run[0], max(run[1], reached)) if begin <= run[1] else (begin, reached)
            best = max(best, run, key=lambda one: one[1] - one[0])
        first, last = best[0] - start, best[1] - start
        span = getattr(self.tokenize, "span", None)  # tokens that are parts of words are told as the text has them
        return str(span(text, first, last)) if span is not None else " ".join(self.tokenize(text)[first:last])

    def report(self) -> dict[str, dict[str, float]]:
        """Of each benchmark: rows, how many were given away, and their share; and those too short for the rule to see, if any."""
        short = self._too_short()
        return {
            name: {
                "items": count,
                "touched": len(self.touched[name]),
                "share": round(len(self.touched[name]) / count, 4),
                **({"too_short": short[name]} if short[name] else {}),
            }
            for name, count in self.items.rows.items()
        }

    def _too_short(self) -> Counter[str]:
        """Benchmark to its rows that no text can give away: all of their texts are shorter than what the rule looks for."""
        if not len(self.items):
            return Counter()
        firsts = np.array(self.items.firsts, np.int64)
        hidden = np.maximum.reduceat(self._lengths, firsts) < LEAST[self.rule]
        names = self._benchmarks()[firsts[hidden]]
        return Counter(self.items.names[number] for number in names)
