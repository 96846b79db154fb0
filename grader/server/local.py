"""What the commands on the server's own machine do: look into the database or change it, and print what was done."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grader.errors import UsageError
from grader.server import errors
from grader.server.book import administration, exports, gradebook, roster
from grader.server.book import policy as rules
from grader.server.clock import utc_now
from grader.server.desk import regrade, rejudging
from grader.server.store.database import Database
from grader.server.store.models import Role, User
from grader.visible import visible

_SHOWN_CHANGES = 40  # of a preview; the page has them all


@contextlib.contextmanager
def opened(url: str) -> Iterator[Local]:
    """The database of that url, for one command. What is refused becomes a UsageError."""
    database = Database(url)
    if database.sqlite and not Path(str(database.url.database)).exists():
        raise UsageError(
            f"there is no database {database.shown}; start `python -m grader serve` once, or name the one that it uses "
            "with --database."
        )
    try:
        database.migrate()
        yield Local(database)
    except errors.Problem as problem:
        sentence = str(problem)
        raise UsageError(sentence if sentence.endswith(".") else f"{sentence}.") from None
    finally:
        database.close()


class Local:
    """The commands, by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- people ------------------------------------------------------------------------------------------------------

    def add(self, by: str, login: str, name: str, role: str, email: str, section: str) -> None:
        """One person more."""
        if role not in [item.value for item in Role]:
            raise UsageError(f"--role has value {role!r}; expected one of: {', '.join(item.value for item in Role)}.")
        with self._database.write() as session:
            person, key = roster.add(
                session,
                _actor(session, by),
                login=login,
                name=name,
                role=Role(role),
                email=email,
                section=section,
                now=utc_now(),
            )
        print(f"{person.login}: added as {role}. Their key, shown this once:\n{key}")

    def import_csv(self, by: str, file: Path, keys_file: Path, deactivate_missing: bool) -> None:
        """A roster; the keys of who is new go to a file that only its owner can read."""
        try:
            data = file.read_bytes()
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
        with _new_secret_file(keys_file) as store, self._database.write() as session:
            done = roster.import_csv(
                session, _actor(session, by), data, utc_now(), deactivate_missing=deactivate_missing
            )
            store(done.keys)  # on the disk before the people are in the database: a key could not be had again
        print(f"{done.added} added, {done.updated} updated, {done.unchanged} unchanged, {done.deactivated} deactivated")
        if done.keys:
            print(f"The keys of who is new are in {keys_file}, which only you can read; they are nowhere else.")

    def people(self, search: str) -> None:
        """Everybody."""
        with self._database.read() as session:
            wanted = {person.id for person in gradebook.people(session, search=search)}
            listed = [item for item in roster.listed(session) if item.person.id in wanted]
        lines = [
            (
                item.person.login,
                item.person.name,
                item.person.role.value if item.person.active else f"{item.person.role.value}, left",
                item.person.section,
                " ".join(f"{hint}..." for hint in item.keys) or "no key",
            )
            for item in listed
        ]
        _table(("login", "name", "role", "section", "keys"), lines)

    def rotate(self, by: str, login: str) -> None:
        """A new key."""
        with self._database.write() as session:
            key = roster.rotate(session, _actor(session, by), login, utc_now())
        print(f"{login}: earlier keys no longer work. The new one, shown this once:\n{key}")

    def revoke(self, by: str, login: str) -> None:
        """No key."""
        with self._database.write() as session:
            count = roster.revoke(session, _actor(session, by), login, utc_now())
        print(f"{login}: {_number(count, 'key')} revoked")

    # -- rules -------------------------------------------------------------------------------------------------------

    def policy(self, by: str, assignment: str, given: dict[str, Any]) -> None:
        """The rules; changed first where any are given."""
        if given:
            changes = {name: _meant(name, value) for name, value in given.items()}
            with self._database.write() as session:
                found = gradebook.assignment(session, assignment).policy
                wanted = replace(found, **changes)
                administration.set_policy(session, _actor(session, by), assignment, wanted, utc_now())
        with self._database.read() as session:
            _print_policy(assignment, gradebook.assignment(session, assignment).policy)

    def extend(self, by: str, assignment: str, logins: Sequence[str], until: str, reason: str) -> None:
        """More time."""
        moment = _meant("until", until)
        with self._database.write() as session:
            administration.grant_extension(session, _needed(session, by), assignment, logins, moment, reason, utc_now())
        said = f"may submit {assignment} until {rules.in_words(moment)}" if moment else "have no extension any more"
        print(f"{', '.join(dict.fromkeys(logins))}: {said}")

    def late_days(self, by: str, days: int | None) -> None:
        """Everybody's bank; changed first where a number is given."""
        if days is not None:
            with self._database.write() as session:
                administration.set_late_days(session, _actor(session, by), days, utc_now())
        with self._database.read() as session:
            print(f"{administration.late_days(session)} late days for each student, over all assignments")

    # -- verified grades ---------------------------------------------------------------------------------------------

    def withdraw(self, by: str, grade_id: int, reason: str) -> None:
        """A verified grade counts no longer."""
        with self._database.write() as session:
            done = administration.withdraw_grade(session, _needed(session, by), grade_id, reason, utc_now())
        print(f"verified grade {grade_id} of {done.student} in {done.assignment}: withdrawn")

    # -- answers -----------------------------------------------------------------------------------------------------

    def answers(self, assignment: str) -> None:
        """All versions."""
        with self._database.read() as session:
            names = [assignment] if assignment else [info.name for info in gradebook.assignments(session)]
            lines = [
                (
                    str(view.id),
                    f"{name}/{view.problem.name}",
                    f"version {view.version}",
                    view.state,
                    f"{view.value_count} values",
                    f"{rules.in_words(view.published_at.replace(microsecond=0))} by {view.published_by}",
                )
                for name in names
                for view in gradebook.answer_versions(session, name)
            ]
        _table(("answers", "problem", "version", "state", "values", "published"), lines)

    def preview(self, answer_id: int) -> None:
        """Who would change."""
        with self._database.read() as session:
            _print_preview(regrade.preview(session, answer_id), "would change")

    def apply(self, by: str, answer_id: int, yes: bool) -> None:
        """Let it judge. Most of the judging is done before anything is locked."""
        with self._database.read() as session:
            _needed(session, by)
            regrade.refuse_active(session, answer_id)
        rejudging.judge_ahead(self._database, answer_id, utc_now())
        if not yes:
            with self._database.read() as session:
                found = regrade.preview(session, answer_id)
            _print_preview(found, "would change")
            _ask(f"Apply version {found.version} of {found.problem}?")
        with self._database.write() as session:
            done = regrade.apply(session, _needed(session, by), answer_id, utc_now())
        _print_preview(done, "changed")


# -- who decides -----------------------------------------------------------------------------------------------------


def _actor(session: Session, by: str) -> User | None:
    """Who is to be in the record: the one named, or the only instructor; None where there is no such one."""
    if by:
        user = gradebook.find_user(session, by)
        if user.role is not Role.INSTRUCTOR or not user.active:
            raise UsageError(f"--by has value {by!r}, who has the role {user.role.value}; expected an instructor.")
        return user
    found = session.scalars(select(User).where(User.role == Role.INSTRUCTOR, User.active)).all()
    return found[0] if len(found) == 1 else None


def _needed(session: Session, by: str) -> User:
    user = _actor(session, by)
    if user is None:
        raise UsageError("it must be on record who decides this, and there is not just one instructor; say --by LOGIN.")
    return user


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody is there to answer; say --yes.")
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise UsageError("nothing was applied.")


# -- what is typed ---------------------------------------------------------------------------------------------------


def _meant(name: str, value: Any) -> Any:
    """The option's value as the policy has it."""
    if name in ("open_at", "due_at", "until"):
        option = {"open_at": "--open", "due_at": "--due", "until": "--until"}[name]
        return None if value.strip().lower() == "none" else administration.parse_time(value, option)
    if name == "attempts_per_hour":
        if value.strip().lower() == "none":
            return None
        if not value.strip().isdecimal():
            raise UsageError(f"--attempts-per-hour has value {value!r}; expected a number, or none for no limit.")
        return int(value)
    return value


# -- what is printed -------------------------------------------------------------------------------------------------


def _print_policy(assignment: str, policy: rules.Policy) -> None:
    closes = rules.closes_at(policy, policy.due_at)

    def words(moment: datetime | None, otherwise: str) -> str:
        return rules.in_words(moment) if moment else otherwise

    _table(
        (assignment, ""),
        [
            ("opens", words(policy.open_at, "it is open")),
            ("due", words(policy.due_at, "never")),
            ("grace", f"{policy.grace_minutes} minutes"),
            ("late days", f"at most {policy.max_late_days}"),
            ("penalty", f"{policy.penalty_percent:g} % for each late day that the bank does not pay"),
            ("closes", words(closes, "never")),
            ("attempts", "no limit" if policy.attempts_per_hour is None else f"{policy.attempts_per_hour} an hour"),
            ("counts", f"the {policy.counts} attempt"),
            ("official", f"{policy.official} grades"),
        ],
    )


def _print_preview(found: regrade.Preview, verb: str) -> None:
    students = len(found.changes)
    print(
        f"{found.problem}, version {found.version} of the answers, judged {_number(found.submissions, 'submission')}: "
        f"{_number(found.verdicts_changed, 'verdict')} and the points of {_number(students, 'student')} {verb}"
    )
    lines = [
        (
            change.login,
            change.name,
            f"{_points(change.before)} -> {_points(change.after)}",
            f"{_points(change.total_before)} -> {_points(change.total_after)}",
        )
        for change in found.changes[:_SHOWN_CHANGES]
    ]
    if lines:
        _table(("login", "name", found.problem, "total"), lines)
    if students > _SHOWN_CHANGES:
        print(f"and {students - _SHOWN_CHANGES} more with smaller changes")
    if found.shifts_bank:
        print(regrade.KNOCK_ON)


def _points(value: float) -> str:
    """As the pages show them, with at most two decimals."""
    return f"{round(value, 2):g}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Aligned columns, as wide as they need to be: a terminal wraps them, and a pipe gets them whole."""
    rows = [tuple(visible(cell) for cell in row) for row in (header, *lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@contextlib.contextmanager
def _new_secret_file(path: Path) -> Iterator[Any]:
    """A function that writes keys to a new file which only its owner can read; gone again where the block fails.

    The file is made before anything is stored, so that a path that cannot be written to costs nobody a key.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{path} is there already, and may hold keys; move it away, or say --keys FILE.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}; say --keys FILE.") from None
    kept = False

    def store(keys: Sequence[tuple[str, str, str]]) -> None:
        nonlocal kept
        file.write(exports.keys(keys))
        file.flush()
        os.fsync(file.fileno())
        kept = bool(keys)

    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            yield store
    except BaseException:
        kept = False
        raise
    finally:
        if not kept:
            path.unlink(missing_ok=True)
