"""The one derived table: a submission's judgements under the active answers, added up."""

from __future__ import annotations

from sqlalchemy import Integer, cast, func, insert, select, update
from sqlalchemy.orm import Session

from grader.server.book.standings import active_answers
from grader.server.store import catalogue
from grader.server.store.models import CaseRow, Judgement, ProblemRow, Submission, Tally


def recount(session: Session, problem_id: int | None = None) -> int:
    """Rebuild `tallies` from the judgements, of one problem or of all; how many were wrong or missing.

    Each problem is locked: a case judged meanwhile would be counted twice or not at all.
    """
    problems = (
        [problem_id] if problem_id is not None else list(session.scalars(select(ProblemRow.id).order_by(ProblemRow.id)))
    )
    for problem in problems:
        catalogue.lock_problem(session, problem)
    active = active_answers(session)
    return sum(
        _recount(session, problem, active[problem].answer_id if problem in active else None) for problem in problems
    )


def _recount(session: Session, problem_id: int, answer_id: int | None) -> int:
    counted = session.execute(
        select(
            CaseRow.submission_id,
            func.coalesce(func.sum(cast(Judgement.correct, Integer)), 0),
            func.count(Judgement.id),
            func.min(CaseRow.received_at),
            func.max(CaseRow.received_at),
        )
        .join(Submission, Submission.id == CaseRow.submission_id)
        .outerjoin(Judgement, (Judgement.case_id == CaseRow.id) & (Judgement.answer_id == answer_id))
        .where(Submission.problem_id == problem_id)
        .group_by(CaseRow.submission_id)
    ).all()
    stored = {
        tally.submission_id: tally
        for tally in session.scalars(
            select(Tally)
            .join(Submission, Submission.id == Tally.submission_id)
            .where(Submission.problem_id == problem_id)
            .execution_options(populate_existing=True)
        )
    }
    changed, new = [], []
    for submission_id, correct, judged, first, last in counted:
        row = {
            "submission_id": submission_id,
            "correct": correct,
            "judged": judged,
            "first_case_at": first,
            "last_case_at": last,
        }
        tally = stored.get(submission_id)
        if tally is None:
            new.append(row)
        elif any(getattr(tally, column) != value for column, value in row.items()):
            changed.append(row)
    if changed:
        session.execute(update(Tally), changed)
    if new:
        session.execute(insert(Tally), new)
    return len(changed) + len(new)
