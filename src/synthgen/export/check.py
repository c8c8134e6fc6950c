"""Read a dataset folder back as a trainer would, and say of each file which rows must not be trained on, and why.

Of any Hub-style folder: its README names the configs, each config's columns say which contract holds. Files of the further
formats are known by their names. A run's dataset passes; whatever was put there by hand is looked at alike.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from synthgen import datafolders, rowfiles
from synthgen.datafolders import CARD
from synthgen.errors import InputError
from synthgen.export import contract
from synthgen.export.formats import llamafactory, view
from synthgen.export.formats.registry import VIEWS
from synthgen.rowfiles import Broken

FAULTS: Mapping[str, str] = {
    **contract.MEANINGS,
    **view.MEANINGS,
    "file_name": "a dataset's file is not there, or not named relative to its list",
    "no_configs": "the README lists no configs: `load_dataset` would merge all files of the folder",
    "no_files": "the README lists no files for a config, or in no form that `load_dataset` takes",
    "no_rows": "the file has no row: `load_dataset` fails on it",
    "not_a_row": "a line is not a JSON object, or a text is not UTF-8",
    "other_columns": "the columns or their types are not those of the config's other files",
    "split_without_file": "the README lists a split that has no file",
    "unknown_shape": "no trainer's columns are among those of the rows",
    "unlisted": "no dataset of `dataset_info.json` is this file",
    "unreadable": "the file cannot be read",
    "wrong_columns": "a dataset's entry does not name all of its columns, or not what they are: those left out count as absent",
    "wrong_count": "`dataset_info` gives another number of rows than there are",
    "wrong_features": "`dataset_info` names other columns than there are",
    "wrong_tags": "a dataset's entry does not name all of the tags that its turns have",
}
"""What each fault means, those of the contract included."""
OF_ROWS = frozenset({*contract.MEANINGS, *view.MEANINGS, "not_a_row"})
"""Faults that single rows have; the others are of a file, or of what is said of it."""
Fault = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one file of a dataset folder holds."""

    path: str
    """Relative to the folder."""
    config: str
    """A config of the README, or the name of a further format."""
    rows: int
    faults: dict[str, int] = field(default_factory=dict)
    """Reason to rows; empty for a file that may be trained on."""
    first: dict[str, str] = field(default_factory=dict)
    """Reason to the first such row: its id, or `row` and its number, or what is missing."""

    def in_words(self) -> Iterator[str]:
        """What is wrong, a line for each reason."""
        for why, count in self.faults.items():
            place = f"{count} of {self.rows} rows, first {self.first[why]}" if why in OF_ROWS else self.first[why]
            yield f"{self.path}: {place}: {FAULTS[why]} ({why})"


def check_folder(folder: Path) -> list[Finding]:
    """What each config's and each further format's files hold, in streaming; a finding for each file.

    Where the README lists something that is not so, the finding's path is the README. Raises InputError for a folder that is none.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; name a run's dataset folder, or any Hub-style one")
    if not (folder / CARD).is_file():
        raise InputError(f"{folder} has no {CARD}: it is no dataset folder, and `load_dataset` would merge its files")
    front = datafolders.front_matter(folder)
    configs = front.get("configs")
    if not isinstance(configs, list) or not configs:
        listed = [lacking("", "no_configs", "the front matter")]
    else:
        known = (config for config in configs if isinstance(config, dict))
        listed = [one for config in known for one in config_findings(folder, config, front)]
    return [*listed, *format_findings(folder), *info_findings(folder / llamafactory.INFO)]


def lacking(config: str, why: str, place: str, rows: int = 0, path: str = CARD) -> Finding:
    """What is not as a list of files says."""
    return Finding(path, config, rows, {why: 1}, {why: place})


def config_findings(folder: Path, config: Mapping[str, Any], front: Mapping[str, Any]) -> Iterator[Finding]:
    """What the files of one config hold, and which splits have none."""
    name = str(config.get("config_name", "default"))
    info = info_told(front, name)
    schema: Any = None
    listed = list(data_files(config))
    if not listed:
        yield lacking(name, "no_files", name)
    for split, patterns in listed:
        paths = sorted({path for one in patterns for path in matching(folder, one)})
        if not paths:
            yield lacking(name, "split_without_file", f"{name}/{split}")
        rows = 0
        for path in paths:
            columns = schema_of(path)
            schema = schema or columns
            one = file_finding(folder, path, name, fault_of(name, columns), wrong_columns(schema, columns))
            rows += one.rows
            yield one
        told = counts_told(info).get(split)
        if paths and told is not None and told != rows:
            yield lacking(name, "wrong_count", f"{name}/{split}: {told} told, {rows} found", rows)
    named = features_told(info)
    differing = sorted(named.symmetric_difference(schema)) if named and schema else ()
    if differing:
        yield lacking(name, "wrong_features", f"{name}: column {differing[0]}")


def data_files(config: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """(split, patterns) of a config; the files of its folder where it names none."""
    whole = f"{config.get('data_dir', config.get('config_name', ''))}/**/*.parquet"
    return datafolders.splits(config.get("data_files", whole))


def format_findings(folder: Path) -> Iterator[Finding]:
    """What the files of the further formats hold."""
    for name, views in VIEWS.items():
        for one in views:
            for path in sorted(folder.glob(one.path.format(split="*"))):
                yield file_finding(folder, path, name, one.fault)


def info_findings(path: Path) -> Iterator[Finding]:
    """What LLaMA-Factory's list of datasets says, against the files beside it."""
    files = {one.name for one in path.parent.glob("*.jsonl")}
    entries = info_of(path)
    if not files and not entries:
        return
    faults: dict[str, int] = {}
    first: dict[str, str] = {}
    named = {name: str(one.get("file_name", "")) for name, one in entries.items()}
    wrong = [(name, llamafactory.info_fault(one)) for name, one in entries.items()]
    wrong += [(name, "file_name") for name, file in named.items() if file not in files]
    wrong += [(file, "unlisted") for file in sorted(files - set(named.values()))]
    for name, why in wrong:
        if why:
            faults[why] = faults.get(why, 0) + 1
            first.setdefault(why, name)
    yield Finding(llamafactory.INFO, "llamafactory", len(entries), faults, first)


def info_of(path: Path) -> dict[str, dict[str, Any]]:
    """The datasets of a list; {} where it is not there or is none."""
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    entries = found.items() if isinstance(found, dict) else ()
    return {name: one for name, one in entries if isinstance(one, dict)}


def matching(folder: Path, pattern: str) -> list[Path]:
    """The files of the folder that a pattern names; those outside of it are none of its."""
    if pattern.startswith("/") or ".." in Path(pattern).parts or not pattern:
        return []
    try:
        return [path for path in folder.glob(pattern) if path.is_file()]
    except ValueError:  # what is no pattern
        return []


def info_told(front: Mapping[str, Any], config: str) -> Mapping[str, Any]:
    """What `dataset_info` has of a config; {} where it says nothing."""
    told = front.get("dataset_info")
    known = (one for one in (told if isinstance(told, list) else [told]) if isinstance(one, dict))
    return next((one for one in known if one.get("config_name", config) == config), {})


def counts_told(info: Mapping[str, Any]) -> dict[str, Any]:
    """Split to rows as `dataset_info` has it."""
    return {str(one.get("name")): one["num_examples"] for one in records(info, "splits") if "num_examples" in one}


def features_told(info: Mapping[str, Any]) -> set[str]:
    """The columns that `dataset_info` names."""
    return {str(one.get("name")) for one in records(info, "features")}


def records(info: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The records of a list in `dataset_info`."""
    found = info.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def schema_of(path: Path) -> dict[str, str] | None:
    """Column to type of a Parquet file; None for another one, or one that cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix != ".parquet":
        return None
    try:
        return {one.name: str(one.type) for one in pq.read_schema(path)}
    except (pa.ArrowException, OSError):
        return None


def wrong_columns(schema: Mapping[str, str] | None, columns: Mapping[str, str] | None) -> str:
    """The first column that is not as in the config's first file; "" where all are."""
    if schema is None or columns is None:
        return ""
    return next((name for name in sorted({*schema, *columns}) if schema.get(name) != columns.get(name)), "")


def fault_of(name: str, columns: Mapping[str, str] | None) -> Fault | None:
    """The contract of a config: by its name, or by its columns; for lines, by those of each row. None where there is none."""
    if name in contract.OWN:
        return partial(contract.fault, name)
    if columns is None:
        return by_columns
    shape = shape_of(columns)
    return partial(contract.fault, shape) if shape else None


def shape_of(columns: Iterable[str]) -> str:
    """The config whose contract rows with these columns are under; "" for none."""
    names = set(columns)
    if names & {"messages", "conversations"}:
        return "sft_messages"
    if names & {"chosen", "rejected"}:
        return "dpo"
    if "completion" in names:
        return "kto" if "label" in names else "sft"
    return "rl" if "prompt" in names else ""


def by_columns(row: Mapping[str, Any]) -> str:
    """Why a row must not be trained on, under the contract that its columns speak of."""
    shape = shape_of(row)
    return contract.fault(shape, row) if shape else "unknown_shape"


def file_finding(folder: Path, path: Path, config: str, fault: Fault | None, wrong: str = "") -> Finding:
    """What one file holds, row by row; `wrong` is a column that the config's other files do not have so."""
    one = Finding(path.relative_to(folder).as_posix(), config, 0)
    faults, first, rows = one.faults, one.first, 0
    if wrong:
        faults["other_columns"], first["other_columns"] = 1, f"column {wrong}"
    try:
        for chunk in rowfiles.read(path, broken=True):
            for number, row in zip(chunk.numbers(), chunk.rows, strict=True):
                rows += 1
                why = "not_a_row" if isinstance(row, Broken) else fault(row) if fault else "unknown_shape"
                if why:
                    faults[why] = faults.get(why, 0) + 1
                    first.setdefault(why, row_name(row, number))
    except InputError as error:
        faults["unreadable"], first["unreadable"] = 1, str(error)
    if not rows and "unreadable" not in faults:
        faults["no_rows"], first["no_rows"] = 1, "the whole file"
    return Finding(one.path, config, rows, faults, first)


def row_name(row: Mapping[str, Any], number: int) -> str:
    """The id of a row, or its number."""
    identity = row.get("id")
    return identity if isinstance(identity, str) and identity else f"row {number}"
