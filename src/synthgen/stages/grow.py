"""The grow loop: propose, screen, accept, until there are enough (Self-Instruct step 1).

Call i is written from the pool as it stood after commit i - lag(i), lag(i) = min(W, 4 + i // 2), with chance drawn
from (run seed, i); replies are committed in the order of the calls. So what is accepted does not depend on which
reply comes first, nor on how many are under way.
"""

import asyncio
import math
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any

from synthgen.config import RunConfig
from synthgen.jsonl import Commit, Journal
from synthgen.prompts import Prompts
from synthgen.records import Instruction, Nearest, Record, Rejected, Reply, Request, Seed, Side, Target, Teacher
from synthgen.stages import decontaminate, propose, screen
from synthgen.stages.propose import Demonstration
from synthgen.strategies import OTHER
from synthgen.text.duplicates import Duplicates, Similar
from synthgen.text.language import detect
from synthgen.text.rouge import rouge_l
from synthgen.text.tokens import unicode_tokens

if TYPE_CHECKING:
    from synthgen.text.contamination import Contamination  # which loads numpy

ACCEPTED = "instructions"
REJECTED = "grow"
FIRST_PATIENCE = 50
"""Calls without one accepted instruction after which no further one is sent."""
ATTEMPTS = 20
"""Draws for a demonstration whose category and root are not shown yet, before any will do."""


Emit = Callable[[Instruction], Awaitable[None]]
Embed = Callable[[Sequence[str]], Awaitable[Sequence[Any]]]
"""Texts to their vectors, None for one that has none."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a loop ended before its target."""

    reason: str
    advice: str


@dataclass(frozen=True, slots=True)
class Source:
    """What does not change while the loop runs."""

    seeds: Sequence[Seed]
    sides: Mapping[str, Side]
    config: RunConfig
    prompts: Prompts
    languages: frozenset[str]
    by_id: Mapping[str, Demonstration]
    """Every seed as a demonstration."""
    benchmarks: "Contamination | None" = None
    """What no instruction may give away."""

    @classmethod
    def of(
        cls,
        seeds: Sequence[Seed],
        sides: Mapping[str, Side],
        config: RunConfig,
        prompts: Prompts,
        benchmarks: "Contamination | None" = None,
    ) -> "Source":
        """A source; the run's languages are those of its seeds unless the config names one."""
        languages = {detect(seed.instruction) for seed in seeds} if config.language == "seeds" else {config.language}
        shown = {seed.id: Demonstration(seed.id, seed.instruction, seed.id, seed.category) for seed in seeds}
        return cls(seeds, sides, config, prompts, frozenset(languages), shown, benchmarks)

    def demonstrations(self, side: Side) -> list[Demonstration]:
        """The human tasks of one side; all of them where there is no test side."""
        return [self.by_id[seed.id] for seed in self.seeds if self.sides[seed.id] == side]


@dataclass(slots=True)
class Pool:
    """What has been accepted, and how it stood after each commit."""

    source: Source
    duplicates: Duplicates
    """The seeds and everything accepted: what a new text may not repeat."""
    seeds: dict[Side, list[Demonstration]]
    machine: dict[Side, list[Demonstration]] = field(default_factory=lambda: {"train": [], "test": []})
    """Instructions that may be shown, in the order accepted."""
    stood: list[dict[Side, int]] = field(default_factory=list)
    """For each commit, how many of `machine` there were after it."""
    yields: list[tuple[int, int]] = field(default_factory=list)
    """For each commit, (accepted, proposed)."""
    per_root: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Why proposals were rejected so far."""
    accepted: int = 0

    @classmethod
    def of(cls, source: Source, vectors: Mapping[str, Any] | None = None) -> "Pool":
        """A pool that holds the seeds only; `vectors` are those of their texts, where meaning is compared."""
        config = source.config
        duplicates = Duplicates(
            config.novelty_threshold,
            config.fuzzy_threshold,
            parity=config.mode == "parity",
            semantic=semantic(config.semantic.threshold),
        )
        pool = cls(source, duplicates, {side: source.demonstrations(side) for side in ("train", "test")})
        for seed in source.seeds:
            pool.admit(seed.id, seed.instruction, (vectors or {}).get(seed.instruction))
        return pool

    def take(self, accepted: Sequence[Instruction], rejected: Sequence[Rejected]) -> None:
        """Note one commit. Its accepted texts must have been admitted."""
        for one in accepted:
            category = one.target.category or self.source.by_id[one.root_id].category
            if self.source.config.mode == "parity" or self.per_root[one.root_id] < self.source.config.machine_per_root:
                self.machine[one.side].append(Demonstration(one.id, one.instruction, one.root_id, category))
            self.per_root[one.root_id] += 1
        self.accepted += len(accepted)
        self.reasons.update(one.reason for one in rejected)
        self.yields.append((len(accepted), len(accepted) + len(rejected)))
        self.stood.append({side: len(pool) for side, pool in self.machine.items()})

    async def restore(self, commit: Commit, embed: Embed | None) -> list[Instruction]:
        """Note a commit that was read back; its accepted instructions."""
        accepted = [Instruction.model_validate(row) for row in commit.rows(ACCEPTED)]
        vectors = await vectors_of([one.instruction for one in accepted], embed)
        for one in accepted:
            self.admit(one.id, one.instruction, vectors.get(one.instruction))
        self.take(accepted, [Rejected.model_validate(row) for row in commit.rows(REJECTED)])
        return accepted

    def admit(self, identity: str, text: str, vector: Any = None) -> None:
        """Add a text to what later ones are compared with."""
        self.duplicates.admit(self.duplicates.text(identity, text, vector))

    def seen_by(self, call: int, side: Side) -> list[Demonstration]:
        """The machine-made tasks that call `call` may show."""
        last = call - lag(call, self.source.config.lookahead)
        return self.machine[side][: self.stood[last][side]] if last >= 0 else []


def lag(call: int, lookahead: int) -> int:
    """How many commits behind call `call` the pool is that it is written from."""
    return min(lookahead, 4 + call // 2)


def identity(call: int) -> str:
    """The id of a call of the loop."""
    return f"c{call:06d}"


def side_of(call: int, source: Source) -> Side:
    """The side call `call` works for: test as often as the test side's share of the seeds, evenly spread."""
    test = sum(side == "test" for side in source.sides.values())
    total = len(source.seeds)
    return "test" if (call + 1) * test // total > call * test // total else "train"


def chance(config: RunConfig, call: int) -> Random:
    """The random generator of one call."""
    return Random(f"synthgen/grow/{config.seed}/{call}")  # noqa: S311  # sampling, not secrets


def prompt(call: int, pool: Pool) -> tuple[Request, list[Demonstration], Target]:
    """The request of one call, with what it shows and what it aims at."""
    source, config = pool.source, pool.source.config
    rng = chance(config, call)
    side = side_of(call, source)
    machine = pool.seen_by(call, side)
    draw = sample_parity if config.mode == "parity" else sample
    shown = draw(pool.seeds[side], machine, config, rng)
    target = Target() if config.mode == "parity" else draw_target(config, rng)
    seed = rng.getrandbits(31)
    request = propose.ask(identity(call), shown, target, config, source.prompts, source.languages, seed=seed)
    return request, shown, target


def sample_parity(
    human: Sequence[Demonstration], machine: Sequence[Demonstration], config: RunConfig, rng: Random
) -> list[Demonstration]:
    """At most 2 of the pool, seeds for the rest, uniformly, shuffled (bootstrap_instructions.py)."""
    chosen = rng.sample(machine, min(config.machine_in_context, len(machine)))
    chosen += rng.sample(human, min(config.in_context - len(chosen), len(human)))
    rng.shuffle(chosen)
    return chosen


def sample(
    human: Sequence[Demonstration], machine: Sequence[Demonstration], config: RunConfig, rng: Random
) -> list[Demonstration]:
    """As parity, but no two of one category or one ancestor as long as that can be had."""
    chosen: list[Demonstration] = []
    draw_distinct(machine, min(config.machine_in_context, len(machine)), chosen, rng)
    draw_distinct(human, min(config.in_context - len(chosen), len(human)), chosen, rng)
    rng.shuffle(chosen)
    return chosen


def draw_distinct(pool: Sequence[Demonstration], count: int, chosen: list[Demonstration], rng: Random) -> None:
    """Add `count` tasks of the pool to `chosen`, of new categories and roots while `ATTEMPTS` draws find some."""
    left = count
    for _ in range(ATTEMPTS * count):
        if not left:
            return
        one = rng.choice(pool)
        if all(one.category != other.category and one.root_id != other.root_id for other in chosen):
            chosen.append(one)
            left -= 1
    rest = [one for one in pool if all(one.id != other.id for other in chosen)]
    chosen.extend(rng.sample(rest, min(left, len(rest))))


def draw_target(config: RunConfig, rng: Random) -> Target:
    """What one call aims at: a category by its weight, and one value of every other axis."""
    if config.steer == "none":
        return Target()
    weights = config.axes.categories or dict.fromkeys((name for name in config.taxonomy.names if name != OTHER), 1.0)
    axes = config.axes
    (category,) = rng.choices(list(weights), list(weights.values()))
    return Target(
        category=category,
        difficulty=rng.choice(axes.difficulty) if axes.difficulty else "",
        length=rng.choice(axes.length) if axes.length else "",
        format=rng.choice(axes.format) if axes.format else "",
        topic=rng.choice(axes.topics) if axes.topics else "",
        persona=rng.choice(axes.personas) if axes.personas else "",
    )


def settle(
    call: int,
    reply: Reply,
    shown: Sequence[Demonstration],
    target: Target,
    pool: Pool,
    room: int,
    vectors: Mapping[str, Any] | None = None,
) -> list[tuple[str, Record]]:
    """The commit of one reply: every item accepted or rejected, until `room` are accepted. Admits what is accepted.

    `vectors` are those of the reply's texts, where meaning is compared.
    """
    source = pool.source
    unfit = screen.screen(source.config, source.languages)
    lines: list[tuple[str, Record]] = []
    for number, text in enumerate(propose.read(reply, source.config, shown=len(shown))):
        vector = (vectors or {}).get(text)
        one = judge_item(f"{identity(call)}-{number}", text, reply, shown, target, pool, unfit, vector)
        if isinstance(one, Instruction):
            one = one.model_copy(update={"side": side_of(call, source)})
            pool.admit(one.id, text, vector)
        lines.append((ACCEPTED if isinstance(one, Instruction) else REJECTED, one))
        if sum(name == ACCEPTED for name, _ in lines) == room:
            break
    if not lines:
        reason = reply.finish if reply.finish != "stop" else "nothing_proposed"
        lines.append((REJECTED, Rejected(id=f"{identity(call)}-0", reason=reason, evidence=reply.text, call=reply.key)))
    return lines


def judge_item(
    item: str,
    text: str,
    reply: Reply,
    shown: Sequence[Demonstration],
    target: Target,
    pool: Pool,
    unfit: Callable[[str], str | None],
    vector: Any = None,
) -> Instruction | Rejected:
    """One proposed instruction, accepted or rejected with its reason and, for duplicates, its neighbour."""
    reason = unfit(text)
    if reason is not None:
        return Rejected(id=item, reason=reason, evidence=text, call=reply.key)
    one = pool.duplicates.text(item, text, vector)
    repeat = pool.duplicates.find(one)
    if repeat is not None:
        return Rejected(id=item, reason=repeat.reason, evidence=text, call=reply.key, nearest=repeat.nearest)
    given_away = pool.source.benchmarks.find(text) if pool.source.benchmarks is not None else None
    if given_away is not None:
        return decontaminate.rejected(item, text, given_away, reply.key)
    return Instruction(
        id=item,
        call=reply.key,
        instruction=text,
        side="train",
        root_id=root(text, shown, pool),
        parents=tuple(one.id for one in shown),
        nearest=pool.duplicates.nearest(one) or Nearest("", 0.0),
        target=target,
    )


def root(text: str, shown: Sequence[Demonstration], pool: Pool) -> str:
    """Of the seeds that the shown tasks descend from, the one nearest in ROUGE-L; the first shown of equals."""
    tokens = unicode_tokens(text)
    roots = dict.fromkeys(one.root_id for one in shown)
    return max(roots, key=lambda seed_id: rouge_l(seed_tokens(pool.source.by_id[seed_id].text), tokens))


@lru_cache(maxsize=8192)
def seed_tokens(text: str) -> tuple[str, ...]:
    """The tokens of a seed's instruction, which is shown again and again."""
    return tuple(unicode_tokens(text))


def exhausted(pool: Pool) -> Stop | None:
    """Why the loop should not go on, judged by committed calls alone."""
    config = pool.source.config
    if not pool.accepted and len(pool.yields) >= FIRST_PATIENCE:
        main = pool.reasons.most_common(1)[0][0] if pool.reasons else "nothing_proposed"
        return Stop(
            "nothing_gets_through",
            f"{FIRST_PATIENCE} calls and not one instruction accepted, most often because of {main}; "
            "look at rejected/grow.jsonl, and try `synthgen prompts` and `synthgen pilot`",
        )
    window = pool.yields[-config.saturation_window :]
    if pool.accepted and len(window) == config.saturation_window:
        accepted, proposed = (sum(column) for column in zip(*window, strict=True))
        if accepted < config.saturation_yield * proposed:
            return Stop(
                "saturated",
                f"of the last {proposed} proposals {accepted} were new: the pool is saturated at {pool.accepted}; "
                "more or more varied seeds, --topics, --personas or another teacher widen it",
            )
    return None


def sendable(pool: Pool, sent: int, target: int) -> range:
    """The calls that may be sent now, besides the `sent` ones under way.

    A call waits for the commit it is written from, the 51st for a first accepted instruction, and none is sent that
    the ones before will probably make needless.
    """
    done = len(pool.yields)
    rate = max(pool.accepted / done, 0.5) if done else 4.0
    wanted = done + max(1, math.ceil((target - pool.accepted) / rate))
    if not pool.accepted:
        wanted = min(wanted, FIRST_PATIENCE)
    first = last = done + sent
    while last < wanted and last - lag(last, pool.source.config.lookahead) < done:
        last += 1
    return range(first, last)


def semantic(threshold: float) -> Similar | None:
    """The pool of meanings; None where they are not compared."""
    if not threshold:
        return None
    from synthgen.text.semantic import Semantic  # loads numba

    return Semantic(threshold)


async def vectors_of(texts: Sequence[str], embed: Embed | None) -> dict[str, Any]:
    """Each text's vector; {} where meaning is not compared."""
    distinct = list(dict.fromkeys(texts))
    return dict(zip(distinct, await embed(distinct), strict=True)) if embed is not None and distinct else {}


async def propose_one(
    teacher: Teacher, request: Request, shown: int, source: Source, embed: Embed | None
) -> tuple[Reply, dict[str, Any]]:
    """One call's reply, and the vectors of those of its texts that will be compared with the pool."""
    reply = await teacher.ask(request)
    if embed is None:
        return reply, {}
    unfit = screen.screen(source.config, source.languages)
    texts = [text for text in propose.read(reply, source.config, shown=shown) if unfit(text) is None]
    return reply, await vectors_of(texts, embed)


async def restore(journal: Journal, pool: Pool, target: int, emit: Emit, embed: Embed | None = None) -> None:
    """Take up what earlier runs committed. If more is wanted now, the last commit is left to be made again.

    The last commit may have ended early, where an earlier target was reached; its reply lies in the ledger.
    """
    held = None
    for commit in journal.commits():
        if held is not None:
            await emit_all(await pool.restore(held, embed), emit)
        held = commit
    if held is None:
        return
    if pool.accepted + len(held.rows(ACCEPTED)) < target:
        journal.drop_from(held.number)
    else:
        await emit_all(await pool.restore(held, embed), emit)


async def emit_all(accepted: Sequence[Instruction], emit: Emit) -> None:
    """Hand on every accepted instruction of one commit."""
    for one in accepted:
        await emit(one)


async def run(
    teacher: Teacher, journal: Journal, pool: Pool, target: int, emit: Emit, embed: Embed | None = None
) -> Stop | None:
    """Grow the pool to `target` accepted instructions; None, or why it stopped before.

    `emit` is awaited for each accepted instruction, those of earlier runs first.
    """
    await restore(journal, pool, target, emit, embed)
    under_way: deque[tuple[asyncio.Task[tuple[Reply, dict[str, Any]]], list[Demonstration], Target]] = deque()
    stop = None
    try:
        while pool.accepted < target and stop is None:
            for call in sendable(pool, len(under_way), target):
                request, shown, aim = prompt(call, pool)
                asking = propose_one(teacher, request, len(shown), pool.source, embed)
                under_way.append((asyncio.create_task(asking), shown, aim))
            task, shown, aim = under_way.popleft()
            reply, vectors = await task
            lines = settle(journal.committed, reply, shown, aim, pool, target - pool.accepted, vectors)
            journal.commit(identity(journal.committed), lines)
            accepted = [one for _, one in lines if isinstance(one, Instruction)]
            pool.take(accepted, [one for _, one in lines if isinstance(one, Rejected)])
            await emit_all(accepted, emit)
            stop = exhausted(pool)
    finally:
        for task, _, _ in under_way:
            task.cancel()
    return stop if pool.accepted < target else None
