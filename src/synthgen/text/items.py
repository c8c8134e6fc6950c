"""The items of benchmarks, a million of them in little more memory than their texts take as UTF-8."""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a benchmark."""

    benchmark: str
    id: str
    text: str


class Strings:
    """Strings end to end. Lone surrogates are strings too."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("Q", [0])

    def add(self, text: str) -> None:
        """Take a string in."""
        self._bytes += text.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._bytes))

    def __getitem__(self, number: int) -> str:
        """One string."""
        return self._bytes[self._ends[number] : self._ends[number + 1]].decode("utf-8", "surrogatepass")


class Items(Sequence[Item]):
    """Items in the order added."""

    def __init__(self) -> None:
        self.firsts = array("Q")
        """Of each row its first item: several texts of one row stand together under one id."""
        self.names: list[str] = []
        """The benchmarks, in order of their first items."""
        self._numbers: dict[str, int] = {}
        self._benchmarks = array("I")
        self._ids, self._texts = Strings(), Strings()
        self._last: tuple[str, str] | None = None

    def add(self, item: Item) -> None:
        """Take an item in."""
        number = self._numbers.setdefault(item.benchmark, len(self.names))
        if number == len(self.names):
            self.names.append(item.benchmark)
        self._benchmarks.append(number)
        self._ids.add(item.id)
        self._texts.add(item.text)
        if self._last != (item.benchmark, item.id):
            self._last = item.benchmark, item.id
            self.firsts.append(len(self) - 1)

    def __len__(self) -> int:
        """How many."""
        return len(self._benchmarks)

    @overload
    def __getitem__(self, number: int) -> Item: ...
    @overload
    def __getitem__(self, number: slice) -> list[Item]: ...
    def __getitem__(self, number: int | slice) -> Item | list[Item]:
        """One item, or some."""
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        at = range(len(self))[number]
        return Item(self.names[self._benchmarks[at]], self._ids[at], self._texts[at])

    @property
    def rows(self) -> Counter[str]:
        """Benchmark to its rows."""
        return Counter(self.names[self._benchmarks[first]] for first in self.firsts)

    @property
    def benchmarks(self) -> "array[int]":
        """Of each item the number of its benchmark in `names`."""
        return self._benchmarks
