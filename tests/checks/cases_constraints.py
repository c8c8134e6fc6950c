"""Answers that keep a constraint and answers that break it, at least twenty of each kind, as a reader would judge them."""

from typing import Any

# Of each kind: (arguments, answers that keep it, answers that break it).
Cases = list[tuple[dict[str, Any], list[str], list[str]]]
LONG = "word " * 1000

BY_KIND: dict[str, Cases] = {
    "include": [
        (
            {"words": ["harbour"]},
            ["The harbour is old.", "HARBOUR", "**harbour**", "a harbour-side café", "`harbour`", "  harbour  ", "«Harbour»"],
            ["The port is old.", "harbours", "", "   ", "har bour", "The harbor is old.", "unharboured"],
        ),
        ({"words": ["café", "naïve"]}, ["A naïve man in a CAFÉ.", "cafe\u0301, nai\u0308ve"], ["A naive man in a café.", "cafe naive"]),
        ({"words": ["in the end"]}, ["In the\nend, rain.", "in the end"], ["In the beginning, the end", "in the very end"]),
        ({"words": ["C++"]}, ["I like C++."], ["I like C."]),
        ({"words": ["天気"]}, ["今日の天気は晴れです。"], ["今日は晴れです。"]),
        ({"words": ["don't"]}, ["I don’t know."], ["I do not know."]),
    ],
    "frequency": [
        (
            {"word": "rain", "least": 2},
            ["Rain, rain.", "rain\nand RAIN", "**rain** and *rain*", "rain rain rain", "rain-rain"],
            ["Rain.", "rainy rain", "", "trains and rain", "raining, raining", "r a i n"],
        ),
        ({"word": "rain", "most": 1}, ["Rain.", "Sun.", "rainy rain", "trains rain"], ["rain rain", "RAIN, Rain!", '"rain" (rain)']),
        ({"word": "rain", "least": 2, "most": 2}, ["rain and rain"], ["rain", "rain rain rain", ""]),
        ({"word": "so so", "least": 2}, ["so so so so"], ["so so so"]),
        ({"word": "雨", "least": 2}, ["雨と雨。"], ["雨。"]),
        ({"word": "été", "most": 1}, ["L'été."], ["L’été, un ÉTÉ."]),
    ],
    "forbid": [
        (
            {"words": ["very", "nice"]},
            ["A calm evening.", "every day", "niceties", "VERYFINE", "ver y", "v-e-r-y", "very1", "Good.\n\nFine.  "],
            ["very good", "It is NICE.", "**very**", "nice-looking", "`nice`", "a very, very long day", "", "\n", '"Nice", he said'],
        ),
        ({"words": ["in the end"]}, ["the end", "in the very end"], ["in the\n end we left", "So, in the end."]),
        ({"words": ["天気"]}, ["今日は晴れです。"], ["天気がいい。"]),
        ({"words": ["naïve"]}, ["naive"], ["NAÏVE", "nai\u0308ve"]),
    ],
    "letter": [
        (
            {"letter": "e", "least": 3},
            ["eee", "EeE", "the tree", "**e** *e* `e`", "see the sea\n"],
            ["ee", "", "é é é", "abc", "e e", "   "],
        ),
        ({"letter": "Z", "most": 1}, ["One zebra.", "No such letter.", "Z", "ž z"], ["pizza", "Zz", "z and Z", "zoo, zen"]),
        ({"letter": "é", "least": 1}, ["café", "CAFÉ", "cafe\u0301"], ["cafe", "cafè"]),
        ({"letter": "ж", "least": 2}, ["жужжит", "Ж и ж"], ["жар", "zh zh"]),
        ({"letter": "a", "least": 2, "most": 2}, ["banal", "A cat"], ["banana", "cat"]),
    ],
    "language": [
        (
            {"language": "de"},
            [
                "Das Wetter ist heute schön, und wir gehen alle zusammen an den See.",
                "**Wichtig:** Bitte schließen Sie immer die Tür, wenn Sie das Haus am Abend verlassen.",
                "- Die Katze schläft auf dem Sofa\n- Der Hund wartet im Garten auf seinen Freund",
                "Gestern habe ich meiner Großmutter einen langen Brief über meine Reise geschrieben.",
            ],
            [
                "The weather is fine today, and we are all going to the lake together.",
                "Il fait beau aujourd'hui et nous allons tous ensemble au bord du lac.",
                "今日は天気がいいので、みんなで湖に行きます。",
                "Сегодня хорошая погода, и мы все вместе идём на озеро.",
                "",
            ],
        ),
        (
            {"language": "fr"},
            ["Il fait beau aujourd'hui et nous allons tous ensemble au bord du lac.", "Les enfants jouent dans la cour pendant que leurs parents préparent le repas du soir."],
            ["El tiempo es bueno hoy y vamos todos juntos al lago con nuestros amigos.", "The children are playing in the yard while their parents cook the evening meal."],
        ),
        ({"language": "ja"}, ["はい、そうです。", "今日は天気がいいので、みんなで湖に行きます。"], ["今天天气很好，我们一起去湖边散步吧。", "오늘은 날씨가 좋아서 모두 함께 호수에 갑니다 정말로요 그렇지요"]),
        ({"language": "zh"}, ["今天天气很好，我们一起去湖边散步吧。"], ["The weather is fine today, and we are all going to the lake together."]),
        ({"language": "ru"}, ["Сегодня хорошая погода, и мы все вместе идём на озеро с друзьями."], ["Das Wetter ist heute schön, und wir gehen alle zusammen an den See."]),
        ({"language": "es"}, ["El tiempo es bueno hoy y vamos todos juntos al lago con nuestros amigos."], ["O tempo está bom hoje e vamos todos juntos ao lago com os nossos amigos, não é?"]),
        ({"language": "en"}, ["The weather is fine today, and we are all going to the lake together."], ["Das Wetter ist heute schön, und wir gehen alle zusammen an den See."]),
        ({"language": "ko"}, ["오늘은 날씨가 좋아요."], ["The weather is fine today, and we are all going to the lake together."]),
    ],
    "words": [
        (
            {"least": 3, "most": 5},
            ["one two three", "One, two; three - four!", "**one** *two* three", "1 2 3", "don't you see", "one\n\ntwo\n\nthree", "天気は", "  a b c  ", "C++ is fun", "snake_case counts twice"],
            ["one two", "", "a b c d e f", "one", "... !!! ???", "* - #", "今日の天気は", "well-known well-known well-known"],
        ),
        ({"most": 3}, ["Yes.", "one two three"], ["one two three four", "", LONG]),
        ({"least": 1000}, [LONG], ["word"]),
        ({"least": 4, "most": 4}, ["한국어 문장 하나 더"], ["한국어 문장"]),
    ],
    "sentences": [
        (
            {"least": 2, "most": 2},
            [
                "One. Two.",
                "Dr. Smith left. She was late.",
                "It costs 3.50 euros. That is fair.",
                "What? No!",
                'She said "stop." He stopped.',
                'He asked "why?" and left. Nobody knew.',
                "Well... maybe. Or not.",
                "今日は晴れ。明日は雨。",
                "- One item.\n- Another item.",
                "1. First\n2. Second",
                "One line\nand another",
                "**Bold one.** Plain two.",
                "See e.g. page 4. It helps.",
                "J. R. Smith wrote it. I read it.",
                "Visit example.com now. Thanks!",
                "One.  Two.  \n\n---\n",
                "Really?! Yes.",
                "क्या हाल है। सब ठीक।",
                "One. Two.\n```\na. b. c.\n```",
            ],
            [
                "One.",
                "One. Two. Three.",
                "",
                "no end at all",
                "Ah. Bo.\nCy",
                "今日は晴れ。",
                "Dr. Smith left.",
                "It costs 3.50 euros.",
                "Wait... what",
                "one\n\ntwo\n\nthree",
                "Yes! No! Maybe!",
                "...",
            ],
        ),
        ({"most": 1}, ["Only one, with a comma; and more.", "At 9 p.m. we left."], ["At 9 p.m. We left it there. Twice.", "One! Two!"]),
        ({"least": 3}, ["i came. i saw. i won."], ["I came and saw."]),
    ],
    "paragraphs": [
        (
            {"count": 2},
            ["One.\n\nTwo.", "One.\n \n\n\nTwo.\n\n", "# Title\n\nOne.\n\nTwo.", "One\nstill one\n\nTwo", "One.\n\n---\n\nTwo.", "Code:\n\n```\na\n\nb\n```", "\n\nOne.\n\nTwo.", "一。\n\n二。", "One.\r\n\r\nTwo."],
            ["One.", "One.\nTwo.", "One.\n\nTwo.\n\nThree.", "", "\n\n\n", "One.\n\n***", "```\na\n\nb\n```", "# One\n\n# Two"],
        ),
        (
            {"count": 3, "divider": "***"},
            ["One\n***\nTwo\n***\nThree", "One\n\n***\n\nTwo\n\n  ***  \nThree\n***", "A\n\nB\n***\nC\n***\nD", "一\n***\n二\n***\n三"],
            ["One\n\nTwo\n\nThree", "One\n***\nTwo", "One *** Two *** Three", "One\n***\n***\nThree", "One\n****\nTwo\n****\nThree", "***\nOne\n***"],
        ),
        ({"count": 1}, ["One."], ["One.\n\nTwo."]),
    ],
    "paragraph_start": [
        (
            {"paragraphs": 2, "number": 2, "word": "after"},
            ["One.\n\nAfter that.", "One.\n\n**After** that.", "One.\n\nAFTER", "One.\n\n\n\n  after all", "# Title\n\nOne.\n\nAfter it.", 'One.\n\n"After", he said.', "One.\n\n- After", "After.\n\nAfter."],
            ["After.\n\nOne.", "One. After that.", "One.\n\nAfterwards.", "", "One.\n\nTwo.\n\nAfter.", "One.\n\nThe after", "One.\nAfter.", "One.\n\nA fter"],
        ),
        ({"paragraphs": 1, "number": 1, "word": "today"}, ["Today it rains.", "> Today"], ["It rains today.", "Today.\n\nToday."]),
        ({"paragraphs": 2, "number": 1, "word": "今日"}, ["今日は晴れ。\n\n明日は雨。"], ["明日は雨。\n\n今日は晴れ。"]),
    ],
    "postscript": [
        (
            {"mark": "P.S."},
            ["Hello.\n\nP.S. Bring it.", "Hello.\nPS: bring it", "Hello.\n**P.S.** Bring it.", "Hello.\np.s. bring it", "Hello.\n\nP. S. Bring it.", "Hello.\n\nP.S.\nBring it.", "你好。\n\nP.S. 带上它。", "Hi\n*P.S.* x\n\nmore"],
            ["Hello.", "Hello. P.S. inline", "P.S. Nothing before.", "Hello.\n\nP.S.", "", "Hello.\n\nPSYCHOLOGY is fun.", "Hello.\n\nP.P.S. Bring it.", "Hello.\nPostscript: bring it"],
        ),
        ({"mark": "P.P.S."}, ["Hello.\nP.S. One.\nP.P.S. Two.", "Hello.\nPPS two"], ["Hello.\nP.S. One.", "Hello.\n\nP.P.S."]),
    ],
    "placeholders": [
        (
            {"least": 2},
            ["Dear [name], on [date].", "[your name] [x-axis label]", "**[name]** and *[date]*", "[名前]と[日付]", "```\n[name] [date]\n```", "[A] [B] [C]", "- [name]\n- [city]", "([name]) [[date]]"],
            ["Dear [name].", "[1] [2]", "- [ ] one\n- [x] two", "[link](http://a.b) and [name]", "a[i] + b[j]", "", "{name} (date)", "[] []", "[name and [date", "[open\nclose] [name]"],
        ),
        ({"least": 1}, ["[name]"], ["name", "![image](x.png)"]),
    ],
    "bullets": [
        (
            {"count": 2},
            ["* a\n* b", "- a\n- b", "Intro:\n\n+ a\n\n+ b\n\nOutro.", "• a\n• b", "- a\n  - nested", "* **bold**\n* *it*", "  * a\n  * b  ", "---\n- a\n- b\n***", "- a\n- b\n```\n- c\n```", "> - a\n> - b", "*emphasis* first\n* a\n* b", "- 一\n- 二"],
            ["* a", "", "* a\n* b\n* c", "1. a\n2. b", "-a\n-b", "**a**\n**b**", "a - b - c", "- \n- ", "* * *\n* a", "- a\n  - b\n  - c"],
        ),
    ],
    "options": [
        (
            {"options": ["Yes.", "No.", "It depends."]},
            ["Yes.", "yes", "NO!", " It depends. \n", "**No.**", '"It depends"', "it\ndepends", "(yes)", "`No`"],
            ["Yes, it is.", "", "Maybe.", "Yes. No.", "It does depend.", "Y", "Answer: yes", "Not", "depends", "Yes.\n\nBecause."],
        ),
        ({"options": ["はい", "いいえ"]}, ["はい。"], ["はいはい"]),
    ],
    "highlights": [
        (
            {"least": 2},
            ["*a* and *b*", "**a** then ***b***", "*one\n* and *two* *three*", "* *a*\n* *b*", "*重点*和*另一个*", "**a b c**, *d*", "*a*, *b*, *c*", "_x_ *y* **z**", "*a*\n\n*b*"],
            ["*a*", "", "2*3*4 and 5*6*7", "* a\n* b", "a * b * c", "**a", "***\n***", "```\n*a* *b*\n```", "*a\nb*", "\\*a\\* \\*b\\*", "_a_ _b_"],
        ),
        ({"least": 1}, ["x**y**z"], ["** a **"]),
    ],
    "sections": [
        (
            {"heading": "Section", "count": 2},
            ["Section 1\nA.\nSection 2\nB.", "# Section 1\n\nA.\n\n# Section 2\n\nB.", "**Section 1:** A\n**Section 2:** B", "SECTION 1\na\nSECTION 2\nb", "Intro.\n\nSection 1 - One\nA\n\nSection 2 - Two\nB", "## Section 1 Plans\na\n## Section 2 Ends\nb", "Section 1\nAs Section 2 shows, a.\nSection 2\nB.", "Section 1. A\nSection 2. B", "section 1\n*a*\nsection 2\n- b"],
            ["Section 1\nA.", "", "Section 1\nSection 2\nB", "Section 2\nA\nSection 1\nB", "Section 1\nA\nSection 3\nB", "Section One\nA\nSection Two\nB", "Part 1\nA\nPart 2\nB", "Section 1\nA\nSection 2\nB\nSection 3\nC", "Section 1\nA\nSection 2", "A section 1 and a section 2.", "```\nSection 1\na\nSection 2\nb\n```"],
        ),
        ({"heading": "Teil", "count": 1}, ["Teil 1\nEins."], ["Teil\nEins."]),
    ],
    "json": [
        (
            {},
            ["{}", "[]", '{"a": 1}', '```json\n{"a": [1, 2]}\n```', "```\n[1]\n```", '  {"ä": "ü"}\n\n', '[{"a": null}, true]', '{"a": "```"}', "[1.5e3]", '{"a": {"b": {"c": []}}}', '{"\\u0061": "x, y"}'],
            ["", "yes", "42", '"text"', "{'a': 1}", '{"a": 1,}', 'Here: {"a": 1}', '{"a": 1} done', '{"a": NaN}', '{"a": 1, "a": 2}', "[" * 200 + "]" * 200, '```json\n{"a": 1}\n```\nDone.', "{a: 1}", "null"],
        ),
    ],
    "title": [
        (
            {},
            ["<<a day>>", "<<A Day at Sea>>\n\nWe left.", "Text first.\n<<Title>>", "# <<Title>>", "**<<Title>>**", "<<海の日>>", "<< spaced >>", "<<1984>>", "<<>> <<b>>", "<<<a>>>", "<<It's 5 o'clock!>>"],
            ["", "Title", "<title>", "<<>>", "<< >>", "# Title", "<<open", "closed>>", "<<two\nlines>>", "«Title»", "<<!!>>", "< <Title> >"],
        ),
    ],
    "two_answers": [
        (
            {"divider": "******"},
            ["A.\n******\nB.", "A\n\n  ******  \n\nB", "One\ntwo\n******\nthree\nfour", "**A**\n******\n**B**", "一\n******\n二", "\nA\n******\nB\n", "A\n\\*\\*\\*\\*\\*\\*\nB", "Same start, one\n******\nSame start, two"],
            ["A.", "", "A ****** B", "A\n******\nA", "A\n******\n", "******\nA\n******\nB\n******\nC", "A\n***\nB", "A\n******\na.", "A\n******\nB\n******\nC", "A\n*******\nB", "******"],
        ),
        ({"divider": "======"}, ["A\n======\nB"], ["A\n******\nB"]),
    ],
    "repeat": [
        (
            {"text": "Name a river, please."},
            ["Name a river, please. The Nile.", "name a river please\n\nThe Nile", "**Name a river, please.**\nNile", "> Name a river, please.\n\nNile", '"Name a river, please." Nile.', "Name  a\nriver, please: Nile", "# Name a river, please\nNile", "NAME A RIVER, PLEASE! NILE", "Name a river, please. Name a river, please."],
            ["The Nile.", "", "Name a river, please.", "Name a river: the Nile", "Sure! Name a river, please. Nile.", "Please name a river. Nile.", "Name one river, please. Nile", "The Nile. Name a river, please.", "Name a river", "Name a river, pleased. Nile"],
        ),
        ({"text": "川の名前は？"}, ["川の名前は？ ナイル川。"], ["ナイル川。川の名前は？"]),
    ],
    "capitals": [
        (
            {},
            ["ALL OF IT.", "A", "IT COSTS 3 €.", "ÅRHUS ÉTÉ ÑANDÚ", "**BOLD** AND `CODE`", "ВСЁ ХОРОШО", "LINE ONE\nLINE TWO\n", "STRASSE Ω", "I.", "HTML5 & B2B", "天气 OK"],
            ["All of it.", "", "ALL BUT one", "a", "ALLe", "STRAßE", "ВСЁ хорошо", "ÀLL é", "HTTP://EXAMPLE.com", "NOT THIs", "ǅ"],
        ),
    ],
    "lowercase": [
        (
            {},
            ["all of it.", "a", "it costs 3 €.", "århus été", "**bold** and `code`", "всё хорошо", "line one\nline two\n", "straße", "i.", "html5 & b2b", "天气 ok"],
            ["All of it.", "", "all but ONE", "A", "allE", "Straße", "всё Хорошо", "àll É", "I am", "iPhone", "ǅ"],
        ),
    ],
    "capital_words": [
        (
            {"least": 2},
            ["NASA and ESA", "DO NOT go", "**YES** and *NO*", "HTML5 and B2B", "ÅR UND ÉTÉ", "ДА и НЕТ", "WELL-KNOWN", "IT'S OK", "A B CD EF", "OK\nOK"],
            ["NASA only", "", "I and A", "Nasa and Esa", "none here", "NASAs and ESAs", "A. B. C.", "天气 OK", "OkAY OK", "1 2 3"],
        ),
        ({"most": 1}, ["NASA flies.", "No such word. I swear."], ["NASA, ESA", "DO IT"]),
    ],
    "ending": [
        (
            {"phrase": "And so it ends."},
            ["They left. And so it ends.", "AND SO IT ENDS.", "x\n\nand so it ends", "They left. **And so it ends.**", 'They left. "And so it ends."', "They left. And so it ends.  \n\n", "They left. And so\nit ends!", "They left. And so it ends. 🎉", "*And so it ends*"],
            ["They left.", "", "And so it ends. Bye.", "And so it ended.", "And so it ends.\n\nP.S. Not yet.", "so it ends.", "Thousand so it ends.", "And so it ends 1", "And, so it all ends.", "It ends."],
        ),
        ({"phrase": "おわり"}, ["これでおわり。"], ["おわりです。"]),
    ],
    "quoted": [
        (
            {},
            ['"All of it."', "“All of it.”", "«Tout.»", "„Alles.“", "「全部」", '  "All of it."\n', '"One.\n\nTwo."', '"He said "no" to me."', "“He said “no” to me.”", '"**Bold** text"', '"1"'],
            ["All of it.", "", '"Open', 'Closed"', '"', '""', "'Single.'", '"A" is a letter, as is "B"', "“A” and “B”", 'He said: "All."', '"All." Done', "“Mixed'", "»Nein«, sagte er, »nie«"],
        ),
    ],
    "no_commas": [
        (
            {},
            ["None here.", "a; b: c - d", "3.5", "don't", "“quoted”", "一。二。", "`code`", "- a\n- b", "a. b. c.", "٫", "‚low quote‘", "1 000 000"],
            ["a, b", "", "1,000", "一，二", "一、二", "نعم، لا", "a,b", ",", "**a**, b", "a ,", "`f(x, y)`", "a\n,b"],
        ),
    ],
}  # fmt: skip

CASES: list[tuple[str, str, dict[str, Any], bool]] = [
    (answer, f"constraint:{kind}", args, expected)
    for kind, groups in BY_KIND.items()
    for args, keeps, breaks in groups
    for answers, expected in ((keeps, True), (breaks, False))
    for answer in answers
]
