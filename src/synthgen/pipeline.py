"""The line as a Prefect flow. Four tasks, each a stage of minutes and never a call; the same bytes as without Prefect.

Foreseen stops are values: a task leaves its error with the session and the flow ends as Failed, without a traceback.
Prefect reads its settings when it is imported, so `environment` comes first.
"""

import asyncio
import contextlib
import http.client
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthgen import steps
from synthgen.errors import ConfigError, SynthgenError, storage
from synthgen.line import Progress
from synthgen.runs import RunDir
from synthgen.stages.given import Given
from synthgen.steps import Job, Outcome, Prepared
from synthgen.strategies import AUTO
from synthgen.watch import free_port

START_SECONDS = 120
SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": str(START_SECONDS),
}


def environment(variables: MutableMapping[str, str]) -> None:
    """Settle Prefect's settings where the user has none: no telemetry, few words, a home in this project."""
    for name, value in SETTINGS.items():
        variables.setdefault(name, value)
    if "PREFECT_HOME" not in variables and not has_profile(Path.home() / ".prefect" / "profiles.toml"):
        variables["PREFECT_HOME"] = str(Path.cwd() / ".prefect")
    if home := variables.get("PREFECT_HOME"):
        with storage(Path(home)):
            Path(home).mkdir(parents=True, exist_ok=True)


def has_profile(path: Path) -> bool:
    """Whether the user's active Prefect profile names a server."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return False
    active = table.get("profiles", {}).get(table.get("active", ""), {})
    return "PREFECT_API_URL" in active


@contextlib.contextmanager
def server(variables: MutableMapping[str, str]) -> Iterator[None]:
    """A Prefect server: the user's, or one of our own that ends with this process, however that ends.

    Prefect's own embedded server is not used: it stays alive when its parent is killed.
    """
    if "PREFECT_API_URL" in variables or "PREFECT_HOME" not in variables:
        yield
        return
    port = free_port()
    # The pipe to its standard input is what the watcher watches.
    command = [sys.executable, "-m", "synthgen.watch", sys.executable, "-m", "uvicorn", "--factory"]
    command += [
        "prefect.server.api.server:create_app",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--log-level",
        "error",
    ]
    own = {"PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1", "PREFECT_UI_ENABLED": "0"}
    log = Path(variables["PREFECT_HOME"]) / "embedded-server.log"
    with storage(log), log.open("wb") as said:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said, env={**variables, **own})
    try:
        wait_for(port, child, log)
        variables["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
        yield
    finally:
        variables.pop("PREFECT_API_URL", None)
        if child.stdin is not None:
            child.stdin.close()
        child.wait()


def wait_for(port: int, child: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server is healthy. Raises ConfigError, naming --no-prefect, where it does not come up."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and child.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/api/health")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.2)
        finally:
            connection.close()
    raise ConfigError(
        f"the embedded Prefect server did not come up, see {log}; --no-prefect runs the same line without it"
    )


@dataclass(slots=True)
class Session:
    """What the tasks of one flow run share; tasks themselves pass no data."""

    job: Job
    progress: Progress
    prepared: Prepared | None = None
    outcome: Outcome | None = None
    rows: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    error: SynthgenError | None = None

    @property
    def ready(self) -> Prepared:
        """The prepared job."""
        if self.prepared is None:
            raise RuntimeError("the seeds are read first")
        return self.prepared


SESSION: ContextVar[Session] = ContextVar("synthgen_session")


def quiet(_stage: str, _count: int) -> None:
    """No progress line."""


@contextlib.contextmanager
def kept(session: Session) -> Iterator[None]:
    """Keep a foreseen error with the session: for Prefect it is a value, not a crash."""
    try:
        yield
    except SynthgenError as error:
        session.error = error


def build_flow(name: str = "expand") -> Callable[..., Any]:  # noqa: C901  # a flow reads from top to bottom in one place
    """The flow `expand` or `answer` and its tasks. Prefect is imported here, after its environment is settled."""
    from prefect import flow, task
    from prefect.artifacts import acreate_table_artifact
    from prefect.cache_policies import NO_CACHE
    from prefect.states import Failed

    def stage(name: str) -> Callable[[Any], Any]:
        # Nothing is retried here: the client retries requests, and to resume is to run again.
        return task(name=name, persist_result=False, cache_policy=NO_CACHE)

    @stage("read-seeds")
    async def read_seeds() -> int:
        session = SESSION.get()
        with kept(session):
            session.prepared = steps.prepare(session.job)
        return len(session.prepared.seeds) if session.prepared else 0

    @stage("run-line")
    async def run_line() -> None:
        session = SESSION.get()
        with kept(session):
            session.outcome = await steps.grow(session.job, session.ready, session.progress)

    @stage("export")
    async def export() -> dict[str, Any]:
        session = SESSION.get()
        with kept(session):
            if session.outcome is not None:
                session.rows = steps.exported(session.ready, session.outcome)
        return session.rows

    @stage("report")
    async def report() -> None:
        session = SESSION.get()
        if session.outcome is None:
            return
        session.report = steps.write_report(session.ready, session.outcome, session.rows)
        await acreate_table_artifact(key="synthgen-funnel", table=funnel(session.report))

    async def through(job: Job) -> Any:
        session = SESSION.get(None)
        if session is None:
            session = Session(job, quiet)
            SESSION.set(session)
        with kept(session), RunDir(session.job.out).locked():
            for step in (read_seeds, run_line, export, report):
                if session.error is None:
                    await step()
        if session.error is not None:
            return Failed(message=str(session.error))
        return session.report["stopped"]["reason"]

    @flow(name="synthgen-expand", persist_result=False, validate_parameters=False)
    async def expand_flow(
        seeds: str,
        out: str,
        target: int = 200,
        teacher: str = "",
        config: str | None = None,
        prompts: str | None = None,
        keys: dict[str, Any] | None = None,
    ) -> Any:
        """Seeds in, datasets out: read seeds, run the line, export, report."""
        values = {**(keys or {}), "target": target, **spec_of(teacher)}
        return await through(Job(Path(seeds), Path(out), values, path_of(config), path_of(prompts)))

    @flow(name="synthgen-answer", persist_result=False, validate_parameters=False)
    async def answer_flow(
        prompts: str,
        out: str,
        strategy: str = "auto",
        teacher: str = "",
        field: str = "",
        config: str | None = None,
        prompts_dir: str | None = None,
        keys: dict[str, Any] | None = None,
    ) -> Any:
        """Prompts that one has in, a dataset out: read, run the line, export, report."""
        values = {**(keys or {}), "strategy": strategy, **spec_of(teacher)}
        given = Given(Path(prompts), field)
        return await through(Job(None, Path(out), values, path_of(config), path_of(prompts_dir), given=given))

    return answer_flow if name == "answer" else expand_flow


def spec_of(teacher: str) -> dict[str, Any]:
    """The config keys of a teacher SPEC, where there is one."""
    return {"teacher": {"spec": teacher}} if teacher else {}


def path_of(text: str | None) -> Path | None:
    """A path, where there is one."""
    return Path(text) if text else None


def funnel(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The funnel as the rows of a table artifact."""
    made = [("proposed", report["proposed"]), ("accepted", report["accepted"]), ("tasks", report["tasks"])]
    made += [(f"rows in {config}", sum(splits.values())) for config, splits in report["rows"].items()]
    dropped = [
        (f"dropped by {stage}: {reason}", count)
        for stage, reasons in report["rejected"].items()
        for reason, count in reasons.items()
    ]
    return [{"step": step, "count": count} for step, count in (*made, *dropped)]


async def reach_server() -> None:
    """Raise ConfigError, naming --no-prefect, where the Prefect server of the settings does not answer."""
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        error = await client.api_healthcheck()
    if error is not None:
        raise ConfigError(
            f"the Prefect server at {client.api_url} does not answer ({error}); start it, or unset PREFECT_API_URL for an "
            "embedded one; --no-prefect runs the same line without it"
        )


async def run_all(job: Job, progress: Progress) -> dict[str, Any]:
    """Every step of a job as a flow run; the report. Raises what `steps.run_all` would."""
    environment(os.environ)
    with server(os.environ):
        run_flow = build_flow("expand" if job.given is None else "answer")
        await reach_server()
        session = Session(job, progress)
        SESSION.set(session)
        # What the run page shows; the steps take the session's job.
        shown = {"seeds": str(job.seeds), "target": int(job.values.get("target", 200))}
        if job.given is not None:
            shown = {"prompts": str(job.given.path), "strategy": str(job.values.get("strategy", AUTO))}
        await run_flow(out=str(job.out), **shown, return_state=True)
    if session.error is not None:
        raise session.error
    return session.report


def run_script(**parameters: Any) -> Any:
    """A flow as a plain call, for scripts: parameters are those of `expand`, or without seeds of `answer`; what it returns."""
    environment(os.environ)
    with server(os.environ):
        return asyncio.run(build_flow("expand" if "seeds" in parameters else "answer")(**parameters))


def deployable(name: str = "expand") -> Callable[..., Any]:
    """A flow for a deployment, where the worker's environment names the server."""
    environment(os.environ)
    return build_flow(name)
