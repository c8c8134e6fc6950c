"""The policy file: which strategy each category was found to want, on what evidence, and what that gained on held-out items.

`synthgen strategies tune` writes it; a run that is given it follows it, and the shipped table where it has no choice.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from synthgen.errors import ConfigError
from synthgen.records import Record

Think = Literal["", "think", "no_think"]
"""Whether a reasoning model is told to think: "" leaves it to the model."""


class ArmFound(Record):
    """What one arm came to on the items of a category."""

    strategy: str
    think: Think = ""
    items: int
    """That it was asked; fewer than the category's where it was dropped."""
    passed: int
    """Answers that passed."""
    total: int
    """Answers."""
    rate: float
    """Share of the answers that passed."""
    low: float
    """Of the 95% interval of the rate, counted by items."""
    high: float
    """Its other end."""
    shrunk: float
    """The rate, drawn towards the strategy's rate over all categories."""
    tokens: float
    """Of a reply, on average."""
    tokens_per_success: float | None
    """None where nothing passed."""
    worse: bool
    """Significantly worse than the best arm."""


class CategoryFound(Record):
    """The evidence of one category, and what follows from it."""

    items: int
    """That decide: those which the arms still in the running were asked."""
    undecided: int = 0
    """Items left out, because no answer to them could be checked."""
    strategy: str = ""
    """What was chosen; "" where there was not enough evidence."""
    think: Think = ""
    reason: str
    """Why it was chosen, or why nothing was."""
    regret: float
    """How much of the rate the choice, or the best arm where there is none, is expected to lose against the truly best one."""
    arms: tuple[ArmFound, ...]


class Correctness(Record):
    """Checked correctness of one way of answering on the held-out items."""

    rate: float
    low: float
    high: float
    tokens: float
    """Of a reply, on average."""


class Gain(Record):
    """What the tuned policy's rate is above another's, item by item."""

    difference: float
    low: float
    high: float


class HeldOut(Record):
    """The items that decided nothing, and what the policy does on them."""

    items: int
    undecided: int = 0
    tuned: Correctness | None = None
    """The choices of this file, and the shipped table where there is none; None without items."""
    shipped: Correctness | None = None
    """The shipped table alone."""
    single: dict[str, Correctness] = {}
    """Every arm for everything, by its name."""
    over_shipped: Gain | None = None
    over_single: dict[str, Gain] = {}
    """Over every arm by itself."""


class Part(Record):
    """What was found with one model."""

    model: str
    identity: str
    """The endpoint's declared identity."""
    answers: dict[str, int]
    """How many were checked: `tuning`, `held_out`, and `left_out` for want of calls."""
    categories: dict[str, CategoryFound]
    held_out: HeldOut


class Policy(Record):
    """The whole file."""

    format: Literal[1] = 1
    """Of the file."""
    synthgen: str
    """The version that wrote it."""
    items: str
    """SHA-256 of every item: text, category and check."""
    sources: dict[str, int]
    """Where the known answers come from: the seeds, and each file by its name, to how many items."""
    held_out_share: float = Field(ge=0, le=1)
    samples: int
    """Answers of an arm to an item."""
    prompts: dict[str, str]
    """Strategy to the SHA-256 of the prompt that imposed it."""
    decoding: dict[str, object]
    """How the answers were sampled."""
    teacher: Part
    student: Part | None = None
    """What was found with the model that is to be taught; where it has a choice, it chooses."""

    def strategy(self, category: str) -> tuple[str, Think] | None:
        """(strategy, think) of a category: by the student where that was told, else by the teacher; None for the shipped table."""
        for part in (self.student, self.teacher):
            found = part.categories.get(category) if part is not None else None
            if found is not None and found.strategy:
                return found.strategy, found.think
        return None


def load(path: Path) -> Policy:
    """The policy of a file. Raises ConfigError where it is none."""
    try:
        return Policy.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read the policy {path}: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        said = f"{place}: {first['msg']}" if place else first["msg"]
        raise ConfigError(
            f"{path} is not a policy that this version reads ({said}); `synthgen strategies tune` writes one"
        ) from error
