"""The other replies: classify, instantiate, vet, and the parity forms of them."""

import re
from typing import Any

import orjson

from synthgen.rehearsal import rates
from synthgen.rehearsal.families import recognise
from synthgen.rehearsal.wire import Call, tagged

LISTED = re.compile(r"\b([A-Z]?[\w -]{1,24}(?:, [\w -]{1,24})+,? or [\w-]{1,24})")

CATEGORIES = re.compile(r"one name from this list that fits best: ([a-z, -]+)")
OTHER = "other"
GUESSES = tuple(
    (category, re.compile(rf"\b(?:{words})", re.IGNORECASE))
    for category, words in (
        ("translation", "translat|in Spanish|in French|proverb|language is"),
        ("code-editing", "crash|repair it|injection|bug|list comprehension"),
        ("code-writing", "Python|SQL|JavaScript|shell|function"),
        ("code-explanation", "program print|regular expression|running time|programming language"),
        ("formatting", "JSON|format|in alphabetical order|outline"),
        ("summarization", "sum up|summary|condense|headline"),
        ("rewriting", "say this again|recast|rewrite|passive"),
        ("editing", "correct the|shorten|tense|punctuation"),
        ("reading", "passage|the letter|the note"),
        ("extraction", "pull the|list the people|minutes|menu line"),
        ("classification", "label|classify|group|register|sort"),
        ("multiple-choice", "letter|pick one|choose the only"),
        ("dialogue", "reply as|next line|tells you|a caller"),
        ("brainstorming", "suggest|names for|ideas"),
        ("planning", "plan|rota|steps for|at what time"),
        ("puzzles", "riddle|code|anagram|chain"),
        ("reasoning", "argument|conclusion|seat|who has"),
        ("data-analysis", "median|chart|percentage|readings"),
        ("mathematics", "how many|how long|fraction|solve|sum"),
        ("science", "density|energy|chromosome|experiment|Moon"),
        ("history-society", "year|history|king|museum|carved"),
        ("explanation", "explain|why"),
        ("judgement", "judge|which one|weigh|risk|argue"),
        ("correspondence", "letter|e-?mail|invitation|message"),
        ("creative-writing", "story|poem|syllables|fairy"),
        ("work-business", "customer|invoice|meeting|supplier"),
        ("everyday-life", "dinner|kitchen|jacket|bus|cook"),
        ("writing", "write|draft|describe|compose"),
        ("knowledge", "which|what|name"),
    )
)
"""What an inspection guesses of texts that no family wrote, the first that fits: right for about half of the human seeds."""


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
        "category": category_of(call, instruction),
        "valid": rng.random() >= rates.INVALID,
        "missing_context": rng.random() < rates.MISSING_CONTEXT,
        "fresh_or_private": rng.random() < rates.FRESH_OR_PRIVATE,
        "difficulty": min(5, max(1, round(2 + 2 * (known[0].difficulty if known else 0.5) + rng.gauss(0, 0.5)))),
        "language": "zh" if re.search("[\u4e00-\u9fff]", instruction) else "en",
    }
    return dumped(call, form)


def category_of(call: Call, instruction: str) -> str:
    """The category of a task as an inspection has it: its family's, or guessed by a word, and at the stated rate the one beside it."""
    known = recognise(instruction)
    right = known[0].category if known else guessed(instruction)
    if right == OTHER or call.chance("category").random() >= rates.MISSORTED:
        return right
    listed = CATEGORIES.search(call.text)
    names = [name.strip() for name in listed[1].split(",")] if listed else []
    return names[(names.index(right) + 1) % len(names)] if right in names else right


def guessed(instruction: str) -> str:
    """The category of a text that no family wrote, by the first of the words that stands in it."""
    return next((category for category, word in GUESSES if word.search(instruction)), OTHER)


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
