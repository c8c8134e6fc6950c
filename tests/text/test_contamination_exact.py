"""The compiled kernels decide as a loop over everything does."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz

from synthgen.text.alike import Alike
from synthgen.text.contamination import RULES, Contamination, Item
from synthgen.text.items import Items

SENTENCES = st.lists(st.sampled_from("abc"), max_size=40)
"""Few tokens, so that matches overlap, repeat and skip in every way."""


def textbook(rule: str, item: list[str], text: list[str], n: int) -> set[int]:
    """The places of an item's tokens that a text covers, by comparing each place with each."""
    covered: set[int] = set()
    for place in range(len(item) - n + 1):
        for at in range(len(text) - n + 1):
            if item[place : place + n] == text[at : at + n]:
                length = skipping(item[place:], text[at:]) if rule == "llama2-skipgram" else n
                covered.update(range(place, place + length))
    return covered


def skipping(item: list[str], text: list[str]) -> int:
    """The longest match of more than ten tokens from the beginning of both, in which up to four differ; 0 for none."""
    same = [one == other for one, other in zip(item, text, strict=False)]
    lengths = [n for n in range(11, len(same) + 1) if same[n - 1] and all(same[:10]) and same[:n].count(False) <= 4]
    return max(lengths, default=0)


def by_loop(rule: str, items: list[list[str]], text: list[str]) -> tuple[int, float] | None:
    """The earliest item of which most is covered, if that is enough."""
    fifth = sorted(map(len, items))[len(items) // 20]
    n = {"gpt3-13gram": min(13, max(8, fifth)), "llama2-skipgram": 10, "tulu3-8gram": 8, "openthoughts": 13}[rule]
    best = None
    for number, item in enumerate(items):
        own = min(n, len(item)) if rule == "gpt3-13gram" and len(item) >= 8 else n
        share = len(textbook(rule, item, text, own)) / max(len(item), 1)
        enough = {"tulu3-8gram": share > 0.5, "llama2-skipgram": share >= 0.2}.get(rule, share > 0)
        if enough and (best is None or share > best[1]):
            best = number, share
    if best is None and rule == "openthoughts":
        best = by_ratio([" ".join(item) for item in items], " ".join(text))
    return best


def by_ratio(items: list[str], text: str) -> tuple[int, float] | None:
    """The earliest item of the highest rapidfuzz ratio, from 75 on."""
    scores = [fuzz.ratio(item, text) if item and text else 0 for item in items]
    return (scores.index(max(scores)), max(scores) / 100) if max(scores, default=0) >= 75 else None


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=150, deadline=None)
@given(items=st.lists(SENTENCES, min_size=1, max_size=5), text=SENTENCES, taken=st.data())
def test_each_rule_decides_as_a_loop_over_all_places_does(rule, items, text, taken):
    given_away = taken.draw(st.sampled_from(items))
    edits = dict(taken.draw(st.lists(st.tuples(st.integers(0, 40), st.sampled_from("abcd")), max_size=5)))
    text = text[:20] + [edits.get(place, token) for place, token in enumerate(given_away)] + text[20:]
    benchmark = Contamination((Item("b", str(n), " ".join(item)) for n, item in enumerate(items)), rule)
    found, wanted = benchmark.find(" ".join(text)), by_loop(rule, items, text)
    assert (found and (int(found.item), pytest.approx(found.share))) == wanted


TEXTS = st.text(st.sampled_from("ab 你\ud800"), max_size=90)


@settings(max_examples=300, deadline=None)
@given(items=st.lists(TEXTS, max_size=8), text=TEXTS)
@example(items=["aaab"], text="aaaa")  # exactly three quarters
@example(items=["a" * 700, "ab" * 400], text="ab" * 390)  # groups of more than a word
@example(items=["b", "ab", "ba"], text="ab")
def test_the_most_similar_text_is_that_of_a_loop_over_rapidfuzz(items, text):
    found, wanted = Alike(items, Fraction(3, 4)).nearest(text), by_ratio(items, text)
    assert (found and (found[0], pytest.approx(found[1]))) == wanted


def test_long_texts_of_a_large_alphabet_are_compared_as_rapidfuzz_does():
    chance = np.random.default_rng(1)
    items = ["".join(map(chr, 0x4E00 + chance.integers(0, 900, size))) for size in chance.integers(100, 900, 40)]
    for number in (3, 17, 29):
        letters = list(items[number])
        for place in chance.integers(0, len(letters), len(letters) // 6):
            letters[place] = "x"
        text = "".join(letters)
        for chunk in (1, 1 << 20):  # text by text the alphabet outgrows a byte
            assert Alike(items, Fraction(3, 4), chunk).nearest(text) == pytest.approx(by_ratio(items, text))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.builds(Item, st.sampled_from("xy"), st.text(max_size=3), st.text())))
def test_items_are_kept_as_they_were(given_items):
    held = Items()
    for one in given_items:
        held.add(one)
    assert list(held) == given_items
    assert held[1:] == given_items[1:]
    assert not given_items or held[-1] == given_items[-1]


def test_texts_of_one_row_are_one_row():
    held = Items()
    for identity in ("1", "1", "2", "2", "3"):
        held.add(Item("bench", identity, "text"))
    assert held.rows == {"bench": 3}
