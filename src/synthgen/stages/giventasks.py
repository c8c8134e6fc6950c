"""From a prompt that was given to its task: a call for its category where the policy needs one, and the plan."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from synthgen.errors import ConfigError
from synthgen.records import Record, Rejected, Side, Task, Vetting
from synthgen.stages import decontaminate, vet
from synthgen.stages.given import Prompt
from synthgen.stages.plan import Plan, plan
from synthgen.stages.reading import Unreadable, ask
from synthgen.stages.seeds import place
from synthgen.stages.stream import OR_ANEW, Lines, Means
from synthgen.strategies import AUTO, NONE, OTHER
from synthgen.text.tasktext import user_text

DEFAULTS: Mapping[str, Any] = {"strategy": AUTO, "samples": 1, "explore": 0, "answers_across": False, "test_share": 0}
"""What holds unless flags or a config file say otherwise: one answer to each prompt, all of them to train on."""


def completed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Config values with what holds for prompts that are given. A prompt that is sent as it is stays so in its row."""
    whole = {**DEFAULTS, **values}
    roles = whole.get("roles")
    told: dict[str, Any] = {"judging": whole["samples"] != 1 or (isinstance(roles, Mapping) and "judge" in roles)}
    if whole["strategy"] == NONE:
        told["system"] = "none"
    return told | whole


def check(strategy: str, known: frozenset[str]) -> None:
    """Raise ConfigError for a strategy that has no prompt."""
    if strategy not in {"", AUTO, NONE, *known}:
        raise ConfigError(f"there is no strategy {strategy}; known: {AUTO}, {NONE}, {', '.join(sorted(known))}")


class GivenStage:
    """Prompt to Task, without any state. A prompt is its user's own: the inspection only sorts it."""

    name: ClassVar[str] = "tasks"
    kinds: ClassVar[Mapping[str, type[Record]]] = {"tasks": Task, "prompts": Rejected}

    def __init__(self, means: Means) -> None:
        self.means = means

    def identity(self, item: Prompt) -> str:
        """The position of the row."""
        return item.id

    async def work(self, item: Prompt) -> Lines:
        """One call where the policy decides and the row names no category; none otherwise."""
        if (rejected := self._rejected(item)) is not None:
            return [("prompts", rejected)]
        category = self._category(item)
        if category is not None:
            return [("tasks", self._task(item, unseen(category), {}))]
        means = self.means
        request = vet.ask(item.id, item.instruction, item.input, means.config, means.prompts)
        form, reply = await ask(
            means.teacher, request, lambda text: vet.read(text, means.config.taxonomy), means.prompts
        )
        found = unseen(OTHER) if isinstance(form, Unreadable) else form
        return [("tasks", self._task(item, found, {"vet": reply.key}))]

    def _rejected(self, item: Prompt) -> Rejected | None:
        """Why a row cannot be asked."""
        if item.unfit is not None:
            return Rejected(id=item.id, reason=item.unfit.reason, evidence=item.unfit.evidence)
        text = user_text(item.instruction, item.input)
        found = self.means.benchmarks.find(text) if self.means.benchmarks is not None else None
        return decontaminate.rejected(item.id, text, found, "") if found is not None else None

    def _category(self, item: Prompt) -> str | None:
        """The category that needs no call; None where the inspection is asked."""
        named, config = self.means.config.taxonomy.name(item.category), self.means.config
        unknown = named == OTHER and item.category.strip().casefold() != OTHER
        return None if unknown and config.strategy == AUTO else named

    def _task(self, item: Prompt, found: Vetting, calls: dict[str, str]) -> Task:
        """The planned task."""
        config = self.means.config
        chosen = Plan(config.strategy)
        if config.strategy == AUTO:
            chosen = plan(item.id, found.category, config, is_classification=False)
        return Task(
            id=item.id,
            call="",
            calls=calls,
            parent=item.row_id,
            side=side(item, config.test_share),
            root_id=item.id,
            instruction=item.instruction,
            input=item.input,
            is_classification=False,
            category=found.category,
            difficulty=found.difficulty,
            language=found.language,
            **chosen._asdict(),
            checks=item.checks,
        )

    def settle(self, item: Prompt, raw: Lines) -> Lines:
        """As it came."""
        return raw

    def taken(self, item: Prompt, lines: Lines) -> Iterable[Task]:
        """The task, if there is one. Raises ConfigError where an earlier run committed it for another row."""
        (_, record), *_ = lines
        if not self._of(item, record):
            raise ConfigError(
                f"{item.place} ({item.id}) is not the row that this run has answered; restore it, new rows go to the end, "
                f"{OR_ANEW}"
            )
        return [record] if isinstance(record, Task) else []

    def _of(self, item: Prompt, record: Record) -> bool:
        """Whether a record is what becomes of a row."""
        if not isinstance(record, Task):
            return record == self._rejected(item)
        if (record.instruction, record.input, record.parent) != (item.instruction, item.input, item.row_id):
            return False
        # A line of a version that knew no checks has none, whatever its row says.
        if "checks" in record.model_fields_set and record.checks != item.checks:
            return False
        category = self._category(item)
        return "vet" in record.calls if category is None else category == record.category and not record.calls


def unseen(category: str) -> Vetting:
    """What is known of a prompt that was not inspected."""
    return Vetting(
        category=category, valid=True, missing_context=False, fresh_or_private=False, difficulty=0, language="und"
    )


def side(item: Prompt, share: float) -> Side:
    """The side of a prompt, by a hash of its text: equal prompts are on one side."""
    if not share:
        return "train"
    drawn = int(place(user_text(item.instruction, item.input)), 16)
    return "test" if drawn < share * 2**256 else "train"
