"""A teacher SPEC: endpoint, model and declared identity."""

import pytest

from synthgen import specs
from synthgen.errors import ConfigError
from synthgen.specs import OPENAI
from synthgen.teacher import local


@pytest.mark.parametrize(
    ("text", "kind", "model", "urls", "identity"),
    [
        ("rehearsal", "rehearsal", "rehearsal-strong", (), "rehearsal"),
        ("rehearsal-weak", "rehearsal", "rehearsal-weak", (), "rehearsal"),
        ("gpt-x", "http", "gpt-x", (OPENAI,), OPENAI),
        ("org/model-7b", "http", "org/model-7b", (OPENAI,), OPENAI),
        ("http://Host:8000/v1/", "http", "", ("http://host:8000/v1",), "http://host:8000/v1"),
        ("m@http://h:80/v1", "http", "m", ("http://h/v1",), "http://h/v1"),
        ("http://b:1/v1,http://a:1/v1", "http", "", ("http://a:1/v1", "http://b:1/v1"), "http://a:1/v1,http://b:1/v1"),
        ("m@http://b:1/v1, m@http://a:1/v1", "http", "m", ("http://a:1/v1", "http://b:1/v1"), "http://a:1/v1,http://b:1/v1"),
        ("http://user:pass@h:1/v1", "http", "", ("http://h:1/v1",), "http://h:1/v1"),
        ("http://[::1]:8000/v1", "http", "", ("http://[::1]:8000/v1",), "http://[::1]:8000/v1"),
    ],
)  # fmt: skip
def test_a_spec_is_taken_apart(text, kind, model, urls, identity):
    assert specs.parse(text, {}) == specs.Spec(kind, model, urls, identity)


def test_a_declared_identity_takes_the_place_of_the_address():
    assert specs.parse("http://h:1/v1", {}, "lab").identity == specs.parse("http://g:2/v1", {}, "lab").identity == "lab"


def test_the_order_of_a_fleet_is_no_part_of_its_identity():
    assert specs.parse("http://a/v1,http://b/v1", {}).identity == specs.parse("http://b/v1,http://a/v1", {}).identity


def test_a_base_url_of_the_environment_moves_bare_models():
    assert specs.parse("m", {"OPENAI_BASE_URL": "http://h:1/v1/"}).urls == ("http://h:1/v1",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rehearsal-brilliant", "there is no teacher"),
        ("", "an empty teacher"),
        (",", "an empty teacher"),
        ("a,b", "several models"),
        ("m@http://a/v1,n@http://b/v1", "must serve one model"),
        ("ftp://h/v1", "is not an http"),
        ("http://", "is not an http"),
        ("http://h:port/v1", "is not a URL"),
        ("vllm:", "names no model"),
    ],
)
def test_a_wrong_spec_says_what_to_write(text: str, words: str):
    with pytest.raises(ConfigError, match=words):
        specs.parse(text, {})


@pytest.mark.parametrize(
    ("text", "paid"),
    [
        ("gpt-x", True), ("http://localhost:8000/v1", False), ("http://127.0.0.1/v1", False), ("http://10.1.2.3/v1", False),
        ("http://192.168.0.4:1/v1", False), ("http://gpu.internal/v1", False), ("http://gpu/v1", False),
        ("https://api.example.com/v1", True), ("http://8.8.8.8/v1", True), ("rehearsal", False),
        ("http://localhost/v1,https://api.example.com/v1", True),
    ],
)  # fmt: skip
def test_whatever_is_not_here_or_private_may_cost_money(text: str, paid: bool):  # a parameter
    assert specs.parse(text, {}).paid is paid


def test_a_key_alone_never_spends(tmp_path):
    values, why = local.chosen({}, tmp_path, {"OPENAI_API_KEY": "sk-x"})
    if values["teacher"]["spec"] == "rehearsal":
        assert "a key in the environment alone never spends" in why
    assert "sk-x" not in why


def test_a_named_teacher_is_taken_without_a_word(tmp_path):
    values = {"teacher": {"spec": "m"}}
    assert local.chosen(values, tmp_path, {}) == (values, "")
