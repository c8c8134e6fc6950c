"""A benchmark that proposals give away: rejected before an answer is paid for, told in the report, the same at any time."""

import json
from pathlib import Path

import pytest
from conftest import SEEDS, command, expand, outputs

from synthgen.errors import ConfigError, InputError


def accepted(run: Path) -> list[dict]:
    """The accepted instructions of a run."""
    return [json.loads(line) for line in (run / "instructions.jsonl").read_text().splitlines()]


@pytest.fixture
def bench(finished: Path, tmp_path: Path) -> Path:
    """Six instructions that the rehearsal is known to propose, as a benchmark, among others."""
    texts = [one["instruction"] for one in accepted(finished) if len(one["instruction"].split()) > 12][:6]
    path = tmp_path / "bench.jsonl"
    rows = [
        {"q": text} for text in (*texts, "A question of this benchmark which nobody will ever come near to, at all.")
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_what_gives_an_item_away_is_rejected_before_it_is_answered(bench: Path, tmp_path: Path):
    run = tmp_path / "run"
    found = {"rule": "tulu3-8gram", "against": [str(bench)]}
    report = expand(run, decontaminate=found)
    given_away = report["contamination"]["bench.jsonl"]
    assert given_away["items"] == 7
    assert 1 <= given_away["touched"] <= 6
    rejected = [json.loads(line) for line in (run / "rejected" / "grow.jsonl").read_text().splitlines()]
    told = [json.loads(row["evidence"]) for row in rejected if row["reason"] == "contaminated"]
    assert {one["item"] for one in told} == {f"bench.jsonl:{n}" for n in range(1, 7)} & {one["item"] for one in told}
    assert len({one["item"] for one in told}) == given_away["touched"]
    texts = {json.loads(line)["q"] for line in bench.read_text().splitlines()}
    assert not texts & {one["instruction"] for one in accepted(run)}
    before = outputs(run)
    assert expand(run, decontaminate=found)["calls"] == 0
    assert outputs(run) == before


def test_another_benchmark_is_another_run_and_a_moved_one_is_not(bench: Path, tmp_path: Path):
    run = tmp_path / "run"
    expand(run, target=8, decontaminate={"rule": "tulu3-8gram", "against": [str(bench)]})
    (tmp_path / "moved").mkdir()
    moved = bench.rename(tmp_path / "moved" / "bench.jsonl")
    assert expand(run, target=8, decontaminate={"rule": "tulu3-8gram", "against": [str(moved)]})["calls"] == 0
    with moved.open("a") as handle:
        handle.write('{"q": "One more question for the benchmark."}\n')
    with pytest.raises(ConfigError, match=r"decontaminate\.digest, decontaminate\.items"):
        expand(run, target=8, decontaminate={"rule": "tulu3-8gram", "against": [str(moved)]})


def test_a_benchmark_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="none does not exist"):
        expand(tmp_path / "run", decontaminate={"rule": "tulu3-8gram", "against": [str(tmp_path / "none")]})


def test_one_flag_without_the_other_is_wrong_usage(tmp_path: Path):
    done = command("expand", "--seeds", SEEDS, "--out", tmp_path / "run", "--decontaminate", "tulu3-8gram")
    assert done.returncode == 2
    assert "go together" in done.stderr
