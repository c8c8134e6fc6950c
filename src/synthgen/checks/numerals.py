"""Numerals of many countries as exact fractions."""

import re
from fractions import Fraction

MOST_DIGITS = 1_000
THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|[1-9]\d?(?:,\d{2})+,\d{3}(?:\.\d+)?")
LITERAL = r"\d+(?:[.,'_]\d+|\{,\}\d{3}| \d{3}(?!\d))*(?:\.(?!\d|\.\.))?|\.\d+"


class Unreadable(Exception):
    """The text is no formula that is known here."""


def literal(text: str) -> Fraction:
    """A numeral of any country: 1,234.5 · 1.234,5 · 1 234,5 · 1'234.5 · 12,34,567 · 6.02e23."""
    digits, _, exponent = text.lower().partition("e")
    if len(digits) > MOST_DIGITS or (exponent and abs(int(exponent)) > MOST_DIGITS):
        raise Unreadable("a numeral is too long")
    digits = re.sub(r"(?<=\d)[ '_](?=\d)", "", digits.replace("{,}", ",").rstrip("."))
    whole, comma, point = digits, digits.rfind(","), digits.rfind(".")
    if comma >= 0 and point >= 0:
        mark = max(comma, point)
        whole = f"{grouped(digits[:mark], digits[min(comma, point)])}.{digits[mark + 1 :]}"
    elif comma >= 0:
        whole = groups_or_decimal(digits, ",")
    elif digits.count(".") > 1:
        whole = grouped(digits, ".")
    if whole.count(".") > 1 or "," in whole:
        raise Unreadable("a numeral that is none")
    return Fraction(f"0{whole}e{exponent or 0}")


def groups_or_decimal(digits: str, mark: str) -> str:
    """1,234 and 12,34,567 are thousands; 3,14 and 0,125 are decimals."""
    if digits.count(mark) == 1 and (not re.fullmatch(r"[1-9]\d{0,2},\d{3}", digits)):
        return digits.replace(mark, ".")
    return grouped(digits, mark)


def grouped(digits: str, mark: str) -> str:
    """Digits in groups of three, or of two with a last one of three, without their marks."""
    parts = digits.split(mark)
    inner = {len(part) for part in parts[1:-1]}
    if not 1 <= len(parts[0]) <= 3 or len(parts[-1]) != 3 or (inner | {3} != {3} and inner != {2}):
        raise Unreadable("a numeral that is none")
    return "".join(parts)


def repeating(text: str) -> Fraction:
    """0.333 followed by dots: the shortest block that comes at least twice at the end goes on for ever."""
    text = text.rstrip(".")
    _, _, decimals = text.partition(".")
    for size in range(1, min(len(decimals) // 2, 20) + 1):
        block = decimals[-size:]
        if decimals.endswith(block * (3 if size == 1 else 2)):
            head = decimals
            while head.endswith(block):
                head = head[:-size]
            return repeated(f"{text[: text.index('.') + 1]}{head}", block)
    raise Unreadable("digits that go on unknown")


def repeated(text: str, block: str) -> Fraction:
    """0.1 with the block 6: one sixth."""
    whole, _, decimals = text.rstrip(".").partition(".")
    if not block.isdigit() or len(block) > MOST_DIGITS:
        raise Unreadable("digits that do not repeat")
    start = Fraction(f"{whole or 0}.{decimals or 0}")
    return start + Fraction(int(block), (10 ** len(block) - 1) * 10 ** len(decimals))


def in_base(text: str, value: int) -> int:
    """A numeral of another base than ten."""
    if not 2 <= value <= 36 or len(text) > MOST_DIGITS:
        raise Unreadable("a base that is none")
    try:
        return int(text, value)
    except ValueError as error:
        raise Unreadable("digits beyond their base") from error
