"""The line on real Prefect servers: the embedded one, the user's, and a deployment with a worker."""

import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import ROOT, SEEDS, clean_environment, command, outputs

from synthgen.pipeline import free_port

pytestmark = pytest.mark.prefect


@dataclass(frozen=True)
class Server:
    """A Prefect server of the user's."""

    url: str
    environment: dict[str, str]

    def filter(self, kind: str, **body: object) -> list[dict]:
        """What the server holds of a kind."""
        request = urllib.request.Request(
            f"{self.url}/{kind}/filter", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def prefect(self, *arguments: str, cwd: Path) -> None:
        """Run the `prefect` command against this server."""
        done = subprocess.run(
            [sys.executable, "-m", "prefect", *arguments],
            cwd=cwd,
            env={**clean_environment(), **self.environment},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server as a user would start it, with a home of its own."""
    home, port = tmp_path_factory.mktemp("home"), free_port()
    url = f"http://127.0.0.1:{port}/api"
    environment = {
        "PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1",
    }  # fmt: skip
    started = [sys.executable, "-m", "synthgen.watch", sys.executable, "-m", "prefect"]
    with subprocess.Popen(
        [*started, "server", "start", "--port", str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**clean_environment(), **environment},
    ) as process:
        healthy(url, process)
        yield Server(url, {**environment, "PREFECT_API_URL": url})
        process.stdin.close()


def healthy(url: str, process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    """Wait until the server answers."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health"):
                return
        except urllib.error.URLError:
            time.sleep(0.2)
    pytest.fail("the Prefect server did not come up")


def test_on_the_users_server_the_bytes_are_the_same_and_an_artifact_shows_the_funnel(
    server: Server, finished: Path, tmp_path: Path
):
    done = command("expand", "--seeds", SEEDS, "--out", "run", "--target", 30, cwd=tmp_path, **server.environment)
    assert done.returncode == 0, done.stderr
    assert outputs(tmp_path / "run") == outputs(finished)
    (artifact,) = server.filter("artifacts", artifacts={"key": {"any_": ["synthgen-funnel"]}})
    counts = {row["step"]: row["count"] for row in json.loads(artifact["data"])}
    assert counts["accepted"] == 30
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert counts["dropped by grow: near_duplicate"] == report["rejected"]["grow"]["near_duplicate"]
    tasks = {run["name"].rsplit("-", 1)[0] for run in server.filter("task_runs")}
    assert tasks == {"read-seeds", "run-line", "export", "report"}


def test_the_recipe_deploys_and_a_worker_runs_it(server: Server, finished: Path, tmp_path: Path):
    for name in ("flows", "seeds"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "prefect.yaml", tmp_path)
    server.prefect("work-pool", "create", "synthgen", "--type", "process", cwd=tmp_path)
    server.prefect("--no-prompt", "deploy", "--all", cwd=tmp_path)
    server.prefect(
        "deployment", "run", "synthgen-expand/expand", "--param", "target=30", "--param", "out=run", cwd=tmp_path
    )
    server.prefect("worker", "start", "--pool", "synthgen", "--run-once", cwd=tmp_path)
    assert outputs(tmp_path / "run") == outputs(finished)


def test_a_stop_by_rule_is_a_failed_flow_run_and_exit_code_three(server: Server, tmp_path: Path):
    done = command(
        "expand",
        "--seeds",
        SEEDS,
        "--out",
        "run",
        "--target",
        30,
        "--max-calls",
        40,
        cwd=tmp_path,
        **server.environment,
    )
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert json.loads((tmp_path / "run" / "report.json").read_text())["stopped"]["reason"] == "limit"


def test_a_bad_seed_file_under_prefect_is_one_line_and_exit_code_one(server: Server, tmp_path: Path):
    (tmp_path / "seeds.jsonl").write_text("{nonsense\n")
    done = command("expand", "--seeds", "seeds.jsonl", "--out", "run", cwd=tmp_path, **server.environment)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "seeds.jsonl" in done.stderr.splitlines()[-1]


def test_a_server_that_does_not_answer_is_exit_code_one_and_names_the_way_without_it(tmp_path: Path):
    url = f"http://127.0.0.1:{free_port()}/api"
    done = command("expand", "--seeds", SEEDS, "--out", "run", cwd=tmp_path, PREFECT_API_URL=url)
    assert done.returncode == 1
    assert "--no-prefect" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_embedded_server_that_cannot_start_is_exit_code_one_and_its_log_is_kept(tmp_path: Path):
    database = {"PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{tmp_path}/nowhere/prefect.db"}
    done = command("expand", "--seeds", SEEDS, "--out", "run", cwd=tmp_path, HOME=str(tmp_path), **database)
    assert done.returncode == 1
    assert "--no-prefect" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert "unable to open database file" in (tmp_path / ".prefect" / "embedded-server.log").read_text()


def test_the_recipe_runs_as_a_script(tmp_path: Path):
    shutil.copytree(SEEDS, tmp_path / "seeds")
    environment = {**clean_environment(), "HOME": str(tmp_path)}
    subprocess.run([sys.executable, str(ROOT / "flows" / "expand.py")], cwd=tmp_path, env=environment, check=True)
    assert json.loads((tmp_path / "runs" / "flow" / "report.json").read_text())["accepted"] == 60


def test_prompts_that_are_given_are_a_flow_too_with_the_same_bytes(server: Server, tmp_path: Path):
    rows = [{"id": str(number), "prompt": f"Say what number {number} is good for."} for number in range(20)]
    (tmp_path / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ("answer", "prompts.jsonl", "--teacher", "rehearsal", "--strategy", "direct-answer")
    plain = command(*words, "--out", "plain", "--no-prefect", cwd=tmp_path)
    flow = command(*words, "--out", "flow", cwd=tmp_path, **server.environment)
    assert (plain.returncode, flow.returncode) == (0, 0), flow.stderr
    assert outputs(tmp_path / "flow") == outputs(tmp_path / "plain")
    script = "from synthgen import pipeline; pipeline.run_script(prompts='prompts.jsonl', out='script', teacher='rehearsal', "
    environment = {**clean_environment(), **server.environment}
    call = [sys.executable, "-c", f"{script}strategy='direct-answer')"]
    subprocess.run(call, cwd=tmp_path, env=environment, check=True)
    assert outputs(tmp_path / "script") == outputs(tmp_path / "plain")
    assert "synthgen-answer" in {flow["name"] for flow in server.filter("flows")}
