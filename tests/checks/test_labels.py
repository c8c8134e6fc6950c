import cases_labels
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen.checks import registry as checks
from synthgen.checks.labels import labels_of, settled
from synthgen.records import Check

SENTIMENT = ["positive", "negative", "neutral"]
SETS = [
    SENTIMENT,
    ["very positive", "positive", "neutral", "negative", "very negative"],
    ["spam", "not spam"],
    ["valid", "invalid"],
    ["A", "B", "C", "D"],
    ["card_lost", "card_stolen", "balance-check"],
    ["正面", "负面", "中性"],
    ["положительный", "отрицательный"],
    ["yes", "no"],
    ["1", "2", "3", "4", "5"],
]
FRAMES = [
    "{}",
    "{}.",
    "**{}**",
    '"{}"',
    "`{}`",
    "Answer: {}",
    "The answer is {}.",
    "Final answer: **{}**",
    "\\boxed{{{}}}",
    "<answer>{}</answer>",
    "Let me think about each of them in turn.\n\nThe answer is {}.",
]
KNOWN_MISSES = {
    "The overall sentiment of the text can be described as negative.",
    "Answer: no, yes would require proof.",
    "Canberra is the capital; Sydney is merely the largest city.",
    "Отзыв скорее положительный, чем отрицательный.",
}
"""Right answers that are refused: the documentation tells of them."""
WRONGLY_ACCEPTED = ["Sydney is the capital; Canberra is merely a small town."]
BOMBS = {
    "a label without end": "positive or " * 100_000,
    "denials without end": "not " * 250_000 + "positive",
    "marks without end": "answer is " * 100_000,
    "stars without end": "*" * 300_000,
    "open bold without end": "**a" * 100_000,
    "blanks without end": " " * 1_000_000,
    "lines without end": "\n" * 1_000_000,
    "brackets without end": "(a " * 200_000,
    "colons without end": "a:" * 300_000,
    "quotes without end": "\"'" * 300_000,
    "tags without end": "<answer>" * 60_000,
    "boxes without end": "\\boxed{" * 60_000,
    "Chinese denials without end": "不是" * 300_000,
}


def passes(name, said, **args):
    return checks.CHECKS[name](said, args, "").passed


@pytest.mark.parametrize(
    "case", [case for case in cases_labels.CASES if case[0] not in {*KNOWN_MISSES, *WRONGLY_ACCEPTED}]
)
def test_a_case_is_decided_as_a_careful_reader_would(case):
    answer, name, args, right = case
    assert checks.CHECKS[name](answer, args, "").passed is right


def test_answers_that_are_decided_wrongly_are_known():
    verdicts = [
        (said, right, checks.CHECKS[name](said, args, "").passed) for said, name, args, right in cases_labels.CASES
    ]
    assert [said for said, right, passed in verdicts if passed and not right] == WRONGLY_ACCEPTED
    assert {said for said, right, passed in verdicts if right and not passed} == KNOWN_MISSES


def test_there_are_two_hundred_cases_of_labels_and_half_are_hard():
    names = [name for _, name, _, _ in cases_labels.CASES]
    assert names.count("label") >= 200
    assert len(cases_labels.EQUAL) + len(cases_labels.NEAR) >= names.count("label") / 2


@given(st.sampled_from(SETS), st.sampled_from(FRAMES), st.data())
def test_a_label_said_plainly_is_that_label_and_no_other_of_its_set(labels, frame, data):
    said = data.draw(st.sampled_from(labels))
    for label in labels:
        assert passes("label", frame.format(said), answer=label, labels=labels) is (label == said)


@given(st.sampled_from(SETS[:4]), st.data())
def test_two_labels_with_or_between_them_settle_on_none(labels, data):
    one, other = data.draw(st.permutations(labels))[:2]
    for text in (f"{one} or {other}", f"It is either {one} or {other}.", f"The answer is {one} or {other}."):
        assert not any(passes("label", text, answer=label, labels=labels) for label in (one, other))


@given(st.sampled_from(SENTIMENT), st.sampled_from(SENTIMENT))
def test_what_is_denied_is_never_what_is_settled_on(one, other):
    if one == other:
        return
    for text in (
        f"It is not {one} but {other}.",
        f"It is {other}, not {one}.",
        f"{other.capitalize()} rather than {one}.",
    ):
        assert passes("label", text, answer=other, labels=SENTIMENT) is True
        assert passes("label", text, answer=one, labels=SENTIMENT) is False


def test_a_letter_beside_the_label_of_another_letter_settles_on_nothing():
    args = {"answer": "positive", "labels": SENTIMENT, "options": {"A": "negative", "B": "positive", "C": "neutral"}}
    assert passes("label", "B) positive", **args) is True
    assert passes("label", "B) negative", **args) is False
    assert passes("label", "A) positive", **args) is False


def test_what_an_answer_settles_on_is_told_and_so_is_why_on_nothing():
    check = Check(name="label", kind="answer", args={"answer": "positive", "labels": SENTIMENT}, chance=1 / 3)
    assert checks.run(check, "The sentiment is negative.").detail == "settles on negative"
    assert "positive" in checks.run(check, "It is positive and negative.").detail


def test_a_truth_that_is_not_told_decides_nothing():
    assert passes("label", "positive", labels=SENTIMENT) is None
    assert passes("exact", "positive") is None


def test_one_wording_in_a_longer_text_counts_only_where_it_is_marked():
    assert passes("exact", "I think of Marie Curie and of Pierre.", answers=["Marie Curie"]) is False
    assert (
        passes("exact", "I think of Marie Curie and of Pierre.\nAnswer: Marie Curie", answers=["Marie Curie"]) is True
    )


@pytest.mark.timeout(120)
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_hostile_answer_is_read_in_bounds(bomb):
    for text in (BOMBS[bomb], f"The answer is {BOMBS[bomb]}"):
        assert passes("label", text, answer="neutral", labels=SENTIMENT) is False
        assert passes("label", text, answer="B", labels=["A", "B", "C"]) is False
        assert passes("exact", text, answers=["neutral"]) is False


@given(st.text(max_size=200), st.lists(st.text(min_size=1, max_size=10), min_size=1, max_size=5))
@settings(max_examples=300)
def test_no_answer_and_no_label_makes_the_check_raise(answer, labels):
    assert passes("label", answer, answer=labels[0], labels=labels) in {True, False, None}
    assert passes("exact", answer, answers=labels) in {True, False, None}


@given(st.text(alphabet="positive negative or not, but.\n:()*", max_size=120))
def test_whatever_is_settled_on_is_one_of_the_labels(answer):
    label, why = settled(answer, labels_of(SENTIMENT, {}))
    assert label in {*SENTIMENT, ""}
    assert bool(label) != bool(why)
