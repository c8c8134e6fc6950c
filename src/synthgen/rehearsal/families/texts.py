"""Families that work on a text: extraction, reading, reformatting, correcting, small translations, code, logic."""

import json
import re
from collections.abc import Callable
from random import Random

from synthgen.rehearsal.families.base import Family, Solution, distinct
from synthgen.rehearsal.vocabulary import FOODS, NAMES, OCCASIONS, PLACES, THINGS, TOWNS, TRADES

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def note(rng: Random) -> str:
    """A made-up note with a name, a town, a date, an amount and a thing, in a fixed order."""
    return (
        f"On {rng.randrange(1, 29)} {rng.choice(MONTHS)} {rng.choice(NAMES)} from {rng.choice(TOWNS)} brought a {rng.choice(THINGS)} to the "
        f"{rng.choice(PLACES)} and paid {rng.randrange(12, 900)} coins. The {rng.choice(TRADES)} promised to finish before the {rng.choice(OCCASIONS)}."
    )


NOTE = re.compile(
    r"On (\d+ \w+) (\w+) from ([\w-]+) brought a ([\w ]+?) to the ([\w -]+?) and paid (\d+) coins\. The ([\w ]+?) promised to finish before the ([\w' -]+)\."
)


def noted(_found: re.Match[str], rng: Random, _label: str) -> str:
    return note(rng)


FIELDS = {"date": 1, "visitor": 2, "home town": 3, "object": 4, "amount paid": 6, "craftsperson": 7, "deadline": 8}


def field_core(verbs: tuple[str, ...], fields: tuple[str, ...]) -> Callable[[Random], str]:
    def core(rng: Random) -> str:
        return (
            f"{rng.choice(verbs)} the {rng.choice(fields)} in the visitors' book entry of the {rng.choice(PLACES)} "
            f"that {rng.choice(NAMES)} {rng.choice(('copied', 'found', 'keeps', 'brought along', 'wrote out'))} {rng.choice(('on paper', 'this morning', 'for the record', 'in pencil', 'twice'))}."
        )

    return core


def field_solve(found: re.Match[str], given: str) -> Solution:
    entry = NOTE.search(given)
    if entry is None:
        return distinct("unknown", "none")
    right = entry[FIELDS[found[1]]]
    return distinct(right, *(entry[group] for name, group in FIELDS.items() if name != found[1]))


def ask_core(rng: Random) -> str:
    return (
        f"Read the entry and answer from it alone: {rng.choice(('who gave', 'what was', 'which was', 'say what is stated as'))} the "
        f"{rng.choice(tuple(FIELDS))}? A {rng.choice(TRADES)} in {rng.choice(TOWNS)} {rng.choice(('doubts it', 'has forgotten', 'asks', 'will check'))}."
    )


def json_core(rng: Random) -> str:
    keys = rng.sample(tuple(FIELDS), 2)
    return f"Turn the entry from the {rng.choice(PLACES)} into a JSON object with the keys {keys[0]} and {keys[1]}, as the {rng.choice(TRADES)} of {rng.choice(TOWNS)} wants it."


def json_solve(found: re.Match[str], given: str) -> Solution:
    entry = NOTE.search(given)
    if entry is None:
        return distinct("{}", "[]")
    one, two = found[1], found[2]
    right = json.dumps({one: entry[FIELDS[one]], two: entry[FIELDS[two]]})
    return distinct(
        right, json.dumps({one: entry[FIELDS[two]], two: entry[FIELDS[one]]}), json.dumps({one: entry[FIELDS[one]]})
    )


def order_core(rng: Random) -> str:
    how = rng.choice(("in alphabetical order", "from longest to shortest", "in reverse alphabetical order"))
    return f"Put the {rng.choice(('words', 'names', 'entries', 'items'))} on the {rng.choice(('slip', 'list', 'label', 'blackboard'))} at the {rng.choice(PLACES)} {how}, separated by commas."


def word_list(_found: re.Match[str], rng: Random, _label: str) -> str:
    return ", ".join(rng.sample([*FOODS, *THINGS], rng.randrange(4, 7)))


def order_solve(found: re.Match[str], given: str) -> Solution:
    words = [word.strip() for word in given.split(",")]
    ascending = sorted(words)
    longest = sorted(words, key=lambda word: (-len(word), word))
    chosen = {"in alphabetical order": ascending, "from longest to shortest": longest}.get(found[1], ascending[::-1])
    return distinct(", ".join(chosen), ", ".join([*chosen[1:], chosen[0]]), ", ".join(longest[::-1]), ", ".join(words))


def repeat_core(rng: Random) -> str:
    return (
        f"{rng.choice(('Correct', 'Mend', 'Clean up'))} the line from the {rng.choice(PLACES)}'s letter: one word stands twice in a row; "
        f"write it out without the {rng.choice(('slip', 'repetition', 'doubling'))} for the {rng.choice(TRADES)}."
    )


def doubled(_found: re.Match[str], rng: Random, _label: str) -> str:
    words = note(rng).split(". ")[0].split()
    spot = rng.randrange(2, len(words) - 1)
    return " ".join([*words[: spot + 1], words[spot], *words[spot + 1 :]]) + "."


def repeat_solve(_found: re.Match[str], given: str) -> Solution:
    words = given.split()
    right = [word for index, word in enumerate(words) if index == 0 or word != words[index - 1]]
    return distinct(" ".join(right), " ".join(words), " ".join(right[:-1]), " ".join(right[1:]))


GLOSSARY = {
    "bread": ("Brot", "pan", "pain"), "water": ("Wasser", "agua", "eau"), "house": ("Haus", "casa", "maison"),
    "book": ("Buch", "libro", "livre"), "tree": ("Baum", "árbol", "arbre"), "door": ("Tür", "puerta", "porte"),
    "bridge": ("Brücke", "puente", "pont"), "night": ("Nacht", "noche", "nuit"), "milk": ("Milch", "leche", "lait"),
    "table": ("Tisch", "mesa", "table"), "garden": ("Garten", "jardín", "jardin"), "clock": ("Uhr", "reloj", "horloge"),
    "snow": ("Schnee", "nieve", "neige"), "cheese": ("Käse", "queso", "fromage"), "bird": ("Vogel", "pájaro", "oiseau"),
    "ship": ("Schiff", "barco", "navire"),
}  # fmt: skip
TONGUES = ("German", "Spanish", "French")


def gloss_core(rng: Random) -> str:
    return (
        f"Translate the English word '{rng.choice(tuple(GLOSSARY))}' into {rng.choice(TONGUES)} for the {rng.choice(('menu', 'sign', 'leaflet', 'parcel', 'catalogue', 'crossword'))} "
        f"of a {rng.choice(PLACES)} near {rng.choice(TOWNS)}."
    )


def gloss_solve(found: re.Match[str], _given: str) -> Solution:
    words = GLOSSARY[found[1]]
    spot = TONGUES.index(found[2])
    return distinct(words[spot], *(words[:spot] + words[spot + 1 :]), found[1])


OPERATIONS = {
    "the sum of the squares of": "sum(v * v for v in values)",
    "the product of": "math.prod(values)",
    "the number of even entries in": "sum(v % 2 == 0 for v in values)",
    "the spread between largest and smallest of": "max(values) - min(values)",
    "the second largest of": "sorted(set(values))[-2]",
    "the running total of": "list(itertools.accumulate(values))",
}


def code_core(rng: Random) -> str:
    return (
        f"Write a Python function {rng.choice(('tally', 'digest', 'measure', 'survey', 'reduce_all', 'inspect_list'))} that returns {rng.choice(tuple(OPERATIONS))} "
        f"a list of integers, for the {rng.choice(('stock', 'ticket', 'tide', 'seed', 'ledger', 'timetable'))} program of a {rng.choice(PLACES)}."
    )


def code_solve(found: re.Match[str], _given: str) -> Solution:
    names = tuple(OPERATIONS)
    spot = names.index(found[2])
    body = [f"def {found[1]}(values): return {OPERATIONS[names[(spot + step) % len(names)]]}" for step in range(3)]
    return distinct(*body)


def bug_core(rng: Random) -> str:
    return f"Repair the Python line used by the {rng.choice(PLACES)} so that it {rng.choice(('adds up', 'multiplies', 'counts'))} what the {rng.choice(TRADES)} expects; change one sign only."


def bug_given(_found: re.Match[str], rng: Random, _label: str) -> str:
    return f"total = {rng.choice(('price', 'load', 'hours'))} - {rng.randrange(2, 90)}"


def bug_solve(found: re.Match[str], given: str) -> Solution:
    sign = {"adds up": "+", "multiplies": "*", "counts": "+"}[found[1]]
    return distinct(given.replace(" - ", f" {sign} "), given, given.replace(" - ", " / "))


def read_code_core(rng: Random) -> str:
    return (
        f"What does the expression sum(range({rng.randrange(3, 15)}, {rng.randrange(16, 40)})) give in Python, and why? "
        f"{rng.choice(NAMES)} at the {rng.choice(PLACES)} {rng.choice(('is puzzled', 'guessed wrong', 'needs to know', 'lost a bet'))}."
    )


def read_code_solve(found: re.Match[str], _given: str) -> Solution:
    low, high = int(found[1]), int(found[2])
    return distinct(
        str(sum(range(low, high))), str(sum(range(low, high + 1))), str(sum(range(low + 1, high))), str(high - low)
    )


def rank_core(rng: Random) -> str:
    first, second, third = rng.sample(NAMES, 3)
    quality = rng.choice(("older", "taller", "faster", "earlier at work", "closer to the sea"))
    return (
        f"{first} is {quality} than {second}, and {second} is {quality} than {third}; "
        f"{rng.choice(('who comes in the middle?', 'name the one in between.'))} The {rng.choice(TRADES)} lost track at the {rng.choice(PLACES)}."
    )


def rank_solve(found: re.Match[str], _given: str) -> Solution:
    return distinct(found[2], found[1], found[3])


def seat_core(rng: Random) -> str:
    one, two, three = rng.sample(NAMES, 3)
    return (
        f"{one}, {two} and {three} share a bench at the {rng.choice(PLACES)}: {one} does not sit at either end and {two} sits left of {one}; "
        f"{rng.choice(('who is on the right?', 'name the person on the right.', 'which of them is rightmost?'))}"
    )


def seat_solve(found: re.Match[str], _given: str) -> Solution:
    return distinct(found[3], found[2], found[1])


def slot_core(rng: Random) -> str:
    start = rng.randrange(7, 12)
    return (
        f"The {rng.choice(PLACES)} is open from {start} to {start + rng.randrange(6, 9)}; a {rng.choice(TRADES)} needs {rng.choice((2, 3))} hours and may not begin before "
        f"{start + rng.randrange(1, 4)}: what is the earliest hour at which the work for the {rng.choice(OCCASIONS)} can be done?"
    )


def slot_solve(found: re.Match[str], _given: str) -> Solution:
    hours, start = int(found[1]), int(found[2])
    right = start + hours
    return distinct(f"{right} o'clock", f"{start} o'clock", f"{right + 1} o'clock")


def bigger_core(rng: Random) -> str:
    offers = rng.sample(range(2, 12), 2)
    return (
        f"Choose one option: A) {offers[0]} jars of {rng.choice(FOODS)} for {rng.randrange(10, 90)} coins, B) {offers[1]} jars for {rng.randrange(10, 90)} coins; "
        f"which is cheaper a jar for the {rng.choice(PLACES)}?"
    )


def bigger_solve(found: re.Match[str], _given: str) -> Solution:
    count_a, price_a, count_b, price_b = (int(value) for value in found.groups())
    right = "A" if price_a / count_a <= price_b / count_b else "B"
    return distinct(f"Option {right}", f"Option {'B' if right == 'A' else 'A'}")


FAMILIES = (
    Family("extract", "extraction", "text", field_core(("Pull out", "Extract", "Single out"), tuple(FIELDS)), re.compile(rf"(?:Pull out|Extract|Single out) the ({'|'.join(FIELDS)}) in the visitors' book"), field_solve, 0.3, given=noted),
    Family("read", "reading", "text", ask_core, re.compile(rf"Read the entry and answer from it alone: .*? the ({'|'.join(FIELDS)})\?"), field_solve, 0.5, given=noted),
    Family("to-json", "formatting", "text", json_core, re.compile(rf"into a JSON object with the keys ({'|'.join(FIELDS)}) and ({'|'.join(FIELDS)}),"), json_solve, 0.7, given=noted),
    Family("order", "formatting", "text", order_core, re.compile(r"(in alphabetical order|from longest to shortest|in reverse alphabetical order), separated by commas"), order_solve, 0.6, given=word_list),
    Family("doubled", "editing", "text", repeat_core, re.compile(r"one word stands twice in a row"), repeat_solve, 0.5, given=doubled),
    Family("gloss", "translation", "fact", gloss_core, re.compile(rf"English word '({'|'.join(GLOSSARY)})' into ({'|'.join(TONGUES)})"), gloss_solve, 0.3),
    Family("function", "code-writing", "code", code_core, re.compile(rf"Python function (\w+) that returns ({'|'.join(map(re.escape, OPERATIONS))}) a list"), code_solve, 0.8),
    Family("repair", "code-editing", "code", bug_core, re.compile(r"so that it (adds up|multiplies|counts) what the [\w -]+ expects; change one sign"), bug_solve, 0.4, given=bug_given),
    Family("trace", "code-explanation", "number", read_code_core, re.compile(r"sum\(range\((\d+), (\d+)\)\)"), read_code_solve, 0.9),
    Family("middle", "reasoning", "logic", rank_core, re.compile(r"\b(\w+) is [a-z ]+ than (\w+), and \2 is [a-z ]+ than (\w+);"), rank_solve, 0.5),
    Family("bench", "puzzles", "logic", seat_core, re.compile(r"\b(\w+), (\w+) and (\w+) share a bench"), seat_solve, 1.0),
    Family("slot", "planning", "logic", slot_core, re.compile(r"needs (\d+) hours and may not begin before (\d+): what is the earliest hour"), slot_solve, 0.8),
    Family("cheaper", "multiple-choice", "logic", bigger_core, re.compile(r"A\) (\d+) jars of .*? for (\d+) coins, B\) (\d+) jars for (\d+) coins"), bigger_solve, 0.6),
)  # fmt: skip
