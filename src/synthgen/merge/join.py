"""Join datasets: open, look at every row, decide every prompt, choose the mix, write beside and swap."""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from synthgen import jsonl
from synthgen.config import Format
from synthgen.errors import ConfigError, InputError, storage
from synthgen.export import contract, plots, training
from synthgen.export import rows as shapes
from synthgen.export.facts import training as ready
from synthgen.export.folder import PROOF, counted, digest, fill, recover, swap
from synthgen.export.formats.writing import told as shaped
from synthgen.export.refused import Refused
from synthgen.export.rows import Row
from synthgen.export.tally import Tally
from synthgen.merge import card
from synthgen.merge.inputs import CONFIGS, DERIVED, SIDES, UNKNOWN, Input, about, opened
from synthgen.merge.lineage import Lineage
from synthgen.merge.mix import Mix, Mixed, Weights
from synthgen.merge.screen import Progress, Screen
from synthgen.records import Side
from synthgen.rowfiles import Writer
from synthgen.runs import held

FACTS = "merge.json"
"""What was merged and how, beside the card. A folder that has it may be written anew."""
OWN = {"dataset", "rejected", ".lock", ".dataset.new", ".dataset.old"}
"""What a merged directory holds."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How datasets are joined."""

    threshold: float = 0.7
    """ROUGE-L F1 above which two prompts are nearly the same; at 1 only the same words are."""
    weights: Weights | None = None
    formats: Sequence[str] = ()
    license: str = ""
    """In the place of what the datasets say."""
    allow_rehearsal: bool = False
    """Whether rehearsal rows may stand beside others."""


def merge(
    paths: Sequence[Path], out: Path, wanted: Wanted, progress: Progress = lambda _stage, _count: None
) -> dict[str, Any]:
    """Join the datasets of runs, or dataset folders, to the folder `out/dataset`; what became of them.

    Equal datasets in the same order give equal bytes. Raises InputError for what cannot be joined; nothing is written then.
    """
    if not 0 < wanted.threshold <= 1:
        raise InputError(f"--threshold lies between 0 and 1, {wanted.threshold:g} does not")
    unknown = [name for name in wanted.formats if name not in get_args(Format)]
    if unknown:
        raise InputError(f"--format {unknown[0]} is none of {', '.join(get_args(Format))}")
    inputs = opened(paths)
    check_out(out, inputs)
    with storage(out):
        out.mkdir(parents=True, exist_ok=True)
    with held(out):
        recover(out / "dataset")
        whole = Whole(inputs, wanted, progress)
        with Writer(out / "rejected" / "merge.jsonl") as log:
            for line in whole.screen.run():
                log.put([line])
            return whole.write(out)


def check_out(out: Path, inputs: Sequence[Input]) -> None:
    """Raise an error for an output that is something else, or in the way of an input."""
    place = out.resolve()
    for one in inputs:
        folder = one.folder.resolve()
        run = folder.parent if folder.name == "dataset" else folder
        if place == run or run in place.parents or place in folder.parents or folder in place.parents:
            raise ConfigError(f"--out {out} and {one.name} lie in one another; choose another --out")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out} is not a folder; choose another --out")
    foreign = sorted({one.name for one in out.iterdir()} - OWN) if out.exists() else []
    if (out / "dataset").exists() and not (out / "dataset" / FACTS).exists():
        foreign.append("dataset")
    if foreign:
        raise ConfigError(f"{out} holds {foreign[0]}, and no merged dataset; choose another --out")


class Whole:
    """Datasets that are being joined."""

    def __init__(self, inputs: Sequence[Input], wanted: Wanted, progress: Progress) -> None:
        self.inputs, self.wanted, self.progress = inputs, wanted, progress
        self.lineage = Lineage(inputs)
        self.rehearsal = self._rehearsal()
        self.screen = Screen(inputs, self.lineage, wanted.threshold, progress)
        self.mix = Mix(wanted.weights) if wanted.weights is not None else None
        self.tally = Tally()
        self.brought: Counter[int] = Counter()
        """Dataset to its SFT rows that are written."""

    def _rehearsal(self) -> bool:
        """Whether rows of a rehearsal are among them. Raises InputError where they would stand beside real ones."""
        found = {one.name: self.lineage.told[one.number].rehearsal for one in self.inputs}
        if len(set(found.values())) > 1 and not self.wanted.allow_rehearsal:
            names = ", ".join(name for name, rehearsed in found.items() if rehearsed)
            raise InputError(
                f"{names}: rehearsal rows are not for training beside real ones; --allow-rehearsal joins them"
            )
        return any(found.values())

    def kept(self) -> Iterator[tuple[Input, str, Side, Row]]:
        """The rows that stay, before the mix: each dataset's, config by config."""
        for one in self.inputs:
            for config in CONFIGS:
                for side in SIDES:
                    for row in one.rows(config, side):
                        if not self.screen.lost(one.number, side, row):
                            yield one, config, side, row

    @property
    def further(self) -> dict[str, frozenset[str]]:
        """Config to the further fields and columns that any dataset has there."""
        found = {
            config: frozenset[str]().union(*(one.further.get(config, ()) for one in self.inputs)) for config in CONFIGS
        }
        return {**found, DERIVED: found["sft"]}

    def mixed(self) -> list[Mixed]:
        """Count the rows to train on, and decide which of them stay."""
        if self.mix is None:
            return []
        for _, config, side, row in self.kept():
            if side == "train" and not contract.fault(config, row):
                self.mix.count(config, row)
        return self.mix.settle()

    def rows(self, refused: Refused) -> Iterator[tuple[str, Side, Row]]:
        """(config, side, row) of all that is written, under the names of the whole."""
        for number, (one, config, side, row) in enumerate(self.kept(), start=1):
            self.progress("rows", number)
            if why := contract.fault(config, row):
                refused.put(config, row, why)
                continue
            if self.mix is not None and side == "train" and not self.mix.keeps(config, row):
                continue
            new = self.lineage.renamed(one.number, row, about(row, one.name))
            self.brought[one.number] += config == "sft"
            yield config, side, new
            if config == "sft":
                yield DERIVED, side, shapes.as_messages(new)

    def write(self, out: Path) -> dict[str, Any]:
        """Write the folder and put it in the place of the old one."""
        new = out / ".dataset.new"
        shutil.rmtree(new, ignore_errors=True)
        try:
            mixed = self.mixed()
            with Refused(out / "rejected" / "export.jsonl") as refused:
                counts = fill(new, counted(self.rows(refused), self.tally, {}), self.wanted.formats, self.further)
            refused.place(rows=bool(counts))
            if not counts:
                raise InputError("nothing is left to write: every row is a duplicate or has a weight of 0")
            told = self._beside(new, counts, mixed)
            swap(new, out / "dataset")
        finally:
            shutil.rmtree(new, ignore_errors=True)
        return told

    def _beside(self, folder: Path, counts: Mapping[str, Mapping[str, int]], mixed: Sequence[Mixed]) -> dict[str, Any]:
        """Write what stands beside the rows: training configs, the proofs of the datasets, what was done, and the card."""
        weights = self.wanted.weights
        with storage(folder):
            training.write(folder, counts)
        facts = card.Facts(
            inputs=self.inputs,
            lineage=self.lineage,
            license=self.license,
            stated=bool(self.wanted.license),
            rows=counts,
            digests={config: digest(folder / config) for config in counts},
            counted=self.tally.counted(),
            kept=self.brought,
            prompts=self.screen.prompts,
            threshold=self.wanted.threshold,
            mixed=mixed,
            by=weights.by if weights is not None else "rows",
            rehearsal=self.rehearsal,
            training=ready(folder),
            formats=shaped(folder),
        )
        told = self._told(counts, mixed)
        with storage(folder):
            text = card.card(facts, plots.write(folder, facts.counted, {}))
            (folder / "README.md").write_text(text, encoding="utf-8")
            proofs = [{"sha256": one.digest, "proof": one.proof} for one in self.inputs]
            (folder / PROOF).write_bytes(jsonl.dump({"merged_from": proofs}))
            (folder / FACTS).write_bytes(jsonl.dump(told))
        return told

    @property
    def license(self) -> str:
        """The licence: as it is given, as all datasets agree, `other` where they differ, and unknown where one is unknown."""
        found = {one.license for one in self.inputs}
        agreed = found.pop() if len(found) == 1 else UNKNOWN if UNKNOWN in found else "other"
        return self.wanted.license or agreed

    def _told(self, counts: Mapping[str, Mapping[str, int]], mixed: Sequence[Mixed]) -> dict[str, Any]:
        """What was merged, how, and what became of it."""
        weights = self.wanted.weights
        dropped: Counter[str] = Counter()
        for (_, why), prompts in self.screen.prompts.items():
            dropped[why] += prompts
        return {
            "merged_from": [
                {"sha256": one.digest, "license": one.license, "rows": dict(self.lineage.told[one.number].rows)}
                for one in self.inputs
            ],
            "threshold": self.wanted.threshold,
            "weights": {name: float(one) for name, one in weights.shares.items()} if weights is not None else {},
            "by": weights.by if weights is not None else "rows",
            "formats": list(self.wanted.formats),
            "prompts_left_out": dict(sorted(dropped.items())),
            "mix": [
                {
                    "config": one.config,
                    "category": one.group,
                    "wanted": one.wanted,
                    "rows": one.rows,
                    "before": one.before,
                }
                for one in mixed
            ],
            "rows": {config: dict(of) for config, of in counts.items()},
        }
