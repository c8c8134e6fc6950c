"""A few families in Chinese, proposed where the demonstrations are: enough to rehearse a run on Chinese seeds."""

import re
from random import Random

from synthgen.rehearsal.families.base import Family, Solution, distinct

NAMES = tuple("阿明 小芳 老周 阿珍 大勇 晓雯 志强 玉兰 建国 思远 秋月 海涛".split())
TOWNS = tuple("苏州 泉州 大理 绍兴 洛阳 桂林 烟台 敦煌 丽江 景德镇 喀什 西宁".split())
TRADES = tuple("木匠 裁缝 邮差 厨师 园丁 药剂师 钟表匠 图书管理员 船夫 面包师 护士 修车师傅".split())
GOODS = tuple("苹果 核桃 红枣 莲子 花生 山药 绿豆 香菇 板栗 柿饼 小米 蜂蜜".split())
THINGS = tuple("雨伞 竹篮 铜锁 茶壶 棉被 算盘 风筝 木梯 灯笼 石磨 毛笔 蓑衣".split())
PLACES = tuple("渡口 茶馆 祠堂 粮仓 学堂 药铺 集市 果园 码头 戏台 书院 磨坊".split())
CAPITALS = {
    "挪威": "奥斯陆", "肯尼亚": "内罗毕", "秘鲁": "利马", "葡萄牙": "里斯本", "加纳": "阿克拉", "智利": "圣地亚哥", "冰岛": "雷克雅未克",
    "约旦": "安曼", "古巴": "哈瓦那", "尼泊尔": "加德满都", "波兰": "华沙", "芬兰": "赫尔辛基",
}  # fmt: skip
URGENCY = {
    "紧急": ("水管正在往地板上漏水", "客人都在雨里等着", "一小时之内必须答复"),
    "一般": ("方便的时候处理就行", "和上个月一样办理", "请加到平时的单子里"),
    "可忽略": ("这是误发给所有人的", "不必回复", "恭喜您在从未参加的抽奖中获奖"),
}  # fmt: skip
SUM = re.compile(r"买了(\d+)斤\S{1,3}，每斤(\d+)元，另付运费(\d+)元")
CAPITAL = re.compile(f"({'|'.join(CAPITALS)})的首都")
LABELS = re.compile("紧急、一般还是可忽略")
MENTION = re.compile(r"必须提到(\S+?)、(\S+?)和(\S+?)。")


def ask_sum(rng: Random) -> str:
    """A purchase."""
    who, where = rng.choice(NAMES), rng.choice(TOWNS)
    core = f"买了{rng.randint(2, 19)}斤{rng.choice(GOODS)}，每斤{rng.randint(3, 30)}元，另付运费{rng.randint(4, 40)}元"
    return rng.choice(
        (
            f"{who}在{where}的{rng.choice(PLACES)}{core}。一共花了多少钱？",
            f"请算一算：{where}有位{rng.choice(TRADES)}{core}，总共要付多少元？",
            f"{rng.choice(TRADES)}{who}替邻居{core}，请写出总价。",
        )
    )


def solve_sum(found: re.Match[str], _given: str) -> Solution:
    """Pounds times price, and the freight; forgotten, or counted for every pound, it is wrong."""
    pounds, price, freight = (int(number) for number in found.groups())
    return distinct(f"{pounds * price + freight}元", f"{pounds * price}元", f"{pounds * (price + freight)}元")


def ask_capital(rng: Random) -> str:
    """A capital."""
    country, who = rng.choice(tuple(CAPITALS)), rng.choice(NAMES)
    return rng.choice(
        (
            f"{country}的首都是哪座城市？{who}要在{rng.choice(PLACES)}的灯谜会上用。",
            f"{rng.choice(TRADES)}和{who}打赌：{country}的首都叫什么名字？",
            f"给{rng.choice(TOWNS)}的小学生出题，请写出{country}的首都。",
        )
    )


def solve_capital(found: re.Match[str], _given: str) -> Solution:
    """The table's entry; wrong ones are its neighbours."""
    names, values = tuple(CAPITALS), tuple(CAPITALS.values())
    spot = names.index(found[1])
    return distinct(values[spot], *(values[(spot + step) % len(values)] for step in (1, 2, 5)))


def ask_label(rng: Random) -> str:
    """A message to sort."""
    return rng.choice(
        (
            f"{rng.choice(TOWNS)}的{rng.choice(PLACES)}收到一条留言，请判断它属于紧急、一般还是可忽略。",
            f"{rng.choice(NAMES)}每天替{rng.choice(TRADES)}整理便条：这一张是紧急、一般还是可忽略？",
        )
    )


def write_label(_found: re.Match[str], rng: Random, label: str) -> str:
    """A text of a label, which does not name it."""
    said = rng.choice(URGENCY.get(label) or rng.choice(list(URGENCY.values())))
    return f"{rng.choice(NAMES)}从{rng.choice(TOWNS)}捎来口信，说的是{rng.choice(THINGS)}的事：{said}。"


def solve_label(_found: re.Match[str], given: str) -> Solution:
    """The label whose phrase stands in the input."""
    names = tuple(URGENCY)
    right = next((name for name, texts in URGENCY.items() if any(text in given for text in texts)), names[0])
    return distinct(right, *(name for name in names if name != right))


def ask_writing(rng: Random) -> str:
    """A short text with words it must mention."""
    lead = rng.choice(
        (
            f"以{rng.choice(TOWNS)}的{rng.choice(PLACES)}为题写一段短文",
            f"替{rng.choice(TRADES)}写一封感谢信给{rng.choice(NAMES)}",
            f"为{rng.choice(PLACES)}门口的告示拟几句话",
        )
    )
    words = (rng.choice(THINGS), rng.choice(GOODS), rng.choice(TRADES))
    return f"{lead}，文中必须提到{words[0]}、{words[1]}和{words[2]}。"


def solve_writing(found: re.Match[str], _given: str) -> Solution:
    """The three things to mention."""
    return Solution("", (), found.groups())


FAMILIES = (
    Family("sum-zh", "mathematics", "number", ask_sum, SUM, solve_sum, 0.5, language="zh"),
    Family("capital-zh", "knowledge", "fact", ask_capital, CAPITAL, solve_capital, 0.3, language="zh"),
    Family("urgency-zh", "classification", "label", ask_label, LABELS, solve_label, 0.4, tuple(URGENCY), write_label, "zh"),
    Family("mention-zh", "writing", "writing", ask_writing, MENTION, solve_writing, 0.3, language="zh"),
)  # fmt: skip
