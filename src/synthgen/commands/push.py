"""`synthgen push`: the dataset folder of a run, to the Hub."""

import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synthgen.commands.common import NOT_STARTED, foreseen

if TYPE_CHECKING:
    from synthgen.publish.hub import Hub
    from synthgen.publish.push import Plan

Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run directory, or a dataset folder.")]
Name = Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The dataset repository on the Hub.")]


def push(
    run: Run,
    name: Name,
    private: Annotated[
        bool | None, typer.Option("--private/--public", help="Of a new repository (private); one that exists stays.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and what speaks against it.")] = False,
    revision: Annotated[str, typer.Option(help="The branch, made where there is none.")] = "main",
    message: Annotated[str, typer.Option(help="The commit's message.")] = "",
    allow_rehearsal: Annotated[bool, typer.Option("--allow-rehearsal", help="Push what the rehearsal made.")] = False,
    allow_unknown_license: Annotated[
        bool, typer.Option("--allow-unknown-license", help="Push without a licence.")
    ] = False,
    allow_secrets: Annotated[
        bool, typer.Option("--allow-secrets", help="Push although keys or tokens seem to stand in the texts.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of something that synthgen did not push.")
    ] = False,
) -> None:
    """Put a run's dataset on the Hugging Face Hub, exactly as the folder is. The token is huggingface_hub's own."""
    with foreseen():
        quiet()
        from synthgen.publish import hub as hubs
        from synthgen.publish import push as pushing

        hubs.check_name(name)
        allowed = pushing.Allowed(allow_rehearsal, allow_unknown_license, allow_secrets, replace)
        token = hubs.token()
        environment = {**os.environ, **({"HF_TOKEN": token} if token else {})}
        hub = hubs.Hub(name, token, revision)
        if dry_run:
            show(pushing.plan(run, allowed, environment), hub if token else None, name, revision)
            return
        with pushing.held(run):
            plan = pushing.plan(run, allowed, environment)
            done, commit = pushing.push(plan, hub, token, private=private, allowed=allowed, message=message)
        count = Counter(done.changes.values())
        told = ", ".join(f"{count[what]} {what}" for what in ("new", "replaced", "unchanged", "deleted"))
        typer.echo(f"{hub.url}\ncommit {commit} on {revision}: {told}")


def quiet() -> None:
    """Before huggingface_hub is imported: no bars in a log, and nothing told that the push does not need."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def show(plan: "Plan", hub: "Hub | None", name: str, revision: str) -> None:
    """Say what would go; exit code 1, with the reasons, where it must not. Without a token there is no Hub to ask."""
    from synthgen.publish import push as pushing
    from synthgen.publish.hub import PushError

    known = "the Hub was not asked, since there is no token; what it has beside these files would be deleted there"
    if hub is not None:
        try:
            plan = pushing.compared(plan, hub)
            known = state(plan)
        except PushError as error:
            known = f"the Hub was not asked: {error}"
    for path, what in plan.changes.items():
        typer.echo(f"{what:<9} {plan.sizes.get(path, 0):>15,} bytes  {path}")
    typer.echo(
        f"{len(plan.sizes)} files, {sum(plan.sizes.values()):,} bytes, for the dataset {name}, branch {revision}"
    )
    typer.echo(known)
    for reason in plan.refusals:
        typer.echo(f"synthgen: refused: {reason}", err=True)
    if plan.refusals:
        raise typer.Exit(NOT_STARTED)


def state(plan: "Plan") -> str:
    """What the Hub has now."""
    if plan.remote is None:
        return "the repository does not exist and would be made"
    return f"the repository is {'private' if plan.remote.private else 'public'}, at commit {plan.remote.head or '(no such branch)'}"
