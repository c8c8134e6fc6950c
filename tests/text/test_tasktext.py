"""The user's message of a task."""

from synthgen.text.tasktext import user_text


def test_the_input_follows_after_a_blank_line():
    assert user_text("Shorten this.", "A long text.") == "Shorten this.\n\nA long text."


def test_without_an_input_the_instruction_stands_alone():
    assert user_text("Tell a joke.", "") == "Tell a joke."
