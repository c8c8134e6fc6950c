"""A task's checks are run over its answers; the cheapest strategy that suffices is taken; wrong answers are rejected by right ones."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stagecase import CONFIG, TEXTS, Scripted, answer, means, task

from synthgen import sandbox
from synthgen.checks import reading, verdict
from synthgen.errors import ConfigError
from synthgen.intervals import beyond_chance, wilson
from synthgen.records import Answer, Aspect, Check, Judged, Outcome, Pair, Reply, Request
from synthgen.stages import checking
from synthgen.stages.answer import AnswerStage, strategy_of
from synthgen.stages.checking import BY_COST
from synthgen.stages.pair import pair
from synthgen.stages.pick import Scored, first, pick

TWELVE = Check(name="number", kind="answer", args={"answer": 12}, source="file:p000000")
CHEAPEST = CONFIG.model_copy(update={"sufficient": 0.5})
OF_TEXT = {TEXTS.strategy(name): name for name in BY_COST}


def strategy_asked(request: Request) -> str:
    """Under which strategy a request asks."""
    return OF_TEXT[request.messages[0].content]


def judged(one: Answer, mean: float) -> Scored:
    """An answer with a mark."""
    aspect = Aspect(reason="", score=round(mean))
    return Scored(
        one, Judged(id=one.id, call="kj", task=one.task, position=0, aspects={"helpfulness": aspect}, mean=mean)
    )


def found(*passed: bool | None, kind: str = "answer") -> tuple[Outcome, ...]:
    """Outcomes of one kind."""
    return tuple(Outcome(name="number", kind=kind, passed=one) for one in passed)


async def answered(say, config=CONFIG, **more) -> tuple[Scripted, list]:
    """What a scripted teacher's answers to one task become."""
    teacher = Scripted(say)
    stage = AnswerStage(means(teacher, config))
    lines = await stage.work(task("How much is 7 and 5?", checks=(TWELVE,), **more))
    return teacher, [record for _, record in lines]


async def test_every_answer_carries_what_the_checks_found_kind_by_kind():
    said = iter(("It is 12.", "It is 13.", "So the answer is 12", "Twelve it is: 12"))
    _, records = await answered(lambda _: next(said))
    by_kind = [[(one.kind, one.passed) for one in record.outcomes] for record in records]
    assert by_kind == [
        [("answer", True), ("agreement", True)],
        [("answer", False), ("agreement", False)],
        [("answer", True), ("agreement", True)],
        [("answer", True), ("agreement", True)],
    ]


async def test_agreement_is_no_truth():
    _, records = await answered(lambda _: "It is 13.")
    assert [verdict.right(one.outcomes) for one in records] == [False] * 4
    assert all(
        one.outcomes[1] == Outcome(name="agreement", kind="agreement", passed=True, detail="4 of 4") for one in records
    )


async def test_a_task_without_checks_is_answered_as_before():
    stage = AnswerStage(means(Scripted(lambda request: f"A river, {request.sample}.")))
    lines = await stage.work(task())
    assert [record.outcomes for _, record in lines] == [()] * 4


async def test_the_first_strategy_in_order_of_cost_that_suffices_is_taken():
    def say(request: Request) -> str:
        right = strategy_asked(request) in {"recall-then-generate", "step-by-step"}
        return f"It is {12 if right else 13 + request.sample}."

    teacher, records = await answered(say, CHEAPEST)
    assert [strategy_asked(one) for one in teacher.asked] == [name for name in BY_COST[:3] for _ in range(4)]
    taken = [one for one in records if not one.explored]
    assert {one.strategy for one in taken} == {"recall-then-generate"}
    assert len({one.id for one in records}) == 12


async def test_where_none_suffices_the_one_that_was_right_most_often_is_taken():
    right = {"extract-generate": 2, "step-by-step": 3}

    def say(request: Request) -> str:
        name = strategy_asked(request)
        return f"It is {12 if request.sample % 4 < right.get(name, 0) else 13 + request.sample}."

    teacher, records = await answered(say, CHEAPEST)
    assert len(teacher.asked) == 24
    assert {one.strategy for one in records if not one.explored} == {"step-by-step"}


async def test_a_strategy_whose_answers_cannot_be_used_does_not_suffice():
    def say(request: Request) -> Reply:
        cut = strategy_asked(request) == "direct-answer" and request.sample == 3
        return Reply(text="It is 12.", finish="length" if cut else "stop")

    teacher, records = await answered(say, CHEAPEST)
    assert len(teacher.asked) == 8
    assert {one.strategy for one in records if isinstance(one, Answer) and not one.explored} == {"extract-generate"}


async def test_guessing_does_not_suffice_and_where_nothing_could_no_strategy_is_tried():
    labels = ["red", "blue", "green", "white", "black", "brown", "pink", "grey"]
    check = Check(name="label", kind="answer", args={"answer": "red", "labels": labels}, source="file:x")
    enough = CHEAPEST.model_copy(update={"sufficient": 0.4})
    for chance, asked in ((0.0, 4), (0.125, 4), (0.15, 4), (0.5, 4)):
        stage = AnswerStage(means(teacher := Scripted(lambda _: "red"), enough))
        lines = await stage.work(task("Which?", checks=(check.model_copy(update={"chance": chance}),)))
        # Four of four show 0.51, which is 0.44 beyond a guess at one of eight, and 0.02 beyond one at one of two.
        tried = {record.strategy for _, record in lines}
        assert tried == ({"recall-then-generate"} if chance == 0.5 else {"direct-answer"}), chance
        assert len(teacher.asked) == asked


async def test_what_was_tried_before_another_was_taken_goes_no_further():
    stage = AnswerStage(
        means(Scripted(lambda one: f"{12 if strategy_asked(one) == 'extract-generate' else 13}"), CHEAPEST)
    )
    one = task("How much is 7 and 5?", checks=(TWELVE,))
    lines = await stage.work(one)
    (handed,) = stage.taken(one, lines)
    assert {answer.strategy for answer in handed.answers} == {"extract-generate"}
    assert {strategy_of(one, record.sample, CHEAPEST) == record.strategy for _, record in lines} == {True}


def test_too_few_samples_and_unknown_strategies_are_refused_before_anything_is_asked():
    with pytest.raises(ConfigError, match="at least 4 samples"):
        checking.check(CHEAPEST.model_copy(update={"samples": 3}), frozenset(BY_COST))
    with pytest.raises(ConfigError, match="names guesswork, which has no prompt"):
        checking.check(CHEAPEST.model_copy(update={"arms": ("guesswork",)}), frozenset(BY_COST))


def test_a_run_without_a_sandbox_does_not_open_it_for_the_next_one_of_the_process():
    checking.check(CONFIG.model_copy(update={"unsandboxed": True}), frozenset(BY_COST))
    assert sandbox.find().kind == "none"
    checking.check(CONFIG, frozenset(BY_COST))
    try:
        kind = sandbox.find().kind
    except ConfigError:  # this machine has no other
        return
    assert kind != "none"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"sufficient": 0.52}, "with 4 samples no strategy can be shown to pass 0.52: all of them right show 0.51"),
        ({"strategy": "none"}, "strategy = none leaves no choice; take auto"),
        ({"strategy": "step-by-step"}, "strategy = step-by-step leaves no choice; take auto"),
        ({"arms": ("direct-answer", "direct-answer")}, "names a strategy twice"),
    ],
)
def test_a_search_that_could_find_nothing_is_refused_before_anything_is_asked(changed, said: str):
    with pytest.raises(ConfigError, match=re.escape(said)):
        checking.check(CHEAPEST.model_copy(update=changed), frozenset(BY_COST))


async def test_where_the_checks_decide_nothing_the_tasks_own_strategy_is_taken_and_no_other_is_paid_for():
    stage = AnswerStage(means(teacher := Scripted(lambda _: "It is 12."), CHEAPEST))
    without_input = Check(name="grounded", kind="answer", source="file:p000000")
    one = task("How much is 7 and 5?", checks=(without_input,), strategy="step-by-step")
    records = [record for _, record in await stage.work(one)]
    assert {strategy_of(one, record.sample, CHEAPEST) == record.strategy for record in records} == {True}
    assert {strategy_asked(one) for one in teacher.asked} == {"direct-answer", "step-by-step"}
    assert {one.strategy for one in records if not one.explored} == {"step-by-step"}


def test_a_wrong_answer_is_no_row_however_well_it_is_marked():
    wrong = answer(0, "It is 13.").model_copy(update={"outcomes": found(False)})
    right = answer(1, "It is 12, as 7 and 5 are.").model_copy(update={"outcomes": found(True)})
    assert pick([judged(wrong, 5), judged(right, 4)], CONFIG).answer is right
    assert pick([judged(wrong, 5)], CONFIG) is None
    assert first([wrong, right]) is right
    assert first([wrong]) is None


def test_a_wrong_answer_is_rejected_by_a_right_one_even_where_the_judge_likes_it_more():
    wrong = answer(0, "It is 13.").model_copy(update={"outcomes": found(False)})
    right = answer(1, "It is 12.").model_copy(update={"outcomes": found(True)})
    made = pair(task(checks=(TWELVE,)), [judged(wrong, 5), judged(right, 4)], CONFIG)
    assert isinstance(made, Pair)
    assert (made.policy, made.chosen, made.rejected) == ("verified-vs-failed", right.id, wrong.id)


@pytest.mark.parametrize("kind", ["format", "agreement"])
def test_only_a_truth_makes_a_verified_pair(kind: str):
    one = answer(0, "One.").model_copy(update={"outcomes": found(True, kind=kind)})
    other = answer(1, "Other.").model_copy(update={"outcomes": found(False, kind=kind)})
    made = pair(task(), [judged(one, 4), judged(other, 4)], CONFIG)
    assert (made.id, made.reason) == ("c000000-0-0", "tie")


@pytest.mark.parametrize(
    ("outcomes", "right", "fit"),
    [
        ((), None, True),
        (found(None), None, True),
        (found(True, None), True, True),
        (found(True, False), False, False),
        (found(False, kind="format"), None, False),
        (found(False, kind="agreement"), None, True),
        (found(True) + found(False, kind="format"), True, False),
    ],
)
def test_kinds_are_looked_at_apart(outcomes, right, fit):
    assert verdict.right(outcomes) is right
    assert verdict.fit(outcomes) is fit


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"check": "number"}, "a check is an object"),
        ({"check": {"name": "guess"}}, "there is no check guess; known: "),
        ({"check": {"name": "number", "args": {}}}, "answer"),
        ({"checks": [{"name": "number", "args": {"answer": 1}, "chance": 2}]}, "chance"),
        ({"check": {"name": "number", "args": {"answer": 1}, "kind": "truth"}}, "kind"),
    ],
)
def test_a_check_that_cannot_be_used_says_why(row, why):
    found = reading.of_row(row, "file:p000000")
    assert isinstance(found, str)
    assert re.search(why, found)


def test_a_row_may_have_one_check_or_several():
    number = {"name": "number", "args": {"answer": 12}}
    label = {"name": "label", "args": {"answer": "a", "labels": ["a", "b", "c", "d"]}}
    assert reading.of_row({}, "x") == ()
    assert reading.of_row({"check": number}, "file:x") == (TWELVE.model_copy(update={"source": "file:x"}),)
    one, other = reading.of_row({"checks": [number, label]}, "file:x")
    assert (one.kind, one.chance, other.kind, other.chance) == ("answer", 0.0, "answer", 0.25)


@given(st.integers(0, 500), st.integers(1, 500))
def test_an_interval_holds_its_share_and_narrows(passed: int, more: int):
    total = passed + more
    low, high = wilson(passed, total)
    assert 0 <= low <= passed / total <= high <= 1
    narrower = wilson(2 * passed, 2 * total)
    assert narrower[1] - narrower[0] < high - low
    assert beyond_chance(1.0, 0.25) == 1.0
    assert beyond_chance(0.25, 0.25) == 0.0
