"""What writing a dataset costs: ours beside a bare pyarrow writer and `datasets`, and the whole of `synthgen export`.

Every writer is a process of its own that makes the same rows (about 1.6 KB of JSON each: messages and metadata) and writes them:

- `rows alone` makes them and throws them away: what every other figure but those of a run holds, too;
- `bare pyarrow` is a ParquetWriter, batches of 2,000 rows made by from_pylist, zstd, a page index, a shard every 100,000 rows;
- `synthgen writer` is what writes the export's Parquet files; `synthgen writer and counts` is all that the export does with a row once it
  is made: the contract, further shapes, the counts for the card, and the Parquet files;
- `datasets` is Dataset.from_generator and to_parquet (which sets snappy, and takes no other codec), at a twentieth and a tenth of the
  rows; the figures told are those of a straight line through both;
- `synthgen export` is the command on a run of as many answered prompts, whose files are written by program. It reads JSON lines, writes
  every row into two configs, counts, digests, reads back and searches; `script` reads the same files, trusts them, and writes the same two
  configs with the bare writer. Under a strategy every text is searched for what the strategy's prompt says.

Prints JSON: CPU seconds (user and system), wall seconds, greatest resident memory, bytes written, and ratios of CPU time, which other
programs on the machine change least.
Run it as `python benchmarks/export.py [--quick] [--rows 1000000]`; --quick is 50,000 rows. Needs some 4 GB of disk at a million.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROWS, FEW = 1_000_000, 50_000
BATCH, SHARD = 2_000, 100_000
LETTERS, LONGEST = 2**24, 1_500
"""Characters of the text that every row takes its own from; more than stand in a row group, so that it does not compress too well."""
SYSTEM = "You are a careful assistant. Answer what is asked, and say so where you do not know."
Rows = Callable[[int], Iterator[dict[str, Any]]]
KEY = "0123456789abcdef" * 4
WRITERS = ("rows alone", "bare pyarrow", "synthgen writer", "synthgen writer and counts")
MIB = 250_000_000 / 2**20


def prose() -> str:
    """Text of words that a language could have: their lengths and how often they come are uneven."""
    chance = random.Random(0)
    letters = "eeeeaaaaooiiinnnttsssrrrhhlldddcumfpgwybvk"
    words = ["".join(chance.choices(letters, k=chance.choice((2, 3, 3, 4, 5, 6, 8, 10)))) for _ in range(8_000)]
    weights = [1 / (rank + 3) for rank in range(len(words))]
    return " ".join(chance.choices(words, weights, k=LETTERS // 4))[:LETTERS]


def texts(count: int) -> Iterator[tuple[int, str, str]]:
    """(number, prompt, answer) of every row."""
    whole, chance = prose(), random.Random(1)
    for number in range(count):
        start, length = int(chance.random() * (LETTERS - LONGEST)), int(chance.random() * 800)
        yield number, f"{number}: {whole[start : start + 250]}", whole[start + 250 : start + 650 + length]


def sft(count: int) -> Iterator[dict[str, Any]]:
    """Rows as `synthgen.export.rows.sft` makes them."""
    for number, prompt, answer in texts(count):
        name = f"p{number:06}"
        about = {
            "call": KEY, "calls": {"vet": KEY}, "difficulty": 2, "language": "en", "row_id": f"row-{number}", "sample": 0,
            "side": "train", "teacher": "teacher-model",
        }  # fmt: skip
        yield {
            "prompt": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt}],
            "completion": [{"role": "assistant", "content": answer}],
            "id": f"{name}-0",
            "root_id": name,
            "strategy": "none",
            "category": "other",
            "source": "teacher",
            "metadata_json": json.dumps(about),
        }


def messages(row: dict[str, Any]) -> dict[str, Any]:
    """The same row for the config `sft_messages`."""
    return {
        "messages": row["prompt"] + row["completion"],
        **{name: value for name, value in row.items() if name not in {"prompt", "completion"}},
    }


def rows_alone(count: int, _folder: Path) -> None:
    """What it costs to make the rows."""
    for _ in sft(count):
        pass


def bare(count: int, folder: Path, *, both: bool = False, rows: Rows | None = None) -> None:
    """The plainest writer that streams."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from synthgen.export.parquet import SCHEMAS

    shapes = {"sft": lambda row: row} | ({"sft_messages": messages} if both else {})
    writers: dict[str, Any] = {}
    batch: list[dict[str, Any]] = []

    def write(shard: int) -> None:
        for config, shape in shapes.items():
            if config not in writers:
                (folder / config).mkdir(exist_ok=True)
                path = folder / config / f"train-{shard:05}.parquet"
                writers[config] = pq.ParquetWriter(path, SCHEMAS[config], compression="zstd", write_page_index=True)
            writers[config].write_batch(pa.RecordBatch.from_pylist(list(map(shape, batch)), schema=SCHEMAS[config]))
        batch.clear()

    for number, row in enumerate((rows or sft)(count), start=1):
        batch.append(row)
        if len(batch) == BATCH or number == count:
            write((number - 1) // SHARD)
        if number % SHARD == 0 or number == count:
            for writer in writers.values():
                writer.close()
            writers.clear()


def ours(count: int, folder: Path) -> None:
    """Ours alone."""
    from synthgen.export.parquet import Files

    with Files(folder) as files:
        for row in sft(count):
            files.put("sft", "train", row)


def ours_counted(count: int, folder: Path) -> None:
    """All that the export does with a row once it is made."""
    from synthgen.export import contract
    from synthgen.export.formats.writing import Formats
    from synthgen.export.parquet import Files
    from synthgen.export.tally import Tally

    tally = Tally()
    with Files(folder) as files, Formats(folder, ()) as shapes:
        for row in sft(count):
            if contract.fault("sft", row):
                raise SystemExit("the rows of this benchmark are not good")
            files.put("sft", "train", row)
            shapes.put("sft", "train", row)
            tally.take(row, {})
    tally.counted()


def hub(count: int, folder: Path) -> None:
    """What a user of `datasets` writes."""
    import datasets

    datasets.disable_progress_bars()
    made = datasets.Dataset.from_generator(sft, gen_kwargs={"count": count}, cache_dir=str(folder / "cache"))
    made.to_parquet(folder / "train.parquet")


def make_run(count: int, folder: Path, strategy: str = "none") -> None:
    """A run of so many answered prompts, as `synthgen answer --strategy NAME` leaves it."""
    import orjson

    from synthgen import steps
    from synthgen.records import Answer, Task
    from synthgen.stages.given import Given
    from synthgen.steps import Job

    prompts = folder / "prompts.jsonl"
    prompts.write_text('{"prompt": "asked by program"}\n', encoding="utf-8")
    values = {"teacher": {"spec": "rehearsal"}, "strategy": strategy, "prefect": False}
    run = steps.prepare(Job(None, folder / "run", values, given=Given(prompts, ""))).run
    with run.accepted("tasks").open("wb") as tasks, run.accepted("answers").open("wb") as answers:
        for number, prompt, answer in texts(count):
            name = f"p{number:06}"
            task = Task(
                id=name, call="", calls={"vet": KEY}, parent=f"row-{number}", side="train", root_id=name, instruction=prompt,
                input="", is_classification=False, category="other", difficulty=2, language="en", strategy=strategy,
            )  # fmt: skip
            said = Answer(
                id=f"{name}-0",
                call=KEY,
                task=name,
                strategy=strategy,
                teacher="rehearsal-strong",
                sample=0,
                text=answer,
            )
            envelope = {"commit": number, "commit_of": name, "commit_lines": 1}
            for handle, record in ((tasks, task), (answers, said)):
                handle.write(orjson.dumps(record.model_dump(mode="json") | envelope, option=orjson.OPT_APPEND_NEWLINE))


def script(count: int, folder: Path) -> None:
    """What a script of twenty lines does: a run's files read with orjson, trusted as they are, and written by the bare writer."""
    import orjson

    def rows(_count: int) -> Iterator[dict[str, Any]]:
        with (
            (folder / "run" / "tasks.jsonl").open("rb") as tasks,
            (folder / "run" / "answers.jsonl").open("rb") as answers,
        ):
            for task, answer in zip(map(orjson.loads, tasks), map(orjson.loads, answers), strict=True):
                about = {
                    "call": answer["call"], "calls": task["calls"], "difficulty": task["difficulty"], "language": task["language"],
                    "row_id": task["parent"], "sample": answer["sample"], "side": task["side"], "teacher": answer["teacher"],
                }  # fmt: skip
                yield {
                    "prompt": [{"role": "user", "content": task["instruction"]}],
                    "completion": [{"role": "assistant", "content": answer["text"]}],
                    "id": answer["id"],
                    "root_id": task["root_id"],
                    "strategy": answer["strategy"],
                    "category": task["category"],
                    "source": "teacher",
                    "metadata_json": orjson.dumps(about).decode(),
                }

    (folder / "script").mkdir()
    bare(count, folder / "script", both=True, rows=rows)


def make_run_under_a_strategy(count: int, folder: Path) -> None:
    """A run whose export has strategy text to search for."""
    make_run(count, folder, "step-by-step")


CHILDREN = {
    "rows alone": rows_alone, "bare pyarrow": bare, "synthgen writer": ours, "synthgen writer and counts": ours_counted,
    "datasets": hub, "run": make_run, "run under a strategy": make_run_under_a_strategy, "script": script,
}  # fmt: skip


def measured(command: list[str], written: Path) -> dict[str, float]:
    """One process: what it used, and what it left. This one stays small: a child's memory is counted from its parent's at the start."""
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{command} ended with {child.returncode}: {child.stderr.read().decode()}")
    files = list(written.rglob("*.parquet"))
    return {
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "wall_seconds": round(time.monotonic() - began, 1),
        "memory_mib": round(used.ru_maxrss / 1024),
        "bytes": sum(path.stat().st_size for path in files),
        "files": len(files),
    }


def child(name: str, count: int) -> dict[str, float]:
    """One of CHILDREN as a process."""
    with tempfile.TemporaryDirectory() as folder:
        return measured([sys.executable, __file__, "--child", name, str(count), folder], Path(folder))


def exports(count: int) -> dict[str, dict[str, float]]:
    """The script and the command on a run of so many prompts; every prompt must have come to a row of both configs."""
    command = [sys.executable, "-c", "from synthgen.cli import main; main()", "export"]
    found = {}
    for name, kind in (("", "run"), (", answered under a strategy", "run under a strategy")):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, __file__, "--child", kind, str(count), folder], check=True)
            if kind == "run":
                found["script"] = measured(
                    [sys.executable, __file__, "--child", "script", str(count), folder], Path(folder, "script")
                )
            found[f"synthgen export{name}"] = measured([*command, f"{folder}/run"], Path(folder, "run"))
            card = Path(folder, "run", "dataset", "README.md").read_text(encoding="utf-8")
        if f"| sft | train | {count} |" not in card or f"| sft_messages | train | {count} |" not in card:
            raise SystemExit(f"the export did not make {count} rows of {count} prompts")
    return found


def extrapolated(count: int) -> dict[str, Any]:
    """`datasets` at two smaller sizes, and where a line through both comes to."""
    small, large = count // 20, count // 10
    one, two = child("datasets", small), child("datasets", large)
    line = {
        key: two[key] + (two[key] - one[key]) * (count - large) / (large - small) for key in ("cpu_seconds", "bytes")
    }
    return {
        "extrapolated": True, "cpu_seconds": round(line["cpu_seconds"], 2), "bytes": round(line["bytes"]),
        "measured": {str(small): one, str(large): two},
    }  # fmt: skip


def ratios(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """CPU time to that of the bare writer: the whole processes, and without what making the rows costs; of the export, to the script's."""
    made, least = found["rows alone"]["cpu_seconds"], found["bare pyarrow"]["cpu_seconds"]
    told = {}
    for name in ("synthgen writer", "synthgen writer and counts", "datasets"):
        cpu = found[name]["cpu_seconds"]
        told[name] = {"whole": round(cpu / least, 2), "without the rows": round((cpu - made) / (least - made), 2)}
    for name in ("synthgen export", "synthgen export, answered under a strategy"):
        told[name] = {"to the script": round(found[name]["cpu_seconds"] / found["script"]["cpu_seconds"], 2)}
    return told


def main() -> None:
    """All of it."""
    if sys.argv[1:2] == ["--child"]:
        CHILDREN[sys.argv[2]](int(sys.argv[3]), Path(sys.argv[4]))
        return
    count = (
        int(sys.argv[sys.argv.index("--rows") + 1]) if "--rows" in sys.argv else FEW if "--quick" in sys.argv else ROWS
    )
    found: dict[str, dict[str, Any]] = {}
    for name in WRITERS:
        print(f"{name} ...", file=sys.stderr)
        found[name] = child(name, count)
    print("datasets and the whole export ...", file=sys.stderr)
    found |= {"datasets": extrapolated(count), **exports(count)}
    compared = ratios(found)
    told = {
        "rows": count,
        "load": os.getloadavg()[0],
        "python": sys.version.split()[0],
        "cpu_ratio": compared,
        "goals": {
            "writer at most 1.3 times the bare one": compared["synthgen writer"]["without the rows"] <= 1.3,
            "with contract and counts at most 1.3 times": compared["synthgen writer and counts"]["whole"] <= 1.3,
            "under 250 MB": max(one["memory_mib"] for name, one in found.items() if name.startswith("synthgen")) < MIB,
        },
        "json_bytes_a_row": sum(len(json.dumps(row)) for row in sft(1_000)) // 1_000,
        "processes": found,
    }
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
