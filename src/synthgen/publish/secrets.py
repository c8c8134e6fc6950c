"""Secrets in texts that are about to be published: keys and tokens of known shapes, and the values of the run's own keys.

The shapes are a table of our own: `detect-secrets`, the library for this, had its last release in May 2024, reads files of
source code line by line, and guesses by entropy, which in a corpus of answers about programming means thousands of doubts.
Here a text is only doubted where a known prefix is followed by what its issuer puts there. What is plainly an example is left.
A secret itself is never kept, told or logged: its kind and its place are.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import pyarrow as pa

WORDS = "A-Za-z0-9_-"
SHAPES: Mapping[str, str] = {
    "a Hugging Face token": r"hf_[A-Za-z0-9]{30,}",
    "an API key that begins with sk-": (
        rf"sk-(?=[A-Za-z_-]*[0-9])[{WORDS}]{{0,40}}?[A-Za-z0-9]{{16}}[{WORDS}]*"  # OpenAI, Anthropic, OpenRouter, DeepSeek
    ),
    "a GitHub token": r"gh[opsur]_[A-Za-z0-9]{36,}",
    "a GitHub token of fine grain": r"github_pat_[A-Za-z0-9_]{40,}",
    "a GitLab token": rf"glpat-[{WORDS}]{{20,}}",
    "an AWS access key": r"A(?:KIA|SIA)[A-Z2-7]{16}",
    "a Slack token": r"xox[abeoprs]-[A-Za-z0-9-]{20,}",
    "a Slack webhook": r"hooks\.slack\.com/services/T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/[A-Za-z0-9]{20,}",
    "a Google API key": rf"AIza[{WORDS}]{{35}}",
    "a Google client secret": rf"GOCSPX-[{WORDS}]{{28}}",
    "a Stripe key": r"[rs]k_live_[A-Za-z0-9]{24,}",
    "a Groq key": r"gsk_[A-Za-z0-9]{40,}",
    "an xAI key": r"xai-[A-Za-z0-9]{60,}",
    "a Replicate token": r"r8_[A-Za-z0-9]{37}",
    "an NVIDIA key": rf"nvapi-[{WORDS}]{{50,}}",
    "an npm token": r"npm_[A-Za-z0-9]{36}",
    "a PyPI token": rf"pypi-AgEIcHlwaS5vcmc[{WORDS}]{{50,}}",
    "a SendGrid key": rf"SG\.[{WORDS}]{{22}}\.[{WORDS}]{{43}}",
    "an Azure storage key": r"AccountKey=[A-Za-z0-9+/]{86}==",
    "a JSON web token": rf"eyJ[{WORDS}]{{10,}}\.eyJ[{WORDS}]{{10,}}\.[{WORDS}]{{20,}}",
    "a private key": (
        r"-----BEGIN [A-Z ]{0,24}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\n)+(?:[A-Za-z-]+: [^\n]*\n)*\s*[A-Za-z0-9+/=]{40,}"
    ),
    "a password in a URL": r"://[^\s/:@\"'<>{}$*]{1,64}:[^\s/@\"'<>{}$*]{8,128}@[A-Za-z0-9-]+\.[A-Za-z0-9.-]+",
}
"""Kind to how it is written. Each begins with what tells it, which is what makes the search fast."""
TEXTS = {name: re.compile(shape) for name, shape in SHAPES.items()}
BYTES = {name: re.compile(shape.encode()) for name, shape in SHAPES.items()}
EXAMPLE = re.compile(
    r"example|your|xxxx|passw|secret|changeme|placeholder|dummy|0123456|1234567|abcdefg|eyJzdWIiOiIxMjM0NTY3ODkw|@localhost",
    re.IGNORECASE,
)
"""What stands in a made-up secret; the eyJ one is the payload that every text about JSON web tokens shows."""
FEWEST_DIFFERENT = 8
"""Characters that differ in a secret, at least; `hf_xxxxxxxx` has one."""
SHORTEST_VALUE = 8
"""Characters of an environment variable's value from which it is looked for: `EMPTY` and `none` are no keys."""
PLAIN = {".md", ".txt", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".py", ".sh", ".csv", ""}
"""Endings of the files that are text. Plots are not searched."""


@dataclass(frozen=True, slots=True)
class Found:
    """Secrets of one kind in one file."""

    path: str
    kind: str
    first: str
    """The id of the first row, or `line N`."""
    rows: int

    def __str__(self) -> str:
        more = f" and {self.rows - 1} more" if self.rows > 1 else ""
        return f"{self.path} holds {self.kind} ({self.first}{more})"


class Search:
    """The shapes, and the values of some environment variables."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """`environment`: name of a variable to its value; short values are not looked for."""
        given = {f"the value of {name}": value for name, value in (environment or {}).items()}
        self._values = {kind: value for kind, value in given.items() if len(value) >= SHORTEST_VALUE}
        self._encoded = [re.compile(b"|".join(map(re.escape, written(value)))) for value in self._values.values()]

    def suspect(self, data: Any) -> bool:
        """Whether bytes may hold a secret: never no where there is one, quickly."""
        return any(shape.search(data) for shape in (*BYTES.values(), *self._encoded))

    def kinds(self, text: str) -> set[str]:
        """The kinds of secrets in a text."""
        shaped = {kind for kind, shape in TEXTS.items() if any(map(is_secret, shape.finditer(text)))}
        return shaped | {kind for kind, value in self._values.items() if value in text}

    def folder(self, folder: Path, paths: Sequence[str]) -> list[Found]:
        """What some files of a folder hold, by file and kind."""
        return [one for path in paths for one in self._file(folder / path, path)]

    def _file(self, path: Path, name: str) -> list[Found]:
        rows = table_rows if path.suffix == ".parquet" else line_rows if path.suffix in PLAIN else nothing
        first: dict[str, str] = {}
        count: dict[str, int] = {}
        for place, value in rows(path, self):
            for kind in {kind for text in strings(value) for kind in self.kinds(text)}:
                first.setdefault(kind, place)
                count[kind] = count.get(kind, 0) + 1
        return [Found(name, kind, first[kind], count[kind]) for kind in sorted(first)]


def written(value: str) -> tuple[bytes, bytes]:
    """How a value stands in a text, and how in JSON."""
    return value.encode(errors="replace"), orjson.dumps(value.encode(errors="replace").decode())[1:-1]


def is_secret(match: re.Match[str]) -> bool:
    """Whether what has the shape of a secret is one: it stands apart, looks random and says of itself that it is no example."""
    before, text = match.string[max(0, match.start() - 2) : match.start()], match.group()
    apart = not before[-1:].isalnum() or before[0] == "\\"
    classes = sum(any(test(one) for one in text[4:]) for test in (str.isdigit, str.isupper, str.islower))
    if text.startswith("://"):
        password = text[3:].split(":", 1)[1].rpartition("@")[0]
        apart, classes = True, sum(any(test(one) for one in password) for test in (str.isdigit, str.isalpha))
    return apart and classes > 1 and len(set(text)) >= FEWEST_DIFFERENT and not EXAMPLE.search(text)


def strings(value: Any) -> Iterator[str]:
    """Every text of a value; of one that is JSON, those inside it as they read without its escapes too."""
    if isinstance(value, str):
        yield value
        if value[:1] in {"{", "["}:
            yield from inside(value)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from strings(name)
            yield from strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from strings(inner)


def inside(text: str) -> Iterator[str]:
    """The texts of a JSON text; none of what is no JSON."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return
    yield from strings(value)


def nothing(_path: Path, _search: Search) -> Iterator[tuple[str, Any]]:
    """No row."""
    yield from ()


def line_rows(path: Path, search: Search) -> Iterator[tuple[str, Any]]:
    """The suspect lines of a file of JSON lines; any other file whole, since a key may have many lines."""
    if path.suffix != ".jsonl":
        data = path.read_bytes()
        if search.suspect(data):
            yield "in its text", data.decode(errors="replace")
        return
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            if search.suspect(line):
                yield f"line {number}", line.decode(errors="replace")


def table_rows(path: Path, search: Search) -> Iterator[tuple[str, Any]]:
    """The rows of a Parquet file's suspect parts, by their ids."""
    import pyarrow.parquet as pq

    number = 0
    with pq.ParquetFile(path, pre_buffer=False) as file:
        for batch in file.iter_batches(batch_size=2000):
            if any(search.suspect(data) for column in batch.columns for data in texts(column)):
                for place, row in enumerate(batch.to_pylist(), start=number + 1):
                    yield (f"row {row['id']}" if row.get("id") else f"row {place}"), row
            number += batch.num_rows


def texts(array: "pa.Array") -> Iterator["pa.Buffer"]:
    """The bytes of every text of an array, without making objects of them."""
    import pyarrow as pa

    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        yield from texts(array.storage)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from texts(array.flatten())
    elif pa.types.is_struct(kind):
        for field in array.flatten():
            yield from texts(field)
    elif pa.types.is_dictionary(kind):
        yield from texts(array.dictionary)
    elif (pa.types.is_string(kind) or pa.types.is_large_string(kind)) and array.buffers()[2] is not None:
        yield array.buffers()[2]
