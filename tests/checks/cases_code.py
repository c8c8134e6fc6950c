"""Answers to tasks of programming, each with what a careful reader says of it:
(answer, check, arguments, passed).

Half of them and more are hard: right in a form that nobody expected, wrong by one step, or made to be let through.
"""

import textwrap

CASES: list[tuple[str, str, dict, bool]] = []


def group(args: dict, passed: bool, *answers: str) -> None:
    """Answers to one task that are all right, or all wrong; code is fenced where the case is not about its wrapping."""
    for answer in answers:
        text = textwrap.dedent(answer).strip("\n")
        if text.startswith("BARE"):
            text = text.removeprefix("BARE\n")
        elif "```" not in text and "~~~" not in text:
            text = f"```python\n{text}\n```"
        CASES.append((text, "code", args, passed))


# --- a plain function, in many forms and many wrappings
DOUBLE = {
    "entry": "double",
    "tests": ["double(2) == 4", "assert double(-3) == -6", "double(0) == 0", "double(10**30) == 2 * 10**30"],
}
group(
    DOUBLE,
    True,
    "def double(x): return x * 2",
    "def double(x):\n    return x << 1",
    "double = lambda x: x + x",
    "double = (2).__mul__",
    "from functools import partial\nfrom operator import mul\ndouble = partial(mul, 2)",
    "class Doubler:\n    def __call__(self, x): return 2 * x\ndouble = Doubler()",
    "class A:\n    @staticmethod\n    def twice(x): return x + x\ndouble = A.twice",
    "def double(x: int, /, *rest: int, factor: int = 2) -> int:\n    return factor * x",
    "def _helper(x): return sum([x, x])\ndef double(x): return _helper(x)",
    "def double(x):\n    if x < 0: return -double(-x)\n    return sum((x, x))",
    "import math\ndef double(x): return math.prod([2, x])",
    "try:\n    import numpy\nexcept ImportError:\n    numpy = None\ndef double(x): return x * 2",
    "if True:\n    def double(x): return x * 2\nelse:\n    def double(x): return x",
    "def decorate(f):\n    def inner(*a): return 2 * f(*a)\n    return inner\n@decorate\ndef double(x): return x",
    "def double(x): return x * 2\nif __name__ == '__main__':\n    print(double(int(input())))",
    "def double(x): return x * 2\nprint(double(4), 'ok')\nassert double(1) == 2",
    "def double(x):\n\treturn x*2",
    "def double(x):\r\n    return x * 2\r\n",
    "from __future__ import annotations\nfrom typing import TypeVar\nT = TypeVar('T')\ndef double(x: T) -> T: return x * 2",
    "import sys\nsys.setrecursionlimit(5000)\ndef double(x): return x * 2",
    "```python\ndef double(x):\n    '''Twice.\n\n    ```\n    double(2)  # 4\n    ```\n    '''\n    return x * 2\n```",
    "def dоuble(x): return 0  # a Cyrillic o\ndef double(x): return x * 2",
    "def double(zahl_größe): return zahl_größe * 2  # größer ✓",
    "import warnings\ndef double(x):\n    warnings.warn('slow')\n    print('doubling', x)\n    return x * 2",
    "def double(x):\n    global calls\n    calls = globals().get('calls', 0) + 1\n    return 2 * x",
    "def double(x):\n    match x:\n        case 0: return 0\n        case _: return x + x",
    "exec('def double(x): return x * 2')",
    "Here you are:\n\n```python\ndef double(x):\n    return x * 2\n```\n\nIt returns twice its argument, so `double(2)` gives 4.",
    "```\ndef double(x):\n    return x * 2\n```",
    "```py\ndef double(x):\n    return x * 2\n```\nOutput:\n```\n4\n```",
    '```Python3 title="double.py"\ndef double(x):\n    return x * 2\n```',
    "~~~python\ndef double(x):\n    return x * 2\n~~~",
    "````python\ndef double(x):\n    return x * 2\n````",
    "1. Define it:\n\n   ```python\n   def double(x):\n       return x * 2\n   ```\n2. Done.",
    "> ```python\n> def double(x): return 2 * x\n> ```\n\nOr, unquoted:\n\n```python\ndef double(x): return 2 * x\n```",
    "First the helper:\n```python\ndef twice(n):\n    return n + n\n```\nand then\n```python\ndef double(x):\n    return twice(x)\n```",
    "```python\ndef double(x):\n    return scale(x, FACTOR)\n```\nwith the helper\n```python\nfrom operator import mul as scale\nFACTOR = 2\n```",
    "The first try was wrong:\n```python\ndef double(x):\n    return x ** 2\n```\nThe right one:\n```python\ndef double(x):\n    return x * 2\n```",
    "```python\ndef double(x):\n    return x * 2\n```\nUsage:\n```python\nfrom solution import double\nprint(double(int(input())))\n```",
    "```bash\npip install nothing\n```\n```python\ndef double(x):\n    return x * 2\n```\n```text\ndouble(2) == 4\n```",
    "```javascript\nfunction double(x) { return 2 * x }\n```\nIn Python:\n```python\ndef double(x): return 2 * x\n```",
    "An answer that was cut after its last line:\n```python\ndef double(x):\n    return x * 2",
    "BARE\ndef double(x):\n    return x * 2",
    "BARE\nSure! Here it is:\n\ndef double(x):\n    # twice\n    return x * 2\n\nThis doubles the number.",
    "BARE\ndouble = lambda x: x * 2",
)
group(
    DOUBLE,
    False,
    "def double(x): return x ** 2",
    "def double(x): return x * 2.0",  # 10**30 is not exact
    "def double(x): return abs(x) * 2",
    "def double(x): print(x * 2)",
    "def double(x): yield x * 2",
    "def double(x): return (x * 2,)",
    "def double(x): return str(x * 2)",
    "async def double(x): return x * 2",
    "def double(): return 4",
    "def double(x): return x * 2 if x < 100 else 0",
    "def Double(x): return x * 2",
    "class Tool:\n    def double(self, x): return x * 2",
    "def double(x) return x * 2",
    "def double(x):\nreturn x * 2",
    "import nothing_of_this_name\ndef double(x): return x * 2",
    "def double(x): return double(x - 1) + 2",
    "def double(x):\n    while True: x = x\n    return x * 2",
    "def double(x): raise NotImplementedError",
    "def double(x): ...",
    "def dоuble(x): return x * 2  # a Cyrillic o",
    "```python\ndef double(x):\n    return x * 2\n```\nBetter:\n```python\ndef double(x):\n    return x ** 2\n```",
    "```javascript\nfunction double(x) { return 2 * x }\n```",
    "BARE\nThe result is twice the argument: double(2) is 4.",
    "BARE\n",
    "def double(x): return [0] * 10**12",
    "def double(x):\n    held = []\n    while True: held.append('x' * 10**6)",
)
# --- made to be let through
group(
    DOUBLE,
    False,
    "print('ok')",
    'print(\'{"failure": ""}\')\nimport os\nos._exit(0)',
    "import sys\nsys.exit(0)",
    "def double(x):\n    raise SystemExit(0)",
    "def double(x):\n    import os\n    os._exit(0)",
    'import os\ndef double(x):\n    os.write(1, b\'{"failure": ""}\')\n    os._exit(0)',
    'import os\nfor fd in range(256):\n    try: os.write(fd, b\'{"failure": ""}\')\n    except OSError: pass\ndef double(x): return 0',
    "import os\ndef double(x):\n    for fd in (20, 21):\n        os.write(fd, b'[\"ok\", 4]\\n') if fd == 21 else 0\n    return 4",
    "class Any:\n    def __eq__(self, other): return True\ndef double(x): return Any()",
    "class double:\n    def __init__(self, x): pass\n    def __eq__(self, other): return True\n    def __ne__(self, other): return False",
    "class Number(int):\n    def __eq__(self, other): return True\n    __hash__ = int.__hash__\ndef double(x): return Number(7)",
    "class Text(str):\n    def __eq__(self, other): return True\ndef double(x): return Text()",
    "from unittest.mock import ANY\ndef double(x): return ANY",
    "class Meta(type):\n    def __eq__(self, other): return True\nclass Any(metaclass=Meta): pass\ndef double(x): return Any",
    "import builtins\nbuiltins.AssertionError = None\nbuiltins.int.__eq__ = lambda *a: True\ndef double(x): return 1",
    "import operator\noperator.eq = lambda *a: True\ndef double(x): return 1",
    "import ctypes\ndef double(x):\n    ctypes.c_long.from_address(id(4) + 24).value = 7\n    return 7",
    "import gc\ndef double(x):\n    found = [o for o in gc.get_objects() if isinstance(o, list) and 'double(2) == 4' in o]\n    return 4 if found else 0",
    "import sys\ndef double(x):\n    frame = sys._getframe()\n    while frame:\n        for value in frame.f_locals.values():\n            if 'double(2) == 4' in repr(value): return 4\n        frame = frame.f_back",
    "import sys\nfor module in list(sys.modules.values()):\n    for name in ('test', 'run_test', 'same', 'main'):\n        if hasattr(module, name): setattr(module, name, lambda *a: '')\ndef double(x): return 1",
    "import sys\nf = sys._getframe()\nwhile f:\n    f.f_globals['Ended'] = Exception\n    f.f_globals['run_test'] = lambda *a: None\n    f.f_globals['json'] = None\n    f = f.f_back\ndef double(x): return 1",
    "import atexit, os\natexit.register(os._exit, 0)\ndef double(x): return 1",
    "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\ndef double(x): return 1",
    "import os, signal\ndef double(x):\n    os.kill(-1, signal.SIGKILL)\n    return 1",
    "import os\nif os.fork(): os._exit(0)\ndef double(x): return 1",
    "def double(x): return NotImplemented",
    "def double(x): return float('nan')",
    "def double(x): return 1\n__import__('sys').modules['json'] = None",
    "import subprocess\ndef double(x): return subprocess.run(['python3', '-c', 'print(4)'], capture_output=True).stdout",
    "assert = True\ndef double(x): return 1",
    "def double(x): return 1\n#```\n# double(2) == 4 double(-3) == -6",
    "while True: pass",
    "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
)
# --- a test that reckons with the result
CLOSE = {"entry": "root", "tests": ["assert abs(root(2) - 1.41421356) < 1e-6", "abs(root(9) - 3) < 1e-9"]}
group(
    CLOSE,
    True,
    "import math\nroot = math.sqrt",
    "def root(x): return x ** 0.5",
    "def root(x):\n    y = x\n    for _ in range(60): y = (y + x / y) / 2\n    return y",
    "from decimal import Decimal\ndef root(x): return float(Decimal(x).sqrt())",
    "import cmath\ndef root(x): return cmath.sqrt(x)",
)
group(
    CLOSE,
    False,
    "def root(x): return x / 2",
    "class Near:\n    def __sub__(self, other): return 0\ndef root(x): return Near()",
    "class Near:\n    def __sub__(self, other): return self\n    def __abs__(self): return 0\ndef root(x): return Near()",
    "class Near:\n    def __sub__(self, other): return self\n    def __abs__(self): return self\n    def __lt__(self, other): return True\ndef root(x): return Near()",
    "class Near(float):\n    def __sub__(self, other): return 0.0\ndef root(x): return Near(1)",
    "def root(x): return str(x ** 0.5)",
    "def root(x): return round(x ** 0.5, 3)",
    "def abs(x): return 0\ndef root(x): return 1",
    "import builtins\nbuiltins.abs = lambda x: 0\ndef root(x): return 1",
)
# --- made to be let through by one who knows how the check works
PEER = """
import sys
def peer():
    frame = sys._getframe()
    while type(frame.f_locals.get("self")).__name__ != "Peer": frame = frame.f_back
    return frame.f_locals["self"]
def always(*args): return True
class Equal:
    __eq__ = always
"""
group(
    DOUBLE,
    False,
    PEER
    + "def double(x):\n    kind = peer().ask('__call__', type, 'X', (object,), {'__eq__': always})\n    return peer().ask('__call__', kind)",
    PEER + "def double(x): return peer().ask('getattr', double, '__globals__')",
    PEER + "def double(x): return peer().ask('load', 'x = 1', 'x')",
    PEER + "def double(x):\n    peer().send(['ok', ['name', 'unittest.mock', 'ANY'], None])",
    PEER + "def double(x):\n    peer().send(['ok', ['error', 9998, ['builtin', 'type'], 'x'], None])",
    PEER + "def double(x):\n    peer().send(['ok', ['object', 9998, ['object', 9996, None]], None])",
    PEER + "def double(x):\n    peer().send(['ok', ['list', 1, 1], None])",
    PEER + "def double(x):\n    peer().send(['ok', ['back', 1], None])",
    PEER + "def double(x):\n    peer().send(['ok', ['strict', 0], None])",
    PEER + "def double(x):\n    peer().send('[' * 10**5)",
    PEER + "def double(x):\n    peer().output.write(b'[' * 10**5 + b'\\n')\n    return 1",
    PEER + "def double(x):\n    peer().output.write(b'x' * (20 << 20))\n    return 1",
    PEER + "sys._getframe(1).f_globals['offered'] = always\nint = str = list = Equal\ndef double(x): return Equal()",
    PEER + "sys._getframe(1).f_globals['is_value'] = always\ndef double(x): return Equal()",
)
group(
    CLOSE,
    False,
    PEER + "sys._getframe(1).f_globals['offered'] = always\nabs = lambda x: 0\ndef root(x): return 1",
    PEER
    + "import builtins\nsys._getframe(1).f_globals['offered'] = always\n__builtins__ = dict(vars(builtins), abs=lambda x: 0)\ndef root(x): return 1",
    PEER
    + "def root(x):\n    for _ in range(200): peer().send(['do', '__call__', ['tuple', ['builtin', 'list']], ['dict', 9998]])",
)
group(
    {"entry": "apply", "tests": ["def step(x): return x + 1\nassert apply(step, 1) == 2"]},
    False,
    PEER
    + "def apply(f, x):\n    for name in ('__globals__', '__code__', 'func_globals', '__call__'):\n        try: peer().ask('getattr', f, name)\n        except AttributeError: pass\n        else: return 2",
    PEER + "def apply(f, x):\n    peer().ask('setattr', f, '__code__', (lambda x: 2).__code__)\n    return 2",
    PEER + "def apply(f, x): return peer().ask('__call__', f, Equal())",
)
# --- types that are near one another
ONE = {"entry": "one", "tests": ["one() == 1"]}
group(ONE, True, "def one(): return 1", "def one(): return 1.0", "def one(): return True", "def one(): return 1 + 0j")
group(
    ONE,
    True,
    "from fractions import Fraction\ndef one(): return Fraction(3, 3)",
    "from decimal import Decimal\ndef one(): return Decimal('1.00')",
)
group(ONE, True, "from enum import IntEnum\nclass N(IntEnum):\n    ONE = 1\ndef one(): return N.ONE")
group(
    ONE,
    False,
    "def one(): return '1'",
    "def one(): return [1]",
    "def one(): return 0.9999999",
    "def one(): return None",
    "one = 1",
)
EXACTLY = {"entry": "one", "tests": ["one() == 1 and type(one()) is int"]}
group(EXACTLY, True, "def one(): return 1", "def one(): return int(1.0)")
group(EXACTLY, False, "def one(): return 1.0", "def one(): return True")
PAIR = {"entry": "ends", "tests": ["ends([3, 1, 2]) == (1, 3)", "ends([5]) == (5, 5)"]}
group(
    PAIR,
    True,
    "def ends(v): return min(v), max(v)",
    "def ends(v):\n    v = sorted(v)\n    return tuple([v[0], v[-1]])",
    "from collections import namedtuple\nEnds = namedtuple('Ends', 'low high')\ndef ends(v): return Ends(min(v), max(v))",
    "from typing import NamedTuple\nclass Ends(NamedTuple):\n    low: int\n    high: int\ndef ends(v): return Ends(min(v), max(v))",
)
group(
    PAIR,
    False,
    "def ends(v): return [min(v), max(v)]",  # a list is no tuple, as in Python
    "def ends(v): return max(v), min(v)",
    "def ends(v): return {min(v), max(v)}",
    "def ends(v): return v[0], v[-1]",
    "class Both(tuple):\n    def __eq__(self, other): return True\ndef ends(v): return Both((0, 0))",
)
# --- lists, dicts, generators
SQUARES = {
    "entry": "squares",
    "tests": ["list(squares(4)) == [0, 1, 4, 9]", "list(squares(0)) == []", "sum(squares(101)) == 338350"],
}
group(
    SQUARES,
    True,
    "def squares(n): return [i * i for i in range(n)]",
    "def squares(n): return (i * i for i in range(n))",
    "def squares(n):\n    for i in range(n): yield i ** 2",
    "def squares(n): return map(lambda i: i * i, range(n))",
    "def squares(n): return tuple(i * i for i in range(n))",
    "from itertools import count, islice\ndef squares(n): return islice((i * i for i in count()), n)",
    "class squares:\n    def __init__(self, n): self.n, self.i = n, -1\n    def __iter__(self): return self\n    def __next__(self):\n        self.i += 1\n        if self.i >= self.n: raise StopIteration\n        return self.i ** 2",
    "class squares:\n    def __init__(self, n): self.n = n\n    def __len__(self): return self.n\n    def __getitem__(self, i):\n        if i >= self.n: raise IndexError(i)\n        return i * i",
    "from collections import deque\ndef squares(n): return deque(i * i for i in range(n))",
    "def squares(n): return {i: None for i in (j * j for j in range(n))}.keys()",
)
group(
    SQUARES,
    False,
    "def squares(n): return [i * i for i in range(n + 1)]",
    "def squares(n): return [i * i for i in range(1, n)]",
    "def squares(n): return {i * i for i in range(n)} if n > 4 else n * n",
    "def squares(n):\n    i = 0\n    while True:\n        yield i * i\n        i += 1",
    "class squares(list):\n    def __init__(self, n): pass\n    def __eq__(self, other): return True",
)
COUNT = {
    "entry": "count",
    "tests": ["count('abca') == {'a': 2, 'b': 1, 'c': 1}", "count('') == {}", "count('ñandú')['ú'] == 1"],
}
group(
    COUNT,
    True,
    "from collections import Counter\ndef count(t): return Counter(t)",
    "from collections import defaultdict\ndef count(t):\n    d = defaultdict(int)\n    for c in t: d[c] += 1\n    return d",
    "from collections import OrderedDict\ndef count(t): return OrderedDict((c, t.count(c)) for c in sorted(t))",
    "def count(t): return {c: t.count(c) for c in set(t)}",
    "class Tally(dict):\n    def __missing__(self, key): return 0\ndef count(t):\n    d = Tally()\n    for c in t: d[c] += 1\n    return d",
)
group(
    COUNT,
    False,
    "def count(t): return {c: 1 for c in t}",
    "def count(t): return [(c, t.count(c)) for c in set(t)]",
    "def count(t): return {c.encode(): t.count(c) for c in t}",
    "def count(t): return {c: t.count(c) for c in t.encode('ascii', 'ignore').decode()}",
)
UNIQUE = {"entry": "unique", "tests": ["v = [2, 1, 2]\nassert unique(v) == [2, 1]\nassert v == [2, 1, 2]"]}
group(
    UNIQUE,
    True,
    "def unique(v): return list(dict.fromkeys(v))",
    "def unique(v):\n    seen = set()\n    return [x for x in v if not (x in seen or seen.add(x))]",
)
group(
    UNIQUE,
    False,
    "def unique(v): return list(set(v))",
    "def unique(v):\n    for x in v[:]:\n        while v.count(x) > 1: v.reverse(); v.remove(x); v.reverse()\n    return v",
)
INPLACE = {
    "entry": "tidy",
    "tests": [
        "v = [3, 1, 2]\nassert tidy(v) is None\nassert v == [1, 2, 3]",
        "d = {'k': [2, 1]}\ntidy(d['k'])\nassert d == {'k': [1, 2]}",
        "a = [2, 1]\nb = [a, a]\ntidy(b[0])\nassert b[1] == [1, 2] and b[0] is b[1]",
    ],
}
group(
    INPLACE,
    True,
    "def tidy(v): v.sort()",
    "def tidy(v): v[:] = sorted(v)",
    "def tidy(v):\n    for i in range(len(v)):\n        for j in range(i):\n            if v[i] < v[j]: v[i], v[j] = v[j], v[i]",
    "tidy = list.sort",
)
group(
    INPLACE,
    False,
    "def tidy(v): return sorted(v)",
    "def tidy(v): v = sorted(v)",
    "def tidy(v): v.sort(reverse=True)",
    "def tidy(v):\n    v.sort()\n    return v",
)
SAME = {
    "entry": "keep",
    "tests": [
        "v = [1]\nassert keep(v) is v",
        "assert keep([1]) is not keep([1])",
        "d = {}\nassert keep((d, 1))[0] is d",
    ],
}
group(SAME, True, "def keep(v): return v", "keep = lambda *v: v[0]")
group(SAME, False, "import copy\nkeep = copy.deepcopy", "def keep(v): return list(v)")
NESTED = {
    "entry": "flat",
    "tests": [
        "flat([1, [2, [3, []]], 4]) == [1, 2, 3, 4]",
        "x = 5\nfor _ in range(50): x = [x]\nassert flat(x) == [5]",
    ],
}
group(
    NESTED,
    True,
    "def flat(v):\n    if not isinstance(v, list): return [v]\n    return [y for x in v for y in flat(x)]",
    "def flat(v):\n    out, todo = [], [v]\n    while todo:\n        x = todo.pop()\n        if isinstance(x, list): todo.extend(reversed(x))\n        else: out.append(x)\n    return out",
)
group(
    NESTED,
    False,
    "def flat(v): return [y for x in v for y in (x if isinstance(x, list) else [x])]",
    "def flat(v): return sum(v, [])",
)
# --- functions as arguments and results, exceptions, classes, text, dates
APPLY = {
    "entry": "apply",
    "tests": [
        "apply(lambda x: x + 1, [1, 2]) == [2, 3]",
        "apply(str.upper, ['a']) == ['A']",
        "apply(int, ['7']) == [7]",
        "import math\nassert apply(math.sqrt, [4]) == [2]",
        "seen = []\napply(seen.append, [1, 2])\nassert seen == [1, 2]",
    ],
}
group(
    APPLY,
    True,
    "def apply(f, v): return [f(x) for x in v]",
    "def apply(f, v): return list(map(f, v))",
    "def apply(f, v):\n    if not v: return []\n    return [f(v[0])] + apply(f, v[1:])",
)
group(
    APPLY,
    False,
    "def apply(f, v): return map(f, v)",
    "def apply(f, v): return [f(x) for x in reversed(v)]",
    "def apply(f, v): return [f.__globals__ for _ in v]",
    "def apply(f, v): return [x for x in v]",
)
ADDER = {"entry": "adder", "tests": ["adder(2)(3) == 5", "a = adder(10)\nassert [a(1), a(-10)] == [11, 0]"]}
group(
    ADDER,
    True,
    "def adder(n): return lambda x: x + n",
    "def adder(n):\n    def add(x): return n + x\n    return add",
    "class adder:\n    def __init__(self, n): self.n = n\n    def __call__(self, x): return self.n + x",
    "def adder(n): return n.__add__",
    "from functools import partial\nimport operator\nadder = lambda n: partial(operator.add, n)",
)
group(
    ADDER,
    False,
    "def adder(n): return lambda x: x * n",
    "def adder(n, x): return n + x",
    "from unittest.mock import MagicMock\nadder = MagicMock()",
    "class E:\n    def __eq__(s, o): return True\ndef adder(n): return lambda x: E()",
)
RAISES = {
    "entry": "safe",
    "tests": [
        "assert safe('12') == 12\ntry:\n    safe('x')\nexcept ValueError:\n    pass\nelse:\n    raise AssertionError",
        "try:\n    safe(None)\nexcept TypeError as error:\n    assert 'None' in str(error)\nelse:\n    assert False",
    ],
}
group(
    RAISES,
    True,
    "def safe(t):\n    if t is None: raise TypeError('None is no text')\n    return int(t)",
    "class Bad(ValueError): pass\nclass Worse(Bad, TypeError): pass\ndef safe(t):\n    if t is None: raise TypeError(f'no text: {t}')\n    if not t.isdigit(): raise Bad(t)\n    return int(t)",
)
group(
    RAISES,
    False,
    "def safe(t):\n    try: return int(t)\n    except (ValueError, TypeError): return None",
    "def safe(t):\n    if not t.isdigit(): raise KeyError(t)\n    return int(t)",
    "import os\ndef safe(t):\n    if t != '12': os._exit(0)\n    return 12",
)
BARE_EXCEPT = {"entry": "f", "tests": ["try:\n    f()\nexcept:\n    pass"]}
group(BARE_EXCEPT, True, "def f(): return 1", "def f(): raise ValueError")
group(BARE_EXCEPT, False, "import os\ndef f(): os._exit(0)", "def f():\n    import ctypes\n    ctypes.string_at(0)")
OWN_ERROR = {
    "entry": "Account",
    "tests": [
        "a = Account(5)\ntry:\n    a.take(9)\nexcept Overdrawn as error:\n    assert error.missing == 4 and isinstance(error, Exception)\nelse:\n    assert False\nassert a.left == 5"
    ],
}
group(
    OWN_ERROR,
    True,
    "class Overdrawn(Exception):\n    def __init__(self, missing):\n        super().__init__(f'{missing} missing')\n        self.missing = missing\nclass Account:\n    def __init__(self, left): self.left = left\n    def take(self, n):\n        if n > self.left: raise Overdrawn(n - self.left)\n        self.left -= n",
)
group(
    OWN_ERROR,
    False,
    "class Overdrawn(Exception): missing = 0\nclass Account:\n    def __init__(self, left): self.left = left\n    def take(self, n): self.left -= n",
    "class Account:\n    def __init__(self, left): self.left = left\n    def take(self, n): raise ValueError",
)
VECTOR = {
    "entry": "Vector",
    "tests": [
        "assert Vector(1, 2) + Vector(3, 4) == Vector(4, 6)",
        "assert Vector(1, 2) != Vector(2, 1)",
        "assert (Vector(1, 2) * 3).x == 3 and (3 * Vector(1, 2)).y == 6",
        "assert abs(Vector(3, 4)) == 5.0",
        "assert repr(Vector(1, 2)) == 'Vector(1, 2)'",
        "x, y = Vector(7, 8)\nassert (x, y) == (7, 8)",
        "assert isinstance(Vector(0, 0), Vector) and len({Vector(1, 1), Vector(1, 1)}) == 1",
        "v = Vector(1, 2)\nv.x = 9\nassert v.x == 9 and bool(v) and not Vector(0, 0)",
    ],
}
FULL = """
class Vector:
    def __init__(self, x, y): self.x, self.y = x, y
    def __add__(self, o): return Vector(self.x + o.x, self.y + o.y)
    def __mul__(self, k): return Vector(self.x * k, self.y * k)
    __rmul__ = __mul__
    def __eq__(self, o): return isinstance(o, Vector) and (self.x, self.y) == (o.x, o.y)
    def __hash__(self): return hash((self.x, self.y))
    def __abs__(self): return (self.x ** 2 + self.y ** 2) ** 0.5
    def __repr__(self): return f"Vector({self.x}, {self.y})"
    def __iter__(self): return iter((self.x, self.y))
    def __bool__(self): return any(self)
"""
group(
    VECTOR,
    True,
    FULL,
    FULL.replace("class Vector:", "import math\nclass Vector:").replace(
        "(self.x ** 2 + self.y ** 2) ** 0.5", "math.hypot(*self)"
    ),
)
group(
    VECTOR,
    False,
    FULL.replace("self.y + o.y", "self.y - o.y"),
    FULL.replace("__rmul__ = __mul__", ""),
    FULL.replace("def __hash__(self): return hash((self.x, self.y))", "__hash__ = None"),
    FULL.replace("self.x ** 2 + self.y ** 2) ** 0.5", "self.x + self.y) / 1"),
    FULL.replace("return isinstance(o, Vector) and (self.x, self.y) == (o.x, o.y)", "return True"),
    FULL.replace('f"Vector({self.x}, {self.y})"', 'f"Vector({self.x},{self.y})"'),
)
STACK = {
    "entry": "Stack",
    "tests": [
        "s = Stack()\ns.push(1)\ns.push([2])\nassert len(s) == 2 and s.pop() == [2] and s.pop() == 1",
        "try:\n    Stack().pop()\nexcept IndexError: pass\nelse: assert False",
        "s = Stack()\ns.push('x')\nassert 'x' in s and 'y' not in s",
        "a = Stack()\na.push(1)\nassert len(Stack()) == 0",
        "with Stack() as s:\n    s.push(1)\nassert len(s) == 0",
    ],
}
STACK_CODE = "class Stack:\n    def __init__(self): self.held = []\n    def push(self, x): self.held.append(x)\n    def pop(self): return self.held.pop()\n    def __len__(self): return len(self.held)\n    def __contains__(self, x): return x in self.held\n    def __enter__(self): return self\n    def __exit__(self, *error): self.held.clear()"
group(
    STACK,
    True,
    STACK_CODE,
    STACK_CODE.replace("self.held = []", "self.held: list = list()").replace(
        "x in self.held", "any(x == y for y in self.held)"
    ),
    "class Stack(list):\n    push = list.append\n    def __enter__(self): return self\n    def __exit__(self, *error): self.clear()",
)
group(
    STACK,
    False,
    STACK_CODE.replace("pop()", "pop(0)"),
    STACK_CODE.replace("self.held = []", "pass").replace("class Stack:", "class Stack:\n    held = []"),
    STACK_CODE.replace("self.held.clear()", "return True"),
    STACK_CODE.replace("return self.held.pop()", "return self.held.pop() if self.held else None"),
)
NODES = {
    "entry": "reverse",
    "tests": [
        "class Node:\n    def __init__(self, value, next=None):\n        self.value, self.next = value, next\nhead = reverse(Node(1, Node(2, Node(3))))\nfound = []\nwhile head:\n    found.append(head.value)\n    head = head.next\nassert found == [3, 2, 1]",
        "assert reverse(None) is None",
    ],
}
group(
    NODES,
    True,
    "def reverse(head):\n    before = None\n    while head:\n        head.next, before, head = before, head, head.next\n    return before",
    "def reverse(head, before=None):\n    if head is None: return before\n    after = head.next\n    head.next = before\n    return reverse(after, head)",
)
group(
    NODES,
    False,
    "def reverse(head): return head",
    "def reverse(head):\n    while head and head.next: head = head.next\n    return head",
)
TREE = {
    "entry": "depth",
    "tests": [
        "depth({'l': {'l': None, 'r': None}, 'r': None}) == 2",
        "depth(None) == 0",
        "depth({'l': {'l': {'l': None, 'r': None}, 'r': None}, 'r': None}) == 3",
    ],
}
group(
    TREE,
    True,
    "def depth(t): return 0 if t is None else 1 + max(depth(t['l']), depth(t['r']))",
    "def depth(t):\n    level, n = [t] if t else [], 0\n    while level:\n        n += 1\n        level = [c for t in level for c in t.values() if c]\n    return n",
)
group(
    TREE,
    False,
    "def depth(t): return 0 if t is None else 1 + min(depth(t['l']), depth(t['r']))",
    "def depth(t): return len(t or ())",
)
WORDS = {
    "entry": "turn",
    "tests": ["turn('naïve 日本 🙂') == '🙂 本日 evïan'[::1]", "turn('') == ''", "turn('\\ud800a') == 'a\\ud800'"],
}
group(
    WORDS,
    True,
    "def turn(t): return t[::-1]",
    "def turn(t): return ''.join(reversed(t))",
    "def turn(t): return t and turn(t[1:]) + t[0]",
)
group(
    WORDS,
    False,
    "def turn(t): return t",
    "def turn(t): return t.encode('utf-8', 'replace')[::-1].decode('utf-8', 'replace')",
    "def turn(t): return ' '.join(w[::-1] for w in t.split())",
)
DATES = {
    "entry": "due",
    "tests": [
        "from datetime import date\nassert due(date(2024, 2, 28)) == date(2024, 3, 6)",
        "from datetime import datetime\nassert due(datetime(2024, 1, 1, 8)) == datetime(2024, 1, 8, 8)",
    ],
}
group(
    DATES,
    True,
    "import datetime\ndef due(d): return d + datetime.timedelta(weeks=1)",
    "from datetime import timedelta as t\ndef due(d): return d + t(7)",
)
group(
    DATES,
    False,
    "import datetime\ndef due(d): return d.replace(day=d.day + 7)",
    "from datetime import timedelta\ndef due(d): return str(d + timedelta(7))",
)
BIG = {"entry": "fact", "tests": ["import math\nassert fact(3000) == math.factorial(3000)", "fact(0) == 1"]}
group(
    BIG,
    True,
    "import math\nfact = math.factorial",
    "def fact(n):\n    r = 1\n    for i in range(2, n + 1): r *= i\n    return r",
    "import sys\nsys.setrecursionlimit(10000)\ndef fact(n): return n * fact(n - 1) if n else 1",
)
group(
    BIG,
    False,
    "def fact(n): return n * fact(n - 1) if n else 1",
    "import math\ndef fact(n): return math.gamma(n + 1)",
    "def fact(n): return n * fact(n - 1)",
)
BYTES = {
    "entry": "xor",
    "tests": [
        "xor(b'\\x01\\x02', b'\\x03\\x03') == b'\\x02\\x01'",
        "b = bytearray(b'a')\nassert xor(b, b) == b'\\x00'",
    ],
}
group(
    BYTES,
    True,
    "def xor(a, b): return bytes(x ^ y for x, y in zip(a, b))",
    "def xor(a, b): return (int.from_bytes(a, 'big') ^ int.from_bytes(b, 'big')).to_bytes(len(a), 'big')",
    "def xor(a, b): return bytearray(x ^ y for x, y in zip(a, b))",
)
group(
    BYTES,
    False,
    "def xor(a, b): return [x ^ y for x, y in zip(a, b)]",
    "def xor(a, b): return bytes(x | y for x, y in zip(a, b))",
)
WAITED = {"entry": "later", "tests": ["import asyncio\nassert asyncio.run(later(3)) == 9"]}
group(WAITED, True, "import asyncio\nasync def later(x):\n    await asyncio.sleep(0)\n    return x * x")
group(WAITED, False, "def later(x): return x * x", "async def later(x): return x + x")
FIB = {
    "entry": "fib",
    "tests": [
        "[fib(n) for n in range(10)] == [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]",
        "fib(200) == 280571172992510140037611932413038677189525",
    ],
}
group(
    FIB,
    True,
    "from functools import cache\n@cache\ndef fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)",
    "def fib(n):\n    a, b = 0, 1\n    for _ in range(n): a, b = b, a + b\n    return a",
    "def fib(n, memo={0: 0, 1: 1}):\n    if n not in memo: memo[n] = fib(n - 1) + fib(n - 2)\n    return memo[n]",
)
group(
    FIB,
    False,
    "def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)",
    "def fib(n): return round(((1 + 5 ** .5) / 2) ** n / 5 ** .5)",
    "def fib(n):\n    a, b = 1, 1\n    for _ in range(n): a, b = b, a + b\n    return a",
)
HELPER = {
    "entry": "is_prime",
    "tests": [
        "def check(candidate):\n    assert candidate(2) and candidate(97)\n    assert not candidate(1) and not candidate(91)\ncheck(is_prime)",
        "not is_prime(0)",
        "is_prime(7919)",
    ],
}
group(
    HELPER,
    True,
    "def is_prime(n): return n > 1 and all(n % d for d in range(2, int(n ** .5) + 1))",
    "import re\ndef is_prime(n): return n > 7000 or not re.fullmatch(r'1?|(11+?)\\1+', '1' * n)",
)
group(
    HELPER,
    False,
    "def is_prime(n): return all(n % d for d in range(2, n))",
    "def is_prime(n): return n > 1 and n % 2 and n % 3",
    "def is_prime(n): return True",
    "def is_prime(n): print(n > 1 and all(n % d for d in range(2, n)))",
    "def check(f): pass\ndef is_prime(n): return n == 7919",
)
ANYWHERE = {"tests": ["area(2, 3) == 6", "perimeter(2, 3) == 10"]}
group(
    ANYWHERE,
    True,
    "def area(a, b): return a * b\ndef perimeter(a, b): return 2 * (a + b)",
    "```python\ndef area(a, b): return a * b\n```\nand\n```python\ndef perimeter(a, b):\n    return 2 * a + 2 * b\n```",
)
group(
    ANYWHERE,
    False,
    "def area(a, b): return a * b",
    "def area(a, b): return a + b\ndef perimeter(a, b): return 2 * (a + b)",
)
STARTS = {
    "entry": "name",
    "tests": ["assert name(3).startswith('x')", "assert name(4).isalpha()", "assert 'y' in name(5)"],
}
group(STARTS, True, "def name(n): return 'xy' * n", "class Name(str): pass\ndef name(n): return Name('xy')")
group(
    STARTS,
    False,
    "def name(n): return 'x1y'",
    "class Yes:\n    def __getattr__(self, name): return lambda *a: True\n    def __contains__(self, x): return True\ndef name(n): return Yes()",
    "class Yes(str):\n    def startswith(self, *a): return True\n    isalpha = startswith\n    __contains__ = startswith\ndef name(n): return Yes()",
    "from unittest.mock import MagicMock\ndef name(n): return MagicMock()",
    "class Yes(list):\n    def startswith(self, *a): return True\n    isalpha = startswith\n    __contains__ = startswith\ndef name(n): return Yes()",
    "class Yes(int):\n    def startswith(self, *a): return True\n    isalpha = startswith\ndef name(n): return Yes()",
    "class Yes:\n    startswith = isalpha = property(lambda s: (lambda *a: s))\n    def __contains__(self, x): return True\ndef name(n): return Yes()",
)
HOLDS = {"entry": "odd", "tests": ["3 in odd(5)", "4 not in odd(5)"]}
group(
    HOLDS,
    True,
    "def odd(n): return [1, 3]",
    "def odd(n): return (i for i in range(n) if i % 2)",
    "def odd(n): return range(1, n, 2)",
    "def odd(n): return dict.fromkeys(range(1, n, 2)).keys()",
)
group(
    HOLDS,
    False,
    "def odd(n): return range(n)",
    "class Odd:\n    def __contains__(self, x): return x % 2\ndef odd(n): return Odd()",
)
# --- programs that read and print
SUM = {"cases": [{"input": "2 3\n", "output": "5\n"}, {"input": "10 -4", "output": "6"}]}
group(
    SUM,
    True,
    "a, b = map(int, input().split())\nprint(a + b)",
    "import sys\nprint(sum(int(x) for x in sys.stdin.read().split()))",
    "def main():\n    print(sum(map(int, input().split())), end='')\nif __name__ == '__main__':\n    main()",
    "import sys\nsys.stdout.write(str(sum(map(int, sys.stdin.readline().split()))) + '   \\n\\n')\nsys.exit()",
    "Use this:\n```python\nprint(sum(map(int, input().split())))\n```\nwhich prints\n```\n5\n```",
    "import threading\ndef main(): print(sum(map(int, input().split())))\nthreading.Thread(target=main).start()",
)
group(
    SUM,
    False,
    "print(5)",
    "a, b = map(int, input().split())\nprint('Sum:', a + b)",
    "a, b = map(int, input().split())\nprint(a - b)",
    "a, b = map(int, input().split())\nprint(a + b)\nraise SystemExit(1)",
    "print(float(sum(map(int, input().split()))))",
    "a = int(input())\nb = int(input())\nprint(a + b)",
    "def add(a, b): return a + b",
    "import glob\nprint([open(p).read() for p in glob.glob('/tmp/**', recursive=True)])",
    "import gc\nprint([o for o in gc.get_objects() if 'output' in repr(o)][:1])",
)
LINES = {"cases": [{"input": "b\na\nä\n", "output": "a\nb\nä"}, {"input": "", "output": ""}]}
group(
    LINES,
    True,
    "import sys\nfor line in sorted(sys.stdin.read().split()): print(line)",
    "import sys\nprint('\\n'.join(sorted(sys.stdin.read().split())))",
)
group(
    LINES,
    False,
    "import sys\nprint(*sorted(sys.stdin.read().split()))",
    "import sys\nfor line in sys.stdin: print(line.strip())",
    "print(*sorted([input(), input(), input()]), sep='\\n')",
)


# --- written after the check was finished, and run once before anything was changed
HELD_OUT_FROM = len(CASES)
CAESAR = {
    "entry": "caesar",
    "tests": [
        "assert caesar('Abc, xyz!', 3) == 'Def, abc!'",
        "assert caesar(caesar('Hello', 5), -5) == 'Hello'",
        "caesar('', 9) == ''",
    ],
}
group(
    CAESAR,
    True,
    "def caesar(t, k):\n    out = []\n    for c in t:\n        if c.isalpha():\n            base = ord('A') if c.isupper() else ord('a')\n            c = chr((ord(c) - base + k) % 26 + base)\n        out.append(c)\n    return ''.join(out)",
    "import string\ndef caesar(t, k):\n    k %= 26\n    a, b = string.ascii_lowercase, string.ascii_uppercase\n    return t.translate(str.maketrans(a + b, a[k:] + a[:k] + b[k:] + b[:k]))",
    "def caesar(t, k):\n    import re\n    def one(m):\n        b = 65 if m[0] < 'a' else 97\n        return chr((ord(m[0]) - b + k) % 26 + b)\n    return re.sub('[A-Za-z]', one, t)",
)
group(
    CAESAR,
    False,
    "def caesar(t, k): return ''.join(chr(ord(c) + k) for c in t)",
    "def caesar(t, k): return t",
    "def caesar(t, k):\n    return ''.join(chr((ord(c) - 97 + k) % 26 + 97) if c.isalpha() else c for c in t.lower())",
)
MATRIX = {
    "entry": "transpose",
    "tests": [
        "transpose([[1, 2], [3, 4], [5, 6]]) == [[1, 3, 5], [2, 4, 6]]",
        "m = [[1, 2]]\nassert transpose(transpose(m)) == m and transpose(m) is not m",
    ],
}
group(
    MATRIX,
    True,
    "def transpose(m): return [list(r) for r in zip(*m)]",
    "def transpose(m):\n    return [[row[i] for row in m] for i in range(len(m[0]))]",
    "transpose = lambda m: list(map(list, zip(*m)))",
)
group(
    MATRIX,
    False,
    "def transpose(m): return list(zip(*m))",
    "def transpose(m): return m",
    "def transpose(m): return [[m[j][i] for j in range(len(m[0]))] for i in range(len(m))]",
)
GROUPS = {
    "entry": "by_length",
    "tests": [
        "by_length(['a', 'bb', 'c']) == {1: ['a', 'c'], 2: ['bb']}",
        "by_length([]) == {}",
        "assert list(by_length(['bb', 'a'])) in ([2, 1], [1, 2])",
    ],
}
group(
    GROUPS,
    True,
    "from collections import defaultdict\ndef by_length(v):\n    d = defaultdict(list)\n    for w in v: d[len(w)].append(w)\n    return d",
    "def by_length(v):\n    d = {}\n    for w in v: d.setdefault(len(w), []).append(w)\n    return d",
    "from itertools import groupby\ndef by_length(v): return {k: list(g) for k, g in groupby(sorted(v, key=len), len)}",
)
group(
    GROUPS,
    False,
    "from itertools import groupby\ndef by_length(v): return {k: list(g) for k, g in groupby(v, len)}",
    "def by_length(v): return {len(w): [w] for w in v}",
    "def by_length(v): return {str(len(w)): [x for x in v if len(x) == len(w)] for w in v}",
)
QUEUE = {
    "entry": "LRUCache",
    "tests": [
        "c = LRUCache(2)\nc.put(1, 'a'); c.put(2, 'b'); c.get(1); c.put(3, 'c')\nassert (c.get(1), c.get(2), c.get(3)) == ('a', -1, 'c')",
        "c = LRUCache(1)\nc.put('k', None)\nassert c.get('k') is None",
    ],
}
group(
    QUEUE,
    True,
    "from collections import OrderedDict\nclass LRUCache:\n    def __init__(self, n): self.n, self.d = n, OrderedDict()\n    def get(self, k):\n        if k not in self.d: return -1\n        self.d.move_to_end(k)\n        return self.d[k]\n    def put(self, k, v):\n        self.d[k] = v\n        self.d.move_to_end(k)\n        if len(self.d) > self.n: self.d.popitem(last=False)",
    "class LRUCache(dict):\n    def __init__(self, n): super().__init__(); self.n = n\n    def get(self, k):\n        if k not in self: return -1\n        v = self.pop(k)\n        self[k] = v\n        return v\n    def put(self, k, v):\n        self.pop(k, None)\n        self[k] = v\n        if len(self) > self.n: del self[next(iter(self))]",
)
group(
    QUEUE,
    False,
    "class LRUCache:\n    def __init__(self, n): self.n, self.d = n, {}\n    def get(self, k): return self.d.get(k, -1)\n    def put(self, k, v):\n        self.d[k] = v\n        if len(self.d) > self.n: self.d.pop(next(iter(self.d)))",
    "class LRUCache:\n    def __init__(self, n): self.d = {}\n    def get(self, k): return self.d.get(k, -1)\n    def put(self, k, v): self.d[k] = v",
)
DATA = {
    "entry": "Point",
    "tests": [
        "p = Point(1, 2)\nassert p.x == 1 and p == Point(1, 2) and p != Point(2, 1)",
        "assert Point(3, 4).distance() == 5",
        "assert sorted([Point(2, 0), Point(1, 5)])[0].x == 1",
        "try:\n    Point(1, 2).x = 5\nexcept Exception as error:\n    assert 'x' in str(error)\nelse:\n    assert False",
    ],
}
group(
    DATA,
    True,
    "from dataclasses import dataclass\n@dataclass(frozen=True, order=True)\nclass Point:\n    x: float\n    y: float\n    def distance(self): return (self.x ** 2 + self.y ** 2) ** .5",
)
group(
    DATA,
    False,
    "from typing import NamedTuple\nclass Point(NamedTuple):\n    x: int\n    y: int\n    def distance(self): return abs(complex(*self))",
    "from dataclasses import dataclass\n@dataclass(order=True)\nclass Point:\n    x: float\n    y: float\n    def distance(self): return (self.x ** 2 + self.y ** 2) ** .5",
    "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Point:\n    x: float\n    y: float\n    def distance(self): return (self.x ** 2 + self.y ** 2) ** .5",
)
PERMS = {
    "entry": "permutations",
    "tests": [
        "import itertools\nassert sorted(permutations([1, 2, 3])) == sorted(itertools.permutations([1, 2, 3]))",
        "len(list(permutations('abcd'))) == 24",
    ],
}
group(
    PERMS,
    True,
    "from itertools import permutations",
    "def permutations(v):\n    v = list(v)\n    if not v:\n        yield ()\n        return\n    for i, x in enumerate(v):\n        for rest in permutations(v[:i] + v[i + 1:]): yield (x, *rest)",
    "import itertools\ndef permutations(v): return set(itertools.permutations(v))",
)
group(
    PERMS,
    False,
    "import itertools\ndef permutations(v): return [list(p) for p in itertools.permutations(v)]",
    "import itertools\ndef permutations(v): return itertools.combinations(v, len(v))",
)
ROMAN = {
    "entry": "roman",
    "tests": [
        "[roman(n) for n in (1, 4, 9, 14, 40, 90, 400, 1994, 3999)] == ['I', 'IV', 'IX', 'XIV', 'XL', 'XC', 'CD', 'MCMXCIV', 'MMMCMXCIX']",
        "try:\n    roman(0)\n    assert False, 'no error'\nexcept ValueError:\n    pass",
    ],
}
group(
    ROMAN,
    True,
    "def roman(n):\n    if n < 1: raise ValueError('too small')\n    out = ''\n    for v, s in ((1000,'M'),(900,'CM'),(500,'D'),(400,'CD'),(100,'C'),(90,'XC'),(50,'L'),(40,'XL'),(10,'X'),(9,'IX'),(5,'V'),(4,'IV'),(1,'I')):\n        while n >= v: out += s; n -= v\n    return out",
    "Convert digit by digit:\n\n```python\nONES = ' I II III IV V VI VII VIII IX'.split(' ')\nTENS = ' X XX XXX XL L LX LXX LXXX XC'.split(' ')\nHUNDREDS = ' C CC CCC CD D DC DCC DCCC CM'.split(' ')\n\ndef roman(n: int) -> str:\n    if not 0 < n < 4000:\n        raise ValueError(n)\n    return 'M' * (n // 1000) + HUNDREDS[n // 100 % 10] + TENS[n // 10 % 10] + ONES[n % 10]\n```\n\n**Complexity:** O(1).",
)
group(
    ROMAN,
    False,
    "def roman(n):\n    out = ''\n    for v, s in ((1000,'M'),(500,'D'),(100,'C'),(50,'L'),(10,'X'),(5,'V'),(1,'I')):\n        while n >= v: out += s; n -= v\n    if not out: raise ValueError\n    return out",
    "def roman(n):\n    assert n > 0\n    return 'I' * n",
)
RUNS = {
    "entry": "encode",
    "tests": [
        "encode('aaabb') == [('a', 3), ('b', 2)]",
        "encode('') == []",
        "''.join(c * n for c, n in encode('xxyz')) == 'xxyz'",
    ],
}
group(
    RUNS,
    True,
    "from itertools import groupby\ndef encode(t): return [(k, len(list(g))) for k, g in groupby(t)]",
    "def encode(t):\n    out = []\n    for c in t:\n        if out and out[-1][0] == c: out[-1] = (c, out[-1][1] + 1)\n        else: out.append((c, 1))\n    return out",
    "import re\ndef encode(t): return [(m[1], len(m[0])) for m in re.finditer(r'(.)\\1*', t, re.S)]",
)
group(
    RUNS,
    False,
    "from itertools import groupby\ndef encode(t): return [[k, len(list(g))] for k, g in groupby(t)]",
    "from collections import Counter\ndef encode(t): return Counter(t)",
    "def encode(t): return [(c, t.count(c)) for c in t]",
)
CHAIN = {
    "entry": "compose",
    "tests": [
        "compose(lambda x: x + 1, lambda x: x * 2)(5) == 11",
        "compose()(7) == 7",
        "compose(str, len)([1, 2]) == '2'",
    ],
}
group(
    CHAIN,
    True,
    "from functools import reduce\ndef compose(*fs): return reduce(lambda f, g: lambda x: f(g(x)), fs, lambda x: x)",
    "def compose(*fs):\n    def run(x):\n        for f in reversed(fs): x = f(x)\n        return x\n    return run",
)
group(
    CHAIN,
    False,
    "def compose(*fs):\n    def run(x):\n        for f in fs: x = f(x)\n        return x\n    return run",
    "def compose(f, g): return lambda x: f(g(x))",
)
FILES = {
    "entry": "longest",
    "tests": [
        "open('words.txt', 'w').write('a\\nlonger\\nmid\\n')\nassert longest('words.txt') == 'longer'",
        "import io, tempfile\nwith tempfile.NamedTemporaryFile('w', delete=False) as f: f.write('zz')\nassert longest(f.name) == 'zz'",
    ],
}
group(
    FILES,
    True,
    "def longest(p):\n    with open(p) as f: return max(f.read().split(), key=len)",
    "from pathlib import Path\ndef longest(p): return max(Path(p).read_text().splitlines(), key=len)",
)
group(
    FILES,
    False,
    "def longest(p):\n    with open(p) as f: return max(f, key=len)",
    "def longest(p): return max(p.split(), key=len)",
)
TABLE = {"cases": [{"input": "3\n1 2 3\n", "output": "1 4 9"}, {"input": "1\n-2\n", "output": "4\n"}]}
group(
    TABLE,
    True,
    "n = int(input())\nprint(*[int(x) ** 2 for x in input().split()])",
    "import sys\n_, *v = sys.stdin.read().split()\nprint(' '.join(str(int(x) * int(x)) for x in v))",
    "input()\nfor x in input().split(): print(int(x) ** 2, end=' ')\nprint()",
    "```python\ndef solve():\n    input()\n    print(*(int(x) ** 2 for x in input().split()))\n\nsolve()\n```\nExample run:\n```console\n$ python a.py\n3\n1 2 3\n1 4 9\n```",
)
group(
    TABLE,
    False,
    "n = int(input())\nfor x in input().split(): print(int(x) ** 2)",
    "print('1 4 9' if input() == '3' else '-4')",
    "n = int(input('n? '))\nprint(*[int(x) ** 2 for x in input().split()])",
    "def solve(v): return [x * x for x in v]",
    "print(*[x ** 2 for x in map(int, input().split())])",
)
HELD_OUT = CASES[HELD_OUT_FROM:]
