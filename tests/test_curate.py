"""Dedup and decontaminate as commands: order kept, a reason for each rejection, nothing that looks whole and is not."""

import json
import random
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import command
from rouge_score import rouge_scorer
from tokenizers import Tokenizer, models, pre_tokenizers

from synthgen.rehearsal.families import SPOKEN

ROWS = [
    {"id": 1, "text": "List three rivers of Ghana and say where they rise."},
    {"id": 2, "text": "list three rivers of ghana, and say where they rise"},
    {"id": 3, "text": "List three rivers of Ghana and say where they all rise."},
    {"id": 4, "text": "Where they rise and say: of Ghana, list three rivers."},
    {"id": 5, "text": "Write a haiku about frost."},
    {"id": 6, "text": " \n"},
    {"id": 7},
    {"id": 8, "text": ["no", "text"]},
    {"id": 9, "text": "列出加纳的三条河流。"},
    {"id": 10, "text": "列出加纳的三条河流"},
]
REASONS = {
    2: "duplicate", 3: "near_duplicate", 4: "fuzzy_duplicate", 6: "empty", 7: "no_field", 8: "not_text", 10: "duplicate",
}  # fmt: skip


def written(path: Path, rows: list[dict]) -> Path:
    """Rows as JSON lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def lines(path: Path) -> list[dict]:
    """JSON lines as rows."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run(
    name: str,
    source: Path,
    *more: object,
    field: str = "text",
    out: str = "kept.jsonl",
    rejected: str = "rejected.jsonl",
):
    """One of the two commands, beside its input."""
    folder = source.parent
    return command(name, source, "--field", field, "--out", folder / out, "--rejected", folder / rejected, *more)


def refused(done) -> str:
    """The one line of a command that could not start."""
    assert done.returncode == 1, (done.returncode, done.stderr)
    said = [line for line in done.stderr.splitlines() if line and line != "synthgen: starting"]
    assert len(said) == 1, done.stderr
    return said[0]


def test_each_row_is_kept_as_it_was_or_rejected_with_its_reason(tmp_path: Path):
    source = written(tmp_path / "in.jsonl", ROWS)
    done = run("dedup", source)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kept"] == 3
    whole = source.read_bytes().splitlines(keepends=True)
    assert (tmp_path / "kept.jsonl").read_bytes() == whole[0] + whole[4] + whole[8]
    rejected = lines(tmp_path / "rejected.jsonl")
    assert {row["line"]: row["reason"] for row in rejected} == REASONS
    assert [row["row"] for row in rejected] == [ROWS[row["line"] - 1] for row in rejected]
    near = rejected[1]["nearest"]
    assert (near["line"], near["text"]) == ("1", ROWS[0]["text"])
    assert 0.9 < near["score"] < 1


def test_in_parity_mode_dedup_is_rouge_l_alone(tmp_path: Path):
    rng = random.Random(9)
    texts = [rng.choice(SPOKEN["en"]).write(rng) for _ in range(250)]
    texts += ["", "!!!", *ROWS[0]["text"].split(), texts[0].upper()]
    source = written(tmp_path / "in.jsonl", [{"text": text} for text in texts])
    assert run("dedup", source, "--mode", "parity", "--threshold", 0.5).returncode == 0
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
    accepted: list[str] = []
    for text in texts:
        if max((scorer.score(other, text)["rougeL"].fmeasure for other in accepted), default=0.0) <= 0.5:
            accepted.append(text)
    assert [row["text"] for row in lines(tmp_path / "kept.jsonl")] == accepted
    assert 50 < len(accepted) < len(texts)


def test_rows_of_another_file_count_as_kept_before(tmp_path: Path):
    source = written(
        tmp_path / "in.jsonl", [{"text": "Write a haiku about the frost."}, {"text": "Count to ten in Welsh."}]
    )
    other = written(tmp_path / "other.jsonl", [{"text": "Write a haiku about frost."}])
    assert json.loads(run("dedup", source, "--against", other).stdout) == {"kept": 1, "rejected": {"near_duplicate": 1}}
    assert lines(tmp_path / "rejected.jsonl")[0]["nearest"]["text"] == "Write a haiku about frost."
    assert lines(tmp_path / "rejected.jsonl")[0]["nearest"]["line"] == "against:1"


def test_parquet_goes_in_and_out_under_its_own_schema(tmp_path: Path):
    schema = pa.schema([("text", pa.large_string()), ("at", pa.timestamp("us")), ("n", pa.int8())])
    table = pa.table(
        {"text": ["Name a bird.", "name a bird", "Explain rust."], "at": [0, 1, 2], "n": [1, None, 3]}, schema=schema
    )
    pq.write_table(table, tmp_path / "in.parquet")
    done = run("dedup", tmp_path / "in.parquet", out="kept.parquet")
    assert done.returncode == 0, done.stderr
    kept = pq.read_table(tmp_path / "kept.parquet")
    assert kept.schema.equals(schema)
    assert kept.equals(table.take([0, 2]))
    assert lines(tmp_path / "rejected.jsonl")[0]["reason"] == "duplicate"


def test_a_parquet_file_without_rows_is_one_too(tmp_path: Path):
    table = pa.table({"text": ["Name a bird."], "n": pa.array([1], pa.int8())})
    pq.write_table(table, tmp_path / "in.parquet")
    source = written(tmp_path / "other.jsonl", [{"text": "Name a bird."}])
    done = run("dedup", tmp_path / "in.parquet", "--against", source, out="kept.parquet")
    assert json.loads(done.stdout) == {"kept": 0, "rejected": {"duplicate": 1}}
    assert pq.read_table(tmp_path / "kept.parquet").equals(table.slice(0, 0))
    (tmp_path / "empty.jsonl").write_bytes(b"")
    assert run("dedup", tmp_path / "empty.jsonl", out="none.parquet").returncode == 0
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0


def test_json_lines_can_become_parquet_and_back(tmp_path: Path):
    rows = [{"text": "Name a bird.", "n": 1}, {"text": "Explain rust.", "n": 2}]
    assert run("dedup", written(tmp_path / "in.jsonl", rows), out="kept.parquet").returncode == 0
    assert pq.read_table(tmp_path / "kept.parquet").to_pylist() == rows
    assert run("dedup", tmp_path / "kept.parquet", out="back.jsonl").returncode == 0
    assert lines(tmp_path / "back.jsonl") == rows


def test_a_field_may_lie_deep_and_a_folder_is_read_in_order(tmp_path: Path):
    folder = tmp_path / "rows"
    folder.mkdir()
    for name, text in (("b", "Name a bird."), ("a", "name a bird!")):
        written(folder / f"{name}.jsonl", [{"prompt": [{"role": "user", "content": text}]}])
    done = run("dedup", folder, field="prompt.0.content")
    assert json.loads(done.stdout) == {"kept": 1, "rejected": {"duplicate": 1}}
    assert lines(tmp_path / "rejected.jsonl")[0]["nearest"] == {
        "line": "a.jsonl:1",
        "score": 1.0,
        "text": "name a bird!",
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"text": "a b c d"}\n{"text": \n', "in.jsonl line 2 is not JSON"),
        (b'{"text": "a b c d"}\n\n[1]\n', "in.jsonl line 3 is not a JSON object"),
        (b'{"text": "\xff\xfe"}\n', "in.jsonl line 1 is not JSON"),
        (b'{"other": "a b c d"}\n', "no row of"),
    ],
)
def test_a_bad_line_is_named_and_nothing_looks_whole(tmp_path: Path, content: bytes, said: str):
    source = tmp_path / "in.jsonl"
    source.write_bytes(content)
    assert said in refused(run("dedup", source))
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [
        ("--threshold", 0, "--threshold lies between 0 and 1, 0 does not"),
        ("--threshold", 1.5, "--threshold lies between 0 and 1"),
        ("--fuzzy", -1, "--fuzzy lies between 0 and 1"),
    ],
)
def test_a_threshold_outside_its_range_is_refused(tmp_path: Path, flag: str, value: float, said: str):
    assert said in refused(run("dedup", written(tmp_path / "in.jsonl", ROWS), flag, value))


def test_files_that_cannot_be_used_are_named(tmp_path: Path):
    source = written(tmp_path / "in.jsonl", ROWS)
    assert "does not exist" in refused(run("dedup", tmp_path / "none.jsonl"))
    assert "neither JSON lines nor Parquet" in refused(run("dedup", source, out="kept.csv"))
    assert "three different files" in refused(run("dedup", source, out="in.jsonl"))
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    assert "is not a .parquet file" in refused(run("dedup", tmp_path / "bad.parquet"))
    assert lines(source) == ROWS


def test_strange_characters_and_great_lengths_are_no_crash(tmp_path: Path):
    rows = [{"text": "nul \x00 and \x1b escape"}, {"text": "nul \x00 and \x1b escape"}, {"text": "word " * 1_000_000}]
    rows += [{"text": "\u202eright to left\u2066"}, {"text": "🙂" * 500}]
    done = run("dedup", written(tmp_path / "in.jsonl", rows))
    assert json.loads(done.stdout)["rejected"] == {"duplicate": 1, "too_long": 1}


ITEM = (
    "If a baker sells forty loaves in the morning and half as many in the afternoon, how many loaves are sold that day?"
)


@pytest.mark.parametrize("rule", ["gpt3-13gram", "llama2-skipgram", "tulu3-8gram", "openthoughts"])
def test_a_planted_benchmark_item_is_found_and_told(tmp_path: Path, rule: str):
    bench = written(
        tmp_path / "gsm.jsonl",
        [{"question": "Some other question of this benchmark, quite long as well, is it not?"}, {"question": ITEM}],
    )
    source = written(
        tmp_path / "in.jsonl", [{"text": "Write a haiku about frost."}, {"text": f"Solve it. {ITEM.upper()}"}]
    )
    done = run("decontaminate", source, "--against", bench, "--rule", rule)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["kept"], said["rejected"]) == (1, {"contaminated": 1})
    assert said["benchmarks"] == {"gsm.jsonl": {"items": 2, "touched": 1, "share": 0.5}}
    evidence = lines(tmp_path / "rejected.jsonl")[0]["evidence"]
    assert evidence["item"] == "gsm.jsonl:2"
    assert evidence["span"].startswith("if a baker sells forty loaves")


def test_a_benchmark_may_be_a_folder_of_datasets(tmp_path: Path):
    datasets.Dataset.from_list([{"q": ITEM, "n": 1}]).save_to_disk(tmp_path / "bench")
    source = written(tmp_path / "in.jsonl", [{"text": ITEM}])
    done = run(
        "decontaminate", source, "--against", tmp_path / "bench", "--rule", "tulu3-8gram", "--against-field", "q"
    )
    assert json.loads(done.stdout)["rejected"] == {"contaminated": 1}


def test_a_tokenizer_json_may_take_the_place_of_words(tmp_path: Path):
    made = Tokenizer(models.WordLevel({"[UNK]": 0, "if": 1, "a": 2}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    bench = written(tmp_path / "bench.jsonl", [{"q": "if a " * 8}])
    source = written(tmp_path / "in.jsonl", [{"text": "if a " * 6}, {"text": "if if if"}])
    more = ("--against", bench, "--rule", "tulu3-8gram", "--tokenizer", tmp_path / "tokenizer.json")
    assert json.loads(run("decontaminate", source, *more).stdout)["rejected"] == {"contaminated": 1}
    (tmp_path / "tokenizer.json").write_text("{}")
    assert "is not a tokenizer.json" in refused(run("decontaminate", source, *more))


def test_an_unknown_rule_is_wrong_usage(tmp_path: Path):
    source = written(tmp_path / "in.jsonl", ROWS)
    done = run("decontaminate", source, "--against", source, "--rule", "nine-gram")
    assert done.returncode == 2
    assert "--rule is one of gpt3-13gram" in done.stderr
