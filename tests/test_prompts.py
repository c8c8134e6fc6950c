"""What is sent at each stage, as golden files, and how a prompt is filled in.

`python tests/test_prompts.py` writes the golden files anew; read the difference before it is committed.
"""

import json
import re
import tempfile
from pathlib import Path

import pytest
from conftest import few_seeds
from hypothesis import given
from hypothesis import strategies as st

from synthgen import preview, prompts
from synthgen.errors import ConfigError
from synthgen.prompts import Prompts, fenced
from synthgen.steps import Job

GOLDEN = Path(__file__).parent / "data"
MODES = ("default", "parity")


def sent(mode: str, folder: Path, stage: str = "") -> str:
    """Every request of a run on ten seeds, readable."""
    job = Job(few_seeds(folder / "seeds.jsonl", 10), folder / "run", {"mode": mode, "teacher": {"spec": "rehearsal"}})
    parts = []
    lines = list(preview.requests(job, stage))
    for head, text in zip(lines[::2], lines[1::2], strict=True):
        body = json.loads(text)
        said = body.pop("messages")
        parts += [head, json.dumps(body, sort_keys=True)]
        parts += [f"[{one['role']}]\n{one['content']}" for one in said]
    return "\n".join(parts) + "\n"


@pytest.mark.parametrize("mode", MODES)
def test_the_requests_are_those_of_the_golden_file(mode: str, tmp_path: Path):
    golden = (GOLDEN / f"prompts_{mode}.txt").read_text(encoding="utf-8")
    assert sent(mode, tmp_path) == golden, "if this is meant: python tests/test_prompts.py"


FIXED = re.compile(r"\$\w+")


@pytest.mark.parametrize("name", ["propose", "classify", "instantiate_open", "instantiate_labels", "vet", "judge"])
def test_a_prompt_begins_with_what_never_changes_so_that_prefix_caches_hold_it(name: str):
    same_for_the_whole_run = ("$categories", "$examples", "$count")
    text = prompts.load(None).text(name)
    for place in same_for_the_whole_run:
        text = text.replace(place, "")
    before, *after = FIXED.split(text)
    assert len(before) > 0.8 * (len(before) + sum(map(len, after))), "fixed words stand behind what varies"


def test_one_stage_can_be_looked_at_alone(tmp_path: Path):
    assert sent("default", tmp_path, "judge").startswith("--- judge: ")
    assert sent("default", tmp_path, "judge").count("--- ") == 1
    with pytest.raises(ConfigError, match="there is no stage jugde; known: propose"):
        sent("default", tmp_path, "jugde")


def test_looking_leaves_no_trace(tmp_path: Path):
    sent("default", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["seeds.jsonl"]


def test_a_text_cannot_fill_another_place():
    made = Prompts({"one": "=== user\n$first then $second"})
    assert made.render("one", first="$second", second="x")[0].content == "$second then x"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("=== user\n$missing", "cannot be filled in: 'missing'; write a literal dollar sign as"),
        ("=== user\ncosts 5 $", "write a literal dollar sign as"),
        ("no part", "has no part: begin it with a line `=== user`"),
    ],
)
def test_a_prompt_that_cannot_be_used_is_named(text: str, said: str):
    with pytest.raises(ConfigError) as error:
        Prompts({"mine": text}).render("mine", given="x")
    assert str(error.value).startswith("the prompt mine ")
    assert said in str(error.value)


@given(st.text())
def test_fenced_text_cannot_close_its_fence(text: str):
    assert fenced("input", text).count("</input") == 1


def test_a_users_file_takes_the_place_of_the_shipped_one(tmp_path: Path):
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "direct-answer.txt").write_text("Mine.\n")
    (tmp_path / "strategies" / "debate.txt").write_text("Two voices.\n")
    loaded, shipped = prompts.load(tmp_path), prompts.load()
    assert loaded.strategy("direct-answer") == "Mine."
    assert set(loaded.strategies) == {*shipped.strategies, "debate"}
    changed = {name for name, digest in loaded.digests().items() if shipped.digests().get(name) != digest}
    assert changed == {"strategies/direct-answer", "strategies/debate"}


def test_a_prompt_that_is_no_text_is_refused_by_name(tmp_path: Path):
    (tmp_path / "judge.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"cannot read the prompt .*judge\.txt"):
        prompts.load(tmp_path)


def test_a_schema_that_is_no_object_is_refused_by_name():
    for text in ("[1]", "{"):
        with pytest.raises(ConfigError, match=r"schemas/vet\.json is not a JSON object"):
            Prompts({"schemas/vet.json": text}).schema("vet")


def test_no_strategy_imposes_headings_or_markers():
    for name, text in prompts.load().strategies.items():
        assert not any(mark in text for mark in ("#", "**", "1.", ":\n", "<", "[")), name


if __name__ == "__main__":
    for mode in MODES:
        with tempfile.TemporaryDirectory() as folder:
            (GOLDEN / f"prompts_{mode}.txt").write_text(sent(mode, Path(folder)), encoding="utf-8")
