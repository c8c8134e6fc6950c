"""Many texts at once are decided as if they came one by one, by every rule."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen.records import Nearest
from synthgen.text.duplicates import Duplicates, Repeat, alone

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


def asked_alone(texts: list[tuple[str, bool]], before: list[str], pool: Duplicates, rule: str) -> int:
    """The textbook: each text asked of one rule, and taken in where it entered."""
    for number, text in enumerate(before):
        pool.admit(pool.text(f"s{number}", text))
    keys, count = {pool.text("", text).key for text in before}, 0
    for number, (text, enters) in enumerate(texts):
        one = pool.text(str(number), text)
        asked = {
            "duplicate": one.key in keys,
            "near_duplicate": pool.novelty.above(one.whole) is not None,
            "fuzzy_duplicate": pool.fuzzy.nearest(one.key) is not None,
        }
        count += asked[rule]
        if enters:
            pool.admit(one)
            keys.add(one.key)
    return count


@settings(deadline=None, max_examples=100)
@given(
    st.lists(WORDS.map(str), max_size=4),
    st.lists(st.tuples(st.lists(WORDS, max_size=9).map(" ".join), st.booleans()), max_size=25),
    st.sampled_from([0.3, 0.7]),
    st.sampled_from([0.5, 0.9]),
    st.booleans(),
    st.sampled_from([0, 1_000]),
)
def test_what_a_rule_drops_alone_is_that_of_asking_it_alone(before, texts, threshold, fuzzy, parity, few):
    found = alone(
        before, [text for text, _ in texts], [enters for _, enters in texts], threshold, fuzzy, parity=parity, few=few
    )
    for rule, count in found.items():
        assert count == asked_alone(texts, before, Duplicates(threshold, fuzzy, parity=parity), rule), rule


@pytest.mark.parametrize("few", [0, 1_000])
def test_each_rule_is_counted_against_what_really_entered(few: int):
    rivers = "List the rivers, lakes and seas of Ghana."
    proposed = {
        "list the rivers lakes and seas of ghana": False,  # the seed in other signs: every rule drops it
        "Of Ghana: list the seas, lakes and rivers.": False,  # reordered: in characters alone
        "Write a poem about rain in the mountains.": True,
        "Write a poem about rain in the valleys.": False,  # ROUGE-L alone, against one that entered
        "Tell how a watch is mended, step after step.": False,  # new, but it did not enter (a benchmark, say)
        "Tell how a watch is mended, step after step": False,  # so this one repeats nothing
    }
    found = alone([rivers], list(proposed), list(proposed.values()), 0.7, 0.9, few=few)
    assert found == {"duplicate": 1, "near_duplicate": 2, "fuzzy_duplicate": 2}


@pytest.mark.parametrize("few", [0, 1_000])
def test_a_rule_that_was_off_is_asked_of_a_pool_that_holds_its_repeats(few: int):
    texts = ["List the rivers and lakes of Ghana.", "Of Ghana, list the lakes and rivers."] * 2
    assert alone([], texts, [True] * 4, 1.0, 0.9, few=few)["fuzzy_duplicate"] == 3


@pytest.mark.parametrize(
    ("enter", "reasons"),
    [([False, False, False], [None, None, None]), ([False, True, True], [None, None, "near_duplicate"])],
)
def test_a_new_text_that_may_not_enter_stands_in_nobodys_way(enter: list[bool], reasons: list[str | None]):
    pool = Duplicates(0.7, 0.9)
    texts = ["List the rivers of Ghana.", "list the rivers of ghana", "List all the rivers of Ghana."]
    found = pool.decide([pool.text(str(n), text) for n, text in enumerate(texts)], enter)
    assert [one and one.reason for one in found] == reasons
    assert len(pool) == any(enter)


def test_nor_does_it_by_its_characters():
    pool = Duplicates(0.7, 0.9)
    texts = ["List the rivers, lakes and seas of Ghana.", "Of Ghana: list the seas, lakes and rivers."]
    assert pool.decide([pool.text(str(n), text) for n, text in enumerate(texts)], [False, True]) == [None, None]
