r"""Cut the formula that an answer settles on out of its prose: numbers in words, units, currencies, hedges and negations.

A statement is first prepared (`prepared`), then scanned into pieces, of which some are mathematics; a row of them is a `Run`,
and runs that `and`, `or`, `to` or a comma joins are a `Group`. Which group is meant depends on where the statement stands.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from synthgen.checks import final
from synthgen.checks.formulas import ALIASES, FUNCTIONS
from synthgen.checks.signs import TEXT, tidy

WORDS = {
    **{word: n for n, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())},
    **{word: n for n, word in enumerate("thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(), 13)},
    **{word: 10 * n for n, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)},
}
LARGE = {"thousand": 10**3, "lakh": 10**5, "million": 10**6, "crore": 10**7, "billion": 10**9, "trillion": 10**12}
SCALES = {"dozen": 12, "hundred": 100, **LARGE}
ANY_WORD = "|".join([*WORDS, *SCALES])
SPELT = re.compile(rf"\b(?:{ANY_WORD})(?:(?:[\s-]|,? and (?:a )?)(?:{ANY_WORD}|half)){{0,12}}\b", re.IGNORECASE)
SCALED = re.compile(rf"(\d(?:[\d.,]*\d)?) ?({'|'.join(SCALES)})s?\b", re.IGNORECASE)
THOUSANDS_K = re.compile(r"(?<=[€£$¥])(\d[\d.,]*)k\b", re.IGNORECASE)
CODES = "USD|EUR|GBP|INR|CHF|JPY|CNY"
CURRENCY = re.compile(rf"\\\$|[€£¥₹₽₩₺]|\b(?:{CODES}|Rs\.?)(?=[\s\d])|(?<=\d)\s?(?:{CODES})\b|(?<=\d)/-")
PERCENT = re.compile(
    r"(?<=[\d)}]) ?(?:percent|per cent|pct|prozent|pour cent|por ciento|процент\w{0,3})\b", re.IGNORECASE
)
MINUS = re.compile(r"\b(?:minus|negative|moins|menos)\s+(?=[\d\\])", re.IGNORECASE)
DEGREES = re.compile(r"\^(?:\\circ|\{\s?\\circ\s?\})\s?[CF]\b")
DOLLARS = re.compile(r"\$\$?([^$]{1,600}?)\$\$?|\\\((.{1,600}?)\\\)|\\\[(.{1,900}?)\\\]", re.DOTALL)
LONG_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")
POWER = r"(?:\^\{?[23]\}?|/s(?:\^\{?2\}?)?)?"
UNIT = re.compile(
    r"(?:(?:square|cubic|sq\.?) )?(?:km/h|m/s|mph|[kcmdµ]?m|k?g|mg|m?l|[cd]l|L|mL|ms|s|sec|hrs?|h|min|t|ft|lb|oz|yd|mi|units?|"
    rf"degrees?|met(?:er|re)s?|lit(?:er|re)s?|k?Hz|k?W|kWh|[kM]?J|N|V|A|mol|K){POWER}(?![\w(^])"
)
ASIDE = re.compile(
    rf"\s\((?:[^()]*[^\\A-Za-z()])?(?!(?:{'|'.join(sorted(FUNCTIONS))})\b)[A-Za-z]{{3,}}[^()]*\)|"
    r"\s\([a-z]{2} [\da-z][^()]*\)|(?<=[\d}a-z]) \([\d\s*+/=.-]{1,80}\)"
)
ENVIRONMENT = re.compile(r"\\(?:begin|end)\{[a-z]{1,10}\*?\}")
TIME = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?\b|\b\d{1,2} ?[ap]\.?m\b\.?")
AND_HALF = re.compile(r"\b(\d{1,9}) and a half\b")
NOT = frozenset("not isn't never nicht pas не ne no wasn't aren't cannot can't 不是".split())
JOINS = {
    **dict.fromkeys("and und et y e и 和 & , ;".split(), "and"),
    **dict.fromkeys("or oder ou o или 或 /or".split(), "or"),
    **dict.fromkeys("to through until bis –".split(), "to"),
}
CUE = frozenset("is are was were equals equal gives yields get obtain becomes be = ist est es lautet to".split())
SOURCE = frozenset("from per than at with in by because since".split())
"""Words before a number that is not what the sentence comes to."""
HEDGED = frozenset("about approximately roughly exactly around just only simply the a therefore thus now then".split())
UNSURE = re.compile(
    r"\b(?:cannot|can't|could not|couldn't|not) (?:be )?(?:sure|certain|possible|\w{0,3}(?:solved?|determine|answer|comput|calculat|tell))"
    r"|\b(?:don't|do not) know\b|\bnot enough information|\bunable to\b|\bimpossible to\b",
    re.IGNORECASE,
)
PLEASANT = re.compile(
    r"\b(?:let me know|hope (?:this|that) helps|feel free|(?:further|other|any) questions)\b", re.IGNORECASE
)
REJECTED = re.compile(r"\s*(?:is|was|would be) (?:wrong|incorrect|not (?:right|correct|the answer))", re.IGNORECASE)
PIECE = re.compile(
    r"\x01([^\x02]*)\x02|(\d+\.(?=\\overline)|\d(?:[\d.,'_]*\d)?(?:[eE][+-]?\d{1,5}(?!\w))?(?: \d{3}(?![\d.]))*(?:[.,]\d+)?|\.\d+)"
    r"|(\\(?:begin|end)\{[a-z]{1,10}\}|\\[A-Za-z]+|\\[{}|\\%])|([^\W\d_]+(?:'[^\W\d_]+)?)"
    r"|(\.\.\.|\*\*|<=|>=|!=|[-+*/^_=<>!%|(){}\[\],;&'])|(\s+)|(.)",
    re.DOTALL,
)
NEAR_THE_END = 6
"""Sentences and lines at the end of a text in which it may settle on a value without a mark."""
NUMBERING = re.compile(r"^[ \t]*\d{1,2}[.)][ \t]+(?=\S*[A-Za-z]{2})", re.MULTILINE)
MOST_STATEMENT, MOST_GROUPS = 1_000, 200
"""Characters of a sentence that are looked at, and formulas in it."""
BARE = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}")


class Claim(NamedTuple):
    """What an answer settles on."""

    text: str = ""
    """The formula; "" where the answer settles on none."""
    unit: str = ""
    """The word after it."""
    statement: str = ""
    """The sentence it stands in."""
    why: str = "no number or formula found"


class Run(NamedTuple):
    """A formula in a sentence."""

    text: str
    before: str
    """The word before it, past those that only hedge."""
    after: str
    """What follows it, up to 60 characters."""
    tail: bool = False
    """Whether it goes on from what stands before it: `× 24 = 96` after `4 boxes`."""


class Group(NamedTuple):
    """Formulas joined by `and`, `or`, `to`."""

    runs: tuple[Run, ...]
    joins: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it as one formula."""
        pairs = zip(self.joins, self.runs[1:], strict=True)
        return "".join([self.runs[0].text, *(f" {join} {run.text}" for join, run in pairs)]).lstrip("= ")


def texts_of(text: str) -> list[str]:
    r"""What stands in the `\text{}` of a formula."""
    return [found[1].strip() for found in TEXT.finditer(text)]


def cleaned(text: str) -> str:
    """A formula ready to be read: no dollar signs, no units in LaTeX's text, no full stop at the end."""
    text = CURRENCY.sub("", text).replace("$", "").strip()
    text = text.removeprefix("\\[").removeprefix("\\(").removesuffix("\\]").removesuffix("\\)")
    text = PERCENT.sub("%", DEGREES.sub("", tidy(TEXT.sub(kept_word, text))))
    text = SCALED.sub(scaled, text).strip()
    return text if text.endswith("...") else text.rstrip(" .,;:")


def kept_word(found: re.Match[str]) -> str:
    r"""Of a `\text{}` what belongs to the formula."""
    return f" {found[1].strip()} " if found[1].strip() in {"and", "or", *FUNCTIONS} else " "


def scaled(found: re.Match[str]) -> str:
    """1.5 million as a product."""
    return f"{found[1]}*{SCALES[found[2].lower()]}"


def claims(answer: str, names: frozenset[str]) -> Claim:
    """What an answer settles on; `names` are the symbols of the true answer, which are no units here."""
    text = final.readable(answer)
    for statement in final.statements(text):
        claim = stated(statement, names, first=True)
        if claim.text or claim.why.startswith("settles"):
            return claim
    return unmarked_claim(text, names)


def unmarked_claim(text: str, names: frozenset[str]) -> Claim:
    """What a text without a mark settles on: its first line if that is all value, its last bold, its last sentence."""
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) > 1 and len(lines[1].split()) > 3 and alone(final.unmarked(lines[0]), names):
        return stated(final.unmarked(lines[0]), names, first=True)
    for span in reversed(final.bold(text)[-3:]):
        if span in "\n".join(lines[-2:]) and alone(span.strip(" .:"), names):
            return stated(span, names, first=True)
    parts = final.sentences(NUMBERING.sub("", displayed(final.unmarked(text))))
    for sentence in reversed(parts[-NEAR_THE_END:]):
        if PLEASANT.search(sentence):
            continue
        claim = stated(sentence, names, first=False)
        if claim.text or claim.why.startswith("settles"):
            return claim
    return Claim(statement=parts[-1] if parts else "")


def displayed(text: str) -> str:
    """The text with displayed formulas on one line each."""
    return re.sub(r"\\\[(.{1,900}?)\\\]", lambda found: found[0].replace("\n", " "), text, flags=re.DOTALL)


def alone(line: str, names: frozenset[str]) -> bool:
    """Whether a line is one value, with a unit of two words at most."""
    if len(line) > 120 or "=" in line:
        return False
    found = groups(prepared(line), names)
    words = LONG_WORD.findall(re.sub(r"\\[a-z]+", "", line))
    return len(found) == 1 and len([word for word in words if word.lower() not in FUNCTIONS]) <= 2


def stated(statement: str, names: frozenset[str], *, first: bool) -> Claim:
    """What one statement says: what it begins with where it is marked as the answer, else what follows the last cue."""
    if first:
        statement = next(iter(final.sentences(statement[:MOST_STATEMENT])), "")
    statement = statement[-MOST_STATEMENT:]
    if UNSURE.search(statement):
        return Claim(why="settles on nothing", statement=statement)
    found = [group for group in groups(prepared(statement), names) if holds(group)]
    if not found:
        return Claim(statement=statement)
    tails = [group for group in found if group.runs[-1].tail]
    cued = [group for group in found if group.runs[0].before in CUE]
    at_start = first and not found[0].runs[0].before
    others = [group for group in found if group.runs[0].before not in SOURCE]
    group = tails[-1] if tails else found[0] if at_start else (cued or others or found)[-1]
    if "to" in group.joins:
        return Claim(why="settles on a range", statement=statement)
    unit = re.match(r"\s*([^\W\d_]+)", group.runs[-1].after)
    return Claim(text=group.text, unit=unit[1] if unit else "", statement=statement)


def holds(group: Group) -> bool:
    """Whether a group is neither negated nor rejected."""
    return group.runs[0].before not in NOT and not REJECTED.match(group.runs[-1].after)


def prepared(statement: str) -> str:
    """A statement with its mathematics between marks, its numbers in digits, no asides and no currencies."""
    untimed = TIME.sub(" ", statement)
    text = untimed if ":" in statement or re.search(r"\d", untimed) else statement
    text = THOUSANDS_K.sub(r"\1 thousand", AND_HALF.sub(r"\1.5", text)).replace("\\$", "")
    text = CURRENCY.sub("", marked(text)).replace("$", "")
    text = TEXT.sub(lambda found: f" {found[1].strip()} ", text)
    text = PERCENT.sub("%", MINUS.sub("-", DEGREES.sub("", tidy(text))))
    text = ASIDE.sub(" ", text)
    if not re.search(r"\d", text):
        text = MINUS.sub("-", SPELT.sub(lambda found: number_of(found[0]), text))
    return SCALED.sub(scaled, text)


def marked(text: str) -> str:
    r"""The text with what stands in $...$, \(...\) or \[...\] between two marks; a lone dollar is money."""
    found, at = [], 0
    while match := DOLLARS.search(text, at):
        inner = ENVIRONMENT.sub("", TEXT.sub("", match[1] or ""))
        if any(word.lower() not in FUNCTIONS for word in LONG_WORD.findall(inner)):
            found.append(f"{text[at : match.start()]} ")
            at = match.start() + 1
            continue
        found.append(f"{text[at : match.start()]}\x01{TEXT.sub(kept_word, match[1] or match[2] or match[3])}\x02")
        at = match.end()
    return "".join([*found, text[at:]])


def number_of(words: str) -> str:
    """A number in English words as digits."""
    total = part = Fraction(0)
    for word in re.findall(r"[a-z]+", words.lower()):
        if word in WORDS:
            part += WORDS[word]
        elif word in LARGE:
            total, part = total + max(part, Fraction(1)) * LARGE[word], Fraction(0)
        elif word in SCALES:
            part = max(part, Fraction(1)) * SCALES[word]
        elif word == "half":
            part += Fraction(1, 2)
    return str(total + part)


def groups(text: str, names: frozenset[str]) -> list[Group]:
    """The formulas of a prepared statement, with those that `and`, `or`, `to` join together."""
    found: list[Group] = []
    end = 0
    for run, start, stop in runs(text, names):
        between = text[end:start].strip(" \x01\x02")
        join = JOINS.get(between.strip(",").strip().lower() or between, "")
        if found and join:
            found[-1] = Group((*found[-1].runs, run), (*found[-1].joins, join))
        elif len(found) < MOST_GROUPS:
            found.append(Group((run,), ()))
        end = stop
    return found


def runs(text: str, names: frozenset[str]) -> Iterator[tuple[Run, int, int]]:
    """Each formula of a prepared statement with its place."""
    pieces, at = list(scan(text, names)), 0
    while at < len(pieces):
        start, kind = at, pieces[at][0]
        at += 1
        if kind not in {"math", "forced"}:
            continue
        while kind == "math" and at < len(pieces) and pieces[at][0] in {"math", "space"}:
            at += 1
        first, last = pieces[start][1], pieces[at - 1][2]
        tail = text[first : first + 1] in {"=", "*", "/", "+"} and "=" in text[first:last]
        if kind == "forced":
            yield (
                Run(cleaned(text[first + 1 : last - 1]), word_before(text, first), text[last : last + 60]),
                first,
                last,
            )
            continue
        inside, lead, trail = trimmed(text[first:last])
        if inside:
            first, last = first + lead, last - trail
            yield Run(inside, word_before(text, first), text[last : last + 60], tail), first, last


def word_before(text: str, at: int) -> str:
    """The last word before a place, past what only hedges."""
    words = re.findall(r"[^\W_]+(?:'[^\W_]+)?|=", text[max(0, at - 60) : at].lower())
    while words and words[-1] in HEDGED:
        words.pop()
    return words[-1] if words else ""


def scan(text: str, names: frozenset[str]) -> Iterator[tuple[str, int, int]]:
    """(kind, start, end) of each piece: forced, math, word, space, other."""
    at, after_number, formula = 0, False, no_prose(text)
    while at < len(text):
        unit = UNIT.match(text, past_blanks(text, at)) if after_number else None
        if unit and unit[0] not in names:
            yield "word", at, unit.end()
            at, after_number = unit.end(), False
            continue
        match = PIECE.match(text, at)
        if match is None:
            return
        forced, numeral, command, word, sign, space, _ = match.groups()
        kind = "forced" if forced is not None else "math" if numeral or command or sign else "other"
        if word:
            kind = "math" if formula or mathematical(word, text, match.start(), match.end(), names) else "word"
        elif (
            numeral
            and at
            and text[at - 1].isascii()
            and text[at - 1].isalpha()
            and "\\" not in text[max(0, at - 12) : at]
        ):
            kind = "math" if len(re.findall(r"[A-Za-z]+$", text[max(0, at - 12) : at])[0]) == 1 else "word"
        elif space and "\n" not in space:
            kind = "space"
        after_number = bool(numeral) or command == "\\pi" or (after_number and sign in {")", "}"})
        yield kind, match.start(), match.end()
        at = match.end()


def past_blanks(text: str, at: int) -> int:
    """The place after at most three blanks."""
    return at + len(text[at : at + 3]) - len(text[at : at + 3].lstrip(" "))


def no_prose(text: str) -> bool:
    """Whether all words of a statement are names of functions or single letters."""
    words = BARE.findall(ENVIRONMENT.sub("", text))
    return all(ALIASES.get(word.lower(), word.lower()) in FUNCTIONS for word in words) and text.isascii()


def mathematical(word: str, text: str, start: int, end: int, names: frozenset[str]) -> bool:
    """Whether a word of the prose is part of a formula: a function, a symbol of the true answer, a letter beside a sign."""
    name = ALIASES.get(word.lower(), word.lower())
    if name in {"max", "min", "exp", "abs", "floor", "ceil"}:
        return text[end : end + 1] == "("
    if name in FUNCTIONS or name in {"pi", "infinity"}:
        return True
    if not (word.isascii() or all("α" <= letter <= "ω" for letter in word)):
        return False
    beside = (text[start - 1 : start] if start else " ") + (text[end : end + 1] or " ")
    if len(word) > 3 or "'" in word:
        return len(word) == 3 and word[1] == "'"
    if any(sign in beside for sign in "*/^_|\\"):
        return True
    if len(word) > 1:
        return any(sign in beside for sign in "+=()") and set(word) <= names
    near = (text[:start].rstrip()[-1:] or " ") + (text[end:].lstrip()[:1] or " ")
    if any(sign in near for sign in "+*/^=<>\\-(") or any(c.isdigit() for c in beside):
        return word not in {"a", "I"} or word in names
    return (word in names and word not in {"a", "I", "A"}) or (start == 0 and end == len(text.rstrip(" .")))


def trimmed(text: str) -> tuple[str, int, int]:
    """A formula without the signs that prose put around it, and how much went at its beginning and its end."""
    inside = text.rstrip(" ,;:([{+*/^=<>&_'-")
    if inside.count("|") % 2:
        inside = inside.strip("|")
    if inside.endswith((")", "]", "}")) and not balanced(inside):
        inside = inside[:-1].rstrip()
    trail = len(text) - len(inside)
    if inside.startswith("(") and not balanced(inside) and inside.count("(") > inside.count(")") and "]" not in inside:
        inside = inside[1:]
    inside = inside.lstrip(" ,;:)]}=/^>&_'+*!%")
    lead = len(text) - trail - len(inside)
    return (inside, lead, trail) if re.search(r"[\w\\]", inside) else ("", lead, trail)


def balanced(text: str) -> bool:
    """Whether as many brackets close as open; of intervals either kind may close either."""
    return sum(map(text.count, "([{")) == sum(map(text.count, ")]}"))
