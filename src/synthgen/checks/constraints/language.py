"""The language of an answer."""

from random import Random

from synthgen.checks.constraints.kind import CLOSED, LANGUAGES, SHAPED, Kind, pattern
from synthgen.checks.data import Language, spoken
from synthgen.checks.found import Found
from synthgen.text.language import detect

NAMES = {
    "ar": "Arabic", "de": "German", "en": "English", "es": "Spanish", "fr": "French", "hi": "Hindi", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "ru": "Russian", "tr": "Turkish",
    "zh": "Chinese",
}  # fmt: skip


class Spoken(Language):
    """The whole answer is in one language."""


def language(answer: str, args: Spoken) -> Found:
    return spoken(answer, args.language)


def draw(rng: Random, instruction: str) -> Spoken:
    own = detect(instruction)
    return Spoken(language=rng.choice([code for code in NAMES if code not in {own, "en"}]))


def say(args: Spoken) -> tuple[str, ...]:
    name = NAMES.get(args.language, f'the language with the code "{args.language}"')
    return (f"Answer in {name}.", f"Write your whole answer in {name}.", f"Use {name}, and no other language.")


ENGLISH = (
    "rhym\\w*",
    "words?",
    "puns?",
    "synonyms?",
    "antonyms?",
    "grammar",
    "spell\\w*",
    "rewrite",
    "rephrase",
    "edit",
    "correct",
    "extract",
    "quote",
)
KINDS = (
    Kind(
        "language", Spoken, language, say, draw,
        against=frozenset({
            "include", "frequency", "forbid", "letter", "paragraph_start", "postscript", "options", "sections", "repeat",
            "capitals", "lowercase", "capital_words", "ending", "words",
        }),
        unsuited=pattern(*CLOSED, *SHAPED, *LANGUAGES, *ENGLISH),
        example=Spoken(language="de"), keeps="Das Wetter ist heute schön, und wir gehen alle zusammen an den See.",
    ),
)  # fmt: skip
