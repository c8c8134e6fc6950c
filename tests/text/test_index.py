"""The compiled index decides as brute force over all pairs does, whatever is asked and in whatever way."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score import rouge_scorer

from synthgen.records import Nearest
from synthgen.text.index import FIRST_REORDER, KEEP_NOVEL, Index
from synthgen.text.novelty import Novelty, Scan
from synthgen.text.rouge import f_measure, lcs_textbook, rouge_l
from synthgen.text.tokens import parity_tokens, unicode_tokens

THRESHOLDS = (0.3, 0.5, 0.7, 0.9, 1.0)
Text = list[int]


def stream(count: int, seed: int) -> list[Text]:
    """Texts of few and of many tokens, half of them variants of earlier ones."""
    rng = random.Random(seed)
    made: list[Text] = []
    for _ in range(count):
        size = rng.choice([0, 1, 2, 3, 5, 8, 12, 16, 20, 64, 65, 130, 200])
        text = [min(int(rng.expovariate(1 / 20)), 300) + 1 for _ in range(size)]
        if made and rng.random() < 0.5:
            text = list(rng.choice(made))
            for _ in range(rng.randrange(4)):
                if text:
                    text[rng.randrange(len(text))] = rng.randrange(1, 300)
        made.append(text)
    return made


def brute(pool: list[Text], text: Text) -> list[tuple[float, int]]:
    """Every (score, position) above 0, best first, the earliest of equals."""
    scores = [(rouge_l(other, text), position) for position, other in enumerate(pool)]
    return sorted((one for one in scores if one[0]), key=lambda one: (-one[0], one[1]))


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_decisions_and_neighbours_are_those_of_brute_force(threshold: float):
    index, pool = Index(threshold), []
    for text in stream(2 * FIRST_REORDER + 200, seed=int(threshold * 10)):
        ranked = brute(pool, text)
        expected = ranked[0] if ranked and ranked[0][0] > threshold else (0.0, -1)
        assert index.above(text) == expected
        assert index.top(text, 3) == ranked[:3]
        if expected[1] < 0:
            index.add(text)
            pool.append(text)
    assert len(index) == len(pool) > FIRST_REORDER / 2


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(THRESHOLDS),
    st.lists(st.lists(st.integers(1, 12), max_size=10), max_size=25),
)
def test_a_batch_decides_as_if_one_by_one(threshold: float, texts: list[Text]):
    together, alone = Index(threshold), Index(threshold)
    flat, keep = (
        np.array([token for text in texts for token in text], np.int32),
        np.full(len(texts), KEEP_NOVEL, np.int8),
    )
    scores, nearest = together.decide(flat, np.cumsum([len(text) for text in texts], dtype=np.int64), keep)
    for text, score, position in zip(texts, scores, nearest, strict=True):
        assert alone.above(text) == (score, position)
        if position < 0:
            alone.add(text)
    assert len(alone) == len(together)


def test_every_triple_of_exactly_seven_tenths_is_decided_as_the_reference_does():
    kept = 0
    for target in range(1, 151):
        for size in range(1, 151):
            common = 7 * (target + size) // 20
            if 20 * common != 7 * (target + size) or not 0 < common <= min(target, size):
                continue
            index = Index(0.7)
            index.add([*range(1, common + 1), *range(1000, 1000 + target - common)])
            score, position = index.above([*range(1, common + 1), *range(2000, 2000 + size - common)])
            assert (position == 0) == (f_measure(common, target, size) > 0.7)
            kept += position < 0
            assert score == (f_measure(common, target, size) if position == 0 else 0.0)
    assert kept == 259  # of 531: both orders of each pair of lengths


@pytest.mark.parametrize("tokenize", [parity_tokens, unicode_tokens])
def test_scan_and_index_agree(tokenize):
    rng = random.Random(5)
    vocabulary = "write a poem about the rain in spring for my old friend and C++ 天気 2-2 list ten".split()
    texts = [" ".join(rng.choices(vocabulary, k=rng.randint(0, 14))) for _ in range(300)]
    small, large = Novelty(tokenize, 0.7), Novelty(tokenize, 0.7, small=0)
    for number, text in enumerate(texts):
        assert small.nearest(text) == large.nearest(text)
        assert small.above(text) == large.above(text)
        assert small.top(text, 4) == large.top(text, 4)
        small.add(str(number), text)
        large.add(str(number), text)


def test_a_pool_that_grows_past_the_scan_answers_on():
    pool, whole = Novelty(str.split, 0.5, small=10), Novelty(str.split, 0.5)
    rng = random.Random(2)
    for number in range(40):
        text = " ".join(rng.choices("abcdefgh", k=6))
        assert pool.nearest(text) == whole.nearest(text)
        pool.add(str(number), text)
        whole.add(str(number), text)


def test_a_saved_pool_is_reopened_as_it_was(tmp_path: Path):
    pool = Novelty(unicode_tokens, 0.7, small=0)
    batch = [(f"n{number}", text) for number, text in enumerate(["a b c d", "天気 è 🙂", "x y", "a b c d e"])]
    assert pool.decide(batch) == [None, None, None, Nearest("n0", rouge_l(range(4), range(5)))]
    pool.save(tmp_path / "pool.npz")
    again = Novelty.open(tmp_path / "pool.npz", unicode_tokens)
    assert len(again) == 3
    assert again.threshold == 0.7
    for text in ("a b c", "天気", "new words", "y x"):
        assert again.top(text, 3) == pool.top(text, 3)
        assert again.above(text) == pool.above(text)
    again.add("n9", "new words here now")
    assert again.nearest("new words here now") == Nearest("n9", 1.0)


def test_decisions_are_those_of_rouge_score():
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
    rng = random.Random(11)
    words = "write explain list the a of summer rain price short email poem about for two with and to in on".split()
    texts = [" ".join(rng.choices(words, k=rng.randint(3, 12))) for _ in range(400)]
    found = Novelty(parity_tokens, 0.5).decide([(str(number), text) for number, text in enumerate(texts)])
    accepted: list[int] = []
    for number, text in enumerate(texts):
        scores = [(scorer.score(texts[other], text)["rougeL"].fmeasure, other) for other in accepted]
        best = max(scores, key=lambda one: (one[0], -one[1]), default=(0.0, 0))
        if best[0] > 0.5:
            assert found[number] == Nearest(str(best[1]), best[0])
        else:
            assert found[number] is None
            accepted.append(number)


@settings(deadline=None)  # the first call may compile
@given(st.lists(st.integers(1, 6), max_size=150), st.lists(st.integers(1, 6), max_size=150))
def test_the_compiled_lcs_is_the_textbooks(left: Text, right: Text):
    index = Index(1.0)
    index.add(left)
    expected = f_measure(lcs_textbook(left, right), len(left), len(right))
    assert index.top(right, 1) == ([(expected, 0)] if expected else [])


def test_very_long_texts_are_compared_whole():
    rng = random.Random(1)
    long = [rng.randrange(1, 5000) for _ in range(70_000)]
    index = Index(0.7)
    index.add(long)
    other = [token if rng.random() < 0.9 else 6000 for token in long]
    assert index.above(other)[0] == rouge_l(long, other)
    assert Scan().top(other, 1) == []


@pytest.mark.parametrize("threshold", [0, -0.1, 1.01, float("nan")])
def test_a_threshold_outside_its_range_is_refused(threshold: float):
    with pytest.raises(ValueError, match=r"a threshold lies in \(0, 1\]"):
        Index(threshold)
