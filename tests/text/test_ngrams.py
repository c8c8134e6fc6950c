"""Quoted prompts are found, however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgen import prompts
from synthgen.text.ngrams import RUN, Leaks, windows
from synthgen.text.tokens import words

PROMPT = "Work slowly and write every step of the way down. Never guess the answer. Be brief."
LEAKS = Leaks({"slow": PROMPT})
SHIPPED = prompts.load().strategies


@pytest.mark.parametrize(
    "text",
    [
        "I was told: work slowly and write every step of the way down.",
        "WORK SLOWLY, AND WRITE -- every step;\nof the way...",
        "(slowly/and/write/every/step/of/the/way)",
        "write every step of the way down.never",
        "slowly\u200b and write\nevery\tstep of “the” way",
        "I should never guess the answer, should I?",
    ],
)
def test_a_quotation_is_found_across_case_punctuation_and_lines(text):
    assert LEAKS.find(text) is not None


def test_the_run_that_was_found_is_given():
    assert LEAKS.find("So: Work slowly, and write every step of the WAY") == "work slowly and write every step of the"
    assert LEAKS.find("never guess the answer") == "never guess the answer"


@pytest.mark.parametrize(
    "text",
    ["", "Be brief.", "slowly and write every step of the", "never guess an answer", "the way down never guess the"],
)
def test_fewer_words_are_a_coincidence(text):
    assert LEAKS.find(text) is None


def test_what_the_task_itself_says_may_be_repeated():
    task = "Explain this sign: 'Never guess the answer.'"
    assert LEAKS.find("The sign says never guess the answer.", allowed=task) is None
    both = "Never guess the answer. Work slowly and write every step of the way down."
    assert LEAKS.find(both, allowed=task) == "work slowly and write every step of the"


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_every_run_of_every_shipped_prompt_is_found(name):
    leaks = Leaks(SHIPPED)
    for run in windows(words(SHIPPED[name]), RUN):
        assert leaks.find(f"and so, {', '.join(run).upper()}: yes") == " ".join(run)


def test_the_generic_message_quotes_no_shipped_strategy():
    assert Leaks(SHIPPED).find(prompts.load().text("system_generic")) is None


@given(st.text())
def test_words_that_no_prompt_has_never_leak(text):
    foreign = " ".join(word for word in words(text) if word not in set(words(PROMPT)))
    assert LEAKS.find(foreign) is None


@given(st.lists(st.sampled_from(words(PROMPT)), max_size=30))
def test_what_is_found_stands_in_the_text_and_in_a_prompt(spoken):
    found = LEAKS.find(" ".join(spoken))
    if found is not None:
        assert found in " ".join(spoken)
        assert found in " ".join(words(PROMPT))


SIGNS = st.sampled_from([" ", ", ", "\n", " -- ", ".", "'", "c++ ", "#", " .", "; It's "])
ODD = "Don't use C++ or .NET 4.5 here, it's not what we're paid for. C# is rock'n'roll to me."


@given(st.lists(st.tuples(st.sampled_from([*words(PROMPT), *words(ODD), "x"]), SIGNS), max_size=40))
def test_what_is_found_is_what_comparing_every_run_finds(spoken):
    text = "".join(word + sign for word, sign in spoken)
    prompts_of = {"slow": PROMPT, "odd": ODD}
    sought = {run for prompt in prompts_of.values() for run in windows(words(prompt), RUN)}
    shorter = {tuple(words(sentence)) for sentence in ("Never guess the answer.", "C# is rock'n'roll to me.")}
    told = words(text)
    every = [run for length in (4, 5, RUN) for run in windows(told, length) if run in sought | shorter]
    assert sorted(Leaks(prompts_of).look(text).quotations) == sorted(every)


def test_a_prompt_in_another_script_is_found_and_hides_none_in_ascii():
    leaks = Leaks({"slow": PROMPT, "russian": "Никогда не угадывай ответ. Why not 2 say never 猜?"})
    assert leaks.find("И: никогда не угадывай ОТВЕТ!") == "никогда не угадывай ответ"
    assert leaks.find("I should never guess the answer") == "never guess the answer"


def test_without_prompts_nothing_leaks():
    assert Leaks({}).find(PROMPT) is None
