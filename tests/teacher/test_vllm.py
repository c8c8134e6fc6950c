"""A vLLM of our own, played by a stand-in: found, started once and only when owed, watched, ended however we end."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import SEEDS, clean_environment, expand, outputs
from processes import MARK, gone, living, named

from synthgen import specs, watch
from synthgen.errors import ConfigError, PassingError, StopError, TeacherError
from synthgen.teacher import vllm
from synthgen.teacher.vllm import Plan, Server

STANDIN = Path(__file__).with_name("vllm_standin.py")


def program(path: Path, text: str) -> Path:
    """An executable script."""
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def standin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The stand-in as VLLM_BIN; the mark of what it starts. Nothing may be left of it."""
    mark = str(tmp_path)
    found = program(tmp_path / "vllm", f'#!/bin/sh\nexec "{sys.executable}" "{STANDIN}" "$@"\n')
    monkeypatch.setenv("VLLM_BIN", str(found))
    monkeypatch.setenv(MARK, mark)  # for what is started from here on; this process has none
    yield mark
    assert gone(mark), "a process outlived its starter"


def line(out: Path, *args: str, **values: object) -> dict:
    """Run the line with the stand-in as teacher; the report."""
    chosen = {"teacher": {"spec": "vllm:org/model"}, "target": 12, "vllm_args": args} | values
    return expand(out, **chosen)


def starts(run: Path, log: str = "vllm.log") -> int:
    """How often a server was started in a run."""
    return (run / log).read_text().count("starting ")


def test_the_line_runs_on_a_server_that_it_starts_and_a_rerun_starts_none(standin: str, tmp_path: Path, monkeypatch):
    out = tmp_path / "run"
    report = line(out, "--late", "0.5")
    found = report["vllm"]
    assert (report["stopped"]["reason"], report["accepted"]) == ("done", 12)
    assert (found["model"], found["version"], found["servers"]) == ("org/model", "0.0.standin", 1)
    assert found["seconds_to_start"] >= 0.5
    assert found["generation_tokens"] == 20 * found["prompt_tokens"] // 100 > 0
    assert (found["prefix_cache_hit_share"], found["kv_cache_use_peak"], found["requests_running_peak"]) == (
        0.5,
        0.25,
        3,
    )
    assert (
        json.loads((out / "config.json").read_bytes())["generative"]["teacher"]["answer"]["identity"]
        == "vllm:org/model"
    )
    assert gone(standin)
    monkeypatch.setenv("VLLM_BIN", "/nowhere/vllm")
    before = outputs(out)
    again = line(out)
    assert (again["calls"], outputs(out)) == (0, before)
    assert "vllm" not in again
    assert starts(out) == 1


def test_roles_with_one_spec_share_a_server_and_another_spec_has_another(standin: str, tmp_path: Path):
    roles = {"judge": {"spec": "vllm:org/model", "key_env": "OTHER"}, "answer": {"spec": "vllm:org/second"}}
    report = line(tmp_path / "run", roles=roles)
    assert report["stopped"]["reason"] == "done"
    assert report["vllm"]["servers"] == 2
    assert report["vllm"]["model"] == "org/model, org/second"
    logs = [(tmp_path / "run" / name).read_text() for name in ("vllm.log", "vllm-2.log")]
    assert "starting org/model" in logs[0]
    assert "starting org/second" in logs[1]


def test_a_server_that_fails_is_tried_once_and_the_log_says_why(standin: str, tmp_path: Path):
    out = tmp_path / "run"
    with pytest.raises(StopError) as error:
        line(out, "--fails")
    assert str(error.value) == (
        "`vllm serve org/model` did not start (exit code 1): ValueError: the weights are those of another model.; "
        f"its log is {out}/vllm.log"
    )
    assert starts(out) == 1


def test_calls_that_wait_for_a_server_that_fails_do_not_start_it_again(standin: str, tmp_path: Path):
    out = tmp_path / "run"
    report = line(out, "--fails", teacher={"spec": "rehearsal"}, roles={"answer": {"spec": "vllm:org/model"}})
    assert report["stopped"]["reason"] == "StopError"
    assert "the weights are those of another model" in report["stopped"]["advice"]
    assert report["accepted"] > 0
    assert starts(out) == 1


def test_an_argument_that_vllm_does_not_know_is_named(standin: str, tmp_path: Path):
    with pytest.raises(StopError, match=r"exit code 2.*vllm: error: unrecognized arguments: --no-such"):
        line(tmp_path / "run", "--no-such")


def test_a_server_that_is_not_healthy_in_time_is_ended(standin: str, tmp_path: Path):
    with pytest.raises(PassingError) as error:
        line(tmp_path / "run", "--late", "600", "--stubborn", vllm_start_seconds=0.7)
    assert "was not healthy within 0.7 s" in str(error.value)
    assert "vllm_start_seconds" in str(error.value)


def test_a_server_that_dies_in_use_stops_the_line_which_goes_on_to_the_same_bytes(standin: str, tmp_path: Path):
    whole, out = tmp_path / "whole", tmp_path / "run"
    line(whole)
    report = line(out, "--dies", "60")
    assert report["stopped"]["reason"] == "PassingError"
    assert (
        "`vllm serve org/model` ended while it was used (exit code 1): RuntimeError: out of memory"
        in (report["stopped"]["advice"])
    )
    assert report["ledger"]["calls"] > 20
    assert gone(standin)
    assert line(out)["stopped"]["reason"] == "done"
    assert outputs(out) == outputs(whole)


async def test_a_server_that_stops_to_listen_is_not_waited_for(standin: str, tmp_path: Path):
    plan = Plan("org/model", "org/model", tmp_path / "vllm.log", ("--mute", "1"), pulse_seconds=0.1)
    async with Server(plan, os.environ) as server, vllm.OwnClient(server) as client:
        with pytest.raises(PassingError, match=r"ended while it was used \(it answers no more\)"):
            await client.once(
                server.url, b'{"model": "org/model", "messages": [{"role": "user", "content": "Hi"}]}', "chat"
            )


@pytest.mark.parametrize("milliseconds", [0, 1, 2, 3, 5, 8, 12, 20, 30, 50, 80])
async def test_stopped_at_any_moment_of_the_start_nothing_is_left(standin: str, tmp_path: Path, milliseconds: int):
    plan = Plan("org/model", "org/model", tmp_path / "vllm.log", ("--late", "600"))
    task = asyncio.create_task(Server(plan, os.environ).__aenter__())
    await asyncio.sleep(milliseconds / 1000)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone(standin)


async def test_a_cancelled_start_leaves_nothing(standin: str, tmp_path: Path):
    plan = Plan("org/model", "org/model", tmp_path / "vllm.log", ("--late", "600", "--stubborn"))
    task = asyncio.create_task(Server(plan, os.environ).__aenter__())
    while not named(standin, "vllm_standin"):
        await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert living(standin) == []


def started(mark: str, out: Path, *args: str) -> subprocess.Popen[bytes]:
    """The command, as a process of its own that can be killed."""
    config = out.with_suffix(".toml")
    config.write_text(f"vllm_args = {json.dumps(args)}\n")
    words = [
        "expand",
        "--out",
        out,
        "--seeds",
        SEEDS,
        "--teacher",
        "vllm:org/model",
        "--config",
        config,
        "--no-prefect",
    ]
    return subprocess.Popen(
        [sys.executable, "-c", "from synthgen.cli import main; main()", *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**clean_environment(), MARK: mark},
    )


def eventually(true: Callable[[], object], seconds: float = 30) -> bool:
    """Whether something becomes true within a while."""
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("late", ["600", "0"], ids=["starting", "serving"])
def test_killed_we_leave_neither_server_nor_what_it_started(standin: str, tmp_path: Path, late: str):
    out = tmp_path / "run"
    process = started(standin, out, "--late", late, "--stubborn")
    seen = "vllm_standin" if late == "600" else ""
    assert eventually(lambda: named(standin, seen) if seen else (out / "instructions.jsonl").exists())
    assert eventually(lambda: named(standin, "time.sleep(600)"))
    process.kill()
    process.communicate()
    assert gone(standin)


def test_an_interrupt_while_the_server_starts_ends_both_with_three(standin: str, tmp_path: Path):
    process = started(standin, tmp_path / "run", "--late", "600", "--stubborn")
    assert eventually(lambda: named(standin, "vllm_standin"))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 3, errors
    assert b"synthgen: `vllm serve org/model` starts" in errors
    assert b"Traceback" not in errors
    assert gone(standin)


def test_the_metrics_of_a_vllm_that_the_user_runs_are_reported_too(standin: str, tmp_path: Path):
    port = watch.free_port()
    asked = [
        os.environ["VLLM_BIN"],
        "serve",
        "m",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--served-model-name",
        "m",
    ]
    with subprocess.Popen(
        [sys.executable, watch.__file__, *asked], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as own:
        found = {}
        assert eventually(lambda: served(port))
        with contextlib.suppress(TeacherError):
            found = line(tmp_path / "run", teacher={"spec": f"http://127.0.0.1:{port}/v1"})["vllm"]
        own.stdin.close()
    assert (found["model"], found["version"], found["seconds_to_start"]) == ("m", "0.0.standin", None)
    assert found["generation_tokens"] > 0


def served(port: int) -> bool:
    """Whether somebody listens."""
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_vllm_is_what_is_named_else_what_is_on_the_path_else_fetched(tmp_path: Path):
    for name in ("vllm", "uvx", "other"):
        (tmp_path / name).mkdir()
        program(tmp_path / name / name, "#!/bin/sh\n")
    folders = {name: str(tmp_path / name) for name in ("vllm", "uvx", "other")}
    both = os.pathsep.join([folders["uvx"], folders["vllm"]])
    named_one = str(tmp_path / "other" / "other")
    assert vllm.command({"PATH": both, "VLLM_BIN": named_one}) == [named_one]
    assert vllm.command({"PATH": both}) == [str(tmp_path / "vllm" / "vllm")]
    assert vllm.command({"PATH": folders["uvx"]}) == [str(tmp_path / "uvx" / "uvx"), "vllm"]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"PATH": "/nowhere"}, r"no vLLM here: .*VLLM_BIN=.*`vllm` on PATH.*`uvx vllm`"),
        ({"PATH": "/nowhere", "VLLM_BIN": "/nowhere/vllm"}, "VLLM_BIN names /nowhere/vllm, which is no program"),
    ],
)
def test_where_there_is_no_vllm_the_ways_to_have_one_are_named(environment: dict[str, str], said: str):
    with pytest.raises(ConfigError, match=said):
        vllm.command(environment)


def test_a_named_program_that_cannot_run_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VLLM_BIN", str(program(tmp_path / "vllm", "#!/nowhere/python\n")))
    with pytest.raises(StopError, match=r"did not start \(exit code 1\): FileNotFoundError.*its log is"):
        line(tmp_path / "run")


def test_the_server_sees_neither_keys_nor_our_packages_and_says_nothing_home():
    ours = {"PATH": "/bin", "OPENAI_API_KEY": "sk-1", "MY_KEY": "sk-2", "PYTHONPATH": "/ours", "HF_TOKEN": "hf"}
    found = vllm.surroundings(ours, ["MY_KEY"], "org/model")
    assert found == {"PATH": "/bin", "HF_TOKEN": "hf", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    assert vllm.surroundings(ours, [], "/models/here")["HF_HUB_OFFLINE"] == "1"


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("", ""),
        ("one\n\n  two  \n", "two"),
        ("\x1b[1;36m(Worker pid=4)\x1b[0;0m ERROR 11-25 14:08:28 [x.py:9] a.b.HeaderError: too short\n[rank0]: bye", "a.b.HeaderError: too short"),
        ("ValueError: first\nRuntimeError: see the root cause above", "ValueError: first"),
        ("x.ValidationError: 1 validation error for Config\n  Value error, 9 is too long [type=x]\n    For further information visit", "x.ValidationError: 1 validation error for Config Value error, 9 is too long [type=x]"),
        ("usage: vllm [-h]\nvllm: error: unrecognized arguments: --x", "vllm: error: unrecognized arguments: --x"),
        ("<html><style>x</style>Error: \ud800 " + "a" * 900, None),
        ("(" * 5000, None),
    ],
)  # fmt: skip
def test_the_line_of_a_log_that_tells_what_went_wrong_is_found(log: str, said: str | None):
    found = vllm.telling(log)
    assert len(found) <= 300
    assert "\n" not in found
    assert said is None or found == said


def model(folder: Path) -> Path:
    """Files as a model has them."""
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "model.safetensors").write_bytes(bytes(3_000_000))
    (folder / "README.md").write_text("a model")
    return folder


def identity(folder: Path) -> str:
    """The declared identity of a folder's model."""
    return specs.parse(f"vllm:{folder}", {}).identity


def test_a_model_on_disk_is_known_by_its_files_and_not_by_its_place(tmp_path: Path):
    here, there = model(tmp_path / "tiny"), tmp_path / "moved" / "tiny"
    before = identity(here)
    assert before.startswith("vllm:tiny@")
    (here / "README.md").write_text("the same model, described anew")
    assert identity(here) == before
    there.parent.mkdir()
    here.rename(there)
    assert identity(there) == before


@pytest.mark.parametrize("what", ["config", "weights", "size"])
def test_another_model_in_the_same_place_is_not_taken_for_the_same(tmp_path: Path, what: str):
    folder = model(tmp_path / "tiny")
    before = identity(folder)
    weights = folder / "model.safetensors"
    if what == "config":
        (folder / "config.json").write_text('{"model_type": "mistral"}')
    elif what == "weights":
        weights.write_bytes(b"\1" * 3_000_000)
    else:
        weights.write_bytes(bytes(3_000_001))
    assert identity(folder) != before


def test_a_path_without_a_model_is_refused_and_a_name_is_taken_as_it_is(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"there is no model at .*/none"):
        specs.parse(f"vllm:{tmp_path}/none", {})
    assert specs.parse("vllm:org/m", {}) == specs.Spec("vllm", "org/m", (), "vllm:org/m", "org/m")
    assert specs.parse(f"vllm:{tmp_path}/none", {}, "lab").identity == "lab"
    assert not specs.parse("vllm:org/m", {}).paid
