"""What a model costs where nobody says: OpenAI's list prices by name; for other paid endpoints a cautious price.

Model names at another host may be priced in another way, so the list holds for OpenAI's own address only.
"""

import re
import tomllib
from functools import cache
from importlib.resources import files

from synthgen.config import Prices
from synthgen.specs import OPENAI, Spec

CAUTIOUS = Prices(prompt=15, cached=15, completion=75)
"""US dollars a million tokens for a paid model whose price nobody stated: dear, so that a budget is never passed."""
DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def of(model: str, spec: Spec) -> Prices:
    """The price of a model at an endpoint, also under a dated name."""
    listed_here = spec.urls == (OPENAI,)
    return listed().get(DATE.sub("", model), CAUTIOUS) if listed_here else CAUTIOUS


@cache
def listed() -> dict[str, Prices]:
    """Model to list price."""
    table = tomllib.loads((files("synthgen") / "prices.toml").read_text(encoding="utf-8"))
    return {model: Prices.model_validate(price) for model, price in table["openai"].items()}
