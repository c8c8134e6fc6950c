"""Parity mode decides as self-instruct's own code does, case by case (bootstrap_instructions.py and its followers)."""

from random import Random

import pytest

from synthgen import prompts, strategies
from synthgen.config import RunConfig
from synthgen.records import Instruction, Nearest, Reply, Seed, Target
from synthgen.stages import parity, propose, screen
from synthgen.stages.grow import sample_parity
from synthgen.stages.instantiate import Kind, ask, ask_kind
from synthgen.stages.propose import Demonstration, encoded

CONFIG = RunConfig(taxonomy=strategies.load(), mode="parity")
TEXTS = prompts.load()


def words(count: int) -> str:
    """A text with so many words."""
    return " ".join(["word"] * count)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (words(3), "too_short"),
        (words(4), None),
        (words(150), None),
        (words(151), "too_long"),
        *((f"Tell me about the {word} we have", "blacklisted_word") for word in screen.BLACKLIST if word != "go to"),
        ("You can go to the market today", "blacklisted_word"),
        ("You can Go To the market today", "blacklisted_word"),
        ("Show the (map) of the valley", "blacklisted_word"),
        ("Explain mapping of values in code", None),
        ("Explain imagery in a short poem", None),
        ("Describe the profile of a hero", None),
        ("Discuss plotting as a narrative art", None),
        ("They ago to be here then", None),
        ("Write a program that sorts numbers", "write_a_program"),
        ("Write a programme for the village fair", "write_a_program"),
        ("write a program that sorts numbers", None),
        ("Please: Write a program for me", None),
        ("(Optional) say what you think", "starts_with_punctuation"),
        ('"Quote" the line you like best', "starts_with_punctuation"),
        ("Écris une phrase sur la pluie", "not_ascii"),
        ("写 一 首 关于 雨 的 诗", "not_ascii"),
        ("9 lives of a cat, please", None),
        ("map (it) is too", "blacklisted_word"),
        ("map it now", "too_short"),
    ],
)
def test_the_filters_of_an_instruction(text: str, reason: str | None):
    assert screen.parity(text) == reason


@pytest.mark.parametrize(
    ("text", "items"),
    [
        (" Name three rivers.\n10. Explain NASA's PDF.", ["Name three rivers.", "Explain nasa's pdf."]),
        (" one\n10 . two\n11. three", ["One", "Two", "Three"]),
        (" one\n10.two\n11. three", ["One 10.two", "Three"]),
        (" one\n10) two", ["One 10) two"]),
        (" a   b\t c\n10.  d\n  e", ["A b c", "D e"]),
        ("\n10. \n11. two", ["Two"]),
        ("", []),
        ("   ", []),
        (" write a Program for it", ["Write a program for it"]),
        (" Keep 3. this one", ["Keep 3. this one"]),
    ],
)
def test_a_reply_is_split_collapsed_and_capitalised(text: str, items: list[str]):
    assert propose.read(Reply(text=text, finish="stop"), CONFIG, shown=8) == items


@pytest.mark.parametrize("finish", ["length", "filtered", "too_long", "refused"])
def test_a_reply_that_is_not_whole_is_dropped_whole(finish):
    assert propose.read(Reply(text=" one two\n10. three", finish=finish), CONFIG, shown=8) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [(" Sort  these\n\twords: ", "Sort these words"), ("Why::", "Why"), ("a:b", "a:b"), ("Done.", "Done.")],
)
def test_an_instruction_is_shown_in_one_line_without_its_colon(text: str, line: str):
    assert encoded(text) == line


def demonstrations(count: int, kind: str) -> list[Demonstration]:
    """So many tasks of a kind."""
    return [Demonstration(f"{kind}{n}", f"{kind} task {n}", f"{kind}{n}", "other") for n in range(count)]


@pytest.mark.parametrize(
    ("humans", "machines", "shape"),
    [(175, 0, (8, 0)), (175, 1, (7, 1)), (175, 2, (6, 2)), (175, 500, (6, 2)), (5, 9, (5, 2)), (1, 0, (1, 0))],
)
def test_six_human_and_two_machine_tasks_are_shown_as_far_as_there_are_some(humans, machines, shape):
    shown = sample_parity(demonstrations(humans, "h"), demonstrations(machines, "m"), CONFIG, Random(1))
    assert (sum(one.id[0] == "h" for one in shown), sum(one.id[0] == "m" for one in shown)) == shape
    assert len({one.id for one in shown}) == len(shown)


def test_every_task_of_both_pools_is_shown_as_often():
    humans, machines = demonstrations(12, "h"), demonstrations(6, "m")
    counts = dict.fromkeys((one.id for one in (*humans, *machines)), 0)
    places = [0] * 8
    for call in range(6000):
        shown = sample_parity(humans, machines, CONFIG, Random(call))
        for place, one in enumerate(shown):
            counts[one.id] += 1
            places[place] += one.id[0] == "m"
    assert all(abs(counts[one.id] - 3000) < 200 for one in humans)
    assert all(abs(counts[one.id] - 2000) < 200 for one in machines)
    assert all(abs(count - 1500) < 150 for count in places), "the order is not shuffled"


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("propose", {"temperature": 0.7, "top_p": 0.5, "presence_penalty": 2.0, "max_tokens": 1024,
                     "stop": ("\n\n", "\n16", "16.", "16 .")}),
        ("classify", {"temperature": 0.0, "top_p": 0.0, "max_tokens": 3, "stop": ("\n", "Task")}),
        ("instantiate", {"temperature": 0.0, "top_p": 0.0, "presence_penalty": 1.5, "max_tokens": 350,
                         "stop": ("Example 6", "Task:")}),
    ],
)  # fmt: skip
def test_the_decoding_is_the_reference_s(stage: str, expected: dict):
    found = CONFIG.stage_decoding(stage).model_dump()
    assert {name: found[name] for name in expected} == expected


def test_the_prompt_ends_with_the_open_slot():
    request = propose.ask("c000000", demonstrations(8, "h"), Target(), CONFIG, TEXTS, frozenset(), seed=1)
    (message,) = request.messages
    lines = message.content.splitlines()
    assert lines[1:] == [f"{n + 1}. h task {n}" for n in range(8)] + ["9."]


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        (" Yes", True), ("yes\n", True), ("YES", True), ("Yes.", False), ("Yes, it is", False), ("yEs", False),
        (" No", False), ("", False), ("Y", False), ("True", False),
    ],
)  # fmt: skip
def test_only_a_bare_yes_makes_a_classification(text: str, yes: bool):
    assert parity.is_classification(text) is yes


OPEN = [
    ("Output: 4", [("", "4")]),
    ("Input: 2+2\nOutput: 4", [("2+2", "4")]),
    ("Example 1\nInput: a\nOutput: b\n\nExample 2\nInput: c\nOutput: d", [("a", "b"), ("c", "d")]),
    ("Example 1.\nOutput: b\nExample 2.\nOutput: d", [("", "b"), ("", "d")]),
    ("Input 1: a\nOutput 1: b", [("a", "b")]),
    ("Example 1\njust an answer", [("", "just an answer")]),
    ("no mark at all", []),
    ("", []),
    ("Input: a\nOutput: b\nInput: c\nOutput: d", [("a", "b")]),
    ("Input: a\nOutput: b Output: c", [("a", "b")]),
    ("Example 1\nOutput: b\nInput: c", [("", "b")]),
    ("Examples of this: Output: x", [("s of this:", "x")]),
]


@pytest.mark.parametrize(("text", "pairs"), OPEN[:-1])
def test_the_instances_of_an_open_task(text: str, pairs: list):
    assert parity.read_open(text, "stop") == pairs


LABELLED = [
    ("Class label: yes\nIs it so?", [("Is it so?", "yes")]),
    ("Class label: yes\na\n\nClass label: no\nb", [("a", "yes"), ("b", "no")]),
    ("Class label: yes", [("", "yes")]),
    ("preamble\nClass label: positive\nText: nice\nmore", [("Text: nice\nmore", "positive")]),
    ("yes\nIs it so?", []),
    ("Class label:\nno label here", [("", "no label here")]),
]


@pytest.mark.parametrize(("text", "pairs"), LABELLED)
def test_the_instances_of_a_labelling_task(text: str, pairs: list):
    assert parity.read_labelled(text, "stop") == pairs


@pytest.mark.parametrize(
    ("pairs", "left"),
    [
        ([("a", "a")], []),
        ([("", "")], []),
        ([("a", "")], []),
        ([("a:", "b")], []),
        ([("a", "b:")], []),
        ([("a: ", "b")], []),
        ([("a", "b"), ("a", "b")], [("a", "b")]),
        ([("a", "b"), ("a", "c")], []),
        ([("a", "b"), ("a", "c"), ("d", "e")], []),
        ([("", "b"), ("", "c")], [("", "b"), ("", "c")]),
        ([("a", "b"), ("c", "d")], [("a", "b"), ("c", "d")]),
        ([("a", "b"), ("a", "c:")], [("a", "b")]),
    ],
)
def test_the_filters_of_instances(pairs: list, left: list):
    assert parity.filtered(pairs, "stop") == left


def test_a_cut_reply_loses_its_last_instance_before_the_other_filters():
    assert parity.filtered([("a", "b"), ("a", "c")], "length") == [("a", "b")]
    assert parity.filtered([("a", "b")], "length") == []


def test_at_most_five_instances_are_kept_by_chance():
    pairs = [(f"in {n}", f"out {n}") for n in range(9)]
    kept = parity.sampled(pairs, Random(3))
    assert len(kept) == len(set(kept)) == 5
    assert set(kept) <= set(pairs)
    assert parity.sampled(pairs[:3], Random(3)) != []
    assert len(parity.sampled(pairs[:3], Random(3))) == 3


def seeds(count: int, *, labelling: bool) -> list[Seed]:
    """So many seeds of a kind."""
    kind = "label" if labelling else "open"
    return [
        Seed(
            id=f"{kind}{n:02}",
            instruction=f"{kind} seed {n}:",
            instances=({"input": f"in {n}", "output": f"out {n}"},),
            is_classification=labelling,
        )
        for n in range(count)
    ]


def instruction() -> Instruction:
    """One new instruction."""
    return Instruction(
        id="c000000-0", call="k", instruction="Sort the words:", side="train", root_id="open00", parents=(),
        nearest=Nearest("open00", 0.1),
    )  # fmt: skip


def test_twelve_labelling_and_nineteen_open_examples_precede_the_question():
    request = ask_kind(instruction(), [*seeds(30, labelling=True), *seeds(30, labelling=False)], CONFIG, TEXTS)
    text = request.messages[0].content
    assert text.count("Is it classification? Yes") == 12
    assert text.count("Is it classification? No") == 19
    assert text.endswith("Task: Sort the words\nIs it classification?")
    assert request.form is None


@pytest.mark.parametrize(("labelling", "examples"), [(False, 11), (True, 16)])
def test_as_many_worked_examples_as_the_reference_has(labelling: bool, examples: int):
    given = [*seeds(30, labelling=True), *seeds(30, labelling=False)]
    request, wanted = ask(instruction(), Kind(is_classification=labelling), given, CONFIG, TEXTS)
    text = request.messages[0].content
    assert text.count("Task: ") == examples + 1
    assert text.count("Class label: ") == (examples if labelling else 0)
    assert wanted == ()
