"""Rows that the export leaves out, with the reason: RUN/rejected/export.jsonl, written beside and put in place whole."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from synthgen.errors import InputError, storage
from synthgen.export.contract import MEANINGS
from synthgen.export.splits import ACROSS
from synthgen.text.special import special_tokens

WHY = {**MEANINGS, ACROSS: "the prompt is nearly that of a row on the other side"}
LONGEST_EVIDENCE = 200
"""Characters of a refused row that are kept."""


class Refused:
    """The rows of a run that must not be trained on. Each line is a commit of its own, as every line of a run has one."""

    def __init__(self, path: Path) -> None:
        self.reasons: Counter[str] = Counter()
        self._path = path
        self._part = path.with_name(f".{path.name}.new")
        self._handle: Any = None

    def __enter__(self) -> Self:
        with storage(self._path):
            self._part.unlink(missing_ok=True)  # of an export that was killed
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            with storage(self._path):
                self._handle.close()
        if kind is not None:
            self._part.unlink(missing_ok=True)

    def put(self, config: str, row: Mapping[str, Any], why: str, near: str = "") -> None:
        """Take a row that is left out; `near` is the row that stands in its way."""
        told = {"id": row["id"], "config": config, "reason": why, "evidence": near or evidence(config, row)}
        line = {**told, "commit": self.reasons.total(), "commit_of": row["id"], "commit_lines": 1}
        with storage(self._path):
            if self._handle is None:
                self._part.parent.mkdir(parents=True, exist_ok=True)
                self._handle = self._part.open("wb")
            self._handle.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        self.reasons[why] += 1

    def place(self, *, rows: bool) -> None:
        """Put the file in the place of the last export's; none where nothing was refused.

        Raises InputError where there are no `rows` because all were refused.
        """
        with storage(self._path):
            if self._handle is None:
                self._path.unlink(missing_ok=True)
            else:
                self._part.replace(self._path)
        if self.reasons and not rows:
            most, count = self.reasons.most_common(1)[0]
            raise InputError(
                f"none of the {self.reasons.total()} rows may be trained on, {count} of them because {WHY[most]}; "
                f"nothing was exported; each is named in {self._path}"
            )


def evidence(config: str, row: Mapping[str, Any]) -> str:
    """What shows the fault: where a marker stands its surroundings, else how the answer begins, or what was asked."""
    columns = ("prompt",) if config == "rl" else ("prompt", "completion" if config != "dpo" else "chosen", "rejected")
    texts = [text for name in columns for text in said(row.get(name)) if text.strip()]
    for text in texts:
        marker = special_tokens(text)
        if marker is not None:
            return shown(text[max(0, text.index(marker) - 80) :])
    return shown(texts[-1] if texts else "")


def said(messages: object) -> list[str]:
    """What messages say, and what was thought before, as far as it is text."""
    found = messages if isinstance(messages, list) else []
    texts = [message.get(name) for message in found for name in ("reasoning_content", "content")]
    return [text for text in texts if isinstance(text, str)]


def shown(text: str) -> str:
    """The beginning of a text, as it can be written."""
    return text[:LONGEST_EVIDENCE].encode(errors="replace").decode()
