"""Families that are never proposed: tasks with one known outcome, in categories that the others leave to writing or to code.

They are recognised and answered like the others; `synthgen.rehearsal.items` makes tasks of them.
"""

import re
from random import Random

from synthgen.rehearsal.families.base import Family, Solution, distinct
from synthgen.rehearsal.families.facts import CAUSES
from synthgen.rehearsal.families.texts import NOTE, noted
from synthgen.rehearsal.vocabulary import NAMES, OCCASIONS, PLACES, THINGS, TOWNS, TRADES

PARTICIPLES = {
    "repairs": "repaired", "paints": "painted", "carries": "carried", "cleans": "cleaned", "orders": "ordered", "wraps": "wrapped",
    "sells": "sold", "finds": "found", "borrows": "borrowed", "measures": "measured",
}  # fmt: skip
ACTIVE = re.compile(r"The ([a-z ]+) ([a-z]+s) the ([a-z ]+)\.$")


def span_core(rng: Random) -> str:
    low = rng.randrange(2, 40)
    return (
        f"Write the call of Python's range with two arguments that yields every whole number from {low} to {low + rng.randrange(3, 60)}, "
        f"both of them included, for the {rng.choice(('stock', 'ticket', 'tide', 'seed', 'ledger', 'timetable'))} program of a {rng.choice(PLACES)}."
    )


def span_solve(found: re.Match[str], _given: str) -> Solution:
    low, high = int(found[1]), int(found[2])
    return distinct(
        f"range({low}, {high + 1})", f"range({low}, {high})", f"range({low + 1}, {high + 1})", f"range({high})"
    )


def passive_core(rng: Random) -> str:
    return (
        f"Say the {rng.choice(('sentence', 'line', 'remark'))} again in the passive voice and the same tense, naming who does it; "
        f"it goes into the {rng.choice(('minutes', 'log', 'report', 'register'))} of the {rng.choice(PLACES)} for the {rng.choice(OCCASIONS)}."
    )


def active(_found: re.Match[str], rng: Random, _label: str) -> str:
    return f"The {rng.choice(TRADES)} {rng.choice(tuple(PARTICIPLES))} the {rng.choice(THINGS)}."


def passive_solve(_found: re.Match[str], given: str) -> Solution:
    said = ACTIVE.search(given)
    if said is None or said[2] not in PARTICIPLES:
        return distinct("unknown", "none")
    who, done, what = said[1], PARTICIPLES[said[2]], said[3]
    return distinct(
        f"The {what} is {done} by the {who}.", f"The {what} was {done} by the {who}.", f"The {who} is {done} by the {what}.", said[0]
    )  # fmt: skip


def gist_core(rng: Random) -> str:
    return (
        f"Condense the visitors' book entry to one line of the form NAME: OBJECT, AMOUNT coins; {rng.choice(NAMES)} pins it up at the "
        f"{rng.choice(PLACES)} {rng.choice(('today', 'on Friday', 'every week', 'for the others', 'by the door'))}."
    )


def gist_solve(_found: re.Match[str], given: str) -> Solution:
    entry = NOTE.search(given)
    if entry is None:
        return distinct("unknown", "none")
    name, thing, amount = entry[2], entry[4], entry[6]
    return distinct(
        f"{name}: {thing}, {amount} coins", f"{name}: {entry[5]}, {amount} coins", f"{entry[7]}: {thing}, {amount} coins"
    )  # fmt: skip


def change_core(rng: Random) -> str:
    tickets, price = rng.randrange(2, 9), rng.randrange(3, 19)
    return (
        f"Play the clerk at the {rng.choice(PLACES)} in {rng.choice(TOWNS)}. Guest: 'Good day, {tickets} tickets at {price} coins each, please; "
        f"here are {tickets * price + rng.randrange(2, 40)} coins.' Reply with the change, in coins."
    )


def change_solve(found: re.Match[str], _given: str) -> Solution:
    tickets, price, paid = (int(value) for value in found.groups())
    right = paid - tickets * price
    return distinct(
        f"{right} coins", f"{paid - price} coins", f"{tickets * price} coins", f"{paid - (tickets + 1) * price} coins"
    )


def reason_core(rng: Random) -> str:
    asked, other = rng.sample(tuple(CAUSES), 2)
    first, second = rng.sample((CAUSES[asked], CAUSES[other]), 2)
    return (
        f"Of two explanations of why {asked} one holds: option A, that {first}; or option B, that {second}. Which one does, for the quiz of the "
        f"{rng.choice(PLACES)} in {rng.choice(TOWNS)}?"
    )


def reason_solve(found: re.Match[str], _given: str) -> Solution:
    right = "A" if CAUSES[found[1]] == found[2] else "B"
    return distinct(f"Option {right}", f"Option {'B' if right == 'A' else 'A'}")


FAMILIES = (
    Family("span", "code-writing", "code", span_core, re.compile(r"range with two arguments that yields every whole number from (\d+) to (\d+),"), span_solve, 0.8, proposed=False),
    Family("passive", "rewriting", "text", passive_core, re.compile(r"again in the passive voice and the same tense"), passive_solve, 0.4, given=active, proposed=False),
    Family("gist", "summarization", "text", gist_core, re.compile(r"to one line of the form NAME: OBJECT, AMOUNT coins"), gist_solve, 0.5, given=noted, proposed=False),
    Family("change", "dialogue", "number", change_core, re.compile(r"(\d+) tickets at (\d+) coins each, please; here are (\d+) coins"), change_solve, 0.5, proposed=False),
    Family("reason", "explanation", "label", reason_core, re.compile(rf"explanations of why ({'|'.join(map(re.escape, CAUSES))}) one holds: option A, that ([^;]+); or option B"), reason_solve, 0.6, proposed=False),
)  # fmt: skip
