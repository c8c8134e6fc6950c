"""The novelty decision of parity mode is that of rouge_score, on thousands of instructions and where it is close."""

import json
import random

from conftest import SEEDS
from rouge_score.rouge_scorer import RougeScorer

from synthgen.text.novelty import Novelty
from synthgen.text.tokens import parity_tokens

THRESHOLD = 0.7
WANTED = 2_000
CLOSE = 0.05


def instructions() -> list[str]:
    """The seeds' instructions, each edited in many ways: words dropped, doubled, replaced, moved."""
    rng = random.Random(12)
    rows = (SEEDS / "seed_tasks.jsonl").read_text(encoding="utf-8").splitlines()
    sources = [json.loads(row)["instruction"] for row in rows]
    spare = sorted({word for source in sources for word in source.split()})
    made = []
    while len(made) < WANTED:
        words = rng.choice(sources).split()
        for _ in range(rng.randint(0, 1 + len(words) // 2)):
            place = rng.randrange(len(words))
            match rng.randrange(4):
                case 0 if len(words) > 4:
                    words.pop(place)
                case 1:
                    words.insert(place, rng.choice(spare))
                case 2:
                    words.insert(rng.randrange(len(words)), words.pop(place))
                case _:
                    words[place] = rng.choice(spare)
        made.append(" ".join(words))
    return made


def overlap_bound(left: list[str], right: list[str]) -> float:
    """ROUGE-L cannot be more than this: every common token in order."""
    common = sum(min(left.count(token), right.count(token)) for token in set(left) & set(right))
    return 2 * common / (len(left) + len(right)) if left or right else 0.0


def test_on_two_thousand_instructions_every_decision_is_that_of_rouge_score():
    rng, scorer = random.Random(13), RougeScorer(["rougeL"], use_stemmer=False)
    novelty = Novelty(parity_tokens, THRESHOLD)
    pool: list[tuple[str, str, list[str]]] = []
    close = rejected = 0
    for number, text in enumerate(instructions()):
        tokens = parity_tokens(text)
        scores = {
            identity: scorer.score(other, text)["rougeL"].fmeasure
            for identity, other, others in pool
            if overlap_bound(others, tokens) > THRESHOLD - 2 * CLOSE
        }
        best = max(scores.values(), default=0.0)
        nearest = novelty.nearest(text)
        decision = nearest is not None and nearest.score > THRESHOLD
        assert decision == (best > THRESHOLD), text
        if best > THRESHOLD - CLOSE:
            assert nearest.score == best
            assert scores[nearest.id] == best
        close += abs(best - THRESHOLD) <= CLOSE
        rejected += decision
        # A small share of the near ones stays in the pool, so that later ones come close to it again.
        if not decision or rng.random() < 0.02:
            novelty.add(str(number), text)
            pool.append((str(number), text, tokens))
    assert close >= 300, close
    assert 300 <= rejected <= WANTED - 300, rejected
