"""Seeds in Chinese, in several languages, and a run in another language than its seeds'."""

import json
from pathlib import Path

import pytest
from conftest import SEEDS, expand

from synthgen.text.language import script

DATA = Path(__file__).parent.parent / "data"


def accepted(run: Path) -> list[str]:
    """The accepted instructions."""
    return [json.loads(line)["instruction"] for line in (run / "instructions.jsonl").read_text().splitlines()]


def test_chinese_seeds_grow_into_chinese_tasks(tmp_path: Path):
    report = expand(tmp_path / "run", seeds=DATA / "seeds_zh.jsonl", target=20)
    assert report["accepted"] == 20
    assert {script(text) for text in accepted(tmp_path / "run")} == {"CJK"}
    tasks = [json.loads(line) for line in (tmp_path / "run" / "tasks.jsonl").read_text().splitlines()]
    assert {task["language"] for task in tasks} == {"zh"}
    assert report["rows"]["sft"]["train"] > 20


def test_seeds_in_several_languages_grow_into_tasks_in_those_languages(tmp_path: Path):
    report = expand(tmp_path / "run", seeds=DATA / "seeds_mixed.jsonl", target=30)
    assert report["accepted"] == 30
    found = {script(text) for text in accepted(tmp_path / "run")}
    assert found == {"CJK", "LATIN"}


def test_a_run_in_a_language_that_the_teacher_does_not_speak_lets_hardly_anything_through(tmp_path: Path):
    report = expand(tmp_path / "run", seeds=SEEDS, target=50, language="de")
    assert report["stopped"]["reason"] in {"nothing_gets_through", "saturated"}
    wrong = report["rejected"]["grow"]["wrong_language"]
    assert wrong > 0.9 * report["proposed"]
    assert report["accepted"] <= 0.01 * report["proposed"]
    assert not (tmp_path / "run" / "tasks.jsonl").read_bytes()
    assert report["rejected"].get("vet", {}).keys() <= {"wrong_language"}


@pytest.mark.parametrize("name", ["seeds_zh", "seeds_mixed"])
def test_the_seeds_in_other_languages_have_no_problem(name: str):
    from synthgen.stages import seedcheck

    assert seedcheck.check(DATA / f"{name}.jsonl")["problems"] == []
