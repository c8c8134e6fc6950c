"""Run a task's checks over its answers, and find the cheapest strategy that suffices."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from synthgen.checks import agreement, apart, verdict
from synthgen.config import RunConfig
from synthgen.errors import ConfigError
from synthgen.intervals import beyond_chance, wilson
from synthgen.records import Answer, Check, Outcome, Rejected, Task
from synthgen.strategies import AUTO

LOG = logging.getLogger("synthgen")
FEWEST = 4
"""Samples from which a strategy can be called sufficient."""
BY_COST = (
    "direct-answer",
    "extract-generate",
    "recall-then-generate",
    "explain-then-answer",
    "recall-reason-generate",
    "step-by-step",
)
"""The strategies by how much they are expected to write."""
Candidates = Sequence[Answer | Rejected]


def check(config: RunConfig, known: frozenset[str]) -> None:
    """Raise ConfigError where the cheapest sufficient strategy cannot be looked for; settle how code is run."""
    from synthgen import sandbox

    if config.unsandboxed:
        LOG.warning("%s", sandbox.find(unsandboxed=True).description)
    else:
        sandbox.insist()  # an earlier run of this process may have done without
    if config.sufficient:
        check_sufficient(config)
    for name in config.arms:
        if name not in known:
            raise ConfigError(
                f"the config key arms names {name}, which has no prompt; known: {', '.join(sorted(known))}"
            )
    if len(set(config.arms)) < len(config.arms):
        raise ConfigError("the config key arms names a strategy twice, which would be asked and paid twice")


def check_sufficient(config: RunConfig) -> None:
    """Raise ConfigError where no strategy could ever be called sufficient, or where there is nothing to choose."""
    if config.samples < FEWEST:
        raise ConfigError(f"the config key sufficient takes at least {FEWEST} samples of a task; raise samples")
    if config.strategy not in {"", AUTO}:
        raise ConfigError(
            f"the config key sufficient chooses among strategies, and strategy = {config.strategy} leaves no choice; take "
            f"{AUTO}, or leave sufficient out"
        )
    reached = wilson(config.samples, config.samples)[0]
    if reached < config.sufficient:
        raise ConfigError(
            f"with {config.samples} samples no strategy can be shown to pass {config.sufficient:g}: all of them right show "
            f"{reached:.2f} at least; lower sufficient or raise samples"
        )


async def checked(task: Task, candidates: Candidates) -> list[Answer | Rejected]:
    """The candidates of a task, each answer with what its checks found, off the event loop: a check may take seconds."""
    if not task.checks and not task.labels:
        return list(candidates)
    found = await asyncio.gather(*(apart.of(partial(with_outcomes, task, one)) for one in candidates))
    return await apart.of(lambda: with_agreement(task, found))


def with_outcomes(task: Task, one: Answer | Rejected) -> Answer | Rejected:
    """An answer with its outcomes."""
    if isinstance(one, Rejected):
        return one
    if not task.checks:
        return one
    from synthgen.checks import registry

    found = tuple(registry.run(check, one.text, task.input) for check in task.checks)
    return one.model_copy(update={"outcomes": found})


def with_agreement(task: Task, candidates: Candidates) -> list[Answer | Rejected]:
    """The candidates, each answer also with whether it says what most others under its strategy say (2203.11171).

    Only where a final answer can be told: from labels, or the way in which a truth is checked.
    """
    known = next((one for one in task.checks if one.kind == "answer"), None)
    if known is None and task.labels:
        known = Check(name="label", kind="agreement", args={"labels": task.labels})
    found = dict[str, Outcome]()
    answers = [one for one in candidates if isinstance(one, Answer)]
    for strategy in dict.fromkeys(one.strategy for one in answers) if known is not None else ():
        same = [one for one in answers if one.strategy == strategy]
        if len(same) >= agreement.FEWEST:
            found |= zip((one.id for one in same), agreement.agreement([one.text for one in same], known), strict=True)
    return [
        one.model_copy(update={"outcomes": (*one.outcomes, found[one.id])})
        if isinstance(one, Answer) and one.id in found
        else one
        for one in candidates
    ]


@dataclass(frozen=True, slots=True)
class Arm:
    """One strategy with the candidates that came of it."""

    strategy: str
    candidates: Candidates

    @property
    def counts(self) -> tuple[int, int]:
        """(right, decided). A candidate that cannot be used is a wrong one."""
        found = [verdict.right(one.outcomes) if isinstance(one, Answer) else False for one in self.candidates]
        return sum(one is True for one in found), sum(one is not None for one in found)

    @property
    def blind(self) -> bool:
        """Whether there are answers, and of none it could be decided whether it is right."""
        answers = [one for one in self.candidates if isinstance(one, Answer)]
        return bool(answers) and all(verdict.right(one.outcomes) is None for one in answers)

    def lower(self, chance: float) -> float:
        """The lower bound of the pass rate beyond chance."""
        right, decided = self.counts
        return beyond_chance(wilson(right, decided)[0], chance) if decided >= FEWEST else -1.0


def arms(task: Task, config: RunConfig) -> tuple[str, ...]:
    """The strategies to try on a task in order of cost; none where nobody asked or nothing is known of its answer.

    And none where a guess passes so often that even right answers alone would not show that one suffices.
    """
    if not config.sufficient or not verdict.known(task.checks):
        return ()
    if beyond_chance(wilson(config.samples, config.samples)[0], verdict.chance(task.checks)) < config.sufficient:
        return ()
    return config.arms or BY_COST


def suffices(arm: Arm, task: Task, config: RunConfig) -> bool:
    """Whether a strategy is sufficient for a task."""
    return arm.lower(verdict.chance(task.checks)) >= config.sufficient


def chosen(tried: Sequence[Arm], task: Task, config: RunConfig) -> list[Answer | Rejected]:
    """All candidates of the arms that were tried, those of the strategy that is taken as the task's own.

    It is the first that suffices; where none does, the one with most right answers, the cheapest of equals.
    """
    best = next((arm for arm in tried if suffices(arm, task, config)), None)
    best = best or max(tried, key=lambda arm: arm.counts[0])  # the first of equals, which is the cheapest
    return taken(tried, best)


def taken(tried: Sequence[Arm], best: Arm) -> list[Answer | Rejected]:
    """All candidates of the arms that were tried, those of one as the task's own."""
    return [as_of(one, explored=arm is not best) for arm in tried for one in arm.candidates]


def as_of(one: Answer | Rejected, *, explored: bool) -> Answer | Rejected:
    """A candidate as one of the strategy that is taken, or for reports only."""
    return one.model_copy(update={"explored": explored}) if isinstance(one, Answer) else one
