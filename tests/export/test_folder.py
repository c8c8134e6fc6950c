"""The dataset folder of a whole run: what loads, what is refused, and what a kill leaves."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import datasets
import orjson
import pyarrow.parquet as pq
import pytest
from conftest import SEEDS

from synthgen import prompts, steps
from synthgen.export import folder
from synthgen.export.gate import LeakError
from synthgen.export.parquet import SCHEMAS
from synthgen.prompts import Prompts
from synthgen.steps import Job, Prepared

CONFIGS = tuple(SCHEMAS)


@dataclass(frozen=True, slots=True)
class Written:
    """A finished run, ready to be exported again under other keys or prompts."""

    prepared: Prepared
    path: Path

    @property
    def dataset(self) -> Path:
        """The dataset folder."""
        return self.path / "dataset"

    def write(self, texts=None, **values):
        """Export, with other prompts or other keys."""
        ready = self.prepared
        every = Prompts(ready.prompts.texts | (texts or {}))
        config = ready.config.model_copy(update=values)
        models = dict.fromkeys(("propose", "instantiate", "answer", "judge"), "model-a")
        return folder.write_run(ready.run, config, every, ready.seeds, ready.sides, models)


@pytest.fixture
def written(finished: Path, tmp_path: Path) -> Written:
    """A copy of a finished run, to export again."""
    path = tmp_path / "run"
    shutil.copytree(finished, path, ignore=shutil.ignore_patterns("ledger.sqlite*"))
    plant_checks(path)
    job = Job(SEEDS, path, {"teacher": {"spec": "rehearsal"}, "target": 30})
    return Written(steps.prepare(job), path)


TRUTH = {"name": "number", "kind": "answer", "args": {"answer": 225}, "source": "program:sums", "chance": 0.0}


def plant_checks(run):
    """Give every task a truth, which its answers state but for the first."""
    change(run / "tasks.jsonl", lambda _: {"checks": [TRUTH]})
    change(
        run / "answers.jsonl",
        lambda row: {"outcomes": [{"name": "number", "kind": "answer", "passed": row["sample"] > 0, "detail": ""}]},
    )


def change(path, new):
    """Put new values into every row of a journal."""
    rows = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    path.write_bytes(b"".join(orjson.dumps(row | new(row)) + b"\n" for row in rows))


def files(path):
    """Every file of a folder with its bytes."""
    return {str(one.relative_to(path)): one.read_bytes() for one in sorted(path.rglob("*")) if one.is_file()}


def load(path, tmp_path, *config):
    """The dataset as its users open it, without a network."""
    return datasets.load_dataset(str(path), *config, cache_dir=str(tmp_path / "cache"))


def rows_of(path, config, split="train"):
    return pq.read_table(path / config / f"{split}-00000-of-00001.parquet").to_pylist()


@pytest.mark.parametrize("config", CONFIGS)
def test_every_config_loads_with_the_rows_that_were_counted(written, tmp_path, config):
    counts = written.write()
    loaded = load(written.dataset, tmp_path, config)
    assert {split: len(rows) for split, rows in loaded.items()} == counts[config]
    assert list(loaded["train"].column_names) == SCHEMAS[config].names
    assert loaded["train"].to_list() == rows_of(written.dataset, config)


def test_sft_is_the_default_config(written, tmp_path):
    written.write()
    assert datasets.get_dataset_config_names(str(written.dataset)) == list(CONFIGS)
    assert datasets.get_dataset_default_config_name(str(written.dataset)) == "sft"


def test_a_split_without_rows_is_in_neither_folder_nor_card(written, tmp_path):
    sides = dict.fromkeys(written.prepared.sides, "train")
    ready = Prepared(
        written.prepared.run, written.prepared.config, written.prepared.prompts, written.prepared.seeds, sides
    )
    one_sided = Written(ready, written.path)
    tasks = written.path / "tasks.jsonl"
    tasks.write_bytes(tasks.read_bytes().replace(b'"side":"test"', b'"side":"train"'))
    counts = one_sided.write()
    assert all(set(splits) == {"train"} for splits in counts.values())
    assert not list(written.dataset.rglob("test-*"))
    assert set(load(written.dataset, tmp_path, "sft")) == {"train"}


def test_without_a_judge_there_are_no_pairs_to_load(written, tmp_path):
    counts = written.write(judging=False)
    assert set(counts) == {"sft", "sft_messages", "rl"}
    assert datasets.get_dataset_config_names(str(written.dataset)) == ["sft", "sft_messages", "rl"]
    assert "dpo" not in (written.dataset / "README.md").read_text().split("# Synthetic", 1)[0].split("configs:")[1]


def test_two_writes_leave_the_same_bytes(written):
    written.write()
    first = files(written.dataset)
    written.write()
    assert files(written.dataset) == first
    assert {name.split("/")[0] for name in first} == {"README.md", "erasure.json", "plots", "training", *CONFIGS}


def test_nothing_written_names_a_folder_of_this_machine(written):
    written.write()
    for config in CONFIGS:
        for row in rows_of(written.dataset, config):
            assert str(written.path) not in str(row)
    assert str(written.path) not in (written.dataset / "README.md").read_text()


def test_every_row_carries_the_neutral_message_and_no_other(written):
    written.write()
    for row in rows_of(written.dataset, "sft"):
        assert [one["content"] for one in row["prompt"] if one["role"] == "system"] == [
            prompts.load().text("system_generic")
        ]


def test_rows_may_have_no_system_message(written):
    written.write(system="none")
    assert {row["prompt"][0]["role"] for row in rows_of(written.dataset, "sft")} == {"user"}


def test_for_ablation_rows_carry_the_strategy_prompt_and_the_card_says_so(written):
    written.write(erase=False)
    teacher = [row for row in rows_of(written.dataset, "sft") if row["source"] == "teacher"]
    assert teacher
    for row in teacher:
        assert row["prompt"][0]["content"] == prompts.load().strategy(row["strategy"])
    assert "**Not erased:**" in (written.dataset / "README.md").read_text()


def test_seed_rows_can_be_left_out(written):
    written.write(include_seeds=False)
    assert {row["source"] for row in rows_of(written.dataset, "sft")} == {"teacher"}


def said(row):
    """The messages that come before the answer."""
    return [
        (one["role"], one["content"]) for one in row.get("prompt", row.get("messages")) if one["role"] != "assistant"
    ]


def test_in_a_mix_the_rows_of_a_task_agree_in_every_config(written):
    written.write(system="mix")
    by_task: dict[str, set] = {}
    for config in CONFIGS:
        for row in rows_of(written.dataset, config):
            task = row["id"] if config == "rl" or row["source"] == "human" else row["id"].rpartition("-")[0]
            by_task.setdefault(task, set()).add(tuple(said(row)))
    assert {len(prompts) for prompts in by_task.values()} == {1}
    firsts = [next(iter(prompts))[0] for prompts in by_task.values()]
    neutral = firsts.count(("system", prompts.load().text("system_generic")))
    assert 0.4 < neutral / len(firsts) < 0.6
    assert {role for role, _ in firsts} == {"system", "user"}


def test_in_a_mix_a_task_keeps_its_message_when_the_run_has_grown(written):
    whole = written.write(system="mix")
    after = {row["id"]: said(row) for row in rows_of(written.dataset, "sft")}
    with written.prepared.run.journal("pairs") as journal:
        journal.drop_from(journal.committed // 2)
    assert written.write(system="mix")["sft"]["train"] < whole["sft"]["train"]
    for row in rows_of(written.dataset, "sft"):
        assert said(row) == after[row["id"]]


@pytest.mark.parametrize("system", ["generic", "none", "mix"])
def test_what_was_searched_is_told_beside_the_rows(written, system):
    counts = written.write(system=system)
    proof = orjson.loads((written.dataset / "erasure.json").read_bytes())
    assert proof["rows"] == sum(sum(splits.values()) for splits in counts.values())
    assert (proof["found"], proof["strategy_prompts"]) == (0, 6)
    assert proof["strings"] > proof["rows"]
    assert proof["windows"] > 1000
    kinds = {"generic": {"neutral"}, "none": {"none"}, "mix": {"neutral", "none"}}[system]
    for config, splits in counts.items():
        told = proof["system_messages"][config]
        assert set(told) == kinds
        assert sum(told.values()) == sum(splits.values())
        card = (written.dataset / "README.md").read_text()
        assert f"| {config} | {' | '.join(str(told[kind]) for kind in sorted(kinds))} |" in card
    assert f"All {proof['rows']} rows were read back" in card
    assert f"`{system}`" in card


def test_the_shipped_neutral_message_is_one_sentence_that_urges_nothing():
    text = prompts.load().text("system_generic")
    assert text.count(".") == 1
    assert text.endswith(".")
    urging = {
        "careful",
        "carefully",
        "cautious",
        "truthful",
        "accurate",
        "correct",
        "step",
        "think",
        "sure",
        "always",
        "never",
    }
    assert not urging & set(text.lower().strip(".").split())


def test_tasks_with_a_truth_and_a_pass_rate_between_0_and_1_are_rows_of_rl(written):
    counts = written.write()
    answers = [orjson.loads(line) for line in (written.path / "answers.jsonl").read_bytes().splitlines()]
    for row in rows_of(written.dataset, "rl"):
        own = [one["sample"] > 0 for one in answers if one["task"] == row["id"] and not one["explored"]]
        assert (row["samples"], row["pass_rate"]) == (len(own), sum(own) / len(own))
        assert row["samples"] >= 4
        assert 0 < row["pass_rate"] < 1
        assert (row["ground_truth"], row["check"], row["check_source"]) == ("225", "number", "program:sums")
    assert counts["rl"]["train"] > 0
    assert (
        f"| number | answer | program | {sum(counts['rl'].values())} |" in (written.dataset / "README.md").read_text()
    )
    more = written.write(rl_minimum=2)
    assert more["rl"]["train"] >= counts["rl"]["train"]
    assert "rl" not in written.write(rl_minimum=99)


def test_where_every_answer_passes_there_is_nothing_to_learn(written):
    change(
        written.path / "answers.jsonl",
        lambda _: {"outcomes": [{"name": "number", "kind": "answer", "passed": True, "detail": ""}]},
    )
    assert "rl" not in written.write()
    assert "## Checks" not in (written.dataset / "README.md").read_text()


def test_strategy_text_in_an_answer_stops_the_export_and_leaves_the_old_folder(written):
    written.write()
    before = files(written.dataset)
    quoted = prompts.load().strategy("step-by-step").split(". ")[1].upper()
    for sample in range(written.prepared.config.samples):
        plant_in_answer(written, sample, f"As told: {quoted}")
    with pytest.raises(LeakError, match=r"row c\d+\S+ of \w+ quotes a strategy prompt: \"move forward in small moves"):
        written.write()
    assert files(written.dataset) == before
    assert not (written.path / ".dataset.new").exists()


def plant_in_answer(written, sample, text):
    """Put a text in the place of one sample of every task."""
    change(written.path / "answers.jsonl", lambda row: {"text": text} if row["sample"] == sample else {})


def test_what_the_card_says_is_searched_too(written):
    with pytest.raises(LeakError, match="the dataset card"):
        written.write({"strategies/direct-answer": "Answers are a model's: they may be wrong, and so on.\n"})


def test_a_neutral_message_that_a_strategy_repeats_is_a_leak(written):
    generic = prompts.load().text("system_generic")
    edited = {"strategies/direct-answer": f"{generic} Then give the answer and nothing else at all.\n"}
    with pytest.raises(LeakError, match="quotes a strategy prompt"):
        written.write(edited)
    written.write(edited, system="none")


def test_no_rows_leave_no_folder(written):
    written.write()
    for name in ("tasks", "answers", "judged", "pairs"):
        (written.path / f"{name}.jsonl").write_bytes(b"")
    shutil.rmtree(written.path / "rejected")
    assert written.write(include_seeds=False) == {}
    assert not written.dataset.exists()


def test_a_kill_between_the_renames_is_healed_by_the_next_write(written):
    written.write()
    before = files(written.dataset)
    written.dataset.rename(written.path / ".dataset.old")
    (written.path / ".dataset.new").mkdir()
    (written.path / ".dataset.new" / "half").write_bytes(b"torn")
    folder.recover(written.dataset)
    assert files(written.dataset) == before
    written.write()
    assert files(written.dataset) == before
    assert not list(written.path.glob(".dataset*"))


def test_a_kill_after_the_renames_leaves_the_new_folder(written):
    written.write()
    before = files(written.dataset)
    shutil.copytree(written.dataset, written.path / ".dataset.old")
    folder.recover(written.dataset)
    written.write()
    assert files(written.dataset) == before
    assert not list(written.path.glob(".dataset*"))


def test_tasks_that_the_line_has_not_finished_are_left_out(written):
    whole = written.write()
    path = written.path / "pairs.jsonl"
    with written.prepared.run.journal("pairs") as journal:
        journal.drop_from(journal.committed // 2)
    counts = written.write()
    assert counts["dpo"]["train"] < whole["dpo"]["train"]
    assert len(path.read_bytes().splitlines()) == sum(counts["dpo"].values())


def test_a_folder_that_was_exported_anew_loads_its_new_rows_whatever_was_cached(written: Written, tmp_path: Path):
    roles = []
    for system in ("generic", "none"):
        written.write(system=system)
        rows = load(written.dataset, tmp_path, "sft")["train"]
        roles.append({message["role"] for row in rows for message in row["prompt"]})
    assert roles == [{"system", "user"}, {"user"}]
