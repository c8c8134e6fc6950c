"""NeMo-RL's PreferenceDataset: the prompt as `context`, two completions by rank, the better one first. Tools are left out.

Source: NeMo-RL docs/guides/dpo.md, "Datasets". It reads JSON lines through `datasets`, which gives all calls the arguments of all
others; its BinaryPreferenceDataset wants texts and nests message lists without an error. Its SFT takes the folder's `sft_messages`.
"""

from collections.abc import Mapping
from typing import Any

from synthgen.export.formats.view import View, from_plain, has_tools, plain, wrong_fields
from synthgen.export.rows import Row


def write(row: Row, _split: str, _number: int) -> Row | str:
    """A prompt with its two completions."""
    if has_tools(row):
        return "tools"
    sides = [{"rank": rank, "completion": plain(row[name])} for rank, name in enumerate(("chosen", "rejected"))]
    return {"context": plain(row["prompt"]), "completions": sides}


def read(row: Mapping[str, Any]) -> Row | str:
    """Prompt and the two sides of a row."""
    wrong = wrong_fields(row, ("context", "completions"))
    sides = row.get("completions")
    if wrong or not isinstance(sides, list) or len(sides) != 2:
        return wrong or "missing_field"
    if not all(isinstance(one, dict) and one.keys() == {"rank", "completion"} for one in sides):
        return "missing_field"
    by_rank = {one["rank"]: from_plain(one["completion"]) for one in sides if isinstance(one["rank"], int)}
    prompt = from_plain(row["context"])
    if by_rank.keys() != {0, 1}:
        return "missing_field"
    found = next((one for one in (prompt, by_rank[0], by_rank[1]) if isinstance(one, str)), "")
    return found or {"prompt": prompt, "chosen": by_rank[0], "rejected": by_rank[1]}


VIEWS = (View("dpo", "nemo/dpo.{split}.jsonl", write, read),)
