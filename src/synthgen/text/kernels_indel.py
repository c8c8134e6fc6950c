"""Compiled kernel of the Indel similarity: the most similar of many texts, by bit-parallel LCS. Exact.

Characters are codes. If the alphabet is divided into groups, the LCS of two texts is at most the sum of the LCSs of their
characters of each group. Groups of some 60 characters of the text that is asked fit a word each, so this bound costs one
addition for a character, and with five groups hardly a pair of unlike texts passes it (a count of characters alone refuses
one in ten at 75%). What passes is decided by the LCS itself (Hyyrö 2004; Crochemore et al. 2001).

Nothing here knows Python objects: the arrays belong to `alike.Alike`.
"""

import numpy as np

from synthgen.text.compiled import compiled
from synthgen.text.kernels import popcount

GROUPS = 5
FULL = np.uint64(0xFFFFFFFFFFFFFFFF)


@compiled
def prepare(mine, alphabet):
    """Of a text: the slot of each code, 0 for one it lacks; its group; its bits in the group; and of each slot those in the text."""
    slots = np.zeros(alphabet, np.uint32)
    counts = np.zeros(alphabet, np.int64)
    for code in mine:
        counts[code] += 1
    group = np.zeros(alphabet, np.uint8)
    load = np.zeros(GROUPS, np.int64)
    distinct = 0
    for code in np.argsort(-counts):
        if counts[code] == 0:
            break
        distinct += 1
        slots[code] = distinct
        group[code] = np.argmin(load)
        load[group[code]] += counts[code]
    grouped = np.zeros((alphabet, (load.max() + 63) // 64), np.uint64)
    whole = np.zeros((distinct + 1, (len(mine) + 63) // 64), np.uint64)
    load[:] = 0
    for place in range(len(mine)):
        code = mine[place]
        at = load[group[code]]
        load[group[code]] += 1
        grouped[code, at >> 6] |= np.uint64(1) << np.uint64(at & 63)
        whole[slots[code], place >> 6] |= np.uint64(1) << np.uint64(place & 63)
    return slots, group, grouped, whole


@compiled
def most_short(codes, first, last, group, bits):
    """The most that the LCS can be, where each group of the text fits a word."""
    state = np.empty(GROUPS, np.uint64)
    state[:] = FULL
    for place in range(first, last):
        code = codes[place]
        mine = group[code]
        kept = state[mine]
        met = kept & bits[code]
        state[mine] = (kept + met) | (kept - met)
    total = 0
    for mine in range(GROUPS):
        total += popcount(~state[mine])
    return total


@compiled
def step(state, masks):
    """One character further in a bit-parallel LCS of any length: the additions carry from word to word."""
    carry = np.uint64(0)
    for word in range(len(masks)):
        kept = state[word]
        met = kept & masks[word]
        added = kept + met
        carried = added + carry
        carry = np.uint64(1) if added < kept or carried < added else np.uint64(0)
        state[word] = carried | (kept - met)


@compiled
def most_long(codes, first, last, group, grouped, slots):
    """The most that the LCS can be, whatever the length."""
    state = np.empty((GROUPS, grouped.shape[1]), np.uint64)
    state[:] = FULL
    for place in range(first, last):
        code = codes[place]
        if slots[code]:
            step(state[group[code]], grouped[code])
    total = 0
    for word in state.flat:
        total += popcount(~word)
    return total


@compiled
def lcs(codes, first, last, slots, whole):
    """Length of the longest common subsequence."""
    state = np.empty(whole.shape[1], np.uint64)
    state[:] = FULL
    for place in range(first, last):
        slot = slots[codes[place]]
        if slot:
            step(state, whole[slot])
    total = 0
    for word in state:
        total += popcount(~word)
    return total


@compiled
def nearest(mine, codes, ends, alphabet, numerator, denominator):
    """The first of the most similar texts whose similarity reaches a fraction: (number, LCS), or (-1, 0).

    The similarity of texts of m and n characters is 2 LCS / (m + n); it is compared in whole numbers.
    """
    slots, group, grouped, whole = prepare(mine, alphabet)
    short, bits = grouped.shape[1] == 1, np.ascontiguousarray(grouped[:, 0])
    best, common = -1, 0
    first = 0
    for number in range(len(ends)):
        last = ends[number]
        both = len(mine) + last - first
        # The least LCS that reaches the threshold, or that beats the best so far: 2 LCS * denominator >= numerator * both.
        least = -((-numerator * both) // (2 * denominator)) if best < 0 else numerator * both // (2 * denominator) + 1
        if least <= min(len(mine), last - first) and last > first:
            if short:
                most = most_short(codes, first, last, group, bits)
            else:
                most = most_long(codes, first, last, group, grouped, slots)
            if most >= least:
                shared = lcs(codes, first, last, slots, whole)
                if shared >= least:
                    best, common = number, shared
                    numerator, denominator = 2 * shared, both
        first = last
    return best, common
