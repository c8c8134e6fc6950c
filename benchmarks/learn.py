"""Do the rows teach? A tiny model trained on a run's rows, beside the same model trained on them with the answers shuffled among prompts.

Makes a run on the rehearsal (`synthgen expand --seeds seeds/ --teacher rehearsal --no-prefect`), or takes one with `--run`, and opens its
`sft` and `dpo` configs with `load_dataset`. Those rows take part whose task has one right outcome, which the rehearsal's own solvers work
out, and whose answers are short. For each of three seeds a model of random weights is trained with TRL's SFTTrainer twice, from the same
weights and for as many steps: on the train rows, and on the same rows with the completions shuffled. On the test rows are measured

- exact match: the share of the tasks whose outcome is stated by the answer that the model writes, always its likeliest token;
- the log-likelihood of the rows' own answers, in nats a token;
- after DPOTrainer on the train pairs, from the first model: the share of test pairs whose chosen answer has the higher implicit reward,
  beside that of the likelier answer before DPO and that of the longer answer.

Each seed runs in a process of its own, of one thread. Prints JSON. It needs torch, transformers and trl, as `make test-trainers` installs.

    python benchmarks/learn.py              three seeds, two at once
    python benchmarks/learn.py --quick      one seed and few steps: it shows that the parts go together, and nothing more
    python benchmarks/learn.py --choose     measures on a tenth of the train side's lineages: there the recipe was chosen
"""

import argparse
import dataclasses
import importlib.metadata
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from learning import comparing, rows

from synthgen.intervals import wilson

ROOT = Path(__file__).parent.parent
TARGET, SEEDS = 8000, (1, 2, 3)
QUICK_TARGET, QUICK_SEEDS, QUICK_EPOCHS = 600, (1,), 1
ARMS = ("ours", "shuffled")
PACKAGES = ("torch", "trl", "transformers", "datasets", "tokenizers")
ALONE = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
"""The surroundings of one seed's process: one thread, and nothing asked of the network."""
TAUGHT = (
    "The model that saw the rows does test-side tasks of the same families better than the one that saw the same prompts and the same answers "
    "wrongly put together, over the seeds and over the rows: prompt, answer and side belong together as written, and a "
    "trainer learns from them. "
)
PREFERRED = "DPO on the pairs finds the better answer of a pair it has not seen more often than chance. "
NOT_SHOWN = "An interval holds no difference: {} is not shown here. "
LIMITS = (
    "The rehearsal's tasks are templates and its answers are computed, so this says nothing of a real teacher's rows, of a real model, or of "
    "other tasks."
)
Row = dict[str, Any]
Wins = list[float]


def made(folder: Path, target: int) -> Path:
    """A run of the command on the rehearsal."""
    command = [sys.executable, "-c", "from synthgen.cli import main; main()", "expand", "--seeds", str(ROOT / "seeds")]
    options = ["--teacher", "rehearsal", "--target", str(target), "--no-prefect", "--out", str(folder / "run")]
    subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return folder / "run"


def won(lead: float) -> float:
    """1 for a lead, 0 for none, and half for a tie."""
    return 0.5 if lead == 0 else float(lead > 0)


def preferring(before: Sequence[Any], after: Sequence[Any]) -> dict[str, Wins]:
    """For each pair whether the chosen answer wins, by its implicit reward after DPO and by its likelihood before.

    A pair is ((log-likelihood, tokens) of the chosen answer, the same of the rejected one).
    """
    return {
        "implicit_reward_after_dpo": [
            won((new[0][0] - old[0][0]) - (new[1][0] - old[1][0])) for old, new in zip(before, after, strict=True)
        ],
        "likelihood_before_dpo": [won(chosen[0] - rejected[0]) for chosen, rejected in before],
        "likelihood_per_token_before_dpo": [
            won(chosen[0] / chosen[1] - rejected[0] / rejected[1]) for chosen, rejected in before
        ],
    }


def one_seed(run: Path, cache: str, seed: int, recipe: Row, *, choose: bool) -> Row:
    """Both arms from the same weights, and DPO from the first of them: what came of every single row and pair."""
    from learning import measuring, tiny

    tiny.quietly()
    (train, held), (pairs, held_pairs) = (
        rows.opened(str(run / "dataset"), cache, one, choose=choose) for one in ("sft", "dpo")
    )
    how = tiny.Recipe(**recipe)
    words = tiny.tokenizer(
        (said["content"] for row in train for said in row["prompt"] + row["completion"]), how.vocabulary
    )
    start, truths = tiny.model(words, how, seed), [rows.kind_and_outcome(row) for row in held]
    found: Row = {
        "rows": {"sft_train": len(train), "sft_held_out": len(held), "dpo_train": len(pairs), "dpo_held_out": len(held_pairs)},
        "weights": tiny.weights(start), "roots": held["root_id"][:], "kinds": [kind for kind, _ in truths],
        "longer": [won(len(pair["chosen"][0]["content"]) - len(pair["rejected"][0]["content"])) for pair in held_pairs],
    }  # fmt: skip
    for arm, given in zip(ARMS, (train, rows.shuffled(train, seed)), strict=True):
        model, said = tiny.sft(start, words, given.select_columns(["prompt", "completion"]), how, seed)
        written = measuring.answers(model, words, held["prompt"][:])
        right = [rows.stated(answer) == truth for answer, (_, truth) in zip(written, truths, strict=True)]
        likely = measuring.likelihoods(model, words, list(zip(held["prompt"], held["completion"], strict=True)))
        found[arm] = {"training": said, "right": right, "likelihoods": likely}
        print(
            f"seed {seed}, {arm}: {sum(right)} of {len(right)} right, {comparing.quotient(likely):.3f} nats a token",
            file=sys.stderr,
        )
        if arm == "ours":
            before = measuring.of_pairs(model, words, held_pairs)
            tuned, said = tiny.dpo(model, words, pairs.select_columns(["prompt", "chosen", "rejected"]), how, seed)
            found["dpo"] = {"training": said, "wins": preferring(before, measuring.of_pairs(tuned, words, held_pairs))}
    return found


def child(run: Path, seed: int, words: Sequence[str]) -> Row:
    """One seed in a process of its own."""
    command = [sys.executable, __file__, "--run", str(run), "--seed", str(seed), *words]
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env={**os.environ, **ALONE})
    return {**json.loads(done.stdout), "seconds": round(time.perf_counter() - began, 1)}


def share(wins: Sequence[Wins]) -> Row:
    """The share of pairs won, the mean of the seeds, with Wilson's interval for as many pairs as there are: seeds are no new pairs."""
    total, mean = len(wins[0]), sum(map(sum, wins)) / len(wins)
    return {
        "share": round(mean / total, 4),
        "interval": [round(end, 4) for end in wilson(mean, total)],
        "by_seed": [round(sum(one) / total, 4) for one in wins],
    }


def by_kind(results: Sequence[Row]) -> Row:
    """Exact match in each kind of task, the mean of the seeds."""
    kinds, found = results[0]["kinds"], dict[str, Row]()
    for name, count in sorted(Counter(kinds).items()):
        found[name] = {"tasks": count}
        for arm in ARMS:
            right = sum(
                one for result in results for one, kind in zip(result[arm]["right"], kinds, strict=True) if kind == name
            )
            found[name][arm] = round(right / count / len(results), 4)
    return found


def shown(results: Sequence[Row]) -> Row:
    """What was found, without the single rows."""
    first = results[0]
    match = [[[(float(right), 1.0) for right in result[arm]["right"]] for result in results] for arm in ARMS]
    likely = [[result[arm]["likelihoods"] for result in results] for arm in ARMS]
    wins = {name: share([result["dpo"]["wins"][name] for result in results]) for name in first["dpo"]["wins"]}
    return {
        "weights": first["weights"],
        "rows": first["rows"],
        "held_out_lineages": len(set(first["roots"])),
        "exact_match": {**comparing.compared(*match, first["roots"]), "by_kind": by_kind(results)},
        "log_likelihood_per_token": comparing.compared(*likely, first["roots"]),
        "held_out_preference": {**wins, "pick_the_longer": share([first["longer"]])},
        "training": [{part: result[part]["training"] for part in (*ARMS, "dpo")} for result in results],
        "seconds_of_a_seed": [result["seconds"] for result in results],
        "memory_mib_of_a_seed": [result["memory_mib"] for result in results],
    }


def meaning(found: Row) -> str:
    """What the figures show, in words, and what they do not."""
    ends = [found[name][over] for name in ("exact_match", "log_likelihood_per_token") for over in comparing.INTERVALS]
    taught = all(one is not None and one[0] > 0 for one in ends)
    preferred = found["held_out_preference"]["implicit_reward_after_dpo"]["interval"][0] > 0.5
    return "".join((
        TAUGHT if taught else NOT_SHOWN.format("that the rows teach"),
        PREFERRED if preferred else NOT_SHOWN.format("that the pairs teach"),
        LIMITS,
    ))  # fmt: skip


def switches() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser()
    found.add_argument("--quick", action="store_true", help="one seed, a small run and few steps")
    found.add_argument("--choose", action="store_true", help="hold out a part of the train side, not the test side")
    found.add_argument("--run", type=Path, help="a finished run of the rehearsal, instead of making one")
    found.add_argument("--at-once", type=int, default=2, help="seeds at once")
    found.add_argument("--recipe", type=json.loads, default={}, help="values of another recipe: '{\"epochs\": 2}'")
    found.add_argument("--seed", type=int, help="one seed alone, with what came of every row")
    return found


def whole(given: argparse.Namespace) -> Row:
    """Make a run, train every seed, and compare."""
    began = time.perf_counter()
    seeds = QUICK_SEEDS if given.quick else SEEDS
    recipe = ({"epochs": QUICK_EPOCHS, "dpo_epochs": QUICK_EPOCHS} if given.quick else {}) | given.recipe
    words = ["--recipe", json.dumps(recipe), *(["--choose"] if given.choose else [])]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(given.at_once) as several:
        run = given.run or made(Path(folder), QUICK_TARGET if given.quick else TARGET)
        prepared = time.perf_counter() - began
        results = list(several.map(lambda seed: child(run, seed, words), seeds))
    found = shown(results)
    return {
        "held_out": "lineages of the train side" if given.choose else "the test side",
        "recipe": results[0]["recipe"],
        "seeds": seeds,
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "seconds": {"run": round(prepared, 1), "whole": round(time.perf_counter() - began, 1)},
        **found,
        "meaning": meaning(found),
    }


def main() -> None:
    """All of it, or one seed."""
    given = switches().parse_args()
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f"{', '.join(missing)} not installed; run this with the Python that `make test-trainers` sets up")
    if given.seed is None:
        print(json.dumps(whole(given), indent=1))
        return
    from learning.tiny import Recipe

    with tempfile.TemporaryDirectory() as cache:
        found = one_seed(given.run, cache, given.seed, given.recipe, choose=given.choose)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({**found, "recipe": dataclasses.asdict(Recipe(**given.recipe)), "memory_mib": memory}))


if __name__ == "__main__":
    main()
