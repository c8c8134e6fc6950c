"""The tokens of the rows, counted by a real vLLM: as many as the tokenizer of its model finds."""

import asyncio
import os
from pathlib import Path

import pytest
import tiny_model

from synthgen.export.counting import opened
from synthgen.teacher.counting import Counter
from synthgen.teacher.vllm import Plan, Server

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(1800)]
ARGUMENTS = ("--dtype", "float32", "--enforce-eager", "--max-num-seqs", "8", "--no-enable-chunked-prefill")
TEXTS = ["Name the capital of France.", "x" * 30_000, "naïve 日本語 🙂\n\n\ttwo  spaces", " ", "<|user|>"]
"""The second is longer than the model can read."""


async def test_a_real_server_counts_what_its_tokenizer_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    model = tmp_path / "tiny"
    tiny_model.main(model)
    async with Server(Plan(str(model), "tiny", tmp_path / "vllm.log", ARGUMENTS), os.environ) as server:
        counted = await asyncio.to_thread(Counter(server.url, "tiny").counts, TEXTS)
    assert counted == (opened(model).count(TEXTS), "")
