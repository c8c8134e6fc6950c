"""The erasure gate finds strategy text wherever a row can hold it."""

import orjson
import pytest
from exportcase import ANCESTRY, ORIGIN, PAIR, SEED, TASK, answer, verdict

from synthgen.export import gate, rows
from synthgen.export.gate import LeakError
from synthgen.export.rows import Voice
from synthgen.text.ngrams import Leaks

STRATEGY = "Work slowly and write every step of the way down. Never guess the answer."
LEAKS = Leaks({"slow": STRATEGY})
QUOTED = 'I was told to "work slowly\nand write every step of the way" down'
VOICE = Voice("Be careful.")
ABOUT = rows.metadata(TASK, ANCESTRY, ORIGIN, {})


def meta(row):
    return orjson.loads(row["metadata_json"])


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
    yield "sft", clean | {"category": QUOTED}
    yield "sft", clean | {"metadata_json": rows.dumped({"labels": ["a", QUOTED]})}
    yield "sft", clean | {"metadata_json": rows.dumped({"marks": {QUOTED: 1}})}
    yield "sft", rows.sft(TASK, answer(0), Voice(STRATEGY), ABOUT)


@pytest.mark.parametrize(("config", "row"), list(planted()))
def test_strategy_text_is_found_wherever_it_stands(config, row):
    with pytest.raises(
        LeakError, match=f'row {row["id"]} of {config} quotes a strategy prompt: "(work slowly and|never guess)'
    ):
        gate.search_row(config, row, LEAKS)


def test_what_the_task_says_the_answer_may_repeat():
    task = TASK.model_copy(update={"input": STRATEGY})
    gate.search_row("sft", rows.sft(task, answer(0, QUOTED), VOICE, ABOUT), LEAKS)


def test_what_a_human_wrote_is_no_leak():
    instance = SEED.instances[0].model_copy(update={"output": QUOTED})
    seed = SEED.model_copy(update={"name": STRATEGY, "instances": (instance,)})
    gate.search_row("sft", rows.seed_sft(seed, 0, VOICE, ORIGIN), LEAKS)
    with pytest.raises(LeakError):
        gate.search_row("sft", rows.seed_sft(SEED, 0, Voice(STRATEGY), ORIGIN), LEAKS)


def test_without_erasure_only_the_system_message_is_excepted():
    voice = Voice("Be careful.", {"direct-answer": STRATEGY})
    row = rows.sft(TASK, answer(0), voice, ABOUT)
    gate.search_row("sft", row, LEAKS, erased=False)
    with pytest.raises(LeakError):
        gate.search_row("sft", row, LEAKS, erased=True)
    with pytest.raises(LeakError):
        gate.search_row("sft", rows.sft(TASK, answer(0, QUOTED), voice, ABOUT), LEAKS, erased=False)


def test_clean_rows_pass():
    gate.search_row("sft", rows.sft(TASK, answer(0), VOICE, ABOUT), LEAKS)
    assert meta(rows.sft(TASK, answer(0), VOICE, ABOUT))["teacher"] == "model-a"
