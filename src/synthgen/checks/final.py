"""Where an answer in free text says what it settles on: a box, a tag, "the answer is", in several languages.

Nothing here knows mathematics or labels. Every pattern takes time in proportion to the text.
"""

import re
from collections.abc import Iterator

MOST_HEAD, MOST_TAIL = 4_000, 16_000
"""Characters that are read at the beginning and at the end of a long answer."""
MOST_BOXES = 20
THOUGHT = re.compile(r"</(?:think|thinking|reasoning)>", re.IGNORECASE)
STOP = re.compile(r"<\|(?:im_start|im_end|endoftext|eot_id|end|end_of_text)\|>|</s>")
TAG = re.compile(r"<(?:final_?)?answer>([^<]{0,2000})</(?:final_?)?answer>", re.IGNORECASE)
MARKUP = re.compile(r"</?(?:b|i|em|strong|p|u|code|br|span|div|center|mark)\s?/?>", re.IGNORECASE)
FENCE = re.compile(r"^[ \t]*(?:```|~~~)[\w+-]*[ \t]*$", re.MULTILINE)
BOLD = re.compile(
    r"(?<![\w)}*])\*\*(?=[^\s*])([^*\n]{1,2000})(?<=\S)\*\*(?![\w(*])|(?<!\w)__(?=\S)([^_\n]{1,2000})__(?!\w)"
)
ITALIC = re.compile(r"(?<![\w)}*])\*(?=[^\s*])([^*\n]{1,500})(?<=\S)\*(?![\w(*])")
HEADING = re.compile(r"^[ \t]*(?:#{1,3}[ \t]+|#{5,6}[ \t]+|>[ \t]?)", re.MULTILINE)
"""Four signs are left standing: GSM8K marks its answers with them."""
HASHES = re.compile(r"####[ \t]*([^\n]{1,500})")
BLANK = re.compile(r"[ \t\u00a0]{2,}")
SENTENCE_END = re.compile(r"(?<=[.!?])[)\"”»]?\s+|(?<=[。！？；])|\n+")
TOOK_BACK = re.compile(r"\b(?:wait|mistake|wrong|actually|correction|instead|checking again|no,)", re.IGNORECASE)
"""Between two boxes: the first no longer holds."""

ENGLISH = (
    r"\b(?:(?:(?:my|the) )?(?:final|correct|right|best|overall) )?(?:answer|label|classification|option|choice|verdict)"
    r"(?: (?:to|for|of) [^.:=\n]{1,60}?)?\s?(?:(?:is|are|would be|should be|must be|comes to)\b(?: therefore| thus)?\s?:?|[:：=])"
)
OTHERS = (
    r"(?:最终答案|答案|回答|结论|最終的な答え|答え|정답|답|ответ|réponse(?: finale)?|respuesta(?: final)?|antwort|resposta|"
    r"risposta|odpowiedź|cevap|الجواب|الإجابة|उत्तर)\s?"
    r"(?:[:：]|是|为|為|は|(?:это|est|es|lautet|ist|é|è|هو|هي)\b\s?:?)"
)
MARKER = re.compile(rf"(?:{ENGLISH}|(?<!\w){OTHERS})", re.IGNORECASE)
BACKWARD = re.compile(
    r"(?:^|(?<=[.!?\n]))\s*([^.!?\n]{1,200}?) is (?:the|my) (?:final |correct |right )?(?:answer|label|option|choice)\b",
    re.IGNORECASE,
)


def readable(text: str) -> str:
    """The text without thoughts, markup and blank runs, and without the middle of a long one."""
    text = STOP.split(THOUGHT.split(text)[-1], maxsplit=1)[0]
    if len(text) > MOST_HEAD + MOST_TAIL:
        text = f"{text[:MOST_HEAD]}\n{text[-MOST_TAIL:]}"
    text = BLANK.sub(" ", text.replace("\r\n", "\n"))
    return HEADING.sub("", FENCE.sub("", MARKUP.sub("", text))).strip()


def unmarked(text: str) -> str:
    """The text without the marks of bold and italic type; a sign of multiplication or power stays."""
    return ITALIC.sub(r"\1", BOLD.sub(lambda found: found[1] or found[2], text))


def bold(text: str) -> list[str]:
    """What stands in bold type."""
    return [(found[1] or found[2]).strip() for found in BOLD.finditer(text)]


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text; one in brackets after another belongs to nobody."""
    return [part.strip() for part in SENTENCE_END.split(text) if part and part.strip()]


def boxed(text: str) -> str:
    r"""What the last `\boxed` holds; of several with nothing taken back between them all, parted by commas."""
    found = list(boxes(text))
    if not found:
        return ""
    kept = [found[-1]]
    for box in reversed(found[:-1]):
        between = text[box[1] : kept[0][0]]
        if len(between) > 30 or "\n" in between or TOOK_BACK.search(between):
            break
        kept.insert(0, box)
    return ", ".join(text[inner:end].strip() for _, end, inner in kept)


def boxes(text: str) -> Iterator[tuple[int, int, int]]:
    """(start, end of the content, start of the content) of the last boxes that are closed."""
    for found in [*re.finditer(r"\\(?:boxed|fbox)\s?\{", text)][-MOST_BOXES:]:
        depth = 1
        for at in range(found.end(), min(len(text), found.end() + 2000)):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if depth == 0:
                yield found.start(), at, found.end()
                break


def statements(text: str) -> Iterator[str]:
    """What a text marks as its answer, the surest mark first. Give it what `readable` returns."""
    tags = TAG.findall(text)
    if tags:
        yield tags[-1].strip()
    plain = unmarked(text)
    marks = list(MARKER.finditer(plain))
    said = following(plain, marks[-1].end()) if marks else ""
    last_box = max((end for _, end, _ in boxes(plain)), default=-1)
    if said and "final" in marks[-1][0].lower() and marks[-1].start() > last_box >= 0:
        yield said
    if last_box >= 0:
        yield boxed(plain)
    if hashes := HASHES.findall(text):
        yield hashes[-1].strip()
    if said:
        yield said
    backward = BACKWARD.findall(plain[-MOST_HEAD:])
    if backward and not marks:
        yield backward[-1]


def following(text: str, start: int) -> str:
    """The rest of the line after a mark, or the next line that says something."""
    rest = text[start : start + 1000].lstrip(" \t*:：=\n")
    line = rest.split("\n", 1)[0].strip()
    return line.strip("*_ ")
