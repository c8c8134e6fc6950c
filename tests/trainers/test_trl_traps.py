"""What TRL does with awkward rows. Each is why the folder is as it is: when TRL changes, this says so."""

import json
import math

import pytest
from datasets import Dataset
from trainerscase import ASKED, assistant, call, looked, made, of_config, taught, tokenizer, user

from synthgen.trainers import tiny
from synthgen.trainers.rows import bare
from synthgen.trainers.train import train
from synthgen.trainers.ways import Setting, arguments, make

pytestmark = [pytest.mark.trainers, pytest.mark.filterwarnings("default"), pytest.mark.usefixtures("off_path")]
ANSWER = [assistant("It rains there.")]
TALK = [*ASKED, *ANSWER]
SFT = {"prompt": ASKED, "completion": ANSWER}
DPO = {"prompt": ASKED, "chosen": ANSWER, "rejected": [assistant("I will not say.")]}


@pytest.fixture
def take(tmp_path):
    """Make a trainer of rows whose columns are as `datasets` finds them."""

    def taking(kind, row, template=tiny.TEMPLATE, rows=4, **config):
        import trl
        from peft import LoraConfig

        setting = Setting(tokenizer(), tmp_path, None, 1)
        setting.tokenizer.chat_template = template
        args = getattr(trl, f"{kind}Config")(**arguments(setting) | config)
        data = Dataset.from_list([row] * rows) if isinstance(row, dict) else Dataset.from_list(row)
        given = {"model": tiny.model(setting.tokenizer), "processing_class": setting.tokenizer}
        lora = LoraConfig(target_modules="all-linear", task_type="CAUSAL_LM")
        return getattr(trl, f"{kind}Trainer")(args=args, train_dataset=data, peft_config=lora, **given)

    return taking


def test_metadata_columns_are_tolerated(take):
    more = {"strategy": "plain", "provenance": {"calls": ["a"]}, "label": True, "text": "x", "list": [1, 2]}
    trainer = take("SFT", {"messages": TALK, **more})
    assert train(trainer).finite


def test_messages_beside_a_text_named_prompt_are_an_error(take):
    with pytest.raises(KeyError, match="completion"):
        take("SFT", {"messages": TALK, "prompt": "What is it?"})


def test_messages_beside_prompt_and_completion_are_ignored_without_a_word(take):
    other = [user("Something else"), assistant("This is never learned.")]
    assert taught(take("SFT", {"messages": other, **SFT})) == "It rains there.<|end|>"


def test_a_column_input_ids_is_trained_on_in_the_place_of_the_text(take):
    trainer = take("SFT", {**SFT, "input_ids": [5, 6, 7]})
    assert trainer.train_dataset[0]["input_ids"] == [5, 6, 7]
    assert trainer.train_dataset[0]["labels"] == [5, 6, 7]


def test_a_text_named_labels_is_an_error_in_the_collator(take):
    with pytest.raises((TypeError, ValueError)):
        take("SFT", {**SFT, "labels": "good"}, max_length=None).train()


def test_a_column_of_images_is_an_error_even_all_null(take):
    with pytest.raises(ValueError, match="vision"):
        take("SFT", {**SFT, "images": None})


def test_null_template_arguments_are_an_error(take):
    with pytest.raises(TypeError):
        take("SFT", {**SFT, "chat_template_kwargs": None})


@pytest.mark.parametrize("tools", [None, "[]", json.dumps([{"type": "function", "function": {"name": "weather"}}])])
def test_tools_may_be_null_or_json_text(take, tools):
    assert taught(take("SFT", {**SFT, "tools": tools})) == "It rains there.<|end|>"


def test_tools_that_are_an_empty_text_are_an_error(take):
    with pytest.raises(json.JSONDecodeError):
        take("SFT", {**SFT, "tools": ""})


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_answer_of_nothing_is_learned_without_a_word(take, nothing):
    assert (
        taught(take("SFT", {"prompt": ASKED, "completion": [{"role": "assistant", "content": nothing}]})) == "<|end|>"
    )


def test_null_keys_of_messages_are_harmless(take):
    named = [{**one, "name": None, "weight": None} for one in TALK]
    assert taught(take("SFT", {"messages": named}, assistant_only_loss=True)) == "It rains there.<|end|>"


def test_calls_as_records_take_on_the_arguments_of_all_others(take):
    calls = [json.loads(call("weather", city="Bergen")), json.loads(call("add", terms=[2, 3]))]
    rows = [{"prompt": ASKED, "completion": [assistant("", tool_calls=one)]} for one in calls]
    data = Dataset.from_dict({name: [row[name] for row in rows] for name in rows[0]}, on_mixed_types=None)
    mixed = data[0]["completion"][0]["tool_calls"][0]["function"]["arguments"]
    assert mixed == {"city": "Bergen", "terms": None}


def test_roles_of_sharegpt_are_not_mapped(take):
    said = [{"from": "human", "value": "Is it?"}, {"from": "gpt", "value": "It is."}]
    trainer = take("SFT", {"conversations": said})
    text = trainer.processing_class.decode(trainer.train_dataset[0]["input_ids"])
    assert "<|human|>" in text or "human" in text
    assert "<|assistant|>" not in text


def test_the_bound_is_1024_tokens_where_none_is_given():
    from trl import DPOConfig, KTOConfig, RewardConfig, SFTConfig

    kinds = (SFTConfig, DPOConfig, KTOConfig, RewardConfig)
    assert {kind.__name__: kind("unused", use_cpu=True, bf16=False).max_length for kind in kinds} == dict.fromkeys(
        (kind.__name__ for kind in kinds), 1024
    )


def test_a_prompt_that_fills_the_bound_loses_its_row_without_a_word(tmp_path):
    long = {"prompt": [user("It rains. " * 200)], "completion": ANSWER, "id": "long"}
    assert looked("sft", [long, {**SFT, "id": "short"}], tmp_path, max_length=64).dropped == ("long",)
    pair = {**DPO, "prompt": long["prompt"], "id": "long"}
    assert looked("dpo", [pair, {**DPO, "id": "short"}], tmp_path, max_length=64).dropped == ("long",)


def test_a_long_answer_loses_its_end(tmp_path):
    long = {"prompt": ASKED, "completion": [assistant("It rains. " * 200)], "id": "long"}
    found = looked("sft", [long], tmp_path, max_length=64)
    assert (found.kept, found.endless) == (1, ("long",))


def test_the_assistant_alone_cannot_be_learned_of_a_template_that_does_not_mark_it(take):
    unmarked = tiny.TEMPLATE.replace("{%- generation %}", "").replace("{%- endgeneration %}", "")
    with pytest.raises(ValueError, match="generation"):
        take("SFT", {"messages": TALK}, template=unmarked, assistant_only_loss=True)


def test_one_row_without_an_assistant_stops_the_whole_job(take):
    with pytest.raises(RuntimeError, match="no assistant"):
        take("SFT", [{"messages": TALK}, {"messages": ASKED}], assistant_only_loss=True)


def test_a_prompt_that_is_written_otherwise_alone_loses_its_tail(take):
    thinking = tiny.TEMPLATE.replace(
        "{%- if add_generation_prompt %}<|assistant|>", "{%- if add_generation_prompt %}<|assistant|><think>"
    )
    trainer = take("SFT", SFT, template=thinking)
    assert "<think>" not in trainer.processing_class.decode(trainer.train_dataset[0]["input_ids"])


def test_a_text_prompt_beside_message_lists_is_an_error(take):
    with pytest.raises((AttributeError, TypeError)):
        take("DPO", {**DPO, "prompt": "What is the weather?"})


def test_a_prompt_that_chosen_repeats_is_learned_as_an_answer(take):
    trainer = take("DPO", {"prompt": ASKED, "chosen": TALK, "rejected": [*ASKED, *DPO["rejected"]]})
    assert "weather in Bergen" in trainer.processing_class.decode(trainer.train_dataset[0]["chosen_ids"])


def test_one_message_in_the_place_of_a_list_is_an_error(take):
    with pytest.raises((AttributeError, TypeError, KeyError)):
        take("DPO", {**DPO, "chosen": ANSWER[0], "rejected": DPO["rejected"][0]})


@pytest.mark.parametrize(
    "row",
    [
        {**DPO, "rejected": DPO["chosen"]},
        {**DPO, "rejected": [assistant("")]},
        {**DPO, "prompt": TALK},
    ],
    ids=["identical", "empty", "answered"],
)
def test_pairs_that_teach_nothing_are_taken_without_a_word(take, row):
    losses = train(take("DPO", row)).losses
    assert losses[0] == pytest.approx(math.log(2), abs=1e-3)


def test_rewards_are_given_all_other_columns(tmp_path):
    from trl import GRPOConfig, GRPOTrainer

    seen = []

    def rewarded(completions, **columns):
        seen.append(columns)
        return [0.0] * len(completions)

    setting = Setting(tokenizer(), tmp_path, None, 1)
    args = GRPOConfig(**arguments(setting, bounded=False), num_generations=2, max_completion_length=4)
    more = {"ground_truth": "5", "reward_model": {"style": "rule", "ground_truth": "5"}, "metadata_json": "{}"}
    data = Dataset.from_list([{"prompt": ASKED, **more}] * 2)
    model = tiny.model(setting.tokenizer)
    GRPOTrainer(
        model=model, reward_funcs=rewarded, args=args, processing_class=setting.tokenizer, train_dataset=data
    ).train()
    assert {name: seen[0][name][0] for name in more} == more


def test_a_pair_of_the_folder_is_learned_by_a_reward_model_too(tmp_path):
    trainer = made("reward", of_config("dpo"), tmp_path)
    assert train(trainer).finite


def test_calls_that_stay_json_text_are_not_understood_by_a_template(tmp_path):
    row = of_config("sft")[0]
    setting = Setting(made("sft", [row], tmp_path).processing_class, tmp_path)
    raw = {
        **bare(row),
        "prompt": [{name: value for name, value in one.items() if value is not None} for one in row["prompt"]],
    }
    with pytest.raises(Exception, match="function"):
        make("sft", [raw], setting)
