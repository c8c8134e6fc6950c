"""The decisions of parity mode on whole corpora: which texts are near-duplicates, of which one, with what score.

Every corpus has 2,000 texts or more and goes through the pool in three ways; rouge_score's own scorer says what is right.
"""

import json
import random
import re
import sysconfig
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conftest import SEEDS
from rouge_score.rouge_scorer import RougeScorer

from synthgen.records import Nearest
from synthgen.rehearsal.families import SPOKEN
from synthgen.rehearsal.proposals import near_copy
from synthgen.text.novelty import Novelty
from synthgen.text.tokens import parity_tokens

CLOSE = 0.05
"""A best score so near to the threshold is a close one, on either side."""
ROUNDING = 1e-9
DOCUMENTED = re.compile(r'"""(.*?)"""', re.DOTALL)
SCORER = RougeScorer(["rougeL"], use_stemmer=False)


def edited(words: list[str], spare: list[str], edits: int, rng: random.Random) -> list[str]:
    """A text with so many words dropped, added, moved or replaced."""
    words = list(words)
    for _ in range(edits):
        place = rng.randrange(len(words))
        match rng.randrange(4):
            case 0 if len(words) > 4:
                words.pop(place)
            case 1:
                words.insert(place, rng.choice(spare))
            case 2:
                words.insert(rng.randrange(len(words)), words.pop(place))
            case _:
                words[place] = rng.choice(spare)
    return words


def with_variants(sources: list[str], variants: int, rng: random.Random) -> list[str]:
    """The sources, and variants of them: of some words, up to half of them, is made something else."""
    spare = sorted({word for source in sources for word in source.split()})
    made = list(sources)
    for _ in range(variants):
        words = rng.choice(sources).split()
        made.append(" ".join(edited(words, spare, rng.randint(0, 1 + len(words) // 2), rng)))
    rng.shuffle(made)
    return made


def documentation() -> list[str]:
    """Sentences of 6 to 40 words that document the standard library's modules, with variants of one in three."""
    seen: dict[str, None] = {}
    for file in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        for block in DOCUMENTED.findall(file.read_text(encoding="utf-8", errors="ignore")):
            for sentence in re.split(r"(?<=[.!?])\s+|\n\s*\n", block):
                words = sentence.split()
                if 6 <= len(words) <= 40 and sum(word.isalpha() for word in words) >= 0.7 * len(words):
                    seen.setdefault(" ".join(words))
    rng = random.Random(3)
    return with_variants(rng.sample(list(seen), 1600), 700, rng)


def rehearsal() -> list[str]:
    """What the rehearsal's families write, some of it in Chinese, which has no tokens here but its digits; near copies."""
    rng = random.Random(4)
    made: list[str] = []
    for _ in range(2200):
        if made and rng.random() < 0.3:
            made.append(near_copy(rng.choice(made), rng))
        else:
            made.append(rng.choice(SPOKEN["en" if rng.random() < 0.95 else "zh"]).write(rng))
    return made


def templates() -> list[str]:
    """Thirty words that all texts share, and 10 to 24 of their own: with 13 of them, one word in common decides."""
    rng = random.Random(5)
    shared = [f"shared{number}" for number in range(30)]
    spare = [f"own{number}" for number in range(2500)]
    made: list[list[str]] = []
    for _ in range(2200):
        if made and rng.random() < 0.3:
            own = edited(rng.choice(made), spare, rng.randint(4, 16), rng)
        else:
            own = rng.choices(spare, k=rng.randint(10, 24))
        made.append(own)
    return [" ".join([*shared[:15], *own, *shared[15:]]) for own in made]


def seeds() -> list[str]:
    """The instructions of the human seeds, with many variants of each."""
    rows = (SEEDS / "seed_tasks.jsonl").read_text(encoding="utf-8").splitlines()
    return with_variants([json.loads(row)["instruction"] for row in rows], 2000, random.Random(12))


MAKERS: dict[str, Callable[[], list[str]]] = {
    made.__name__: made for made in (documentation, rehearsal, templates, seeds)
}


@cache
def corpus(name: str) -> list[str]:
    """A corpus by its name, made once."""
    return MAKERS[name]()


@cache
def counts(name: str) -> tuple[dict[str, int], np.ndarray]:
    """A row for each token, numbered by the first value: how often each text has it."""
    tokens = [Counter(parity_tokens(text)) for text in corpus(name)]
    rows = {token: row for row, token in enumerate(sorted(set().union(*tokens)))}
    table = np.zeros((len(rows), len(tokens)), np.uint8)
    for place, counted in enumerate(tokens):
        for token, count in counted.items():
            table[rows[token], place] = count
    return rows, table


def bounds(name: str) -> Iterator[np.ndarray]:
    """For each text, what its F1 with each earlier one cannot exceed.

    A common subsequence is taken from the tokens that both have, so LCS is at most their number, overlap, and
    F1 = 2 LCS / (m + n) at most 2 overlap / (m + n).
    """
    rows, table = counts(name)
    sizes = table.sum(axis=0, dtype=np.int64)
    for place, text in enumerate(corpus(name)):
        mine = [rows[token] for token in sorted(set(parity_tokens(text)))]
        overlap = np.minimum(table[mine, :place], table[mine, place, None]).sum(axis=0, dtype=np.int64)
        yield 2 * overlap / np.maximum(sizes[:place] + sizes[place], 1)


def rouge_score(left: str, right: str) -> float:
    return SCORER.score(left, right)["rougeL"].fmeasure


def best_of(text: str, pool: dict[int, float], texts: list[str], least: float) -> Nearest | None:
    """The first of the best of a pool, if above `least`: {place: bound}. What cannot reach it or the best is not scored."""
    best = (least, 0)
    for place, bound in sorted(pool.items(), key=lambda one: -one[1]):
        if bound < best[0] - ROUNDING:
            break
        found = rouge_score(texts[place], text)
        if found > least:
            best = max(best, (found, -place))
    return Nearest(str(-best[1]), best[0]) if best[0] > least else None


def by_rouge_score(name: str, threshold: float, least: float) -> list[Nearest | None]:
    """The nearest of each text in the pool of those accepted before it, by rouge_score; None where all are at most `least`."""
    texts, accepted, found = corpus(name), [], []
    for place, bound in enumerate(bounds(name)):
        nearest = best_of(texts[place], {other: bound[other] for other in accepted}, texts, least)
        found.append(nearest)
        if nearest is None or nearest.score <= threshold:
            accepted.append(place)
    return found


def one_by_one(name: str, threshold: float, small: int) -> Iterator[tuple[Nearest | None, Nearest | None]]:
    """What stands in the way of each text, and its nearest, from a pool that is scanned below `small` texts."""
    pool = Novelty(parity_tokens, threshold, small)
    for place, text in enumerate(corpus(name)):
        above = pool.above(text)
        yield above, pool.nearest(text)
        if above is None:
            pool.add(str(place), text)


@pytest.mark.parametrize(
    ("name", "threshold", "fewest", "most", "below", "above"),
    [
        ("documentation", 0.3, 1000, 1600, 300, 250),
        ("documentation", 0.5, 600, 1000, 60, 20),
        ("documentation", 0.7, 450, 800, 50, 60),
        ("documentation", 0.9, 150, 350, 60, 60),
        ("rehearsal", 0.5, 1300, 1900, 200, 300),
        ("rehearsal", 0.7, 600, 1100, 150, 100),
        ("templates", 0.7, 900, 1400, 600, 500),
        ("templates", 0.9, 100, 400, 200, 100),
        ("seeds", 0.7, 900, 1500, 200, 200),
    ],
)
def test_every_decision_score_and_neighbour_is_that_of_rouge_score(name, threshold, fewest, most, below, above):
    texts, least = corpus(name), threshold - CLOSE
    nearest = by_rouge_score(name, threshold, least)
    expected = [one if one and one.score > threshold else None for one in nearest]
    assert (
        Novelty(parity_tokens, threshold).decide([(str(place), text) for place, text in enumerate(texts)]) == expected
    )
    for small in (len(texts), 0):  # always scanned, and never
        for place, (blocking, found) in enumerate(one_by_one(name, threshold, small)):
            assert blocking == expected[place], texts[place]
            if nearest[place] or (found and found.score > least):
                assert found == nearest[place], texts[place]
    # No easy corpus: many texts are rejected, many accepted, and many scores are close to the threshold on either side.
    scores = [one.score for one in nearest if one]
    assert len(texts) >= 2000
    assert fewest <= sum(score > threshold for score in scores) <= most < len(texts)
    assert sum(score <= threshold for score in scores) >= below
    assert sum(threshold < score <= threshold + CLOSE for score in scores) >= above


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", MAKERS)
def test_without_a_bound_every_pair_gives_the_same_decisions(name):
    """Some 15 minutes in all."""
    texts, accepted, expected = corpus(name), [], []
    for place, text in enumerate(texts):
        found = max(((rouge_score(texts[other], text), -other) for other in accepted), default=(0.0, 0))
        expected.append(Nearest(str(-found[1]), found[0]) if found[0] > 0.7 else None)
        if expected[-1] is None:
            accepted.append(place)
    assert Novelty(parity_tokens, 0.7).decide([(str(place), text) for place, text in enumerate(texts)]) == expected
