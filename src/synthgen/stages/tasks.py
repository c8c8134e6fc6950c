"""From an accepted instruction to its tasks: instantiate, vet, plan."""

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import ClassVar

from synthgen.config import RunConfig
from synthgen.records import Check, Instruction, Record, Rejected, Reply, Seed, Task, Vetting
from synthgen.stages import decontaminate, instantiate, parity, vet
from synthgen.stages.instantiate import Draft, Kind
from synthgen.stages.plan import plan
from synthgen.stages.reading import Unreadable, ask
from synthgen.stages.stream import Lines, Means
from synthgen.text.tasktext import user_text
from synthgen.text.tokens import normalised

MOST_CONSTRAINTS = 3
"""On the form of one answer."""


class TaskStage:
    """Instruction to Tasks. Its state is the tasks seen so far, for dropping repeated ones."""

    name: ClassVar[str] = "tasks"
    kinds: ClassVar[Mapping[str, type[Record]]] = {"tasks": Task, "instantiate": Rejected, "vet": Rejected}

    def __init__(self, means: Means) -> None:
        self.means = means
        self.seen: dict[str, str] = {}
        """Normalised instruction and input to the task's id."""

    def identity(self, item: Instruction) -> str:
        """The instruction's id."""
        return item.id

    async def work(self, item: Instruction) -> Lines:
        """Up to two calls for the instruction, and one for each instance."""
        examples = self.means.examples[item.side]
        kind, sorted_by = await self._kind(item, examples)
        if isinstance(kind, Unreadable):
            return [("instantiate", instantiate.refused(item, kind, sorted_by))]
        drafts, written_by = await self._drafts(item, kind, examples)
        if isinstance(drafts, Unreadable):
            return [("instantiate", instantiate.refused(item, drafts, written_by))]
        return [
            await self._vetted(item, number, draft, kind, {"classify": sorted_by.key, "instantiate": written_by.key})
            for number, draft in enumerate(drafts)
        ]

    async def _kind(self, item: Instruction, examples: Sequence[Seed]) -> tuple[Kind | Unreadable, Reply]:
        """Labelling or open."""
        means = self.means
        request = instantiate.ask_kind(item, examples, means.config, means.prompts)
        if means.config.mode == "default":
            return await ask(means.teacher, request, instantiate.read_kind, means.prompts)
        reply = await means.teacher.ask(request)
        if reply.finish not in {"stop", "length"}:
            return Unreadable(f"the reply ended with {reply.finish}", reply.finish), reply
        return Kind(is_classification=parity.is_classification(reply.text)), reply

    async def _drafts(
        self, item: Instruction, kind: Kind, examples: Sequence[Seed]
    ) -> tuple[list[Draft] | Unreadable, Reply]:
        """The instruction's instances."""
        means, config = self.means, self.means.config
        request, wanted = instantiate.ask(item, kind, examples, config, means.prompts)
        if config.mode == "default":
            return await ask(
                means.teacher,
                request,
                lambda text: instantiate.read(text, kind, wanted, config.instances),
                means.prompts,
            )
        reply = await means.teacher.ask(request)
        read = parity.read_labelled if kind.is_classification else parity.read_open
        rng = Random(f"synthgen/instances/{config.seed}/{item.id}")  # noqa: S311  # sampling, not secrets
        pairs = parity.sampled(read(reply.text, reply.finish), rng)
        if not pairs:
            return Unreadable("no instance passed the filters", "no_instance"), reply
        label = kind.is_classification
        return [Draft(given, output if label else "", "" if label else output) for given, output in pairs], reply

    async def _vetted(
        self, item: Instruction, number: int, draft: Draft, kind: Kind, calls: dict[str, str]
    ) -> tuple[str, Record]:
        """One instance as a task, or why it is not one; a bad instance is not vetted."""
        means, identity = self.means, f"{item.id}-{number}"
        if means.config.mode == "default" and (fault := instantiate.fault(draft, item.instruction, kind.labels)):
            return "instantiate", Rejected(id=identity, reason=fault, evidence=draft.input, call=calls["instantiate"])
        found = (
            means.benchmarks.find(user_text(item.instruction, draft.input)) if means.benchmarks is not None else None
        )
        if found is not None:
            return "instantiate", decontaminate.rejected(identity, draft.input, found, calls["instantiate"])
        request = vet.ask(identity, item.instruction, draft.input, means.config, means.prompts)
        form, reply = await ask(
            means.teacher, request, lambda text: vet.read(text, means.config.taxonomy), means.prompts
        )
        if isinstance(form, Unreadable):
            return "vet", Rejected(id=identity, reason=form.reason, evidence=form.fault, call=reply.key)
        if fault := vet.fault(form, means.config.language):
            return "vet", Rejected(id=identity, reason=fault, evidence=draft.input, call=reply.key)
        return "tasks", self._task(item, identity, draft, kind, form, calls | {"vet": reply.key})

    def _task(
        self, item: Instruction, identity: str, draft: Draft, kind: Kind, found: Vetting, calls: dict[str, str]
    ) -> Task:
        """The planned task."""
        labelling = kind.is_classification
        chosen = plan(identity, found.category, self.means.config, is_classification=labelling)
        instruction, checks = constrained(item.instruction, identity, found, kind, self.means.config)
        return Task(
            id=identity,
            call=calls["instantiate"],
            calls=calls,
            parent=item.id,
            side=item.side,
            root_id=item.root_id,
            instruction=instruction,
            input=draft.input,
            is_classification=labelling,
            labels=tuple(kind.labels),
            intended_label=draft.label,
            draft=draft.output,
            category=found.category,
            difficulty=found.difficulty,
            language=found.language,
            **chosen._asdict(),
            checks=checks,
        )

    def settle(self, item: Instruction, raw: Lines) -> Lines:
        """Drop instances that an earlier task, or an earlier one of this commit, has word for word."""
        lines: list[tuple[str, Record]] = []
        fresh: dict[str, str] = {}
        for name, record in raw:
            key = duplicate_key(record) if isinstance(record, Task) else ""
            other = self.seen.get(key) or fresh.get(key)
            if isinstance(record, Task) and other is not None:
                repeated = Rejected(id=record.id, reason="duplicate_task", evidence=other, call=record.call)
                lines.append(("instantiate", repeated))
                continue
            if isinstance(record, Task):
                fresh[key] = record.id
            lines.append((name, record))
        return lines

    def taken(self, item: Instruction, lines: Lines) -> Iterable[Task]:
        """The tasks."""
        tasks = [record for _, record in lines if isinstance(record, Task)]
        self.seen.update((duplicate_key(task), task.id) for task in tasks)
        return tasks


def constrained(
    instruction: str, identity: str, found: Vetting, kind: Kind, config: RunConfig
) -> tuple[str, tuple[Check, ...]]:
    """The instruction of a task, for a share of the open English ones with constraints on the answer's form, and their checks.

    Never in parity mode, whose instances were written for the instruction as it was.
    """
    if config.mode == "parity":
        return instruction, ()
    rng = Random(f"synthgen/constraints/{config.seed}/{identity}")  # noqa: S311  # sampling, not secrets
    if rng.random() >= config.constraints or kind.is_classification or found.language != "en":
        return instruction, ()
    from synthgen.checks import constraints

    return constraints.attach(instruction, rng, rng.randint(1, MOST_CONSTRAINTS))


def duplicate_key(task: Task) -> str:
    """Equal for tasks whose instruction and input differ only in case, spaces and punctuation."""
    return f"{normalised(task.instruction)}\n{normalised(task.input)}"
