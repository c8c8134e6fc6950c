r"""A process of its own that says whether two formulas are equal. It is run as a file, and imports nothing of synthgen.

One JSON line in, `{"truth": tree, "given": tree, "slack": tree or null}`; one out, `{"equal": true | false | null, "why": "..."}`. Trees are those of
`formulas.py`: no text is evaluated. It ends when its standard input does, and under its own limits of time and memory.

Two formulas are compared by value, to 60 digits beyond their longest numeral: without symbols once, with symbols at random
rational points, half of them negative (Schwartz and Zippel: that a false identity of bounded degree holds at a random
point is as good as impossible). A point where either is not real or not defined says nothing.
"""

import itertools
import json
import random
import resource
import sys
from fractions import Fraction
from typing import Any

Tree = list[Any]
CPU_SECONDS, MEMORY_BYTES = 4, 1 << 30
"""For one question, and for all of the process."""
DIGITS, MOST_DIGITS = 60, 3_000
POINTS, ENOUGH, TRIES = 8, 4, 40
WHOLE = frozenset("nkmjlpqN")
"""Symbols that mostly stand for whole numbers: what fails between them is tried at them."""
CONSTANTS = frozenset({"C", "c", "K", "k", "C_1", "C_2", "C_0", "c_1", "c_2"})


class Undecided(Exception):
    """It cannot be said; `str(error)` is why."""


class Outside(Exception):
    """A value that is not defined or not real at this point."""


def symbols(tree: Any) -> set[str]:
    """The names of a formula."""
    if not isinstance(tree, list):
        return set()
    return {tree[1]} if tree[0] == "sym" else set().union(*map(symbols, tree[1:])) if len(tree) > 1 else set()


def longest(tree: Any) -> int:
    """Digits of the longest numeral."""
    if not isinstance(tree, list):
        return 0
    return len(tree[1]) if tree[0] == "num" else max(map(longest, tree[1:]), default=0)


class Values:
    """Values of formulas, by mpmath, under one meaning of `log`."""

    def __init__(self, mp: Any, base: int | None) -> None:
        self.mp, self.base = mp, base

    def at(self, tree: Tree, point: dict[str, Any]) -> Any:
        """The value of a formula where its symbols have these values."""
        kind, mp = tree[0], self.mp
        if kind == "num":
            value = Fraction(tree[1])
            return mp.mpf(value.numerator) / value.denominator
        if kind == "sym":
            return point[tree[1]]
        if kind == "const":
            return {"pi": mp.pi, "e": mp.e, "i": mp.j, "inf": mp.inf}[tree[1]] * 1
        return self.made(kind, tree, [self.at(part, point) for part in tree[1:] if isinstance(part, list)])

    def made(self, kind: str, tree: Tree, parts: list[Any]) -> Any:
        """The value of a formula from those of its parts."""
        mp = self.mp
        match kind:
            case "^":
                return self.power(*parts)
            case "root":
                return self.root(*parts)
            case "fact" | "binom":
                return self.counted(kind, parts)
            case "fn":
                return self.function(tree[1], parts[0])
        known: dict[str, Any] = {
            "+": lambda a, b: a + b,
            "*": lambda a, b: a * b,
            "/": lambda a, b: a / b,
            "neg": lambda a: -a,
            "%": lambda a: a / 100,
            "deg": lambda a: a * mp.pi / 180,
            "log": lambda base, a: mp.log(a) / mp.log(base),
        }
        if kind not in known:
            raise Undecided(f"{kind} has no value")
        return known[kind](*parts)

    def power(self, base: Any, exponent: Any) -> Any:
        """A power, if its size is sane."""
        mp = self.mp
        if base == 0:
            if mp.re(exponent) < 0:
                raise Outside
            return base**exponent
        if not mp.isinf(base) and abs(mp.re(exponent) * mp.log(abs(base))) > 10 * MOST_DIGITS:
            raise Undecided("a power of too many digits")
        return base**exponent

    def root(self, value: Any, degree: Any) -> Any:
        """A root; an odd one of a negative number is the real one."""
        mp = self.mp
        if mp.im(value) == 0 and mp.re(value) < 0 and mp.isint(degree) and int(degree) % 2:
            return -((-value) ** (1 / degree))
        return mp.sqrt(value) if degree == 2 else value ** (1 / degree)

    def counted(self, kind: str, parts: list[Any]) -> Any:
        """A factorial or a binomial coefficient, of numbers that are no giants."""
        if any(abs(part) > MOST_DIGITS for part in parts):
            raise Undecided("a factorial of too many digits")
        return self.mp.factorial(parts[0]) if kind == "fact" else self.mp.binomial(*parts)

    def function(self, name: str, value: Any) -> Any:
        """A function of one number."""
        mp = self.mp
        if name in {"exp", "sinh", "cosh", "tanh"} and abs(value) > 10 * MOST_DIGITS:
            raise Undecided("a power of too many digits")
        if name == "log":
            return mp.ln(value) if self.base is None else mp.log(value, self.base)
        if name in {"arcsin", "arccos", "arctan"}:
            return getattr(mp, f"a{name[3:]}")(value)
        if name in {"abs", "floor", "ceil", "ln"}:
            return {"abs": abs, "floor": mp.floor, "ceil": mp.ceil, "ln": mp.ln}[name](value)
        return getattr(mp, name)(value)


class Judge:
    """Whether two formulas are the same, of whatever kind they are."""

    def __init__(self, mp: Any, base: int | None, seed: str) -> None:
        self.mp, self.values = mp, Values(mp, base)
        self.random = random.Random(seed)  # noqa: S311  # points, not secrets

    def same(self, truth: Tree, given: Tree) -> bool:
        """Whether the formulas are the same."""
        kinds = {truth[0], given[0]}
        if "matrix" in kinds:
            return truth[:3] == given[:3] and self.each(truth[3:], given[3:])
        if truth[0] == "chain" and given[0] == "chain" and truth[2] == "=" == given[2]:
            return self.equation(truth, given)
        if kinds & {"interval", "union", "chain", "or"}:
            return self.region(truth, given)
        if "set" in kinds or contains_sign(truth) or contains_sign(given):
            return self.as_sets(members(truth), members(given))
        if "tuple" in kinds or "list" in kinds:
            return self.as_rows(truth, given)
        return self.equal(truth, given)

    def near(self, truth: Tree, given: Tree, slack: Tree) -> bool:
        """Whether two values without symbols differ by so much at most."""
        return bool(abs(self.value(truth, {}) - self.value(given, {})) <= self.value(slack, {}))

    def each(self, truths: list[Tree], given: list[Tree]) -> bool:
        """Whether two rows are the same, one by one."""
        return len(truths) == len(given) and all(map(self.same, truths, given))

    def as_rows(self, truth: Tree, given: Tree) -> bool:
        """A point is equal to a row in its order; two rows without brackets may be in any order."""
        if "tuple" in {truth[0], given[0]}:
            return self.each(members(truth), members(given))
        return self.as_sets(members(truth), members(given))

    def as_sets(self, truths: list[Tree], given: list[Tree]) -> bool:
        """Whether each member of either is one of the other's."""
        if len(truths) * len(given) > 100:
            raise Undecided("sets of too many members")
        table = [[self.same(one, other) for other in given] for one in truths]
        return all(map(any, table)) and all(map(any, zip(*table, strict=True))) and bool(truths) == bool(given)

    def equal(self, truth: Tree, given: Tree) -> bool:
        """Whether two values are the same at every point that says something."""
        names = sorted(symbols(truth) | symbols(given))
        if not names:
            return self.close(self.value(truth, {}), self.value(given, {}))
        verdict = self.identity(truth, given, [self.point(names) for _ in range(TRIES)])
        if verdict is False and WHOLE.issuperset(names):
            verdict = self.identity(truth, given, [dict.fromkeys(names, self.mp.mpf(k)) for k in range(1, 9)])
        if verdict is None:
            raise Undecided("no point where both are defined was found")
        return verdict

    def identity(self, truth: Tree, given: Tree, points: list[dict[str, Any]]) -> bool | None:
        """Whether both agree at the points where both are real; None where too few are."""
        agreed = 0
        for point in points:
            try:
                left, right = self.value(truth, point), self.value(given, point)
            except (Outside, ZeroDivisionError, ValueError, OverflowError):
                continue
            real = [abs(self.mp.im(one)) < self.small(one) for one in (left, right)]
            if any(real) and not all(real):
                continue
            if not self.close(left, right):
                return False
            agreed += 1
            if agreed == POINTS:
                return True
        return True if agreed >= ENOUGH else None

    def point(self, names: list[str]) -> dict[str, Any]:
        """Random rational values, of both signs, small and not whole."""
        numbers = [Fraction(self.random.randint(100, 3000), 997) * self.random.choice((1, 1, -1)) for _ in names]
        return {name: self.mp.mpf(n.numerator) / n.denominator for name, n in zip(names, numbers, strict=True)}

    def value(self, tree: Tree, point: dict[str, Any]) -> Any:
        """The value of a formula, if it has one."""
        found = self.values.at(tree, point)
        if self.mp.isnan(found):
            raise Outside
        return found

    def small(self, value: Any) -> Any:
        """What counts as nothing beside a value."""
        return self.mp.mpf(10) ** (20 - self.mp.mp.dps) * (1 + abs(value))

    def close(self, left: Any, right: Any) -> bool:
        """Whether two values agree in all but the last 20 digits."""
        if self.mp.isinf(left) or self.mp.isinf(right):
            return bool(left == right)
        return bool(abs(left - right) <= self.small(left))

    def equation(self, truth: Tree, given: Tree) -> bool:
        """Whether two equations say the same: the difference of the sides is the same but for a factor."""
        names = sorted(symbols(truth) | symbols(given))
        if len(truth) != 4 or len(given) != 4 or symbols(truth) != symbols(given):
            return False
        ratios = []
        for point in (self.point(names) for _ in range(TRIES)):
            try:
                left, right = self.side(truth, point), self.side(given, point)
            except (Outside, ZeroDivisionError, ValueError, OverflowError):
                continue
            if self.close(left, 0) or self.close(right, 0):
                if self.close(left, right):
                    continue
                return False
            ratios.append(left / right)
            if len(ratios) == POINTS:
                break
        if len(ratios) < ENOUGH:
            raise Undecided("no point where both equations are defined was found")
        return all(self.close(ratios[0], ratio) for ratio in ratios)

    def side(self, equation: Tree, point: dict[str, Any]) -> Any:
        """Left side less right side."""
        return self.value(equation[1], point) - self.value(equation[3], point)

    def region(self, truth: Tree, given: Tree) -> bool:
        """Whether two sets of the real line are the same: at their ends, between them, beyond them, and at random."""
        names = symbols(truth) | symbols(given)
        if len(names) > 1:
            if len(symbols(truth)) == len(symbols(given)) == 1:
                return False
            raise Undecided("inequalities of several unknowns are not compared")
        if not (kindred(truth) and kindred(given)):
            return False
        name = next(iter(names), "x")
        ends = sorted({*self.ends(truth), *self.ends(given)})
        middles = [(a + b) / 2 for a, b in itertools.pairwise(ends)]
        beyond = [ends[0] - 1, ends[-1] + 1, ends[0] - 1000, ends[-1] + 1000] if ends else [self.mp.mpf(0)]
        chance = [self.mp.mpf(self.random.randint(-50_000, 50_000)) / 997 for _ in range(30)]
        return all(
            self.holds(truth, name, x) == self.holds(given, name, x) for x in [*ends, *middles, *beyond, *chance]
        )

    def ends(self, tree: Any) -> list[Any]:
        """The finite values of all parts without symbols."""
        if not isinstance(tree, list) or tree[0] in {"num", "sym", "const"}:
            parts = [tree] if isinstance(tree, list) else []
        elif tree[0] in {"interval", "union", "chain", "or", "list", "set", "tuple"}:
            return [end for part in tree[1:] for end in self.ends(part)]
        else:
            parts = [tree]
        found = [self.value(part, {}) for part in parts if not symbols(part)]
        return [self.mp.re(one) for one in found if not self.mp.isinf(one)]

    def holds(self, tree: Tree, name: str, x: Any) -> bool:
        """Whether a number belongs to a set or fulfils a relation."""
        match tree[0]:
            case "interval":
                low, high = self.value(tree[2], {}), self.value(tree[3], {})
                return bool(
                    (low <= x if tree[1][0] == "[" else low < x) and (x <= high if tree[1][1] == "]" else x < high)
                )
            case "tuple" if len(tree) == 3:
                return bool(self.value(tree[1], {}) < x < self.value(tree[2], {}))
            case "union" | "or":
                return any(self.holds(part, name, x) for part in tree[1:])
            case "list":
                return all(self.holds(part, name, x) for part in tree[1:])
            case "set":
                return any(self.close(self.value(part, {}), x) for part in tree[1:])
            case "chain":
                return self.fulfils(tree, {name: x})
            case _:
                return self.close(self.value(tree, {}), x)

    def fulfils(self, chain: Tree, point: dict[str, Any]) -> bool:
        """Whether every relation of a chain holds at a point."""
        if chain[2] == "in":
            return self.holds(chain[3], "x", next(iter(point.values())))
        try:
            values = [self.value(part, point) for part in chain[1::2]]
        except (Outside, ZeroDivisionError, ValueError):
            return False
        if any(abs(self.mp.im(one)) > self.small(one) for one in values):
            return False
        values = [self.mp.re(one) for one in values]
        return all(
            self.related(left, sign, right) for left, sign, right in zip(values, chain[2::2], values[1:], strict=False)
        )

    def related(self, left: Any, sign: str, right: Any) -> bool:
        """Whether a relation holds."""
        same = self.close(left, right)
        return bool(
            {"=": same, "~": same, "!=": not same, "<=": same or left < right, ">=": same or left > right}.get(
                sign, not same and (left < right if sign == "<" else left > right)
            )
        )


def kindred(tree: Tree) -> bool:
    """Whether a tree may be a set of the real line."""
    if tree[0] == "chain":
        return True
    if tree[0] == "tuple":
        return len(tree) == 3
    if tree[0] in {"union", "or", "list"}:
        return all(isinstance(part, list) and kindred(part) for part in tree[1:])
    return tree[0] in {"interval", "set"}


def members(tree: Tree) -> list[Tree]:
    """The members of a set, a row, a list; both of a ±; a single value is its own."""
    if tree[0] in {"set", "tuple", "list", "or"}:
        return [one for part in tree[1:] for one in (members(part) if part[0] == "pm" else [part])]
    return signs(tree) if contains_sign(tree) else [tree]


def contains_sign(tree: Any) -> bool:
    """Whether there is a ± in it."""
    return isinstance(tree, list) and (tree[0] == "pm" or any(map(contains_sign, tree[1:])))


def signs(tree: Tree) -> list[Tree]:
    """A formula with + for every ±, and with -."""
    return [chosen(tree, minus=False), chosen(tree, minus=True)]


def chosen(tree: Any, *, minus: bool) -> Any:
    """A formula with one sign for every ±."""
    if not isinstance(tree, list):
        return tree
    parts = [chosen(part, minus=minus) for part in tree[1:]]
    if tree[0] != "pm":
        return [tree[0], *parts]
    return ["+", parts[0], ["neg", parts[1]] if minus else parts[1]]


def renamed(tree: Any, old: str, new: str) -> Any:
    """A formula with one symbol renamed."""
    if not isinstance(tree, list):
        return tree
    return ["sym", new] if tree == ["sym", old] else [renamed(part, old, new) for part in tree]


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Whether two formulas are equal, under either meaning of `log`; null and why where it cannot be said."""
    import mpmath  # only in the worker

    truth, given = asked["truth"], asked["given"]
    constants = symbols(truth) & CONSTANTS, symbols(given) & CONSTANTS
    if len(constants[0]) == len(constants[1]) == 1 and constants[0] != constants[1]:
        given = renamed(given, *constants[1], *constants[0])
    digits = DIGITS + max(longest(truth), longest(given))
    if digits > MOST_DIGITS:
        return {"equal": None, "why": "a numeral of too many digits"}
    mpmath.mp.dps = digits
    both = [None, 10] if '"log"' in json.dumps([truth, given]) else [None]
    try:
        judges = [Judge(mpmath, base, json.dumps(truth)) for base in both]
        if asked.get("slack") is not None:
            equal = any(judge.near(truth, given, asked["slack"]) for judge in judges)
        else:
            equal = any(judge.same(truth, given) for judge in judges)
    except (Undecided, Outside, ZeroDivisionError) as error:
        return {"equal": None, "why": str(error) or "a value that is not defined"}
    except (
        ValueError,
        TypeError,
        KeyError,
        OverflowError,
        RecursionError,
        MemoryError,
        mpmath.libmp.NoConvergence,
    ) as error:
        return {"equal": None, "why": f"not decided: {type(error).__name__}"}
    return {"equal": equal, "why": ""}


def main() -> None:
    """Answer line by line until the pipe ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        used = resource.getrusage(resource.RUSAGE_SELF)
        until = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
