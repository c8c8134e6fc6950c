"""Constraints on form: each kind against its cases, and what is drawn can be kept, is asked for and says its arguments."""

import re
from collections import Counter
from random import Random

import pytest
from cases_constraints import BY_KIND, CASES
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen.checks import registry as checks
from synthgen.checks.constraints import KINDS, PREFIX, attach, compatible, describe, draw_set, keywords
from synthgen.errors import ConfigError
from synthgen.records import Check

INSTRUCTION = "Tell me how a harbour works and why boats float."
INSTRUCTIONS = (INSTRUCTION, "Is a whale a fish?", "Write about the first morning of spring in a mountain village.")
FILLER = {
    "ar": "هذا نص عربي عادي عن الطقس والبحر في المدينة اليوم",
    "de": "wir gehen heute mit den Kindern an den großen See",
    "es": "hoy vamos todos juntos al lago con nuestros amigos",
    "fr": "nous allons tous ensemble au bord du lac avec les enfants",
    "hi": "आज हम सब बच्चों के साथ झील पर जा रहे हैं",
    "it": "oggi andiamo tutti insieme al lago con i nostri amici",
    "ja": "今日はみんなで湖に行きますのでとても楽しみです",
    "ko": "오늘 우리는 모두 함께 호수에 가서 산책을 합니다",
    "nl": "vandaag gaan we allemaal samen met de kinderen naar het meer",
    "pl": "dzisiaj wszyscy razem idziemy z dziećmi nad wielkie jezioro",
    "pt": "hoje vamos todos juntos ao lago com os nossos amigos",
    "ru": "сегодня мы все вместе идём на озеро с нашими друзьями",
    "tr": "bugün hepimiz çocuklarla birlikte büyük göle gidiyoruz",
    "zh": "今天天气很好我们一起去湖边散步吧大家都很高兴",
}


@pytest.mark.parametrize(("answer", "name", "args", "expected"), CASES)
def test_a_constraint_is_judged_as_a_reader_would(answer, name, args, expected):
    assert checks.CHECKS[name](answer, args, "").passed is expected


def test_every_kind_has_twenty_cases_and_enough_of_both_sorts():
    assert set(BY_KIND) == set(KINDS)
    assert len(KINDS) == 25
    for kind in KINDS:
        counts = Counter(expected for _, name, _, expected in CASES if name == PREFIX + kind)
        assert counts.total() >= 20, (kind, counts)
        assert min(counts.values()) >= 9, (kind, counts)


@pytest.mark.parametrize("name", KINDS)
def test_the_example_of_a_kind_is_kept_and_an_empty_answer_keeps_nothing(name):
    kind = KINDS[name]
    assert kind.check(kind.keeps, kind.example).passed is True
    assert kind.check(" \n", kind.example).passed is False


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("args", [{"no such": 1}, {"least": 0}, {"count": "many"}])
def test_wrong_arguments_are_told_in_one_line(name, args):
    with pytest.raises(ConfigError, match=f"check constraint:{name}: .*its arguments are") as told:
        checks.CHECKS[PREFIX + name]("text", args, "")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("words", {}),
        ("words", {"least": 5, "most": 4}),
        ("include", {"words": []}),
        ("include", {"words": ["..."]}),
        ("letter", {"letter": "ab", "least": 1}),
        ("letter", {"letter": "1", "least": 1}),
        ("paragraph_start", {"paragraphs": 2, "number": 3, "word": "so"}),
        ("postscript", {"mark": "N.B."}),
        ("options", {"options": ["yes"]}),
        ("language", {"language": "german"}),
        ("repeat", {"text": "?"}),
    ],
)
def test_arguments_that_no_answer_can_be_measured_by_are_refused(name, args):
    with pytest.raises(ConfigError):
        checks.CHECKS[PREFIX + name]("text", args, "")


@pytest.mark.parametrize("name", ["capitals", "lowercase"])
def test_a_script_without_cases_decides_nothing(name):
    assert checks.CHECKS[PREFIX + name]("今天天气很好", {}, "").passed is None


def test_too_few_words_are_of_no_language():
    assert checks.CHECKS[PREFIX + "language"]("Paris", {"language": "de"}, "").passed is None


@pytest.mark.parametrize("name", KINDS)
@given(answer=st.text(alphabet=st.characters(), max_size=200))
@settings(max_examples=40)
def test_whatever_a_model_writes_something_is_found(name, answer):
    kind = KINDS[name]
    assert kind.check(answer, kind.example).passed in {True, False, None}


HOSTILE = ("[" * 300_000, "*a " * 100_000, "." * 300_000 + "x", "<<" * 150_000, "```\n" * 75_000, "P.S.\n" * 60_000, " " * 300_000 + "x",
    "Section 1\n" * 30_000, "\"'" * 150_000, "**" * 150_000, "\n" * 300_000 + "x", "- * " * 75_000, "a." * 150_000, "_*#> " * 60_000)  # fmt: skip


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", KINDS)
def test_long_and_hostile_answers_come_to_an_end(name):
    kind = KINDS[name]
    for answer in HOSTILE:
        kind.check(answer, kind.example)


@given(seed=st.integers(0, 2**32), count=st.integers(1, 6), instruction=st.sampled_from(INSTRUCTIONS))
@settings(max_examples=300, deadline=None)
def test_what_is_drawn_can_be_kept_by_one_answer(seed, count, instruction):
    drawn = draw_set(Random(seed), instruction, count)
    answer = keeping(drawn)
    broken = [(check, found) for check in drawn if not (found := checks.run(check, answer)).passed]
    assert not broken, answer


@given(seed=st.integers(0, 2**32), instruction=st.sampled_from(INSTRUCTIONS))
@settings(deadline=None)
def test_every_phrasing_says_the_arguments(seed, instruction):
    rng = Random(seed)
    for kind in KINDS.values():
        args = kind.drawn(rng, instruction)
        for said in kind.phrasings(args) if args else ():
            for value in told(kind.name, args.model_dump(exclude_none=True)):
                assert str(value) in said, (kind.name, said)


def told(name, args):
    """What a phrasing must name."""
    if name == "repeat":
        return args["text"].split()[:4]
    if name == "language":
        return ()
    values = [one for value in args.values() for one in (value if isinstance(value, tuple) else (value,))]
    return [one for one in values if one != ""]


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_has_several_phrasings(name):
    said = KINDS[name].phrasings(KINDS[name].example)
    assert len(set(said)) >= 3


@given(seed=st.integers(0, 2**32), count=st.integers(0, 5))
def test_what_is_attached_depends_on_the_seed_alone(seed, count):
    first, again = (attach(INSTRUCTION, Random(seed), count) for _ in range(2))
    assert first == again


def test_an_instruction_with_constraints_asks_for_each_and_carries_its_checks():
    for seed in range(50):
        text, attached = attach(INSTRUCTION, Random(seed), 3)
        assert text.startswith(INSTRUCTION)
        assert len(attached) == 3
        for check in attached:
            assert check.kind == "format"
            assert check.source == "program:constraints"
            assert any(said in text for said in KINDS[check.name.removeprefix(PREFIX)].phrasings(arguments_of(check)))
            assert Check.model_validate_json(check.model_dump_json()) == check


def arguments_of(check):
    return KINDS[check.name.removeprefix(PREFIX)].args.model_validate(check.args)


def test_every_kind_is_drawn_for_some_instruction():
    drawn = Counter(
        check.name for seed in range(300) for one in INSTRUCTIONS for check in draw_set(Random(seed), one, 3)
    )
    assert {PREFIX + name for name in KINDS} == set(drawn)


@pytest.mark.parametrize(
    ("instruction", "never"),
    [
        ("Translate the sentence into French.", {"language"}),
        ("Summarise the text in one sentence.", {"words", "sentences", "paragraphs", "bullets", "title", "json"}),
        ("Write a Python function that reverses a list.", set(KINDS) - {"options"}),
        ("Answer with the label only.", set(KINDS) - {"options"}),
        ("Why is the sky blue?", {"options"}),
        ("このテキストについて話してください。", {"capitals", "lowercase", "capital_words", "words"}),
        ("Capitalise every name in the text.", {"capitals", "lowercase", "capital_words"}),
        ("Punctuate this: it rained we left", {"no_commas"}),
    ],
)
def test_what_contradicts_an_instruction_is_not_drawn(instruction, never):
    drawn = {check.name.removeprefix(PREFIX) for seed in range(200) for check in draw_set(Random(seed), instruction, 3)}
    assert not drawn & never


def test_words_that_are_asked_for_are_neither_discouraged_nor_full_of_rare_letters():
    for instruction in INSTRUCTIONS:
        wanted = keywords.candidates(instruction + " really quite a puzzle, an example")
        assert wanted
        assert not {word for word in wanted if word in keywords.DISCOURAGED or set(word) & set(keywords.RARE)}


def test_an_instruction_that_nothing_suits_stays_as_it_is():
    assert attach("Reply with the JSON only.", Random(0), 3) == ("Reply with the JSON only.", ())


def test_kinds_that_contradict_each_other_are_known_and_named_rightly():
    for pair in (("capitals", "lowercase"), ("json", "bullets"), ("options", "words"), ("quoted", "ending")):
        assert not compatible(*pair)
    assert compatible("include", "bullets")
    assert all(kind.against <= set(KINDS) - {kind.name} for kind in KINDS.values())


def test_a_constraint_is_described_by_its_first_phrasing_where_no_chance_is_given():
    check = Check(name="constraint:words", kind="format", args={"least": 2, "most": 2})
    assert describe(check) == "Write exactly 2 words."


# An answer that keeps a set of constraints, put together from its parts.


def keeping(drawn):
    """An answer that keeps every constraint of a compatible set."""
    args = {check.name.removeprefix(PREFIX): arguments_of(check) for check in drawn}
    if "options" in args:
        return args["options"].options[0]
    text = laid_out(args, body(args))
    if "json" in args:
        text = '{"text": "' + text.replace("\n", " ").replace('"', "") + '"}'
    text = text.upper() if "capitals" in args else text.lower() if "lowercase" in args else text
    return f'"{text}"' if "quoted" in args else text


def body(args):
    """Sentences without commas, each of a few words."""
    language = args["language"].language if "language" in args else ""
    filler = FILLER.get(language, "so we go on")
    parts = [filler, *(args["include"].words if "include" in args else ())]
    if "frequency" in args:
        times = args["frequency"].least or 0
        parts += [args["frequency"].word] * (times - parts.count(args["frequency"].word))
    if "letter" in args:
        parts += [args["letter"].letter * args["letter"].least] if args["letter"].least else []
    parts += [f"[{name} place]" for name in "abcd"[: args["placeholders"].least if "placeholders" in args else 0]]
    parts += [f"*{part}*" for part in [filler.split()[0]] * (args["highlights"].least if "highlights" in args else 0)]
    parts += ["OK"] * ((args["capital_words"].least or 0) if "capital_words" in args else 0)
    while "words" in args and args["words"].least and sum(len(part.split()) for part in parts) < args["words"].least:
        parts.append(filler)
    least = args["sentences"].least or 1 if "sentences" in args else 1
    return [" ".join(parts) + ".", *[filler + "." for _ in range(least - 1)]]


def laid_out(args, sentences):
    """Sentences in the layout that is asked for."""
    text = " ".join(sentences)
    filler = sentences[-1] if "language" in args else "so."
    if "title" in args:
        text = f"<<{filler}>>\n{text}"
    if "sections" in args:
        heading = args["sections"].heading
        text += "".join(f"\n\n{heading} {number}\n{filler}" for number in range(1, args["sections"].count + 1))
    if "bullets" in args:
        text += "\n" + "\n".join([f"- {filler}"] * args["bullets"].count)
    if "paragraphs" in args:
        wall = f"\n{args['paragraphs'].divider}\n" if args["paragraphs"].divider else "\n\n"
        text = wall.join([text] + [filler] * (args["paragraphs"].count - 1))
    if "paragraph_start" in args:
        start = args["paragraph_start"]
        text = "\n\n".join(f"{start.word} {text if one == 0 else 'so.'}" for one in range(start.paragraphs))
    if "two_answers" in args:
        text = f"{text}\n{args['two_answers'].divider}\n{' '.join([filler] * 3)}"
    if "repeat" in args:
        text = f"{args['repeat'].text} {text}"
    if "postscript" in args:
        text += f"\n\n{args['postscript'].mark} {filler}"
    if "ending" in args:
        text += f" {args['ending'].phrase}"
    return re.sub(r" +", " ", text)
