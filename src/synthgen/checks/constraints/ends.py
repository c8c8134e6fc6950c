"""How an answer begins and ends: a last phrase, quotation marks."""

from random import Random
from typing import Annotated

from pydantic import AfterValidator

from synthgen.checks.arguments import Nothing
from synthgen.checks.constraints.kind import CLOSED, SHAPED, Kind, has_word, pattern
from synthgen.checks.found import Found
from synthgen.records import Record
from synthgen.text.tokens import words

PHRASES = (
    "That is all there is to it.",
    "And so it ends.",
    "Is there more to say?",
    "The rest is up to you.",
    "Ask me again tomorrow.",
    "Here the answer ends.",
)
"""None of them has a comma."""
MARKS = {"“": "”", "„": "“”", "«": "»", "»": "«", "「": "」", "『": "』", "‹": "›", '"': '"', "＂": "＂"}
"""An opening mark of quotation, and those that close it."""


class Ending(Record):
    """The answer ends with a phrase, after which no other word stands."""

    phrase: Annotated[str, AfterValidator(has_word)]
    """The last words; case and punctuation do not matter."""


class Quoted(Nothing):
    """The whole answer stands in one pair of double quotation marks."""


def ending(answer: str, args: Ending) -> Found:
    wanted = words(args.phrase)
    last = words(answer)[-len(wanted) :]
    return Found(last == wanted, "" if last == wanted else f"ends with {' '.join(last)}")


def in_quotes(answer: str, args: Quoted) -> Found:
    text = answer.strip()
    closing = MARKS.get(text[0], "")
    if len(text) < 2 or text[-1] not in closing or not words(text):
        return Found(False, "not in quotation marks")
    early = closed_early(text[1:-1], text[0], text[-1])
    return Found(not early, "the quotation ends before the answer does" if early else "")


def closed_early(inner: str, opening: str, closing: str) -> bool:
    """Whether a quotation that was opened before a text is closed within it."""
    if opening == closing:
        at = inner.find(closing)
        return at >= 0 and closes(inner, at)
    depth = 1
    for character in inner:
        depth += (character == opening) - (character == closing)
        if depth == 0:
            return True
    return False


def closes(text: str, at: int) -> bool:
    """Whether a straight mark closes a quotation: something stands before it, and no letter after it."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return bool(before.strip()) and before not in "([{" and not after.isalnum()


def draw_ending(rng: Random, instruction: str) -> Ending:
    return Ending(phrase=rng.choice(PHRASES))


def say_ending(args: Ending) -> tuple[str, ...]:
    return (
        f'Finish your answer with this very phrase: "{args.phrase}" No other words may follow it.',
        f'The last words of your answer must be "{args.phrase}"',
        f'End with "{args.phrase}" and write nothing after it.',
    )


def say_quoted(args: Quoted) -> tuple[str, ...]:
    return (
        "Put your whole answer in double quotation marks.",
        "Your entire answer must stand between double quotation marks.",
        "Begin and end your answer with a double quotation mark.",
    )


KINDS: tuple[Kind[Ending] | Kind[Quoted], ...] = (
    Kind(
        "ending", Ending, ending, say_ending, draw_ending,
        against=frozenset({"quoted"}), unsuited=pattern(*CLOSED, *SHAPED, "ends?", "ending"),
        example=Ending(phrase="And so it ends."), keeps="They sailed home. And so it ends.",
    ),
    Kind(
        "quoted", Quoted, in_quotes, say_quoted, lambda rng, instruction: Quoted(),
        unsuited=pattern(*CLOSED, *SHAPED, "quot\\w*", "dialogues?", "conversations?", "story", "stories"),
        example=Quoted(), keeps='"We leave at dawn."',
    ),
)  # fmt: skip
