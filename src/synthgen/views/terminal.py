"""A report in plain words for the terminal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

FEWEST_TASKS = 5
"""Of a category whose retention says something."""


def summary(report: dict[str, Any], run: Path) -> str:
    """The funnel, what was dropped, the strategies, the pairs, the cost."""
    return "\n".join(
        (
            *funnel(report),
            *dropped(report),
            *by_rule(report),
            *grown(report),
            *by_strategy(report),
            *checks(report),
            *sorted_out(report),
            *pairs(report),
            *spent(report),
            *end(report, run),
        )
    )


def funnel(report: dict[str, Any]) -> Iterator[str]:
    """How many there were at each step."""
    stages, rows = report["stages"], report["rows"]
    if report["rehearsal"]:
        yield "REHEARSAL: made by a program that imitates a teacher; not for training."
    if report.get("command") == "answer":
        yield f"{report['requested']:>8} prompts, {report['proposed']} of them read"
        yield f"{report['accepted']:>8} answered"
    else:
        yield f"{report['proposed']:>8} proposed"
        yield f"{report['accepted']:>8} accepted of {report['requested']} requested"
        yield f"{report['tasks']:>8} tasks after inspection"
    yield f"{stages['answers']['out']:>8} usable answers"
    for config, splits in rows.items():
        yield f"{sum(splits.values()):>8} rows in {config} ({', '.join(f'{n} {split}' for split, n in splits.items())})"


def dropped(report: dict[str, Any]) -> Iterator[str]:
    """Why what was dropped was dropped."""
    for stage, reasons in report["rejected"].items():
        yield f"dropped by {stage}: " + ", ".join(f"{count} {reason}" for reason, count in reasons.items())


def by_rule(report: dict[str, Any]) -> Iterator[str]:
    """The rules that dropped something, or would have by themselves."""
    for name, one in report.get("rules", {}).items():
        if one["dropped"] or one["alone"]:
            said = (None if one["on"] else "off", None if one["threshold"] is None else f"{one['threshold']:g}")
            setting = f" ({', '.join(filter(None, said))})" if any(said) else ""
            yield f"{name}{setting}: dropped {one['dropped']}, alone {one['alone']}"


def grown(report: dict[str, Any]) -> Iterator[str]:
    """Acceptance from first to last, the seeds' yield, the lineages, the benchmarks."""
    found = report.get("growth")
    if found and len(found["curve"]) > 1:
        first, last = (rate(point["accepted"], point["proposed"]) for point in (found["curve"][0], found["curve"][-1]))
        seeds = found["seeds"]
        yield (
            f"growth: accepted {first} of the first and {last} of the last proposals; {seeds['with_offspring']} seeds with "
            f"offspring ({seeds['effective']:.0f} effective), lineages up to {found['lineage']['deepest']} deep"
        )
    for name, one in report.get("contamination", {}).items():
        yield f"benchmark {name}: {one['touched']} of {one['items']} texts given away by proposals, which were rejected"


def by_strategy(report: dict[str, Any]) -> Iterator[str]:
    """Tasks, answers and marks for each strategy."""
    for name, found in report["strategies"].items():
        mark = f", mean mark {found['mean_mark']:.2f}" if found["mean_mark"] is not None else ""
        words = f", {found['mean_words']:.0f} words" if found["mean_words"] is not None else ""
        yield f"strategy {name}: {found['tasks']} tasks, {found['answers']} answers{words}{mark}"


def checks(report: dict[str, Any]) -> Iterator[str]:
    """What the checks found, kind by kind."""
    for kind, names in report["checks"].items():
        said = (f"{name} {one['passed']} of {one['passed'] + one['failed']}" for name, one in names.items())
        left = sum(one["undecided"] for one in names.values())
        yield f"checks of {kind}: {', '.join(said)} passed{f', {left} undecided' if left else ''}"
    if report["all_failed"]:
        yield f"no row: {report['all_failed']} tasks, every answer of which failed a check"


def sorted_out(report: dict[str, Any]) -> Iterator[str]:
    """How many labels of categories are doubted, and which category loses most of its tasks."""
    found = report.get("by_category", {})
    doubted, tasks = (sum(one[name] for one in found.values()) for name in ("doubted", "tasks"))
    ended = {name: one for name, one in found.items() if one["retention"] is not None and one["tasks"] >= FEWEST_TASKS}
    if doubted:
        yield f"categories: the rules doubt {doubted} of {tasks} labels"
    if ended:
        worst = min(ended, key=lambda name: (ended[name]["retention"], name))
        yield f"categories: least is kept of {worst}, {ended[worst]['kept']} of {ended[worst]['tasks']} tasks"


def pairs(report: dict[str, Any]) -> Iterator[str]:
    """Pair yield, ties, length."""
    found = report["pairs"]
    if found["yield"] is not None:
        longer = "-" if found["longer_chosen"] is None else f"{found['longer_chosen']:.0%}"
        yield f"pairs: {found['pairs']} (yield {found['yield']:.0%}, ties {found['tie_rate']:.0%}, longer one chosen {longer})"


def spent(report: dict[str, Any]) -> Iterator[str]:
    """Calls, tokens, money, time."""
    yield (
        f"{report['calls']} calls, {report['calls_replayed']} replayed, {report['prompt_tokens']} tokens in, "
        f"{report['completion_tokens']} out, {report['cost_usd']:.4f} USD, {report['seconds']:.1f} s"
    )
    if report["ledger"]["cost_usd"] and report.get("cost_usd_each"):
        each = ", ".join(
            f"{usd:.5f} for each {name.replace('_', ' ')}" for name, usd in report["cost_usd_each"].items()
        )
        yield f"all commands on the ledger: {report['ledger']['cost_usd']:.4f} USD; {each}"
    if report.get("cached_tokens"):
        yield f"the endpoint had {report['cached_share']:.0%} of the prompt tokens in its cache"
    if report.get("lost_attempts"):
        yield f"{report['lost_attempts']} attempts lost, {report['lost_tokens']} tokens in them, by estimate where nobody says"
    for name, chosen in report.get("concurrency", {}).items():
        yield f"--concurrency auto: {chosen} calls at once are enough for {name}"
    if found := report.get("vllm"):
        yield served(found)
    for warning in report["warnings"]:
        yield f"warning: {warning}"


def served(found: dict[str, Any]) -> str:
    """What a vLLM says of its work."""
    took = f"started in {found['seconds_to_start']:.0f} s, " if found["seconds_to_start"] is not None else ""
    speed = found["generation_tokens_per_second"] or 0, found["prompt_tokens_per_second"] or 0
    hits = found["prefix_cache_hit_share"]
    cached = "" if hits is None else f", {hits:.0%} of prompt tokens from the prefix cache"
    return (
        f"vLLM {found['version']}, {found['model']}: {took}{speed[0]:.0f} tokens a second out, {speed[1]:.0f} in{cached}; "
        f"KV cache at most {found['kv_cache_use_peak']:.1%} full, at most {found['requests_running_peak']} requests at once"
    )


def end(report: dict[str, Any], run: Path) -> Iterator[str]:
    """Where the dataset is."""
    yield f"dataset: {run / 'dataset'}" if report["rows"] else "no dataset: no row is complete yet"


def pilot(report: dict[str, Any]) -> str:
    """What a teacher does, in rates: what is read, refused and cut at each stage, ties, pair yield, cost a row."""
    accepted, rejected, stages = report["accepted"], report["rejected"], report["stages"]
    lines = list(funnel(report))
    lines.append(f"accepted: {rate(accepted, report['proposed'])} of the proposals")
    for name, stage in (("instantiate", "tasks"), ("vet", "tasks"), ("answer", "answers"), ("judge", "judged")):
        unreadable = sum(n for reason, n in rejected.get(name, {}).items() if "unreadable" in reason)
        refused = sum(n for reason, n in rejected.get(name, {}).items() if reason in {"refused", "refusal", "filtered"})
        cut = rejected.get(name, {}).get("length", 0)
        total = stages[stage]["out"] + stages[stage]["rejected"]
        lines.append(
            f"{name}: {rate(total - unreadable, total)} readable, {rate(refused, total)} refused, {rate(cut, total)} cut"
        )
    lines += [*dropped(report), *by_strategy(report), *checks(report), *pairs(report), *spent(report)]
    made = sum(report["rows"].get("sft", {}).values()) or 1
    lines.append(
        f"cost of an SFT row: {report['ledger']['cost_usd'] / made:.5f} USD, {report['ledger']['calls'] / made:.1f} calls"
    )
    return "\n".join(lines)


def rate(part: int, whole: int) -> str:
    """A share in percent."""
    return f"{part / whole:.0%}" if whole else "-"
