"""The erasure gate finds strategy text wherever a row can hold it."""

import pytest
from exportcase import ANCESTRY, LABEL, ORIGIN, PAIR, SEED, TASK, answer, checked, verdict

from synthgen.export import gate, rl, rows
from synthgen.export.gate import LeakError
from synthgen.export.rows import Voice
from synthgen.text.ngrams import Leaks

STRATEGY = "Work slowly and write every step of the way down. Never guess the answer."
LEAKS = Leaks({"slow": STRATEGY})
QUOTED = 'I was told to "work slowly\nand write every step of the way" down'
VOICE = Voice("Be careful.")
ABOUT = rows.metadata(TASK, ANCESTRY, ORIGIN, {})


MEASURED = rl.Measured((LABEL,), "direct-answer", {"a": True, "b": False})


def searched(config, row, voice=VOICE):
    """What a search of one row says."""
    one = gate.Search(LEAKS, voice)
    one.take(config, row)
    return one.proof()


def planted():
    """A row of every config with the text in every place it can stand in."""
    two = {one.id: one for one in (answer(0, QUOTED), answer(1))}
    other = {one.id: one for one in (answer(0), answer(1, QUOTED))}
    sft = rows.sft(TASK, answer(0, QUOTED), VOICE, ABOUT)
    clean = rows.sft(TASK, answer(0), VOICE, ABOUT)
    good = verdict(0, 5, 5, 5, 5)
    judged = {good.id: good}
    yield "sft", sft
    yield "sft_messages", rows.as_messages(sft)
    yield "dpo", rows.dpo(TASK, PAIR, two, VOICE, ABOUT)
    yield "dpo", rows.dpo(TASK, PAIR, other, VOICE, ABOUT)
    yield "kto", rows.kto(TASK, [answer(0, QUOTED)], judged, VOICE, ABOUT, mean=3.5, floor=3)[0]
    for name in ("reasoning_content", "tool_calls"):
        yield "sft", clean | {"completion": [{**clean["completion"][0], name: QUOTED}]}
    yield "sft", clean | {"category": QUOTED}
    yield "sft", clean | {"metadata_json": rows.dumped({"labels": ["a", QUOTED]})}
    yield "sft", clean | {"metadata_json": rows.dumped({"marks": {QUOTED: 1}})}
    yield "rl", rl.row(checked(LABEL), MEASURED, VOICE, ABOUT) | {"check_source": QUOTED}


@pytest.mark.parametrize(("config", "row"), list(planted()))
def test_strategy_text_is_found_wherever_it_stands(config, row):
    with pytest.raises(
        LeakError, match=f'row {row["id"]} of {config} quotes a strategy prompt: "(work slowly and|never guess)'
    ):
        searched(config, row)


def test_strategy_text_in_the_neutral_message_is_found():
    voice = Voice(STRATEGY)
    with pytest.raises(LeakError, match='quotes a strategy prompt: "work slowly and'):
        searched("sft", rows.sft(TASK, answer(0), voice, ABOUT), voice)


def test_what_the_task_says_the_answer_may_repeat_and_that_is_told():
    task = TASK.model_copy(update={"input": STRATEGY})
    assert searched("sft", rows.sft(task, answer(0, QUOTED), VOICE, ABOUT)).tasks == 1
    assert searched("sft", rows.sft(TASK, answer(0), VOICE, ABOUT)).tasks == 0


def test_what_a_human_wrote_is_no_leak():
    instance = SEED.instances[0].model_copy(update={"output": QUOTED})
    seed = SEED.model_copy(update={"name": STRATEGY, "instances": (instance,)})
    assert searched("sft", rows.seed_sft(seed, 0, VOICE, ORIGIN)).tasks == 1
    with pytest.raises(LeakError):
        searched("sft", rows.seed_sft(SEED, 0, Voice(STRATEGY), ORIGIN), Voice(STRATEGY))


def test_the_truth_of_a_program_is_no_leak():
    check = LABEL.model_copy(update={"args": {"answer": STRATEGY}})
    task = checked(check).model_copy(update={"input": STRATEGY})
    row = rl.row(task, rl.Measured((check,), "direct-answer", {"a": True, "b": False}), VOICE, ABOUT)
    assert row["ground_truth"] == STRATEGY
    searched("rl", row)


def test_without_erasure_only_the_system_message_is_excepted():
    voice = Voice("Be careful.", {"direct-answer": STRATEGY})
    row = rows.sft(TASK, answer(0), voice, ABOUT)
    assert searched("sft", row, voice).system_messages == {"sft": {"strategy": 1}}
    with pytest.raises(LeakError):
        searched("sft", rows.sft(TASK, answer(0, QUOTED), voice, ABOUT), voice)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (Voice("Be careful."), Voice(None)),
        (Voice(None), Voice("Be careful.")),
        (Voice("Be bold."), Voice("Be careful.", mixed=True)),
        (Voice(None, {"direct-answer": STRATEGY}), Voice(None)),
        (Voice("Be careful."), Voice("Be careful.", {"direct-answer": STRATEGY})),
    ],
)
def test_a_system_message_that_the_config_does_not_put_there_is_refused(made, expected):
    row = rows.sft(TASK, answer(0), made, ABOUT)
    with pytest.raises(
        LeakError, match=f"row {row['id']} of sft has a system message that rows of its kind do not have"
    ):
        searched("sft", row, expected)


@pytest.mark.parametrize("systems", [[""], ["Be careful.", "Be careful."]])
def test_two_system_messages_or_an_empty_one_are_refused(systems):
    row = rows.sft(TASK, answer(0), VOICE, ABOUT)
    said = [{"role": "system", "content": text} for text in systems]
    changed = row | {"prompt": [*said, row["prompt"][1]]}
    with pytest.raises(LeakError, match="has a system message"):
        searched("sft", changed, Voice("Be careful.", mixed=True))


def test_a_clean_row_passes_and_what_was_searched_is_counted():
    row = rows.sft(TASK, answer(0, "one two three four five six seven eight nine ten"), VOICE, ABOUT)
    proof = searched("sft", row)
    assert (proof.rows, proof.found, proof.strategy_prompts) == (1, 0, 1)
    assert proof.patterns == 7 + 1  # runs of eight in fourteen words, and one short sentence
    assert proof.system_messages == {"sft": {"neutral": 1}}
    longer = searched("sft", row | {"completion": [*row["completion"], *row["completion"]]})
    assert (longer.strings - proof.strings, longer.windows - proof.windows) == (1, 3)


def test_what_two_labels_say_one_after_the_other_is_no_quotation():
    row = rows.sft(TASK, answer(0), VOICE, ABOUT) | {"strategy": "never guess", "category": "the answer"}
    assert searched("sft", row).found == 0
    with pytest.raises(LeakError, match="never guess the answer"):
        searched("sft", row | {"category": "never guess the answer"})


def test_what_a_message_does_not_carry_is_not_counted():
    row = rows.sft(TASK, answer(0), VOICE, ABOUT)
    said = [{**row["completion"][0], "reasoning_content": None}]
    assert searched("sft", row | {"completion": said}) == searched("sft", row)


def test_in_a_mix_rows_with_and_without_the_message_are_told_apart():
    search = gate.Search(LEAKS, Voice("Be careful.", mixed=True))
    for voice in (Voice(None), Voice(None), Voice("Be careful.")):
        search.take("sft", rows.sft(TASK, answer(0), voice, ABOUT))
    assert search.proof().system_messages == {"sft": {"neutral": 1, "none": 2}}
