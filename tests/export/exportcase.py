"""Records of one small task."""

from synthgen.export.rows import Ancestry, Origin
from synthgen.records import ASPECTS, Answer, Aspect, Check, Instance, Judged, Outcome, Pair, Seed, Task

ANCESTRY = Ancestry(("seed_task_3", "c000001-0"), "seed_task_9", 0.25, "k-propose")
ORIGIN = Origin("model-a", "model-b", rehearsal=False)
TASK = Task(
    id="c000007-1-0",
    call="k-instantiate",
    calls={"instantiate": "k-instantiate", "vet": "k-vet"},
    parent="c000007-1",
    side="train",
    root_id="seed_task_3",
    instruction="Shorten the text.",
    input="It is raining, and it goes on raining.",
    is_classification=False,
    category="editing",
    difficulty=2,
    language="en",
    strategy="direct-answer",
)
SEED = Seed(
    id="seed_task_3",
    name="capital",
    instruction="Name the capital.",
    instances=(Instance(input="France", output="Paris"), Instance(output="Which one?")),
    category="knowledge",
)


NUMBER = Check(name="number", kind="answer", args={"answer": 225}, source="seed:seed_task_3")
LABEL = Check(name="label", kind="answer", args={"labels": ["yes", "no"], "answer": "no"}, source="file:t", chance=0.5)
WORDS = Check(name="constraint:words", kind="format", args={"most": 9}, source="program:constraints", chance=0.25)
COMMAS = Check(name="constraint:no_commas", kind="format", source="program:constraints", chance=0.75)
JSON = Check(name="json", kind="format", source="program:forms")
VOTE = Check(name="vote", kind="agreement")


def checked(*checks: Check) -> Task:
    """The task with checks."""
    return TASK.model_copy(update={"checks": checks})


def outcomes(checks: tuple[Check, ...], found: tuple[bool | None, ...]) -> tuple[Outcome, ...]:
    """What each check found, in their order."""
    return tuple(
        Outcome(name=one.name, kind=one.kind, passed=passed) for one, passed in zip(checks, found, strict=True)
    )


def answer(sample: int, text: str = "It rains on.", *, explored: bool = False) -> Answer:
    """One sample of the task."""
    return Answer(
        id=f"{TASK.id}-{sample}",
        call=f"k-answer-{sample}",
        task=TASK.id,
        strategy="step-by-step" if explored else "direct-answer",
        explored=explored,
        teacher="model-a",
        sample=sample,
        text=text,
    )


def verdict(sample: int, *scores: int) -> Judged:
    """The marks of one sample, in the order of the aspects."""
    aspects = {name: Aspect(reason="so", score=score) for name, score in zip(ASPECTS, scores, strict=True)}
    return Judged(
        id=f"{TASK.id}-{sample}",
        call="k-judge",
        task=TASK.id,
        position=sample,
        aspects=aspects,
        mean=sum(scores) / len(scores),
    )


PAIR = Pair(
    id=f"{TASK.id}-p",
    call="k-judge",
    task=TASK.id,
    strategy="direct-answer",
    chosen=f"{TASK.id}-1",
    rejected=f"{TASK.id}-0",
    score_chosen=4.75,
    score_rejected=2.5,
)
