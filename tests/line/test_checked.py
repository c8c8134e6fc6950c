"""Whole runs over items whose answers are known: checks, the cheapest strategy, measured policies; the same after kills."""

import asyncio
import contextlib
import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from conftest import expand, outputs

from synthgen import jsonl, preview, steps
from synthgen.api import Run
from synthgen.errors import ConfigError
from synthgen.policy import Policy
from synthgen.rehearsal.items import items
from synthgen.stages.given import Given
from synthgen.steps import Job

SOME = ("mathematics", "knowledge", "classification", "extraction")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of items of a few categories."""
    path = tmp_path_factory.mktemp("items") / "items.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in items(8, 1, SOME)))
    return path


def answer(out: Path, source: Path, **values: Any) -> dict[str, Any]:
    """Answer the items; the report."""
    values = {"teacher": {"spec": "rehearsal"}, "strategy": "auto", "samples": 4} | values
    return asyncio.run(steps.run_all(Job(None, out, values, given=Given(source)), lambda _stage, _count: None))


def rows_of(run: Path, config: str) -> list[dict[str, Any]]:
    """The rows of one config."""
    return pq.read_table(run / "dataset" / config).to_pylist()


def calls(ledger: Path) -> int:
    """How many calls a ledger holds."""
    with contextlib.closing(sqlite3.connect(ledger)) as db:
        return db.execute("select count(*) from calls").fetchone()[0]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Path:
    """A run over them, for reading only."""
    out = tmp_path_factory.mktemp("checked") / "run"
    answer(out, source)
    return out


def test_no_row_is_known_to_be_wrong(run: Path):
    answers = {row["id"]: row for row in jsonl.rows(run / "answers.jsonl")}
    wrong = {
        one
        for one, row in answers.items()
        if any(x["passed"] is False and x["kind"] == "answer" for x in row["outcomes"])
    }
    assert wrong
    assert not wrong & {row["id"] for row in rows_of(run, "sft")}


def test_the_story_of_an_answer_says_what_its_checks_found(run: Path):
    row = next(row for row in jsonl.rows(run / "answers.jsonl") if row["outcomes"][0]["passed"] is False)
    one = row["outcomes"][0]
    assert f"    check {one['name']} of answer: failed" in Run(run).why(row["id"])


def test_a_pair_of_a_right_and_a_wrong_answer_says_so(run: Path):
    policies = Counter(row["policy"] for row in jsonl.rows(run / "pairs.jsonl"))
    assert policies["verified-vs-failed"] > 0
    answers = {row["id"]: row for row in jsonl.rows(run / "answers.jsonl")}
    for pair in jsonl.rows(run / "pairs.jsonl"):
        if pair["policy"] == "verified-vs-failed":
            assert answers[pair["chosen"]]["outcomes"][0]["passed"]
            assert not answers[pair["rejected"]]["outcomes"][0]["passed"]
            assert answers[pair["chosen"]]["strategy"] == answers[pair["rejected"]]["strategy"] == pair["strategy"]


def test_the_report_counts_checks_by_kind_and_never_together(run: Path):
    report = json.loads((run / "report.json").read_text())
    assert set(report["checks"]) == {"answer", "agreement"}
    assert set(report["checks"]["answer"]) <= {"number", "exact", "label"}
    assert report["policy"]["origin"] == "the shipped table: the authors' prior, not measured"


def test_prompts_to_learn_from_by_trying_have_a_truth_and_are_neither_too_easy_nor_too_hard(run: Path):
    rows = rows_of(run, "rl")
    assert rows
    assert all(0 < row["pass_rate"] < 1 and row["ground_truth"] and row["check_kind"] == "answer" for row in rows)


def test_the_cheapest_strategy_costs_less_a_row_and_is_the_same_after_a_stop(source: Path, tmp_path: Path, run: Path):
    whole = tmp_path / "whole"
    answer(whole, source, sufficient=0.5)
    stopped = tmp_path / "stopped"
    report = answer(stopped, source, sufficient=0.5, max_calls=60, concurrency=4)
    assert report["stopped"]["reason"] == "limit"
    for limit in (110, None):
        answer(stopped, source, sufficient=0.5, max_calls=limit, concurrency=7)
    assert outputs(stopped) == outputs(whole)
    assert calls(stopped / "ledger.sqlite") == calls(whole / "ledger.sqlite")
    words = {
        out: sum(len(row["completion"][0]["content"].split()) for row in rows_of(out, "sft")) / len(rows_of(out, "sft"))
        for out in (whole, run)
    }
    assert words[whole] < words[run]


def policy_file(path: Path, choices: dict[str, str]) -> Path:
    """A policy file that chooses so, measured with the prompts that are shipped."""
    texts = steps.prompts.load()
    digests = {
        name.removeprefix("strategies/"): one for name, one in texts.digests().items() if name.startswith("strategies/")
    }
    part = {
        "model": "rehearsal-strong", "identity": "rehearsal", "answers": {}, "held_out": {"items": 0},
        "categories": {
            name: {"items": 300, "strategy": chosen, "reason": "best", "regret": 0.0, "arms": []} for name, chosen in choices.items()
        },
    }  # fmt: skip
    policy = Policy.model_validate({
        "synthgen": "0", "items": "0" * 64, "sources": {"seeds": 300}, "held_out_share": 0.5, "samples": 1, "prompts": digests,
        "decoding": {}, "teacher": part,
    })  # fmt: skip
    path.write_text(policy.model_dump_json())
    return path


def test_a_change_of_policy_pays_only_for_what_is_new(source: Path, tmp_path: Path, run: Path):
    policy = policy_file(tmp_path / "policy.json", {"knowledge": "step-by-step"})
    before = calls(run / "ledger.sqlite")
    report = answer(tmp_path / "tuned", source, policy=str(policy), ledger=str(run / "ledger.sqlite"))
    # Eight items of one category: four answers each and a verdict.
    assert report["calls"] == calls(run / "ledger.sqlite") - before
    assert 8 * 4 <= report["calls"] <= 8 * 6
    assert report["policy"]["measured"] == {"knowledge": ["step-by-step", ""]}
    assert "measured with rehearsal-strong over 300 items" in report["policy"]["origin"]
    assert sorted(report["policy"]["shipped"]) == sorted(set(SOME) - {"knowledge"})
    strategies = {
        row["strategy"] for row in jsonl.rows(tmp_path / "tuned" / "tasks.jsonl") if row["category"] == "knowledge"
    }
    assert strategies == {"step-by-step"}
    card = (tmp_path / "tuned" / "dataset" / "README.md").read_text()
    assert "measured with rehearsal-strong over 300 items" in card
    with pytest.raises(ConfigError, match="was started with: policy;"):
        answer(tmp_path / "tuned", source, ledger=str(run / "ledger.sqlite"))


def test_a_run_that_was_begun_before_there_were_checks_goes_on(source: Path, tmp_path: Path, run: Path):
    answer(tmp_path / "old", source, max_calls=40)
    later = ("checks", "think", "outcomes", "policy")
    for path in (tmp_path / "old").glob("*.jsonl"):
        kept = [{key: one for key, one in row.items() if key not in later} for row in jsonl.rows(path)]
        path.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in kept))
    report = answer(tmp_path / "old", source)
    assert report["stopped"]["reason"] == "done"
    assert not any(report["owed"].values())


def test_the_policy_shows_in_the_requests_that_would_be_sent(tmp_path: Path):
    policy = policy_file(tmp_path / "policy.json", {"knowledge": "step-by-step"})
    seed = {"id": "s1", "instruction": "Which river runs through Cologne in Germany?", "category": "knowledge"}
    seed |= {"instances": [{"output": "The Rhine."}]}
    (tmp_path / "seeds.jsonl").write_text(json.dumps(seed) + "\n")
    job = Job(tmp_path / "seeds.jsonl", Path(), {"policy": str(policy)})
    _, body = "".join(preview.requests(job, "answer")).split("tokens", 1)
    assert json.loads(body)["messages"][0]["content"] == steps.prompts.load().strategy("step-by-step")


def test_a_run_is_exported_again_from_another_folder_than_its_policy_was_named_in(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    policy_file(tmp_path / "policy.json", {"knowledge": "step-by-step"})
    monkeypatch.chdir(tmp_path)
    report = answer(tmp_path / "run", source, samples=1, policy="policy.json")
    monkeypatch.chdir("/")
    assert steps.export_again(tmp_path / "run") == report["rows"]


def test_a_policy_for_other_prompts_or_categories_is_refused(source: Path, tmp_path: Path):
    policy = policy_file(tmp_path / "policy.json", {"alchemy": "step-by-step"})
    with pytest.raises(ConfigError, match="has a category alchemy, which the taxonomy has not"):
        answer(tmp_path / "run", source, policy=str(policy))
    for name in ("guesswork", "none"):
        with pytest.raises(ConfigError, match=f"chooses {name} for knowledge, which has no prompt"):
            answer(tmp_path / "run", source, policy=str(policy_file(policy, {"knowledge": name})))
    with pytest.raises(ConfigError, match="the config key policy has a category alchemy"):
        answer(tmp_path / "run", source, policy={"choices": {"alchemy": ("direct-answer", "")}})
    text = policy_file(policy, {"knowledge": "step-by-step"}).read_text()
    digest = json.loads(text)["prompts"]["step-by-step"]
    policy.write_text(text.replace(digest, "0" * 64))
    with pytest.raises(ConfigError, match="measured with another prompt of step-by-step"):
        answer(tmp_path / "run", source, policy=str(policy))


def test_grown_tasks_may_carry_constraints_that_a_program_checks(tmp_path: Path):
    report = expand(tmp_path / "run", target=40, constraints=0.5)
    tasks = [row for row in jsonl.rows(tmp_path / "run" / "tasks.jsonl") if row["checks"]]
    assert len(tasks) > 8
    assert all(
        check["kind"] == "format" and check["source"] == "program:constraints"
        for row in tasks
        for check in row["checks"]
    )
    answers = [
        row for row in jsonl.rows(tmp_path / "run" / "answers.jsonl") if row["task"] in {task["id"] for task in tasks}
    ]
    wanted = {task["id"]: len(task["checks"]) for task in tasks}
    assert all(sum(one["kind"] == "format" for one in row["outcomes"]) == wanted[row["task"]] for row in answers)
    assert set(report["checks"]) <= {"format", "agreement"}
    again = expand(tmp_path / "again", target=40, constraints=0.5, concurrency=3)
    assert again["accepted"] == report["accepted"]
    assert outputs(tmp_path / "again") == outputs(tmp_path / "run")


def test_a_task_whose_answers_all_failed_is_counted(source: Path, tmp_path: Path):
    report = answer(tmp_path / "run", source, judging=False, samples=1, teacher={"spec": "rehearsal-weak"})
    rows = list(jsonl.rows(tmp_path / "run" / "answers.jsonl"))
    wrong = sum(row["outcomes"][0]["passed"] is False for row in rows)
    assert report["all_failed"] == wrong > 0
    assert report["accepted"] == len(rows) - wrong == len(rows_of(tmp_path / "run", "sft"))


def test_what_is_grown_has_no_answer_that_is_known(tmp_path: Path):
    with pytest.raises(ConfigError, match="sufficient belongs to `synthgen answer`"):
        expand(tmp_path / "run", sufficient=0.5)
