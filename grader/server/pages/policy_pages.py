"""When an assignment is open and what counts; extensions; the course's late days."""

from __future__ import annotations

import math
from typing import Literal, cast

from fastapi import Request
from fastapi.responses import Response

from grader.server.book import administration, gradebook
from grader.server.book.administration import MAX_GRACE
from grader.server.book.policy import Policy
from grader.server.errors import Invalid, NotFound
from grader.server.pages.forms import Form
from grader.server.pages.rendering import now, page, see_other, url
from grader.server.pages.routing import new_router
from grader.server.pages.session import Instructor, InstructorsForm, Staff, actor
from grader.server.pages.wording import for_input
from grader.server.store.models import Role

router = new_router()

MOST_DAYS, MOST_ATTEMPTS = 366, 10_000


@router.get("/a/{name}/policy")
def policy(request: Request, name: str, viewer: Staff) -> Response:
    """The policy as it is, with its form for an instructor."""
    return _page(request, name)


@router.post("/a/{name}/policy")
def change(request: Request, name: str, viewer: Instructor, form: InstructorsForm) -> Response:
    """A new policy."""
    try:
        wanted = read_policy(form)
        with request.app.state.database.write() as session:
            administration.set_policy(session, actor(session, viewer), name, wanted, now(request))
    except Invalid as problem:
        return _page(request, name, problem.sentence, form)
    return see_other(url("a", name, "policy"), done="policy")


@router.post("/a/{name}/extensions")
def extend(request: Request, name: str, viewer: Instructor, form: InstructorsForm) -> Response:
    """More time for a student, named by login."""
    try:
        due = form.moment("extension_due_at", "New deadline")
        if due is None:
            raise Invalid("New deadline: it is empty; take an extension back on the student's own page.")
        with request.app.state.database.write() as session:
            who, reason = form.text("login"), form.text("reason")
            administration.grant_extension(session, actor(session, viewer), name, who, due, reason, now(request))
    except (Invalid, NotFound) as problem:
        return _page(request, name, problem.sentence, form)
    return see_other(url("a", name, "policy"), done="extension")


@router.post("/a/{name}/late-days")
def late_days(request: Request, name: str, viewer: Instructor, form: InstructorsForm) -> Response:
    """Each student's bank of late days, over all assignments."""
    try:
        days = form.whole("late_days", "Late days of each student", MOST_DAYS)
        with request.app.state.database.write() as session:
            administration.set_late_days(session, actor(session, viewer), days, now(request))
    except Invalid as problem:
        return _page(request, name, problem.sentence, form)
    return see_other(url("a", name, "policy"), done="late-days")


def read_policy(form: Form) -> Policy:
    """The policy that the form describes; Invalid with the field's label where it describes none."""
    return Policy(
        open_at=form.moment("open_at", "Opens"),
        due_at=form.moment("due_at", "Due"),
        grace_minutes=form.whole("grace_minutes", "Grace", MAX_GRACE),
        max_late_days=form.whole("max_late_days", "Late days at most", MOST_DAYS),
        penalty_percent=_penalty(form),
        attempts_per_hour=form.whole("attempts_per_hour", "Attempts an hour", MOST_ATTEMPTS)
        if form.text("attempts_per_hour")
        else None,
        counts=cast("Literal['best', 'last']", _one_of(form, "counts", "Which attempt counts", ("best", "last"))),
        official=cast(
            "Literal['self-reported', 'verified']",
            _one_of(form, "official", "Official grade", ("self-reported", "verified")),
        ),
    )


def _penalty(form: Form) -> float:
    try:
        found = float(form.text("penalty_percent"))
    except ValueError:
        found = math.nan
    if not 0 <= found <= 100:
        raise Invalid(f"Penalty: {form.text('penalty_percent')[:40]!r} is not a number from 0 to 100.")
    return found


def _one_of(form: Form, name: str, label: str, choices: tuple[str, ...]) -> str:
    if form.text(name) not in choices:
        raise Invalid(f"{label}: {form.text(name)[:40]!r} is not one of {', '.join(choices)}.")
    return form.text(name)


def _fields(policy: Policy, days: int) -> dict[str, str]:
    """What the forms show at first."""
    return {
        "open_at": for_input(policy.open_at),
        "due_at": for_input(policy.due_at),
        "grace_minutes": str(policy.grace_minutes),
        "max_late_days": str(policy.max_late_days),
        "penalty_percent": f"{policy.penalty_percent:.15g}",  # as it is: what is shown here is saved again
        "attempts_per_hour": "" if policy.attempts_per_hour is None else str(policy.attempts_per_hour),
        "counts": policy.counts,
        "official": policy.official,
        "late_days": str(days),
        "login": "",
        "extension_due_at": "",
        "reason": "",
    }


def _page(request: Request, name: str, fault: str = "", form: Form | None = None) -> Response:
    """The page; after a refused form with what it held, so that nothing has to be typed again."""
    with request.app.state.database.read() as session:
        assignment = gradebook.assignment(session, name)
        book = gradebook.gradebook(session, name)
        days = administration.late_days(session)
        people = gradebook.people(session, roles=(Role.STUDENT,))
    fields = _fields(assignment.policy, days)
    if form is not None:
        fields |= {key: form.text(key) for key in fields if key in form.fields}
    return page(
        request,
        "policy.html",
        422 if fault else 200,
        assignment=assignment,
        tab="policy",
        fields=fields,
        extended=[row for row in book.rows if row.extended_until is not None],
        people=people,
        fault=fault,
    )
