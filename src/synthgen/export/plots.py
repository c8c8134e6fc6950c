"""Pictures beside the card: how long the rows are, what they are a mix of, how they were marked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from synthgen.export.canvas import BLUE, GREY, LARGE, ORANGE, PANEL, SMALL, WIDTH, Bars, Box, Canvas, draw
from synthgen.export.facts import STEPS, stretch
from synthgen.export.lengths import BINS, GAP_BINS, LIMITS, Gaps, Lengths, Spread
from synthgen.export.tally import Mix

FOLDER = "plots"
SHOWN = 30
"""Names of a mix that have bars of their own; the rest are taken together."""
FEWEST_BINS, CLOSE = 8, 32
"""Bars of a distribution, at least; and with more than so many there is room for the words of two limits alone."""


class Plot(NamedTuple):
    """A picture beside the card."""

    path: str
    """From the card."""
    told: str
    """What it shows, for those who do not see it."""


class Shown(Protocol):
    """What pictures are drawn of."""

    @property
    def lengths(self) -> Lengths: ...
    @property
    def strategies(self) -> Mapping[str, Mix]: ...
    @property
    def categories(self) -> Mapping[str, Mix]: ...


def write(folder: Path, facts: Shown, marks: Mapping[str, int]) -> dict[str, Plot]:
    """Draw what there is something to say of; by name."""
    found = {}
    if panels := of_lengths(facts.lengths):
        found["lengths"] = Plot(f"{FOLDER}/lengths.png", "How long the rows are, in tokens")
        stacked(folder / found["lengths"].path, panels)
    if facts.strategies:
        found["mix"] = Plot(f"{FOLDER}/mix.png", "Strategies and categories, by rows and by tokens")
        mixed(folder / found["mix"].path, {"Strategies": facts.strategies, "Categories": facts.categories})
    if panels := of_scores(marks, facts.lengths.gaps):
        told = [
            one
            for one, shown in (("marks of the answers", marks), ("lengths within pairs", facts.lengths.gaps))
            if shown
        ]
        found["scores"] = Plot(f"{FOLDER}/scores.png", " and ".join(told).capitalize())
        stacked(folder / found["scores"].path, panels)
    return found


def stacked(path: Path, panels: Sequence[Bars]) -> None:
    """Panels one below the other."""
    canvas = Canvas(PANEL * len(panels))
    for number, one in enumerate(panels):
        draw(canvas, PANEL * number, one)
    canvas.save(path)


def of_lengths(lengths: Lengths) -> list[Bars]:
    """A panel for SFT rows and one for pairs, where there are any."""
    shown = []
    if lengths.whole and lengths.completion:
        shown.append(distribution("Length of SFT rows", {"whole row": lengths.whole, "completion": lengths.completion}))
    if lengths.pair and lengths.chosen:
        named = {"prompt and longer side": lengths.pair, "chosen side": lengths.chosen}
        shown.append(distribution("Length of preference rows", named))
    return shown


def distribution(title: str, spreads: Mapping[str, Spread]) -> Bars:
    """How many are how long, on an axis on which every second stretch doubles; the first spread's shares over the limits."""
    whole = [sum(bins) for bins in zip(*(one.bins for one in spreads.values()), strict=True)]
    used = [place for place, height in enumerate(whole) if height]
    first = used[0] // 2 * 2
    last = max(used[-1] + 1, first + FEWEST_BINS)
    ends = [place for place in range(first, last + 1) if place % 2 == 0 and place < len(BINS)]
    every = 2 if len(ends) > 12 else 1
    edges = {LIMITS[0]: 20, LIMITS[1]: 22, LIMITS[2]: 24}
    over = next(iter(spreads.values())).over
    lines: dict[float, str] = {
        edges[limit] - first: f">{limit:,}: {share:.1%}"
        for limit, share in zip(LIMITS, over, strict=True)
        if share and edges[limit] < last and (limit < LIMITS[2] or last - first <= CLOSE)
    }
    return Bars(
        title,
        "tokens",
        {
            name: (colour, one.bins[first:last])
            for (name, one), colour in zip(spreads.items(), (BLUE, ORANGE), strict=True)
        },
        {place - first: f"{round(BINS[place]):,}" for place in ends[::every]},
        lines,
    )


def of_scores(marks: Mapping[str, int], gaps: Gaps | None) -> list[Bars]:
    """A panel for marks and one for gaps, where there are any."""
    shown = []
    if marks:
        names = [stretch(step) for step in STEPS]
        places = {number + 0.5: words for number, words in enumerate(names)}
        heights = tuple(marks.get(name, 0) for name in names)
        shown.append(Bars("Marks of the answers", "mean mark", {"": (BLUE, heights)}, places, unit="answers"))
    if gaps is not None:
        middle = GAP_BINS.index(-5) + 1
        values = gaps.values
        shown.append(
            Bars(
                "Length within pairs",
                "tokens by which the chosen side is longer",
                {
                    "rejected is longer": (ORANGE, (*values[:middle], *(0,) * (len(values) - middle))),
                    "5 tokens at most": (GREY, (*(0,) * middle, values[middle], *(0,) * (len(values) - middle - 1))),
                    "chosen is longer": (BLUE, (*(0,) * (middle + 1), *values[middle + 1 :])),
                },
                {number + 1: f"{edge - (edge > 0):,}" for number, edge in enumerate(GAP_BINS)},
                unit="pairs",
                apart=False,
            )
        )
    return shown


ROW, NAMES = 34, 250
"""Pixels of a name's two bars in height, and of the names in width."""


def mixed(path: Path, parts: Mapping[str, Mapping[str, Mix]]) -> None:
    """Two bars for each name: its share of the rows and its share of the tokens."""
    shown = {title: gathered(mix) for title, mix in parts.items()}
    canvas = Canvas(sum(58 + ROW * len(rows) for rows in shown.values()) + 12)
    top = 0
    for title, rows in shown.items():
        canvas.text((24, top + 14), title, size=LARGE)
        canvas.legend(WIDTH - 24, top + 17, {"share of SFT rows": BLUE, "share of their tokens": ORANGE})
        top += 52
        for name, shares in rows:
            across(canvas, top, name, shares, max(max(one) for _, one in rows))
            top += ROW
        top += 6
    canvas.save(path)


def gathered(mix: Mapping[str, Mix]) -> list[tuple[str, tuple[float, float]]]:
    """Names with their shares of rows and tokens, most rows first; those that have no bars of their own as one."""
    rows = sum(one.rows for one in mix.values()) or 1
    tokens = sum(one.tokens for one in mix.values()) or 1
    ordered = sorted(mix.items(), key=lambda item: (-item[1].rows, item[0]))
    found = [(name, (one.rows / rows, one.tokens / tokens)) for name, one in ordered]
    if len(found) <= SHOWN:
        return found
    rest = [shares for _, shares in found[SHOWN - 1 :]]
    other = sum(share for share, _ in rest), sum(share for _, share in rest)
    return [*found[: SHOWN - 1], (f"{len(rest)} others", other)]


def across(canvas: Canvas, top: int, name: str, shares: tuple[float, float], most: float) -> None:
    """The bars of one name, with their numbers."""
    canvas.text((24 + NAMES - 10, top + 13), canvas.shortened(name, NAMES - 10), "rm")
    left, room = 24 + NAMES, WIDTH - 24 - NAMES - 24 - 60
    for place, (share, colour) in enumerate(zip(shares, (BLUE, ORANGE), strict=True)):
        height = top + 13 * place
        end = left + max(1, round(room * share / (most or 1)))
        canvas.bar(Box(left, height, end, height + 12), colour)
        canvas.text((end + 6, height + 6), f"{share:.1%}", "lm", SMALL, GREY)
