"""Planted contamination under each rule: what is missed and what is dropped for nothing; index size and speed.

Prints JSON. 1,000 benchmark items; each is planted six ways, ten more as rephrasings, and 3,000 clean rows stand beside them.
Items and rows are sentences of the installed packages' documentation, each used once.

    python benchmarks/decontamination.py [ITEMS]              also an index of so many items of 40 words (200,000), for each rule
    python benchmarks/decontamination.py --tokenizer PATH     the planted rows alone, by the tokens of a tokenizer.json
    python benchmarks/decontamination.py --dropped            the clean rows that are dropped, with what they share
"""

import argparse
import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from novelty import sentences

from synthgen.stages.decontaminate import tokenizer
from synthgen.text.contamination import RULES, Contamination, Item

ITEMS, CLEAN, ASKED, ASKED_OPENTHOUGHTS = 1_000, 3_000, 1_000, 20
REPHRASED = (
    (
        "A train leaves the station at noon and travels at sixty miles an hour; when does it reach the town ninety miles away?",
        "Departing at 12:00 with a speed of 60 mph, at what time will a railway journey of 90 miles end?",
    ),
    (
        "If a baker sells forty loaves in the morning and half as many in the afternoon, how many loaves are sold that day?",
        "Before lunch 40 breads go over the counter, after lunch 50% of that number. What is the total for the bakery?",
    ),
    (
        "Which planet of our solar system has the largest number of known moons, and roughly how many of them are there?",
        "Name the world around the Sun that more natural satellites circle than any other; give an approximate count too.",
    ),
    (
        "Write a function that takes a list of integers and returns the second largest distinct value, or None if there is none.",
        "Given whole numbers in an array, your code should find the runner-up after the maximum, ignoring repeats (null when absent).",
    ),
    (
        "A patient presents with fever, a stiff neck and sensitivity to light. What is the most likely diagnosis?",
        "Photophobia, nuchal rigidity and high temperature bring someone to hospital: which disease do you suspect first?",
    ),
    (
        "Explain in one paragraph why the sky appears blue during the day but red or orange at sunset.",
        "What makes heaven's colour change from azure at midday to crimson when evening comes? Keep it short, a few sentences.",
    ),
    (
        "The sum of three consecutive even numbers is seventy-eight. What is the largest of the three numbers?",
        "Add up 2k, 2k+2 and 2k+4 and you get 78; determine 2k+4.",
    ),
    (
        "John is taller than Mary but shorter than Paul, and Susan is shorter than Mary. Who is the shortest of the four?",
        "Order by height: Paul exceeds John, who exceeds Mary, who exceeds Susan. Which person stands lowest?",
    ),
    (
        "What is the probability of rolling two sixes in a row with a fair die, written as a fraction in lowest terms?",
        "An honest cube with faces 1-6 is thrown twice. Give the chance, reduced, that both throws show its highest face.",
    ),
    (
        "In which year did the Berlin Wall fall, and which event of that evening led the guards to open the gates?",
        "When was the barrier between East and West in Germany's capital breached, and what had happened a few hours before?",
    ),
)
"""Items and the same questions in other words, written by hand."""


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


def missed(rule: str, tokens: Path | None, *, shown: bool) -> dict[str, object]:
    """False negatives of each way, and false positives, under one rule."""
    rng, source = random.Random(1), Source()
    items = [source.text(rng.randint(18, 60)) for _ in range(ITEMS)]
    texts = [*items, *(item for item, _ in REPHRASED)]
    benchmark = Contamination((Item("planted", str(n), text) for n, text in enumerate(texts)), rule, tokenizer(tokens))  # type: ignore[arg-type]
    rows = [planted(source, item) for item in items]
    clean = [source.text(18) for _ in range(CLEAN)]
    dropped = [(text, found) for text in clean if (found := benchmark.find(text)) is not None]
    if shown:
        return {
            text: {"item": texts[int(found.item)], "span": found.span, "share": found.share} for text, found in dropped
        }
    return {
        "missed_of_1000": {way: sum(benchmark.find(row[way]) is None for row in rows) for way in rows[0]},
        "missed_of_10_rephrased": sum(benchmark.find(text) is None for _, text in REPHRASED),
        "dropped_of_3000_clean": len(dropped),
    }


def size_and_speed(rule: str, count: int, vocabulary: dict[str, int]) -> dict[str, object]:
    """An index of many items, and questions to it: unlike texts, items themselves, and five items in a row."""
    chance, words = np.random.default_rng(2), np.array(list(vocabulary))
    weights = np.array(list(vocabulary.values())) / sum(vocabulary.values())

    def drawn(texts: int) -> list[str]:
        return [" ".join(one) for one in words[chance.choice(len(words), (texts, 40), p=weights)].tolist()]

    before = resident()
    items = (
        Item("large", str(start + n), text) for start in range(0, count, 1000) for n, text in enumerate(drawn(1000))
    )
    began = time.perf_counter()
    benchmark = Contamination(items, rule)  # type: ignore[arg-type]
    built = time.perf_counter() - began
    asked = ASKED_OPENTHOUGHTS if rule == "openthoughts" else ASKED
    given = [benchmark.items[int(number)].text for number in chance.integers(0, count, asked)]
    five = [" ".join(given[place - 5 : place]) for place in range(5, asked + 1)]
    benchmark.find(given[0])
    return {
        "build_seconds": round(built, 1),
        "array_bytes_per_item": round(benchmark.nbytes / count),
        "resident_mib": resident("VmHWM"),
        "of_which_before_mib": before,
        "cpu_ms_per_question": {
            name: timed(benchmark, texts)
            for name, texts in (("unlike", drawn(asked)), ("an item", given), ("five items", five))
        },
    }


def timed(benchmark: Contamination, texts: list[str]) -> float:
    """Milliseconds of CPU for a question."""
    began = time.process_time()
    for text in texts:
        benchmark.find(text)
    return round(1000 * (time.process_time() - began) / len(texts), 3)


def resident(figure: str = "VmRSS") -> int:
    """MiB of this process in memory, now or (VmHWM) at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(figure))


def sizes(count: int) -> dict[str, object]:
    """Each rule's index in a process of its own, so that its memory is its own; words are drawn as often as real text has them."""
    spoken = Counter(word for sentence in sentences() for word in sentence.split())
    found: dict[str, object] = {"items": count}
    for rule in RULES:
        done = subprocess.run(
            [sys.executable, __file__, str(count), "--rule", rule],
            input=json.dumps(spoken),
            capture_output=True,
            text=True,
            check=True,
        )
        found[rule] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("items", nargs="?", type=int, default=200_000)
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--dropped", action="store_true")
    parser.add_argument("--rule", help="only the index of this rule, of words and their counts on stdin")
    given = parser.parse_args()
    if given.rule:
        print(json.dumps(size_and_speed(given.rule, given.items, json.load(sys.stdin))))
        return
    found: dict[str, object] = {rule: missed(rule, given.tokenizer, shown=given.dropped) for rule in RULES}
    if not given.tokenizer and not given.dropped:
        found["size and speed"] = sizes(given.items)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
