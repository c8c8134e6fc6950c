"""The documentation cannot drift: references are what the program says of itself, links resolve, commands parse.

`python tests/test_docs.py` writes the generated references anew.
"""

import ast
import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from pydantic_core import PydanticUndefined

from synthgen import config
from synthgen.checks.constraints import GROUPS, KINDS, PREFIX, compatible
from synthgen.cli import app
from synthgen.config import RunConfig, keys
from synthgen.export.parquet import SCHEMAS
from synthgen.records import Answer, Instruction, Judged, Pair, Record, Rejected, Task
from synthgen.rehearsal import rates
from synthgen.rehearsal.switches import parser
from synthgen.strategies import STRATEGIES

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "seeds").glob("*.md")])
EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SWITCHES = set(re.findall(r"--[a-z][a-z-]+", parser().format_help())) - {"--help"}
"""Of the rehearsal, which `synthgen rehearsal` hands on."""
COMMAND = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?synthgen (.+)$")
CLI_HEAD = """# Commands

Exit codes: 0 done · 1 nothing could start (one line on stderr says what to try) · 2 wrong usage · 3 had begun and stopped by
rule: everything is kept, and the same command goes on. Data goes to stdout, progress to stderr.
"""
CONFIG_HEAD = """# Configuration keys

Keys of the TOML file that `--config` names; most have a flag of `synthgen expand`, which wins. **Generative** keys make the
run's digest: in an existing run directory a difference is refused by name. **Limit** keys may differ from call to call.
**Export** keys rewrite only `dataset/`. `seeds`, `prompts` and `taxonomy` are filled in from the files that are read.
"""
CONSTRAINTS_HEAD = """# Constraints on form

The kinds of constraints that a program checks, after the 25 of IFEval ([2311.07911](https://arxiv.org/abs/2311.07911)). Each is
a check of the kind `format`: it says nothing about whether an answer is right. An empty answer passes none. Words are found
whole and in any case; in scripts without spaces a character counts as a word. Fenced code holds no bullets, highlights,
sections or sentences. `synthgen.checks.constraints.attach(instruction, rng, count)` adds constraints that suit an instruction
and that one answer can keep.
"""


def command_reference() -> str:
    """docs/reference/cli.md."""
    parts = [CLI_HEAD]
    for name, command in every_command():
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        names = [(one.metavar or one.name).upper() for one in arguments]
        shown = "".join(
            f" {name}" if one.required else f" [{name}]" for name, one in zip(names, arguments, strict=True)
        )
        parts.append(f"## synthgen {name}{shown}\n\n{' '.join((command.help or '').split())}\n")
        rows = [
            f"| `{'`, `'.join(one.opts)}` | {'required' if one.required else shown_default(one.default)} | {one.help or ''} |"
            for one in command.params
            if one.param_type_name == "option" and "--help" not in one.opts
        ]
        if rows:
            parts.append("\n".join(["| option | default | meaning |", "|---|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def every_command() -> list[tuple[str, typer.core.TyperCommand]]:
    """(words, command) of every command, those of a group by the group's name and their own."""
    found = {}
    for name, command in typer.main.get_command(app).commands.items():
        below = getattr(command, "commands", None)
        found |= {f"{name} {word}": one for word, one in below.items()} if below else {name: command}
    return sorted(found.items())


def shown_default(value: object) -> str:
    """A default as it is typed."""
    return "" if value in (None, "", False) or "Sentinel" in type(value).__name__ else f"`{value}`"


def config_reference() -> str:
    """docs/reference/config.md."""
    parts = [CONFIG_HEAD]
    for kind in ("generative", "limit", "export"):
        parts.append(f"## {kind.capitalize()}\n\n| key | default | meaning |\n|---|---|---|")
        parts += [row for name, row in config_rows(RunConfig) if name in keys(kind)]
        parts.append("")
    for name in ("RoleConfig", "Axes", "Decontamination", "Prices"):
        parts.append(f"## {name}\n\n| key | default | meaning |\n|---|---|---|")
        parts += [row for _, row in config_rows(getattr(config, name))]
        parts.append("")
    parts.append("## Decoding by stage and mode\n\n| mode | stage | decoding |\n|---|---|---|")
    for mode, stages in config.DECODING.items():
        for stage, decoding in stages.items():
            given = ", ".join(
                f"{key} {value!r}" for key, value in decoding.model_dump(exclude_none=True).items() if value != ()
            )
            parts.append(f"| {mode} | {stage} | {given} |")
    return "\n".join(parts) + "\n"


def config_rows(kind: type) -> Iterator[tuple[str, str]]:
    """(key, table row) of every field of a config record, with the docstring under it."""
    said = docstrings(kind)
    for name, field in kind.model_fields.items():
        default = field.default
        shown = (
            "filled in"
            if default is PydanticUndefined
            else f"`{default!r}`"
            if not isinstance(default, config.Record)
            else ""
        )
        yield name, f"| `{name}` | {shown} | {said.get(name, '')} |"


def docstrings(kind: type) -> dict[str, str]:
    """The strings that stand under the fields of a class."""
    (tree,) = ast.parse(inspect.getsource(kind)).body
    found = {}
    for field, following in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(following, ast.Expr):
            found[field.target.id] = " ".join(str(following.value.value).split())
    return found


def constraint_reference() -> str:
    """docs/reference/constraints.md."""
    parts = [CONSTRAINTS_HEAD]
    for group, kinds in GROUPS.items():
        parts.append(f"## {group.capitalize()}\n")
        for kind in kinds:
            parts.append(f"### {PREFIX}{kind.name}\n\n{' '.join(inspect.getdoc(kind.args).split())}\n")
            if kind.args.model_fields:
                parts.append(
                    "\n".join(["| argument | default | meaning |", "|---|---|---|", *argument_rows(kind.args)]) + "\n"
                )
            parts.append(f"Asked for as: {kind.phrasings(kind.example)[0]}\n")
            args = kind.example.model_dump_json(exclude_none=True)
            parts.append(f"With `{args}` this answer passes:\n\n````text\n{kind.keeps}\n````\n")
            rivals = ", ".join(f"`{name}`" for name in KINDS if name != kind.name and not compatible(name, kind.name))
            parts.append(f"Never drawn beside: {rivals or 'none'}.\n")
    return "\n".join(parts)


def argument_rows(kind: type) -> Iterator[str]:
    """A table row for every argument of a check, those of its base classes among them."""
    said = {}
    for one in kind.__mro__:
        said |= docstrings(one) if issubclass(one, Record) and one is not Record else {}
    for name, field in kind.model_fields.items():
        default = "required" if field.default is PydanticUndefined else shown_default(field.default)
        yield f"| `{name}` | {default} | {said[name]} |"


GENERATED = {"cli.md": command_reference, "config.md": config_reference, "constraints.md": constraint_reference}


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_reference_is_what_the_program_says(name: str):
    written = (REFERENCE / name).read_text(encoding="utf-8")
    assert written == GENERATED[name](), "run `python tests/test_docs.py`"


def test_every_key_has_a_meaning():
    assert "|  |\n" not in (REFERENCE / "config.md").read_text(encoding="utf-8")


@EACH_PAGE
def test_every_relative_link_leads_somewhere(page: Path):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith(("http", "#", "mailto:")):
            assert (page.parent / target.partition("#")[0]).exists(), target


def commands(page: Path) -> Iterator[list[str]]:
    """The `synthgen ...` lines of a page's code blocks, taken apart."""
    for block in re.findall(r"```\w*\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            found = COMMAND.match(line.strip())
            if found:
                yield shlex.split(found[1], comments=True)


@EACH_PAGE
def test_every_command_of_a_page_is_one_that_synthgen_takes(page: Path):
    every = dict(every_command())
    for words in commands(page):
        name = words[0] if words[0] in every else " ".join(words[:2])
        assert name in every, words
        known = {name for option in every[name].params for name in option.opts}
        known |= SWITCHES if words[0] == "rehearsal" else set()
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, words


def test_every_column_of_the_dataset_is_described():
    text = (REFERENCE / "dataset.md").read_text(encoding="utf-8")
    for name, schema in SCHEMAS.items():
        assert f"`{name}`" in text
        for column in schema.names:
            assert f"`{column}`" in text, (name, column)


def test_every_field_of_a_record_is_described():
    text = (REFERENCE / "run.md").read_text(encoding="utf-8")
    for kind in (Instruction, Task, Answer, Judged, Pair, Rejected):
        for field in kind.model_fields:
            assert f"`{field}`" in text, (kind.__name__, field)


def test_the_planted_rates_are_told_as_they_are():
    text = (ROOT / "docs" / "rehearsal.md").read_text(encoding="utf-8")
    for name, value in vars(rates).items():
        if name.isupper() and isinstance(value, int | float):
            assert f"| {name} | {value:g} |" in text, name


def test_what_the_strategies_add_in_the_rehearsal_is_told_as_it_is():
    text = (ROOT / "docs" / "rehearsal.md").read_text(encoding="utf-8")
    for rows in (rates.HELPS, *rates.HELPS_OF.values()):
        for category, adds in rows.items():
            cells = (f"{adds[name]:g}" if name in adds else "" for name in STRATEGIES)
            assert f"| {category} | {' | '.join(cells)} |" in text, category


def test_every_switch_of_the_rehearsal_is_told_of():
    text = (ROOT / "docs" / "rehearsal.md").read_text(encoding="utf-8")
    assert {name for name in SWITCHES if f"`{name}" not in text} == set()


def test_every_strategy_is_told_of():
    text = (ROOT / "docs" / "explanation.md").read_text(encoding="utf-8")
    assert all(name in text for name in STRATEGIES)


def test_the_readme_says_that_the_prompts_have_met_no_strong_teacher():
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert "The prompts have met no strong teacher yet" in text
    assert "synthgen pilot" in text


if __name__ == "__main__":
    for name, write in GENERATED.items():
        (REFERENCE / name).write_text(write(), encoding="utf-8")
