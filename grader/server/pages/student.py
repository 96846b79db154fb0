"""A student's pages: their points, why they are what they are, and every case of every submission."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from grader.server.book import gradebook
from grader.server.book.gradebook import AssignmentInfo, Cell, ProblemInfo, StudentView, SubmissionView
from grader.server.errors import NotFound
from grader.server.pages.rendering import address, page, see_other, url
from grader.server.pages.routing import new_router
from grader.server.pages.session import SignedIn

router = new_router()


@dataclass(frozen=True)
class Line:
    """A problem's line in a student's table."""

    problem: ProblemInfo
    cell: Cell
    counted: SubmissionView | None  # the submission that counts; None: none does, or a verified grade


@dataclass(frozen=True)
class Bucket:
    """Problems that are shown together."""

    name: str
    lines: tuple[Line, ...]

    @property
    def points(self) -> float:
        """What the student has of it."""
        return sum(line.cell.points for line in self.lines)

    @property
    def max_points(self) -> float:
        """The most one can have of it."""
        return sum(line.problem.points for line in self.lines)


def buckets(assignment: AssignmentInfo, view: StudentView) -> list[Bucket]:
    """The student's problems by bucket, in the assignment's order."""
    submissions = {submission.id: submission for submission in view.submissions}
    lines: dict[str, list[Line]] = {}
    for problem in assignment.problems:
        cell = view.row.cells[problem.name]
        counted = submissions.get(cell.counted_id or 0) if cell.kind == "self-reported" else None
        lines.setdefault(problem.bucket, []).append(Line(problem, cell, counted))
    return [Bucket(name, tuple(held)) for name, held in lines.items()]


@router.get("/")
def home(request: Request, viewer: SignedIn) -> Response:
    """The assignments; a student who has just one goes straight to it."""
    with request.app.state.database.read() as session:
        found = gradebook.assignments(session)
    if len(found) == 1 and not viewer.staff:
        return see_other(url("a", found[0].name))
    return page(request, "assignments.html", assignments=found)


@router.get("/a/{name}")
def own_points(request: Request, name: str, viewer: SignedIn) -> Response:
    """A student's own points; staff see the gradebook instead."""
    if viewer.staff:
        return see_other(url("a", name, "gradebook"))
    with request.app.state.database.read() as session:
        assignment = gradebook.assignment(session, name)
        view = gradebook.student_view(session, name, viewer.login)
        several = len(gradebook.assignments(session)) > 1
    return page(
        request,
        "student.html",
        assignment=assignment,
        view=view,
        buckets=buckets(assignment, view),
        server=address(request),
        several=several,
    )


@router.get("/a/{name}/submissions/{public_id}")
def one_submission(request: Request, name: str, public_id: str, viewer: SignedIn) -> Response:
    """A submission's cases. Another student's is "not found": that it exists is not to be learnt."""
    with request.app.state.database.read() as session:
        assignment = gradebook.assignment(session, name)
        view = _submission(session, public_id)
    mine = view is not None and (viewer.staff or view.person.id == viewer.id)
    if view is None or not mine or view.problem.id not in {problem.id for problem in assignment.problems}:
        raise NotFound("There is no such submission of yours." if not viewer.staff else "There is no such submission.")
    return page(request, "submission.html", assignment=assignment, submission=view)


def _submission(session: Session, public_id: str) -> SubmissionView | None:
    try:
        return gradebook.submission_view(session, public_id)
    except NotFound:  # its sentence names the id; ours is the same for another's submission and for none
        return None
