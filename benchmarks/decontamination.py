"""Planted contamination under each rule: what is missed and what is dropped for nothing; index size and speed.

Prints JSON. 1,000 benchmark items; each is planted six ways, and 3,000 clean rows stand beside them. Items and
rows are sentences of the installed packages' documentation, each used once. Run it as `python benchmarks/decontamination.py [ITEMS]`: the index
of so many items of some 40 words (without it 200,000) is built and asked too.
"""

import json
import random
import resource
import sys
import time

from novelty import sentences

from synthgen.text.contamination import RULES, Contamination, Item

ITEMS, CLEAN, ASKED = 1_000, 3_000, 1_000
WORDS = [f"word{number}" for number in range(50_000)]


class Source:
    """Real sentences in a fixed order, each given out once."""

    def __init__(self) -> None:
        self.left = sentences()
        random.Random(1).shuffle(self.left)

    def text(self, least: int) -> str:
        """Sentences of so many words at least."""
        words: list[str] = []
        while len(words) < least:
            words += self.left.pop().split()
        return " ".join(words)


def planted(source: Source, item: str) -> dict[str, str]:
    """The ways in which an item gets into a row."""
    words = item.split()
    middle = len(words) // 2
    swapped = [*words[:middle], "rather", *words[middle + 1 :]]
    return {
        "word for word": item,
        "inside another text": f"{source.text(10)} {item} {source.text(10)}",
        "other case and punctuation": item.upper().replace(" ", ", "),
        "one word in the middle exchanged": " ".join(swapped),
        "first half only": " ".join(words[:middle]),
        "every fifth word exchanged": " ".join(
            "indeed" if place % 5 == 4 else word for place, word in enumerate(words)
        ),
    }


def missed(rule: str) -> dict[str, object]:
    """False negatives of each way, and false positives, under one rule."""
    rng, source = random.Random(1), Source()
    items = [source.text(rng.randint(18, 60)) for _ in range(ITEMS)]
    benchmark = Contamination((Item("planted", str(n), text) for n, text in enumerate(items)), rule)  # type: ignore[arg-type]
    rows = [planted(source, item) for item in items]
    misses = {way: sum(benchmark.find(row[way]) is None for row in rows) for way in rows[0]}
    clean = [source.text(18) for _ in range(CLEAN)]
    return {"missed_of_1000": misses, "dropped_of_3000_clean": sum(benchmark.find(text) is not None for text in clean)}


def size_and_speed(rule: str, count: int) -> dict[str, object]:
    """An index of many items, and questions to it."""
    rng = random.Random(2)
    items = (Item("large", str(n), " ".join(rng.choices(WORDS, k=40))) for n in range(count))
    began = time.perf_counter()
    benchmark = Contamination(items, rule)  # type: ignore[arg-type]
    built = time.perf_counter() - began
    texts = [" ".join(rng.choices(WORDS, k=40)) for _ in range(ASKED)]
    began = time.process_time()
    for text in texts:
        benchmark.find(text)
    return {
        "items": count,
        "build_seconds": round(built, 1),
        "index_bytes_per_item": round(benchmark.nbytes / count),
        "cpu_ms_per_question": round(1000 * (time.process_time() - began) / ASKED, 3),
        "resident_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    found = {rule: missed(rule) for rule in RULES}
    found["size and speed"] = {rule: size_and_speed(rule, count) for rule in ("tulu3-8gram", "llama2-skipgram")}
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
