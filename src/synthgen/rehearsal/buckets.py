"""Limits of requests and tokens as token buckets, and the headers that tell a client of them, in OpenAI's forms."""

import math
from dataclasses import dataclass

from synthgen.rehearsal.options import Options
from synthgen.rehearsal.protocol import Problem

TINY = 1e-9
"""Of what a bucket holds: what is lost to rounding when a client waits exactly as long as it was told."""


class Bucket:
    """It holds so much, fills at a rate, and gives nothing on credit. Time comes in as an argument, in seconds."""

    def __init__(self, rate: float, capacity: float, now: float) -> None:
        self.rate, self.capacity = rate, capacity
        self._level, self._at = capacity, now

    def level(self, now: float) -> float:
        """What it holds."""
        self._level = min(self.capacity, self._level + self.rate * (now - self._at))
        self._at = now
        return self._level

    def wait(self, amount: float, now: float) -> float:
        """Seconds until it holds an amount; 0 where it does."""
        missing = amount - self.level(now)
        return 0.0 if missing <= TINY * self.capacity else missing / self.rate

    def full_in(self, now: float) -> float:
        """Seconds until it is full."""
        return (self.capacity - self.level(now)) / self.rate

    def take(self, amount: float, now: float) -> None:
        """Take an amount that it holds."""
        self._level = max(0.0, self.level(now) - amount)


@dataclass(frozen=True, slots=True)
class Over:
    """A request beyond a limit."""

    problem: Problem
    wait_seconds: float
    """Until it would pass; infinite where it is larger than the whole bucket."""


class Limits:
    """The buckets of a server."""

    def __init__(self, options: Options, now: float) -> None:
        self.model = options.model
        self.buckets: dict[str, Bucket] = {}
        if options.requests_per_second:
            rate = options.requests_per_second
            self.buckets["requests"] = Bucket(rate, options.burst or max(1.0, rate), now)
        if options.tokens_per_minute:
            self.buckets["tokens"] = Bucket(options.tokens_per_minute / 60, options.tokens_per_minute, now)

    def take(self, tokens: int, now: float) -> Over | None:
        """Let a request of so many tokens pass, or say why not; one that does not pass takes nothing."""
        amounts = {name: float(tokens) if name == "tokens" else 1.0 for name in self.buckets}
        for name, bucket in self.buckets.items():
            if amounts[name] > bucket.capacity:
                return Over(self._too_large(name, amounts[name]), math.inf)
        waits = {name: bucket.wait(amounts[name], now) for name, bucket in self.buckets.items()}
        longest = max(waits, key=waits.__getitem__, default="")
        if longest and waits[longest] > 0:
            return Over(self._reached(longest, waits[longest]), waits[longest])
        for name, bucket in self.buckets.items():
            bucket.take(amounts[name], now)
        return None

    def headers(self, now: float) -> dict[str, str]:
        """What every response says: the limit by the minute, what is left at once, and when the bucket is full."""
        said: dict[str, str] = {}
        for name, bucket in self.buckets.items():
            said[f"x-ratelimit-limit-{name}"] = str(round(bucket.rate * 60))
            said[f"x-ratelimit-remaining-{name}"] = str(math.floor(bucket.level(now) + TINY))
            said[f"x-ratelimit-reset-{name}"] = duration(bucket.full_in(now))
        return said

    def _reached(self, name: str, wait: float) -> Problem:
        by_minute = round(self.buckets[name].rate * 60)
        message = f"Rate limit reached for {self.model} on {name} per min: Limit {by_minute}. Please try again in {duration(wait)}."
        return Problem(429, message, "rate_limit_exceeded", None, name)

    def _too_large(self, name: str, amount: float) -> Problem:
        message = f"Request too large for {self.model} on {name} per min: Limit {self.buckets[name].capacity:g}, Requested {amount:g}."
        return Problem(429, message, "rate_limit_exceeded", None, name)


def retry_after(seconds: float) -> dict[str, str]:
    """How long to wait, in whole seconds rounded up and in milliseconds to the third decimal, rounded up."""
    if math.isinf(seconds):
        return {}
    return {"Retry-After": str(math.ceil(seconds)), "retry-after-ms": f"{math.ceil(seconds * 1e6) / 1e3:.3f}"}


def duration(seconds: float) -> str:
    """A time as OpenAI's headers have it: `20ms`, `1s`, `8.64s`, `6m0s`, `1h0m0s`; rounded up to the millisecond."""
    thousandths = math.ceil(seconds * 1000 - TINY)
    if thousandths < 1000:
        return f"{thousandths}ms"
    hours, rest = divmod(thousandths, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    shown = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{shown}"
    return f"{minutes}m{shown}" if minutes else shown
