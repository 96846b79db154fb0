"""Signing in with a key, signing out, and who a request comes from.

The cookie is 256 random bits; the table has its hash only. It is no key: the API does not take it, and a key is no
cookie. A session ends when it expires, when its key is revoked, and when its person leaves the course.

Every form carries a token that another site cannot read. Before there is a session (the sign-in form) the token is
compared with a cookie of its own; without that, another site could sign a browser in as somebody else.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.responses import Response
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from grader.server.errors import Forbidden
from grader.server.pages.forms import Form, read_form, read_strangers_form
from grader.server.pages.rendering import now, page, see_other
from grader.server.pages.routing import SignInFirst, new_router
from grader.server.store import events, keys
from grader.server.store.models import Key, Role, User, WebSession

router = new_router()

SESSION, BEFORE = "session", "signin"  # names of the cookies
REFUSED = "This key is not known here, or it was revoked. Ask your instructor for another."
MISTYPED = "This is not a whole key: copy it anew, from ndl_ to its last letter."


@dataclass(frozen=True)
class Viewer:
    """Who looks at a page."""

    id: int
    login: str
    name: str
    role: Role
    session_id: int  # web_sessions.id
    csrf: str  # of every form that they are shown

    @property
    def staff(self) -> bool:
        """Whether they see everybody's grades."""
        return self.role is not Role.STUDENT

    @property
    def instructor(self) -> bool:
        """Whether they may change anything."""
        return self.role is Role.INSTRUCTOR


def viewer_or_nobody(request: Request) -> Viewer | None:
    """Who the cookie says they are, if it is a session's and the session has not ended."""
    cookie = request.cookies.get(_name(request, SESSION), "")
    if not cookie:
        return None
    found = (
        select(WebSession, User)
        .join(Key, Key.id == WebSession.key_id)
        .join(User, User.id == Key.user_id)
        .where(WebSession.hash == _hash(cookie), WebSession.expires_at > now(request))
        .where(Key.revoked_at.is_(None), User.active)
    )
    with request.app.state.database.read() as session:
        row = session.execute(found).first()
        if row is None:
            return None
        opened, user = row
        viewer = Viewer(user.id, user.login, user.name, user.role, opened.id, opened.csrf)
    request.state.viewer = viewer  # for the page's header, of an error's page too
    return viewer


def signed_in(request: Request, viewer: Annotated[Viewer | None, Depends(viewer_or_nobody)]) -> Viewer:
    """Somebody; else they are sent to the sign-in form and come back."""
    if viewer is None:
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        raise SignInFirst(asked if request.method == "GET" else "/")
    return viewer


def staff(viewer: Annotated[Viewer, Depends(signed_in)]) -> Viewer:
    """A grader or an instructor."""
    if not viewer.staff:
        raise Forbidden("This page is for the course's staff; you are signed in as a student.")
    return viewer


def instructor(viewer: Annotated[Viewer, Depends(staff)]) -> Viewer:
    """An instructor."""
    if not viewer.instructor:
        raise Forbidden("Only an instructor can do this; a grader can look at everything and change nothing.")
    return viewer


SignedIn = Annotated[Viewer, Depends(signed_in)]
Staff = Annotated[Viewer, Depends(staff)]
Instructor = Annotated[Viewer, Depends(instructor)]


async def posted(request: Request, viewer: SignedIn) -> Form:
    """The form of a POST, which came from a page of ours."""
    return _checked(await read_form(request), viewer.csrf)


async def instructors_form(request: Request, viewer: Instructor) -> Form:
    """The same; nothing of it is read unless an instructor sent it."""
    return _checked(await read_form(request), viewer.csrf)


Posted = Annotated[Form, Depends(posted)]
InstructorsForm = Annotated[Form, Depends(instructors_form)]


def actor(session: Session, viewer: Viewer) -> User:
    """The viewer's row, for what they are about to change."""
    return session.get_one(User, viewer.id)


@router.get("/signin")
def sign_in_form(request: Request, next: str = "/") -> Response:
    """The form for the key."""
    return _form(request, next)


@router.post("/signin")
def sign_in(request: Request, form: Annotated[Form, Depends(read_strangers_form)]) -> Response:
    """A new session for the key's person."""
    _checked(form, request.cookies.get(_name(request, BEFORE), ""))
    following = local(form.text("next"))
    settings, moment = request.app.state.settings, now(request)
    cookie = secrets.token_urlsafe(32)
    with request.app.state.database.write() as session:
        found = keys.find(session, form.text("key"))
        if found is None:
            sentence = REFUSED if keys.well_formed(form.text("key")) else MISTYPED
            return _form(request, following, refused=sentence, status=403)
        user, key = found
        session.execute(delete(WebSession).where(WebSession.expires_at <= moment))
        expires = moment + timedelta(hours=settings.session_hours)
        session.add(
            WebSession(
                hash=_hash(cookie), key_id=key.id, csrf=secrets.token_urlsafe(32), created_at=moment, expires_at=expires
            )
        )
        events.record(session, user, "session.opened", user.login, key=key.hint)
    response = see_other(following)
    _set(request, response, SESSION, cookie, seconds=round(settings.session_hours * 3600))
    response.delete_cookie(_name(request, BEFORE), secure=_secure(request), httponly=True, samesite="lax")
    return response


@router.post("/signout")
def sign_out(request: Request, viewer: SignedIn, form: Posted) -> Response:
    """Ends the session, on the server too: a copy of the cookie is worth nothing afterwards."""
    with request.app.state.database.write() as session:
        session.execute(delete(WebSession).where(WebSession.id == viewer.session_id))
    response = see_other("/signin", done="signed-out")
    response.delete_cookie(_name(request, SESSION), secure=_secure(request), httponly=True, samesite="lax")
    return response


def local(path: str) -> str:
    r"""The path if it is this site's, else "/". Browsers read "//host" and "/\host" as another site's address."""
    plain = path.isprintable() and "\\" not in path and path.startswith("/") and not path.startswith("//")
    return quote(path, safe="/?&=%~:@!$'()*+,;") if plain else "/"


def _form(request: Request, following: str, refused: str = "", status: int = 200) -> Response:
    token = request.cookies.get(_name(request, BEFORE), "") or secrets.token_urlsafe(32)
    response = page(request, "signin.html", status, csrf=token, following=local(following), refused=refused)
    _set(request, response, BEFORE, token)
    return response


def _checked(form: Form, token: str) -> Form:
    if not token or not hmac.compare_digest(form.text("csrf").encode(), token.encode()):
        raise Forbidden(
            "This form is out of date, or it came from another site. Go back, reload the page, send it again."
        )
    return form


def _hash(cookie: str) -> str:
    return sha256(cookie.encode()).hexdigest()


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _name(request: Request, name: str) -> str:
    """A browser lets nobody but this very host, over https, set a cookie whose name begins so."""
    return f"__Host-{name}" if _secure(request) else name


def _set(request: Request, response: Response, name: str, value: str, seconds: int | None = None) -> None:
    response.set_cookie(
        _name(request, name), value, max_age=seconds, path="/", secure=_secure(request), httponly=True, samesite="lax"
    )
