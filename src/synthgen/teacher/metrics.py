"""What a vLLM server says of itself at /metrics: tokens, prefix cache, KV cache, requests under way.

Watched from the side: nothing here is ever a reason for a run to stop.
"""

import asyncio
import contextlib
import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp

from synthgen.teacher import wire

LOOK_EVERY_SECONDS = 1.0
WAIT_SECONDS, LAST_WAIT_SECONDS = 15.0, 2.0
"""How long a page may take: a server under load is slow to say how it does, and that is when it matters; less at the end."""
LARGEST_BYTES = 2**22
COUNTERS = ("generation_tokens", "prompt_tokens", "prefix_cache_queries", "prefix_cache_hits")
"""Ever-growing numbers, added up over a server's engines; on the wire `vllm:NAME_total`."""
GAUGES = {
    "kv_cache_usage_perc": "kv_cache_use",
    "num_requests_running": "requests_running",
    "num_requests_waiting": "requests_waiting",
}
"""Numbers of the moment, by what vLLM calls them. The KV cache's is a share, whatever its name says."""
LINE = re.compile(r"vllm:(\w+?)(?:_total)?(?:\{(.*)\})? ([-+.\w]+)(?: \d+)?\s*")
MODEL = re.compile(r'model_name="([^"\\]{1,200})"')


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of a server."""

    values: Mapping[str, float]
    """By name, as in COUNTERS and GAUGES."""
    model: str = ""


def read(text: str) -> Sample | None:
    """What a page of metrics says in Prometheus' text format; None where no vLLM says it. Takes any text."""
    values: dict[str, float] = {}
    model = ""
    for line in text.splitlines():
        found = LINE.fullmatch(line) if line.startswith("vllm:") else None
        if found is None:
            continue
        name, number = GAUGES.get(found[1], found[1]), number_of(found[3])
        if number is None or name not in (*COUNTERS, *GAUGES.values()):
            continue
        # Engines side by side share the work; their caches are filled each by itself.
        together = max if name == "kv_cache_use" else sum
        values[name] = together((values.get(name, 0.0), number))
        model = model or next(iter(MODEL.findall(found[2] or "")), "")
    return Sample(values, wire.clean(model)) if values else None


def number_of(text: str) -> float | None:
    """A count or share; None for what is no such number."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value < 2**63 else None


@dataclass(slots=True)
class Figures:
    """What one server did while it was watched."""

    model: str = ""
    version: str = ""
    seconds_to_start: float | None = None
    """None for a server that was there before."""
    began: float = 0.0
    """Time of the first reading and of the last."""
    last: float = 0.0
    before: Mapping[str, float] | None = None
    grown: dict[str, float] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0.0))
    peaks: dict[str, float] = field(default_factory=lambda: dict.fromkeys(GAUGES.values(), 0.0))

    def add(self, sample: Sample, seconds: float) -> None:
        """Take a reading, at so many seconds on some clock."""
        if self.before is None:
            self.began = seconds
            self.before = sample.values
        for name in COUNTERS:
            now, before = sample.values.get(name, 0.0), self.before.get(name, 0.0)
            # A counter that fell belongs to a server that was started anew.
            self.grown[name] += now - before if now >= before else now
        for name in self.peaks:
            self.peaks[name] = max(self.peaks[name], sample.values.get(name, 0.0))
        self.before, self.last = sample.values, seconds
        self.model = self.model or sample.model


class Watcher:
    """Reads a server's metrics at once, every second, and a last time at the end."""

    def __init__(self, url: str, figures: Figures) -> None:
        self.url = url.removesuffix("/v1")
        self.figures = figures
        self._session: aiohttp.ClientSession | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WAIT_SECONDS))
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self.figures.before is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_WAIT_SECONDS):
                    await self._look()
        if self._session is not None:
            await self._session.close()

    async def _watch(self) -> None:
        """Look until told otherwise; only once where no vLLM answers."""
        while await self._look() or self.figures.before is not None:
            if not self.figures.version:
                said = wire.field(wire.load((await self._get("/version")).encode()), "version")
                self.figures.version = wire.clean(said)[:40] if isinstance(said, str) and said else "unknown"
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _look(self) -> bool:
        """Take one reading; whether there was one."""
        sample = read(await self._get("/metrics"))
        if sample is not None:
            self.figures.add(sample, time.monotonic())
        return sample is not None

    async def _get(self, path: str) -> str:
        """The text of a page; "" for any failure, and for one that is too large."""
        if self._session is None:
            raise RuntimeError("a watcher is used inside `async with`")
        payload = bytearray()
        try:
            async with self._session.get(f"{self.url}{path}", allow_redirects=False) as response:
                async for part in response.content.iter_chunked(2**16):
                    payload += part
                    if len(payload) > LARGEST_BYTES:
                        return ""
                return payload.decode("utf-8", "replace") if response.status == 200 else ""
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return ""


def report(all_figures: Sequence[Figures]) -> dict[str, Any] | None:
    """The figures of every vLLM that was watched, taken together; None where there was none."""
    seen = [one for one in all_figures if one.before is not None]
    if not seen:
        return None
    grown = {name: int(sum(one.grown[name] for one in seen)) for name in COUNTERS}
    seconds = max(one.last for one in seen) - min(one.began for one in seen)
    starts = [one.seconds_to_start for one in seen if one.seconds_to_start is not None]
    queries = grown["prefix_cache_queries"]
    return {
        "model": ", ".join(sorted({one.model for one in seen})),
        "version": ", ".join(sorted({one.version for one in seen})),
        "servers": len(seen),
        "seconds_to_start": round(max(starts), 1) if starts else None,
        "seconds_watched": round(seconds, 1),
        "generation_tokens": grown["generation_tokens"],
        "prompt_tokens": grown["prompt_tokens"],
        "generation_tokens_per_second": round(grown["generation_tokens"] / seconds, 1) if seconds else None,
        "prompt_tokens_per_second": round(grown["prompt_tokens"] / seconds, 1) if seconds else None,
        "prefix_cache_hit_share": round(grown["prefix_cache_hits"] / queries, 4) if queries else None,
        "kv_cache_use_peak": round(max(one.peaks["kv_cache_use"] for one in seen), 4),
        "requests_running_peak": int(sum(one.peaks["requests_running"] for one in seen)),
        "requests_waiting_peak": int(sum(one.peaks["requests_waiting"] for one in seen)),
    }
