"""What is counted for the card."""

from exportcase import ANCESTRY, COMMAS, NUMBER, ORIGIN, SEED, TASK, WORDS, answer, checked

from synthgen.export import facts, rl, rows
from synthgen.export.rows import Voice


def made(text, language="en"):
    task = TASK.model_copy(update={"language": language})
    return rows.sft(task, answer(0, text), Voice(None), rows.metadata(task, ANCESTRY, ORIGIN, {}))


def count(counted_rows):
    tally = facts.Tally()
    for row in counted_rows:
        tally.take(row)
    return tally.counted()


def test_rows_are_counted_by_strategy_category_and_language():
    counted = count(
        [made("one two"), made("one", "de"), made("one", "\x85x"), rows.seed_sft(SEED, 0, Voice(None), ORIGIN)]
    )
    assert counted.strategies == {"direct-answer": 3, "none": 1}
    assert counted.categories == {"editing": 3, "knowledge": 1}
    assert counted.languages == ("de", "en")


def test_lengths_are_in_words_and_shares_in_estimated_tokens():
    counted = count([made("a " * number) for number in range(1, 11)] + [made("abcd" * 1100), made("abcd" * 2100)])
    assert counted.words == (5, 9, 10)
    assert counted.over == (2 / 12, 1 / 12)


def test_rows_are_counted_by_each_of_their_checks_and_who_states_the_truth():
    tally = facts.Tally()
    for checks in ((NUMBER,), (NUMBER,), (WORDS, COMMAS), (WORDS,)):
        task = checked(*checks)
        tally.take_checked(rl.row(task, rl.Measured(checks, "direct-answer", {"a": True, "b": False}), Voice(None), {}))
    assert tally.counted().checks == {
        ("constraint:no_commas", "format", "program"): 1,
        ("constraint:words", "format", "program"): 2,
        ("number", "answer", "seed"): 2,
    }


def test_of_no_rows_there_is_nothing_to_say():
    counted = count([])
    assert (counted.words, counted.over, counted.languages) == ((0, 0, 0), (0.0, 0.0), ())


def test_marks_are_counted_in_half_points(tmp_path):
    run = facts.RunDir(tmp_path)
    means = [1.0, 3.25, 3.0, 4.75, 5.0]
    run.accepted("judged").write_text(
        "".join(f'{{"mean":{mean},"commit":{n},"commit_of":"t","commit_lines":1}}\n' for n, mean in enumerate(means))
    )
    assert facts.marks(run) == {"1.0 to 1.5": 1, "3.0 to 3.5": 2, "4.5 to 5.0": 1, "5.0": 1}
