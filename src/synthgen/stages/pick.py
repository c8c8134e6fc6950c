"""Choose the answer that becomes a task's SFT row."""

from collections.abc import Sequence
from typing import NamedTuple

from synthgen.checks import verdict
from synthgen.config import RunConfig
from synthgen.records import Answer, Judged


class Scored(NamedTuple):
    """A candidate with its verdict."""

    answer: Answer
    judged: Judged


def scored(answers: Sequence[Answer], verdicts: Sequence[Judged]) -> list[Scored]:
    """The candidates under the policy's strategy, each with its verdict, in order of sample."""
    by_id = {verdict.id: verdict for verdict in verdicts}
    return [Scored(one, by_id[one.id]) for one in answers if one.id in by_id and not one.explored]


def pick(candidates: Sequence[Scored], config: RunConfig) -> Scored | None:
    """Of the acceptable ones the best, or the shortest of those within the band below it.

    Acceptable is a mean of `pick_mean`, no aspect below `pick_floor`, and no check of content or form that failed. None where
    there is none.
    """
    good = [one for one in candidates if acceptable(one, config)]
    if not good:
        return None
    best = max(one.judged.mean for one in good)
    near = [one for one in good if one.judged.mean >= best - config.pick_band]
    return min(near, key=lambda one: (len(one.answer.text), one.answer.sample))


def acceptable(one: Scored, config: RunConfig) -> bool:
    """Whether an answer is good enough to train on."""
    floor = min(aspect.score for aspect in one.judged.aspects.values())
    return one.judged.mean >= config.pick_mean and floor >= config.pick_floor and verdict.fit(one.answer.outcomes)


def first(answers: Sequence[Answer]) -> Answer | None:
    """Without a judge: the first sample of the task's strategy that can be used and that no check speaks against."""
    usable = [one for one in verdict.fit_answers(answers) if not one.explored]
    return min(usable, key=lambda one: one.sample, default=None)
