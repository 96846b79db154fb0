"""How an assignment goes: pass rates and a histogram for the teaching, live counts for the night of a deadline."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grader.points import exact
from grader.server.book.gradebook_data import AssignmentInfo, LiveCounts, ProblemInfo, ProblemStats, Statistics
from grader.server.book.policy import AssignmentScore
from grader.server.book.standings import Material, assignments, bank, load, named
from grader.server.store.models import CaseRow, Judgement, Role, Submission, Tally, User

BINS = 10  # of the histogram
_MINUTE = timedelta(minutes=1)
_SLICE = timedelta(minutes=5)  # of the last hour
_IDS_A_QUERY = 500  # PostgreSQL takes 65,535 parameters in a query and SQLite 32,766


def statistics(session: Session, assignment_name: str) -> Statistics:
    """How an assignment goes, over the active students. Raises errors.NotFound."""
    infos = assignments(session)
    info = named(infos, assignment_name)
    material = load(session, info)
    days = bank(session, infos, before=info)
    students = _students(session)
    scores = {user_id: material.score(user_id, days.left(user_id)) for user_id in students}
    return Statistics(
        students=len(students),
        problems=tuple(_problem(session, material, problem, scores) for problem in info.problems),
        histogram=_histogram([score.points for score in scores.values()], info.points),
    )


def _students(session: Session) -> list[int]:
    return list(session.scalars(select(User.id).where(User.role == Role.STUDENT, User.active)))


def _problem(
    session: Session, material: Material, problem: ProblemInfo, scores: dict[int, AssignmentScore]
) -> ProblemStats:
    counted = [score.problems[problem.name] for score in scores.values()]
    marks = [exact(item.points) for item in counted if item.attempt is not None]
    posted = [material.reported.get(user_id, {}).get(problem.name, []) for user_id in scores]
    if material.info.policy.official == "verified":  # such a grade has no cases here
        shown = [max(own, key=lambda attempt: attempt.earned).id for own in posted if own]
    else:
        shown = [item.attempt.id for item in counted if item.attempt is not None]
    return ProblemStats(
        problem=problem,
        students=len(marks),
        full=sum(item.attempt is not None and item.points >= problem.points for item in counted),
        attempts=sum(map(len, posted)),
        mean_points=float(sum(marks) / len(marks)) if marks else 0.0,
        case_pass_rates=_pass_rates(session, problem, shown),
    )


def _pass_rates(session: Session, problem: ProblemInfo, submissions: Sequence[int]) -> tuple[float, ...]:
    right = [0] * len(problem.cases)
    for ids in _chunks(submissions):
        rows = session.execute(
            select(CaseRow.case_index, func.count())
            .join(Judgement, (Judgement.case_id == CaseRow.id) & (Judgement.answer_id == problem.answer_id))
            .where(CaseRow.submission_id.in_(ids), Judgement.correct)
            .group_by(CaseRow.case_index)
        )
        for index, count in rows:
            right[index] += count
    return tuple(count / len(submissions) if submissions else 0.0 for count in right)


def _histogram(totals: Iterable[float], most: float) -> tuple[int, ...]:
    bins = [0] * BINS
    for points in totals:
        bins[min(BINS - 1, int(exact(points) * BINS / exact(most))) if most else 0] += 1
    return tuple(bins)


def _chunks(ids: Collection[int]) -> Iterable[list[int]]:
    rest = iter(ids)
    while chunk := list(islice(rest, _IDS_A_QUERY)):
        yield chunk


# -- around a deadline -----------------------------------------------------------------------------------------------


def live_counts(session: Session, assignment_name: str, now: datetime) -> LiveCounts:
    """What is going on now, over the active students. Raises errors.NotFound.

    Cheap enough to ask for every few seconds: nothing here reads a posted value, and only the newest cases are looked
    at.
    """
    info = named(assignments(session), assignment_name)
    problems = [problem.id for problem in info.problems]
    students = set(_students(session))
    posted = session.execute(
        select(Submission.user_id, func.count(Submission.problem_id.distinct()))
        .join(Tally, Tally.submission_id == Submission.id)
        .where(Submission.problem_id.in_(problems))
        .group_by(Submission.user_id)
    )
    done = [count for user_id, count in posted if user_id in students]
    begun = list(
        session.scalars(
            select(Tally.first_case_at)
            .join(Submission, Submission.id == Tally.submission_id)
            .where(Submission.problem_id.in_(problems), Tally.first_case_at > now - 12 * _SLICE)
        )
    )
    return LiveCounts(
        now=now,
        due_at=info.policy.due_at,
        submitted_any=len(done),
        submitted_all=sum(count == len(problems) for count in done),
        students=len(students),
        cases_last_minute=_cases_since(session, info, now - _MINUTE),
        submissions_last_minute=sum(at > now - _MINUTE for at in begun),
        submissions_last_hour=_by_slice(begun, now),
    )


def _cases_since(session: Session, info: AssignmentInfo, since: datetime) -> int:
    """Cases judged since then, of submissions that got one since then.

    From the tallies down, because nothing says when without reading through a case's value in a table of gigabytes.
    """
    answers = [problem.answer_id for problem in info.problems if problem.answer_id is not None]
    return (
        session.scalar(
            select(func.count(Judgement.case_id.distinct()))
            .join(CaseRow, CaseRow.id == Judgement.case_id)
            .join(Submission, Submission.id == CaseRow.submission_id)
            .join(Tally, Tally.submission_id == Submission.id)
            .where(
                Submission.problem_id.in_([problem.id for problem in info.problems]),
                Tally.last_case_at > since,
                Judgement.judged_at > since,
                Judgement.answer_id.in_(answers),  # and not those of a version that is judged ahead
            )
        )
        or 0
    )


def _by_slice(moments: Iterable[datetime], now: datetime) -> tuple[int, ...]:
    counts = [0] * 12
    for moment in moments:
        age = (now - moment) // _SLICE
        if 0 <= age < 12:
            counts[11 - age] += 1
    return tuple(counts)
