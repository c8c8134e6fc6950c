"""Licences as the Hub's front matter takes them, and as a person reads them. What nobody told is unknown; nothing is guessed."""

import re
from collections.abc import Mapping
from typing import Any

UNKNOWN = "unknown"
IDENTIFIERS = frozenset(
    """
    apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m
    afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5
    cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0
    cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0
    cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0
    lgpl lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl
    openmdw-1.0 openmdw-1.1 openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr
    deepfloyd-if-license fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2 llama3.3 llama4
    grok2-community gemma unknown other
    """.split()
)
"""What the Hub knows by name (huggingface.co/docs/hub/repositories-licenses, 2026)."""
LINK = re.compile(r"https?://[^\s<>\"'`()|\[\]]+")


def identifier(text: str) -> str:
    """The Hub's identifier of a licence; `other` for one that it does not know, `unknown` where none was told.

    >>> identifier("Apache-2.0"), identifier("The terms of our house"), identifier("")
    ('apache-2.0', 'other', 'unknown')
    """
    name = text.strip().lower() or UNKNOWN
    return name if name in IDENTIFIERS else "other"


def fields(text: str) -> dict[str, str]:
    """The front matter's fields: of a licence that the Hub does not know also the name, and the link if one was told."""
    known = identifier(text)
    if known != "other" or text.strip().lower() == "other":
        return {"license": known}
    link = LINK.search(text)
    name = " ".join(LINK.sub("", text).split()).strip(" .,;:()<>[]")
    told = {"license": known, "license_name": name or "see-license-link"}
    return told | ({"license_link": link[0].rstrip(".,;:!?")} if link else {})


def of(front: Mapping[str, Any]) -> str:
    """The licence of a front matter, in the form in which `fields` takes it; unknown where it names none."""
    given = front.get("license")
    names = [one.strip() for one in (given if isinstance(given, list) else [given]) if isinstance(one, str)]
    if names == ["other"]:
        parts = [front.get(name) for name in ("license_name", "license_link")]
        names = [" ".join(one.strip() for one in parts if isinstance(one, str))]
    return ", ".join(filter(None, names)) or (UNKNOWN if given != "other" else "other")


def told(text: str) -> str:
    """What a person reads."""
    return f"`{text}`" if text.strip().lower() not in {"", UNKNOWN} else "**unknown: ask before you publish**"
