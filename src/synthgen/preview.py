"""The exact requests a run would send, stage by stage, without sending any."""

from collections.abc import Iterator

import orjson

from synthgen import steps
from synthgen.errors import ConfigError
from synthgen.line import Line
from synthgen.records import Answer, Instruction, Nearest, Reply, Request, Task
from synthgen.runs import RunDir
from synthgen.stages import answer, grow, instantiate, judge, vet
from synthgen.stages.grow import Pool, Source
from synthgen.stages.instantiate import Kind
from synthgen.stages.plan import plan
from synthgen.steps import Job
from synthgen.teacher import wire
from synthgen.teacher.wire import Binding

STAGES = ("propose", "classify", "instantiate", "vet", "answer", "judge")


class Nobody:
    """A teacher that is never asked."""

    async def ask(self, request: Request) -> Reply:
        """Not for asking."""
        raise ConfigError(f"a preview asks nothing, not even as {request.role}")


def requests(job: Job, stage: str) -> Iterator[str]:
    """Each request as its JSON body, headed by its stage and size. Later stages are shown on the first seed's text."""
    if stage and stage not in STAGES:
        raise ConfigError(f"there is no stage {stage}; known: {', '.join(STAGES)}")
    config, texts, tasks = steps.resolve(job)
    sides = steps.sides_of(config, tasks, {})
    line = Line(RunDir(job.out), config, texts, tasks, sides, Nobody())
    for name, request in drawn(line):
        if not stage or name == stage:
            chosen = config.role(request.role)
            body = wire.body(request, Binding(identity="", model=chosen.model or "MODEL", api=chosen.api))
            size = sum(len(message.content) for message in request.messages)
            yield f"--- {name}: {len(request.messages)} message(s), {size} characters, about {size // 4} tokens"
            yield orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()


def drawn(line: Line) -> Iterator[tuple[str, Request]]:
    """One request of each stage."""
    config, texts, means = line.config, line.prompts, line.means()
    pool = Pool.of(Source.of(line.seeds, line.sides, config, texts))
    yield "propose", grow.prompt(0, pool)[0]
    seed = line.seeds[0]
    one = Instruction(
        id="c000000-0", call="", instruction=seed.instruction, side="train", root_id=seed.id, parents=(),
        nearest=Nearest("", 0.0),
    )  # fmt: skip
    examples = means.examples["train"]
    yield "classify", instantiate.ask_kind(one, examples, config, texts)
    kind = Kind(is_classification=len(seed.labels) > 1, labels=list(seed.labels))
    yield "instantiate", instantiate.ask(one, kind, examples, config, texts)[0]
    given = seed.instances[0].input if seed.instances else ""
    yield "vet", vet.ask("c000000-0-0", seed.instruction, given, config, texts)
    task = Task(
        id="c000000-0-0", call="", calls={}, parent=one.id, side="train", root_id=seed.id, instruction=seed.instruction,
        input=given, is_classification=seed.is_classification, category=seed.category, difficulty=3, language="und",
        **plan("c000000-0-0", seed.category, config, is_classification=seed.is_classification)._asdict(),
    )  # fmt: skip
    yield "answer", answer.ask(task, task.strategy, 0, config, texts)
    texts_shown = judge.shown(task, [sample(task, number) for number in range(config.samples)], config)
    yield "judge", judge.ask(task, texts_shown, "", config, texts)


def sample(task: Task, number: int) -> Answer:
    """A stand-in for an answer."""
    return Answer(
        id=f"{task.id}-{number}", call="", task=task.id, strategy=task.strategy, teacher="", sample=number,
        text=f"(answer {number})",
    )  # fmt: skip
