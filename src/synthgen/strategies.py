"""The reasoning strategies of Orca 2, the one taxonomy of categories, and the policy that joins them.

Orca 2 (2311.11045 section 3) names these strategies but no table from task to strategy: the policy shipped in
`categories.toml` is the authors' prior, not measured.
"""

import tomllib
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from synthgen.errors import ConfigError
from synthgen.records import Record

STRATEGIES = (
    "direct-answer",
    "step-by-step",
    "recall-then-generate",
    "recall-reason-generate",
    "extract-generate",
    "explain-then-answer",
)
OTHER = "other"
AUTO, NONE = "auto", "none"
"""In the place of a strategy's name: that of the policy, and a prompt that is sent as it is."""


class Category(Record):
    """One name of the taxonomy with its reasoning strategies."""

    about: str
    strategy: str
    alternative: str


class Taxonomy(Record):
    """Every category by name, in the file's order."""

    categories: dict[str, Category]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the categories, `other` last."""
        return tuple(self.categories)

    def name(self, text: object) -> str:
        """The category a text names, whatever its case and spaces; `other` where it names none."""
        wanted = "-".join(str(text).casefold().replace("_", " ").split())
        return wanted if wanted in self.categories else OTHER

    def strategy(self, category: str) -> tuple[str, str]:
        """The strategy of a category, and its alternative."""
        entry = self.categories.get(category, self.categories[OTHER])
        return entry.strategy, entry.alternative


def load(path: Path | None = None, strategies: frozenset[str] = frozenset(STRATEGIES)) -> Taxonomy:
    """The shipped taxonomy, or that of a user's file. Strategies beyond the shipped six need a prompt file."""
    try:
        text = (
            path.read_text(encoding="utf-8")
            if path
            else (resources.files("synthgen") / "categories.toml").read_text(encoding="utf-8")
        )
        taxonomy = Taxonomy(categories=tomllib.loads(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigError(f"cannot use the taxonomy {path}: {error}") from error
    if OTHER not in taxonomy.categories:
        raise ConfigError(f"the taxonomy {path} has no category named {OTHER}, where unreadable ones go")
    for name, category in taxonomy.categories.items():
        for strategy in (category.strategy, category.alternative):
            if strategy not in strategies:
                raise ConfigError(
                    f"category {name} names the strategy {strategy}, which has no prompt; known: {', '.join(sorted(strategies))}"
                )
    return taxonomy
