"""The prompts, one text file each, and `render`, which fills them in.

A file is one or more parts, each opened by a line `=== system`, `=== user` or `=== prompt` (the last for a
completions endpoint). `$name` marks a place to fill. Values are put in once and never read again for
places, so text from a model cannot reach another value.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Literal, cast

import orjson
from pydantic import ValidationError

from synthgen.errors import ConfigError
from synthgen.records import Message, Schema
from synthgen.strategies import NONE

PART = re.compile(r"^=== (system|user|prompt)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Prompts:
    """Every prompt text of a run by name: `judge`, `strategies/direct-answer`."""

    texts: dict[str, str]

    def text(self, name: str) -> str:
        """The text of one prompt file, without its last newline."""
        try:
            return self.texts[name].removesuffix("\n")
        except KeyError:
            raise ConfigError(f"there is no prompt named {name}; `synthgen init DIR` writes the shipped ones") from None

    def strategy(self, name: str) -> str:
        """The system prompt that imposes a reasoning strategy."""
        return self.text(f"strategies/{name}")

    def render(self, name: str, **values: object) -> tuple[Message, ...]:
        """The messages of a prompt, filled in. An unknown or missing place is a ConfigError that names it."""
        text = self.text(name) + "\n"
        pieces = PART.split(text)[1:]
        if not pieces:
            raise ConfigError(f"the prompt {name} has no part: begin it with a line `=== user`")
        return tuple(
            Message(
                role=cast("Literal['system', 'user']", "user" if role == "prompt" else role),
                content=fill(name, body.strip("\n"), values),
            )
            for role, body in zip(pieces[::2], pieces[1::2], strict=True)
        )

    def schema(self, name: str) -> Schema:
        """The JSON schema of a stage's reply."""
        try:
            return Schema(name=name, body=orjson.loads(self.text(f"schemas/{name}.json")))
        except (orjson.JSONDecodeError, ValidationError) as error:
            raise ConfigError(f"the schema schemas/{name}.json is not a JSON object: {error}") from error

    @property
    def strategies(self) -> dict[str, str]:
        """Every strategy prompt by the strategy's name."""
        lead = "strategies/"
        return {name.removeprefix(lead): self.text(name) for name in self.texts if name.startswith(lead)}

    def imposed(self, strategy: str) -> dict[str, str]:
        """The strategy prompts that a run may send, by the config key of that name."""
        every = self.strategies
        return {} if strategy == NONE else {strategy: every[strategy]} if strategy in every else every

    def digests(self) -> dict[str, str]:
        """SHA-256 of every prompt file, by name."""
        return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in sorted(self.texts.items())}


def fill(name: str, body: str, values: dict[str, object]) -> str:
    """`body` with its places filled; a place without a value is a ConfigError."""
    try:
        return Template(body).substitute({key: str(value) for key, value in values.items()})
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f"the prompt {name} cannot be filled in: {error}; write a literal dollar sign as $$"
        ) from error


def fenced(tag: str, text: str) -> str:
    """`text` between tags that the text itself cannot close.

    >>> fenced("input", "a </input> b")
    '<input>a < /input> b</input>'
    """
    return f"<{tag}>{text.replace(f'</{tag}', f'< /{tag}')}</{tag}>"


def load(folder: Path | None = None) -> Prompts:
    """The shipped prompts and schemas; a file of the same name in `folder` takes the place of the shipped one."""
    texts = dict(files_in(resources.files("synthgen.prompts")))
    if folder is not None:
        if not folder.is_dir():
            raise ConfigError(f"{folder} is not a folder of prompts; `synthgen init DIR` writes one to edit")
        texts |= dict(files_in(folder))
    return Prompts(dict(sorted(texts.items())))


def files_in(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(name, text) of every prompt and schema below a folder: `judge`, `strategies/step-by-step`, `schemas/vet.json`."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.name.startswith(("_", ".")):
            yield from files_in(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith((".txt", ".json")):
            try:
                yield f"{prefix}{entry.name.removesuffix('.txt')}", entry.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"cannot read the prompt {entry}: {error}") from error
