"""Play the tournament: ask every arm over the items, check the answers, choose, and measure the choice on the held-out items.

The calls go the way of the line's own: ledger, limits, window. A rerun asks nothing, and where it was stopped it goes on.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

from synthgen import jsonl, policy, steps
from synthgen.checks import apart, registry
from synthgen.config import RoleConfig, RunConfig, read_toml
from synthgen.errors import ConfigError, InputError, StorageError, TeacherError, storage
from synthgen.intervals import wilson
from synthgen.policy import ArmFound, CategoryFound, Correctness, Gain, HeldOut, Part, Policy
from synthgen.prompts import Prompts
from synthgen.records import Request, Think
from synthgen.stages import answer
from synthgen.stages.grow import Stop
from synthgen.teacher.connect import Connections
from synthgen.teacher.engine import Engine
from synthgen.teacher.ledger import Ledger
from synthgen.teacher.terms import Terms
from synthgen.tournament import choice, halving, items, stats
from synthgen.tournament.choice import Arm, Choice, Outcomes, Tried
from synthgen.tournament.halving import Call, State
from synthgen.tournament.items import Item

THINKS: tuple[Think, ...] = ("think", "no_think")
FOLLOWED = frozenset({"policy", "sufficient", "arms"})
"""Config keys by which a run chooses among strategies; a tournament tries them all."""
SHARE_DIGITS = 4
"""Of shares in the file."""
Progress = Callable[[str, int], None]
Table = dict[str, dict[str, dict[Arm, Tried]]]
"""Category to item to arm."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """One command's work on one policy file."""

    out: Path
    seeds: Path | None = None
    file: Path | None = None
    """Of the user's own items."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Config keys from flags, over those of the config file."""
    config: Path | None = None
    prompts: Path | None = None
    student: str = ""
    """Its SPEC; "" for none."""
    samples: int = 1
    think: bool = False
    held_out: float = 0.5
    rehearsal: tuple[str, ...] = ()
    """Options for a rehearsal server."""

    @property
    def ledger(self) -> Path:
        """Where the calls are kept unless another ledger is named."""
        return self.out.with_name(f"{self.out.name}.ledger.sqlite")


@dataclass(frozen=True, slots=True)
class Arena:
    """Who takes part, on what."""

    items: Mapping[str, Item]
    tuning: Mapping[str, Sequence[str]]
    """Category to the keys of the items that decide."""
    held_out: Mapping[str, Sequence[str]]
    arms: tuple[Arm, ...]
    prompts: Prompts

    def shipped(self, key: str) -> Arm:
        """How the shipped table answers an item: reasoning models think unless they are told not to."""
        strategy = self.items[key].task.strategy
        return next(arm for arm in self.arms if arm.strategy == strategy and arm.think != "no_think")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A tournament with everything read and checked."""

    players: tuple[RunConfig, ...]
    """The teacher's config, and the student's where there is one."""
    arena: Arena


def prepare(tuning: Tuning) -> Prepared:
    """Read and check everything. Nothing is sent."""
    check_out(tuning.out)
    file = read_toml(tuning.config) if tuning.config else {}
    # What was measured before is measured anew: it is neither the shipped table nor in the way.
    values = {key: value for key, value in steps.merged(file, tuning.values).items() if key not in FOLLOWED}
    config, prompts, seeds = steps.resolve(steps.Job(tuning.seeds, tuning.out, values, None, tuning.prompts))
    config = config.model_copy(update={"ledger": config.ledger or str(tuning.ledger)})
    known = chain(items.of_seeds(seeds, config), items.of_file(tuning.file, config) if tuning.file is not None else ())
    decidable = items.decidable(items.distinct(known), unsandboxed=config.unsandboxed)
    arena = arena_of(decidable, tuning, config, prompts)
    return Prepared((config, *([with_student(config, tuning.student)] if tuning.student else [])), arena)


async def tune(tuning: Tuning, prepared: Prepared, progress: Progress) -> Policy | Stop:
    """The policy, written; or why the calls stopped before it could be. Raises a SynthgenError where nothing was begun."""
    with storage(tuning.out):
        tuning.out.parent.mkdir(parents=True, exist_ok=True)
    parts: list[Part] = []
    for player in prepared.players:
        budget = None if player.max_calls is None else player.max_calls // len(prepared.players)
        part = await played(tuning, player, prepared.arena, budget, parts, progress)
        if isinstance(part, Stop):
            return part
        parts.append(part)
    found = policy_of(tuning, prepared, parts)
    jsonl.replace(tuning.out, jsonl.dump(found.model_dump(mode="json")))
    return found


def policy_of(tuning: Tuning, prepared: Prepared, parts: Sequence[Part]) -> Policy:
    """The whole file."""
    arena = prepared.arena
    known = arena.items.values()
    return Policy(
        synthgen=version("synthgen"),
        items=items.digest(known),
        sources=items.sources(known),
        held_out_share=tuning.held_out,
        samples=tuning.samples,
        prompts={arm.strategy: arena.prompts.digests()[f"strategies/{arm.strategy}"] for arm in arena.arms},
        decoding=prepared.players[0].stage_decoding("answer").model_dump(mode="json"),
        teacher=parts[0],
        student=parts[1] if len(parts) > 1 else None,
    )


def check_out(path: Path) -> None:
    """Refuse to write over what is no policy."""
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; --out names the policy file")
    if path.exists():
        try:
            policy.load(path)
        except ConfigError as error:
            raise ConfigError(f"{path} is there and is no policy; choose another --out") from error


def arena_of(known: Sequence[Item], tuning: Tuning, config: RunConfig, prompts: Prompts) -> Arena:
    """The items, divided, and the arms."""
    if not known:
        raise InputError(
            "there is no item with a known answer: seeds need a `verifier` other than regex, rows of --tune-on an `answer` or "
            f"a `check`, such as {items.EXAMPLE}"
        )
    thinks: tuple[Think, ...] = THINKS if tuning.think else ("",)
    arms = tuple(Arm(strategy, think) for strategy in sorted(prompts.strategies) for think in thinks)
    deciding, held = items.divided(known, tuning.held_out)
    return Arena(
        {item.key: item for item in known},
        items.by_category(deciding, config),
        items.by_category(held, config),
        arms,
        prompts,
    )


def with_student(config: RunConfig, spec: str) -> RunConfig:
    """The config with the student in the teacher's place."""
    role = steps.declared(RoleConfig(spec=spec), "")
    changed = config.model_copy(update={"roles": {**config.roles, "answer": role}})
    return steps.priced(changed, changed.budget_usd is not None)


async def played(
    tuning: Tuning, config: RunConfig, arena: Arena, budget: int | None, before: Sequence[Part], progress: Progress
) -> Part | Stop:
    """The whole tournament with one model. `before` are the parts that choose where this one has no choice."""
    with Ledger(Path(config.ledger)) as ledger:
        meter, terms = steps.metered(config, ledger), Terms.of(config)
        connections = Connections(
            config, os.environ, ledger, terms, {}, lambda _learned: None, tuning.rehearsal, tuning.out.absolute().parent
        )
        async with connections:
            engine = Engine(connections.ports, ledger, meter, config.prices)
            try:
                asking = Asking(arena, config, engine, tuning.samples, progress)
                tuned, held = await asked(asking, budget, tuning.held_out)
                model = (await connections.binding("answer")).model
            except (TeacherError, StorageError) as error:
                if not meter.total.calls and not meter.replayed:
                    raise
                return steps.stopped(error)
            except asyncio.CancelledError:
                await engine.aclose(steps.INTERRUPT_GRACE_SECONDS)
                raise
            finally:
                await engine.aclose()
    return part_of(model, config.role("answer").identity, arena, tuned, held, before)


class Asking:
    """Asks and checks the answers of one model."""

    def __init__(self, arena: Arena, config: RunConfig, engine: Engine, samples: int, progress: Progress) -> None:
        self.arena, self.config, self.engine, self.samples, self.progress = arena, config, engine, samples, progress
        self.done = 0

    async def of(self, calls: Sequence[Call]) -> dict[Call, Tried]:
        """What came of some calls, as many at once as the window takes. Raises what the first of them raises."""
        found: dict[Call, Tried] = {}
        todo = iter(calls)

        async def work() -> None:
            for call in todo:
                found[call] = await self.one(call)
                self.done += 1
                self.progress("answers checked", self.done)

        workers = [asyncio.create_task(work()) for _ in range(min(self.config.room, len(calls)))]
        try:
            for worker in asyncio.as_completed(workers):
                await worker
        finally:
            for left in workers:
                left.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        return {call: found[call] for call in calls}  # in their order, whichever reply came first

    async def one(self, call: Call) -> Tried:
        """One answer, checked. What is cut, refused or empty is not right."""
        item = self.arena.items[call.item]
        reply = await self.engine.ask(request(item, call.arm, call.sample, self.config, self.arena.prompts))
        text = reply.text.strip()
        passed: bool | None = False
        if reply.finish == "stop" and text:
            passed = (await apart.of(partial(registry.run, item.check, text, item.task.input))).passed
        return Tried(int(passed is True), 1, reply.completion_tokens, int(passed is None))


def request(item: Item, arm: Arm, sample: int, config: RunConfig, prompts: Prompts) -> Request:
    """The request for one sample of one arm; its seed is a function of run seed, the item's text and the sample."""
    rng = Random(f"synthgen/tune/{config.seed}/{item.key}/{sample}")  # noqa: S311  # sampling, not secrets
    return Request(
        role="answer",
        step="answer",
        about=f"{item.name} under {arm}",
        messages=answer.messages(item.task, arm.strategy, prompts),
        decoding=config.stage_decoding("answer"),
        sample=sample,
        seed=rng.getrandbits(31),
        think=answer.THINK[arm.think],
    )


async def asked(asking: Asking, budget: int | None, share: float) -> tuple[State, State]:
    """Both halves as far as the budget goes: what the rounds leave of theirs goes to the held-out items."""
    arena = asking.arena
    for_rounds = None if budget is None else budget - int(share * budget)
    state = State(arena.tuning, arena.arms, asking.samples, for_rounds)
    last = False
    while not last:
        calls, last = halving.next_round(state)
        state = replace(state, outcomes=joined(state.outcomes, await asking.of(calls)))
    held = State(arena.held_out, arena.arms, asking.samples, None if budget is None else budget - state.asked)
    return state, replace(held, outcomes=joined({}, await asking.of(halving.everything(held))))


def joined(before: Mapping[str, Outcomes], found: Mapping[Call, Tried]) -> Table:
    """Outcomes with those of further calls; the samples of an arm are added up."""
    table: Table = {name: {item: dict(arms) for item, arms in rows.items()} for name, rows in before.items()}
    for call, tried in found.items():
        arms = table.setdefault(call.category, {}).setdefault(call.item, {})
        held = arms.get(call.arm, Tried(0, 0))
        arms[call.arm] = Tried(*map(sum, zip(held, tried, strict=True)))
    return table


def part_of(model: str, identity: str, arena: Arena, tuned: State, held: State, before: Sequence[Part]) -> Part:
    """What was found with one model."""
    decided = {name: choice.decided(rows) for name, rows in tuned.outcomes.items()}
    known = choice.priors(decided, arena.arms)
    categories = {
        name: category_of(
            choice.choose(decided.get(name, {}), arena.arms, known),
            len(tuned.outcomes.get(name, {})) - len(decided.get(name, {})),
        )
        for name in arena.tuning
    }
    whole = sum(len(keys) for half in (tuned, held) for keys in half.items.values()) * len(arena.arms) * tuned.samples
    counts = {"tuning": tuned.asked, "held_out": held.asked, "left_out": whole - tuned.asked - held.asked}
    chosen = [one.categories for one in before] + [categories]
    return Part(
        model=model,
        identity=identity,
        answers=counts,
        categories=categories,
        held_out=held_out_of(arena, held.outcomes, chosen[::-1]),
    )


def category_of(found: Choice, undecided: int) -> CategoryFound:
    """The evidence of one category, as it is written."""
    return CategoryFound(
        items=found.items,
        undecided=undecided,
        strategy=found.arm.strategy if found.arm is not None else "",
        think=found.arm.think if found.arm is not None else "",
        reason=found.reason,
        regret=rounded(found.regret),
        arms=tuple(arm_of(arm, found) for arm in found.scores),
    )


def arm_of(arm: Arm, found: Choice) -> ArmFound:
    """What one arm came to, as it is written."""
    one = found.scores[arm]
    low, high = wilson(one.success, one.items)
    return ArmFound(
        strategy=arm.strategy,
        think=arm.think,
        items=one.items,
        passed=one.passed,
        total=one.total,
        rate=rounded(one.rate),
        low=rounded(low),
        high=rounded(high),
        shrunk=rounded(found.shrunk[arm]),
        tokens=round(one.tokens / one.total, 1) if one.total else 0.0,
        tokens_per_success=round(one.tokens_per_success, 1) if one.passed else None,
        worse=arm in found.worse,
    )


def held_out_of(
    arena: Arena, outcomes: Mapping[str, Outcomes], chosen: Sequence[Mapping[str, CategoryFound]]
) -> HeldOut:
    """What the choices, the shipped table and every arm do on the held-out items."""
    decided = {name: choice.decided(rows) for name, rows in outcomes.items()}
    undecided = sum(map(len, outcomes.values())) - sum(map(len, decided.values()))
    rows = list(held_rows(decided))
    if not rows:
        return HeldOut(items=0, undecided=undecided)
    tuned = [arms[tuned_arm(name, key, arena, chosen)] for name, key, arms in rows]
    shipped = [arms[arena.shipped(key)] for _, key, arms in rows]
    single = {str(arm): [arms[arm] for _, _, arms in rows] for arm in arena.arms}
    return HeldOut(
        items=len(rows),
        undecided=undecided,
        tuned=correctness(tuned),
        shipped=correctness(shipped),
        single={name: correctness(tried) for name, tried in single.items()},
        over_shipped=gain(tuned, shipped),
        over_single={name: gain(tuned, tried) for name, tried in single.items()},
    )


def held_rows(decided: Mapping[str, Outcomes]) -> Iterator[tuple[str, str, Mapping[Arm, Tried]]]:
    """(category, item, arms) of every item."""
    for name, rows in decided.items():
        for key, arms in rows.items():
            yield name, key, arms


def tuned_arm(category: str, key: str, arena: Arena, chosen: Sequence[Mapping[str, CategoryFound]]) -> Arm:
    """How the policy answers an item: by the first part that has a choice, else as the shipped table does."""
    for categories in chosen:
        found = categories.get(category)
        if found is not None and found.strategy:
            return Arm(found.strategy, found.think)
    return arena.shipped(key)


def correctness(tried: Sequence[Tried]) -> Correctness:
    """The checked correctness of one way of answering, one entry an item."""
    success = sum(one.passed / one.samples for one in tried)
    low, high = wilson(success, len(tried))
    tokens = sum(one.tokens for one in tried) / sum(one.samples for one in tried)
    return Correctness(
        rate=rounded(success / len(tried)), low=rounded(low), high=rounded(high), tokens=round(tokens, 1)
    )


def gain(tuned: Sequence[Tried], other: Sequence[Tried]) -> Gain:
    """What one way of answering is above another, item by item."""
    pairs = [a.passed / a.samples - b.passed / b.samples for a, b in zip(tuned, other, strict=True)]
    mean, (low, high) = stats.difference(pairs)
    return Gain(difference=rounded(mean), low=rounded(low), high=rounded(high))


def rounded(share: float) -> float:
    """A share as it is written."""
    return round(share, SHARE_DIGITS)
