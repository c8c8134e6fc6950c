"""The steps of a run: prepare, grow the line, export, report. The command runs them in turn, Prefect as its tasks.

Each step takes a Job and leaves files; what it returns is small and plain. A foreseen stop is a value.
"""

import asyncio
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgen import jsonl, line, prices, prompts, specs, strategies
from synthgen.config import GENERIC, ROLES, RoleConfig, RunConfig, build, read_toml
from synthgen.errors import ConfigError, InputError, StorageError, SynthgenError, TeacherError
from synthgen.export import gate
from synthgen.line import Line, Progress
from synthgen.records import Answer, Role, Seed, Side, Task
from synthgen.runs import RunDir
from synthgen.stages import again, checking, decontaminate, given, giventasks, plan
from synthgen.stages import seeds as seed_files
from synthgen.stages.given import Given
from synthgen.stages.grow import Embed, Stop
from synthgen.teacher import embeddings
from synthgen.teacher.connect import Connections, slot
from synthgen.teacher.engine import Engine
from synthgen.teacher.ledger import Ledger
from synthgen.teacher.meter import LimitReached, Limits, Meter, Use
from synthgen.teacher.terms import Terms
from synthgen.text.ngrams import Leaks
from synthgen.views import report, rules

if TYPE_CHECKING:
    from synthgen.text.contamination import Contamination  # which loads numpy

INTERRUPT_GRACE_SECONDS = 3.0
"""How long an interrupted command awaits the calls under way into the ledger: it is to end within 5 seconds."""
DEFAULT_BUDGET_USD = 5.0
EXPORT = "synthgen.export.folder"
"""Loads pyarrow, which takes 0.1 s: no call waits for it, and it does not wait for the last one."""
AWAITED_AFTER_SECONDS = 0.05
"""When the line has begun and the first replies are awaited."""
UNIT_STEP = 50
"""Instructions added at a time where the target counts rows or pairs."""


@dataclass(frozen=True, slots=True)
class Job:
    """One command's work on one run directory."""

    seeds: Path | None
    """None where the line begins with prompts that are given."""
    out: Path
    values: Mapping[str, Any] = field(default_factory=dict)
    """Config keys from flags, over those of the config file."""
    config: Path | None = None
    prompts: Path | None = None
    rehearsal: tuple[str, ...] = ()
    """Options for a rehearsal server: tests make it slow, benchmarks make it jitter."""
    given: Given | None = None


def reopened(out: Path) -> Job:
    """The job that a run was last given, from its config.json."""
    source = RunDir(out).stored().get("source")
    if not source:
        raise ConfigError(f"{out} is not a run of synthgen, or has not begun")
    texts = Path(source["prompts"]) if source["prompts"] else None
    given = Given(Path(source["given"]), source["field"]) if source.get("given") else None
    return Job(Path(source["seeds"]) if given is None else None, out, source["values"], None, texts, given=given)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A job with everything read and checked."""

    run: RunDir
    config: RunConfig
    prompts: prompts.Prompts
    seeds: tuple[Seed, ...]
    sides: dict[str, Side]
    benchmarks: "Contamination | None" = None
    """What must not be given away."""
    given: Given | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the line ended, and what it used."""

    stop: Stop | None
    usage: dict[str, Any]


def resolve(job: Job) -> tuple[RunConfig, prompts.Prompts, tuple[Seed, ...]]:
    """The whole config of a job, with the digests of what it was given."""
    values = merged(read_toml(job.config) if job.config else {}, job.values)
    if job.given is not None:
        values = giventasks.completed(values)
    elif values.get("strategy"):
        raise ConfigError(
            "the config key strategy belongs to `synthgen answer`: what is grown is answered by the policy"
        )
    elif values.get("sufficient"):
        raise ConfigError("the config key sufficient belongs to `synthgen answer`: of what is grown no answer is known")
    texts = prompts.load(job.prompts)
    taxonomy_file = job.prompts / "categories.toml" if job.prompts else None
    taxonomy = strategies.load(
        taxonomy_file if taxonomy_file and taxonomy_file.exists() else None, frozenset(texts.strategies)
    )
    tasks = seed_files.read(job.seeds) if job.seeds is not None else ()
    values |= {
        "taxonomy": taxonomy,
        "prompts": texts.digests(),
        "seeds": {seed.id: seed_files.digest(seed) for seed in tasks},
    }
    stored = RunDir(job.out).stored()
    config = with_roles(build(values), stored.get("specs", {}))
    giventasks.check(config.strategy, frozenset(texts.strategies))
    checking.check(config, frozenset(texts.strategies))
    policy = plan.followed(config.policy, config.taxonomy, config.prompts)
    return priced(config.model_copy(update={"policy": policy}), "budget_usd" in values), texts, tasks


def merged(file: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    """Flags over the file, tables key by key."""
    whole = dict(file)
    for key, value in flags.items():
        held = whole.get(key)
        whole[key] = merged(held, value) if isinstance(held, Mapping) and isinstance(value, Mapping) else value
    return whole


def with_roles(config: RunConfig, stored: Mapping[str, str]) -> RunConfig:
    """The config with the identity and model of every role and of the embedder, as their SPECs declare them."""
    teacher = declared(config.teacher, stored.get("propose", ""))
    roles: dict[Role, RoleConfig] = {}
    for role in ROLES:
        chosen = config.roles.get(role)
        if chosen is not None:
            roles[role] = declared(chosen, teacher.spec)
    semantic = embeddings.declared(config.semantic, os.environ)
    return config.model_copy(update={"teacher": teacher, "roles": roles, "semantic": semantic})


def declared(chosen: RoleConfig, otherwise: str) -> RoleConfig:
    """One role's SPEC taken apart."""
    spec = chosen.spec or otherwise or "rehearsal"
    parsed = specs.parse(spec, os.environ, chosen.teacher_id)
    return chosen.model_copy(update={"spec": spec, "model": parsed.model, "identity": parsed.identity})


def priced(config: RunConfig, budget_given: bool) -> RunConfig:
    """A paid endpoint has a budget unless told otherwise, and a model without a stated price a cautious one."""
    parsed = [(config.role(role).model, specs.parse(config.role(role).spec, os.environ)) for role in ROLES]
    if embeddings.paid(config.semantic, os.environ):
        parsed.append((config.semantic.model, specs.parse(config.semantic.spec, os.environ)))
    paid = {model: prices.of(model, spec) for model, spec in parsed if spec.paid}
    if not paid:
        return config
    budget = config.budget_usd if budget_given else DEFAULT_BUDGET_USD
    return config.model_copy(update={"prices": paid | config.prices, "budget_usd": budget})


def prepare(job: Job, *, begins: bool = True, export: Mapping[str, Any] | None = None) -> Prepared:
    """Read and check everything, write the run's config and sides. Nothing is sent.

    Prompts that were given are looked at only where the line `begins`: an export needs their file no more. Keys for one
    `export` are no part of the job that is kept.
    """
    config, texts, tasks = resolve(replace(job, values=merged(job.values, export or {})))
    if job.given is not None and begins:
        given.check(job.given)
    benchmarks = decontaminate.load(config.decontaminate)
    config = config.model_copy(update={"decontaminate": decontaminate.filled_in(config.decontaminate, benchmarks)})
    if config.system != "none":
        gate.check_neutral(texts.text(GENERIC), Leaks(texts.imposed(config.strategy)))
    run = RunDir(job.out)
    run.create()
    run.guard(config)
    sides = sides_of(config, tasks, run.read_sides() or of_ledger(config))
    if sides and not run.sides.exists():
        run.write_sides(sides)
    run.write(config, run.stored().get("learned", {}), source_of(job))
    return Prepared(run, config, texts, tasks, sides, benchmarks, job.given)


def source_of(job: Job) -> dict[str, Any]:
    """Where a job's files came from and the keys it was given, for `synthgen export`."""
    return {
        "seeds": str(job.seeds.resolve()) if job.seeds is not None else "",
        **({"given": str(job.given.path.resolve()), "field": job.given.field} if job.given is not None else {}),
        "prompts": str(job.prompts.resolve()) if job.prompts else "",
        "values": findable(merged(read_toml(job.config) if job.config else {}, job.values)),
    }


def findable(values: dict[str, Any]) -> dict[str, Any]:
    """Keys with the whole path of their policy file, which is found from another folder then, too."""
    policy = values.get("policy")
    file = policy.get("file") if isinstance(policy, Mapping) else policy
    return {**values, "policy": str(Path(file).resolve())} if file else values


def of_ledger(config: RunConfig) -> dict[str, Side]:
    """The sides of the run whose ledger is used: a run that is begun anew with more seeds keeps them."""
    return RunDir(Path(config.ledger).parent).read_sides() if config.ledger else {}


def sides_of(config: RunConfig, tasks: tuple[Seed, ...], fixed: Mapping[str, Side]) -> dict[str, Side]:
    """The side of every seed; in parity mode demonstrations come from the whole pool, so there is no test side."""
    if config.mode == "parity":
        return dict.fromkeys((seed.id for seed in tasks), "train")
    return seed_files.sides(tasks, fixed, share=config.test_share, minimum=config.test_minimum, fewest=config.test_from)


async def grow(job: Job, prepared: Prepared, progress: Progress) -> Outcome:
    """Run the line to its target, or to a stop."""
    began = time.monotonic()
    loop = asyncio.get_running_loop()
    loop.call_later(AWAITED_AFTER_SECONDS, lambda: loop.run_in_executor(None, import_module, EXPORT))
    run, config = prepared.run, prepared.config
    with Ledger(run.ledger(config)) as ledger:
        meter, terms = metered(config, ledger), Terms.of(config)
        async with (
            Connections(
                config,
                os.environ,
                ledger,
                terms,
                run.stored().get("learned", {}),
                lambda learned: run.write(config, learned, source_of(job)),
                job.rehearsal,
                run.path,
            ) as connections,
            embeddings.Embeddings(config.semantic, os.environ, ledger, meter, config.prices, terms) as embedder,
        ):
            engine = Engine(connections.ports, ledger, meter, config.prices)
            try:
                embed = embedder.of if config.semantic.threshold else None
                stop = await to_target(prepared, engine, progress, embed)
            except (TeacherError, StorageError) as error:
                if not begun(run) and not meter.total.calls:
                    raise
                stop = stopped(error)
            except asyncio.CancelledError:
                await engine.aclose(INTERRUPT_GRACE_SECONDS)
                raise
            finally:
                await engine.aclose()
        found = connections.vllm()
        used = usage(meter, terms, ledger, time.monotonic() - began)
        return Outcome(stop, used | ({"vllm": found} if found else {}))


def metered(config: RunConfig, ledger: Ledger) -> Meter:
    """A meter that knows what earlier commands on this ledger used."""
    kept = ledger.totals()
    before = Use(
        calls=kept.calls,
        prompt_tokens=kept.prompt_tokens,
        completion_tokens=kept.completion_tokens,
        cached_tokens=kept.cached_tokens,
        cost_usd=kept.cost_usd,
        lost_attempts=kept.lost_calls,
        lost_tokens=kept.lost_tokens,
        lost_usd=kept.lost_usd,
    )
    return Meter(Limits(config.budget_usd, config.max_calls, config.max_tokens_total), before)


async def to_target(prepared: Prepared, engine: Engine, progress: Progress, embed: Embed | None = None) -> Stop | None:
    """Run the line until enough instructions, rows or pairs are there.

    Rows and pairs are counted after every `UNIT_STEP` instructions, so where the line stops does not depend on how
    often it was started.
    """
    run, config = prepared.run, prepared.config
    whole = Line(
        run, config, prepared.prompts, prepared.seeds, prepared.sides, engine, progress, prepared.benchmarks, embed
    )
    if prepared.given is not None:
        return await line.answer(whole, given.read(prepared.given))
    if config.target_unit == "instructions":
        return await line.run(whole, config.target)
    instructions = 0
    while True:
        instructions += UNIT_STEP
        stop = await line.run(whole, instructions)
        if stop is not None or report.made(run, config, config.target_unit) >= config.target:
            return stop


def begun(run: RunDir) -> bool:
    """Whether anything a call came to was ever committed: from then on a stop is not a failure to start."""
    called = (run.accepted("instructions"), run.rejected("grow"), run.accepted("answers"), run.rejected("answer"))
    return any(True for path in called for _ in jsonl.rows(path)) or inspected(run)


def inspected(run: RunDir) -> bool:
    """Whether the first prompt that was given has a task by a call."""
    return any(row["calls"] for row in islice(jsonl.rows(run.accepted("tasks")), 1))


def stopped(error: SynthgenError) -> Stop:
    """A stop by an error that was foreseen."""
    kind = "limit" if isinstance(error, LimitReached) else type(error).__name__
    return Stop(kind, str(error))


def usage(meter: Meter, terms: Terms, ledger: Ledger, seconds: float) -> dict[str, Any]:
    """What this command used, and what the ledger holds in all."""
    total = meter.total
    return {
        "calls": total.calls,
        "calls_replayed": meter.replayed,
        "lost_attempts": total.lost_attempts,
        "prompt_tokens": total.prompt_tokens,
        "completion_tokens": total.completion_tokens,
        "cached_tokens": total.cached_tokens,
        "cached_share": round(total.cached_tokens / total.prompt_tokens, 4) if total.prompt_tokens else None,
        "cost_usd": round(total.usd, 6),
        "lost_tokens": total.lost_tokens,
        "seconds": round(seconds, 3),
        "teacher_utilisation": round(total.seconds / terms.place_seconds, 4) if terms.place_seconds else 0.0,
        "concurrency": dict(terms.chosen),
        "steps": {name: rounded(asdict(one)) for name, one in sorted(meter.steps.items())},
        "ledger": ledger.totals()._asdict(),
        "ledger_steps": {name: one._asdict() for name, one in ledger.costs().items()},
    }


def rounded(counts: Mapping[str, float]) -> dict[str, float]:
    """Numbers for people to read."""
    return {name: round(value, 6) for name, value in counts.items()}


def export(prepared: Prepared) -> dict[str, Any]:
    """Write the dataset folder from what is complete; how many rows each config and split has."""
    from synthgen.export import folder  # see EXPORT

    run, config = prepared.run, prepared.config
    models = {role: model_of(run, config, role) for role in ROLES}
    return folder.write_run(run, config, prepared.prompts, prepared.seeds, prepared.sides, models)


def exported(prepared: Prepared, outcome: Outcome) -> dict[str, Any]:
    """Export a run whose line has ended. Where that fails, what the line came to is reported all the same."""
    try:
        return export(prepared)
    except SynthgenError:
        write_report(prepared, outcome, {})
        raise


def export_again(out: Path, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Write the dataset folder of a run anew, as its last command would, or with other export keys.

    Config to split to rows; where there are any, what was left out under `rejected`, and further shapes under `formats`.
    Raises InputError where no row is complete.
    """
    from synthgen.export.formats import writing  # see EXPORT

    job, run = reopened(out), RunDir(out)
    with run.locked():
        counts = export(prepare(job, begins=False, export=values))
        if not counts:
            raise InputError(f"{out} has no complete row, so there is no dataset: go on with the run, then export it")
        further = {"rejected": dict(report.reasons(run, report.EXPORT)), "formats": writing.told(run.dataset)}
        return {**counts, **{name: told for name, told in further.items() if told}}


def model_of(run: RunDir, config: RunConfig, role: Role) -> str:
    """The model that plays a role: as it was found, or as its SPEC says where nothing was asked yet."""
    learned = run.stored().get("learned", {})
    found = learned.get(slot(config.role(role)), {})
    return str(found.get("model", config.role(role).model))


def write_report(prepared: Prepared, outcome: Outcome, rows: Mapping[str, Any]) -> dict[str, Any]:
    """Count what the run holds and write report.json; the report."""
    stop = outcome.stop
    counted = report.counted(prepared.run, wanted(prepared, stop))
    reason = {"reason": stop.reason, "advice": stop.advice} if stop else {"reason": "done", "advice": ""}
    whole = {
        **counted,
        "rules": rules_of(prepared),
        **outcome.usage,
        "teacher": model_of(prepared.run, prepared.config, "answer"),
        "rehearsal": prepared.config.rehearsed,
        "rows": dict(rows),
        "stopped": reason,
    }
    whole["cost_usd_each"] = report.cost_each(whole)
    whole["warnings"] = report.warnings(whole)
    jsonl.replace(prepared.run.report, jsonl.dump(whole))
    return whole


def wanted(prepared: Prepared, stop: Stop | None) -> RunConfig:
    """The config with what it comes to where prompts are given: all their rows, those behind a stop included."""
    if prepared.given is None:
        return prepared.config
    answered = report.stage_balance(prepared.run, "tasks")["in"]
    rows = answered if stop is None else max(answered, given.count(prepared.given))
    return prepared.config.model_copy(update={"target": rows})


def rules_of(prepared: Prepared) -> dict[str, Any]:
    """What each rule of the screens dropped, and would have dropped by itself."""
    run, config = prepared.run, prepared.config
    if config.strategy:
        return {}
    alike = None
    if not 0 < config.answer_threshold < 1:  # off: the answers are compared only now
        under = again.stage(config, prepared.prompts, rules.ANSWERS)
        alike = again.alike(answered(run), under)
    seeds = [seed.instruction for seed in prepared.seeds]
    found = rules.counted(run, config, seeds, prepared.benchmarks, alike)
    return found | rules.of_meaning(run, config, seeds, vectors_of(run, config, seeds))


def vectors_of(run: RunDir, config: RunConfig, seeds: Sequence[str]) -> dict[str, Any] | None:
    """The vectors of the seeds and of every proposal that was compared; None where meaning was not."""
    if not config.semantic.threshold:
        return None
    with Ledger(run.ledger(config), reading=True) as ledger:
        return embeddings.kept([*seeds, *(one.text for one in rules.proposals(run))], config.semantic, ledger)


def answered(run: RunDir) -> Iterator[again.Answered]:
    """The tasks of a run with the answers that were kept, in the order of the tasks."""
    kept = groupby(jsonl.records(run.accepted("answers"), Answer), key=lambda one: one.task)
    tasks = {task.id: task for task in jsonl.records(run.accepted("tasks"), Task)}
    for identity, answers in kept:
        yield tasks[identity], list(answers)


async def run_all(job: Job, progress: Progress) -> dict[str, Any]:
    """Every step in turn, without Prefect; the report."""
    with RunDir(job.out).locked():
        prepared = prepare(job)
        outcome = await grow(job, prepared, progress)
        return write_report(prepared, outcome, exported(prepared, outcome))
