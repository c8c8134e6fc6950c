"""`--concurrency auto`: how many calls at once an endpoint is worth, found by measuring what each step brings.

A step of the ladder is worth its calls if more requests are served in a second than a step below. Whatever keeps an endpoint from
serving more (a queue that only makes replies later, refusals above a rate, errors under load) shows there and nowhere else;
errors that do not depend on the load cost every step the same share, and hold none back.
"""

from dataclasses import dataclass

LADDER = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
FIRST = LADDER.index(16)
GAIN = 1.1
"""How many times as much a step must bring as the one below it: each has a third to a half more calls under way."""
ENOUGH = 0.95
"""Share of what a step brought with which the step below is as good."""
FEWEST = 48
"""Attempts over which a step is measured, at least; and at least twice as many as it has places."""
REST, LONGEST_REST = 8, 128
"""Measurements for which a step is kept before its neighbours are tried again: twice as many each time they are no better."""


@dataclass(slots=True)
class Measure:
    """What is counted of a step."""

    ignored: int
    """Attempts still to end that were begun before it."""
    began: float = 0.0
    ended: int = 0
    served: int = 0
    full: int = 0
    """Attempts at whose end another call waited for its place."""


class Knee:
    """A climber on the ladder. It reads no clock: the time comes with each attempt that ends."""

    def __init__(self, first: int = FIRST) -> None:
        self._step = self._best = first
        self._brought: dict[int, float] = {}
        """Step to what it brought when it was last measured, in requests served in a second."""
        self._way = 1
        """Where it goes: up, down, or (0) nowhere."""
        self._mark = 0.0
        """What the step brought from which it goes down."""
        self._rested, self._rest, self._last_way = 0, REST, 1
        self._measure = Measure(self.limit)

    @property
    def limit(self) -> int:
        """Calls that may be under way."""
        return LADDER[self._step]

    @property
    def chosen(self) -> int:
        """The best step so far."""
        return LADDER[self._best]

    def ended(self, now: float, *, served: bool, full: bool) -> int:
        """Count an attempt that ended; the limit from now on."""
        one = self._measure
        if one.ignored > 0:
            one.ignored -= 1
            one.began = now
            return self.limit
        one.ended += 1
        one.served += served
        one.full += full
        if one.ended >= max(FEWEST, 2 * self.limit) and now > one.began:
            self._decide(one, now)
        return self.limit

    def _decide(self, one: Measure, now: float) -> None:
        """Look at a finished measurement; where the window was not full, it says nothing of the endpoint."""
        if one.full < 0.8 * one.ended:
            self._measure = Measure(0, now)
            return
        brought = one.served / (now - one.began)
        if self._way > 0:
            self._climbed(brought)
        elif self._way < 0:
            self._descended(brought)
        else:
            self._stayed(brought, now)

    def _climbed(self, brought: float) -> None:
        """Go on up while it brings more; else back to the best step, or below it where nobody has looked yet."""
        below = self._brought.get(self._best)
        self._brought[self._step] = brought
        if self._step == self._best or below is None or brought >= GAIN * below:
            self._settle_on(self._step)
            self._go(self._step + 1, 1)
        elif self._best - 1 not in self._brought:
            self._mark = max(below, brought)
            self._go(self._best - 1, -1)
        else:
            self._go(self._best, 0)

    def _descended(self, brought: float) -> None:
        """Go on down while it brings as much; else back."""
        self._brought[self._step] = brought
        if brought >= ENOUGH * self._mark:
            self._settle_on(self._step)
            self._go(self._step - 1, -1)
        else:
            self._go(self._best, 0)

    def _stayed(self, brought: float, now: float) -> None:
        """Stay for a while, then try the neighbours in turn; at once the lower ones where much fewer are served than before."""
        fewer = brought < 0.7 * self._brought[self._step]
        self._brought[self._step] = brought
        self._rested += 1
        if fewer or self._rested >= self._rest:
            way = -1 if fewer else -self._last_way
            self._rest = REST if fewer else min(2 * self._rest, LONGEST_REST)
            self._mark = brought
            self._go(self._step + way, way)
        else:
            self._measure = Measure(0, now)

    def _settle_on(self, step: int) -> None:
        """A better step was found: its neighbours are worth a look soon."""
        if step != self._best:
            self._best, self._rest = step, REST

    def _go(self, step: int, way: int) -> None:
        """Take a step, or stay where the ladder ends. What is under way now was begun before it."""
        self._measure = Measure(self.limit)
        on_ladder = 0 <= step < len(LADDER)
        self._step, self._way, self._rested = (step if on_ladder else self._best), (way if on_ladder else 0), 0
        self._last_way = way or self._last_way
