"""grader.server.pages: what the course's staff look at and change, against a real server and a real database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from gradebooks import HOUR, late_days, row, submit, values, verify, view
from servers import NOW, VALUES, Live, opened
from sqlalchemy import select, update
from visiting import DUE, Visitor, busy, text

from grader.server.book import gradebook
from grader.server.desk import regrade
from grader.server.errors import Invalid
from grader.server.pages.forms import Form
from grader.server.pages.policy_pages import read_policy
from grader.server.store import events
from grader.server.store.models import Event, Key, PolicyRow, User


@pytest.fixture
def database(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """SQLite, where a test does not name a kind: what the pages do is the same on both."""
    with opened(getattr(request, "param", "sqlite"), tmp_path, request) as found:
        yield found


# -- the gradebook ---------------------------------------------------------------------------------------------------


def names(html: str) -> list[str]:
    """The logins of the gradebook's rows that are shown, from top to bottom."""
    rows = re.findall(r"<tr( hidden)? data-text=.*?<small><bdi>(\w+)</bdi>", html)
    return [login for hidden, login in rows if not hidden]


QUERIES: list[tuple[dict[str, str], list[str]]] = [
    ({}, ["bob", "ada", "eve"]),
    ({"sort": "name", "order": "desc"}, ["eve", "ada", "bob"]),
    ({"sort": "total", "order": "desc"}, ["ada", "bob", "eve"]),
    ({"sort": "p.add", "order": "asc"}, ["eve", "bob", "ada"]),
    ({"sort": "section"}, ["ada", "eve", "bob"]),
    ({"sort": "nonsense", "order": "sideways"}, ["bob", "ada", "eve"]),
    ({"q": "LOVE"}, ["ada"]),
    ({"q": "bo buil"}, ["bob"]),
    ({"section": "B"}, ["bob"]),
    ({"section": "B", "q": "ada"}, []),
]


def test_the_gradebook_sorts_and_filters(live_server: Live) -> None:
    """Without scripts, by the address alone."""
    busy(live_server.course)
    with live_server.course.database.write() as session:
        session.execute(update(User).where(User.login == "bob").values(section="B"))
    visitor = Visitor(live_server, "prof")
    for query, expected in QUERIES:
        html = visitor.get("/a/toy/gradebook", **query).text
        assert names(html) == expected, query
        assert f"{len(expected)} of 3 students" in text(html), query


def test_a_cell_says_what_it_is(live_server: Live) -> None:
    """Points, lateness, and the kind; nothing is no zero."""
    busy(live_server.course)
    html = Visitor(live_server, "prof").get("/a/toy/gradebook").text
    cells = dict(zip(("bob", "ada", "eve"), re.findall(r"</small></th>(.*?)</tr>", html), strict=True))
    assert 'aria-label="self-reported"' in cells["ada"]
    assert '<b class="late">1' in cells["bob"]
    assert cells["eve"].count('data-v="-1"') == 3
    assert text(cells["ada"]) == "5.5 4 ○ 1.5 ○ \u2013"


def test_an_extension_is_granted_and_taken_back(live_server: Live) -> None:
    """An instructor gives a student more time on their page; empty takes it back; what is wrong is said and kept."""
    busy(live_server.course)
    visitor, page = Visitor(live_server, "prof"), "/a/toy/students/bob"
    wrong = visitor.send(page, on=page, due_at="2026-11-01T12:00", reason="<b>ill</b>")
    assert wrong.status_code == 422
    assert "There is a problem" in wrong.text
    assert 'value="&lt;b&gt;ill&lt;/b&gt;"' in wrong.text
    assert visitor.send(page, on=page, due_at="tomorrow").status_code == 422
    assert row(live_server.course, "bob").extended_until is None
    until = DUE + timedelta(days=2)
    reply = visitor.send(page, on=page, due_at=f"{until:%Y-%m-%dT%H:%M}", reason="ill")
    assert (reply.status_code, reply.headers["location"]) == (303, f"{page}?done=extension")
    assert "The extension is saved." in visitor.get(reply.headers["location"]).text
    assert row(live_server.course, "bob").extended_until == until
    assert row(live_server.course, "bob").cells["add"].late_days == 0
    assert "extended for you" in Visitor(live_server, "bob").get("/a/toy").text
    visitor.send(page, on=page, due_at="", reason="")
    assert row(live_server.course, "bob").extended_until is None


def test_a_verified_grade_is_withdrawn(live_server: Live) -> None:
    """With a reason, which the staff see; the student sees that it was withdrawn."""
    live_server.course.policy("toy", official="verified")
    number = verify(live_server.course, {"add": 4.0})
    visitor, page = Visitor(live_server, "prof"), "/a/toy/students/ada"
    form = f"{page}/withdraw"
    assert f"Verified grade {number}." in text(visitor.get(page).text)
    empty = visitor.send(form, on=page, grade=number, reason=" ")
    assert empty.status_code == 422
    assert "is not withdrawn without a reason" in text(empty.text)
    long = visitor.send(form, on=page, grade=number, reason="<b>" + "x" * 1000)
    assert (long.status_code, 'value="&lt;b&gt;xxx' in long.text) == (422, True)
    assert row(live_server.course, "ada").total == 4.0
    reply = visitor.send(form, on=page, grade=number, reason="<b>bob's</b> tree")
    assert (reply.status_code, reply.headers["location"]) == (303, f"{page}?done=withdrawn")
    html = visitor.get(reply.headers["location"]).text
    assert "The grade is withdrawn" in html
    assert "it does not count. By prof, for this reason: <b>bob's</b> tree" in text(html)
    assert form not in html
    assert row(live_server.course, "ada").total == 0.0
    again = visitor.send(form, on=page, grade=number, reason="again")
    assert (again.status_code, "was withdrawn before, by prof" in text(again.text)) == (409, True)
    students = Visitor(live_server, "ada").get("/a/toy").text
    assert "withdrawn" in text(students)
    assert not any(word in students for word in ("bob", "By prof", f"Verified grade {number}", form))


def test_what_is_not_this_students_is_not_withdrawn(live_server: Live) -> None:
    """Another student's grade, another assignment's, none at all, or no number."""
    number = verify(live_server.course, {"add": 4.0})
    visitor, page = Visitor(live_server, "prof"), "/a/toy/students/ada"
    for path, grade, status in (
        ("/a/toy/students/bob", number, 404),
        ("/a/second/students/ada", number, 404),
        ("/a/toy/students/nobody", number, 404),
        (page, number + 1, 404),
        (page, "9" * 30, 422),
        (page, "", 422),
    ):
        reply = visitor.send(f"{path}/withdraw", on=page, grade=grade, reason="a mistake")
        assert reply.status_code == status, (path, grade)
    assert view(live_server.course, "ada").verified[0].withdrawal is None


def test_a_replaced_grade_is_marked(live_server: Live) -> None:
    """Everybody sees which one counts; a grader sees the numbers, and no form."""
    for hours in (0, 1):
        at = NOW + hours * HOUR
        verify(live_server.course, {"add": 4.0 - hours}, at, graded_at=at.isoformat())
    for login, page in (("ada", "/a/toy"), ("robot", "/a/toy/students/ada")):
        html = Visitor(live_server, login).get(page).text
        assert html.count('<span class="tag">replaced</span>') == 1
        assert text(html).count("The same code was graded again later") == 1
        assert "/withdraw" not in html


# -- rules -----------------------------------------------------------------------------------------------------------

POLICY = {
    "open_at": "2026-11-01T00:00",
    "due_at": "2026-11-20T23:59",
    "grace_minutes": "15",
    "max_late_days": "3",
    "penalty_percent": "12.5",
    "attempts_per_hour": "",
    "counts": "last",
    "official": "verified",
}


def test_the_policy_is_changed(live_server: Live) -> None:
    """The form's values become the policy, and are in the form again."""
    visitor = Visitor(live_server, "prof")
    reply = visitor.send("/a/toy/policy", on="/a/toy/policy", **POLICY)
    assert reply.status_code == 303, text(reply.text)
    with live_server.course.database.read() as session:
        found = session.scalars(select(PolicyRow).order_by(PolicyRow.id.desc())).first()
    assert found is not None
    assert (found.grace_minutes, found.max_late_days, found.penalty_percent) == (15, 3, 12.5)
    assert (found.attempts_per_hour, found.counts, found.official) == (None, "last", "verified")
    assert f"{found.due_at:%Y-%m-%d %H:%M %Z}" == "2026-11-20 23:59 UTC"
    html = visitor.get("/a/toy/policy").text
    for name in ("open_at", "due_at", "grace_minutes", "penalty_percent"):
        assert re.search(rf'name="{name}"[^>]*value="{POLICY[name]}"', html)
    assert re.search(r'name="official" value="verified" checked', html)


def test_a_policy_that_is_saved_as_it_was_shown_stays_as_it_was(live_server: Live) -> None:
    """Seconds and decimals that the command line set: nobody becomes late by another field's change."""
    live_server.course.policy("toy", due_at=DUE.replace(second=59), penalty_percent=12.345)
    visitor = Visitor(live_server, "prof")
    html = visitor.get("/a/toy/policy").text
    shown = dict(re.findall(r'<input id="\w+" name="(\w+)"[^>]*value="([^"]*)"', html))
    assert re.search(r'name="due_at"[^>]*step="1"', html)
    fields = {name: shown.get(name, "") for name in POLICY} | {"counts": "last", "official": "self-reported"}
    assert visitor.send("/a/toy/policy", on="/a/toy/policy", **fields).status_code == 303
    with live_server.course.database.read() as session:
        found = session.scalars(select(PolicyRow).order_by(PolicyRow.id.desc())).first()
    assert found is not None
    assert (found.due_at, found.penalty_percent, found.counts) == (DUE.replace(second=59), 12.345, "last")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("due_at", "soon", "Due: 'soon' is not a time"),
        ("grace_minutes", "-1", "Grace: '-1' is not a whole number"),
        ("grace_minutes", "", "Grace: nothing is not a whole number"),
        ("max_late_days", "1e3", "Late days at most: '1e3'"),
        ("max_late_days", "9" * 400, "Late days at most"),
        ("penalty_percent", "nan", "Penalty: 'nan'"),
        ("penalty_percent", "101", "Penalty"),
        ("attempts_per_hour", "ten", "Attempts an hour"),
        ("counts", "first", "Which attempt counts: 'first'"),
        ("official", "", "Official grade"),
    ],
)
def test_a_policy_that_is_none(field: str, value: str, words: str) -> None:
    """What is no policy is said by its field and its value."""
    form = Form({name: [text] for name, text in {**POLICY, field: value}.items()}, {})
    with pytest.raises(Invalid, match=re.escape(words)):
        read_policy(form)


def test_a_wrong_policy_is_refused(live_server: Live) -> None:
    """A policy that cannot be is said, kept in the form, and not stored."""
    visitor = Visitor(live_server, "prof")
    for wrong in ({"penalty_percent": "a lot"}, {"due_at": "2026-10-01T00:00"}):  # due before it opens
        reply = visitor.send("/a/toy/policy", on="/a/toy/policy", **{**POLICY, **wrong})
        assert reply.status_code == 422
        assert "There is a problem" in reply.text
        assert f'value="{next(iter(wrong.values()))}"' in reply.text
    with live_server.course.database.read() as session:
        assert session.scalars(select(PolicyRow)).all() == []


def test_late_days_and_extensions_of_the_course(live_server: Live) -> None:
    """The policy's page grants an extension by login, and sets everybody's late days."""
    live_server.course.policy("toy", due_at=DUE)
    visitor, page = Visitor(live_server, "prof"), "/a/toy/policy"
    assert visitor.send("/a/toy/late-days", on=page, late_days="4").status_code == 303
    assert "Late days 4 of 4 left" in text(Visitor(live_server, "ada").get("/a/toy").text)
    late = f"{DUE + timedelta(days=1):%Y-%m-%dT%H:%M}"
    unknown = visitor.send("/a/toy/extensions", on=page, login="nobody", extension_due_at=late, reason="")
    assert unknown.status_code == 422
    assert 'name="login" type="text" list="people" autocomplete="off" required value="nobody"' in unknown.text
    assert visitor.send("/a/toy/extensions", on=page, login="ada", extension_due_at="").status_code == 422
    assert visitor.send("/a/toy/extensions", on=page, login="ada", extension_due_at=late).status_code == 303
    assert "Lovelace, Ada" in text(visitor.get(page).text)
    assert row(live_server.course, "ada").extended_until is not None


# -- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_a_regrade_is_previewed_and_applied(live_server: Live) -> None:
    """Who changes by how much is shown first; then a tick and a click apply it."""
    busy(live_server.course)
    answer = live_server.course.publish("toy", "add", [VALUES["add"][0], 0, 0], active=False)
    visitor, page = Visitor(live_server, "prof"), f"/a/toy/answers/{answer}"
    assert "1 version would change grades and waits for you" in text(visitor.get("/a/toy/answers").text)
    html = visitor.get(page).text
    assert "Lovelace, Ada 4 → 1.33 5.5 → 2.83 \u22122.67" in text(html)
    assert regrade.KNOCK_ON not in text(html)
    late_days(live_server.course, 2)
    assert regrade.KNOCK_ON in text(visitor.get(page).text)
    assert row(live_server.course, "ada").total == 5.5
    seen = re.search(r'name="seen" value="(\w+)"', html)
    assert seen
    assert visitor.send(page, on=page, seen=seen[1]).status_code == 422  # not confirmed
    assert row(live_server.course, "ada").total == 5.5
    reply = visitor.send(page, on=page, seen=seen[1], confirm="yes")
    assert (reply.status_code, reply.headers["location"]) == (303, f"{page}?done=applied")
    assert "active" in text(visitor.get(reply.headers["location"]).text)
    assert row(live_server.course, "ada").total == pytest.approx(2.83, abs=0.01)
    assert visitor.send(page, on=page, seen=seen[1], confirm="yes").status_code == 409  # a second click


def test_a_regrade_that_was_not_seen_is_not_applied(live_server: Live) -> None:
    """If a submission came in between the look and the click, nothing is applied."""
    busy(live_server.course)
    answer = live_server.course.publish("toy", "add", [VALUES["add"][0], 0, 0], active=False)
    visitor, page = Visitor(live_server, "prof"), f"/a/toy/answers/{answer}"
    seen = re.search(r'name="seen" value="(\w+)"', visitor.get(page).text)
    assert seen
    submit(live_server.course, "eve", "add", values("add", 3), NOW + HOUR)
    reply = visitor.send(page, on=page, seen=seen[1], confirm="yes")
    assert reply.status_code == 409
    assert "Look at them again" in reply.text
    assert row(live_server.course, "ada").total == 5.5


def test_a_version_that_an_older_one_replaced_waits_for_nobody(live_server: Live) -> None:
    """It is called replaced, and what its page says of it is true."""
    busy(live_server.course)
    second = live_server.course.publish("toy", "add", [VALUES["add"][0], 0, 0], active=False)
    with live_server.course.database.read() as session:
        first = gradebook.assignment(session, "toy").problems[0].answer_id
    assert first
    for answer in (second, first):
        with live_server.course.database.write() as session:
            regrade.apply(session, live_server.course.user(session, "prof"), answer, NOW)
    visitor = Visitor(live_server, "prof")
    assert "waits for you" not in text(visitor.get("/a/toy/answers").text)
    assert "Another version judges now." in text(visitor.get(f"/a/toy/answers/{second}").text)


@pytest.mark.parametrize("path", ["/a/toy/answers/999", "/a/toy/answers/x", "/a/second/answers/1", "/a/no/answers/1"])
def test_answers_that_are_not_there(live_server: Live, path: str) -> None:
    """A number that is none, or another assignment's, is not found."""
    assert Visitor(live_server, "prof").get(path).status_code == 404


# -- how it goes -----------------------------------------------------------------------------------------------------


def test_statistics(live_server: Live) -> None:
    """Pass rates by problem and case, and the histogram as a picture and as a table."""
    busy(live_server.course)
    html = Visitor(live_server, "prof").get("/a/toy/statistics").text
    found = text(html)
    assert "add 2 1 50 %" in found
    assert "2 add case 1 50 %" in found
    assert "5 to under 6 1" in found
    assert html.count("<rect x=") == 10
    assert 'role="img" aria-label="Students by total points' in html


def test_live_counts(live_server: Live) -> None:
    """The counts around a deadline, and the same in the fragment that the script fetches."""
    submit(live_server.course, "ada", "add", values("add", 3), NOW + HOUR)
    submit(live_server.course, "bob", "scale", values("scale", 2), NOW + HOUR)
    live_server.clock.pass_by(hours=1, seconds=30)
    visitor = Visitor(live_server, "robot")
    page, fragment = visitor.get("/a/toy/live").text, visitor.get("/a/toy/live/fragment").text
    for html in (page, fragment):
        assert "Have submitted something 2 / 3" in text(html)
        assert "In the last minute 2 submissions 7 cases judged" in text(html)
    assert '<noscript><meta http-equiv="refresh"' in page
    assert "<html" not in fragment


# -- people ----------------------------------------------------------------------------------------------------------


def test_a_roster_is_imported_and_its_keys_are_shown_once(live_server: Live) -> None:
    """The page after an import shows the new keys and gives them as a file; no address and no event has one."""
    visitor = Visitor(live_server, "prof")
    roster = b'login,name,section\nmwu,"Wu, Mei",A\nada,"Lovelace, Ada",B\nnew,New,B\n'
    reply = visitor.send("/roster/import", on="/roster", files={"roster": ("class.csv", roster, "text/csv")})
    assert reply.status_code == 200, text(reply.text)
    assert reply.headers["cache-control"] == "no-store"
    assert "Added 2 Changed 1 Unchanged 0" in text(reply.text)
    shown = re.findall(r'name="key" value="(ndl_\w+)"', reply.text)
    assert len(shown) == 2
    fields: dict[str, Any] = {"login": ["mwu", "new"], "name": ["Wu, Mei", "=1+1"], "key": shown}
    file = visitor.send("/roster/keys.csv", on="/roster", **fields)
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert file.headers["content-disposition"] == 'attachment; filename="keys.csv"'
    assert file.text == f'login,name,key\r\nmwu,"Wu, Mei",{shown[0]}\r\nnew,\'=1+1,{shown[1]}\r\n'
    assert Visitor(live_server).sign_in(shown[0]).status_code == 303
    again = visitor.send("/roster/import", on="/roster", files={"roster": ("class.csv", roster, "text/csv")})
    assert "Nobody is new" in again.text
    with live_server.course.database.read() as session:
        for event in session.scalars(select(Event)):
            assert not any(key in f"{event.about} {event.details}" for key in shown)


def test_a_changed_login_is_said(live_server: Live) -> None:
    """Who it was and who it is, on the page after the import."""
    visitor = Visitor(live_server, "prof")
    for login in ("ada", "aking"):
        roster = f"login,name,canvas_id\n{login},Ada,101\n".encode()
        reply = visitor.send("/roster/import", on="/roster", files={"roster": ("class.csv", roster, "text/csv")})
    assert "Known by their IDs, with another login now and the key that they had: ada is aking ." in text(reply.text)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "Choose a CSV file first"),
        (b"who,what\n1,2\n", "expected the columns"),
        (b"login,name\nok,Okay\n<b>,Bad\n", "Line 3"),
    ],
)
def test_a_wrong_roster_changes_nothing(live_server: Live, data: bytes, words: str) -> None:
    """What cannot be a roster is refused as a whole, with the line."""
    visitor = Visitor(live_server, "prof")
    reply = visitor.send("/roster/import", on="/roster", files={"roster": ("class.csv", data, "text/csv")})
    assert reply.status_code == 422
    assert words in text(reply.text)
    assert "5 of 5 people" in text(visitor.get("/roster").text)


def test_one_person_is_added(live_server: Live) -> None:
    """A person is added with a key that works; a login that is taken is refused, and the form keeps what was typed."""
    visitor = Visitor(live_server, "prof")
    fields = {"login": "mwu", "name": "Wu, Mei", "role": "student", "email": "", "section": "A"}
    reply = visitor.send("/roster/add", on="/roster", **fields)
    (key,) = set(re.findall(r"ndl_\w{38}", reply.text))
    assert Visitor(live_server).sign_in(key).status_code == 303
    twice = visitor.send("/roster/add", on="/roster", **fields)
    assert twice.status_code == 422
    assert 'value="Wu, Mei"' in twice.text
    assert visitor.send("/roster/add", on="/roster", **{**fields, "role": "king"}).status_code == 422


def test_a_key_is_rotated_and_revoked(live_server: Live) -> None:
    """A new key ends the old one; revoking leaves none."""
    visitor, old = Visitor(live_server, "prof"), live_server.course.keys["ada"]
    reply = visitor.send("/roster/ada/rotate", on="/roster/ada")
    (key,) = set(re.findall(r"ndl_\w{38}", reply.text))
    assert Visitor(live_server).sign_in(old).status_code == 403
    assert Visitor(live_server).sign_in(key).status_code == 303
    gone = visitor.send("/roster/ada/revoke", on="/roster/ada")
    assert gone.headers["location"] == "/roster/ada?done=revoked"
    assert Visitor(live_server).sign_in(key).status_code == 403
    assert key not in visitor.get("/roster/ada").text
    with live_server.course.database.read() as session:
        assert session.scalars(select(Key).where(Key.revoked_at.is_(None), Key.user_id == 3)).all() == []


def test_the_roster_filters(live_server: Live) -> None:
    """By name or login and by role, without scripts."""
    visitor = Visitor(live_server, "robot")
    assert "1 of 5 people" in text(visitor.get("/roster", q="lovelace").text)
    assert "3 of 5 people" in text(visitor.get("/roster", role="student").text)


def test_events_are_listed_newest_first(live_server: Live) -> None:
    """A hundred a page, with those before them on the next; of one kind where asked."""
    with live_server.course.database.write() as session:
        for i in range(150):
            events.record(session, None, "test.made", f"<number {i}>", nothing=None, some=["a", "b"], deep={"c": 1})
    visitor = Visitor(live_server, "prof")
    first = visitor.get("/events", kind="test.made").text
    assert "&lt;number 149&gt;" in first
    assert "&lt;number 50&gt;" in first
    assert "&lt;number 49&gt;" not in first
    assert "some: a, b, deep: c 1" in text(first)
    older = re.search(r'href="(/events\?before=[^"]+)">Older', first)
    assert older
    second = visitor.get(older[1].replace("&amp;", "&")).text
    assert "&lt;number 49&gt;" in second
    assert "&lt;number 0&gt;" in second
    assert "Older" not in second
    assert visitor.get("/events", before="9" * 30).status_code == 200
