"""OpenAI's own client, an outside judge of the protocol, gets on with the rehearsal."""

import json
import subprocess
import sys
from collections.abc import Iterator

import openai
import pytest
from conftest import clean_environment

MODEL = "rehearsal-strong"


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    command = [sys.executable, "-m", "synthgen.rehearsal", "--port", "0", "--watch-stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment()) as server:
        port = json.loads(server.stdout.readline())["port"]
        with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0) as opened:
            yield opened
        server.stdin.close()


def test_it_lists_the_model(client: openai.OpenAI):
    assert [model.id for model in client.models.list()] == [MODEL]


def test_a_chat_is_answered(client: openai.OpenAI):
    asked = [{"role": "user", "content": "What is the capital of Norway?"}]
    reply = client.chat.completions.create(model=MODEL, messages=asked, temperature=0.7, seed=1)
    assert reply.choices[0].message.content
    assert reply.usage.total_tokens > 0


def test_a_completion_is_answered(client: openai.OpenAI):
    reply = client.completions.create(
        model=MODEL, prompt="a list of varied tasks:\n1. Name a river.\n2.", max_tokens=300
    )
    assert reply.choices[0].text.strip()


def test_errors_are_told_apart(client: openai.OpenAI):
    asked = [{"role": "user", "content": "Why?"}]
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        client.chat.completions.create(model="gpt-x", messages=asked)
    with pytest.raises(openai.BadRequestError, match="context length"):
        client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "word " * 40_000}])
