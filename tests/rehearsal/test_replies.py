"""What is planted in the rehearsal is found again in its replies."""

import json
import math
from collections import Counter
from random import Random

import orjson
import pytest
from stagecase import CONFIG, TEXTS, answer, task

from synthgen.records import Reply, Request, Target, Vetting
from synthgen.rehearsal import rates
from synthgen.rehearsal.answers import correct, solved
from synthgen.rehearsal.families import SPOKEN, recognise
from synthgen.rehearsal.protocol import reply
from synthgen.rehearsal.wire import call
from synthgen.stages import answer as answering
from synthgen.stages import judge, propose, vet
from synthgen.stages.propose import Demonstration
from synthgen.teacher import wire
from synthgen.teacher.wire import Binding
from synthgen.text.ngrams import Leaks


def say(request: Request, model: str = "rehearsal-strong") -> Reply:
    """What the rehearsal answers, by way of the very body that goes over the wire."""
    body = wire.body(request, Binding(identity="rehearsal", model=model))
    text, finish = reply(call(orjson.loads(orjson.dumps(body)), completion=False))
    return Reply(text=text, finish=finish)


def near(found: int, count: int, planted: float) -> bool:
    """Whether a count fits a rate, within five standard deviations."""
    return abs(found - count * planted) <= 5 * math.sqrt(count * planted * (1 - planted)) + 1


def written(number: int, families=SPOKEN["en"]) -> str:
    """One task of the rehearsal's own."""
    rng = Random(number)
    return rng.choice(families).write(rng)


def proposal(demonstrations: list[str], number: int) -> Reply:
    """A proposing call."""
    shown = [Demonstration(f"d{n}", text, f"d{n}", "other") for n, text in enumerate(demonstrations)]
    return say(propose.ask("c000000", shown, Target(), CONFIG, TEXTS, frozenset({"en"}), seed=number))


def humans() -> list[str]:
    """Texts that belong to no family."""
    from conftest import SEEDS

    rows = (SEEDS / "seed_tasks.jsonl").read_text(encoding="utf-8").splitlines()
    return [text for row in rows if recognise(text := json.loads(row)["instruction"]) is None]


def test_the_rates_of_proposals_are_those_stated():
    people, counts, items = humans(), Counter(), 0
    calls = 1500
    for number in range(calls):
        found = proposal(Random(number).sample(people, 8), number)
        counts["cut"] += found.finish == "length"
        counts["refused"] += found.text.startswith("I'm sorry")
        for text in propose.read(found, CONFIG, shown=8):
            items += 1
            counts["attachment"] += "attached image" in text
            counts["short"] += len(text.split()) <= 3
    assert near(counts["cut"], calls, rates.REPLY_CUT)
    assert near(counts["refused"], calls, rates.REPLY_REFUSED)
    assert near(counts["attachment"], items, rates.ATTACHMENT)
    assert near(counts["short"], items, rates.TOO_SHORT)


def entropy(counts: Counter) -> float:
    """Bits."""
    total = counts.total()
    return -sum(n / total * math.log2(n / total) for n in counts.values())


def grown(people: list[str], machine: int, calls: int = 250) -> float:
    """Entropy of the families of the last half of a loop that shows `machine` tasks of its own in eight."""
    rng, pool, families, made = Random(machine), people[:20], [], []
    for number in range(calls):
        own = rng.sample(made, min(machine, len(made)))
        shown = own + rng.sample(pool, 8 - len(own))
        for text in propose.read(proposal(shown, number), CONFIG, shown=8):
            known = recognise(text)
            if known is not None:
                made.append(text)
                families.append(known[0].name)
    return entropy(Counter(families[len(families) // 2 :]))


def test_a_pool_fed_by_its_own_output_narrows():
    people = humans()
    human, mixed, own = (grown(people, machine) for machine in (0, 2, 8))
    assert own < mixed - 1, (mixed, own)
    assert abs(human - mixed) < 0.7, (human, mixed)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_proposals_depend_on_the_family_shown(share: float):
    shown = [SPOKEN["en"][0].write(Random(n)) for n in range(8)] if share else humans()[:8]
    counts = Counter()
    for number in range(200):
        for text in propose.read(proposal(shown, number), CONFIG, shown=8):
            known = recognise(text)
            counts[known is not None and known[0] is SPOKEN["en"][0]] += 1
    same = counts[True] / counts.total()
    assert same > 0.9 * rates.IMITATION if share else same < 0.15


def inspected(number: int) -> dict | None:
    """The form for a task, or None for a broken one."""
    text = say(vet.ask("c000000-0-0", written(number), "", CONFIG, TEXTS)).text
    try:
        return json.loads(text)
    except ValueError:
        return None


def test_the_rates_of_inspections_are_those_stated():
    count = 3000
    forms = [inspected(number) for number in range(count)]
    whole = [form for form in forms if form]
    assert near(count - len(whole), count, rates.BROKEN_JSON)
    assert near(sum(not form["valid"] for form in whole), len(whole), rates.INVALID)
    assert near(sum(form["missing_context"] for form in whole), len(whole), rates.MISSING_CONTEXT)
    assert near(sum(form["fresh_or_private"] for form in whole), len(whole), rates.FRESH_OR_PRIVATE)


def test_an_inspection_puts_some_tasks_into_the_category_beside_their_own():
    count = moved = 0
    for number in range(3000):
        text = written(number)
        form = vet.read(say(vet.ask(f"v{number}", text, "", CONFIG, TEXTS)).text, CONFIG.taxonomy)
        if isinstance(form, Vetting):
            count += 1
            own = recognise(text)[0].category
            names = CONFIG.taxonomy.names
            assert form.category in {own, names[(names.index(own) + 1) % len(names)]}
            moved += form.category != own
    assert near(moved, count, rates.MISSORTED)


def answered(one, sample: int, strategy: str = "step-by-step", model: str = "rehearsal-strong") -> Reply:
    """A sample of an answer."""
    return say(answering.ask(one, strategy, sample, CONFIG, TEXTS), model)


def numbers(count: int) -> list:
    """Tasks of number families without an input."""
    rng, found = Random(1), []
    families = [family for family in SPOKEN["en"] if family.kind == "number"]
    while len(found) < count:
        text = rng.choice(families).write(rng)
        _, match = recognise(text)
        given = recognise(text)[0].given(match, rng, "")
        found.append(task(text, id=f"t{len(found)}", input=given))
    return found


def is_right(one, text: str) -> bool:
    """Whether an answer reaches the outcome."""
    given = f"{one.instruction}\n\n{one.input}" if one.input else one.instruction
    return correct(text, solved(given)[1])


def test_the_rates_of_answers_are_those_stated():
    leaks, count, counts = Leaks(TEXTS.strategies), 4000, Counter()
    for one in numbers(count):
        found = answered(one, 0)
        counts["cut"] += found.finish == "length"
        counts["empty"] += not found.text
        counts["leak"] += bool(leaks.find(found.text))
    assert near(counts["cut"], count, rates.ANSWER_CUT)
    assert near(counts["empty"], count, rates.ANSWER_EMPTY)
    assert near(counts["leak"], count, rates.STRATEGY_LEAK)


def test_failures_of_one_task_go_together_over_samples_and_strategies():
    right = [
        [is_right(one, answered(one, sample, strategy, "rehearsal-weak").text) for sample, strategy in enumerate(("step-by-step", "step-by-step", "direct-answer"))]
        for one in numbers(700)
    ]  # fmt: skip
    shares = [sum(row[place] for row in right) / len(right) for place in range(3)]
    for left, other in ((0, 1), (0, 2)):
        both = sum(row[left] and row[other] for row in right) / len(right)
        spread = math.sqrt(shares[left] * (1 - shares[left]) * shares[other] * (1 - shares[other]))
        assert (both - shares[left] * shares[other]) / spread > 0.12


def test_the_strong_profile_is_right_more_often_than_the_weak_and_a_fitting_strategy_helps():
    tasks = numbers(500)
    share = {
        (model, strategy): sum(is_right(one, answered(one, 0, strategy, model).text) for one in tasks) / len(tasks)
        for model in ("rehearsal-strong", "rehearsal-weak")
        for strategy in ("step-by-step", "direct-answer")
    }
    for strategy in ("step-by-step", "direct-answer"):
        assert share["rehearsal-strong", strategy] > share["rehearsal-weak", strategy] + 0.15
    for model in ("rehearsal-strong", "rehearsal-weak"):
        assert share[model, "step-by-step"] > share[model, "direct-answer"] + 0.03


def test_the_same_wrong_answer_recurs():
    again = wrong = 0
    for one in numbers(400):
        _, solution = solved(f"{one.instruction}\n\n{one.input}" if one.input else one.instruction)
        given = [answered(one, sample, "step-by-step", "rehearsal-weak").text for sample in range(4)]
        outcomes = [
            next((bad for bad in solution.wrong[:3] if text.endswith(bad)), "")
            for text in given
            if not correct(text, solution)
        ]
        counts = Counter(filter(None, outcomes))
        if counts.total() >= 2:
            wrong += 1
            again += max(counts.values()) >= 2
    assert wrong > 50
    assert again / wrong > 0.5


def test_length_depends_on_the_strategy_apart_from_correctness():
    tasks = numbers(300)
    words = {
        strategy: sum(len(answered(one, 0, strategy).text.split()) for one in tasks) / len(tasks)
        for strategy in ("direct-answer", "recall-then-generate", "step-by-step")
    }
    assert words["direct-answer"] < words["recall-then-generate"] < words["step-by-step"]
    by_outcome: dict[bool, list[int]] = {True: [], False: []}
    for one in tasks:
        text = answered(one, 1, "step-by-step", "rehearsal-weak").text
        by_outcome[is_right(one, text)].append(len(text.split()))
    right, wrong = (sum(found) / len(found) for found in by_outcome.values())
    assert abs(right - wrong) < 4


def test_a_seed_varies_the_sample_and_temperature_zero_does_not():
    one = numbers(1)[0]
    request = answering.ask(one, "step-by-step", 0, CONFIG, TEXTS)
    assert len({say(request.model_copy(update={"seed": seed})).text for seed in range(12)}) > 4
    cold = request.model_copy(update={"decoding": request.decoding.model_copy(update={"temperature": 0.0})})
    assert len({say(cold.model_copy(update={"seed": seed})).text for seed in range(12)}) == 1


def verdicts(one, texts: list[str], number: int) -> list[float] | None:
    """The mean mark of each text, in the order shown to the judge."""
    shown = dict(zip(judge.letters(len(texts)), texts, strict=True))
    named = one.model_copy(update={"id": f"t{number}"})
    found = judge.read(say(judge.ask(named, shown, "", CONFIG, TEXTS)).text, list(shown))
    if not isinstance(found, dict):
        return None
    records = judge.records([answer(n, text) for n, text in enumerate(texts)], shown, found, "k")
    return [record.mean for record in records]


def fair(one) -> tuple[str, str]:
    """A right and a wrong answer of equal length."""
    _, solution = solved(f"{one.instruction}\n\n{one.input}" if one.input else one.instruction)
    return f"So the answer is {solution.right}", f"So the answer is {solution.wrong[0]}"


def test_the_judge_tells_right_from_wrong():
    better = total = 0
    for number, one in enumerate(numbers(400)):
        marks = verdicts(one, list(fair(one))[:: 1 if number % 2 else -1], number)
        if marks is not None:
            total += 1
            better += (marks[0] > marks[1]) == bool(number % 2)
    assert better / total > 0.85


def test_unreadable_verdicts_and_ties_come_at_the_stated_rates():
    tasks = numbers(1500)
    found = [verdicts(one, list(fair(one)), number) for number, one in enumerate(tasks)]
    assert near(sum(marks is None for marks in found), len(found), rates.UNREADABLE_VERDICT)
    read = [marks for marks in found if marks is not None]
    assert near(sum(marks == [3.0, 3.0] for marks in read), len(read), rates.FORCED_TIE)


def test_the_position_bias_is_the_one_stated():
    shift = []
    for number, one in enumerate(numbers(1500)):
        _, wrong = fair(one)
        marks = verdicts(one, [wrong, wrong.replace("So", "Then", 1), wrong.replace("So", "Thus", 1)], number)
        if marks is not None and marks != [3.0] * 3:
            shift.append(marks[0] - (marks[1] + marks[2]) / 2)
    mean = sum(shift) / len(shift)
    assert abs(mean - rates.POSITION_BIAS) < 0.04, mean


def test_the_length_bias_is_the_one_stated():
    gain, expected = [], []
    for number, one in enumerate(numbers(1500)):
        _, short = fair(one)
        long = f"{'Indeed, one sees it at once and there is no doubt. ' * 4}{short}"
        marks = verdicts(one, [short, long][:: 1 if number % 2 else -1], number)
        if marks is not None and marks != [3.0, 3.0]:
            first, second = marks if number % 2 else marks[::-1]
            gain.append(second - first)
            expected.append(rates.LENGTH_BIAS * math.log2(len(long.split()) / len(short.split())))
    mean, planted = sum(gain) / len(gain), sum(expected) / len(expected)
    assert abs(mean - planted) < 0.08, (mean, planted)
