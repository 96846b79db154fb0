"""Who is in the course, and their keys. A key is in one response, once; never in an address, a log or the database."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import select

from grader.server.book import exports, gradebook, roster
from grader.server.book.gradebook import Person
from grader.server.errors import Conflict, Invalid
from grader.server.pages.forms import Form
from grader.server.pages.rendering import download, now, page, see_other, url
from grader.server.pages.routing import new_router
from grader.server.pages.session import Instructor, InstructorsForm, Staff, actor
from grader.server.store.models import Key, Role

router = new_router()

ROLES = tuple(role.value for role in Role)


@dataclass(frozen=True)
class Entry:
    """A person of the list, and whether the filters leave them."""

    person: Person
    keys: tuple[str, ...]  # hints of the keys that work
    shown: bool


@router.get("/roster")
def people(request: Request, viewer: Staff, q: str = "", role: str = "") -> Response:
    """Everybody, with a filter; forms to add people for an instructor."""
    return _page(request, q=q, role=role)


@router.post("/roster/add")
def add(request: Request, viewer: Instructor, form: InstructorsForm) -> Response:
    """One person more, with their key."""
    try:
        if form.text("role") not in ROLES:
            raise Invalid(f"Role: expected one of {', '.join(ROLES)}.")
        with request.app.state.database.write() as session:
            _, key = roster.add(
                session,
                actor(session, viewer),
                login=form.text("login"),
                name=form.text("name"),
                role=Role(form.text("role")),
                email=form.text("email"),
                section=form.text("section"),
                now=now(request),
            )
    except (Invalid, Conflict) as problem:
        return _page(request, fault=problem.sentence, form=form)
    return _new_keys(request, [(form.text("login"), form.text("name"), key)])


@router.post("/roster/import")
def import_csv(request: Request, viewer: Instructor, form: InstructorsForm) -> Response:
    """A roster; importing it again changes what changed and makes no second keys."""
    try:
        data = form.files.get("roster", b"")
        if not data:
            raise Invalid("Choose a CSV file first.")
        with request.app.state.database.write() as session:
            done = roster.import_csv(
                session, actor(session, viewer), data, now(request), deactivate_missing=form.text("missing") == "left"
            )
    except (Invalid, Conflict) as problem:
        return _page(request, fault=problem.sentence)
    return page(request, "keys.html", tab="roster", keys=done.keys, done=done)


@router.post("/roster/keys.csv")
def keys_file(request: Request, viewer: Instructor, form: InstructorsForm) -> Response:
    """The keys that the page before showed, as a file: the page sends them back, for the server has forgotten them."""
    rows = list(zip(form.all("login"), form.all("name"), form.all("key"), strict=False))
    return download(exports.keys(rows), "keys.csv")


@router.get("/roster/{login}")
def person(request: Request, login: str, viewer: Staff) -> Response:
    """One person and their keys."""
    with request.app.state.database.read() as session:
        user = gradebook.find_user(session, login)
        held = session.scalars(select(Key).where(Key.user_id == user.id).order_by(Key.id.desc())).all()
        assignments = gradebook.assignments(session)
    return page(request, "person.html", tab="roster", person=user, keys=held, assignments=assignments)


@router.post("/roster/{login}/rotate")
def rotate(request: Request, login: str, viewer: Instructor, form: InstructorsForm) -> Response:
    """A new key in place of the old ones."""
    with request.app.state.database.write() as session:
        user = gradebook.find_user(session, login)
        key = roster.rotate(session, actor(session, viewer), login, now(request))
    return _new_keys(request, [(user.login, user.name, key)])


@router.post("/roster/{login}/revoke")
def revoke(request: Request, login: str, viewer: Instructor, form: InstructorsForm) -> Response:
    """No key of theirs works any more."""
    with request.app.state.database.write() as session:
        roster.revoke(session, actor(session, viewer), login, now(request))
    return see_other(url("roster", login), done="revoked")


def _new_keys(request: Request, found: list[tuple[str, str, str]]) -> Response:
    return page(request, "keys.html", tab="roster", keys=found, done=None)


def _page(request: Request, q: str = "", role: str = "", fault: str = "", form: Form | None = None) -> Response:
    with request.app.state.database.read() as session:
        found = roster.listed(session)
    words = q.casefold().split()

    def left(person: Person) -> bool:
        text = f"{person.name} {person.login}".casefold()
        return role in ("", person.role.value) and all(word in text for word in words)

    entries = [Entry(one.person, one.keys, left(one.person)) for one in found]
    names = ("login", "name", "role", "email", "section")
    return page(
        request,
        "roster.html",
        422 if fault else 200,
        tab="roster",
        entries=entries,
        left=sum(entry.shown for entry in entries),
        roles=ROLES,
        q=q,
        role=role,
        fault=fault,
        fields={name: form.text(name) if form else "" for name in names},
    )
