"""The report adds up, and finds again what is planted in the rehearsal."""

import json
import math
from pathlib import Path

import pytest
from conftest import expand

from synthgen import strategies
from synthgen.api import Run
from synthgen.config import RunConfig
from synthgen.rehearsal import rates
from synthgen.rehearsal.proposals import NARROW, NARROW_TEXTS
from synthgen.text.contamination import Contamination, Item
from synthgen.text.sorting import doubt
from synthgen.views import report as reporting
from synthgen.views import rules, terminal

CONFIG = RunConfig(taxonomy=strategies.load())


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run of 300 accepted."""
    out = tmp_path_factory.mktemp("report") / "run"
    expand(out, target=300)
    return out


def test_in_is_out_and_rejected_and_owed(run: Path):
    report = Run(run).report
    assert report["proposed"] == report["accepted"] + sum(report["rejected"]["grow"].values())
    assert report["owed"] == dict.fromkeys(report["owed"], 0)
    tasks = report["stages"]["tasks"]
    assert tasks["in"] == report["accepted"] == tasks["out"] + tasks["rejected"]
    answers = report["stages"]["answers"]
    explored = sum(bool(task.alternative) for task in Run(run).records("tasks"))
    assert answers["out"] + answers["rejected"] == 4 * report["tasks"] + explored
    assert report["stages"]["pairs"]["out"] + report["stages"]["pairs"]["rejected"] == report["tasks"]
    assert report["rows"]["dpo"] == {
        side: sum(one["side"] == side for one in paired(run)) for side in ("train", "test")
    }  # fmt: skip


def paired(run: Path) -> list[dict]:
    """The tasks that have a pair."""
    tasks = {one.id: one.model_dump() for one in Run(run).records("tasks")}
    return [tasks[pair.task] for pair in Run(run).records("pairs")]


def near(found: int, count: int, planted: float) -> bool:
    """Within four standard deviations."""
    return abs(found - count * planted) <= 4 * math.sqrt(count * planted * (1 - planted)) + 1


def test_the_planted_rates_are_in_the_report(run: Path):
    report = Run(run).report
    answers = report["stages"]["answers"]["out"] + report["stages"]["answers"]["rejected"]
    assert near(report["rejected"]["answer"]["prompt_leak"], answers, rates.STRATEGY_LEAK)
    assert near(report["rejected"]["answer"]["length"], answers, rates.ANSWER_CUT)
    assert near(report["rejected"]["vet"]["invalid"], report["accepted"], rates.INVALID)
    assert near(report["rejected"]["grow"]["too_short"], report["proposed"], rates.TOO_SHORT)
    assert report["pairs"]["tie_rate"] >= rates.FORCED_TIE / 2
    assert report["pairs"]["longer_chosen"] > 0.5, "the planted length bias shows"


def test_the_strategies_differ_in_length_as_planted(run: Path):
    words = {name: found["mean_words"] for name, found in Run(run).report["strategies"].items()}
    assert words["direct-answer"] < words["recall-then-generate"] < words["step-by-step"]


def test_what_became_of_the_tasks_is_told_by_category(run: Path):
    report = Run(run).report
    rows = report["by_category"]
    assert {name: one["tasks"] for name, one in rows.items()} == report["categories"]
    assert sum(one["answers"] for one in rows.values()) == report["stages"]["answers"]["out"]
    assert sum(one["kept"] for one in rows.values()) == report["tasks"] - report["rejected"]["pick"]["no_good_answer"]
    for name, one in rows.items():
        tasks = [task for task in Run(run).records("tasks") if task.category == name]
        doubts = [doubt(name, task.instruction, task.input, labels=task.labels) for task in tasks]
        assert one["doubted"] == sum(map(bool, doubts)), name
        assert one["retention"] == round(one["kept"] / one["tasks"], 3)
        assert one["answers"] == 0 or 1 <= one["mean_mark"] <= 5
    assert 0 < sum(one["doubted"] for one in rows.values()) < 0.2 * report["tasks"]
    assert "categories: the rules doubt " in terminal.summary(report, run)


def test_a_run_that_was_stopped_tells_of_the_tasks_that_came_to_an_end(tmp_path: Path):
    report = expand(tmp_path / "run", target=60, max_calls=300)
    rows = report["by_category"].values()
    pairs = report["stages"]["pairs"]
    assert sum(one["tasks"] for one in rows) == report["tasks"] > pairs["in"]
    assert sum(one["kept"] for one in rows) == pairs["in"] - report["rejected"].get("pick", {}).get("no_good_answer", 0)


def test_without_a_judge_a_task_with_an_answer_is_kept(tmp_path: Path):
    report = expand(tmp_path / "run", target=30, judging=False)
    rows = report["by_category"].values()
    assert all(one["mean_mark"] is None for one in rows)
    assert sum(one["kept"] for one in rows) <= report["tasks"]
    answers = Run(tmp_path / "run").records("answers")
    assert sum(one["kept"] for one in rows) == len({answer.task for answer in answers if not answer.explored})


def test_the_explored_share_is_the_one_stated(run: Path):
    tasks = list(Run(run).records("tasks"))
    assert near(sum(bool(task.alternative) for task in tasks), len(tasks), 0.1)


def test_the_rehearsal_is_named_in_report_card_and_every_row(run: Path):
    assert Run(run).report["rehearsal"] is True
    assert "not for training" in (run / "dataset" / "README.md").read_text()
    for config in ("sft", "sft_messages", "dpo", "kto"):
        for split in Run(run).dataset(config).values():
            for row in split:
                assert json.loads(row["metadata_json"])["rehearsal"] is True


@pytest.mark.parametrize(
    ("longer", "warned"), [(0.34, True), (0.35, False), (0.5, False), (0.65, False), (0.66, True), (None, False)]
)
def test_a_judge_that_seems_to_reward_length_is_warned_of(run: Path, longer: float | None, warned: bool):
    report = Run(run).report
    report["pairs"]["longer_chosen"] = longer
    assert any("length" in line for line in reporting.warnings(report)) is warned


def test_the_narrow_rehearsal_saturates_at_its_known_count(tmp_path: Path):
    report = expand(tmp_path / "run", target=500, teacher={"spec": "rehearsal-narrow"}, judging=False, samples=1)
    assert report["stopped"]["reason"] == "saturated"
    known = len(NARROW) * NARROW_TEXTS
    # Some of the narrow texts are too much alike.
    assert 0.6 * known <= report["accepted"] <= known, report["accepted"]


def test_every_rule_tells_what_it_dropped_and_would_have_dropped_alone(run: Path):
    report = Run(run).report
    dropped = {**report["rejected"]["answer"], **report["rejected"]["grow"]}
    assert report["rules"].keys() == {
        "duplicate", "near_duplicate", "fuzzy_duplicate", "contaminated", "near_identical", "repeated_answer",
    }  # fmt: skip
    for name, one in report["rules"].items():
        assert one["on"] is (name != "contaminated")
        assert one["dropped"] == dropped.get(name, 0), name
        assert one["alone"] >= one["dropped"], name
    # Equal texts are near and alike as well.
    equal, near, alike = (report["rules"][name] for name in ("duplicate", "near_duplicate", "fuzzy_duplicate"))
    assert near["alone"] == near["dropped"] + equal["dropped"]
    assert near["dropped"] > 0
    assert alike["alone"] >= alike["dropped"] + equal["dropped"]


def test_the_terminal_has_a_line_for_each_rule_that_matters(run: Path):
    report = Run(run).report
    report["rules"] = {
        "duplicate": {"on": True, "threshold": None, "dropped": 4, "alone": 4},
        "near_duplicate": {"on": True, "threshold": 0.7, "dropped": 31, "alone": 35},
        "fuzzy_duplicate": {"on": False, "threshold": 0.9, "dropped": 0, "alone": 7},
        "contaminated": {"on": False, "threshold": None, "dropped": 0, "alone": 0},
    }
    assert list(terminal.by_rule(report)) == [
        "duplicate: dropped 4, alone 4",
        "near_duplicate (0.7): dropped 31, alone 35",
        "fuzzy_duplicate (off, 0.9): dropped 0, alone 7",
    ]
    assert "\nnear_duplicate (0.7): dropped 31, alone 35\n" in terminal.summary(report, run)


def test_a_rule_that_is_off_still_tells_what_it_would_have_dropped(tmp_path: Path):
    # A seed with more than one near-identical answer among the 300.
    values = {"target": 300, "seed": 8, "judging": False}
    found = expand(tmp_path / "run", fuzzy=0, answer_threshold=1, **values)["rules"]
    for name in ("fuzzy_duplicate", "near_identical"):
        assert (found[name]["on"], found[name]["threshold"], found[name]["dropped"]) == (False, 0.9, 0)
        assert found[name]["alone"] > 0, name
    on = expand(tmp_path / "on", **values)["rules"]["near_identical"]
    assert found["near_identical"]["alone"] == pytest.approx(on["dropped"], rel=0.5)


def test_parity_mode_tells_of_the_rules_it_lacks(tmp_path: Path):
    report = expand(tmp_path / "run", target=60, mode="parity", judging=False)
    equal, near, alike = (report["rules"][name] for name in ("duplicate", "near_duplicate", "fuzzy_duplicate"))
    assert not equal["on"]
    assert not alike["on"]
    assert near["alone"] == near["dropped"]
    assert equal["alone"] <= near["alone"]


def test_a_duplicate_that_gives_an_item_away_counts_for_both_rules():
    rivers = "How many rivers flow through the north of the country before they reach the sea, and which is longest?"
    clocks = "A clock loses four minutes in every hour that it runs; what does it show at noon, if set at six?"
    benchmarks = Contamination([Item("bench", "1", rivers), Item("bench", "2", clocks)], "tulu3-8gram")
    proposed = [
        rules.Proposal("c000000-0", "Write a poem about rain.", "accepted"),
        rules.Proposal("c000000-1", clocks, "contaminated"),
        rules.Proposal("c000000-2", rivers, "near_duplicate"),  # a seed asks nearly this
        rules.Proposal("c000000-3", "write a poem about rain", "duplicate"),
    ]
    found = rules.of_proposals(proposed, CONFIG, [rivers.replace("rivers", "streams")], benchmarks)
    assert found == {
        "duplicate": {"on": True, "threshold": None, "dropped": 1, "alone": 1},
        "near_duplicate": {"on": True, "threshold": 0.7, "dropped": 1, "alone": 2},
        "fuzzy_duplicate": {"on": True, "threshold": 0.9, "dropped": 0, "alone": 2},
        "contaminated": {"on": True, "threshold": None, "dropped": 1, "alone": 2},
    }


def test_a_threshold_of_one_is_a_rule_that_is_off():
    proposed = [rules.Proposal(f"c000000-{n}", text, "accepted") for n, text in enumerate(
        ["Write a poem about rain in spring.", "Write a poem about rain in autumn."]
    )]  # fmt: skip
    found = rules.of_proposals(proposed, CONFIG.model_copy(update={"novelty_threshold": 1, "fuzzy": 0}), [], None)
    assert found["near_duplicate"] == {"on": False, "threshold": 0.7, "dropped": 0, "alone": 1}
    assert found["fuzzy_duplicate"]["on"] is False
    assert found["contaminated"] == {"on": False, "threshold": None, "dropped": 0, "alone": 0}
