"""Write what a user may edit: seeds, prompts, strategies, schemas, policy, flows, config."""

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from synthgen import prompts
from synthgen.errors import ConfigError, storage

CONFIG = """# Keys of a synthgen run; every flag of `synthgen expand` has one here. See docs/reference/config.md.
# target = 200
# samples = 4
# explore = 0.1
# novelty_threshold = 0.7
# language = "seeds"

# [teacher]
# spec = "http://localhost:8000/v1"

# [roles.judge]
# spec = "http://localhost:8001/v1"

# [decoding.answer]
# temperature = 0.8
# top_p = 0.95
# max_tokens = 2048
"""


SHIPPED = ("seeds/seed_tasks.jsonl", "seeds/README.md", "flows/expand.py", "prefect.yaml")


def write(folder: Path) -> list[Path]:
    """Write the editable files into an empty or new folder; the paths written."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} is not an empty folder; choose another")
    written = []
    for name, text in files():
        path = folder / name
        with storage(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def files() -> Iterator[tuple[str, str]]:
    """Every editable file by its path in the folder."""
    yield "synthgen.toml", CONFIG
    for name, text in prompts.load().texts.items():
        yield f"prompts/{name}{'' if name.endswith('.json') else '.txt'}", text
    yield "prompts/categories.toml", (resources.files("synthgen") / "categories.toml").read_text(encoding="utf-8")
    for name in SHIPPED:
        yield name, shipped(name)


def shipped(name: str) -> str:
    """A file of the project that stands outside the package: beside it in a wheel, above it in a checkout."""
    inside = resources.files("synthgen") / "project" / name
    found = inside if inside.is_file() else Path(__file__).parents[2] / name
    return found.read_text(encoding="utf-8")
