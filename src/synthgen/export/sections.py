"""The parts of the card's text, each a function of its facts."""

from collections.abc import Collection, Mapping
from typing import Any

from synthgen.export import licences
from synthgen.export.facts import Facts
from synthgen.export.gate import Proof
from synthgen.export.lengths import GAP_PERCENTILES, LIMITS, PERCENTILES, Gaps, Lengths, Spread
from synthgen.export.markup import plain, table
from synthgen.export.tally import Mix
from synthgen.strategies import AUTO, NONE


def made(facts: Facts) -> str:
    """How the rows were made, in a sentence without its end."""
    teacher = f"answered by `{plain(facts.teacher)}`"
    if not facts.strategy:
        return (
            f"Tasks grown from human-written seeds (Self-Instruct), {teacher} under the reasoning strategies of Orca 2"
        )
    if facts.strategy == NONE:
        return f"Prompts that were given, {teacher} as they are"
    under = "strategies" if facts.strategy == AUTO else f"strategy {plain(facts.strategy)}"
    return f"Prompts that were given, {teacher} under the reasoning {under} of Orca 2"


CHECKED = (
    "Rows of `rl` are tasks that a program can check: against a truth that a human, a program or a file states (`answer`), or, "
    "without one, against the task's own constraints on its form (`format`). `pass_rate` is the share of the teacher's answers "
    "that passed every check of the row, over at least {minimum} usable and different answers under one strategy; it lies "
    "strictly between 0 and 1. It is the teacher's, not your model's."
)


def checked(facts: Facts) -> str:
    """What the rows of `rl` are, and how many there are of each check."""
    rows = [(*check, count) for check, count in facts.checks.items()]
    return CHECKED.format(minimum=facts.minimum) + "\n\n" + table(("check", "kind", "who says so", "rows"), rows)


AS_IT_IS = "Every prompt was sent as it is, with no system message."
ERASED = (
    "The system prompt under which an answer was written is erased from every row. The column `strategy` names the reasoning "
    "strategy that was used."
)
NOT_ERASED = "**Not erased:** rows carry the system prompt of their strategy, for ablation (`--no-erase`); what follows holds for the others."
DEGREES = {
    "generic": "every row carries one neutral message",
    "none": "no row carries any",
    "mix": (
        "one neutral message for half of the tasks and none for the others, by a hash of the task's id, the same in every row "
        "of a task"
    ),
}
"""What stands in the place of a strategy's prompt."""


def prompts(facts: Facts) -> str:
    """What became of the prompts, what stands in their place, and what shows it."""
    parts = [AS_IT_IS if facts.strategy == NONE else ERASED if facts.erased else NOT_ERASED]
    parts += [f"System message (`{facts.system}`): {DEGREES[facts.system]}."]
    if facts.message:
        parts.append(f"> {plain(facts.message)}")
    parts.append(proven(facts.proof, erased=facts.erased))
    kinds = sorted({kind for counts in facts.proof.system_messages.values() for kind in counts})
    rows: list[tuple[str | int, ...]] = [
        (config, *(counts.get(kind, 0) for kind in kinds)) for config, counts in facts.proof.system_messages.items()
    ]
    parts.append(table(("rows by system message", *kinds), rows))
    return "\n\n".join(parts)


def proven(proof: Proof, *, erased: bool) -> str:
    """What was searched, in words."""
    whole = f"All {proof.rows} rows were read back: every system message is one of those above"
    if not proof.strategy_prompts:
        return f"{whole}. No strategy prompt was sent, so there was none to look for."
    apart = "" if erased else " outside of system messages"
    own = f" In {proof.tasks} rows the task itself, or human text, says such words; there they are left." * bool(
        proof.tasks
    )
    return (
        f"{whole}, and{apart} nothing quotes the {proof.strategy_prompts} strategy prompts. {proof.strings} strings (answers, "
        f"system messages, every other column and the metadata, not the tasks themselves) with {proof.windows} runs of eight words "
        f"were compared with the prompts' {proof.patterns} runs of eight words and shorter sentences, and so was this card: "
        f"{proof.found} found.{own}"
    )


COLUMNS = (
    "Every row has an `id`, the seed or prompt that it descends from (`root_id`), its `strategy`, `category` and `source` (`teacher` "
    "or `human`), and in `metadata_json` where it comes from, as JSON. `sft_messages` has the rows of `sft` in another shape."
)


def rows(counts: Mapping[str, Mapping[str, int]], human: int) -> str:
    """How many rows there are, who wrote them, and what every one has."""
    found = [(config, split, number) for config, splits in counts.items() for split, number in splits.items()]
    whole = sum(counts.get("sft", {}).values())
    own = f" Of the {whole} rows of `sft`, {human} are the seeds themselves, which humans wrote." * bool(human)
    return table(("config", "split", "rows"), found) + f"\n\n{COLUMNS}{own}"


CANNOT = {
    "tools": "tools are offered or called",
    "several_turns": "an assistant spoke before",
    "text_beside_call": "an assistant speaks and calls a tool in one message",
    "parallel_results": "several tools answer in a row",
    "no_call_id": "calls and their results do not name each other",
    "unanswered_call": "it goes on before every call is answered",
}
"""Reason for which a further shape has no place for a row, in words."""


def formats(told: Mapping[str, Mapping[str, Any]]) -> str:
    """What stands beside the Parquet files in the shapes of other trainers, and what those could not hold."""
    if not told:
        return ""
    files = [(name, path, count) for name, one in told.items() for path, count in one.get("files", {}).items()]
    left = [
        (name, config, CANNOT.get(why, why), count)
        for name, one in told.items()
        for config, found in one.get("left_out", {}).items()
        for why, count in found.items()
    ]
    parts = ["The same rows as other trainers read them. `load_dataset` does not see these files."] if files else []
    parts += [table(("shape", "file", "rows"), files)] if files else []
    parts += [
        f"{name} takes {', '.join(f'`{config}`' for config in one['takes'])} of this dataset as they are."
        for name, one in told.items()
        if "takes" in one
    ]
    parts += ["Not every row has a place in every shape:"] if left else []
    parts += [table(("shape", "rows of", "left out because", "rows"), left)] if left else []
    return "\n\n".join(parts)


def marks(found: Mapping[str, int]) -> str:
    """How the answers were marked."""
    told = "The judge marks each answer from 1 to 5 in four aspects; this is the mean of the four."
    return table(("mean mark", "answers"), list(found.items())) + f"\n\n{told}"


def models(facts: Facts) -> str:
    """Which models and prompts the rows come from."""
    rows = [(one.roles, one.name, one.served or "-") for one in facts.models]
    return (
        table(("does", "model", "calls itself"), rows)
        + f"\n\nsynthgen {plain(facts.version)}; prompts `{facts.prompts[:16]}`, generation config `{facts.digest[:16]}` (SHA-256)."
    )


def licence(facts: Facts) -> str:
    """Under what terms the rows may be used, as far as anybody told."""
    source = "prompts that were given" if facts.strategy else "seed tasks"
    rows = (
        ("this dataset", facts.license),
        (f"the {source}", facts.seeds_license),
        ("the teacher's terms on training with its answers", facts.teacher_terms),
    )
    return "\n".join(f"- {name}: {licences.told(plain(text))}" for name, text in rows)


def mixes(strategies: Mapping[str, Mix], categories: Mapping[str, Mix], policy: str = "") -> str:
    """What the SFT rows are a mix of, and where their strategies came from."""
    origin = [plain(policy)] if policy else []
    return "\n\n".join([*origin, mix("strategy", strategies), mix("category", categories)])


def mix(kind: str, found: Mapping[str, Mix]) -> str:
    """The SFT rows by strategy or category, in rows and in tokens."""
    rows = sum(one.rows for one in found.values()) or 1
    tokens = sum(one.tokens for one in found.values()) or 1
    cells = [
        (name, one.rows, f"{one.rows / rows:.1%}", one.tokens, f"{one.tokens / tokens:.1%}")
        for name, one in found.items()
    ]
    return table((kind, "SFT rows", "share", "tokens", "share"), cells)


TEMPLATE = (
    "The chat template's own tokens, a handful to each message, are not among them. TRL drops a row whose prompt alone fills "
    "`max_length` (1,024 unless it is raised), and cuts longer ones before their end, without a word."
)


def lengths(found: Lengths) -> str:
    """How long the rows are, and how that was counted."""
    named = (
        ("sft: whole row", found.whole),
        ("sft: completion", found.completion),
        ("dpo: prompt and longer side", found.pair),
        ("dpo: chosen side", found.chosen),
    )
    head = ("tokens", "median", *(f"{share}%" for share in PERCENTILES[1:-1]), "longest")
    each: list[tuple[str | int, ...]] = [
        (name, *one.percentiles, *shares(one)) for name, one in named if one is not None
    ]
    whole = table((*head, *(f"over {limit:,}" for limit in LIMITS)), each)
    return f"{whole}\n\nCounted {found.counter}. {TEMPLATE}"


def shares(one: Spread) -> list[str]:
    """The shares of rows over the limits."""
    return [f"{share:.1%}" for share in one.over]


def pairs(found: Gaps) -> str:
    """By how much the chosen sides are longer, and what picking the longer side would be right in."""
    head = ("chosen minus rejected, in tokens", *(f"{share}%" for share in GAP_PERCENTILES))
    whole = table(head, [("all pairs", *found.percentiles)])
    if found.longer is None:
        return f"{whole}\n\nNo pair's sides differ in length."
    return (
        f"{whole}\n\nOf the pairs whose sides differ in length, the longer side is the chosen one in {found.longer:.1%}: whoever "
        "picks the longer side is right so often, and a model that is trained on the pairs should be held against that."
    )


CLEAN = "No benchmark was looked up: what a benchmark asks may be among the rows."


def decontamination(facts: Facts) -> str:
    """What was looked up so that no benchmark is given away."""
    if facts.looked is None:
        return CLEAN
    rows = [(name, texts, touched) for name, (texts, touched) in facts.looked.benchmarks.items()]
    return (
        f"Proposals and tasks were compared with benchmarks by the rule `{plain(facts.looked.rule)}` before they were answered; "
        f"{facts.looked.rejected} were rejected. What is only said in other words no such rule sees.\n\n"
        + table(("benchmark", "texts", "given away by what was rejected"), rows)
    )


USES = {
    "sft": "prompt, completion",
    "sft_messages": "messages",
    "dpo": "prompt, chosen, rejected",
    "kto": "prompt, completion, label",
    "rl": "prompt, ground_truth, checks_json",
}


def loading(counts: Mapping[str, Mapping[str, int]]) -> str:
    """How the rows are opened; PATH is the folder, or the name that it has on the Hub."""
    lines = [f'{name} = load_dataset("PATH", "{name}")  # {what}' for name, what in USES.items() if name in counts]
    name, split = next(((config, next(iter(splits))) for config, splits in counts.items()), ("sft", "train"))
    files = f"PATH/{name}/{split}-*.parquet"
    query = f"FROM '{files}' SELECT category, count(*) GROUP BY ALL ORDER BY ALL"
    lines += [
        "",
        "# row by row, without a copy on the disk",
        f'for row in load_dataset("PATH", "{name}", split="{split}", streaming=True):',
        "    ...",
        "",
        "import duckdb  # PATH is a folder, or hf://datasets/OWNER/NAME",
        "",
        f'duckdb.sql("{query}")',
        "",
        "import polars",
        "",
        f'polars.scan_parquet("{files}").group_by("category").len().collect()',
    ]
    return "\n".join(
        [
            "```python",
            "from datasets import load_dataset  # PATH is this folder, or OWNER/NAME on the Hub",
            "",
            *lines,
            "```",
        ]
    )


READY = "In this folder, ready to start from inside it and to change; MODEL is a name of the Hub, or a folder:"
EOS = (
    "TRL adds no end-of-sequence token to conversational rows: the chat template must. For a base model set `eos_token` to "
    "the token that ends a turn in its template, or it never learns to stop."
)
STARTS = {
    "training/trl_sft.py": "python {} --model MODEL --out sft-adapter",
    "training/trl_dpo.py": "python {} --model MODEL --adapter sft-adapter --out dpo-adapter",
    "training/axolotl_sft.yml": "axolotl train {} --base-model MODEL",
    "training/axolotl_dpo.yml": "axolotl train {} --base-model MODEL",
    "training/llamafactory_sft.yaml": "llamafactory-cli train {} model_name_or_path=MODEL",
    "training/llamafactory_dpo.yaml": "llamafactory-cli train {} model_name_or_path=MODEL",
}
"""How a script or config is started."""


def training(there: Collection[str], counts: Mapping[str, Mapping[str, int]]) -> str:
    """How the rows are trained on: by the files beside the card, or in a line."""
    lines = [start.format(path) for path, start in STARTS.items() if path in there]
    ready = [READY, "\n".join(["```sh", *lines, "```"])] if lines else []
    code = [
        "from trl import SFTConfig, SFTTrainer",
        "",
        'SFTTrainer("MODEL", args=SFTConfig(max_length=4096), train_dataset=sft["train"]).train()',
    ]
    short = ["\n".join(["```python", *code, "```"])] if not lines and "train" in counts.get("sft", {}) else []
    return "\n\n".join([*ready, *short, EOS])


def limits(facts: Facts) -> str:
    """What the rows are not."""
    judge = ", and the judge is a model too" if facts.judge else ", and nobody judged them"
    parts = [f"Answers are a model's: they may be wrong{judge}."]
    if facts.judge:
        parts.append("Marks and pairs are its taste, length included.")
    if facts.rows.get("sft") and facts.lengths.gaps is None and facts.judge:
        parts.append("No task has a pair.")
    if not facts.strategy:
        parts.append("The tasks are what a model makes of the seeds: they are not a sample of what people ask.")
    parts.append("Nobody looked for personal data, or for what might do harm.")
    return " ".join(parts)
