"""The front matter of a card: YAML that the Hub and `load_dataset` read, of a run's own dataset and of a merged one alike."""

from collections.abc import Mapping, Sequence

from synthgen.export import licences
from synthgen.export.markup import listed, quoted

SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)


def front_matter(
    name: str,
    rows: Mapping[str, Mapping[str, int]],
    digests: Mapping[str, str],
    *,
    license_told: str,
    languages: Sequence[str],
    rehearsal: bool,
) -> str:
    """The YAML part, between its lines. Its strings are JSON strings, which are YAML."""
    total = sum(rows.get("sft", {}).values())
    size = next((size for limit, size in SIZES if total < limit), "10M<n<100M")
    lines = [
        "---",
        *(f"{field}: {quoted(value)}" for field, value in licences.fields(license_told).items()),
        f"pretty_name: {quoted(name)}",
        *listed("language", list(languages)),
        *listed("size_categories", [size]),
        *listed("task_categories", ["text-generation"]),
        *listed("tags", ["synthetic", "sft", "dpo", "synthgen", *(["rehearsal"] if rehearsal else [])]),
        *(["configs:"] if rows else []),
    ]
    for config, splits in rows.items():
        # `datasets` 5.2 caches a local folder under a hash of this block alone: without the digest it would give the rows
        # of the last folder that had the same splits, another run's or this one's before it was exported anew.
        told = quoted(f"Rows with SHA-256 {digests[config]}")
        lines += [f"- config_name: {config}", f"  description: {told}"]
        lines += [*(["  default: true"] if config == "sft" else []), "  data_files:"]
        for split in splits:
            lines += [f"  - split: {split}", f"    path: {config}/{split}-*.parquet"]
    return "\n".join([*lines, "---"]) + "\n"
