"""The command line: parse, call, print. `python -m grader --help` lists the commands."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from grader.assignment import load_assignment
from grader.carry.command import carry
from grader.commands.again import repro, status, watch
from grader.commands.grade import grade
from grader.commands.options import REFERENCE, STUDENT, Checks, Reference, Student, Suite, checked_checks
from grader.errors import GraderError, HarnessError, UsageError
from grader.judge import OWN_SUITE, ROOT
from grader.report.errors import ReportError
from grader.report.workflow import inert
from grader.starting import begin
from grader.submission import commands as submission

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

_GRADING, _HANDOUT, _COURSE = "Grading", "The handout", "The course: server, people, answers, rules"  # in --help

app.command(rich_help_panel=_GRADING)(grade)
app.command(rich_help_panel=_GRADING)(status)
app.command(rich_help_panel=_GRADING)(watch)
app.command(rich_help_panel=_GRADING)(repro)


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

    sys.exit(simulated.run(program, arguments or (), checks=checked_checks(check), seeds=seeds, executable=keep))


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


def main() -> None:
    """Run the command line.

    Exit status: 0; 1 where a check or a case failed; 2 bad usage; 3 our own fault; 128 + n ended by signal n.
    """
    begin()
    try:
        app()
    except UsageError as error:
        _exit(f"error: {error}", error.exit_status)
    except ReportError as error:
        trace = traceback.format_exc() if error.__cause__ is not None else ""
        _exit(f"{trace}the grader itself failed; grades are there, but not every report: {error}", error.exit_status)
    except HarnessError as error:
        _exit(f"the grader itself failed, and no grade was given: {error}", error.exit_status)
    except Exception:
        _exit(
            f"{traceback.format_exc()}the grader itself failed, and no grade was given: see above",
            GraderError.exit_status,
        )


def _exit(message: str, status: int) -> NoReturn:
    with inert(sys.stderr):  # a traceback has words of a submission in it, and so may a message
        print(message, file=sys.stderr)
    sys.exit(status)
