"""Agreement among samples: a strict majority passes, and says so; nothing that a model writes stops it."""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgen.checks.agreement import agreement, final, label, number
from synthgen.records import Check


def passed(texts, check=None, **ways):
    return [outcome.passed for outcome in agreement(texts, check, **ways)]


def check(name, **args):
    return Check(name=name, kind="answer", args=args)


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("Paris", "paris"),
        ("I think.\n\nThe answer is **Paris**.", "paris"),
        ("Answer: Paris\n\nLet me know if you need more.", "paris"),
        ("First this.\nThen that.", "then that"),
        ("So \\boxed{\\frac{1}{2}} it is.", "\\ frac 1 2"),
        ("#### 42", "42"),
        ("**Final answer:**\n\nParis", "paris"),
        ("To answer this, count.\nFive", "five"),
        ("答案是：巴黎", "巴 黎"),
        ("Die Antwort lautet: Paris", "paris"),
        ("", None),
        ("...", None),
    ],
)
def test_the_final_statement_is_read(text, statement):
    assert final(text) == statement


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The answer is 1,200.50.", "1200.5"),
        ("3 + 4 = 7", "7"),
        ("It is −5 degrees", "-5"),
        ("Answer: 0.0", "0"),
        ("Answer: -0", "0"),
        ("007", "7"),
        ("2 apples.\nAnswer: two", "2"),
        ("\\boxed{.5}", "0.5"),
        ("none", None),
        ("It was 2019.\nThe answer is 12 km.\nI hope it helps.", "12"),
    ],
)
def test_the_final_number_is_read(text, value):
    assert number(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("positive", "positive"),
        ("It could be negative.\nAnswer: Positive.", "positive"),
        ("very positive", "very positive"),
        ("positive or negative", None),
        ("unsure", None),
        ("", None),
    ],
)
def test_the_final_label_is_read(text, value):
    assert label(text, ["positive", "negative", "very positive"]) == value


def test_a_strict_majority_passes_and_the_rest_fails():
    found = agreement(["Paris", "The answer is Paris.", "PARIS!", "Lyon"])
    assert [one.passed for one in found] == [True, True, True, False]
    assert [one.detail for one in found] == ["3 of 4", "3 of 4", "3 of 4", "1 of 4"]
    assert {(one.name, one.kind) for one in found} == {("agreement", "agreement")}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], []),
        (["a"], [None]),
        (["a", "a"], [None, None]),
        (["a", "a", "b"], [True, True, False]),
        (["a", "b", "c"], [False] * 3),
        (["a", "a", "b", "b"], [False] * 4),
        (["", "", ""], [False] * 3),
        (["", "a", "a"], [False, True, True]),
        (["", "", "a"], [False] * 3),
    ],
)
def test_half_is_no_majority_and_two_samples_decide_nothing(texts, expected):
    assert passed(texts) == expected


def test_numbers_agree_whatever_is_said_around_them():
    texts = ["It costs 1,200 euros.", "Answer: 1200", "1200.00", "The answer is 12."]
    assert passed(texts) == [False] * 4
    assert passed(texts, check("number", answer=5)) == [True, True, True, False]


def test_labels_agree_where_they_are_known():
    texts = ["It is spam.", "Spam", "Answer: SPAM", "not spam"]
    assert passed(texts, check("label", answer="spam", labels=["spam", "not spam"])) == [True, True, True, False]


def test_reading_and_comparing_can_be_given():
    texts = ["1/2", "0.5", "2/4", "no"]

    def key(text):
        return text if text[0].isdigit() else None

    def same(one, other):
        return Fraction(one) == Fraction(other)

    assert passed(texts, key=key, same=same) == [True, True, True, False]


@given(
    texts=st.lists(st.text(alphabet=st.characters(), max_size=60), max_size=8),
    name=st.sampled_from(["number", "label", "x"]),
)
def test_whatever_models_write_each_sample_gets_an_outcome(texts, name):
    found = agreement(texts, check(name, labels=["a", "b"]))
    assert len(found) == len(texts)
    assert all((one.passed is None) == (len(texts) < 3) for one in found)


@given(answers=st.lists(st.sampled_from("abc"), min_size=3, max_size=9))
def test_those_pass_that_gave_what_more_than_half_gave(answers):
    counts = Counter(answers)
    assert passed(answers) == [counts[one] * 2 > len(answers) for one in answers]


def test_long_and_hostile_samples_come_to_an_end():
    texts = ["answer " * 100_000, "\\boxed{" * 100_000, "9" * 500_000, "1,234" * 100_000, "-" * 500_000, "\n" * 500_000]
    for name in ("number", "label", "x"):
        assert len(agreement(texts, check(name, labels=["a", "b"]))) == len(texts)
