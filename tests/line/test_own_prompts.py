"""Prompts that one already has: every one is answered or rejected with its reason, whatever was killed or appended."""

import asyncio
import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import outputs
from stagecase import CONFIG, TEXTS, Scripted

from synthgen import jsonl, line, prompts, steps
from synthgen.api import Run
from synthgen.errors import ConfigError, InputError
from synthgen.line import Line
from synthgen.runs import RunDir
from synthgen.stages.given import Given, Prompt
from synthgen.stages.grow import Stop
from synthgen.steps import Job
from synthgen.teacher.ledgerrow import read_body

PROMPTS = [f"Name {number + 2} things that are found in a kitchen, and say what each is for." for number in range(12)]


def answer(out: Path, source: Path, *, field: str = "", **values) -> dict[str, Any]:
    """Answer a file in this process, without Prefect; the report."""
    values = {"teacher": {"spec": "rehearsal"}, "strategy": "none"} | values
    job = Job(None, out, values, given=Given(source, field))
    return asyncio.run(steps.run_all(job, lambda _stage, _count: None))


def written(path: Path, rows: list) -> Path:
    """A file of JSON lines; bytes stand as they are."""
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def file_of(folder: Path, texts: list[str] = PROMPTS) -> Path:
    """A file of prompts."""
    return written(folder / "prompts.jsonl", [{"prompt": text} for text in texts])


def asked(run: Path) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """(role, messages) of every call that the ledger holds."""
    with contextlib.closing(sqlite3.connect(run / "ledger.sqlite")) as db:
        for role, request in db.execute("select role, request from calls order by at"):
            yield role, read_body(request)["messages"]


def rejections(run: Path) -> dict[str, str]:
    """Id to reason of everything that was dropped."""
    lines = [line for path in (run / "rejected").glob("*.jsonl") for line in path.read_text().splitlines()]
    return {row["id"]: row["reason"] for row in map(json.loads, lines)}


def rows_of(run: Path, config: str = "sft") -> list[dict[str, Any]]:
    """The rows of one config of the dataset."""
    return pq.read_table(run / "dataset" / config).to_pylist()


def test_every_prompt_is_answered_or_rejected_and_can_be_joined_back(tmp_path: Path):
    rows = [{"id": f"mine/{number}", "prompt": text} for number, text in enumerate(PROMPTS)]
    report = answer(tmp_path / "run", written(tmp_path / "mine.jsonl", rows))
    dropped = rejections(tmp_path / "run")
    assert report["requested"] == len(PROMPTS) == report["accepted"] + len(dropped)
    assert report["owed"] == {"tasks": 0, "answers": 0}
    assert report["stopped"]["reason"] == "done"
    found = {json.loads(row["metadata_json"])["row_id"]: row for row in rows_of(tmp_path / "run")}
    for row in rows:
        place = f"p{rows.index(row):06d}"
        if row["id"] in found:
            one = found[row["id"]]
            assert one["prompt"][-1] == {"role": "user", "content": row["prompt"]}
            assert (one["id"], one["root_id"], one["source"]) == (f"{place}-0", place, "teacher")
        else:
            assert f"{place}-0" in dropped


def test_a_second_run_asks_nothing_and_leaves_the_same_bytes(tmp_path: Path):
    source = file_of(tmp_path)
    assert answer(tmp_path / "run", source, strategy="auto")["calls"] == 2 * len(PROMPTS)
    before = outputs(tmp_path / "run")
    assert answer(tmp_path / "run", source, strategy="auto", concurrency=2)["calls"] == 0
    assert outputs(tmp_path / "run") == before
    answer(tmp_path / "one by one", source, strategy="auto", concurrency=1)
    assert outputs(tmp_path / "one by one") == before


def test_a_prompt_that_is_sent_as_it_is_is_one_message_and_one_call(tmp_path: Path):
    texts = ["  spaces stay \n", "¿Qué hora es?", *PROMPTS]
    report = answer(tmp_path / "run", file_of(tmp_path, texts))
    assert report["calls"] == len(texts)
    assert Counter(asked_text for _, [asked_text] in told(tmp_path / "run")) == Counter(texts)
    for row in rows_of(tmp_path / "run"):
        assert [message["role"] for message in row["prompt"]] == ["user"]
        assert row["strategy"] == "none"


def told(run: Path) -> Iterator[tuple[str, list[str]]]:
    """(role, what each message says) of every call but the first contact."""
    for role, messages in asked(run):
        yield role, [message["content"] for message in messages]


def test_a_named_strategy_is_imposed_on_every_prompt_and_erased(tmp_path: Path):
    report = answer(tmp_path / "run", file_of(tmp_path), strategy="step-by-step")
    assert report["calls"] == len(PROMPTS)
    imposed = prompts.load().strategy("step-by-step")
    assert {messages[0] for _, messages in told(tmp_path / "run")} == {imposed}
    rows = rows_of(tmp_path / "run")
    assert {row["prompt"][0]["content"] for row in rows} == {prompts.load().text("system_generic")}
    assert {row["strategy"] for row in rows} == {"step-by-step"}


def test_by_the_policy_a_prompt_is_sorted_first_unless_its_row_says_where_it_belongs(tmp_path: Path):
    rows = [
        {"prompt": text, **({"category": "mathematics"} if number % 3 == 0 else {})}
        for number, text in enumerate(PROMPTS)
    ]
    answer(tmp_path / "run", written(tmp_path / "mine.jsonl", rows), strategy="auto")
    tasks = list(Run(tmp_path / "run").records("tasks"))
    assert [bool(task.calls) for task in tasks] == ["category" not in row for row in rows]
    assert Counter(role for role, _ in told(tmp_path / "run")) == {"instantiate": 8, "answer": 12}


def test_a_prompt_is_its_users_own_and_is_not_dropped_for_what_the_inspection_says(tmp_path: Path):
    texts = [f"Sum up what was said in meeting {number}." for number in range(120)]
    report = answer(tmp_path / "run", file_of(tmp_path, texts), strategy="auto")
    assert report["tasks"] == len(texts)
    assert "vet" not in report["rejected"]


def test_answers_that_repeat_one_to_another_prompt_are_kept(tmp_path: Path):
    same = ["Recite the whole of the rules of the house for guests who stay for longer than one week."] * 40
    report = answer(tmp_path / "run", file_of(tmp_path, same), seed=1)
    assert report["accepted"] + report["stages"]["answers"]["rejected"] == 40
    assert not {"repeated_answer", "near_identical"} & report["rejected"].get("answer", {}).keys()


@pytest.mark.parametrize(("samples", "judge"), [(3, False), (1, True)])
def test_more_samples_or_a_judge_bring_verdicts(tmp_path: Path, samples: int, judge: bool):
    roles = {"roles": {"judge": {"spec": "rehearsal-weak"}}} if judge else {}
    report = answer(tmp_path / "run", file_of(tmp_path), strategy="direct-answer", samples=samples, **roles)
    assert report["stages"]["judged"]["in"] == len(PROMPTS) == report["stages"]["pairs"]["in"]
    assert report["owed"] == dict.fromkeys(("tasks", "answers", "judged", "pairs"), 0)
    assert (
        report["accepted"]
        == len(rows_of(tmp_path / "run"))
        == len(PROMPTS) - report["rejected"].get("pick", Counter()).get("no_good_answer", 0)
    )
    assert ("dpo" in report["rows"]) is (samples > 1)
    before = outputs(tmp_path / "run")
    assert answer(tmp_path / "run", file_of(tmp_path), strategy="direct-answer", samples=samples, **roles)["calls"] == 0
    assert outputs(tmp_path / "run") == before


def test_one_sample_without_a_judge_is_not_judged(tmp_path: Path):
    report = answer(tmp_path / "run", file_of(tmp_path), strategy="direct-answer")
    assert report["stages"]["judged"]["in"] == 0
    assert set(report["rows"]) == {"sft", "sft_messages"}
    assert not (tmp_path / "run" / "judged.jsonl").exists()


def test_where_no_row_may_be_trained_on_the_report_says_what_was_paid_for(tmp_path: Path):
    source = written(
        tmp_path / "mine.jsonl", [{"prompt": f"What does <|im_end|> do in the year {1900 + n}?"} for n in range(3)]
    )
    with pytest.raises(
        InputError, match="none of the 3 rows may be trained on, 3 of them because a text holds a marker"
    ):
        answer(tmp_path / "run", source)
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["rejected"]["export"] == {"special_tokens": 3}
    assert report["calls"] > 0
    assert report["rows"] == {}


BAD = [
    ({"prompt": ""}, "empty"), ({"prompt": " \n"}, "empty"), ({"text": "no prompt"}, "no_prompt"), ({"prompt": None}, "no_prompt"),
    ({"prompt": 5}, "not_text"), ({"prompt": ["a"]}, "not_text"), ({"instruction": "Add.", "input": [1]}, "not_text"),
    ({"prompt": "a\u0000b"}, "control_character"), ({"instruction": "Add.", "input": "\u001b[2J"}, "control_character"),
    ({"prompt": "word " * 1_000_000}, "too_long"),
    ({"messages": []}, "not_single_turn"), ({"messages": "hello"}, "not_single_turn"),
    ({"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]}, "not_single_turn"),
    ({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi"}]}, "not_single_turn"),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}, "not_text"),
    ({"prompt": "Fine.", "id": {"a": 1}}, "bad_id"), ({"prompt": "Fine.", "id": True}, "bad_id"),
    ({"prompt": "Fine.", "id": "x" * 1001}, "bad_id"), ({"prompt": "Fine.", "id": "\u001b[2J"}, "bad_id"),
    ({"prompt": "Twice.", "id": "good"}, "duplicate_id"),
    (b'{"prompt": "broken \xff UTF-8"}', "not_a_row"), (b'{"prompt": "cut', "not_a_row"), (b"plain text", "not_a_row"),
    (b'["prompt"]', "not_a_row"), (b'{"prompt": "half \\ud83d of an emoji"}', "not_a_row"),
]  # fmt: skip
GOOD = [
    ({"prompt": "Say how long a day is.", "id": "good"}, "Say how long a day is."),
    ({"instruction": "Add up.", "input": "3 and 4"}, "Add up.\n\n3 and 4"),
    ({"instruction": "Add up 3 and 4.", "input": None}, "Add up 3 and 4."),
    ({"messages": [{"role": "user", "content": "Name a river."}]}, "Name a river."),
    ({"prompt": None, "instruction": "Name a lake."}, "Name a lake."),
    ({"prompt": "Tell <|im_start|> apart from [INST].", "id": 7}, "Tell <|im_start|> apart from [INST]."),
    ({"prompt": "As JSON: \u2028 \u00e9 \U0001f600"}, "As JSON: \u2028 \u00e9 \U0001f600"),
]


def test_bad_rows_are_rejected_with_their_reason_and_the_others_are_asked(tmp_path: Path):
    rows = [row for pair in zip([row for row, _ in GOOD], [row for row, _ in BAD], strict=False) for row in pair]
    rows += [row for row, _ in BAD[len(GOOD) :]]
    source = written(tmp_path / "mine.jsonl", rows)
    report = answer(tmp_path / "run", source)
    reasons = [
        row["reason"] for row in map(json.loads, (tmp_path / "run/rejected/prompts.jsonl").read_text().splitlines())
    ]
    assert Counter(reasons) == Counter(reason for _, reason in BAD)
    assert Counter(text for _, [text] in told(tmp_path / "run")) == Counter(text for _, text in GOOD)
    assert report["requested"] == len(rows)
    assert (
        report["rejected"]["prompts"]
        == dict(Counter(reason for _, reason in BAD).most_common()) | report["rejected"]["prompts"]
    )
    before = outputs(tmp_path / "run")
    assert answer(tmp_path / "run", source)["calls"] == 0
    assert outputs(tmp_path / "run") == before
    assert all(str(tmp_path).encode() not in data for data in before.values())


def test_a_byte_order_mark_and_empty_lines_are_no_rows(tmp_path: Path):
    source = tmp_path / "mine.jsonl"
    source.write_bytes(b'\xef\xbb\xbf{"prompt": "Name a river."}\r\n\r\n{"prompt": "Name a lake."}\n\n')
    assert answer(tmp_path / "run", source)["requested"] == 2
    assert Counter(text for _, [text] in told(tmp_path / "run")) == {"Name a river.": 1, "Name a lake.": 1}


def test_parquet_and_a_folder_of_files_are_read_as_lines_are(tmp_path: Path):
    answer(tmp_path / "lines", file_of(tmp_path))
    folder = tmp_path / "folder"
    folder.mkdir()
    pq.write_table(pa.table({"prompt": PROMPTS[:5]}), folder / "a.parquet")
    written(folder / "b.jsonl", [{"prompt": text} for text in PROMPTS[5:]])
    answer(tmp_path / "run", folder)
    assert outputs(tmp_path / "run") == outputs(tmp_path / "lines")


def test_a_parquet_row_that_is_not_utf_8_is_rejected_alone(tmp_path: Path):
    texts = pa.array([b"Name a river.", b"broken \xff", b"Name a lake."], pa.binary()).cast(pa.string(), safe=False)
    pq.write_table(pa.table({"prompt": texts}), tmp_path / "mine.parquet")
    answer(tmp_path / "run", tmp_path / "mine.parquet")
    assert rejections(tmp_path / "run")["p000001"] == "not_a_row"
    assert Counter(text for _, [text] in told(tmp_path / "run")) == {"Name a river.": 1, "Name a lake.": 1}


def test_a_field_is_named_as_for_dedup(tmp_path: Path):
    source = written(tmp_path / "mine.jsonl", [{"turns": [{"text": text}], "prompt": "not this"} for text in PROMPTS])
    answer(tmp_path / "run", source, field="turns.0.text")
    assert Counter(text for _, [text] in told(tmp_path / "run")) == Counter(PROMPTS)


def test_appended_rows_are_answered_by_the_same_command_and_the_bytes_are_those_of_one_run(tmp_path: Path):
    source = file_of(tmp_path, PROMPTS[:7])
    answer(tmp_path / "run", source)
    file_of(tmp_path)
    assert answer(tmp_path / "run", source)["calls"] == len(PROMPTS) - 7
    answer(tmp_path / "whole", source)
    assert outputs(tmp_path / "run") == outputs(tmp_path / "whole")


CHANGES = {
    "the text": lambda rows: rows[4].update(prompt="Another one."),
    "the input": lambda rows: rows[3].update(input="5 and 6"),
    "the id": lambda rows: rows[4].update(id="other"),
    "the category": lambda rows: rows[4].update(category="mathematics"),
    "a row that was rejected": lambda rows: rows[2].update(prompt="Not empty."),
    "the order": lambda rows: rows.insert(1, rows.pop(5)),
    "a row that is bad now": lambda rows: rows[4].update(prompt=None),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_row_is_refused_by_its_line(tmp_path: Path, change: str):
    rows = [{"id": str(number), "prompt": text} for number, text in enumerate(PROMPTS)]
    rows[2] = {"id": "2", "prompt": ""}
    rows[3] = {"id": "3", "instruction": "Add up.", "input": "3 and 4"}
    source = written(tmp_path / "mine.jsonl", rows)
    answer(tmp_path / "run", source, strategy="direct-answer")
    before = outputs(tmp_path / "run")
    kept = [dict(row) for row in rows]
    CHANGES[change](rows)
    line = next(number for number, (old, new) in enumerate(zip(kept, rows, strict=True), start=1) if old != new)
    written(source, rows)
    with pytest.raises(ConfigError, match=rf"mine\.jsonl line {line} \(p{line - 1:06d}\) is not the row"):
        answer(tmp_path / "run", source, strategy="direct-answer")
    assert outputs(tmp_path / "run") == before
    written(source, kept)
    assert answer(tmp_path / "run", source, strategy="direct-answer")["calls"] == 0


def test_rows_that_are_gone_are_refused(tmp_path: Path):
    source = file_of(tmp_path)
    answer(tmp_path / "run", source)
    before = outputs(tmp_path / "run")
    file_of(tmp_path, PROMPTS[:-3])
    with pytest.raises(ConfigError, match="has answered 12 inputs and was given 9"):
        answer(tmp_path / "run", source)
    assert outputs(tmp_path / "run") == before


@pytest.mark.parametrize("values", [{"strategy": "auto"}, {"samples": 2}, {"seed": 3}])
def test_another_strategy_is_another_run(tmp_path: Path, values: dict[str, Any]):
    source = file_of(tmp_path)
    answer(tmp_path / "run", source, strategy="direct-answer")
    with pytest.raises(ConfigError, match=f"config differs .*{next(iter(values))}"):
        answer(tmp_path / "run", source, **({"strategy": "direct-answer"} | values))


def test_a_strategy_without_a_prompt_is_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(ConfigError, match="there is no strategy stepbystep; known: auto, none, direct-answer"):
        answer(tmp_path / "run", file_of(tmp_path), strategy="stepbystep")
    assert not (tmp_path / "run" / "config.json").exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b"", "holds no prompt"),
        ("a.jsonl", b"\n\n", "holds no prompt"),
        ("a.jsonl", b"prompt,id\nName a river.,1\n", r"a\.jsonl line 1 is not JSON"),
        ("a.jsonl", b"\n" + bytes(range(256)), r"a\.jsonl line 2 is not JSON"),
        ("a.jsonl", b'[{"prompt": "Name a river."}]\n', r"a\.jsonl line 1 is not a JSON object"),
        ("a.jsonl", b'{"question": "Which river?", "n": 1}\n', "has prompt or instruction or messages; the first has question, n"),
        ("a.parquet", b"PAR1 and nothing else", "is not a .parquet file"),
        ("a.csv", b"prompt\n", "neither JSON lines nor Parquet"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_of_prompts_is_one_error(tmp_path: Path, name: str, content: bytes, said: str):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        answer(tmp_path / "run", tmp_path / name)
    assert not (tmp_path / "run" / "ledger.sqlite").exists()


def test_a_file_that_is_not_there_and_a_field_that_no_row_has(tmp_path: Path):
    with pytest.raises(InputError, match="does not exist"):
        answer(tmp_path / "run", tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="has text; the first has prompt; name the prompt's field with --field"):
        answer(tmp_path / "run", file_of(tmp_path), field="text")


async def test_what_stands_before_a_row_that_cannot_be_read_is_answered_and_the_stop_is_told(tmp_path: Path):
    def torn() -> Iterator[Prompt]:
        yield from (Prompt(f"p{number:06d}", "", text) for number, text in enumerate(PROMPTS))
        raise InputError("the disk is gone")

    teacher, config = (
        Scripted(lambda _request: "A spoon."),
        CONFIG.model_copy(update={"strategy": "none", "samples": 1}),
    )
    run = RunDir(tmp_path)
    stop = await line.answer(Line(run, config, TEXTS, (), {}, teacher), torn())
    assert stop == Stop("InputError", "the disk is gone; what stands before it is kept, and the same command goes on")
    assert [row["task"] for row in jsonl.rows(run.accepted("answers"))] == [f"p{n:06d}" for n in range(len(PROMPTS))]


def test_a_limit_leaves_what_is_whole_and_says_what_is_owed(tmp_path: Path):
    source = file_of(tmp_path)
    report = answer(tmp_path / "run", source, max_calls=5, concurrency=2)
    assert report["stopped"]["reason"] == "limit"
    assert report["requested"] == len(PROMPTS)
    stages = report["stages"]
    assert stages["answers"]["in"] + report["owed"]["answers"] + report["owed"]["tasks"] == len(PROMPTS)
    assert len(rows_of(tmp_path / "run")) == report["accepted"] == stages["answers"]["out"] > 0
    assert answer(tmp_path / "run", source)["owed"] == {"tasks": 0, "answers": 0}
    answer(tmp_path / "whole", source)
    assert outputs(tmp_path / "run") == outputs(tmp_path / "whole")


def test_a_test_side_is_made_where_the_config_asks_for_one(tmp_path: Path):
    # Nothing in common: near-duplicates are not left on both sides.
    texts = [f"Name one{number} thing{number} that {number} people{number} can carry{number}." for number in range(60)]
    report = answer(tmp_path / "run", file_of(tmp_path, [*texts, *texts]), test_share=0.3)
    assert set(report["rows"]["sft"]) == {"train", "test"}
    sides: dict[str, set[str]] = {}
    for task in Run(tmp_path / "run").records("tasks"):
        sides.setdefault(task.instruction, set()).add(task.side)
    assert all(len(found) == 1 for found in sides.values())


def test_benchmarks_are_looked_up_where_the_config_names_them(tmp_path: Path):
    item = "How many rivers flow through the north of the country before they reach the sea, and which is longest?"
    written(tmp_path / "bench.jsonl", [{"question": item}])
    looked_up = {"rule": "tulu3-8gram", "against": [str(tmp_path / "bench.jsonl")]}
    report = answer(tmp_path / "run", file_of(tmp_path, [*PROMPTS, item]), decontaminate=looked_up)
    assert rejections(tmp_path / "run")["p000012"] == "contaminated"
    assert report["contamination"]["bench.jsonl"]["touched"] == 1
    assert answer(tmp_path / "run", file_of(tmp_path, [*PROMPTS, item]), decontaminate=looked_up)["calls"] == 0
