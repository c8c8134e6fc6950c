"""ROUGE-L: the textbook version beside the fast one (Lin 2004, section 3; floats as in rouge_score 0.1.2)."""

from collections.abc import Sequence

from rapidfuzz.distance import LCSseq


def lcs_textbook(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the longest common subsequence, by the table of all prefixes. O(mn)."""
    row = [0] * (len(right) + 1)
    for token in left:
        diagonal = 0
        for column, other in enumerate(right, start=1):
            above = row[column]
            row[column] = diagonal + 1 if token == other else max(above, row[column - 1])
            diagonal = above
    return row[-1]


def lcs(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the longest common subsequence, compiled and bit-parallel."""
    return LCSseq.similarity(left, right)


def f_measure(common: int, target: int, prediction: int) -> float:
    """F1 from the length of the common subsequence and of both sides.

    The order of the operations is rouge_score's: of the 273 triples with up to 150 tokens whose F is exactly 7/10,
    it puts 136 just above 0.7 and so rejects them, and any closed form decides otherwise.
    """
    if not target or not prediction:
        return 0.0
    precision, recall = common / prediction, common / target
    if precision + recall > 0:
        return 2 * precision * recall / (precision + recall)
    return 0.0


def rouge_l(target: Sequence[str], prediction: Sequence[str]) -> float:
    """ROUGE-L F1 of two token sequences, 0 to 1."""
    return f_measure(lcs(target, prediction), len(target), len(prediction))
