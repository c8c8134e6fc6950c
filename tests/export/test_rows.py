"""Rows as functions of the records."""

import orjson
import pytest
from exportcase import ANCESTRY, NUMBER, ORIGIN, PAIR, SEED, TASK, answer, checked, verdict
from hypothesis import given
from hypothesis import strategies as st

from synthgen.export import rl, rows
from synthgen.export.parquet import SCHEMAS
from synthgen.export.rows import Origin, Voice
from synthgen.records import Outcome

VOICE = Voice("Be careful.")
SYSTEM = {"role": "system", "content": "Be careful."}
USER = {"role": "user", "content": "Shorten the text.\n\nIt is raining, and it goes on raining."}
RESERVED = {
    "text", "messages", "conversations", "prompt", "completion", "chosen", "rejected", "label", "labels", "input_ids",
    "image", "images", "tools", "chat_template_kwargs", "assistant_masks", "completion_mask", "seq_lengths",
    "prompt_ids", "chosen_ids", "rejected_ids", "ref_chosen_logps", "ref_rejected_logps", "environment",
}  # fmt: skip


def about(verdicts=None, task=TASK, origin=ORIGIN):
    return rows.metadata(task, ANCESTRY, origin, verdicts or {})


def meta(row):
    return orjson.loads(row["metadata_json"])


def test_an_sft_row_holds_the_task_and_the_answer_as_messages():
    row = rows.sft(TASK, answer(2), VOICE, about())
    assert row["prompt"] == [SYSTEM, USER]
    assert row["completion"] == [{"role": "assistant", "content": "It rains on."}]
    assert (row["id"], row["root_id"], row["strategy"]) == ("c000007-1-0-2", "seed_task_3", "direct-answer")
    assert (row["category"], row["source"]) == ("editing", "teacher")


def test_the_metadata_says_where_a_row_comes_from():
    found = meta(rows.sft(TASK, answer(2), VOICE, about({"c000007-1-0-2": verdict(2, 5, 4, 4, 5)})))
    assert found["calls"] == {
        "propose": "k-propose", "instantiate": "k-instantiate", "vet": "k-vet", "judge": "k-judge",
    }  # fmt: skip
    assert (found["call"], found["sample"]) == ("k-answer-2", 2)
    assert found["marks"]["c000007-1-0-2"]["mean"] == 4.5
    assert (found["teacher"], found["judge"]) == ("model-a", "model-b")
    assert (found["parents"], found["nearest"]) == (["seed_task_3", "c000001-0"], {"id": "seed_task_9", "score": 0.25})
    assert not {"rehearsal", "intended_label", "labels"} & found.keys()


def test_the_rehearsal_marks_its_rows():
    played = Origin("rehearsal-strong", "", rehearsal=True)
    assert about(origin=played)["rehearsal"] is True
    assert meta(rows.seed_sft(SEED, 0, VOICE, played))["rehearsal"] is True
    assert "rehearsal" not in meta(rows.seed_sft(SEED, 0, VOICE, ORIGIN))


def test_a_label_that_was_intended_is_kept_out_of_the_messages():
    task = TASK.model_copy(update={"labels": ("yes", "no"), "intended_label": "no"})
    row = rows.sft(task, answer(0), VOICE, about(task=task))
    assert (meta(row)["intended_label"], meta(row)["labels"]) == ("no", ["yes", "no"])
    assert "no" not in row["prompt"][1]["content"].split()


def test_without_a_neutral_message_there_is_no_system_message_at_all():
    assert rows.sft(TASK, answer(0), Voice(None), about())["prompt"] == [USER]
    assert rows.seed_sft(SEED, 0, Voice(""), ORIGIN)["prompt"][0]["role"] == "user"


def test_for_ablation_the_strategy_prompt_takes_the_neutral_ones_place():
    voice = Voice("Be careful.", {"direct-answer": "Just the answer."})
    row = rows.sft(TASK, answer(0), voice, about())
    assert row["prompt"][0]["content"] == "Just the answer."
    assert rows.seed_sft(SEED, 0, voice, ORIGIN)["prompt"][0] == SYSTEM


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_in_a_mix_every_row_of_a_task_has_the_same_system_message(identity):
    task, mixed = TASK.model_copy(update={"id": identity}), Voice("Be careful.", mixed=True)
    judged = {one.id: one for one in (verdict(0, 1, 1, 1, 1), verdict(1, 5, 5, 5, 5))}
    answers = [answer(0), answer(1)]
    sft = rows.sft(task, answers[1], mixed, about())
    measured = rl.Measured((NUMBER,), "direct-answer", {"a": True, "b": False})
    made = [
        sft["prompt"], rows.as_messages(sft)["messages"][:-1], rl.row(task, measured, mixed, about())["prompt"],
        rows.dpo(task, PAIR, {one.id: one for one in answers}, mixed, about())["prompt"],
        *(row["prompt"] for row in rows.kto(task, answers, judged, mixed, about(), mean=3.5, floor=3)),
    ]  # fmt: skip
    assert len(made) == 6
    assert all(one == made[0] for one in made)
    assert made[0] in ([SYSTEM, USER], [USER])


def test_a_mix_gives_the_message_to_about_half_of_the_tasks():
    mixed = Voice("Be careful.", mixed=True)
    given_it = sum(bool(mixed.system("direct-answer", f"c{number:06d}-1-0")) for number in range(1000))
    assert 450 < given_it < 550


def test_which_tasks_of_a_mix_have_the_message_never_changes():
    mixed = Voice("Be careful.", mixed=True)
    found = "".join(str(len(mixed.system("direct-answer", f"c{number:06d}-1-0"))) for number in range(16))
    assert found == "0000001100101001"


def test_in_an_ablation_a_mix_leaves_the_strategy_prompts_where_they_are():
    voice = Voice("Be careful.", {"direct-answer": "Just the answer."}, mixed=True)
    for number in range(20):
        assert voice.system("direct-answer", f"t{number}")[0]["content"] == "Just the answer."


def test_a_row_names_the_strategy_of_its_answers_where_a_cheaper_one_than_the_tasks_was_taken():
    task = TASK.model_copy(update={"strategy": "step-by-step"})
    voice = Voice("Be careful.", {"direct-answer": "Just the answer.", "step-by-step": "One at a time."})
    answers = [answer(0), answer(1)]
    bad = {answers[0].id: verdict(0, 1, 1, 1, 1)}
    made = [
        rows.sft(task, answers[0], voice, about()),
        rows.dpo(task, PAIR, {one.id: one for one in answers}, voice, about()),
        *rows.kto(task, answers, bad, voice, about(), mean=3.5, floor=3),
        rl.row(task, rl.Measured((NUMBER,), "direct-answer", {"a": True, "b": False}), voice, about()),
    ]
    assert {row["strategy"] for row in made} == {"direct-answer"}
    assert {row["prompt"][0]["content"] for row in made} == {"Just the answer."}


def test_each_instance_of_a_seed_is_a_human_row():
    first, second = (rows.seed_sft(SEED, number, VOICE, ORIGIN) for number in range(2))
    assert first["prompt"] == [SYSTEM, {"role": "user", "content": "Name the capital.\n\nFrance"}]
    assert second["prompt"][1]["content"] == "Name the capital."
    assert [first["id"], second["id"]] == ["seed_task_3-0", "seed_task_3-1"]
    assert (first["root_id"], first["strategy"], first["source"]) == ("seed_task_3", "none", "human")


def test_messages_are_the_prompt_and_the_completion_in_one_list():
    row = rows.as_messages(rows.sft(TASK, answer(0), VOICE, about()))
    assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant"]
    assert not {"prompt", "completion"} & row.keys()


def test_a_dpo_row_does_not_repeat_the_prompt():
    row = rows.dpo(TASK, PAIR, {one.id: one for one in (answer(0, "Rain."), answer(1))}, VOICE, about())
    assert row["prompt"] == [SYSTEM, USER]
    assert row["chosen"] == [{"role": "assistant", "content": "It rains on."}]
    assert row["rejected"] == [{"role": "assistant", "content": "Rain."}]
    assert (row["id"], row["score_chosen"], row["score_rejected"]) == ("c000007-1-0-p", 4.75, 2.5)


@pytest.mark.parametrize(
    ("scores", "labels"),
    [
        ((5, 5, 5, 5), [True]),
        ((4, 4, 3, 3), [True]),
        ((5, 5, 5, 2), []),
        ((3, 3, 3, 3), []),
        ((3, 3, 3, 2), [False]),
        ((1, 1, 1, 1), [False]),
    ],
)
def test_kto_takes_the_clearly_good_and_the_clearly_bad(scores, labels):
    one = verdict(0, *scores)
    found = rows.kto(TASK, [answer(0)], {one.id: one}, VOICE, about(), mean=3.5, floor=3)
    assert [row["label"] for row in found] == labels


@pytest.mark.parametrize(("kind", "rows_left"), [("answer", 0), ("format", 0), ("agreement", 1)])
def test_kto_calls_nothing_good_that_a_check_speaks_against(kind, rows_left):
    failed = answer(0).model_copy(update={"outcomes": (Outcome(name="number", kind=kind, passed=False),)})
    best = verdict(0, 5, 5, 5, 5)
    assert len(rows.kto(TASK, [failed], {best.id: best}, VOICE, about(), mean=3.5, floor=3)) == rows_left


def test_kto_leaves_out_what_was_explored_or_not_judged():
    best = {f"{TASK.id}-1": verdict(1, 5, 5, 5, 5)}
    answers = [answer(0), answer(1, explored=True)]
    assert rows.kto(TASK, answers, best, VOICE, about(), mean=3.5, floor=3) == []


def test_equal_metadata_is_equal_text_whatever_its_order():
    assert rows.dumped({"b": 1, "a": {"d": 2, "c": 3}}) == rows.dumped({"a": {"c": 3, "d": 2}, "b": 1})


@pytest.mark.parametrize("config", SCHEMAS)
def test_no_column_beside_the_trainers_own_has_a_name_that_trainers_read(config):
    own = {
        "sft": {"prompt", "completion"}, "sft_messages": {"messages"}, "dpo": {"prompt", "chosen", "rejected"},
        "kto": {"prompt", "completion", "label"}, "rl": {"prompt"},
    }  # fmt: skip
    assert own[config] <= set(SCHEMAS[config].names)
    assert not RESERVED & (set(SCHEMAS[config].names) - own[config])


def test_rows_have_the_columns_of_their_schema_and_no_others():
    one = verdict(0, 5, 5, 5, 5)
    sft = rows.sft(TASK, answer(0), VOICE, about())
    made = {
        "sft": sft,
        "sft_messages": rows.as_messages(sft),
        "dpo": rows.dpo(TASK, PAIR, {a.id: a for a in (answer(0), answer(1))}, VOICE, about()),
        "kto": rows.kto(TASK, [answer(0)], {one.id: one}, VOICE, about(), mean=3.5, floor=3)[0],
        "rl": rl.row(checked(NUMBER), rl.Measured((NUMBER,), "direct-answer", {"a": True, "b": False}), VOICE, about()),
    }
    assert {name: set(row) for name, row in made.items()} == {name: set(it.names) for name, it in SCHEMAS.items()}
    assert set(rows.seed_sft(SEED, 0, VOICE, ORIGIN)) == set(SCHEMAS["sft"].names)
