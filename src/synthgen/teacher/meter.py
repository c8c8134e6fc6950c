"""Count calls, tokens and money, by step; and stop before a limit is passed.

A call is let through only if what it takes at worst, on top of what those under way take at worst, stays within every limit. Where
only those under way stand in its way, it waits for them: near a limit fewer and fewer calls are under way.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields

from synthgen.config import Prices
from synthgen.errors import TeacherError
from synthgen.records import Reply, Request
from synthgen.teacher.wire import Fault

MESSAGE_TOKENS = 8
"""Tokens that a chat template puts around a message, at most about."""
BYTES_PER_TOKEN = 2
"""Of a prompt, at worst: code and scripts that a tokenizer splits finely have two to three."""


class LimitReached(TeacherError):
    """A limit the user set would be passed by the next call."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use in all, earlier commands on the same ledger included; None for no limit."""

    budget_usd: float | None = None
    max_calls: int | None = None
    max_tokens_total: int | None = None

    @property
    def none(self) -> bool:
        """Whether nothing is limited."""
        return self.budget_usd is None and self.max_calls is None and self.max_tokens_total is None


@dataclass(slots=True)
class Use:
    """What was used: by one step, or in all."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    seconds: float = 0.0
    """Time the calls took, added up."""
    lost_attempts: int = 0
    """Attempts that gave no reply and were charged, or may have been; then their tokens and cost are estimates."""
    lost_tokens: int = 0
    lost_usd: float = 0.0

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.prompt_tokens + self.completion_tokens + self.lost_tokens

    @property
    def usd(self) -> float:
        """All that was spent."""
        return self.cost_usd + self.lost_usd


COUNTS = tuple(one.name for one in fields(Use))


@dataclass(frozen=True, slots=True)
class Worst:
    """What a call takes at worst."""

    calls: int
    tokens: int
    usd: float


@dataclass(slots=True)
class Meter:
    """What was used, and what the calls under way may still use."""

    limits: Limits = Limits()
    before: Use = field(default_factory=Use)
    """Of earlier commands on this ledger."""
    steps: defaultdict[str, Use] = field(default_factory=lambda: defaultdict(Use))
    """Of this command, by step."""
    replayed: int = 0
    _under_way: Worst = Worst(0, 0, 0.0)
    _waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    @property
    def total(self) -> Use:
        """Of this command, all steps together."""
        whole = Use()
        for one in self.steps.values():
            add(whole, one)
        return whole

    @asynccontextmanager
    async def reserved(self, worst: Worst) -> AsyncIterator[None]:
        """Let a call through within the limits. Raises LimitReached where one would be passed whatever those under way take."""
        if self.limits.none:
            yield
            return
        while (said := self._passed(worst)) is not None:
            if not self._under_way.calls:
                raise LimitReached(said)
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._under_way = plus(self._under_way, worst)
        try:
            yield
        finally:
            self._under_way = plus(self._under_way, worst, -1)
            while self._waiting:
                turn = self._waiting.popleft()
                if not turn.done():
                    turn.set_result(None)

    def _passed(self, worst: Worst) -> str | None:
        """Which limit a call would pass at worst, and what to do about it."""
        limits, under_way, used = self.limits, self._under_way, self.total
        add(used, self.before)
        if limits.max_calls is not None and used.calls + under_way.calls + worst.calls > limits.max_calls:
            return f"--max-calls {limits.max_calls} is used up; raise it and run the same command to go on"
        if (
            limits.max_tokens_total is not None
            and used.tokens + under_way.tokens + worst.tokens > limits.max_tokens_total
        ):
            return f"--max-tokens-total {limits.max_tokens_total} leaves no room for the next call; raise it to go on"
        if limits.budget_usd is not None and used.usd + under_way.usd + worst.usd > limits.budget_usd:
            return (
                f"--budget-usd {limits.budget_usd:g} leaves no room for the next call (spent {used.usd:.4f}, the next "
                f"takes up to {worst.usd:.4f}); raise it and run the same command to go on"
            )
        return None

    def settle(self, step: str, reply: Reply, usd: float, seconds: float) -> None:
        """Count a call that was answered."""
        one = self.steps[step]
        one.calls += 1
        one.prompt_tokens += reply.prompt_tokens
        one.completion_tokens += reply.completion_tokens
        one.cached_tokens += reply.cached_tokens
        one.cost_usd += usd
        one.seconds += seconds

    def lose(self, step: str, fault: Fault, usd: float) -> None:
        """Count an attempt that gave no reply and may have been charged."""
        one = self.steps[step]
        one.lost_attempts += 1
        one.lost_tokens += fault.prompt_tokens + fault.completion_tokens
        one.lost_usd += usd

    def typical_completion(self, step: str) -> int:
        """Tokens of a reply in a step, on average so far; 0 where there is none."""
        one = self.steps[step]
        return one.completion_tokens // one.calls if one.calls else 0


def add(whole: Use, part: Use) -> None:
    """Add what one step used to what all did."""
    for name in COUNTS:
        setattr(whole, name, getattr(whole, name) + getattr(part, name))


def plus(left: Worst, right: Worst, times: int = 1) -> Worst:
    """What two take together."""
    return Worst(left.calls + times * right.calls, left.tokens + times * right.tokens, left.usd + times * right.usd)


def prompt_tokens(request: Request) -> int:
    """Tokens of a prompt, at worst."""
    size = sum(len(message.content.encode()) for message in request.messages)
    form = len(str(request.form.body)) if request.form is not None else 0
    return (size + form) // BYTES_PER_TOKEN + MESSAGE_TOKENS * len(request.messages)


def worst(request: Request, prices: Prices | None) -> Worst:
    """What a call takes at worst."""
    prompt, completion = prompt_tokens(request), request.decoding.max_tokens
    return Worst(1, prompt + completion, cost(prices, prompt, 0, completion))


def cost(prices: Prices | None, prompt: int, cached: int, completion: int) -> float:
    """US dollars of a call; cached tokens are part of the prompt's."""
    if prices is None:
        return 0.0
    fresh = max(0, prompt - cached)
    return (fresh * prices.prompt + cached * prices.cached + completion * prices.completion) / 1e6
