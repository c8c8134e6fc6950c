"""Self-Instruct step 1: show a few tasks, ask for more (2212.10560 section 2.2, and bootstrap_instructions.py).

`ask` writes the prompt and `read` takes the reply apart. Both have the reference's way (`parity`) and ours.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from synthgen.config import RunConfig
from synthgen.errors import InputError
from synthgen.prompts import Prompts
from synthgen.records import Reply, Request, Target
from synthgen.strategies import Taxonomy

PARITY_ITEM = re.compile(r"\n\d+\s?\. ")
ITEM = re.compile(r"^\s*[*_#-]*\s*(\d{1,3})\s*[.)、．:]\s*[*_]*\s*(.*)$")
SPACE = re.compile(r"\s+")
LANGUAGES = {
    "ar": "Arabic", "de": "German", "el": "Greek", "en": "English", "es": "Spanish", "fr": "French", "he": "Hebrew",
    "hi": "Hindi", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "pl": "Polish",
    "pt": "Portuguese", "ru": "Russian", "sv": "Swedish", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian",
    "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A task as it is shown to the teacher."""

    id: str
    text: str
    root_id: str
    category: str


def encoded(text: str) -> str:
    """One line, as bootstrap_instructions.py shows an instruction: spaces collapsed, ends stripped, trailing colons gone."""
    return SPACE.sub(" ", text).strip().rstrip(":")


def ask(
    identity: str,
    demonstrations: Sequence[Demonstration],
    target: Target,
    config: RunConfig,
    prompts: Prompts,
    languages: frozenset[str],
    *,
    seed: int,
) -> Request:
    """The request of one call of the grow loop."""
    shown = len(demonstrations)
    values = {
        "first": shown + 1,
        "last": shown + config.new_per_call,
        "demos": "\n".join(f"{n}. {encoded(d.text)}" for n, d in enumerate(demonstrations, start=1)),
    }
    if config.mode == "parity":
        messages = prompts.render("propose_parity", **values)
    else:
        extra = {"language": language_wish(config.language, languages), "target": target_wish(target, config.taxonomy)}
        messages = prompts.render("propose", **values, **extra)
    decoding = config.stage_decoding("propose")
    return Request(role="propose", step="propose", about=identity, messages=messages, decoding=decoding, seed=seed)


def language_wish(language: str, seen: frozenset[str]) -> str:
    """The sentence that asks for a language; "" where English seeds say enough."""
    if language != "seeds":
        return f"Write them in {LANGUAGES.get(language, language)}. "
    if seen <= {"en", "und"}:
        return ""
    if len(seen - {"und"}) == 1:
        (only,) = seen - {"und"}
        return f"Write them in {LANGUAGES.get(only, only)}. "
    return "Keep to the languages of the tasks shown. "


def target_wish(target: Target, taxonomy: Taxonomy) -> str:
    """The sentence that names the call's target; "" where nothing was drawn."""
    parts = {name: value for name, value in target.model_dump().items() if value}
    if not parts:
        return ""
    if target.category in taxonomy.categories:
        parts["category"] = f"{target.category} ({taxonomy.categories[target.category].about})"
    if target.persona:
        parts["persona"] = f"somebody such as {target.persona} would ask it"
    return "Aim at this: " + "; ".join(f"{name} {value}" for name, value in parts.items()) + "."


def read(reply: Reply, config: RunConfig, *, shown: int) -> list[str]:
    """The new instructions of a reply, in order; [] where there is none to be had."""
    if config.mode == "parity":
        return read_parity(reply)
    return read_default(reply, first=shown + 1)


def read_parity(reply: Reply) -> list[str]:
    """As post_process_gpt3_response: a cut reply is dropped whole, items are split, collapsed and capitalised."""
    if reply.finish != "stop":
        return []
    pieces = (SPACE.sub(" ", piece).strip().capitalize() for piece in PARITY_ITEM.split(reply.text))
    return [piece for piece in pieces if piece]


def read_default(reply: Reply, *, first: int) -> list[str]:
    """The items numbered upwards, from `first` or from 1. A cut reply loses only its last item.

    A line whose number does not follow the last one belongs to the item before it, so a task may hold a list.
    """
    if reply.finish not in {"stop", "length"}:
        return []
    items: list[list[str]] = []
    expected: set[int] = {first, 1}
    for line in reply.text.splitlines():
        match = ITEM.match(line)
        if match and int(match[1]) in expected:
            items.append([match[2]])
            expected = {int(match[1]) + 1}
        elif items:
            items[-1].append(line)
    texts = [SPACE.sub(" ", " ".join(lines)).strip().rstrip("*_").strip() for lines in items]
    if reply.finish == "length":
        texts = texts[:-1]
    return [text for text in texts if text]


def read_lines(path: Path) -> list[str]:
    """The non-empty lines of a user's file of topics or personas."""
    try:
        found = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    if not found:
        raise InputError(f"{path} is empty: write one topic or persona a line")
    return found
