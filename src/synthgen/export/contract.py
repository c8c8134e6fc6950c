"""What a row must be so that no trainer drops it, trains on the wrong part of it, or learns to say nothing."""

from synthgen.export.rows import Row


def fault(config: str, row: Row) -> str:
    """Why a row of this config must not be trained on, in a word; "" for a good one."""
    said = row.get("completion" if config in {"sft", "kto"} else "chosen", [])
    return "blank" if any(not message["content"].strip() for message in said) else ""
