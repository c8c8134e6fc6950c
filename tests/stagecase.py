"""Small records, a teacher that says what it is told to say, and the means of a stage."""

from collections.abc import Callable

from synthgen import prompts, strategies
from synthgen.config import RunConfig
from synthgen.records import Answer, Aspect, Instruction, Judged, Nearest, Reply, Request, Seed, Task
from synthgen.stages.stream import Means
from synthgen.text.ngrams import Leaks

TEXTS = prompts.load()
CONFIG = RunConfig(taxonomy=strategies.load())


class Scripted:
    """A teacher that answers with a function of the request, and remembers what it was asked."""

    def __init__(self, say: Callable[[Request], str | Reply]) -> None:
        self.say = say
        self.asked: list[Request] = []

    async def ask(self, request: Request) -> Reply:
        """The scripted reply, with a key that tells the calls apart."""
        self.asked.append(request)
        said = self.say(request)
        reply = said if isinstance(said, Reply) else Reply(text=said, finish="stop")
        return reply.model_copy(update={"key": f"k{len(self.asked)}", "model": "scripted"})


def means(teacher: Scripted, config: RunConfig = CONFIG, seeds: tuple[Seed, ...] = ()) -> Means:
    """What a stage works with."""
    return Means(teacher, config, TEXTS, {"train": seeds, "test": ()}, Leaks(TEXTS.strategies))


def instruction(text: str = "Name three rivers of Ghana.", number: int = 0) -> Instruction:
    """One accepted instruction."""
    return Instruction(
        id=f"c{number:06d}-0", call="kp", instruction=text, side="train", root_id="seed_task_1", parents=("seed_task_1",),
        nearest=Nearest("seed_task_1", 0.2),
    )  # fmt: skip


def task(text: str = "Name three rivers of Ghana.", **more: object) -> Task:
    """One planned task."""
    values = {
        "id": "c000000-0-0", "call": "ki", "calls": {}, "parent": "c000000-0", "side": "train", "root_id": "seed_task_1",
        "instruction": text, "input": "", "is_classification": False, "category": "knowledge", "difficulty": 2,
        "language": "en", "strategy": "recall-then-generate",
    }  # fmt: skip
    return Task.model_validate(values | more)


def answer(sample: int, text: str, *, explored: bool = False) -> Answer:
    """One candidate."""
    return Answer(
        id=f"c000000-0-0-{sample}", call=f"ka{sample}", task="c000000-0-0", strategy="recall-then-generate",
        explored=explored, teacher="scripted", sample=sample, text=text,
    )  # fmt: skip


def verdict(sample: int, *scores: int) -> Judged:
    """The marks of a candidate: one for all aspects, or four."""
    four = scores * 4 if len(scores) == 1 else scores
    names = ("instruction_following", "truthfulness", "honesty", "helpfulness")
    aspects = {name: Aspect(reason="so", score=score) for name, score in zip(names, four, strict=True)}
    return Judged(
        id=f"c000000-0-0-{sample}", call="kj", task="c000000-0-0", position=sample, aspects=aspects, mean=sum(four) / 4
    )
