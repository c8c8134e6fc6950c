"""Items with known answers, and the planted truth about them."""

import json
import subprocess
import sys
from collections import Counter
from itertools import islice

import orjson
import pytest
from conftest import clean_environment
from stagecase import CONFIG, TEXTS, task

from synthgen import strategies
from synthgen.rehearsal import rates
from synthgen.rehearsal.answers import correct, solved
from synthgen.rehearsal.items import CHECKED, items, of_category, true_success
from synthgen.rehearsal.protocol import reply
from synthgen.rehearsal.wire import call
from synthgen.stages import answer as answering
from synthgen.strategies import STRATEGIES
from synthgen.teacher import wire
from synthgen.teacher.wire import Binding

STRONG, WEAK = "rehearsal-strong", "rehearsal-weak"
TAXONOMY = strategies.load()


def ranked(model: str, category: str) -> list[tuple[float, str]]:
    """(true success, strategy), the best first."""
    return sorted(((true_success(model, category, name), name) for name in STRATEGIES), reverse=True)


def text_of(item: dict) -> str:
    """An item as it is asked."""
    return f"{item['instruction']}\n\n{item['input']}" if item["input"] else item["instruction"]


def right_share(category: str, strategy: str, model: str, count: int, *, think: bool = False) -> float:
    """How many of a category's items the rehearsal answers right, by way of the very body that goes over the wire."""
    right = 0
    for item in islice(of_category(category, 5), count):
        one = task(item["instruction"], input=item["input"])
        request = answering.ask(one, strategy, 0, CONFIG, TEXTS)
        body = wire.body(request, Binding(identity="rehearsal", model=model))
        if think:
            body["chat_template_kwargs"] = {"enable_thinking": True}
        text, _ = reply(call(orjson.loads(orjson.dumps(body)), completion=False))
        right += correct(text, solved(text_of(item))[1])
    return right / count


def test_nearly_every_category_has_three_hundred_distinct_items():
    made = list(items(300, 1))
    assert Counter(item["category"] for item in made) == dict.fromkeys(CHECKED, 300)
    assert len(CHECKED) >= 20
    assert CHECKED.keys() <= set(TAXONOMY.names)
    assert len({(item["instruction"], item["input"]) for item in made}) == len(made)


@pytest.mark.parametrize("category", CHECKED)
def test_an_item_states_the_answer_that_its_family_works_out(category: str):
    for item in islice(of_category(category, 2), 60):
        family, solution = solved(text_of(item))
        check = item["check"]
        assert family.category == category
        match check["name"]:
            case "number":
                assert f"{check['args']['answer']}" in {
                    solution.right.split()[0],
                    f"{float(solution.right.split()[0]):g}",
                }
                assert check["chance"] == 0
            case "exact":
                assert check["args"]["answers"] == [solution.right]
            case "label":
                assert solution.right in {check["args"]["answer"], f"Option {check['args']['answer']}"}
                assert {solution.right, *solution.wrong} in ({*check["args"]["labels"]}, {"Option A", "Option B"})
                assert check["chance"] == 1 / len(check["args"]["labels"])


def test_the_first_items_are_the_same_however_many_are_taken():
    assert list(islice(of_category("science", 1), 20)) == list(islice(of_category("science", 1), 90))[:20]
    assert next(of_category("science", 1)) != next(of_category("science", 2))


def test_the_command_writes_them_as_lines():
    command = [sys.executable, "-m", "synthgen.rehearsal.items", "--per-category", "3", "--seed", "4", "--category"]
    said = subprocess.run([*command, "reading"], capture_output=True, env=clean_environment(), check=True).stdout
    assert [json.loads(line) for line in said.splitlines()] == list(items(3, 4, ["reading"]))


def test_many_categories_have_a_clear_best_which_the_shipped_table_often_misses():
    best = {category: ranked(STRONG, category) for category in CHECKED}
    gaps = {category: found[0][0] - found[1][0] for category, found in best.items()}
    assert sum(gap >= 0.10 for gap in gaps.values()) == 20
    assert sum(0.01 < gap < 0.10 for gap in gaps.values()) == 4
    clear = {category: best[category][0][1] for category, gap in gaps.items() if gap > 0.01}
    assert sum(TAXONOMY.strategy(category)[0] == name for category, name in clear.items()) == 12
    assert set(clear.values()) == set(STRATEGIES), "none is best everywhere, and each is somewhere"


def test_the_student_is_helped_by_other_strategies_in_some_categories():
    moved = {category for category in CHECKED if ranked(WEAK, category)[0][1] != ranked(STRONG, category)[0][1]}
    assert moved == set(rates.HELPS_OF[WEAK])


def test_the_truth_is_what_the_replies_show():
    for category, strategy, model, think in (
        ("data-analysis", "extract-generate", STRONG, False),
        ("translation", "direct-answer", STRONG, False),
        ("rewriting", "explain-then-answer", WEAK, False),
        ("puzzles", "direct-answer", WEAK, True),
    ):
        count = 1500
        planted = true_success(model, category, strategy, think=think)
        found = right_share(category, strategy, model, count, think=think)
        assert abs(found - planted) <= 4 * (planted * (1 - planted) / count) ** 0.5, (
            category,
            strategy,
            found,
            planted,
        )


def test_thinking_helps_where_it_is_planted_and_nowhere_else():
    for category in CHECKED:
        gain = true_success(STRONG, category, "direct-answer", think=True) - true_success(
            STRONG, category, "direct-answer"
        )
        assert (gain > 0.03) is (category in rates.THINKING)
        assert (gain == 0) is (category not in rates.THINKING)
