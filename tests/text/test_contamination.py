"""Each published rule decides as its paper says, on cases worked by hand."""

import pytest

from synthgen.text.contamination import RULES, Contamination, Item
from synthgen.text.tokens import words

LONG = " ".join(f"w{number}" for number in range(20))
"""An item of 20 tokens, none of them twice."""


def part(first: int, last: int) -> str:
    """Some tokens of the item."""
    return " ".join(LONG.split()[first:last])


def index(rule, *texts: str, tokenize=words) -> Contamination:
    """Texts as one benchmark."""
    return Contamination((Item("bench", str(number), text) for number, text in enumerate(texts)), rule, tokenize)


@pytest.mark.parametrize("rule", RULES)
def test_an_item_word_for_word_is_found_whatever_its_case_and_punctuation(rule):
    benchmark = index(rule, "something else entirely that nobody will ask about in this benchmark of ours at all", LONG)
    found = benchmark.find(f"Please answer this: {LONG.upper().replace(' ', ', ')}!")
    assert found is not None
    assert (found.benchmark, found.item) == ("bench", "1")
    assert found.span == LONG
    assert found.share == 1.0
    assert benchmark.report() == {"bench": {"items": 2, "touched": 1, "share": 0.5}}


@pytest.mark.parametrize("rule", RULES)
def test_a_text_of_ones_own_passes(rule):
    benchmark = index(rule, LONG)
    assert benchmark.find("Write a short poem about the rain over the harbour on a Sunday in the late autumn.") is None
    assert benchmark.find("") is None
    assert benchmark.report()["bench"]["touched"] == 0


@pytest.mark.parametrize(
    ("run", "share"),
    [(15, 0.75), (11, 0.55), (10, None), (8, None)],
)
def test_tulu_rejects_where_more_than_half_of_an_item_is_covered(run: int, share: float | None):
    found = index("tulu3-8gram", LONG).find(f"x y {part(0, run)} z")
    assert (found.share if found else None) == share


def test_tulu_is_blind_to_one_edit_in_the_middle_of_fifteen():
    edited = f"{part(0, 7)} other {part(8, 15)}"
    assert index("tulu3-8gram", LONG).find(edited) is None


def test_tulu_counts_the_runs_of_one_text_together():
    found = index("tulu3-8gram", LONG).find(f"{part(0, 8)} and then {part(11, 19)}")
    assert found is not None
    assert found.share == 0.8


@pytest.mark.parametrize(("length", "n"), [(5, 8), (8, 8), (10, 10), (13, 13), (40, 13)])
def test_gpt3s_n_follows_the_benchmarks_short_items(length: int, n: int):
    text = " ".join(f"t{number}" for number in range(length))
    benchmark = index("gpt3-13gram", *[text] * 20)
    assert benchmark.sizes == {"bench": n}
    assert (benchmark.find(text) is not None) == (length >= n)
    assert benchmark.find(" ".join(text.split()[: n - 1])) is None


def test_each_benchmark_has_an_n_of_its_own():
    short = "one two three four five six seven eight"
    items = [Item("short", "1", short), Item("long", "1", LONG)]
    benchmark = Contamination(items, "gpt3-13gram")
    assert benchmark.sizes == {"short": 8, "long": 13}
    assert benchmark.find(short).benchmark == "short"
    assert benchmark.find(part(0, 12)) is None
    assert benchmark.find(part(3, 16)).span == part(3, 16)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        (part(0, 10), None),  # no longer than ten
        (part(0, 11), 0.55),
        (f"{part(0, 10)} x {part(11, 13)}", 0.65),  # one token may differ after the first ten
        (f"{part(0, 10)} x", None),  # the last may not
        (f"{part(0, 10)} x x x x {part(14, 20)}", 1.0),  # four may
        (f"{part(0, 10)} x x x x x {part(15, 20)}", None),  # five may not
        (f"{part(0, 5)} x {part(6, 14)}", None),  # none of the first ten
    ],
)
def test_llamas_matches_may_skip(text: str, share: float | None):
    found = index("llama2-skipgram", LONG).find(text)
    assert (found.share if found else None) == share


def test_llama_leaves_an_item_clean_below_a_fifth():
    item = " ".join(f"v{number}" for number in range(100))
    assert index("llama2-skipgram", item).find(" ".join(item.split()[:19])) is None
    assert index("llama2-skipgram", item).find(" ".join(item.split()[:20])).share == 0.2


def test_openthoughts_sees_a_misspelt_copy_that_no_gram_sees():
    item = "How many apples does Maria have if she buys twelve and gives away five of them to her brother"
    misspelt = item.replace("a", "e").replace("o", "0", 3)
    found = index("openthoughts", item).find(misspelt)
    assert found is not None
    assert 0.75 <= found.share < 1
    assert all(index(rule, item).find(misspelt) is None for rule in RULES if rule != "openthoughts")


def test_no_rule_sees_a_rephrasing():
    item = "A train leaves the station at noon and travels at sixty miles an hour; when does it reach the town ninety miles away?"
    rephrased = "Departing at 12:00 with a speed of 60 mph, at what time will a railway journey of 90 miles end?"
    assert all(index(rule, item).find(rephrased) is None for rule in RULES)


def test_a_tokenizer_of_ones_own_decides_what_a_token_is():
    found = index("tulu3-8gram", "abcdefghijkl", tokenize=list).find("xxabcdefghijxx")
    assert found is not None
    assert found.span == "a b c d e f g h i j"


def test_an_empty_benchmark_finds_nothing():
    assert index("tulu3-8gram").find(LONG) is None
