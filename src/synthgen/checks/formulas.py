r"""Read a formula, in LaTeX or as people type it, into a tree. No text is ever evaluated; length and depth are bounded.

A tree is a list: its kind, then its parts. `["num", "1/2"]` · `["sym", "x"]` · `["const", "pi"]` · `["+", a, b]` ·
`["*", a, b]` · `["/", a, b]` · `["^", a, b]` · `["neg", a]` · `["pm", a, b]` · `["root", a, degree]` · `["fn", name, a]` ·
`["log", base, a]` · `["fact", a]` · `["binom", n, k]` · `["%", a]` · `["deg", a]` · `["set", ...]` · `["tuple", ...]` ·
`["list", ...]` · `["or", ...]` · `["interval", "[)", a, b]` · `["union", a, b]` · `["chain", a, "=", b, ...]` · `["matrix", rows, columns, ...]`.
"""

import re
from fractions import Fraction
from typing import Any

from synthgen.checks.numerals import LITERAL, THOUSANDS, Unreadable, in_base, literal, repeated, repeating

Tree = list[Any]
MOST_CHARACTERS, MOST_TOKENS, MOST_DEPTH = 2_000, 600, 40

TOKEN = re.compile(
    rf"\s*(?:(?P<num>(?:{LITERAL})(?:[eE][+-]?\d{{1,5}}(?![\w{{]))?)|(?P<cmd>\\[A-Za-z]+|\\[{{}}|\\%#&_$])"
    r"|(?P<word>[^\W\d_]+)|(?P<dots>\.\.\.)|(?P<op>\*\*|<=|>=|!=|->|=>|[-+*/^_=<>!%|(){}\[\],;:&'~]))"
)
FUNCTIONS = frozenset(
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh ln exp log lg sqrt cbrt abs floor ceil max min gcd lcm".split()
)
ALIASES = dict(
    zip("asin acos atan tg ctg lg cosec".split(), "arcsin arccos arctan tan cot log10 csc".split(), strict=True)
)
RELATIONS = {
    sign: meaning
    for meaning, signs in {
        "=": r"= \equiv",
        "<": r"< \lt",
        ">": r"> \gt",
        "<=": r"<= \le \leq \leqslant",
        ">=": r">= \ge \geq \geqslant",
        "!=": r"!= \ne \neq",
        "~": r"~ \approx \simeq \sim",
        "in": r"\in",
    }.items()
    for sign in signs.split()
}
GREEK = frozenset(
    "alpha beta gamma delta epsilon varepsilon theta lambda mu nu rho sigma tau phi varphi omega psi chi eta zeta xi kappa".split()
)
CLOSING = {"(": ")", "[": "]", "{": "}", "\\{": "\\}"}


def number(value: Fraction | int) -> Tree:
    """The tree of a rational."""
    return ["num", str(Fraction(value))]


class Reader:
    """One pass over the tokens of a formula."""

    def __init__(self, text: str, *, lists: bool) -> None:
        if len(text) > MOST_CHARACTERS:
            raise Unreadable("too long for a formula")
        self.tokens = list(tokens(text, lists=lists))
        self.at = 0
        self.depth = 0
        self.bars = 0
        """Absolute values that are open."""

    def peek(self, ahead: int = 0) -> str:
        """The next token; "" at the end."""
        return self.tokens[self.at + ahead][1] if self.at + ahead < len(self.tokens) else ""

    def kind(self, ahead: int = 0) -> str:
        """The kind of the next token."""
        return self.tokens[self.at + ahead][0] if self.at + ahead < len(self.tokens) else ""

    def take(self) -> str:
        """The next token, and on."""
        found = self.peek()
        if not found:
            raise Unreadable("the formula breaks off")
        self.at += 1
        return found

    def expect(self, *wanted: str) -> str:
        """One of these tokens, or it is no formula."""
        if self.peek() not in wanted:
            raise Unreadable(f"{self.peek() or 'the end'} where {wanted[0]} was due")
        return self.take()

    def whole(self) -> Tree:
        """The tree of all tokens."""
        tree = self.row()
        if self.peek():
            raise Unreadable(f"{self.peek()} stands where it cannot")
        return tree

    def row(self) -> Tree:
        """Chains parted by commas, `and` or `or`."""
        parts, word = [self.chain()], ""
        while self.peek() in {",", ";", "and", "or", "&"}:
            while self.peek() in {",", ";", "and", "or", "&"}:
                word = "or" if self.take() == "or" else word
            parts.append(self.chain())
        return parts[0] if len(parts) == 1 else ["or" if word else "list", *parts]

    def chain(self) -> Tree:
        """One sum, or several with relations between them."""
        parts: list[Any] = [self.sum()]
        while self.peek() in RELATIONS:
            parts.append(RELATIONS[self.take()])
            parts.append(self.sum())
        while self.peek() in {"\\cup", "U"} and len(parts) == 1:
            self.take()
            parts = [["union", parts[0], self.sum()]]
        return parts[0] if len(parts) == 1 else ["chain", *parts]

    def sum(self) -> Tree:
        """Terms with + - ± between them."""
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise Unreadable("nested too deep")
        sign = self.take() if self.peek() in {"+", "-", "\\pm", "\\mp"} else ""
        tree = self.term()
        if sign == "-":
            tree = ["neg", tree]
        elif sign in {"\\pm", "\\mp"}:
            tree = ["pm", number(0), tree]
        while self.peek() in {"+", "-", "\\pm", "\\mp"}:
            sign = self.take()
            other = self.term()
            tree = {"+": ["+", tree, other], "-": ["+", tree, ["neg", other]]}.get(sign, ["pm", tree, other])
        self.depth -= 1
        return tree

    def term(self) -> Tree:
        """Factors with * and / between them, or nothing."""
        tree = self.factor()
        while True:
            token = self.peek()
            if token in {"*", "\\cdot", "\\times", "\\ast"}:
                self.take()
                tree = ["*", tree, self.factor()]
            elif token in {"/", "\\div"}:
                self.take()
                tree = ["/", tree, self.factor()]
            elif self.starts():
                tree = ["*", tree, self.power()]
            else:
                return tree

    def starts(self) -> bool:
        """Whether a factor may begin here, so that it multiplies what stands before it."""
        ahead, kind = self.peek(), self.kind()
        if ahead == "|":
            return self.bars == 0
        if kind == "word":
            return ahead not in {"and", "or", "U"}
        if kind == "cmd":
            return ahead not in RELATIONS and ahead not in {
                *(
                    "\\}",
                    "\\cup",
                    "\\pm",
                    "\\mp",
                    "\\cdot",
                    "\\times",
                    "\\div",
                    "\\ast",
                    "\\%",
                    "\\\\",
                    "\\end",
                    "\\circ",
                    "\\cap",
                ),
                *("\\ldots", "\\dots", "\\cdots", "\\&"),
            }
        return kind == "num" or ahead in {"(", "[", "{"}

    def factor(self) -> Tree:
        """A power, with the signs before it."""
        if self.peek() in {"-", "+"}:
            self.depth += 1
            if self.depth > MOST_DEPTH:
                raise Unreadable("nested too deep")
            sign = self.take()
            tree = self.factor()
            self.depth -= 1
            return ["neg", tree] if sign == "-" else tree
        return self.power()

    def power(self) -> Tree:
        """An atom with its exponent and what else follows it."""
        tree = self.atom()
        while True:
            ahead = self.peek()
            if ahead in {"^", "**"}:
                self.take()
                tree = self.raised(tree)
            elif ahead == "!":
                self.take()
                tree = ["fact", tree]
            elif ahead in {"%", "\\%"}:
                self.take()
                tree = ["%", tree]
            elif ahead == "'":
                self.take()
            else:
                return tree

    def raised(self, tree: Tree) -> Tree:
        """A tree with the exponent that follows."""
        if self.peek() == "\\circ" or (self.peek() == "{" and self.peek(1) == "\\circ" and self.peek(2) == "}"):
            self.at += 1 if self.peek() == "\\circ" else 3
            return ["deg", tree]
        return ["^", tree, self.exponent()]

    def exponent(self) -> Tree:
        """What stands after a ^: a group, or one signed atom that takes its own powers."""
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise Unreadable("nested too deep")
        if self.peek() in {"-", "+"}:
            sign = self.take()
            tree = self.exponent()
            tree = ["neg", tree] if sign == "-" else tree
        elif self.peek() == "{":
            tree = self.group()
        else:
            tree = self.atom()
            if self.peek() in {"^", "**"}:
                self.take()
                tree = self.raised(tree)
        self.depth -= 1
        return tree

    def group(self) -> Tree:
        """A sum in braces, or the one token that LaTeX takes for one."""
        if self.peek() == "{":
            self.take()
            tree = self.chain()
            self.expect("}")
            return tree
        if self.kind() == "num" and self.peek().isdigit() and len(self.peek()) > 1:
            # \frac12 is one over two: a token gives its first digit.
            digits = self.peek()
            self.tokens[self.at] = ("num", digits[1:])
            return number(int(digits[0]))
        return self.atom()

    def atom(self) -> Tree:
        """A number, a symbol, a function of something, or anything in brackets."""
        kind, token = self.kind(), self.peek()
        if kind == "num":
            return self.numeral()
        if kind == "word":
            return self.word()
        if token in CLOSING:
            return self.bracket()
        if token in {"|", "\\|", "\\lvert", "\\vert"}:
            return self.absolute()
        if kind == "cmd":
            return self.command()
        raise Unreadable(f"{token or 'the end'} stands where it cannot")

    def numeral(self) -> Tree:
        """A number: with repeating digits, a base, or a fraction that makes it a mixed one."""
        text = self.take()
        if self.peek() in {"...", "\\ldots", "\\dots", "\\cdots"}:
            self.take()
            return number(repeating(text))
        if self.peek() == "\\overline" and self.peek(1) == "{" and self.kind(2) == "num" and self.peek(3) == "}":
            block = self.peek(2)
            self.at += 4
            return number(repeated(text, block))
        if self.peek() == "_":
            self.take()
            base = self.group()
            return number(in_base(text, int(base[1]) if base[0] == "num" and base[1].isdigit() else 0))
        value = literal(text)
        if self.peek() == "\\frac" and value.denominator == 1 and (part := self.plain_fraction()) is not None:
            return number(value + part)
        mixed = value.denominator == 1 and self.peek().isdigit() and self.peek(1) == "/" and self.peek(2).isdigit()
        if mixed and int(self.peek(2)):
            top, _, bottom = self.take(), self.take(), self.take()
            return number(value + Fraction(int(top), int(bottom)))
        return number(value)

    def plain_fraction(self) -> Fraction | None:
        r"""The value of a `\frac` of two plain numerals, taken; None, and nothing taken, for another."""
        found = re.match(
            r"\\frac(?:\{(\d{1,9})\}\{(\d{1,9})\}|(\d)(\d)(?!\d))",
            "".join(t for _, t in self.tokens[self.at : self.at + 7]),
        )
        if found is None or not int(found[2] or found[4]):
            return None
        self.at += 7 if found[1] else 2
        return Fraction(int(found[1] or found[3]), int(found[2] or found[4]))

    def word(self) -> Tree:
        """A function, a constant, or a product of symbols of one letter each."""
        name = self.take()
        lower = ALIASES.get(name.lower(), name.lower())
        if lower in FUNCTIONS or lower in ALIASES.values():
            return self.function(lower)
        if lower in {"pi", "inf", "infinity", "infty", "oo"}:
            return ["const", "pi" if lower == "pi" else "inf"]
        if len(name) > 3:
            raise Unreadable(f"{name} is a word")
        tree = self.symbol(name[0])
        for letter in name[1:]:
            tree = ["*", tree, self.symbol(letter)]
        return tree

    def symbol(self, name: str) -> Tree:
        """A symbol with its index; e and i are the numbers."""
        if self.peek() == "_":
            self.take()
            index = self.group()
            return ["sym", f"{name}_{index[1] if index[0] in {'num', 'sym'} else index}"[:40]]
        return ["const", name] if name in {"e", "i"} else ["sym", name]

    def function(self, name: str) -> Tree:
        """A function of what follows it, with a power between as in sin^2 x."""
        base, power = None, None
        while self.peek() in {"_", "^", "**"}:
            if self.take() == "_":
                base = self.group()
            else:
                power = self.exponent()
        tree = self.applied(name, base, self.argument())
        if power is None:
            return tree
        if power == ["neg", number(1)] and name in {"sin", "cos", "tan"}:
            return ["fn", f"arc{name}", tree[2]]
        return ["^", tree, power]

    def applied(self, name: str, base: Tree | None, argument: Tree) -> Tree:
        """The tree of a function."""
        if name == "sqrt":
            return ["root", argument, number(2)]
        if name == "cbrt":
            return ["root", argument, number(3)]
        if name == "log10" or (name == "log" and base is not None):
            return ["log", base or number(10), argument]
        if name in {"max", "min", "gcd", "lcm"}:
            raise Unreadable(f"{name} is not read")
        return ["fn", name, argument]

    def argument(self) -> Tree:
        """What a function is of: a bracket, or the factors up to the next sign."""
        if self.peek() in {"(", "[", "{", "|"}:
            return self.bracket(plain=True) if self.peek() != "|" else self.absolute()
        if self.peek() == "-":
            self.take()
            return ["neg", self.argument()]
        tree = self.power()
        while self.starts() and not self.is_function():
            tree = ["*", tree, self.power()]
        return tree

    def is_function(self) -> bool:
        """Whether a function begins here."""
        name = self.peek().lstrip("\\").lower()
        return ALIASES.get(name, name) in FUNCTIONS

    def absolute(self) -> Tree:
        """|a|."""
        mark = self.take()
        self.bars += 1
        tree = self.sum()
        self.bars -= 1
        self.expect(mark, "|", "\\|", "\\rvert", "\\vert")
        return ["fn", "abs", tree]

    def bracket(self, *, plain: bool = False) -> Tree:
        """A bracket: around a sum, or with commas a point, an interval or a set."""
        opening = self.take()
        bars, self.bars = self.bars, 0
        if opening in {"{", "\\{"} and self.peek() in {"}", "\\}"}:
            self.take()
            return ["set"]
        parts = [self.chain()]
        while self.peek() in {",", ";"}:
            self.take()
            parts.append(self.chain())
        closing = self.take()
        self.bars = bars
        if closing not in ({")", "]"} if opening in {"(", "["} else {"}", "\\}"}):
            raise Unreadable(f"{opening} is closed by {closing}")
        if opening in {"{", "\\{"}:
            return parts[0] if opening == "{" and len(parts) == 1 else ["set", *parts]
        if len(parts) == 1 and (plain or opening == "(" or closing == "]"):
            return parts[0]
        if len(parts) == 2 and (opening, closing) != ("(", ")"):
            return ["interval", opening + closing, *parts]
        if opening + closing == "()":
            return ["tuple", *parts]
        return ["list" if opening + closing == "[]" else "tuple", *parts]

    def command(self) -> Tree:
        """What a LaTeX command stands for."""
        name = self.take()[1:]
        lower = ALIASES.get(name.lower(), name.lower())
        if name in {"frac", "binom", "dbinom", "tbinom"}:
            top, bottom = self.group(), self.group()
            return ["/", top, bottom] if name == "frac" else ["binom", top, bottom]
        if name in {"sqrt", "cbrt"}:
            return self.radical(2 if name == "sqrt" else 3)
        if lower in FUNCTIONS or lower == "log10":
            return self.function(lower)
        if name in GREEK:
            return self.symbol(name)
        if name in {"lfloor", "lceil"}:
            tree = self.sum()
            self.expect("\\rfloor" if name == "lfloor" else "\\rceil")
            return ["fn", name[1:], tree]
        return self.matrix() if name == "begin" else self.constant(name)

    def radical(self, degree: int) -> Tree:
        r"""What follows `\sqrt`: perhaps a degree in square brackets, then a group or a power."""
        tree = number(degree)
        if self.peek() == "[":
            self.take()
            tree = self.sum()
            self.expect("]")
        return ["root", self.group() if self.peek() == "{" else self.power(), tree]

    def constant(self, name: str) -> Tree:
        """A command that stands for itself."""
        if name in {"pi", "infty"}:
            return ["const", "pi" if name == "pi" else "inf"]
        if name in {"emptyset", "varnothing"}:
            return ["set"]
        if name == "overline" and self.peek() == "{":
            return self.group()
        raise Unreadable(f"\\{name} is not read")

    def matrix(self) -> Tree:
        """A matrix, as its rows."""
        self.expect("{")
        name = self.take()
        if not name.endswith("matrix"):
            raise Unreadable(f"{name} is not read")
        self.expect("}")
        rows: list[list[Tree]] = [[]]
        while True:
            rows[-1].append(self.sum())
            mark = self.take()
            if mark == "\\\\" and self.peek() != "\\end":
                rows.append([])
            elif mark == "\\end" or self.peek() == "\\end":
                break
            elif mark not in {"&", "\\\\"}:
                raise Unreadable(f"{mark} in a matrix")
        while self.peek() and self.take() != "}":
            pass
        if len({len(row) for row in rows}) != 1:
            raise Unreadable("rows of unequal length")
        return ["matrix", len(rows), len(rows[0]), *(cell for row in rows for cell in row)]


def tokens(text: str, *, lists: bool) -> list[tuple[str, str]]:
    """(kind, token) of a text that has been tidied; with `lists` a comma between digits parts them, but for thousands."""
    found: list[tuple[str, str]] = []
    at, depth = 0, 0
    text = text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None or len(found) >= MOST_TOKENS:
            raise Unreadable("too long for a formula" if match else f"{text[at]} is not read")
        kind, token, end = str(match.lastgroup), str(match[str(match.lastgroup)]), match.end()
        depth += {"(": 1, "[": 1, "{": 1, "\\{": 1, ")": -1, "]": -1, "}": -1, "\\}": -1}.get(token, 0)
        if kind == "num" and "," in token and (depth > 0 or lists) and not (depth == 0 and THOUSANDS.fullmatch(token)):
            token = token[: token.index(",")]
            end = match.start(kind) + len(token)
        found.append((kind, token))
        at = end
    return found


def parse(text: str, *, lists: bool = True) -> Tree:
    """The tree of a formula that has been tidied."""
    try:
        return Reader(text, lists=lists).whole()
    except (RecursionError, IndexError, ValueError, ZeroDivisionError) as error:
        raise Unreadable("the formula cannot be read") from error
