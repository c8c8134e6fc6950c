"""The other replies: classify, instantiate, vet, and the parity forms of them."""

import re
from typing import Any

import orjson

from synthgen.rehearsal import rates
from synthgen.rehearsal.families import recognise
from synthgen.rehearsal.wire import Call, tagged

LISTED = re.compile(r"\b([A-Z]?[\w -]{1,24}(?:, [\w -]{1,24})+,? or [\w-]{1,24})")


def dumped(call: Call, value: dict[str, Any]) -> str:
    """JSON, broken at the stated rate; whole when a repair is asked."""
    text = orjson.dumps(value).decode()
    broken = call.chance("json").random() < rates.BROKEN_JSON and not call.repairing
    return text[:-2] if broken else text


def labels_of(instruction: str) -> list[str]:
    """The labels of a task: its family's, or those its text lists with `or`."""
    known = recognise(instruction)
    if known is not None:
        return list(known[0].labels)
    found = LISTED.search(instruction)
    return [part.strip() for part in re.split(r",? or |, ", found[1])] if found else []


def classify(call: Call) -> str:
    """Labelling or open."""
    labels = labels_of(tagged(call.text, "instruction"))
    return dumped(call, {"is_classification": bool(labels), "labels": labels})


def instantiate_open(call: Call) -> str:
    """Inputs of an open task."""
    count = re.search(r"Write (\d+) input", call.text)
    rng = call.chance("input")
    known = recognise(tagged(call.text, "instruction"))
    inputs = [known[0].given(known[1], rng, "") if known else "" for _ in range(int(count[1]) if count else 1)]
    return dumped(call, {"inputs": inputs})


def instantiate_labels(call: Call) -> str:
    """A text for each label wanted; now and then one that gives its label away."""
    rng = call.chance("input")
    known = recognise(tagged(call.text, "instruction"))
    instances = []
    for label in tagged(call.text, "wanted").splitlines():
        text = (
            known[0].given(known[1], rng, label)
            if known
            else f"A line that speaks for itself, number {rng.randrange(10**6)}."
        )
        if rng.random() < rates.STATES_LABEL:
            text += f" It is {label}."
        instances.append({"label": label, "input": text})
    return dumped(call, {"instances": instances})


def vet(call: Call) -> str:
    """The inspection form."""
    rng = call.chance("vet")
    instruction = tagged(call.text, "instruction")
    known = recognise(instruction)
    form = {
        "category": known[0].category if known else "other",
        "valid": rng.random() >= rates.INVALID,
        "missing_context": rng.random() < rates.MISSING_CONTEXT,
        "fresh_or_private": rng.random() < rates.FRESH_OR_PRIVATE,
        "difficulty": min(5, max(1, round(2 + 2 * (known[0].difficulty if known else 0.5) + rng.gauss(0, 0.5)))),
        "language": "zh" if re.search("[\u4e00-\u9fff]", instruction) else "en",
    }
    return dumped(call, form)


def classify_parity(call: Call) -> str:
    """Yes or No."""
    return " Yes" if labels_of(last_task(call.text)) else " No"


def instantiate_parity(call: Call) -> str:
    """Examples in the reference's shape, label first for labelling tasks."""
    rng = call.chance("input")
    instruction = last_task(call.text)
    known = recognise(instruction)
    if known is None:
        return "Output: " + " ".join(instruction.split()[::-1][:12])
    family, found = known
    if family.labels:
        return "\n\n".join(f"Class label: {label}\n{family.given(found, rng, label)}" for label in family.labels)
    given = family.given(found, rng, "")
    solution = family.solve(found, given)
    outcome = solution.right or " and ".join(solution.required)
    return f"Input: {given}\nOutput: {outcome}" if given else f"Output: {outcome}"


def last_task(text: str) -> str:
    """The task a parity prompt ends with."""
    return text.rpartition("Task: ")[2].partition("\n")[0].strip()
