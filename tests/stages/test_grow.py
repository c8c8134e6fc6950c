"""The grow loop: what is accepted hangs on neither the order of replies nor the number under way."""

import asyncio
import contextlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from stagecase import CONFIG, TEXTS

from synthgen.config import RunConfig
from synthgen.jsonl import Journal
from synthgen.records import Instance, Instruction, Rejected, Reply, Request, Seed
from synthgen.stages import grow
from synthgen.stages.grow import Pool, Source, lag, side_of
from synthgen.stages.screen import default

NOUNS = [f"{a}{b}" for a in ("ro", "mi", "ka", "tu", "sel", "vor", "nid", "pla") for b in ("ban", "dol", "gin", "fet", "rus", "lim")]  # fmt: skip
CATEGORIES = ("knowledge", "writing", "puzzles", "science", "editing")


def seeds(count: int) -> list[Seed]:
    """Seeds that share few words."""
    rng = random.Random(3)
    return [
        Seed(
            id=f"seed_task_{n}",
            instruction=" ".join(rng.sample(NOUNS, 7)),
            instances=(Instance(output="so"),),
            category=CATEGORIES[n % 5],
        )
        for n in range(count)
    ]


class Proposer:
    """A teacher whose reply is a function of the request, after a delay that is not."""

    def __init__(self, delay: random.Random, *, items: int = 8, repeat: float = 0.2) -> None:
        self.delay, self.items, self.repeat = delay, items, repeat
        self.asked: list[Request] = []
        self.sent = 0
        """Requests answered so far."""

    async def ask(self, request: Request) -> Reply:
        """Numbered new tasks; some repeat a demonstration."""
        self.asked.append(request)
        shown = [line.partition(". ")[2] for line in request.messages[-1].content.splitlines() if line[:1].isdigit()]
        rng = random.Random(repr(request))
        await asyncio.sleep(self.delay.random() * 0.004)
        self.sent += 1
        lines = [
            f"{len(shown) + n + 1}. " + (rng.choice(shown) if rng.random() < self.repeat else " ".join(rng.sample(NOUNS, 7)))
            for n in range(self.items)
        ]  # fmt: skip
        return Reply(text="\n".join(lines), finish="stop", key=f"key-{rng.random()}")


def pool_of(config: RunConfig = CONFIG, count: int = 20) -> Pool:
    """A pool of seeds, three of which are on the test side."""
    tasks = seeds(count)
    sides = {seed.id: "test" if n < 3 else "train" for n, seed in enumerate(tasks)}
    return Pool.of(Source.of(tasks, sides, config.model_copy(update={"language": "und"}), TEXTS))


@contextlib.contextmanager
def journal(folder: Path) -> Iterator[Journal]:
    """The journal of the loop."""
    with Journal({"instructions": folder / "instructions.jsonl", "grow": folder / "grow.jsonl"}) as opened:
        yield opened


async def grown(
    folder: Path, target: int, teacher: Proposer, config: RunConfig = CONFIG
) -> tuple[grow.Stop | None, Pool]:
    """Run the loop on a folder."""
    folder.mkdir(exist_ok=True)
    pool, out = pool_of(config), []

    async def emit(one: Instruction) -> None:
        out.append(one.id)

    with journal(folder) as opened:
        stop = await grow.run(teacher, opened, pool, target, emit)
        accepted = [row["id"] for commit in opened.commits() for row in commit.rows("instructions")]
    assert out == accepted, "everything accepted is handed on once, in order"
    return stop, pool


def files(folder: Path) -> dict[str, bytes]:
    """What the loop left."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


async def test_whatever_reply_comes_first_the_bytes_are_the_same(tmp_path: Path):
    found = []
    for number in range(5):
        folder = tmp_path / str(number)
        await grown(folder, 60, Proposer(random.Random(number)))
        found.append(files(folder))
    assert all(one == found[0] for one in found)
    assert len(found[0]["instructions.jsonl"].splitlines()) == 60


async def test_a_target_reached_in_three_runs_leaves_the_bytes_of_one(tmp_path: Path):
    await grown(tmp_path / "whole", 50, Proposer(random.Random(1)))
    for target in (5, 23, 50):
        await grown(tmp_path / "parts", target, Proposer(random.Random(target)))
    assert files(tmp_path / "parts") == files(tmp_path / "whole")


async def test_a_run_that_is_cut_anywhere_goes_on_to_the_same_bytes(tmp_path: Path):
    await grown(tmp_path / "whole", 40, Proposer(random.Random(1)))
    whole, rng = files(tmp_path / "whole"), random.Random(5)
    for number in range(8):
        folder = tmp_path / f"cut{number}"
        folder.mkdir()
        for name, data in whole.items():
            (folder / name).write_bytes(data[: rng.randrange(len(data))])
        await grown(folder, 40, Proposer(random.Random(number)))
        assert files(folder) == whole


def test_the_pool_a_call_is_written_from_is_at_most_w_commits_behind():
    assert [lag(call, 64) for call in (0, 1, 2, 7, 60, 120, 121, 1000)] == [4, 4, 5, 7, 34, 64, 64, 64]
    assert all(lag(call + 1, 64) <= lag(call, 64) + 1 for call in range(500)), "the pool a call sees never shrinks"


async def test_no_call_is_sent_before_the_commit_it_is_written_from(tmp_path: Path):
    teacher = Proposer(random.Random(2))
    settled = 0
    ahead = []

    class Watched(Proposer):
        async def ask(self, request: Request) -> Reply:
            ahead.append((len(self.asked), settled))
            return await super().ask(request)

    teacher = Watched(random.Random(2))
    pool = pool_of()
    with journal(tmp_path) as opened:

        async def emit(_one: Instruction) -> None:
            nonlocal settled
            settled = len(pool.yields)

        await grow.run(teacher, opened, pool, 120, emit)
    assert len(ahead) > 10
    for call, commits in ahead:
        assert commits >= call - lag(call, CONFIG.lookahead)


async def test_the_novelty_index_knows_seeds_and_everything_accepted(tmp_path: Path):
    await grown(tmp_path, 60, Proposer(random.Random(1), repeat=0.5))
    with journal(tmp_path) as opened:
        rejected = [Rejected.model_validate(row) for commit in opened.commits() for row in commit.rows("grow")]
    reasons = {one.reason for one in rejected}
    assert reasons <= {"duplicate", "near_duplicate"}
    near = [one for one in rejected if one.reason == "near_duplicate"]
    assert all(one.nearest.score > 0.7 for one in near)


async def test_when_nothing_gets_through_the_fifty_first_call_is_never_sent(tmp_path: Path):
    teacher = Proposer(random.Random(1), repeat=1.0)
    stop, pool = await grown(tmp_path, 10, teacher)
    assert (stop.reason, pool.accepted, len(teacher.asked)) == ("nothing_gets_through", 0, 50)
    assert "duplicate" in stop.advice
    again = Proposer(random.Random(1), repeat=1.0)
    stop, _ = await grown(tmp_path, 10, again)
    assert stop.reason == "nothing_gets_through"


async def test_a_pool_that_yields_too_little_is_saturated(tmp_path: Path):
    config = CONFIG.model_copy(update={"saturation_window": 10, "saturation_yield": 0.25})
    stop, pool = await grown(tmp_path, 10_000, Proposer(random.Random(1), repeat=0.8), config)
    assert stop.reason == "saturated"
    accepted, proposed = (sum(column) for column in zip(*pool.yields[-10:], strict=True))
    assert accepted < 0.25 * proposed
    for end in range(10, len(pool.yields)):
        accepted, proposed = (sum(column) for column in zip(*pool.yields[end - 10 : end], strict=True))
        assert accepted >= 0.25 * proposed, "it stopped at the first such window"


async def test_demonstrations_have_distinct_categories_and_come_from_one_side(tmp_path: Path):
    teacher = Proposer(random.Random(1))
    _, pool = await grown(tmp_path, 80, teacher, CONFIG.model_copy(update={"in_context": 5}))
    sides = pool.source.sides
    with journal(tmp_path) as opened:
        accepted = [Instruction.model_validate(r) for commit in opened.commits() for r in commit.rows("instructions")]
    by_id = {one.id: one for one in accepted}
    for one in accepted:
        assert {by_id[p].side if p in by_id else sides[p] for p in one.parents} == {one.side}
        assert sum(parent in by_id for parent in one.parents) <= 2
        assert one.root_id in {by_id[p].root_id if p in by_id else p for p in one.parents}


async def test_no_ancestor_has_more_machine_demonstrations_than_it_may(tmp_path: Path):
    config = CONFIG.model_copy(update={"machine_per_root": 2})
    _, pool = await grown(tmp_path, 80, Proposer(random.Random(1)), config)
    counts: dict[str, int] = {}
    for side in ("train", "test"):
        for one in pool.machine[side]:
            counts[one.root_id] = counts.get(one.root_id, 0) + 1
    assert max(counts.values()) == 2
    assert pool.accepted == 80 > sum(counts.values())


def test_calls_take_sides_in_the_proportion_of_the_seeds():
    source = pool_of().source
    drawn = [side_of(call, source) for call in range(200)]
    assert drawn.count("test") == 200 * 3 // 20
    assert all(3 <= drawn[start : start + 20].count("test") <= 3 for start in range(0, 200, 20)), "evenly spread"


async def test_every_call_has_a_recorded_target_and_steering_off_has_none(tmp_path: Path):
    await grown(tmp_path / "steered", 40, Proposer(random.Random(1)))
    await grown(tmp_path / "free", 40, Proposer(random.Random(1)), CONFIG.model_copy(update={"steer": "none"}))
    for name, steered in (("steered", True), ("free", False)):
        with journal(tmp_path / name) as opened:
            targets = [row["target"] for commit in opened.commits() for row in commit.rows("instructions")]
        assert all(any(target.values()) is steered for target in targets)


def test_the_seeds_of_the_tests_pass_the_screen_they_are_tested_with():
    assert all(default(seed.instruction, CONFIG, frozenset()) is None for seed in seeds(20))


@pytest.mark.parametrize("reason", ["filtered", "refused", "length"])
async def test_a_reply_without_items_leaves_its_trace(tmp_path: Path, reason: str):
    class Empty(Proposer):
        async def ask(self, request: Request) -> Reply:
            self.asked.append(request)
            return Reply(text="", finish=reason, key="k")

    stop, _ = await grown(tmp_path, 5, Empty(random.Random(1)))
    assert reason in stop.advice
    with journal(tmp_path) as opened:
        assert [row["reason"] for commit in opened.commits() for row in commit.rows("grow")] == [reason] * 50
