"""Which seed of one run is which of another, what stood on a test side, and what everything is called in the whole.

A seed is known by what its own rows ask, and by its id where a dataset holds no rows of it.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from synthgen.export.rows import Row, dumped
from synthgen.export.splits import asked, words
from synthgen.merge.inputs import CONFIGS, SIDES, Input, about

FROM = "merged_from"
"""Of a row's metadata: the number of its dataset here, then in what that one was merged from, and so on."""


@dataclass(slots=True)
class Roots:
    """The seeds of one dataset."""

    texts: dict[str, set[bytes]] = field(default_factory=dict)
    """Seed id to digests of what its own rows ask; none where there are no such rows."""
    test: set[str] = field(default_factory=set)
    """Those on the test side."""


@dataclass(slots=True)
class Told:
    """What the rows of one dataset say of themselves."""

    rows: Counter[str] = field(default_factory=Counter)
    """Config to rows."""
    teachers: Counter[str] = field(default_factory=Counter)
    judges: Counter[str] = field(default_factory=Counter)
    rehearsal: bool = False


class Lineage:
    """What is known of all datasets, once each row of them was seen."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        self.roots = {one.number: Roots() for one in inputs}
        self.told = {one.number: Told() for one in inputs}
        for one in inputs:
            self._read(one)
        self._names = self._named()
        self._tested = {text for of in self.roots.values() for root in of.test for text in of.texts[root]}
        test_ids = [(root, bool(of.texts[root])) for of in self.roots.values() for root in of.test]
        self._tested_ids = {root for root, _ in test_ids}
        self._tested_unread = {root for root, read in test_ids if not read}

    def _read(self, one: Input) -> None:
        """Take in every row of a dataset."""
        roots, told = self.roots[one.number], self.told[one.number]
        for side in SIDES:
            for config in CONFIGS:
                for row in one.rows(config, side):
                    found = about(row, one.name)
                    told.rows[config] += 1
                    told.teachers.update(name for name in [found.get("teacher")] if isinstance(name, str))
                    told.judges.update(name for name in [found.get("judge")] if isinstance(name, str))
                    told.rehearsal = told.rehearsal or bool(found.get("rehearsal"))
                    if row["source"] == "human" or "parents" in found:
                        texts = roots.texts.setdefault(row["root_id"], set())
                        if row["source"] == "human":
                            texts.add(key(asked(row)))
                        if side == "test":
                            roots.test.add(row["root_id"])

    def _named(self) -> dict[int, dict[str, str]]:
        """Dataset to what its seeds are called in the whole: as in the first one that has them."""
        by_text: dict[bytes, str] = {}
        by_id: dict[str, str] = {}
        unread: dict[str, str] = {}
        """By id, those that show no text."""
        names: dict[int, dict[str, str]] = {}
        for number, of in self.roots.items():
            names[number], taken = {}, set[str]()
            for root, texts in of.texts.items():
                known = [by_text[text] for text in sorted(texts) if text in by_text]
                known += [found for found in [(unread if texts else by_id).get(root)] if found is not None]
                # Two seeds of one dataset stay two, whatever they say.
                name = next((one for one in known if one not in taken), f"r{number}-{root}")
                names[number][root] = name
                taken.add(name)
                by_text.update((text, name) for text in texts if text not in by_text)
                by_id.setdefault(root, name)
                if not texts:
                    unread.setdefault(root, name)
        return names

    def in_test(self, number: int, row: Row) -> bool:
        """Whether the seed that a row descends from stands on the test side of any dataset."""
        root = row["root_id"]
        texts = self.roots[number].texts.get(root)
        if texts is None:
            return False
        return bool(texts & self._tested) or root in (self._tested_unread if texts else self._tested_ids)

    def name(self, number: int, identity: str) -> str:
        """What a record of a dataset is called in the whole."""
        return self._names[number].get(identity) or f"r{number}-{identity}"

    def renamed(self, number: int, row: Row, found: dict[str, Any]) -> Row:
        """A row with ids that no other dataset has, wherever they stand in it, and with where it comes from."""
        identity = row_id(number, row)
        changed: Row = {
            "id": identity,
            "root_id": self.name(number, row["root_id"]),
            "metadata_json": dumped(self._metadata(number, found)),
        }
        if "extra_info" in row:
            changed["extra_info"] = {**row["extra_info"], "index": identity}
        return {**row, **changed}

    def _metadata(self, number: int, found: dict[str, Any]) -> dict[str, Any]:
        """The metadata under the new names."""
        whole: dict[str, Any] = dict(found)
        for name in ("instruction_id", "chosen_id", "rejected_id"):
            if isinstance(whole.get(name), str):
                whole[name] = self.name(number, whole[name])
        if isinstance(whole.get("parents"), list):
            whole["parents"] = [self.name(number, str(one)) for one in whole["parents"]]
        near = whole.get("nearest")
        if isinstance(near, dict) and near.get("id"):
            whole["nearest"] = {**near, "id": self.name(number, str(near["id"]))}
        for name in ("marks", "passed"):
            by_id = whole.get(name)
            if isinstance(by_id, dict):
                whole[name] = {self.name(number, one): value for one, value in by_id.items()}
        before = whole.get(FROM)
        whole[FROM] = [number, *(before if isinstance(before, list) else [])]
        return whole


def row_id(number: int, row: Row) -> str:
    """What a row is called in the whole."""
    return f"r{number}-{row['id']}"


def key(text: str) -> bytes:
    """Equal for texts of the same words."""
    return hashlib.blake2b(orjson.dumps(words(text)), digest_size=12).digest()
