"""Steps 2 to 4 of the reference as it stands: prompts' shape, parsing and filters of instances.

Source: self-instruct's identify_clf_or_not.py, generate_instances.py and prepare_for_finetuning.py (2023-03-27).
Only pure decisions are reproduced. Where the reference's result hangs on the order of a set, the order here is
that of appearance; a call that failed is not taken for a No.
"""

import re
from collections.abc import Sequence
from itertools import combinations
from random import Random

from synthgen.prompts import Prompts
from synthgen.records import Finish, Message, Seed
from synthgen.stages.propose import encoded

YES = frozenset({"Yes", "yes", "YES"})
OUTPUT = re.compile(r"Output\s*\d*\s*:")
INPUT = re.compile(r"Input\s*\d*\s*:")
LEADING_INPUT = re.compile(r"^Input\s*\d*\s*:")
EXAMPLE = re.compile(r"Example\s?\d*\.?")
CLASS_LABEL = "Class label:"
MOST_INSTANCES = 5
CLASSIFY_YES, CLASSIFY_NO = 12, 19
OPEN_EXAMPLES, LABEL_EXAMPLES = 11, 16

Pairs = list[tuple[str, str]]
"""(input, output) of each instance."""


def classify_prompt(instruction: str, seeds: Sequence[Seed], prompts: Prompts) -> tuple[Message, ...]:
    """12 labelling and 19 open examples (as many as there are), then the task."""
    yes = [seed for seed in seeds if seed.is_classification][:CLASSIFY_YES]
    no = [seed for seed in seeds if not seed.is_classification][:CLASSIFY_NO]
    examples = "\n\n".join(
        f"Task: {encoded(seed.instruction)}\nIs it classification? {'Yes' if seed.is_classification else 'No'}"
        for seed in sorted((*yes, *no), key=lambda seed: seed.id)
    )
    return prompts.render("classify_parity", examples=examples + "\n", instruction=encoded(instruction))


def is_classification(text: str) -> bool:
    """Only a bare Yes counts; anything else that was answered is a No."""
    return text.strip() in YES


def instance_prompt(
    instruction: str, seeds: Sequence[Seed], prompts: Prompts, *, labelling: bool
) -> tuple[Message, ...]:
    """Worked examples, input-first for open tasks and label-first for labelling ones, then the task."""
    if labelling:
        chosen = [seed for seed in seeds if seed.is_classification and seed.instances][:LABEL_EXAMPLES]
        examples = "\n\n".join(
            "\n".join(
                (
                    f"Task: {encoded(seed.instruction)}",
                    *(label_example(one.input, one.output) for one in seed.instances),
                )
            )
            for seed in chosen
        )
        return prompts.render("instantiate_labels_parity", examples=examples + "\n", instruction=encoded(instruction))
    chosen = [seed for seed in seeds if not seed.is_classification and seed.instances][:OPEN_EXAMPLES]
    examples = "\n\n".join("\n".join((f"Task: {encoded(seed.instruction)}", *open_examples(seed))) for seed in chosen)
    return prompts.render("instantiate_open_parity", examples=examples + "\n", instruction=encoded(instruction))


def label_example(text: str, label: str) -> str:
    """One instance, label first."""
    return f"{CLASS_LABEL} {label}\n{text}".rstrip()


def open_examples(seed: Seed) -> list[str]:
    """The instances of a seed, numbered where there are several."""
    parts = []
    for number, one in enumerate(seed.instances, start=1):
        head = [f"Example {number}"] if len(seed.instances) > 1 else []
        parts += [*head, *([f"Input: {one.input}"] if one.input else []), f"Output: {one.output}"]
    return parts


def read_open(text: str, finish: Finish) -> Pairs:
    """The instances of an open task's reply, filtered (parse_instances_for_generation_task)."""
    raw = text.strip()
    if EXAMPLE.search(raw):
        pairs = [split_input_output(part.strip()) for part in EXAMPLE.split(raw) if part.strip()]
    elif OUTPUT.search(raw):
        pairs = [split_input_output(raw)]
    else:
        return []
    return filtered(pairs, finish)


def split_input_output(text: str) -> tuple[str, str]:
    """What stands before the first `Output:`, and what stands between it and the next mark."""
    pieces = OUTPUT.split(text)
    given, output = (pieces[0].strip(), pieces[1].strip()) if len(pieces) > 1 else ("", text.strip())
    output = INPUT.split(output)[0].strip() if INPUT.search(output) else output
    return LEADING_INPUT.sub("", given).strip(), output


def read_labelled(text: str, finish: Finish) -> Pairs:
    """The instances of a labelling task's reply, filtered (parse_instances_for_classification_task)."""
    pairs = []
    for piece in text.split(CLASS_LABEL)[1:]:
        label, _, rest = piece.strip().partition("\n")
        pairs.append((rest.strip(), label.strip()))
    return filtered(pairs, finish)


def filtered(pairs: Pairs, finish: Finish) -> Pairs:
    """The filters in the reference's order: cut last one, invalid ones, contradicting ones, repeated ones."""
    if finish == "length":
        pairs = pairs[:-1]
    return without_duplicates([pair for pair in pairs if valid(*pair)])


def valid(given: str, output: str) -> bool:
    """Not an echo, not empty, and neither side waits for more."""
    return output not in {given, ""} and not given.strip().endswith(":") and not output.strip().endswith(":")


def without_duplicates(pairs: Pairs) -> Pairs:
    """[] where one non-empty input has two outputs; otherwise each pair once, in order of appearance."""
    for (given, output), (other, another) in combinations(pairs, 2):
        if given != "" and given == other and output != another:
            return []
    return list(dict.fromkeys(pairs))


def sampled(pairs: Pairs, rng: Random) -> Pairs:
    """Five instances at most, by chance."""
    return rng.sample(pairs, min(MOST_INSTANCES, len(pairs)))
