"""Who has what, from the tables in a few queries: attempts, their own due times, the bank of late days, the scores.

A class of 500 with ten problems has some 15,000 attempts: they are read as bare rows and counted in Python, where
policy.py alone says how. What is counted is `tallies`, a row an attempt, and never the cases.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from functools import lru_cache

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grader.points import exact
from grader.server import errors
from grader.server.book.gradebook_data import AssignmentInfo, ProblemInfo
from grader.server.book.policy import AssignmentScore, Attempt, Policy, due_for, earned, score_assignment, share
from grader.server.store.models import (
    Activation,
    Answer,
    AssignmentRow,
    CourseSettings,
    Extension,
    PolicyRow,
    ProblemRow,
    Submission,
    Tally,
    VerifiedGrade,
    Withdrawal,
)

Attempts = dict[str, list[Attempt]]  # by problem


@dataclass(frozen=True)
class Material:
    """What the scores of one assignment are made of, by users.id. Who is missing has nothing."""

    info: AssignmentInfo
    reported: dict[int, Attempts]  # what they posted themselves
    verified: dict[int, Attempts]  # what the grader found
    extended: dict[int, datetime]  # the newest extension, where it gives a time

    @property
    def official(self) -> dict[int, Attempts]:
        """The attempts of the kind that counts."""
        return self.verified if self.info.policy.official == "verified" else self.reported

    def due(self, user_id: int) -> datetime | None:
        """Their own due time."""
        return due_for(self.info.policy, self.extended.get(user_id))

    def score(
        self, user_id: int, bank_left: int, attempts: Mapping[str, list[Attempt]] | None = None
    ) -> AssignmentScore:
        """What they have, of the attempts that count or of others."""
        points = {problem.name: problem.points for problem in self.info.problems}
        if attempts is None:
            attempts = self.official.get(user_id, {})
        return score_assignment(self.info.policy, self.due(user_id), attempts, points, bank_left)


@dataclass(frozen=True)
class Bank:
    """Late days that students may spend."""

    days: int  # what each has at the start of the course
    spent: dict[int, int] = field(default_factory=dict)  # by users.id

    def left(self, user_id: int) -> int:
        """What they still have. Never below 0, also where the bank was made smaller after they had spent from it."""
        return max(0, self.days - self.spent.get(user_id, 0))


# -- assignments -----------------------------------------------------------------------------------------------------


def assignments(session: Session) -> tuple[AssignmentInfo, ...]:
    """All assignments, with the rules and the answers that hold now; in the order of their due times, then by name."""
    newest = select(PolicyRow).where(PolicyRow.id.in_(select(func.max(PolicyRow.id)).group_by(PolicyRow.assignment_id)))
    policies = {row.assignment_id: to_policy(row) for row in session.scalars(newest)}
    problems: dict[int, list[ProblemInfo]] = {}
    active = active_answers(session)
    for row in session.scalars(select(ProblemRow).order_by(ProblemRow.position, ProblemRow.id)):
        problems.setdefault(row.assignment_id, []).append(_problem(row, active.get(row.id)))
    found = [
        AssignmentInfo(
            row.id,
            row.name,
            row.title,
            row.canvas_column,
            policies.get(row.id, Policy()),
            tuple(problems.get(row.id, ())),
        )
        for row in session.scalars(select(AssignmentRow))
    ]
    return tuple(sorted(found, key=_order))


def assignment(session: Session, name: str) -> AssignmentInfo:
    """The assignment of that name. Raises errors.NotFound."""
    return named(assignments(session), name)


def named(infos: Collection[AssignmentInfo], name: str) -> AssignmentInfo:
    """The one of that name. Raises errors.NotFound."""
    for info in infos:
        if info.name == name:
            return info
    known = ", ".join(info.name for info in infos) or "none is there yet"
    raise errors.NotFound(f"There is no assignment {name!r:.100}; expected one of: {known}.")


@dataclass(frozen=True)
class ActiveAnswer:
    """The version of a problem's answers that judges now, without its values."""

    answer_id: int
    version: int
    value_count: int
    since: datetime


def active_answers(session: Session) -> dict[int, ActiveAnswer]:
    """By problems.id; a problem that is missing has nothing published."""
    newest = select(func.max(Activation.id)).group_by(Activation.problem_id)
    rows = session.execute(
        select(Answer.problem_id, Answer.id, Answer.version, Answer.value_count, Activation.activated_at)
        .join(Activation, Activation.answer_id == Answer.id)
        .where(Activation.id.in_(newest))
    )
    return {problem: ActiveAnswer(answer, version, count, since) for problem, answer, version, count, since in rows}


def to_policy(row: PolicyRow) -> Policy:
    """The rules as the row has them."""
    return Policy(
        open_at=row.open_at,
        due_at=row.due_at,
        grace_minutes=row.grace_minutes,
        max_late_days=row.max_late_days,
        penalty_percent=row.penalty_percent,
        attempts_per_hour=row.attempts_per_hour,
        counts="last" if row.counts == "last" else "best",
        official="verified" if row.official == "verified" else "self-reported",
    )


def _problem(row: ProblemRow, active: ActiveAnswer | None) -> ProblemInfo:
    titles = tuple(row.case_titles)
    if active is not None:  # the answers decide how many cases there are: an older checkout may have published
        titles = tuple(
            titles[index] if index < len(titles) else f"case {index + 1}" for index in range(active.value_count)
        )
    return ProblemInfo(
        row.id,
        row.name,
        row.bucket,
        row.points,
        titles,
        active.version if active else None,
        active.answer_id if active else None,
        tuple(row.aliases),
        active.since if active else None,
    )


def _order(info: AssignmentInfo) -> tuple[bool, float, str]:
    due = info.policy.due_at
    return due is None, due.timestamp() if due else 0.0, info.name


# -- attempts --------------------------------------------------------------------------------------------------------


def load(session: Session, info: AssignmentInfo, users: Collection[int] | None = None) -> Material:
    """The material of an assignment; users: of these alone, by users.id."""
    names = {problem.id: problem.name for problem in info.problems}
    marks = {problem.id: _marks(problem) for problem in info.problems}
    reported: dict[int, Attempts] = {}
    query = (
        select(Submission.user_id, Submission.problem_id, Submission.id, Tally.correct, Tally.last_case_at)
        .join(Tally, Tally.submission_id == Submission.id)
        .where(Submission.problem_id.in_(names))
    )
    if users is not None:
        query = query.where(Submission.user_id.in_(users))
    for user_id, problem_id, submission_id, correct, at in session.execute(query):
        attempt = Attempt(submission_id, at, *marks[problem_id][correct])
        reported.setdefault(user_id, {}).setdefault(names[problem_id], []).append(attempt)
    return Material(info, reported, _verified(session, info, users), _extensions(session, info, users))


def _marks(problem: ProblemInfo) -> list[tuple[float, Fraction]]:
    """What so many correct cases earn, shown and exactly."""
    cases = len(problem.cases)
    return [(earned(problem.points, right, cases), share(problem.points, right, cases)) for right in range(cases + 1)]


def _verified(session: Session, info: AssignmentInfo, users: Collection[int] | None) -> dict[int, Attempts]:
    named = _by_any_name(info)
    query = (
        select(
            VerifiedGrade.user_id,
            VerifiedGrade.submission_hash,
            VerifiedGrade.id,
            VerifiedGrade.points,
            VerifiedGrade.submitted_at,
        )
        .outerjoin(Withdrawal, Withdrawal.verified_grade_id == VerifiedGrade.id)
        .where(VerifiedGrade.assignment_id == info.id, Withdrawal.id.is_(None))
        .order_by(VerifiedGrade.graded_at, VerifiedGrade.id)
    )
    if users is not None:
        query = query.where(VerifiedGrade.user_id.in_(users))
    # Of the same tree the newest alone. Were each a try of its own, the best would count, and a grade that was too
    # high could never be put right.
    newest = {(row.user_id, row.submission_hash): row for row in session.execute(query)}
    found: dict[int, Attempts] = {}
    for row in newest.values():
        own = found.setdefault(row.user_id, {})
        for problem, mark in _marks_now(named, row.points).items():
            own.setdefault(problem, []).append(Attempt(row.id, row.submitted_at, float(mark), mark))
    return found


def verified_marks(info: AssignmentInfo, points: Mapping[str, Sequence[float]]) -> dict[str, Fraction]:
    """What a verified grade is worth now, by what its problems are called now, in the assignment's order.

    points: as verified_grades keeps them. A grade says which part of a problem's points was earned: where the problem
    is given other points, the part is of those, as it is for what students report themselves.
    """
    marks = _marks_now(_by_any_name(info), points)
    return {problem.name: marks[problem.name] for problem in info.problems if problem.name in marks}


def _by_any_name(info: AssignmentInfo) -> dict[str, ProblemInfo]:
    # By its aliases too: a grade names its problems, and one that has been renamed since is still the same problem.
    return {name: problem for problem in info.problems for name in (problem.name, *problem.aliases)}


def _marks_now(named: Mapping[str, ProblemInfo], points: Mapping[str, Sequence[float]]) -> dict[str, Fraction]:
    return {
        named[name].name: _part(named[name].points, got, most) for name, (got, most) in points.items() if name in named
    }


@lru_cache(maxsize=4096)
def _part(points: float, got: float, most: float) -> Fraction:
    """`got` of `most`, of the points. Where nothing could be earned, nothing was: it must be graded again."""
    return exact(points) * exact(got) / exact(most) if most else Fraction()


def _extensions(session: Session, info: AssignmentInfo, users: Collection[int] | None) -> dict[int, datetime]:
    newest = select(func.max(Extension.id)).where(Extension.assignment_id == info.id).group_by(Extension.user_id)
    query = select(Extension.user_id, Extension.due_at).where(Extension.id.in_(newest), Extension.due_at.is_not(None))
    if users is not None:
        query = query.where(Extension.user_id.in_(users))
    return {user_id: due for user_id, due in session.execute(query) if due is not None}


# -- the bank of late days -------------------------------------------------------------------------------------------


def bank(
    session: Session,
    infos: Iterable[AssignmentInfo],
    before: AssignmentInfo | None = None,
    users: Collection[int] | None = None,
) -> Bank:
    """The bank after the assignments due before `before`, or after all of them.

    The order is that of the class's due times, also for a student with an extension: more time for one assignment must
    not change which of the others the bank pays for first.
    """
    days = late_day_bank(session)
    found = Bank(days)
    for info in sorted(infos, key=_order) if days else ():
        if before is not None and info.id == before.id:
            break
        policy = info.policy
        if policy.due_at is None or not policy.max_late_days or not policy.penalty_percent:
            continue  # nothing can be gained by spending
        late = _late_users(session, info, policy.due_at)
        if users is not None:
            late &= set(users)
        material = load(session, info, late)
        for user_id in late:
            spent = material.score(user_id, found.left(user_id)).bank_days
            found.spent[user_id] = found.spent.get(user_id, 0) + spent
    return found


def late_day_bank(session: Session) -> int:
    """The late days that each student has for the whole course."""
    return session.scalar(select(CourseSettings.late_days).order_by(CourseSettings.id.desc()).limit(1)) or 0


def _late_users(session: Session, info: AssignmentInfo, due: datetime) -> set[int]:
    """Who has an attempt after the due time: nobody else can have spent a late day."""
    if info.policy.official == "verified":
        return set(
            session.scalars(
                select(VerifiedGrade.user_id).where(
                    VerifiedGrade.assignment_id == info.id, VerifiedGrade.submitted_at > due
                )
            )
        )
    return set(
        session.scalars(
            select(Submission.user_id)
            .join(Tally, Tally.submission_id == Submission.id)
            .where(Submission.problem_id.in_([problem.id for problem in info.problems]), Tally.last_case_at > due)
        )
    )
