"""Checks `label` and `exact`: which label of a closed set an answer settles on, and whether it says one right wording.

`label` takes {"answer": "positive", "labels": ["positive", "negative", "neutral"], "options": {"A": "positive", ...}}, the
last if the task was put as a choice among letters. A guess passes once in as many times as there are labels. `exact` takes
{"answers": ["Strait of Gibraltar", ...]}.

What is marked as the answer counts first (`final.py`), then a label that the text opens with, then the last sentence that
asserts one. A label that is denied, asked about, only considered, or named beside another has not been settled on.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from synthgen.checks import final
from synthgen.checks.found import Found, Function
from synthgen.text.tokens import ALONE, normalised

JOINT = r"[\s_/-]{1,3}"
"""What may stand between the words of a label: card_lost is card lost."""
BREAK = re.compile(r"[\s_/-]+")
OPENING = re.compile(r"[\s\"'`“”‘’«»„()\[\]{}*_#>.:,;!?~|•✅☑→=-]{0,40}")
NEGATION = (
    r"(?:\bnot\b|n't\b|\bcannot\b|\bnever\b|\bneither\b|\bnor\b|\bno\b|\bwithout\b|\bnothing\b|\brather than\b|\binstead of\b|\bfar from\b|"
    r"\bas opposed to\b|\bhardly\b|\bfalse that\b|\bnone of\b|\bdeny|\bwrong to\b|\brul(?:e|ed|ing) out\b|\beliminat\w+\b|"
    r"\bnicht\b|\bkein\w*\b|\bweder\b|\bpas\b|\bni\b|\bне\b|\bни\b|\bليس\b|\bلا\b|\bjamais\b|\bnunca\b)"
)
DENIED = re.compile(rf"{NEGATION}(?: (?!but\b|and\b|so\b|yet\b)[\w']+){{0,4}}[\s\"'“‘(]{{0,3}}$", re.IGNORECASE)
DENIED_ALONE = re.compile(r"(?:不是|并非|并不|不|非|没有|じゃない|아니라)\s?[\"“「『]?$")
DENIED_AFTER = re.compile(
    r"[\"'”’)]{0,2}\s?(?:(?:is|are|was|would be|can be|wäre|ist)(?: (?:also|clearly|too))? (?:wrong|incorrect|false|falsch|out|excluded|ruled out|impossible|not|"
    r"right only|too \w+)|(?:is|would)n't\b|\?|\(no\b|ではな|じゃな|でない|이 아니)",
    re.IGNORECASE,
)
LISTED = re.compile(
    r"[\s\"'”’)]{0,3}(?:,|;|、|/|\bor\b|\bnor\b|\band\b|\bи\b|\bни\b|或|和|,? (?:or|nor|and))[\s\"'“‘(]{0,3}(?:(?:an?|the) )?",
    re.IGNORECASE,
)
EITHER = re.compile(
    r"\s?(?:,|/|、|,? ?\b(?:or|and|oder|und|ou|o|или)\b|或者?|和)\s?(?:(?:an?|the|it is|as) )?", re.IGNORECASE
)
WEAK = re.compile(
    r"\b(?:(?:could|might|may|can) (?:also )?be|(?:some|one|many|people|others|you|i) (?:would|might|could|may) (?:also )?(?:say|think|call|argue|expect)|"
    r"many (?:think|say|believe)|possibly|perhaps|maybe|whether|either|hard to say|cannot decide|can't decide|common mistake|"
    r"(?:expected|expecting|first thought)(?= ))",
    re.IGNORECASE,
)
DROPPED = re.compile(
    r"(?:, with\b|,? \b(?:although|even though|though(?!,)|while|whereas|despite|because|since|given that|as it|as the)\b|\((?!option|choice|[a-z]\))).*$",
    re.IGNORECASE | re.DOTALL,
)
TURN = re.compile(
    r";|:\s|—|–|\s-\s|,? \b(?:but|however|yet|so|therefore|hence|thus|leaves|leaving|sondern|mais)\b|(?:，|,)?(?:而是|但是|但|所以|因此)|, а\b",
    re.IGNORECASE,
)
ASSERTS = re.compile(
    r"(?:\b(?:is|as|are|be|say|label|labelled|choose|pick|select|with|to|answer|option|expresses|shows|category|leaves|into|=|therefore|hence|thus|so|это|ist|est|es)|[:=→]|是|は)"
    r"(?: (?:an?|the|clearly|therefore|thus|most|best|option|choice|label|category|class|simply|just|definitely|overall|in fact|really|best described as))*"
    r"[\s\"'“‘(*]{0,3}$",
    re.IGNORECASE,
)
LETTER_CUE = re.compile(
    r"(?:\b(?:option|choice|answer|letter|is|choose|pick|select|leaves|be|so|are|not|or|and|both|either|neither|than|only)|[,:(]|^)[\s(\"'*]{0,3}$",
    re.IGNORECASE,
)
LETTER_AFTER = re.compile(r"[)\].,:;!?\"'*]|$|\s*(?:$|\n)|\s(?:is|are|or|and|but|because|since|would|fits|,|-|–|—)")
HEAD_AFTER = re.compile(
    r"[\"'”’)*`}\]]{0,3}\s?(?:[.,:;!\n()—–|-]|$|\s(?:because|since|as|with|,|\()|[^\w\s])", re.IGNORECASE
)
JSON_LINE = re.compile(r"[\"']?\b[\w ]{1,30}[\"']?\s?[:=：]\s?[\"'“]?")
PREFIX = re.compile(r"[^\n:：]{1,40}[:：]\s?")
QUESTION = re.compile(r"\?\s*$")
EXTREMES = {"un", "in", "im", "non", "dis", "ir"}
MOST_MENTIONS = 200
NEAR_THE_END = 4
"""Sentences at the end of a text in which it may settle on a label without a mark."""


class Labels(NamedTuple):
    """A closed set of labels, ready to be looked for."""

    names: dict[str, str]
    """How a label is written, in small letters with single spaces, to the label; letters of options too."""
    letters: frozenset[str]
    """Those that are single capital letters, which need more than standing there."""
    pattern: re.Pattern[str]

    def of(self, written: str) -> str:
        """The label that is written so."""
        return self.names.get(" ".join(BREAK.sub(" ", written).casefold().split()), "")


class Mention(NamedTuple):
    """A label in a text."""

    start: int
    end: int
    label: str
    letter: bool
    """Whether it is named by its letter."""


def label_check(answer: str, args: Mapping[str, Any], _given: str = "") -> Found:
    """Whether an answer settles on the true label."""
    options = {str(key): str(value) for key, value in dict(args.get("options") or {}).items()}
    wanted = str(args.get("answer", "")).strip()
    known = [str(label) for label in args.get("labels") or ()] or list(options.values())
    if not wanted:
        return Found(None, "the true label is not told")
    if wanted.casefold() not in {label.strip().casefold() for label in known}:
        known.append(wanted)
    label, why = settled(answer, labels_of(tuple(known), options))
    return Found(bool(label) and label == labels_of((wanted,), {}).of(wanted), f"settles on {label}" if label else why)


def labels_of(known: Sequence[str], options: Mapping[str, str]) -> Labels:
    """The labels and the letters that stand for them."""
    names = {" ".join(BREAK.sub(" ", one).casefold().split()): one.strip().casefold() for one in known}
    letters = {one.strip().upper() for one in known if re.fullmatch(r"[A-Za-z]", one.strip())}
    for key, value in options.items():
        if re.fullmatch(r"[A-Za-z0-9]{1,2}", key.strip("(). ")):
            names.setdefault(key.strip("(). ").casefold(), value.strip().casefold())
            letters.add(key.strip("(). ").upper())
    shapes = [shape(name) for name in sorted(names, key=len, reverse=True) if name]
    return Labels(names, frozenset(letters), re.compile("|".join(shapes) or r"(?!)", re.IGNORECASE))


def shape(name: str) -> str:
    """The pattern of a label: its words with any joint between them, and nothing that goes on at either end."""
    body = JOINT.join(map(re.escape, name.split()))
    before = "" if re.match(f"[{ALONE}]", name) else r"(?<![\w+])" if not name.isdigit() else r"(?<![\w.,])"
    after = "" if re.match(f"[{ALONE}]", name[-1]) else r"(?![\w+#])" if name[-1].isalnum() else ""
    if name.isdigit():
        after = r"(?![\w%]|[.,]\d)(?:\s?(?:/|out of|von|sur)\s?\d{1,3}\b)?"
    return f"{before}{body}{after}"


def settled(answer: str, labels: Labels) -> tuple[str, str]:
    """(the label that an answer settles on or "", why none)."""
    text = final.readable(answer).replace("’", "'")
    for statement in final.statements(text):
        if label := in_statement(plain(statement), labels):
            return label, ""
        if any(mentions(plain(statement), labels)):
            return "", "its final statement settles on no label"
    text = plain(text)
    if label := labels.of(bare(text)):
        return label, ""
    if label := head(text, labels) or field(text, labels):
        return label, ""
    return in_prose(text, labels)


def plain(text: str) -> str:
    """A text without the marks of type, and without LaTeX around words."""
    text = (
        re.sub(r"\\(?:text|textbf|mathrm|mathbf)\{([^{}]*)\}", r"\1", final.unmarked(text))
        .replace("`", "")
        .replace("$", "")
    )
    return re.sub(r"^[ \t]*[-•*][ \t]+", "", text, flags=re.MULTILINE).strip()


def bare(text: str) -> str:
    """A short text without what stands around its words."""
    if len(text) > 200:
        return ""
    return re.sub(r"^[^\w+]+|[^\w+#]+$", "", re.sub(r"\(([^()]*)\)", r" \1 ", text)).strip()


def in_statement(statement: str, labels: Labels) -> str:
    """The label of a statement that is marked as the answer."""
    return labels.of(bare(statement)) or head(statement, labels) or in_prose(statement, labels, marked=True)[0]


def head(text: str, labels: Labels) -> str:
    """The label that a text opens with, if it is set off from what follows and not the first of several."""
    skipped = OPENING.match(text)
    start = skipped.end() if skipped else 0
    found = re.match(r"(?:option|choice|answer|label)\s[(\"']?", text[start : start + 40], re.IGNORECASE)
    cued = found.end() if found else 0
    match = labels.pattern.match(text, start + cued)
    if match is None or not HEAD_AFTER.match(text, match.end()) or DENIED_AFTER.match(text, match.end()):
        return ""
    label, is_letter = labels.of(spelt(match[0])), match[0].upper() in labels.letters
    if is_letter and match[0].islower() and not re.match(r"[).:]|$", text[match.end() :]):
        return ""
    gap = re.compile(r"[\s).:,\"'*—–(-]{0,6}").match(text, match.end())
    follows = labels.pattern.match(text, gap.end() if gap else match.end())
    if follows and not article(text, follows):
        other = labels.of(spelt(follows[0]))
        joined = text[match.end() : follows.start()].strip()
        if other != label:
            return ""
        if joined in {",", "/"}:
            return label
    either = EITHER.match(text, match.end())
    if either and (then := labels.pattern.match(text, either.end())) and labels.of(spelt(then[0])) != label:
        return ""
    return label


def article(text: str, match: re.Match[str]) -> bool:
    """Whether a single letter is no label but a word: `a friend`, `I think`."""
    return match[0] in {"A", "a", "I", "i"} and not LETTER_AFTER.match(text, match.end())


def spelt(written: str) -> str:
    """A label as it was matched, without `out of 5`."""
    return re.sub(r"^(\d+)\s?(?:/|out of|von|sur)\s?\d+$", r"\1", written)


def field(text: str, labels: Labels) -> str:
    """The label that stands after a name and a colon on a line of its own, where all such lines agree."""
    found = set()
    for line in text.split("\n"):
        prefix = PREFIX.match(line.strip(" {}\"'"))
        if prefix and len(prefix[0].strip(" :：\"'")) > 1:
            found.add(head(line.strip(" {}\"'")[prefix.end() :].strip(" \"'{}"), labels))
    found.discard("")
    return found.pop() if len(found) == 1 else ""


def in_prose(text: str, labels: Labels, *, marked: bool = False) -> tuple[str, str]:
    """The label of the last sentence near the end that asserts one; in a short text, of one that names some at all."""
    sentences = [one for one in final.sentences(text) if not QUESTION.search(one)]
    ends = sentences[-NEAR_THE_END:]
    for strict in (True, False) if len(sentences) <= NEAR_THE_END else (True,):
        for sentence in reversed(ends):
            found = asserted(sentence, labels, strict=strict and not marked)
            if found is not None:
                return found
    return "", "names no label that it settles on"


def asserted(sentence: str, labels: Labels, *, strict: bool) -> tuple[str, str] | None:
    """(label, "") of a sentence, ("", why) where it names several, None where it asserts none."""
    clauses = turns(sentence)
    for number in range(len(clauses) - 1, -1, -1):
        clause = clauses[number]
        held = list(affirmed(clause, labels))
        if not held:
            continue
        strong = {one.label for one in held if ASSERTS.search(clause[: one.start])}
        if strict and not strong:
            continue
        every = {one.label for one in held}
        if len(every) == 1:
            return every.pop(), ""
        joined = any(EITHER.fullmatch(clause[one.end : two.start]) for one, two in pairwise(held))
        if len(strong) == 1 and not joined:
            return strong.pop(), ""
        return "", f"names several labels: {', '.join(sorted(every))}"
    return None


def turns(sentence: str) -> list[str]:
    """A sentence in the parts between its turns, without what is only conceded or given as a reason."""
    parts, at = [], 0
    for turn in TURN.finditer(sentence):
        parts.append(sentence[at : turn.start()])
        at = turn.start() if turn[0].strip(" ,").isalpha() else turn.end()
    parts.append(sentence[at:])
    return [kept for part in parts if (kept := shortened(part)).strip()]


def shortened(clause: str) -> str:
    """A clause without its reasons and concessions, unless it opens with them."""
    found = DROPPED.search(clause)
    return clause[: found.start()] if found and found.start() > 5 else clause


def affirmed(clause: str, labels: Labels) -> Iterator[Mention]:
    """The labels of a clause that it neither denies nor only considers; of two complements a denied one is the other."""
    denied_before: Mention | None = None
    weak, end = WEAK.search(clause), 0
    for one in mentions(clause, labels):
        before, end = clause[end : one.start], one.end
        linked = denied_before is not None and LISTED.fullmatch(clause[denied_before.end : one.start]) is not None
        if (
            linked
            or DENIED.search(before[-80:])
            or DENIED_ALONE.search(before[-6:])
            or DENIED_AFTER.match(clause, one.end)
        ):
            denied_before = one
            if (other := complement(one.label, labels)) and not DENIED_AFTER.match(clause, one.end) and not linked:
                yield one._replace(label=other)
            continue
        denied_before = None
        if weak and weak.start() < one.start:
            continue
        yield one


def complement(label: str, labels: Labels) -> str:
    """The label that is the denial of this one, where the set has it."""
    known = set(labels.names.values())
    for other in known:
        joined = other.replace("-", "").replace(" ", "")
        if other != label and (other == f"not {label}" or any(joined == f"{lead}{label}" for lead in EXTREMES)):
            return other
        reverse = label.replace("-", "").replace(" ", "")
        if other != label and any(reverse == f"{lead}{other}" for lead in EXTREMES):
            return other
    return {"true": "false", "false": "true"}.get(label, "") if {"true", "false"} == known else ""


def mentions(text: str, labels: Labels) -> Iterator[Mention]:
    """Where labels stand in a text: the longest at each place, single letters and `no` only where they are no other word."""
    for count, match in enumerate(labels.pattern.finditer(text)):
        if count >= MOST_MENTIONS:
            return
        written = spelt(match[0])
        letter = written.upper() in labels.letters
        if letter and not letter_meant(text, match):
            continue
        if written.casefold() in {"no", "none"} and not re.match(
            r"[\s\"'”*)]{0,3}(?:$|[.,:;!?\n—–)/-]|(?:and|or)\b)", text[match.end() :]
        ):
            continue
        yield Mention(match.start(), match.end(), labels.of(written), letter)


def letter_meant(text: str, match: re.Match[str]) -> bool:
    """Whether a single letter is a label here and no word or unit."""
    if re.search(r"[°\d] ?$", text[max(0, match.start() - 2) : match.start()]):
        return False
    after = LETTER_AFTER.match(text, match.end())
    if match[0].islower():
        return bool(
            re.search(r"(?:\boption|\bchoice|\banswer|\bletter|\()\s?$", text[: match.start()], re.IGNORECASE) and after
        )
    if match[0] in {"A", "I"}:
        return after is not None
    return not re.search(
        r"\b(?:vitamin|hepatitis|plan|grade|type|group|class|figure|table|section)\s$",
        text[: match.start()],
        re.IGNORECASE,
    )


def says(answer: str, words: str) -> Found:
    """Whether an answer settles on a word that is the true answer, though no other labels are known."""
    label, why = settled(answer, labels_of((words,), {}))
    found = label != "" or exact_check(answer, {"answers": [words]}).passed is True
    return Found(found, f"says {words}" if found else why)


def exact_check(answer: str, args: Mapping[str, Any], _given: str = "") -> Found:
    """Whether an answer, or what it marks as its final statement, is one of the right wordings."""
    right = {key(str(one)) for one in args.get("answers") or ()}
    if not right:
        return Found(None, "no true answer is told")
    text = final.readable(answer)
    for statement in [text, *final.statements(text)]:
        for said in wordings(statement):
            if key(said) in right:
                return Found(True, f"says {said}")
    return Found(False, "is none of the right wordings, and marks none as its answer")


def wordings(statement: str) -> Iterable[str]:
    """A statement as it is, and without LaTeX, marks of type and a full stop."""
    stripped = plain(statement)
    return (statement, stripped, stripped.strip(" .\"'"))


def key(text: str) -> tuple[str, tuple[str, ...]]:
    """Equal for texts that differ in case, space and punctuation, but not in that between digits."""
    return normalised(text), tuple(re.findall(r"(?<=\d)[.:,/](?=\d)", text))


CHECKS: dict[str, Function] = {"label": label_check, "exact": exact_check}
"""The checks of this module by name."""
