"""Rules that doubt a category: content with every human label, and telling where a task cannot be what it is called."""

import pytest
from conftest import SEEDS
from hypothesis import given
from hypothesis import strategies as st

from synthgen import strategies
from synthgen.rehearsal.items import items
from synthgen.stages import seeds as seed_files
from synthgen.text.sorting import RULES, doubt

HUMAN = seed_files.read(SEEDS)
NAMES = strategies.load().names
POEM = "Write a short poem about the rain on a tin roof."


def test_hardly_a_human_label_is_doubted():
    found = {
        seed.id: reason
        for seed in HUMAN
        if (reason := doubt(
            seed.category, seed.instruction, seed.instances[0].input, is_classification=seed.is_classification, labels=seed.labels
        ))
    }  # fmt: skip
    assert len(HUMAN) == 175
    assert len(found) <= 0.02 * len(HUMAN), found


def test_no_item_with_a_known_answer_is_doubted():
    for item in items(40, 9):
        labels = item["check"]["args"].get("labels", ())
        assert not doubt(item["category"], item["instruction"], item["input"], labels=labels), item


@pytest.mark.parametrize(
    ("category", "instruction", "reason"),
    [
        ("translation", POEM, "no language is named"),
        ("code-writing", POEM, "no code and no word of programming"),
        ("code-explanation", POEM, "no code and no word of programming"),
        ("code-editing", "Fix the bug in my program, please.", "no code is given"),
        ("mathematics", POEM, "no number and no quantity"),
        ("data-analysis", POEM, "no figures and no data"),
        ("classification", POEM, "no closed set of labels"),
        ("multiple-choice", POEM, "no options are stated"),
        ("summarization", "Sum up what was said at the meeting.", "no text is given to work on"),
        ("extraction", POEM, "no text is given to work on"),
        ("reading", POEM, "no text is given to work on"),
        ("editing", POEM, "no text is given to work on"),
        ("knowledge", "Translate the sign at the gate into Polish.", "it asks for a translation"),
        ("writing", "Please write a small Python function that counts vowels.", "it asks for a program"),
    ],
)
def test_a_task_that_cannot_be_what_it_is_called_is_doubted(category: str, instruction: str, reason: str):
    assert doubt(category, instruction) == reason


@pytest.mark.parametrize(
    ("category", "instruction", "given"),
    [
        ("summarization", "Sum up the meeting.", "The club met in May and chose a treasurer."),
        ("editing", 'Correct this: "Neither of the lifts were working when we came."', ""),
        ("code-editing", "Make `total = a - b` add instead.", ""),
        ("translation", "Wie sagt man das?", ""),
        ("translation", "How would a baker in Lisbon say this?", "Já volto"),
        ("creative-writing", POEM, ""),
        ("other", POEM, ""),
        ("mathematics", "证明根号二是无理数。", ""),
        ("a-category-of-my-own", POEM, ""),
    ],
)
def test_the_rules_are_silent_where_they_are_content_or_know_nothing(category: str, instruction: str, given: str):
    assert doubt(category, instruction, given) == ""


def test_labels_that_are_known_are_a_closed_set():
    assert doubt("classification", POEM)
    assert not doubt("classification", POEM, labels=("wet", "dry"))
    assert not doubt("classification", POEM, is_classification=True)


@given(st.sampled_from(NAMES), st.text(), st.text())
def test_no_text_breaks_them(category: str, instruction: str, text: str):
    assert isinstance(doubt(category, instruction, text), str)


@pytest.mark.parametrize("part", ["one ", "a, ", "x(", "\n", "'", "aaaa", ": a", "`", "; "])
def test_a_hostile_text_is_no_more_work_than_another(part: str):
    for category in RULES:
        doubt(category, f"the {part * 200_000}", part * 200_000)
