"""Answers: asked under the strategy of the policy, and dropped with a reason where they cannot be trained on."""

import pytest
from stagecase import CONFIG, TEXTS, Scripted, means, task

from synthgen.records import Answer, Rejected, Reply
from synthgen.stages import answer
from synthgen.stages.answer import AnswerStage, stated_label
from synthgen.strategies import STRATEGIES
from synthgen.text.ngrams import Leaks

LEAKS = Leaks(TEXTS.strategies)
WEATHER = task("Label the weather.", input="White and silent.", labels=("rain", "snow"), intended_label="snow")
LONG = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen x y z"
)


def read(text: str, one=task(), finish: str = "stop"):  # noqa: B008  # a frozen record
    """What a reply becomes."""
    return answer.read(Reply(text=text, finish=finish, key="k", model="m"), one, 0, one.strategy, LEAKS)


def test_every_candidate_is_asked_under_its_strategy_with_its_own_sample_and_seed():
    explored = task(alternative="direct-answer")
    asked = list(answer.asks(explored, CONFIG, TEXTS))
    assert [(sample, strategy) for sample, strategy, _ in asked] == [
        *((n, "recall-then-generate") for n in range(4)), (4, "direct-answer"),
    ]  # fmt: skip
    assert len({request.seed for _, _, request in asked}) == 5
    for sample, strategy, request in asked:
        assert request.sample == sample
        assert [message.role for message in request.messages] == ["system", "user"]
        assert request.messages[0].content == TEXTS.strategy(strategy)
        assert request.messages[1].content == "Name three rivers of Ghana."


@pytest.mark.parametrize(
    ("text", "finish", "reason"),
    [
        ("Volta, Pra and Tano", "stop", None),
        ("Volta, Pra and", "length", "length"),
        ("", "filtered", "filtered"),
        ("no", "refused", "refused"),
        ("", "too_long", "too_long"),
        ("  \n", "stop", "empty"),
        ("I'm sorry, but I can't help with that.", "stop", "refusal"),
        ("The rivers are:", "stop", "ends_with_colon"),
        ("Volta <|eot_id|> Pra", "stop", "special_token"),
        ("Volta \x07 Pra", "stop", "special_token"),
        ("Volta </think> Pra", "stop", "special_token"),
        ("<think>so</think>", "stop", "empty"),
    ],
)
def test_the_reasons_to_drop_an_answer(text: str, finish: str, reason: str | None):
    found = read(text, finish=finish)
    assert (found.reason if isinstance(found, Rejected) else None) == reason


@pytest.mark.parametrize(
    ("text", "told", "thought", "said"),
    [
        ("Volta", "", "", "Volta"),
        ("Volta", " I know it.\n", "I know it.", "Volta"),
        ("<think>\nI know it.\n</think>\n\nVolta", "", "I know it.", "Volta"),
        ("<think>\n\n</think>\n\nVolta", "I know it.", "I know it.", "Volta"),
        ("I know it.\n</think>\n\nVolta", "", "I know it.", "Volta"),
        ("I know it.\r\n</think>\r\n\r\nVolta", "", "I know it.", "Volta"),
        ("In HTML, <think> is no tag.", "", "", "In HTML, <think> is no tag."),
    ],
)
def test_what_was_thought_is_kept_apart_from_the_answer(text: str, told: str, thought: str, said: str):
    one = task()
    found = answer.read(Reply(text=text, finish="stop", reasoning=told), one, 0, one.strategy, LEAKS)
    assert isinstance(found, Answer)
    assert (found.reasoning, found.text) == (thought, said)


@pytest.mark.parametrize(
    "text",
    [
        "It ends with </think>, I think.",
        "a\n</think>\nb\n</think>\nc",
        "<think>a</think>b</think>c",
        "a <think>\n</think>\nb",
    ],
)
def test_an_answer_in_which_a_template_would_look_for_thoughts_is_dropped(text: str):
    assert read(text).reason == "special_token"


def test_a_thought_may_quote_its_strategy_prompt_and_the_answer_is_kept():
    quoted = " ".join(TEXTS.strategy("step-by-step").split()[:12])
    assert read(f"<think>I am told: {quoted}</think>Volta").text == "Volta"


def test_an_answer_that_repeats_the_input_is_no_answer():
    assert read("White and silent.", WEATHER).reason == "repeats_input"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_answer_that_quotes_its_strategy_prompt_is_a_leak(strategy: str):
    words = TEXTS.strategy(strategy).split()
    for start in range(0, len(words) - 10, 5):
        quoted = " ".join(words[start : start + 9]).upper()
        assert read(f"As I was told, {quoted}; so: Volta.").reason == "prompt_leak"


def test_what_the_task_itself_says_is_no_leak():
    sentence = " ".join(TEXTS.strategy("step-by-step").split()[:12])
    quoting = task(f'Translate into French: "{sentence}"')
    assert isinstance(read(f"You gave me: {sentence}", quoting), Answer)


@pytest.mark.parametrize(
    ("text", "conflict"),
    [
        ("snow", False), ("Snow.", False), ("It is snow.", False), ("rain", True), ("Not rain but snow", False),
        ("Not snow but rain", True), ("hail", True), ("snowy", True),
    ],
)  # fmt: skip
def test_an_answer_that_disagrees_with_the_intended_label_is_a_conflict(text: str, conflict: bool):
    found = read(text, WEATHER)
    assert (isinstance(found, Rejected) and found.reason == "label_conflict") is conflict


def test_of_two_labels_that_end_together_the_longer_one_is_meant():
    assert stated_label("very positive", ("positive", "very positive")) == "very positive"
    assert stated_label("so it is very positive", ("positive", "very positive")) == "very positive"
    assert stated_label("positive", ("positive", "very positive")) == "positive"
    assert stated_label("nothing of the kind", ("positive", "negative")) == ""


async def commits(texts: dict[str, str], **keys: object) -> list[list]:
    """The records of each task, answered in turn with the text for its instruction."""
    teacher = Scripted(lambda request: texts[request.messages[1].content])
    stage = AnswerStage(means(teacher, CONFIG.model_copy(update={"samples": 1} | keys)))
    found = []
    for number, text in enumerate(texts):
        item = task(text, id=f"c{number:06d}-0-0")
        lines = stage.settle(item, await stage.work(item))
        stage.taken(item, lines)
        found.append([record for _, record in lines])
    return found


def test_a_prompt_that_is_sent_as_it_is_has_no_system_message_and_the_seed_of_its_sample():
    plain = task("Name a river.", strategy="none", id="p000003")
    asked = list(answer.asks(plain, CONFIG, TEXTS))
    assert [[(one.role, one.content) for one in request.messages] for _, _, request in asked] == [
        [("user", "Name a river.")]
    ] * CONFIG.samples
    assert len({request.seed for _, _, request in asked}) == CONFIG.samples


async def test_a_long_answer_given_to_two_instructions_is_dropped_the_second_time():
    first, second, third = await commits({"Name a river.": LONG, "Name a lake.": LONG.upper(), "Name a sea.": "short"})
    assert isinstance(first[0], Answer)
    assert (second[0].reason, second[0].evidence) == ("repeated_answer", first[0].id)
    assert isinstance(third[0], Answer)


@pytest.mark.parametrize("samples", [1, 2])
async def test_where_answers_are_not_compared_across_instructions_they_may_repeat(samples: int):
    texts = {"Name a river.": LONG, "Name a lake.": LONG.upper(), "Name a sea.": edited(0), "Name a bay.": edited(2)}
    for kept, *others in await commits(texts, answers_across=False, samples=samples):
        assert isinstance(kept, Answer)
        assert [one.reason for one in others] == ["near_identical"] * (samples - 1), "within a task they are compared"


async def test_a_short_answer_may_be_given_twice():
    first, second = await commits({"Name a river.": "Volta", "Name a lake.": "Volta"})
    assert isinstance(first[0], Answer)
    assert isinstance(second[0], Answer)


def test_a_repeated_answer_needs_twenty_tokens():
    assert answer.answer_key(" ".join(["a"] * 19)) is None
    assert answer.answer_key(" ".join(["a"] * 20)) == answer.answer_key(" ".join(["A,"] * 20)) is not None


WORDS = [f"w{number}" for number in range(40)]


def edited(count: int) -> str:
    """A long answer with some words exchanged."""
    return " ".join([*WORDS[: 40 - count], *(f"x{number}" for number in range(count))])


async def samples(*texts: str, **more) -> list:
    """What became of the samples of one task."""
    teacher = Scripted(lambda request: texts[request.sample])
    stage = answer.AnswerStage(means(teacher, CONFIG.model_copy(update={"samples": len(texts)})))
    item = task(**more)
    return [record for _, record in stage.settle(item, await stage.work(item))]


async def test_of_nearly_identical_samples_the_first_goes_to_the_judge():
    first, near, far, same = await samples(edited(0), edited(3), edited(5), edited(0))
    assert isinstance(first, Answer)
    assert (near.reason, near.nearest.id, near.nearest.score) == ("near_identical", first.id, 0.925)
    assert isinstance(far, Answer)
    assert (same.reason, same.nearest.score) == ("near_identical", 1.0)


async def test_labels_and_short_answers_may_be_alike():
    assert all(isinstance(one, Answer) for one in await samples("Volta", "Volta", "volta"))
    labelled = await samples(f"{edited(0)} yes", f"{edited(0)} yes", labels=("yes", "no"), intended_label="yes")
    assert all(isinstance(one, Answer) for one in labelled)


async def test_an_answer_nearly_given_to_another_instruction_is_dropped():
    first, second, third = await commits(
        {"Name a river.": edited(0), "Name a lake.": edited(2), "Name a sea.": edited(9)}
    )
    assert (second[0].reason, second[0].evidence) == ("near_identical", first[0].id)
    assert isinstance(third[0], Answer)
