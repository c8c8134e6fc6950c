"""What each rule of novelty catches by itself: planted duplicates of several kinds, and clean rows.

Prints JSON. 1,000 sentences of the installed packages' documentation, each repeated in every way, and 3,000 others, each used once;
ten instructions rephrased by hand. For answers, paragraphs of some 60 words. Run it as `python benchmarks/planted.py
[--embedder SPEC]`: a SPEC adds the rule of meaning, at 0.9 and at 0.8.
"""

import json
import random
import sys
from pathlib import Path

from decontamination import Source

from synthgen.config import SemanticConfig
from synthgen.curate import embedding
from synthgen.text.duplicates import Duplicates
from synthgen.text.fuzzy import Fuzzy
from synthgen.text.novelty import Novelty
from synthgen.text.tokens import normalised, unicode_tokens

ITEMS, CLEAN = 1_000, 3_000
REPHRASED = (
    (
        "Explain why the sky is blue to a child of six.",
        "How would you tell a six-year-old what makes the sky look blue?",
    ),
    ("Write a short poem about the first snow of the year.", "Compose a few verses on the season's earliest snowfall."),
    ("List five ways to save money on groceries.", "Give me a handful of tips for spending less on food shopping."),
    ("Translate the following sentence into French.", "Put this sentence into French."),
    ("Summarise the article below in two sentences.", "Condense the text that follows to a pair of sentences."),
    ("What is the capital of Australia?", "Name the city that is Australia's seat of government."),
    ("Find the error in this Python function and mend it.", "This Python function has a bug: locate and correct it."),
    ("Plan a weekend trip to Lisbon for two.", "Draw up an itinerary for a couple spending two days in Lisbon."),
    ("Is this review positive or negative?", "Decide whether the reviewer liked the product or not."),
    ("Describe how a bicycle stays upright while it moves.", "Why does a rolling bike not fall over? Give an account."),
)


def misspelt(word: str, rng: random.Random) -> str:
    """A word with two of its letters exchanged."""
    if len(word) < 3:
        return word
    at = rng.randrange(len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def variants(text: str, rng: random.Random) -> dict[str, str]:
    """The ways in which a text comes again."""
    words = text.split()
    middle = len(words) // 2
    return {
        "other case and punctuation": text.upper().replace(" ", ", "),
        "one word exchanged": " ".join([*words[:middle], "rather", *words[middle + 1 :]]),
        "halves exchanged": " ".join(words[middle:] + words[:middle]),
        "words in another order": " ".join(rng.sample(words, len(words))),
        "every third word misspelt": " ".join(misspelt(w, rng) if n % 3 == 0 else w for n, w in enumerate(words)),
        "every second word misspelt": " ".join(misspelt(w, rng) if n % 2 == 0 else w for n, w in enumerate(words)),
        "first half only": " ".join(words[:middle]),
    }


def rules(embed: object) -> dict[str, object]:
    """Each rule by name: a function from the originals to a question whether a text repeats one of them."""

    def rouge(texts: list[str]):
        pool = Novelty(unicode_tokens, 0.7)
        for number, text in enumerate(texts):
            pool.add(str(number), text)
        return lambda asked: [pool.above(text) is not None for text in asked]

    def fuzzy(texts: list[str]):
        pool = Fuzzy(0.9)
        pool.extend((str(number), normalised(text)) for number, text in enumerate(texts))
        return lambda asked: [one.pool is not None for one in pool.alike([normalised(text) for text in asked])]

    def both(texts: list[str]):
        pool = Duplicates(0.7, 0.9)
        for number, text in enumerate(texts):
            pool.admit(pool.text(str(number), text))
        return lambda asked: [pool.find(pool.text("", text)) is not None for text in asked]

    def meaning(threshold: float):
        def made(texts: list[str]):
            from synthgen.text.semantic import Semantic

            pool = Semantic(threshold)
            pool.extend([(str(n), vector) for n, vector in enumerate(embed(texts))])  # type: ignore[operator]
            return lambda asked: [one.pool is not None for one in pool.alike(embed(asked))]  # type: ignore[operator]

        return made

    found = {"rouge-l 0.7": rouge, "fuzzy 0.9": fuzzy, "default rules": both}
    return found | ({f"semantic {t}": meaning(t) for t in (0.9, 0.8)} if embed is not None else {})


def caught(embed: object) -> dict[str, object]:
    """Of each way how many of 1,000 each rule catches, and how many clean rows it drops."""
    rng, source = random.Random(1), Source()
    texts = [source.text(12) for _ in range(ITEMS)]
    again = [variants(text, rng) for text in texts]
    clean = [source.text(12) for _ in range(CLEAN)]
    table: dict[str, object] = {}
    for name, make in rules(embed).items():
        ask = make(texts)  # type: ignore[operator]
        row: dict[str, int] = {way: sum(ask([one[way] for one in again])) for way in again[0]}
        row["dropped of 3,000 clean"] = sum(ask(clean))
        rephrased = make([one for one, _ in REPHRASED])  # type: ignore[operator]
        row["rephrased, of 10"] = sum(rephrased([other for _, other in REPHRASED]))
        table[name] = row
    return table


def answers() -> dict[str, int]:
    """Of 1,000 answers of some 60 words, how many variants ROUGE-L above 0.9 catches, and clean ones it drops."""
    rng, source = random.Random(2), Source()
    texts = [source.text(50) for _ in range(500)]
    pool = Novelty(unicode_tokens, 0.9)
    for number, text in enumerate(texts):
        pool.add(str(number), text)
    ways = {
        "another opening": [f"Certainly, here it is: {text}" for text in texts],
        "two words exchanged": [exchanged(text, 2, rng) for text in texts],
        "six words exchanged": [exchanged(text, 6, rng) for text in texts],
        "every third word exchanged": [exchanged(text, len(text.split()) // 3, rng) for text in texts],
        "dropped of 500 clean": [source.text(50) for _ in range(500)],
    }
    return {way: sum(pool.above(text) is not None for text in given) for way, given in ways.items()}


def exchanged(text: str, count: int, rng: random.Random) -> str:
    """A text with some of its words exchanged."""
    words = text.split()
    for place in rng.sample(range(len(words)), count):
        words[place] = "otherwise"
    return " ".join(words)


def main() -> None:
    spec = sys.argv[2] if sys.argv[1:2] == ["--embedder"] else ""
    with embedding(
        SemanticConfig(threshold=0.9 if spec else 0.0, spec=spec), Path("vectors.sqlite") if spec else None
    ) as embed:
        print(
            json.dumps({"instructions, caught of 1,000": caught(embed), "answers, caught of 500": answers()}, indent=2)
        )


if __name__ == "__main__":
    main()
