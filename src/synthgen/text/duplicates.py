"""What of a pool repeats a text: word for word, in ROUGE-L, in characters, in meaning. One by one, or many as if one by one.

The grow loop, `synthgen dedup` and `synthgen screen` decide by this and by nothing else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from synthgen.records import Nearest
from synthgen.text.fuzzy import Alike, Fuzzy
from synthgen.text.novelty import Novelty
from synthgen.text.tokens import normalised, parity_tokens

RULES = ("duplicate", "near_duplicate", "fuzzy_duplicate", "semantic_duplicate")
"""Why a text is rejected, in the order in which the rules are asked."""
FEW = 1_000
"""Texts up to which they are asked about one by one: a first small run is not to wait until the kernels are compiled."""
PART = 4_096
"""Texts that are compared with one another at once."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """Why a text is no new one."""

    reason: str
    nearest: Nearest


class Similar(Protocol):
    """A pool under a likeness of its own: characters, or meaning."""

    def extend(self, given: Sequence[tuple[str, Any]]) -> None:
        """Take (id, what is compared) into the pool."""
        ...

    def nearest(self, given: Any) -> Nearest | None:
        """The most similar one if it counts as a duplicate."""
        ...

    def alike(self, given: Sequence[Any]) -> Sequence[Alike]:
        """What each of a batch is like: of the pool, and of those before it."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """A text as the rules compare it."""

    id: str
    whole: str
    """What ROUGE-L takes apart: normalised, so that splitting it gives its tokens, or as it is in parity mode."""
    key: str
    """Equal for texts that differ only in case, space and punctuation; "" where no rule asks for it."""
    vector: Any = None
    """Its embedding, where meaning is compared."""


class Duplicates:
    """A pool of texts by id, and the rules that are on.

    `parity` is ROUGE-L over the reference's tokens; equal texts are then no case of their own. `fuzzy` 0 turns that rule off.
    """

    def __init__(
        self, threshold: float, fuzzy: float, *, parity: bool = False, semantic: Similar | None = None
    ) -> None:
        self.parity = parity
        self.novelty = Novelty(parity_tokens if parity else str.split, threshold)
        self.fuzzy = Fuzzy(fuzzy) if fuzzy else None
        self.semantic = semantic
        self._seen: dict[str, str] = {}
        """Key to the id of the first text that has it; empty in parity mode."""

    def __len__(self) -> int:
        return len(self.novelty)

    def text(self, identity: str, text: str, vector: Any = None) -> Text:
        """A text as the rules compare it; a text without words or signs is equal only to itself."""
        key = normalised(text) or text.strip() if self.fuzzy is not None or not self.parity else ""
        return Text(identity, text if self.parity else key, key, vector)

    def admit(self, one: Text) -> None:
        """Take a text in without a question."""
        self.novelty.add(one.id, one.whole)
        self._note([one])

    def find(self, one: Text) -> Repeat | None:
        """The first rule that a text breaks, with what stands in the way; None for a new text."""
        if one.key in self._seen:
            return Repeat("duplicate", Nearest(self._seen[one.key], 1.0))
        near = self.novelty.above(one.whole)
        if near is not None:
            return Repeat("near_duplicate", near)
        for reason, pool in self._similar():
            alike = pool.nearest(compared(one, reason))
            if alike is not None:
                return Repeat(reason, alike)
        return None

    def nearest(self, one: Text) -> Nearest | None:
        """The text of the pool most similar in ROUGE-L; None in an empty pool."""
        return self.novelty.nearest(one.whole)

    def decide(self, batch: Sequence[Text], enter: Sequence[bool] | None = None) -> list[Repeat | None]:
        """`find` for each text, and `admit` for those that are new, as if they came one by one.

        Where `enter` is False a text is asked about and does not enter, new as it may be.
        """
        may = [True] * len(batch) if enter is None else enter
        alike = {reason: pool.alike([compared(one, reason) for one in batch]) for reason, pool in self._similar()}
        found: list[Repeat | None] = [None] * len(batch)
        waiting: list[int] = []
        """Texts that ROUGE-L is yet to be asked of, all at once."""
        fresh: dict[str, int] = {}
        for number, one in enumerate(batch):
            # Where an earlier text of the batch may stand in the way, it must be known whether that one entered.
            if (one.key in fresh and not self.parity) or any(rule[number].batch for rule in alike.values()):
                self._settle(batch, waiting, alike, found, may)
            if one.key in self._seen:
                found[number] = Repeat("duplicate", Nearest(self._seen[one.key], 1.0))
                continue
            waiting.append(number)
            fresh.setdefault(one.key, number)
        self._settle(batch, waiting, alike, found, may)
        return found

    def _settle(
        self,
        batch: Sequence[Text],
        waiting: list[int],
        alike: dict[str, Sequence[Alike]],
        found: list[Repeat | None],
        may: Sequence[bool],
    ) -> None:
        """Decide the waiting texts, of which none is alike to another, and take in those that are new."""
        repeats = [first_of(alike, number, batch, found, may) for number in waiting]
        asked = [(batch[number].id, batch[number].whole) for number in waiting]
        wanted = [repeat is None and may[number] for number, repeat in zip(waiting, repeats, strict=True)]
        near = self.novelty.decide(asked, enter=wanted)
        for number, repeat, nearest in zip(waiting, repeats, near, strict=True):
            found[number] = repeat if nearest is None else Repeat("near_duplicate", nearest)
        self._note([batch[number] for number in waiting if found[number] is None and may[number]])
        waiting.clear()

    def _note(self, texts: Sequence[Text]) -> None:
        """Take texts into every pool but ROUGE-L's."""
        for reason, pool in self._similar():
            pool.extend([(one.id, compared(one, reason)) for one in texts])
        if not self.parity:
            for one in texts:
                self._seen.setdefault(one.key, one.id)

    def _similar(self) -> Iterator[tuple[str, Similar]]:
        """The rules besides ROUGE-L that are on, in order."""
        if self.fuzzy is not None:
            yield "fuzzy_duplicate", self.fuzzy
        if self.semantic is not None:
            yield "semantic_duplicate", self.semantic


def compared(one: Text, reason: str) -> Any:
    """What of a text a rule compares."""
    return one.vector if reason == "semantic_duplicate" else one.key


def first_of(
    alike: dict[str, Sequence[Alike]],
    number: int,
    batch: Sequence[Text],
    found: Sequence[Repeat | None],
    may: Sequence[bool],
) -> Repeat | None:
    """The first of the rules besides ROUGE-L that a text of a batch breaks, where those before it are decided."""
    for reason, rule in alike.items():
        best = rule[number].pool
        for score, other in rule[number].batch:
            if found[other] is None and may[other]:  # it entered
                if best is None or score > best.score:
                    best = Nearest(batch[other].id, score)
                break
        if best is not None:
            return Repeat(reason, best)
    return None


def alone(
    before: Sequence[str],
    texts: Sequence[str],
    entered: Sequence[bool],
    threshold: float,
    fuzzy: float,
    *,
    parity: bool = False,
    few: int = FEW,
) -> dict[str, int]:
    """How many of some texts each rule would drop by itself, were it the only one to be asked.

    The pool is as it really stood before each text: what was there `before`, and of the texts those that `entered`.
    """
    pool = Duplicates(threshold, fuzzy, parity=parity)
    asked = [pool.text(str(number), text) for number, text in enumerate((*before, *texts))]
    stays = [True] * len(before) + list(entered)
    by_rule = {
        "duplicate": equal_ones(asked, stays),
        "near_duplicate": near_ones(pool.novelty, asked, stays, few),
        "fuzzy_duplicate": alike_ones(Fuzzy(fuzzy), asked, stays, few),
    }
    return {rule: sum(found[len(before) :]) for rule, found in by_rule.items()}


def equal_ones(texts: Sequence[Text], stays: Sequence[bool]) -> list[bool]:
    """Which texts equal an earlier one that stays."""
    seen: set[str] = set()
    found = []
    for one, stay in zip(texts, stays, strict=True):
        found.append(one.key in seen)
        if stay:
            seen.add(one.key)
    return found


def near_ones(pool: Novelty, texts: Sequence[Text], stays: Sequence[bool], few: int) -> list[bool]:
    """Which texts are above the threshold with an earlier one that stays."""
    if len(texts) > few:
        return pool.repeats([(one.id, one.whole) for one in texts], stays)
    found = []
    for one, stay in zip(texts, stays, strict=True):
        found.append(pool.above(one.whole) is not None)
        if stay:
            pool.add(one.id, one.whole)
    return found


def alike_ones(pool: Fuzzy, texts: Sequence[Text], stays: Sequence[bool], few: int) -> list[bool]:
    """Which texts reach the threshold, in characters, with an earlier one that stays."""
    given = [(one.id, one.key) for one in texts]
    found: list[bool] = []
    if len(texts) > few:
        for first in range(0, len(texts), PART):
            found += pool.repeats(given[first : first + PART], stays[first : first + PART])
        return found
    for (identity, key), stay in zip(given, stays, strict=True):
        found.append(pool.nearest(key) is not None)
        if stay:
            pool.add(identity, key)
    return found
