"""How a rehearsal server behaves beyond its replies: every switch of docs/rehearsal.md, as it is chosen at the start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FAULTS = (
    "busy", "error", "unavailable", "drop-before", "hang", "redirect", "quota", "auth", "wrong-type",
    "drop-after", "cut", "short", "drip", "wrong-model", "huge", "empty", "null", "garbage-headers",
)  # fmt: skip
"""What an attempt can meet; of each at most one."""
HABITS = ("reasoning",)
"""What is no fault: a way of replying that some endpoints have."""
BATCH_FAULTS = ("failed", "expired")
"""What a batch can meet as a whole."""
LINE_FAULTS = ("failed-lines", "missing-lines", "repeated-lines", "unreadable-lines")
"""What a line of a batch can meet."""


@dataclass(frozen=True, slots=True)
class Options:
    """One server's behaviour."""

    model: str
    latency_seconds: float = 0.0
    jitter_seconds: float = 0.0
    fail_rate: float = 0.0
    """Share of requests answered with 503, by chance."""
    without: tuple[str, ...] = ()
    """Parameters that are refused, as some endpoints do; NAME.FORM refuses one form of a parameter."""
    faults: Mapping[str, float] = field(default_factory=dict)
    """Of FAULTS and HABITS, the share of attempts each meets."""
    fault_seed: int = 0
    retry_after_seconds: float = 1.0
    """What a busy server asks its clients to wait."""
    drip_seconds: float = 5.0
    """How long a reply takes that comes byte by byte."""
    redirect_to: str = "http://127.0.0.1:1/"
    requests_per_second: float = 0.0
    """Of a token bucket; 0 for none."""
    burst: float = 0.0
    """What that bucket holds; 0 for one second's worth."""
    tokens_per_minute: float = 0.0
    """Of a second bucket, which holds a minute's worth; 0 for none."""
    width: int = 0
    """How many requests are worked on at once; 0 for all."""
    cached: bool = False
    """Whether usage tells how much of a prompt a prefix cache would have held."""
    logprobs: bool = False
    """Whether replies have logprobs where a request wants them."""
    key: str = field(default="", repr=False)
    """The key that requests must bring; "" for none."""
    echo_key: bool = False
    """Whether a refusal of the key shows what was sent, as careless servers do."""
    batch_seconds: float = 1.0
    """How long a batch takes."""
    batch_faults: Mapping[str, float] = field(default_factory=dict)
    """Of BATCH_FAULTS the share of batches, of LINE_FAULTS the share of lines."""
    fault_batches: bool = False
    """Whether `faults` come to the addresses of files and batches as well."""
    state: Path | None = None
    """The folder of files and batches; None keeps them in memory."""
