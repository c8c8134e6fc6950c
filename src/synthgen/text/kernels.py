"""Compiled kernels of the novelty index: prefix filter, parity signatures, bit-parallel LCS. Exact.

Texts are sequences of token numbers. Two texts of m and n tokens with ROUGE-L F1 above t share more than t(m+n)/2 tokens
(an LCS is no longer than the multiset overlap), so if both are sorted by one order of all tokens, rarest first, their
prefixes of length m - o + 1 have a token in common, o being the least overlap any partner could have (AllPairs,
Bayardo et al. 2007; PPJoin, Xiao et al. 2008). Postings of prefix tokens carry a 64-bit parity signature: each token flips
one hashed bit, so the signatures of two texts differ in no more bits than their multisets in tokens. What passes both is
decided by the LCS itself and F1 in rouge_score's order of floats.

Nothing here knows Python objects: the arrays belong to `novelty.Index`.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

SLACK = 1e-9
"""By how much an overlap may miss a threshold before it is refused unread: rounding never refuses a pair."""
DONE, GROW = 0, 1
HEAD, COUNT, CAPACITY = 0, 1, 2
"""Columns of the table of postings lists."""
EMPTY_POSTINGS = 2
BUCKETS = 16
"""Classes of text length; every token has a list of postings for each."""
LAST_OF_BUCKET = np.array([4, 6, 8, 10, 12, 14, 16, 19, 22, 26, 31, 38, 50, 70, 127, 1 << 30], np.int64)


@intrinsic
def popcount(_context: Any, _value: Any) -> Any:
    """Number of set bits of a uint64, by the processor's own instruction."""

    def generate(_inner: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        counted = builder.ctpop(arguments[0])
        return builder.zext(counted, ir.IntType(64)) if counted.type.width < 64 else counted

    return types.int64(types.uint64), generate


@njit(cache=True, nogil=True)
def hashed(token):
    """Splitmix64 of a token's number."""
    value = np.uint64(token) + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(cache=True, nogil=True)
def sign(text, small, large):
    """Fill the 64-bit (1 word) and the 128-bit (2 words) parity signature of a text."""
    small[0] = np.uint64(0)
    large[:] = np.uint64(0)
    for token in text:
        value = hashed(token)
        small[0] ^= np.uint64(1) << (value & np.uint64(63))
        bit = (value >> np.uint64(8)) & np.uint64(127)
        large[bit >> np.uint64(6)] ^= np.uint64(1) << (bit & np.uint64(63))


@njit(cache=True, nogil=True)
def bucket_of(size):
    """The class of a text's length."""
    bucket = 0
    while size > LAST_OF_BUCKET[bucket]:
        bucket += 1
    return bucket


@njit(cache=True, nogil=True)
def pack(position, size, place):
    """A posting: position of the text, its length, and the token's place in its prefix order, the last two cut off at 2**16."""
    return (
        (np.uint64(position) << np.uint64(32))
        | (np.uint64(min(size, 0xFFFF)) << np.uint64(16))
        | np.uint64(min(place, 0xFFFF))
    )


@njit(cache=True, nogil=True)
def least_overlap(size, threshold):
    """The least overlap with which any partner of a text of `size` tokens can pass the threshold."""
    shortest = np.ceil(threshold * size / (2.0 - threshold) - SLACK)
    return max(1, int(np.ceil(threshold * (size + shortest) / 2.0 - SLACK)))


@njit(cache=True, nogil=True)
def prefix_of(text, rank, threshold):
    """The distinct tokens of a text's prefix under the order of `rank` (ties by number), rarest first.

    Each as its place in the ordered text << 32 | token.
    """
    size = text.shape[0]
    keys = np.empty(size, np.int64)
    if size == 0:
        return keys
    for place in range(size):
        keys[place] = (np.int64(rank[text[place]]) << np.int64(32)) | np.int64(text[place])
    if size > 48:
        keys.sort()
    else:
        for place in range(1, size):
            key, hole = keys[place], place
            while hole > 0 and keys[hole - 1] > key:
                keys[hole] = keys[hole - 1]
                hole -= 1
            keys[hole] = key
    length = size - min(size, least_overlap(size, threshold)) + 1
    kept = 0
    for place in range(length):
        token = keys[place] & np.int64(0xFFFFFFFF)
        if kept == 0 or (keys[kept - 1] & np.int64(0xFFFFFFFF)) != token:
            keys[kept] = (np.int64(place) << np.int64(32)) | token
            kept += 1
    return keys[:kept]


@njit(cache=True, nogil=True)
def prepare(text, slot):
    """Bit masks of a text's tokens for `lcs`: mask row by slot, the slot of each token written into `slot`."""
    words = (text.shape[0] + 63) // 64
    distinct = 0
    for token in text:
        if slot[token] < 0:
            slot[token] = distinct
            distinct += 1
    masks = np.zeros((distinct, words), np.uint64)
    for place in range(text.shape[0]):
        masks[slot[text[place]], place >> 6] |= np.uint64(1) << np.uint64(place & 63)
    return masks


@njit(cache=True, nogil=True)
def lcs(masks, slot, size, other):
    """Length of the longest common subsequence of a prepared text and another (Hyyro 2004, bit-parallel)."""
    words = masks.shape[1]
    full = np.uint64(0xFFFFFFFFFFFFFFFF)
    if words == 1:
        state = full
        for token in other:
            at = slot[token]
            if at >= 0:
                common = state & masks[at, 0]
                state = (state + common) | (state - common)
        valid = full if size == 64 else (np.uint64(1) << np.uint64(size)) - np.uint64(1)
        return popcount(~state & valid)
    states = np.full(words, full, np.uint64)
    for token in other:
        at = slot[token]
        if at < 0:
            continue
        carry = np.uint64(0)
        for word in range(words):
            state = states[word]
            common = state & masks[at, word]
            added = state + common
            over = np.uint64(added < state)
            total = added + carry
            over |= np.uint64(total < added)
            states[word] = total | (state - common)
            carry = over
    found = 0
    for word in range(words):
        left = size - 64 * word
        valid = full if left >= 64 else (np.uint64(1) << np.uint64(left)) - np.uint64(1)
        found += popcount(~states[word] & valid)
    return found


@njit(cache=True, nogil=True)
def f_measure(common, target, prediction):
    """As rouge.f_measure, operation by operation."""
    if common == 0:
        return 0.0
    precision = common / prediction
    recall = common / target
    return 2 * precision * recall / (precision + recall)


@njit(cache=True, nogil=True)
def best_above(text, small, prefix, threshold, pool, posted, masks, slot, stamp, turn):
    """(score, position) of the most similar text above the threshold, the earliest of equals; (0, -1) for none."""
    sizes, starts, tokens = pool
    lists, places, signatures = posted
    size, best, found = text.shape[0], 0.0, -1
    wanted = threshold
    shortest = np.int64(np.ceil(threshold * size / (2.0 - threshold) - SLACK))
    for key in prefix:
        token, place = key & np.int64(0xFFFFFFFF), key >> np.int64(32)
        # If this is the first token in common, what follows it in either text bounds the overlap.
        longest = np.int64(2.0 * (size - place) / threshold - size + SLACK)
        for bucket in range(bucket_of(shortest), BUCKETS):
            if bucket and LAST_OF_BUCKET[bucket - 1] >= longest:
                break
            listed = token * BUCKETS + bucket
            for at in range(np.int64(lists[listed, HEAD]), np.int64(lists[listed, HEAD]) + lists[listed, COUNT]):
                posting = places[at]
                other = np.int64((posting >> np.uint64(16)) & np.uint64(0xFFFF))
                position = np.int64(posting >> np.uint64(32))
                if other == 0xFFFF:
                    other = np.int64(sizes[position])
                both = size + other
                need = np.int64(np.ceil(wanted * both * 0.5 - SLACK))
                if need > size - place or need > other - np.int64(posting & np.uint64(0xFFFF)):
                    continue
                if popcount(small ^ signatures[at]) > both - 2 * need or stamp[position] == turn:
                    continue
                stamp[position] = turn
                common = lcs(masks, slot, size, tokens[starts[position] : starts[position] + other])
                score = f_measure(common, other, size)
                if score > threshold and (score > best or (score == best and position < found)):
                    best, found, wanted = score, position, score
    return best, found


@njit(cache=True, nogil=True)
def room(prefix, bucket, lists):
    """Postings that have to be laid out anew to add a text."""
    wanted = 0
    for key in prefix:
        listed = (key & np.int64(0xFFFFFFFF)) * BUCKETS + bucket
        if lists[listed, COUNT] == lists[listed, CAPACITY]:
            wanted += max(EMPTY_POSTINGS, 2 * np.int64(lists[listed, CAPACITY]))
    return wanted


@njit(cache=True, nogil=True)
def post(position, size, small, prefix, lists, places, signatures, used):
    """Add a text to the postings of its prefix; how many postings are laid out then."""
    bucket = bucket_of(size)
    for key in prefix:
        listed = (key & np.int64(0xFFFFFFFF)) * BUCKETS + bucket
        if lists[listed, COUNT] == lists[listed, CAPACITY]:
            wider = max(EMPTY_POSTINGS, 2 * np.int64(lists[listed, CAPACITY]))
            for offset in range(lists[listed, COUNT]):
                places[used + offset] = places[np.int64(lists[listed, HEAD]) + offset]
                signatures[used + offset] = signatures[np.int64(lists[listed, HEAD]) + offset]
            lists[listed, HEAD] = used
            lists[listed, CAPACITY] = wider
            used += wider
        places[np.int64(lists[listed, HEAD]) + lists[listed, COUNT]] = pack(position, size, key >> np.int64(32))
        signatures[np.int64(lists[listed, HEAD]) + lists[listed, COUNT]] = small
        lists[listed, COUNT] += 1
    return used


@njit(cache=True, nogil=True)
def run(flat, ends, first, last, threshold, keep, pool, large, posted, rank, slot, stamp, state, scores, nearest):
    """Decide the texts `first` to `last` one by one, each against all that entered before it.

    A text enters the pool if nothing is above the threshold (`keep` 1), in any case (2) or not at all (0). Fills `scores` and `nearest` (position, -1 for none above the threshold; `keep` 0 and 1) and `state` (texts, tokens and
    postings in use, turn). Returns (DONE or GROW, the first text that is not decided).
    """
    sizes, starts, tokens = pool
    lists, places, signatures = posted
    small, whole = np.empty(1, np.uint64), np.empty(2, np.uint64)
    for number in range(first, last):
        text = flat[(ends[number - 1] if number else 0) : ends[number]]
        size = text.shape[0]
        held, laid, used = state[0], state[1], state[2]
        if held == sizes.shape[0] or laid + size > tokens.shape[0]:
            return GROW, number
        sign(text, small, whole)
        prefix = prefix_of(text, rank, threshold)
        if keep and used + room(prefix, bucket_of(size), lists) > places.shape[0]:
            return GROW, number
        scores[number], nearest[number] = 0.0, -1
        if keep != 2 and size:
            state[3] += 1
            masks = prepare(text, slot)
            found = best_above(text, small[0], prefix, threshold, pool, posted, masks, slot, stamp, state[3])
            scores[number], nearest[number] = found
            for token in text:
                slot[token] = -1
        if keep == 2 or (keep == 1 and nearest[number] < 0):
            tokens[laid : laid + size] = text
            starts[held], sizes[held] = laid, size
            large[held, :] = whole
            state[2] = post(held, size, small[0], prefix, lists, places, signatures, used)
            state[0], state[1] = held + 1, laid + size
    return DONE, last


@njit(cache=True, nogil=True)
def frequencies(tokens, laid, rank):
    """Count every token of the pool into `rank`: the order of the prefixes."""
    rank[:] = 0
    for place in range(laid):
        rank[tokens[place]] += 1


@njit(cache=True, nogil=True)
def count_postings(pool, held, threshold, rank, lists):
    """How many postings each token has under the order of `rank`."""
    sizes, starts, tokens = pool
    lists[:] = 0
    for position in range(held):
        bucket = bucket_of(sizes[position])
        for key in prefix_of(tokens[starts[position] : starts[position] + sizes[position]], rank, threshold):
            lists[(key & np.int64(0xFFFFFFFF)) * BUCKETS + bucket, COUNT] += 1


@njit(cache=True, nogil=True)
def repost(pool, held, threshold, rank, posted):
    """Fill laid out, empty postings from the pool."""
    sizes, starts, tokens = pool
    lists, places, signatures = posted
    small, whole = np.empty(1, np.uint64), np.empty(2, np.uint64)
    lists[:, COUNT] = 0
    for position in range(held):
        text = tokens[starts[position] : starts[position] + sizes[position]]
        sign(text, small, whole)
        bucket = bucket_of(sizes[position])
        for key in prefix_of(text, rank, threshold):
            listed = (key & np.int64(0xFFFFFFFF)) * BUCKETS + bucket
            places[np.int64(lists[listed, HEAD]) + lists[listed, COUNT]] = pack(
                position, sizes[position], key >> np.int64(32)
            )
            signatures[np.int64(lists[listed, HEAD]) + lists[listed, COUNT]] = small[0]
            lists[listed, COUNT] += 1


@njit(cache=True, nogil=True)
def top(text, held, pool, large, slot, bounds, wanted, scores, found):
    """The `wanted` most similar texts, best first, the earliest of equals; fills `scores` and `found`; how many there are.

    Every text is bounded by its 128-bit signature; the most promising are decided first, and then only those whose bound
    reaches the worst of the best.
    """
    sizes, starts, tokens = pool
    size = text.shape[0]
    small, whole = np.empty(1, np.uint64), np.empty(2, np.uint64)
    sign(text, small, whole)
    histogram = np.zeros(257, np.int64)
    for position in range(held):
        other = sizes[position]
        apart = 0
        for word in range(2):
            apart += popcount(whole[word] ^ large[position, word])
        overlap = max(0, min(size + other - apart, 2 * min(size, other)))
        bound = np.int64(overlap * (255.0 / (size + other + (size + other == 0)))) + np.int64(overlap > 0)
        bounds[position] = bound
        histogram[bound] += 1
    cut, above = 256, 0
    while cut > 0 and above < max(64, 2 * wanted):
        cut -= 1
        above += histogram[cut]
    masks = prepare(text, slot)
    filled, least = 0, np.int64(0)
    for stage in range(2):
        for position in range(held):
            bound = np.int64(bounds[position])
            if bound < least or (bound >= cut) != (stage == 0):
                continue
            other = sizes[position]
            common = lcs(masks, slot, size, tokens[starts[position] : starts[position] + other])
            score = f_measure(common, other, size)
            place = filled
            while place > 0 and (
                scores[place - 1] < score or (scores[place - 1] == score and found[place - 1] > position)
            ):
                place -= 1
            if place == wanted:
                continue
            for later in range(min(filled, wanted - 1), place, -1):
                scores[later], found[later] = scores[later - 1], found[later - 1]
            scores[place], found[place] = score, position
            filled = min(filled + 1, wanted)
            if filled == wanted:
                least = 1 + np.int64(scores[wanted - 1] * 255.0 - 1e-6)
    for token in text:
        slot[token] = -1
    return filled


@njit(cache=True, nogil=True)
def within(code, counts, size, held_codes, held_counts, held_sizes, held, share, found):
    """Positions of the texts whose Indel similarity may reach 1 - share; fills `found`, how many there are.

    Of two texts with Indel distance d the counts of any buckets of characters differ by no more than d in all. The codes
    (256 bits) are a coarser form of the counts, and differ in fewer bits.
    """
    filled = 0
    for position in range(held):
        limit = np.int64(share * (size + held_sizes[position]) + SLACK)
        apart = np.int64(0)
        for word in range(4):
            apart += popcount(code[word] ^ held_codes[position, word])
        if apart > limit:  # the one branch that the processor can foretell: nearly always
            continue
        apart = abs(size - held_sizes[position])
        if apart > limit:
            continue
        apart = np.int64(0)
        for bucket in range(counts.shape[0]):
            apart += abs(np.int64(counts[bucket]) - np.int64(held_counts[position, bucket]))
        if apart <= limit:
            found[filled] = position
            filled += 1
    return filled
