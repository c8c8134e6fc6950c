"""A model has OpenAI's list price at OpenAI's own address, and a cautious one wherever else it may cost money."""

import pytest

from synthgen import prices, specs
from synthgen.config import Prices


@pytest.mark.parametrize(
    ("model", "prompt"), [("gpt-4o-mini", 0.15), ("gpt-4o-mini-2024-07-18", 0.15), ("gpt-5", 1.25)]
)
def test_a_listed_model_has_its_price_also_under_a_dated_name(model: str, prompt: float):
    assert prices.of(model, specs.parse(model, {})).prompt == prompt


@pytest.mark.parametrize(
    ("spec", "environment"),
    [
        ("gpt-77", {}),
        ("gpt-4o-mini@https://elsewhere.example/v1", {}),
        ("gpt-4o-mini", {"OPENAI_BASE_URL": "https://elsewhere.example/v1"}),
    ],
)
def test_anything_else_has_a_cautious_price(spec: str, environment: dict):
    parsed = specs.parse(spec, environment)
    assert prices.of(parsed.model, parsed) == prices.CAUTIOUS


def test_no_listed_price_is_above_the_cautious_one_and_cached_tokens_are_never_dearer():
    for model, price in prices.listed().items():
        assert isinstance(price, Prices), model
        assert price.cached <= price.prompt <= prices.CAUTIOUS.prompt, model
        assert price.completion <= prices.CAUTIOUS.completion, model
