"""Find text of the strategy prompts in other text: whole sentences, and runs of eight words."""

from collections.abc import Iterator, Mapping, Sequence

from synthgen.text.tokens import sentences, words

RUN = 8
"""Words in a row that are no coincidence."""
SHORTEST_SENTENCE = 4
"""Words of the shortest sentence that counts as a whole."""


class Leaks:
    """What no answer and no dataset row may quote. Case, punctuation and line ends do not hide a quotation."""

    def __init__(self, prompts: Mapping[str, str]) -> None:
        self._runs: frozenset[tuple[str, ...]] = frozenset(
            run for prompt in prompts.values() for run in windows(words(prompt), RUN)
        )
        self._short: frozenset[tuple[str, ...]] = frozenset(
            tuple(spoken)
            for prompt in prompts.values()
            for sentence in sentences(prompt)
            if SHORTEST_SENTENCE <= len(spoken := words(sentence)) < RUN
        )
        self._lengths = sorted({RUN, *(len(sentence) for sentence in self._short)})

    def find(self, text: str, allowed: str = "") -> str | None:
        """The first quotation in a text, or None. What also stands in `allowed`, the task itself, is no quotation."""
        spoken = words(text)
        for length in self._lengths:
            known = self._runs if length == RUN else self._short
            hits = (run for run in windows(spoken, length) if run in known)
            excepted: frozenset[tuple[str, ...]] | None = None
            for run in hits:
                if excepted is None:
                    excepted = frozenset(windows(words(allowed), length))
                if run not in excepted:
                    return " ".join(run)
        return None


def windows(tokens: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    """Every run of `length` tokens."""
    return zip(*(tokens[start:] for start in range(length)), strict=False)
