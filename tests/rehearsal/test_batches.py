"""Files and batches, as OpenAI's own client reads them; a batch that outlives its server; and what can go wrong with one."""

import asyncio
import json
import signal
from collections import Counter
from pathlib import Path

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import Batch
from servercase import BODY, CHAT, MODEL, Running, get, post, start

from synthgen.rehearsal import batchlines, meanings
from synthgen.rehearsal.batchlines import Line
from synthgen.rehearsal.batchrun import ORDER
from synthgen.rehearsal.options import LINE_FAULTS, Options

OVER = {"completed", "failed", "expired", "cancelled"}


def bodies(count: int) -> list[dict]:
    """Different requests."""
    return [{**BODY, "seed": number} for number in range(count)]


def jsonl(asked: list[dict], url: str = CHAT) -> bytes:
    """The input file of some bodies."""
    rows = [{"custom_id": f"r{n}", "method": "POST", "url": url, "body": body} for n, body in enumerate(asked)]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def sdk(url: str) -> openai.AsyncOpenAI:
    """OpenAI's client."""
    return openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=20)


async def created(client: openai.AsyncOpenAI, content: bytes, url: str = CHAT, **more) -> Batch:
    """A batch of an uploaded file."""
    file = await client.files.create(file=("in.jsonl", content), purpose="batch")
    assert file.bytes == len(content)
    return await client.batches.create(input_file_id=file.id, endpoint=url, completion_window="24h", **more)


async def ended(client: openai.AsyncOpenAI, batch: Batch) -> tuple[Batch, list[str]]:
    """A batch at its end, and the statuses that it had."""
    seen = [batch.status]
    while batch.status not in OVER:
        await asyncio.sleep(0.01)
        batch = await client.batches.retrieve(batch.id)
        seen += [batch.status] if batch.status != seen[-1] else []
    return batch, seen


async def rows(client: openai.AsyncOpenAI, file: str | None) -> list[dict]:
    """The lines of a file; none of no file."""
    if file is None:
        return []
    content = await client.files.content(file)
    return [json.loads(line) for line in content.content.splitlines()]


async def done(content: bytes, url: str = CHAT, **options) -> tuple[Batch, list[dict], list[dict], dict]:
    """(batch, output lines, error lines, counts of the server) of a batch from end to end."""
    async with Running(**{"batch_seconds": 0.05, **options}) as server, sdk(server.url) as client:
        batch, _ = await ended(client, await created(client, content, url))
        found = await rows(client, batch.output_file_id), await rows(client, batch.error_file_id)
        return batch, *found, server.counts


async def test_a_batch_says_the_very_words_of_the_direct_calls_in_another_order():
    asked = bodies(25)
    async with Running(batch_seconds=0.3) as server, sdk(server.url) as client:
        batch, seen = await ended(client, await created(client, jsonl(asked), metadata={"run": "seven"}))
        said = await rows(client, batch.output_file_id)
        direct = [await server.said(body) for body in asked]
        known = await client.files.retrieve(batch.output_file_id)
    assert seen == sorted(seen, key=ORDER.index)
    assert (seen[0], seen[-1]) == ("validating", "completed")
    assert batch.metadata == {"run": "seven"}
    assert (batch.request_counts.total, batch.request_counts.completed, batch.request_counts.failed) == (25, 25, 0)
    assert batch.in_progress_at <= batch.finalizing_at <= batch.completed_at
    assert batch.error_file_id is None
    assert (known.purpose, known.status) == ("batch_output", "processed")
    assert [row["custom_id"] for row in said] != [f"r{n}" for n in range(25)]
    assert {row["custom_id"]: row["response"]["body"] for row in said} == {f"r{n}": one for n, one in enumerate(direct)}
    assert all(row["error"] is None and row["response"]["status_code"] == 200 for row in said)


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("/v1/completions", {"model": MODEL, "prompt": "Name a river.", "max_tokens": 60}),
        ("/v1/embeddings", {"model": meanings.MODEL, "input": ["one", "two"]}),
    ],
)
async def test_the_other_endpoints_have_batches_too(url: str, body: dict):
    _, said, _, _ = await done(jsonl([body], url), url)
    async with Running() as server:
        assert said[0]["response"]["body"] == await server.said(body, url)


LINE = {"custom_id": "a", "method": "POST", "url": CHAT, "body": BODY}


@pytest.mark.parametrize(
    ("lines", "code", "line"),
    [
        ([LINE, "{half a line"], "invalid_json_line", 2),
        ([LINE, ""], "invalid_json_line", 2),
        (["[]"], "invalid_json_line", 1),
        ([{**LINE, "custom_id": ""}], "missing_required_parameter", 1),
        ([{**LINE, "custom_id": 7}], "missing_required_parameter", 1),
        ([{"custom_id": "a", "method": "POST", "url": CHAT}], "missing_required_parameter", 1),
        ([LINE, {**LINE, "body": {**BODY, "seed": 9}}], "duplicate_custom_id", 2),
        ([{**LINE, "url": "/v1/completions"}], "url_mismatch", 1),
        ([{**LINE, "method": "GET"}], "invalid_method", 1),
        ([LINE, {**LINE, "custom_id": "b", "body": {**BODY, "model": "gpt-x"}}], "model_mismatch", 2),
        ([], "empty_file", None),
    ],
)
async def test_a_wrong_line_fails_the_whole_batch_and_is_named(lines: list, code: str, line: int | None):
    content = "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in lines).encode()
    batch, said, errors, counts = await done(content)
    assert batch.status == "failed"
    assert batch.failed_at is not None
    assert [(one.code, one.line) for one in batch.errors.data] == [(code, line)]
    assert batch.errors.data[0].message
    assert (said, errors, counts["served"]) == ([], [], 0)


def test_a_file_may_have_50000_lines_and_200_megabytes_and_no_more():
    fits, wrong = batchlines.read(jsonl([BODY] * 50_000), CHAT)
    assert (len(fits), wrong) == (50_000, [])
    assert batchlines.read(jsonl([BODY] * 50_001), CHAT)[1][0]["code"] == "too_many_tasks"
    assert batchlines.read(bytes(200_000_001), CHAT)[1][0]["code"] == "file_too_large"


async def test_a_file_may_be_larger_than_any_other_request():
    async with Running() as server, sdk(server.url) as client:
        content = jsonl([{**BODY, "user": "x" * 20_000_000}])
        file = await client.files.create(file=("in.jsonl", content), purpose="batch")
        assert (await client.files.content(file.id)).content == content


async def test_lines_that_the_model_refuses_are_in_the_error_file():
    batch, said, errors, _ = await done(jsonl([{**BODY, "model": "gpt-x"}] * 1))
    assert batch.status == "completed"
    assert batch.output_file_id is None
    assert said == []
    assert errors[0]["response"]["status_code"] == 404
    assert errors[0]["response"]["body"]["error"]["code"] == "model_not_found"
    assert (batch.request_counts.completed, batch.request_counts.failed) == (0, 1)


async def test_a_batch_that_fails_for_no_fault_of_its_own_says_so_and_has_done_nothing():
    batch, said, errors, counts = await done(jsonl(bodies(4)), batch_faults={"failed": 1.0})
    assert batch.status == "failed"
    assert batch.errors.data[0].code == "token_limit_exceeded"
    assert (said, errors, counts["served"]) == ([], [], 0)


async def test_a_batch_that_expires_has_done_some_and_names_the_others():
    batch, said, errors, counts = await done(jsonl(bodies(20)), batch_faults={"expired": 1.0})
    assert batch.status == "expired"
    assert batch.expired_at is not None
    assert sorted(row["custom_id"] for row in said + errors) == sorted(f"r{n}" for n in range(20))
    assert len(said) == counts["served"] == batch.request_counts.completed == 10
    assert {(row["response"], row["error"]["code"]) for row in errors} == {(None, "batch_expired")}


async def test_lines_fail_with_500_and_429_in_the_error_file():
    batch, said, errors, _ = await done(jsonl(bodies(60)), batch_faults={"failed-lines": 0.5})
    assert batch.status == "completed"
    assert sorted(row["custom_id"] for row in said + errors) == sorted(f"r{n}" for n in range(60))
    assert {row["response"]["status_code"] for row in errors} == {500, 429}
    assert len(errors) == batch.request_counts.failed


async def test_lines_can_be_in_neither_file_or_twice_or_unreadable():
    shares = {"missing-lines": 0.3, "repeated-lines": 0.3, "unreadable-lines": 0.2}
    async with Running(batch_seconds=0.05, batch_faults=shares) as server, sdk(server.url) as client:
        batch, _ = await ended(client, await created(client, jsonl(bodies(100))))
        lines = (await client.files.content(batch.output_file_id)).content.splitlines()
        assert server.counts["served"] == 100
    counts: Counter[str] = Counter()
    unreadable = 0
    for line in lines:
        try:
            counts[json.loads(line)["custom_id"]] += 1
        except json.JSONDecodeError:
            unreadable += 1
    assert batch.request_counts.completed == 100
    assert set(counts.values()) == {1, 2}
    assert unreadable > 3
    assert len(counts) + unreadable < 95


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), unique=True, max_size=30),
    st.dictionaries(st.sampled_from(LINE_FAULTS), st.floats(0, 1 / len(LINE_FAULTS))),
    st.integers(0, 5),
)
def test_what_a_line_leaves_is_in_one_file_or_by_its_fault_in_none(names: list[str], shares: dict, ordinal: int):
    options = Options(MODEL, batch_faults=shares)
    for name in names:
        line = Line(name, BODY)
        kind, _ = batchlines.met(line, options, ordinal)
        found = batchlines.result(line, 200, {"choices": []}, options, ordinal)
        assert kind == "" or shares[kind] > 0
        assert found == batchlines.result(line, 200, {"choices": []}, options, ordinal)
        assert bool(found.output) + bool(found.errors) == (kind != "missing-lines")
        if kind in {"", "repeated-lines", "failed-lines"}:
            said = (found.output + found.errors).split(b"\n")[:-1]
            assert [json.loads(one)["custom_id"] for one in said] == [name] * (1 + (kind == "repeated-lines"))


async def test_a_cancelled_batch_keeps_what_it_has_done():
    async with Running(batch_seconds=2) as server, sdk(server.url) as client:
        batch = await created(client, jsonl(bodies(50)))
        while not batch.request_counts.completed:
            await asyncio.sleep(0.01)
            batch = await client.batches.retrieve(batch.id)
        assert (await client.batches.cancel(batch.id)).status == "cancelling"
        assert (await client.batches.cancel(batch.id)).status == "cancelling"
        batch, seen = await ended(client, batch)
        said = await rows(client, batch.output_file_id)
        with pytest.raises(openai.ConflictError):
            await client.batches.cancel(batch.id)
    assert batch.status == "cancelled"
    assert "finalizing" not in seen
    assert 0 < len(said) == batch.request_counts.completed < 50


async def test_batches_are_listed_from_the_newest_page_by_page():
    async with Running(batch_seconds=0) as server, sdk(server.url) as client:
        names = [(await created(client, jsonl(bodies(1)))).id for _ in range(5)]
        page = await client.batches.list(limit=2)
        assert [one.id for one in page.data] == names[:2:-1]
        assert page.has_more
        assert [one.id async for one in client.batches.list(limit=2)] == names[::-1]


async def test_what_is_not_there_is_404_and_what_cannot_be_is_400(tmp_path: Path):
    (tmp_path / "secret.json").write_text('{"purpose": "batch"}')
    async with Running(state=tmp_path / "state") as server, sdk(server.url) as client:
        for call in (client.files.retrieve, client.files.content, client.batches.retrieve, client.batches.cancel):
            for name in ("file-123", "batch_123", "..%2Fsecret"):
                with pytest.raises(openai.NotFoundError):
                    await call(name)
        file = await client.files.create(file=("in.jsonl", jsonl(bodies(1))), purpose="batch")
        for wrong in (
            {"input_file_id": "file-123"}, {"input_file_id": "../secret"}, {"endpoint": "/v1/responses"},
            {"completion_window": "1h"},
        ):  # fmt: skip
            asked = {"input_file_id": file.id, "endpoint": CHAT, "completion_window": "24h", **wrong}
            with pytest.raises(openai.BadRequestError):
                await client.batches.create(**asked)
        with pytest.raises(openai.BadRequestError):
            await client.files.create(file=("in.jsonl", b"{}"), purpose="fine-tune")
        assert (await server.post({"no": "form"}, "/v1/files"))[0] == 400
        assert not (await client.batches.list()).data


async def test_work_of_a_batch_counts_as_work():
    asked = bodies(6)
    async with Running(batch_seconds=0) as server, sdk(server.url) as client:
        await ended(client, await created(client, jsonl(asked)))
        await server.post(asked[0])
        assert server.counts["served"] == 7
        assert server.counts["served_again"] == 1
        assert list(server.counts["again"].values()) == [2]


async def test_faults_come_to_batches_where_that_is_wanted_and_a_lost_reply_leaves_its_batch():
    content = jsonl(bodies(2))
    async with Running(faults={"drop-after": 1.0}) as server, sdk(server.url) as client:
        assert (await ended(client, await created(client, content)))[0].status == "completed"
    async with (
        Running(faults={"drop-after": 0.5}, fault_batches=True, batch_seconds=0) as server,
        sdk(server.url) as client,
    ):

        async def insisted(call, *arguments, **more):
            while True:
                try:
                    return await call(*arguments, **more)
                except openai.APIConnectionError:
                    continue

        file = await insisted(client.files.create, file=("in.jsonl", content), purpose="batch")
        asked = {"input_file_id": file.id, "endpoint": CHAT, "completion_window": "24h"}
        for _ in range(8):
            await insisted(client.batches.create, **asked)
        listed = await insisted(client.batches.list)
        assert len(listed.data) > 8
        assert server.counts["faults"]["drop-after"] >= len(listed.data) - 8


async def test_a_batch_outlives_its_server(tmp_path: Path):
    asked = bodies(40)
    switches = ("--state", str(tmp_path / "state"), "--batch-seconds", "2", "--batch-fault", "failed-lines=0.2")
    first, url = start(*switches)
    async with sdk(url) as client:
        batch = await created(client, jsonl(asked))
        while not batch.request_counts.completed:
            await asyncio.sleep(0.02)
            batch = await client.batches.retrieve(batch.id)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    second, url = start(*switches)
    async with sdk(url) as client:
        (listed,) = (await client.batches.list()).data
        assert listed.id == batch.id
        after, _ = await ended(client, listed)
        said, errors = await rows(client, after.output_file_id), await rows(client, after.error_file_id)
        _, direct = await asyncio.to_thread(post, url, asked[int(said[0]["custom_id"][1:])])
    assert get(url, "/stats")["served"] >= 41
    second.terminate()
    second.communicate()
    assert after.status == "completed"
    assert (after.created_at, after.in_progress_at) == (batch.created_at, batch.in_progress_at)
    assert sorted(row["custom_id"] for row in said + errors) == sorted(f"r{n}" for n in range(40))
    assert 0 < len(errors) < 20
    assert said[0]["response"]["body"] == direct
