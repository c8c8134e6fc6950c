"""The line on a real vLLM with a tiny model of random weights; `make test-vllm` finds or builds one.

The rehearsal proposes, since nothing that a random model proposes gets through; the real server answers and judges.
"""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tiny_model
from conftest import SEEDS, clean_environment, command, expand, outputs
from processes import MARK, gone, named

from synthgen import prompts, watch
from synthgen.errors import PassingError, StopError
from synthgen.records import Reply
from synthgen.teacher.dispatch import Dispatch
from synthgen.teacher.terms import Terms
from synthgen.teacher.vllm import OwnClient, Plan, Server
from synthgen.teacher.wire import Binding

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(1800)]
# The last two: a prompt that is read in pieces ends vLLM 0.32 for CPUs when its request has a seed.
ARGUMENTS = (
    "--dtype", "float32", "--enforce-eager", "--max-num-seqs", "64", "--no-enable-chunked-prefill",
    "--max-num-batched-tokens", "8192",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """One GiB of memory for the KV cache where vLLM runs on a CPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
        yield


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny model."""
    folder = tmp_path_factory.mktemp("model") / "tiny"
    tiny_model.main(folder)
    return folder


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A mark in the environment of what a test starts. Nothing may be left of it."""
    monkeypatch.setenv(MARK, str(tmp_path))
    yield str(tmp_path)
    assert gone(str(tmp_path)), "a process outlived its starter"


def config(model: Path, **more: object) -> dict:
    """The rehearsal proposes, the real server answers and judges."""
    spec = {"spec": f"vllm:{model}"}
    return {
        "teacher": {"spec": "rehearsal"}, "roles": {"answer": spec, "judge": spec}, "samples": 2, "concurrency": 32,
        "vllm_args": ARGUMENTS, "decoding": {"answer": {"temperature": 0.8, "max_tokens": 48}},
    } | more  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """A whole run, for reading only."""
    out = tmp_path_factory.mktemp("real") / "run"
    expand(out, **config(model))
    print(json.dumps(report_of(out)["vllm"], indent=1), file=sys.__stderr__)
    return out


def report_of(run: Path) -> dict:
    """The report of a run."""
    return json.loads((run / "report.json").read_bytes())


def test_the_line_runs_to_a_dataset(run: Path, model: Path):
    report = report_of(run)
    assert report["stopped"]["reason"] == "done"
    assert report["stages"]["answers"]["out"] > 10
    assert report["rejected"]["answer"]["length"] > 0, "a reply that was cut is no answer"
    for stage in report["stages"].values():
        assert stage["in"] > 0
    assert report["owed"] == dict.fromkeys(report["owed"], 0)
    assert (run / "dataset" / "README.md").exists()
    generative = json.loads((run / "config.json").read_bytes())["generative"]
    assert generative["teacher"]["answer"]["identity"].startswith(f"vllm:{model.name}@")


def test_the_report_has_what_vllm_says_of_itself(run: Path):
    found = report_of(run)["vllm"]
    assert (found["model"], found["servers"]) == ("tiny", 1)
    assert found["version"][0].isdigit()
    assert found["seconds_to_start"] > 1
    assert found["generation_tokens"] > 1000
    assert found["generation_tokens_per_second"] > 0 < found["prompt_tokens_per_second"]
    assert 0 < found["prefix_cache_hit_share"] < 1
    assert 0 <= found["kv_cache_use_peak"] < 1


def test_the_cached_share_is_what_the_replies_said(run: Path):
    report = report_of(run)
    assert 0 < report["cached_tokens"] < report["prompt_tokens"]
    hits = report["vllm"]["prefix_cache_hit_share"] * report["vllm"]["prompt_tokens"]
    assert report["cached_tokens"] == pytest.approx(hits, rel=0.05)


def test_the_same_command_starts_no_vllm_and_asks_nothing(run: Path, model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VLLM_BIN", "/nowhere/vllm")
    before = outputs(run)
    report = expand(run, **config(model))
    assert report["calls"] == 0
    assert outputs(run) == before


def test_a_teacher_that_proposes_nothing_usable_ends_the_run_honestly(mark: str, model: Path, tmp_path: Path):
    decoding = {"propose": {"temperature": 1.0, "max_tokens": 256}}
    report = expand(tmp_path / "run", **config(model, teacher={"spec": f"vllm:{model}"}, roles={}, decoding=decoding))
    assert report["stopped"]["reason"] == "nothing_gets_through"
    assert report["accepted"] == 0
    assert report["vllm"]["servers"] == 1


def test_prompts_that_one_has_are_answered(mark: str, model: Path, tmp_path: Path):
    prompts_file, vllm_config = tmp_path / "prompts.jsonl", tmp_path / "vllm.toml"
    prompts_file.write_text("".join(json.dumps({"prompt": f"Name {number} rivers."}) + "\n" for number in range(40)))
    vllm_config.write_text(f"vllm_args = {json.dumps(ARGUMENTS)}\n[decoding.answer]\nmax_tokens = 40\n")
    done = command(
        "answer", prompts_file, "--out", tmp_path / "run", "--strategy", "none", "--teacher", f"vllm:{model}", "--config",
        vllm_config, "--no-prefect", **wanted(mark),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "is healthy after" in done.stderr
    assert "vLLM" in done.stdout
    report = report_of(tmp_path / "run")
    assert (report["stopped"]["reason"], report["calls"]) == ("done", 40)
    assert sum(report["rows"]["sft"].values()) > 10


async def asked(way: Dispatch, body: dict) -> Reply:
    """The reply to a body."""
    return (await way.post(body, Binding(identity="", model="tiny"), 500, "a test")).reply


async def asked_for_ever(way: Dispatch, body: dict) -> None:
    """One reply after the other."""
    while True:
        await asked(way, body)


async def test_replies_to_a_schema_are_json_and_a_server_told_to_end_is_not_waited_for(
    mark: str, model: Path, tmp_path: Path
):
    form = {"name": "vet", "strict": True, "schema": prompts.load().schema("vet").body}
    body = {
        "model": "tiny", "messages": [{"role": "user", "content": "Fill in this form."}], "temperature": 1.0,
        "max_tokens": 400, "response_format": {"type": "json_schema", "json_schema": form},
    }  # fmt: skip
    plan = Plan(str(model), "tiny", tmp_path / "vllm.log", ARGUMENTS, pulse_seconds=0.5)
    async with Server(plan, os.environ) as server, Terms().over(OwnClient(server)) as way:
        replies = await asyncio.gather(*(asked(way, {**body, "seed": seed}) for seed in range(16)))
        whole = [json.loads(reply.text, strict=False) for reply in replies if reply.finish == "stop"]
        assert whole
        assert all(set(value) == set(form["schema"]["required"]) for value in whole)
        assert all(isinstance(value["valid"], bool) and 1 <= value["difficulty"] <= 5 for value in whole)
        long = {key: value for key, value in body.items() if key != "response_format"} | {"min_tokens": 400}
        (answering,) = api_servers(mark)
        os.kill(answering, signal.SIGTERM)  # from here on it may answer what it was asked, and nothing else, for ever
        with pytest.raises(PassingError, match="ended while it was used"):
            await asked_for_ever(way, long)
    assert ended(mark, answering)


def api_servers(mark: str) -> set[int]:
    """The process that answers: called as we call it, and not by the watcher."""
    return set(named(mark, " serve ")) - set(named(mark, "watch.py"))


def ended(mark: str, session: int) -> bool:
    """Whether all has ended: vLLM's engine and worker write over their environment, and are known by their session."""
    return gone(mark) and eventually(lambda: not list(watch.members(session)), 15)


def wanted(mark: str) -> dict[str, str]:
    """What a command has in its environment."""
    kept = {name: os.environ[name] for name in ("VLLM_BIN", "VLLM_CPU_KVCACHE_SPACE") if name in os.environ}
    return {**kept, MARK: mark}


def started(mark: str, out: Path, values: dict) -> subprocess.Popen[bytes]:
    """The command, as a process of its own that can be killed."""
    path = out.with_suffix(".toml")
    lines = [f"{key} = {json.dumps(values[key])}" for key in ("samples", "concurrency", "vllm_args")]
    lines += [f"[roles.{role}]\nspec = {json.dumps(one['spec'])}" for role, one in values["roles"].items()]
    lines += [
        f"[decoding.{stage}]\n" + "\n".join(f"{name} = {value}" for name, value in one.items())
        for stage, one in values["decoding"].items()
    ]
    path.write_text("\n".join(lines) + "\n")
    words = ["expand", "--out", out, "--seeds", SEEDS, "--teacher", "rehearsal", "--config", path, "--target", 40]
    return subprocess.Popen(
        [sys.executable, "-c", "from synthgen.cli import main; main()", *map(str, words), "--no-prefect", "--no-judge"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**clean_environment(), **wanted(mark)},
    )


def answered(out: Path) -> int:
    """How many answers the ledger holds."""
    if not (out / "ledger.sqlite").exists():
        return 0
    with contextlib.closing(sqlite3.connect(out / "ledger.sqlite")) as db:
        try:
            return db.execute("select count(*) from calls where role = 'answer'").fetchone()[0]
        except sqlite3.OperationalError:
            return 0


def eventually(true: Callable[[], object], seconds: float = 600) -> bool:
    """Whether something becomes true within a while."""
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_however_we_or_the_server_end_nothing_is_left_and_the_same_command_goes_on(
    mark: str, model: Path, tmp_path: Path
):
    out = tmp_path / "run"
    values = config(model, concurrency=2, samples=12)  # enough work to be stopped in its midst three times

    def run_until(true: Callable[[], object]) -> tuple[subprocess.Popen[bytes], int]:
        """Start the command and wait for something; the process, and the session of its vLLM."""
        process = started(mark, out, values)
        assert eventually(lambda: true() or process.poll() is not None)
        assert process.poll() is None, process.communicate()[1]
        (server,) = api_servers(mark)
        return process, os.getsid(server)

    # Killed while vLLM starts, when it ignores SIGTERM.
    log = out / "vllm.log"
    process, session = run_until(lambda: log.exists() and "APIServer" in log.read_text())
    process.kill()
    process.communicate()
    assert ended(mark, session)

    # Killed while it serves: the engine and its worker are processes of their own.
    process, session = run_until(lambda: answered(out) >= 10)
    assert len(list(watch.members(session))) >= 3
    process.kill()
    process.communicate()
    assert ended(mark, session)

    # Interrupted.
    before = answered(out)
    process, session = run_until(lambda: answered(out) >= before + 10)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 3, errors
    assert b"Traceback" not in errors
    assert ended(mark, session)

    # The API server is killed under us; engine and worker survive it.
    before = answered(out)
    process, session = run_until(lambda: answered(out) >= before + 10)
    os.kill(session, signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 3, errors
    assert b"ended while it was used (signal 9)" in errors
    assert str(out / "vllm.log").encode() in errors
    assert ended(mark, session)

    # To the end.
    before = answered(out)
    process = started(mark, out, values)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    report = report_of(out)
    assert report["stopped"]["reason"] == "done"
    assert report["steps"]["answer"]["calls"] == answered(out) - before, "an answer was paid for twice"


@pytest.mark.parametrize("source", ["no/such-model", "damaged"])
def test_a_model_that_cannot_be_served_is_one_line_from_the_log(mark: str, model: Path, tmp_path: Path, source: str):
    if source == "damaged":
        source = str(tmp_path / "damaged")
        tiny_model.main(Path(source))
        weights = Path(source) / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:100_000])
    with pytest.raises(StopError) as error:
        expand(tmp_path / "run", teacher={"spec": f"vllm:{source}"}, vllm_args=ARGUMENTS)
    said = str(error.value)
    print(said, file=sys.__stderr__)
    assert said.startswith(f"`vllm serve {source}` did not start (exit code 1): ")
    assert "Error" in said
    assert said.endswith(f"its log is {tmp_path}/run/vllm.log")
    assert "\n" not in said
