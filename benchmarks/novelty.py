"""Novelty of a stream of instructions: our pool beside `rouge-score`, which Self-Instruct uses.

Prints JSON. The reference is timed on the first instructions and projected to all pairs, since it would take hours.
Run it as `python benchmarks/novelty.py [SIZE]`; without a size 10,000.
"""

import json
import sys
import time
from random import Random

from rouge_score import rouge_scorer

from synthgen.rehearsal.families import SPOKEN
from synthgen.text.novelty import Novelty
from synthgen.text.tokens import parity_tokens

THRESHOLD = 0.7
REFERENCE = 150
"""Instructions the reference is run on, every pair of them."""


def stream(size: int) -> list[str]:
    """Instructions of the rehearsal's English families, each another draw."""
    rng = Random(7)
    return [rng.choice(SPOKEN["en"]).write(rng) for _ in range(size)]


def ours(texts: list[str]) -> tuple[list[bool], float]:
    """Which texts are accepted, and how long it took."""
    pool, decisions, began = Novelty(parity_tokens, THRESHOLD), [], time.perf_counter()
    for number, text in enumerate(texts):
        nearest = pool.nearest(text)
        decisions.append(nearest is None or nearest.score <= THRESHOLD)
        if decisions[-1]:
            pool.add(str(number), text)
    return decisions, time.perf_counter() - began


def reference(texts: list[str]) -> tuple[list[bool], int, float]:
    """The same by rouge-score, with the number of pairs that were scored."""
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
    accepted: list[str] = []
    decisions, pairs, began = [], 0, time.perf_counter()
    for text in texts:
        scores = [scorer.score(other, text)["rougeL"].fmeasure for other in accepted]
        pairs += len(scores)
        decisions.append(max(scores, default=0.0) <= THRESHOLD)
        if decisions[-1]:
            accepted.append(text)
    return decisions, pairs, time.perf_counter() - began


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    texts = stream(size)
    decisions, seconds = ours(texts)
    theirs, pairs, spent = reference(texts[:REFERENCE])
    accepted = [index for index, kept in enumerate(decisions) if kept]
    all_pairs = sum(sum(kept for kept in decisions[:index]) for index in range(0, size, 100)) * 100
    projected = spent / pairs * all_pairs
    figures = {
        "instructions": size,
        "mean_words": round(sum(len(text.split()) for text in texts) / size, 1),
        "accepted": len(accepted),
        "pairs": all_pairs,
        "decisions_equal_on_first": REFERENCE if theirs == decisions[:REFERENCE] else "NOT EQUAL",
        "synthgen_seconds": round(seconds, 2),
        "rouge_score_seconds_projected": round(projected),
        "times_faster": round(projected / seconds),
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
