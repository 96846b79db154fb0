"""Taking submissions: open one, take its cases, judge each, and store it before anybody is told.

What a reply acknowledges is committed. Each change is decided with the student's row locked, so that two posts at once
(a client that gave up waiting and repeats itself, two terminals, a race on purpose) are one after the other: the second
finds what the first one stored. A case is judged under the answers that are active when it is stored; `regrade.apply`
takes the problem's row for itself, so none slips in between under the old ones.

The times of arrival are taken before any waiting: a busy server makes nobody late.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import grader
from grader.mugrade import codec
from grader.server import catalogue
from grader.server.database import Database
from grader.server.errors import BadBody, Conflict, Forbidden, Invalid, NotFound, TooMany
from grader.server.judging import Judged, judge
from grader.server.models import (
    Activation,
    AssignmentRow,
    CaseRow,
    Extension,
    Judgement,
    PolicyRow,
    ProblemRow,
    Role,
    Submission,
    Tally,
    User,
)
from grader.server.policy import Policy, attempts_left, check_open, due_for, in_words
from grader.server.settings import Settings
from grader.server.standings import to_policy
from grader.server.values import AnswerCache, Packed, packed
from grader.visible import visible


@dataclass(frozen=True)
class Opening:
    """What a client says when it opens a submission."""

    assignment: str
    problem: str
    token: str  # its Idempotency-Key; "": it has none
    tree_hash: str  # "": it does not say
    client: str  # its User-Agent


@dataclass(frozen=True)
class _Place:
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
class _Posted:
    """A value for a case of a submission, as it came."""

    place: _Place
    index: int
    value: object
    packed: Packed
    at: datetime  # when it arrived


class Desk:
    """Where submissions are handed in."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._answers = AnswerCache()

    def open(self, user: User, opening: Opening, now: datetime) -> str:
        """A new submission's public id; with a token that the user has used for the problem, that one's.

        Raises NotFound, Conflict (nothing published, a token used elsewhere), Forbidden (not open), TooMany.
        """
        with self._database.write() as session:
            assignment, problem = catalogue.find_problem(session, opening.assignment, opening.problem)
            _lock_user(session, user)
            if opening.token and (known := _of_token(session, user, problem, opening.token)):
                return known
            if catalogue.active_answer(session, problem.id) is None:
                raise Conflict(
                    f"{problem.name} of {assignment.name} has no published answers yet, so nothing can be judged; "
                    "ask the course's staff to publish them."
                )
            _check_allowed(session, user, assignment.id, assignment.name, problem.id, problem.name, now)
            public_id = secrets.token_hex(16)
            session.execute(
                insert(Submission).values(
                    public_id=public_id,
                    user_id=user.id,
                    problem_id=problem.id,
                    token=opening.token or secrets.token_hex(16),
                    tree_hash=opening.tree_hash,
                    client=visible(opening.client)[:200],
                    opened_at=now,
                )
            )
        return public_id

    def post(self, user: User, public_id: str, index: int, body: bytes, now: datetime) -> Judged:
        """Judge and store one value; a value that is stored already gives the same verdict again.

        Raises NotFound, Forbidden (another's, or closed), BadBody (no value), Invalid (no such case), Conflict (another
        value, or the submission has ended), TooMany.
        """
        with self._database.read() as session:
            place = _find(session, user, public_id)
            known = _stored(session, place, index)
            answer_id, cases = catalogue.active_answer(session, place.problem_id) or (0, 0)
        if known is None and index >= cases:
            raise _no_such_case(place, index, cases)
        try:
            value = codec.loads(body)
            posted = _Posted(place, index, value, packed(value), now)
        except codec.CodecError as error:
            raise BadBody(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
        if known is not None:
            return _same(posted, known)
        try:
            return self._judge_and_store(user, posted, answer_id)
        except IntegrityError:
            # The lock on the student's row keeps this from happening among our servers. Should something else write to
            # the tables, the constraints refuse what would count twice, and the second look finds what is there.
            return self._judge_and_store(user, posted, answer_id)

    def _judge_and_store(self, user: User, posted: _Posted, answer_id: int) -> Judged:
        # Judging a large array takes a while, and is done with nothing locked. Where other answers became active
        # meanwhile, it is done again under those.
        while True:
            judged = self._judge(posted, answer_id)
            with self._database.write() as session:
                _lock_user(session, user)
                if known := _stored(session, posted.place, posted.index):
                    return _same(posted, known)
                tally = session.get(Tally, posted.place.id)
                self._check_taken(session, user, posted, begun=tally is not None)
                catalogue.lock_problem(session, posted.place.problem_id, shared=True)
                active_id, _ = catalogue.active_answer(session, posted.place.problem_id) or (0, 0)
                if active_id == answer_id:
                    _insert(session, posted, answer_id, judged, begun=tally is not None)
                    return judged
            answer_id = active_id

    def _judge(self, posted: _Posted, answer_id: int) -> Judged:
        with self._database.read() as session:
            answers = self._answers.get(session, answer_id)
        if posted.index >= len(answers.values):
            raise _no_such_case(posted.place, posted.index, len(answers.values))
        return judge(posted.value, answers.values[posted.index], answers.rtol, answers.atol)

    def _check_taken(self, session: Session, user: User, posted: _Posted, *, begun: bool) -> None:
        """The submission still takes cases and the assignment is open; its first case needs an attempt that is left."""
        place, minutes = posted.place, self._settings.submission_minutes
        if posted.at > place.opened_at + timedelta(minutes=minutes):
            raise Conflict(
                f"The submission {place.public_id} took cases for {minutes} minutes from {in_words(place.opened_at)} "
                "on; submit the problem anew."
            )
        names = (place.assignment_id, place.assignment, place.problem_id, place.problem)
        _check_allowed(session, user, *names, posted.at, begun=begun)


def _check_allowed(
    session: Session,
    user: User,
    assignment_id: int,
    assignment: str,
    problem_id: int,
    problem: str,
    now: datetime,
    *,
    begun: bool = False,
) -> None:
    """The assignment is open to the student, who has an attempt left unless it has begun already.

    Staff try their problems before they open and after they close; nothing of theirs is in the gradebook.
    """
    if user.role is not Role.STUDENT:
        return
    policy, due = _policy(session, user, assignment_id)
    if refusal := check_open(policy, due, now, assignment):
        raise Forbidden(refusal)
    if begun or policy.attempts_per_hour is None:
        return
    times = session.scalars(
        select(Tally.first_case_at)
        .join(Submission, Submission.id == Tally.submission_id)
        .where(Submission.user_id == user.id, Submission.problem_id == problem_id)
    )
    left = attempts_left(policy, times, now)
    if left.next_at is not None:
        limit = policy.attempts_per_hour
        attempts = f"{limit} {'attempt' if limit == 1 else 'attempts'}"
        raise TooMany(
            f"{problem} takes {attempts} in an hour, and you have made them; the next one is free at "
            f"{in_words(left.next_at)}.",
            retry_after=max(1, math.ceil((left.next_at - now).total_seconds())),
        )


def _policy(session: Session, user: User, assignment_id: int) -> tuple[Policy, datetime | None]:
    """The rules that hold now, and the student's own due time."""
    row = session.scalars(
        select(PolicyRow).where(PolicyRow.assignment_id == assignment_id).order_by(PolicyRow.id.desc()).limit(1)
    ).first()
    if row is None:
        return Policy(), None
    extended = session.scalars(
        select(Extension.due_at)
        .where(Extension.assignment_id == assignment_id, Extension.user_id == user.id)
        .order_by(Extension.id.desc())
        .limit(1)
    ).first()
    policy = to_policy(row)
    return policy, due_for(policy, extended)


def _lock_user(session: Session, user: User) -> None:
    """Hold the student until the transaction ends: what they post is decided one by one."""
    session.execute(select(User.id).where(User.id == user.id).with_for_update(key_share=True))


def _of_token(session: Session, user: User, problem: ProblemRow, token: str) -> str | None:
    """The submission that the token opened; None where it is new."""
    row = session.execute(
        select(Submission.public_id, Submission.user_id, Submission.problem_id)
        .where(Submission.token == token)
        .order_by((Submission.user_id == user.id).desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    if row.user_id != user.id or row.problem_id != problem.id:
        what = "another problem" if row.user_id == user.id else "somebody else"
        raise Conflict(f"The Idempotency-Key {token!r} was used for {what}; expected a new one for each submission.")
    return str(row.public_id)


def _find(session: Session, user: User, public_id: str) -> _Place:
    row = session.execute(
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
        .where(Submission.public_id == public_id)
    ).first()
    if row is None:
        raise NotFound(f"There is no submission {public_id!r}; expected the id that /submit gave.")
    place = _Place(*row)
    if place.user_id != user.id:
        raise Forbidden(f"The submission {public_id!r} is somebody else's; expected one that your key opened.")
    return place


def _stored(session: Session, place: _Place, index: int) -> tuple[str, bool, str] | None:
    """The hash of the case's stored value and how it is judged now; None where there is none."""
    active = (
        select(Activation.answer_id)
        .where(Activation.problem_id == place.problem_id)
        .order_by(Activation.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    row = session.execute(
        select(CaseRow.value_hash, Judgement.correct, Judgement.message)
        .join(Judgement, Judgement.case_id == CaseRow.id)
        .where(CaseRow.submission_id == place.id, CaseRow.case_index == index)
        .order_by((Judgement.answer_id == active).desc(), Judgement.id.desc())
        .limit(1)
    ).first()
    return (row[0], row[1], row[2]) if row else None


def _same(posted: _Posted, known: tuple[str, bool, str]) -> Judged:
    """The stored verdict, for the stored value."""
    value_hash, correct, message = known
    if value_hash != posted.packed.digest:
        raise Conflict(
            f"Case {posted.index} of the submission {posted.place.public_id} has another value already; expected that "
            "one. To post new values, submit the problem anew."
        )
    return Judged(correct, message)


def _insert(session: Session, posted: _Posted, answer_id: int, judged: Judged, *, begun: bool) -> None:
    case_id = session.execute(
        insert(CaseRow)
        .values(
            submission_id=posted.place.id,
            case_index=posted.index,
            value=posted.packed.data,
            value_hash=posted.packed.digest,
            received_at=posted.at,
        )
        .returning(CaseRow.id)
    ).scalar_one()
    session.execute(
        insert(Judgement).values(
            case_id=case_id,
            answer_id=answer_id,
            correct=judged.correct,
            message=judged.message,
            judged_at=posted.at,
            judged_by=grader.__version__,
        )
    )
    if not begun:
        row = {"submission_id": posted.place.id, "judged": 1, "correct": int(judged.correct)}
        session.execute(insert(Tally).values(first_case_at=posted.at, last_case_at=posted.at, **row))
        return
    later = case((Tally.last_case_at < posted.at, posted.at), else_=Tally.last_case_at)  # two may have come at once
    session.execute(
        update(Tally)
        .where(Tally.submission_id == posted.place.id)
        .values(judged=Tally.judged + 1, correct=Tally.correct + int(judged.correct), last_case_at=later)
    )


def _no_such_case(place: _Place, index: int, cases: int) -> Invalid:
    return Invalid(f"test_case_index has value {index}; {place.problem} has {cases} cases, counted from 0.")
