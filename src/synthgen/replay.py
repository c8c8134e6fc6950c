"""Other rules over a finished run, without a call: which proposals, tasks and answers would enter, and which would leave.

Only the screens are replayed. With another pool the teacher would have been shown other tasks, so this tells what a rule
does to what was proposed, not what a run under it would have proposed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from synthgen import jsonl, steps
from synthgen.config import Decontamination, RunConfig
from synthgen.errors import InputError
from synthgen.prompts import Prompts
from synthgen.records import Answer, Nearest, Rejected, Seed, Task
from synthgen.runs import RunDir
from synthgen.stages import again, answer, decontaminate, grow
from synthgen.stages.tasks import TaskStage
from synthgen.teacher import embeddings
from synthgen.teacher.ledger import Ledger
from synthgen.text.contamination import Contamination, Found
from synthgen.text.duplicates import Duplicates, Repeat
from synthgen.text.ngrams import Leaks
from synthgen.text.tasktext import user_text
from synthgen.views.rules import ACCEPTED, CONTAMINATED, Proposal, proposals, text_of

REPEATING = ("near_identical", "repeated_answer")
"""Why an answer is dropped for the sake of another one."""


def screen(
    out: Path,
    threshold: float | None = None,
    fuzzy: float | None = None,
    semantic: float | None = None,
    answers: float | None = None,
    decontamination: Decontamination | None = None,
) -> dict[str, Any]:
    """What would enter and leave, with reasons and nearest neighbours. What is left out is as the run has it.

    Answers are replayed only under a threshold of their own: what was dropped is then read from the ledger.
    """
    run = RunDir(out)
    config, texts, seeds = steps.resolve(steps.reopened(out))
    if config.strategy:
        raise InputError(f"{out} answers prompts that were given: nothing was proposed that another rule could screen")
    chosen = config.novelty_threshold if threshold is None else threshold
    share = config.fuzzy_threshold if fuzzy is None else fuzzy
    meant = config.semantic.threshold if semantic is None else semantic
    if meant and not config.semantic.threshold:
        raise InputError(f"{out} was run without embeddings, so --semantic has nothing to compare")
    given = (
        ("--semantic", meant, 0.0),
        ("--threshold", chosen, 1e-9),
        ("--fuzzy", share, 0.0),
        ("--answers", 1 if answers is None else answers, 1e-9),
    )
    for name, value, least in given:
        if not least <= value <= 1:
            raise InputError(f"{name} lies between 0 and 1, {value:g} does not")
    looked_up = config.decontaminate if decontamination is None else decontamination
    benchmarks = decontaminate.load(looked_up)
    pool = Duplicates(chosen, share, parity=config.mode == "parity", semantic=grow.semantic(meant))
    of_proposals = proposals_again(run, seeds, pool, benchmarks, config)
    of_tasks = tasks_again(run, benchmarks)
    of_answers = answers_again(run, config, texts, answers) if answers is not None else []
    return {
        "threshold": chosen,
        "fuzzy": share,
        "semantic": meant,
        "answers": config.answer_threshold if answers is None else answers,
        "decontaminate": looked_up.rule,
        "counts": dict(Counter(one["reason"] or ACCEPTED for one in of_proposals).most_common()),
        **moved(of_proposals, ""),
        **moved(of_tasks, "tasks_"),
        **moved(of_answers, "answers_"),
    }


def moved(found: Sequence[dict[str, Any]], of: str) -> dict[str, list[dict[str, Any]]]:
    """What enters and what leaves."""
    return {
        f"{of}enter": [one for one in found if one["reason"] is None and one["was"] != ACCEPTED],
        f"{of}leave": [one for one in found if one["reason"] is not None and one["was"] == ACCEPTED],
    }


def told(identity: str, text: str, was: str, reason: str | None, nearest: Nearest | None) -> dict[str, Any]:
    """One text with what it was, and what it would be: a `reason` of None is accepted."""
    return {"id": identity, "text": text, "was": was, "reason": reason, "nearest": nearest}


def proposals_again(
    run: RunDir, seeds: Sequence[Seed], pool: Duplicates, benchmarks: Contamination | None, config: RunConfig
) -> list[dict[str, Any]]:
    """Every proposal that was compared with the pool, compared with what the pool would be."""
    proposed = list(proposals(run))
    vectors: dict[str, Any] = {}
    if pool.semantic is not None:
        with ledger_of(run, config) as ledger:
            texts = [*(seed.instruction for seed in seeds), *(one.text for one in proposed)]
            vectors = embeddings.kept(texts, config.semantic, ledger)
    for seed in seeds:
        pool.admit(pool.text(seed.id, seed.instruction, vectors.get(seed.instruction)))
    given_away = [benchmarks.find(one.text) if benchmarks is not None else None for one in proposed]
    batch = [pool.text(one.id, one.text, vectors.get(one.text)) for one in proposed]
    repeats = pool.decide(batch, enter=[found is None for found in given_away])
    return [decided(*each) for each in zip(proposed, repeats, given_away, strict=True)]


def decided(one: Proposal, repeat: Repeat | None, given_away: Found | None) -> dict[str, Any]:
    """One proposal under both rules, asked in the order of the grow loop."""
    if repeat is not None:
        return told(one.id, one.text, one.was, repeat.reason, repeat.nearest)
    return told(one.id, one.text, one.was, *contaminated(given_away))


def contaminated(found: Found | None) -> tuple[str | None, Nearest | None]:
    """(reason, nearest) of a text that gives an item away, or of one that does not."""
    return (CONTAMINATED, decontaminate.nearest(found)) if found is not None else (None, None)


def tasks_again(run: RunDir, benchmarks: Contamination | None) -> list[dict[str, Any]]:
    """Every task, and every one that was rejected as contaminated, looked up again."""
    found = []
    for identity, text, was in tasks(run):
        given_away = benchmarks.find(text) if benchmarks is not None else None
        found.append(told(identity, text, was, *contaminated(given_away)))
    return found


def tasks(run: RunDir) -> Iterator[tuple[str, str, str]]:
    """(id, text, what it was) of every task that was looked up, in the order of the instructions."""
    instructions = {row["id"]: row["instruction"] for row in jsonl.rows(run.accepted("instructions"))}
    with run.journal("tasks", TaskStage.kinds) as journal:
        for commit in journal.commits():
            for row in commit.rows("tasks"):
                yield row["id"], user_text(row["instruction"], row["input"]), ACCEPTED
            for row in commit.rows("instantiate"):
                if row["reason"] == CONTAMINATED:
                    yield row["id"], user_text(instructions[commit.of], text_of(row)), CONTAMINATED


def answers_again(run: RunDir, config: RunConfig, texts: Prompts, threshold: float) -> list[dict[str, Any]]:
    """Every answer that was kept, or dropped for the sake of another, compared with the others again."""
    was: dict[str, str] = {}
    answered = list(answers(run, config, texts, was))
    under = again.stage(config, texts, threshold)
    found = []
    for one, becomes in again.settled(answered, under):
        reason, nearest = (becomes.reason, becomes.nearest) if isinstance(becomes, Rejected) else (None, None)
        if reason == "repeated_answer" and isinstance(becomes, Rejected):
            nearest = Nearest(becomes.evidence, 1.0)
        found.append(told(one.id, one.text, was[one.id], reason, nearest))
    return found


def answers(run: RunDir, config: RunConfig, texts: Prompts, was: dict[str, str]) -> Iterator[again.Answered]:
    """The tasks with every answer that came as far as the comparison; what each one was is noted in `was`."""
    known = {task.id: task for task in jsonl.records(run.accepted("tasks"), Task)}
    leaks = Leaks(texts.strategies)
    with run.journal("answers") as journal, ledger_of(run, config) as ledger:
        for commit in journal.commits():
            kept = [Answer.model_validate(row) for row in commit.rows("answers")]
            rejected = [Rejected.model_validate(row) for row in commit.rows("answer")]
            dropped = [one for one in rejected if one.reason in REPEATING]
            was |= dict.fromkeys((one.id for one in kept), ACCEPTED) | {one.id: one.reason for one in dropped}
            task = known[commit.of]
            both = [*kept, *(read_again(one, task, config, leaks, ledger) for one in dropped)]
            yield task, sorted(both, key=lambda one: one.sample)


def ledger_of(run: RunDir, config: RunConfig) -> Ledger:
    """The run's ledger, for reading only."""
    path = run.ledger(config)
    if not path.is_file():
        raise InputError(f"{path} is not there: answers that were dropped, and embeddings, are read from the ledger")
    return Ledger(path, reading=True)


def read_again(one: Rejected, task: Task, config: RunConfig, leaks: Leaks, ledger: Ledger) -> Answer:
    """An answer that was dropped, from the reply it came in."""
    reply = ledger.get(one.call)
    if reply is None:
        raise InputError(f"the reply of answer {one.id} is not in {ledger.path}; restore the ledger of this run")
    sample = int(one.id.rpartition("-")[2])
    found = answer.read(reply, task, sample, answer.strategy_of(task, sample, config), leaks)
    if isinstance(found, Rejected):
        raise InputError(f"answer {one.id} reads otherwise than it did ({found.reason}): the run is another version's")
    return found


def written(found: dict[str, Any], out: Path) -> None:
    """Write what was found as a JSON file, whole."""
    jsonl.replace(out, orjson.dumps(found, default=list, option=orjson.OPT_INDENT_2) + b"\n")
