"""Whether to think, from a request to a real server and back: sent only where it is wanted, and told where it is refused."""

import asyncio
from pathlib import Path

import pytest
from servercase import MODEL, serving
from stagecase import CONFIG

from synthgen.config import RoleConfig
from synthgen.errors import ConfigError
from synthgen.records import Decoding, Message, Reply, Request
from synthgen.rehearsal.items import items
from synthgen.teacher import wire
from synthgen.teacher.connect import Connections
from synthgen.teacher.engine import Engine
from synthgen.teacher.ledger import Ledger
from synthgen.teacher.meter import Meter
from synthgen.teacher.terms import Terms


def request(number: int, think: bool | None) -> Request:
    """A puzzle."""
    text = list(items(number + 1, 3, ["puzzles"]))[number]["instruction"]
    return Request(
        role="answer", step="answer", about=f"t{number}", messages=(Message(role="user", content=text),),
        decoding=Decoding(temperature=0.8, max_tokens=200), think=think,
    )  # fmt: skip


def ask(url: str, ledger: Path, *requests: Request, api: str = "chat") -> list[Reply]:
    """The replies of a real server, over the engine and its ledger."""
    teacher = RoleConfig.model_validate(
        {"spec": f"{MODEL}@{url}/v1", "model": MODEL, "identity": "lab", "teacher_id": "lab", "api": api}
    )
    config = CONFIG.model_copy(update={"teacher": teacher})

    async def work() -> list[Reply]:
        with Ledger(ledger) as book:
            async with Connections(config, {}, book, Terms(8), {}, lambda _learned: None) as connections:
                engine = Engine(connections.ports, book, Meter(), {})
                try:
                    return [await engine.ask(one) for one in requests]
                finally:
                    await engine.aclose()

    return asyncio.run(work())


def test_thinking_comes_with_its_thoughts_and_costs_tokens_and_without_there_are_none(tmp_path: Path):
    with serving("--fault", "reasoning=1") as url:
        thought, not_thought, usual = ask(url, tmp_path / "l", request(0, True), request(0, False), request(0, None))
    assert len(thought.reasoning) > 200
    assert not not_thought.reasoning
    assert usual.reasoning, "left to the endpoint, which has the habit"
    assert thought.completion_tokens > not_thought.completion_tokens + 50
    assert len({thought.key, not_thought.key, usual.key}) == 3


def test_what_was_thought_about_is_replayed_from_the_ledger(tmp_path: Path):
    with serving() as url:
        first = ask(url, tmp_path / "l", request(1, True))
    assert ask("http://127.0.0.1:9", tmp_path / "l", request(1, True)) == first


def test_an_endpoint_that_does_not_take_it_is_named_and_its_refusal_is_no_reply(tmp_path: Path):
    with serving("--without", wire.THINK) as url:
        with pytest.raises(ConfigError, match=r"lab does not take chat_template_kwargs.*without think and no_think"):
            ask(url, tmp_path / "l", request(2, False))
        assert ask(url, tmp_path / "l", request(2, None))[0].finish == "stop", "who never asks for it is served"
    with Ledger(tmp_path / "l", reading=True) as book:
        assert book.totals().calls == 1


def test_a_completions_endpoint_cannot_be_told(tmp_path: Path):
    with serving() as url, pytest.raises(ConfigError, match="over completions, which knows no thinking"):
        ask(url, tmp_path / "l", request(3, True), api="completions")
