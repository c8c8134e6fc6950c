r"""Checks `number` and `maths`: whether the value that an answer settles on is the right one.

`number` takes {"answer": 225 or "1/3", "tolerance": absolute, "relative": share of the answer, "unit": "km"}, the last three
if wanted. `maths` takes {"answer": "\\frac{1}{2}", "x^2+1", "{1,2}", "(1,2)", "[0,1)", "x=3", ...}.

The answer's final statement is looked for (`final.py`), its formulas are cut out of the prose (`prose.py`) and read into trees
(`formulas.py`). Rationals are compared exactly, here; what needs more goes to the worker (`maths_worker.py`). What the text says
is never evaluated as a program. A text that settles on nothing has not passed; what cannot be compared in bounds is None.
"""

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from synthgen.checks import labels
from synthgen.checks.formulas import Tree, number, parse
from synthgen.checks.found import Found, Function
from synthgen.checks.lasting import Lasting
from synthgen.checks.maths_worker import symbols
from synthgen.checks.numerals import Unreadable
from synthgen.checks.prose import Claim, claims, cleaned, texts_of
from synthgen.checks.rational import TooBig, rational
from synthgen.checks.units import factor
from synthgen.text.tokens import normalised

WORKER = Lasting(Path(__file__).with_name("maths_worker.py"))
"""Compares formulas."""
NO_SOLUTION = re.compile(
    r"\bno (?:real |integer |such )?(?:solutions?|roots?|answers?|values?)\b|\bdoes not exist\b|\bnone\b|\bempty set\b|"
    r"\bundefined\b|\\emptyset|\\varnothing|∅",
    re.IGNORECASE,
)
PERCENT = frozenset({"%", "percent"})
SEVERAL = frozenset({"list", "or", "set", "tuple", "interval", "union", "pm", "chain", "matrix"})
"""Kinds of trees that are no single value."""


def number_check(answer: str, args: Mapping[str, Any], _given: str = "") -> Found:
    """Whether an answer settles on a number."""
    try:
        truth = exact(args["answer"])
        slack = allowed(truth, args)
    except (KeyError, TypeError, ValueError, OverflowError, TooBig):
        return Found(None, "the true answer is no number")
    claim = claims(answer, frozenset())
    unit = str(args.get("unit") or "")
    values = [value for tree in trees(claim, lists=False) for value in shown_values(tree)]
    return summed([near(value, truth, slack, unit, claim.unit) for value in values], claim)


def maths_check(answer: str, args: Mapping[str, Any], _given: str = "") -> Found:
    """Whether an answer settles on the true formula, in whatever form."""
    text = str(args.get("answer", "")).strip()
    try:
        truth = parse(cleaned(text))
    except Unreadable:
        return in_words(answer, text)
    if truth == ["set"]:
        return no_solution(answer)
    if re.fullmatch(r"(?:\\text\{)?[A-Z]\}?", text):
        return in_words(answer, text)
    claim = claims(answer, frozenset(symbols(truth)))
    pairs = [pair for tree in trees(claim, lists=True) for pair in pairings(truth, tree)]
    return summed([same(one, other) for one, other in pairs], claim)


def summed(verdicts: list[bool | None], claim: Claim) -> Found:
    """Passed where one reading is right; undecided where none is and one could not be compared."""
    if not claim.text:
        return Found(False, claim.why)
    if True in verdicts:
        return Found(True, f"found {claim.text}")
    if None in verdicts:
        return Found(None, f"not to be compared in bounds: {claim.text}")
    return Found(False, f"found {claim.text}" if verdicts else f"no value: {claim.text}")


def exact(value: Any) -> Fraction:
    """The rational that is meant: a float is the decimal that it is written as."""
    if isinstance(value, bool):
        raise TypeError("a truth value is no number")
    if isinstance(value, int | float):
        return Fraction(repr(value))
    try:
        found = rational(parse(cleaned(str(value)), lists=False))
    except Unreadable as error:
        raise ValueError(str(error)) from error
    if found is None:
        raise ValueError("no rational number")
    return found


def allowed(truth: Fraction, args: Mapping[str, Any]) -> Fraction:
    """How far off a right answer may be."""
    absolute, relative = (Fraction(repr(float(args.get(name) or 0))) for name in ("tolerance", "relative"))
    return max(absolute, relative * abs(truth))


def near(tree: Tree, truth: Fraction, slack: Fraction, wanted: str, found: str) -> bool | None:
    """Whether a value is the true one, in one of the ways in which its percent sign and its unit can be meant."""
    if symbols(tree):
        return False
    percent = tree[0] == "%"
    bare = tree[1] if percent or tree[0] == "deg" else tree
    try:
        value = rational(bare)
    except TooBig:
        return None
    if value is None:
        return proved(number(truth), bare, number(slack) if slack else None)
    readings = [value * factor(found, wanted)]
    if percent:
        readings = [value] if wanted in PERCENT else [value, value / 100] if abs(truth) > 1 else [value / 100]
    return any(abs(reading - truth) <= slack for reading in readings)


def trees(claim: Claim, *, lists: bool) -> Iterator[Tree]:
    """What a claim may be read as: a comma between digits parts a list, or stands before decimals."""
    for way in (lists, not lists) if re.search(r"\d,\d", claim.text) else (lists,):
        try:
            yield parse(claim.text, lists=way)
        except Unreadable:
            continue


def shown_values(tree: Tree) -> Iterator[Tree]:
    """The value of a chain of equal things: its last part, and where that only approximates, what stands before it."""
    if tree[0] == "chain" and set(tree[2::2]) <= {"=", "~"}:
        yield tree[-1]
        if tree[-2] == "~":
            yield tree[-3]
    elif tree[0] not in SEVERAL - {"pm"}:
        yield tree


def no_solution(answer: str) -> Found:
    """Whether an answer says that there is none."""
    claim = claims(answer, frozenset())
    found = NO_SOLUTION.search(claim.statement or answer[-1000:]) is not None
    return Found(found, "says that there is none" if found else "does not say that there is none")


def in_words(answer: str, truth: str) -> Found:
    """Whether an answer settles on a word, where the true answer is one."""
    words = " ".join(texts_of(truth)) or truth
    if NO_SOLUTION.search(words):
        return no_solution(answer)
    if not normalised(words) or "\\" in words:
        return Found(None, "the true answer cannot be read")
    return labels.says(answer, words)


def pairings(truth: Tree, given: Tree) -> Iterator[tuple[Tree, Tree]]:
    """What is to be compared with what: an answer may name its unknown or not, and tell an approximation beside."""
    if truth[0] == "chain" and set(truth[2::2]) == {"="}:
        yield from equations(truth, given)
    elif relation(truth):
        yield truth, given
    elif given[0] == "chain" and "in" in given[2::2]:
        yield truth, given[-1]
    elif given[0] == "chain" and set(given[2::2]) <= {"=", "~"}:
        yield from ((truth, one) for one in shown_values(given))
    else:
        yield truth, members_shown(given)


def equations(truth: Tree, given: Tree) -> Iterator[tuple[Tree, Tree]]:
    """The same, where the true answer is an equation: `x = 3` is 3, but not `y = 3`."""
    name = unknown(truth)
    if given[0] != "chain":
        if name:
            yield truth[-1], given
    elif name and unknown(given) and not symbols(truth[-1]):
        if name == unknown(given):
            yield from ((truth[-1], one) for one in shown_values(given))
    else:
        yield truth, given


def relation(tree: Tree) -> bool:
    """Whether it is an inequality, or several."""
    return tree[0] == "chain" or (tree[0] in {"or", "list"} and any(relation(part) for part in tree[1:]))


def members_shown(tree: Tree) -> Tree:
    """A row in which `x = 1` is 1; in the order of the names where they all differ."""
    if tree[0] not in {"list", "or", "set", "tuple"}:
        return tree
    if any(part[0] == "chain" and not set(part[2::2]) <= {"=", "~"} for part in tree[1:]):
        return tree
    parts, names = tree[1:], [unknown(part) for part in tree[1:]]
    if all(names) and len(set(names)) == len(names) and tree[0] != "or":
        parts = [part for _, part in sorted(zip(names, parts, strict=True), key=lambda pair: pair[0])]
    return ["set" if tree[0] == "or" else tree[0], *(next(shown_values(part), part) for part in parts)]


def unknown(tree: Tree) -> str:
    """The x of `x = ...`; "" of anything else."""
    simple = tree[0] == "chain" and tree[1][0] == "sym" and set(tree[2::2]) <= {"=", "~"}
    return str(tree[1][1]) if simple else ""


def same(truth: Tree, given: Tree) -> bool | None:
    """Whether two formulas are equal: rationals here and exactly, all else by the worker."""
    if not mentions_pi([truth, given]):  # an angle of 120 degrees is 2 pi / 3, but also 120
        truth, given = (one[1] if one[0] == "deg" else one for one in (truth, given))
    if truth == given:
        return True
    try:
        left, right = rational(truth), rational(given)
    except TooBig:
        return None
    if left is not None and right is not None:
        return left == right or same_percent(truth, given, left, right)
    if given[0] in {"list", "or"} and truth[0] not in SEVERAL:
        return False
    return proved(truth, given)


def proved(truth: Tree, given: Tree, slack: Tree | None = None) -> bool | None:
    """Whether the worker finds two formulas equal, or values within a slack; None where it cannot say so in time."""
    reply = WORKER.ask({"truth": truth, "given": given, "slack": slack})
    return reply["equal"] if reply is not None else None


def mentions_pi(tree: Tree) -> bool:
    """Whether pi is in a formula."""
    return tree == ["const", "pi"] or any(isinstance(part, list) and mentions_pi(part) for part in tree)


def same_percent(truth: Tree, given: Tree, left: Fraction, right: Fraction) -> bool:
    """Whether two values are equal if a percent sign that only one of them has is a unit."""
    if (truth[0] == "%") == (given[0] == "%"):
        return False
    return left * 100 == right if truth[0] == "%" else abs(left) > 1 and right * 100 == left


CHECKS: dict[str, Function] = {"number": number_check, "maths": maths_check}
"""The checks of this module by name."""
