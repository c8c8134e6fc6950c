"""The screens a proposed instruction passes before it is compared with the pool. Each returns a reason, or None.

`parity` is post_process_gpt3_response of the reference, filter by filter and in its order (PAPERS 1.1). `default`
drops what cannot be worked on and nothing else (docs/reference/parity.md says why each rule went).
"""

import re
import string
from collections.abc import Callable

from synthgen.config import RunConfig
from synthgen.text.language import agrees
from synthgen.text.special import special_tokens
from synthgen.text.tokens import word_count

BLACKLIST = (
    "image", "images", "graph", "graphs", "picture", "pictures", "file", "files", "map", "maps", "draw", "plot",
    "go to",
)  # fmt: skip
PARITY_WORDS = re.compile("|".join(rf"\b({word})\b" for word in BLACKLIST), re.IGNORECASE)

_THING = (
    r"(?:image|picture|photo(?:graph)?|figure|diagram|chart|graph|map|video|clip|recording|audio|file|document|pdf|"
    r"spreadsheet|screenshot|link|attachment|website|web page)"
)
UNSEEN = re.compile(
    rf"\b(?:(?:attached|enclosed|uploaded|linked)\s+(?:\w+\s+)?{_THING}s?"
    rf"|{_THING}s?\s+(?:\w+\s+)?(?:attached|enclosed|uploaded)"
    rf"|(?:(?:shown|pictured|depicted|displayed|described)\s+)?in\s+(?:the|this)\s+(?:(?:following|above|below)\s+)?"
    r"(?:image|picture|photo(?:graph)?|screenshot|video|clip|recording|attachment)"
    rf"|(?:the|this)\s+(?:following|above|below)\s+(?:{_THING})"
    rf"|{_THING}\s+(?:above|below)\b"
    r"|(?:see|open|click|visit|follow)\s+(?:the|this)\s+(?:attachment|link|url|file|image|picture)\b"
    r"|see\s+attached)"
    r"|附图|附件|如图|[上下]图|图中所示|上传的(?:图片|文件)|点击(?:链接|下面)"
    r"|\b(?:im|das|die|der|den)\s+(?:angehängten?|beigefügten?)\s+\w+"
    r"|\b(?:imagen|foto|archivo|documento|vídeo)\s+adjunt[oa]s?\b"
    r"|\b(?:image|photo|fichier|document|vidéo)\s+ci-joint(?:e|s|es)?\b",
    re.IGNORECASE,
)
REFUSAL = re.compile(
    r"^(?:i['’]?m sorry|i am sorry|sorry,|i can(?:no|['’])t|i cannot|as an ai\b|as a language model)", re.IGNORECASE
)
LETTER = re.compile(r"[^\W\d_]")


def parity(text: str) -> str | None:
    """The reference's filters on one instruction, after reading, in the reference's order."""
    words = len(text.split())
    if words <= 3:
        return "too_short"
    if words > 150:
        return "too_long"
    if PARITY_WORDS.search(text):
        return "blacklisted_word"
    if text.startswith("Write a program"):
        return "write_a_program"
    if text[0] in string.punctuation:
        return "starts_with_punctuation"
    if not text[0].isascii():
        return "not_ascii"
    return None


def default(text: str, config: RunConfig, languages: frozenset[str]) -> str | None:
    """What cannot be worked on: nothing said, too short or long, a refusal, something nobody can see, a wrong language."""
    words = word_count(text)
    if words < config.minimum_words:
        return "too_short"
    if words > config.maximum_words:
        return "too_long"
    if not LETTER.search(text):
        return "no_letters"
    if REFUSAL.match(text):
        return "refusal"
    if UNSEEN.search(text):
        return "unseen_attachment"
    if special_tokens(text) is not None:
        return "special_token"
    if languages and not agrees(text, languages):
        return "wrong_language"
    return None


def screen(config: RunConfig, languages: frozenset[str]) -> Callable[[str], str | None]:
    """The screen of the run's mode."""
    if config.mode == "parity":
        return parity
    return lambda text: default(text, config, languages)
