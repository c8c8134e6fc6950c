"""Sides hold: nobody's ancestors, near-duplicates or preference data are on the other side, and growing moves nothing."""

import asyncio
import json
import shutil
from collections import defaultdict
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
from conftest import SEEDS, expand, few_seeds
from exportcase import TASK
from hypothesis import given
from hypothesis import strategies as st

from synthgen import jsonl, steps
from synthgen.config import RunConfig
from synthgen.export.parquet import SCHEMAS
from synthgen.export.splits import Apart, Places, asked
from synthgen.records import Instance, Seed
from synthgen.runs import RunDir
from synthgen.stages import seeds as seed_files
from synthgen.stages.given import Given
from synthgen.steps import Job
from synthgen.text.rouge import rouge_l
from synthgen.text.tokens import unicode_tokens

THRESHOLD = RunConfig.model_fields["novelty_threshold"].default


def split_of(run: Path, config: str, split: str) -> list[dict]:
    """The rows of one split; none where it has no file."""
    return [
        row
        for path in sorted((run / "dataset" / config).glob(f"{split}-*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]


def dataset(run: Path) -> dict[tuple[str, str], tuple[str, dict]]:
    """(config, id) to (split, row) of every row of a run's dataset."""
    return {
        (config, row["id"]): (split, row)
        for config in SCHEMAS
        for split in ("train", "test")
        for row in split_of(run, config, split)
    }


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished run that may be changed."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def made(identity: str) -> Seed:
    return Seed(id=identity, instruction="Say something.", instances=(Instance(output="Something."),))


@given(st.lists(st.text(max_size=4), unique=True, max_size=60), st.lists(st.text(max_size=4), unique=True, max_size=60))
def test_a_seed_keeps_its_side_when_seeds_are_added_wherever_they_stand(old, new):
    rule = {"share": 0.1, "minimum": 4, "fewest": 20}
    before = seed_files.sides([made(one) for one in old], {}, **rule)
    added = [made(one) for one in new if one not in before]
    after = seed_files.sides([*added, *(made(one) for one in old)], before, **rule)
    assert {one: after[one] for one in before} == before
    wanted = max(4, round(0.1 * len(after))) if len(after) >= 20 else 0
    held = sum(side == "test" for side in before.values())
    assert sum(side == "test" for side in after.values()) == max(min(wanted, held + len(added)), held)


def test_a_run_on_the_ledger_of_another_has_its_sides_and_more(tmp_path):
    old = Job(few_seeds(tmp_path / "few.jsonl", 90), tmp_path / "old", {"teacher": {"spec": "rehearsal"}})
    before = steps.prepare(old).sides
    more = Job(SEEDS, tmp_path / "new", {**old.values, "ledger": str(tmp_path / "old" / "ledger.sqlite")})
    after = steps.prepare(more).sides
    assert {one: after[one] for one in before} == before
    assert sum(side == "test" for side in after.values()) == round(0.1 * len(after))
    alone = steps.prepare(Job(SEEDS, tmp_path / "alone", old.values)).sides
    assert {one: alone[one] for one in before} != before  # nothing else would have kept them


def test_every_row_stays_where_it_was_when_the_target_is_raised(copy):
    before = dataset(copy)
    expand(copy, target=45)
    after = dataset(copy)
    assert len(after) > len(before)
    assert {place: after[place] for place in before} == before


def test_a_task_is_on_one_side_in_every_config(finished):
    sides = defaultdict(set)
    for (config, _), (split, row) in dataset(finished).items():
        sides[asked(row)].add(split)
        assert config in SCHEMAS
    assert {len(found) for found in sides.values()} == {1}
    assert {next(iter(found)) for found in sides.values()} == {"train", "test"}


def test_no_demonstration_comes_from_the_other_side(finished):
    run = RunDir(finished)
    side = run.read_sides() | {row["id"]: row["side"] for row in jsonl.rows(run.accepted("instructions"))}
    shown = 0
    for split, row in dataset(finished).values():
        for parent in orjson.loads(row["metadata_json"]).get("parents", ()):
            assert side[parent] == split
            shown += 1
        assert side[row["root_id"]] == split
    assert shown > 100


def test_no_prompt_is_nearly_one_of_the_other_side_seeds_included(finished):
    texts = {split: set() for split in ("train", "test")}
    for split, row in dataset(finished).values():
        texts[split].add(tuple(unicode_tokens(asked(row))))
    assert len(texts["test"]) > 8
    assert len(texts["train"]) > 150
    assert max(rouge_l(one, other) for one in texts["train"] for other in texts["test"]) <= THRESHOLD


def test_all_instances_of_a_seed_are_on_its_side(finished):
    sides = RunDir(finished).read_sides()
    rows = [(split, row) for split, row in dataset(finished).values() if row["source"] == "human"]
    assert len(rows) >= 2 * len(sides)
    assert all(sides[row["root_id"]] == split for split, row in rows)


def test_of_seeds_that_are_near_duplicates_across_sides_the_later_one_has_no_rows(tmp_path):
    path = few_seeds(tmp_path / "seeds.jsonl", 45)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows += [{**row, "id": f"again_{row['id']}"} for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    expand(tmp_path / "run", seeds=path, target=1)
    sides = RunDir(tmp_path / "run").read_sides()
    apart = {row["id"] for row in rows if sides[row["id"]] != sides[row["id"].removeprefix("again_")]}
    human = {row["root_id"] for _, row in dataset(tmp_path / "run").values() if row["source"] == "human"}
    assert apart
    assert human == set(sides) - apart


def row_of(number: int, text: str) -> dict:
    return {"id": f"p{number}", "prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": text}]}


def alike(one: str, other: str) -> bool:
    """By the textbook."""
    return rouge_l(unicode_tokens(one), unicode_tokens(other)) > THRESHOLD


TEXTS = st.lists(
    st.tuples(
        st.sampled_from(("train", "test")),
        st.lists(st.sampled_from("abcde"), min_size=1, max_size=6).map(" ".join),
    ),
    max_size=24,
)


@given(TEXTS, st.integers(0, 24))
def test_of_two_near_duplicates_across_sides_the_later_one_goes_and_growing_changes_nothing(rows, cut):
    apart = Apart(THRESHOLD)
    near = [apart.near(side, row_of(number, text)) for number, (side, text) in enumerate(rows)]
    kept = [number for number, one in enumerate(near) if one is None]
    for number, (side, text) in enumerate(rows):
        earlier = [one for one in kept if one < number and rows[one][0] != side and alike(rows[one][1], text)]
        repeated = number > 0 and rows[number - 1] == rows[number]  # further rows of the task before
        assert (near[number] is None) == (not earlier) or repeated
        if near[number] is not None and not repeated:
            assert int(near[number].id[1:]) in earlier
    again = Apart(THRESHOLD)
    assert [again.near(side, row_of(number, text)) for number, (side, text) in enumerate(rows[:cut])] == near[:cut]


NAMED = ("Hobart", "Faro", "Leith", "Bergen", "Gdynia", "Porto", "Turku", "Oban", "Ghent", "Kiel", "Bari", "Varna")
PLANTED = [f"Tell a short story of a boat builder who lives in {name} and cannot swim." for name in NAMED]
OTHERS = [f"Name {number + 2} things in a kitchen of {name}." for number, name in enumerate(NAMED)]


def answer(out: Path, texts: list[str]) -> dict:
    """Answer prompts, a third of which form the test side."""
    source = out.with_suffix(".jsonl")
    source.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts), encoding="utf-8")
    values = {"teacher": {"spec": "rehearsal"}, "strategy": "none", "test_share": 0.3}
    return asyncio.run(steps.run_all(Job(None, out, values, given=Given(source)), lambda _stage, _count: None))


def test_of_prompts_that_are_given_none_is_nearly_one_of_the_other_side(tmp_path):
    answer(tmp_path / "run", [*PLANTED, *OTHERS])
    rows = {split: split_of(tmp_path / "run", "sft", split) for split in ("train", "test")}
    assert not any(alike(asked(one), asked(other)) for one in rows["train"] for other in rows["test"])
    sides = {row["side"] for row in jsonl.rows(tmp_path / "run" / "tasks.jsonl") if row["instruction"] in PLANTED}
    assert sides == {"train", "test"}  # so some of them had to go
    kept = [row["id"] for split in rows.values() for row in split]
    assert min(kept) == "p000000-0"
    assert len(kept) < jsonl.lines(tmp_path / "run" / "answers.jsonl")
    told = [json.loads(line) for line in (tmp_path / "run" / "rejected" / "export.jsonl").read_text().splitlines()]
    assert {row["reason"] for row in told} == {"across_sides"}
    assert {row["evidence"] for row in told} <= set(kept)
    assert {row["id"] for row in told}.isdisjoint(kept)
    assert "Of two prompts of different sides" in (tmp_path / "run" / "dataset" / "README.md").read_text()


def test_what_was_in_the_dataset_stays_when_the_file_of_prompts_grows(tmp_path):
    answer(tmp_path / "run", [*PLANTED[:6], *OTHERS])
    before = dataset(tmp_path / "run")
    answer(tmp_path / "run", [*PLANTED[:6], *OTHERS, *PLANTED[6:]])
    after = dataset(tmp_path / "run")
    assert {place: after[place] for place in before} == before


def test_without_a_test_side_near_duplicates_of_given_prompts_stay(tmp_path):
    source = tmp_path / "prompts.jsonl"
    source.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in PLANTED), encoding="utf-8")
    job = Job(None, tmp_path / "run", {"teacher": {"spec": "rehearsal"}, "strategy": "none"}, given=Given(source))
    asyncio.run(steps.run_all(job, lambda _stage, _count: None))
    assert len(split_of(tmp_path / "run", "sft", "train")) == len(PLANTED)


def prompts_of(run: Path, *configs: str) -> set[str]:
    return {asked(row) for (config, _), (_, row) in dataset(run).items() if config in configs}


def test_disjoint_no_prompt_of_preference_data_was_seen_in_sft(copy):
    shared = dataset(copy)
    pairs = prompts_of(copy, "dpo")
    assert pairs & prompts_of(copy, "sft")
    steps.export_again(copy, {"dpo_prompts": "disjoint"})
    sft, preferred = prompts_of(copy, "sft"), prompts_of(copy, "dpo", "kto")
    assert not sft & preferred
    assert prompts_of(copy, "sft_messages") == sft
    assert pairs <= sft | prompts_of(copy, "dpo")
    assert 0.2 < len(prompts_of(copy, "dpo")) / len(pairs) < 0.8
    apart = dataset(copy)
    assert {place: shared[place] for place in apart} == apart
    assert "No prompt of `dpo` or `kto` is one of `sft`" in (copy / "dataset" / "README.md").read_text()


def test_disjoint_rows_stay_where_they_are_when_the_run_grows(copy):
    steps.export_again(copy, {"dpo_prompts": "disjoint"})
    before = dataset(copy)
    expand(copy, target=45, dpo_prompts="disjoint")
    after = dataset(copy)
    assert len(after) > len(before)
    assert {place: after[place] for place in before} == before


TASKS = st.lists(st.tuples(st.sampled_from(("Say a.", "say A", "Say b.", "Say c.")), st.booleans(), st.booleans()))


@given(TASKS, st.integers(0, 20))
def test_equal_prompts_go_one_way_and_a_task_without_a_pair_keeps_its_sft_row(tasks, cut):
    def placed(some):
        places = Places(apart=True)
        return [
            places.of(TASK.model_copy(update={"id": f"p{n}", "instruction": t}), picked=picked, paired=paired)
            for n, (t, picked, paired) in enumerate(some)
        ]

    found = placed(tasks)
    ways = defaultdict(set)
    for (text, _, _), place in zip(tasks, found, strict=True):
        ways[" ".join(unicode_tokens(text))].add(place)
    assert all(len(one) == 1 for one in ways.values())
    assert placed(tasks[:cut]) == found[:cut]
    if tasks and not tasks[0][2]:
        assert found[0] == ("sft" if tasks[0][1] else "preference")


def test_shared_a_task_may_be_everywhere():
    assert Places(apart=False).of(TASK, picked=True, paired=True) == "both"
