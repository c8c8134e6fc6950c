"""Split text into tokens: as the reference does, and so that every script counts."""

import re
import unicodedata
from functools import cache

NOT_PARITY = re.compile(r"[^a-z0-9]+")
# Scripts between whose letters Unicode looks for no space (UAX 14: SA, ID, CJ, AK, AP, AS): each character is a token.
# Hangul is spaced, and Tibetan parts its syllables with a mark of its own, so neither is among them.
ALONE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df"  # Thai, Lao; Myanmar; Khmer; Tai Le, New Tai Lue
    "\u1a20-\u1aaf\u1b00-\u1b7f\u1bc0-\u1bff"  # Tai Tham; Balinese; Batak
    "\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff"  # kana, Bopomofo
    "\u3400-\u4dbf\u4e00-\ua4cf\uf900-\ufaff"  # Han, Yi
    "\ua980-\ua9df\ua9e0-\ua9ff\uaa00-\uaa7f\uaa80-\uaadf"  # Javanese; more of Myanmar; Cham; Tai Viet
    "\U00011000-\U0001107f\U00011300-\U000113ff"  # Brahmi; Grantha, Tulu-Tigalari
    "\U000116d0-\U0001174f\U00011900-\U0001195f\U00011ee0-\U00011f5f"  # Myanmar, Ahom; Dives Akuru; Makasar, Kawi
    "\U00016100-\U0001613f\U00016fe0-\U00018dff\U0001aff0-\U0001b2ff"  # Gurung Khema; Tangut, Khitan; kana, Nushu
    "\U00020000-\U0003ffff"  # Han
)
# Combining marks (M) of all other scripts, of Unicode 18.0. They are no \w, but belong to the word they stand in. A range
# also spans letters, digits and punctuation, which change nothing: tests/text/test_scripts.py makes the ranges and proves it.
MARK = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05c9\u0610-\u065f\u0670-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0711-\u07f3\u07fd"
    "\u0816-\u085b\u0897-\u08e1\u08e3-\u09e3\u09fe-\u0ae3\u0afa-\u0b63\u0b82-\u0bd7\u0c00-\u0c63\u0c81-\u0d4d"
    "\u0d57-\u0d63\u0d81-\u0df3\u0f18\u0f19\u0f35\u0f37\u0f39-\u0fbc\u0fc6\u135d-\u135f\u1712-\u1773\u1885-\u193b"
    "\u1a17-\u1a1b\u1ab0-\u1af0\u1b80-\u1bad\u1c24-\u1dff\u20d0-\u20f0\u2cef-\u2dff\u302a-\u302f\ua66f-\ua6f1"
    "\ua802-\ua827\ua82c\ua880-\ua953\uaaeb-\uaaf6\uabe3-\uabed\ufb1e\ufe20-\ufe2f\U000101fd-\U0001037a"
    "\U00010a01-\U00010a3f\U00010ae5-\U00010d6d\U00010eab\U00010eac\U00010ecb-\U00010ecf\U00010ef0-\U00010f85"
    "\U00011080-\U000110ba\U000110c2\U00011100-\U000112ea\U00011435-\U000116b7\U0001182c-\U0001183a"
    "\U000119d1-\U00011df0\U00013440-\U00013455\U00016af0-\U00016b36\U00016f4f-\U00016f92\U0001bc9d\U0001bc9e"
    "\U0001cf00-\U0001cf46\U0001d127\U0001d128\U0001d165-\U0001d169\U0001d16d-\U0001d182\U0001d185-\U0001d18b"
    "\U0001d1aa-\U0001d1ad\U0001d242-\U0001d244\U0001d250-\U0001d252\U0001d25b\U0001d25c\U0001d25f\U0001d280"
    "\U0001d281\U0001da00-\U0001da36\U0001da3b-\U0001da6c\U0001da75\U0001da84\U0001da9b-\U0001daaf"
    "\U0001e000-\U0001e136\U0001e2ae-\U0001e2ef\U0001e4ec-\U0001e94a"
)
# Of text that is ASCII once folded the short patterns find what the long ones find, in half the time.
ASCII_WORD = re.compile(r"(?:(?<![\w.])\.)?[a-z0-9]+(?:'[a-z0-9]+)*(?:\+\+|#)?")
ASCII_TOKEN = re.compile(rf"{ASCII_WORD.pattern}|[^\w\s.,;:!?\"'()\[\]{{}}-]|(?<![a-z])-(?=\s?\d)")
SHAPE = bytes(
    ord("a") if chr(byte).isascii() and chr(byte).isalnum() else byte if byte == ord("'") else ord(" ")
    for byte in range(256)
)
"""Byte to what it is in a word of ASCII text: a letter or digit, an apostrophe, or none."""
SIGNIFICANT = frozenset("§¶†‡‰‱′″‴‵‶‷⁗※‖٪؉؊⁂⁎⁑〃⌈⌉⌊⌋၌၍၎၏")
"""Punctuation, by Unicode's account, that says something: it stays, as # % & * @ / do."""
IGNORABLE = (
    *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),  # soft hyphen, joiner, fillers
    *(*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0000, 0xE1000)),  # variation selectors, tags
    *(*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFFF0, 0xFFF9)),  # direction
    *(*range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B)),  # shorthand and musical format controls
)
"""Characters that no reader sees (Default_Ignorable_Code_Point), and that Unicode's NFKC_Casefold takes out."""
NUMERAL = re.compile(r"(?<=[\d)\]])([⁰ⁱ¹²³⁴-⁹⁺⁻ⁿ]+)|[¼-¾⅐-⅟↉\u2460-\u249b\u24ea\u3251-\u325f\u32b1-\u32bf]")
"""Powers of a number or a bracket; fractions and numbers in circles or brackets, which stand apart from a number before."""
DOTTED = re.compile("i\u0307+")
"""What folding the case of a Turkish İ leaves behind: an i has its dot."""


class Signs(dict[int, int | str | None]):
    """For `str.translate`: punctuation outside ASCII is a space. Each character is looked up once, and kept."""

    def __missing__(self, code: int) -> int | str:
        character = chr(code)
        noise = code > 0x7F and unicodedata.category(character).startswith("P") and character not in SIGNIFICANT
        found = self[code] = " " if noise else code
        return found


SIGNS = Signs({ord("’"): "'", ord("⁄"): "/", ord("〜"): "~", **dict.fromkeys(IGNORABLE)})
"""Apostrophes are one, and characters without a shape are none, so that neither hides that two texts are equal."""
SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")


def parity_tokens(text: str) -> list[str]:
    """Tokens of rouge_score 0.1.2 without a stemmer: lower-case runs of a-z and 0-9. Other letters are lost."""
    return NOT_PARITY.sub(" ", text.lower()).split()


def _folded(text: str) -> str:
    """A text in the one form that its spellings share: Unicode's NFKC_Casefold, but 10² is 10^2 and no 102, 1½ no 11/2."""
    if text.isascii():
        return text.lower()  # the same, in a tenth of the time
    folded = unicodedata.normalize("NFKC", NUMERAL.sub(_spelt, text)).casefold().translate(SIGNS)
    return unicodedata.normalize("NFKC", DOTTED.sub("i", folded))  # a letter may meet its accent only now


def _spelt(found: re.Match[str]) -> str:
    plain = unicodedata.normalize("NFKC", found[0]).replace("−", "-")
    return f"^{plain} " if found[1] else f" {plain} "


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Of a word and of a token, in any script. Compiled when first needed, for that takes longer than the import."""
    start = rf"[^\W_{ALONE}]"
    word = (
        rf"[{ALONE}][{MARK}]*"
        rf"|(?:(?<![\w.{MARK}])\.)?{start}+(?:(?:[{MARK}]|'(?={start})){start}*)*(?:\+\+|#)?"
    )
    token = rf"{word}|[^\w\s.,;:!?\"'()\[\]{{}}-]|(?<![^\W\d_])(?<![{MARK}])-(?=\s?\d)"
    return re.compile(word), re.compile(token)


def unicode_tokens(text: str) -> list[str]:
    """Words of any script, case folded, and the symbols that carry meaning (`2+2` is not `2-2`).

    A character of a script without spaces is a token of its own; `C++` and `.NET` keep their marks.
    """
    folded = _folded(text)
    return (ASCII_TOKEN if folded.isascii() else _patterns()[1]).findall(folded)


def words(text: str) -> list[str]:
    """The tokens that are words or numbers."""
    folded = _folded(text)
    return (ASCII_WORD if folded.isascii() else _patterns()[0]).findall(folded)


def word_count(text: str) -> int:
    """How many words a text has; in scripts without spaces, characters."""
    if not text.isascii():
        return len(words(text))
    shape = text.encode().translate(SHAPE)  # what marks the words of ASCII text, in a fifteenth of the time
    if b"'" in shape:
        for _ in range(
            2
        ):  # of `rock'n'roll` each apostrophe joins, and one match takes the letter that the next begins with
            shape = shape.replace(b"a'a", b"aaa")
        shape = shape.replace(b"'", b" ")
    return shape.count(b" a") + shape.startswith(b"a")


def normalised(text: str) -> str:
    """Equal for texts that differ only in case, space and punctuation."""
    return " ".join(unicode_tokens(text))


def sentences(text: str) -> list[str]:
    """The sentences of a text, cut after . ! ? with a space and at line ends; abbreviations are cut too."""
    return [part.strip() for part in SENTENCE.split(text) if part and part.strip()]
