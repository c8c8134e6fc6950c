"""The project's own seed tasks keep what seeds/README.md says of them."""

import json
import re
import subprocess
import sys

import pytest
from conftest import SEEDS

from synthgen import strategies
from synthgen.records import Seed
from synthgen.stages import seedcheck, seeds

TASKS = seeds.read(SEEDS)
CODE = [seed for seed in TASKS if seed.verifier is not None and seed.verifier.kind == "code"]


@pytest.fixture(scope="module")
def found() -> dict:
    return seedcheck.check(SEEDS)


def test_there_are_175_without_a_problem(found: dict):
    assert found["problems"] == []
    assert found["seeds"] == 175
    assert found["most_similar"]["score"] <= 0.6


def test_the_shares_are_those_of_the_design(found: dict):
    assert 0.25 <= found["classification_share"] <= 0.30
    assert 0.40 <= found["input_share"] <= 0.50
    assert found["instruction_words"]["least"] >= 4
    assert found["instruction_words"]["most"] <= 60


def test_at_least_24_categories_of_the_taxonomy_are_in_use(found: dict):
    assert len(found["categories"]) >= 24
    assert found["categories"].keys() <= set(strategies.load().names)


def test_every_kind_of_verifier_is_in_use(found: dict):
    assert set(found["verifiers"]) == {"number", "maths", "exact", "label", "json", "regex", "code"}


def test_every_labelling_task_has_a_label_set_that_its_outputs_keep_to():
    for seed in TASKS:
        if seed.is_classification:
            assert len(seed.labels) >= 2, seed.id
            assert {one.output for one in seed.instances} <= set(seed.labels), seed.id


def test_ids_and_names_are_in_order_and_unique():
    rows = [json.loads(line) for line in (SEEDS / "seed_tasks.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == [f"seed_task_{number}" for number in range(175)]
    assert len({row["name"] for row in rows}) == 175


def test_outputs_vary_in_length():
    words = sorted(len(one.output.split()) for seed in TASKS for one in seed.instances)
    assert words[0] == 1
    assert words[len(words) // 2] > 1
    assert words[-1] > 100


@pytest.mark.parametrize("seed", CODE, ids=lambda seed: seed.name)
def test_the_code_of_the_seeds_passes_its_own_tests(seed: Seed):
    written = re.search(r"```python\n(.*?)```", seed.instances[0].output, re.DOTALL)
    assert written is not None
    for test in seed.verifier.args["tests"]:
        subprocess.run([sys.executable, "-I", "-c", f"{written[1]}\n{test}"], check=True, timeout=20)


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        ({"instruction": "Do it."}, "too_short"),
        ({"category": "cooking"}, "not a category"),
        ({"instances": []}, "no instance"),
        ({"instances": [{"input": "a b", "output": "a b"}]}, "repeats its input"),
        ({"instances": [{"input": "", "output": "So it is:"}]}, "ends with a colon"),
        ({"verifier": {"kind": "number", "args": {"answer": 7}}}, "does not pass its verifier"),
        ({"verifier": {"kind": "regex", "args": {"pattern": "("}}}, "does not pass its verifier"),
        ({"instruction": TASKS[0].instruction}, "are similar"),
    ],
)
def test_what_is_wrong_with_anybodys_seeds_is_named(tmp_path, edit: dict, problem: str):
    row = {
        "id": "mine", "instruction": "Name two rivers that flow into the Black Sea.", "category": "knowledge",
        "instances": [{"input": "", "output": "Danube and Dnieper"}],
    }  # fmt: skip
    rows = [TASKS[0].model_dump(mode="json", exclude_none=True), {**row, **edit}]
    path = tmp_path / "seeds.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    problems = seedcheck.check(path)["problems"]
    assert any("mine" in line and problem in line for line in problems), problems


def test_an_opening_that_five_tasks_share_is_named(tmp_path):
    tails = ("rivers of Ghana", "uses for old doors", "words that rhyme with stone", "bridges by Telford", "good knots")
    rows = [{"instruction": f"Please name three {tail}.", "input": "", "output": "a, b, c"} for tail in tails]
    path = tmp_path / "seeds.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    assert '5 tasks open with "please name three"; 4 may' in seedcheck.check(path)["problems"]
