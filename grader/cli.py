"""The command line: parse, call, print. `python -m grader --help` lists the commands."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from grader.assignment import Assignment, load_assignment
from grader.errors import HarnessError, UsageError
from grader.run import ROOT, RunOptions

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

Suite = Annotated[Path, typer.Option("--suite", help="The assignment's folder.")]
SUITE = ROOT / "tests" / "hw4"


@app.command()
def grade(
    trees: Annotated[list[Path], typer.Argument(metavar="TREE...", help="Folders, zips or tars to grade.")],
    select: Annotated[str, typer.Option("-k", metavar="EXPR", help="Only these problems, buckets or tests.")] = "",
    device: Annotated[list[str] | None, typer.Option(help="A device to grade on; may be repeated.")] = None,
    seed: Annotated[int | None, typer.Option(help="Repeat a run with its seed. Default: a new one.")] = None,
    isolation: Annotated[str, typer.Option(help="worker; none (in-process) is refused here.")] = "worker",
    sandbox: Annotated[str, typer.Option(help="The kind of box around a submission.")] = "none",
    jobs: Annotated[int | None, typer.Option(help="Processes at a time. Default: a core each.")] = None,
    out: Annotated[Path, typer.Option(help="Where the reports go, a folder a tree.")] = Path("out"),
    suite: Suite = SUITE,
) -> None:
    """Grade trees: build, run the suite in isolated workers, and report the points."""
    from grader.grading import grade_trees
    from grader.progress import Progress
    from grader.report.terminal import print_grade, print_summary

    if isolation != "worker":
        raise UsageError(
            f"--isolation has value {isolation!r}; grading needs 'worker'. For a debugger use `python -m grader repro` "
            "or `pytest --isolation none`."
        )
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs has value {jobs}; expected a number from 1 up.")
    assignment = load_assignment(suite)
    options = RunOptions(_seed(seed), _devices(assignment, device), select, isolation, sandbox)
    console = Console()
    console.print(f"{assignment.name}: {assignment.title}; seed {options.seed}", highlight=False)
    with Progress(console) as progress:
        grades = grade_trees(
            assignment,
            trees,
            options,
            jobs=jobs or len(os.sched_getaffinity(0)),
            out=out,
            watch=progress.watch,
        )
    for item in grades:
        print_grade(console, item)
    print_summary(console, grades)
    console.print(f"Reports: {out}/*/grade.json, report.json, summary.md", highlight=False, style="dim")


@app.command()
def repro(
    case: Annotated[str, typer.Argument(metavar="CASE-ID", help="As a report gives it.")],
    tree: Annotated[Path, typer.Argument(metavar="TREE")],
    seed: Annotated[int | None, typer.Option(help="The seed of the run that failed.")] = None,
    suite: Suite = SUITE,
) -> None:
    """Run one case in this process, printing inputs and outputs; breakpoints in the tree work."""
    from grader.repro import reproduce

    sys.exit(reproduce(load_assignment(suite), case, tree, _seed(seed)))


@app.command()
def doctor(suite: Suite = SUITE) -> None:
    """Say what this machine has, what it lacks, and how to mend it."""
    from grader import doctor

    print(doctor.render(doctor.examine(load_assignment(suite))))


@app.command()
def derive() -> None:
    """Write student/ from reference/."""
    from grader.derive import derive_tree

    changes = derive_tree(ROOT / "reference", ROOT / "student")
    for change in changes:
        print(change)
    print(f"student/: {len(changes)} files brought up to date with reference/")


@app.command()
def check_student() -> None:
    """Fail where student/ is not what reference/ derives to."""
    from grader.derive import check_tree

    differences = check_tree(ROOT / "reference", ROOT / "student")
    for difference in differences:
        print(difference, file=sys.stderr)
    if differences:
        print("student/ is stale; run `make student`.", file=sys.stderr)
        sys.exit(1)
    print("student/ is what reference/ derives to")


@app.command()
def release(
    out: Annotated[Path | None, typer.Option(help="The archive. Default: dist/hw4-student.zip.")] = None,
) -> None:
    """Write the archive that students get; refuses when student/ is stale or a solution line would leak."""
    from grader import derive

    print(derive.release(ROOT, out))


def _seed(seed: int | None) -> int:
    if seed is None:
        return secrets.randbelow(1 << 31)
    if not 0 <= seed < 1 << 63:
        raise UsageError(f"--seed has value {seed}; expected a number from 0 to 2^63 - 1.")
    return seed


def _devices(assignment: Assignment, chosen: list[str] | None) -> tuple[str, ...]:
    devices = tuple(dict.fromkeys(chosen or assignment.devices.graded))
    for device in devices:
        if device not in assignment.devices.known:
            known = ", ".join(assignment.devices.known)
            raise UsageError(f"--device has value {device!r}; expected one of: {known}.")
    return devices


def main() -> None:
    """Run the command line; the exit status is 0, 2 (bad usage) or 3 (our own fault)."""
    try:
        app()
    except HarnessError as error:
        kind = "error" if isinstance(error, UsageError) else "the grader itself failed, and no grade was given"
        print(f"{kind}: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
