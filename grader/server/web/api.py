"""The API beside the mugrade protocol: what submit.py needs to resume and to show points, and verified grades."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from grader.server.book import gradebook, policy, standings, statements, verified
from grader.server.book.gradebook_data import AssignmentInfo
from grader.server.desk import submission_rows
from grader.server.errors import BadBody, Forbidden
from grader.server.store.models import Role, User
from grader.server.store.values import decoded
from grader.server.web import auth
from grader.server.web.auth import SentKey
from grader.server.web.described import json_body, refusals
from grader.server.web.working import checked_id, identified, with_body

router = APIRouter(prefix="/api", tags=["extensions"])


class Me(BaseModel):
    """Whose key it is."""

    login: str
    name: str
    role: Role


class ProblemOut(BaseModel):
    """A problem."""

    name: str
    aliases: list[str]
    bucket: str
    points: float
    cases: list[str] = Field(description="Titles, by test_case_index.")
    published: bool = Field(description="Whether it has answers, so that it can be submitted.")
    next_attempt_at: datetime | None = Field(
        description="Where the caller has no attempt left: when the next one is free; null: one is free now."
    )


class AssignmentOut(BaseModel):
    """An assignment, for the caller."""

    name: str
    title: str
    open_at: datetime | None
    due_at: datetime | None = Field(description="The caller's own: with an extension.")
    closes_at: datetime | None = Field(description="After grace and all late days; null: never.")
    late_days_left: int = Field(description="Of the caller's bank, over all assignments.")
    attempts_per_hour: int | None = Field(description="At a problem, in any hour; null: no limit.")
    counts: Literal["best", "last"] = Field(description="Which of a student's submissions of a problem counts.")
    problems: list[ProblemOut]


class CaseOut(BaseModel):
    """A case of a submission."""

    index: int
    title: str
    correct: bool | None = Field(description="null: it has not been posted.")
    message: str
    value_hash: str | None = Field(description="SHA-256 of the posted value's canonical JSON.")


class SubmissionOut(BaseModel):
    """A submission."""

    submission_id: str
    assignment: str
    problem: str
    open: bool = Field(description="Whether it still takes cases.")
    cases: list[CaseOut]
    correct: int
    total: int
    points: float = Field(description="Before any penalty.")
    max_points: float
    late_days: int
    penalty: float = Field(description="Points that it would lose for late days.")
    official: bool = Field(description="Whether self-reported points are what counts in this assignment.")


class Recorded(BaseModel):
    """A verified grade that was stored."""

    id: int
    student: str = Field(description="Login.")
    points: float
    max_points: float
    counts: bool = Field(description="Whether verified grades are what counts in this assignment.")


_STATEMENT = {
    "type": "object",
    "required": ["statement", "signature"],
    "properties": {
        "statement": {"type": "string", "description": "Canonical JSON of the schema needle-verified/1."},
        "signature": {"type": "string", "description": "Ed25519 over the statement's UTF-8, hexadecimal."},
    },
}


@router.get("/me", response_model=Me, responses=refusals(401), summary="Whose key it is")
def me(request: Request, key: SentKey) -> Any:
    """The caller's login, name and role."""
    with request.app.state.database.read() as session:
        user, _ = auth.person(request, session, key)
        return {"login": user.login, "name": user.name, "role": user.role}


@router.get("/assignments/{name}", response_model=AssignmentOut, responses=refusals(401, 404), summary="An assignment")
def assignment(request: Request, key: SentKey, name: Annotated[str, Path(description="Its name.")]) -> Any:
    """The assignment's problems, and the caller's own due time, late days and attempts."""
    now = request.app.state.clock()
    with request.app.state.database.read() as session:
        user, _ = auth.person(request, session, key)
        infos = standings.assignments(session)
        info = standings.named(infos, name)
        due = standings.load(session, info, [user.id]).due(user.id)
        return {
            "name": info.name,
            "title": info.title,
            "open_at": info.policy.open_at,
            "due_at": due,
            "closes_at": policy.closes_at(info.policy, due),
            "late_days_left": standings.bank(session, infos, users=[user.id]).left(user.id),
            "attempts_per_hour": info.policy.attempts_per_hour,
            "counts": info.policy.counts,
            "problems": [
                {
                    "name": problem.name,
                    "aliases": problem.aliases,
                    "bucket": problem.bucket,
                    "points": problem.points,
                    "cases": problem.cases,
                    "published": problem.answer_version is not None,
                    "next_attempt_at": _next_attempt(session, user, info, problem.id, now),
                }
                for problem in info.problems
            ],
        }


@router.get(
    "/submissions/{public_id}",
    response_model=SubmissionOut,
    responses=refusals(401, 403, 404),
    summary="A submission",
)
def submission(
    request: Request, key: SentKey, public_id: Annotated[str, Path(description="As /submit gave it.")]
) -> Any:
    """A submission with its cases, for its owner and the course's staff: to show it, and to go on with it."""
    with request.app.state.database.read() as session:
        user, _ = auth.person(request, session, key)
        view = gradebook.submission_view(session, checked_id(public_id))
        if view.person.id != user.id and user.role is Role.STUDENT:
            raise Forbidden(f"The submission {public_id!r} is somebody else's; expected one that your key opened.")
        return _submission(session, view, request.app.state.clock(), request.app.state.settings.submission_minutes)


@router.post(
    "/verified",
    status_code=201,
    response_model=Recorded,
    responses=refusals(400, 401, 403, 409),
    openapi_extra=json_body(_STATEMENT, "A statement of a grade, and its signature."),
    summary="Post a verified grade",
)
async def post_verified(request: Request, key: SentKey) -> Any:
    """Record what the grader found in its box, signed with the key that posts it, as a grader or an instructor."""
    user, row = await identified(request, key, Role.GRADER, Role.INSTRUCTOR)
    body = await request.body()
    now = request.app.state.clock()

    def work() -> dict[str, Any]:
        statement, signature = _statement(decoded(body))
        with request.app.state.database.write() as session:
            found = verified.post(session, user, row, statement, signature, now)
            official = standings.assignment(session, statements.parse(statement).assignment).policy.official
        return {
            "id": found.id,
            "student": found.student,
            "points": found.points,
            "max_points": found.max_points,
            "counts": official == "verified",
        }

    return await with_body(request, body, work)


def _next_attempt(
    session: Session, user: User, info: AssignmentInfo, problem_id: int, now: datetime
) -> datetime | None:
    """When a student who has no attempt left may begin the next one; staff are bound by no limit."""
    if user.role is not Role.STUDENT or info.policy.attempts_per_hour is None:
        return None
    return policy.attempts_left(info.policy, submission_rows.first_cases(session, user, problem_id), now).next_at


def _statement(posted: Any) -> tuple[str, str]:
    if isinstance(posted, dict) and posted.keys() == {"statement", "signature"}:
        statement, signature = posted["statement"], posted["signature"]
        if isinstance(statement, str) and isinstance(signature, str):
            return statement, signature
    raise BadBody("The body is not an object of 'statement' and 'signature', both text; expected what `post` sends.")


def _submission(session: Session, view: gradebook.SubmissionView, now: datetime, minutes: int) -> dict[str, Any]:
    info = next(
        info
        for info in standings.assignments(session)
        if any(problem.id == view.problem.id for problem in info.problems)
    )
    due = standings.load(session, info, [view.person.id]).due(view.person.id)
    student = view.person.role is Role.STUDENT  # only they are bound by the times
    in_time = not student or policy.check_open(info.policy, due, now) is None
    if student and view.counts_from is not None:  # see desk/submissions.py: it takes no case that would make it later
        in_time &= policy.late_days(info.policy, due, view.counts_from) == policy.late_days(info.policy, due, now)
    return {
        "submission_id": view.public_id,
        "assignment": info.name,
        "problem": view.problem.name,
        "open": in_time and now <= view.opened_at + timedelta(minutes=minutes),
        "cases": [
            {
                "index": case.index,
                "title": case.title,
                "correct": case.correct,
                "message": case.message,
                "value_hash": case.value_hash,
            }
            for case in view.cases
        ],
        "correct": view.correct,
        "total": view.total,
        "points": view.points,
        "max_points": view.problem.points,
        "late_days": view.late_days,
        "penalty": view.penalty,
        "official": info.policy.official == "self-reported",
    }
