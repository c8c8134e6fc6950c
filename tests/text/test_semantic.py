"""Duplicates in meaning, exactly as a loop over all pairs of vectors finds them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen.records import Nearest
from synthgen.text import semantic
from synthgen.text.duplicates import Duplicates, Repeat
from synthgen.text.semantic import Semantic, cosine, unit


def vectors(count: int, seed: int, size: int = 8) -> list[np.ndarray]:
    """Vectors of which many point nearly the same way."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(4, size))
    return [np.float32(centres[n % 4] + rng.normal(scale=rng.choice([0.05, 1.0]), size=size)) for n in range(count)]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(0, 40), st.sampled_from([0.3, 0.9, 0.99]), st.sampled_from([3, 8192]))
def test_a_batch_is_what_a_loop_over_all_pairs_finds(seed, held, threshold, block):
    made = vectors(held + 12, seed)
    pool, batch = made[:held], made[held:]
    found = Semantic(threshold)
    found.extend([(str(number), vector) for number, vector in enumerate(pool)])
    before, semantic.BLOCK = semantic.BLOCK, block
    try:
        alike = found.alike(batch)
    finally:
        semantic.BLOCK = before
    for number, (vector, one) in enumerate(zip(batch, alike, strict=True)):
        scores = [cosine(unit(vector), unit(other)) for other in pool]
        best = max(scores, default=0.0)
        assert one.pool == (Nearest(str(scores.index(best)), best) if best >= threshold else None)
        assert one.pool == found.nearest(vector)
        earlier = [(cosine(unit(vector), unit(other)), place) for place, other in enumerate(batch[:number])]
        assert list(one.batch) == sorted((e for e in earlier if e[0] >= threshold), key=lambda e: (-e[0], e[1]))


def test_a_text_without_a_vector_is_like_nothing():
    pool = Semantic(0.9)
    pool.extend([("a", None), ("b", np.float32([1, 0])), ("c", np.float32([0, 0]))])
    assert pool.nearest(None) is None
    assert pool.nearest(np.float32([0, 0])) is None
    assert pool.nearest(np.float32([2, 0])) == Nearest("b", 1.0)


def test_a_threshold_outside_its_range_is_refused():
    with pytest.raises(ValueError, match=r"a threshold lies in \(0, 1\]"):
        Semantic(0)


def test_meaning_is_asked_after_every_other_rule_in_batches_as_one_by_one():
    texts = ["one two three four", "five six seven eight", "one two three four", "nine ten eleven twelve"]
    points = [np.float32([1, 0]), np.float32([1, 0.01]), np.float32([1, 0]), np.float32([0, 1])]
    pools = [Duplicates(0.7, 0.9, semantic=Semantic(0.95)) for _ in range(2)]
    batch = [pools[0].text(str(n), text, point) for n, (text, point) in enumerate(zip(texts, points, strict=True))]
    together = pools[0].decide(batch)
    alone = []
    for one in batch:
        alone.append(pools[1].find(one))
        if alone[-1] is None:
            pools[1].admit(one)
    assert together == alone
    assert together == [
        None,
        Repeat("semantic_duplicate", Nearest("0", cosine(unit(points[1]), unit(points[0])))),
        Repeat("duplicate", Nearest("0", 1.0)),
        None,
    ]
