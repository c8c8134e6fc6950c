"""The parts of axolotl, LLaMA-Factory and verl that read rows take our views, by the configs that are written beside them.

What those parts load and do not use here (audio, a cluster, a vision model) stands in empty: only the readers are theirs.
"""

import importlib
import sys
import types
from importlib.machinery import ModuleSpec

import jinja2
import orjson
import pytest
import yaml
from datasets import load_dataset
from trainerscase import of_config

import synthgen
from synthgen import steps
from synthgen.rehearsal import items
from synthgen.trainers import tiny
from synthgen.trainers.rows import configs, read, said
from synthgen.trainers.ways import IGNORED

pytestmark = [pytest.mark.trainers, pytest.mark.filterwarnings("default"), pytest.mark.usefixtures("off_path")]


class Empty(types.ModuleType):
    """A module whose every name is an empty class."""

    __path__: list[str] = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": lambda self, *_, **__: None, "__call__": lambda self, work: work})


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The dataset of a run in every shape that these trainers have."""
    place = tmp_path_factory.mktemp("exported")
    (place / "items.jsonl").write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in items.items(3, 2)))
    synthgen.answer(place / "items.jsonl", place / "run", samples=4, teacher="rehearsal")
    steps.export_again(place / "run", {"formats": ("axolotl", "llamafactory", "verl")})
    return place / "run" / "dataset"


@pytest.fixture(scope="module")
def tokenizer(exported):
    rows = [row for config in configs(exported) for row in read(exported, config)]
    return tiny.tokenizer(text for row in rows for text in said(row))


@pytest.fixture(scope="module")
def stand_in():
    """Import a module where others stand in empty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISABLE_VERSION_CHECK", "1")  # LLaMA-Factory knows of no transformers after 5.6

        def take(name, *absent):
            for one in absent:
                empty = Empty(one)
                empty.__spec__ = ModuleSpec(one, None)
                patch.setitem(sys.modules, one, empty)
            return importlib.import_module(name)

        yield take


def answers(exported, config):
    """What the rows of a config teach, as text."""
    named = "chosen" if config == "dpo" else "completion"
    return [row[named][0]["content"] for row in read(exported, config)]


def learned(tokenizer, labels):
    """The text of the labels that are not masked."""
    return tokenizer.decode([label for label in labels if label != IGNORED])


def test_axolotl_learns_every_answer_to_its_end(exported, tokenizer, stand_in):
    module = stand_in("axolotl.prompt_strategies.chat_template")
    told = yaml.safe_load((exported / "training" / "axolotl_sft.yml").read_text())
    (one,) = told["datasets"]
    dicts = importlib.import_module("axolotl.utils.dict")
    strategy = module.load(tokenizer, dicts.DictDefault(told), one)
    rows = load_dataset(str(exported / one["path"]), one["name"], split=one["split"])
    found = [learned(tokenizer, strategy.tokenize_prompt(row)["labels"]) for row in rows]
    assert found == [f"{answer}<|end|>" for answer in answers(exported, "sft")]


def test_axolotl_takes_pairs_as_they_are(exported, tokenizer, stand_in):
    module = stand_in("axolotl.prompt_strategies.dpo.chat_template")
    told = yaml.safe_load((exported / "training" / "axolotl_dpo.yml").read_text())
    (one,) = told["datasets"]
    assert one["type"] == "chat_template.default"
    dicts = importlib.import_module("axolotl.utils.dict")
    read_row, _ = module.default(dicts.DictDefault(told))
    rows = load_dataset(str(exported / one["path"]), one["name"], split=one["split"])
    for row in rows:
        found = read_row(row, tokenizer=tokenizer)
        assert found["prompt"] == tokenizer.apply_chat_template(
            row["prompt"], add_generation_prompt=True, tokenize=False
        )
        assert found["chosen"] == row["chosen"][0]["content"].rstrip() + "<|end|>" or found["chosen"].endswith(
            "<|end|>"
        )
        assert row["rejected"][0]["content"] in found["rejected"]


def from_llamafactory(exported, tokenizer, stand_in, kind, stage):
    """The rows of a view as LLaMA-Factory gives them to a trainer, by the config that is written for it."""
    loader = stand_in("llamafactory.data.loader", "torchaudio")
    template = importlib.import_module("llamafactory.data.template")
    hparams = importlib.import_module("llamafactory.hparams")
    from transformers import Seq2SeqTrainingArguments

    told = yaml.safe_load((exported / "training" / f"llamafactory_{kind}.yaml").read_text())
    named = {name: told[name] for name in ("dataset", "cutoff_len")}
    data = hparams.DataArguments(dataset_dir=str(exported / told["dataset_dir"]), **named)
    model = hparams.ModelArguments(model_name_or_path="unused")
    arguments = Seq2SeqTrainingArguments(output_dir="unused", use_cpu=True)
    style = template.get_template_and_fix_tokenizer(tokenizer, data)
    assert told["stage"] in {"sft", "dpo"}
    return loader.get_dataset(style, model, data, arguments, stage, tokenizer)["train_dataset"]


def test_llama_factory_learns_every_answer_to_its_end(exported, tokenizer, stand_in):
    rows = from_llamafactory(exported, tokenizer, stand_in, "sft", "sft")
    assert [learned(tokenizer, row["labels"]) for row in rows] == [f"{one}<|end|>" for one in answers(exported, "sft")]


def test_llama_factory_learns_both_sides_of_every_pair(exported, tokenizer, stand_in):
    rows = from_llamafactory(exported, tokenizer, stand_in, "dpo", "rm")
    chosen = [learned(tokenizer, row["chosen_labels"]) for row in rows]
    assert chosen == [f"{one}<|end|>" for one in answers(exported, "dpo")]
    prompts = [tokenizer.decode(row["chosen_input_ids"]) for row in rows]
    asked = [row["prompt"][-1]["content"] for row in read(exported, "dpo")]
    assert all(text in prompt for text, prompt in zip(asked, prompts, strict=True))


def test_verl_keeps_every_prompt_with_what_its_reward_needs(exported, tokenizer, stand_in, tmp_path):
    module = stand_in("verl.utils.dataset.rl_dataset", "ray")
    omegaconf = importlib.import_module("omegaconf")
    settings = omegaconf.OmegaConf.create(
        {"cache_dir": str(tmp_path), "max_prompt_length": 4096, "filter_overlong_prompts_workers": 1}
    )
    found = module.RLHFDataset([str(exported / "verl" / "rl.train.parquet")], tokenizer, settings)
    rows = read(exported, "rl")
    assert len(found) == len(rows) >= 20
    for number, row in enumerate(rows):
        one = found[number]
        assert one["raw_prompt"] == row["prompt"]
        assert one["reward_model"] == row["reward_model"]
        assert one["index"] == number
        assert one["extra_info"]["id"] == row["id"]


def test_verl_learns_every_answer_to_its_end(exported, tokenizer, stand_in):
    module = stand_in("verl.utils.dataset.multiturn_sft_dataset", "ray", "verl.models.transformers.qwen2_vl")
    found = module.MultiTurnSFTDataset([str(exported / "verl" / "sft.train.parquet")], tokenizer, {"max_length": 4096})
    for number, answer in enumerate(answers(exported, "sft")):
        one = found[number]
        tokens = one["input_ids"][one["loss_mask"].bool()].tolist()
        assert tokenizer.decode(tokens) == f"{answer}<|end|>"


def test_axolotl_does_not_decode_calls_that_are_json_text(exported, tokenizer, stand_in):
    module = stand_in("axolotl.prompt_strategies.chat_template")
    told = yaml.safe_load((exported / "training" / "axolotl_sft.yml").read_text())
    dicts = importlib.import_module("axolotl.utils.dict")
    strategy = module.load(tokenizer, dicts.DictDefault(told), told["datasets"][0])
    called, *_ = of_config("sft_messages")
    with pytest.raises(jinja2.UndefinedError):
        strategy.tokenize_prompt(called)
