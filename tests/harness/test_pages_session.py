"""grader.server.pages.session: signing in and out, and what no other site can make a browser do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import NOW, Live, opened
from sqlalchemy import func, select, update
from visiting import HTML, Visitor, csrf, routes, text

from grader.server.pages.session import local
from grader.server.store import keys
from grader.server.store.models import Event, User, WebSession


@pytest.fixture
def database(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """SQLite alone: nothing here depends on the kind of database."""
    with opened("sqlite", tmp_path, request) as found:
        yield found


def sessions(live: Live) -> list[WebSession]:
    with live.course.database.read() as session:
        return list(session.scalars(select(WebSession)))


# -- in and out ------------------------------------------------------------------------------------------------------


def test_a_key_signs_in(live_server: Live) -> None:
    """The right key opens a session, and the page that was asked for comes next."""
    visitor = Visitor(live_server)
    asked = visitor.get("/a/toy/gradebook?sort=total&q=x")
    assert (asked.status_code, asked.headers["location"]) == (
        303,
        "/signin?next=%2Fa%2Ftoy%2Fgradebook%3Fsort%3Dtotal%26q%3Dx",
    )
    form = visitor.get(asked.headers["location"])
    assert 'name="next" value="/a/toy/gradebook?sort=total&amp;q=x"' in form.text
    reply = visitor.sign_in(live_server.course.keys["prof"], next="/a/toy/gradebook?sort=total&q=x")
    assert (reply.status_code, reply.headers["location"]) == (303, "/a/toy/gradebook?sort=total&q=x")
    assert visitor.get(reply.headers["location"]).status_code == 200
    assert "Knuth, Dana" in visitor.get("/").text


def test_the_cookie_is_for_this_site_and_no_script(live_server: Live) -> None:
    """The cookie is HttpOnly, SameSite and ends with the session; only its hash is in the database."""
    visitor = Visitor(live_server)
    cookie = visitor.sign_in(live_server.course.keys["ada"]).headers.get_list("set-cookie")[0]
    name, value = cookie.split(";")[0].split("=")
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert name == "session"
    assert len(value) == 43  # 256 bits
    assert {"httponly", "samesite=lax", "path=/", f"max-age={12 * 3600}"} == attributes
    (stored,) = sessions(live_server)
    assert stored.hash != value
    assert (stored.expires_at - stored.created_at).total_seconds() == 12 * 3600


def test_over_https_the_cookie_is_secure(live_server: Live) -> None:
    """Over https the cookie is Secure, and its name lets no other host set it."""

    async def cookie() -> str:
        transport = httpx.ASGITransport(app=live_server.app)
        async with httpx.AsyncClient(transport=transport, base_url="https://grades.example", headers=HTML) as client:
            token = csrf((await client.get("/signin")).text)
            reply = await client.post("/signin", data={"csrf": token, "key": live_server.course.keys["ada"]})
            assert reply.status_code == 303
            assert (await client.get("/a/toy")).status_code == 200
            return reply.headers.get_list("set-cookie")[0]

    found = asyncio.run(cookie())
    assert found.startswith("__Host-session=")
    assert "Secure" in found


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "not a whole key"),
        ("ndl_tooshort", "not a whole key"),
        ("' OR 1=1 --", "not a whole key"),
        ("unknown", "not known here, or it was revoked"),
    ],
)
def test_a_wrong_key_is_refused(live_server: Live, key: str, words: str) -> None:
    """A key that is none, or nobody's, opens nothing; one sentence says so, and does not repeat it."""
    if key == "unknown":
        body = keys.PREFIX + "a" * 32
        key = body + keys._check(body)
    visitor = Visitor(live_server)
    reply = visitor.sign_in(key)
    assert reply.status_code == 403
    assert words in text(reply.text)
    assert not key or key not in reply.text.replace("ndl_</code>", "")
    assert "session" not in visitor.cookies
    assert sessions(live_server) == []


def test_a_key_is_no_cookie_and_a_cookie_no_key(live_server: Live) -> None:
    """The pages do not take a key as a cookie; the API does not take a cookie, neither as one nor as a key."""
    key = live_server.course.keys["prof"]
    stranger = Visitor(live_server)
    stranger.cookies.set("session", key, domain="127.0.0.1")
    assert stranger.get("/roster").status_code == 303
    assert stranger.ask("GET", "/roster", headers={"Authorization": f"Bearer {key}"}).status_code == 303
    visitor = Visitor(live_server, "prof")
    cookie = visitor.cookies["session"]
    assert visitor.get("/api/me").status_code == 401
    assert (
        live_server.http.get(f"{live_server.url}api/me", headers={"Authorization": f"Bearer {cookie}"}).status_code
        == 401
    )


def test_signing_out_ends_the_session(live_server: Live) -> None:
    """After signing out a copy of the cookie is worth nothing."""
    visitor = Visitor(live_server, "ada")
    copy = visitor.cookies["session"]
    reply = visitor.send("/signout", on="/a/toy")
    assert reply.headers["location"] == "/signin?done=signed-out"
    assert "You are signed out." in visitor.get(reply.headers["location"]).text
    visitor.cookies.set("session", copy, domain="127.0.0.1")
    assert visitor.get("/a/toy").status_code == 303
    assert sessions(live_server) == []


def test_a_session_expires(live_server: Live) -> None:
    """After session_hours the session is over, and the next sign-in removes it."""
    visitor = Visitor(live_server, "ada")
    live_server.clock.pass_by(hours=12, seconds=-1)
    assert visitor.get("/a/toy").status_code == 200
    live_server.clock.pass_by(seconds=1)
    assert visitor.get("/a/toy").status_code == 303
    Visitor(live_server, "bob")
    assert len(sessions(live_server)) == 1


@pytest.mark.parametrize("end", ["revoked", "left"])
def test_a_session_ends_with_its_key(live_server: Live, end: str) -> None:
    """Whose key is revoked, or who has left the course, is signed out with the next page."""
    visitor = Visitor(live_server, "ada")
    with live_server.course.database.write() as session:
        user = live_server.course.user(session, "ada")
        if end == "revoked":
            keys.revoke_all(session, user, NOW)
        else:
            session.execute(update(User).where(User.id == user.id).values(active=False))
    assert visitor.get("/a/toy").status_code == 303


def test_signing_in_is_an_event_without_the_key(live_server: Live) -> None:
    """The audit log says who signed in with which key, by its first characters alone."""
    Visitor(live_server, "ada")
    with live_server.course.database.read() as session:
        event = session.scalars(select(Event).where(Event.kind == "session.opened")).one()
    assert event.about == "ada"
    assert event.details == {"key": live_server.course.keys["ada"][:10]}


# -- other sites -----------------------------------------------------------------------------------------------------


def test_no_form_is_taken_without_its_token(live_server: Live) -> None:
    """Every form of the pages is refused without a token, with a wrong one and with somebody else's."""
    visitor = Visitor(live_server, "prof")
    anothers = csrf(Visitor(live_server, "robot").get("/roster").text)
    fields = {"key": live_server.course.keys["prof"], "confirm": "yes", "late_days": "7", "login": "new"}
    for path in routes("POST"):
        for token in ({}, {"csrf": ""}, {"csrf": "x"}, {"csrf": anothers}):
            reply = visitor.post(path, {**fields, **token})
            assert reply.status_code == 403, path
            assert "it came from another site" in reply.text
    with live_server.course.database.read() as session:
        assert session.scalars(select(Event.kind).distinct()).all() == ["assignment.changed", "session.opened"]
        assert session.scalar(select(func.count()).select_from(User)) == 5


def test_the_sign_in_form_needs_its_own_cookie(live_server: Live) -> None:
    """Another site cannot sign a browser in with a key of its own: it knows a token, but cannot set the cookie."""
    token = csrf(Visitor(live_server).get("/signin").text)
    victim = Visitor(live_server)
    reply = victim.post("/signin", {"csrf": token, "key": live_server.course.keys["eve"]})
    assert reply.status_code == 403
    assert "session" not in victim.cookies


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/toy", "/a/toy"),
        ("/a/toy/gradebook?sort=total&q=%C3%A9", "/a/toy/gradebook?sort=total&q=%C3%A9"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("\\\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
        ("a/toy", "/"),
    ],
)
def test_where_a_sign_in_may_lead(path: str, expected: str) -> None:
    """`next` is followed only where it is a path of this site."""
    assert local(path) == expected


def test_a_sign_in_leads_to_this_site_only(live_server: Live) -> None:
    """Neither the form nor what follows it holds another site's address."""
    visitor = Visitor(live_server)
    assert 'name="next" value="/"' in visitor.get("/signin", next="//evil.example").text
    reply = visitor.sign_in(live_server.course.keys["ada"], next="//evil.example")
    assert reply.headers["location"] == "/"


@given(st.text(max_size=30) | st.text("/\\:?#@.a\t\r\n ", max_size=10))
@settings(derandomize=True, deadline=None, max_examples=300)
def test_local_is_always_local(path: str) -> None:
    """Whatever is asked for, what comes out is a path in ASCII that no browser takes for another host."""
    found = local(path)
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))
    assert found.isascii()
    assert found.isprintable()
    assert local(found) == found
