"""`roster`, `policy`, `extend`, `late-days`, `withdraw`, `regrade`: the options, and nothing heavy until they are read.

These work on the database itself, on the server's own machine; the server may run meanwhile. local.py does the work.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from grader.errors import UsageError
from grader.server.serve_command import DATABASE_VARIABLE

Url = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help=f"sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME. Default: ${DATABASE_VARIABLE}, or "
        "sqlite:///gradebook.sqlite3.",
    ),
]
By = Annotated[str, typer.Option("--by", metavar="LOGIN", help="Who decides it. Default: the only instructor.")]
Assignment = Annotated[str, typer.Argument(metavar="ASSIGNMENT", help="Its name.")]
Login = Annotated[str, typer.Argument(metavar="LOGIN")]
Answers = Annotated[int, typer.Argument(metavar="ANSWERS", help="The number that `regrade list` gives.")]

roster = typer.Typer(help="Who is in the course, and their keys.", no_args_is_help=True)
regrade = typer.Typer(help="Versions of the answers: what waits, whom it would change, apply it.", no_args_is_help=True)


@roster.command()
def add(
    login: Login,
    name: Annotated[str, typer.Option(help="As the gradebook shows it: 'Lovelace, Ada'.")],
    role: Annotated[str, typer.Option(help="student, grader or instructor.")] = "student",
    email: Annotated[str, typer.Option()] = "",
    section: Annotated[str, typer.Option()] = "",
    by: By = "",
    database: Url = None,
) -> None:
    """Add one person, and print their key: it is shown this once."""
    with _local().opened(_url(database)) as local:
        local.add(by, login, name, role, email, section)


@roster.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="CSV", help="Canvas's gradebook export, or login,name,...")],
    keys: Annotated[
        Path | None, typer.Option(help="Where the new people's keys go. Default: NAME-keys.csv for NAME.csv.")
    ] = None,
    deactivate_missing: Annotated[
        bool, typer.Option("--deactivate-missing", help="Students that the file does not have have left.")
    ] = False,
    by: By = "",
    database: Url = None,
) -> None:
    """Bring the roster to what a CSV file says; nothing is stored where a row is wrong."""
    with _local().opened(_url(database)) as local:
        local.import_csv(by, file, keys or Path(f"{file.stem}-keys.csv"), deactivate_missing)


@roster.command("list")
def list_people(
    search: Annotated[str, typer.Option(help="Part of a login, name, email or section.")] = "", database: Url = None
) -> None:
    """List everybody, with the beginnings of the keys that work."""
    with _local().opened(_url(database)) as local:
        local.people(search)


@roster.command()
def rotate(login: Login, by: By = "", database: Url = None) -> None:
    """Make a new key in place of the old ones, and print it: it is shown this once."""
    with _local().opened(_url(database)) as local:
        local.rotate(by, login)


@roster.command()
def revoke(login: Login, by: By = "", database: Url = None) -> None:
    """Revoke all keys of a person."""
    with _local().opened(_url(database)) as local:
        local.revoke(by, login)


def policy(
    assignment: Assignment,
    opens: Annotated[
        str | None, typer.Option("--open", metavar="TIME", help="When it opens; none: it is open already.")
    ] = None,
    due: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="With its offset: '2026-12-03 23:59-05:00'; none: it is never due."),
    ] = None,
    grace: Annotated[int | None, typer.Option(metavar="MINUTES", help="After the due time, still on time.")] = None,
    max_late_days: Annotated[int | None, typer.Option(metavar="DAYS", help="After which it is closed.")] = None,
    penalty: Annotated[float | None, typer.Option(metavar="PERCENT", help="For each unpaid late day.")] = None,
    attempts_per_hour: Annotated[str | None, typer.Option(metavar="N", help="At each problem; none: no limit.")] = None,
    counts: Annotated[str | None, typer.Option(metavar="best|last", help="Which attempt counts.")] = None,
    official: Annotated[
        str | None, typer.Option(metavar="self-reported|verified", help="Which kind of grade counts.")
    ] = None,
    by: By = "",
    database: Url = None,
) -> None:
    """Show an assignment's rules, or change those that are given."""
    given = {
        "open_at": opens,
        "due_at": due,
        "grace_minutes": grace,
        "max_late_days": max_late_days,
        "penalty_percent": penalty,
        "attempts_per_hour": attempts_per_hour,
        "counts": counts,
        "official": official,
    }
    with _local().opened(_url(database)) as local:
        local.policy(by, assignment, {name: value for name, value in given.items() if value is not None})


def extend(
    assignment: Assignment,
    logins: Annotated[list[str], typer.Argument(metavar="LOGIN...")],
    until: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="Their due time, with its offset: '2026-12-05 23:59-05:00'; none: as everyone's."
        ),
    ],
    reason: Annotated[str, typer.Option(help="For the record.")] = "",
    by: By = "",
    database: Url = None,
) -> None:
    """Give students more time for an assignment, or take it back."""
    with _local().opened(_url(database)) as local:
        local.extend(by, assignment, logins, until, reason)


def late_days(
    days: Annotated[int | None, typer.Argument(metavar="[N]", help="Late days of each student.")] = None,
    by: By = "",
    database: Url = None,
) -> None:
    """Show how many late days each student has for the whole course, or set it."""
    with _local().opened(_url(database)) as local:
        local.late_days(by, days)


def withdraw(
    grade: Annotated[int, typer.Argument(metavar="ID", help="The number that the student's page gives.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="For the record; the student does not see it.")],
    by: By = "",
    database: Url = None,
) -> None:
    """Let a verified grade count no longer; it stays on record."""
    with _local().opened(_url(database)) as local:
        local.withdraw(by, grade, reason)


@regrade.command("list")
def list_answers(
    assignment: Annotated[str, typer.Argument(metavar="[ASSIGNMENT]", help="Default: all.")] = "", database: Url = None
) -> None:
    """List the versions of the answers, and which one judges."""
    with _local().opened(_url(database)) as local:
        local.answers(assignment)


@regrade.command()
def preview(answers: Answers, database: Url = None) -> None:
    """Say whose points a version would change, by how much; nothing is changed."""
    with _local().opened(_url(database)) as local:
        local.preview(answers)


@regrade.command()
def apply(
    answers: Answers,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    by: By = "",
    database: Url = None,
) -> None:
    """Let a version judge from now on, and everything stored with it."""
    with _local().opened(_url(database)) as local:
        local.apply(by, answers, yes)


def _local() -> ModuleType:
    try:
        from grader.server import local
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the server needs the package {error.name}, which is not installed; run `pip install -e '.[course]'`."
        ) from None
    return local


def _url(database: str | None) -> str:
    return database or os.environ.get(DATABASE_VARIABLE) or "sqlite:///gradebook.sqlite3"
