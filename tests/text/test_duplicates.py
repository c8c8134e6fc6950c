"""Many texts at once are decided as if they came one by one, by every rule."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen.records import Nearest
from synthgen.text.duplicates import Duplicates, Repeat

WORDS = st.sampled_from("write wrote a poem poems about rain rein ! 天 気 für C++ and then again".split())
TEXTS = st.lists(st.lists(WORDS, max_size=9).map(" ".join), max_size=30)


def one_by_one(pool: Duplicates, texts: list[str], first: int = 0) -> list[Repeat | None]:
    """Each text asked about, and taken in where it is new."""
    found = []
    for number, text in enumerate(texts, start=first):
        one = pool.text(str(number), text)
        found.append(pool.find(one))
        if found[-1] is None:
            pool.admit(one)
    return found


@settings(deadline=None, max_examples=200)
@given(TEXTS, TEXTS, st.sampled_from([0.3, 0.5, 0.7, 0.9]), st.sampled_from([0.0, 0.5, 0.8, 0.9]), st.booleans())
def test_a_batch_is_decided_as_if_one_by_one(before, texts, threshold, fuzzy, parity):
    alone, together = (Duplicates(threshold, fuzzy, parity=parity) for _ in range(2))
    assert one_by_one(alone, before) == together.decide([together.text(str(n), text) for n, text in enumerate(before)])
    batch = [together.text(str(n), text) for n, text in enumerate(texts, start=len(before))]
    assert together.decide(batch) == one_by_one(alone, texts, len(before))
    assert len(together) == len(alone)


def test_a_long_stream_in_batches_is_decided_as_if_one_by_one():
    rng = random.Random(8)
    vocabulary = [
        f"{a}{b}" for a in ("ra", "in", "so", "ty", "el", "qu") for b in ("n", "ster", "ging", "a", "o", "ies")
    ]
    texts: list[str] = []
    for _ in range(3_000):
        words = rng.choices(vocabulary, k=rng.randint(4, 20))
        if texts and rng.random() < 0.5:
            words = rng.choice(texts[-400:]).split()
            rng.shuffle(words) if rng.random() < 0.4 else words.pop(rng.randrange(len(words)))
            words = [word + "s" if rng.random() < 0.3 else word for word in words] or ["none"]
        texts.append(" ".join(words))
    alone, together = Duplicates(0.7, 0.9), Duplicates(0.7, 0.9)
    found = []
    for first in range(0, len(texts), 700):
        part = enumerate(texts[first : first + 700], start=first)
        found += together.decide([together.text(str(n), text) for n, text in part])
    assert found == one_by_one(alone, texts)
    counts = {reason: sum(one is not None and one.reason == reason for one in found) for reason in
              ("duplicate", "near_duplicate", "fuzzy_duplicate")}  # fmt: skip
    assert all(count > 10 for count in counts.values()), counts


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ("List the rivers of Ghana.", "list the rivers of ghana", "duplicate"),
        ("List three rivers of Ghana and where they rise.", "List four rivers of Ghana and where they rise.", "near_duplicate"),
        ("List the rivers, lakes and seas of Ghana.", "Of Ghana: list the seas, lakes and rivers.", "fuzzy_duplicate"),
    ],
)  # fmt: skip
def test_each_rule_catches_its_own(one: str, other: str, reason: str):
    pool = Duplicates(0.7, 0.9)
    found = pool.decide([pool.text("one", one), pool.text("other", other)])
    assert found[0] is None
    assert (found[1].reason, found[1].nearest.id) == (reason, "one")


def test_texts_without_words_are_duplicates_only_of_themselves():
    pool = Duplicates(0.7, 0.9)
    found = one_by_one(pool, ["!!!", "???", " !!!", "…"])
    assert found == [None, None, Repeat("duplicate", Nearest("0", 1.0)), None]


def test_in_parity_mode_equal_texts_are_near_duplicates_and_texts_without_tokens_are_nothing():
    pool = Duplicates(0.7, 0.0, parity=True)
    assert [one and one.reason for one in one_by_one(pool, ["a b c", "A b. c", "天気", "天気"])] == [
        None,
        "near_duplicate",
        None,
        None,
    ]
