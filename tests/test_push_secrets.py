"""Secrets are found where they stand, in rows of any shape; what only looks like one is left."""

import json
import string
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import SEEDS
from hypothesis import given
from hypothesis import strategies as st

from synthgen.publish.secrets import Found, Search

LETTERS = string.ascii_letters
BODY = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6kM9nP2rS5uV8xY"
SECRETS = {
    "a Hugging Face token": f"hf_{BODY[:17]}{LETTERS[10:27]}",
    "an API key that begins with sk-": f"sk-proj-{BODY}",
    "a GitHub token": f"ghp_{BODY[:36]}",
    "a GitHub token of fine grain": f"github_pat_{BODY[:22]}_{BODY}",
    "a GitLab token": f"glpat-{BODY[:20]}",
    "an AWS access key": "AKIAQ3EGRV5XN2PTLK7W",
    "a Slack token": f"xoxb-{BODY[:24]}",
    "a Slack webhook": f"https://hooks.slack.com/services/T0A1B2C3D/B4E5F6G7H/{BODY[:24]}",
    "a Google API key": f"AIza{BODY[:35]}",
    "a Google client secret": f"GOCSPX-{BODY[:28]}",
    "a Stripe key": f"sk_live_{BODY[:24]}",
    "a Groq key": f"gsk_{BODY[:48]}",
    "an xAI key": f"xai-{BODY}{BODY[:20]}",
    "a Replicate token": f"r8_{BODY[:37]}",
    "an NVIDIA key": f"nvapi-{BODY}{BODY[:14]}",
    "an npm token": f"npm_{BODY[:36]}",
    "a PyPI token": f"pypi-AgEIcHlwaS5vcmc{BODY}{BODY}",
    "a SendGrid key": f"SG.{BODY[:22]}.{BODY[:43]}",
    "an Azure storage key": f"AccountKey={BODY}{BODY[:36]}==",
    "a JSON web token": f"eyJ{BODY[:20]}.eyJ{BODY[:30]}.{BODY[:43]}",
    "a private key": f"-----BEGIN RSA PRIVATE KEY-----\nMII{BODY}\n-----END RSA PRIVATE KEY-----",
    "a password in a URL": "postgres://admin:hunter2isgone@db.acme.io/prod",
}
INNOCENT = [
    "Use your key, for instance sk-your-api-key-here-1234567890abcdef, or hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.",
    "AWS itself writes AKIAIOSFODNN7EXAMPLE in its documentation.",
    "A PEM file begins with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----, with base64 in between.",
    "postgres://user:password@localhost/db and https://user:secret@example.com/path and redis://:@cache",
    "a task-based, risk-averse, disk-bound sk-learn-like-pipeline-with-many-words-in-it",
    "git@github.com:owner/name.git, http://host:8000/v1, and the ratio 3:4@noon",
    "f'postgres://{user}:{password}@{host}.acme.io/db'",
    f"a word that goes on: xhf_{BODY}",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6y",
    "hf_" + "a" * 34,
]


def table(folder: Path, text: str) -> str:
    """A file with a text in every place where a row can have one: the path."""
    said = [{"role": "assistant", "content": "nothing"}, {"role": "assistant", "content": text}]
    rows = [
        {"id": f"r{number}", "completion": said[:1], "about": {"note": "no"}, "metadata_json": "{}"}
        for number in range(3)
    ]
    rows[1] = {**rows[1], "completion": said}
    pq.write_table(pa.Table.from_pylist(rows), folder / "sft.parquet")
    return "sft.parquet"


@pytest.mark.parametrize("kind", SECRETS)
def test_each_kind_is_found_in_rows_and_in_text_and_never_shown(tmp_path: Path, kind: str):
    secret = SECRETS[kind]
    (tmp_path / "notes.md").write_text(f"First line.\nThe key is '{secret}'.\n")
    (tmp_path / "sft.jsonl").write_text("{}\n" + json.dumps({"content": f"Use\n{secret}\nas it is."}) + "\n")
    paths = [table(tmp_path, f"Use\n{secret}\nas it is."), "notes.md", "sft.jsonl"]
    found = Search().folder(tmp_path, paths)
    assert Found("sft.parquet", kind, "row r1", 1) in found
    assert Found("notes.md", kind, "in its text", 1) in found
    assert Found("sft.jsonl", kind, "line 2", 1) in found
    assert not any(secret in str(one) for one in found)


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_plainly_an_example_is_left(text: str):
    assert Search().kinds(text) == set()


def test_the_projects_own_seeds_hold_none():
    assert Search().folder(SEEDS, ["seed_tasks.jsonl", "README.md"]) == []


def test_a_secret_in_json_inside_a_column_is_found_behind_its_escapes(tmp_path: Path):
    inner = json.dumps({"note": f"one\n{SECRETS['a GitHub token']}"})
    pq.write_table(pa.table({"id": ["a", "b"], "metadata_json": ["{}", inner]}), tmp_path / "x.parquet")
    assert [one.first for one in Search().folder(tmp_path, ["x.parquet"])] == ["row b"]


def test_a_key_with_signs_that_json_escapes_is_found_inside_json(tmp_path: Path):
    key = 'quo"te and back\\slash'
    pq.write_table(pa.table({"id": ["a"], "metadata_json": [json.dumps({"note": key})]}), tmp_path / "x.parquet")
    (tmp_path / "x.jsonl").write_text(json.dumps({"content": key}) + "\n")
    found = Search({"MY_KEY": key}).folder(tmp_path, ["x.parquet", "x.jsonl"])
    assert [(one.path, one.kind) for one in found] == [
        (path, "the value of MY_KEY") for path in ("x.parquet", "x.jsonl")
    ]


def test_a_secret_behind_an_escape_in_a_program_is_found():
    assert Search().kinds(rf"print('token:\n{SECRETS['a GitHub token']}')") == {"a GitHub token"}


def test_rows_are_counted_and_the_first_is_named(tmp_path: Path):
    text = f"AIza{BODY[:35]}"
    pq.write_table(pa.table({"text": ["no", text, text, text]}), tmp_path / "x.parquet")
    (one,) = Search().folder(tmp_path, ["x.parquet"])
    assert str(one) == "x.parquet holds a Google API key (row 2 and 2 more)"


def test_values_of_the_environment_are_found_and_short_ones_are_no_keys(tmp_path: Path):
    search = Search({"MY_KEY": "plain words only", "OTHER": "EMPTY"})
    pq.write_table(pa.table({"id": ["a", "b"], "text": ["EMPTY", "so: plain words only."]}), tmp_path / "x.parquet")
    assert search.folder(tmp_path, ["x.parquet"]) == [Found("x.parquet", "the value of MY_KEY", "row b", 1)]


@given(st.text(), st.sampled_from(sorted(SECRETS)), st.text())
def test_the_quick_look_over_bytes_misses_nothing_that_the_thorough_one_finds(before: str, kind: str, after: str):
    text = f"{before} {SECRETS[kind]} {after}"
    search = Search()
    assert kind in search.kinds(text)
    assert search.suspect(text.encode(errors="replace"))
