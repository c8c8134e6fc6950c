"""Novelty of streams of instructions: our index beside rouge-score, rapidfuzz's cdist and a plain scan.

Prints JSON. `realistic` streams are sentences of the installed Python packages' documentation and, beyond those, text of a
trigram model of them, in which one word in ten is a name or a number of an open vocabulary; 16 words on average.
`closed` has no open vocabulary, `boilerplate` shares 30 words between all items, `one_length` has texts of 16 tokens only,
`same_rare` gives every text the same three rare words. References run on a part and are projected to all pairs, as each says.

`dedup` is the whole command with every rule, in a process of its own; `loop` is what the grow loop does with a candidate.
`load` is how many processes wanted a processor when a measurement began: beyond 1, `seconds` are disturbed, CPU seconds hardly.
So references are compared in CPU seconds: rouge-score and we take one core, and cdist is given the half of its own, for two.

Run it as `python benchmarks/novelty.py [SIZE ...]`; without sizes 52,445 and 200,000. With `--all` it measures seven, up to a
million, and draws docs/novelty.svg of five of them.
"""

import json
import math
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist
from rouge_score import rouge_scorer

from synthgen import steps
from synthgen.records import Instruction, Reply, Target
from synthgen.stages import grow, screen
from synthgen.text.novelty import Novelty, coded
from synthgen.text.tokens import parity_tokens

THRESHOLD = 0.7
SIZES = (52_445, 200_000)
PLOTTED = (50_000, 100_000, 250_000, 500_000, 1_000_000)
"""Sizes from which the growth is fitted."""
ALL_SIZES = (50_000, 52_445, 100_000, 200_000, 250_000, 500_000, 1_000_000)
DEDUPED = (52_445, 200_000, 1_000_000)
"""Sizes at which the whole command is measured."""
HARD_SIZES = (20_000, 50_000)
BATCH = 10_000
ENOUGH_SECONDS = 10
"""A stream is measured three times, unless it has taken so long already; the median counts."""
ASKED = 300
"""Texts beyond the stream that are asked for, none of which is in the pool."""
IN_LOOP = 100_000
CANDIDATES = 4_000
"""Candidates of the grow loop: enough for a pool that grows by half when it is full to show what that costs each of them."""
"""Size of the pool at which a candidate of the grow loop is timed."""
ROOT = Path(__file__).resolve().parent.parent
COMMAND = "from synthgen.cli import app; app()"
DOCUMENTED = re.compile(r'"""(.*?)"""', re.DOTALL)


def sentences() -> list[str]:
    """Sentences of 6 to 40 words from the documentation in the packages that are installed, each once."""
    seen: dict[str, None] = {}
    for path in sorted({sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")}):
        for file in sorted(Path(path).rglob("*.py")):
            text = file.read_text(encoding="utf-8", errors="ignore")
            for block in DOCUMENTED.findall(text):
                for sentence in re.split(r"(?<=[.!?])\s+|\n\s*\n", block):
                    words = sentence.split()
                    if 6 <= len(words) <= 40 and sum(word.isalpha() for word in words) >= 0.7 * len(words):
                        seen.setdefault(" ".join(words))
    return list(seen)


class Streams:
    """Makers of streams, each from a seed of its own."""

    def __init__(self) -> None:
        self.real = sentences()
        random.Random(3).shuffle(self.real)
        self.chain: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for sentence in self.real:
            words = ["", "", *sentence.split(), ""]
            for first, second, third in zip(words, words[1:], words[2:], strict=False):
                self.chain[first, second].append(third)

    def sentence(self, rng: random.Random) -> list[str]:
        """One sentence of the trigram model, of 8 to 45 words."""
        while True:
            words: list[str] = []
            last = ("", "")
            while len(words) <= 45 and (word := rng.choice(self.chain[last])):
                words.append(word)
                last = (last[1], word)
            if 8 <= len(words) <= 45:
                return words

    def realistic(self, size: int) -> list[str]:
        """Sentences of the model with names and numbers of an open vocabulary (Pitman-Yor, discount 0.7) in them."""
        rng, names = random.Random(4), OpenVocabulary(0.7)
        return [
            " ".join(names.draw(rng) if rng.random() < 0.1 else word for word in self.sentence(rng))
            for _ in range(size)
        ]

    def closed(self, size: int) -> list[str]:
        """Sentences of the model, with no word that is not in it."""
        rng = random.Random(5)
        return [" ".join(self.sentence(rng)) for _ in range(size)]

    def boilerplate(self, size: int) -> list[str]:
        """Thirty words that all items share, and ten to sixty of their own."""
        rng = random.Random(6)
        shared = " ".join(f"shared{number}" for number in range(30))
        return [f"{shared} {' '.join(self.sentence(rng) + self.sentence(rng))}" for _ in range(size)]

    def one_length(self, size: int) -> list[str]:
        """Sixteen tokens each, of a small vocabulary: no length tells two apart."""
        rng = random.Random(7)
        vocabulary = [f"v{number}" for number in range(300)]
        return [" ".join(rng.choices(vocabulary, k=16)) for _ in range(size)]

    def same_rare(self, size: int) -> list[str]:
        """The same three words in every text, rare everywhere else: every text is in one list of postings."""
        rng = random.Random(8)
        return [" ".join([*self.sentence(rng), "quokka", "zeugma", "ytterbium"]) for _ in range(size)]


class OpenVocabulary:
    """Words by the rich-get-richer rule: new ones never stop coming."""

    def __init__(self, discount: float) -> None:
        self.discount = discount
        self.drawn: list[str] = []
        self.known = 0

    def draw(self, rng: random.Random) -> str:
        """An old word as often as it was drawn, or a new one."""
        if rng.random() < (1 + self.discount * self.known) / (1 + len(self.drawn)):
            self.known += 1
            self.drawn.append(f"name{self.known}")
        else:
            self.drawn.append(rng.choice(self.drawn))
        return self.drawn[-1]


def ours(texts: list[str]) -> tuple[list[bool], float, Novelty]:
    """Which texts are accepted, how long it took, tokens included, and the pool."""
    warm = Novelty(parity_tokens, THRESHOLD)
    warm.decide([("warm", "compiled once and kept")])
    warm.top("compiled once", 1)
    pool, decisions, began = Novelty(parity_tokens, THRESHOLD), [], time.perf_counter()
    for first in range(0, len(texts), BATCH):
        batch = [(str(number), text) for number, text in enumerate(texts[first : first + BATCH], start=first)]
        decisions += [found is None for found in pool.decide(batch)]
    return decisions, time.perf_counter() - began, pool


def rouge_score_seconds(texts: list[str], decisions: list[bool], part: int = 150) -> tuple[float, bool]:
    """CPU seconds, projected to all pairs from the first texts, and whether the decisions on them are equal."""
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
    accepted: list[str] = []
    equal, pairs, began = True, 0, time.process_time()
    for text, decision in zip(texts[:part], decisions, strict=False):
        best = max((scorer.score(other, text)["rougeL"].fmeasure for other in accepted), default=0.0)
        pairs += len(accepted)
        equal = equal and (best <= THRESHOLD) == decision
        if decision:
            accepted.append(text)
    return (time.process_time() - began) / pairs * pairs_of(decisions), equal


def cdist_seconds(texts: list[str], decisions: list[bool], part: int = 6000) -> float:
    """CPU seconds of rapidfuzz over the triangle with a cutoff, projected from a square of the last texts."""
    numbers: dict[str, int] = {}
    strings = [
        coded([numbers.setdefault(token, len(numbers) + 1) for token in parity_tokens(text)]) for text in texts[-part:]
    ]
    began = time.process_time()
    cdist(strings, strings, scorer=Indel.normalized_similarity, score_cutoff=THRESHOLD, workers=-1, dtype=np.float32)
    return (time.process_time() - began) / len(strings) ** 2 * pairs_of(decisions)


def pairs_of(decisions: list[bool]) -> int:
    """Pairs that a loop over the pool compares."""
    held = pairs = 0
    for kept in decisions:
        pairs += held
        held += kept
    return pairs


def single_ms(pool: Novelty, texts: list[str], name: str) -> float:
    """CPU milliseconds of a question about one text."""
    ask = getattr(pool, name)
    began = time.process_time()
    for text in texts:
        ask(text)
    return 1000 * (time.process_time() - began) / len(texts)


def candidates(stream: list[str], rng: random.Random) -> list[tuple[str, str]]:
    """(kind, text): three quarters texts beyond the pool; texts in it with a word more, or their words in another order."""
    near = rng.sample(stream[:IN_LOOP], CANDIDATES // 4)
    half = len(near) // 2
    return [
        *(("new", text) for text in stream[IN_LOOP:]),
        *(("reworded", f"{text} again") for text in near[:half]),
        *(("reordered", " ".join(rng.sample(words := text.split(), len(words)))) for text in near[half:]),
    ]


def loop(path: Path) -> dict[str, Any]:
    """CPU milliseconds of a candidate of the grow loop: `judge_item` and, of what is accepted, `admit`; then its parts."""
    rng = random.Random(9)
    stream = read(path, IN_LOOP + CANDIDATES * 3 // 4)
    config, texts, seeds = steps.resolve(steps.Job(ROOT / "seeds", ROOT / "none"))
    sides = steps.sides_of(config, seeds, {})
    pool = grow.Pool.of(grow.Source.of(seeds, sides, config, texts))
    for number, text in enumerate(stream[:IN_LOOP]):
        pool.admit(f"stream-{number}", text)
    shown = pool.seeds["train"][: config.in_context]
    unfit = screen.screen(config, pool.source.languages)
    reply = Reply(text="", finish="stop", key="key")

    def judged(text: str) -> object:
        return grow.judge_item("item", text, reply, shown, Target(), pool, unfit)

    judged("loaded, compiled and kept before anything is timed, language model and all")
    load, spent, reasons = os.getloadavg()[0], defaultdict(list), defaultdict(Counter)
    found = [(kind, text, *timed(judged, text)) for kind, text in candidates(stream, rng)]
    for kind, _, one, milliseconds in found:
        spent[kind].append(milliseconds)
        reasons[kind]["accepted" if isinstance(one, Instruction) else one.reason] += 1
    new = [text for kind, text, one, _ in found if kind == "new" and isinstance(one, Instruction)]
    held, duplicates = [pool.duplicates.text("item", text) for text in new], pool.duplicates
    parts: dict[str, list[float]] = {
        "screens": [timed(unfit, text)[1] for text in new],
        "normalised": [timed(lambda text: duplicates.text("item", text), text)[1] for text in new],
        "rouge_l_above": [timed(duplicates.novelty.above, one.whole)[1] for one in held],
        "fuzzy": [timed(duplicates.fuzzy.nearest, one.key)[1] for one in held],
        "nearest": [timed(duplicates.nearest, one)[1] for one in held],
        "root": [timed(lambda text: grow.root(text, shown, pool), text)[1] for text in new],
    }
    admitted = [timed(lambda text: pool.admit(f"new-{text}", text), text)[1] for text in new]
    whole = sum(sum(times) for times in spent.values()) + sum(admitted)
    return {
        "pool": IN_LOOP + len(seeds),
        "shown": len(shown),
        "load": load,
        "cpu_ms_per_candidate": round(whole / len(found), 3),
        "kinds": {
            kind: {
                "candidates": len(times),
                "outcomes": dict(reasons[kind]),
                "cpu_ms_mean": round(statistics.fmean(times), 3),
                "cpu_ms_median": round(statistics.median(times), 3),
            }
            for kind, times in spent.items()
        },
        "cpu_ms_to_admit": round(statistics.fmean(admitted), 3),
        "cpu_ms_of_parts_of_new": {name: round(statistics.fmean(times), 3) for name, times in parts.items()},
    }


def timed(ask: Callable[[Any], Any], given: Any) -> tuple[Any, float]:
    """What a call gives, and its CPU milliseconds."""
    began = time.process_time()
    found = ask(given)
    return found, 1000 * (time.process_time() - began)


def dedup(size: int, path: Path) -> dict[str, Any]:
    """`synthgen dedup` in default mode over a file of the realistic stream, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.jsonl"
        with path.open("rb") as stream, rows.open("wb") as handle:
            handle.writelines(islice(stream, size))
        files = ["--out", f"{folder}/kept.jsonl", "--rejected", f"{folder}/rejected.jsonl"]
        command = [sys.executable, "-c", COMMAND, "dedup", str(rows), "--field", "instruction", *files]
        load, began = os.getloadavg()[0], time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            told = child.stdout.read()
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"synthgen dedup ended with {child.returncode}")
        return {
            "size": size,
            "load": load,
            "wall_seconds": round(time.perf_counter() - began, 1),
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
            "resident_mib": used.ru_maxrss // 1024,
            **json.loads(told),
        }


def write(kind: str, size: int, path: Path) -> None:
    """A stream as JSON lines; a shorter one is the beginning of a longer one."""
    with path.open("w") as handle:
        handle.writelines(json.dumps({"instruction": text}) + "\n" for text in getattr(Streams(), kind)(size))


def read(path: Path, size: int) -> list[str]:
    """The beginning of a stream."""
    with path.open() as handle:
        return [json.loads(line)["instruction"] for line in islice(handle, size)]


def measured(kind: str, size: int, path: Path, references: str) -> dict[str, Any]:
    """One stream, beside the references that are named."""
    texts = read(path, size + ASKED)
    texts, asked = texts[:size], texts[size:]
    load, times, cpu = os.getloadavg()[0], [], []
    while not times or (len(times) < 3 and sum(times) < ENOUGH_SECONDS):
        before = time.process_time()
        decisions, taken, pool = ours(texts)
        times.append(taken)
        cpu.append(time.process_time() - before)
    seconds, own, pairs = statistics.median(times), statistics.median(cpu), pairs_of(decisions)
    found: dict[str, Any] = {
        "stream": kind,
        "size": size,
        "mean_words": round(sum(len(text.split()) for text in texts) / size, 1),
        "load": load,
        "accepted": sum(decisions),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(own, 2),
        "seconds_of_runs": [round(one, 2) for one in times],
        "cpu_ns_per_pair": round(1e9 * own / pairs, 2),
        "index_bytes_per_text": round(pool.nbytes / len(pool)),
        "above_cpu_ms": round(single_ms(pool, asked, "above"), 3),
        "nearest_cpu_ms": round(single_ms(pool, asked, "nearest"), 3),
        "resident_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    if "rouge" in references:
        projected, equal = rouge_score_seconds(texts, decisions)
        found |= {
            "decisions_equal": equal,
            "rouge_score_projected_cpu_seconds": round(projected),
            "times_rouge_score": round(projected / own),
        }
    if "cdist" in references:
        triangle = cdist_seconds(texts, decisions)
        found |= {
            "cdist_projected_cpu_seconds": round(triangle, 1),
            "cdist_cpu_ns_per_pair": round(1e9 * triangle / pairs, 2),
            "times_cdist_on_two_cores": round(triangle / 2 / own, 1),
        }
    return found


def growth(sizes: list[int], seconds: list[float]) -> tuple[float, float]:
    """The exponent of least squares over sizes and seconds, both in logarithms, and the seconds it gives a size of 1."""
    exponent, start = np.polyfit(np.log(sizes), np.log(seconds), 1)
    return float(exponent), math.exp(start)


def plot(runs: list[dict[str, Any]], path: Path) -> None:
    """CPU seconds over size, both in logarithms, with the line of least squares and the slopes 1 and 1.6 from the first size."""
    sizes, seconds = [one["size"] for one in runs], [one["cpu_seconds"] for one in runs]
    exponent, start = growth(sizes, seconds)
    left, right, top, bottom = 70, 470, 20, 300
    lowest = 10 ** math.floor(math.log10(min(seconds) * 0.9))
    highest = 10 ** math.ceil(math.log10(seconds[0] * (sizes[-1] / sizes[0]) ** 1.6))
    wide, narrow = sizes[-1] * 1.25, sizes[0] * 0.8

    def x(size: float) -> float:
        return left + (right - left) * math.log(size / narrow) / math.log(wide / narrow)

    def y(second: float) -> float:
        return bottom - (bottom - top) * math.log(second / lowest) / math.log(highest / lowest)

    def text(across: float, down: float, said: str, anchor: str = "middle", more: str = "") -> str:
        return f'<text x="{across:.1f}" y="{down:.1f}" text-anchor="{anchor}"{more}>{said}</text>'

    def line(first: tuple[float, float], last: tuple[float, float], style: str) -> str:
        (one, up), (two, down) = first, last
        return f'<line x1="{one:.1f}" y1="{up:.1f}" x2="{two:.1f}" y2="{down:.1f}" {style}/>'

    drawn = ['<rect width="640" height="370" fill="#fff"/>']
    for power in range(round(math.log10(lowest)), round(math.log10(highest)) + 1):
        drawn.append(line((left, y(10.0**power)), (right, y(10.0**power)), 'stroke="#ddd"'))
        drawn.append(text(left - 8, y(10.0**power) + 4, f"{10.0**power:,g}", "end"))
    for size in sizes:
        drawn.append(line((x(size), top), (x(size), bottom), 'stroke="#eee"'))
        drawn.append(text(x(size), bottom + 18, f"{size:,}"))
    drawn.append(f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="#444"/>')
    slopes = (
        (1.0, seconds[0] / sizes[0], "#888", ' stroke-dasharray="2 4"', "slope 1"),
        (1.6, seconds[0] / sizes[0] ** 1.6, "#888", ' stroke-dasharray="7 4"', "slope 1.6"),
        (exponent, start, "#1f5fa8", "", f"measured: slope {exponent:.2f}"),
    )
    labels = spread([y(factor * sizes[-1] ** slope) for slope, factor, *_ in slopes])
    for (slope, factor, colour, dashes, said), down in zip(slopes, labels, strict=True):
        ends = [(x(size), y(factor * size**slope)) for size in (sizes[0], sizes[-1])]
        drawn.append(line(ends[0], ends[1], f'stroke="{colour}" stroke-width="1.5"{dashes}'))
        drawn.append(text(right + 8, down + 4, said, "start", f' fill="{colour}"'))
    for size, second in zip(sizes, seconds, strict=True):
        drawn.append(f'<circle cx="{x(size):.1f}" cy="{y(second):.1f}" r="4" fill="#1f5fa8"/>')
        drawn.append(text(x(size), bottom + 34, f"{second:.3g} s", more=' fill="#1f5fa8"'))
    drawn.append(text((left + right) / 2, bottom + 54, "texts in the stream"))
    drawn.append(
        text(18, (top + bottom) / 2, "CPU seconds", more=f' transform="rotate(-90 18 {(top + bottom) / 2:.0f})"')
    )
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 370" font-family="sans-serif" font-size="12" fill="#222">'
    path.write_text("\n".join([head, *drawn, "</svg>"]) + "\n")


def spread(places: list[float], apart: float = 15) -> list[float]:
    """Places of labels, moved down where they would touch."""
    moved: dict[int, float] = {}
    last = -math.inf
    for number in sorted(range(len(places)), key=places.__getitem__):
        last = moved[number] = max(places[number], last + apart)
    return [moved[number] for number in range(len(places))]


def child(*arguments: str) -> dict[str, Any]:
    """One measurement in a process of its own, so that memory is its own."""
    found: dict[str, Any] = json.loads(run(*arguments))
    print(json.dumps(found), file=sys.stderr)
    return found


def run(*arguments: str) -> bytes:
    """This script once more; what it prints."""
    print(*arguments, "...", file=sys.stderr)
    return subprocess.run([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, check=True).stdout


def machine() -> str:
    """The processor as `lscpu` names it, and how many of it there are."""
    named = subprocess.run(["lscpu"], stdout=subprocess.PIPE, text=True, check=True).stdout
    model = re.search(r"^Model name:\s*(.*)$", named, re.MULTILINE)
    return f"{len(os.sched_getaffinity(0))} x {model[1] if model else 'unknown'}"


def main(sizes: tuple[int, ...], hard: tuple[int, ...]) -> None:
    """Every stream, what the command and the loop take, and how the time grows."""
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(everything(sizes, hard, Path(folder)), indent=2))


def everything(sizes: tuple[int, ...], hard: tuple[int, ...], folder: Path) -> dict[str, Any]:
    """All figures; the streams are written to the folder."""
    kinds = ("realistic", "closed", "one_length", "same_rare", "boilerplate")
    for kind in kinds:
        size = max((*sizes, IN_LOOP) if kind == "realistic" else hard) + CANDIDATES
        run("--write", kind, str(size), str(folder / kind))
    stream = str(folder / "realistic")
    dedup(3000, folder / "realistic")  # once, so that no later one pays for compiling
    runs = [child("--one", "realistic", str(size), stream, "rouge,cdist" if size <= 60_000 else "") for size in sizes]
    fitted = [one for one in runs if one["size"] in PLOTTED] if sizes == ALL_SIZES else runs
    if sizes == ALL_SIZES:
        plot(fitted, ROOT / "docs" / "novelty.svg")
    return {
        "machine": machine(),
        "python": sys.version.split()[0],
        "realistic": runs,
        "growth_exponent_of_cpu": fit(fitted, "cpu_seconds"),
        "growth_exponent_of_seconds": fit(fitted, "seconds"),
        "growth_fitted_to": [one["size"] for one in fitted],
        "loop": child("--loop", stream),
        "hard": [child("--one", kind, str(size), str(folder / kind), "cdist") for kind in kinds[1:] for size in hard],
        "dedup": [child("--dedup", str(size), stream) for size in sizes if size in DEDUPED],
    }


def fit(runs: list[dict[str, Any]], of: str) -> float | None:
    """The exponent with which a figure grows."""
    return round(growth([one["size"] for one in runs], [one[of] for one in runs])[0], 2) if len(runs) > 1 else None


if __name__ == "__main__":
    flag, rest = sys.argv[1] if len(sys.argv) > 1 else "", sys.argv[2:]
    if flag == "--one":
        print(json.dumps(measured(rest[0], int(rest[1]), Path(rest[2]), rest[3])))
    elif flag == "--loop":
        print(json.dumps(loop(Path(rest[0]))))
    elif flag == "--dedup":
        print(json.dumps(dedup(int(rest[0]), Path(rest[1]))))
    elif flag == "--write":
        write(rest[0], int(rest[1]), Path(rest[2]))
    elif flag == "--all":
        main(ALL_SIZES, HARD_SIZES)
    else:
        main(tuple(map(int, sys.argv[1:])) or SIZES, HARD_SIZES[:1])
