"""The card: front matter that parses whatever the names are, and a body that stays the same."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from synthgen.export.card import REHEARSAL, Facts, card
from synthgen.export.gate import Proof

GOLDEN = Path(__file__).parent / "card.md"
PROOF = Proof(
    strategy_prompts=6,
    patterns=310,
    rows=3550,
    strings=90_000,
    windows=400_000,
    tasks=2,
    system_messages={
        "dpo": {"neutral": 410, "none": 390},
        "rl": {"neutral": 44, "none": 46},
        "sft": {"neutral": 660, "none": 670},
        "sft_messages": {"neutral": 660, "none": 670},
    },
)
FACTS = Facts(
    license="apache-2.0",
    languages=("de", "en"),
    rehearsal=False,
    teacher="model-a",
    judge="model-b",
    rows={
        "sft": {"train": 1200, "test": 130},
        "sft_messages": {"train": 1200, "test": 130},
        "dpo": {"train": 800},
        "rl": {"train": 90},
    },
    digests={"sft": "ab" * 32, "sft_messages": "cd" * 32, "dpo": "ef" * 32, "rl": "01" * 32},
    funnel={"seed tasks": 175, "instructions accepted": 1000, "usable answers": 4000},
    marks={"3.0 to 3.5": 12, "5.0": 7},
    strategies={"direct-answer": 900, "none": 175},
    categories={"editing": 600, "writing": 475},
    split_rule="18 of 175 seeds form the test side.",
    checks={("constraint:words", "format", "program"): 40, ("number", "answer", "seed"): 50},
    minimum=4,
    erased=True,
    system="mix",
    message="You are an assistant.",
    proof=PROOF,
    samples=4,
    digest="0123456789abcdef0123",
    words=(40, 120, 800),
    over=(0.0125, 0.001),
)
text = st.text(st.characters(exclude_categories=["Cs"]))


def front(facts):
    """The front matter as a YAML reader sees it."""
    opened, matter, _ = card(facts).split("---\n", 2)
    assert opened == ""
    return yaml.safe_load(matter)


def test_the_card_is_the_golden_one():
    assert card(FACTS) == GOLDEN.read_text(encoding="utf-8")


def test_the_front_matter_names_every_split_that_has_rows_and_one_default():
    found = front(FACTS)
    assert [(one["config_name"], one.get("default")) for one in found["configs"]] == [
        ("sft", True),
        ("sft_messages", None),
        ("dpo", None),
        ("rl", None),
    ]
    assert found["configs"][2]["data_files"] == [{"split": "train", "path": "dpo/train-*.parquet"}]
    assert (found["license"], found["language"], found["size_categories"]) == ("apache-2.0", ["de", "en"], ["1K<n<10K"])


def test_languages_that_yaml_takes_for_something_else_stay_strings():
    assert front(replace(FACTS, languages=("no", "on")))["language"] == ["no", "on"]


def test_rehearsal_data_says_so_in_tag_and_bold():
    whole = replace(FACTS, rehearsal=True)
    assert "rehearsal" in front(whole)["tags"]
    assert REHEARSAL in card(whole)
    assert REHEARSAL.startswith("**Rehearsal data")
    assert "rehearsal" not in card(FACTS).lower()


@given(text, st.lists(text, max_size=3))
def test_no_name_breaks_the_front_matter(license_name, languages):
    found = front(replace(FACTS, license=license_name, languages=tuple(languages)))
    assert found["license"] == license_name
    assert found.get("language", []) == languages


@given(text, text)
def test_no_name_breaks_a_table_or_a_line(model, category):
    plain = card(FACTS)
    hostile = card(replace(FACTS, teacher=model, judge=f"x{model}", categories={"editing": 600, category + "!": 475}))
    assert len(hostile.splitlines()) == len(plain.splitlines())
    row = next(line for line in hostile.splitlines() if line.endswith("! | 475 |"))
    assert row.replace("\\|", "").count("|") == 3


@pytest.mark.parametrize(
    ("total", "size"), [(999, "n<1K"), (1000, "1K<n<10K"), (9_999_999, "1M<n<10M"), (10**7, "10M<n<100M")]
)
def test_the_size_is_a_category_of_the_hub(total, size):
    assert front(replace(FACTS, rows={"sft": {"train": total}}))["size_categories"] == [size]


def test_only_what_has_rows_is_shown_how_to_load():
    assert 'load_dataset("PATH", "dpo")' in card(FACTS)
    assert 'load_dataset("PATH", "kto")' not in card(FACTS)


def test_a_run_without_a_judge_shows_no_marks():
    unjudged = card(replace(FACTS, judge="", marks={}))
    assert "## Marks" not in unjudged
    assert ", not judged." in unjudged


def test_the_ablation_is_declared():
    assert "**Not erased:**" in card(replace(FACTS, erased=False))
    assert "**Not erased:**" not in card(FACTS)


@pytest.mark.parametrize(
    ("system", "message", "said"),
    [
        ("generic", "You are an assistant.", "every row carries one neutral message"),
        ("none", "", "no row carries any"),
        ("mix", "You are an assistant.", "one neutral message for half of the tasks"),
    ],
)
def test_the_card_names_the_degree_of_erasure_and_shows_the_message(system, message, said):
    text = card(replace(FACTS, system=system, message=message))
    assert f"System message (`{system}`): {said}" in text
    assert ("\n> You are an assistant.\n" in text) is bool(message)


def test_the_card_counts_the_rows_by_system_message():
    assert "| sft | 660 | 670 |" in card(FACTS)
    whole = PROOF.model_copy(update={"system_messages": {"sft": {"neutral": 7}}})
    assert "| rows by system message | neutral |\n| --- | --- |\n| sft | 7 |" in card(replace(FACTS, proof=whole))


def test_where_no_strategy_prompt_was_sent_the_card_claims_no_search():
    text = card(replace(FACTS, strategy="none", proof=PROOF.model_copy(update={"strategy_prompts": 0})))
    assert "there was none to look for" in text
    assert "runs of eight words" not in text


def test_what_can_be_checked_is_counted_where_there_are_such_rows():
    assert "| number | answer | seed | 50 |" in card(FACTS)
    without = card(replace(FACTS, rows={"sft": {"train": 9}}))
    assert "## Checks" not in without
