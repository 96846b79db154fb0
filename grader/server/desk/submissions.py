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

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from grader.server.book.policy import attempts_left, check_open, in_words, late_days
from grader.server.desk import submission_rows as rows
from grader.server.desk.judging import Judged, judge
from grader.server.desk.submission_rows import Place, Posted
from grader.server.errors import Conflict, Forbidden, Invalid, TooMany
from grader.server.settings import Settings
from grader.server.store import catalogue
from grader.server.store.database import Database
from grader.server.store.models import Role, Submission, User
from grader.server.store.values import AnswerCache, decoded, packed
from grader.visible import visible


@dataclass(frozen=True)
class Opening:
    """What a client says when it opens a submission."""

    assignment: str
    problem: str
    token: str  # its Idempotency-Key; "": it has none
    tree_hash: str  # "": it does not say
    client: str  # its User-Agent


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
            rows.lock_user(session, user)
            if opening.token and (known := rows.of_token(session, user, problem, opening.token)):
                return known
            if not rows.active_answer(session, problem.id)[0]:
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
            place = rows.find(session, user, public_id)
            answer_id, cases = rows.active_answer(session, place.problem_id)
            # Of answers that had more values, cases may be stored that the active ones do not ask for.
            known = rows.stored(session, place, index) if index >= cases else None
        if index >= cases and known is None:
            raise _no_such_case(place, index, cases)
        value = decoded(body)
        posted = Posted(place, index, value, packed(value), now)
        if known is not None:
            return _same(posted, known)
        try:
            return self._judge_and_store(user, posted, answer_id)
        except IntegrityError:
            # The lock on the student's row keeps this from happening among our servers. Should something else write to
            # the tables, the constraints refuse what would count twice, and the second look finds what is there.
            return self._judge_and_store(user, posted, answer_id)

    def _judge_and_store(self, user: User, posted: Posted, answer_id: int) -> Judged:
        # Judging a large array takes a while, and is done with nothing locked. Where other answers became active
        # meanwhile, it is done again under those.
        while True:
            judged = self._judge(posted, answer_id)
            with self._database.write() as session:
                rows.lock_user(session, user)
                if known := rows.stored(session, posted.place, posted.index):
                    return _same(posted, known)
                begun = rows.begun(session, posted.place)
                self._check_taken(session, user, posted, begun=begun)
                rows.lock_problem(session, posted.place.problem_id)
                active_id, _ = rows.active_answer(session, posted.place.problem_id)
                if active_id == answer_id:
                    rows.insert_case(session, posted, answer_id, judged, begun=begun is not None)
                    return judged
            answer_id = active_id

    def _judge(self, posted: Posted, answer_id: int) -> Judged:
        with self._database.read() as session:
            answers = self._answers.get(session, answer_id)
        if posted.index >= len(answers.values):
            raise _no_such_case(posted.place, posted.index, len(answers.values))
        return judge(posted.value, answers.values[posted.index], answers.rtol, answers.atol)

    def _check_taken(self, session: Session, user: User, posted: Posted, *, begun: datetime | None) -> None:
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
    begun: datetime | None = None,
) -> None:
    """The assignment is open to the student, who has an attempt left unless it has begun already, as late as now.

    Staff try their problems before they open and after they close; nothing of theirs is in the gradebook.
    """
    if user.role is not Role.STUDENT:
        return
    policy, due = rows.policy(session, user, assignment_id)
    if refusal := check_open(policy, due, now, assignment):
        raise Forbidden(refusal)
    if begun is not None and late_days(policy, due, begun) != late_days(policy, due, now):
        # It counts from its last case: one more, right or wrong, would make late what was in time.
        raise Conflict(
            f"The submission was begun on {in_words(begun)}, and what was posted then keeps that time; a case posted "
            "now would make all of it later. Submit the problem anew."
        )
    if begun is not None or policy.attempts_per_hour is None:
        return
    left = attempts_left(policy, rows.first_cases(session, user, problem_id), now)
    if left.next_at is not None:
        limit = policy.attempts_per_hour
        attempts = f"{limit} {'attempt' if limit == 1 else 'attempts'}"
        raise TooMany(
            f"{problem} takes {attempts} in an hour, and you have made them; the next one is free at "
            f"{in_words(left.next_at)}.",
            retry_after=max(1, math.ceil((left.next_at - now).total_seconds())),
        )


def _same(posted: Posted, known: rows.Stored) -> Judged:
    """The stored verdict, for the stored value."""
    if known.value_hash != posted.packed.digest:
        raise Conflict(
            f"Case {posted.index} of the submission {posted.place.public_id} has another value already; expected that "
            "one. To post new values, submit the problem anew."
        )
    return known.judged


def _no_such_case(place: Place, index: int, cases: int) -> Invalid:
    return Invalid(f"test_case_index has value {index}; {place.problem} has {cases} cases, counted from 0.")
