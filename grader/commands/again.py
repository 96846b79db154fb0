"""The commands that go on from a grade: `status`, `repro`, `watch`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from grader import devices
from grader.assignment import load_assignment
from grader.commands import options as shared
from grader.judge import OWN_SUITE
from grader.run import RunOptions
from grader.sandbox.choice import choose

Tree = Annotated[Path, typer.Argument(metavar="[TREE]", help="Default: student.")]
Out = Annotated[Path, typer.Option("--out", help="Where `grade` left its reports.")]


def status(tree: Tree = Path("student"), out: Out = Path("out"), suite: shared.Suite = OWN_SUITE) -> None:
    """Say which parts are written, what they earned, and what to do next."""
    from grader.report.status import print_status
    from grader.status import look

    other = "" if suite.resolve() == OWN_SUITE else f" --suite {shlex.quote(str(suite))}"
    print_status(shared.console(), look(load_assignment(suite), tree, out), other)


def repro(
    case: Annotated[str, typer.Argument(metavar="CASE-ID", help="As a report gives it.")],
    tree: Annotated[Path, typer.Argument(metavar="TREE")],
    seed: Annotated[int | None, typer.Option(help="The seed of the run that failed.")] = None,
    check: shared.Checks = None,
    script: Annotated[
        str, typer.Option(metavar="FILE", help="Where the script goes that shows the failure by itself; - is stdout.")
    ] = "",
    out: Out = Path("out"),
    suite: shared.Suite = OWN_SUITE,
) -> None:
    """Run one case in this process, showing all that goes in and out, and write a script that shows its failure."""
    from grader.repro import reproduce

    assignment, chosen = load_assignment(suite), shared.checked_checks(check)
    sys.exit(reproduce(assignment, case, tree, shared.checked_seed(seed), chosen, script=script, out=out))


def watch(
    tree: Tree = Path("student"),
    select: shared.Select = "",
    device: Annotated[
        list[str] | None, typer.Option(help="A device to run on; may be repeated. Default: those graded.")
    ] = None,
    check: shared.Checks = None,
    seed: Annotated[int | None, typer.Option(help="Default: that of the last grade.")] = None,
    sandbox: shared.SandboxKind = shared.SANDBOX,
    jobs: shared.Jobs = None,
    out: Out = Path("out"),
    suite: shared.Suite = OWN_SUITE,
) -> None:
    """Run the failing cases again whenever a file is saved; Ctrl-C ends."""
    from grader.watch import watch_tree

    processes = shared.checked_jobs(jobs)
    box, assignment = choose(sandbox), load_assignment(suite)
    chosen, checks = devices.choose(assignment, device) if device else (), shared.checked_checks(check)
    devices.check_choice(assignment, chosen or assignment.devices.graded, checks)
    options = RunOptions(shared.checked_seed(None), chosen, select.strip(), "worker", box.kind, checks, box.told)
    watch_tree(
        assignment,
        tree,
        options,
        seed=seed if seed is None else shared.checked_seed(seed),
        jobs=processes,
        out=out,
        console=shared.console(),
    )
