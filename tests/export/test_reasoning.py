"""What was thought before an answer: what the rows show of it, what they leave out, and that both sides of a pair agree."""

import shutil

import datasets
import orjson
import pyarrow.parquet as pq
import pytest
from conftest import expand, outputs
from exportcase import ANCESTRY, ORIGIN, PAIR, TASK, answer, verdict
from hypothesis import given
from hypothesis import strategies as st

from synthgen import prompts, steps
from synthgen.export import rows, thoughts
from synthgen.export.parquet import SCHEMAS, schema_of
from synthgen.export.rows import Voice
from synthgen.export.thoughts import ANSWERED, Reasoning, Thoughts
from synthgen.rehearsal.protocol import REASONING
from synthgen.text.ngrams import Leaks

STRATEGY = "Work slowly and write every step of the way down. Never guess the answer."
LEAKS = Leaks({"slow": STRATEGY})
VOICE = Voice("Be careful.")
ABOUT = rows.metadata(TASK, ANCESTRY, ORIGIN, {})


def thought(sample, reasoning, text="It rains on."):
    """An answer with what was thought before it."""
    return answer(sample, text).model_copy(update={"reasoning": reasoning})


def said(mode, one, task=TASK):
    """The completion of the answer's row."""
    return rows.sft(task, Thoughts(mode, LEAKS).shown(task, one), VOICE, ABOUT)["completion"]


def told(mode, *answers):
    """What is counted of the rows of some answers."""
    whole = Thoughts(mode, LEAKS)
    for one in answers:
        whole.shown(TASK, one)
    return whole.told()


def test_thoughts_stand_apart_or_in_tags_or_nowhere():
    one = thought(0, "Rain is wet.")
    plain = {"role": "assistant", "content": "It rains on."}
    assert said("apart", one) == [plain | {"reasoning_content": "Rain is wet."}]
    assert said("tags", one) == [plain | {"content": "<think>\nRain is wet.\n</think>\n\nIt rains on."}]
    assert said("drop", one) == [plain]


@pytest.mark.parametrize("mode", ["apart", "tags", "drop"])
def test_an_answer_without_thoughts_is_the_same_in_every_mode(mode):
    assert said(mode, answer(0)) == [{"role": "assistant", "content": "It rains on."}]
    assert told(mode, answer(0)) is None


@pytest.mark.parametrize("mode", ["apart", "tags"])
@pytest.mark.parametrize(
    ("reasoning", "why"),
    [
        ("I was told to work slowly and write every step of the WAY down.", "quoting"),
        ("Never guess the answer!", "quoting"),
        ("So be it.</think>\n\nAnd now <think>more", "breaking"),
        ("The tag </THINK> ends it.", "breaking"),
        ("Then <|im_end|>\n<|im_start|>user", "breaking"),
        ("A bell \x07 rings", "breaking"),
    ],
)
def test_a_thought_that_quotes_or_breaks_out_is_left_out_and_the_answer_stays(mode, reasoning, why):
    assert said(mode, thought(0, reasoning)) == [{"role": "assistant", "content": "It rains on."}]
    found = told(mode, thought(0, reasoning), thought(1, "Rain is wet."), answer(2))
    assert found == Reasoning(mode=mode, answers=2, **{why: 1})


def test_a_thought_may_say_what_its_task_says():
    quoting = thought(0, f"The text is: {STRATEGY}")
    task = TASK.model_copy(update={"input": STRATEGY})
    assert said("apart", quoting, task)[0]["reasoning_content"] == quoting.reasoning
    assert "reasoning_content" not in said("apart", quoting)[0]


def test_an_answer_is_counted_once_however_many_rows_hold_it():
    one = thought(0, "Never guess the answer.")
    assert told("apart", one, one, one) == Reasoning(mode="apart", answers=1, quoting=1)
    assert told("drop", one, one) == Reasoning(mode="drop", answers=1)


@pytest.mark.parametrize("mode", ["apart", "tags"])
@pytest.mark.parametrize("other", ["", "Never guess the answer."])
def test_a_pair_shows_thoughts_on_both_sides_or_on_neither(mode, other):
    whole = Thoughts(mode, LEAKS)
    for both in (True, False):
        two = thought(1, "Rain is wet."), thought(0, "It is short." if both else other, "Rain.")
        row = rows.dpo(TASK, PAIR, Thoughts(mode, LEAKS).both(TASK, *two), VOICE, ABOUT)
        shown = [thinks(row[name][0]) for name in ("chosen", "rejected")]
        assert shown == [both, both]
        whole.both(TASK.model_copy(update={"id": str(both)}), *two)
    assert whole.told().one_sided == 1
    assert thinks(said(mode, thought(1, "Rain is wet."))[0]), "its own row still shows it"


def thinks(message):
    """Whether a message shows a thought."""
    return "reasoning_content" in message or message["content"].startswith("<think>")


def test_rows_of_good_and_bad_answers_show_what_was_thought():
    good = verdict(0, 5, 5, 5, 5)
    whole = Thoughts("tags", LEAKS)
    (row,) = rows.kto(
        TASK, [thought(0, "Rain is wet.")], {good.id: good}, VOICE, ABOUT, mean=3.5, floor=3,
        shown=lambda one: whole.shown(TASK, one),
    )  # fmt: skip
    assert row["completion"][0]["content"].startswith("<think>\nRain is wet.\n</think>\n\n")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_was_thought_a_tagged_answer_is_cut_where_its_answer_begins(text):
    (message,) = said("tags", thought(0, text.strip()))
    assert message["content"].lower().split("</think>")[-1].strip() == "it rains on."


lines = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9) | st.just('"reasoning":"x"'), max_size=5)


@given(lines, st.booleans())
def test_whether_any_answer_was_thought_about_is_found_whatever_the_texts_say(tmp_path_factory, texts, any_thought):
    path = tmp_path_factory.mktemp("answers") / "answers.jsonl"
    answers = [answer(number, text) for number, text in enumerate(texts)]
    last = [thought(99, "So.")] if any_thought else []
    path.write_bytes(b"".join(orjson.dumps(one.model_dump(mode="json")) + b"\n" for one in [*answers, *last]))
    assert thoughts.any_thought(path) is any_thought
    assert set(thoughts.further("apart", path)) == (set(ANSWERED) if any_thought else set())
    assert thoughts.further("tags", path) == thoughts.further("drop", path) == {}


def test_the_search_for_thoughts_reads_past_its_blocks(tmp_path, monkeypatch):
    path = tmp_path / "answers.jsonl"
    monkeypatch.setattr(thoughts, "BLOCK", 7)
    plain = orjson.dumps(answer(0).model_dump(mode="json")) + b"\n"
    path.write_bytes(plain * 3)
    assert not thoughts.any_thought(path)
    path.write_bytes(plain * 3 + orjson.dumps(thought(0, "So.").model_dump(mode="json")) + b"\n")
    assert thoughts.any_thought(path)
    assert not thoughts.any_thought(tmp_path / "none")


@pytest.fixture(scope="module")
def thinking(tmp_path_factory):
    """A run whose teacher thinks aloud before most answers."""
    out = tmp_path_factory.mktemp("thinking") / "run"
    expand(out, rehearsal=("--fault", "reasoning=0.8"), target=12)
    return out


@pytest.fixture
def run(thinking, tmp_path):
    """A copy of it, to export again."""
    path = tmp_path / "run"
    shutil.copytree(thinking, path, ignore=shutil.ignore_patterns("ledger.sqlite*"))
    return path


def assistants(run, config):
    """Every assistant's message of the train rows, by the name of its column."""
    table = pq.read_table(run / "dataset" / config / "train-00000-of-00001.parquet").to_pylist()
    return [
        (name, one) for row in table for name, value in row.items() if isinstance(value, list)
        for one in value if one["role"] == "assistant"
    ]  # fmt: skip


def erasure(run):
    """What the folder tells of its search."""
    return orjson.loads((run / "dataset" / "erasure.json").read_bytes())


@pytest.mark.parametrize("mode", ["apart", "tags", "drop"])
def test_a_folder_of_a_thinking_teacher_loads_in_every_mode_and_is_the_same_again(run, mode, tmp_path):
    counts = steps.export_again(run, {"reasoning": mode})
    first = outputs(run)
    steps.export_again(run, {"reasoning": mode})
    assert outputs(run) == first
    for config in counts:
        loaded = datasets.load_dataset(str(run / "dataset"), config, cache_dir=str(tmp_path / "cache"))
        assert {split: len(table) for split, table in loaded.items()} == counts[config]
        further = ["reasoning_content"] if mode == "apart" and config != "rl" else []
        assert loaded["train"].data.schema.remove_metadata() == schema_of(config, further)
        found = [one for _, one in assistants(run, config)]
        shown = [one for one in found if one.get("reasoning_content") or one["content"].startswith("<think>")]
        assert bool(shown) is (mode != "drop" and config != "rl")
        if mode == "apart":
            assert {one["reasoning_content"] for one in shown} == ({REASONING} if shown else set())
            assert not any("<think>" in one["content"] for one in found)
    card = (run / "dataset" / "README.md").read_text()
    assert erasure(run)["reasoning"]["mode"] == mode
    assert f"## Reasoning\n\nBefore {erasure(run)['reasoning']['answers']} of the answers" in card


def test_a_run_replayed_from_the_ledger_alone_has_the_same_thoughts_in_the_same_bytes(thinking, tmp_path):
    again = tmp_path / "again"
    again.mkdir()
    shutil.copy(thinking / "ledger.sqlite", again)
    report = expand(again, target=12)  # by a teacher that no longer thinks aloud
    assert outputs(again) == outputs(thinking)
    assert report["calls"] == 0


@pytest.mark.parametrize("mode", ["apart", "tags"])
def test_thoughts_that_quote_the_prompt_leave_the_folder_and_are_counted(run, mode):
    quoted = prompts.load().strategy("step-by-step").split(". ")[1]
    path = run / "answers.jsonl"
    found = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    for row in found:
        row["reasoning"] = f"I am told: {quoted}." if row["sample"] % 2 else "One. </think> Two."
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in found))
    steps.export_again(run, {"reasoning": mode})
    about = erasure(run)
    assert about["found"] == 0
    assert about["reasoning"]["quoting"] > 0
    assert about["reasoning"]["breaking"] > 0
    assert about["reasoning"]["quoting"] + about["reasoning"]["breaking"] == about["reasoning"]["answers"]
    for config in ANSWERED:
        assert not any(one.get("reasoning_content") for _, one in assistants(run, config))
    assert "stand without it because it quotes a strategy prompt" in (run / "dataset" / "README.md").read_text()


def test_both_sides_of_every_pair_show_thoughts_or_neither_does(run):
    steps.export_again(run, {"reasoning": "apart"})
    found = assistants(run, "dpo")
    chosen, rejected = ([bool(one["reasoning_content"]) for name, one in found if name == side] for side in ("chosen", "rejected"))  # fmt: skip
    assert chosen == rejected
    assert True in chosen
    assert 0 < erasure(run)["reasoning"]["one_sided"] <= chosen.count(False)


def test_a_run_that_never_thought_tells_nothing_of_it_and_keeps_its_schema(finished):
    assert "reasoning" not in erasure(finished)
    assert "## Reasoning" not in (finished / "dataset" / "README.md").read_text()
    for config in ANSWERED:
        path = finished / "dataset" / config / "train-00000-of-00001.parquet"
        assert pq.read_schema(path).equals(SCHEMAS[config])
