"""Items of the rehearsal's families with known answers, and the `synthgen` command with a check for each kind of verifier.

Run as a script it is that command: a check that the program has stays what it is, a stand-in takes the place of one that it lacks.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from conftest import clean_environment

from synthgen import checks
from synthgen.checks import Found
from synthgen.rehearsal.families import FAMILIES
from synthgen.text.tokens import normalised

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
CATEGORIES = ("mathematics", "reasoning", "extraction")


def last(answer: str, args: Mapping[str, Any], _given: str) -> Found:
    """Whether an answer ends with one of those that are right."""
    known = args.get("answers") or [args.get("answer", "no stand-in runs code")]
    words = normalised(answer)
    return Found(any(words.endswith(normalised(str(one))) for one in known))


def number(answer: str, args: Mapping[str, Any], _given: str) -> Found:
    """Whether the last number of an answer is the right one."""
    found = NUMBER.findall(answer.replace(",", ""))
    return Found(bool(found) and float(found[-1]) == float(args["answer"]))


def register() -> None:
    """Stand-ins for the checks that are missing."""
    for name, function in {"number": number, "exact": last, "label": last, "json": last, "code": last}.items():
        checks.CHECKS.setdefault(name, function)


def rows(each: int, categories: tuple[str, ...] = CATEGORIES) -> list[dict[str, Any]]:
    """Items of some categories, their families in turn."""
    found = []
    for category in categories:
        families = [
            one for one in FAMILIES if one.category == category and one.language == "en" and one.kind != "writing"
        ]
        seen: set[tuple[str, str]] = set()
        rng = Random(category)
        while len(seen) < each:
            family = families[len(seen) % len(families)]
            instruction = family.write(rng)
            core = family.recognise(instruction)
            given = family.given(core, rng, rng.choice(family.labels) if family.labels else "")
            if (instruction, given) in seen:
                continue
            seen.add((instruction, given))
            right = family.solve(core, given).right
            check = {"name": "exact", "args": {"answers": [right]}}
            found.append({"instruction": instruction, "input": given, "category": category, "check": check})
    return found


def written(path: Path, each: int, categories: tuple[str, ...] = CATEGORIES) -> Path:
    """Those items as a file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows(each, categories)), encoding="utf-8")
    return path


def arguments(*more: object) -> list[str]:
    """The command line that runs `synthgen strategies` with the stand-ins."""
    return [sys.executable, __file__, "strategies", *map(str, more)]


def environment(**more: str) -> dict[str, str]:
    """Of the command."""
    here = Path(__file__).parent
    paths = [str(here), str(here.parent), *filter(None, sys.path)]
    return {**clean_environment(), "PYTHONPATH": ":".join(paths), **more}


def strategies(*more: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `synthgen strategies ...` as a user does."""
    return subprocess.run(
        arguments(*more), capture_output=True, text=True, env=environment(**environ), timeout=240, check=False
    )


if __name__ == "__main__":
    from synthgen.cli import main

    register()
    main()
