"""Novelty of streams of instructions: our index beside rouge-score, rapidfuzz's cdist and a plain scan.

Prints JSON. `realistic` streams are sentences of the installed Python packages' documentation and, beyond those, text of a
trigram model of them, in which one word in ten is a name or a number of an open vocabulary; 16 words on average.
`closed` has no open vocabulary, `boilerplate` shares 30 words between all items, `one_length` has texts of 16 tokens only,
`same_rare` gives every text the same three rare words. References run on a part and are projected to all pairs, as each says.

Run it as `python benchmarks/novelty.py [SIZE ...]`; without sizes 52,445 and 200,000, with `--all` five up to a million.
"""

import json
import math
import random
import re
import resource
import subprocess
import sys
import sysconfig
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist
from rouge_score import rouge_scorer

from synthgen.text.fuzzy import Fuzzy
from synthgen.text.novelty import Novelty, coded
from synthgen.text.tokens import parity_tokens

THRESHOLD = 0.7
SIZES = (52_445, 200_000)
ALL_SIZES = (50_000, 100_000, 250_000, 500_000, 1_000_000)
HARD_SIZES = (20_000, 50_000)
BATCH = 10_000
IN_LOOP = 100_000
"""Size of the pool at which a candidate of the grow loop is timed."""
DOCUMENTED = re.compile(r'"""(.*?)"""', re.DOTALL)


def sentences() -> list[str]:
    """Sentences of 6 to 40 words from the documentation in the packages that are installed, each once."""
    seen: dict[str, None] = {}
    for path in sorted({sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")}):
        for file in sorted(Path(path).rglob("*.py")):
            text = file.read_text(encoding="utf-8", errors="ignore")
            for block in DOCUMENTED.findall(text):
                for sentence in re.split(r"(?<=[.!?])\s+|\n\s*\n", block):
                    words = sentence.split()
                    if 6 <= len(words) <= 40 and sum(word.isalpha() for word in words) >= 0.7 * len(words):
                        seen.setdefault(" ".join(words))
    return list(seen)


class Streams:
    """Makers of streams, each from a seed of its own."""

    def __init__(self) -> None:
        self.real = sentences()
        random.Random(3).shuffle(self.real)
        self.chain: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for sentence in self.real:
            words = ["", "", *sentence.split(), ""]
            for first, second, third in zip(words, words[1:], words[2:], strict=False):
                self.chain[first, second].append(third)

    def sentence(self, rng: random.Random) -> list[str]:
        """One sentence of the trigram model, of 8 to 45 words."""
        while True:
            words: list[str] = []
            last = ("", "")
            while len(words) <= 45 and (word := rng.choice(self.chain[last])):
                words.append(word)
                last = (last[1], word)
            if 8 <= len(words) <= 45:
                return words

    def realistic(self, size: int) -> list[str]:
        """Sentences of the model with names and numbers of an open vocabulary (Pitman-Yor, discount 0.7) in them."""
        rng, names = random.Random(4), OpenVocabulary(0.7)
        return [
            " ".join(names.draw(rng) if rng.random() < 0.1 else word for word in self.sentence(rng))
            for _ in range(size)
        ]

    def closed(self, size: int) -> list[str]:
        """Sentences of the model, with no word that is not in it."""
        rng = random.Random(5)
        return [" ".join(self.sentence(rng)) for _ in range(size)]

    def boilerplate(self, size: int) -> list[str]:
        """Thirty words that all items share, and ten to sixty of their own."""
        rng = random.Random(6)
        shared = " ".join(f"shared{number}" for number in range(30))
        return [f"{shared} {' '.join(self.sentence(rng) + self.sentence(rng))}" for _ in range(size)]

    def one_length(self, size: int) -> list[str]:
        """Sixteen tokens each, of a small vocabulary: no length tells two apart."""
        rng = random.Random(7)
        vocabulary = [f"v{number}" for number in range(300)]
        return [" ".join(rng.choices(vocabulary, k=16)) for _ in range(size)]

    def same_rare(self, size: int) -> list[str]:
        """The same three words in every text, rare everywhere else: every text is in one list of postings."""
        rng = random.Random(8)
        return [" ".join([*self.sentence(rng), "quokka", "zeugma", "ytterbium"]) for _ in range(size)]


class OpenVocabulary:
    """Words by the rich-get-richer rule: new ones never stop coming."""

    def __init__(self, discount: float) -> None:
        self.discount = discount
        self.drawn: list[str] = []
        self.known = 0

    def draw(self, rng: random.Random) -> str:
        """An old word as often as it was drawn, or a new one."""
        if rng.random() < (1 + self.discount * self.known) / (1 + len(self.drawn)):
            self.known += 1
            self.drawn.append(f"name{self.known}")
        else:
            self.drawn.append(rng.choice(self.drawn))
        return self.drawn[-1]


def ours(texts: list[str]) -> tuple[list[bool], float, Novelty]:
    """Which texts are accepted, how long it took, tokens included, and the pool."""
    warm = Novelty(parity_tokens, THRESHOLD)
    warm.decide([("warm", "compiled once and kept")])
    warm.top("compiled once", 1)
    pool, decisions, began = Novelty(parity_tokens, THRESHOLD), [], time.perf_counter()
    for first in range(0, len(texts), BATCH):
        batch = [(str(number), text) for number, text in enumerate(texts[first : first + BATCH], start=first)]
        decisions += [found is None for found in pool.decide(batch)]
    return decisions, time.perf_counter() - began, pool


def rouge_score_seconds(texts: list[str], decisions: list[bool], part: int = 150) -> tuple[float, bool]:
    """Projected to all pairs from the first texts, and whether the decisions on them are equal."""
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
    accepted: list[str] = []
    equal, pairs, began = True, 0, time.perf_counter()
    for text, decision in zip(texts[:part], decisions, strict=False):
        best = max((scorer.score(other, text)["rougeL"].fmeasure for other in accepted), default=0.0)
        pairs += len(accepted)
        equal = equal and (best <= THRESHOLD) == decision
        if decision:
            accepted.append(text)
    return (time.perf_counter() - began) / pairs * pairs_of(decisions), equal


def cdist_seconds(texts: list[str], decisions: list[bool], part: int = 6000) -> float:
    """rapidfuzz over the triangle with a cutoff, on both cores, projected from a square of the last texts."""
    numbers: dict[str, int] = {}
    strings = [
        coded([numbers.setdefault(token, len(numbers) + 1) for token in parity_tokens(text)]) for text in texts[-part:]
    ]
    began = time.perf_counter()
    cdist(strings, strings, scorer=Indel.normalized_similarity, score_cutoff=THRESHOLD, workers=-1, dtype=np.float32)
    return (time.perf_counter() - began) / len(strings) ** 2 * pairs_of(decisions)


def pairs_of(decisions: list[bool]) -> int:
    """Pairs that a loop over the pool compares."""
    held = pairs = 0
    for kept in decisions:
        pairs += held
        held += kept
    return pairs


def single_ms(pool: Novelty, texts: list[str], name: str, part: int = 300) -> float:
    """CPU milliseconds of a question about one text."""
    ask = getattr(pool, name)
    began = time.process_time()
    for text in texts[:part]:
        ask(text)
    return 1000 * (time.process_time() - began) / part


def in_loop_ms(pool: Novelty, texts: list[str], part: int = 300) -> float:
    """CPU milliseconds of a candidate of the grow loop: its nearest neighbour, and the fuzzy duplicates."""
    fuzzy = Fuzzy(0.9)
    for number, text in enumerate(texts):
        fuzzy.add(str(number), text)
    fuzzy.nearest(texts[0])
    began = time.process_time()
    for text in texts[-part:]:
        pool.nearest(f"say it again: {text} and again")
        fuzzy.nearest(f"say it again: {text} and again")
    return 1000 * (time.process_time() - began) / part


def measured(kind: str, size: int, *, references: bool) -> dict[str, object]:
    """One stream."""
    texts = getattr(Streams(), kind)(size)
    decisions, seconds, pool = ours(texts)
    found: dict[str, object] = {
        "stream": kind,
        "size": size,
        "mean_words": round(sum(len(text.split()) for text in texts) / size, 1),
        "accepted": sum(decisions),
        "seconds": round(seconds, 2),
        "index_bytes_per_text": round(pool.nbytes / len(pool)),
        "above_cpu_ms": round(single_ms(pool, texts[::-1], "above"), 3),
        "nearest_cpu_ms": round(single_ms(pool, texts[::-1], "nearest"), 3),
    }
    if size == IN_LOOP:
        found["in_loop_cpu_ms"] = round(in_loop_ms(pool, texts), 3)
    if references:
        projected, equal = rouge_score_seconds(texts, decisions)
        triangle = cdist_seconds(texts, decisions)
        found |= {
            "decisions_equal": equal,
            "rouge_score_projected_seconds": round(projected),
            "times_rouge_score": round(projected / seconds),
            "cdist_projected_seconds": round(triangle, 1),
            "times_cdist": round(triangle / seconds, 1),
        }
    return found | {"resident_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def child(kind: str, size: int, *, references: bool) -> dict[str, object]:
    """One stream in a process of its own, so that memory is its own."""
    print(f"{kind} {size} ...", file=sys.stderr)
    command = [sys.executable, __file__, "--one", kind, str(size), *(["--references"] if references else [])]
    found: dict[str, object] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return found


def main(sizes: tuple[int, ...], hard: tuple[int, ...]) -> None:
    """Every stream, and how the time grows."""
    runs = [child("realistic", size, references=size <= 60_000) for size in sizes]
    small, large = runs[0], runs[-1]
    exponent = math.log(large["seconds"] / small["seconds"]) / math.log(large["size"] / small["size"])  # type: ignore[operator]
    kinds = ("closed", "boilerplate", "one_length", "same_rare")
    others = [child(kind, size, references=False) for kind in kinds for size in hard]
    print(json.dumps({"realistic": runs, "growth_exponent": round(exponent, 2), "hard": others}, indent=2))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measured(sys.argv[2], int(sys.argv[3]), references="--references" in sys.argv)))
    elif "--all" in sys.argv:
        main(ALL_SIZES, HARD_SIZES)
    else:
        main(tuple(map(int, sys.argv[1:])) or SIZES, HARD_SIZES[:1])
