"""Rules that check a task's category against the task itself: what a translation, a program or a reading task cannot lack.

They doubt a label, they never replace it. Each rule is silent where it could be wrong: the rules of words know English alone, and many
categories (stories, advice, ideas) have no mark that a rule could miss.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WORDS_THAT_GIVE = 40
"""Words of an instruction from which it may hold the text it is about."""
QUOTED_WORDS = 3
LONGEST = 4_000
"""Characters of a text that are looked at: a label is doubted by what stands early, and a hostile text takes no longer."""
ENGLISH = re.compile(
    r"\b(the|an?|of|to|in|is|and|for|this|these|what|which|who|how|why|with|that|it|on|from|or|my|are|does|as|at|by|one|me|your?)\b",
    re.IGNORECASE,
)
LANGUAGE = re.compile(
    r"\b(translat\w+|render\w*|languages?|bilingual|interpret\w*|proverb|gloss|English|French|German|Spanish|Italian|Portuguese|Dutch|Danish|"
    r"Swedish|Norwegian|Finnish|Icelandic|Polish|Czech|Slovak|Hungarian|Romanian|Bulgarian|Greek|Turkish|Russian|Ukrainian|Arabic|Hebrew|"
    r"Persian|Farsi|Hindi|Urdu|Bengali|Tamil|Chinese|Mandarin|Cantonese|Japanese|Korean|Vietnamese|Thai|Indonesian|Malay|Swahili|Yoruba|"
    r"Zulu|Latin|Esperanto|Welsh|Irish|Gaelic|Basque|Catalan|Croatian|Serbian|Slovene|Slovenian|Estonian|Latvian|Lithuanian|Albanian|"
    r"Georgian|Armenian|Afrikaans|Tagalog|Filipino|Nepali|Punjabi|Marathi|Telugu|Amharic|Hausa|Quechua|Maori|Hawaiian|Yiddish)\b",
    re.IGNORECASE,
)
PROGRAMMING = re.compile(
    r"\b(python|java|javascript|typescript|rust|golang|ruby|php|perl|haskell|kotlin|swift|scala|sql|sqlite3?|html|css|bash|shell|awk|sed|regex\w*|"
    r"regular expressions?|code|coding|program\w*|script\w*|functions?|methods?|classes|class|variables?|loops?|algorithms?|quer(?:y|ies)|database|"
    r"pipeline|command[- ]line|api|json|yaml|xml|compil\w+|debug\w*|bugs?|snippets?|list comprehension|dictionar(?:y|ies)|arrays?|strings?|"
    r"integers?|recursi\w+|unit tests?|git|docker|terminal|excel|spreadsheet|formula|macro|pseudocode|software|app|data frame|dataframe|expression)\b"
    r"|c\+\+|c#|\.net\b",
    re.IGNORECASE,
)
CODE = re.compile(r"`[^`]+`|\bdef \w|[{};]\s*$|\w\([^()\n]{0,200}\)|=>|->|==|\w\s*=\s*\S|</\w+>|^[ \t]*(import|from|for|while|if|return|fn|let) \w|\bSELECT\b|\\[dwsb]", re.MULTILINE)  # fmt: skip
QUANTITY = re.compile(
    r"\d|\b(two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|thousand|million|dozen|half|halves|"
    r"third|quarter|twice|double|triple|percent\w*|number\w*|sums?|product|fractions?|ratio|average|mean|median|angles?|triangle\w*|circle\w*|"
    r"square\w*|equations?|integers?|prime\w*|prove|proof|theorem|probabilit\w+|chance|calculat\w+|comput\w+|formula\w*|solve|how many|how much|"
    r"geometr\w+|algebra\w*|arithmetic\w*|derivative|integral|matri\w+|vectors?|polynomial\w*|graph\w*|percent)\b|[=+√πΣ∫²³%]",
    re.IGNORECASE,
)
DATA = re.compile(
    r"\b(data|table\w*|charts?|plots?|figures?|surve\w+|measure\w*|readings?|statistic\w*|sample\w*|trends?|rows?|columns?|csv|spreadsheet)\b",
    re.IGNORECASE,
)
OPTIONS = re.compile(
    r"\(?\b[A-Ea-e1-5][).:]|\boptions?\b|\bmultiple[- ]choice\b|\b(one|choose|pick|select|which)\b[^?.]{0,200}\b(of|from|among|between|or)\b|\w or \w",
    re.IGNORECASE,
)
LISTED = re.compile(
    r"\b(label\w*|classif\w+|categor\w+|sort|tag|mark|assign|decide|whether|is (?:it|this|the)|are (?:these|the)|yes or no|true or false|"
    r"one of|which|choose|pick|positive|negative|spam|kind|type)\b|:[^.:]{3,200}[,;]|\w or \w",
    re.IGNORECASE,
)
TRANSLATE = re.compile(r"^\W*(?:please |kindly |can you |could you )?translate\b", re.IGNORECASE)
PROGRAM = re.compile(r"^\W*(?:please )?(?:write|implement|define|create) an? (?:\w+ ){0,2}?(?:python|javascript|java|sql|bash|rust|go|c\+\+) (?:\w+ )?(?:function|program|script|class|query)\b", re.IGNORECASE)  # fmt: skip
CODES = frozenset({"code-writing", "code-editing", "code-explanation"})


@dataclass(frozen=True, slots=True)
class Sample:
    """A task, as the rules look at it."""

    instruction: str
    given: str
    closed: bool
    """Whether it has a closed set of labels, as far as is known."""

    @property
    def text(self) -> str:
        """Instruction and input."""
        return f"{self.instruction}\n{self.given}"

    @property
    def gives(self) -> bool:
        """Whether there is a text to work on: an input, or within the instruction a quotation, a list after a colon, or room for one."""
        if self.given.strip():
            return True
        quoted = re.findall(r"[\"“”«»'‘’`]([^\"“”«»`]+)[\"“”«»'‘’`]", self.instruction)
        after = self.instruction.partition(":")[2]
        return (
            any(len(one.split()) >= QUOTED_WORDS for one in quoted)
            or len(after.split()) >= QUOTED_WORDS
            or "\n" in self.instruction.strip()
            or len(self.instruction.split()) >= WORDS_THAT_GIVE
        )


Rule = Callable[[Sample], str]


def given_text(sample: Sample) -> str:
    """For work on a text."""
    return "" if sample.gives else "no text is given to work on"


def named_language(sample: Sample) -> str:
    """For translations; letters beyond ASCII are another language, or may be."""
    other = any(char.isalpha() and not char.isascii() for char in sample.text)
    return "" if other or LANGUAGE.search(sample.text) else "no language is named"


def about_code(sample: Sample) -> str:
    """For work with programs."""
    return "" if PROGRAMMING.search(sample.text) or CODE.search(sample.text) else "no code and no word of programming"


def given_code(sample: Sample) -> str:
    """For code that is to be changed."""
    return about_code(sample) or ("" if sample.gives or CODE.search(sample.text) else "no code is given")


def quantities(sample: Sample) -> str:
    """For calculation."""
    return "" if QUANTITY.search(sample.text) else "no number and no quantity"


def figures(sample: Sample) -> str:
    """For data."""
    return "" if QUANTITY.search(sample.text) or DATA.search(sample.text) else "no figures and no data"


def labels(sample: Sample) -> str:
    """For labelling."""
    return "" if sample.closed or LISTED.search(sample.instruction) else "no closed set of labels"


def options(sample: Sample) -> str:
    """For a choice."""
    return "" if sample.closed or OPTIONS.search(sample.text) else "no options are stated"


RULES: dict[str, Rule] = {
    "translation": named_language,
    "code-writing": about_code,
    "code-editing": given_code,
    "code-explanation": about_code,
    "mathematics": quantities,
    "data-analysis": figures,
    "classification": labels,
    "multiple-choice": options,
    "extraction": given_text,
    "summarization": given_text,
    "reading": given_text,
    "editing": given_text,
    "rewriting": given_text,
    "formatting": given_text,
}
"""What a task of a category cannot lack. The categories that are not named have no such mark."""
IN_ANY_LANGUAGE = frozenset({given_text})
"""Rules that read no words."""


def doubt(
    category: str, instruction: str, given: str = "", *, is_classification: bool = False, labels: Sequence[str] = ()
) -> str:
    """Why a task may not belong to its category; "" where the rules are content, or silent."""
    instruction = instruction[:LONGEST]
    english = ENGLISH.search(instruction) is not None
    if english and category != "translation" and TRANSLATE.search(instruction):
        return "it asks for a translation"
    if english and category not in CODES and PROGRAM.search(instruction):
        return "it asks for a program"
    rule = RULES.get(category)
    if rule is None or not (english or rule in IN_ANY_LANGUAGE):
        return ""
    return rule(Sample(instruction, given[:LONGEST], is_classification or bool(labels)))
