"""Inspect a task before anybody is paid to answer it: category, validity, context, difficulty, language."""

from typing import Any

from pydantic import BaseModel

from synthgen.config import RunConfig
from synthgen.prompts import Prompts, fenced
from synthgen.records import Request, Vetting
from synthgen.stages.instantiate import instruction_text
from synthgen.stages.reading import Unreadable, load
from synthgen.strategies import Taxonomy


class Form(BaseModel):
    """The reply of a vet call; its category and language are read leniently."""

    category: Any = None
    valid: bool
    missing_context: bool
    fresh_or_private: bool
    difficulty: float
    language: str = "und"


def ask(identity: str, instruction: str, given: str, config: RunConfig, prompts: Prompts) -> Request:
    """The request that inspects one task."""
    messages = prompts.render(
        "vet",
        categories=", ".join(config.taxonomy.names),
        instruction=instruction_text(instruction),
        input=fenced("input", given).removeprefix("<input>").removesuffix("</input>"),
    )
    return Request(
        role="instantiate",
        step="vet",
        about=identity,
        messages=messages,
        decoding=config.stage_decoding("vet"),
        form=prompts.schema("vet"),
    )


def read(text: str, taxonomy: Taxonomy) -> Vetting | Unreadable:
    """The form filled in. A category that cannot be read is `other`; a difficulty is brought into 1 to 5."""
    form = load(text, Form)
    if isinstance(form, Unreadable):
        return form
    return Vetting(
        category=taxonomy.name(form.category),
        valid=form.valid,
        missing_context=form.missing_context,
        fresh_or_private=form.fresh_or_private,
        difficulty=min(5, max(1, round(form.difficulty))) if form.difficulty == form.difficulty else 3,
        language=form.language.strip().lower()[:2] or "und",
    )


def fault(vetting: Vetting, language: str = "seeds") -> str | None:
    """Why a task is not worth an answer; None for a good one. A language that was asked for by name is insisted on."""
    if not vetting.valid:
        return "invalid"
    if vetting.missing_context:
        return "missing_context"
    if vetting.fresh_or_private:
        return "fresh_or_private"
    if language != "seeds" and vetting.language not in {language, "und"}:
        return "wrong_language"
    return None
