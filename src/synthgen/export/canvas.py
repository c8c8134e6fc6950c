"""Draw axes, bars and words into a small PNG. Equal calls give equal bytes: the font comes with Pillow, and no time is written.

Pillow is imported here, in a module that is loaded beside the first calls, as pyarrow is: neither is waited for at the end.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

WIDTH = 960
INK, GREY, GRID, WHITE, BLUE, ORANGE = 24, 70, 112, 127, 128, 129
"""Numbers of colours: up to 127 a ramp from black to white, into which words are smoothed, then the colours of bars."""
COLOURS = {BLUE: (43, 108, 176), ORANGE: (221, 132, 53)}
RAMP = [level * 2 + (level > 63) for level in range(WHITE + 1)]
PALETTE = [part for level in RAMP for part in (level,) * 3] + [part for colour in COLOURS.values() for part in colour]
SMALL, USUAL, LARGE = 14, 16, 20
"""Sizes of words in pixels."""


class Box(NamedTuple):
    """A rectangle in pixels."""

    left: int
    top: int
    right: int
    bottom: int


class Canvas:
    """An image under way. Indices of colours are drawn as grey levels, which take the palette at the end: so words are smooth."""

    def __init__(self, height: int, width: int = WIDTH) -> None:
        self.image = Image.new("L", (width, height), WHITE)
        self._draw = ImageDraw.Draw(self.image)
        self._fonts = {size: ImageFont.load_default(size) for size in (SMALL, USUAL, LARGE)}

    def bar(self, box: Box, colour: int) -> None:
        """A filled rectangle; at least a pixel high and wide."""
        self._draw.rectangle(
            (box.left, box.top, max(box.left, box.right - 1), max(box.top, box.bottom - 1)), fill=colour
        )

    def line(self, box: Box, colour: int = GRID, dash: int = 0) -> None:
        """A straight line from one corner to the other; a vertical one may be dashed."""
        if not dash:
            self._draw.line(box, fill=colour)
            return
        for top in range(box.top, box.bottom, 2 * dash):
            self._draw.line((box.left, top, box.right, min(top + dash, box.bottom)), fill=colour)

    def text(
        self, place: tuple[int, int], words: str, anchor: str = "la", size: int = USUAL, colour: int = INK
    ) -> None:
        """Words at a place; the anchor says which of their corners that is, as Pillow has it."""
        self._draw.text(place, words, fill=colour, font=self._fonts[size], anchor=anchor)

    def width(self, words: str, size: int = USUAL) -> int:
        """Pixels that words take."""
        return round(self._fonts[size].getlength(words))

    def shortened(self, words: str, most: int, size: int = USUAL) -> str:
        """Words that take so many pixels at most; what the font does not have is a question mark."""
        known = "".join(
            one if " " <= one <= "~" or "\xa1" <= one <= "\xff" else "?" for one in " ".join(words[:200].split())
        )
        kept, short = len(known), known
        while kept and self.width(short, size) > most:
            kept -= 1  # of the end a third: names that begin alike differ there
            short = f"{known[: kept - kept // 3].rstrip()}...{known[len(known) - kept // 3 :]}"
        return short

    def legend(self, right: int, top: int, entries: Mapping[str, int]) -> None:
        """What the colours mean, from the right."""
        for words, colour in reversed(list(entries.items())):
            right -= self.width(words)
            self.text((right, top), words)
            self.bar(Box(right - 20, top + 2, right - 6, top + 14), colour)
            right -= 44

    def save(self, path: Path) -> None:
        """Write the PNG."""
        self.image.putpalette(PALETTE)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.image.save(path, "PNG", compress_level=6)


class Bars(NamedTuple):
    """Bars beside each other in stretches of equal width."""

    title: str
    axis: str
    """What is counted from left to right."""
    series: Mapping[str, tuple[int, Sequence[int]]]
    """Name to colour and heights, one for each stretch."""
    marks: Mapping[float, str]
    """Words below the axis, by place: 0 is the left end of the first stretch, 1 its right end."""
    lines: Mapping[float, str] = {}
    """Words above dashed lines, by place."""
    unit: str = "rows"
    apart: bool = True
    """Whether the series stand beside each other; else each stretch belongs to one of them."""


PANEL = 330
"""Pixels that bars take with their title and axes."""


def draw(canvas: Canvas, top: int, bars: Bars) -> None:
    """Bars with title, legend, axes and numbers, from a height on."""
    box = Box(86, top + 78, WIDTH - 24, top + PANEL - 62)
    canvas.text((24, top + 14), bars.title, size=LARGE)
    if len(bars.series) > 1:
        canvas.legend(box.right, top + 17, {name: colour for name, (colour, _) in bars.series.items()})
    ticks = steps(max((max(heights) for _, heights in bars.series.values()), default=1))
    for tick in ticks:
        height = box.bottom - round((box.bottom - box.top) * tick / ticks[-1])
        canvas.line(Box(box.left, height, box.right, height))
        canvas.text((box.left - 8, height), f"{tick:,}", "rm", SMALL, GREY)
    upright(canvas, box, bars, ticks[-1])
    canvas.line(Box(box.left, box.bottom, box.right, box.bottom), INK)
    canvas.text((24, top + 50), bars.unit, size=SMALL, colour=GREY)
    canvas.text(((box.left + box.right) // 2, box.bottom + 32), bars.axis, "ma", SMALL, GREY)


def upright(canvas: Canvas, box: Box, bars: Bars, most: int) -> None:
    """The bars themselves, and what stands below and above them."""
    each = (box.right - box.left) / max(len(heights) for _, heights in bars.series.values())
    for place, (colour, heights) in enumerate(bars.series.values()):
        part = 0.84 * each / (len(bars.series) if bars.apart else 1)
        for stretch, height in enumerate(heights):
            left = box.left + each * (stretch + 0.08) + part * place * bars.apart
            up = round((box.bottom - box.top) * height / most)
            if height:
                canvas.bar(Box(round(left), box.bottom - max(1, up), round(left + part), box.bottom), colour)
    for at, words in bars.marks.items():
        canvas.text((round(box.left + each * at), box.bottom + 8), words, "ma", SMALL, GREY)
    for number, (at, words) in enumerate(bars.lines.items()):
        here, high = round(box.left + each * at), box.top - 10 - 16 * (number % 2)  # neighbours at two heights
        canvas.line(Box(here, high + 2, here, box.bottom), GREY, dash=4)
        canvas.text((min(here, WIDTH - 8 - canvas.width(words, SMALL) // 2), high), words, "mb", SMALL, GREY)


def steps(most: int) -> list[int]:
    """Round numbers from 0 to no less than the greatest, five steps at most.

    >>> steps(7), steps(1330)
    ([0, 2, 4, 6, 8], [0, 500, 1000, 1500])
    """
    unit, factor = 1, 1
    while unit * factor * 5 < most:
        unit, factor = (unit * 10, 1) if factor == 5 else (unit, {1: 2, 2: 5}[factor])
    step = unit * factor
    return [step * number for number in range(-(-max(most, 1) // step) + 1)]
