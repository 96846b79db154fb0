"""The gradebook, one student in it, and its exports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response
from markupsafe import Markup

from grader.server.book import administration, exports, gradebook
from grader.server.book.gradebook import Cell, Gradebook, Row
from grader.server.errors import Invalid, NotFound
from grader.server.pages import wording
from grader.server.pages.rendering import download, now, page, see_other, url
from grader.server.pages.routing import new_router
from grader.server.pages.session import Instructor, InstructorsForm, Staff, actor
from grader.server.pages.student import buckets

router = new_router()

MARKS = {  # after a cell's points: the sign, and what a screen reader says
    "verified": ("✓", "verified"),
    "differs": ("≠", "verified and self-reported differ"),
    "self": ("○", "self-reported"),
    "": ("", ""),
}
MOST_GRADES = (1 << 31) - 1  # the highest number that one can have
NO_MARK = Markup('<i class="mark"></i>')  # as wide as one, so that numbers stand below each other


@dataclass(frozen=True)
class Column:
    """A column that the gradebook can be sorted by."""

    key: str  # in the address
    title: str
    numeric: bool
    value: Callable[[Row], Any]  # what rows are sorted by
    note: str = ""  # beneath the title


@dataclass(frozen=True)
class Line:
    """A row of the gradebook, and whether the filters leave it."""

    row: Row
    href: str  # the student's page
    cells: Markup  # one for each problem
    shown: bool


@dataclass(frozen=True)
class Refused:
    """A withdrawal that was refused."""

    grade_id: int
    sentence: str  # why
    reason: str  # as it was typed


def columns(book: Gradebook) -> list[Column]:
    """The gradebook's columns, from left to right."""

    def earned(name: str) -> Callable[[Row], Any]:
        return lambda row: row.cells[name].points if row.cells[name].kind else -1.0

    return [
        Column("name", "Student", False, lambda row: (row.person.name.casefold(), row.person.login)),
        Column("section", "Section", False, lambda row: row.person.section.casefold()),
        Column("total", "Total", True, lambda row: row.total, wording.number(book.assignment.points)),
        *(
            Column(f"p.{problem.name}", problem.name, True, earned(problem.name), wording.number(problem.points))
            for problem in book.assignment.problems
        ),
        Column("late", "Late days", True, lambda row: row.late_days_spent),
    ]


@router.get("/a/{name}/gradebook")
def book(
    request: Request,
    name: str,
    viewer: Staff,
    sort: str = "name",
    order: str = "asc",
    section: str = "",
    q: str = "",
) -> Response:
    """Students x problems. What the filters leave out is in the page too, hidden: the script can show it at once."""
    with request.app.state.database.read() as session:
        found = gradebook.gradebook(session, name)
    heads = columns(found)
    by = next((column for column in heads if column.key == sort), heads[0])
    rows = sorted(found.rows, key=by.value, reverse=order == "desc")
    names = [problem.name for problem in found.assignment.problems]
    students = url("a", name, "students")
    lines = [Line(row, students + url(row.person.login), _cells(row, names), _left(row, section, q)) for row in rows]
    return page(
        request,
        "gradebook.html",
        assignment=found.assignment,
        tab="gradebook",
        columns=heads,
        lines=lines,
        left=sum(line.shown for line in lines),
        sections=sorted({row.person.section for row in found.rows} - {""}),
        missing=sum(not any(cell.kind for cell in row.cells.values()) for row in found.rows),
        sort=by.key,
        order="desc" if order == "desc" else "asc",
        section=section,
        q=q,
        link=lambda column: "?" + urlencode(_query(column, by, order, section, q)),
    )


def _cells(row: Row, problems: list[str]) -> Markup:
    return Markup("").join(shown(row.cells[problem]) for problem in problems)


def shown(cell: Cell) -> Markup:
    """A cell of the gradebook. A class has thousands of them and few different ones: each is rendered once."""
    own, found = cell.self_points, cell.verified_points
    if own is not None and found is not None and own != found:
        mark = "differs"
    elif found is not None:
        mark = "verified"
    else:
        mark = "" if own is None else "self"
    return _shown(cell.points if cell.kind else None, cell.max_points, cell.late_days, mark)


@lru_cache(maxsize=4096)
def _shown(points: float | None, most: float, late: int, mark: str) -> Markup:
    sign, said = MARKS[mark]
    end = Markup('<i class="mark {}" role="img" aria-label="{}">{}</i>').format(mark, said, sign) if mark else NO_MARK
    if points is None:
        return Markup('<td class="num none" data-v="-1">&ndash;{}</td>').format(end)
    tone = "full" if points >= most else "zero" if points == 0 else "part"
    days = Markup('<b class="late">{}<abbr title="days late">d</abbr></b> ').format(late) if late else ""
    return Markup('<td class="num {}" data-v="{}">{}{}{}</td>').format(tone, points, days, wording.number(points), end)


def _left(row: Row, section: str, q: str) -> bool:
    """Whether the filters leave the row; table.js asks the same."""
    text = f"{row.person.name} {row.person.login}".casefold()
    return section in ("", row.person.section) and all(word in text for word in q.casefold().split())


def _query(column: Column, by: Column, order: str, section: str, q: str) -> dict[str, str]:
    """The address's query that sorts by this column: points from the top first, the next time from the bottom."""
    first, second = ("desc", "asc") if column.numeric else ("asc", "desc")
    given = {"sort": column.key, "order": second if column is by and order == first else first}
    return given | {key: value for key, value in {"section": section, "q": q}.items() if value}


@router.get("/a/{name}/students/{login}")
def one_student(request: Request, name: str, login: str, viewer: Staff) -> Response:
    """Everything about one student in one assignment."""
    return _student(request, name, login)


@router.post("/a/{name}/students/{login}")
def grant(request: Request, name: str, login: str, viewer: Instructor, form: InstructorsForm) -> Response:
    """Gives the student more time, or takes it back where the time is empty."""
    try:
        due = form.moment("due_at", "New deadline")
        with request.app.state.database.write() as session:
            administration.grant_extension(
                session, actor(session, viewer), name, login, due, form.text("reason"), now(request)
            )
    except Invalid as problem:
        due_text, reason = form.text("due_at"), form.text("reason")
        return _student(request, name, login, problem.status, fault=problem.sentence, due=due_text, reason=reason)
    return see_other(url("a", name, "students", login), done="extension")


@router.post("/a/{name}/students/{login}/withdraw")
def withdraw(request: Request, name: str, login: str, viewer: Instructor, form: InstructorsForm) -> Response:
    """A verified grade of the student counts no longer."""
    grade_id = form.whole("grade", "Verified grade", MOST_GRADES)
    with request.app.state.database.read() as session:
        held = {grade.id for grade in gradebook.student_view(session, name, login).verified}
    if grade_id not in held:
        raise NotFound(f"{login} has no verified grade {grade_id} in {name}.")
    reason = form.text("reason")
    try:
        with request.app.state.database.write() as session:
            administration.withdraw_grade(session, actor(session, viewer), grade_id, reason, now(request))
    except Invalid as problem:
        return _student(request, name, login, problem.status, refused=Refused(grade_id, problem.sentence, reason))
    return see_other(url("a", name, "students", login), done="withdrawn")


def _student(
    request: Request,
    name: str,
    login: str,
    status: int = 200,
    *,
    fault: str = "",
    due: str = "",
    reason: str = "",
    refused: Refused | None = None,
) -> Response:
    """The page; fault, due, reason: of an extension that was refused, as it was typed."""
    with request.app.state.database.read() as session:
        assignment = gradebook.assignment(session, name)
        view = gradebook.student_view(session, name, login)
    return page(
        request,
        "history.html",
        status,
        assignment=assignment,
        tab="gradebook",
        view=view,
        buckets=buckets(assignment, view),
        fault=fault,
        due=due or wording.for_input(view.row.extended_until),
        reason=reason,
        refused=refused,
    )


@router.get("/a/{name}/export/canvas.csv")
def canvas(request: Request, name: str, viewer: Staff, missing: Literal["empty", "zero"] = "empty") -> Response:
    """Canvas's gradebook columns."""
    with request.app.state.database.read() as session:
        found = gradebook.gradebook(session, name)
    return download(exports.canvas(found, zeros=missing == "zero"), f"{name}-canvas.csv")


@router.get("/a/{name}/export/plain.csv")
def plain(request: Request, name: str, viewer: Staff) -> Response:
    """Everything that the gradebook shows."""
    with request.app.state.database.read() as session:
        found = gradebook.gradebook(session, name)
    return download(exports.plain(found), f"{name}-grades.csv", marked=True)
