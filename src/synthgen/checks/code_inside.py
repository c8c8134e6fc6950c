"""What runs in the sandbox when code is checked: the tests in one process, the code that a model wrote in another.

The process of the tests holds what is expected, compares, and says the verdict. The process of the code never sees it: it gets
calls, and gives back values. Plain values (numbers, text, tuples, lists, dicts, dates, ...) are built anew on the other side, so
that `==` is Python's own; lists, dicts and sets keep their identity, and what is changed in them is changed on both sides. Every
other object stays where it is and is represented by a Proxy.

A Proxy of the code's own object never equals a plain value, whatever its class says, and what comes of reckoning with it and a
plain value tells nothing: else `abs(f(2) - 4) < 1e-9` could be met by an object made for it.

Sent to the sandbox as text; it imports nothing of this package.
"""

import ast
import builtins
import collections
import contextlib
import functools
import importlib
import io
import json
import operator
import os
import re
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

FENCE = re.compile(r"[ \t>]{0,12}(`{3,20}|~{3,20})[ \t]*([^\s`{]*)[^`]*")
PYTHON = {"", "python", "python3", "py", "py3"}
MOST_BLOCKS = 40
LONGEST_MESSAGE = 16 << 20
EXACT = 1 << 53
"""Whole numbers from here on are sent in hexadecimal: JSON readers lose them, and Python refuses very long decimal ones."""
CONTAINERS: dict[str, type] = {
    one.__name__: one
    for one in (
        list,
        dict,
        set,
        bytearray,
        collections.deque,
        collections.Counter,
        collections.OrderedDict,
        collections.defaultdict,
    )
}
VALUES: dict[str, tuple[str, Callable[[Any], list[Any]]]] = {
    "complex": ("builtins", lambda v: [v.real, v.imag]),
    "tuple": ("builtins", list),
    "frozenset": ("builtins", list),
    "range": ("builtins", lambda v: [v.start, v.stop, v.step]),
    "slice": ("builtins", lambda v: [v.start, v.stop, v.step]),
    "Decimal": ("decimal", lambda v: [str(v)]),
    "Fraction": ("fractions", lambda v: [v.numerator, v.denominator]),
    "timedelta": ("datetime", lambda v: [v.days, v.seconds, v.microseconds]),
    "date": ("datetime", lambda v: [v.year, v.month, v.day]),
    "datetime": ("datetime", lambda v: [v.year, v.month, v.day, v.hour, v.minute, v.second, v.microsecond]),
    "time": ("datetime", lambda v: [v.hour, v.minute, v.second, v.microsecond]),
}
"""Values without parts that change: (module, its parts). Modules are imported when such a value is first met."""
PLAIN = (bool, int, float, complex, str, bytes, tuple, frozenset, list, dict, set)
TYPES: dict[str, Any] = {one.__name__: one for one in (*PLAIN, object, type, bytearray, range, type(None))}
EXCEPTIONS = {
    name: one for name, one in vars(builtins).items() if isinstance(one, type) and issubclass(one, BaseException)
}


def reflected(ask: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """An operation whose second operand is asked first."""
    return lambda a, b: ask(b, a)


BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor", "lshift", "rshift")
ORDER = ("eq", "ne", "lt", "le", "gt", "ge")
ARITHMETIC = {f"__{name.strip('_')}__": getattr(operator, name) for name in BINARY}
REFLECTED = {f"__r{name.strip('_')}__": reflected(getattr(operator, name)) for name in BINARY}
COMPARISONS = {f"__{name}__": getattr(operator, name) for name in ORDER}
TELLING: dict[str, Callable[..., Any]] = {
    "__bool__": bool,
    "__len__": len,
    "__abs__": abs,
    "__int__": int,
    "__float__": float,
    "__index__": operator.index,
    "__round__": round,
    "__str__": str,
    "__repr__": repr,
    "__format__": format,
    "__hash__": hash,
    "__contains__": operator.contains,
}
"""Operations that give a plain value."""
OTHER: dict[str, Callable[..., Any]] = {
    "__neg__": operator.neg,
    "__pos__": operator.pos,
    "__invert__": operator.invert,
    "__getitem__": operator.getitem,
    "__setitem__": operator.setitem,
    "__delitem__": operator.delitem,
    "__iter__": iter,
    "__next__": next,
    "__reversed__": reversed,
    "__enter__": lambda one: type(one).__enter__(one),
    "__exit__": lambda one, *error: type(one).__exit__(one, *error),
    "__call__": lambda one, *args, **kwargs: one(*args, **kwargs),
    "__instancecheck__": lambda one, other: isinstance(other, one),
    "__subclasscheck__": lambda one, other: issubclass(other, one),
}
OPERATIONS = {**ARITHMETIC, **REFLECTED, **COMPARISONS, **TELLING, **OTHER}
RECKONING = {*ARITHMETIC, *REFLECTED}
OF_BASE = {*RECKONING, *COMPARISONS, *TELLING} - {"__str__", "__repr__", "__format__"}
"""What a plain value answers for an object whose class is derived from its type."""
CHANGING = (list, dict, set)
HIDDEN = ("_", "gi_", "cr_", "ag_", "tb_", "f_", "co_", "func_")
"""How names begin by which the code could climb from an object of the tests to the tests themselves."""
YES_OR_NO = {name for name in dir(str) if name.startswith("is")} | {
    "startswith", "endswith", "issubset", "issuperset", "isdisjoint", "is_integer",
}  # fmt: skip
"""Methods of plain values that answer yes or no."""
MAY_STOP = {"send", "throw"}
"""Methods that say by StopIteration that they have come to the end."""


NO_ROOM = 75
"""Exit code where this machine has no room for the second process."""


class Refused(TypeError):
    """What an object of the code's own may not tell."""


class Ended(BaseException):
    """The other process is gone, or says what cannot be understood."""


class Proxy:
    """An object of the other process."""

    __slots__ = ("proxy_base", "proxy_derived", "proxy_method", "proxy_number", "proxy_peer", "proxy_reckoned")

    def __init__(self, peer: "Peer", number: int) -> None:
        put(self, peer=peer, number=number, base=None, derived=False, reckoned=False, method="")

    def __getattr__(self, name: str) -> Any:
        base = self.proxy_base
        if base is not None and type(base) not in CHANGING and hasattr(base, name):
            return getattr(base, name)
        return self.proxy_peer.attribute(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.proxy_peer.ask("setattr", self, name, value)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return Proxy if self.proxy_base is None else type(self.proxy_base)


def put(proxy: Proxy, **facts: Any) -> None:
    """What this side knows of an object: its peer and number, and what decides how far its word counts.

    The plain value, where its class is derived from a plain one; whether a plain value of the tests went into it (`derived`), and
    whether by reckoning; the name of the method that it is, or "".
    """
    for name, fact in facts.items():
        object.__setattr__(proxy, "proxy_" + name, fact)


def plain(value: Any) -> Any:
    """The plain value behind a Proxy, where there is one, as it is now."""
    if type(value) is not Proxy or value.proxy_base is None:
        return value
    return value.proxy_peer.ask("bare", value) if type(value.proxy_base) in CHANGING else value.proxy_base


def operation(name: str) -> Callable[..., Any]:
    """A special method of Proxy: it asks the other process, as far as its word counts."""

    def ask(self: Proxy, *args: Any, **kwargs: Any) -> Any:
        peer = self.proxy_peer
        if not peer.strict:
            return peer.ask(name, self, *args, **kwargs)
        if self.proxy_derived and (name == "__bool__" or (name in TELLING and self.proxy_base is None)):
            raise Refused(f"{name} of what a value of the tests went into")
        if self.proxy_base is not None and name in OF_BASE:
            return OPERATIONS[name](plain(self), *map(plain, args), **kwargs)
        mixed = any(type(one) is not Proxy or one.proxy_base is not None for one in args)
        if mixed and name in COMPARISONS:
            return NotImplemented
        if name == "__contains__" and not peer.of_class:
            return args[0] in list(self)
        return peer.counted(self, name, args, peer.ask(name, self, *args, **kwargs), mixed=mixed)

    return ask


for _name in OPERATIONS:
    setattr(Proxy, _name, operation(_name))


class Peer:
    """One of the two processes, as the other sees it: messages are lines of JSON."""

    def __init__(self, reads: int, writes: int, *, strict: bool) -> None:
        self.input = os.fdopen(reads, "rb")
        self.output = os.fdopen(writes, "wb")
        self.strict = strict
        """Whether this is the side of the tests."""
        self.of_class = False
        """Whether the tests are about a class, and so the word of its objects counts."""
        self.assertions: set[tuple[str, int]] = set()
        """Where the tests assert something: file and line."""
        self.ended = False
        self.next = int(strict)
        self.objects: dict[int, Any] = {}
        """Everything that both sides know by a number."""
        self.numbers: dict[int, int] = {}
        """By id; `objects` keeps the ids from being used again."""

    # --- messages

    def ask(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Have the other side do something; meanwhile it may ask back."""
        self.send(["do", name, self.encoded([*args], {}), self.encoded(kwargs, {})])
        while True:
            match self.receive():
                case ["do", str(asked), values, named]:
                    self.send(self.done(asked, values, named))
                case ["ok" | "raised" as how, value, given]:
                    found = self.decoded(value)
                    self.decoded(given)
                    if how == "ok":
                        return found
                    self.raised(found, name, args)
                case _:
                    self.end()

    def serve(self) -> NoReturn:
        """Do what is asked until the other side is gone."""
        while True:
            match self.receive():
                case ["do", str(asked), values, named]:
                    self.send(self.done(asked, values, named))
                case _:
                    self.end()

    def done(self, name: str, values: Any, named: Any) -> list[Any]:
        """The reply to one thing that is asked, with what has become of the containers that were given."""
        args, kwargs = self.decoded(values), self.decoded(named)
        seen: dict[int, None] = {}
        try:
            reply = ["ok", self.encoded(self.do(name, *args, **kwargs), seen)]
        except Ended:
            raise
        except BaseException as error:  # noqa: BLE001 - the other side gets whatever was raised
            reply = ["raised", self.encoded(error, seen)]
        return [*reply, None if name == "load" else self.encoded((args, kwargs), seen)]

    def raised(self, error: Any, name: str, args: tuple[Any, ...]) -> NoReturn:
        """Raise what the other side raised. StopIteration passes only where something can come to its end.

        Else `all(map(lambda x: f(x) == 2 * x, cases))` would be true of a function that raises it.
        """
        if not isinstance(error, BaseException):
            self.end()
        ends = name == "__next__" or (name == "__call__" and getattr(args[0], "proxy_method", "") in MAY_STOP)
        if self.strict and isinstance(error, StopIteration) and not ends:
            raise RuntimeError("the code raised StopIteration") from None
        raise error

    def in_assertion(self, error: tuple[Any, ...]) -> bool:
        """Whether an error came up while a test asserted something: that is not the code's to put away."""
        trace = error[2] if len(error) > 2 else None
        while trace is not None:
            if (trace.tb_frame.f_code.co_filename, trace.tb_lineno) in self.assertions:
                return True
            trace = trace.tb_next
        return False

    def counted(self, one: Proxy, name: str, args: tuple[Any, ...], found: Any, *, mixed: bool) -> Any:
        """What came of an operation on an object, as far as that counts; `mixed`: a plain value took part."""
        if name == "__exit__" and self.in_assertion(args):
            return False
        if (mixed and name in RECKONING) or (one.proxy_reckoned and name not in COMPARISONS and not self.of_class):
            return self.reckoned(found)
        if one.proxy_method:
            return self.weighed(found, called=True)
        if one.proxy_derived and type(found) is Proxy:
            put(found, derived=True)
        return found

    def reckoned(self, found: Any) -> Any:
        """What comes of an object and a plain value, or of that again: an object, which tells nothing plain."""
        if type(found) is not Proxy or found.proxy_base is not None:
            raise Refused("a plain value that comes of an object and a plain value")
        put(found, derived=True, reckoned=True)
        return found

    def attribute(self, one: Proxy, name: str) -> Any:
        """An attribute of an object."""
        if self.strict and not self.of_class:
            if name in YES_OR_NO:
                return self.of_base(one, name)
            if one.proxy_reckoned:
                return self.reckoned(self.ask("getattr", one, name))
        found = self.weighed(self.ask("getattr", one, name))
        if type(found) is Proxy:
            put(found, method=name)
        return found

    def of_base(self, one: Proxy, name: str) -> Any:
        """A method that answers yes or no: that of the plain value behind an object."""
        if one.proxy_base is None:
            raise Refused(f"{name} of an object of the code's own")
        return getattr(plain(one), name)

    def weighed(self, found: Any, *, called: bool = False) -> Any:
        """An attribute of an object, or what its method returns.

        Where the tests are about a function, yes or no is not an object's to say: an object that says yes to everything would
        pass for a text that starts with the right letter.
        """
        if not self.strict or self.of_class:
            return found
        if type(found) is bool:
            raise Refused("an object of the code's own says so")
        if type(found) is Proxy:
            put(found, derived=called or found.proxy_base is not None, method="")
        return found

    def do(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """One thing that the other side may ask for."""
        if self.strict:
            self.allow(name, *args)
        elif name in OF_THE_CODE:
            return OF_THE_CODE[name](*args)
        return {**OPERATIONS, "getattr": getattr, "setattr": setattr}[name](*args, **kwargs)

    def allow(self, name: str, target: Any, *args: Any) -> None:
        """Refuse what the code may not ask of the tests: anything but to use the objects that it was given.

        With `type` it could make a class here whose objects are equal to everything.
        """
        number = self.numbers.get(id(target), self.next + 1)
        if type(target) is Proxy or number % 2 != self.next % 2:
            raise PermissionError(name)
        if (
            name not in OPERATIONS
            and (type(args[0]) is not str or args[0].startswith(HIDDEN))
            and args[0] != "__name__"
        ):
            raise AttributeError(args[0])
        if name == "setattr" and isinstance(target, (type, types.FunctionType, types.ModuleType)):
            raise AttributeError(args[0])

    def send(self, message: list[Any]) -> None:
        """Write one line."""
        try:
            self.output.write(json.dumps(message).encode() + b"\n")
            self.output.flush()
        except OSError:
            self.end()

    def receive(self) -> Any:
        """Read one line."""
        try:
            line = self.input.readline(LONGEST_MESSAGE)
            return json.loads(line) if line.endswith(b"\n") else self.end()
        except (OSError, ValueError, RecursionError):
            self.end()

    def end(self) -> NoReturn:
        """Nothing more can be had from the other side."""
        self.ended = True
        raise Ended

    # --- values

    def encoded(self, value: Any, seen: dict[int, None]) -> Any:
        """A value as JSON; what is not JSON's own is a list that begins with its kind."""
        kind = type(value)
        if value is None or kind in {bool, str, float}:
            return value
        if kind is int:
            return value if abs(value) < EXACT else ["int", hex(value)]
        if kind is bytes:
            return ["bytes", value.hex()]
        if is_value(value):
            return [kind.__name__, *(self.encoded(part, seen) for part in VALUES[kind.__name__][1](value))]
        if CONTAINERS.get(kind.__name__) is kind:
            return self.container(value, seen)
        if kind is Proxy or (id(value) in self.numbers and isinstance(value, type)):
            return ["back", value.proxy_number if kind is Proxy else self.numbers[id(value)]]
        return self.by_name(value) or self.thing(value, seen)

    def container(self, value: Any, seen: dict[int, None]) -> Any:
        """A container with its number and, the first time in a message, all that is in it."""
        number = self.number(value)
        if number in seen:
            return ["back", number]
        seen[number] = None
        parts = [part for pair in value.items() for part in pair] if isinstance(value, dict) else list(value)
        return [type(value).__name__, number, *(self.encoded(part, seen) for part in parts)]

    def number(self, value: Any) -> int:
        """The number by which both sides know an object."""
        if id(value) not in self.numbers:
            self.numbers[id(value)] = self.next
            self.objects[self.next] = value
            self.next += 2
        return self.numbers[id(value)]

    def by_name(self, value: Any) -> Any:
        """What both sides have of their own: the tests may send anything of the standard library, the code only plain types."""
        known = str(getattr(value, "__name__", "")) if isinstance(value, type) else ""
        if known and {**TYPES, **EXCEPTIONS}.get(known) is value:
            return ["builtin", known]
        if not self.strict:
            return None
        module, name = getattr(value, "__module__", None) or "", getattr(value, "__qualname__", None) or ""
        if isinstance(value, types.ModuleType):
            module, name = value.__name__, ""
        if module.partition(".")[0] not in sys.stdlib_module_names or not (name or isinstance(value, types.ModuleType)):
            return None
        with contextlib.suppress(ImportError, AttributeError):
            if named(module, name) is value:
                return ["name", module, name]
        return None

    def thing(self, value: Any, seen: dict[int, None]) -> list[Any]:
        """An object that stays here: its number, and what the other side must know of it."""
        number = self.number(value)
        if isinstance(value, type) and issubclass(value, BaseException):
            return ["exception", number, value.__name__, nearest(value)]
        if isinstance(value, BaseException):
            known = type(value) in EXCEPTIONS.values()
            cls = ["builtin", type(value).__name__] if known else self.thing(type(value), seen)
            return ["error", number, cls, self.encoded(str(value), seen)]
        if isinstance(value, types.CoroutineType):
            return ["coroutine", number]
        base = next((one for one in PLAIN if isinstance(value, one)), None)
        if base is None or isinstance(value, type):
            return ["object", number, None]
        return ["object", number, self.encoded(bare(value, base), seen)]

    def decoded(self, data: Any) -> Any:
        """The value that was sent."""
        if not isinstance(data, list):
            return data
        kind, *parts = data
        if kind in CONTAINERS:
            return self.filled(CONTAINERS[kind], *parts)
        if kind in VALUES:
            values = [self.decoded(part) for part in parts]
            make = getattr(importlib.import_module(VALUES[kind][0]), kind)
            return make(values) if kind in {"tuple", "frozenset"} else make(*values)
        return getattr(self, "decoded_" + str(kind))(*parts)

    def filled(self, kind: Any, number: int, *parts: Any) -> Any:
        """A container, the one of this number where it is known, with exactly these parts."""
        if number not in self.objects:
            self.adopt(number, kind())
        found = self.objects[number]
        values = [self.decoded(part) for part in parts]
        if type(found) is not kind:
            self.end()
        if isinstance(found, dict):
            pairs = list(zip(values[::2], values[1::2], strict=True))
            if not same([part for pair in found.items() for part in pair], values):
                found.clear()
                dict.update(found, pairs)
        elif isinstance(found, set):
            found ^= found ^ set(values)
        elif not same(list(found), values):
            found.clear()
            found.extend(values)
        return found

    def adopt(self, number: int, value: Any) -> Any:
        """Know an object by the other side's number."""
        if type(number) is not int or number % 2 == self.next % 2:
            self.end()
        self.objects[number] = value
        self.numbers[id(value)] = number
        return value

    def decoded_int(self, digits: str) -> int:
        return int(digits, 16)

    def decoded_bytes(self, digits: str) -> bytes:
        return bytes.fromhex(digits)

    def decoded_back(self, number: int) -> Any:
        return self.objects[number]

    def decoded_builtin(self, name: str) -> Any:
        return TYPES.get(name) or EXCEPTIONS[name]

    def decoded_name(self, module: str, name: str) -> Any:
        if self.strict:
            self.end()
        return named(module, name)

    def decoded_object(self, number: int, base: Any) -> Any:
        if number not in self.objects:
            self.adopt(number, Proxy(self, number))
        found = self.objects[number]
        if base is not None:
            put(found, base=self.decoded(base))
        return found

    def decoded_coroutine(self, number: int) -> Any:
        async def wait() -> Any:
            return self.ask("await", Proxy(self, number))

        return wait()

    def decoded_exception(self, number: int, name: str, above: str) -> Any:
        """A class of exceptions that the other side has defined: one of the same name, below the same built-in one."""
        if number not in self.objects:
            self.adopt(number, type(str(name), (EXCEPTIONS[above],), {"__getattr__": of_error}))
        return self.objects[number]

    def decoded_error(self, number: int, cls: Any, message: Any) -> Any:
        """An exception that the other side has raised."""
        kind = self.decoded(cls)
        if not issubclass(kind, BaseException):
            self.end()
        with contextlib.suppress(TypeError):
            error = kind(self.decoded(message))
            error.proxy_of = Proxy(self, number)
            return error
        return ValueError(message)  # such as UnicodeDecodeError, which takes five arguments


def is_value(value: Any) -> bool:
    """Whether a value is sent by its parts; a moment in a time zone is not."""
    kind = type(value)
    module, _ = VALUES.get(kind.__name__, ("", None))
    return getattr(sys.modules.get(module), kind.__name__, None) is kind and getattr(value, "tzinfo", None) is None


def of_error(error: BaseException, name: str) -> Any:
    """An attribute of an exception of the other side."""
    if name.startswith("_") or name == "proxy_of":
        raise AttributeError(name)
    return getattr(error.proxy_of, name)  # type: ignore[attr-defined]


def nearest(kind: type) -> str:
    """The nearest built-in class of exceptions."""
    return next(one.__name__ for one in kind.__mro__ if EXCEPTIONS.get(one.__name__) is one)


def awaited(coroutine: Any) -> Any:
    """What comes of a coroutine."""
    return importlib.import_module("asyncio").run(coroutine)  # which takes 60 ms to import


def contents(value: Any) -> Any:
    """What is in an object of a class derived from list, dict or set, as it is now."""
    return bare(value, next(one for one in CHANGING if isinstance(value, one)))


def bare(value: Any, base: Any) -> Any:
    """The plain value in an object of a derived class, without a word of that class."""
    if base in {bool, int}:
        return int.__add__(value, 0)
    if base is dict:
        return dict(dict.items(value))
    return base.__add__(value, base()) if base in {float, complex, str, bytes} else base(base.__iter__(value))


def same(old: list[Any], new: list[Any]) -> bool:
    """Whether two lists hold the same objects, or values that nobody can tell apart."""
    return len(old) == len(new) and all(
        a is b or (type(a) is type(b) and type(a) in {int, str, float, bytes} and a == b)
        for a, b in zip(old, new, strict=True)
    )


def named(module: str, name: str) -> Any:
    """What stands under a name in a module."""
    return functools.reduce(getattr, name.split(".") if name else [], importlib.import_module(module))


# --- the code


def load(answer: str, entry: str) -> dict[str, Any]:
    """Run the code of an answer as a module; what it defines, by name."""
    module = types.ModuleType("solution")
    sys.modules["solution"] = module
    exec(compile(source(answer, entry), "solution.py", "exec"), module.__dict__)  # noqa: S102 - that is the check
    if entry and entry not in module.__dict__:
        raise LookupError(f"no {entry} is defined")
    return {name: value for name, value in module.__dict__.items() if name == entry or offered(name, value)}


def offered(name: str, value: Any) -> bool:
    """Whether tests may use a name besides the entry: functions and classes of the code's own, and modules under their name."""
    if isinstance(value, types.ModuleType):
        return value.__name__ == name
    return not hasattr(builtins, name) and getattr(value, "__module__", "") == "solution" and callable(value)


def source(answer: str, entry: str) -> str:
    """The code in an answer: the last fenced block that defines the entry, with what the other blocks define besides it.

    Without an entry it is the longest block; without a fence, the lines of the answer that look like code.
    """
    blocks = list(fenced(answer)) or [answer if parsed(answer) else "\n".join(code_lines(answer))]
    trees = [(block, tree) for block in blocks if (tree := parsed(block))]
    fitting = fit(trees, entry)
    if not fitting:
        if not trees:
            compile(blocks[-1], "solution.py", "exec")  # says what is wrong with it
        raise LookupError(f"no code that defines {entry}" if entry else "no code")
    chosen, tree = fitting[-1]
    if len(trees) == 1:
        return chosen
    return "\n".join([*lent([one for _, one in trees if one is not tree], defined(tree)), chosen])


def fit(trees: list[tuple[str, ast.Module]], entry: str) -> list[tuple[str, ast.Module]]:
    """The blocks to choose from, the best last: they define the entry, or import it, or name it at least."""
    if not entry:
        return sorted(trees, key=lambda one: len(one[0]))
    imported = [pair for pair in trees if entry in defined(pair[1])]
    own = [(text, tree) for text, tree in imported if entry in defined(ast.Module(without_imports(tree), []))]
    return own or imported or [pair for pair in trees if entry in pair[0]]


def without_imports(tree: ast.Module) -> list[ast.stmt]:
    """The top level but its imports."""
    return [node for node in tree.body if not isinstance(node, (ast.Import, ast.ImportFrom))]


def fenced(answer: str) -> Iterator[str]:
    """The fenced blocks of an answer that may be Python; one whose text itself has a fence ends where it can be read."""
    lines = answer.splitlines()
    at = 0
    for _ in range(MOST_BLOCKS):
        opening = next((n for n in range(at, len(lines)) if FENCE.fullmatch(lines[n])), None)
        if opening is None:
            return
        mark, tag = FENCE.fullmatch(lines[opening]).groups()  # type: ignore[union-attr]
        closings = [n for n in range(opening + 1, len(lines)) if closes(lines[n], mark)] or [len(lines)]
        texts = [dedented(lines[opening + 1 : n]) for n in closings[:4]]
        number = next((n for n, text in enumerate(texts) if parsed(text)), 0)
        at = closings[number] + 1
        if tag.lower() in PYTHON:
            yield texts[number]


def dedented(lines: list[str]) -> str:
    """Lines without the indent that all share."""
    least = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[least:] for line in lines)


def closes(line: str, mark: str) -> bool:
    """Whether a line ends the block that this mark began."""
    text = line.strip(" \t>")
    return len(text) >= len(mark) and not text.strip(mark[0])


def parsed(code: str) -> ast.Module | None:
    """The syntax tree; None for what is not Python, or empty."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if tree.body else None


CODE_LINE = re.compile(
    r"(?:async def|def|class|import|from|if|elif|else|for|while|try|except|finally|with|return|assert|raise|print)\b|[@#)\]}]|[A-Za-z_][\w.]*(?:\[[^\]]*\])?(?:\s*:\s*[\w\[\], |.]+)?\s*[-+*/|&%]?="
)
FIRST_LINE = re.compile(r"(?:async def|def|class|import|from \S+ import|@)\b|@|[A-Za-z_]\w*\s*=")


def code_lines(answer: str) -> Iterator[str]:
    """The lines that look like code, from the first that begins a definition to the first that is prose."""
    begun = False
    for line in answer.splitlines():
        begun = begun or FIRST_LINE.match(line) is not None
        if begun and line.strip() and not line[0].isspace() and not CODE_LINE.match(line):
            return
        if begun:
            yield line


def defined(tree: ast.Module) -> set[str]:
    """The names that a module's top level binds."""
    return set().union(*(names(node) for node in outer(tree.body)))


def outer(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of the top level, into `if`, `try` and `with`."""
    for node in body:
        yield node
        for field in ("body", "orelse", "finalbody"):
            if isinstance(node, (ast.If, ast.Try, ast.With)):
                yield from outer(getattr(node, field, []))


def names(node: ast.stmt) -> set[str]:
    """The names that one statement binds."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}


def lent(trees: list[ast.Module], taken: set[str]) -> Iterator[str]:
    """Imports, definitions and constants of other blocks, as far as their names are free."""
    for node in (node for tree in trees for node in tree.body):
        bound = names(node)
        calls = isinstance(node, (ast.Assign, ast.AnnAssign)) and any(
            isinstance(one, ast.Call) for one in ast.walk(node)
        )
        if bound and not calls and not bound & taken and "solution" not in bound:
            taken |= bound
            yield ast.unparse(node)


OF_THE_CODE: dict[str, Callable[..., Any]] = {"load": load, "await": awaited, "bare": contents}
"""What the tests alone ask for."""


# --- the tests


def test(peer: Peer, job: dict[str, Any]) -> str:
    """Load the code and run every test; "" where all hold, or what failed."""
    peer.of_class = job["entry"][:1].isupper()
    try:
        found = peer.ask("load", job["answer"], job["entry"])
    except BaseException as error:  # noqa: BLE001 - whatever the code raised
        return "the code cannot be loaded: " + in_words(peer, error)
    space: dict[str, Any] = {"__name__": "tests"}
    space |= {name: one for name, one in found.items() if name == job["entry"] or usable(name)}
    for name in [name for name in space if name in sys.stdlib_module_names and name != job["entry"]]:
        space[name] = importlib.import_module(name)
    warnings.filterwarnings("error", "NotImplemented should not", DeprecationWarning)  # which is true: `f(2).__eq__(4)`
    for number, text in enumerate(job["tests"], 1):
        reason = None
        try:
            run_test(text, space, f"test {number}", peer.assertions)
            if peer.ended:
                reason = "the code ended the process it ran in"
        except BaseException as error:  # noqa: BLE001 - a test fails by whatever it raises
            reason = in_words(peer, error)
        if reason is not None:
            return f"test {number} of {len(job['tests'])}: {reason}: {' '.join(text.split())}"
    return ""


def usable(name: str) -> bool:
    """Whether the code may give the tests a name: not one of Python's own, which they rely on."""
    return not name.startswith("__") and not hasattr(builtins, name)


def run_test(text: str, space: dict[str, Any], file: str, assertions: set[tuple[str, int]]) -> None:
    """Run one test. Where nothing is asserted, its last line is an expression that must be true."""
    tree = ast.parse(text)
    last = tree.body[-1]
    asserted = [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    assertions |= {(file, line) for node in asserted for line in range(node.lineno, (node.end_lineno or 0) + 1)}
    states = isinstance(last, ast.Expr) and not asserted
    if states:
        tree.body.pop()
    exec(compile(tree, file, "exec"), space)  # noqa: S102 - the user's own test
    if isinstance(last, ast.Expr) and states and not eval(compile(ast.Expression(last.value), file, "eval"), space):  # noqa: S307
        raise AssertionError


def in_words(peer: Peer, error: BaseException) -> str:
    """What went wrong, in a few words."""
    if peer.ended:
        return "the code ended the process it ran in"
    if isinstance(error, AssertionError):
        return "it does not hold"
    with contextlib.suppress(BaseException):
        return f"{type(error).__name__}: {str(error)[:100]}".removesuffix(": ") or "an error"
    return "an error"


def exactly(size: int) -> bytes:
    """So many bytes of standard input, and not one more."""
    data = b""
    while len(data) < size and (piece := os.read(0, size - len(data))):
        data += piece
    return data


def become_the_code(reads: int, writes: int) -> NoReturn:
    """Be the process of the code: with two pipes, and without the standard streams."""
    kept = [os.dup2(os.dup(fd), place) for fd, place in ((reads, 20), (writes, 21))]
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    os.closerange(3, 20)
    os.closerange(22, 256)
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(), io.StringIO(), io.StringIO()
    with contextlib.suppress(BaseException):
        Peer(*kept, strict=False).serve()
    os._exit(0)


def main() -> None:
    """Start the code's process first: what is forked later than the tests are read would hold them in its memory."""
    there, writes = os.pipe()
    reads, back = os.pipe()
    try:
        child = os.fork()
    except OSError:
        os._exit(NO_ROOM)
    if child == 0:
        become_the_code(there, back)
    os.close(there)
    os.close(back)
    job = json.loads(exactly(int.from_bytes(exactly(8), "big")))
    sys.stdout = io.StringIO()
    failure = test(Peer(reads, writes, strict=True), job)
    os.write(1, json.dumps({"failure": failure[:400]}).encode())
    os._exit(0)


def main_of_a_program() -> None:
    """Run the code of an answer as a program with the standard input that follows."""
    job = json.loads(exactly(int.from_bytes(exactly(8), "big")))
    module = types.ModuleType("__main__")
    text = source(job["answer"], job["entry"])
    sys.modules["__main__"] = module
    exec(compile(text, "solution.py", "exec"), module.__dict__)  # noqa: S102 - that is the check
