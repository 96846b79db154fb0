"""`python -m grader carry`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from grader.assignment import load_assignment
from grader.errors import UsageError
from grader.judge import OWN_SUITE


def carry(
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="OLD", help="Your earlier tree: a folder, zip, tar or REPO@COMMIT. It is read, never run."
        ),
    ] = None,
    upgrade: Annotated[
        Path | None, typer.Option("--upgrade", metavar="NEW.zip", help="A new release of this handout instead.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="TREE", help="Where to. Default: student; of --upgrade, this folder.")
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option(metavar="OLD.zip", help="With --upgrade: the release that you unpacked, if asked for."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite work that is there; a backup is kept.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")] = False,
    suite: Annotated[Path, typer.Option("--suite", help="The assignment's folder.")] = OWN_SUITE,
) -> None:
    """Take your code over from an earlier homework, edition or release.

    Exit status: 0 also where something could not be placed, which is told then; 2 where OLD or the target is no tree.
    """
    if (from_ is None) == (upgrade is None):
        raise UsageError("carry wants --from OLD, your earlier tree, or --upgrade NEW.zip, a new release; one of them.")
    console = Console(color_system=None) if os.environ.get("NO_COLOR") else Console()
    if upgrade is not None:
        from grader.carry.upgrade.table import print_upgrade
        from grader.carry.upgrade.upgrade import upgrade as take_release

        print_upgrade(console, take_release(to or Path(), upgrade, base=base, force=force, dry_run=dry_run))
        return
    assert from_ is not None
    from grader.carry.editions import load_editions
    from grader.carry.old_tree import read_old
    from grader.carry.table import print_report
    from grader.carry.transfer import carry as transfer

    target = to or Path("student")
    if from_.exists() and target.exists() and from_.resolve() == target.resolve():
        raise UsageError(f"--from and --to both name {target}; --from wants your earlier tree.")
    assignment = load_assignment(suite)
    old = read_old(from_, assignment)
    report = transfer(old, target, assignment, load_editions(suite), force=force, dry_run=dry_run)
    print_report(console, report, assignment.parts, dry_run=dry_run)
