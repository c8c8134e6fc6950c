"""The scripts that are written beside a dataset run as they are, on a model that has none of their authors' names."""

import json
import os
import re
import subprocess
import sys

import pytest
from conftest import CACHE
from trainerscase import TEXTS, of_config, saved

from synthgen.export import training
from synthgen.trainers import tiny

pytestmark = [pytest.mark.trainers, pytest.mark.filterwarnings("default"), pytest.mark.usefixtures("off_path")]
CONFIGS = ("sft", "sft_messages", "dpo")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A dataset folder of hand-made rows, with a card and the scripts, and a tiny model beside it."""
    place = tmp_path_factory.mktemp("folder")
    for config in CONFIGS:
        saved(place / "data", config, of_config(config) * 3)
    listed = "".join(
        f"- config_name: {one}\n  data_files:\n  - split: train\n    path: {one}/*.parquet\n" for one in CONFIGS
    )
    (place / "data" / "README.md").write_text(f"---\nconfigs:\n{listed}---\n", encoding="utf-8")
    training.write(place / "data", {config: {"train": 12} for config in CONFIGS})
    tiny.write(place / "model", TEXTS)
    return place


def run(folder, script, *arguments, model="model"):
    """Run a script from another folder than its own; what it printed."""
    done = subprocess.run(
        [
            sys.executable,
            folder / "data" / "training" / script,
            "--model",
            folder / model,
            "--max-steps",
            "2",
            *arguments,
        ],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": CACHE.name},
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def losses(printed):
    return [float(value) for value in re.findall(r"'loss': '?([0-9.]+)", printed)]


@pytest.mark.parametrize("config", ["sft", "sft_messages"])
def test_the_sft_script_trains_and_leaves_an_adapter_that_knows_its_end(folder, config):
    printed = run(folder, "trl_sft.py", "--config", config, "--out", config)
    assert len(losses(printed)) == 2
    assert (folder / config / "adapter_model.safetensors").is_file()
    assert json.loads((folder / config / "tokenizer_config.json").read_text())["eos_token"] == tiny.END


def test_the_dpo_script_goes_on_from_the_adapter_and_begins_at_ln_2(folder):
    run(folder, "trl_sft.py", "--out", "first")
    printed = run(folder, "trl_dpo.py", "--adapter", "first", "--out", "second")
    assert losses(printed)[0] == pytest.approx(0.6931, abs=1e-3)
    assert (folder / "second" / "adapter_model.safetensors").is_file()
    assert losses(run(folder, "trl_dpo.py", "--out", "alone"))[0] == pytest.approx(0.6931, abs=1e-3)


def test_a_base_model_gets_the_end_of_the_template_and_one_without_template_is_told(folder):
    made = tiny.tokenizer(TEXTS)
    made.chat_template, made.eos_token = None, tiny.PAD
    tiny.model(made).save_pretrained(folder / "base")
    made.save_pretrained(folder / "base")
    template = folder / "own.jinja"
    template.write_text(tiny.TEMPLATE.replace("eos_token", "'<|end|>'"), encoding="utf-8")
    run(folder, "trl_sft.py", "--chat-template", str(template), "--out", "based", model="base")
    assert json.loads((folder / "based" / "tokenizer_config.json").read_text())["eos_token"] == tiny.END
    with pytest.raises(AssertionError, match="has no chat template"):
        run(folder, "trl_sft.py", model="base")
