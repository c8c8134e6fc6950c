"""Compiled kernels of the novelty index: prefix filter, parity signatures, bit-parallel LCS. Exact.

Texts are sequences of token numbers. Two texts of m and n tokens with ROUGE-L F1 above t share more than t(m+n)/2 tokens
(an LCS is no longer than the multiset overlap), so if both are sorted by one order of all tokens, rarest first, their
prefixes of length m - o + 1 have a token in common, o being the least overlap any partner could have (AllPairs,
Bayardo et al. 2007; PPJoin, Xiao et al. 2008). Postings of prefix tokens carry a 64-bit parity signature: each occurrence
of a token flips one hashed bit, so the signatures of two texts differ in no more bits than their multisets in tokens. What passes both is
decided by the LCS itself and F1 in rouge_score's order of floats.

Nothing here knows Python objects: the arrays belong to `novelty.Index`.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from synthgen.text.compiled import compiled

SLACK = 1e-9
"""By how much an overlap may miss a threshold before it is refused unread: rounding never refuses a pair."""
DONE, GROW = 0, 1
HEAD, COUNT, CAPACITY = 0, 1, 2
"""Columns of the table of postings lists."""
EMPTY_POSTINGS = 2
TOGETHER = 256
"""Texts whose signatures are compared before any of them is looked at."""
PROMISING = 64
"""Texts with rare tokens in common that are decided before all others, for each text that is wanted."""
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


@compiled
def hashed(token):
    """Splitmix64 of a token's number."""
    value = np.uint64(token) + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@compiled
def sign(text, slot, small, large, great):
    """Fill the parity signatures of a text: of 64 bits, and of 256 and 512 (4 and 8 words).

    A token's second occurrence flips another bit than its first: two that flip the same one would leave no trace.
    """
    small[0] = np.uint64(0)
    large[:] = np.uint64(0)
    great[:] = np.uint64(0)
    for token in text:
        slot[token] += 1  # -1 before the first
        value = hashed(np.int64(token) + (np.int64(slot[token]) << np.int64(32)))
        small[0] ^= np.uint64(1) << (value & np.uint64(63))
        bit = (value >> np.uint64(8)) & np.uint64(255)
        large[np.int64(bit >> np.uint64(6))] ^= np.uint64(1) << (bit & np.uint64(63))
        bit = (value >> np.uint64(16)) & np.uint64(511)
        great[np.int64(bit >> np.uint64(6))] ^= np.uint64(1) << (bit & np.uint64(63))
    for token in text:
        slot[token] = -1


@compiled
def bucket_of(size):
    """The class of a text's length."""
    bucket = 0
    while size > LAST_OF_BUCKET[bucket]:
        bucket += 1
    return bucket


@compiled
def pack(position, size, place):
    """A posting: position of the text, its length, and the token's place in its prefix order, the last two cut off at 2**16."""
    return (
        (np.uint64(position) << np.uint64(32))
        | (np.uint64(min(size, 0xFFFF)) << np.uint64(16))
        | np.uint64(min(place, 0xFFFF))
    )


@compiled
def least_overlap(size, threshold):
    """The least overlap with which any partner of a text of `size` tokens can pass the threshold."""
    shortest = np.ceil(threshold * size / (2.0 - threshold) - SLACK)
    return max(1, int(np.ceil(threshold * (size + shortest) / 2.0 - SLACK)))


@compiled
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


@compiled
def prepare(text, slot, direct):
    """Bit masks of a text's tokens for `lcs`.

    Up to 64 tokens, `direct` has the mask of each; of longer texts the masks have a row by slot, and `slot` says which.
    """
    words = (text.shape[0] + 63) // 64
    distinct = 0
    if words <= 1:
        for place in range(text.shape[0]):
            direct[text[place]] |= np.uint64(1) << np.uint64(place)
        return np.zeros((0, 1), np.uint64)
    for token in text:
        if slot[token] < 0:
            slot[token] = distinct
            distinct += 1
    masks = np.zeros((distinct, words), np.uint64)
    for place in range(text.shape[0]):
        masks[slot[text[place]], place >> 6] |= np.uint64(1) << np.uint64(place & 63)
    return masks


@compiled
def forget(text, slot, direct):
    """Undo what `prepare` wrote."""
    for token in text:
        slot[token] = -1
        direct[token] = np.uint64(0)


@compiled
def lcs(masks, slot, direct, size, other):
    """Length of the longest common subsequence of a prepared text and another (Hyyro 2004, bit-parallel)."""
    words = masks.shape[1]
    full = np.uint64(0xFFFFFFFFFFFFFFFF)
    if words == 1:
        state = full
        for token in other:
            common = state & direct[token]
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


@compiled
def f_measure(common, target, prediction):
    """As rouge.f_measure, operation by operation."""
    if common == 0:
        return 0.0
    precision = common / prediction
    recall = common / target
    return 2 * precision * recall / (precision + recall)


@compiled
def best_above(text, small, prefix, threshold, pool, posted, masks, slot, direct, stamp, turn):
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
                common = lcs(masks, slot, direct, size, tokens[starts[position] : starts[position] + other])
                score = f_measure(common, other, size)
                if score > threshold and (score > best or (score == best and position < found)):
                    best, found, wanted = score, position, score
    return best, found


@compiled
def room(prefix, bucket, lists):
    """Postings that have to be laid out anew to add a text."""
    wanted = 0
    for key in prefix:
        listed = (key & np.int64(0xFFFFFFFF)) * BUCKETS + bucket
        if lists[listed, COUNT] == lists[listed, CAPACITY]:
            wanted += max(EMPTY_POSTINGS, 2 * np.int64(lists[listed, CAPACITY]))
    return wanted


@compiled
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


@compiled
def run(
    flat,
    ends,
    first,
    last,
    threshold,
    keep,
    pool,
    large,
    great,
    posted,
    rank,
    slot,
    direct,
    stamp,
    state,
    scores,
    nearest,
):
    """Decide the texts `first` to `last` one by one, each against all that entered before it.

    A text enters the pool if nothing is above the threshold (its `keep` is 1), in any case (2) or not at all (0). Fills
    `scores` and `nearest` (position, -1 for none above the threshold; `keep` 0 and 1) and `state` (texts, tokens and postings
    in use, turn). Returns (DONE or GROW, the first text that is not decided).
    """
    sizes, starts, tokens = pool
    lists, places, signatures = posted
    small, whole, full = np.empty(1, np.uint64), np.empty(4, np.uint64), np.empty(8, np.uint64)
    for number in range(first, last):
        text = flat[(ends[number - 1] if number else 0) : ends[number]]
        size = text.shape[0]
        held, laid, used = state[0], state[1], state[2]
        if held == sizes.shape[0] or laid + size > tokens.shape[0]:
            return GROW, number
        sign(text, slot, small, whole, full)
        prefix = prefix_of(text, rank, threshold)
        if keep[number] and used + room(prefix, bucket_of(size), lists) > places.shape[0]:
            return GROW, number
        scores[number], nearest[number] = 0.0, -1
        if keep[number] != 2 and size:
            state[3] += 1
            masks = prepare(text, slot, direct)
            found = best_above(text, small[0], prefix, threshold, pool, posted, masks, slot, direct, stamp, state[3])
            scores[number], nearest[number] = found
            forget(text, slot, direct)
        if keep[number] == 2 or (keep[number] == 1 and nearest[number] < 0):
            tokens[laid : laid + size] = text
            starts[held], sizes[held] = laid, size
            large[:, held] = whole
            great[held] = full
            state[2] = post(held, size, small[0], prefix, lists, places, signatures, used)
            state[0], state[1] = held + 1, laid + size
    return DONE, last


@compiled
def frequencies(tokens, laid, rank):
    """Count every token of the pool into `rank`: the order of the prefixes."""
    rank[:] = 0
    for place in range(laid):
        rank[tokens[place]] += 1


@compiled
def count_postings(pool, held, threshold, rank, lists):
    """How many postings each token has under the order of `rank`."""
    sizes, starts, tokens = pool
    lists[:] = 0
    for position in range(held):
        bucket = bucket_of(sizes[position])
        for key in prefix_of(tokens[starts[position] : starts[position] + sizes[position]], rank, threshold):
            lists[(key & np.int64(0xFFFFFFFF)) * BUCKETS + bucket, COUNT] += 1


@compiled
def repost(pool, held, threshold, rank, slot, posted):
    """Fill laid out, empty postings from the pool."""
    sizes, starts, tokens = pool
    lists, places, signatures = posted
    small, whole, full = np.empty(1, np.uint64), np.empty(4, np.uint64), np.empty(8, np.uint64)
    lists[:, COUNT] = 0
    for position in range(held):
        text = tokens[starts[position] : starts[position] + sizes[position]]
        sign(text, slot, small, whole, full)
        bucket = bucket_of(sizes[position])
        for key in prefix_of(text, rank, threshold):
            listed = (key & np.int64(0xFFFFFFFF)) * BUCKETS + bucket
            places[np.int64(lists[listed, HEAD]) + lists[listed, COUNT]] = pack(
                position, sizes[position], key >> np.int64(32)
            )
            signatures[np.int64(lists[listed, HEAD]) + lists[listed, COUNT]] = small[0]
            lists[listed, COUNT] += 1


@compiled
def ranked(score, position, scores, found, filled):
    """Put a text in its place among the best; how many there are. Scores fall, and positions rise where scores are equal."""
    place = filled
    while place > 0 and (scores[place - 1] < score or (scores[place - 1] == score and found[place - 1] > position)):
        place -= 1
    wanted = scores.shape[0]
    if place == wanted:
        return filled
    for later in range(min(filled, wanted - 1), place, -1):
        scores[later], found[later] = scores[later - 1], found[later - 1]
    scores[place], found[place] = score, position
    return min(filled + 1, wanted)


@compiled
def slope_of(scores, filled):
    """256ths of two texts' tokens that may be no common ones, at most, if they are to be as near as the last of the best."""
    return np.int64(256) if filled < scores.shape[0] else np.int64(np.ceil((1.0 - scores[filled - 1]) * 256.0 + 1e-6))


@compiled
def margins(whole, large, sizes, size, slope, over):
    """By how many 256ths of a token each text's signature is too far off; no branch, so that many are compared at once."""
    one, two, three, four = large[0], large[1], large[2], large[3]
    first, second, third, fourth = whole[0], whole[1], whole[2], whole[3]
    for at in range(sizes.shape[0]):
        apart = popcount(first ^ one[at]) + popcount(second ^ two[at])
        apart += popcount(third ^ three[at]) + popcount(fourth ^ four[at])
        over[at] = apart * 256 - slope * (size + np.int64(sizes[at]))


@compiled
def top(text, threshold, pool, large, great, posted, rank, slot, direct, stamp, state, scores, found):
    """The most similar texts with a score above 0, best first, the earliest of equals; how many there are.

    Fills `scores` and `found`, whose size says how many are wanted. What shares rare tokens is decided first; then every
    text whose signatures leave room for a score like that of the last of the best.
    """
    sizes, starts, tokens = pool
    lists, places, _ = posted
    size, held, filled = text.shape[0], state[0], 0
    small, whole, full = np.empty(1, np.uint64), np.empty(4, np.uint64), np.empty(8, np.uint64)
    sign(text, slot, small, whole, full)
    masks = prepare(text, slot, direct)
    state[3] += 1
    left = PROMISING * scores.shape[0]
    for key in prefix_of(text, rank, threshold):
        for listed in range((key & np.int64(0xFFFFFFFF)) * BUCKETS, (key & np.int64(0xFFFFFFFF)) * BUCKETS + BUCKETS):
            head = np.int64(lists[listed, HEAD])
            for at in range(head, head + min(left, np.int64(lists[listed, COUNT]))):
                position = np.int64(places[at] >> np.uint64(32))
                if stamp[position] != state[3]:
                    stamp[position] = state[3]
                    other = sizes[position]
                    common = lcs(masks, slot, direct, size, tokens[starts[position] : starts[position] + other])
                    if common:
                        filled = ranked(f_measure(common, other, size), position, scores, found, filled)
                    left -= 1
    slope = slope_of(scores, filled)
    over, passing = np.empty(TOGETHER, np.int64), np.empty(TOGETHER, np.int64)
    for start in range(0, held, TOGETHER):
        count = min(TOGETHER, held - start)
        margins(whole, large[:, start : start + count], sizes[start : start + count], size, slope, over)
        near = 0
        for at in range(count):  # no branch either: which of them pass cannot be foretold
            passing[near] = start + at
            near += over[at] <= 0
        # The greater signature is read only of those, all before any is decided: the reads wait for memory together.
        for place in range(near):
            position = passing[place]
            apart = 0
            for word in range(8):
                apart += popcount(full[word] ^ great[position, word])
            over[place] = apart * 256
        for place in range(near):
            position = passing[place]
            other = np.int64(sizes[position])
            if over[place] > slope * (size + other) or stamp[position] == state[3]:
                continue
            common = lcs(masks, slot, direct, size, tokens[starts[position] : starts[position] + other])
            if common:
                filled = ranked(f_measure(common, other, size), position, scores, found, filled)
                slope = slope_of(scores, filled)
    forget(text, slot, direct)
    return filled
