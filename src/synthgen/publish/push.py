"""What a push would do, why it must not, and the push itself."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from synthgen.datafolders import CARD
from synthgen.export.folder import PROOF
from synthgen.publish import folder as folders
from synthgen.publish.folder import UNKNOWN
from synthgen.publish.hub import GLANCE_SECONDS, LOG_IN, Hub, PushError, Remote
from synthgen.publish.secrets import Search
from synthgen.runs import RunDir

KEPT = (".gitattributes", ".gitignore", "LICENSE*", "LICENCE*", "CITATION*", "CODE_OF_CONDUCT*")
"""What people add on the Hub by hand, at the top, and a push leaves there."""
KEYS = ("OPENAI_API_KEY", "HF_TOKEN")
"""Environment variables whose values are looked for in every folder."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What is published although it would be refused."""

    rehearsal: bool = False
    unknown_license: bool = False
    secrets: bool = False
    others: bool = False
    """A repository that holds something else than a dataset of this program."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would go, and why it must not."""

    folder: Path
    sizes: Mapping[str, int]
    changes: Mapping[str, str]
    """Path to what would become of it: new, replaced, unchanged or deleted; `sent` where the Hub was not asked."""
    refusals: tuple[str, ...] = ()
    remote: Remote | None = None
    """What the Hub holds, where it was asked and has the repository."""


def beside(local: Plan, remote: Remote | None) -> Plan:
    """The plan, with what would become of every file now that it is known what the Hub holds."""
    there = remote.files if remote else {}
    found = {path: change(local.folder / path, there.get(path)) for path in local.sizes}
    found |= {path: "deleted" for path in there if path not in found and not kept(path)}
    return replace(local, changes=found, remote=remote)


def change(path: Path, there: tuple[int, str] | None) -> str:
    """What would become of a file that the Hub has under some digest, or has not."""
    if there is None:
        return "new"
    return "unchanged" if path.stat().st_size == there[0] and same(path, there[1]) else "replaced"


def same(path: Path, digest: str) -> bool:
    """Whether a file has the digest that the Hub gives: SHA-256, or git's SHA-1 of a small one."""
    with path.open("rb") as handle:
        if len(digest) == hashlib.sha256().digest_size * 2:
            return hashlib.file_digest(handle, "sha256").hexdigest() == digest
        whole = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
        whole.update(handle.read())
    return whole.hexdigest() == digest


def kept(path: str) -> bool:
    """Whether a file on the Hub stays there although the folder has none of its name."""
    return "/" not in path and any(fnmatch(path, one) for one in KEPT)


def plan(source: Path, allowed: Allowed, environment: Mapping[str, str] = os.environ) -> Plan:
    """What a push of a run or a dataset folder would send, and every reason against it; the Hub is not asked."""
    place = folders.located(source)
    sizes = folders.files(place)
    card = folders.card(place)
    faults = list(folders.faults(place, card, sizes))
    whole = [path for path in sizes if not any(folders.unfit(place, path))]
    reasons = [*faults, *forbidden(place, card, whole, allowed, keys_of(source, environment))]
    if not faults:
        reasons += contract_faults(place)
    return Plan(place, sizes, dict.fromkeys(sizes, "sent"), tuple(reasons))


def forbidden(
    place: Path, card: folders.Card, paths: Sequence[str], allowed: Allowed, keys: Mapping[str, str]
) -> Iterator[str]:
    """Why a dataset must not be published, however whole it is."""
    if not allowed.rehearsal and (card.rehearsal or folders.rehearsed(place, paths)):
        yield "the rehearsal made these rows: a program, to try out the pipeline; --allow-rehearsal pushes them all the same"
    if not allowed.unknown_license and card.license == UNKNOWN:
        yield (
            "the licence is unknown: say which with `synthgen export RUN --license ID`, or push without one with "
            "--allow-unknown-license"
        )
    if not allowed.secrets:
        for found in Search(keys).folder(place, paths):
            yield f"{found}: take the row out, or push it all the same with --allow-secrets"


def contract_faults(place: Path) -> Iterator[str]:
    """Rows that a trainer would drop or train wrong on, as the export's own check finds them."""
    from synthgen.export.check import check_folder  # which loads pyarrow

    for one in check_folder(place):
        yield from (f"not fit to train on: {line}" for line in one.in_words())


def keys_of(source: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The values of the environment variables that a run's config names as keys, by name."""
    run = RunDir(source if (source / "config.json").is_file() else source.absolute().parent)
    names = {*KEYS, *key_names(run.stored() if run.config.is_file() else {})}
    return {name: environment[name] for name in sorted(names) if environment.get(name)}


def key_names(value: Any) -> Iterator[str]:
    """Every `key_env` within a config."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name == "key_env" and isinstance(inner, str):
                yield inner
            yield from key_names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from key_names(inner)


def compared(local: Plan, hub: Hub) -> Plan:
    """The plan beside what the Hub holds, for a dry run: a glance, without a second try."""
    return beside(local, hub.look(GLANCE_SECONDS))


@contextmanager
def held(source: Path) -> Iterator[None]:
    """Keep a run from being written while it is pushed; a folder that is no run is left alone."""
    run = RunDir(source)
    with run.locked() if run.config.is_file() else nullcontext():
        yield


def push(
    local: Plan, hub: Hub, token: str | None, *, private: bool | None, allowed: Allowed, message: str = ""
) -> tuple[Plan, str]:
    """Make the branch hold what the folder holds; what was done, and the commit. Raises PushError where it must not, or fails.

    A new repository is private unless `private` is False; one that exists keeps its visibility.
    """
    if local.refusals:
        raise PushError("; ".join(local.refusals))
    if not token:
        raise PushError(f"there is no token for the Hub: {LOG_IN}")
    remote = hub.look()
    if remote is None:
        hub.create(private=private is not False)
        remote = hub.look()
    if remote is None:
        raise PushError(f"{hub.name} was made and is not there; run the same command again")
    check_remote(hub.name, remote, private=private, allowed=allowed)
    if not remote.head:
        hub.branch()
        remote = hub.look() or remote
    done = beside(local, remote)
    if not set(done.changes.values()) - {"unchanged"}:
        return done, remote.head
    delete = [path for path, what in done.changes.items() if what == "deleted"]
    commit = hub.upload(local.folder, delete=delete, message=message or "Push the dataset", parent=remote.head)
    check_arrived(hub, local)
    return done, commit


def check_remote(name: str, remote: Remote, *, private: bool | None, allowed: Allowed) -> None:
    """Raise PushError for a repository of another visibility than was asked for, or with something else in it."""
    if private is not None and remote.private != private:
        now, wanted = ("private", "public") if remote.private else ("public", "private")
        raise PushError(
            f"{name} is {now} and you asked for {wanted}; change it in the repository's settings on the Hub, or leave the "
            "flag out"
        )
    foreign = [path for path in remote.files if not kept(path) and path != CARD]
    if foreign and PROOF not in remote.files and not allowed.others:
        raise PushError(
            f"{name} holds {foreign[0]} and is no dataset that synthgen pushed; choose another name, or put the dataset in "
            "its place with --replace"
        )


def check_arrived(hub: Hub, local: Plan) -> None:
    """Raise PushError unless the branch holds the folder, byte for byte."""
    wrong = [path for path, what in beside(local, hub.look()).changes.items() if what != "unchanged"]
    if wrong:
        raise PushError(
            f"after the push {hub.name} does not hold {wrong[0]} as it is here ({len(wrong)} such files); look for a "
            ".gitignore there, and run the same command again"
        )
