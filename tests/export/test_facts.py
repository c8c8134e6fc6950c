"""What is counted for the card."""

from importlib.metadata import version

from exportcase import ANCESTRY, COMMAS, NUMBER, ORIGIN, PAIR, SEED, TASK, WORDS, answer, checked
from stagecase import CONFIG

from synthgen.config import Decontamination
from synthgen.export import facts, rl, rows, tally
from synthgen.export.rows import Voice
from synthgen.export.tally import Mix, Tally


def made(text, language="en"):
    task = TASK.model_copy(update={"language": language})
    return rows.sft(task, answer(0, text), Voice(None), rows.metadata(task, ANCESTRY, ORIGIN, {}))


def count(counted_rows):
    found = Tally()
    for row in counted_rows:
        found.take(row, {})
    return found.counted()


def test_rows_are_counted_by_strategy_category_and_language():
    counted = count(
        [made("one two"), made("one", "de"), made("one", "\x85x"), rows.seed_sft(SEED, 0, Voice(None), ORIGIN)]
    )
    assert {name: one.rows for name, one in counted.strategies.items()} == {"direct-answer": 3, "none": 1}
    assert {name: one.rows for name, one in counted.categories.items()} == {"editing": 3, "knowledge": 1}
    assert counted.languages == ("de", "en")


def test_the_tokens_of_a_mix_are_those_of_its_rows():
    prompt = len(made("x")["prompt"][0]["content"])
    counted = count([made("a" * 400), made("a" * 800), rows.seed_sft(SEED, 0, Voice(None), ORIGIN)])
    assert counted.strategies["direct-answer"] == Mix(2, 2 * -(-prompt // 4) + 300)
    assert sum(one.tokens for one in counted.categories.values()) == sum(
        one.tokens for one in counted.strategies.values()
    )


def test_what_was_charged_for_an_answer_is_its_length_in_rows_and_in_pairs():
    good, bad = answer(1, "It rains, and it rains."), answer(0, "It rains.")
    answers = {one.id: one.model_copy(update={"completion_tokens": tokens}) for one, tokens in ((good, 70), (bad, 30))}
    charged, about = tally.charges(answers.values()), rows.metadata(TASK, ANCESTRY, ORIGIN, {})
    found = Tally()
    found.take(rows.sft(TASK, good, Voice(None), about), charged)
    found.take_pair(rows.dpo(TASK, PAIR, answers, Voice(None), about), charged)
    lengths = found.counted().lengths
    assert lengths.completion.percentiles[-1] == lengths.chosen.percentiles[-1] == 70
    assert lengths.gaps.percentiles == (40,) * 5
    assert lengths.gaps.longer == 1.0
    assert lengths.counter.startswith("as the endpoint charged")


def test_of_an_answer_whose_thoughts_are_left_out_only_its_share_counts():
    thought = answer(0, "x" * 100).model_copy(update={"completion_tokens": 400, "reasoning": "y" * 300})
    found = Tally()
    found.take(rows.sft(TASK, thought.model_copy(update={"reasoning": ""}), Voice(None), {}), tally.charges([thought]))
    assert found.counted().lengths.completion.percentiles[-1] == 100


def test_rows_are_counted_by_each_of_their_checks_and_who_states_the_truth():
    found = Tally()
    for checks in ((NUMBER,), (NUMBER,), (WORDS, COMMAS), (WORDS,)):
        task = checked(*checks)
        found.take_checked(rl.row(task, rl.Measured(checks, "direct-answer", {"a": True, "b": False}), Voice(None), {}))
    assert found.counted().checks == {
        ("constraint:no_commas", "format", "program"): 1,
        ("constraint:words", "format", "program"): 2,
        ("number", "answer", "seed"): 2,
    }


def test_of_no_rows_there_is_nothing_to_say():
    counted = count([])
    assert (counted.strategies, counted.languages) == ({}, ())
    assert (counted.lengths.whole, counted.lengths.pair, counted.lengths.gaps) == (None, None, None)


def test_marks_are_counted_in_half_points(tmp_path):
    run = facts.RunDir(tmp_path)
    means = [1.0, 3.25, 3.0, 4.75, 5.0]
    run.accepted("judged").write_text(
        "".join(f'{{"mean":{mean},"commit":{n},"commit_of":"t","commit_lines":1}}\n' for n, mean in enumerate(means))
    )
    assert facts.marks(run) == {"1.0 to 1.5": 1, "3.0 to 3.5": 2, "4.5 to 5.0": 1, "5.0": 1}


def test_a_model_is_told_once_with_all_that_it_does(tmp_path):
    run = facts.RunDir(tmp_path)
    names = {"propose": "a", "instantiate": "a", "answer": "a", "judge": "b"}
    found = facts.models(run, CONFIG, names)
    assert [(one.name, one.roles) for one in found] == [
        ("a", "proposes tasks; writes inputs, inspects tasks; answers"),
        ("b", "judges"),
    ]
    for strategy, does in (("none", "answers"), ("step-by-step", "answers"), ("auto", "finds categories; answers")):
        given = CONFIG.model_copy(update={"strategy": strategy, "judging": False})
        assert [one.roles for one in facts.models(run, given, names)] == [does]


def test_what_was_rejected_for_a_benchmark_is_counted_by_benchmark(tmp_path):
    run = facts.RunDir(tmp_path)
    run.rejected("grow").parent.mkdir()
    evidence = '{\\"benchmark\\":\\"exam\\",\\"item\\":\\"1\\"}'
    end = '"commit_of":"c","commit_lines":1}'
    lines = [f'{{"reason":"contaminated","evidence":"{evidence}","commit":{number},{end}' for number in range(2)]
    run.rejected("grow").write_text("\n".join([*lines, f'{{"reason":"short","evidence":"","commit":2,{end}']) + "\n")
    looked = facts.looked(
        run, CONFIG.model_copy(update={"decontaminate": Decontamination(rule="tulu3-8gram", items={"exam": 9})})
    )
    assert looked == facts.Looked("tulu3-8gram", {"exam": (9, 1)}, 2)
    assert facts.looked(run, CONFIG) is None


def test_the_version_that_the_card_names_is_the_one_that_was_installed():
    assert version("synthgen") == facts.VERSION
