"""Reordered and misspelt duplicates are found, exactly as a scan over all pairs finds them."""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz

from synthgen.records import Nearest
from synthgen.text.fuzzy import Fuzzy, forms
from synthgen.text.rouge import rouge_l

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
    pool.add("one", one)
    assert rouge_l(one.split(), other.split()) <= 0.7
    found = pool.nearest(other)
    assert found is not None
    assert found.id == "one"


def test_other_tasks_in_a_script_without_spaces_are_no_duplicates():
    pool = Fuzzy(0.9)
    pool.add("one", "请写一首关于春天的诗")
    assert pool.nearest("请写一首关于冬天的歌") is None
    assert pool.nearest("请写一首关于春天的诗。") == Nearest("one", 1.0)


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
    pool.add("one", "!!!")
    assert pool.nearest("???") is None


def test_a_threshold_outside_its_range_is_refused():
    with pytest.raises(ValueError, match=r"a threshold lies in \(0, 1\]"):
        Fuzzy(0)
