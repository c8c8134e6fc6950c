"""Families with one number as their outcome."""

import re
from random import Random

from synthgen.rehearsal.families.base import Family, Solution, distinct
from synthgen.rehearsal.vocabulary import FOODS, NAMES, THINGS, flavour


def discount_core(rng: Random) -> str:
    verb = rng.choice(("is reduced by", "is marked down by", "gets a rebate of", "sells with a discount of"))
    return (
        f"A {rng.choice(THINGS)} priced at {rng.randrange(20, 400, 4)} coins {verb} {rng.choice((5, 10, 15, 20, 25, 30, 40, 50))} "
        f"percent; {rng.choice(('what does it cost now?', 'work out the new price.', 'how much is left to pay?'))}"
    )


def discount(found: re.Match[str], _given: str) -> Solution:
    price, percent = int(found[1]), int(found[2])
    right = price * (100 - percent) / 100
    return distinct(
        f"{right:g} coins", f"{price * percent / 100:g} coins", f"{price - percent:g} coins", f"{right + 1:g} coins"
    )


def travel_core(rng: Random) -> str:
    vehicle = rng.choice(
        ("ferry", "tram", "cargo bike", "milk lorry", "night train", "canal boat", "school bus", "hay wagon")
    )
    return (
        f"A {vehicle} covers {rng.randrange(12, 96, 3)} kilometres an hour for {rng.choice((2, 3, 4, 5, 6, 8))} hours and "
        f"{rng.choice(('15', '30', '45'))} minutes; {rng.choice(('find the distance.', 'how far does it get?', 'state the length of the trip.'))}"
    )


def travel(found: re.Match[str], _given: str) -> Solution:
    speed, hours, minutes = (int(value) for value in found.groups())
    right = speed * (hours + minutes / 60)
    return distinct(
        f"{right:g} kilometres",
        f"{speed * (hours + minutes / 100):g} kilometres",
        f"{speed * hours:g} kilometres",
        f"{right + speed:g} kilometres",
    )


def mean_core(rng: Random) -> str:
    what = rng.choice(
        (
            "weights",
            "tide heights",
            "queue lengths",
            "oven temperatures",
            "ticket counts",
            "rainfall readings",
            "lap times",
        )
    )
    how = rng.choice(("Give the arithmetic mean of the", "Compute the average of the", "Report the mean value of the"))
    return f"{how} {what} listed below, rounded to one decimal."


def listed(_found: re.Match[str], rng: Random, _label: str) -> str:
    return ", ".join(str(rng.randrange(3, 95)) for _ in range(rng.randrange(5, 9)))


def values_of(given: str) -> list[int]:
    return [int(value) for value in re.findall(r"-?\d+", given)] or [0]


def mean(_found: re.Match[str], given: str) -> Solution:
    values = values_of(given)
    right, middle = sum(values) / len(values), sorted(values)[len(values) // 2]
    return distinct(f"{right:.1f}", f"{middle:.1f}", f"{sum(values) / (len(values) + 1):.1f}", f"{right + 1:.1f}")


def median_core(rng: Random) -> str:
    what = rng.choice(
        ("delivery times", "egg counts", "pulse readings", "page counts", "wind speeds", "shoe sizes", "waiting times")
    )
    return f"{rng.choice(('Find', 'Name', 'Determine'))} the median of the {what} given below."


def median(_found: re.Match[str], given: str) -> Solution:
    values = sorted(values_of(given))
    half = len(values) // 2
    right = values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2
    return distinct(f"{right:g}", f"{values[half - 1]:g}", f"{sum(values) / len(values):.1f}", f"{values[-1]:g}")


def area_core(rng: Random) -> str:
    what = rng.choice(("floor", "field", "terrace", "sail", "wall", "herb bed", "stage", "courtyard"))
    return (
        f"A rectangular {what} measures {rng.randrange(3, 40)} by {rng.randrange(3, 40)} metres and a square of "
        f"{rng.choice((1, 2))} metres a side is left free; {rng.choice(('what area remains?', 'how many square metres are covered?'))}"
    )


def area(found: re.Match[str], _given: str) -> Solution:
    width, height, free = (int(value) for value in found.groups())
    right = width * height - free * free
    return distinct(
        f"{right} square metres",
        f"{width * height} square metres",
        f"{2 * (width + height)} square metres",
        f"{width * height - 4 * free} square metres",
    )


def interest_core(rng: Random) -> str:
    return (
        f"{rng.choice(NAMES)} lends {rng.randrange(200, 4000, 50)} coins at {rng.choice((2, 3, 4, 5, 6))} percent simple interest a year "
        f"for {rng.randrange(2, 9)} years; {rng.choice(('what is the interest in all?', 'how much interest comes in?'))}"
    )


def interest(found: re.Match[str], _given: str) -> Solution:
    principal, percent, years = (int(value) for value in found.groups())
    right = principal * percent * years / 100
    return distinct(
        f"{right:g} coins",
        f"{principal * ((1 + percent / 100) ** years - 1):.2f} coins",
        f"{principal + right:g} coins",
        f"{right / years:g} coins",
    )


def recipe_core(rng: Random) -> str:
    small, large = rng.choice(((4, 6), (4, 10), (2, 5), (6, 9), (8, 12), (3, 12)))
    return (
        f"A dish for {small} guests takes {rng.randrange(40, 900, 20)} grams of {rng.choice(FOODS)}; "
        f"{rng.choice(('scale it to', 'how many grams for', 'say what is needed for'))} {large} guests."
    )


def recipe(found: re.Match[str], _given: str) -> Solution:
    small, grams, large = int(found[1]), int(found[2]), int(found[3])
    right = grams * large / small
    return distinct(
        f"{right:g} grams",
        f"{grams * large:g} grams",
        f"{grams + large - small:g} grams",
        f"{grams * small / large:g} grams",
    )


def ratio_core(rng: Random) -> str:
    left, right = rng.choice(((1, 3), (2, 3), (3, 5), (1, 4), (2, 5), (3, 4)))
    return (
        f"{rng.choice(('Sand and cement', 'Oil and vinegar', 'Rye and wheat', 'Blue and white paint', 'Peat and gravel'))} are mixed "
        f"{left} to {right}; in {(left + right) * rng.randrange(2, 40)} kilograms of the mixture, how heavy is the second part?"
    )


def ratio(found: re.Match[str], _given: str) -> Solution:
    left, right, total = (int(value) for value in found.groups())
    outcome = total * right / (left + right)
    return distinct(
        f"{outcome:g} kilograms",
        f"{total * left / (left + right):g} kilograms",
        f"{total * left / right:g} kilograms",
        f"{total / right:g} kilograms",
    )


def dice_core(rng: Random) -> str:
    return (
        f"A bag holds {rng.randrange(2, 9)} red, {rng.randrange(2, 9)} green and {rng.randrange(1, 7)} white {rng.choice(('buttons', 'beads', 'marbles', 'tokens', 'seeds'))}; "
        f"{rng.choice(('what is the chance that one drawn blindly is green?', 'state the probability of drawing a green one.'))}"
    )


def dice(found: re.Match[str], _given: str) -> Solution:
    red, green, white = (int(value) for value in found.groups())
    total = red + green + white
    return distinct(f"{green}/{total}", f"{green}/{red + white}", f"{red}/{total}", f"1/{total}")


def clock_core(rng: Random) -> str:
    return (
        f"A shift begins at {rng.randrange(5, 12)}:{rng.choice(('00', '10', '20', '40', '50'))} and lasts {rng.randrange(3, 11)} hours and "
        f"{rng.choice((15, 25, 35, 50))} minutes; {rng.choice(('when does it end?', 'at what time is it over?'))} {flavour(rng)['name']} "
        f"{rng.choice(('asks', 'wonders', 'has to know'))}."
    )


def clock(found: re.Match[str], _given: str) -> Solution:
    hour, minute, hours, minutes = (int(value) for value in found.groups())
    total = hour * 60 + minute + hours * 60 + minutes

    def shown(value: int) -> str:
        return f"{value // 60 % 24}:{value % 60:02d}"

    return distinct(shown(total), shown(total - 60), shown(hour * 60 + minute + hours * 60), shown(total + 10))


FAMILIES = (
    Family("discount", "mathematics", "number", discount_core, re.compile(r"priced at (\d+) coins .*? (\d+) percent;"), discount, 0.4),
    Family("travel", "mathematics", "number", travel_core, re.compile(r"covers (\d+) kilometres an hour for (\d+) hours and (\d+) minutes"), travel, 0.9),
    Family("mean", "data-analysis", "number", mean_core, re.compile(r"(?:arithmetic mean|average|mean value) of the [a-z ]+ listed below"), mean, 0.8, given=listed),
    Family("median", "data-analysis", "number", median_core, re.compile(r"the median of the [a-z ]+ given below"), median, 0.9, given=listed),
    Family("area", "mathematics", "number", area_core, re.compile(r"measures (\d+) by (\d+) metres and a square of (\d+) metres"), area, 0.7),
    Family("interest", "work-business", "number", interest_core, re.compile(r"lends (\d+) coins at (\d+) percent simple interest a year for (\d+) years"), interest, 0.6),
    Family("recipe", "everyday-life", "number", recipe_core, re.compile(r"for (\d+) guests takes (\d+) grams of .*? (\d+) guests\."), recipe, 0.5),
    Family("ratio", "science", "number", ratio_core, re.compile(r"are mixed (\d+) to (\d+); in (\d+) kilograms of the mixture"), ratio, 0.9),
    Family("chance", "mathematics", "number", dice_core, re.compile(r"holds (\d+) red, (\d+) green and (\d+) white"), dice, 0.8),
    Family("clock", "everyday-life", "number", clock_core, re.compile(r"begins at (\d+):(\d+) and lasts (\d+) hours and (\d+) minutes"), clock, 0.6),
)  # fmt: skip
