"""Commits: whatever was written whole is read back, and what was torn is cut away."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen import jsonl
from synthgen.errors import ConfigError, StorageError
from synthgen.jsonl import Journal
from synthgen.records import Rejected

NAMES = ("kept", "rejected")
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
lines = st.lists(st.tuples(st.sampled_from(NAMES), texts), min_size=1, max_size=4)


def files(folder: Path) -> dict[str, Path]:
    """The files of a journal."""
    return {name: folder / f"{name}.jsonl" for name in NAMES}


def write(folder: Path, commits: list) -> None:
    """Commit each list of (file, text)."""
    with Journal(files(folder)) as journal:
        for number, commit in enumerate(commits):
            journal.commit(f"in{number}", [(name, Rejected(id="x", reason=text)) for name, text in commit])


def read(folder: Path) -> list:
    """The commits, as (input, {file: texts})."""
    with Journal(files(folder)) as journal:
        return [
            (commit.of, {name: [row["reason"] for row in commit.rows(name)] for name in NAMES})
            for commit in journal.commits()
        ]


def expected(commits: list) -> list:
    """What `read` should find."""
    return [
        (f"in{number}", {name: [text for other, text in commit if other == name] for name in NAMES})
        for number, commit in enumerate(commits)
    ]


@given(st.lists(lines, max_size=6))
def test_what_is_written_is_read_back(tmp_path_factory, commits: list):
    folder = tmp_path_factory.mktemp("journal")
    write(folder, commits)
    assert read(folder) == expected(commits)


COMMITS = [
    [("kept", "a"), ("kept", "é"), ("rejected", "b")],
    [("rejected", "c")],
    [("kept", "天"), ("rejected", "d\n\u2028")],
    [("kept", "e")],
]


def test_files_cut_at_any_byte_are_cut_back_to_the_whole_commits(tmp_path: Path):
    whole = tmp_path / "whole"
    write(whole, COMMITS)
    data = {name: path.read_bytes() for name, path in files(whole).items()}
    cut = tmp_path / "cut"
    cut.mkdir()
    seen = set()
    for kept in range(len(data["kept"]) + 1):
        for rejected in (*range(0, len(data["rejected"]), 23), len(data["rejected"])):
            (cut / "kept.jsonl").write_bytes(data["kept"][:kept])
            (cut / "rejected.jsonl").write_bytes(data["rejected"][:rejected])
            found = read(cut)
            assert found == expected(COMMITS)[: len(found)]
            seen.add(len(found))
            write(cut, [])
            assert read(cut) == found
    assert seen == {0, 1, 2, 3, 4}


def test_after_a_cut_the_next_commit_stands_where_the_torn_one_stood(tmp_path: Path):
    write(tmp_path, COMMITS)
    path = tmp_path / "kept.jsonl"
    path.write_bytes(path.read_bytes()[:-3])
    with Journal(files(tmp_path)) as journal:
        assert journal.committed == 3
        journal.commit("in3", [("kept", Rejected(id="x", reason="again"))])
    assert [of for of, _ in read(tmp_path)] == ["in0", "in1", "in2", "in3"]


@given(st.integers(0, 5))
def test_dropping_from_a_number_leaves_the_commits_before_it(tmp_path_factory, number: int):
    folder = tmp_path_factory.mktemp("journal")
    write(folder, COMMITS)
    with Journal(files(folder)) as journal:
        journal.drop_from(number)
        assert journal.committed == min(number, 4)
    assert read(folder) == expected(COMMITS)[:number]


@pytest.mark.parametrize("damage", [b"not json\n", b"[1, 2]\n", b'{"id": "x"}\n', b'"text"\n'])
def test_a_damaged_line_in_the_middle_is_refused_with_its_number(tmp_path: Path, damage: bytes):
    write(tmp_path, COMMITS)
    path = tmp_path / "kept.jsonl"
    kept = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([kept[0], damage, *kept[2:]]))
    with pytest.raises(ConfigError, match=r"kept\.jsonl line 2"):
        read(tmp_path)


def test_a_commit_without_lines_is_a_fault_of_the_program(tmp_path: Path):
    with Journal(files(tmp_path)) as journal, pytest.raises(ValueError, match="leaves a trace"):
        journal.commit("in0", [])


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageError, match="make room or choose another"):
        write(tmp_path / "taken", [])


@given(st.lists(lines, max_size=6), st.integers(0, 60))
def test_lines_are_counted_and_the_last_one_is_found_without_reading_all(tmp_path_factory, commits: list, torn: int):
    folder = tmp_path_factory.mktemp("journal")
    write(folder, commits)
    for path in files(folder).values():
        path.write_bytes(path.read_bytes()[: -torn or None])
        whole = list(jsonl.rows(path))
        assert jsonl.lines(path) == len(whole)
        assert jsonl.last(path) == (whole[-1] if whole else None)


def test_the_last_line_is_found_however_long_it_is(tmp_path: Path):
    for size in (0, 8_100, 8_192, 70_000, 1_000_000):
        path = tmp_path / "long.jsonl"
        path.write_text(f'{{"id":"{"a" * size}"}}\n{{"id":"{"b" * size}"}}\n{{"id":"torn')
        assert jsonl.last(path) == {"id": "b" * size}
    assert jsonl.last(tmp_path / "none.jsonl") is None
    assert jsonl.lines(tmp_path / "none.jsonl") == 0


def test_a_gap_between_commits_ends_what_is_whole(tmp_path: Path):
    write(tmp_path, COMMITS)
    kept = (tmp_path / "kept.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "kept.jsonl").write_bytes(b"".join(line for line in kept if b'"commit":2' not in line))
    assert [of for of, _ in read(tmp_path)] == ["in0", "in1"]
    assert jsonl.last(tmp_path / "kept.jsonl")["commit"] == 0, "what stood behind the gap is cut away"


@settings(max_examples=20)
@given(st.binary(max_size=50), st.binary(max_size=50))
def test_a_file_is_replaced_whole(tmp_path_factory, old: bytes, new: bytes):
    path = tmp_path_factory.mktemp("replace") / "report.json"
    jsonl.replace(path, old)
    jsonl.replace(path, new)
    assert path.read_bytes() == new
    assert [one.name for one in path.parent.iterdir()] == ["report.json"]
