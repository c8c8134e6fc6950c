"""The engine: ledger first, equal requests paid once, limits kept, and nothing paid for lost at an end."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from synthgen.config import Prices
from synthgen.errors import PassingError, StopError
from synthgen.records import Decoding, Message, Reply, Request
from synthgen.teacher.dispatch import Keep, Served
from synthgen.teacher.engine import REFUSALS, Engine, Ports
from synthgen.teacher.ledger import Ledger
from synthgen.teacher.meter import LimitReached, Limits, Meter, Use, cost
from synthgen.teacher.wire import Binding, Fault

BINDING = Binding(identity="here", model="m")
PRICES = Prices(prompt=1_000_000, cached=0, completion=1_000_000)
"""A dollar a token."""


def request(text: str = "Why?", **more: object) -> Request:
    """A small request."""
    return Request.model_validate(
        {
            "role": "answer",
            "step": "answer",
            "about": "t",
            "messages": (Message(role="user", content=text),),
            "decoding": Decoding(max_tokens=5),
        }
        | more
    )


class Wire:
    """A client whose replies are a function of the body."""

    def __init__(self, say: Callable[[dict], Awaitable[Reply]]) -> None:
        self.say = say
        self.posted: list[str] = []
        self.now = self.most = 0

    async def post(self, body: dict, _binding: Binding, _tokens: int, _about: str, _lost: object, keep: Keep) -> Served:
        """One call."""
        self.posted.append(body["messages"][0]["content"])
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            served = Served(await self.say(body), 0.5)
            await keep(served)
            return served
        finally:
            self.now -= 1


async def at_once(body: dict) -> Reply:
    """The text back, in capitals."""
    return Reply(text=body["messages"][0]["content"].upper(), finish="stop", prompt_tokens=2, completion_tokens=1)


async def soon(body: dict) -> Reply:
    """The same after a while."""
    await asyncio.sleep(0.02)
    return await at_once(body)


def engine(wire: Wire, ledger: Ledger, meter: Meter | None = None, **prices: Prices) -> Engine:
    """An engine on a wire."""

    async def binding(_role: str) -> Binding:
        return BINDING

    async def dispatch(_role: str) -> Wire:
        return wire

    return Engine(Ports(binding, dispatch), ledger, meter or Meter(), prices)


@pytest.fixture
def ledger(tmp_path: Path):
    with Ledger(tmp_path / "ledger.sqlite") as opened:
        yield opened


async def test_what_was_paid_for_is_replayed(ledger: Ledger):
    wire = Wire(at_once)
    one = engine(wire, ledger)
    first = await one.ask(request())
    assert await one.ask(request()) == first
    assert (first.text, first.model, len(wire.posted)) == ("WHY?", "m", 1)
    assert (one.meter.total.calls, one.meter.replayed) == (1, 1)


async def test_equal_requests_at_once_are_paid_for_once(ledger: Ledger):
    wire = Wire(soon)
    one = engine(wire, ledger)
    replies = await asyncio.gather(*(one.ask(request()) for _ in range(20)))
    assert len(set(map(repr, replies))) == 1
    assert len(wire.posted) == 1


async def test_two_samples_of_one_request_are_two_calls(ledger: Ledger):
    wire = Wire(at_once)
    one = engine(wire, ledger)
    first, second = await one.ask(request(sample=0)), await one.ask(request(sample=1))
    assert (len(wire.posted), first.key != second.key) == (2, True)


async def test_a_stage_that_is_cancelled_leaves_its_call_to_finish_into_the_ledger(ledger: Ledger):
    one = engine(Wire(soon), ledger)
    asking = asyncio.create_task(one.ask(request()))
    await asyncio.sleep(0.005)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await one.aclose()
    assert ledger.totals().calls == 1


async def test_at_an_end_calls_that_take_too_long_are_given_up(ledger: Ledger):
    async def never(_body: dict) -> Reply:
        await asyncio.sleep(60)
        raise AssertionError

    one = engine(Wire(never), ledger)
    asking = asyncio.create_task(one.ask(request()))
    await asyncio.sleep(0.005)
    await one.aclose(grace_seconds=0.02)
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert ledger.totals().calls == 0


async def test_a_passing_failure_is_never_kept(ledger: Ledger):
    failing = [True]

    async def sometimes(body: dict) -> Reply:
        if failing:
            raise PassingError("busy")
        return await at_once(body)

    one = engine(Wire(sometimes), ledger)
    with pytest.raises(PassingError):
        await one.ask(request())
    assert ledger.totals().calls == 0
    failing.clear()
    assert (await one.ask(request())).text == "WHY?"


async def refuse(_body: dict) -> Reply:
    """No."""
    return Reply(text="HTTP 400: never", finish="refused")


async def test_twenty_refusals_without_a_success_stop_the_run_and_are_all_kept(ledger: Ledger):
    one = engine(Wire(refuse), ledger)
    for n in range(REFUSALS - 1):
        assert (await one.ask(request(str(n)))).finish == "refused"
    with pytest.raises(StopError, match="never"):
        await one.ask(request("last"))
    assert ledger.totals().calls == REFUSALS


async def test_after_one_success_refusals_belong_to_their_records(ledger: Ledger):
    wire = Wire(at_once)
    one = engine(wire, ledger)
    await one.ask(request())
    wire.say = refuse
    for n in range(2 * REFUSALS):
        assert (await one.ask(request(str(n)))).finish == "refused"


@pytest.mark.parametrize("most", [0, 1, 7])
async def test_no_call_is_made_beyond_max_calls(ledger: Ledger, most: int):
    wire = Wire(soon)
    one = engine(wire, ledger, Meter(Limits(max_calls=most)))
    found = await asyncio.gather(*(one.ask(request(str(n))) for n in range(10)), return_exceptions=True)
    assert sum(isinstance(each, Reply) for each in found) == len(wire.posted) == most
    assert sum(isinstance(each, LimitReached) for each in found) == 10 - most


async def test_calls_of_earlier_commands_on_the_ledger_count(ledger: Ledger):
    one = engine(Wire(at_once), ledger, Meter(Limits(max_calls=5), Use(calls=5)))
    with pytest.raises(LimitReached, match="--max-calls 5"):
        await one.ask(request())


async def ask_for_ever(one: Engine) -> None:
    """One request after another, each of more tokens by estimate than by the endpoint's count."""
    for n in range(1000):
        await one.ask(request(f"Why is that so, {n:03}?"))


async def test_the_budget_is_not_passed(ledger: Ledger):
    one = engine(Wire(at_once), ledger, Meter(Limits(budget_usd=60)), m=PRICES)
    with pytest.raises(LimitReached, match="--budget-usd 60"):
        await ask_for_ever(one)
    assert 0 < one.meter.total.cost_usd == 3 * one.meter.total.calls <= 60


async def test_tokens_in_all_are_limited(ledger: Ledger):
    one = engine(Wire(at_once), ledger, Meter(Limits(max_tokens_total=60)))
    with pytest.raises(LimitReached, match="--max-tokens-total 60"):
        await ask_for_ever(one)
    assert 0 < one.meter.total.prompt_tokens + one.meter.total.completion_tokens <= 60


def test_cached_tokens_are_part_of_the_prompt_and_cost_their_own_price():
    prices = Prices(prompt=10, cached=1, completion=20)
    assert cost(prices, 1_000_000, 400_000, 500_000) == pytest.approx(6 + 0.4 + 10)
    assert cost(None, 10**9, 0, 10**9) == 0.0


async def test_near_a_limit_calls_wait_for_those_under_way_and_stop_only_when_none_is_left(ledger: Ledger):
    wire = Wire(soon)
    one = engine(wire, ledger, Meter(Limits(max_tokens_total=60)))
    found = await asyncio.gather(
        *(one.ask(request(f"Why is that so, {n:03}?")) for n in range(30)), return_exceptions=True
    )
    replies = [each for each in found if isinstance(each, Reply)]
    used = one.meter.total.prompt_tokens + one.meter.total.completion_tokens
    assert wire.most == 2  # 2 * 24 tokens at worst
    assert 37 < used <= 60
    assert len(replies) == used // 3
    assert all(isinstance(each, Reply | LimitReached) for each in found)


async def test_attempts_that_were_charged_for_nothing_are_counted(ledger: Ledger):
    class Losing(Wire):
        async def post(
            self, body: dict, _binding: Binding, _tokens: int, _about: str, lost: Callable, keep: Keep
        ) -> Served:
            lost(Fault("server", "cut", prompt_tokens=10, completion_tokens=4))
            lost(Fault("server", "dropped", uncertain=True))
            lost(Fault("rate", "slowly"))
            await keep(served := Served(await self.say(body), 0.5))
            return served

    one = engine(Losing(at_once), ledger, m=Prices(prompt=1e6, cached=0, completion=2e6))
    await one.ask(request("Why is it so?"))
    await one.ask(request("And why is it?"))
    used = one.meter.steps["answer"]
    assert (used.calls, used.lost_attempts) == (2, 4)
    assert (used.prompt_tokens, used.completion_tokens) == (4, 2)
    # 14 each that the endpoint told of; else a quarter of the characters, and what a reply had on average so far.
    assert used.lost_tokens == 2 * 14 + (3 + 0) + (3 + 1)
    assert used.lost_usd == 2 * (10 + 8) + 3 + (3 + 2)
    assert one.meter.total.usd == used.cost_usd + used.lost_usd
