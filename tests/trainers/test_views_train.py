"""Real trainers take every view of a finished run whole: no row is dropped, each is learned to its end."""

import json

import orjson
import pytest
from conftest import command
from trainerscase import assistant, of_config, saved, user

import synthgen
from synthgen.rehearsal import items
from synthgen.trainers import tiny
from synthgen.trainers.look import look
from synthgen.trainers.rows import configs, read, said
from synthgen.trainers.train import fault, train
from synthgen.trainers.ways import WAYS, Setting, make

pytestmark = [pytest.mark.trainers, pytest.mark.filterwarnings("default"), pytest.mark.usefixtures("off_path")]
EVERY = [(config, way) for config, ways in WAYS.items() for way in ways]


@pytest.fixture(scope="session")
def answered(tmp_path_factory):
    """A run over items with known answers: every config has rows."""
    place = tmp_path_factory.mktemp("answered")
    (place / "items.jsonl").write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in items.items(3, 1)))
    synthgen.answer(place / "items.jsonl", place / "run", samples=4, teacher="rehearsal")
    return place / "run"


@pytest.fixture(scope="session")
def tokenizer(answered, finished):
    """A tokenizer of the texts of both runs."""
    folders = (answered / "dataset", finished / "dataset")
    rows = [row for folder in folders for config in configs(folder) for row in read(folder, config)]
    return tiny.tokenizer(text for row in rows for text in said(row))


def whole(found, rows):
    """Whether a trainer left nothing out."""
    return (found.kept, found.dropped, found.cut, found.unsupervised, found.endless) == (len(rows), (), (), (), ())


@pytest.mark.parametrize(("config", "way"), EVERY)
def test_no_row_is_dropped_and_each_is_learned_to_its_end(answered, tokenizer, tmp_path, config, way):
    rows, setting = read(answered / "dataset", config), Setting(tokenizer, tmp_path, max_length=4096, steps=8)
    trainer = make(way, rows, setting)
    found = look(way, trainer, rows, setting)
    assert len(rows) >= 20
    assert whole(found, rows)
    assert found.ended == 1
    assert found.tokens > len(rows) or way == "grpo"
    trained = train(trainer)
    assert trained.steps == 8
    assert fault(way, trained) == ""


@pytest.mark.parametrize("config", ["sft", "sft_messages"])
def test_both_sides_of_a_split_are_whole(finished, tokenizer, tmp_path, config):
    folder = finished / "dataset"
    assert len(list((folder / config).glob("*.parquet"))) == 2
    rows, setting = read(folder, config), Setting(tokenizer, tmp_path, max_length=4096)
    for way in WAYS[config]:
        assert whole(look(way, make(way, rows, setting), rows, setting), rows)


@pytest.mark.parametrize(("config", "way"), EVERY)
def test_turns_tools_and_thoughts_are_taken_whole(tokenizer, tmp_path, config, way):
    rows = read(saved(tmp_path / "data", config, of_config(config)), config)
    setting = Setting(tokenizer, tmp_path, max_length=4096, steps=2)
    trainer = make(way, rows, setting)
    assert whole(look(way, trainer, rows, setting), rows)
    assert fault(way, train(trainer)) == ""


def test_the_check_of_a_run_finds_no_fault(answered):
    done = command("train-check", answered, "--train", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["faults"], done.stderr) == (0, [], "")
    assert [(one["config"], one["way"]) for one in told["trainers"]] == EVERY
    assert {one["config"] for one in told["contract"]} == set(WAYS)


def test_rows_that_no_trainer_can_read_are_named_and_what_it_said(tmp_path):
    rows = {
        "sft": {"prompt": [user("Who?")], "completion": [assistant("", tool_calls="{no json")]},
        "dpo": {"prompt": "Who?", "chosen": assistant("Ann."), "rejected": assistant("Bob.")},
    }
    for config, row in rows.items():
        saved(tmp_path, config, [row])
    listed = "".join(f"- config_name: {config}\n  data_files: {config}/*.parquet\n" for config in rows)
    (tmp_path / "README.md").write_text(f"---\nconfigs:\n{listed}---\n")
    done = command("train-check", tmp_path, "--train")
    assert done.returncode == 1
    assert {line.rpartition(" ")[2] for line in done.stderr.splitlines()[:2]} == {"(bad_tool_calls)", "(not_messages)"}
    assert [line.split(" refuses")[0] for line in done.stderr.splitlines()[2:]] == [
        "synthgen: sft by sft: the trainer",
        "synthgen: dpo by dpo: the trainer",
        "synthgen: dpo by reward: the trainer",
    ]


def test_the_check_names_the_rows_that_would_be_lost(answered, tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path / "model")
    question, answer = user("Say it at length."), assistant("It rains. " * 400)
    long = [{"prompt": [question], "completion": [answer], "id": "long-answer"}]
    long.append({"prompt": [user(answer["content"])], "completion": [assistant("So it does.")], "id": "long-prompt"})
    long.append({"prompt": [question], "completion": [assistant("It rains.")], "id": "short"})
    saved(tmp_path / "data", "sft", long)
    (tmp_path / "data" / "README.md").write_text(
        "---\nconfigs:\n- config_name: sft\n  data_files: sft/*.parquet\n---\n"
    )
    done = command("train-check", tmp_path / "data", "--train", "--model", tmp_path / "model", "--max-length", "300")
    assert done.returncode == 1
    assert "sft by sft: 1 of 3 rows would be dropped without a word: long-prompt\n" in done.stderr
    assert "sft by sft: 1 of 3 rows would be cut before they end: long-answer\n" in done.stderr
    assert "short" not in done.stderr
