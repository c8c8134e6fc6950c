"""Writing families: a text that must mention certain words; a wrong answer leaves one of them out."""

import re
from random import Random

from synthgen.rehearsal.families.base import Family, Solution
from synthgen.rehearsal.vocabulary import FOODS, NAMES, OCCASIONS, PLACES, THINGS, TOWNS, TRADES

POOLS = (THINGS, FOODS, PLACES, TRADES, TOWNS, OCCASIONS)
MENTION = re.compile(r"must mention (?:a |the )?([^;.]+); (?:a |the )?([^;.]+); and (?:a |the )?([^;.]+?)\.")


def solve(found: re.Match[str], _given: str) -> Solution:
    """The three things that the text must mention."""
    words = MENTION.search(found.string, found.start())
    required = tuple(word.strip() for word in words.groups()) if words else ("it",)
    return Solution("", (), required)


def writing(
    name: str, category: str, leads: tuple[str, ...], abouts: tuple[str, ...], difficulty: float = 0.3
) -> Family:
    """A family of one kind of text, in several wordings."""

    def core(rng: Random) -> str:
        first, second, third = rng.sample(POOLS, 3)
        about = rng.choice(abouts).format(
            name=rng.choice(NAMES), thing=rng.choice(THINGS), place=rng.choice(PLACES), trade=rng.choice(TRADES),
            occasion=rng.choice(OCCASIONS), town=rng.choice(TOWNS),
        )  # fmt: skip
        return f"{rng.choice(leads)} {about}; it must mention {rng.choice(first)}; {rng.choice(second)}; and {rng.choice(third)}."

    pattern = re.compile(f"(?:{'|'.join(map(re.escape, leads))}) [^;]*; it must mention ")
    return Family(name, category, "writing", core, pattern, solve, difficulty)


FAMILIES = (
    writing("email", "correspondence", ("Draft an email", "Compose a short email", "Put together an e-letter"), ("to a {trade} about the {occasion}", "asking the {place} for help", "thanking {name} for a {thing}")),
    writing("story", "creative-writing", ("Tell a very short story", "Invent a tale", "Spin a bedtime story"), ("set in a {place} at dusk", "about a lost {thing}", "in which a {trade} misses the {occasion}")),
    writing("notice", "work-business", ("Word a notice", "Prepare a sign", "Formulate an announcement"), ("for the door of the {place}", "that the {occasion} is put off", "on behalf of every {trade} in {town}")),
    writing("speech", "writing", ("Prepare opening words", "Write a toast", "Sketch a brief speech"), ("for the {occasion}", "in honour of {name}", "at the {place} in {town}")),
    writing("poem", "creative-writing", ("Make up a poem of four lines", "Rhyme a small verse", "Compose a quatrain"), ("on the {thing}", "for {name} before the {occasion}", "about the {place} in rain")),
    writing("dialogue", "dialogue", ("Play out a conversation", "Script a chat", "Write a dialogue of six lines"), ("between {name} and a {trade}", "at the counter of the {place}", "over a borrowed {thing}")),
    writing("ideas", "brainstorming", ("List five ideas", "Suggest several ways", "Come up with options"), ("for the {occasion}", "to use an old {thing}", "to draw visitors to the {place}")),
    writing("steps", "planning", ("Lay out a plan in steps", "Set up a schedule", "Arrange a day"), ("for the {occasion}", "for a {trade} who opens a {place}", "around the repair of a {thing}"), 0.6),
    writing("advice", "everyday-life", ("Give advice to a beginner", "Help a newcomer", "Offer three tips"), ("who keeps a {thing}", "before the {occasion} in {town}", "starting work at the {place}")),
    writing("blurb", "writing", ("Describe in one paragraph", "Advertise", "Sing the praises of"), ("the {place} in {town}", "a {thing} made by a {trade}", "the {occasion} as {name} saw it")),
    writing("explain-use", "explanation", ("Explain to a child how one uses", "Make clear what happens with", "Say in plain words how to look after"), ("a {thing}", "the {thing} of a {trade}", "an old {thing} from {town}"), 0.5),
    writing("compare", "judgement", ("Weigh up two offers", "Recommend one of two choices", "Argue for or against"), ("for the {occasion}", "that {name} got from a {trade}", "a second {place} in {town}"), 0.6),
    writing("minutes", "summarization", ("Condense the meeting", "Sum up the talk", "Give the gist of an evening"), ("about the {occasion}", "that {name} led at the {place}", "on whether {town} needs a {thing}"), 0.5),
    writing("rewrite", "rewriting", ("Retell the reminder", "Put the request into friendlier words", "Turn the complaint into a polite note"), ("about the {thing}", "that the {trade} left at the {place}", "sent after the {occasion}"), 0.4),
)  # fmt: skip
