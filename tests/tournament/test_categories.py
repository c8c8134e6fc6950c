"""Whether an inspection names the categories of humans: figures from answers that are known, and from a teacher that errs."""

import pytest
from conftest import SEEDS
from stagecase import CONFIG, TEXTS, Scripted

from synthgen.records import Instance, Reply, Seed
from synthgen.stages import seeds as seed_files
from synthgen.tournament import categories
from synthgen.tournament.categories import Inspected, figures, inspect, lines


def seed(category: str, instruction: str = "Name three rivers of Ghana.", number: int = 0) -> Seed:
    """A human task."""
    return Seed(id=f"s{number}", instruction=instruction, instances=(Instance(output="Volta"),), category=category)


def test_the_figures_count_right_wrong_and_unreadable_labels():
    found = figures(
        [
            Inspected(seed("knowledge"), "knowledge"),
            Inspected(seed("knowledge"), "translation"),
            Inspected(seed("knowledge"), "translation"),
            Inspected(seed("writing"), ""),
        ]
    )
    assert found["seeds"] == 4
    assert found["unreadable"] == 1
    assert (found["accuracy"]["count"], found["accuracy"]["of"], found["accuracy"]["share"]) == (1, 4, 0.25)
    assert found["accuracy"]["low"] < 0.25 < found["accuracy"]["high"]
    assert {name: (one["count"], one["of"]) for name, one in found["by_category"].items()} == {
        "knowledge": (1, 3), "writing": (0, 1),
    }  # fmt: skip
    assert found["confusions"] == [{"own": "knowledge", "said": "translation", "count": 2}]
    assert found["rules"]["own_labels_doubted"]["count"] == 0
    assert (found["rules"]["wrong_labels_doubted"]["count"], found["rules"]["wrong_labels_doubted"]["of"]) == (2, 2)


def test_without_a_wrong_label_there_is_no_share_of_them_and_the_lines_say_so():
    found = figures([Inspected(seed("knowledge"), "knowledge")])
    assert found["rules"]["wrong_labels_doubted"]["share"] is None
    said = list(lines(found))
    assert said[0] == "1 seeds: the inspection names their own category in 1 of 1 (100%, 21% to 100%)"
    assert said[-1] == "and none of the inspection's wrong ones"


FORM = '{"category": "Science", "valid": true, "missing_context": false, "fresh_or_private": false, "difficulty": 2}'


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        ([FORM], "science"),
        (["no form", FORM], "science"),
        (["no form", "none again"], ""),
        ([Reply(text="", finish="filtered")], ""),
    ],
)
async def test_a_seed_is_inspected_as_the_line_inspects_a_task(replies: list, said: str):
    left = iter(replies)
    teacher = Scripted(lambda _request: next(left))
    found = await inspect(teacher, seed("science"), CONFIG, TEXTS)
    assert found.said == said
    assert len(teacher.asked) == len(replies)


async def test_a_teacher_that_knows_every_category_is_told_to():
    own = {one.id: one.category for one in seed_files.read(SEEDS)}
    teacher = Scripted(lambda request: FORM.replace("Science", own[request.about]))
    found = [await inspect(teacher, one, CONFIG, TEXTS) for one in seed_files.read(SEEDS)]
    assert categories.figures(found)["accuracy"] == {"count": 175, "of": 175, "share": 1.0, "low": 0.9785, "high": 1.0}
