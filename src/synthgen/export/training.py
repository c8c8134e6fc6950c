"""Training configs beside the dataset, ready to start."""

from collections.abc import Mapping, Sequence
from pathlib import Path


def write(folder: Path, counts: Mapping[str, Mapping[str, int]], formats: Sequence[str]) -> None:
    """Write the scripts and configs for what the folder holds."""
