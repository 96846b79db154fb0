"""What the pages, the exports and the API show, read from the tables in a few queries."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from grader.server import errors
from grader.server.book.gradebook_data import (
    AnswerView,
    AssignmentInfo,
    CaseView,
    Cell,
    Gradebook,
    LiveCounts,
    Person,
    ProblemInfo,
    ProblemStats,
    Row,
    Statistics,
    StudentView,
    SubmissionView,
    VerifiedView,
    WithdrawalView,
)
from grader.server.book.policy import AssignmentScore, closes_at, in_time, late_days, penalty, share
from grader.server.book.standings import (
    Attempts,
    Material,
    active_answers,
    assignment,
    assignments,
    bank,
    load,
    named,
    verified_marks,
)
from grader.server.book.statistics import live_counts, statistics
from grader.server.store.models import (
    Activation,
    Answer,
    AssignmentRow,
    CaseRow,
    Judgement,
    Key,
    ProblemRow,
    Role,
    Submission,
    Tally,
    User,
    VerifiedGrade,
    Withdrawal,
)

__all__ = [
    "AnswerView",
    "AssignmentInfo",
    "CaseView",
    "Cell",
    "Gradebook",
    "LiveCounts",
    "Person",
    "ProblemInfo",
    "ProblemStats",
    "Row",
    "Statistics",
    "StudentView",
    "SubmissionView",
    "VerifiedView",
    "WithdrawalView",
    "answer_versions",
    "assignment",
    "assignments",
    "gradebook",
    "live_counts",
    "people",
    "statistics",
    "student_view",
    "submission_view",
]


# PostgreSQL takes 65,535 parameters, SQLite as few as 32,766; one student may have opened more submissions than that.
_IDS_A_STATEMENT = 500


# -- people ----------------------------------------------------------------------------------------------------------


def people(session: Session, roles: Collection[Role] | None = None, search: str = "") -> tuple[Person, ...]:
    """Users by name, those who left included.

    roles: of these alone. search: part of a login, name, email or section, whatever its capitals.
    """
    query = select(User)
    if roles is not None:
        query = query.where(User.role.in_(list(roles)))
    # Compared here and not by the database: SQLite knows capital letters of ASCII alone.
    wanted = search.strip().casefold()
    found = [
        to_person(user)
        for user in session.scalars(query)
        if wanted in "\n".join((user.login, user.name, user.email, user.section)).casefold()
    ]
    return tuple(sorted(found, key=_by_name))


def to_person(user: User) -> Person:
    """The user, as shown."""
    return Person(
        id=user.id,
        login=user.login,
        name=user.name,
        role=user.role,
        email=user.email,
        section=user.section,
        canvas_id=user.canvas_id,
        sis_id=user.sis_id,
        active=user.active,
    )


def find_user(session: Session, login: str) -> User:
    """The user of that login. Raises errors.NotFound."""
    user = session.scalar(select(User).where(User.login == login)) if storable(login) else None
    if user is None:
        near = (
            session.scalar(select(User.login).where(func.lower(User.login) == login.lower())) if storable(login) else ""
        )
        hint = f"; did you mean {near!r}?" if near else "."
        raise errors.NotFound(f"There is nobody with the login {login!r:.120}{hint}")
    return user


def storable(text: str) -> bool:
    """Whether a table can hold the text at all: PostgreSQL refuses even to look for a NUL or half a character."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _by_name(person: Person) -> tuple[str, str]:
    return person.name.casefold(), person.login


# -- the class -------------------------------------------------------------------------------------------------------


def gradebook(session: Session, assignment_name: str) -> Gradebook:
    """Active students x problems. Raises errors.NotFound."""
    infos = assignments(session)
    info = named(infos, assignment_name)
    material = load(session, info)
    days = bank(session, infos, before=info)
    students = [person for person in people(session, [Role.STUDENT]) if person.active]
    rows = [_row(person, material, material.score(person.id, days.left(person.id))) for person in students]
    return Gradebook(info, tuple(rows))


def _row(person: Person, material: Material, score: AssignmentScore) -> Row:
    reported = material.reported.get(person.id, {})
    verified = material.verified.get(person.id, {})
    return Row(
        person=person,
        cells={
            problem.name: _cell(problem, score, reported, verified, material.info.policy.official)
            for problem in material.info.problems
        },
        total=score.points,
        late_days_spent=score.bank_days,
        extended_until=material.extended.get(person.id),
    )


def _cell(problem: ProblemInfo, score: AssignmentScore, reported: Attempts, verified: Attempts, official: str) -> Cell:
    counted = score.problems[problem.name]
    own, found = reported.get(problem.name, ()), verified.get(problem.name, ())
    return Cell(
        points=counted.points,
        max_points=problem.points,
        kind=official if counted.attempt else "",
        attempts=len(own),
        late_days=counted.late_days,
        penalty=counted.penalty,
        counted_id=counted.attempt.id if counted.attempt else None,
        self_points=max((attempt.earned for attempt in own), default=None),
        verified_points=max((attempt.earned for attempt in found), default=None),
    )


# -- one student -----------------------------------------------------------------------------------------------------


def student_view(session: Session, assignment_name: str, login: str) -> StudentView:
    """Everything about one person in one assignment, whatever their role. Raises errors.NotFound."""
    infos = assignments(session)
    info = named(infos, assignment_name)
    user = find_user(session, login)
    standing = _standing(session, infos, info, user)
    due = standing.material.due(user.id)
    problems = [problem.id for problem in info.problems]
    after = bank(session, infos, users=[user.id])
    return StudentView(
        row=_row(standing.person, standing.material, standing.score),
        submissions=_submission_views(
            session, standing, Submission.user_id == user.id, Submission.problem_id.in_(problems)
        ),
        verified=_verified_views(session, standing),
        due_at=due,
        closes_at=closes_at(info.policy, due),
        bank=after.days,
        bank_left=after.left(user.id),
    )


def submission_view(session: Session, public_id: str) -> SubmissionView:
    """A submission with its cases. Raises errors.NotFound."""
    found = session.execute(
        select(User, AssignmentRow.name)
        .join(Submission, Submission.user_id == User.id)
        .join(ProblemRow, ProblemRow.id == Submission.problem_id)
        .join(AssignmentRow, AssignmentRow.id == ProblemRow.assignment_id)
        .where(Submission.public_id == (public_id if storable(public_id) else ""))
    ).one_or_none()
    if found is None:
        raise errors.NotFound(f"There is no submission {public_id!r:.60}.")
    user, name = found
    infos = assignments(session)
    standing = _standing(session, infos, named(infos, name), user)
    return _submission_views(session, standing, Submission.public_id == public_id)[0]


class _Standing:
    """One student's place in one assignment."""

    def __init__(self, person: Person, material: Material, score: AssignmentScore) -> None:
        self.person, self.material, self.score = person, material, score

    def counts(self, kind: str, problem: str, attempt_id: int) -> bool:
        """Whether it is this attempt that counts."""
        attempt = self.score.problems[problem].attempt
        return self.material.info.policy.official == kind and attempt is not None and attempt.id == attempt_id


def _standing(session: Session, infos: Sequence[AssignmentInfo], info: AssignmentInfo, user: User) -> _Standing:
    material = load(session, info, [user.id])
    left = bank(session, infos, before=info, users=[user.id]).left(user.id)
    return _Standing(to_person(user), material, material.score(user.id, left))


def _submission_views(session: Session, standing: _Standing, *which: ColumnElement[bool]) -> tuple[SubmissionView, ...]:
    """Of the standing's student; newest first."""
    rows = session.execute(
        select(Submission, Tally)
        .outerjoin(Tally, Tally.submission_id == Submission.id)  # without one it has no judged case yet
        .where(*which)
        .order_by(Submission.opened_at.desc(), Submission.id.desc())
    ).all()
    problems = {problem.id: problem for problem in standing.material.info.problems}
    cases = _case_views(session, [submission for submission, _ in rows], problems)
    return tuple(
        _submission_view(standing, problems[submission.problem_id], submission, tally, cases[submission.id])
        for submission, tally in rows
    )


def _submission_view(
    standing: _Standing, problem: ProblemInfo, submission: Submission, tally: Tally | None, cases: tuple[CaseView, ...]
) -> SubmissionView:
    policy, due = standing.material.info.policy, standing.material.due(submission.user_id)
    correct = tally.correct if tally else 0
    points = share(problem.points, correct, len(problem.cases))
    days = late_days(policy, due, tally.last_case_at) if tally else 0
    return SubmissionView(
        id=submission.id,
        public_id=submission.public_id,
        person=standing.person,
        problem=problem,
        opened_at=submission.opened_at,
        counts_from=tally.last_case_at if tally else None,
        late_days=days,
        correct=correct,
        total=len(problem.cases),
        points=float(points),
        penalty=penalty(policy, points, days, standing.score.bank_days),
        in_time=tally is None or in_time(policy, due, tally.last_case_at),
        counts=standing.counts("self-reported", problem.name, submission.id),
        client=submission.client,
        tree_hash=submission.tree_hash,
        cases=cases,
    )


def _case_views(
    session: Session, submissions: Sequence[Submission], problems: dict[int, ProblemInfo]
) -> dict[int, tuple[CaseView, ...]]:
    """By submissions.id: a view for each case of the active answers, come or not."""
    answers = [problem.answer_id for problem in problems.values() if problem.answer_id is not None]
    query = select(
        CaseRow.submission_id,
        CaseRow.case_index,
        CaseRow.received_at,
        CaseRow.value_hash,
        Judgement.correct,
        Judgement.message,
    ).outerjoin(Judgement, (Judgement.case_id == CaseRow.id) & Judgement.answer_id.in_(answers))
    ids = [submission.id for submission in submissions]
    came = {
        (row.submission_id, row.case_index): row
        for start in range(0, len(ids), _IDS_A_STATEMENT)
        for row in session.execute(query.where(CaseRow.submission_id.in_(ids[start : start + _IDS_A_STATEMENT])))
    }
    views: dict[int, tuple[CaseView, ...]] = {}
    for submission in submissions:
        own = []
        for index, title in enumerate(problems[submission.problem_id].cases):
            row = came.get((submission.id, index))
            if row is None:
                own.append(CaseView(index, title, None, "", None))
            else:
                own.append(CaseView(index, title, row.correct, row.message or "", row.received_at, row.value_hash))
        views[submission.id] = tuple(own)
    return views


def _verified_views(session: Session, standing: _Standing) -> tuple[VerifiedView, ...]:
    info, person = standing.material.info, standing.person
    due = standing.material.due(person.id)
    own = standing.material.verified.get(person.id, {})
    newest = {attempt.id for attempts in own.values() for attempt in attempts}
    withdrawer = aliased(User)
    rows = session.execute(
        select(VerifiedGrade, User.login, Withdrawal, withdrawer.login)
        .join(Key, Key.id == VerifiedGrade.key_id)
        .join(User, User.id == Key.user_id)
        .outerjoin(Withdrawal, Withdrawal.verified_grade_id == VerifiedGrade.id)
        .outerjoin(withdrawer, withdrawer.id == Withdrawal.created_by)
        .where(VerifiedGrade.assignment_id == info.id, VerifiedGrade.user_id == person.id)
        .order_by(VerifiedGrade.posted_at.desc(), VerifiedGrade.id.desc())
    )
    return tuple(
        VerifiedView(
            id=grade.id,
            person=person,
            points={name: float(mark) for name, mark in verified_marks(info, grade.points).items()},
            submission_hash=grade.submission_hash,
            suite_hash=grade.suite_hash,
            seed=grade.seed,
            submitted_at=grade.submitted_at,
            graded_at=grade.graded_at,
            posted_at=grade.posted_at,
            late_days=late_days(info.policy, due, grade.submitted_at),
            posted_by=login,
            replaced=withdrawal is None and grade.id not in newest,
            withdrawal=WithdrawalView(withdrawal.created_at, by, withdrawal.reason) if withdrawal else None,
        )
        for grade, login, withdrawal, by in rows
    )


# -- answers ---------------------------------------------------------------------------------------------------------


def answer_versions(session: Session, assignment_name: str) -> tuple[AnswerView, ...]:
    """All versions of the answers, by problem in the assignment's order; newest first."""
    info = assignment(session, assignment_name)
    active = active_answers(session)
    columns = (Answer.id, Answer.problem_id, Answer.version, Answer.value_count, Answer.published_at, User.login)
    rows = session.execute(  # never the values: megabytes that nobody looks at
        select(*columns)
        .join(User, User.id == Answer.published_by)
        .where(Answer.problem_id.in_([problem.id for problem in info.problems]))
        .order_by(Answer.version.desc())
    ).all()
    applied = set(
        session.scalars(
            select(Activation.answer_id).where(Activation.problem_id.in_([problem.id for problem in info.problems]))
        )
    )
    views = []
    for problem in info.problems:
        current = active.get(problem.id)
        for row in rows:
            if row.problem_id == problem.id:
                state = answer_state(row.version, current.version if current else None, applied=row.id in applied)
                views.append(
                    AnswerView(row.id, problem, row.version, state, row.value_count, row.published_at, row.login)
                )
    return tuple(views)


def answer_state(version: int, active: int | None, *, applied: bool) -> str:
    """What a version is beside the active one: "active", "pending" (newer: waits to be applied) or "replaced".

    applied: whether it has judged before; one that an older version replaced does not wait for anybody.
    """
    if version == active:
        return "active"
    return "replaced" if applied or (active is not None and version < active) else "pending"
