"""Families answered from small tables of facts that do not change."""

import re
from collections.abc import Callable, Mapping
from random import Random

from synthgen.rehearsal.families.base import Family, Solution, distinct
from synthgen.rehearsal.vocabulary import NAMES, OCCASIONS, PLACES, TOWNS, TRADES

Table = Mapping[str, str]

SYMBOLS: Table = {
    "gold": "Au", "silver": "Ag", "iron": "Fe", "lead": "Pb", "tin": "Sn", "copper": "Cu", "sodium": "Na", "potassium": "K",
    "mercury": "Hg", "zinc": "Zn", "nickel": "Ni", "helium": "He", "neon": "Ne", "calcium": "Ca", "tungsten": "W", "silicon": "Si",
}  # fmt: skip
CAPITALS: Table = {
    "Norway": "Oslo", "Kenya": "Nairobi", "Peru": "Lima", "Japan": "Tokyo", "Portugal": "Lisbon", "Ghana": "Accra", "Chile": "Santiago",
    "Vietnam": "Hanoi", "Iceland": "Reykjavik", "Jordan": "Amman", "Latvia": "Riga", "Cuba": "Havana", "Senegal": "Dakar", "Nepal": "Kathmandu",
}  # fmt: skip
CAUSES: Table = {
    "ice floats on water": "frozen water is less dense than liquid water",
    "the sky looks blue": "air scatters short wavelengths more strongly",
    "iron rusts": "iron reacts with oxygen and moisture",
    "leaves turn yellow in autumn": "chlorophyll breaks down and other pigments show",
    "a boat floats": "it displaces its own weight of water",
    "the tides rise twice a day": "the Moon's gravity stretches the oceans on both sides",
    "bread rises": "yeast gives off carbon dioxide",
    "metal feels colder than wood": "metal conducts heat away faster",
    "thunder follows lightning": "sound travels more slowly than light",
    "salt melts ice": "dissolved salt lowers the freezing point",
}
MAKERS: Table = {
    "the printing press with movable type in Europe": "Johannes Gutenberg", "the theory of general relativity": "Albert Einstein",
    "the law of universal gravitation": "Isaac Newton", "the first vaccine against smallpox": "Edward Jenner",
    "radium": "Marie and Pierre Curie", "the periodic table": "Dmitri Mendeleev", "the dynamite": "Alfred Nobel",
    "penicillin": "Alexander Fleming", "the laws of inheritance in peas": "Gregor Mendel", "the three laws of planetary motion": "Johannes Kepler",
}  # fmt: skip
PLURALS: Table = {
    "mouse": "mice", "goose": "geese", "ox": "oxen", "child": "children", "leaf": "leaves", "knife": "knives", "tooth": "teeth",
    "crisis": "crises", "cactus": "cacti", "phenomenon": "phenomena", "louse": "lice", "wolf": "wolves",
}  # fmt: skip


def solver(table: Table) -> Callable[[re.Match[str], str], Solution]:
    """The entry asked for; wrong ones are its neighbours in the table."""
    keys, values = tuple(table), tuple(table.values())

    def solve(found: re.Match[str], _given: str) -> Solution:
        spot = keys.index(found[1])
        return distinct(values[spot], *(values[(spot + step) % len(values)] for step in (1, 2, 5)))

    return solve


def asking(name: str, category: str, table: Table, asks: tuple[str, ...], difficulty: float) -> Family:
    """A family that asks for an entry of a table, in several wordings."""

    def core(rng: Random) -> str:
        setting = rng.choice(
            (
                f"{rng.choice(NAMES)} needs it for the {rng.choice(OCCASIONS)} at the {rng.choice(PLACES)}.",
                f"A {rng.choice(TRADES)} in {rng.choice(TOWNS)} bet {rng.choice(NAMES)} on it.",
                f"The quiz of the {rng.choice(PLACES)} in {rng.choice(TOWNS)} hangs on this point.",
            )
        )
        return f"{rng.choice(asks).format(rng.choice(tuple(table)))} {setting}"

    shapes = "|".join(re.escape(ask).replace(r"\{\}", "KEY") for ask in asks)
    keys = "|".join(re.escape(key) for key in table)
    pattern = re.compile("|".join(shape.replace("KEY", f"(?:{keys})") for shape in shapes.split("|")))
    inner = re.compile(f"({keys})")

    def solve(found: re.Match[str], given: str) -> Solution:
        key = inner.search(found[0])
        return solver(table)(key, given) if key else distinct("unknown", "none")

    return Family(name, category, "fact", core, pattern, solve, difficulty)


FAMILIES = (
    asking("symbol", "science", SYMBOLS, ("Which chemical symbol stands for {}?", "Give the symbol of the element {}.", "How do chemists abbreviate {}?"), 0.4),
    asking("capital", "knowledge", CAPITALS, ("What is the capital of {}?", "Name the capital city of {}.", "Which city governs {}?"), 0.2),
    asking("cause", "explanation", CAUSES, ("Why is it that {}?", "Explain why {}.", "For what reason can one say that {}?"), 0.7),
    asking("maker", "history-society", MAKERS, ("Who is credited with {}?", "Whose name is tied to {}?", "To whom do we owe {}?"), 0.5),
    asking("plural", "knowledge", PLURALS, ("Spell the plural of the noun {}.", "What is more than one {} called?", "Form the plural: {}."), 0.3),
)  # fmt: skip
