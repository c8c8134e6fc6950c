"""Every family writes tasks that it finds again, solves and labels; enough of them for large runs."""

from collections import Counter
from random import Random

import pytest

from synthgen import strategies
from synthgen.config import RunConfig
from synthgen.rehearsal.answers import correct
from synthgen.rehearsal.families import BY_NAME, FAMILIES, SPOKEN, recognise
from synthgen.rehearsal.families.base import Family
from synthgen.stages.instantiate import Draft, fault
from synthgen.stages.screen import default
from synthgen.text.novelty import Novelty
from synthgen.text.tokens import unicode_tokens

CONFIG = RunConfig(taxonomy=strategies.load())
EACH = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


def texts(family: Family, count: int = 40) -> list[str]:
    """Some of its tasks."""
    return [family.write(Random(f"{family.name}/{n}")) for n in range(count)]


def test_there_are_at_least_forty_families_over_the_taxonomy():
    assert len(SPOKEN["en"]) >= 40
    assert len(BY_NAME) == len(FAMILIES)
    names = set(strategies.load().names)
    assert {family.category for family in FAMILIES} <= names
    assert len({family.category for family in SPOKEN["en"]}) >= 20


@EACH
def test_a_family_finds_its_own_again(family: Family):
    for text in texts(family):
        known = recognise(text)
        assert known is not None, text
        assert known[0].name == family.name, text


@EACH
def test_its_tasks_pass_the_screen_in_one_line(family: Family):
    language = frozenset({family.language})
    for text in texts(family):
        assert "\n" not in text
        assert default(text, CONFIG, language) is None, text


@EACH
def test_its_solution_differs_from_its_plausible_faults(family: Family):
    for number, text in enumerate(texts(family)):
        _, found = recognise(text)
        given = family.given(found, Random(number), family.labels[number % len(family.labels)] if family.labels else "")
        solution = family.solve(found, given)
        assert bool(solution.right) != bool(solution.required)
        assert solution.right not in solution.wrong
        assert len(set(solution.wrong)) == len(solution.wrong)
        if solution.right:
            assert solution.wrong
            assert correct(f"So the answer is {solution.right}", solution)
            assert not correct(f"So the answer is {solution.wrong[0]}", solution)


@EACH
def test_a_labelling_family_writes_inputs_of_the_label_wanted_that_do_not_name_it(family: Family):
    for number, text in enumerate(texts(family, 12) if family.labels else []):
        _, found = recognise(text)
        for label in family.labels:
            given = family.given(found, Random(number), label)
            assert family.solve(found, given).right == label
            assert fault(Draft(given, label), text, family.labels) is None, given


@pytest.mark.parametrize("family", SPOKEN["en"], ids=lambda family: family.name)
def test_it_has_tasks_that_are_new_to_each_other(family: Family):
    novelty = Novelty(unicode_tokens, 0.7)
    made = 0
    for number, text in enumerate(texts(family, 220)):
        nearest = novelty.nearest(text)
        if nearest is None or nearest.score <= 0.7:
            novelty.add(str(number), text)
            made += 1
    assert made >= 25, made


def test_families_differ_from_each_other_more_than_the_threshold():
    novelty = Novelty(unicode_tokens, 0.7)
    for family in SPOKEN["en"]:
        novelty.add(family.name, family.write(Random(family.name)))
    clashes = Counter()
    for family in SPOKEN["en"]:
        for text in texts(family, 10):
            nearest = novelty.nearest(text)
            clashes[nearest.id != family.name and nearest.score > 0.7] += 1
    assert clashes[True] <= 0.02 * clashes.total()
