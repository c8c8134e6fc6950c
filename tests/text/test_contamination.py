"""Each published rule decides as its paper says, on cases worked by hand, and on items planted by the hundred."""

import json
import random

import pytest
from rapidfuzz import fuzz
from tokenizers import Tokenizer, models, pre_tokenizers

from synthgen.errors import InputError
from synthgen.stages.decontaminate import benchmark_items, named, tokenizer
from synthgen.text.contamination import MOST_CHARACTERS, RULES, Contamination, Item
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


def test_gpt3_looks_for_items_shorter_than_n_whole_but_not_below_eight_words():
    ten, seven = (" ".join(f"{name}{number}" for number in range(count)) for name, count in (("t", 10), ("s", 7)))
    benchmark = index("gpt3-13gram", *[LONG] * 38, ten, seven)
    assert benchmark.sizes == {"bench": 13}
    assert benchmark.find(f"so: {ten}!").span == ten
    assert benchmark.find(" ".join(ten.split()[:9])) is None
    assert benchmark.find(seven) is None
    assert benchmark.report()["bench"]["too_short"] == 1


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


def test_openthoughts_compares_characters_as_they_stand_in_order():
    item = "alpha beta gamma delta epsilon"
    assert fuzz.token_sort_ratio(item, "epsilon delta gamma beta alpha") == 100
    assert index("openthoughts", item).find("epsilon delta gamma beta alpha") is None


def test_openthoughts_folds_case_and_punctuation_only_without_a_tokenizer():
    item, shouted = "What is the capital of France?", "WHAT IS -- THE CAPITAL OF FRANCE"
    assert index("openthoughts", item).find(shouted).share == 1.0
    assert index("openthoughts", item, tokenize=str.split).find(shouted) is None
    assert index("openthoughts", item, tokenize=str.split).find("What was the capital of France?") is not None


def test_openthoughts_counts_no_space_between_characters_that_stand_alone():
    item, other = "法国的首都是哪里", "德国有几个大城市"
    assert index("openthoughts", item).find(item) is not None
    assert index("openthoughts", item).find(other) is None


@pytest.mark.parametrize("rule", RULES)
def test_the_earliest_of_equal_items_is_told(rule):
    found = index(rule, f"{part(0, 14)} and six words of its own here", LONG, LONG, LONG).find(LONG)
    assert (found.item, found.share) == ("1", 1.0)


def test_the_earliest_of_equally_similar_items_is_told():
    found = index("openthoughts", "some other words", "one two tree", "one two thee", "one two").find("one two three")
    assert (found.item, found.span) == ("1", "one two tree")


def test_no_rule_sees_a_rephrasing():
    item = "A train leaves the station at noon and travels at sixty miles an hour; when does it reach the town ninety miles away?"
    rephrased = "Departing at 12:00 with a speed of 60 mph, at what time will a railway journey of 90 miles end?"
    assert all(index(rule, item).find(rephrased) is None for rule in RULES)


def test_a_tokenizer_of_ones_own_decides_what_a_token_is():
    found = index("tulu3-8gram", "abcdefghijkl", tokenize=list).find("xxabcdefghijxx")
    assert found is not None
    assert found.span == "a b c d e f g h i j"


@pytest.mark.parametrize("rule", RULES)
def test_an_empty_benchmark_finds_nothing(rule):
    assert index(rule).find(LONG) is None
    assert index(rule).report() == {}
    assert index(rule, "?!").find(LONG) is None
    assert index(rule, "?!").find("") is None


@pytest.mark.parametrize("rule", RULES)
def test_items_that_are_shorter_than_a_match_are_told(rule):
    benchmark = index(rule, "two words", LONG)
    assert benchmark.report()["bench"].get("too_short", 0) == (0 if rule == "openthoughts" else 1)
    assert (benchmark.find("two words") is not None) == (rule == "openthoughts")


@pytest.mark.parametrize("rule", RULES)
def test_strange_characters_are_characters(rule):
    strange = f"nul\x00 half\ud800 {LONG} \ud83d end"
    found = index(rule, LONG, strange, strange).find(f"{strange}\x00 \udfff")
    assert (found.item, found.benchmark) == ("0", "bench")
    assert found.share == 1.0


REPEATED = "a b c d e f g h"


@pytest.mark.parametrize("rule", RULES)
def test_what_repeats_itself_ten_thousand_times_is_followed_once(rule):
    """A hundred million pairs of equal n-grams; without a bound this would not end within the time of a test."""
    found = index(rule, " ".join([REPEATED] * 10_000)).find(" ".join([REPEATED] * 10_000))
    assert found.share == 1.0


@pytest.mark.parametrize("rule", RULES)
def test_a_text_of_a_million_words_is_searched(rule):
    rng = random.Random(1)
    text = " ".join(rng.choices(VOCABULARY, k=1_000_000))
    benchmark = index(rule, LONG, "short")
    assert benchmark.find(text) is None
    assert benchmark.find(f"{text} {LONG} {text}").span == LONG


def test_texts_beyond_the_limit_are_compared_by_their_grams_alone():
    word = "x" * MOST_CHARACTERS
    assert index("openthoughts", word).find(word) is not None
    assert index("openthoughts", word).find(f"{word}x") is None


# Planted by the hundred: items of 30 words drawn from a fixed vocabulary, in which no item shares a run with another text.
VOCABULARY = [first + last for first in "b d f g k l m n p r s t".split() for last in "a e i o u".split()]
VOCABULARY = [one + other for one in VOCABULARY for other in VOCABULARY]
WAYS = {
    "word for word": lambda item, _: item,
    "inside another text": lambda item, other: f"{other} {item} {other[::-1]}",
    "other case and punctuation": lambda item, _: item.upper().replace(" ", ", ") + "!",
    "one word in the middle exchanged": lambda item, _: exchanged(item, lambda place: place == 15),
    "first half only": lambda item, _: " ".join(item.split()[:15]),
    "every fifth word exchanged": lambda item, _: exchanged(item, lambda place: place % 5 == 4),
    "in another order": lambda item, _: " ".join(sorted(item.split())),
}
MISSED = {  # of 100; what is not named here is missed never
    "gpt3-13gram": {"every fifth word exchanged": 100, "in another order": 100},
    "llama2-skipgram": {"every fifth word exchanged": 100, "in another order": 100},
    "tulu3-8gram": {"first half only": 100, "every fifth word exchanged": 100, "in another order": 100},
    "openthoughts": {"in another order": 100},
}


def exchanged(item: str, chosen) -> str:
    """An item with another word in some places."""
    return " ".join("zzz" if chosen(place) else word for place, word in enumerate(item.split()))


@pytest.mark.parametrize("rule", RULES)
def test_of_a_hundred_planted_items_each_rule_misses_what_it_cannot_see_and_drops_nothing_clean(rule):
    rng = random.Random(7)
    items = [" ".join(rng.choices(VOCABULARY, k=30)) for _ in range(100)]
    others = [" ".join(rng.choices(VOCABULARY, k=30)) for _ in range(400)]
    benchmark = index(rule, *items)
    assert [one for one in others if benchmark.find(one)] == []
    for way, plant in WAYS.items():
        found = [benchmark.find(plant(item, other)) for item, other in zip(items, others, strict=False)]
        assert (way, found.count(None)) == (way, MISSED[rule].get(way, 0))
        assert all(one.item == str(number) for number, one in enumerate(found) if one is not None)


def test_a_file_without_rows_is_named(tmp_path):
    (tmp_path / "none.jsonl").write_text("")
    with pytest.raises(InputError, match=r"none\.jsonl has text"):
        list(benchmark_items([tmp_path / "none.jsonl"], ""))


def test_one_row_is_a_benchmark_and_its_texts_are_one_item(tmp_path):
    (tmp_path / "one.jsonl").write_text(json.dumps({"q": LONG, "a": {"choices": ["yes", "no"]}}))
    benchmark = Contamination(benchmark_items([tmp_path / "one.jsonl"], ""), "tulu3-8gram")
    assert benchmark.find(LONG) is not None
    assert benchmark.report() == {"one.jsonl": {"items": 1, "touched": 1, "share": 1.0}}


def test_files_of_one_name_are_told_apart(tmp_path):
    for folder in ("gsm", "mmlu/law", "mmlu/art"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "test.jsonl").write_text('{"q": "one text"}')
    gsm, law = tmp_path / "gsm" / "test.jsonl", tmp_path / "mmlu" / "law" / "test.jsonl"
    assert list(named([gsm, law, gsm]).values()) == ["gsm/test.jsonl", "law/test.jsonl"]
    assert list(named([gsm, tmp_path / "mmlu"]).values()) == ["test.jsonl", "mmlu"]
    (tmp_path / "linked.jsonl").symlink_to(law)
    assert list(named([tmp_path / "linked.jsonl", law]).values()) == ["linked.jsonl", "test.jsonl"]
    assert [one.id for one in benchmark_items([tmp_path / "mmlu"], "")] == ["art/test.jsonl:1", "law/test.jsonl:1"]


def test_a_tokenizer_neither_cuts_texts_nor_pads_them_and_tells_spans_as_they_stand(tmp_path):
    made = Tokenizer(models.WordLevel({"[UNK]": 0, **{f"w{n}": n + 1 for n in range(20)}}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.enable_truncation(4)
    made.enable_padding(length=40)
    made.save(str(tmp_path / "tokenizer.json"))
    benchmark = index("tulu3-8gram", LONG.replace(" ", "\n"), tokenize=tokenizer(tmp_path))
    found = benchmark.find(f"w1 half\ud800 {part(2, 14)}")
    assert (found.span, found.share) == (part(2, 14).replace(" ", "\n"), 0.6)
