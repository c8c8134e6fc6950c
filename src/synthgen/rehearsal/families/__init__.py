"""Every family of the rehearsal, and how a text finds its own."""

import re
from functools import lru_cache

from synthgen.rehearsal.families import chinese, facts, known, labels, numbers, texts, writing
from synthgen.rehearsal.families.base import Family

FAMILIES: tuple[Family, ...] = (
    *numbers.FAMILIES,
    *labels.FAMILIES,
    *texts.FAMILIES,
    *facts.FAMILIES,
    *writing.FAMILIES,
    *chinese.FAMILIES,
    *known.FAMILIES,
)
SPOKEN = {
    language: tuple(family for family in FAMILIES if family.language == language and family.proposed)
    for language in ("en", "zh")
}
"""Families that are proposed, by language."""
BY_NAME = {family.name: family for family in FAMILIES}


@lru_cache(maxsize=65536)
def recognise(text: str) -> tuple[Family, re.Match[str]] | None:
    """The family whose core stands in a text, with the core."""
    for family in FAMILIES:
        found = family.recognise(text)
        if found is not None:
            return family, found
    return None
