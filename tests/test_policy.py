"""A policy file is read whole or refused in one line, and says who chooses."""

import json
from pathlib import Path

import pytest

from synthgen import jsonl, policy, strategies
from synthgen.config import PolicyConfig
from synthgen.errors import ConfigError
from synthgen.policy import ArmFound, CategoryFound, HeldOut, Part, Policy
from synthgen.stages import plan


def category(strategy: str, think: str = "") -> CategoryFound:
    """A category with a choice, or with none."""
    arm = ArmFound(
        strategy="direct-answer",
        items=30,
        passed=20,
        total=30,
        rate=0.6667,
        low=0.48,
        high=0.81,
        shrunk=0.65,
        tokens=12.5,
        tokens_per_success=None,
        worse=False,
    )
    return CategoryFound(items=30, strategy=strategy, think=think, reason="", regret=0.01, arms=(arm,))


def part(**categories: CategoryFound) -> Part:
    """What was found with one model."""
    return Part(model="m", identity="i", answers={}, categories=categories, held_out=HeldOut(items=0))


def whole(teacher: Part, student: Part | None = None) -> Policy:
    """A policy."""
    return Policy(
        synthgen="0.1.0",
        items="0" * 64,
        sources={"seeds": 3},
        held_out_share=0.5,
        samples=1,
        prompts={"direct-answer": "0" * 64},
        decoding={"temperature": 0.8},
        teacher=teacher,
        student=student,
    )


def test_what_is_written_is_read_again(tmp_path: Path):
    one = whole(part(reading=category("direct-answer", "no_think")), part(reading=category("")))
    path = tmp_path / "policy.json"
    path.write_bytes(jsonl.dump(one.model_dump(mode="json")))
    assert policy.load(path) == one
    assert jsonl.dump(policy.load(path).model_dump(mode="json")) == path.read_bytes()


def test_the_student_chooses_where_it_can_then_the_teacher_then_the_shipped_table():
    teacher = part(a=category("direct-answer"), b=category("direct-answer"), c=category(""))
    student = part(a=category("step-by-step", "think"), b=category(""))
    assert whole(teacher, student).strategy("a") == ("step-by-step", "think")
    assert whole(teacher, student).strategy("b") == ("direct-answer", "")
    assert whole(teacher, student).strategy("c") is None
    assert whole(teacher, student).strategy("unheard-of") is None
    assert whole(teacher).strategy("a") == ("direct-answer", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not json", "Invalid JSON"),
        ("{}", "synthgen: Field required"),
        ('{"format": 2}', "format: Input should be 1"),
        ('{"more": 1}', "Field required"),
        ("\xff", "Invalid JSON"),
    ],
)
def test_what_is_no_policy_is_refused_in_one_line(tmp_path: Path, text: str, said: str):
    path = tmp_path / "policy.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError) as refused:
        policy.load(path)
    assert str(path) in str(refused.value)
    assert said in str(refused.value)
    assert "strategies tune" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_unknown_field_is_refused(tmp_path: Path):
    row = whole(part()).model_dump(mode="json") | {"extra": 1}
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(row))
    with pytest.raises(ConfigError, match="extra"):
        policy.load(path)


def test_a_policy_that_is_not_there_is_said_so(tmp_path: Path):
    with pytest.raises(ConfigError, match="No such file"):
        policy.load(tmp_path / "none.json")


def test_a_policy_that_chooses_a_strategy_without_prompt_is_refused(tmp_path: Path):
    path = tmp_path / "policy.json"
    path.write_bytes(jsonl.dump(whole(part(mathematics=category("guess"))).model_dump(mode="json")))
    with pytest.raises(ConfigError, match="chooses guess for mathematics, which has no prompt"):
        plan.followed(PolicyConfig(file=str(path)), strategies.load(), {"strategies/direct-answer": "0" * 64})
