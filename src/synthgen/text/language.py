"""Is a text in the language it should be in? Decided by its script first, then, for long enough texts, by py3langid.

Only a clear verdict counts: a few words, code, formulas and names agree with every language.
"""

import re
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

from synthgen.errors import storage
from synthgen.text.tokens import words

UNKNOWN = "und"
ENOUGH_WORDS = 8
ENOUGH_FOR_A_PART = 3
PART = re.compile(r"[:\"«»„“”「」`\n.?!：。？！]")
"""Where a task may turn to text in another language or to code, as translations do."""
QUOTATION = re.compile(r"\"[^\"]*\"|«[^»]*»|“[^”]*”|„[^“”]*[“”]|「[^」]*」|`[^`]*`")
MARGIN = 20.0
"""By how much, in log probability, another language must beat every wanted one."""
DETECTION_MARGIN = 2.0
"""By how much, in log probability, a language must beat every other one to be named."""
SCRIPT_LANGUAGES: dict[str, frozenset[str]] = {
    "HIRAGANA": frozenset({"ja"}),
    "KATAKANA": frozenset({"ja"}),
    "HANGUL": frozenset({"ko"}),
    "CJK": frozenset({"zh", "ja"}),
    "THAI": frozenset({"th"}),
    "GREEK": frozenset({"el"}),
    "HEBREW": frozenset({"he", "yi"}),
    "CYRILLIC": frozenset({"ru", "uk", "bg", "sr", "be", "mk", "kk", "ky", "mn", "tg"}),
    "ARABIC": frozenset({"ar", "fa", "ur", "ps", "ug", "ku"}),
    "DEVANAGARI": frozenset({"hi", "mr", "ne"}),
    "BENGALI": frozenset({"bn", "as"}),
    "GURMUKHI": frozenset({"pa"}),
    "GUJARATI": frozenset({"gu"}),
    "TAMIL": frozenset({"ta"}),
    "TELUGU": frozenset({"te"}),
    "KANNADA": frozenset({"kn"}),
    "MALAYALAM": frozenset({"ml"}),
    "SINHALA": frozenset({"si"}),
    "GEORGIAN": frozenset({"ka"}),
    "ARMENIAN": frozenset({"hy"}),
    "KHMER": frozenset({"km"}),
    "LAO": frozenset({"lo"}),
    "MYANMAR": frozenset({"my"}),
    "ETHIOPIC": frozenset({"am"}),
}
ONLY = {script: next(iter(codes)) for script, codes in SCRIPT_LANGUAGES.items() if len(codes) == 1}
NEVER_LATIN = frozenset[str]().union(*SCRIPT_LANGUAGES.values()) - {"sr", "ku", "kk"}
"""Languages that are not written in Latin letters."""
LETTER = re.compile(r"[^\W\d_]")


def script(text: str) -> str:
    """The script of most letters, as Unicode names it; kana outweigh the Han characters they stand among. "" for none."""
    if text.isascii():
        return "LATIN" if LETTER.search(text) else ""
    counts: Counter[str] = Counter(_script_of(letter) for letter in LETTER.findall(text))
    if counts["HIRAGANA"] + counts["KATAKANA"] > counts.total() / 5:
        return "HIRAGANA"
    return counts.most_common(1)[0][0] if counts else ""


@cache
def _script_of(letter: str) -> str:
    return unicodedata.name(letter, "UNKNOWN").split(" ")[0].split("-")[0]


def detect(text: str) -> str:
    """The two-letter code of a text's language, or `und` where it cannot be told."""
    found = script(text)
    if found == "CJK":
        return "zh"
    if found in ONLY:
        return ONLY[found]
    if len(words(text)) < ENOUGH_WORDS // 2:
        return UNKNOWN
    (first, best), (_, second) = _ranked(text)[:2]
    return first if best - second > DETECTION_MARGIN else UNKNOWN


def agrees(text: str, languages: frozenset[str]) -> bool:
    """Whether a text may pass as one of the wanted languages, as a whole or in the part that says what to do.

    `und` alone wants nothing.
    """
    if languages <= {UNKNOWN} or (count := len(words(text))) < ENOUGH_FOR_A_PART:
        return True
    if _in_script(text, languages) and (count < ENOUGH_WORDS or _spoken(text, languages)):
        return True
    around = QUOTATION.sub(" ", text)
    if around != text and len(words(around)) < ENOUGH_FOR_A_PART:
        return bool(script(around)) and _in_script(around, languages)
    return any(
        script(part) and _in_script(part, languages) and _foremost(part, languages)
        for part in (around, *PART.split(text))
        if len(words(part)) >= ENOUGH_FOR_A_PART
    )


def _in_script(text: str, languages: frozenset[str]) -> bool:
    """Whether one of the languages is written in a text's script; true for a text without letters."""
    found = script(text)
    possible = SCRIPT_LANGUAGES.get(found, languages - NEVER_LATIN)
    return not found or not possible.isdisjoint(languages)


def _spoken(text: str, languages: frozenset[str]) -> bool:
    """Whether no other language fits a text clearly better; true for languages that the model does not know."""
    found = script(text)
    if found in ONLY or found == "CJK":
        return True
    ranked = _ranked(text)
    wanted = next((weight for code, weight in ranked if code in languages), None)
    return wanted is None or ranked[0][1] - wanted < MARGIN


def _foremost(text: str, languages: frozenset[str]) -> bool:
    """Whether a part of a text that as a whole is in another language is surely in a wanted one: none fits better."""
    found = script(text)
    if found in ONLY or found == "CJK":
        return True
    ranked = _ranked(text)
    return ranked[0][0] in languages or languages.isdisjoint(code for code, _ in ranked)


def _ranked(text: str) -> list[tuple[str, float]]:
    """Two-letter language code and log probability, the likeliest first."""
    return [one for one in _model()(text) if len(one[0]) == 2]


@cache
def _model() -> Callable[[str], list[tuple[str, float]]]:
    """py3langid's ranking of all languages, which loads numpy and, at its first text, the model by way of a temporary file."""
    import py3langid

    with storage(Path(tempfile.gettempdir())):
        py3langid.rank("")
    ranking: Callable[[str], list[tuple[str, float]]] = py3langid.rank
    return ranking
