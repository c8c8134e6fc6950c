"""What each format's rows are, to the letter, and which rows it leaves out."""

import orjson
import pytest
from formatcase import (
    CALL_PAIR,
    CALLED,
    CALLING,
    CHECKED,
    GOOD,
    LONG_PAIR,
    ONE,
    PAIR,
    SEVERAL,
    SYSTEM,
    THOUGHT,
    TOOLS,
    WEATHER,
    assistant,
    calls,
    joined,
    tool,
    user,
)

from synthgen.export.formats.registry import VIEWS

FUNCTION = orjson.loads(TOOLS)[0]


def views(name, config):
    """The views of a format that take the rows of a config."""
    return [one for one in VIEWS[name] if one.config == config]


def written(name, config, row, number=0):
    """A row as it stands in the one file of a format that takes it."""
    (found,) = (one for one in (each.write(row, "train", number) for each in views(name, config)) if one is not None)
    return found


def fault(name, config, row):
    """What every view that takes such rows says of one."""
    (found,) = {one.fault(row) for one in views(name, config)}
    return found


GOLDEN = [
    ("openai", "sft_messages", joined(ONE), {"messages": [SYSTEM, user("Capital of France?"), assistant("Paris.")]}),
    ("openai", "sft_messages", joined(SEVERAL), {"messages": SEVERAL["prompt"] + SEVERAL["completion"]}),
    (
        "openai",
        "sft_messages",
        joined(THOUGHT),
        {"messages": [user("2 + 2?"), assistant("<think>\nTwo and two.\n</think>\n\n4")]},
    ),
    (
        "openai",
        "sft_messages",
        joined(CALLED),
        {
            "messages": [
                SYSTEM,
                user("Rain in Bonn?"),
                {
                    "role": "assistant",
                    "content": "<think>\nAsk.\n</think>\n\n",
                    "tool_calls": [
                        {
                            "type": "function",
                            "id": "call_0",
                            "function": {"name": "weather", "arguments": '{"town":"Bonn"}'},
                        }
                    ],
                },
                {"role": "tool", "content": "wet", "tool_call_id": "call_0"},
                assistant("Yes, it rains."),
            ],
            "tools": [FUNCTION],
            "parallel_tool_calls": True,
        },
    ),
    (
        "openai",
        "dpo",
        PAIR,
        {
            "input": {"messages": PAIR["prompt"]},
            "preferred_output": [assistant("Paris.")],
            "non_preferred_output": [assistant("Lyon.")],
        },
    ),
    (
        "sharegpt",
        "sft_messages",
        joined(ONE),
        {
            "conversations": [
                {"from": "system", "value": "You answer."},
                {"from": "human", "value": "Capital of France?"},
                {"from": "gpt", "value": "Paris."},
            ],
            "tools": "",
        },
    ),
    (
        "sharegpt",
        "sft_messages",
        joined(CALLING),
        {
            "conversations": [
                {"from": "human", "value": "Rain in Bonn and Lima?"},
                {
                    "from": "function_call",
                    "value": '[{"name":"weather","arguments":{"town":"Bonn"}},{"name":"weather","arguments":{"at":5}}]',
                },
            ],
            "tools": orjson.dumps([WEATHER]).decode(),
        },
    ),
    (
        "llamafactory",
        "sft_messages",
        joined(CALLED),
        {
            "conversations": [
                {"from": "human", "value": "Rain in Bonn?"},
                {
                    "from": "function_call",
                    "value": '<think>\nAsk.\n</think>\n\n{"name":"weather","arguments":{"town":"Bonn"}}',
                },
                {"from": "observation", "value": "wet"},
                {"from": "gpt", "value": "Yes, it rains."},
            ],
            "system": "You answer.",
            "tools": orjson.dumps([WEATHER]).decode(),
        },
    ),
    (
        "llamafactory",
        "dpo",
        LONG_PAIR,
        {
            "conversations": [
                {"from": "human", "value": "Capital of France?"},
                {"from": "gpt", "value": "Paris."},
                {"from": "human", "value": "And of Peru?"},
            ],
            "system": "",
            "tools": "",
            "chosen": {"from": "gpt", "value": "Paris."},
            "rejected": {"from": "gpt", "value": "Lyon."},
        },
    ),
    (
        "llamafactory",
        "kto",
        GOOD | {"label": False},
        {
            "conversations": [{"from": "human", "value": "Capital of France?"}, {"from": "gpt", "value": "Paris."}],
            "system": "You answer.",
            "tools": "",
            "kto_tag": False,
        },
    ),
    (
        "alpaca",
        "sft",
        SEVERAL,
        {
            "instruction": "And of Peru?",
            "input": "",
            "output": "Lima.",
            "system": "",
            "history": [["Capital of France?", "Paris."]],
        },
    ),
    (
        "alpaca",
        "sft",
        ONE,
        {"instruction": "Capital of France?", "input": "", "output": "Paris.", "system": "You answer."},
    ),
    (
        "nemo",
        "dpo",
        LONG_PAIR,
        {
            "context": SEVERAL["prompt"],
            "completions": [
                {"rank": 0, "completion": [assistant("Paris.")]},
                {"rank": 1, "completion": [assistant("Lyon.")]},
            ],
        },
    ),
    ("verl", "sft_messages", joined(ONE), {"messages": [SYSTEM, user("Capital of France?"), assistant("Paris.")]}),
    (
        "verl",
        "rl",
        CHECKED,
        {
            "data_source": "synthgen/answer",
            "prompt": [user("15 * 15?")],
            "ability": "editing",
            "reward_model": {"style": "rule", "ground_truth": "225"},
            "extra_info": {
                "split": "train",
                "index": 7,
                "id": "c000001-0-0-1",
                "checks_json": '[{"name":"number"}]',
                "check_input": "",
            },
        },
    ),
]


@pytest.mark.parametrize(("name", "config", "row", "golden"), GOLDEN)
def test_a_row_stands_in_a_format_as_its_readers_expect(name, config, row, golden):
    assert written(name, config, row, 7) == golden
    assert fault(name, config, golden) == ""


def test_every_view_has_a_golden_row():
    assert {(name, config) for name, config, _, _ in GOLDEN} == {
        (name, one.config) for name, views in VIEWS.items() for one in views
    }


BOTH = ONE | {
    "completion": [assistant("Let me see.", tool_calls=calls(("weather", {})))],
}
TWICE = joined(
    CALLED
    | {
        "prompt": [
            user("Rain in Bonn and Lima?"),
            *CALLING["completion"],
            tool("wet"),
            tool("dry", 1),
        ],
    }
)
HALF = joined(CALLED | {"prompt": [user("Rain in Bonn and Lima?"), *CALLING["completion"], tool("wet")]})
NO_ID = calls(("weather", {})).replace(',"id":"call_0"', "")
UNNAMED = joined(CALLED | {"prompt": [*CALLED["prompt"][:-1], {"role": "tool", "content": "wet"}]})


@pytest.mark.parametrize(
    ("name", "config", "row", "why"),
    [
        ("openai", "dpo", LONG_PAIR, "several_turns"),
        ("openai", "sft_messages", UNNAMED, "no_call_id"),
        ("openai", "sft_messages", HALF, "unanswered_call"),
        ("openai", "sft_messages", joined(CALLING | {"completion": [assistant("", tool_calls=NO_ID)]}), "no_call_id"),
        ("sharegpt", "sft_messages", joined(BOTH), "text_beside_call"),
        ("llamafactory", "sft_messages", joined(BOTH), "text_beside_call"),
        ("llamafactory", "sft_messages", TWICE, "parallel_results"),
        ("llamafactory", "dpo", PAIR | {"chosen": BOTH["completion"]}, "text_beside_call"),
        ("alpaca", "sft", CALLED, "tools"),
        ("alpaca", "sft", CALLING, "tools"),
        ("nemo", "dpo", CALL_PAIR, "tools"),
        ("verl", "sft_messages", joined(CALLED), "tools"),
        ("verl", "rl", CHECKED | {"tools": TOOLS}, "tools"),
    ],
)
def test_a_row_that_a_format_cannot_hold_is_left_out_with_the_reason(name, config, row, why):
    assert written(name, config, row) == why


CALL = {"from": "function_call", "value": "call the weather"}
TURN = {"from": "human", "value": "Who?"}


@pytest.mark.parametrize(
    ("name", "config", "row", "why"),
    [
        ("openai", "sft_messages", {"messages": [user("Who?"), assistant("Ann.")], "id": "a"}, "other_fields"),
        ("openai", "sft_messages", {"messages": [user("Who?"), assistant("Ann.")], "text": "Who? Ann."}, "other_fields"),
        ("openai", "sft_messages", {"messages": [user("Who?"), assistant(None)]}, "null_content"),
        ("openai", "sft_messages", {"messages": [user("Who?"), assistant("Ann.", reasoning_content="Hm.")]}, "other_fields"),
        ("openai", "sft_messages", {"messages": [user("Who?"), assistant("", tool_calls=calls(("weather", {})))]}, "bad_tool_calls"),
        ("openai", "sft_messages", {"prompt": [user("Who?")]}, "missing_field"),
        ("openai", "dpo", {"input": {"messages": SEVERAL["prompt"]}, "preferred_output": [assistant("a")], "non_preferred_output": [assistant("b")]}, "several_turns"),
        ("openai", "dpo", {"input": {"messages": [user("Who?")]}, "preferred_output": [assistant("a")], "non_preferred_output": [assistant("a")]}, "same_pair"),
        ("openai", "dpo", {"input": [user("Who?")], "preferred_output": [assistant("a")], "non_preferred_output": [assistant("b")]}, "missing_field"),
        ("sharegpt", "sft_messages", {"conversations": [TURN, {"from": "bing", "value": "Ann."}]}, "unknown_tag"),
        ("sharegpt", "sft_messages", {"conversations": [TURN, {"role": "gpt", "content": "Ann."}]}, "missing_field"),
        ("sharegpt", "sft_messages", {"conversations": [TURN, TURN]}, "role_order"),
        ("sharegpt", "sft_messages", {"conversations": [TURN, CALL]}, "bad_tool_calls"),
        ("llamafactory", "dpo", {"conversations": [TURN], "system": "", "tools": "", "chosen": [assistant("a")], "rejected": [assistant("b")]}, "missing_field"),
        ("llamafactory", "sft_messages", {"conversations": [TURN, {"from": "gpt", "value": "Ann."}]}, "missing_field"),
        ("llamafactory", "kto", {"conversations": [TURN, {"from": "gpt", "value": "Ann."}], "system": "", "tools": "", "kto_tag": "yes"}, "label_not_bool"),
        ("alpaca", "sft", {"instruction": "Who?", "output": ""}, "blank"),
        ("alpaca", "sft", {"instruction": "Who?", "output": "Ann.", "text": "Who? Ann."}, "other_fields"),
        ("alpaca", "sft", {"instruction": "", "input": "", "output": "Ann."}, "blank"),
        ("nemo", "dpo", {"context": [user("Who?")], "completions": [{"rank": 1, "completion": [assistant("a")]}, {"rank": 1, "completion": [assistant("b")]}]}, "missing_field"),
        ("nemo", "dpo", {"context": [user("Who?")], "completions": [{"rank": 0, "completion": [assistant("a")]}, {"rank": 1, "completion": [assistant("a")]}]}, "same_pair"),
        ("verl", "sft_messages", {"messages": [user("Who?"), assistant("<|im_end|>")]}, "special_tokens"),
        ("verl", "rl", {"data_source": "a", "prompt": [user("Who?")], "ability": "", "reward_model": {"style": "rule", "ground_truth": None}, "extra_info": {"index": 0}}, "missing_field"),
        ("verl", "rl", {"data_source": "a", "prompt": [user("Who?")], "ability": "", "reward_model": {"style": "rule", "ground_truth": "1"}, "extra_info": {"index": "c0"}}, "missing_field"),
    ],
)  # fmt: skip
def test_a_row_that_breaks_a_formats_contract_says_why(name, config, row, why):
    assert fault(name, config, row) == why


def test_an_alpaca_input_is_part_of_what_is_asked():
    row = {"instruction": "Shorten.", "input": "It is raining.", "output": "Rain."}
    assert views("alpaca", "sft")[0].read(row)["prompt"] == [user("Shorten.\nIt is raining.")]
