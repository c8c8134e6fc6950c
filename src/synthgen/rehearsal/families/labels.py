"""Labelling families: a text is written for a label from phrases that only that label uses."""

import re
from collections.abc import Callable, Mapping
from random import Random

from synthgen.rehearsal.families.base import Family, Solution, distinct
from synthgen.rehearsal.vocabulary import FOODS, NAMES, OCCASIONS, PLACES, THINGS, TOWNS

Phrases = Mapping[str, tuple[str, ...]]

URGENCY: Phrases = {
    "urgent": (
        "needs an answer within the hour",
        "the pump is leaking onto the floor right now",
        "people are waiting outside in the rain",
    ),
    "routine": ("as we do every month", "whenever it fits into your week", "please add it to the usual list"),
    "ignorable": (
        "no reply is wanted",
        "this was sent to everybody by mistake",
        "you have won a prize you never played for",
    ),
}
FEELING: Phrases = {
    "pleased": ("I would come back tomorrow", "everything was better than I had hoped", "we laughed all evening"),
    "disappointed": ("I expected far more", "we left before the end", "nobody apologised"),
    "mixed": ("the start was fine, the rest was not", "good hands, poor planning", "half of it I would keep"),
}
DEPARTMENT: Phrases = {
    "billing": (
        "the invoice counts the same crate twice",
        "my card was charged again",
        "the receipt shows another amount",
    ),
    "repairs": ("the hinge broke off", "it makes a grinding noise", "the lamp goes out after a minute"),
    "delivery": (
        "the parcel went to the wrong street",
        "nothing has arrived since Monday",
        "the box was left in the rain",
    ),
    "praise": ("your staff were kind to my father", "I want to thank the evening team", "well done to all of you"),
}
TOPIC: Phrases = {
    "sport": (
        "the second half brought three goals",
        "she cleared the bar at the first attempt",
        "the crew rowed in perfect time",
    ),
    "music": ("the cello entered two bars late", "the choir held the last chord", "a slow movement in a minor key"),
    "weather": ("fog lay on the fields until noon", "gusts tore at the shutters", "the barometer fell all night"),
    "food": (
        "the crust must rest before it is cut",
        "a pinch of it lifts the broth",
        "simmer until it coats the spoon",
    ),
}
TENSE: Phrases = {
    "past": ("walked to the gate", "sold the last one", "had already closed the shutters"),
    "present": ("walks to the gate", "is selling the last one", "closes the shutters"),
    "future": ("will walk to the gate", "is going to sell the last one", "will have closed the shutters"),
}
CLAIM: Phrases = {
    "fact": ("weighs four kilograms on the scale", "has eleven steps", "opened in the year 1931"),
    "opinion": (
        "is the loveliest in the whole valley",
        "ought to be painted another colour",
        "is far too dear for what it is",
    ),
}
FORMALITY: Phrases = {
    "formal": (
        "We should be obliged if you would confirm",
        "Kindly find the terms set out",
        "We remain at your disposal",
    ),
    "casual": ("hey, can you bring it round", "no worries if not", "see you in a bit, bring snacks"),
}
SAFETY: Phrases = {
    "safe": (
        "the handrail is fixed and the light works",
        "all guards are in place",
        "the extinguisher was checked this spring",
    ),
    "unsafe": ("the cable runs through a puddle", "the ladder leans on a loose tile", "the exit is blocked by crates"),
}


def solver(phrases: Phrases) -> Callable[[re.Match[str], str], Solution]:
    """The label whose phrases stand in the input; the next label where none does."""
    names = tuple(phrases)

    def solve(_found: re.Match[str], given: str) -> Solution:
        right = next((label for label, texts in phrases.items() if any(text in given for text in texts)), names[0])
        others = names[names.index(right) + 1 :] + names[: names.index(right)]
        return distinct(right, *others)

    return solve


def writer(phrases: Phrases) -> Callable[[re.Match[str], Random, str], str]:
    """A text of a label, which does not name it."""

    def given(_found: re.Match[str], rng: Random, label: str) -> str:
        said = rng.choice(phrases.get(label) or rng.choice(list(phrases.values())))
        lead = rng.choice(("Note from", "Message left by", "Line sent by", "Written by", "Overheard from"))
        about = rng.choice(("about the", "concerning the", "on the subject of the", "after seeing the"))
        return f"{lead} {rng.choice(NAMES)} in {rng.choice(TOWNS)}, {about} {rng.choice(THINGS)}: {said}. {rng.choice(FOODS).capitalize()} came up too."

    return given


def labelling(name: str, category: str, phrases: Phrases, asks: tuple[str, ...], difficulty: float) -> Family:
    """A family that asks for one of its labels, in several wordings."""
    names = tuple(phrases)
    listed = f"{', '.join(names[:-1])} or {names[-1]}"

    def core(rng: Random) -> str:
        where = rng.choice(
            (
                f"It reached the {rng.choice(PLACES)} during the {rng.choice(OCCASIONS)}.",
                f"The {rng.choice(PLACES)} in {rng.choice(TOWNS)} sorts dozens of them for the {rng.choice(OCCASIONS)}.",
                f"{rng.choice(NAMES)} sorts them by hand at the {rng.choice(PLACES)}.",
            )
        )
        return f"{rng.choice(asks)} {listed}. {where}"

    pattern = re.compile(f"(?:{'|'.join(map(re.escape, asks))}) {re.escape(listed)}")
    return Family(name, category, "label", core, pattern, solver(phrases), difficulty, names, writer(phrases))


FAMILIES = (
    labelling("urgency", "classification", URGENCY, ("Sort the message by how soon it matters:", "How pressing is this note? Answer", "Mark the message as"), 0.4),
    labelling("feeling", "classification", FEELING, ("What does the guest feel? Reply", "Label the remark with the visitor's feeling:", "Tag this review as"), 0.7),
    labelling("department", "work-business", DEPARTMENT, ("Send the complaint to its desk:", "Which desk should handle this line?", "Route the note to"), 0.5),
    labelling("topic", "classification", TOPIC, ("Name the subject of the sentence:", "Under which heading does the line belong?", "File the clipping beneath"), 0.3),
    labelling("tense", "editing", TENSE, ("State the tense of the main verb:", "Is the action told in", "Classify the time of the deed as"), 0.6),
    labelling("claim", "judgement", CLAIM, ("Decide whether the statement is", "Does the line give", "Judge the remark to be"), 0.6),
    labelling("formality", "correspondence", FORMALITY, ("Would you call this register", "Name the style of the letter:", "Rate the wording as"), 0.4),
    labelling("safety", "work-business", SAFETY, ("Inspect the report and write", "From the description, is the spot", "Give the verdict of the walk-round:"), 0.5),
)  # fmt: skip
