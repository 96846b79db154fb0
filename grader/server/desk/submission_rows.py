"""The rows behind submissions.py, read and written with as few and as cheap statements as will do.

A class posts fifty cases a second before a deadline. SQLAlchemy spends more on building a statement than SQLite on
running it, so each is built once, with parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, insert, select, update
from sqlalchemy.orm import Session

import grader
from grader.server.book.policy import Policy, due_for
from grader.server.book.standings import to_policy
from grader.server.desk.judging import Judged
from grader.server.errors import Conflict, Forbidden, NotFound
from grader.server.store.models import (
    Activation,
    Answer,
    AssignmentRow,
    Base,
    CaseRow,
    Extension,
    Judgement,
    PolicyRow,
    ProblemRow,
    Submission,
    Tally,
    User,
)
from grader.server.store.values import Packed


@dataclass(frozen=True)
class Place:
    """A submission and what it belongs to."""

    id: int
    public_id: str
    user_id: int
    opened_at: datetime
    problem_id: int
    problem: str
    assignment_id: int
    assignment: str


@dataclass(frozen=True)
class Posted:
    """A value for a case of a submission, as it came."""

    place: Place
    index: int
    value: object
    packed: Packed
    at: datetime  # when it arrived


@dataclass(frozen=True)
class Stored:
    """A case that was posted before."""

    value_hash: str
    judged: Judged  # under the answers that are active now, or else the latest that had a value for it


_ACTIVE = (  # of the problem: the newest activation's
    select(Activation.answer_id)
    .where(Activation.problem_id == bindparam("problem_id"))
    .order_by(Activation.id.desc())
    .limit(1)
    .scalar_subquery()
)
_ACTIVE_ANSWER = select(Answer.id, Answer.value_count).where(Answer.id == _ACTIVE)
_LOCK_USER = select(User.id).where(User.id == bindparam("user_id")).with_for_update(key_share=True)
_LOCK_PROBLEM = select(ProblemRow.id).where(ProblemRow.id == bindparam("problem_id")).with_for_update(read=True)
_FIND = (
    select(
        Submission.id,
        Submission.public_id,
        Submission.user_id,
        Submission.opened_at,
        ProblemRow.id,
        ProblemRow.name,
        AssignmentRow.id,
        AssignmentRow.name,
    )
    .join(ProblemRow, ProblemRow.id == Submission.problem_id)
    .join(AssignmentRow, AssignmentRow.id == ProblemRow.assignment_id)
    .where(Submission.public_id == bindparam("public_id"))
)
_STORED = (
    select(CaseRow.value_hash, Judgement.correct, Judgement.message)
    .join(Judgement, Judgement.case_id == CaseRow.id)
    # Of versions that have judged, the latest: one that still waits was perhaps judged ahead, and nobody may see how.
    .join(Activation, Activation.answer_id == Judgement.answer_id)
    .where(CaseRow.submission_id == bindparam("submission_id"), CaseRow.case_index == bindparam("case_index"))
    .where(Activation.problem_id == bindparam("problem_id"))
    .order_by(Activation.id.desc())
    .limit(1)
)
_OF_TOKEN = (
    select(Submission.public_id, Submission.user_id, Submission.problem_id)
    .where(Submission.token == bindparam("token"))
    .order_by((Submission.user_id == bindparam("user_id")).desc())
    .limit(1)
)
_BEGUN = select(Tally.first_case_at).where(Tally.submission_id == bindparam("submission_id"))
_FIRST_CASES = (
    select(Tally.first_case_at)
    .join(Submission, Submission.id == Tally.submission_id)
    .where(Submission.user_id == bindparam("user_id"), Submission.problem_id == bindparam("problem_id"))
)
_POLICY = (
    select(PolicyRow)
    .where(PolicyRow.assignment_id == bindparam("assignment_id"))
    .order_by(PolicyRow.id.desc())
    .limit(1)
)
_EXTENSION = (
    select(Extension.due_at)
    .where(Extension.assignment_id == bindparam("assignment_id"), Extension.user_id == bindparam("user_id"))
    .order_by(Extension.id.desc())
    .limit(1)
)
# Of the tables, not of the mapped classes: nothing here needs an object, and the ORM's insert takes five times as long.
_cases, _judgements, _tallies = (Base.metadata.tables[name] for name in ("cases", "judgements", "tallies"))
_INSERT_CASE = insert(_cases).returning(_cases.c.id)
_INSERT_JUDGEMENT = insert(_judgements)
_INSERT_TALLY = insert(_tallies)
_COUNT = (
    update(_tallies)
    .where(_tallies.c.submission_id == bindparam("of"))
    .values(
        judged=_tallies.c.judged + 1,
        correct=_tallies.c.correct + bindparam("more"),
        # Two may have arrived at once, and be stored in the other order.
        last_case_at=case((_tallies.c.last_case_at < bindparam("at"), bindparam("at")), else_=_tallies.c.last_case_at),
    )
)


def lock_user(session: Session, user: User) -> None:
    """Hold the student until the transaction ends: what they post is decided one by one. SQLite has one writer."""
    if session.get_bind().dialect.name != "sqlite":
        session.execute(_LOCK_USER, {"user_id": user.id})


def lock_problem(session: Session, problem_id: int) -> None:
    """Share the problem with others who judge, until the transaction ends; catalogue.lock_problem has it alone."""
    if session.get_bind().dialect.name != "sqlite":
        session.execute(_LOCK_PROBLEM, {"problem_id": problem_id})


def active_answer(session: Session, problem_id: int) -> tuple[int, int]:
    """The id and number of values of the answers that judge now; (0, 0): nothing is published."""
    row = session.execute(_ACTIVE_ANSWER, {"problem_id": problem_id}).first()
    return (row[0], row[1]) if row else (0, 0)


def of_token(session: Session, user: User, problem: ProblemRow, token: str) -> str | None:
    """The submission that the token opened; None where it is new. Raises Conflict where it is of something else."""
    row = session.execute(_OF_TOKEN, {"token": token, "user_id": user.id}).first()
    if row is None:
        return None
    if row.user_id != user.id or row.problem_id != problem.id:
        what = "another problem" if row.user_id == user.id else "somebody else"
        raise Conflict(f"The Idempotency-Key {token!r} was used for {what}; expected a new one for each submission.")
    return str(row.public_id)


def find(session: Session, user: User, public_id: str) -> Place:
    """The user's submission. Raises NotFound, or Forbidden where it is another's."""
    row = session.execute(_FIND, {"public_id": public_id}).first()
    if row is None:
        raise NotFound(f"There is no submission {public_id!r}; expected the id that /submit gave.")
    place = Place(*row)
    if place.user_id != user.id:
        raise Forbidden(f"The submission {public_id!r} is somebody else's; expected one that your key opened.")
    return place


def stored(session: Session, place: Place, index: int) -> Stored | None:
    """The case, where it was posted before."""
    asked = {"submission_id": place.id, "case_index": index, "problem_id": place.problem_id}
    row = session.execute(_STORED, asked).first()
    return Stored(row[0], Judged(row[1], row[2])) if row else None


def begun(session: Session, place: Place) -> datetime | None:
    """When its first case came, which cost its attempt; None: there is none yet."""
    return session.scalars(_BEGUN, {"submission_id": place.id}).first()


def first_cases(session: Session, user: User, problem_id: int) -> list[datetime]:
    """When each of the student's attempts at a problem began to cost one."""
    return list(session.scalars(_FIRST_CASES, {"user_id": user.id, "problem_id": problem_id}))


def policy(session: Session, user: User, assignment_id: int) -> tuple[Policy, datetime | None]:
    """The rules that hold now, and the student's own due time."""
    row = session.scalars(_POLICY, {"assignment_id": assignment_id}).first()
    if row is None:
        return Policy(), None
    extended = session.scalars(_EXTENSION, {"assignment_id": assignment_id, "user_id": user.id}).first()
    found = to_policy(row)
    return found, due_for(found, extended)


def insert_case(session: Session, posted: Posted, answer_id: int, judged: Judged, *, begun: bool) -> None:
    """Store the value with its verdict, and count it."""
    place, correct = posted.place.id, int(judged.correct)
    case_id = _run(
        session,
        _INSERT_CASE,
        submission_id=place,
        case_index=posted.index,
        value=posted.packed.data,
        value_hash=posted.packed.digest,
        received_at=posted.at,
    ).scalar_one()
    _run(
        session,
        _INSERT_JUDGEMENT,
        case_id=case_id,
        answer_id=answer_id,
        correct=judged.correct,
        message=judged.message,
        judged_at=posted.at,
        judged_by=grader.__version__,
    )
    if begun:
        _run(session, _COUNT, of=place, more=correct, at=posted.at)
    else:
        at = {"first_case_at": posted.at, "last_case_at": posted.at}
        _run(session, _INSERT_TALLY, submission_id=place, judged=1, correct=correct, **at)


def _run(session: Session, statement: Any, **values: Any) -> Any:
    return session.connection().execute(statement, values)
