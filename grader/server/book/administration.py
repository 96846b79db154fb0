"""What an instructor decides: an assignment's rules, more time for somebody, late days, that a grade was a mistake.

Each decision is a new row, and the newest row counts: what was in force when is never lost.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from grader.server import errors
from grader.server.book.gradebook import find_user, storable
from grader.server.book.policy import Policy, in_words
from grader.server.book.standings import assignment, late_day_bank
from grader.server.store import events
from grader.server.store.models import (
    AssignmentRow,
    CourseSettings,
    Extension,
    PolicyRow,
    User,
    VerifiedGrade,
    Withdrawal,
)

MAX_GRACE = 24 * 60 - 1  # minutes: after a day of grace, the first late day would be the second
MAX_DAYS = 366  # of lateness, or in the bank: more is a slip of the keyboard
MAX_ATTEMPTS = 10_000  # an hour
MAX_REASON = 1000  # characters
_IDS = range(1, 1 << 31)  # what a table's id can be; PostgreSQL refuses even to look for another number
_YEARS = range(2000, 2100)  # of a time that somebody can mean
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)\s*(Z|UTC|[+-]\d\d:?\d\d)")


def parse_time(text: str, what: str) -> datetime:
    """The moment that the text names, in UTC; what: what it is for, in the error.

    A time without its offset is refused. The server's zone is seldom that of the person who types, and an hour's
    mistake costs a whole class a late day. Raises errors.Invalid.
    """
    match = _TIME.fullmatch(text.strip())
    if match:
        day, clock, zone = match.groups()
        offset = "+00:00" if zone in ("Z", "UTC") else zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
        try:
            return datetime.fromisoformat(f"{day}T{clock}{offset}").astimezone(timezone.utc)
        except (ValueError, OverflowError):  # the 31st of February; a time before the year 1
            pass
    raise errors.Invalid(
        f"{_first(what)} has the value {text!r:.60}; expected a time with its offset from UTC, such as "
        "'2026-12-03 23:59-05:00', '2026-12-04T04:59Z' or '2026-12-04 04:59 UTC'."
    )


def set_policy(session: Session, actor: User | None, assignment_name: str, policy: Policy, now: datetime) -> None:
    """New rules for an assignment; they hold at once, also for what was submitted before. Raises errors.Invalid."""
    info = assignment(session, assignment_name)
    check_policy(policy)
    if policy == info.policy:
        return
    session.add(
        PolicyRow(
            assignment_id=info.id,
            open_at=policy.open_at,
            due_at=policy.due_at,
            grace_minutes=policy.grace_minutes,
            max_late_days=policy.max_late_days,
            penalty_percent=policy.penalty_percent,
            attempts_per_hour=policy.attempts_per_hour,
            counts=policy.counts,
            official=policy.official,
            created_at=now,
            created_by=actor.id if actor else None,
        )
    )
    session.flush()
    changed = {
        name: [_plain(getattr(info.policy, name)), _plain(value)]
        for name, value in vars(policy).items()
        if value != getattr(info.policy, name)
    }
    events.record(session, actor, "policy.changed", info.name, **changed)


def check_policy(policy: Policy) -> None:
    """Raises errors.Invalid where the rules cannot be meant."""
    for what, moment in (("open", policy.open_at), ("due", policy.due_at)):
        if moment is not None:
            _check_moment(what, moment)
    if policy.open_at is not None and policy.due_at is not None and policy.open_at >= policy.due_at:
        raise errors.Invalid(
            f"It opens on {in_words(policy.open_at)}, but is due on {in_words(policy.due_at)}; "
            "expected it to open first."
        )
    _check_number("grace", policy.grace_minutes, 0, MAX_GRACE, "minutes")
    _check_number("max late days", policy.max_late_days, 0, MAX_DAYS, "days")
    if policy.attempts_per_hour is not None:
        _check_number("attempts per hour", policy.attempts_per_hour, 1, MAX_ATTEMPTS, "attempts, or no limit")
    if not (math.isfinite(policy.penalty_percent) and 0 <= policy.penalty_percent <= 100):
        raise errors.Invalid(f"Penalty has the value {policy.penalty_percent:g}; expected 0 to 100 percent a day.")
    if policy.counts not in ("best", "last"):
        raise errors.Invalid(f"Counts has the value {policy.counts!r:.40}; expected 'best' or 'last'.")
    if policy.official not in ("self-reported", "verified"):
        raise errors.Invalid(f"Official has the value {policy.official!r:.40}; expected 'self-reported' or 'verified'.")


def grant_extension(
    session: Session,
    actor: User,
    assignment_name: str,
    logins: str | Sequence[str],
    until: datetime | None,
    reason: str,
    now: datetime,
) -> None:
    """A due time of their own for one student or for several; None takes it back. For all of them or for nobody.

    Raises errors.NotFound, errors.Invalid where it is not later than everyone's, for an extension gives time.
    """
    info = assignment(session, assignment_name)
    users = [find_user(session, login) for login in dict.fromkeys([logins] if isinstance(logins, str) else logins)]
    if not users:
        raise errors.Invalid("Nobody is named; expected a login or more.")
    _check_reason(reason)
    if until is not None:
        _check_moment("the extension", until)
        due = info.policy.due_at
        if due is None:
            raise errors.Invalid(f"{info.name} is never due, so nobody needs an extension.")
        if until <= due:
            raise errors.Invalid(
                f"The extension ends on {in_words(until)}, but {info.name} is due on {in_words(due)}; "
                "expected a later time."
            )
    for user in users:
        session.add(
            Extension(
                assignment_id=info.id, user_id=user.id, due_at=until, reason=reason, created_at=now, created_by=actor.id
            )
        )
        kind = "extension.granted" if until else "extension.withdrawn"
        events.record(session, actor, kind, f"{user.login} in {info.name}", until=_plain(until), reason=reason)
    session.flush()


@dataclass(frozen=True)
class Withdrawn:
    """A verified grade that counts no longer."""

    student: str  # login
    assignment: str


def withdraw_grade(session: Session, actor: User, grade_id: int, reason: str, now: datetime) -> Withdrawn:
    """A verified grade counts no longer; an earlier one of the same tree, which it had replaced, does again.

    It stays on record, with the reason. Raises errors.NotFound, errors.Conflict where it was withdrawn before,
    errors.Invalid without a reason.
    """
    row = session.execute(
        select(User.login, AssignmentRow.name)
        .select_from(VerifiedGrade)
        .join(User, User.id == VerifiedGrade.user_id)
        .join(AssignmentRow, AssignmentRow.id == VerifiedGrade.assignment_id)
        .where(VerifiedGrade.id == (grade_id if grade_id in _IDS else 0))
    ).one_or_none()
    if row is None:
        raise errors.NotFound(f"There is no verified grade {grade_id}; a student's page shows the numbers of theirs.")
    _refuse_withdrawn(session, grade_id)
    reason = reason.strip()
    if not reason:
        raise errors.Invalid(
            f"Verified grade {grade_id} is not withdrawn without a reason; expected it for the record."
        )
    _check_reason(reason)
    try:
        with session.begin_nested():
            session.add(Withdrawal(verified_grade_id=grade_id, reason=reason, created_at=now, created_by=actor.id))
    except IntegrityError:  # by two at once: the other one was first
        _refuse_withdrawn(session, grade_id)
        raise
    about = f"{row.login} in {row.name}"
    events.record(session, actor, "grade.withdrawn", about, grade=grade_id, reason=reason)
    return Withdrawn(row.login, row.name)


def set_late_days(session: Session, actor: User | None, days: int, now: datetime) -> None:
    """The bank of late days that each student has for the whole course. Raises errors.Invalid."""
    _check_number("late days", days, 0, MAX_DAYS, "days")
    before = late_days(session)
    if days == before:
        return
    session.add(CourseSettings(late_days=days, created_at=now, created_by=actor.id if actor else None))
    session.flush()
    events.record(session, actor, "late-days.changed", "course", before=before, after=days)


def late_days(session: Session) -> int:
    """The bank of late days that each student has for the whole course."""
    return late_day_bank(session)


def _refuse_withdrawn(session: Session, grade_id: int) -> None:
    row = session.execute(
        select(Withdrawal.created_at, User.login)
        .join(User, User.id == Withdrawal.created_by)
        .where(Withdrawal.verified_grade_id == grade_id)
    ).one_or_none()
    if row is not None:
        raise errors.Conflict(
            f"Verified grade {grade_id} was withdrawn before, by {row.login} on {in_words(row.created_at)}."
        )


def _check_reason(reason: str) -> None:
    if len(reason) > MAX_REASON or not storable(reason):
        raise errors.Invalid(f"The reason has {len(reason)} characters; expected at most {MAX_REASON} of plain text.")


def _check_moment(what: str, moment: datetime) -> None:
    if moment.tzinfo is None:
        raise errors.Invalid(
            f"{_first(what)} is at {moment:%Y-%m-%d %H:%M} without an offset; expected one, such as +00:00."
        )
    if moment.year not in _YEARS:
        raise errors.Invalid(
            f"{_first(what)} is in the year {moment.year}; expected {_YEARS.start} to {_YEARS.stop - 1}."
        )


def _check_number(what: str, number: int, least: int, most: int, unit: str) -> None:
    if not least <= number <= most:
        raise errors.Invalid(f"{_first(what)} has the value {number}; expected {least} to {most} {unit}.")


def _first(what: str) -> str:
    return what[:1].upper() + what[1:]


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
