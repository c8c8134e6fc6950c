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
MISSORTED = 0.08
"""Share of tasks that an inspection puts into the category beside their own, of those it recognises or guesses by a word."""
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

SKILL = {"rehearsal-strong": 2.0, "rehearsal-weak": 0.0, "rehearsal-narrow": 2.0}
HELPS: dict[str, dict[str, float]] = {
    "mathematics": {"step-by-step": 1.5, "recall-reason-generate": 0.3, "direct-answer": -0.2},
    "data-analysis": {"extract-generate": 1.7, "step-by-step": 0.4},
    "science": {"recall-reason-generate": 1.6, "recall-then-generate": 0.3, "step-by-step": 0.2},
    "knowledge": {"direct-answer": 1.4, "recall-then-generate": 0.6},
    "history-society": {"recall-then-generate": 1.5, "recall-reason-generate": 0.2},
    "explanation": {"explain-then-answer": 1.6, "recall-reason-generate": 0.2},
    "reasoning": {"step-by-step": 1.5, "explain-then-answer": 0.2, "direct-answer": -0.2},
    "puzzles": {"step-by-step": 1.5, "explain-then-answer": 1.1},
    "planning": {"step-by-step": 1.6, "direct-answer": 0.1},
    "multiple-choice": {"recall-reason-generate": 1.6, "explain-then-answer": 0.3},
    "judgement": {"explain-then-answer": 1.5, "step-by-step": 0.2},
    "classification": {"explain-then-answer": 0.9, "direct-answer": 0.5, "step-by-step": -0.2},
    "extraction": {"extract-generate": 1.5, "recall-then-generate": -0.2},
    "reading": {"step-by-step": 1.5, "extract-generate": 0.2},
    "formatting": {"extract-generate": 1.6, "direct-answer": 0.2},
    "summarization": {"extract-generate": 1.5, "direct-answer": 0.2},
    "editing": {"direct-answer": 1.5, "explain-then-answer": 0.2},
    "rewriting": {"explain-then-answer": 1.5, "direct-answer": 0.2},
    "translation": {"recall-then-generate": 1.5, "direct-answer": 0.1},
    "code-writing": {"step-by-step": 1.7, "recall-reason-generate": 0.4},
    "code-editing": {"step-by-step": 1.4, "direct-answer": 0.1},
    "code-explanation": {"step-by-step": 1.9, "explain-then-answer": 0.4},
    "everyday-life": {"step-by-step": 1.5, "direct-answer": 0.1},
    "correspondence": {"direct-answer": 1.2, "explain-then-answer": 0.8},
    "work-business": {"direct-answer": 0.4, "step-by-step": 0.4, "explain-then-answer": 0.4},
    "writing": {"direct-answer": 0.4},
    "creative-writing": {"direct-answer": 0.4},
    "brainstorming": {"direct-answer": 0.4},
    "dialogue": {"direct-answer": 0.4, "explain-then-answer": 0.4, "step-by-step": 0.4},
}
"""What a strategy adds to the skill in a category, 0 where it is not named. Many categories have a best strategy, which is the
shipped table's in about half of them; in some two are close, in some none is better."""
HELPS_OF: dict[str, dict[str, dict[str, float]]] = {
    "rehearsal-weak": {
        "mathematics": {"recall-reason-generate": 1.5, "step-by-step": 0.6},
        "reasoning": {"explain-then-answer": 1.5, "step-by-step": 0.4},
        "code-writing": {"direct-answer": 1.5, "step-by-step": 0.4},
        "code-editing": {"direct-answer": 1.4, "step-by-step": 0.2},
        "reading": {"extract-generate": 1.5, "step-by-step": 0.2},
        "knowledge": {"recall-then-generate": 1.5, "direct-answer": 0.3},
        "formatting": {"direct-answer": 1.5, "extract-generate": 0.2},
    }
}
"""The same for a model that is helped by other strategies in a category."""
THINKING: dict[str, float] = {
    "mathematics": 0.8, "reasoning": 1.0, "puzzles": 1.2, "planning": 0.8, "data-analysis": 0.8, "code-writing": 0.8,
    "code-editing": 0.6, "code-explanation": 0.8, "science": 0.5, "multiple-choice": 0.5,
}  # fmt: skip
"""What thinking before the answer adds to the skill in a category, whatever the strategy; 0 where it is not named."""
THOUGHTS = 12
"""Sentences that are thought before an answer, give or take a third."""
ITEM_SPREAD = 1.2
"""Standard deviation of an item's difficulty around its family's."""
WORKING = {
    "direct-answer": 0,
    "step-by-step": 4,
    "recall-then-generate": 2,
    "recall-reason-generate": 4,
    "extract-generate": 2,
    "explain-then-answer": 3,
}
"""Sentences of working that a strategy writes, before a spread of one."""
