"""Which files of a folder hold its rows: of a dataset that `datasets` saved, of one from the Hub, or of any other folder.

A folder that could mean several things is refused, and what it could mean is named: the rows of a test split would otherwise
become seeds, or one row be read in each of its shapes. A path with `*` chooses files itself.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from synthgen import rowfiles
from synthgen.errors import InputError

CARD = "README.md"
DATASET_DICT, DATASET = "dataset_dict.json", "state.json"
"""What `datasets` writes beside the splits that it saves, and beside the rows of one."""
ENDINGS = (".jsonl", ".json", ".parquet", ".arrow")
SPLIT = re.compile(r"(train|training|test|testing|validation|valid|val|dev|eval)(?:-\d{5}-of-\d{5})?", re.IGNORECASE)
"""A file's stem, or its folder's name, that names a split as the Hub understands names."""


def files(path: Path) -> list[Path]:
    """The files that a path means, in the order of their rows. Raises InputError where it means none, or several datasets."""
    if "*" in path.as_posix():
        return chosen(path)
    if not path.is_dir():
        return rowfiles.files(path)
    if (path / DATASET_DICT).is_file():
        names = [Path(str(one)).name for one in told(path / DATASET_DICT).get("splits", [])]
        return files(path / only(path, "splits", {name: str(path / name) for name in names}))
    if (path / DATASET).is_file():
        return [path / Path(str(one["filename"])).name for one in told(path / DATASET).get("_data_files", [])]
    configs = configs_of(front_matter(path))
    if configs:
        firsts = {name: next(iter(of.values()))[0] for name, of in configs.items()}
        config = configs[only(path, "configs", {name: str(path / pattern) for name, pattern in firsts.items()})]
        split = config[only(path, "splits", {name: str(path / patterns[0]) for name, patterns in config.items()})]
        return [one for pattern in split for one in matching(path, pattern)]
    return of_one_split(path, rowfiles.files(path))


def chosen(pattern: Path) -> list[Path]:
    """The row files that a path with `*` in it matches."""
    parts = pattern.parts
    first = next(place for place, part in enumerate(parts) if "*" in part)
    return matching(Path(*parts[:first]), "/".join(parts[first:]))


def matching(folder: Path, pattern: str) -> list[Path]:
    """The row files within a folder that a pattern matches, in order of name."""
    if ".." in Path(pattern).parts or Path(pattern).is_absolute():
        raise InputError(f"{folder / CARD} names {pattern}, which lies outside of {folder}")
    found = [one for one in sorted(folder.glob(pattern)) if one.is_file() and one.suffix in ENDINGS]
    if not found:
        raise InputError(f"no {', '.join(ENDINGS)} file matches {folder / pattern}")
    return found


def only(path: Path, what: str, places: Mapping[str, str]) -> str:
    """The one name there is. Raises InputError where there are several, with the path of each."""
    if len(places) == 1:
        return next(iter(places))
    if not places:
        raise InputError(f"{path} holds no {what}")
    raise InputError(
        f"{path} holds the {what} {', '.join(places)}; name one: {', or '.join(repr(one) for one in places.values())}"
    )


def of_one_split(path: Path, found: list[Path]) -> list[Path]:
    """Files of a folder that says nothing of itself; refused where their names are those of several splits."""
    splits: dict[str, str] = {}
    for one in found:
        for name in (one.stem, one.parent.name if one.parent != path else ""):
            match = SPLIT.fullmatch(name)
            if match:
                splits.setdefault(
                    match[1].lower(), str(one.with_name(f"{match[1]}*") if name == one.stem else one.parent)
                )
                break
    if len(splits) > 1:
        only(path, "splits", splits)
    return found


def told(path: Path) -> dict[str, Any]:
    """The JSON object of a file."""
    try:
        value = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    return value if isinstance(value, dict) else {}


def front_matter(folder: Path) -> dict[str, Any]:
    """What the card of a folder says at its top; {} where there is none. Raises InputError where it cannot be read."""
    path = folder / CARD
    try:
        text = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
        if not text.startswith("---\n"):
            return {}
        import yaml

        value = yaml.safe_load(text.split("---\n", 2)[1])
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: of a date that there is not
        raise InputError(f"the front matter of {path} is not YAML") from error
    return value if isinstance(value, dict) else {}


def configs_of(front: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Config to split to the patterns of its files, in any of the forms that the Hub takes."""
    listed = front.get("configs")
    configs = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return {
        str(one.get("config_name", "default")): dict(splits(one.get("data_files")))
        for one in configs
        if one.get("data_files")
    }


def splits(data_files: Any) -> Iterator[tuple[str, list[str]]]:
    """(split, patterns) of a config."""
    if isinstance(data_files, str):
        yield "train", [data_files]
    elif isinstance(data_files, list) and all(isinstance(one, str) for one in data_files):
        yield "train", data_files
    elif isinstance(data_files, list):
        for one in data_files:
            if isinstance(one, dict) and one.get("path"):
                paths = one["path"] if isinstance(one["path"], list) else [one["path"]]
                yield str(one.get("split", "train")), [str(path) for path in paths]
