"""Verdicts: the true quality of each answer, with noise and with biases that are stated in `rates.py`."""

import hashlib
import math
import re

import orjson

from synthgen.rehearsal import rates
from synthgen.rehearsal.answers import correct, solved
from synthgen.rehearsal.wire import Call, tagged

ANSWER = re.compile(r'<answer id="([A-Z]\d*)">(.*?)</answer>', re.DOTALL)
ASPECTS = ("instruction_following", "truthfulness", "honesty", "helpfulness")


def judge(call: Call) -> str:
    """A verdict on every answer shown, as JSON; sometimes not quite."""
    rng = call.chance("judge")
    shown = ANSWER.findall(call.text)
    known = solved(tagged(call.text, "task"))
    mean_words = sum(len(text.split()) for _, text in shown) / max(1, len(shown)) or 1.0
    tied = rng.random() < rates.FORCED_TIE
    entries = []
    for position, (name, text) in enumerate(shown):
        quality = true_quality(text, correct(text, known[1]) if known else None)
        length = rates.LENGTH_BIAS * math.log2(max(1, len(text.split())) / mean_words)
        bias = length + (rates.POSITION_BIAS if position == 0 else 0.0)
        marks = {
            aspect: {
                "reason": "reaches the outcome" if quality > rates.UNKNOWN else "misses what was asked",
                "score": 3 if tied else min(5, max(1, round(quality + bias + rng.gauss(0, rates.MARK_NOISE)))),
            }
            for aspect in ASPECTS
        }
        entries.append({"answer": name, **marks})
    text = orjson.dumps({"verdicts": entries}).decode()
    broken = rng.random() < rates.UNREADABLE_VERDICT and not call.repairing
    return text[: len(text) // 2] if broken else text


def true_quality(text: str, right: bool | None) -> float:  # three-valued
    """Good, bad or, for a task that is not recognised, a fixed function of the text."""
    if right is None:
        return rates.UNKNOWN + hashlib.sha256(text.encode()).digest()[0] / 255 - 0.5
    return rates.GOOD if right else rates.BAD
