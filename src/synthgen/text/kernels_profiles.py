"""Compiled kernels of the counts behind `profiles`: add up differences of many texts at once, count characters and pairs.

Nothing here knows Python objects.
"""

import numpy as np

from synthgen.text.compiled import compiled

FULL = -1
WIDTH = 256
"""Texts in a block."""
SLACK = 1e-9
"""By how much a distance may pass its limit before a text is refused: rounding never refuses one."""


@compiled
def within(counts, sizes, classes, share, blocks, of, texts, used, found):
    """Fill `found`; how many there are, or FULL where they are too many for it."""
    filled, apart = 0, np.empty(WIDTH, np.uint16)
    for block in range(used):
        for number in range(sizes.shape[0]):
            if of[block, 0] < classes[number, 0] or of[block, 0] > classes[number, 1]:
                continue
            if least_difference(counts[number], blocks[block], apart) > share * (sizes[number] + of[block, 1]) + SLACK:
                continue
            for place in range(of[block, 2]):
                if apart[place] > share * (sizes[number] + texts[block, place, 1]) + SLACK:
                    continue
                if filled == found.shape[0]:
                    return FULL
                found[filled, 0], found[filled, 1] = number, texts[block, place, 0]
                filled += 1
    return filled


@compiled
def least_difference(counts, block, apart):
    """Add up how far a text's counts are from those of each text of a block; the least of it."""
    apart[:] = np.uint16(0)
    for bucket in range(counts.shape[0]):
        mine = counts[bucket]
        for place in range(WIDTH):
            other = block[bucket, place]
            apart[place] += np.uint16(max(mine, other) - min(mine, other))
    least = np.uint16(0xFFFF)
    for place in range(WIDTH):
        least = min(least, apart[place])
    return least


@compiled
def count_characters(codes, ends, buckets, most):
    """How many characters of each text fall into each bucket, `most` at most."""
    counts = np.zeros((ends.shape[0], buckets), np.uint8)
    start = 0
    for number in range(ends.shape[0]):
        for place in range(start, ends[number]):
            bucket = scattered(codes[place]) % buckets
            if counts[number, bucket] < most:
                counts[number, bucket] += np.uint8(1)
        start = ends[number]
    return counts


@compiled
def count_pairs(codes, ends, buckets, most):
    """How many pairs of neighbouring characters of each text fall into each bucket; a space stands at both ends."""
    counts = np.zeros((ends.shape[0], buckets), np.uint8)
    start = 0
    for number in range(ends.shape[0]):
        last = np.uint64(32)
        for place in range(start, ends[number] + 1):
            this = np.uint64(codes[place]) if place < ends[number] else np.uint64(32)
            bucket = mixed((last << np.uint64(32)) | this) % np.uint64(buckets)
            if counts[number, bucket] < most:
                counts[number, bucket] += np.uint8(1)
            last = this
        start = ends[number]
    return counts


@compiled
def scattered(character):
    """ASCII letters fall into buckets of their own; all others anywhere."""
    return np.uint64(character) if character < 128 else mixed(np.uint64(character))


@compiled
def mixed(value):
    """A number whose every bit depends on all bits of another (the end of splitmix64)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
