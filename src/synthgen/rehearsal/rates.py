"""Every planted rate and bias of the rehearsal, in one place: the reports of a run must find them again."""

NEAR_COPY = 0.10
"""Share of proposed items that change one or two words of a demonstration."""
SAME_FAMILY = 0.45
"""Share of proposed items that, led by a human demonstration, take a family with a word in common; the rest are fresh."""
IMITATION = 0.8
"""Share of items that, led by a demonstration of the rehearsal's own, take the commonest family shown: a pool that is
fed by nothing else narrows."""
ON_TARGET = 0.7
"""Share of fresh items that keep to the category asked for."""
ATTACHMENT = 0.02
TOO_SHORT = 0.02
REPLY_CUT = 0.03
REPLY_REFUSED = 0.01
BROKEN_JSON = 0.01
INVALID = 0.02
MISSING_CONTEXT = 0.01
FRESH_OR_PRIVATE = 0.01
STATES_LABEL = 0.02
ANSWER_CUT = 0.005
ANSWER_EMPTY = 0.002
STRATEGY_LEAK = 0.01
UNREADABLE_VERDICT = 0.02
FORCED_TIE = 0.05
POSITION_BIAS = 0.15
"""Marks added to the answer shown first."""
LENGTH_BIAS = 0.2
"""Marks added for each doubling of an answer's words over the mean of those shown."""
MARK_NOISE = 0.35
"""Standard deviation of a mark."""
GOOD, BAD, UNKNOWN = 4.4, 2.2, 3.7
"""True quality of right, wrong and unrecognised answers."""
WRONG_WEIGHTS = (0.6, 0.25, 0.15)
"""How often each of the plausible wrong answers is given."""
SAMPLE_SPREAD = 0.6
"""Standard deviation of a sample's luck, on the scale of skill minus difficulty."""

SKILL = {"rehearsal-strong": 2.2, "rehearsal-weak": 0.2, "rehearsal-narrow": 2.2}
HELPS: dict[tuple[str, str], float] = {
    ("number", "step-by-step"): 1.2,
    ("number", "recall-reason-generate"): 0.6,
    ("logic", "step-by-step"): 1.0,
    ("logic", "explain-then-answer"): 0.5,
    ("text", "extract-generate"): 0.9,
    ("label", "direct-answer"): 0.4,
    ("label", "explain-then-answer"): 0.5,
    ("fact", "recall-then-generate"): 0.8,
    ("fact", "recall-reason-generate"): 0.7,
    ("code", "step-by-step"): 0.8,
    ("writing", "direct-answer"): 0.4,
}
"""What a strategy adds to the skill for a kind of task."""
WORKING = {
    "direct-answer": 0,
    "step-by-step": 4,
    "recall-then-generate": 2,
    "recall-reason-generate": 4,
    "extract-generate": 2,
    "explain-then-answer": 3,
}
"""Sentences of working that a strategy writes, before a spread of one."""
