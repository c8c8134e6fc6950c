"""Tokens against Unicode itself, and what they make of near-duplicates in many languages."""

import re
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synthgen.text import tokens
from synthgen.text.novelty import Novelty
from synthgen.text.rouge import rouge_l
from synthgen.text.tokens import ALONE, IGNORABLE, MARK, SIGNIFICANT, normalised, unicode_tokens, words

EVERYTHING = [chr(code) for code in range(sys.maxunicode + 1)]
CATEGORY = dict(zip(EVERYTHING, map(unicodedata.category, EVERYTHING), strict=True))
IN_ALONE, IN_MARK = (set(re.findall(f"[{pattern}]", "".join(EVERYTHING))) for pattern in (ALONE, MARK))
UNSEEN = set(map(chr, IGNORABLE))
FILLERS = {"\u115f", "\u1160", "\u3164", "\uffa0"}
"""Of Hangul: letters for Unicode, but without a shape. They are the only ones that no token shows."""


MARKS = {one for one in EVERYTHING if CATEGORY[one].startswith("M") and one not in IN_ALONE and one not in UNSEEN}
"""What MARK is there for."""
PUNCTUATION = {one for one in EVERYTHING if CATEGORY[one].startswith("P") and not one.isascii()}
WITHIN_WORDS = {one for one in EVERYTHING if CATEGORY[one][0] in "LN" or CATEGORY[one] == "Cn"} - IN_ALONE
IRRELEVANT = {one for one in WITHIN_WORDS | UNSEEN | PUNCTUATION - SIGNIFICANT - IN_ALONE if not one.isascii()}
"""What MARK may span: part of a word anyway, not left when a text is folded, or not assigned."""


def ranges() -> str:
    """What MARK is made by, with the newest Unicode: the inside of a class that holds MARKS and spans what is IRRELEVANT."""
    found: list[list[str]] = []
    is_open = False
    for character in EVERYTHING:
        if character in MARKS and is_open:
            found[-1][1] = character
        elif character in MARKS:
            found.append([character, character])
        is_open = character in MARKS or (is_open and character in IRRELEVANT)
    return "".join(
        first if first == last else f"{first}{last}" if ord(last) == ord(first) + 1 else f"{first}-{last}"
        for first, last in found
    )


def test_mark_is_what_unicode_says():
    assert MARKS <= IN_MARK
    assert IN_MARK - MARKS <= IRRELEVANT
    made = set(re.findall(f"[{ranges()}]", "".join(EVERYTHING)))
    # Another version of Unicode moves the ends of ranges, but over nothing that makes a difference.
    assert made >= MARKS
    assert made ^ IN_MARK <= IRRELEVANT


def test_no_letter_or_number_of_any_script_is_without_a_token():
    letters = [one for one in EVERYTHING if CATEGORY[one][0] in "LN"]
    assert {one for one in letters if not unicode_tokens(one)} == FILLERS
    # Unicode takes some Arabic forms for a space and the marks on it: tokens, but no words.
    wordless = {one for one in letters if not words(one)} - FILLERS
    assert all(unicodedata.normalize("NFKC", one)[0] == " " for one in wordless)


def test_no_symbol_is_without_a_token():
    assert not {one for one in EVERYTHING if CATEGORY[one][0] == "S" and not unicode_tokens(one)}


def test_every_mark_stays_with_the_letter_before_it():
    letter, parted = "a", set()
    for character in EVERYTHING:
        if CATEGORY[character] in {"Lo", "Ll"} and character not in IN_ALONE and normalised(character) == character:
            letter = character
        if character in MARKS and len(unicode_tokens(f"{letter}{character}{letter}")) != 1:
            parted.add(character)
    assert not parted


def test_a_mark_of_a_script_without_spaces_is_a_token_of_its_own():
    for character in IN_ALONE - UNSEEN:
        if CATEGORY[character].startswith("M"):
            found = unicode_tokens(f"ก{character}ก")
            assert found[0] == found[-1] == "ก"
            assert "".join(found[1:-1]) == unicodedata.normalize("NFKC", character)
            assert len(found) == len("".join(found))


def test_punctuation_of_every_script_is_noise():
    shown = {
        one
        for one in PUNCTUATION
        if unicodedata.normalize("NFKC", one) == one and unicode_tokens(f"a {one} b") != ["a", "b"]
    }
    assert shown == SIGNIFICANT - {"‴", "‷", "⁗", "″", "‶"} | {"〜"}  # NFKC writes those with two or more ′


def test_case_hides_nothing_in_any_script():
    differing = {one for one in EVERYTHING if unicode_tokens(one.upper()) != unicode_tokens(one.lower())}
    assert differing == {"ı"}  # whose capital is I, the capital of i elsewhere


TROUBLE = st.text(
    alphabet="aiIßſÅ'’.-+#_^ 25²½①⁻ⁿıİςΣΐᾳ\u0345\u0301\u0307\u0323\u0338\u200d\u00ad\ufe0f\u115f\u1160ｶﾞか\u3099각ᄀ"
    "ᅡกั天क्षـ،।،་ཀ🙂𝐀ﬁ…—「ǅԱև\ud800\n\t\x1c",
    max_size=12,
)


@given(st.text() | TROUBLE)
@example("a'_ a'天 'a' क्.b x-½ 2\u207b1 i\u0307\u0307\u0301 e\u00ad\u0301")
def test_tokens_of_tokens_are_the_same_tokens(text):
    found = unicode_tokens(text)
    assert unicode_tokens(" ".join(found)) == found


@given(st.text(alphabet=[chr(code) for code in range(128)]) | st.text(alphabet="ab'.-+#_ 25\n\x1c", max_size=12))
def test_the_short_patterns_for_ascii_find_what_the_patterns_for_every_script_find(text):
    word, token = tokens._patterns()
    assert unicode_tokens(text) == token.findall(text.lower())
    assert words(text) == word.findall(text.lower())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10¹² + (2)⁻¹", ["10", "^", "12", "+", "2", "^", "-", "1"]),
        ("10^12 + (2)^-1", ["10", "^", "12", "+", "2", "^", "-", "1"]),
        ("2ⁿ (a+b)²", ["2", "^", "n", "a", "+", "b", "^", "2"]),
        ("H₂O x² m²", ["h2o", "x2", "m2"]),  # as they are often typed
        ("1½ ½ 3⁄4", ["1", "1", "/", "2", "1", "/", "2", "3", "/", "4"]),
        ("step①② ⑴", ["step", "1", "2", "1"]),
        ("Ⅳ ⅳ", ["iv", "iv"]),
        ("ﬁve Straße STRASSE ΛΌΓΟΣ λόγος", ["five", "strasse", "strasse", "λόγοσ", "λόγοσ"]),
        ("İstanbul istanbul ISTANBUL i\u0307stanbul", ["istanbul"] * 4),
        ("ısı", ["ısı"]),
        ("ｶﾞｷﾞ ガギ", ["ガ", "ギ", "ガ", "ギ"]),
        ("한글 \u1112\u1161\u11ab글", ["한글", "한글"]),
        ("क्\u200dष क्ष", ["क्ष", "क्ष"]),
        ("می\u200cخواهم", ["میخواهم"]),
        ("\u202bשלום\u202c עולם", ["שלום", "עולם"]),
        ("e\u00ad\u0301 é", ["é", "é"]),
        ("❤️ ❤ 1️⃣", ["❤", "❤", "1\u20e3"]),
        ("👍👍🏽", ["👍", "👍", "🏽"]),
        ("👩\u200d🚀", ["👩", "🚀"]),
        ("བོད་ཡིག་འབྲི།", ["བོད", "ཡིག", "འབྲི"]),
        ("ሰላም፡ለዓለም።", ["ሰላም", "ለዓለም"]),
        ("ភាសា។", ["ភ", "ា", "ស", "ា"]),
        ("မြန်မာ၊ စာ။", ["မ", "ြ", "န", "်", "မ", "ာ", "စ", "ာ"]),
        ("ދިވެހި ܫܠܡܐ ߒߞߏ߫ ᠮᠣᠩᠭᠣᠯ", ["ދިވެހި", "ܫܠܡܐ", "ߒߞߏ߫", "ᠮᠣᠩᠭᠣᠯ"]),
        ("ꦗꦮ ᬩᬮᬶ", ["ꦗ", "ꦮ", "ᬩ", "ᬮ", "ᬶ"]),
        ("ᏣᎳᎩ ꮳꮃꭹ", ["ᏣᎳᎩ", "ᏣᎳᎩ"]),
        ("ㄅㄆ ꆈꌠ 𗼇𘝞 𛅰𛅱", ["ㄅ", "ㄆ", "ꆈ", "ꌠ", "𗼇", "𘝞", "𛅰", "𛅱"]),
        ("𞤀𞤣𞤤𞤢𞤥 𞤢𞤣𞤤𞤢𞤥", ["𞤢𞤣𞤤𞤢𞤥", "𞤢𞤣𞤤𞤢𞤥"]),
        ("well‐known § 5‰ ⌈x⌉ ٪", ["well", "known", "§", "5", "‰", "⌈", "x", "⌉", "٪"]),
        ("３〜５ ３～５", ["3", "~", "5", "3", "~", "5"]),
        ("a'天 a'_b", ["a", "天", "a", "b"]),
    ],
)
def test_spellings_of_the_same_text_are_one_and_of_different_ones_are_not(text, found):
    assert unicode_tokens(text) == found


@pytest.mark.parametrize(("left", "right"), [("10²", "102"), ("1½", "11/2"), ("2ⁿ", "2n"), ("5①", "51")])
def test_a_number_in_one_character_does_not_run_into_its_neighbour(left, right):
    assert normalised(f"Compute {left}.") != normalised(f"Compute {right}.")


def test_a_text_of_emoji_has_tokens_but_no_words():
    assert (unicode_tokens("👍🎉"), words("👍🎉")) == (["👍", "🎉"], [])


LANGUAGES = {
    "Chinese": (
        "请用三句话介绍一下你最喜欢的城市，并说明游客为什么应该去那里。",
        "请用三句话介绍一下你最喜欢的乡村，并说明游客为什么应该去那里。",
        "把下面的数字按从小到大的顺序排列，然后计算它们的平均值。",
    ),
    "Japanese": (
        "次の文章を読んで、主人公がなぜ家を出たのかを一文で説明してください。",
        "次の文章を読んで、主人公がなぜ村を出たのかを一文で説明してください。",
        "五つの果物の名前を挙げて、それぞれの色と味を表にまとめなさい。",
    ),
    "Thai": (
        "จงเขียนจดหมายสั้นถึงเพื่อนเพื่อชวนไปเที่ยวทะเล",
        "จงเขียนจดหมายสั้นถึงเพื่อนเพื่อชวนไปเที่ยวภูเขา",
        "แปลประโยคนี้เป็นภาษาอังกฤษแล้วบอกคำกริยา",
    ),
    "Lao": (
        "ຂຽນຈົດໝາຍສັ້ນເຖິງໝູ່ເພື່ອຊວນໄປຕະຫຼາດ",
        "ຂຽນຈົດໝາຍສັ້ນເຖິງແມ່ເພື່ອຊວນໄປຕະຫຼາດ",
        "ບອກຊື່ສັດຫ້າໂຕທີ່ອາໄສຢູ່ໃນນໍ້າ",
    ),
    "Khmer": (
        "សូមសរសេរសំបុត្រខ្លីមួយទៅមិត្តភក្តិអំពីផ្ទះថ្មី។",
        "សូមសរសេរសំបុត្រខ្លីមួយទៅមិត្តភក្តិអំពីឡានថ្មី។",
        "តើប្រាំបូកនឹងប្រាំពីរស្មើប៉ុន្មាន?",
    ),
    "Burmese": (
        "သူငယ်ချင်းထံသို့ ခရီးသွားရန် ဖိတ်စာတိုတစ်စောင် ရေးပါ။",
        "သူငယ်ချင်းထံသို့ ဈေးသွားရန် ဖိတ်စာတိုတစ်စောင် ရေးပါ။",
        "ဤကိန်းများကို ငယ်စဉ်ကြီးလိုက် စီပါ။",
    ),
    "Tibetan": (
        "ཁྱེད་ཀྱིས་རང་གི་ཁྱིམ་གྱི་སྐོར་ལ་ཚིག་གསུམ་འབྲི་རོགས།",
        "ཁྱེད་ཀྱིས་རང་གི་གྲོང་གྱི་སྐོར་ལ་ཚིག་གསུམ་འབྲི་རོགས།",
        "དཔེ་ཆ་འདིའི་མིང་ལ་ཅི་ཟེར།",
    ),
    "Hindi": (
        "अपने शहर के बारे में तीन छोटे वाक्य लिखिए और एक चित्र का वर्णन कीजिए।",
        "अपने गाँव के बारे में तीन छोटे वाक्य लिखिए और एक चित्र का वर्णन कीजिए।",
        "नीचे दी गई संख्याओं को बढ़ते क्रम में लगाइए।",
    ),
    "Tamil": (
        "உன் நண்பனுக்கு பயணம் பற்றி ஒரு சிறிய கடிதம் தமிழில் இன்று எழுது.",
        "உன் நண்பனுக்கு பள்ளி பற்றி ஒரு சிறிய கடிதம் தமிழில் இன்று எழுது.",
        "இந்த எண்களை சிறியதிலிருந்து பெரியதாக வரிசைப்படுத்து.",
    ),
    "Bengali": (
        "তোমার বন্ধুর জন্য বৃষ্টি নিয়ে চার লাইনের একটি ছোট কবিতা লেখো।",
        "তোমার বন্ধুর জন্য নদী নিয়ে চার লাইনের একটি ছোট কবিতা লেখো।",
        "নিচের সংখ্যাগুলির যোগফল কত?",
    ),
    "Arabic": (
        "اكتب رسالة قصيرة إلى صديقك تدعوه فيها إلى زيارة المدينة غدا.",
        "اكتب رسالة قصيرة إلى صديقك تدعوه فيها إلى زيارة القرية غدا.",
        "ما هي عاصمة هذا البلد؟",
    ),
    "Hebrew": (
        "כתוב מכתב קצר לחבר שלך והזמן אותו לבקר בעיר מחר בבוקר.",
        "כתוב מכתב קצר לחבר שלך והזמן אותו לבקר בכפר מחר בבוקר.",
        "סדר את המספרים האלה מהקטן לגדול.",
    ),
    "Persian": (
        "یک نامهٔ کوتاه به دوستت بنویس و او را به شهر دعوت کن.",
        "یک نامهٔ کوتاه به دوستت بنویس و او را به روستا دعوت کن.",
        "این عددها را از کوچک به بزرگ مرتب کن.",
    ),
    "Korean": (
        "친구에게 내일 함께 도시로 여행을 가자고 짧은 편지를 한 통 써 주세요.",
        "친구에게 내일 함께 바다로 여행을 가자고 짧은 편지를 한 통 써 주세요.",
        "다음 숫자를 작은 것부터 차례로 늘어놓으세요.",
    ),
    "Russian": (
        "Напиши короткое письмо другу и пригласи его завтра утром в город.",
        "Напиши короткое письмо другу и пригласи его завтра вечером в город.",
        "Расставь эти числа по возрастанию и найди их сумму.",
    ),
    "Greek": (
        "Γράψε ένα σύντομο γράμμα σε έναν φίλο για το ταξίδι σου.",
        "Γράψε ένα σύντομο γράμμα σε έναν φίλο για το σπίτι σου.",
        "Ποια είναι η πρωτεύουσα της χώρας;",
    ),
    "Georgian": (
        "დაწერე მოკლე წერილი შენს მეგობარს და მოიწვიე ის ხვალ დილით ქალაქში.",
        "დაწერე მოკლე წერილი შენს მეგობარს და მოიწვიე ის ხვალ დილით სოფელში.",
        "დაალაგე ეს რიცხვები ზრდის მიხედვით.",
    ),
    "Amharic": (
        "ስለ ከተማህ ሦስት አጭር ዓረፍተ ነገር ጻፍ እና ለጓደኛህ ዛሬ ላክ።",
        "ስለ ቤትህ ሦስት አጭር ዓረፍተ ነገር ጻፍ እና ለጓደኛህ ዛሬ ላክ።",
        "የዚህ አገር ዋና ከተማ ማን ይባላል?",
    ),
    "Turkish": (
        "Arkadaşına kısa bir mektup yaz ve onu yarın sabah İstanbul'a davet et.",
        "Arkadaşına kısa BİR mektup yaz ve onu yarın akşam istanbul'a davet et.",
        "Bu sayıları küçükten büyüğe doğru sırala.",
    ),
    "Vietnamese": (
        "Hãy viết một bức thư ngắn cho bạn của em về chuyến đi biển.",
        "Hãy viết một bức thư ngắn cho bạn của em về chuyến đi núi.",
        "Sắp xếp các số sau theo thứ tự tăng dần.",
    ),
    "German": (
        "Schreibe einen kurzen Brief an einen Freund und lade ihn für morgen ein.",
        "Schreibe einen kurzen Brief an einen Freund und lade ihn für heute ein.",
        "Ordne diese Zahlen der Größe nach und bilde die Summe.",
    ),
}
"""Of each language an instruction, the same with a word changed, and another one."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_is_free_of_duplicates(language):
    first, variant, other = map(unicode_tokens, LANGUAGES[language])
    assert min(len(first), len(variant)) >= 10
    assert 0.7 < rouge_l(first, variant) < 1
    assert rouge_l(first, other) < 0.7


def test_a_pool_of_all_languages_finds_each_variant_and_nothing_else():
    pool = Novelty(unicode_tokens, 0.7)
    for language, (first, _, _) in LANGUAGES.items():
        pool.add(language, first)
    for language, (_, variant, other) in LANGUAGES.items():
        found = pool.above(variant)
        assert found is not None
        assert found.id == language
        assert pool.above(other) is None
