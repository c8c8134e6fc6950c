"""Bodies, keys and replies, as pure functions."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgen.records import Decoding, Message, Reply, Request, Schema
from synthgen.teacher import wire
from synthgen.teacher.wire import Binding, Capabilities, Fault

REQUEST = Request(
    role="answer",
    step="answer",
    about="c000012-3-0",
    messages=(Message(role="system", content="Be brief."), Message(role="user", content="Why?")),
    decoding=Decoding(temperature=0.8, top_p=0.95, presence_penalty=1.0, max_tokens=64, stop=("###",)),
    form=Schema(name="vet", body={"type": "object"}),
    sample=2,
    seed=7,
)
BINDING = Binding(identity="http://h:1/v1", model="m")


def bound(**capabilities: object) -> Binding:
    """A binding with capabilities."""
    return BINDING.model_copy(update={"capabilities": Capabilities.model_validate(capabilities)})


def test_a_chat_body_holds_every_parameter():
    assert wire.body(REQUEST, BINDING) == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}],
        "max_tokens": 64,
        "temperature": 0.8,
        "top_p": 0.95,
        "presence_penalty": 1.0,
        "stop": ["###"],
        "seed": 7,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "vet", "strict": True, "schema": {"type": "object"}},
        },
    }


@pytest.mark.parametrize("think", [True, False])
def test_whether_to_think_is_said_only_where_it_is_wanted(think: bool):
    plain = wire.body(REQUEST, BINDING)
    assert "chat_template_kwargs" not in plain
    told = wire.body(REQUEST.model_copy(update={"think": think}), BINDING)
    assert told == {**plain, "chat_template_kwargs": {"enable_thinking": think}}


def test_the_key_of_a_request_that_says_nothing_of_thinking_is_the_one_it_always_had():
    sent = wire.body(REQUEST, BINDING)
    assert wire.key(sent, 2, "lab") == "1890f32e67a8a14e45b31e5ae8a4dec0e1652c2524a9a9a46681280f61fd4965"


def test_a_completions_body_holds_the_text_and_no_schema():
    sent = wire.body(REQUEST, BINDING.model_copy(update={"api": "completions"}))
    assert sent["prompt"] == "Be brief.\n\nWhy?"
    assert not {"messages", "response_format"} & sent.keys()


@pytest.mark.parametrize("name", wire.OPTIONAL)
def test_what_an_endpoint_refuses_is_left_out(name: str):
    request = REQUEST.model_copy(update={"decoding": REQUEST.decoding.model_copy(update={"logprobs": True})})
    assert name in wire.body(request, BINDING)
    assert name not in wire.body(request, bound(without=(name,)))


def test_the_length_goes_by_the_name_the_endpoint_knows():
    sent = wire.body(REQUEST, bound(length_name="max_completion_tokens"))
    assert (sent["max_completion_tokens"], "max_tokens" in sent) == (64, False)


def test_what_is_not_set_is_not_sent():
    plain = REQUEST.model_copy(update={"decoding": Decoding(max_tokens=9), "form": None, "seed": None})
    assert set(wire.body(plain, BINDING)) == {"model", "messages", "max_tokens"}


CHANGES = [
    {"messages": (Message(role="user", content="Why?"),)},
    {"messages": (Message(role="system", content="Be brief"), REQUEST.messages[1])},
    {"decoding": REQUEST.decoding.model_copy(update={"temperature": 0.7})},
    {"decoding": REQUEST.decoding.model_copy(update={"max_tokens": 65})},
    {"form": None},
    {"form": Schema(name="vet", body={"type": "object", "title": "x"})},
    {"sample": 3},
    {"seed": 8},
]


def key(request: Request, binding: Binding = BINDING) -> str:
    """The ledger's key of a request."""
    return wire.key(wire.body(request, binding), request.sample, binding.identity)


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_is_changed_changes_the_key(change: dict):
    assert key(REQUEST.model_copy(update=change)) != key(REQUEST)


@pytest.mark.parametrize("change", [{"model": "n"}, {"identity": "other"}, {"api": "completions"}])
def test_another_model_endpoint_or_api_changes_the_key(change: dict):
    assert key(REQUEST, BINDING.model_copy(update=change)) != key(REQUEST)


def test_samples_differ_even_where_the_endpoint_takes_no_seed():
    without = bound(without=("seed",))
    assert key(REQUEST, without) != key(REQUEST.model_copy(update={"sample": 3}), without)


def test_the_same_request_has_the_same_key_for_ever():
    assert key(REQUEST) == "40830ad7ad17f324929c99bb4695d55ab4240f3bb04ab3adee244df7fe1948fc"


def said(content: object, finish: object = "stop", **more: object) -> bytes:
    """A chat reply on the wire."""
    return json.dumps({"choices": [{"message": {"content": content}, "finish_reason": finish}], **more}).encode()


@pytest.mark.parametrize(
    ("payload", "text", "finish"),
    [
        (said("so"), "so", "stop"),
        (said("so", "eos"), "so", "stop"),
        (said("so", None), "so", "stop"),
        (said("so", "length"), "so", "length"),
        (said("so", "max_tokens"), "so", "length"),
        (said("", "content_filter"), "", "filtered"),
        (said(None), "", "stop"),
        (said([{"type": "text", "text": "x"}]), "", "stop"),
        (said(17), "", "stop"),
        (said("a\ud83d b"), "a? b", "stop"),
        (said("a\x00b"), "a\ufffdb", "stop"),
        (b'{"choices": [{"message": {"content": null, "refusal": "I will not."}}]}', "I will not.", "refused"),
        (b'{"choices": [{"message": {"content": "so"}, "finish_reason": ["stop"]}]}', "so", "stop"),
    ],
)
def test_a_reply_is_read_whatever_its_shape(payload: bytes, text: str, finish: str):
    found = wire.read(200, {}, payload, "chat")
    assert isinstance(found, Reply)
    assert (found.text, found.finish) == (text, finish)


def test_tokens_are_counted_as_reported_and_nonsense_is_nothing():
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 5}}
    found = wire.read(200, {}, said("so", usage=usage, model="m-2"), "chat")
    assert (found.prompt_tokens, found.completion_tokens, found.cached_tokens, found.model) == (9, 4, 5, "m-2")
    odd = wire.read(200, {}, said("so", usage={"prompt_tokens": -3, "completion_tokens": "many"}), "chat")
    assert (odd.prompt_tokens, odd.completion_tokens, odd.cached_tokens) == (0, 0, 0)


def error(message: str, **more: object) -> bytes:
    """An error in OpenAI's shape."""
    return json.dumps({"error": {"message": message, **more}}).encode()


@pytest.mark.parametrize(
    ("status", "payload", "kind"),
    [
        (429, error("slow down"), "rate"),
        (429, error("no money", code="insufficient_quota"), "billing"),
        (402, error("pay"), "billing"),
        (500, b"oops", "server"),
        (503, b"<html>", "server"),
        (408, b"", "server"),
        (409, error("conflict"), "server"),
        (401, error("bad key"), "auth"),
        (403, error("not you"), "auth"),
        (404, error("gone"), "model"),
        (400, error("no", code="model_not_found"), "model"),
        (400, error("x", code="context_length_exceeded"), "too_long"),
        (400, error("This model's maximum context length is 4096 tokens."), "too_long"),
        (400, error("blocked by content policy"), "filtered"),
        (400, error("x", code="content_filter"), "filtered"),
        (400, error("Unsupported parameter: 'seed'", param="seed"), "parameter"),
        (422, b'{"detail": "Extra inputs are not permitted: top_p"}', "parameter"),
        (400, error("we do not like it"), "refused"),
        (418, b"\xff\xfe", "refused"),
        (200, b"<html>welcome</html>", "server"),
        (200, b"{}", "server"),
        (200, b'{"choices": []}', "server"),
        (200, b"[" * 100_000, "server"),
    ],
)
def test_the_kind_of_a_fault(status: int, payload: bytes, kind: str):
    found = wire.read(status, {}, payload, "chat")
    assert isinstance(found, Fault)
    assert found.kind == kind


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Tue, 24 Nov 2026 10:00:30 GMT", "date": "Tue, 24 Nov 2026 10:00:00 GMT"}, 30),
        ({"retry-after": "-4"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_how_long_an_endpoint_asks_to_wait(headers: dict, seconds: float | None):
    assert wire.read(429, headers, b"{}", "chat").wait_seconds == seconds


@given(st.integers(100, 599), st.binary(max_size=300))
def test_no_payload_raises(status: int, payload: bytes):
    assert isinstance(wire.read(status, {}, payload, "chat"), Reply | Fault)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["choices", "message", "content", "usage", "error", "finish_reason", "prompt_tokens"]), inner, max_size=4
    ),
    max_leaves=12,
)  # fmt: skip


@given(json_values, st.sampled_from(["chat", "completions"]), st.sampled_from([200, 400, 429, 500]))
def test_no_value_raises_and_every_text_can_be_written(value: object, api: str, status: int):
    found = wire.read(status, {}, json.dumps(value).encode(), api)
    if isinstance(found, Reply):
        orjson.dumps(found.text)
    else:
        orjson.dumps(found.text)


def test_an_error_page_is_told_in_one_line_without_its_markup():
    page = b"<!DOCTYPE HTML>\n<html>\n<head><title>Oh</title><style>\np { color: red }\n</style></head>\n<p>Bad\n gateway</p></html>"
    assert wire.fault(502, {}, None, page).text == "HTTP 502: Bad gateway"
    assert wire.fault(400, {}, {"error": {"message": "a\nb"}}, b"").text == "HTTP 400: a b"


def test_thoughts_are_kept_apart_from_the_answer():
    beside = {"choices": [{"message": {"content": "42", "reasoning_content": "6 * 7"}, "finish_reason": "stop"}]}
    found = wire.read(200, {}, json.dumps(beside).encode(), "chat")
    assert (found.text, found.reasoning) == ("42", "6 * 7")


@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("<think>6 * 7</think>\n\n42", "6 * 7", "42"),
        ("\n<think>\n\n</think>42", "", "42"),
        ("<think>it goes on and on", "it goes on and on", ""),
        ("In HTML, <think> is no tag.", "", "In HTML, <think> is no tag."),
    ],
)
def test_thoughts_in_tags_before_the_answer_are_taken_out(text: str, thought: str, answer: str):
    found = wire.read(200, {}, said(text), "chat")
    assert (found.reasoning, found.text) == (thought, answer)


def test_log_probabilities_are_kept_and_a_wrong_one_spoils_them_all():
    rows = [{"token": "4", "logprob": -0.5}, {"token": "2", "logprob": 0}]
    choice = {"message": {"content": "42"}, "finish_reason": "stop", "logprobs": {"content": rows}}
    assert wire.reply({"choices": [choice]}, "chat").logprobs == (("4", -0.5), ("2", 0.0))
    rows[0]["logprob"] = "low"
    assert wire.reply({"choices": [choice]}, "chat").logprobs == ()


def test_a_form_is_asked_for_as_the_endpoint_knows_it():
    assert wire.body(REQUEST, bound(form="json_object"))["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize(
    ("said", "same"),
    [
        ("gpt-4o-2024-08-06", True), ("gpt-4o-mini", False), ("openai/gpt-4o", True), ("GPT-4o", True), ("", True),
        ("gpt-4", False), ("gpt-4o-20240806", True), ("/models/file.gguf", True), ("other.gguf", False),
    ],
)  # fmt: skip
def test_a_reply_of_another_model_is_told_apart_from_one_by_another_name(said: str, same: bool):
    binding = Binding(identity="i", model="gpt-4o", served="/models/file.gguf")
    assert wire.is_model(said, binding) == same


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("6m0s", 360), ("20ms", 0.02), ("1h2m3.5s", 3723.5), ("7", 7), ("2m59.56s", 179.56), ("soon", None),
     ("-1s", None), ("1s!", None), ("nan", None), ("", None)],
)  # fmt: skip
def test_durations_of_headers(text: str, seconds: float | None):
    assert wire.duration(text) == (pytest.approx(seconds) if seconds is not None else None)


@pytest.mark.parametrize("reason", ["abort", "error"])
def test_a_reply_that_the_server_broke_off_is_none_and_what_it_cost_is_told(reason: str):
    choice = {"message": {"content": "Half a"}, "finish_reason": reason}
    value = {"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}
    found = wire.read(200, {}, orjson.dumps(value), "chat")
    assert (found.kind, found.prompt_tokens, found.completion_tokens, found.uncertain) == ("server", 9, 2, False)


def test_a_reply_without_choices_that_was_charged_says_so():
    found = wire.read(200, {}, b'{"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 1}}', "chat")
    assert (found.kind, found.prompt_tokens, found.completion_tokens, found.uncertain) == ("server", 9, 1, False)
    assert wire.read(200, {}, b'{"choices": [{"mess', "chat").uncertain
