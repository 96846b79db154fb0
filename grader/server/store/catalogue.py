"""Assignments and problems: from assignment.toml into the tables, and found there by name.

What an assignment.toml says of a problem may change while a course runs: points and titles count at once, tolerances
with the next published answers. A problem that somebody has submitted cannot leave; nobody's points vanish by an edit.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from grader.assignment import Assignment, Problem
from grader.errors import UsageError
from grader.server.errors import NotFound
from grader.server.store import events
from grader.server.store.models import Activation, Answer, AssignmentRow, ProblemRow, Submission, VerifiedGrade

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")  # what can be a name at all; PostgreSQL refuses a NUL in a text
_SHOWN = 60  # characters of an unknown name in a sentence


def sync(session: Session, assignment: Assignment) -> list[str]:
    """Bring the tables to what the assignment says; what was changed, in words. Changes nothing the second time.

    Run it where nobody else does: `database.write(alone=True)`. Raises UsageError where a problem with submissions or
    answers is no longer there, or has lost a name that a verified grade has for it.
    """
    changes: list[str] = []
    row = session.scalar(select(AssignmentRow).where(AssignmentRow.name == assignment.name))
    if row is None:
        row = AssignmentRow(name=assignment.name, title=assignment.title, canvas_column="")
        session.add(row)
        session.flush()
        changes.append("added")
    changes += _assign(row, "", title=assignment.title)
    rows = list(session.scalars(select(ProblemRow).where(ProblemRow.assignment_id == row.id)))
    for position, problem in enumerate(assignment.problems):
        known = _row_of(problem, rows)
        if known is None:
            session.add(ProblemRow(assignment_id=row.id, **_columns(problem, position)))
            changes.append(f"problem {problem.name} added")
        else:
            rows.remove(known)
            _check_names(session, assignment, known, problem)
            changes += _assign(known, f"{known.name}: ", **_columns(problem, position))
    for gone in rows:
        _remove(session, assignment, gone)
        changes.append(f"problem {gone.name} removed")
    if changes:
        events.record(session, None, "assignment.changed", assignment.name, changes=changes)
    session.flush()
    return changes


def find_problem(session: Session, assignment_name: str, problem_name: str) -> tuple[AssignmentRow, ProblemRow]:
    """The problem of that name or alias, less a leading "submit_". Raises errors.NotFound."""
    assignment = find_assignment(session, assignment_name)
    rows = session.scalars(
        select(ProblemRow).where(ProblemRow.assignment_id == assignment.id).order_by(ProblemRow.position)
    ).all()
    for name in (problem_name, problem_name.removeprefix("submit_")):
        for row in rows:
            if name == row.name or name in row.aliases:
                return assignment, row
    known = _listed(row.name for row in rows)
    raise NotFound(f"{assignment.name} has no problem {_shown(problem_name)}; expected one of: {known}.")


def find_assignment(session: Session, name: str) -> AssignmentRow:
    """The assignment of that name. Raises errors.NotFound."""
    row = session.scalar(select(AssignmentRow).where(AssignmentRow.name == name)) if _NAME.fullmatch(name) else None
    if row is None:
        known = session.scalars(select(AssignmentRow.name).order_by(AssignmentRow.id))
        raise NotFound(f"There is no assignment {_shown(name)}; expected one of: {_listed(known)}.")
    return row


def lock_problem(session: Session, problem_id: int) -> None:
    """Have the problem alone until the transaction ends, to apply other answers. Judging shares it among itself.

    So no case is judged under answers that have just been replaced, unseen by the regrade. SQLite has one writer
    anyway.
    """
    session.execute(select(ProblemRow.id).where(ProblemRow.id == problem_id).with_for_update(key_share=True))


def active_answer(session: Session, problem_id: int) -> tuple[int, int] | None:
    """The id and number of values of the answers that judge a problem now; None: nothing is published."""
    row = session.execute(
        select(Answer.id, Answer.value_count)
        .join(Activation, Activation.answer_id == Answer.id)
        .where(Activation.problem_id == problem_id)
        .order_by(Activation.id.desc())
        .limit(1)
    ).first()
    return (row[0], row[1]) if row else None


def _columns(problem: Problem, position: int) -> dict[str, Any]:
    return {
        "name": problem.name,
        "aliases": list(problem.aliases),
        "bucket": problem.bucket,
        "points": problem.points,
        "position": position,
        "case_titles": list(problem.submission_cases),
        "rtol": problem.rtol,
        "atol": problem.atol,
    }


def _assign(row: Any, what: str, **values: Any) -> list[str]:
    changes = []
    for column, value in values.items():
        before = getattr(row, column)
        if before != value:
            setattr(row, column, value)
            changes.append(f"{what}{column} changed from {before!r} to {value!r}")
    return changes


def _row_of(problem: Problem, rows: list[ProblemRow]) -> ProblemRow | None:
    """The problem's row; one whose name has become an alias of the problem is the same problem, renamed."""
    names = [problem.name, *problem.aliases]
    known = [row for row in rows if row.name in names]
    return min(known, key=lambda row: names.index(row.name), default=None)


def _check_names(session: Session, assignment: Assignment, row: ProblemRow, problem: Problem) -> None:
    """A verified grade has a problem's points under the name of its day; without that name they would be nobody's."""
    lost = {row.name, *row.aliases} - {problem.name, *problem.aliases}
    if not lost:
        return
    graded = select(VerifiedGrade.points).where(VerifiedGrade.assignment_id == row.assignment_id)
    for points in session.scalars(graded):
        for name in sorted(lost & points.keys()):
            raise UsageError(
                f"{assignment.suite / 'assignment.toml'}: {problem.name!r} no longer has the alias {name!r}, but the "
                "gradebook has verified grades that call it so; expected the alias to stay."
            )


def _remove(session: Session, assignment: Assignment, row: ProblemRow) -> None:
    used = sum(
        session.scalar(select(func.count()).select_from(table).where(table.problem_id == row.id)) or 0
        for table in (Submission, Answer)
    )
    graded = session.scalar(
        select(func.count()).select_from(VerifiedGrade).where(VerifiedGrade.assignment_id == row.assignment_id)
    )
    if used or graded:
        raise UsageError(
            f"{assignment.suite / 'assignment.toml'}: the problem {row.name!r} is no longer there, but the gradebook "
            "has answers, submissions or grades of it; expected it to stay, or to be an alias of its new name."
        )
    session.execute(delete(ProblemRow).where(ProblemRow.id == row.id))


def _shown(name: str) -> str:
    return repr(name if len(name) <= _SHOWN else name[: _SHOWN - 3] + "...")


def _listed(names: Any) -> str:
    return ", ".join(names) or "none yet: the server has none"
