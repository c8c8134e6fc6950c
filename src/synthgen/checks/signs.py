r"""Signs of mathematics in many scripts, written as the few that are read: − as -, ² as ^{2}, ½ as 1/2, ≤ as \le."""

import re

SUPERSCRIPT = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣ", "0123456789+-()nix", strict=True))
SUBSCRIPT = dict(zip("₀₁₂₃₄₅₆₇₈₉ₙ", "0123456789n", strict=True))
VULGAR = dict(
    zip(
        "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒",
        "1/2 1/3 2/3 1/4 3/4 1/5 2/5 3/5 4/5 1/6 5/6 1/7 1/8 3/8 5/8 7/8 1/9 1/10".split(),
        strict=True,
    )
)
COMMANDS = (
    r"√ \sqrt ∛ \cbrt π \pi ∞ \infty ° ^\circ º ^\circ ∪ \cup ≤ \le ⩽ \le ≥ \ge ⩾ \ge ≠ \ne ≈ \approx ± \pm ∓ \pm "
    r"∅ \emptyset ∈ \in θ \theta α \alpha β \beta λ \lambda"
).split()
TABLE = str.maketrans(
    {
        **dict.fromkeys("−–‒﹣－", "-"),
        **dict.fromkeys("×⋅·∙✕✖＊", "*"),
        **dict.fromkeys("÷∕⁄／", "/"),
        **dict.fromkeys("\u00a0\u2009\u202f\u2007\u2002\u2003\u3000", " "),
        **dict.fromkeys("’ʼ′", "'"),
        **dict.fromkeys("\ufe0f\u20e3\u200b\u200e\u200f\u2060\ufeff", ""),
        **dict(zip("＝＋（），．％٫٬", "=+(),.%.,", strict=True)),
        **{sign: f"{command} " for sign, command in zip(COMMANDS[::2], COMMANDS[1::2], strict=True)},
        "…": "...",
    }
)
SPACING = re.compile(
    r"(?<!\\)\\(?:[,;:! ]|q?quad\b|left\b\.?|right\b\.?|displaystyle\b|limits\b|big[lr]?\b|Big[lr]?\b|[dt]?mathstrut\b)|~"
)
ARRAY = re.compile(r"\\begin\{array\}\s?\{[clr| ]{0,20}\}")
BRACED_COMMA = re.compile(r"(?<=\d) ?\{ ?, ?\} ?(?=\d)")
TEXT = re.compile(
    r"\\(?:text|textnormal|textbf|textit|textrm|mathrm|mathbf|mbox|operatorname|rm|mathit)\s?\{([^{}]{0,200})\}(?:\^\{?[23]\}?)?"
)


def tidy(text: str) -> str:
    """Signs of many scripts as the few that are read; the digits of every script as ours."""
    if not text.isascii():
        text = fractions_spelt(text)
        text = "".join(str(int(c)) if c.isdecimal() and not c.isascii() else c for c in text).translate(TABLE)
    text = SPACING.sub(lambda found: "" if found[0] in {r"\,", r"\!", r"\;", r"\:"} else " ", text)
    text = ARRAY.sub(r"\\begin{matrix}", text).replace(r"\end{array}", r"\end{matrix}")
    text = BRACED_COMMA.sub(",", text)
    return text.replace(r"\dfrac", r"\frac").replace(r"\tfrac", r"\frac").replace(r"\cfrac", r"\frac")


def fractions_spelt(text: str) -> str:
    """½ as 1/2, ² as ^{2}, x₁ as x_{1}."""
    text = re.sub(
        "".join(["[", *SUPERSCRIPT, "]{1,40}"]),
        lambda f: "^{" + "".join(map(SUPERSCRIPT.__getitem__, f[0])) + "}",
        text,
    )
    text = re.sub(
        "".join(["[", *SUBSCRIPT, "]{1,40}"]), lambda f: "_{" + "".join(map(SUBSCRIPT.__getitem__, f[0])) + "}", text
    )
    text = re.sub(f"(?<=\\d) ?([{''.join(VULGAR)}])", lambda f: f" {VULGAR[f[1]]}", text)
    return re.sub(f"[{''.join(VULGAR)}]", lambda f: f"({VULGAR[f[0]]})", text)
