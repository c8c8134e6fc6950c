"""Do samples of one task agree? A sample passes where its final answer is the one of most samples (Wang et al., 2203.11171).

That samples agree says nothing about truth: outcomes are of the kind `agreement`, and stay apart from all others.
What counts as the final answer, and which two are the same, can be given: mathematics knows better than text.
"""

import operator
import re
from collections.abc import Callable, Sequence

from synthgen.records import Check, Outcome
from synthgen.text.tokens import normalised, words

Key = Callable[[str], str | None]
"""The final answer of a text, or None where it has none."""
Same = Callable[[str, str], bool]
"""Whether two final answers are the same."""
FEWEST = 3
"""Samples of which a majority says something."""
STATED = re.compile(
    r"\b(?:answer|conclusion|antwort|réponse|respuesta)[\s*_]*(?:\b(?:is|ist|lautet|est|es)\b[\s*_]*:?|[:：=]|$)"
    r"|(?:答案(?:是|为)?|答え(?:は)?)[\s*_]*[:：]?|####",
    re.IGNORECASE,
)
"""What announces a final answer."""
NUMBER = re.compile(r"(?<![\w.])[-+−]?(?:\d{1,3}(?:,\d{3})+|\d{1,400})(?:\.\d{1,400})?|(?<![\w.])\.\d{1,400}")
AROUND = " \t*_`$#>.,;:!"
"""What may stand around a statement and is no part of it."""
BOXED = "\\boxed{"


def agreement(
    texts: Sequence[str], check: Check | None = None, *, key: Key | None = None, same: Same = operator.eq
) -> list[Outcome]:
    """What agreement finds of each sample, in their order.

    A sample passes in a strict majority of at least two, fails outside it, and is undecided where there are fewer than three.
    """
    reading = key or key_for(check)
    finals = [reading(text) for text in texts]
    groups = clusters(finals, same)
    sizes = {number: len(group) for group in groups for number in group}
    return [outcome(sizes.get(number, 0), len(texts)) for number in range(len(texts))]


def outcome(size: int, samples: int) -> Outcome:
    """What is told of a sample whose answer so many samples gave."""
    passed = None if samples < FEWEST else size * 2 > samples
    detail = f"{size} of {samples}" if size else f"no final answer; {samples} samples"
    return Outcome(name="agreement", kind="agreement", passed=passed, detail=detail)


def clusters(finals: Sequence[str | None], same: Same) -> list[list[int]]:
    """The numbers of the samples that gave the same answer; each joins the first group whose first answer is the same."""
    groups: list[tuple[str, list[int]]] = []
    for number, final in enumerate(finals):
        if final is None:
            continue
        for first, members in groups:
            if same(first, final):
                members.append(number)
                break
        else:
            groups.append((final, [number]))
    return [members for _, members in groups]


def key_for(check: Check | None) -> Key:
    """How the final answer is read, after what is checked of the task."""
    match check:
        case Check(name="number" | "maths"):
            return number
        case Check(name="label", args={"labels": [*labels]}):
            return lambda text: label(text, [str(one) for one in labels])
        case _:
            return final


def final(text: str) -> str | None:
    """The final statement in words alone: what is boxed, what an announcement is followed by, or the last line."""
    return normalised(statement(text).strip(AROUND)) or None


def statement(text: str) -> str:
    """The final statement as it is written."""
    if BOXED in text:
        return boxed(text)
    lines = [line for line in text.splitlines() if words(line)]
    if not lines:
        return text.strip()
    for number in reversed(range(len(lines))):
        found = [*STATED.finditer(lines[number])]
        if found:
            rest = lines[number][found[-1].end() :]
            return rest if words(rest) else " ".join(lines[number + 1 : number + 2])
    return lines[-1]


def boxed(text: str) -> str:
    r"""What stands in the last \boxed{}, braces within it counted."""
    start = text.rindex(BOXED) + len(BOXED)
    depth = 1
    for end in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if not depth:
            return text[start:end]
    return text[start:]


def number(text: str) -> str | None:
    """The last number of the final statement, or else of the text, in one spelling: `1,200.50` is `1200.5`."""
    found = NUMBER.findall(statement(text)) or NUMBER.findall(text)
    if not found:
        return None
    digits = found[-1].replace(",", "").replace("−", "-").lstrip("+")
    sign, digits = digits[: digits.startswith("-")], digits.removeprefix("-")
    digits = digits.lstrip("0") or "0"
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    digits = f"0{digits}" if digits.startswith(".") or not digits else digits
    return digits if digits == "0" else sign + digits


def label(text: str, labels: Sequence[str]) -> str | None:
    """The only label that stands in the final statement, or else in the text."""
    for part in (statement(text), text):
        padded = f" {normalised(part)} "
        found = [one for one in labels if f" {normalised(one)} " in padded]
        longest = max(found, key=len, default=None)
        if longest is not None and all(normalised(one) in normalised(longest) for one in found):
            return normalised(longest)
    return None
