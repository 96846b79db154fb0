"""Versions of the answers, and what applying one would change."""

from __future__ import annotations

from hashlib import sha256

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from grader.server.book import gradebook
from grader.server.book.gradebook import AnswerView
from grader.server.desk import regrade, rejudging
from grader.server.errors import Conflict, NotFound
from grader.server.pages.rendering import address, now, page, see_other, url
from grader.server.pages.routing import new_router
from grader.server.pages.session import Instructor, InstructorsForm, Staff, actor

router = new_router()


@router.get("/a/{name}/answers")
def versions(request: Request, name: str, viewer: Staff) -> Response:
    """Every problem's versions, newest first."""
    with request.app.state.database.read() as session:
        assignment = gradebook.assignment(session, name)
        found = gradebook.answer_versions(session, name)
    by_problem = {problem.name: [v for v in found if v.problem.id == problem.id] for problem in assignment.problems}
    return page(
        request,
        "answers.html",
        assignment=assignment,
        tab="answers",
        versions=by_problem,
        server=address(request),
        pending=[version for version in found if version.state == "pending"],
    )


@router.get("/a/{name}/answers/{answer_id}")
def preview(request: Request, name: str, answer_id: int, viewer: Staff) -> Response:
    """Who would change by how much, before anything does."""
    return _preview(request, name, answer_id)


@router.post("/a/{name}/answers/{answer_id}")
def apply(request: Request, name: str, answer_id: int, viewer: Instructor, form: InstructorsForm) -> Response:
    """Judges every stored submission by this version."""
    if form.text("confirm") != "yes":
        return _preview(request, name, answer_id, "Tick the box to confirm: this changes grades.", 422)
    with request.app.state.database.read() as session:
        _version(session, name, answer_id)
    rejudging.judge_ahead(request.app.state.database, answer_id, now(request))  # else everybody would wait for it below
    with request.app.state.database.write() as session:
        done = regrade.apply(session, actor(session, viewer), answer_id, now(request))
        if form.text("seen") != _seen(done):  # and nothing is stored
            raise Conflict(
                "New submissions have come in: the changes are others than those you saw. Look at them again."
            )
    return see_other(url("a", name, "answers", answer_id), done="applied")


def _preview(request: Request, name: str, answer_id: int, fault: str = "", status: int = 200) -> Response:
    with request.app.state.database.read() as session:
        assignment = gradebook.assignment(session, name)
        version = _version(session, name, answer_id)
        found = regrade.preview(session, answer_id) if version.state != "active" else None
    return page(
        request,
        "preview.html",
        status,
        assignment=assignment,
        tab="answers",
        version=version,
        preview=found,
        seen=_seen(found) if found else "",
        knock_on=regrade.KNOCK_ON,
        fault=fault,
    )


def _version(session: Session, name: str, answer_id: int) -> AnswerView:
    for version in gradebook.answer_versions(session, name):
        if version.id == answer_id:
            return version
    raise NotFound(f"There is no answer {answer_id} of {name}.")


def _seen(preview: regrade.Preview) -> str:
    """What the person who applies has seen: it must not change between their look and their click."""
    return sha256(repr(preview.changes).encode()).hexdigest()
