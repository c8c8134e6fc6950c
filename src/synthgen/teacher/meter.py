"""Count calls, tokens and money, and stop before a limit is passed."""

from collections import Counter
from dataclasses import dataclass, field

from synthgen.config import Prices
from synthgen.errors import TeacherError
from synthgen.records import Reply, Request

CHARACTERS_PER_TOKEN = 3


class LimitReached(TeacherError):
    """A limit the user set would be passed by the next call."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use in all, earlier commands on the same ledger included; None for no limit."""

    budget_usd: float | None = None
    max_calls: int | None = None
    max_tokens_total: int | None = None


@dataclass(slots=True)
class Meter:
    """What was used."""

    limits: Limits = Limits()
    calls_before: int = 0
    """Calls, tokens and cost of earlier commands on this ledger."""
    tokens_before: int = 0
    cost_before: float = 0.0
    calls: int = 0
    replayed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    busy_seconds: float = 0.0
    """Time the calls took, added up."""
    waiting_calls: int = 0
    waiting_tokens: int = 0
    waiting_usd: float = 0.0
    largest: Counter[str] = field(default_factory=Counter)
    """Largest reply of each role, in tokens."""

    def admit(self, request: Request, prices: Prices | None) -> tuple[int, float]:
        """Reserve what a call will take, in tokens and dollars. Raises LimitReached where a limit would be passed."""
        prompt = sum(len(message.content) for message in request.messages) // CHARACTERS_PER_TOKEN
        return self.reserve(prompt, self.largest[request.role] or request.decoding.max_tokens, prices)

    def reserve(self, prompt: int, completion: int, prices: Prices | None) -> tuple[int, float]:
        """As `admit`, for a call of so many tokens."""
        usd = cost(prices, prompt, 0, completion)
        tokens = prompt + completion
        limits = self.limits
        calls = self.calls_before + self.calls + self.waiting_calls + 1
        if limits.max_calls is not None and calls > limits.max_calls:
            raise LimitReached(f"--max-calls {limits.max_calls} is used up; raise it and run the same command to go on")
        used = self.tokens_before + self.prompt_tokens + self.completion_tokens + self.waiting_tokens + tokens
        if limits.max_tokens_total is not None and used > limits.max_tokens_total:
            raise LimitReached(
                f"--max-tokens-total {limits.max_tokens_total} leaves no room for the next call; raise it to go on"
            )
        spent = self.cost_before + self.cost_usd + self.waiting_usd + usd
        if limits.budget_usd is not None and spent > limits.budget_usd:
            raise LimitReached(
                f"--budget-usd {limits.budget_usd:g} leaves no room for the next call "
                f"(spent {self.cost_before + self.cost_usd:.4f}); raise it and run the same command to go on"
            )
        self.waiting_calls += 1
        self.waiting_tokens += tokens
        self.waiting_usd += usd
        return tokens, usd

    def release(self, reserved: tuple[int, float]) -> None:
        """Give back what was reserved for a call that has ended."""
        self.waiting_calls -= 1
        self.waiting_tokens -= reserved[0]
        self.waiting_usd -= reserved[1]

    def settle(self, role: str, reply: Reply, usd: float, seconds: float) -> None:
        """Count a call that was answered."""
        self.calls += 1
        self.prompt_tokens += reply.prompt_tokens
        self.completion_tokens += reply.completion_tokens
        self.cached_tokens += reply.cached_tokens
        self.cost_usd += usd
        self.busy_seconds += seconds
        self.largest[role] = max(self.largest[role], reply.completion_tokens)


def cost(prices: Prices | None, prompt: int, cached: int, completion: int) -> float:
    """US dollars of a call; cached tokens are part of the prompt's."""
    if prices is None:
        return 0.0
    fresh = max(0, prompt - cached)
    return (fresh * prices.prompt + cached * prices.cached + completion * prices.completion) / 1e6
