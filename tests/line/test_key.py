"""A key is in one header of requests to the endpoint it belongs to, and nowhere else."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from conftest import SEEDS, clean_environment, command
from rehearsal.servercase import start

from synthgen.rehearsal.options import Options
from synthgen.rehearsal.server import Server

KEY = "sk-planted-4f1c9a7e55d2"


@contextlib.contextmanager
def serving(*options: str, key: str = KEY) -> Iterator[str]:
    """The base URL of a rehearsal server that wants a key."""
    process, url = start("--watch-stdin", "--key", "WANTED_KEY", *options, WANTED_KEY=key)
    with process:
        yield url
        process.stdin.close()


def arguments(out: Path, url: str, *more: object) -> list[object]:
    """A short run of the command."""
    teacher = ["--teacher", f"rehearsal-strong@{url}/v1"]
    return ["expand", "--seeds", SEEDS, "--out", out, "--target", 8, "--no-prefect", *teacher, *more]


def holds_key(folder: Path) -> list[Path]:
    """The files under a folder in which the key stands."""
    return [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def shown(mark: str) -> list[str]:
    """The command lines of the living processes that were started with this mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"SYNTHGEN_TEST_MARK={mark}".encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().decode())
    return found


@pytest.mark.parametrize("more", [[], ["--batch"]])
def test_the_key_is_in_no_file_no_output_and_no_process_list(more: list[str], tmp_path: Path):
    environment = {**clean_environment(), "OPENAI_API_KEY": KEY, "SYNTHGEN_TEST_MARK": str(tmp_path)}
    code = "from synthgen.cli import main; main()"
    with serving("--latency-ms", "20") as url, subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments(tmp_path / "run", url, *more))],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=environment,
    ) as process:  # fmt: skip
        lines: set[str] = set()
        while process.poll() is None:
            lines.update(shown(str(tmp_path)))
            time.sleep(0.05)
        said = process.stdout.read() + process.stderr.read()
    assert process.returncode == 0, said.decode()
    assert lines
    assert not any(KEY in line for line in lines)
    assert KEY.encode() not in said
    assert holds_key(tmp_path) == []


@pytest.mark.parametrize("more", [[], ["--batch"]])
def test_a_server_that_echoes_a_wrong_key_brings_it_to_no_ones_eyes(more: list[str], tmp_path: Path):
    with serving("--echo-key", key="another") as url:
        found = command(*arguments(tmp_path / "run", url, *more), OPENAI_API_KEY=KEY)
    assert found.returncode == 1
    assert "refuses the key" in found.stderr
    assert "[key]" in found.stderr
    assert KEY not in found.stdout + found.stderr
    assert holds_key(tmp_path) == []


async def test_a_redirect_to_another_host_never_brings_the_key_there(tmp_path: Path):
    seen = []

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", elsewhere)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host = f"http://localhost:{runner.addresses[0][1]}/"
    options = Options("rehearsal-strong", faults={"redirect": 1.0}, redirect_to=host, key=KEY)
    server = web.AppRunner(Server(options).app(), access_log=None)
    await server.setup()
    await web.TCPSite(server, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{server.addresses[0][1]}"
    code = "from synthgen.cli import main; main()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *map(str, arguments(tmp_path / "run", url)), stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, env={**clean_environment(), "OPENAI_API_KEY": KEY},
    )  # fmt: skip
    said = (await process.communicate())[1].decode()
    await runner.cleanup()
    await server.cleanup()
    assert process.returncode == 1
    assert "where no request goes" in said
    assert KEY not in said
    assert seen == []
