"""Take in verified grades: what the grader found in its box, signed with a grader's key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from grader.mugrade import signature
from grader.points import total
from grader.server import errors
from grader.server.book import standings, statements
from grader.server.book.gradebook import find_user
from grader.server.book.gradebook_data import AssignmentInfo
from grader.server.book.policy import in_words
from grader.server.book.statements import Statement
from grader.server.store import events
from grader.server.store.models import Key, Role, Submission, Tally, User, VerifiedGrade, Withdrawal
from grader.verdict import Verdict

CLOCKS_DIFFER = timedelta(minutes=5)  # by how much the grader's clock may be ahead of ours
_FIRST_YEAR = 2000  # a time before it comes from a clock that was never set


@dataclass(frozen=True)
class Recorded:
    """A verified grade that was stored."""

    id: int
    student: str  # login
    points: float
    max_points: float


def post(session: Session, user: User, key: Key, statement: str, signed: str, now: datetime) -> Recorded:
    """Store a verified grade. user, key: who posts it; the statement must be signed with that very key.

    Raises errors.Forbidden (the role, the signature), errors.Conflict (it was posted before), errors.Invalid.
    """
    if user.role not in (Role.GRADER, Role.INSTRUCTOR):
        raise errors.Forbidden(f"Your key has the role {user.role.value}; verified grades need a grader or instructor.")
    if not signature.verify(statement, signed, key.verify_key):
        raise errors.Forbidden(
            "The signature does not fit the statement and your key; expected `python -m grader post` to sign with the "
            "key that it posts with."
        )
    digest = hashlib.sha256(statement.encode("utf-8")).hexdigest()
    _refuse_replay(session, digest)
    stated = statements.parse(statement)
    info = _assignment(session, stated)
    student = _student(session, stated)
    _check_points(info, stated)
    submitted_at = _submitted_at(session, info, student, stated)
    _check_times(submitted_at, stated.graded_at, now)
    grade = VerifiedGrade(
        assignment_id=info.id,
        user_id=student.id,
        submission_hash=stated.submission_hash,
        suite_hash=stated.suite_hash,
        seed=str(stated.seed),
        points={name: [earned, most] for name, (earned, most) in stated.points.items()},
        statement=statement,
        statement_hash=digest,
        signature=signed.lower(),
        submitted_at=submitted_at,
        graded_at=stated.graded_at,
        posted_at=now,
        key_id=key.id,
    )
    try:
        with session.begin_nested():
            session.add(grade)
    except IntegrityError:  # posted twice at once: the other one was first
        _refuse_replay(session, digest)
        raise
    earned = total(points for points, _ in stated.points.values())
    events.record(session, user, "grade.verified", f"{student.login} in {info.name}", grade=grade.id, points=earned)
    return Recorded(grade.id, student.login, earned, info.points)


def _refuse_replay(session: Session, digest: str) -> None:
    row = session.execute(
        select(VerifiedGrade.id, VerifiedGrade.posted_at, User.login, Withdrawal.created_at.label("withdrawn_at"))
        .join(User, User.id == VerifiedGrade.user_id)
        .outerjoin(Withdrawal, Withdrawal.verified_grade_id == VerifiedGrade.id)
        .where(VerifiedGrade.statement_hash == digest)
    ).first()
    if row is not None:
        posted = f"it is verified grade {row.id} of {row.login}, posted on {in_words(row.posted_at)}"
        if row.withdrawn_at is not None:
            raise errors.Conflict(
                f"This grade was recorded before and does not count: {posted}, and it was withdrawn on "
                f"{in_words(row.withdrawn_at)}; grade the tree again for a new one."
            )
        raise errors.Conflict(f"This grade was recorded before: {posted}.")


def _assignment(session: Session, stated: Statement) -> AssignmentInfo:
    try:
        return standings.assignment(session, stated.assignment)
    except errors.NotFound as error:
        raise errors.Invalid(f"The statement is of an assignment that this server has not: {error}") from None


def _student(session: Session, stated: Statement) -> User:
    try:
        user = find_user(session, stated.student)
    except errors.NotFound:
        raise errors.Invalid(
            f"The statement is of the student {stated.student!r:.120}, who is not in the roster; expected a login."
        ) from None
    if user.role is not Role.STUDENT:
        raise errors.Invalid(
            f"The statement is of {user.login}, who has the role {user.role.value}; expected a student."
        )
    return user


def _check_points(info: AssignmentInfo, stated: Statement) -> None:
    """The points are of the assignment as this server has it, and not against the verdicts."""
    wanted = {problem.name: problem.points for problem in info.problems}
    if stated.points.keys() != wanted.keys():
        odd = ", ".join(sorted(stated.points.keys() ^ wanted.keys()))
        raise errors.Invalid(
            f"The statement and {info.name} differ in their problems: {odd:.300}; expected a grade of all problems by "
            "the same assignment.toml that the server has."
        )
    for name, (_, most) in stated.points.items():
        if most != wanted[name]:
            raise errors.Invalid(
                f"The statement has at most {most:g} points for {name}; expected {wanted[name]:g}. Where it is 0, "
                "grade on a machine that has the problem's devices."
            )
    passed, judged = stated.verdicts[Verdict.PASS], stated.verdicts.total()
    lost = judged - passed - stated.verdicts[Verdict.NOT_RUN]
    if judged < len(wanted):
        raise errors.Invalid(f"The statement has {judged} verdicts for {len(wanted)} problems; expected one a problem.")
    won = sum(earned > 0 for earned, _ in stated.points.values())
    full = all(earned == most for earned, most in stated.points.values())
    if won > passed or full != (lost == 0):
        raise errors.Invalid(
            f"The statement's points do not follow from its verdicts: {passed} cases passed and {lost} did not, but "
            f"{won} problems have points and {'nothing' if full else 'something'} is missing."
        )


def _submitted_at(session: Session, info: AssignmentInfo, student: User, stated: Statement) -> datetime:
    """When the student handed the tree in: as stated, or else when the first submission computed with it was complete.

    The first, because its hash commits to the tree: who could name it had the tree, and posting the same once more,
    after the due time, makes nobody late.
    """
    if stated.submitted_at is not None:
        return stated.submitted_at
    found = session.scalar(
        select(func.min(Tally.last_case_at))
        .join(Submission, Submission.id == Tally.submission_id)
        .where(
            Submission.user_id == student.id,
            Submission.problem_id.in_([problem.id for problem in info.problems]),
            Submission.tree_hash == stated.submission_hash,
        )
    )
    if found is None:
        raise errors.Invalid(
            f"It is not known when {student.login} handed this tree in: they posted nothing that was computed with it; "
            "pass the time with --submitted-at."
        )
    return found


def _check_times(submitted_at: datetime, graded_at: datetime, now: datetime) -> None:
    for name, moment in (("submitted_at", submitted_at), ("graded_at", graded_at)):
        if moment.year not in range(_FIRST_YEAR, now.year + 2):
            raise errors.Invalid(
                f"The statement's {name} is in the year {moment.year}; expected {_FIRST_YEAR} to {now.year}."
            )
        if moment > now + CLOCKS_DIFFER:
            raise errors.Invalid(
                f"The statement's {name} is {in_words(moment)}, but now is {in_words(now)}; expected the past."
            )
    if submitted_at > graded_at + CLOCKS_DIFFER:
        raise errors.Invalid(
            f"The tree was handed in on {in_words(submitted_at)}, after it was graded on {in_words(graded_at)}; "
            "expected it the other way round."
        )
