"""grader.server.pages: every page for everybody, against a real server and a real database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from gradebooks import DAY, HOUR, late_days, submit, values
from markupsafe import escape
from servers import NOW, VALUES, Course, Live, live, opened, toy_assignment
from sqlalchemy import delete, update
from visiting import DUE, Visitor, busy, csrf, routes, text

from grader.server.desk import regrade
from grader.server.store import catalogue, keys
from grader.server.store.models import AssignmentRow, ProblemRow, Role, User

PUBLIC = ("/signin",)
STUDENTS = ("/", "/a/toy", "/a/toy/submissions/PUBLIC")
STAFFS = (
    "/a/toy/gradebook",
    "/a/toy/students/ada",
    "/a/toy/export/canvas.csv",
    "/a/toy/export/plain.csv",
    "/a/toy/statistics",
    "/a/toy/live",
    "/a/toy/live/fragment",
    "/a/toy/answers",
    "/a/toy/answers/1",
    "/a/toy/policy",
    "/roster",
    "/roster/ada",
    "/events",
)
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '=HYPERLINK("http://evil.example";"click")',
    "\u202eadA ,ecalevoL",
    "x" * 200,
    "",
    "{{ 123 * 1001 }}",
    "' OR 1=1 --",
)


@pytest.fixture
def database(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """SQLite, where a test does not name a kind: what the pages do is the same on both."""
    with opened(getattr(request, "param", "sqlite"), tmp_path, request) as found:
        yield found


def everything(visitor: Visitor, public_id: str) -> Iterator[tuple[str, str]]:
    """Every page that the visitor may see, with its path."""
    for path in (*STUDENTS, *STAFFS):
        reply = visitor.get(path.replace("PUBLIC", public_id))
        if reply.status_code == 200:
            yield path, reply.text


class Elements(HTMLParser):
    """A page's elements, as a browser would make them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes it."""
        self.found.append((tag, dict(attrs)))


def assert_own(html: str, path: str) -> None:
    """Every element is one of ours: no script, style or handler in the page, nothing of another site."""
    for tag, attributes in Elements(html).found:
        assert tag not in ("img", "style", "iframe", "object", "base"), path
        assert tag != "script" or (attributes.get("src") or "").startswith("/static/"), path
        for name, value in attributes.items():
            assert name != "style", path
            assert not name.startswith("on"), path
            if name in ("src", "href", "action"):
                assert re.match(r"/(?!/)|#|\?", value or ""), (path, value)


# -- who sees what ---------------------------------------------------------------------------------------------------


def test_the_lists_above_are_all_pages() -> None:
    """No page is forgotten in the tests below."""
    assert sorted(routes("GET")) == sorted((*PUBLIC, *STUDENTS, *STAFFS))


def test_nobody_sees_only_the_sign_in_form(live_server: Live) -> None:
    """Who is not signed in is sent to the form by every page."""
    visitor = Visitor(live_server)
    for path in (*STUDENTS, *STAFFS):
        reply = visitor.get(path)
        assert (reply.status_code, reply.headers["location"].partition("?")[0]) == (303, "/signin"), path
    assert visitor.get("/signin").status_code == 200


def test_a_student_sees_their_own_pages_alone(live_server: Live) -> None:
    """Every page of the staff is refused to a student, and tells nothing."""
    ids = busy(live_server.course)
    visitor = Visitor(live_server, "ada")
    for path in STAFFS:
        reply = visitor.get(path)
        assert reply.status_code == 403, path
        assert "for the course's staff" in text(reply.text)
        assert "Builder" not in reply.text
    for path in STUDENTS:
        assert visitor.get(path.replace("PUBLIC", ids["ada"])).status_code == 200, path


@pytest.mark.parametrize(("database", "login"), [("sqlite", "robot"), ("postgresql", "prof")], indirect=["database"])
def test_staff_see_everything(live_server: Live, login: str) -> None:
    """A grader sees what an instructor sees."""
    ids = busy(live_server.course)
    visitor = Visitor(live_server, login)
    for path in (*STUDENTS, *STAFFS):
        reply = visitor.get(path.replace("PUBLIC", ids["ada"]))
        assert reply.status_code == (303 if path == "/a/toy" else 200), path


@pytest.mark.parametrize(("login", "words"), [("robot", "Only an instructor"), ("ada", "for the course")])
def test_only_an_instructor_changes_anything(live_server: Live, login: str, words: str) -> None:
    """Every form but those of the session is refused to a grader and to a student; a grader is shown none."""
    visitor = Visitor(live_server, login)
    for path in routes("POST"):
        if path in ("/signin", "/signout"):
            continue
        reply = visitor.send(path, on="/a/toy" if login == "ada" else "/roster", confirm="yes", late_days="3")
        assert reply.status_code == 403, path
        assert words in text(reply.text)
    if login == "robot":
        for path, html in everything(visitor, "none"):
            for form in re.findall(r'<form[^>]*method="post".*?</form>', html, re.DOTALL):
                assert 'action="/signout"' in form or "<button" not in form, path


def test_another_students_submission_is_not_found(live_server: Live) -> None:
    """Another's submission and none at all read the same: that it exists is not to be learnt."""
    ids = busy(live_server.course)
    visitor = Visitor(live_server, "bob")
    theirs, none = (visitor.get(f"/a/toy/submissions/{found}") for found in (ids["ada"], "nothing"))
    assert (theirs.status_code, none.status_code) == (404, 404)
    assert theirs.text.replace(ids["ada"], "nothing") == none.text
    assert visitor.get(f"/a/second/submissions/{ids['bob']}").status_code == 404  # of another assignment
    assert visitor.get(f"/a/toy/submissions/{ids['bob']}").status_code == 200


def test_the_start_leads_on(live_server: Live) -> None:
    """With several assignments everybody chooses; with one, a student is there at once."""
    assert "second" in text(Visitor(live_server, "ada").get("/").text)
    with live_server.course.database.write() as session:
        second = live_server.course.row(session, "second")
        session.execute(update(ProblemRow).where(ProblemRow.assignment_id == second.id).values(assignment_id=1))
        session.execute(delete(AssignmentRow).where(AssignmentRow.id == second.id))
    reply = Visitor(live_server, "ada").get("/")
    assert (reply.status_code, reply.headers["location"]) == (303, "/a/toy")
    assert Visitor(live_server, "prof").get("/").status_code == 200


# -- a student's pages -----------------------------------------------------------------------------------------------


def test_own_points_and_why(live_server: Live) -> None:
    """Points by problem and bucket, what counts and why, the deadline, late days, and how to submit."""
    busy(live_server.course)
    submit(live_server.course, "ada", "add", values("add", 1), NOW + 2 * HOUR)
    found = text(Visitor(live_server, "ada").get("/a/toy").text)
    assert "Points 5.5 / 10" in found
    assert "Due in 7 days." in found
    assert "2026-11-09 12:00 UTC" in found
    assert "3 of 3 cases correct Self-reported, the best of 2 attempts 4 / 4" in found
    assert "2 of 4 cases correct Self-reported 1.5 / 3" in found
    assert "Nothing submitted yet" in found
    assert f"python submit.py --assignment toy --server {live_server.url} -k add" in found
    assert "You have 6 attempts per problem and hour." in found
    assert "Builder" not in found


def test_what_lateness_cost(live_server: Live) -> None:
    """A late attempt says how late it is and what that took; late days that are left are counted."""
    busy(live_server.course)
    found = text(Visitor(live_server, "bob").get("/a/toy").text)
    assert "Self-reported; 1 day late, 0.13 points off 1.2 / 4" in found
    live_server.clock.pass_by(days=7, hours=2)
    assert "Was due 2 hours ago. Late submissions are taken for another 1 day 22 hours." in text(
        Visitor(live_server, "bob").get("/a/toy").text
    )
    live_server.clock.pass_by(days=3)
    assert "Closed 1 day 1 hour ago." in text(Visitor(live_server, "bob").get("/a/toy").text)


@pytest.mark.parametrize(
    ("penalty", "bank", "said"),
    [
        (10.0, 3, "a day late costs a late day, or else 10 % of the points."),
        (10.0, 0, "a day late costs 10 % of the points."),
        (0.0, 3, "being late costs neither points nor late days."),
    ],
)
def test_what_lateness_would_cost(live_server: Live, penalty: float, bank: int, said: str) -> None:
    """Where there is no penalty no late day is spent, and where there is no bank none can be."""
    live_server.course.policy("toy", due_at=DUE, max_late_days=2, penalty_percent=penalty)
    late_days(live_server.course, bank)
    found = text(Visitor(live_server, "ada").get("/a/toy").text)
    assert f"Submissions are taken until 2 days after the deadline; {said}" in found
    submit(live_server.course, "ada", "add", values("add", 3), DUE + HOUR)
    found = text(Visitor(live_server, "ada").get("/a/toy").text)
    assert ("1 day late, no points off" in found) is (bank > 0 or not penalty)
    assert ("1 day spent here" in found) is bool(bank and penalty)


def test_a_submissions_cases(live_server: Live) -> None:
    """Every case has its title, its verdict and a message; no expected value is told."""
    ids = busy(live_server.course)
    reply = Visitor(live_server, "ada").get(f"/a/toy/submissions/{ids['ada2']}")
    found = text(reply.text)
    assert "1 scale case 0 2026-11-02 13:00 UTC correct" in found
    assert "3 scale case 2 2026-11-02 13:00 UTC wrong" in found
    assert "Cases correct 2 / 4" in found
    partial = submit(live_server.course, "ada", "total", VALUES["total"][:1], NOW + HOUR)
    assert "2 total case 1 missing" in text(Visitor(live_server, "ada").get(f"/a/toy/submissions/{partial}").text)


def test_a_regrade_is_said(live_server: Live) -> None:
    """Whose verdicts changed without their doing reads why."""
    course = live_server.course
    ids = busy(course)
    path = f"/a/toy/submissions/{ids['ada2']}"
    assert "Judged again" not in text(Visitor(live_server, "ada").get(path).text)
    with course.database.write() as session:
        prof = course.user(session, "prof")
        other = regrade.publish(session, prof, "toy", "scale", [1, 2, 3, 4], NOW + DAY)
        if other.state == "pending":
            regrade.apply(session, prof, other.answer_id, NOW + DAY)
    assert "Judged again by version 2 of the answers" in text(Visitor(live_server, "ada").get(path).text)


def test_an_unpublished_problem_is_said_to_wait(live_server: Live) -> None:
    """Where no answers are published the student reads so, and staff read what to run."""
    with live_server.course.database.write() as session:
        catalogue.sync(session, replace(toy_assignment("toy"), name="third"))
    assert "Cannot be submitted yet" in text(Visitor(live_server, "ada").get("/a/third").text)
    staff = Visitor(live_server, "prof")
    assert f"python -m grader publish --server {live_server.url} --key KEY" in text(staff.get("/a/third/answers").text)
    assert "not published add, scale, total" in text(staff.get("/").text)


def test_an_empty_course_says_what_to_do(database: Any, server_socket: Any) -> None:
    """Before there are assignments, answers or students, every page says what comes next."""
    course = Course(database)
    with database.write() as session:
        prof = User(login="prof", name="", role=Role.INSTRUCTOR, created_at=NOW)
        session.add(prof)
        session.flush()
        course.keys["prof"] = keys.new_key(session, prof, NOW)
    visitor = Visitor(live(server_socket, course), "prof")
    assert "python -m grader serve" in visitor.get("/").text
    assert "1 of 1 people" in text(visitor.get("/roster").text)
    with database.write() as session:
        catalogue.sync(session, toy_assignment("toy"))
    for page, words in [
        ("gradebook", "python -m grader roster import"),
        ("statistics", "Import a roster"),
        ("live", "Have submitted something 0 / 0"),
        ("answers", "python -m grader publish"),
        ("policy", "Nobody has one."),
        ("export/canvas.csv", "Points Possible"),
        ("export/plain.csv", "points possible"),
    ]:
        reply = visitor.get(f"/a/toy/{page}")
        assert reply.status_code == 200, page
        assert words in text(reply.text), page


# -- bad input -------------------------------------------------------------------------------------------------------


def test_hostile_names_are_inert(live_server: Live) -> None:
    """Whatever a name, a section or a reason holds, no page has an element or an attribute of it."""
    ids = busy(live_server.course)
    with live_server.course.database.write() as session:
        for i, name in enumerate(HOSTILE):
            changed = {"name": name, "section": name[:100], "email": name, "canvas_id": name[:100]}
            if i:
                session.add(User(login=f"h{i}", role=Role.STUDENT, created_at=NOW, sis_id="", **changed))
            else:
                session.execute(update(User).where(User.login.in_(["ada", "prof"])).values(**changed))
    visitor, page = Visitor(live_server, "prof"), "/a/toy/students/ada"
    due = f"{DUE + timedelta(days=1):%Y-%m-%dT%H:%M}"
    assert visitor.send(page, on=page, due_at=due, reason=HOSTILE[1]).status_code == 303
    for path, html in everything(visitor, ids["ada"]):
        if not path.endswith(".csv"):
            assert_own(html, path)
            assert "123123" not in html, path
    book = visitor.get("/a/toy/gradebook").text
    assert all(str(escape(name)) in book for name in HOSTILE)


def test_every_page_keeps_its_own_policy(live_server: Live) -> None:
    """Each has the headers; none has a script, a style or a handler in it, so that the policy can forbid all."""
    ids = busy(live_server.course)
    visitor = Visitor(live_server, "prof")
    for path in (*PUBLIC, *STUDENTS, *STAFFS):
        reply = visitor.get(path.replace("PUBLIC", ids["ada"]))
        assert reply.headers["content-security-policy"].startswith("default-src 'self'; "), path
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] == "no-store"
        if not path.endswith(".csv"):
            assert_own(reply.text, path)


def test_a_form_has_a_limit(live_server: Live) -> None:
    """Too much is refused before it is read; a zero byte, which no database keeps, too."""
    visitor = Visitor(live_server, "prof")
    large = {"roster": ("class.csv", b"x" * (3 << 20), "text/csv")}
    assert visitor.send("/roster/import", on="/roster", files=large).status_code == 413
    assert visitor.send("/roster/add", on="/roster", login="a\0b", name="x", role="student").status_code == 400


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_odd_addresses_and_forms_are_refused(live_server: Live) -> None:
    """Zero bytes, broken UTF-8, numbers beyond any table: 4xx or an empty list, never a fault of ours."""
    visitor = Visitor(live_server, "prof")
    odd = ["/roster/%00", "/roster/%ff%fe", "/a/%00/policy", "/a/toy/students/%00", "/a/toy/submissions/%00"]
    odd += ["/a/toy/answers/9999999999999999999999", "/a/toy/answers/-1", "/a/toy/export/canvas.csv?missing=%00"]
    for path in (*odd, "/a/toy/export/canvas.csv?missing=x", "/events?before=x", "/events?kind=%00", "/roster?q=%00"):
        assert visitor.get(path).status_code == 404, path
    for path in ("/events?before=-1", "/events?before=99999999999999999999", "/events?kind=%ff", "/roster?q=%ff"):
        assert visitor.get(path).status_code == 200, path
    token = csrf(visitor.get("/roster").text)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"login=%ff&name=x&role=student", b"login=\xff&role=student", b"&&&===%%%", b"role=student&login=%00"):
        reply = visitor.ask("POST", "/roster/add", form, content=b"csrf=" + token.encode() + b"&" + body)
        assert reply.status_code in (400, 422), body
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"", b"--x\r\n", b'--x\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n\xff\r\n--x--\r\n'):
        assert visitor.ask("POST", "/roster/import", broken, content=body).status_code in (400, 403, 413), body


def test_errors_are_pages(live_server: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not there, not allowed or our fault is told in the look of the other pages; the API's stays text."""
    visitor = Visitor(live_server, "ada")
    for path, status, words in [
        ("/nothing/here", 404, "Not found"),
        ("/a/nothing", 404, "Not found"),
        ("/roster", 403, "Not allowed"),
        ("/signout", 405, "Not possible here"),
    ]:
        reply = visitor.get(path)
        assert reply.status_code == status, path
        assert f"<h1>{words}</h1>" in reply.text
    assert visitor.get("/api/submissions/x").headers["content-type"].startswith("text/plain")

    def broken(*_: Any) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("grader.server.book.gradebook.student_view", broken)
    reply = visitor.get("/a/toy")
    assert reply.status_code == 500
    assert "<h1>Our fault</h1>" in reply.text
    assert "a fault of ours" not in reply.text
    assert re.search(r"tell your instructor this number: <code>\w+", reply.text)


def test_the_pages_are_not_in_the_api(live_server: Live) -> None:
    """The description at /docs has no page."""
    paths = live_server.http.get(f"{live_server.url}openapi.json").json()["paths"]
    assert not {path for path in paths if path.startswith(("/a/", "/roster", "/signin", "/events"))}


def test_static_files_are_kept_by_the_browser(live_server: Live) -> None:
    """Their addresses have the hash of their contents, so they may be kept; nothing else is served from there."""
    page = live_server.http.get(f"{live_server.url}signin").text
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        reply = live_server.http.get(live_server.url + path[1:])
        assert reply.status_code == 200
        assert "immutable" in reply.headers["cache-control"]
    for path in ("static/../rendering.py", "static/%2e%2e/rendering.py", "static/", "static/nothing.css"):
        assert live_server.http.get(live_server.url + path).status_code in (404, 405), path
