"""What vLLM's metrics say: counters over engines and restarts, peaks, and nothing from what is no vLLM."""

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from synthgen.teacher.metrics import COUNTERS, Figures, Sample, Watcher, read, report

PAGE = """\
# HELP vllm:prompt_tokens_total Number of prefill tokens processed.
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{engine="0",model_name="org/m"} 1000.0
vllm:prompt_tokens_total{engine="1",model_name="org/m"} 500.0
vllm:generation_tokens_total{engine="0",model_name="org/m"} 2.5e+02
vllm:generation_tokens_created{engine="0",model_name="org/m"} 1.7e+09
vllm:prefix_cache_queries_total{engine="0",model_name="org/m"} 1500.0 1700000000000
vllm:prefix_cache_hits_total{engine="0",model_name="org/m"} 600.0
vllm:kv_cache_usage_perc{engine="0",model_name="org/m"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="org/m"} 0.5
vllm:num_requests_running{engine="0",model_name="org/m"} 3.0
vllm:num_requests_running{engine="1",model_name="org/m"} 4.0
vllm:iteration_tokens_total_sum{engine="0",model_name="org/m"} 99.0
process_resident_memory_bytes 1.0
"""


def test_a_page_is_added_up_over_the_engines():
    assert read(PAGE) == Sample(
        {
            "prompt_tokens": 1500, "generation_tokens": 250, "prefix_cache_queries": 1500, "prefix_cache_hits": 600,
            "kv_cache_use": 0.5, "requests_running": 7,
        },
        "org/m",
    )  # fmt: skip


@pytest.mark.parametrize(
    "page",
    [
        "", "<html>vllm:prompt_tokens_total 1</html>", "http_requests_total 5", "vllm:prompt_tokens_total NaN",
        "vllm:prompt_tokens_total -1", "vllm:prompt_tokens_total +Inf", "vllm:prompt_tokens_total 1e400",
        "vllm:prompt_tokens_total{", "vllm:prompt_tokens_total", "vllm:unknown 1", "vllm:" * 9999, '{"vllm": 1}',
    ],
)  # fmt: skip
def test_what_is_no_vllm_says_nothing(page: str):
    assert read(page) is None


@given(st.text() | st.from_regex(r"(vllm:[a-z_]{1,20}(\{.*\})? .*\n){0,5}", fullmatch=True))
def test_no_page_is_an_error(page: str):
    found = read(page)
    assert found is None or all(value >= 0 for value in found.values.values())


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=8))
def test_a_counter_grows_by_what_was_added_however_often_it_is_read(steps: list[int]):
    figures, total = Figures(), 77
    figures.add(Sample({"prompt_tokens": total}), 0)
    for second, step in enumerate(steps, 1):
        total += step
        figures.add(Sample({"prompt_tokens": total}), second)
    found = report([figures])
    assert found["prompt_tokens"] == sum(steps)
    assert found["prompt_tokens_per_second"] == round(sum(steps) / len(steps), 1)


def test_a_server_that_was_started_anew_counts_on():
    figures = Figures()
    for second, count in enumerate([100, 150, 20, 30]):
        figures.add(Sample({"generation_tokens": count}), second)
    assert report([figures])["generation_tokens"] == 50 + 20 + 10


def test_servers_side_by_side_are_taken_together():
    one, two = Figures("m", "1", 4.0), Figures("n", "1", 9.0)
    for figures, use in ((one, 0.1), (two, 0.7)):
        figures.add(Sample(dict.fromkeys(COUNTERS, 0.0)), 0)
        figures.add(Sample(dict.fromkeys(COUNTERS, 100.0) | {"kv_cache_use": use, "requests_running": 2}), 10)
    found = report([one, two, Figures("never read")])
    assert (found["model"], found["version"], found["servers"], found["seconds_to_start"]) == ("m, n", "1", 2, 9.0)
    assert (found["generation_tokens_per_second"], found["kv_cache_use_peak"], found["requests_running_peak"]) == (
        20,
        0.7,
        4,
    )
    assert found["prefix_cache_hit_share"] == 1


def test_nothing_watched_is_no_report():
    assert report([]) is None
    assert report([Figures()]) is None


@pytest.mark.parametrize("kind", ["missing", "huge", "moved", "garbage", "silent"])
async def test_a_server_with_other_pages_is_left_alone(kind: str):
    asked = []

    async def metrics(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        if kind == "huge":
            return web.Response(body=b"vllm:prompt_tokens_total 1\n" * 400_000)
        if kind == "moved":
            raise web.HTTPFound("/other")
        if kind == "garbage":
            return web.Response(body=b"\xff\xfe vllm \x00")
        if kind == "silent":
            request.transport.abort()
        return web.Response(status=404)

    async def other(request: web.Request) -> web.Response:
        return web.Response(text=PAGE)

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/other", other)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    figures = Figures()
    async with Watcher(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", figures) as watcher:
        await watcher._task
    await runner.cleanup()
    assert set(asked) == {"/metrics"}
    assert report([figures]) is None
