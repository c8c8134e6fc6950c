"""Tokens: the reference's, checked against rouge_score, and those of every script."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rouge_score.tokenizers import DefaultTokenizer

from synthgen.text.tokens import normalised, parity_tokens, sentences, unicode_tokens, word_count, words


@given(st.text())
def test_parity_tokens_are_those_of_rouge_score(text):
    assert parity_tokens(text) == DefaultTokenizer(use_stemmer=False).tokenize(text)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Café, CAFÉ!", ["café", "café"]),
        ("Cafe\u0301", ["café"]),
        ("C is not C++ nor C#.", ["c", "is", "not", "c++", "nor", "c#"]),
        (".NET (.net)", [".net", ".net"]),
        ("one.Two ...three 3.14", ["one", "two", "three", "3", "14"]),
        ("don’t don't 'quoted' users'", ["don't", "don't", "quoted", "users"]),
        ("天気とbot", ["天", "気", "と", "bot"]),
        ("ไทย", ["ไ", "ท", "ย"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("भाषा हिन्दी।", ["भाषा", "हिन्दी"]),
        ("தமிழ் மொழி", ["தமிழ்", "மொழி"]),
        ("snake_case", ["snake", "case"]),
        ("re\u00adveal zero\u200bwidth", ["reveal", "zerowidth"]),
        ("ＦＵＬＬ ｗｉｄｔｈ", ["full", "width"]),
        ("50% of 3€ < 2", ["50", "%", "of", "3", "€", "<", "2"]),
    ],
)
def test_words_of_every_script_count(text, tokens):
    assert unicode_tokens(text) == tokens


@pytest.mark.parametrize(
    ("left", "right"), [("2+2", "2-2"), ("2 + 2", "2 - 2"), ("x = 5", "x = -5"), ("C", "C++"), ("a < b", "a > b")]
)
def test_formulas_that_differ_in_a_sign_differ(left, right):
    assert normalised(left) != normalised(right)


@pytest.mark.parametrize(("left", "right"), [("COVID-19!", "covid 19"), ("“Why?”", "why"), ("a\n b", "A b")])
def test_case_space_and_punctuation_make_no_difference(left, right):
    assert normalised(left) == normalised(right)


@given(st.text())
def test_normalising_twice_changes_nothing_but_composition(text):
    assert set(words(text)) <= set(unicode_tokens(text))
    assert word_count(text) == len(words(text))
    assert not any(character.isspace() for token in unicode_tokens(text) for character in token)


@given(st.text("aB1' .,+#_-\n\x7f", max_size=30))
@example("rock'n'roll o'b'c 'tis a''b c' ' C++ .NET snake_case")
def test_the_words_of_ascii_text_are_counted_as_they_are_found(text):
    assert word_count(text) == len(words(text))


def test_symbols_are_tokens_but_no_words():
    assert unicode_tokens("2 + 2") == ["2", "+", "2"]
    assert words("2 + 2") == ["2", "2"]


def test_sentences_end_at_marks_and_line_ends():
    text = "First one. Second? Yes!\nA line\n\n天気です。晴れ。"
    assert sentences(text) == ["First one.", "Second?", "Yes!", "A line", "天気です。", "晴れ。"]
