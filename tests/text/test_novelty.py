"""The exact index equals a scan over all pairs."""

import random

from hypothesis import given
from hypothesis import strategies as st

from synthgen.records import Nearest
from synthgen.text.novelty import FIRST_CODE, SURROGATES, Novelty
from synthgen.text.rouge import rouge_l
from synthgen.text.tokens import parity_tokens, unicode_tokens

texts = st.lists(st.sampled_from(["write", "a", "poem", "about", "rain", "天気", "C++", "2-2", "!"]), max_size=14).map(
    " ".join
)


def brute_force(tokenize, pool, text):
    """The first of the highest scores."""
    scores = [rouge_l(tokenize(other), tokenize(text)) for other in pool]
    best = max(scores)
    return Nearest(str(scores.index(best)), best)


@given(
    st.sampled_from([parity_tokens, unicode_tokens]),
    st.lists(texts, min_size=1, max_size=12),
    st.lists(texts, min_size=1, max_size=4),
)
def test_the_nearest_is_that_of_a_scan_over_all_pairs(tokenize, pool, queries):
    novelty = Novelty(tokenize, 0.7)
    for number, text in enumerate(pool):
        novelty.add(str(number), text)
    for query in queries:
        assert novelty.nearest(query) == brute_force(tokenize, pool, query)


def test_a_large_pool_of_longer_texts_is_searched_exactly():
    rng = random.Random(7)
    vocabulary = [f"w{number}" for number in range(60)]
    pool = [" ".join(rng.choices(vocabulary, k=rng.randint(1, 40))) for _ in range(300)]
    novelty = Novelty(str.split, 0.7)
    for number, text in enumerate(pool):
        novelty.add(str(number), text)
    for text in rng.sample(pool, 20):
        query = " ".join(rng.sample(text.split(), k=len(text.split())))
        assert novelty.nearest(query) == brute_force(str.split, pool, query)


def sharing(common, rest):
    """A text with so many words of the query, and so many others."""
    return " ".join([f"q{number}" for number in range(common)] + [f"x{number}" for number in range(rest)])


def test_of_two_equal_fractions_the_greater_float_decides():
    query, pool = sharing(21, 0), [sharing(14, 5), sharing(21, 18)]
    assert [rouge_l(text.split(), query.split()) for text in pool] == [0.7, 0.7000000000000001]
    novelty = Novelty(str.split, 0.7)
    for number, text in enumerate(pool):
        novelty.add(str(number), text)
    assert novelty.nearest(query) == Nearest("1", 0.7000000000000001)


def test_an_empty_pool_has_no_nearest():
    assert Novelty(unicode_tokens, 0.7).nearest("anything") is None


def test_texts_without_tokens_are_near_to_nothing():
    novelty = Novelty(parity_tokens, 0.7)
    novelty.add("a", "天気")
    novelty.add("b", "some words")
    assert novelty.nearest("天気") == Nearest("a", 0.0)
    assert novelty.nearest("no such thing") == Nearest("a", 0.0)


def test_a_vocabulary_past_the_surrogates_is_told_apart():
    novelty = Novelty(str.split, 0.7)
    novelty.add("filler", " ".join(f"w{number}" for number in range(SURROGATES.start - FIRST_CODE + 10)))
    novelty.add("last", "brand new words")
    assert novelty.nearest("brand new words") == Nearest("last", 1.0)


def test_asking_does_not_grow_the_vocabulary():
    novelty = Novelty(str.split, 0.7)
    novelty.add("a", "known words")
    novelty.nearest("one two three")
    novelty.add("b", "known one")
    assert novelty.nearest("one four") == Nearest("b", 0.5)
    assert len(novelty._numbers) == 3
