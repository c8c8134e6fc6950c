"""Rows of the folder made by hand: one turn, several, thoughts, tools, and what the strategies of hypothesis draw."""

import json

from hypothesis import strategies as st

SYSTEM = {"role": "system", "content": "You answer."}
ABOUT = {
    "id": "c000001-0-0-1",
    "root_id": "seed_task_3",
    "strategy": "direct-answer",
    "category": "editing",
    "source": "teacher",
    "metadata_json": "{}",
}


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


def calls(*named):
    """Calls as the folder has them: JSON of (name, arguments), numbered."""
    made = [
        {"type": "function", "id": f"call_{place}", "function": {"name": name, "arguments": arguments}}
        for place, (name, arguments) in enumerate(named)
    ]
    return json.dumps(made, separators=(",", ":"), ensure_ascii=False)


def tool(text, place=0, name="weather"):
    return {"role": "tool", "content": text, "tool_call_id": f"call_{place}", "name": name}


WEATHER = {
    "name": "weather",
    "description": "Of a town.",
    "parameters": {"type": "object", "properties": {"town": {"type": "string"}}},
}
TOOLS = json.dumps([{"type": "function", "function": WEATHER}], separators=(",", ":"))

ONE = {"prompt": [SYSTEM, user("Capital of France?")], "completion": [assistant("Paris.")], **ABOUT}
SEVERAL = {
    "prompt": [user("Capital of France?"), assistant("Paris."), user("And of Peru?")],
    "completion": [assistant("Lima.")],
    **ABOUT,
}
THOUGHT = {"prompt": [user("2 + 2?")], "completion": [assistant("4", reasoning_content="Two and two.")], **ABOUT}
CALLED = {
    "prompt": [
        SYSTEM,
        user("Rain in Bonn?"),
        assistant("", reasoning_content="Ask.", tool_calls=calls(("weather", {"town": "Bonn"}))),
        tool("wet"),
    ],
    "completion": [assistant("Yes, it rains.")],
    "tools": TOOLS,
    **ABOUT,
}
CALLING = {
    "prompt": [user("Rain in Bonn and Lima?")],
    "completion": [assistant("", tool_calls=calls(("weather", {"town": "Bonn"}), ("weather", {"at": 5})))],
    "tools": TOOLS,
    **ABOUT,
}
PAIR = {
    "prompt": [SYSTEM, user("Capital of France?")],
    "chosen": [assistant("Paris.")],
    "rejected": [assistant("Lyon.")],
    "score_chosen": 4.5,
    "score_rejected": 2.0,
    **ABOUT,
}
LONG_PAIR = PAIR | {"prompt": SEVERAL["prompt"]}
CALL_PAIR = PAIR | {"chosen": CALLING["completion"], "prompt": CALLING["prompt"], "tools": TOOLS}
GOOD = {**ONE, "label": True}
CHECKED = {
    "prompt": [user("15 * 15?")],
    "ground_truth": "225",
    "check": "number",
    "check_kind": "answer",
    "check_source": "program:sums",
    "check_input": "",
    "checks_json": '[{"name":"number"}]',
    "chance": 0.0,
    "pass_rate": 0.5,
    "samples": 4,
    "data_source": "synthgen/answer",
    "reward_model": {"style": "rule", "ground_truth": "225"},
    "extra_info": {"index": "c000001-0-0", "checks_json": '[{"name":"number"}]', "check_input": ""},
    **ABOUT,
}


def joined(row):
    """An SFT row as one conversation."""
    rest = {name: value for name, value in row.items() if name not in {"prompt", "completion"}}
    return {"messages": row["prompt"] + row["completion"], **rest}


ROWS = {
    "sft": [ONE, SEVERAL, THOUGHT, CALLED, CALLING],
    "sft_messages": [joined(row) for row in (ONE, SEVERAL, THOUGHT, CALLED, CALLING)],
    "dpo": [PAIR, LONG_PAIR, CALL_PAIR],
    "kto": [GOOD, GOOD | {"label": False}, SEVERAL | {"label": True}, CALLED | {"label": True}],
    "rl": [CHECKED],
}
"""Config to rows that are good."""

LETTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="<[")
TEXT = st.text(LETTERS, min_size=1, max_size=20).map(lambda text: f"{text}.")
"""Neither blank nor with anything of a chat template."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(LETTERS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(LETTERS), inner, max_size=3),
    max_leaves=5,
)
ARGUMENTS = st.dictionaries(st.text(LETTERS, min_size=1), JSON, max_size=3)
NAMES = st.sampled_from(["weather", "sum", "look_up"])


@st.composite
def answers(draw, *, with_tools):
    """What an assistant ends with: text, thoughts or calls."""
    thought = {"reasoning_content": draw(TEXT)} if draw(st.booleans()) else {}
    if with_tools and draw(st.booleans()):
        named = draw(st.lists(st.tuples(NAMES, ARGUMENTS), min_size=1, max_size=3))
        return assistant("", **thought, tool_calls=calls(*named))
    return assistant(draw(TEXT), **thought)


@st.composite
def prompts(draw, *, with_tools):
    """A conversation that waits for an assistant."""
    messages = [{"role": "system", "content": draw(TEXT)}] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(0, 2))):
        messages += [user(draw(TEXT)), draw(answers(with_tools=False))]
    messages.append(user(draw(TEXT)))
    if with_tools and draw(st.booleans()):
        name = draw(NAMES)
        messages += [assistant("", tool_calls=calls((name, draw(ARGUMENTS)))), tool(draw(st.text(LETTERS)), 0, name)]
    return messages


@st.composite
def rows(draw, config):
    """A good row of a config."""
    with_tools = draw(st.booleans())
    offered = {"tools": TOOLS} if with_tools else {}
    prompt, said = draw(prompts(with_tools=with_tools)), draw(answers(with_tools=with_tools))
    if config == "rl":
        return CHECKED | {"prompt": prompt, **offered}
    if config == "dpo":
        return PAIR | {"prompt": prompt, "chosen": [said], "rejected": [assistant("Something else.")], **offered}
    row = {"prompt": prompt, "completion": [said], **ABOUT, **offered}
    if config == "kto":
        return row | {"label": draw(st.booleans())}
    return joined(row) if config == "sft_messages" else row
