"""Texts in the wanted language pass, others do not; in doubt they pass."""

import itertools

import pytest

from synthgen.text.language import agrees, detect, script

ENGLISH = frozenset({"en"})
TEXTS = {
    "de": "Erkläre den Unterschied zwischen Wetter und Klima in einfachen Worten für Kinder.",
    "fr": "Explique la différence entre le temps et le climat à un enfant de dix ans.",
    "es": "Escribe un cuento breve sobre un perro que se pierde en la montaña.",
    "it": "Scrivi un breve racconto su un cane che si perde in montagna.",
    "pt": "Escreva um conto curto sobre um cachorro que se perde na montanha.",
    "nl": "Schrijf een kort verhaal over een hond die in de bergen verdwaalt.",
    "pl": "Napisz krótkie opowiadanie o psie, który zgubił się w górach.",
    "tr": "Dağlarda kaybolan bir köpek hakkında kısa bir hikaye yaz.",
    "ru": "Напиши короткий рассказ о собаке, которая потерялась в горах.",
    "uk": "Напиши коротке оповідання про собаку, який загубився в горах.",
    "zh": "写一个关于在山里走失的小狗的短篇故事。",
    "ja": "山で迷子になった犬についての短い物語を書いてください。",
    "ko": "산에서 길을 잃은 개에 대한 짧은 이야기를 써 주세요.",
    "ar": "اكتب قصة قصيرة عن كلب ضاع في الجبال.",
    "hi": "पहाड़ों में खो गए एक कुत्ते के बारे में एक छोटी कहानी लिखिए।",
    "th": "เขียนเรื่องสั้นเกี่ยวกับสุนัขที่หลงทางในภูเขา",
    "el": "Γράψε μια σύντομη ιστορία για έναν σκύλο που χάθηκε στα βουνά.",
    "he": "כתוב סיפור קצר על כלב שהלך לאיבוד בהרים.",
}
VERBS = ("Write", "Explain", "List", "Describe", "Summarize", "Translate", "Classify", "Rewrite", "Identify", "Compute")
OBJECTS = (
    "a short poem about autumn",
    "the sentence into passive voice",
    "a Python function that reverses a list",
    "the capital of France",
    "a JSON object with keys name and age",
    "C++ templates versus Java generics",
    "Schadenfreude and its origin",
    "the Tour de France winners since 2010",
    "sushi, ramen and udon",
    "the value of x in 2x + 3 = 9",
)
TAILS = ("", " in one sentence", " without using the letter e")
SHORT = [f"{verb} {thing}{tail}." for verb, thing, tail in itertools.product(VERBS, OBJECTS, TAILS)]


def test_of_300_short_english_tasks_none_is_taken_for_another_language():
    assert [text for text in SHORT if not agrees(text, ENGLISH)] == []


@pytest.mark.parametrize("code", TEXTS)
def test_a_text_agrees_with_its_own_language(code):
    assert agrees(TEXTS[code], frozenset({code}))
    assert agrees(TEXTS[code], frozenset({code, "en"}))
    assert detect(TEXTS[code]) == code


@pytest.mark.parametrize("code", sorted(set(TEXTS) - {"tr"}))
def test_a_sentence_in_another_language_does_not_agree(code):
    assert not agrees(f"{TEXTS[code]} {TEXTS[code]}", ENGLISH)
    assert not agrees("Explain the difference between weather and climate to a child.", frozenset({code}))


@pytest.mark.parametrize(
    "text",
    [
        "Translate to English: 我今天去学校学习数学和语文，然后回家吃饭睡觉。",
        "Translate this sentence into English: «Сегодня я иду в школу, чтобы учить математику»",
        "Translate to English: Ich gehe heute in die Schule, um Mathematik zu lernen, und dann nach Hause.",
        'What does "der frühe Vogel fängt den Wurm" mean?',
        'Translate: "der frühe Vogel fängt den Wurm und ist immer zuerst am Ziel"',
    ],
)
def test_a_task_that_quotes_another_language_agrees_with_its_own(text):
    assert agrees(text, ENGLISH)


@pytest.mark.parametrize("text", ["Python", "∫ x² dx = ?", "", "12 + 30", "Tokyo 2020", "😀😀"])
@pytest.mark.parametrize("code", ["en", "ja", "ru"])
def test_single_words_and_formulas_agree_with_everything(text, code):
    assert agrees(text, frozenset({code}))


def test_code_in_a_task_does_not_outvote_its_language():
    assert agrees("次のコードを説明してください：for i in range(10): print(i, i * 2, end='')", frozenset({"ja"}))


def test_an_undetermined_language_wants_nothing():
    assert agrees(TEXTS["ja"], frozenset({"und"}))


def test_a_language_that_the_model_does_not_know_is_judged_by_script_alone():
    assert agrees("Dear reader, please write a short story about two dogs.", frozenset({"xx"}))
    assert not agrees(f"{TEXTS['ja']}{TEXTS['ja']}", frozenset({"xx"}))


@pytest.mark.parametrize("text", ["", "12 + 30", "OK", "Berlin Paris"])
def test_too_little_text_is_undetermined(text):
    assert detect(text) == "und"


def test_kana_outweigh_the_han_characters_beside_them():
    assert script("東京都立大学へ行きます") == "HIRAGANA"
    assert script("北京大学") == "CJK"
    assert script("123") == ""
