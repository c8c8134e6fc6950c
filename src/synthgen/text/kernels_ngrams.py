"""Compiled kernels of the contamination index: n-grams by hash, the places they cover, matches that may skip. Exact.

Every n-gram of the benchmarks lies in one of 2**bits buckets, as nothing but its place: what a bucket holds is compared token by
token. So the index costs 4 bytes for a token, 4 for its n-gram and 4 for a bucket. A text is asked by its distinct n-grams: what
it repeats is looked up once, and of a repeated run only the beginning is followed.

Nothing here knows Python objects: the arrays belong to `contamination.Grams`.
"""

import numpy as np

from synthgen.text.compiled import compiled

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
BEGINNING, UNLIKE = -1, -2
"""What stands left of a text's first token, and of an item's first: they differ, so a match begins there."""


@compiled
def hashed(tokens, place, size):
    """A hash of the `size` tokens from a place on."""
    value = np.uint64(size)
    for offset in range(size):
        value = (value ^ np.uint64(tokens[place + offset])) * MULTIPLIER
        value ^= value >> np.uint64(32)
    return value * MULTIPLIER


@compiled
def same(one, at, other, place, size):
    """Whether two n-grams have the same tokens."""
    for offset in range(size):  # noqa: SIM110 - compiled
        if one[at + offset] != other[place + offset]:
            return False
    return True


@compiled
def index(tokens, ends, own, size, starts):
    """Sort the places of all n-grams by bucket: fills `starts` (one more than there are buckets) and returns the places.

    `own` says of each item which n it is looked up by; an item of another n has no n-grams here.
    """
    shift = np.uint64(64) - np.uint64(np.log2(len(starts) - 1))
    first = 0
    for item in range(len(ends)):
        if own[item] == size:
            for place in range(first, ends[item] - size + 1):
                starts[hashed(tokens, place, size) >> shift] += 1
        first = ends[item]
    total = 0
    for bucket in range(len(starts)):
        total += starts[bucket]
        starts[bucket] = total
    places = np.empty(total, starts.dtype)
    # Backwards, so that a bucket's places ascend and its end becomes its start.
    for item in range(len(ends) - 1, -1, -1):
        first = ends[item - 1] if item else 0
        if own[item] == size:
            for place in range(ends[item] - size, first - 1, -1):
                bucket = hashed(tokens, place, size) >> shift
                starts[bucket] -= 1
                places[starts[bucket]] = place
    return places


@compiled
def wanted(mine, tokens, starts, places, size):
    """The n-grams of a text that the benchmarks have: a first position of each, and the next position of the same one, or -1.

    Also how many places lie in their buckets.
    """
    shift = np.uint64(64) - np.uint64(np.log2(len(starts) - 1))
    count = max(len(mine) - size + 1, 0)
    slots = 16
    while slots < 2 * count:
        slots *= 2
    table = np.full(slots, -1, np.int64)
    following = np.full(count, -1, np.int64)
    heads = np.empty(count, np.int64)
    found, within = 0, 0
    for at in range(count):
        value = hashed(mine, at, size)
        low, high = starts[value >> shift], starts[(value >> shift) + np.uint64(1)]
        if low == high:
            continue
        slot = np.int64(value & np.uint64(slots - 1))
        while table[slot] >= 0 and not same(mine, table[slot], mine, at, size):
            slot = (slot + 1) & (slots - 1)
        if table[slot] >= 0:
            following[at] = following[table[slot]]
            following[table[slot]] = at
            continue
        for entry in range(low, high):
            if same(mine, at, tokens, places[entry], size):
                table[slot] = at
                heads[found] = at
                found += 1
                within += np.int64(high) - np.int64(low)
                break
    return heads[:found], following, within


@compiled
def covered(mine, tokens, starts, places, ends, size, skips, least):
    """What a text covers: items in order, how many of their tokens, and the stretches (from, to) in order of place.

    A match begins with a shared n-gram, goes on with up to `skips` tokens that differ, the last not among them, and covers its
    tokens if it has at least so many. Without skips, and from n tokens on, this is what the shared n-grams cover together.
    """
    heads, following, within = wanted(mine, tokens, starts, places, size)
    shift = np.uint64(64) - np.uint64(np.log2(len(starts) - 1))
    begin, length = np.empty(within, np.int64), np.empty(within, np.int64)
    count = 0
    for head in heads:
        bucket = hashed(mine, head, size) >> shift
        positions, lefts, jump = occurrences(mine, head, following)
        for entry in range(starts[bucket], starts[bucket + np.uint64(1)]):
            place = np.int64(places[entry])
            if same(mine, head, tokens, place, size):
                reach = farthest(mine, positions, lefts, jump, tokens, place, ends, size, skips)
                if reach >= least:
                    begin[count], length[count] = place, reach
                    count += 1
    order = np.argsort(begin[:count])
    begin, length = begin[:count][order], length[:count][order]
    items, counts = np.empty(count, np.int64), np.empty(count, np.int64)
    known, reached, end = -1, 0, 0
    for at in range(count):
        if begin[at] >= end:
            known += 1
            items[known] = np.searchsorted(ends, begin[at], "right")
            counts[known] = 0
            end, reached = ends[items[known]], begin[at]
        counts[known] += max(0, begin[at] + length[at] - max(reached, begin[at]))
        reached = max(reached, begin[at] + length[at])
    return items[: known + 1], counts[: known + 1], begin, begin + length


@compiled
def occurrences(mine, head, following):
    """Where a text has an n-gram, ordered by the token left of it: positions, those tokens, and where the next such token begins."""
    count, at = 0, head
    while at >= 0:
        count += 1
        at = following[at]
    positions, lefts = np.empty(count, np.int64), np.empty(count, np.int64)
    at = head
    for number in range(count):
        positions[number] = at
        lefts[number] = np.int64(mine[at - 1]) if at else BEGINNING
        at = following[at]
    order = np.argsort(lefts)
    positions, lefts = positions[order], lefts[order]
    jump = np.empty(count, np.int64)
    for number in range(count - 1, -1, -1):
        again = number + 1 < count and lefts[number + 1] == lefts[number]
        jump[number] = jump[number + 1] if again else number + 1
    return positions, lefts, jump


@compiled
def farthest(mine, positions, lefts, jump, tokens, place, ends, size, skips):
    """The longest match that begins at a place of an item, over all positions of its first n-gram in a text; 0 for none.

    Where the tokens left of both are the same a longer match has begun before and covers this one: both spend no skip until
    they first differ, so they end together. So of texts that repeat themselves few positions are followed.
    """
    item = np.searchsorted(ends, place, "right")
    left = np.int64(tokens[place - 1]) if place > (ends[item - 1] if item else 0) else UNLIKE
    best, number = 0, 0
    while number < len(positions) and place + best < ends[item]:
        if lefts[number] == left:
            number = jump[number]
            continue
        best = max(best, extended(mine, positions[number], tokens, place, ends[item], size, skips))
        number += 1
    return best


@compiled
def extended(mine, at, tokens, place, end, size, skips):
    """How far a match of `size` tokens goes on with up to `skips` tokens that differ, the last not among them."""
    length, whole, skipped = size, size, 0
    while at + length < len(mine) and place + length < end:
        if mine[at + length] == tokens[place + length]:
            length += 1
            whole = length
        else:
            skipped += 1
            if skipped > skips:
                break
            length += 1
    return whole
