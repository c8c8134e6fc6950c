"""A dataset folder as it lies on the disk: its files, what its card says, and why it is no whole dataset."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from synthgen import datafolders
from synthgen.datafolders import CARD
from synthgen.errors import InputError
from synthgen.export import licences
from synthgen.export.folder import PROOF, digest
from synthgen.publish.secrets import texts

UNKNOWN = "unknown"
REHEARSAL = "rehearsal"
SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.parquet")
DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
MARK = re.compile(b'"rehearsal":true')
"""What the metadata of a row says that the rehearsal made."""


@dataclass(frozen=True, slots=True)
class Card:
    """What the front matter says."""

    license: str
    """An identifier of the Hub, a name of one's own, or `unknown`."""
    rehearsal: bool
    configs: Mapping[str, Sequence[str]]
    """Config to the patterns of its files."""
    digests: Mapping[str, str]
    """Config to the SHA-256 that the card gives for its files, where it does."""


def located(path: Path) -> Path:
    """The dataset folder of a run directory, or a dataset folder itself. Raises InputError where there is none."""
    if not path.is_dir():
        raise InputError(f"there is no folder {path}; name a run directory or a dataset folder")
    if (path / CARD).is_file():
        return path
    if (path / "dataset" / CARD).is_file():
        return path / "dataset"
    if (path / "config.json").exists():
        why = (
            "was stopped while it was written"
            if (path / ".dataset.old").exists()
            else "is not whole, or does not exist"
        )
        raise InputError(f"{path / 'dataset'} {why}; write it with: synthgen export {path}")
    raise InputError(
        f"{path} is no dataset folder: it has no {CARD}; name a run directory or a folder that export wrote"
    )


def files(folder: Path) -> dict[str, int]:
    """Path within the folder to bytes, in order of path. Links are no files of it."""
    found = {
        one.relative_to(folder).as_posix(): one for one in folder.rglob("*") if one.is_file() and not one.is_symlink()
    }
    return {path: found[path].stat().st_size for path in sorted(found)}


def card(folder: Path) -> Card:
    """The card's front matter. Raises InputError where it cannot be read."""
    told = datafolders.front_matter(folder)
    if not told:
        raise InputError(f"{folder / CARD} has no front matter; export the run again")
    listed, tags = told.get("configs"), told.get("tags")
    configs = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    described = {str(one.get("config_name")): DIGEST.search(str(one.get("description"))) for one in configs}
    return Card(
        license=licences.of(told),
        rehearsal=REHEARSAL in (tags if isinstance(tags, list) else [tags]),
        configs={
            name: [pattern for patterns in of.values() for pattern in patterns]
            for name, of in datafolders.configs_of(told).items()
        },
        digests={name: found.group() for name, found in described.items() if found},
    )


def faults(folder: Path, told: Card, sizes: Mapping[str, int]) -> Iterator[str]:
    """Why the folder is no whole dataset."""
    links = (one.relative_to(folder) for one in sorted(folder.rglob("*")) if one.is_symlink())
    yield from (f"{path} is a link, and what it leads to is not the dataset's" for path in links)
    if PROOF not in sizes:
        yield f"{PROOF} is missing, which is written last: the folder is not whole"
    if not told.configs:
        yield f"{CARD} lists no configs, so nobody could load a row"
    tables = [path for path in sizes if path.endswith(".parquet")]
    for config, wanted in told.configs.items():
        for pattern in wanted:
            if not any(fnmatch(path, pattern) for path in sizes):
                yield f"{CARD} lists {pattern} of {config}, and there is no such file"
        if config in told.digests and (folder / config).is_dir() and digest(folder / config) != told.digests[config]:
            yield f"the files of {config} are not those that {CARD} tells of"
    listed = [pattern for wanted in told.configs.values() for pattern in wanted]
    folders = {str(Path(pattern).parent) for pattern in listed}  # those of further formats have contracts of their own
    unlisted = (path for path in tables if not any(fnmatch(path, one) for one in listed))
    yield from (f"{path} belongs to no config of {CARD}" for path in unlisted if str(Path(path).parent) in folders)
    yield from missing_shards(tables)
    yield from (fault for path in tables for fault in unfit(folder, path))


def missing_shards(tables: Sequence[str]) -> Iterator[str]:
    """Shards whose names say that there are others, which are not there."""
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    for match in filter(None, map(SHARD.fullmatch, tables)):
        found[match[1], match[3]].add(int(match[2]))
    for (stem, of), numbers in found.items():
        missing = sorted(set(range(int(of))) - numbers)
        if missing:
            yield f"{stem}-{missing[0]:05d}-of-{of}.parquet is missing"


def unfit(folder: Path, path: str) -> Iterator[str]:
    """Why a Parquet file is none, or has no rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.endswith(".parquet"):
        return
    try:
        if pq.read_metadata(folder / path).num_rows == 0:
            yield f"{path} has no rows, which `datasets` cannot load"
    except (pa.ArrowInvalid, OSError):
        yield f"{path} is not a whole Parquet file"


def rehearsed(folder: Path, paths: Sequence[str]) -> bool:
    """Whether the metadata of any row of some files says that the rehearsal made it, whatever the card says."""
    import pyarrow.parquet as pq

    for path in (one for one in paths if one.endswith(".parquet")):
        with pq.ParquetFile(folder / path, pre_buffer=False) as file:
            if "metadata_json" not in file.schema_arrow.names:
                continue
            for batch in file.iter_batches(batch_size=2000, columns=["metadata_json"]):
                if any(MARK.search(data) for data in texts(batch.column(0))):
                    return True
    return False
