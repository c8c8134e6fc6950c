"""Reordered and misspelt duplicates are found, exactly as a scan over all pairs finds them."""

import random
from contextlib import contextmanager

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

from synthgen.records import Nearest
from synthgen.text import fuzzy as fuzzy_module
from synthgen.text.fuzzy import Fuzzy, forms
from synthgen.text.rouge import rouge_l
from synthgen.text.tokens import normalised

WORDS = st.sampled_from(["write", "wrote", "a", "poem", "poems", "about", "rain", "rein", "天", "気", "für"])
TEXTS = st.lists(WORDS, max_size=9).map(" ".join)


@settings(deadline=None, max_examples=500)  # the first call may compile
@example(0.8, ["write write write"], "write write 天")
@given(st.sampled_from([0.5, 0.8, 0.9, 1.0]), st.lists(TEXTS, max_size=12), TEXTS)
def test_scan_and_count_agree_with_rapidfuzz(threshold: float, pool: list[str], text: str):
    scan, counted = Fuzzy(threshold), Fuzzy(threshold, small=0)
    for number, other in enumerate(pool):
        scan.add(str(number), other)
        counted.add(str(number), other)
    assert scan.nearest(text) == counted.nearest(text)
    mine = forms(text)[0]
    scores = [max(fuzz.ratio(mine, forms(o)[0]), fuzz.token_sort_ratio(mine, forms(o)[0])) / 100 for o in pool]
    best = max(scores, default=0.0)
    found = scan.nearest(text)
    if mine and best >= threshold - 1e-9:
        assert found == Nearest(str(scores.index(best)), pytest.approx(best))
    else:
        assert found is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("List the rivers, lakes and seas of Ghana.", "Of Ghana list the seas, lakes and rivers."),
        ("Explain photosynthesis to a curious child.", "Explian photosinthesis to a curius chlid."),
    ],
)
def test_what_rouge_passes_is_caught(one: str, other: str):
    pool = Fuzzy(0.9 if "List" in one else 0.85)
    pool.add("one", normalised(one))
    assert rouge_l(one.split(), other.split()) <= 0.7
    found = pool.nearest(normalised(other))
    assert found is not None
    assert found.id == "one"


def test_other_tasks_in_a_script_without_spaces_are_no_duplicates():
    pool = Fuzzy(0.9)
    pool.add("one", normalised("请写一首关于春天的诗"))
    assert pool.nearest(normalised("请写一首关于冬天的歌")) is None
    assert pool.nearest(normalised("请写一首关于春天的诗。")) == Nearest("one", 1.0)


LETTERS = st.text(alphabet="aaabc è天", max_size=30).map(normalised)


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from([0.3, 0.6, 0.9, 1.0]),
    st.lists(st.one_of(TEXTS, LETTERS), max_size=12),
    st.lists(st.one_of(TEXTS, LETTERS), max_size=12),
    st.sampled_from([1, 20, 400]),
)
def test_a_batch_is_alike_to_what_single_questions_find(threshold, pool, batch, long):
    with lengths(long):
        fuzzy = Fuzzy(threshold, small=0)
        fuzzy.extend((str(number), text) for number, text in enumerate(pool))
        for number, (text, found) in enumerate(zip(batch, fuzzy.alike(batch), strict=True)):
            assert found.pool == fuzzy.nearest(text)
            scores = [(score_of(text, other), other_number) for other_number, other in enumerate(batch[:number])]
            near = [one for one in scores if one[0] >= threshold - 1e-9]
            assert [other for _, other in found.batch] == [
                other for _, other in sorted(near, key=lambda o: (-o[0], o[1]))
            ]


@contextmanager
def lengths(long):
    """Count pairs from so many characters on."""
    before, fuzzy_module.LONG = fuzzy_module.LONG, long
    try:
        yield
    finally:
        fuzzy_module.LONG = before


def score_of(left, right):
    """The greater of rapidfuzz's two ratios of normalised texts; 0 where one is empty."""
    mine, other = forms(left)[0], forms(right)[0]
    if not mine or not other:
        return 0.0
    # Rounded: two equal fractions may differ in the last bit by the way in which rapidfuzz came to them.
    return round(max(Indel.normalized_similarity(mine, other), fuzz.token_sort_ratio(mine, other) / 100), 12)


@pytest.mark.parametrize("threshold", [0.6, 0.8, 0.9])
def test_texts_of_every_length_are_compared_as_rapidfuzz_compares_them(threshold: float):
    rng = random.Random(4)
    words = [f"{a}{b}" for a in ("ra", "in", "so", "ty", "el") for b in ("n", "ster", "ging", "a", "o")]
    pool, texts = Fuzzy(threshold, small=0), []
    for number in range(400):
        size = rng.choice([3, 20, 60, 70, 80, 100, 300])
        text = rng.choices(words, k=size)
        if texts and rng.random() < 0.6:  # reorder, misspell, drop
            text = rng.choice(texts).split()
            rng.shuffle(text)
            text = [word[:-1] if rng.random() < 0.1 and len(word) > 1 else word for word in text]
        text = " ".join(text)
        scores = [score_of(text, other) for other in texts]
        best = max(scores, default=0.0)
        expected = Nearest(str(scores.index(best)), pytest.approx(best)) if best >= threshold - 1e-9 else None
        assert pool.nearest(text) == expected
        pool.add(str(number), text)
        texts.append(text)


@pytest.mark.parametrize("small", [0, 10])
def test_very_long_texts_are_not_compared(small: int):
    pool = Fuzzy(0.9, small=small)
    pool.add("long", "word " * 800 + "x")
    assert pool.nearest("word " * 800 + "x") is None
    pool.add("less", "word " * 799 + "x")
    assert pool.nearest("word " * 799 + "y").id == "less"


def test_a_large_pool_grows_and_answers():
    rng = random.Random(3)
    pool, scan = Fuzzy(0.8, small=0), Fuzzy(0.8, small=10**9)
    for number in range(1500):
        text = " ".join(rng.choices("alpha beta gamma delta epsilon zeta eta theta iota kappa".split(), k=5))
        if number % 10 == 0:
            assert pool.nearest(text) == scan.nearest(text)
        pool.add(str(number), text)
        scan.add(str(number), text)


def test_a_text_without_words_is_like_nothing():
    pool = Fuzzy(0.9)
    pool.add("one", normalised("!!!"))
    assert pool.nearest(normalised("???")) is None


def test_a_threshold_outside_its_range_is_refused():
    with pytest.raises(ValueError, match=r"a threshold lies in \(0, 1\]"):
        Fuzzy(0)
