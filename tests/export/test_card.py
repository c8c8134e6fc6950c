"""The card: front matter that parses whatever the names are, and a body that stays the same."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from synthgen.export import licences
from synthgen.export.card import REHEARSAL, card
from synthgen.export.facts import Facts, Looked, Model
from synthgen.export.gate import Proof
from synthgen.export.lengths import Gaps, Lengths, Spread
from synthgen.export.licences import IDENTIFIERS
from synthgen.export.plots import Plot
from synthgen.export.tally import Mix

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
LENGTHS = Lengths(
    "by the tokenizer whose `tokenizer.json` has the SHA-256 `abab`",
    Spread((120, 300, 420, 900, 2100), (0.0125, 0.001, 0.0), (0,) * 41),
    Spread((40, 120, 200, 700, 1900), (0.01, 0.0, 0.0), (0,) * 41),
    Spread((180, 350, 480, 950, 1800), (0.005, 0.0, 0.0), (0,) * 41),
    Spread((60, 150, 230, 600, 1500), (0.0025, 0.0, 0.0), (0,) * 41),
    Gaps((-40, -5, 12, 30, 110), 0.625, (0,) * 15),
)
FACTS = Facts(
    license="apache-2.0",
    seeds_license="unknown",
    teacher_terms="allowed for research",
    languages=("de", "en"),
    rehearsal=False,
    teacher="model-a",
    judge="model-b",
    models=(Model("proposes tasks; answers", "model-a", "model-a-2026-05-01"), Model("judges", "model-b")),
    version="1.2.3",
    prompts="fedcba9876543210fedc",
    rows={
        "sft": {"train": 1200, "test": 130},
        "sft_messages": {"train": 1200, "test": 130},
        "dpo": {"train": 800},
        "rl": {"train": 90},
    },
    digests={"sft": "ab" * 32, "sft_messages": "cd" * 32, "dpo": "ef" * 32, "rl": "01" * 32},
    funnel={"seed tasks": 175, "instructions accepted": 1000, "usable answers": 4000},
    marks={"3.0 to 3.5": 12, "5.0": 7},
    strategies={"direct-answer": Mix(900, 90_000), "none": Mix(175, 10_000)},
    categories={"editing": Mix(600, 75_000), "writing": Mix(475, 25_000)},
    split_rule="18 of 175 seeds form the test side.",
    checks={("constraint:words", "format", "program"): 40, ("number", "answer", "seed"): 50},
    minimum=4,
    erased=True,
    system="mix",
    message="You are an assistant.",
    proof=PROOF,
    samples=4,
    digest="0123456789abcdef0123",
    lengths=LENGTHS,
    human=175,
    formats={
        "axolotl": {"takes": ["sft_messages", "dpo"]},
        "openai": {
            "files": {"openai/dpo.train.jsonl": 790, "openai/sft.train.jsonl": 1200},
            "left_out": {"dpo": {"several_turns": 8, "unheard_of": 2}},
        },
    },
    looked=Looked("tulu3-8gram", {"exam": (120, 3)}, 5),
    training=("training/axolotl_sft.yml", "training/notes.txt", "training/trl_sft.py"),
)
PLOTS = {
    "lengths": Plot("plots/lengths.png", "How long the rows are"),
    "mix": Plot("plots/mix.png", "What they are a mix of"),
    "scores": Plot("plots/scores.png", "How they were marked"),
}
text = st.text(st.characters(exclude_categories=["Cs"]))


def front(facts):
    """The front matter as a YAML reader sees it."""
    opened, matter, _ = card(facts).split("---\n", 2)
    assert opened == ""
    return yaml.safe_load(matter)


def test_the_card_is_the_golden_one():
    assert card(FACTS, PLOTS) == GOLDEN.read_text(encoding="utf-8")


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
    assert found["license"] in IDENTIFIERS
    assert found.get("language", []) == languages
    assert {name for name in found if name.startswith("license")} <= {"license", "license_name", "license_link"}
    assert {"pretty_name", "tags", "configs"} < set(found)


@given(text, text)
def test_no_name_breaks_a_table_or_a_line(model, category):
    plain = card(FACTS)
    hostile = card(
        replace(
            FACTS,
            teacher=model,
            judge=f"x{model}",
            models=(Model("answers", model, category), Model("judges", model)),
            license=f"x{model}",
            seeds_license=f"x{category}",
            teacher_terms=f"x{model}",
            categories={"editing": Mix(600, 75_000), category + "!": Mix(475, 25_000)},
            human=175,
            formats={
                "axolotl": {"takes": ["sft_messages", "dpo"]},
                "openai": {
                    "files": {"openai/dpo.train.jsonl": 790, "openai/sft.train.jsonl": 1200},
                    "left_out": {"dpo": {"several_turns": 8, "unheard_of": 2}},
                },
            },
            looked=Looked(model, {category: (120, 3)}, 5),
        )
    )
    shared = hostile.split("---\n", 2)[2].splitlines()
    assert len(shared) == len(plain.split("---\n", 2)[2].splitlines())
    row = next(line for line in shared if line.endswith("! | 475 | 44.2% | 25000 | 25.0% |"))
    assert cells(row)[1:-1] == [cells(row)[1], "475", "44.2%", "25000", "25.0%"]


def cells(line):
    """The cells of a line of a table, as Markdown divides it."""
    return [one.strip() for one in re.split(r"(?<!\\)(?:\\\\)*\|", line)]


@pytest.mark.parametrize("name", ["a|b", "a\\|b", "a\\\\|b", "<img src=x>", "![x](https://example.org)", "a`b"])
def test_no_name_of_a_model_is_a_cell_of_its_own_or_markup(name):
    line = next(
        one for one in card(replace(FACTS, models=(Model("answers", name),))).splitlines() if "| answers |" in one
    )
    assert len(cells(line)) == 5
    assert not re.search(r"(?<!\\)(?:\\\\)*[<[]", line)


@pytest.mark.parametrize(
    ("told", "fields"),
    [
        ("unknown", {"license": "unknown"}),
        (" ", {"license": "unknown"}),
        ("Apache-2.0", {"license": "apache-2.0"}),
        ("cc-by-sa-4.0", {"license": "cc-by-sa-4.0"}),
        ("other", {"license": "other"}),
        ("our-terms", {"license": "other", "license_name": "our-terms"}),
        (
            "our-terms (https://example.org/terms).",
            {"license": "other", "license_name": "our-terms", "license_link": "https://example.org/terms"},
        ),
        (
            "https://example.org/terms",
            {"license": "other", "license_name": "see-license-link", "license_link": "https://example.org/terms"},
        ),
    ],
)
def test_the_licence_is_one_that_the_hub_knows_or_a_name_and_a_link_as_told(told, fields):
    found = front(replace(FACTS, license=told))
    assert {name: value for name, value in found.items() if name.startswith("license")} == fields


@pytest.mark.parametrize("told", ["unknown", "mit", "other", "our-terms", "our-terms https://example.org/terms"])
def test_a_licence_is_read_back_from_front_matter_as_it_was_told(told):
    assert licences.of(front(replace(FACTS, license=told))) == told


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, "unknown"),
        ([], "unknown"),
        ({"a": 1}, "unknown"),
        (["mit", "apache-2.0"], "mit, apache-2.0"),
        (" ", "unknown"),
    ],
)
def test_a_licence_that_others_wrote_is_taken_as_far_as_it_can_be_read(given, found):
    assert licences.of({"license": given}) == found


def test_what_nobody_told_of_a_licence_is_unknown_and_to_be_asked_for():
    untold = card(replace(FACTS, license="unknown", seeds_license="unknown", teacher_terms="unknown"))
    assert untold.count("**unknown: ask before you publish**") == 3
    assert "- the teacher's terms on training with its answers: `allowed for research`" in card(FACTS)
    assert "- the prompts that were given: " in card(replace(FACTS, strategy="none"))


def test_models_are_told_with_the_names_they_call_themselves():
    assert "| proposes tasks; answers | model-a | model-a-2026-05-01 |" in card(FACTS)
    assert "synthgen 1.2.3; prompts `fedcba9876543210`" in card(FACTS)


def test_the_mix_is_told_in_rows_and_in_tokens():
    assert "| editing | 600 | 55.8% | 75000 | 75.0% |" in card(FACTS)


def test_lengths_name_who_counted_them_and_what_is_over_the_limits():
    text = card(FACTS)
    assert "| sft: whole row | 120 | 300 | 420 | 900 | 2100 | 1.2% | 0.1% | 0.0% |" in text
    assert f"Counted {LENGTHS.counter}." in text
    assert "dpo:" not in card(replace(FACTS, lengths=replace(LENGTHS, pair=None, chosen=None, gaps=None)))


def test_pairs_are_told_with_what_picking_the_longer_side_comes_to():
    assert "the longer side is the chosen one in 62.5%" in card(FACTS)
    equal = replace(LENGTHS, gaps=replace(LENGTHS.gaps, longer=None))
    assert "No pair's sides differ in length." in card(replace(FACTS, lengths=equal))
    assert "## Pairs" not in card(replace(FACTS, lengths=replace(LENGTHS, gaps=None)))


def test_what_was_looked_up_is_told_and_so_is_that_nothing_was():
    assert "by the rule `tulu3-8gram`" in card(FACTS)
    assert "| exam | 120 | 3 |" in card(FACTS)
    assert "No benchmark was looked up" in card(replace(FACTS, looked=None))


def test_pictures_stand_beside_the_card_only_where_they_were_drawn():
    assert "![How long the rows are](plots/lengths.png)" in card(FACTS, PLOTS)
    assert "![" not in card(FACTS)


def test_what_was_written_in_further_shapes_is_told_with_what_those_could_not_hold():
    text = card(FACTS)
    assert "| openai | openai/dpo.train.jsonl | 790 |" in text
    assert "| openai | dpo | an assistant spoke before | 8 |" in text
    assert "| openai | dpo | unheard_of | 2 |" in text
    assert "axolotl takes `sft_messages`, `dpo` of this dataset as they are." in text
    whole = {"openai": {"files": {"openai/sft.train.jsonl": 1200}, "left_out": {}}}
    assert "Not every row" not in card(replace(FACTS, formats=whole))
    assert "## Further shapes" not in card(replace(FACTS, formats={}))


def test_rows_that_humans_wrote_are_not_passed_off_as_the_teachers():
    assert "Of the 1330 rows of `sft`, 175 are the seeds themselves" in card(FACTS)
    assert "are the seeds themselves" not in card(replace(FACTS, human=0))


def test_tags_name_what_there_is():
    assert front(FACTS)["tags"] == ["synthetic", "sft", "dpo", "rl", "synthgen"]


def test_configs_that_stand_ready_are_told_with_the_command_that_takes_them():
    assert "python training/trl_sft.py --model MODEL --out sft-adapter\n" in card(FACTS)
    assert "axolotl train training/axolotl_sft.yml --base-model MODEL\n" in card(FACTS)
    assert "SFTTrainer(" in card(replace(FACTS, training=()))


def test_the_rows_are_opened_from_a_split_that_is_there():
    text = card(replace(FACTS, rows={"rl": {"test": 3}}))
    assert 'load_dataset("PATH", "rl", split="test", streaming=True)' in text
    assert 'polars.scan_parquet("PATH/rl/test-*.parquet")' in text
    assert "SFTTrainer(" not in card(replace(FACTS, rows={"rl": {"test": 3}}, training=()))


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
