"""Units of measure that may stand for one another: 60 km are 60,000 m."""

from fractions import Fraction

KINDS = {
    "length": "mm .001 cm .01 dm .1 m 1 km 1000 in .0254 ft .3048 yd .9144 mi 1609.344 metre 1 meter 1 kilometre 1000 "
    "kilometer 1000 centimetre .01 centimeter .01 millimetre .001 millimeter .001 mile 1609.344 foot .3048 feet .3048 "
    "inch .0254 inche .0254 yard .9144",
    "mass": "mg .000001 g .001 kg 1 t 1000 gram .001 kilogram 1 tonne 1000 lb .45359237 pound .45359237 ounce .028349523125",
    "time": "ms .001 s 1 sec 1 second 1 min 60 minute 60 h 3600 hr 3600 hour 3600 day 86400 week 604800",
    "volume": "ml .001 cl .01 dl .1 l 1 litre 1 liter 1 millilitre .001 milliliter .001",
    "money": "cent .01 dollar 1",
}
UNITS = {
    unit: (kind, Fraction(size))
    for kind, row in KINDS.items()
    for unit, size in zip(row.split()[::2], row.split()[1::2], strict=True)
}
"""Unit to (what it measures, its size in the kind's base unit)."""


def factor(found: str, wanted: str) -> Fraction:
    """What turns a value in one unit into one in the other: 1 where either is not known, 0 where they measure other things."""
    ours, theirs = UNITS.get(singular(found)), UNITS.get(singular(wanted))
    if ours is None or theirs is None:
        return Fraction(1)
    return ours[1] / theirs[1] if ours[0] == theirs[0] else Fraction(0)


def singular(unit: str) -> str:
    """A unit's name without its plural."""
    unit = unit.strip().lower().rstrip(".")
    return unit if unit in UNITS else unit.removesuffix("s")
