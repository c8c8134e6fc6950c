"""Answers: right with a probability that falls with difficulty, so that failures of one task go together."""

import math
import re
from random import Random

from synthgen.rehearsal import rates, truth
from synthgen.rehearsal.families import recognise
from synthgen.rehearsal.families.base import Family, Solution
from synthgen.rehearsal.wire import Call

SENTENCE = re.compile(r"[^.!?]+[.!?]")
MARKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("step-by-step", ("small moves", "step by step", "work the matter")),
    ("recall-reason-generate", ("principles", "act together", "cause before effect")),
    ("recall-then-generate", ("hold in memory", "recall", "memory")),
    ("extract-generate", ("single out", "passages", "extract")),
    ("explain-then-answer", ("considerations", "explanation", "speaks against")),
    ("direct-answer", ("nothing around it", "preamble", "alone is your whole")),
)
HAN = re.compile("[\u4e00-\u9fff]")
LEADS_ZH = (
    "先看{a}，再看{b}。",
    "{a}比{b}更要紧。",
    "由{a}可以想到{b}。",
    "把{a}和{b}分开来看。",
    "关于{b}的话并不与{a}相左。",
)
FRAMES_ZH = ("那里有{}。", "谁也忘不了{}。", "后来又说到{}。", "有了{}，别的就好办了。", "最后还是{}。")
LEADS = (
    "Looking at {a} first, {b} follows from it.",
    "What matters here is {a}, more than {b}.",
    "The words {a} and {b} settle how to go on.",
    "Taken together, {a} and {b} leave little doubt.",
    "One could begin with {b}, but {a} comes first.",
    "From {a} one gets to {b} without a detour.",
    "Nothing said about {a} contradicts {b}.",
    "It helps to keep {a} apart from {b}.",
)


def strategy_of(system: str) -> str:
    """Which strategy a system prompt imposes, by words that tell it; "" for none."""
    low = system.lower()
    return next((name for name, words in MARKS if any(word in low for word in words)), "")


def solved(text: str) -> tuple[Family, Solution] | None:
    """The family of a task's text and its solution; the input is what stands after the blank line."""
    known = recognise(text.partition("\n\n")[0]) or recognise(text)
    if known is None:
        return None
    family, found = known
    return family, family.solve(found, text.partition("\n\n")[2])


def answer(call: Call) -> tuple[str, bool]:
    """(text, cut)."""
    rng = call.chance("answer")
    if rng.random() < rates.ANSWER_EMPTY:
        return "", False
    strategy = strategy_of(call.system)
    known = solved(call.text)
    text = composed(call, strategy, known, rng)
    if call.system and rng.random() < rates.STRATEGY_LEAK:
        quoted = max(SENTENCE.findall(call.system) or [call.system], key=len).strip()
        text = f"{quoted} {text}"
    if rng.random() < rates.ANSWER_CUT:
        return text[: max(1, len(text) // 2)], True
    return text, False


def composed(call: Call, strategy: str, known: tuple[Family, Solution] | None, rng: Random) -> str:
    """Working in the strategy's manner, and the outcome."""
    lines = working(call.text, max(0, rates.WORKING.get(strategy, 1) + rng.choice((-1, 0, 0, 1))), rng)
    if known is None:
        return " ".join([*lines, *working(call.text, 2 + rng.randrange(3), rng)])
    family, solution = known
    right = rng.random() < chance_right(call, family, strategy, rng)
    if solution.required:
        return " ".join([*lines, written(solution.required, call.text, right=right, rng=rng)])
    outcome = solution.right if right else plausible(solution.wrong, rng)
    if strategy == "direct-answer" and not lines:
        return outcome
    said = f"所以答案是{outcome}" if HAN.search(call.text) else f"So the answer is {outcome}"
    return " ".join([*lines, said])


def chance_right(call: Call, family: Family, strategy: str, rng: Random) -> float:
    """sigmoid(skill - difficulty + luck); the item's difficulty is the same for every sample and strategy."""
    skill = truth.skill(call.model, family.category, strategy, think=bool(call.think))
    item = Random(f"difficulty/{call.text}").gauss(family.difficulty, rates.ITEM_SPREAD)  # noqa: S311  # a property of the text
    return 1 / (1 + math.exp(-(skill - item + rng.gauss(0, rates.SAMPLE_SPREAD))))


def thoughts(call: Call) -> str:
    """What is thought before an answer that is to be thought about."""
    rng = call.chance("thoughts")
    count = rates.THOUGHTS + rng.randint(-rates.THOUGHTS // 3, rates.THOUGHTS // 3)
    return " ".join(sentence for _ in range(count) for sentence in working(call.text, 1, rng))


def working(text: str, count: int, rng: Random) -> list[str]:
    """Sentences made of the task's own words."""
    words = [word for word in re.findall(r"[^\W\d_]{3,}", text) if len(word) < 20] or ["this", "that"]
    leads = LEADS_ZH if HAN.search(text) else LEADS
    return [lead.format(a=rng.choice(words), b=rng.choice(words)) for lead in rng.sample(leads, min(count, len(leads)))]


def written(required: tuple[str, ...], text: str, *, right: bool, rng: Random) -> str:
    """A text that mentions everything required, or all but one."""
    kept = list(required) if right else [word for word in required if word != Random(f"left/{text}").choice(required)]  # noqa: S311
    frames = FRAMES_ZH if HAN.search(text) else (
        "There is {} to begin with.", "Nobody forgets {} there.", "Then {} came up, as it should.", "With {} the rest fell into place.",
        "We would not do it without {}.", "And {} had the last word.", "Ask about {} and you will hear why.",
    )  # fmt: skip
    return " ".join(frame.format(word) for frame, word in zip(rng.sample(frames, len(kept)), kept, strict=True))


def correct(text: str, solution: Solution) -> bool:
    """Whether an answer comes to the right outcome: the last outcome it states, or every word that is required."""
    if solution.required:
        return all(word in text for word in solution.required)
    places = {
        outcome: text.rfind(outcome) + len(outcome) for outcome in (solution.right, *solution.wrong) if outcome in text
    }
    # Of outcomes that end at one place the longest is the one stated: 12 in 112 is not 12.
    best = max(places, key=lambda outcome: (places[outcome], len(outcome)), default="")
    return best == solution.right


def plausible(wrong: tuple[str, ...], rng: Random) -> str:
    """One of the likeliest wrong outcomes, by its weight."""
    likeliest = wrong[: len(rates.WRONG_WEIGHTS)]
    return rng.choices(likeliest, rates.WRONG_WEIGHTS[: len(likeliest)])[0]
