"""The pool of accepted texts, and which of them is nearest to a new one. Exact."""

from collections.abc import Callable

from rapidfuzz import process
from rapidfuzz.distance import Indel

from synthgen.records import Nearest
from synthgen.text.rouge import rouge_l

UNSEEN = "\xff"
"""Stands in a query for every token that no text of the pool has: it can match nothing."""
FIRST_CODE = 0x100
SURROGATES = range(0xD800, 0xE000)
ROUNDING = 1e-5
"""More than what rapidfuzz loses where it turns a similarity into a cutoff; a wider net changes no result."""


class Novelty:
    """Every text as a string with one character for each token, so that the compiled scan compares tokens.

    Indel's normalized similarity of two such strings is 2 * LCS / (m + n), ROUGE-L's F1 up to rounding; of all texts that
    come that near to the best the score is then computed in the reference's order of floats, which tells equal fractions apart.
    """

    def __init__(self, tokenize: Callable[[str], list[str]], threshold: float) -> None:
        self.tokenize = tokenize
        self.threshold = threshold
        self._codes: dict[str, str] = {}
        self._ids: list[str] = []
        self._coded: list[str] = []

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, identity: str, text: str) -> None:
        """Take a text into the pool."""
        self._ids.append(identity)
        self._coded.append(self._encode(text))

    def nearest(self, text: str) -> Nearest | None:
        """The most similar text of the pool, the earliest of equals; None in an empty pool."""
        if not self._ids:
            return None
        coded = "".join(self._codes.get(token, UNSEEN) for token in self.tokenize(text))
        best = process.extractOne(coded, self._coded, scorer=Indel.normalized_similarity, processor=None)
        if not coded or best is None or not best[1]:
            return Nearest(self._ids[0], 0.0)
        candidates = process.extract(
            coded,
            self._coded,
            scorer=Indel.normalized_similarity,
            processor=None,
            score_cutoff=max(0.0, best[1] - ROUNDING),
            limit=None,
        )
        score, first = max((rouge_l(self._coded[position], coded), -position) for _, _, position in candidates)
        return Nearest(self._ids[-first], score)

    def _encode(self, text: str) -> str:
        """One character for each token."""
        return "".join(map(self._code, self.tokenize(text)))

    def _code(self, token: str) -> str:
        code = self._codes.get(token)
        if code is None:
            number = FIRST_CODE + len(self._codes)
            code = self._codes[token] = chr(number if number < SURROGATES.start else number + len(SURROGATES))
        return code
