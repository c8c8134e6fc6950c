"""ROUGE-L: textbook against compiled, and both against rouge_score."""

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rouge_score import scoring
from rouge_score.rouge_scorer import RougeScorer

from synthgen.text.rouge import f_measure, lcs, lcs_textbook, rouge_l
from synthgen.text.tokens import parity_tokens

few_words = st.lists(st.sampled_from(["a", "b", "c", "d", "é", "die"]), max_size=25)
SCORER = RougeScorer(["rougeL"], use_stemmer=False)
SEVEN_TENTHS = [
    (common, target, prediction)
    for target in range(1, 151)
    for prediction in range(target, 151)
    for common in range(1, target + 1)
    if 20 * common == 7 * (target + prediction)
]


@given(few_words, few_words)
def test_the_compiled_length_is_the_textbook_one(left, right):
    assert lcs(left, right) == lcs_textbook(left, right)


@pytest.mark.parametrize("size", [63, 64, 65, 128, 129, 300])
def test_it_is_also_beyond_the_64_tokens_of_a_machine_word(size):
    rng = random.Random(size)
    for vocabulary in (2, 10, 200):
        left, right = (rng.choices(range(vocabulary), k=size - less) for less in (0, rng.randrange(size // 2)))
        expected = lcs_textbook(left, right)
        assert lcs(left, right) == lcs([f"w{token}" for token in left], [f"w{token}" for token in right]) == expected


@given(st.text(alphabet="abc AB-.é"), st.text(alphabet="abc AB-.é"))
@example("", "")
@example("é", "天気")
@example("One. Two!", "two one")
def test_the_score_is_that_of_rouge_score(target, prediction):
    expected = SCORER.score(target, prediction)["rougeL"].fmeasure
    left, right = parity_tokens(target), parity_tokens(prediction)
    assert rouge_l(left, right) == f_measure(lcs_textbook(left, right), len(left), len(right)) == expected


@given(few_words, few_words)
def test_the_score_is_the_same_both_ways_round(left, right):
    assert rouge_l(left, right) == rouge_l(right, left)


@pytest.mark.parametrize("tokens", [[], ["a"]])
def test_nothing_is_similar_to_no_tokens(tokens):
    assert rouge_l([], tokens) == 0.0


def texts(common, target, prediction):
    """Two texts with so many tokens, of which so many are common."""
    shared = [f"s{number}" for number in range(common)]
    left = shared + [f"t{number}" for number in range(target - common)]
    right = shared + [f"p{number}" for number in range(prediction - common)]
    return " ".join(left), " ".join(right)


def test_where_f_is_exactly_seven_tenths_every_decision_is_that_of_rouge_score():
    above = 0
    for triple in SEVEN_TENTHS:
        left, right = texts(*triple)
        expected = SCORER.score(left, right)["rougeL"].fmeasure
        assert rouge_l(left.split(), right.split()) == expected == f_measure(*triple)
        assert rouge_l(right.split(), left.split()) == expected
        above += expected > 0.7
    assert (len(SEVEN_TENTHS), above) == (273, 136)


def test_a_closed_form_would_decide_otherwise_where_f_is_exactly_seven_tenths():
    closed = [2 * common / (target + prediction) for common, target, prediction in SEVEN_TENTHS]
    assert not any(score > 0.7 for score in closed)


def test_every_f_of_up_to_a_hundred_tokens_is_the_float_of_rouge_score():
    for target in range(1, 101):
        for prediction in range(1, 101):
            for common in range(min(target, prediction) + 1):
                expected = scoring.fmeasure(common / prediction, common / target)
                assert f_measure(common, target, prediction) == expected
