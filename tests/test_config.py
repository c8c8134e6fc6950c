"""Every key has a kind, the digest follows the generative ones and nothing else, and wrong keys are named."""

from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stagecase import CONFIG

from synthgen.config import GENERIC, Kind, RunConfig, build, differences, keys, read_toml
from synthgen.errors import ConfigError

OTHER: dict[str, Any] = {
    "mode": "parity", "seed": 7, "language": "de", "teacher": {"model": "another"}, "roles": {"judge": {"model": "another"}},
    "decoding": {"answer": {"temperature": 0.1}}, "seeds": {"s": "1"}, "prompts": {"judge": "1"},
    "taxonomy": {"categories": {"other": {"about": "all", "strategy": "direct-answer", "alternative": "step-by-step"}}},
    "in_context": 4, "machine_in_context": 1, "new_per_call": 3, "machine_per_root": 2, "lookahead": 9, "steer": "none",
    "axes": {"topics": ["bees"]}, "novelty_threshold": 0.6, "fuzzy": 0.8, "semantic": {"threshold": 0.9, "identity": "x"}, "decontaminate": {"rule": "tulu3-8gram", "digest": "x"}, "minimum_words": 5, "maximum_words": 90, "saturation_window": 9,
    "saturation_yield": 0.1, "instances": 2, "samples": 2, "explore": 0.5, "answer_threshold": 0.8, "judging": False, "answers_across": False, "strategy": "auto", "policy": {"choices": {"knowledge": ["step-by-step", ""]}}, "constraints": 0.3, "unsandboxed": True, "sufficient": 0.5, "arms": ["direct-answer"], "pick_mean": 4.0, "pick_floor": 2.0,
    "pick_band": 0.5, "pair_margin": 1.0, "test_share": 0.2, "test_minimum": 3, "test_from": 9,
    "target": 9, "target_unit": "rows", "concurrency": 2, "deadline_seconds": 5.0, "batch": True, "rpm": 60, "tpm": 1000, "budget_usd": 1.0, "max_calls": 9,
    "max_tokens_total": 9, "prices": {"m": {"prompt": 1, "cached": 1, "completion": 1}}, "ledger": "x.sqlite", "vllm_args": ["--x"], "vllm_start_seconds": 9.0, "prefect": False,
    "erase": False, "include_seeds": False, "system": "none", "rl_minimum": 2, "license": "mit", "formats": ["openai"], "reasoning": "drop", "dpo_prompts": "disjoint",
    "tokenizer": "x.json", "seeds_license": "mit", "teacher_terms": "allowed",
}  # fmt: skip
"""Another value of every key."""


def changed(name: str) -> RunConfig:
    """The usual config with one key changed."""
    return build(CONFIG.model_dump() | {name: OTHER[name]})


def test_every_key_is_of_one_kind():
    by_kind = [keys(kind) for kind in get_args(Kind)]
    assert sum(map(len, by_kind)) == len(RunConfig.model_fields)
    assert set.union(*by_kind) == set(RunConfig.model_fields) == set(OTHER)


@pytest.mark.parametrize("name", sorted(keys("generative")))
def test_a_generative_key_changes_the_digest(name: str):
    assert changed(name).digest != CONFIG.digest


@pytest.mark.parametrize("name", sorted(keys("limit") | keys("export")))
def test_limits_and_export_keys_leave_the_digest_alone(name: str):
    assert changed(name) != CONFIG
    assert changed(name).digest == CONFIG.digest


def test_the_rows_system_message_is_no_generative_prompt():
    edited = CONFIG.model_copy(update={"prompts": {GENERIC: "2"}})
    assert edited.digest == CONFIG.digest


def test_a_default_that_is_spelled_out_is_no_difference():
    spelled = build(CONFIG.model_dump() | {"decoding": {"answer": CONFIG.stage_decoding("answer").model_dump()}})
    assert spelled.digest == CONFIG.digest


def test_where_an_endpoint_is_reached_and_who_pays_is_no_generative_key():
    moved = CONFIG.teacher.model_copy(update={"spec": "http://other:8000/v1", "key_env": "OTHER_KEY"})
    assert CONFIG.model_copy(update={"teacher": moved}).digest == CONFIG.digest


def test_differences_are_named_with_their_path():
    new = CONFIG.model_copy(update={"samples": 9, "axes": CONFIG.axes.model_copy(update={"topics": ("bees",)})})
    assert list(differences(CONFIG.generative(), new.generative())) == ["axes.topics", "samples"]


NESTED = st.recursive(
    st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=6
)


@given(st.dictionaries(st.sampled_from("abc"), NESTED), st.dictionaries(st.sampled_from("abc"), NESTED))
def test_there_is_a_difference_exactly_where_two_configs_differ(left: dict[str, Any], right: dict[str, Any]):
    assert bool(list(differences(left, right))) == (left != right)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sample = 2", "unknown key sample; did you mean samples?"),
        ("zzz = 2", "unknown key zzz; known: mode, seed"),
        ("samples = ", "is not TOML"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, said: str):
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        read_toml(path)
    assert said in str(error.value)
    assert str(path) in str(error.value)


def test_a_missing_or_binary_file_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"cannot read the config .*none\.toml: No such file"):
        read_toml(tmp_path / "none.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not TOML"):
        read_toml(tmp_path / "b.toml")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("samples", 0, "the config key samples cannot be 0"),
        ("novelty_threshold", 1.5, "the config key novelty_threshold cannot be 1.5"),
        ("axes", {"topic": ["a"]}, "the config key axes.topic cannot be"),
        ("teacher", {"key": "sk-secret"}, "the config key teacher.key"),
    ],
)
def test_a_wrong_value_is_named(key: str, value: object, said: str):
    with pytest.raises(ConfigError) as error:
        build(CONFIG.model_dump() | {key: value})
    assert said in str(error.value)
