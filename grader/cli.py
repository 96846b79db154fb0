"""The command line: parse, call, print. `python -m grader --help` lists the commands."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shlex
import sys
import traceback
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from grader import devices
from grader.assignment import load_assignment
from grader.carry.command import carry
from grader.errors import GraderError, HarnessError, UsageError
from grader.judge import OWN_SUITE, ROOT
from grader.run import RunOptions
from grader.sandbox.choice import AUTO, KINDS, choose
from grader.starting import begin
from grader.submission import commands as submission

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

_GRADING, _HANDOUT, _COURSE = "Grading", "The handout", "The course: server, people, answers, rules"  # in --help

Suite = Annotated[Path, typer.Option("--suite", help="The assignment's folder.")]
Reference = Annotated[Path, typer.Option("--reference", help="The complete tree.")]
Student = Annotated[Path, typer.Option("--student", help="The tree that is derived from it.")]
REFERENCE, STUDENT = ROOT / "reference", ROOT / "student"
# In the course's checkout other people's code is graded; in what students get there is no reference, and the code is
# their own, which can do anything to them anyway.
SANDBOX = AUTO if REFERENCE.is_dir() else "none"
SANDBOXES = "|".join((AUTO, *KINDS))
Checks = Annotated[
    list[str] | None,
    typer.Option("--check", metavar="memory|race", help="What cuda-sim watches for besides; may be repeated."),
]


@app.command(rich_help_panel=_GRADING)
def grade(
    trees: Annotated[
        list[Path],
        typer.Argument(metavar="TREE", help="Folders, zips, tars, or commits (REPOSITORY@COMMIT) to grade."),
    ],
    select: Annotated[str, typer.Option("-k", metavar="EXPR", help="Only these problems, buckets or tests.")] = "",
    device: Annotated[
        list[str] | None, typer.Option(help="A device to grade on, or auto; may be repeated. Default: those graded.")
    ] = None,
    check: Checks = None,
    seed: Annotated[int | None, typer.Option(help="Repeat a run with its seed. Default: a new one.")] = None,
    isolation: Annotated[str, typer.Option(help="worker; none (in-process) is refused here.")] = "worker",
    sandbox: Annotated[str, typer.Option(metavar=SANDBOXES, help="The kind of box around a submission.")] = SANDBOX,
    jobs: Annotated[int | None, typer.Option(help="Processes at a time. Default: a core each.")] = None,
    out: Annotated[Path, typer.Option(help="Where the reports go, a folder a tree.")] = Path("out"),
    suite: Suite = OWN_SUITE,
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
    box = choose(sandbox)
    assignment = load_assignment(suite)
    chosen, checks = devices.choose(assignment, device or ()), tuple(dict.fromkeys(check or ()))
    devices.check_choice(assignment, chosen, checks)
    options = RunOptions(_seed(seed), chosen, select.strip(), isolation, box.kind, checks, box.told)
    console = _console()
    _say(console, f"{assignment.name}: {assignment.title}; seed {options.seed}")
    for sentence in devices.explain(assignment, device or ()):
        _say(console, sentence)
    if sandbox == AUTO:
        _say(console, f"sandbox {box.told}")
    with Progress(console) as progress:
        grades = grade_trees(
            assignment,
            trees,
            options,
            jobs=jobs or _cores(),
            out=out,
            watch=progress.watch,
            shown=[str(tree) for tree in trees],
        )
    for item in grades:
        print_grade(console, item)
    print_summary(console, grades)
    folders = [str(out / item.tree) for item in grades] if len(grades) <= 3 else [str(out / "*")]
    _say(console, f"Reports (grade.json, report.json, summary.md): {', '.join(folders)}")


@app.command(rich_help_panel=_GRADING)
def status(
    tree: Annotated[Path, typer.Argument(metavar="[TREE]", help="Default: student.")] = Path("student"),
    out: Annotated[Path, typer.Option(help="Where `grade` left its reports.")] = Path("out"),
    suite: Suite = OWN_SUITE,
) -> None:
    """Say which parts are written, what they earned, and what to do next."""
    from grader.report.status import print_status
    from grader.status import look

    other = "" if suite.resolve() == OWN_SUITE else f" --suite {shlex.quote(str(suite))}"
    print_status(_console(), look(load_assignment(suite), tree, out), other)


@app.command(rich_help_panel=_GRADING)
def repro(
    case: Annotated[str, typer.Argument(metavar="CASE-ID", help="As a report gives it.")],
    tree: Annotated[Path, typer.Argument(metavar="TREE")],
    seed: Annotated[int | None, typer.Option(help="The seed of the run that failed.")] = None,
    check: Checks = None,
    suite: Suite = OWN_SUITE,
) -> None:
    """Run one case in this process, printing inputs and outputs; breakpoints in the tree work."""
    from grader.repro import reproduce

    sys.exit(reproduce(load_assignment(suite), case, tree, _seed(seed), tuple(dict.fromkeys(check or ()))))


@app.command(rich_help_panel=_GRADING)
def sim(
    program: Annotated[Path, typer.Argument(metavar="PROGRAM.cu", help="A CUDA program with a main.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="ARGS", help="The program's own; its options after a --.")
    ] = None,
    check: Checks = None,
    seeds: Annotated[int | None, typer.Option(help="Orders of the threads that --check race tries.")] = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Leave the program here, compiled for a debugger.")
    ] = None,
) -> None:
    """Run a CUDA program on the CPU, and say what it does that a GPU would not tell."""
    from grader.cudasim import program as simulated

    checks = tuple(dict.fromkeys(check or ()))
    sys.exit(simulated.run(program, arguments or (), checks=checks, seeds=seeds, executable=keep))


@app.command(rich_help_panel=_GRADING)
def doctor(suite: Suite = OWN_SUITE) -> None:
    """Say what this machine has, what it lacks, and how to mend it."""
    from grader import doctor

    print(doctor.render(doctor.examine(load_assignment(suite))))


@app.command(rich_help_panel=_HANDOUT)
def derive(reference: Reference = REFERENCE, student: Student = STUDENT) -> None:
    """Write student/ from reference/."""
    from grader.derive import derive_tree

    changes = derive_tree(reference, student)
    for change in changes:
        print(change)
    print(f"{student.name}/: {len(changes)} files brought up to date with {reference.name}/")


@app.command(rich_help_panel=_HANDOUT)
def check_student(reference: Reference = REFERENCE, student: Student = STUDENT) -> None:
    """Fail where student/ is not what reference/ derives to."""
    from grader.derive import check_tree

    differences = check_tree(reference, student)
    for difference in differences:
        print(difference, file=sys.stderr)
    if differences:
        own = (reference, student) == (REFERENCE, STUDENT)
        remedy = "make student" if own else f"python -m grader derive --reference {reference} --student {student}"
        print(f"{student.name}/ is stale; run `{remedy}`.", file=sys.stderr)
        sys.exit(1)
    print(f"{student.name}/ is what {reference.name}/ derives to")


@app.command(rich_help_panel=_HANDOUT)
def release(
    out: Annotated[Path | None, typer.Option(help="The archive. Default: dist/NAME-student.zip.")] = None,
    reference: Reference = REFERENCE,
    student: Student = STUDENT,
    suite: Suite = OWN_SUITE,
) -> None:
    """Write the archive that students get; refuses when student/ is stale or a solution line would leak.

    Of another assignment than the checkout's own the README.md beside its student/ is what students read first.
    """
    from grader import derive

    given = None
    if suite.resolve() == OWN_SUITE:
        if (reference, student) != (REFERENCE, STUDENT):
            raise UsageError("--reference and --student name another assignment's trees; name its --suite as well.")
    else:
        given = derive.Handout(load_assignment(suite).name, reference, student, suite, student.parent / "README.md")
    print(derive.release(ROOT, out, given))


app.command(rich_help_panel=_HANDOUT)(carry)
app.command(rich_help_panel=_COURSE)(submission.publish)
app.command(rich_help_panel=_COURSE)(submission.post)
if importlib.util.find_spec("grader.server"):  # it is on the course's machine only; what students get has none
    from grader.server import commands as course
    from grader.server import serve_command

    app.command(rich_help_panel=_COURSE)(serve_command.serve)
    app.add_typer(course.roster, name="roster", rich_help_panel=_COURSE)
    app.add_typer(course.regrade, name="regrade", rich_help_panel=_COURSE)
    app.command(rich_help_panel=_COURSE)(course.policy)
    app.command(rich_help_panel=_COURSE)(course.extend)
    app.command(rich_help_panel=_COURSE)(course.late_days)
    app.command(rich_help_panel=_COURSE)(course.withdraw)


def _console() -> Console:
    return Console(color_system=None) if os.environ.get("NO_COLOR") else Console()


def _seed(seed: int | None) -> int:
    if seed is None:
        return secrets.randbelow(1 << 31)
    if not 0 <= seed < 1 << 63:
        raise UsageError(f"--seed has value {seed}; expected a number from 0 to 2^63 - 1.")
    return seed


def _say(console: Console, line: str) -> None:
    # As it is: no markup (a folder may be called "[/]"), no colours for numbers, no line breaks.
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def _cores() -> int:
    """The cores that this process may use; a container or Slurm may have given it fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def main() -> None:
    """Run the command line.

    Exit status: 0; 1 where a check or a case failed; 2 bad usage; 3 our own fault; 128 + n ended by signal n.
    """
    begin()
    try:
        app()
    except UsageError as error:
        _exit(f"error: {error}", error.exit_status)
    except HarnessError as error:
        _exit(f"the grader itself failed, and no grade was given: {error}", error.exit_status)
    except Exception:
        traceback.print_exc()
        _exit("the grader itself failed, and no grade was given: see above", GraderError.exit_status)


def _exit(message: str, status: int) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(status)
