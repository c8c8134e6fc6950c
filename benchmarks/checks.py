"""How often the checks are wrong: false accepts and false rejects on the cases of tests/checks, with 95% intervals.

Prints JSON. Every module `tests/checks/cases_*.py` that has `CASES` is run; its `HELD_OUT`, where it has one, is also told alone.
Where `math_verify` is installed (`pip install "math-verify[antlr4_13_2]"`, no dependency of this project), what its `parse`
and `verify` say of the same numbers and formulas, as they are used by default, stands beside it. Run it as
`python benchmarks/checks.py`. The checks of the seeds are also asked about what people wrote for other seeds.
"""

import importlib
import importlib.metadata
import json
import logging
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from synthgen.checks import registry as checks
from synthgen.intervals import wilson
from synthgen.stages import seeds as seed_files

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tests" / "checks"
LATEX = re.compile(r"\$|\\boxed|\\\(|\\\[")
"""What math-verify was made for: formulas between LaTeX's marks."""
Case = tuple[str, str, dict[str, Any], bool]
Decide = Callable[[Case], bool | None]


def in_per_cent(count: int, total: int) -> list[float]:
    """[share, lower, upper] in per cent: Wilson's interval."""
    return [round(100 * one, 1) for one in (count / total if total else 0.0, *wilson(count, total))]


def confusion(cases: Iterable[Case], decide: Decide) -> dict[str, Any]:
    """Counts of one family; what is undecided is neither accepted nor rejected."""
    said = [(right, decide((answer, name, args, right))) for answer, name, args, right in cases]
    right, wrong = sum(one for one, _ in said), sum(not one for one, _ in said)
    rejected = sum(one and verdict is False for one, verdict in said)
    accepted = sum(not one and verdict is True for one, verdict in said)
    return {
        "cases": len(said),
        "right": right,
        "wrong": wrong,
        "false_rejects": rejected,
        "false_accepts": accepted,
        "undecided": sum(verdict is None for _, verdict in said),
        "false_reject_percent_and_interval": in_per_cent(rejected, right),
        "false_accept_percent_and_interval": in_per_cent(accepted, wrong),
    }


def ours(case: Case) -> bool | None:
    """What the check of this project says."""
    answer, name, args, _ = case
    return checks.CHECKS[name](answer, args, "").passed


def reference() -> Decide | None:
    """What math-verify says with its defaults; None where it is not installed."""
    try:
        import math_verify
    except ImportError:
        return None
    logging.disable(logging.CRITICAL)

    def decide(case: Case) -> bool | None:
        answer, _, args, _ = case
        return bool(math_verify.verify(math_verify.parse(f"${args['answer']}$"), math_verify.parse(answer)))

    return decide


def families(cases: Iterable[Case]) -> dict[str, list[Case]]:
    """Cases by the name of their check."""
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(case[1], []).append(case)
    return found


def modules() -> dict[str, Any]:
    """Every module of cases by its name."""
    sys.path.insert(0, str(FOLDER))
    found = {path.stem: importlib.import_module(path.stem) for path in sorted(FOLDER.glob("cases_*.py"))}
    return {name: module for name, module in found.items() if hasattr(module, "CASES")}


def mathematics(cases: Iterable[Case]) -> list[Case]:
    """The cases that a reference for mathematics can be asked: no tolerance and no unit, which it does not know."""
    return [case for case in cases if case[1] in {"number", "maths"} and set(case[2]) == {"answer"}]


def seeds() -> dict[str, int]:
    """The checks of the shipped seeds on what people wrote: each seed's own output, and the outputs of all other seeds."""
    tasks = [seed for seed in seed_files.read(ROOT / "seeds") if seed.instances]
    found = dict.fromkeys(("own_outputs", "own_outputs_refused", "outputs_of_others", "outputs_of_others_accepted"), 0)
    for seed in tasks:
        if seed.verifier is None or seed.verifier.kind not in {"number", "maths", "label", "exact"}:
            continue
        check, own = checks.CHECKS[seed.verifier.kind], seed.instances[0].output
        found["own_outputs"] += 1
        found["own_outputs_refused"] += check(own, seed.verifier.args, "").passed is not True
        others = [other.instances[0].output for other in tasks if other.instances[0].output.strip() != own.strip()]
        found["outputs_of_others"] += len(others)
        found["outputs_of_others_accepted"] += sum(check(one, seed.verifier.args, "").passed is True for one in others)
    return found


def main() -> None:
    """All families, the held-out ones alone, the reference, and the seeds."""
    tables: dict[str, Any] = {"all": {}, "held_out": {}}
    plain: dict[str, Any] = {}
    decide = reference()
    for module in modules().values():
        held = getattr(module, "HELD_OUT", [])
        latex = [case for case in module.CASES if LATEX.search(case[0])]
        for part, cases in (("all", module.CASES), ("held_out", held), ("between_latex_marks", latex)):
            for name, family in families(cases).items():
                tables.get(part, {})[name] = confusion(family, ours)
            if decide is not None and (asked := mathematics(cases)):
                plain[part] = {"math_verify": confusion(asked, decide), "synthgen": confusion(asked, ours)}
    if decide is not None:
        plain["math_verify_version"] = importlib.metadata.version("math-verify")
    print(json.dumps({**tables, "same_cases_number_and_maths": plain, "seeds": seeds()}, indent=1))


if __name__ == "__main__":
    main()
