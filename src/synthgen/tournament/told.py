"""A policy in plain words: a table of the categories, and what the choices gain on the held-out items."""

from collections.abc import Iterator, Sequence

from synthgen.policy import ArmFound, CategoryFound, Correctness, Gain, HeldOut, Part, Policy
from synthgen.tournament.choice import Arm

HEAD = ("category", "items", "choice", "success (95%)", "tokens/success", "runner-up", "why")
RIGHT = frozenset({"items", "tokens/success"})
"""Columns of numbers."""


def lines(policy: Policy) -> Iterator[str]:
    """The whole policy."""
    sources = ", ".join(f"{name} {count}" for name, count in policy.sources.items())
    yield f"known answers: {sources}; {policy.held_out_share:.0%} of the items held out; {policy.samples} answer(s) of an arm to an item"
    for who, part in (("teacher", policy.teacher), ("student", policy.student)):
        if part is not None:
            yield ""
            yield from part_lines(who, part)


def part_lines(who: str, part: Part) -> Iterator[str]:
    """What was found with one model."""
    counts = part.answers
    yield f"{who} {part.model}: {counts['tuning']} answers to choose by, {counts['held_out']} held out, {counts['left_out']} not asked"
    yield from table([HEAD, *(row(name, one) for name, one in sorted(part.categories.items()))])
    chosen = sum(bool(one.strategy) for one in part.categories.values())
    yield f"chosen in {chosen} of {len(part.categories)} categories; the shipped table stands in the others"
    yield from held_out_lines(part.held_out)


def row(name: str, one: CategoryFound) -> tuple[str, ...]:
    """A category's line."""
    by_name = {named(arm): arm for arm in one.arms}
    mine = str(Arm(one.strategy, one.think)) if one.strategy else ""
    shown = by_name.get(mine)
    others = sorted((arm for key, arm in by_name.items() if key != mine), key=lambda arm: -arm.shrunk)
    success = f"{percent(shown.rate)} ({percent(shown.low)}-{percent(shown.high)})" if shown is not None else ""
    price = f"{shown.tokens_per_success:.0f}" if shown is not None and shown.tokens_per_success is not None else ""
    second = f"{named(others[0])} {percent(others[0].rate)}" if others and one.items else ""
    return name, str(one.items), mine or "-", success, price, second, one.reason


def named(arm: ArmFound) -> str:
    """An arm's name."""
    return str(Arm(arm.strategy, arm.think))


def percent(share: float) -> str:
    """A share for people."""
    return f"{100 * share:.0f}%"


def table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows in columns."""
    widths = [max(len(one[place]) for one in rows) for place in range(len(HEAD))]
    for one in rows:
        cells = (
            cell.rjust(width) if head in RIGHT else cell.ljust(width)
            for head, cell, width in zip(HEAD, one, widths, strict=True)
        )
        yield "  ".join(cells).rstrip()


def held_out_lines(held: HeldOut) -> Iterator[str]:
    """What the choices gain on items that decided nothing."""
    if held.tuned is None or held.shipped is None or held.over_shipped is None:
        yield "no held-out items, so nothing is claimed of what the choices gain"
        return
    yield f"on {held.items} held-out {'item' if held.items == 1 else 'items'}:"
    yield f"  this policy           {correct(held.tuned)}"
    yield f"  the shipped table     {correct(held.shipped)}, this policy is {apart(held.over_shipped)}"
    for name, one in sorted(held.single.items(), key=lambda each: -each[1].rate):
        yield f"  {name} alone: {correct(one)}, this policy is {apart(held.over_single[name])}"


def correct(one: Correctness) -> str:
    """A rate with its interval."""
    return f"{100 * one.rate:.1f}% ({100 * one.low:.1f}-{100 * one.high:.1f}) right, {one.tokens:.0f} tokens"


def apart(one: Gain) -> str:
    """A difference with its interval."""
    return f"{100 * one.difference:+.1f} points ({100 * one.low:+.1f} to {100 * one.high:+.1f})"
