"""Choose the answer that becomes a task's SFT row."""

from collections.abc import Sequence
from typing import NamedTuple

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

    Acceptable is a mean of `pick_mean` and no aspect below `pick_floor`. None where there is none.
    """
    good = [one for one in candidates if acceptable(one.judged, config)]
    if not good:
        return None
    best = max(one.judged.mean for one in good)
    near = [one for one in good if one.judged.mean >= best - config.pick_band]
    return min(near, key=lambda one: (len(one.answer.text), one.answer.sample))


def acceptable(verdict: Judged, config: RunConfig) -> bool:
    """Whether an answer is good enough to train on."""
    floor = min(aspect.score for aspect in verdict.aspects.values())
    return verdict.mean >= config.pick_mean and floor >= config.pick_floor


def first(answers: Sequence[Answer]) -> Answer | None:
    """Without a judge: the first usable sample of the policy's strategy."""
    return min((one for one in answers if not one.explored), key=lambda one: one.sample, default=None)
