"""Default mode: what is taken from a proposing reply, and which instructions pass the screen."""

import pytest
from stagecase import CONFIG, TEXTS

from synthgen import strategies
from synthgen.records import Reply, Target
from synthgen.stages import propose, screen
from synthgen.stages.propose import Demonstration

ENGLISH = frozenset({"en"})


def read(text: str, finish: str = "stop") -> list[str]:
    """The items of a reply to a prompt that showed eight."""
    return propose.read(Reply(text=text, finish=finish), CONFIG, shown=8)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("9. Name it.\n10. Count them.", ["Name it.", "Count them."]),
        ("Here are more tasks:\n\n9. Name it.\n\n10. Count them.", ["Name it.", "Count them."]),
        ("**9.** Name it.\n**10.** Count them.", ["Name it.", "Count them."]),
        ("9) Name it.\n10) Count them.", ["Name it.", "Count them."]),
        ("1. Name it.\n2. Count them.", ["Name it.", "Count them."]),
        ("9. Sort these:\n1. pear\n2. fig\n10. Count them.", ["Sort these: 1. pear 2. fig", "Count them."]),
        ("9. Name it,\nthen say why.\n10. Count them.", ["Name it, then say why.", "Count them."]),
        ("9. Keep NASA's PDF as it is.", ["Keep NASA's PDF as it is."]),
        ("9. \n10. Count them.", ["Count them."]),
        ("9、写一首诗。\n10、数一数。", ["写一首诗。", "数一数。"]),
        ("no numbers at all", []),
        ("", []),
    ],
)
def test_the_items_of_a_reply(text: str, items: list[str]):
    assert read(text) == items


def test_a_cut_reply_loses_only_its_last_item():
    assert read("9. Name it.\n10. Count them.\n11. Expl", "length") == ["Name it.", "Count them."]


@pytest.mark.parametrize("finish", ["filtered", "refused", "too_long"])
def test_a_withheld_reply_has_no_items(finish: str):
    assert read("9. Name it.", finish) == []


@pytest.mark.parametrize(
    "text",
    [
        "Draw a map of the plot of the novel in words, chapter by chapter.",
        "Explain what a log file is for.",
        "Which graph algorithm finds the cheapest route?",
        "Describe a picture you would hang in a dentist's waiting room.",
        "Write a program that prints the primes below 100.",
        "Write a caption for a photo of a heron asleep on one leg.",
        "écris une phrase sur la pluie de mars",
        "(Optional) say what you think of benches.",
        "where do we go to vote in a village of twelve people?",
        "Summarise the following note about the cellar in one line.",
        "NASA engineers use checklists; say why.",
    ],
)
def test_what_can_be_worked_on_passes(text: str):
    assert screen.default(text, CONFIG, frozenset()) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Do it now", "too_short"),
        ("why? " * 3, "too_short"),
        ("word " * 151, "too_long"),
        ("天" * 151, "too_long"),
        ("天地玄", "too_short"),
        ("1 2 3 4 5 6", "no_letters"),
        ("I'm sorry, but I cannot think of more tasks.", "refusal"),
        ("As an AI I have no tasks to offer here.", "refusal"),
        ("Describe what you see in the attached image of the kettle.", "unseen_attachment"),
        ("What is shown in the picture? Answer in a word.", "unseen_attachment"),
        ("Open the link and summarise what it says.", "unseen_attachment"),
        ("Using the chart above, name the best month.", "unseen_attachment"),
        ("Say <|im_end|> and then name a river.", "special_token"),
        ("Explain \x1b[31m red text in a terminal", "special_token"),
        ("Schreibe einen kurzen Brief an die Nachbarin, die gestern den Schlüssel gefunden hat.", "wrong_language"),
        ("写一封短信，感谢邻居昨天帮忙找到钥匙。", "wrong_language"),
    ],
)
def test_what_cannot_be_worked_on_is_dropped_with_its_reason(text: str, reason: str):
    assert screen.default(text, CONFIG, ENGLISH) == reason


def test_a_chinese_instruction_of_four_characters_is_long_enough():
    assert screen.default("写一首诗", CONFIG, frozenset({"zh"})) is None


def demonstrations(*texts: str) -> list[Demonstration]:
    """Tasks to show."""
    return [Demonstration(f"s{n}", text, f"s{n}", "other") for n, text in enumerate(texts)]


NOTHING = Target()


def prompt(target: Target = NOTHING, language: str = "seeds", seen: frozenset[str] = ENGLISH) -> str:
    """The user's part of the request."""
    config = CONFIG.model_copy(update={"language": language})
    shown = demonstrations("Sort the  words:", "Name a river.")
    return propose.ask("c000000", shown, target, config, TEXTS, seen, seed=1).messages[-1].content


def test_the_prompt_shows_the_tasks_in_one_line_each_and_asks_for_the_next_numbers():
    text = prompt()
    assert "1. Sort the words\n2. Name a river.\n" in text
    assert "write tasks 3 to 10" in text
    assert "Aim at" not in text
    assert "$" not in text


def test_the_target_stands_in_the_prompt_with_what_its_category_is_about():
    about = strategies.load().categories["puzzles"].about
    text = prompt(Target(category="puzzles", difficulty="hard", persona="a night nurse"))
    assert f"Aim at this: category puzzles ({about}); difficulty hard; persona somebody such as a night nurse" in text


@pytest.mark.parametrize(
    ("language", "seen", "wish"),
    [
        ("seeds", ENGLISH, ""),
        ("seeds", frozenset({"zh"}), "Write them in Chinese."),
        ("seeds", frozenset({"zh", "en"}), "Keep to the languages of the tasks shown."),
        ("de", ENGLISH, "Write them in German."),
        ("tlh", ENGLISH, "Write them in tlh."),
    ],
)
def test_the_language_is_asked_for_where_english_seeds_do_not_say_it(language: str, seen: frozenset, wish: str):
    text = prompt(language=language, seen=seen)
    assert wish in text
    assert bool(wish) == ("Write them in" in text or "Keep to the languages" in text)


def test_text_of_a_seed_cannot_fill_a_place_of_the_prompt():
    shown = demonstrations("Say $target and $first and ${demos}.")
    text = propose.ask("c000000", shown, Target(), CONFIG, TEXTS, ENGLISH, seed=1).messages[-1].content
    assert "Say $target and $first and ${demos}." in text
