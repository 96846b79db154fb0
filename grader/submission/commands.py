"""The commands that speak to a server: `submit.py`, and `publish` and `post` of `python -m grader`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from grader.assignment import load_assignment
from grader.errors import UsageError
from grader.judge import OWN_SUITE, ROOT
from grader.sandbox.choice import AUTO, KINDS
from grader.submission.secrecy import guarded, taken_key

Key = Annotated[str | None, typer.Option(help="Your key. Better in the environment: MUGRADE_KEY.", show_default=False)]
Server = Annotated[
    str | None,
    typer.Option(help="The server's address. Default: MUGRADE_SERVER, else the assignment's.", show_default=False),
]
InsecureHttp = Annotated[
    bool,
    typer.Option("--insecure-http", help="Send the key over plain http to another machine: anybody between reads it."),
]
Suite = Annotated[Path, typer.Option("--suite", help="The assignment's folder.")]
Sandbox = Annotated[str, typer.Option(metavar="|".join((AUTO, *KINDS)), help="The kind of box around the tree.")]


def submit(
    key: Key = None,
    select: Annotated[str, typer.Option("-k", metavar="EXPR", help="Only these problems. Default: all.")] = "",
    server: Server = None,
    assignment: Annotated[str, typer.Option(help="The name of a folder in tests/, or a path.")] = OWN_SUITE.name,
    tree: Annotated[Path, typer.Option(help="Your tree: a folder or an archive.")] = ROOT / "student",
    sandbox: Sandbox = "none",
    out: Annotated[Path, typer.Option(help="Submissions under way are remembered in its folder submissions/.")] = ROOT
    / "out",
    insecure_http: InsecureHttp = False,
) -> None:
    """Compute your answers, post them case by case, and see the points.

    Exit status: 0 every case is correct; 1 some are not; 2 bad usage; 3 a fault of ours; 4 not everything was posted.
    """
    from grader.mugrade.client import Client
    from grader.submission import submit
    from grader.submission.screen import Screen
    from grader.submission.state import States

    key = taken_key(key)
    with guarded(key):
        screen = Screen()
        found = load_assignment(_suite(assignment))
        client = Client(_server(server, found.server), key or "", insecure_http=insecure_http, notice=screen.notice)
        states = States(out / "submissions")
        try:
            status = submit.submit(client, found, tree, select=select, sandbox=sandbox, states=states, screen=screen)
        except KeyboardInterrupt:
            print(screen.interrupted(), file=sys.stderr)
            status = 130
        finally:
            client.close()
    sys.exit(status)


def publish(
    key: Key = None,
    select: Annotated[str, typer.Option("-k", metavar="EXPR", help="Only these problems. Default: all.")] = "",
    server: Server = None,
    tree: Annotated[Path, typer.Option(help="The tree whose answers are right.")] = ROOT / "reference",
    sandbox: Sandbox = "none",
    suite: Suite = OWN_SUITE,
    insecure_http: InsecureHttp = False,
) -> None:
    """Publish the reference's answers, a new version for each problem whose answers changed."""
    from grader.mugrade.client import Client
    from grader.submission import publish
    from grader.submission.screen import Screen

    key = taken_key(key)
    with guarded(key):
        screen = Screen()
        found = load_assignment(suite)
        client = Client(_server(server, found.server), key or "", insecure_http=insecure_http, notice=screen.notice)
        try:
            status = publish.publish(client, found, tree, select=select, sandbox=sandbox, screen=screen)
        finally:
            client.close()
    sys.exit(status)


def post(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR", help="Folders of reports, as `grade` writes them.")],
    key: Key = None,
    server: Server = None,
    student: Annotated[str, typer.Option(help="Whose grade it is. Default: the name of the tree.")] = "",
    submitted_at: Annotated[
        str, typer.Option(metavar="TIME", help="When it was handed in, in ISO 8601. Default: as the server knows it.")
    ] = "",
    suite: Suite = OWN_SUITE,
    insecure_http: InsecureHttp = False,
) -> None:
    """Sign verified grades with a grader's key, and post them."""
    from grader.mugrade.client import Client, checked_key
    from grader.submission import verified
    from grader.submission.screen import Screen

    key = taken_key(key)
    with guarded(key):
        screen = Screen()
        grades = verified.read(folders, student=student, submitted_at=submitted_at)
        address = _server(server, load_assignment(suite).server)
        client = Client(address, key or "", insecure_http=insecure_http, notice=screen.notice)
        try:
            status = verified.post(client, checked_key(key), grades, screen)
        finally:
            client.close()
    sys.exit(status)


def _server(option: str | None, default: str) -> str:
    return option or os.environ.get("MUGRADE_SERVER") or default


def _suite(name: str) -> Path:
    """The folder of the assignment of that name, or at that path."""
    folder = ROOT / "tests" / name if name.isidentifier() else Path(name)
    if not (folder / "assignment.toml").is_file():
        known = ", ".join(sorted(file.parent.name for file in (ROOT / "tests").glob("*/assignment.toml")))
        raise UsageError(f"--assignment has value {name!r}; expected one of: {known}.")
    return folder
