"""`synthgen push`, by huggingface_hub's own client, to a Hub on loopback."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import hub as hubs
import huggingface_hub
import pytest
from click.testing import Result
from conftest import command
from hub import OWNER, TOKEN, Hub
from huggingface_hub import constants
from huggingface_hub.utils import disable_progress_bars, enable_progress_bars
from typer.testing import CliRunner

from synthgen.cli import app
from synthgen.export.folder import digest
from synthgen.publish.hub import Hub as Client
from synthgen.publish.hub import PushError

# huggingface_hub hands files to its HTTP client by a name that the client no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")
NAME = f"{OWNER}/rows"
GO = ("--allow-rehearsal", "--allow-unknown-license")
"""What the rehearsal's rows need."""
Push = Callable[..., Result]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub that huggingface_hub talks to, with a token in the environment. The library reads its own environment once, so
    that what a user would set there is set where it is kept."""
    with hubs.serving() as serving:
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setattr(constants, "ENDPOINT", serving.url)
        for name, value in {
            "HF_HUB_OFFLINE": False,
            "HF_HUB_DISABLE_XET": True,
            "HF_HUB_DISABLE_TELEMETRY": True,
        }.items():
            monkeypatch.setattr(constants, name, value)
        disable_progress_bars()
        yield serving
        enable_progress_bars()
        huggingface_hub.close_session()


@pytest.fixture
def push() -> Push:
    """Run the command in this process; nothing that it prints may hold the token."""

    def run(*arguments: object) -> Result:
        done = CliRunner().invoke(app, ["push", *map(str, arguments)])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        assert TOKEN not in done.output
        return done

    return run


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A dataset folder to spoil."""
    return Path(shutil.copytree(finished / "dataset", tmp_path / "rows"))


def on_disk(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def held(hub: Hub, revision: str = "main") -> dict[str, bytes]:
    """What the Hub holds, without what it put there itself."""
    files = dict(hub.repositories[NAME].files(revision))
    del files[".gitattributes"]
    return files


def test_the_hub_holds_the_folder_byte_by_byte_and_the_commit_is_told(hub: Hub, push: Push, finished: Path):
    done = push(finished, NAME, *GO, "--message", "Rows of a first run")
    assert done.exit_code == 0, done.output
    assert held(hub) == on_disk(finished / "dataset")
    repository = hub.repositories[NAME]
    head = repository.branches["main"]
    assert f"{hub.url}/datasets/{NAME}\ncommit {head} on main: {len(held(hub))} new, 0 replaced" in done.output
    assert repository.messages[head] == "Rows of a first run"
    assert repository.private


def test_a_second_push_of_the_same_rows_changes_nothing(hub: Hub, push: Push, finished: Path):
    push(finished, NAME, *GO)
    commits = len(hub.repositories[NAME].commits)
    done = push(finished, NAME, *GO)
    assert done.exit_code == 0
    assert len(hub.repositories[NAME].commits) == commits
    assert f"0 new, 0 replaced, {len(held(hub))} unchanged, 0 deleted" in done.output


def test_shards_that_are_no_longer_in_the_folder_are_gone_after_a_push(hub: Hub, push: Push, folder: Path):
    push(folder, NAME, *GO)
    hub.repositories[NAME].files()["sft/train-00001-of-00002.parquet"] = b"of an earlier run"
    hub.repositories[NAME].files()["LICENSE"] = b"added by hand"
    hub.repositories[NAME].files()["LICENSE-old/a.txt"] = b"of a folder that is gone"
    (folder / "README.md").write_text((folder / "README.md").read_text() + "\nMore words.\n")
    done = push(folder, NAME, *GO)
    assert done.exit_code == 0, done.output
    assert held(hub) == {**on_disk(folder), "LICENSE": b"added by hand"}
    assert "0 new, 1 replaced" in done.output
    assert "2 deleted" in done.output


def test_bytes_of_the_same_number_are_not_the_same_file(hub: Hub, push: Push, folder: Path):
    push(folder, NAME, *GO)
    files = hub.repositories[NAME].files()
    for path in ("README.md", "dpo/train-00000-of-00001.parquet"):
        files[path] = files[path][::-1]
    assert "0 new, 2 replaced" in push(folder, NAME, *GO).output
    assert held(hub) == on_disk(folder)


def test_names_with_the_signs_of_patterns_delete_nothing_else(hub: Hub, push: Push, folder: Path):
    (folder / "notes").mkdir()
    (folder / "notes" / "a.md").write_text("kept")
    push(folder, NAME, *GO)
    hub.repositories[NAME].files()["notes/[a-z].md"] = b"stale"
    assert push(folder, NAME, *GO).exit_code == 0
    assert held(hub) == on_disk(folder)


def test_a_branch_is_made_and_main_stays(hub: Hub, push: Push, folder: Path):
    hub.make(NAME)
    assert push(folder, NAME, *GO, "--revision", "v2").exit_code == 0
    assert held(hub, "v2") == on_disk(folder)
    assert held(hub) == {}


def test_a_new_repository_is_public_only_where_that_is_said(hub: Hub, push: Push, finished: Path):
    push(finished, NAME, *GO, "--public")
    assert not hub.repositories[NAME].private


def test_a_public_repository_gets_nothing_that_was_to_be_private(hub: Hub, push: Push, finished: Path):
    hub.make(NAME, private=False)
    done = push(finished, NAME, *GO, "--private")
    assert done.exit_code == 1
    assert "is public and you asked for private" in done.output
    assert held(hub) == {}


def test_somebody_elses_files_are_not_replaced_unless_that_is_said(hub: Hub, push: Push, finished: Path):
    hub.make(NAME, **{"train.csv": b"a,b"})
    done = push(finished, NAME, *GO)
    assert done.exit_code == 1
    assert "holds train.csv and is no dataset that synthgen pushed" in done.output
    assert held(hub) == {"train.csv": b"a,b"}
    assert push(finished, NAME, *GO, "--replace").exit_code == 0
    assert held(hub) == on_disk(finished / "dataset")


def test_a_dry_run_needs_no_token_and_no_network(push: Push, finished: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    done = push(finished, NAME, *GO, "--dry-run")
    assert done.exit_code == 0, done.output
    for path, data in on_disk(finished / "dataset").items():
        assert re.search(rf"^sent +{len(data):,} bytes  {re.escape(path)}$", done.output, re.MULTILINE)
    total = sum(map(len, on_disk(finished / "dataset").values()))
    assert f"{len(on_disk(finished / 'dataset'))} files, {total:,} bytes" in done.output
    assert "the Hub was not asked, since there is no token" in done.output


def test_a_dry_run_with_a_token_says_what_would_be_replaced_and_deleted(hub: Hub, push: Push, folder: Path):
    assert "would be made" in push(folder, NAME, *GO, "--dry-run").output
    assert hub.repositories == {}
    push(folder, NAME, *GO)
    hub.repositories[NAME].files()["dpo/train-00009-of-00010.parquet"] = b"stale"
    hub.repositories[NAME].files()["README.md"] = b"other"
    before = dict(hub.repositories[NAME].files())
    done = push(folder, NAME, *GO, "--dry-run")
    by_path = {line.split()[-1]: line.split()[0] for line in done.output.splitlines() if " bytes  " in line}
    assert by_path["dpo/train-00009-of-00010.parquet"] == "deleted"
    assert by_path["README.md"] == "replaced"
    assert by_path["sft/train-00000-of-00001.parquet"] == "unchanged"
    assert hub.repositories[NAME].files() == before


def test_a_dry_run_names_every_reason_and_asks_nothing_of_a_hub_that_is_away(hub: Hub, push: Push, folder: Path):
    hub.fail("GET", "/api/datasets", 503)
    (folder / "notes.md").write_text("Use ghp_16C7e42F292c6912E7710c838347Ae178B4a for now.")
    done = push(folder, NAME, "--dry-run")
    assert done.exit_code == 1
    assert "the Hub was not asked: the Hub is busy or broken" in done.output
    assert "--allow-rehearsal" in done.output
    assert "--allow-unknown-license" in done.output
    assert "notes.md holds a GitHub token" in done.output
    assert "ghp_16C7" not in done.output


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--allow-unknown-license",), "the rehearsal made these rows"),
        (("--allow-rehearsal",), "the licence is unknown"),
    ],
)
def test_what_should_not_be_published_is_refused_before_the_hub_is_asked(
    hub: Hub, push: Push, finished: Path, flags: tuple[str, ...], reason: str
):
    done = push(finished, NAME, *flags)
    assert done.exit_code == 1
    assert reason in done.output
    assert hub.asked == []


def test_a_card_that_was_edited_does_not_hide_that_the_rehearsal_made_the_rows(hub: Hub, push: Push, folder: Path):
    text = (folder / "README.md").read_text()
    (folder / "README.md").write_text(text.replace('- "rehearsal"\n', ""))
    done = push(folder, NAME, "--allow-unknown-license")
    assert done.exit_code == 1
    assert "the rehearsal made these rows" in done.output


def test_a_licence_in_the_card_is_enough(hub: Hub, push: Push, folder: Path):
    text = (folder / "README.md").read_text()
    (folder / "README.md").write_text(text.replace('license: "unknown"', 'license: "cc-by-4.0"'))
    assert push(folder, NAME, "--allow-rehearsal").exit_code == 0


def test_the_value_of_a_key_that_the_run_names_is_found(
    hub: Hub, push: Push, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = Path(shutil.copytree(finished, tmp_path / "run"))
    stored = json.loads((run / "config.json").read_bytes())
    stored["source"]["values"]["teacher"]["key_env"] = "MY_HOUSE_KEY"
    (run / "config.json").write_text(json.dumps(stored))
    monkeypatch.setenv("MY_HOUSE_KEY", "correct horse battery")
    (run / "dataset" / "openai").mkdir()
    (run / "dataset" / "openai" / "sft.jsonl").write_text('{"a": "b"}\n{"content": "say correct horse battery"}\n')
    done = push(run, NAME, *GO)
    assert done.exit_code == 1
    assert "openai/sft.jsonl holds the value of MY_HOUSE_KEY (line 2)" in done.output
    assert "correct horse" not in done.output
    assert "the value of MY_HOUSE_KEY" in push(run / "dataset", NAME, *GO).output
    assert push(run, NAME, *GO, "--allow-secrets").exit_code == 0


def test_the_token_itself_is_found_in_the_rows_of_a_store_that_no_variable_names(
    hub: Hub, push: Push, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("HF_TOKEN")
    (tmp_path / "token").write_text(TOKEN)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    assert push(folder, NAME, *GO).exit_code == 0
    (folder / "notes.txt").write_text(f"push with {TOKEN}")
    done = push(folder, NAME, *GO)
    assert done.exit_code == 1
    assert "notes.txt holds the value of HF_TOKEN" in done.output


def spoil_shard(folder: Path) -> None:
    path = folder / "sft" / "train-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:-100])


def spoil_rows(folder: Path) -> None:
    shutil.copy(folder / "sft" / "test-00000-of-00001.parquet", folder / "sft" / "train-00000-of-00001.parquet")


def rename_shard(folder: Path) -> None:
    path = folder / "dpo" / "train-00000-of-00001.parquet"
    path.rename(folder / "dpo" / "train-00000-of-00002.parquet")


def stale_file(folder: Path) -> None:
    shutil.copy(folder / "dpo" / "train-00000-of-00001.parquet", folder / "dpo" / "old.parquet")


def link_file(folder: Path) -> None:
    (folder / "keys.md").symlink_to("nowhere")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: (folder / "README.md").unlink(), "is no dataset folder"),
        (lambda folder: (folder / "README.md").write_text("# Rows\n"), "has no front matter"),
        (lambda folder: (folder / "README.md").write_text("---\na: [\n---\n"), "is not YAML"),
        (lambda folder: (folder / "README.md").write_text("---\nlicense: mit\n---\n"), "lists no configs"),
        (lambda folder: (folder / "README.md").write_text("---\ntags: 5\nconfigs: 7\n---\n"), "lists no configs"),
        (
            lambda folder: (folder / "README.md").write_text("---\nconfigs: [a, {data_files: 3}]\n---\n"),
            "lists no configs",
        ),
        (lambda folder: (folder / "erasure.json").unlink(), "the folder is not whole"),
        (lambda folder: shutil.rmtree(folder / "dpo"), "there is no such file"),
        (stale_file, "dpo/old.parquet belongs to no config"),
        (spoil_shard, "sft/train-00000-of-00001.parquet is not a whole Parquet file"),
        (spoil_rows, "the files of sft are not those that README.md tells of"),
        (rename_shard, "dpo/train-00001-of-00002.parquet is missing"),
        (link_file, "keys.md is a link"),
    ],
)
def test_a_folder_that_is_no_whole_dataset_is_refused(
    hub: Hub, push: Push, folder: Path, spoil: Callable[[Path], None], reason: str
):
    spoil(folder)
    done = push(folder, NAME, *GO)
    assert done.exit_code == 1
    assert reason in done.output
    assert hub.asked == []
    tried = push(folder, NAME, *GO, "--dry-run")
    assert tried.exit_code == 1
    assert reason in tried.output


def test_a_name_that_no_disk_takes_is_one_line(push: Push):
    done = push("a" * 300, NAME, *GO)
    assert (done.exit_code, len(done.output.splitlines())) == (1, 1)
    assert done.output.startswith("synthgen: cannot use aaa")


def test_a_run_without_a_dataset_says_how_it_is_written(push: Push, finished: Path, tmp_path: Path):
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(finished / "config.json", run)
    done = push(run, NAME, *GO)
    assert done.exit_code == 1
    assert f"synthgen export {run}" in done.output
    (run / ".dataset.old").mkdir()
    assert "was stopped while it was written" in push(run, NAME, *GO).output


def test_without_a_token_it_is_said_where_one_comes_from(
    hub: Hub, push: Push, finished: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("HF_TOKEN")
    done = push(finished, NAME, *GO)
    assert done.exit_code == 1
    assert "hf auth login" in done.output
    assert hub.asked == []


@pytest.mark.parametrize(
    "name", ["rows", "a/b/c", "tester/", "/rows", "tester/ro ws", "tester/a--b", "-a/b", "a/b.git", "a/" + "b" * 96]
)
def test_what_cannot_be_a_name_is_refused(hub: Hub, push: Push, finished: Path, name: str):
    done = (
        CliRunner().invoke(app, ["push", *GO, str(finished), "--", name])
        if name.startswith("-")
        else push(finished, name, *GO)
    )
    assert done.exit_code == 1
    assert "cannot be a repository's name" in done.output
    assert hub.asked == []


def test_a_name_that_belongs_to_somebody_else_is_told_so(hub: Hub, push: Push, finished: Path):
    done = push(finished, "somebody/rows", *GO)
    assert done.exit_code == 1
    assert "the name belongs to somebody else, or the token is for reading only" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("method", "part", "what", "said"),
    [
        ("GET", "/api/datasets/", 401, "the Hub does not know the token"),
        ("POST", "/preupload/", 403, "may not write to"),
        ("POST", "/commit/", 403, "may not write to"),
        ("POST", "/api/repos/create", 500, "run the same command again later"),
        ("POST", "/commit/", 400, "does not take"),
        ("POST", "/commit/", 412, "was changed while it was pushed"),
        ("POST", "/api/repos/create", "drop", "look to the network"),
        ("POST", "/commit/", "drop", "look to the network"),
        ("PUT", "/lfs/", 403, "may not write to"),
    ],
)
def test_what_the_hub_says_becomes_one_line_without_the_token(
    hub: Hub, push: Push, finished: Path, method: str, part: str, what: int | str, said: str
):
    hub.fail(method, part, what, text="no: {authorization}")
    done = push(finished, NAME, *GO)
    assert done.exit_code == 1
    assert said in done.output
    assert len(done.output.strip().splitlines()) == 1, done.output
    assert NAME not in hub.repositories or held(hub) == {}


def test_a_hub_that_is_busy_once_is_asked_again(hub: Hub, push: Push, finished: Path):
    hub.fail("PUT", "/lfs/", 503, times=1)
    assert push(finished, NAME, *GO).exit_code == 0
    assert held(hub) == on_disk(finished / "dataset")


def test_a_hub_that_says_nothing_is_not_waited_for_for_ever(hub: Hub):
    hub.fail("GET", "/api/datasets/", "hang")
    with pytest.raises(PushError, match="cannot reach"):
        Client(NAME, TOKEN).look(silence_seconds=0.2)


def test_no_hub_at_all_is_one_line(hub: Hub, push: Push, finished: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    done = push(finished, NAME, *GO)
    assert done.exit_code == 1
    assert "cannot reach http://127.0.0.1:9" in done.output


def test_offline_mode_is_named(hub: Hub, push: Push, finished: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in push(finished, NAME, *GO).output


def test_a_repository_that_keeps_files_out_is_noticed(hub: Hub, push: Push, finished: Path):
    hub.ignored.add("erasure.json")
    done = push(finished, NAME, *GO)
    assert done.exit_code == 1
    assert "does not hold erasure.json as it is here" in done.output
    assert ".gitignore" in done.output


def test_what_somebody_else_pushes_meanwhile_is_not_overwritten(hub: Hub, push: Push, finished: Path):
    hub.meanwhile = {"README.md": b"theirs"}
    done = push(finished, NAME, *GO)
    assert done.exit_code == 1
    assert "was changed while it was pushed" in done.output
    assert held(hub) == {"README.md": b"theirs"}


def test_a_run_that_is_being_written_is_not_pushed(hub: Hub, push: Push, finished: Path, tmp_path: Path):
    from synthgen.runs import RunDir

    run = Path(shutil.copytree(finished, tmp_path / "run"))
    with RunDir(run).locked():
        done = push(run, NAME, *GO)
    assert done.exit_code == 1
    assert "is in use by" in done.output
    assert hub.asked == []


def test_the_command_itself_pushes_rows_that_load_dataset_reads_and_leaves_no_trace_of_the_token(
    hub: Hub, finished: Path, tmp_path: Path
):
    environment = {
        "HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "HF_DEBUG": "1",
        "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_TELEMETRY": "1",
    }  # fmt: skip
    done = command("push", finished, NAME, *GO, **environment)
    assert done.returncode == 0, done.stderr
    assert TOKEN not in done.stdout + done.stderr
    kept = [path for path in [*tmp_path.rglob("*"), *finished.rglob("*")] if path.is_file()]
    assert not [path for path in kept if TOKEN.encode() in path.read_bytes()]
    code = "from datasets import load_dataset; d = load_dataset({0!r}, 'sft'); print(sorted((k, len(v)) for k, v in d.items()))"
    loaded = python(code.format(NAME), **environment)
    rows = {path.name.split("-")[0]: count(path) for path in (finished / "dataset" / "sft").glob("*.parquet")}
    assert loaded.strip().splitlines()[-1] == str(sorted(rows.items()))
    assert digest(finished / "dataset" / "sft") in (finished / "dataset" / "README.md").read_text()


def count(path: Path) -> int:
    import pyarrow.parquet as pq

    return pq.read_metadata(path).num_rows


def python(code: str, **environment: str) -> str:
    """What a program prints."""
    import subprocess
    import sys

    told = {**os.environ, **environment, "PYTHONWARNINGS": "default"}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=told, check=True, timeout=120
    ).stdout
