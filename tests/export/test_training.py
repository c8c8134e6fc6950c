"""Training configs beside the dataset: which are written, and that they say what the folder holds."""

import ast

import pytest
import yaml

from synthgen.export import training

BOTH = {"train": 9, "test": 2}
COUNTS = dict.fromkeys(("sft", "sft_messages", "dpo", "kto", "rl"), BOTH)
LLAMAFACTORY = [f"{kind}.{split}" for kind in ("sft", "dpo") for split in BOTH]


@pytest.fixture
def written(tmp_path):
    """What is written, name to text, beside some of LLaMA-Factory's files."""

    def writing(counts=COUNTS, files=LLAMAFACTORY):
        (tmp_path / "llamafactory").mkdir()
        for name in files:
            (tmp_path / "llamafactory" / f"{name}.jsonl").touch()
        training.write(tmp_path, counts)
        return {path.name: path.read_text() for path in tmp_path.glob("training/*")}

    return writing


def test_there_is_one_file_for_each_trainer_and_kind_of_row(written):
    assert sorted(written()) == [
        "axolotl_dpo.yml",
        "axolotl_sft.yml",
        "llamafactory_dpo.yaml",
        "llamafactory_sft.yaml",
        "trl_dpo.py",
        "trl_sft.py",
    ]


def test_llama_factory_is_told_only_of_files_that_are_there(written):
    texts = written(files=["sft.train", "dpo.test"])
    assert {name for name in texts if name.startswith("llamafactory")} == {"llamafactory_sft.yaml"}
    assert "eval_dataset" not in yaml.safe_load(texts["llamafactory_sft.yaml"])


def test_nothing_is_written_for_kinds_of_rows_that_there_are_not(written):
    assert set(written({"sft": BOTH, "sft_messages": BOTH})) == {
        "axolotl_sft.yml",
        "llamafactory_sft.yaml",
        "trl_sft.py",
    }


@pytest.mark.parametrize("counts", [{"rl": BOTH}, {"dpo": {"test": 3}}, {"sft": {"train": 0}}])
def test_without_rows_to_train_on_nothing_is_written(tmp_path, counts):
    training.write(tmp_path, counts)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["trl_sft.py", "trl_dpo.py"])
def test_the_scripts_are_python_and_find_the_folder_by_where_they_stand(written, name):
    text = written()[name]
    tree = ast.parse(text)
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert {"main", "read_options", "load_model", "end_of_turn", "decoded", "bare"} <= defined
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert called & {"end_of_turn", "decoded", "load_model"} == {"end_of_turn", "decoded", "load_model"}
    assert "Path(__file__).resolve().parent.parent" in text


@pytest.mark.parametrize("name", [name for name in training.NEEDED if name.endswith(("yml", "yaml"))])
def test_the_configs_are_yaml_that_names_places_in_the_folder(written, name):
    told = yaml.safe_load(written()[name])
    if name.startswith("axolotl"):
        config = training.NEEDED[name][0]
        assert [(one["path"], one["name"], one["split"]) for one in told["datasets"]] == [(".", config, "train")]
        assert [(one["path"], one["name"], one["split"]) for one in told["test_datasets"]] == [(".", config, "test")]
    else:
        names = [f"synthgen_{told['stage']}_{split}" for split in ("train", "test")]
        assert [told["dataset_dir"], told["dataset"], told["eval_dataset"]] == ["llamafactory", *names]
    assert told.get("sequence_len", told.get("cutoff_len")) == 4096


def test_axolotl_takes_the_prompt_of_a_pair_for_its_messages(written):
    told = yaml.safe_load(written()["axolotl_dpo.yml"])
    assert {one["field_messages"] for one in told["datasets"] + told["test_datasets"]} == {"prompt"}


def test_without_a_test_split_none_is_named(written):
    texts = written({config: {"train": 9} for config in COUNTS})
    axolotl, llamafactory = (yaml.safe_load(texts[name]) for name in ("axolotl_sft.yml", "llamafactory_dpo.yaml"))
    assert "test_datasets" not in axolotl
    assert "eval_dataset" not in llamafactory
    assert (axolotl["val_set_size"], llamafactory["val_size"]) == (0, 0)


def test_every_place_in_a_text_is_filled(written):
    assert not [name for name, text in written().items() if "@@" in text]
