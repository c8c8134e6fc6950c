"""Proposals: they depend on the demonstrations shown, so that a pool fed by its own output narrows."""

import re
from collections import Counter
from collections.abc import Sequence
from random import Random

from synthgen.rehearsal import rates
from synthgen.rehearsal.families import BY_NAME, SPOKEN, recognise
from synthgen.rehearsal.families.base import Family
from synthgen.rehearsal.vocabulary import FOODS, THINGS
from synthgen.rehearsal.wire import Call

DEMONSTRATION = re.compile(r"^(\d+)\. (.+)$", re.MULTILINE)
LAST = re.compile(r"write tasks (\d+) to (\d+)")
TARGET = re.compile(r"Aim at this: .*?category ([a-z-]+)")
NARROW = ("symbol", "capital", "plural")
NARROW_TEXTS = 20
"""Texts of each narrow family: a run of the narrow profile ends with at most this many of each."""
WORD = re.compile(r"[a-z]{4,}")
HAN = re.compile("[\u4e00-\u9fff]")
TOO_SHORT = {
    "en": ("Explain this.", "Do it again.", "Continue.", "Sort them."),
    "zh": ("继续。", "再来。", "排序。", "为何？"),
}


def propose(call: Call) -> tuple[str, bool]:
    """(text, cut): numbered new tasks, and whether the reply was cut."""
    rng = call.chance("propose")
    shown = [text for _, text in DEMONSTRATION.findall(call.text)]
    first = len(shown) + 1
    wanted = LAST.search(call.text)
    last = int(wanted[2]) if wanted else first + 6
    if rng.random() < rates.REPLY_REFUSED:
        return "I'm sorry, but I can't help with that.", False
    target = TARGET.search(call.text)
    items = [item(shown, target[1] if target else "", call.model, rng) for _ in range(first, last + 1)]
    lines = [f"{number}. {text}" for number, text in enumerate(items, start=first)]
    text = "\n".join(lines)
    if call.completion or not wanted:
        text = text.removeprefix(f"{first}.")
    if rng.random() < rates.REPLY_CUT:
        return text[: len(text) - rng.randrange(10, 40)], True
    return text, False


def item(shown: list[str], target: str, model: str, rng: Random) -> str:
    """One proposed task."""
    language = "zh" if any(map(HAN.search, shown)) and HAN.search(rng.choice(shown)) else "en"
    drawn = rng.random()
    if drawn < rates.ATTACHMENT:
        thing = rng.choice(THINGS)
        return (
            "请描述附图中的东西，并说说它的用处。"
            if language == "zh"
            else f"Describe what you see in the attached image of the {thing}."
        )
    if drawn < rates.ATTACHMENT + rates.TOO_SHORT:
        return rng.choice(TOO_SHORT[language])
    if shown and rng.random() < rates.NEAR_COPY:
        return near_copy(rng.choice(shown), rng)
    if model == "rehearsal-narrow":
        return narrow(rng)
    return led(shown, target, SPOKEN[language], rng).write(rng)


def near_copy(text: str, rng: Random) -> str:
    """A demonstration with one word changed."""
    if HAN.search(text):
        return f"{text[:-1]}呢{text[-1]}"
    words = text.split()
    spots = [n for n, word in enumerate(words) if word.isalpha() and word.islower()] or [len(words) - 1]
    words[rng.choice(spots)] = rng.choice((*FOODS, *THINGS))
    return " ".join(words)


def narrow(rng: Random) -> str:
    """One of the few texts of the narrow profile."""
    family = BY_NAME[rng.choice(NARROW)]
    return family.write(Random(f"narrow/{family.name}/{rng.randrange(NARROW_TEXTS)}"))  # noqa: S311  # a fixed text


def fresh(target: str, families: Sequence[Family], rng: Random) -> Family:
    """Any family, mostly of the category asked for."""
    fitting = [family for family in families if family.category == target]
    if fitting and rng.random() < rates.ON_TARGET:
        return rng.choice(fitting)
    return rng.choice(families)


def led(shown: list[str], target: str, families: Sequence[Family], rng: Random) -> Family:
    """The family of a new item, led by one of the demonstrations."""
    leading = rng.choice(shown) if shown else ""
    if recognise(leading) is None:
        imitated = shown and rng.random() < rates.SAME_FAMILY / (1 - rates.NEAR_COPY)
        return related(leading, families, rng) if imitated else fresh(target, families, rng)
    return commonest(shown, families, rng) if rng.random() < rates.IMITATION else fresh(target, families, rng)


def related(text: str, families: Sequence[Family], rng: Random) -> Family:
    """A family that shares a word with a human task, or any."""
    words = set(WORD.findall(text.lower()))
    found = [family for family in families if words & set(WORD.findall(f"{family.name} {family.category}"))]
    return rng.choice(found or families)


def commonest(shown: list[str], families: Sequence[Family], rng: Random) -> Family:
    """The family that most of the demonstrations belong to; by chance where several are as many."""
    counts = Counter(known[0].name for text in shown if (known := recognise(text)) is not None)
    most = max(counts.values())
    best = BY_NAME[rng.choice([name for name, count in counts.items() if count == most])]
    return best if best in families else rng.choice(families)
