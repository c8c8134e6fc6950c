"""Make a preference pair: the best answer of a task against one that is strictly worse, under one strategy.

Best against a random lower one is Zephyr's choice (2310.16944 section 3.2); ties and equal texts are dropped, which
the published pipelines did not always do (PAPERS section 4).
"""

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import ClassVar

from synthgen.checks import verdict
from synthgen.config import RunConfig
from synthgen.records import Pair, Record, Rejected, Task
from synthgen.stages.judge import Verdicted
from synthgen.stages.pick import Scored, acceptable, scored
from synthgen.stages.stream import Lines, Means
from synthgen.text.tokens import normalised

NO_GOOD_ANSWER = "no_good_answer"


def pair(task: Task, candidates: Sequence[Scored], config: RunConfig) -> Pair | Rejected:
    """A pair, or why there is none. The chosen side is the best mean, the shortest of equals.

    Where the answer is known, and one that is wrong stands beside it, that one is rejected whatever its mark.
    """
    good = [one for one in candidates if acceptable(one, config)]
    if not good:
        best_mean = max((one.judged.mean for one in candidates), default=None)
        failed_checks = sum(not verdict.fit(one.answer.outcomes) for one in candidates)
        call = candidates[0].judged.call if candidates else ""
        return Rejected(id=task.id, reason=NO_GOOD_ANSWER, evidence=why(best_mean, failed_checks), call=call)
    best = min(good, key=lambda one: (-one.judged.mean, len(one.answer.text), one.answer.sample))
    wrong = failed(best, candidates)
    lower = wrong or [one for one in candidates if one.judged.mean <= best.judged.mean - config.pair_margin]
    lower = [one for one in lower if normalised(one.answer.text) != normalised(best.answer.text)]
    if not lower:
        reason = "tie" if all(one.judged.mean == best.judged.mean for one in candidates) else "margin_too_small"
        return Rejected(id=task.id, reason=reason, evidence=f"best mean {best.judged.mean}", call=best.judged.call)
    rng = Random(f"synthgen/pair/{config.seed}/{task.id}")  # noqa: S311  # sampling, not secrets
    worse = rng.choice(lower)
    return Pair(
        id=f"{task.id}-p",
        call=best.judged.call,
        task=task.id,
        strategy=best.answer.strategy,
        policy="verified-vs-failed" if wrong else "marks",
        chosen=best.answer.id,
        rejected=worse.answer.id,
        score_chosen=best.judged.mean,
        score_rejected=worse.judged.mean,
    )


def why(best_mean: float | None, failed_checks: int) -> str:
    """Why none of a task's answers is good."""
    return f"best mean {best_mean}" + (f"; {failed_checks} failed their checks" if failed_checks else "")


def failed(best: Scored, candidates: Sequence[Scored]) -> list[Scored]:
    """The answers that a check of kind `answer` found wrong, where it found the best one right; all are of one strategy."""
    if verdict.right(best.answer.outcomes) is not True:
        return []
    return [one for one in candidates if verdict.right(one.answer.outcomes) is False]


class PairStage:
    """Verdicted to Pair; tasks without a good answer are told apart from those without a pair."""

    name: ClassVar[str] = "pairs"
    kinds: ClassVar[Mapping[str, type[Record]]] = {"pairs": Pair, "pick": Rejected, "pair": Rejected}

    def __init__(self, means: Means) -> None:
        self.means = means

    def identity(self, item: Verdicted) -> str:
        """The task's id."""
        return item.task.id

    async def work(self, item: Verdicted) -> Lines:
        """No call: a pair is a function of the verdicts."""
        found = pair(item.task, scored(item.answers, item.verdicts), self.means.config)
        if isinstance(found, Pair):
            return [("pairs", found)]
        return [("pick" if found.reason == NO_GOOD_ANSWER else "pair", found)]

    def settle(self, item: Verdicted, raw: Lines) -> Lines:
        """As it came."""
        return raw

    def taken(self, item: Verdicted, lines: Lines) -> Iterable[Verdicted]:
        """The end of the line: nothing goes on."""
        return []
