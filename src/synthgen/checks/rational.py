"""The exact value of a formula that has one: rationals only, in bounded time, never a float."""

import math
from collections.abc import Callable
from fractions import Fraction

from synthgen.checks.formulas import Tree

MOST_BITS = 20_000
"""Of a numerator or a denominator; 6,000 decimal digits."""
MOST_FACTORIAL = 1_000


class TooBig(Exception):
    """The value has more digits than are worth computing."""


def rational(tree: Tree) -> Fraction | None:
    """The value of a formula without symbols; None where it has no rational value that is easily seen."""
    kind = tree[0]
    if kind == "num":
        return Fraction(tree[1])
    if kind not in EXACT:
        return None
    parts = [rational(part) for part in tree[1:] if isinstance(part, list)]
    if any(part is None for part in parts):
        return None
    value = EXACT[kind](tree, [part for part in parts if part is not None])
    if value is not None and max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS:
        raise TooBig("a number of too many digits")
    return value


def power(_tree: Tree, parts: list[Fraction]) -> Fraction | None:
    """A power; a fractional one only of a perfect power."""
    base, exponent = parts
    if exponent.denominator != 1:
        if base < 0 or exponent.denominator > 64:
            return None
        found = root_of(base, exponent.denominator)
        return None if found is None else power(_tree, [found, Fraction(exponent.numerator)])
    if base == 0:
        return None if exponent < 0 else Fraction(int(exponent == 0))
    if abs(base) != 1:
        size = max(base.numerator.bit_length(), base.denominator.bit_length())
        if abs(exponent) * size > MOST_BITS:
            raise TooBig("a power of too many digits")
    else:
        exponent = Fraction(exponent.numerator % 2)
    return Fraction(base**exponent.numerator)


def root_of(value: Fraction, degree: int) -> Fraction | None:
    """The root of a perfect power; None of another number."""
    if value < 0:
        return None if degree % 2 == 0 or (found := root_of(-value, degree)) is None else -found
    top, bottom = whole_root(value.numerator, degree), whole_root(value.denominator, degree)
    return None if top is None or bottom is None else Fraction(top, bottom)


def whole_root(value: int, degree: int) -> int | None:
    """The whole number whose power this is, by bisection."""
    if degree == 2:
        low = math.isqrt(value)
    else:
        low, high = 0, 1 << (value.bit_length() // degree + 1)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if middle**degree <= value else (low, middle - 1)
    return low if low**degree == value else None


def root(_tree: Tree, parts: list[Fraction]) -> Fraction | None:
    """A root with its degree."""
    value, degree = parts
    return root_of(value, int(degree)) if degree.denominator == 1 and 2 <= degree <= 64 else None


def factorial(_tree: Tree, parts: list[Fraction]) -> Fraction | None:
    """The factorial of a whole number."""
    if parts[0].denominator != 1 or parts[0] < 0:
        return None
    if parts[0] > MOST_FACTORIAL:
        raise TooBig("a factorial of too many digits")
    return Fraction(math.factorial(int(parts[0])))


def binomial(_tree: Tree, parts: list[Fraction]) -> Fraction | None:
    """How many ways there are to choose."""
    if any(part.denominator != 1 or not 0 <= part <= MOST_FACTORIAL for part in parts):
        return None
    return Fraction(math.comb(int(parts[0]), int(parts[1])))


def function(tree: Tree, parts: list[Fraction]) -> Fraction | None:
    """The functions whose value is rational."""
    known: dict[str, Callable[[Fraction], Fraction]] = {
        "abs": abs,
        "floor": lambda one: Fraction(math.floor(one)),
        "ceil": lambda one: Fraction(math.ceil(one)),
    }
    return known[tree[1]](parts[0]) if tree[1] in known else None


EXACT: dict[str, Callable[[Tree, list[Fraction]], Fraction | None]] = {
    "+": lambda _, parts: parts[0] + parts[1],
    "*": lambda _, parts: parts[0] * parts[1],
    "/": lambda _, parts: parts[0] / parts[1] if parts[1] else None,
    "neg": lambda _, parts: -parts[0],
    "%": lambda _, parts: parts[0] / 100,
    "^": power,
    "root": root,
    "fact": factorial,
    "binom": binomial,
    "fn": function,
}
"""What each kind of tree makes of the values of its parts."""
