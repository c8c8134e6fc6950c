"""Every command as a user types it."""

import json
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from conftest import SEEDS, clean_environment, command, few_seeds, outputs

import synthgen


def said(*arguments: object, code: int = 0, **environment: str) -> str:
    """What a command writes on standard output, its exit code checked."""
    done = command(*arguments, **environment)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def first(run: Path, name: str) -> dict:
    """The first record of a file."""
    return json.loads((run / name).read_text(encoding="utf-8").splitlines()[0])


def test_show_prints_the_report_again(finished: Path):
    text = said("show", finished)
    assert "30 accepted of 30 requested" in text
    assert "REHEARSAL" in text
    for words in ("dropped by grow", "strategy step-by-step", "pairs:", "calls,", "dataset:"):
        assert words in text


def test_why_a_row_tells_everything_from_the_seeds_to_the_dataset(finished: Path):
    pair = first(finished, "pairs.jsonl")
    task = next(one for one in synthgen.Run(finished).records("tasks") if one.id == pair["task"])
    text = said("why", finished, pair["id"])
    instruction = next(one for one in synthgen.Run(finished).records("instructions") if one.id == task.parent)
    places = [
        text.index(words)
        for words in (
            f"{instruction.id}  an instruction, accepted",
            f"parents: {', '.join(instruction.parents)}",
            f"nearest: {instruction.nearest.id}, ROUGE-L",
            f"{task.id}  a task: {task.category}",
            f"strategy: {task.strategy}",
            "a candidate by rehearsal-strong",
            "verdict: mean",
            f"a pair: {pair['chosen']}",
            f"{pair['id']}  a row of dpo/",
            "as propose, asked of rehearsal-strong",
            "Go on with the collection",
            "as judge, asked of rehearsal-strong",
        )
    ]
    assert places == sorted(places)
    assert task.instruction in text


def test_why_a_rejected_proposal_names_its_neighbour_and_the_score(finished: Path):
    rows = [json.loads(line) for line in (finished / "rejected" / "grow.jsonl").read_text().splitlines()]
    near = next(row for row in rows if row["reason"] == "near_duplicate")
    text = said("why", finished, near["id"])
    assert "rejected by grow: near_duplicate" in text
    assert near["evidence"] in text
    assert f"nearest: {near['nearest'][0]}, ROUGE-L {near['nearest'][1]:.3f} (above 0.7 is rejected)" in text


def test_why_a_seed_says_what_descends_from_it(finished: Path):
    root = first(finished, "instructions.jsonl")["root_id"]
    text = said("why", finished, root)
    assert "a seed, on the" in text
    assert "nearest ancestor of" in text
    assert f"{root}-0  a row of sft/" in text


def test_every_id_of_a_run_has_a_story(finished: Path):
    run = synthgen.Run(finished)
    for stage in ("instructions", "tasks", "answers", "judged", "pairs"):
        for one in list(run.records(stage))[:3]:
            assert one.id.removesuffix("-p") in run.why(one.id)
    for path in (finished / "rejected").glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines()[:2]:
            row = json.loads(line)
            assert f"rejected by {path.stem}: {row['reason']}" in run.why(row["id"])


def test_why_an_unknown_id_is_one_line(finished: Path):
    done = command("why", finished, "c999999-9")
    assert done.returncode == 1
    assert done.stderr.startswith("synthgen:")
    assert "knows no id c999999-9" in done.stderr


def test_why_shows_control_characters_as_escapes(finished: Path, tmp_path: Path):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    path = run / "rejected" / "grow.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0]["evidence"] = "\x1b[31mred"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = said("why", run, rows[0]["id"])
    assert "\x1b" not in text
    assert r"\x1b[31mred" in text


@pytest.mark.parametrize("words", [("show",), ("why", "c000000-0"), ("export",)])
def test_a_folder_that_is_no_run_is_one_line(tmp_path: Path, words: tuple):
    done = command(words[0], tmp_path, *words[1:])
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


STAGES = ("propose", "classify", "instantiate", "vet", "answer", "judge")


def test_prompts_shows_every_request_with_its_size_and_asks_nothing():
    text = said("prompts", "--seeds", SEEDS)
    assert [line.split()[1].rstrip(":") for line in text.splitlines() if line.startswith("--- ")] == list(STAGES)
    assert text.count(" tokens") == len(STAGES)
    assert "Go on with the collection" in text


@pytest.mark.parametrize("mode", ["default", "parity"])
@pytest.mark.parametrize("stage", STAGES)
def test_prompts_of_one_stage_are_json_bodies(stage: str, mode: str):
    head, _, body = said("prompts", stage, "--seeds", SEEDS, "--mode", mode).partition("\n")
    assert head.startswith(f"--- {stage}:")
    assert json.loads(body)["messages"]


def test_prompts_of_a_stage_that_is_not_there_is_one_line():
    done = command("prompts", "dance", "--seeds", SEEDS)
    assert done.returncode == 1
    assert "there is no stage dance" in done.stderr


def test_the_request_shown_is_the_request_sent(finished: Path):
    shown = json.loads(said("prompts", "propose", "--seeds", SEEDS).partition("\n")[2])
    text = said("why", finished, "c000000-0")
    assert shown["messages"][1]["content"].splitlines()[2] in text


def test_a_pilot_says_what_the_teacher_does_and_what_a_row_costs(tmp_path: Path):
    text = said("pilot", "--seeds", SEEDS, "--n", 8, "--out", tmp_path / "pilot", "--teacher", "rehearsal")
    for words in ("accepted: ", "instantiate: ", "vet: ", "answer: ", "judge: "):
        assert words in text
    assert "readable" in text
    assert "refused" in text
    assert "pairs: " in text
    assert "ties" in text
    assert "cost of an SFT row: " in text


def test_init_writes_what_expand_takes(tmp_path: Path):
    folder = tmp_path / "mine"
    written = said("init", folder).splitlines()
    assert {"synthgen.toml", "categories.toml", "judge.txt", "step-by-step.txt", "seed_tasks.jsonl", "expand.py"} <= {
        Path(line).name for line in written
    }
    said(
        "expand", "--seeds", folder / "seeds", "--prompts", folder / "prompts", "--config", folder / "synthgen.toml",
        "--out", tmp_path / "run", "--target", 5, "--teacher", "rehearsal", "--no-prefect",
    )  # fmt: skip
    assert command("init", folder).returncode == 1, "it never overwrites"


def test_a_strategy_of_ones_own_is_used_and_erased(tmp_path: Path):
    folder = tmp_path / "mine"
    said("init", folder)
    policy = folder / "prompts" / "categories.toml"
    policy.write_text(policy.read_text().replace('strategy = "step-by-step"', 'strategy = "rubber-duck"'))
    sentence = "Tell a rubber duck each of your steps before you settle on the outcome."
    (folder / "prompts" / "strategies" / "rubber-duck.txt").write_text(sentence + "\n")
    said(
        "expand", "--seeds", SEEDS, "--prompts", folder / "prompts", "--out", tmp_path / "run", "--target", 20,
        "--teacher", "rehearsal", "--no-prefect",
    )  # fmt: skip
    rows = [row for split in synthgen.Run(tmp_path / "run").dataset("sft").values() for row in split]
    assert any(row["strategy"] == "rubber-duck" for row in rows)
    assert all("rubber duck" not in json.dumps(row) for row in rows)


def test_a_policy_that_names_an_unknown_strategy_is_one_line(tmp_path: Path):
    folder = tmp_path / "mine"
    said("init", folder)
    policy = folder / "prompts" / "categories.toml"
    policy.write_text(policy.read_text().replace('strategy = "step-by-step"', 'strategy = "guess"', 1))
    done = command(
        "expand", "--seeds", SEEDS, "--prompts", folder / "prompts", "--out", tmp_path / "run", "--no-prefect"
    )
    assert done.returncode == 1
    assert "names the strategy guess, which has no prompt" in done.stderr


def test_export_writes_the_same_dataset_again(finished: Path, tmp_path: Path):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    shutil.rmtree(run / "dataset")
    counts = json.loads(said("export", run))
    assert counts["sft"]["train"] > 0
    assert outputs(run) == outputs(finished)


def test_export_takes_export_keys_for_this_once(finished: Path, tmp_path: Path):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    counts = json.loads(said("export", run, "--system", "mix", "--no-include-seeds"))
    rows = [row for split in synthgen.Run(run).dataset("sft").values() for row in split]
    assert {row["source"] for row in rows} == {"teacher"}
    assert {row["prompt"][0]["role"] for row in rows} == {"system", "user"}
    assert len(rows) == sum(counts["sft"].values())
    said("export", run, "--no-erase")
    assert "**Not erased:**" in (run / "dataset" / "README.md").read_text()
    said("export", run)
    assert outputs(run) == outputs(finished)
    wrong = command("export", run, "--system", "cautious")
    assert wrong.returncode == 1
    assert "the config key system cannot be 'cautious'" in wrong.stderr
    assert outputs(run) == outputs(finished)


@pytest.mark.parametrize("flag", ["--no-include-seeds", "--no-erase", "--system=none"])
def test_export_keys_rewrite_only_the_dataset(finished: Path, tmp_path: Path, flag: str):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    said("expand", "--seeds", SEEDS, "--out", run, "--target", 30, "--teacher", "rehearsal", "--no-prefect", flag)
    before, after = outputs(finished), outputs(run)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed
    assert all(name.startswith("dataset/") for name in changed)
    report = json.loads((run / "report.json").read_text())
    assert report["calls"] == 0
    rows = [row for split in synthgen.Run(run).dataset("sft").values() for row in split]
    systems = [message["content"] for row in rows for message in row["prompt"] if message["role"] == "system"]
    if flag == "--no-include-seeds":
        assert {row["source"] for row in rows} == {"teacher"}
    elif flag == "--system=none":
        assert systems == []
    else:
        assert len(set(systems)) > 1


@pytest.mark.parametrize("flags", [("--no-judge",), ("--samples", 1)])
def test_without_a_judge_there_are_no_pairs(tmp_path: Path, flags: tuple):
    run = tmp_path / "run"
    said("expand", "--seeds", SEEDS, "--out", run, "--target", 8, "--teacher", "rehearsal", "--no-prefect", *flags)
    kept = {path.name for path in (run / "dataset").iterdir() if path.is_dir()}
    assert kept == {"sft", "sft_messages", "plots", "training"}


def test_a_judge_of_its_own_is_asked_and_named(tmp_path: Path):
    run = tmp_path / "run"
    said(
        "expand", "--seeds", SEEDS, "--out", run, "--target", 8, "--teacher", "rehearsal", "--judge", "rehearsal-weak",
        "--no-prefect",
    )  # fmt: skip
    rows = [row for split in synthgen.Run(run).dataset("dpo").values() for row in split]
    assert {json.loads(row["metadata_json"])["judge"] for row in rows} == {"rehearsal-weak"}
    assert {json.loads(row["metadata_json"])["teacher"] for row in rows} == {"rehearsal-strong"}


def test_the_teacher_may_stand_in_the_config_file(tmp_path: Path):
    (tmp_path / "c.toml").write_text('[teacher]\nspec = "rehearsal-weak"\n')
    done = command(
        "expand", "--seeds", SEEDS, "--out", tmp_path / "run", "--config", tmp_path / "c.toml", "--target", 5, "--no-prefect",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run" / "config.json").read_text())["specs"]["propose"] == "rehearsal-weak"
    assert "because" not in done.stderr


@pytest.mark.parametrize("unit", ["rows", "pairs"])
def test_a_target_may_count_rows_or_pairs(tmp_path: Path, unit: str):
    run = tmp_path / "run"
    said(
        "expand", "--seeds", SEEDS, "--out", run, "--target", 20, "--target-unit", unit, "--teacher", "rehearsal",
        "--no-prefect",
    )  # fmt: skip
    report = json.loads((run / "report.json").read_text())
    made = {"pairs": sum(report["rows"]["dpo"].values()), "rows": report["tasks"]}[unit]
    assert made >= 20


def test_parity_mode_runs_the_whole_line_without_a_test_side(tmp_path: Path):
    run = tmp_path / "run"
    said(
        "expand",
        "--seeds",
        SEEDS,
        "--out",
        run,
        "--target",
        20,
        "--mode",
        "parity",
        "--teacher",
        "rehearsal",
        "--no-prefect",
    )
    report = json.loads((run / "report.json").read_text())
    assert report["accepted"] == 20
    assert set(report["rows"]["sft"]) == {"train"}
    assert "no test split" in (run / "dataset" / "README.md").read_text()
    assert all(one.instruction[1:] == one.instruction[1:].lower() for one in synthgen.Run(run).records("instructions"))


def test_check_seeds_reports_in_words_and_as_json():
    words = said("check-seeds", SEEDS)
    assert "seeds: 175" in words
    assert words.splitlines()[-1] == "no problems"
    assert json.loads(said("check-seeds", SEEDS, "--json"))["seeds"] == 175


def test_check_seeds_exits_with_one_where_something_is_wrong(tmp_path: Path):
    path = few_seeds(tmp_path / "seeds.jsonl", 3)
    path.write_text(path.read_text() + '{"instruction": "Do it.", "input": "", "output": "x"}\n')
    assert "too_short" in said("check-seeds", path, code=1)


def test_rehearsal_serves_until_it_is_interrupted():
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from synthgen.cli import main; main()",
            "rehearsal",
            "--port",
            "0",
            "--profile",
            "weak",
        ],
        stdout=subprocess.PIPE,
        env=clean_environment(),
    )
    port = json.loads(process.stdout.readline())["port"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models") as answer:
        assert b"rehearsal-weak" in answer.read()
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    process.stdout.close()


HOT_PATH = """
import sys
from synthgen.cli import app
app([{arguments}], standalone_mode=False)
heavy = {{"openai", "datasets", "prefect", "torch", "vllm", "transformers"}} & set(sys.modules)
assert not heavy, heavy
"""


def test_nothing_heavy_is_imported_without_prefect(tmp_path: Path):
    arguments = [
        "expand",
        "--seeds",
        str(SEEDS),
        "--out",
        str(tmp_path / "run"),
        "--target",
        "5",
        "--no-prefect",
        "--teacher",
        "rehearsal",
    ]
    script = HOT_PATH.format(arguments=", ".join(map(repr, arguments)))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=clean_environment(), check=False
    )
    assert done.returncode == 0, done.stderr


def test_python_sees_what_the_command_made(finished: Path):
    run = synthgen.Run(finished)
    assert run.report["accepted"] == 30 == len(list(run.records("instructions")))
    assert set(run.dataset("dpo")["train"].column_names) >= {"prompt", "chosen", "rejected"}
    with pytest.raises(synthgen.SynthgenError, match="there is no stage nonsense"):
        run.records("nonsense")


def test_expand_is_a_function_too(tmp_path: Path):
    run = synthgen.expand(SEEDS, tmp_path / "run", target=5, teacher="rehearsal")
    assert run.report["accepted"] == 5


async def test_aexpand_is_its_twin_for_notebooks(tmp_path: Path):
    run = await synthgen.aexpand(seeds=str(SEEDS), out=str(tmp_path / "run"), target=5, teacher="rehearsal")
    assert run.report["accepted"] == 5


def test_a_key_is_written_shown_and_kept_nowhere(tmp_path: Path):
    secret = "sk-made-up-for-this-test"
    done = command(
        "expand", "--seeds", SEEDS, "--out", tmp_path / "run", "--target", 3, "--teacher", "rehearsal", "--no-prefect",
        OPENAI_API_KEY=secret,
    )  # fmt: skip
    assert done.returncode == 0
    assert secret not in done.stdout + done.stderr
    assert all(secret.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
