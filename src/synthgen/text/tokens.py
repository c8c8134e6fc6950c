"""Split text into tokens: as the reference does, and so that every script counts."""

import re
import unicodedata

NOT_PARITY = re.compile(r"[^a-z0-9]+")
# Scripts written without spaces: each character is a token. Hangul is spaced, so it is not among them.
ALONE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Myanmar, Khmer
    "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # kana, Han
)
# Combining marks are no \w. Of the blocks of India every character but the danda belongs to a word.
_MARK = (
    r"[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    r"\u0900-\u0963\u0966-\u0dff]"
)
WORD = re.compile(
    rf"[{ALONE}]"
    rf"|(?:(?<![\w.])\.)?[^\W_{ALONE}](?:[^\W_{ALONE}]|{_MARK}|'(?=\w))*"
    r"(?:\+\+|#)?"
)
TOKEN = re.compile(
    rf"{WORD.pattern}|[^\w\s.,;:!?\"'’‘“”()\[\]{{}}…¿¡«»„‹›–—•·।॥؟،؛。，、；：！？（）「」『』-]|(?<![^\W\d_])-(?=\s?\d)"
)
TYPOGRAPHIC = {ord("’"): "'", **dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x2060, 0x2065), 0xFEFF])}
"""Apostrophes are one, and characters without width are none, so that neither hides that two texts are equal."""
SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")


def parity_tokens(text: str) -> list[str]:
    """Tokens of rouge_score 0.1.2 without a stemmer: lower-case runs of a-z and 0-9. Other letters are lost."""
    return NOT_PARITY.sub(" ", text.lower()).split()


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().translate(TYPOGRAPHIC)


def unicode_tokens(text: str) -> list[str]:
    """Words of any script, case folded, and the symbols that carry meaning (`2+2` is not `2-2`).

    A character of a script without spaces is a token of its own; `C++` and `.NET` keep their marks.
    """
    return TOKEN.findall(_folded(text))


def words(text: str) -> list[str]:
    """The tokens that are words or numbers."""
    return WORD.findall(_folded(text))


def word_count(text: str) -> int:
    """How many words a text has; in scripts without spaces, characters."""
    return len(words(text))


def normalised(text: str) -> str:
    """Equal for texts that differ only in case, space and punctuation."""
    return " ".join(unicode_tokens(text))


def sentences(text: str) -> list[str]:
    """The sentences of a text, cut after . ! ? with a space and at line ends; abbreviations are cut too."""
    return [part.strip() for part in SENTENCE.split(text) if part and part.strip()]
