"""What is read off a trainer: tokens that are learned, where they end, and what a template does to both."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from trainerscase import ADDED, CALLED, SUM, TEXTS, assistant, looked, made, of_config, saved, taught, tokenizer, user

from synthgen.errors import InputError
from synthgen.trainers import checked, needs, tiny
from synthgen.trainers.look import look
from synthgen.trainers.rows import read
from synthgen.trainers.template import end_of_turn, settle
from synthgen.trainers.ways import WAYS, Setting, make

pytestmark = [pytest.mark.trainers, pytest.mark.filterwarnings("default"), pytest.mark.usefixtures("off_path")]
BLANKS_AFTER = tiny.TEMPLATE.replace(
    "{{- eos_token }}\n{%- endgeneration %}", "{{- eos_token + '\n' }}\n{%- endgeneration %}"
)
ENDLESS = tiny.TEMPLATE.replace("{{- eos_token }}\n{%- endgeneration %}", "{%- endgeneration %}")
FAMILIES = {
    "qwen2_5": ("<|im_start|>", "<|im_end|>"),
    "qwen3": ("<|im_start|>", "<|im_end|>"),
    "llama3_2": ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
}
"""Chat templates that TRL ships, with their special tokens, the end of a turn last."""


def trl_folder():
    """Where TRL is."""
    return Path(find_spec("trl").origin).parent


def row(answer="It rains.", identity="one"):
    return {"prompt": [user("What is the weather in Bergen?")], "completion": [assistant(answer)], "id": identity}


def with_template(template, eos=tiny.END):
    one = tiny.tokenizer(TEXTS)
    one.chat_template, one.eos_token = template, eos
    return one


def test_learned_is_the_answer_with_its_thought_and_its_end(tmp_path):
    trainer = made("sft", of_config("sft"), tmp_path)
    assert taught(trainer, 0) == "<think>The tool says rain.</think>It rains there.<|end|>"
    assert taught(trainer, 2) == "Nothing is known of that.<|end|>"


def test_a_call_is_learned_with_its_own_arguments_and_no_others(tmp_path):
    trainer = made("sft-assistant", of_config("sft_messages"), tmp_path)
    assert taught(trainer, 0).startswith('<think>I must look.</think><|call|>weather{"city": "Bergen"}<|end|>')
    assert taught(trainer, 1) == 'Hello to you.<|end|><|call|>add{"terms": [2, 3]}<|end|>5<|end|>'


def test_tools_stand_before_the_conversation(tmp_path):
    trainer = made("sft", of_config("sft"), tmp_path)
    texts = [trainer.processing_class.decode(one["input_ids"]) for one in trainer.train_dataset]
    assert texts[0].startswith('<|tools|>[{"type": "function", "function": {"name": "weather"')
    assert texts[2].startswith("<|system|>Be brief.<|end|><|user|>")


def test_an_answer_that_says_nothing_teaches_nothing(tmp_path):
    found = looked("sft", [row(), row("", "empty")], tmp_path)
    assert (found.unsupervised, found.endless, found.kept) == (("empty",), (), 2)


def test_a_pair_with_one_blank_side_teaches_nothing(tmp_path):
    pair = {"prompt": row()["prompt"], "chosen": [assistant("It rains.")], "rejected": [assistant("")], "id": "pair"}
    assert looked("dpo", [pair], tmp_path).unsupervised == ("pair",)


def test_what_only_the_end_token_exceeds_is_cut(tmp_path):
    length = len(made("sft", [row()], tmp_path).train_dataset[0]["input_ids"])
    assert looked("sft", [row()], tmp_path, max_length=length).cut == ()
    found = looked("sft", [row()], tmp_path, max_length=length - 1)
    assert (found.cut, found.endless, found.ended) == (("one",), ("one",), 0)


@pytest.mark.parametrize("way", ["dpo", "kto"])
def test_a_long_answer_is_cut_by_every_trainer_of_pairs_and_marks(tmp_path, way):
    long = assistant("It rains. " * 200)
    pair = {"prompt": row()["prompt"], "chosen": [assistant("It rains.")], "rejected": [long], "id": "long"}
    marked = {"prompt": row()["prompt"], "completion": [long], "label": True, "id": "long"}
    found = looked(way, [pair if way == "dpo" else marked] * 1, tmp_path, max_length=100)
    assert (found.cut, found.dropped) == (("long",), ())


def test_a_reward_model_drops_what_it_cannot_take_whole(tmp_path):
    long = [assistant("It rains. " * 200)]
    pair = {"prompt": row()["prompt"], "chosen": long, "rejected": [assistant("No.")], "id": "long"}
    short = {**pair, "chosen": [assistant("It rains.")], "id": "short"}
    found = looked("reward", [pair, short], tmp_path, max_length=100)
    assert (found.dropped, found.cut, found.kept) == (("long",), (), 1)


def test_the_end_of_a_turn_is_read_off_the_template():
    assert end_of_turn(with_template(tiny.TEMPLATE)) == tiny.END
    assert end_of_turn(with_template(BLANKS_AFTER)) == tiny.END
    assert end_of_turn(with_template(ENDLESS)) == ""


def test_a_tokenizer_that_ends_texts_otherwise_gets_the_end_of_its_template():
    one = with_template(tiny.TEMPLATE.replace("eos_token", "'<|end|>'"), eos=tiny.PAD)
    (told,) = settle(one)
    assert 'eos_token="<|end|>"' in told
    assert one.eos_token == tiny.END


def test_a_template_without_an_end_is_told():
    assert ["never learns to stop" in told for told in settle(with_template(ENDLESS))] == [True]
    assert not list(settle(tokenizer()))


@pytest.mark.parametrize("template", ["{% if %}", "{{ raise_exception('No question may be asked.') }}"])
def test_a_template_that_can_write_nothing_is_refused(tmp_path, template):
    with_template(template).save_pretrained(tmp_path)
    with pytest.raises(InputError, match="cannot write a question and its answer"):
        needs.tokenizer(tmp_path)


def test_a_folder_whose_tokenizer_is_none_is_refused_in_a_line(tmp_path):
    (tmp_path / "tokenizer.json").write_text('{"a": 1}')
    with pytest.raises(InputError, match="no tokenizer can be read") as refused:
        needs.tokenizer(tmp_path)
    assert len(str(refused.value).splitlines()) == 1


def test_a_template_that_writes_a_prompt_otherwise_alone_is_told():
    thinking = tiny.TEMPLATE.replace(
        "{%- if add_generation_prompt %}<|assistant|>", "{%- if add_generation_prompt %}<|assistant|><think>"
    )
    (told,) = settle(with_template(thinking))
    assert "writes a prompt otherwise" in told


def test_a_template_that_does_not_mark_the_assistant_is_told_and_nothing_is_blamed_on_the_rows(tmp_path):
    one = with_template(tiny.TEMPLATE.replace("{%- generation %}", "").replace("{%- endgeneration %}", ""))
    (told,) = settle(one)
    assert "assistant_only_loss" in told
    folder = saved(tmp_path / "data", "sft_messages", of_config("sft_messages"))
    found = list(checked.check(folder, Setting(one, tmp_path, steps=0), 0))
    assert [(outcome.way, list(checked.faults(outcome))) for outcome in found] == [("sft-all", [])]


@pytest.mark.parametrize(("family", "tokens"), FAMILIES.items())
@pytest.mark.parametrize("config", ["sft", "dpo", "kto"])
def test_rows_with_tools_are_whole_under_templates_in_use(tmp_path, family, tokens, config):
    one = tiny.tokenizer(TEXTS)
    one.chat_template = (trl_folder() / "chat_templates" / f"{family}.jinja").read_text(encoding="utf-8")
    one.add_special_tokens({"additional_special_tokens": list(tokens)})
    list(settle(one))
    assert one.eos_token == tokens[-1]
    rows = read(saved(tmp_path / "data", config, of_config(config)), config)
    for way in WAYS[config]:
        chosen = Setting(one, tmp_path, max_length=4096)
        found = look(way, make(way, rows, chosen), rows, chosen)
        assert (found.kept, found.cut, found.unsupervised, found.endless) == (len(rows), (), (), ())


def test_conversations_are_as_they_were_written():
    assert [len(one) for one in (CALLED, ADDED, SUM)] == [3, 4, 5]
