"""A row that a trainer would drop, cut, or learn nothing from has a fault; a good one has none."""

import json

import pytest
from formatcase import (
    CALLED,
    CALLING,
    CHECKED,
    GOOD,
    JSON,
    ONE,
    PAIR,
    ROWS,
    SYSTEM,
    TOOLS,
    assistant,
    calls,
    joined,
    rows,
    tool,
    user,
)
from hypothesis import given
from hypothesis import strategies as st

from synthgen.export import contract
from synthgen.export.contract import fault
from synthgen.text.special import special_tokens

TALK = joined(ONE)
DEEP = '{"a":' * 300 + "1" + "}" * 300
CALL = calls(("weather", {"town": "Bonn"}))


@pytest.mark.parametrize(("config", "row"), [(config, row) for config, some in ROWS.items() for row in some])
def test_a_good_row_has_no_fault(config, row):
    assert fault(config, row) == ""


@pytest.mark.parametrize("config", list(ROWS))
@given(data=st.data())
def test_whatever_good_rows_say_they_have_no_fault(config, data):
    assert fault(config, data.draw(rows(config))) == ""


def said(text, **more):
    return ONE | {"completion": [assistant(text, **more)]}


def asked(*messages):
    return ONE | {"prompt": list(messages)}


def told(*messages):
    return TALK | {"messages": list(messages)}


def called(text):
    return CALLING | {"completion": [assistant("", tool_calls=text)]}


def without(row, name):
    return {key: value for key, value in row.items() if key != name}


FAULTY = [
    ("null_content", "sft", said(None)),
    ("blank", "sft", said("")),
    ("blank", "sft", said(" \n\t")),
    ("blank", "dpo", PAIR | {"rejected": [assistant("")]}),
    ("blank", "sft_messages", told(user("Who?"), assistant(" "), user("Who else?"), assistant("Ann."))),
    ("blank", "sft", asked(user(""))),
    ("not_text", "sft", said(["Paris."])),
    ("not_text", "sft", said("Paris.", reasoning_content=7)),
    ("special_tokens", "sft", said("Paris.<|im_end|>")),
    ("special_tokens", "sft", said("Paris.</s>")),
    ("special_tokens", "sft", said("Paris.\x00")),
    ("special_tokens", "sft", said("Paris.", reasoning_content="<|eot_id|>")),
    ("special_tokens", "sft", asked(user("[INST] Who? [/INST]"))),
    ("special_tokens", "rl", CHECKED | {"prompt": [user("<|im_start|>system")]}),
    ("special_tokens", "dpo", PAIR | {"rejected": [assistant("<|endoftext|>")]}),
    ("special_tokens", "sft", called(calls(("weather", {"town": "<|im_end|>"})))),
    ("special_tokens", "sft", called(calls(("weather", {"town": "<|im_end|>"})).replace("<", "\\u003c"))),
    ("special_tokens", "sft", CALLED | {"tools": TOOLS.replace("Of a town.", "\\u003c/s>")}),
    ("special_tokens", "sft", CALLED | {"prompt": [*CALLED["prompt"][:-1], tool("wet", name="<|im_end|>")]}),
    ("not_text", "sft", asked(user("Who?") | {"name": 7})),
    ("thought_inside", "sft", said("Hm. </think> Paris.")),
    ("thought_inside", "sft", said("<think>Hm.</think> Or </think> Paris.")),
    ("thought_inside", "sft", said("<think>Hm.</think>Paris.", reasoning_content="Well.")),
    ("thought_inside", "sft", said("Paris.", reasoning_content="Well.</think>")),
    ("blank", "sft", said("<think>\nHm.\n</think>\n\n")),
    ("special_tokens", "sft", called(CALL.replace("Bonn", r"\u003c|im_end|\u003e"))),
    ("special_tokens", "sft", called(CALL.replace("Bonn", r"<\/s>"))),
    ("special_tokens", "sft", CALLED | {"tools": TOOLS.replace("Of a town.", r"\u003c|im_end|>")}),
    ("special_tokens", "sft", asked(*CALLED["prompt"][:3], tool("wet", name="weather<|im_end|>"))),
    ("not_text", "sft", asked(*CALLED["prompt"][:3], tool("wet") | {"tool_call_id": 7})),
    ("not_utf8", "sft", said("\ud800")),
    ("too_large", "sft", said("word " * 400_001)),
    ("too_large", "sft", said("é" * 1_000_001)),
    ("too_large", "sft", ONE | {"metadata_json": "x" * 2_000_000}),
    ("too_large", "rl", CHECKED | {"checks_json": "x" * 1_000_000}),
    ("blank_system", "sft", asked({"role": "system", "content": ""}, user("Who?"))),
    ("null_content", "sft", asked({"role": "system", "content": None}, user("Who?"))),
    ("empty_prompt", "sft", asked()),
    ("empty_prompt", "sft", asked(SYSTEM)),
    ("prompt_end", "dpo", PAIR | {"prompt": [user("Who?"), assistant("Ann.")]}),
    ("role_order", "sft", asked(user("Who?"), user("And where?"))),
    ("role_order", "sft", asked(user("Who?"), SYSTEM)),
    ("role_order", "sft", asked(assistant("Hello."), user("Who?"))),
    ("role_order", "sft_messages", told(user("Who?"), assistant("Ann."), assistant("Bob."))),
    (
        "role_order",
        "sft_messages",
        told(user("Rain?"), assistant("", tool_calls=CALL), user("Well?"), assistant("No.")),
    ),
    ("tool_without_call", "sft", asked(user("Rain?"), tool("wet"))),
    ("tool_without_call", "sft", asked(user("Rain?"), assistant("Hm."), tool("wet"))),
    ("no_assistant", "sft", ONE | {"completion": []}),
    ("no_assistant", "sft", ONE | {"completion": [user("Paris.")]}),
    ("no_assistant", "sft_messages", told(SYSTEM, user("Who?"))),
    ("unfinished", "sft_messages", told(user("Who?"), assistant("Ann."), user("And?"))),
    ("not_one_answer", "sft", ONE | {"completion": [assistant("Paris."), assistant("Or not.")]}),
    ("not_one_answer", "dpo", PAIR | {"chosen": [assistant("Paris."), assistant("Or not.")]}),
    ("prompt_repeated", "dpo", PAIR | {"chosen": [*PAIR["prompt"], assistant("Paris.")]}),
    ("prompt_repeated", "dpo", PAIR | {"rejected": [user("Capital of France?"), assistant("Lyon.")]}),
    ("same_pair", "dpo", PAIR | {"rejected": PAIR["chosen"]}),
    ("same_pair", "dpo", PAIR | {"rejected": [assistant(" Paris.\n")]}),
    ("label_not_bool", "kto", GOOD | {"label": "true"}),
    ("label_not_bool", "kto", GOOD | {"label": 1}),
    ("label_not_bool", "kto", GOOD | {"label": None}),
    ("unknown_role", "sft", asked({"role": "human", "content": "Who?"})),
    ("unknown_role", "sft", ONE | {"completion": [{"role": "gpt", "content": "Paris."}]}),
    ("unknown_role", "sft", asked({"role": ["user"], "content": "Who?"})),
    ("not_messages", "sft", ONE | {"prompt": "Capital of France?"}),
    ("not_messages", "dpo", PAIR | {"chosen": assistant("Paris.")}),
    ("not_messages", "sft", asked({"from": "human", "value": "Who?"})),
    ("not_messages", "sft", asked("Who?")),
    ("missing_column", "sft", without(ONE, "completion")),
    ("missing_column", "dpo", PAIR | {"prompt": None}),
    ("missing_column", "sft_messages", without(TALK, "messages")),
    ("two_shapes", "sft", ONE | {"messages": TALK["messages"]}),
    ("two_shapes", "sft_messages", TALK | {"prompt": "Capital of France?"}),
    ("bad_tool_calls", "sft", called("")),
    ("bad_tool_calls", "sft", called("{}")),
    ("bad_tool_calls", "sft", called("[]")),
    ("bad_tool_calls", "sft", called("call it")),
    ("bad_tool_calls", "sft", called(json.loads(CALL))),
    ("bad_tool_calls", "sft", called('[{"name": "weather", "arguments": {}}]')),
    ("bad_tool_calls", "sft", called('[{"type": "function", "function": {"name": "weather", "arguments": "{}"}}]')),
    ("bad_tool_calls", "sft", asked(user("Who?") | {"tool_calls": CALL})),
    ("bad_tool_calls", "sft", called(f'[{{"type": "function", "function": {{"name": "a", "arguments": {DEEP}}}}}]')),
    ("bad_tools", "sft", CALLED | {"tools": ""}),
    ("bad_tools", "sft", CALLED | {"tools": json.loads(TOOLS)}),
    ("bad_tools", "sft", CALLED | {"tools": '{"name": "weather"}'}),
    ("bad_tools", "sft", CALLED | {"tools": '[{"name": "weather"}]'}),
]


@pytest.mark.parametrize(("why", "config", "row"), FAULTY)
def test_a_row_that_would_train_wrong_says_why(why, config, row):
    assert fault(config, row) == why
    assert why in contract.MEANINGS


def test_every_fault_is_tried():
    assert {why for why, _, _ in FAULTY} | {"reserved_name"} == set(contract.MEANINGS)


@pytest.mark.parametrize("name", sorted(contract.RESERVED - {"tools", "prompt", "completion"}))
def test_a_column_that_a_trainer_takes_for_its_own_is_refused(name):
    assert fault("sft", ONE | {name: None}) == ("two_shapes" if name == "messages" else "reserved_name")


@pytest.mark.parametrize("tools", [None, "[]", TOOLS])
def test_no_tools_may_be_said_in_each_way_that_trainers_take(tools):
    assert fault("sft", ONE | {"tools": tools}) == ""


def test_null_fields_of_a_message_are_as_if_they_were_not_there():
    null = dict.fromkeys(("reasoning_content", "tool_calls", "tool_call_id", "name"))
    assert fault("sft", ONE | {"completion": [assistant("Paris.", **null)]}) == ""


PIECES = st.sampled_from(
    ["<", "|", "im_end", ">", "[", "INST", "/", "]", "s", "</s>", "\n", "\x07", "<|", "|>", "é", "｜", "<pad", "a"]
)


@given(st.lists(PIECES, min_size=1).map("".join), st.lists(PIECES).map("".join))
def test_the_fast_look_for_special_tokens_agrees_with_the_plain_one(one, other):
    row = ONE | {"prompt": [user(f"{one}.")], "completion": [assistant(f"{other}.")]}
    plain = special_tokens(one) or special_tokens(other)
    assert (fault("sft", row) == "special_tokens") == bool(plain)


ANY = st.recursive(
    JSON | st.sampled_from(["user", "assistant", "tool", "human", "[]", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from("role content tool_calls reasoning_content from value rank completion messages".split()),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
COLUMNS = st.sampled_from("prompt completion messages chosen rejected label tools id metadata_json".split())


@pytest.mark.parametrize("config", list(ROWS))
@given(row=st.dictionaries(COLUMNS, ANY, max_size=5))
def test_whatever_stands_in_a_row_it_is_told_in_a_known_word(config, row):
    assert fault(config, row) in {"", *contract.MEANINGS}


@pytest.mark.parametrize("config", list(ROWS))
@given(change=st.dictionaries(COLUMNS, ANY, min_size=1, max_size=1))
def test_whatever_is_wrong_with_one_column_it_is_told_in_a_known_word(config, change):
    assert fault(config, ROWS[config][0] | change) in {"", *contract.MEANINGS}


def test_a_role_that_is_no_text_is_no_reason_to_stop():
    assert fault("dpo", ROWS["dpo"][0] | {"chosen": [{}, {"role": []}]}) == "not_one_answer"
