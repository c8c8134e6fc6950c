"""Under what terms the calls of a command are made, whoever the endpoint is: how many at once, how many a minute, how long."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from synthgen.config import WIDEST, RunConfig
from synthgen.teacher.client import Client
from synthgen.teacher.dispatch import DEADLINE_SECONDS, Dispatch, Rates
from synthgen.teacher.knee import Knee
from synthgen.teacher.window import Window

LOG = logging.getLogger("synthgen")


class Terms:
    """One window and one set of rates for all endpoints; with `auto`, a window for each SPEC, since each has its own knee."""

    def __init__(
        self,
        concurrency: int | None = 64,
        rates: Rates | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
        tell: Callable[[str], None] = LOG.warning,
    ) -> None:
        self.rates = rates or Rates()
        self.deadline_seconds = deadline_seconds
        self._tell = tell
        self._shared = Window(concurrency) if concurrency is not None else None
        self._own: dict[str, Window] = {}

    @classmethod
    def of(cls, config: RunConfig) -> "Terms":
        """The terms of a run."""
        concurrency = None if config.concurrency == "auto" else config.concurrency
        return cls(concurrency, Rates.of(config.rpm, config.tpm), config.deadline_seconds)

    def dispatch(self, urls: Sequence[str], key: str | None) -> Dispatch:
        """The way to the endpoints of a SPEC, not yet opened."""
        return self.over(Client(tuple(urls), key))

    def over(self, client: Client) -> Dispatch:
        """The way that a client goes, not yet opened."""
        window = self._shared or self._own.setdefault(client.names, Window(WIDEST, Knee()))
        return Dispatch(client, window, self.rates, deadline_seconds=self.deadline_seconds, tell=self._tell)

    @property
    def place_seconds(self) -> float:
        """Seconds that all places of all windows were there for, added up."""
        windows = [self._shared] if self._shared is not None else list(self._own.values())
        return sum(window.place_seconds for window in windows)

    @property
    def chosen(self) -> Mapping[str, Any]:
        """Of `auto`: endpoint to how many calls at once it was found to be worth; {} without it."""
        return {name: window.knee.chosen for name, window in self._own.items() if window.knee is not None}
