"""A login that has changed: the person, their grade and key stay; where a row leaves a doubt nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("sqlalchemy", reason="what only the course's own machine needs is not installed")

from gradebooks import ON_SQLITE, book, row, submit, values
from servers import NOW, PEOPLE, Course, opened, set_up
from sqlalchemy import func, select

from grader.server.book import exports, roster
from grader.server.store import keys
from grader.server.store.models import Event, Role, User

HEADER = "Student,ID,SIS User ID,SIS Login ID,Section\n"
KNOWN = HEADER + "Lovelace,101,S1,ada,A\nBuilder,102,S2,bob,A\n"


def imported(course: Course, data: str, *, deactivate_missing: bool = False) -> roster.Imported:
    with course.database.write() as session:
        return roster.import_csv(
            session, course.user(session, "prof"), data, NOW, deactivate_missing=deactivate_missing
        )


def people(course: Course) -> dict[str, tuple[str, str, bool]]:
    """By login: both IDs, and whether they are in the course."""
    with course.database.read() as session:
        return {user.login: (user.canvas_id, user.sis_id, user.active) for user in session.scalars(select(User))}


@pytest.mark.parametrize(
    ("data", "ids"),
    [
        (HEADER + "Lovelace-King,101,S1,aking,A\nBuilder,102,S2,bob,A\n", ("101", "S1")),
        (HEADER + "Lovelace-King,101,,aking,A\nBuilder,,,bob,A\n", ("101", "S1")),
        (HEADER + "Lovelace-King,201,S1,aking,A\nBuilder,102,S2,bob,A\n", ("201", "S1")),
        ("login,name,canvas_id\naking,Lovelace-King,101\nbob,Builder,102\n", ("101", "S1")),
        ("login,name,sis_id\naking,Lovelace-King,S1\nbob,Builder,S2\n", ("101", "S1")),
    ],
    ids=["both", "canvas, others empty", "sis, new canvas", "plain canvas", "plain sis"],
)
@ON_SQLITE
def test_a_changed_login_is_the_same_person(course: Course, data: str, ids: tuple[str, str]) -> None:
    """Nobody is added or has left, the grade goes to the same row of Canvas, the key works, and it is on record."""
    imported(course, KNOWN)
    submit(course, "ada", "add", values("add", 3))
    with course.database.write() as session:
        course.user(session, "eve").active = False
    done = imported(course, data, deactivate_missing=True)
    assert (done.added, done.updated, done.deactivated, done.keys) == (0, 1, 0, ())
    assert done.renamed == (("ada", "aking"),)
    assert people(course)["aking"] == (*ids, True)
    assert "ada" not in people(course)
    assert row(course, "aking").total == 4.0
    assert f"Lovelace-King,{ids[0]},{ids[1]},aking" in exports.canvas(book(course), zeros=True).lstrip("\ufeff")
    with course.database.read() as session:
        found = keys.find(session, course.keys["ada"])
        assert found is not None
        assert found[0].login == "aking"
        event = session.scalars(select(Event).where(Event.kind == "roster.renamed")).one()
        assert (event.about, event.details) == ("aking", {"old": "ada", "new": "aking"})


def test_imported_again_a_changed_login_is_known(course: Course) -> None:
    """On both databases: the second time nothing changes, and who had left is back under the new login."""
    imported(course, KNOWN)
    imported(course, HEADER + "Builder,102,S2,bob,A\n", deactivate_missing=True)
    assert people(course)["ada"] == ("101", "S1", False)
    data = HEADER + "Lovelace,101,S1,aking,A\nBuilder,102,S2,bob,A\n"
    assert imported(course, data).renamed == (("ada", "aking"),)
    again = imported(course, data)
    assert (again.updated, again.unchanged, again.renamed) == (0, 2, ())
    assert people(course)["aking"] == ("101", "S1", True)


@ON_SQLITE
def test_who_has_no_known_id_is_new(course: Course) -> None:
    """A new login with IDs of its own, or with none."""
    imported(course, KNOWN)
    done = imported(course, HEADER + "Wu,103,S3,mwu,A\nNova,,,nova,A\n")
    assert (done.added, done.renamed) == (2, ())


@ON_SQLITE
def test_an_empty_id_keeps_what_is_known(course: Course) -> None:
    """A file without them must not lose the student's row in Canvas; other cells are emptied as the file says."""
    imported(course, KNOWN)
    imported(course, "login,name,canvas_id,sis_id,section\nada,Lovelace,,,\n")
    assert people(course)["ada"] == ("101", "S1", True)
    with course.database.read() as session:
        assert course.user(session, "ada").section == ""


@ON_SQLITE
def test_an_id_may_be_corrected(course: Course) -> None:
    """The login is known and the ID nobody's."""
    imported(course, KNOWN)
    assert imported(course, HEADER + "Lovelace,201,S1,ada,A\n").updated == 1
    assert people(course)["ada"][0] == "201"


DOUBTS = {
    "old login too": (
        "L,101,S1,aking,A\nL,,,ada,A\n",
        ["Line 2: the Canvas ID '101' is that of ada, who is on line 3; expected one row for a person."],
    ),
    "old login too, in capitals": (
        "L,,,ADA,A\nL,101,S1,aking,A\n",
        ["Line 3: the Canvas ID '101' is that of ada, who"],
    ),
    "two people": (
        "L,101,S2,aking,A\n",
        [
            "Line 2: nobody has the login 'aking' yet, the Canvas ID '101' is that of ada, and the SIS ID 'S2' that of "
            "bob; expected IDs of one person, or of nobody."
        ],
    ),
    "one by each ID": (
        "L,101,,aking,A\nL,,S1,lovelace,A\n",
        ["Line 3: the SIS ID 'S1' is that of ada, who is on line 2"],
    ),
    "Canvas ID twice": ("X,7,,x,A\nY,7,,y,A\n", ["Line 3: the Canvas ID '7' is on line 2 already."]),
    "SIS ID twice": ("X,,S7,x,A\nY,,S7,y,A\nZ,,S7,z,A\n", ["Line 3: the SIS ID 'S7'", "Line 4: the SIS ID 'S7'"]),
    "both twice": ("X,7,S7,x,A\nY,7,S7,y,A\n", ["Line 3: the Canvas ID '7' is on line 2 already."]),
    "everything twice": ("X,7,S7,x,A\nX,7,S7,x,A\n", ["Line 3: the login 'x' is on line 2 already."]),
    "another's Canvas ID": (
        "B,101,,bob,A\n",
        [
            "Line 2: the Canvas ID '101' is that of ada, and the login that of bob; expected an ID that is nobody "
            "else's, or an empty cell to keep what is known of bob."
        ],
    ),
    "another's SIS ID": ("B,102,S1,bob,A\n", ["Line 2: the SIS ID 'S1' is that of ada, and the login that of bob;"]),
    "exchanged": (
        "L,102,,ada,A\nB,101,,bob,A\n",
        ["Line 2: the Canvas ID '102' is that of bob", "Line 3: the Canvas ID '101' is that of ada"],
    ),
}


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Course]:
    """A course that all refused rosters share: none of them may leave anything."""
    with opened("sqlite", tmp_path_factory.mktemp("doubts"), request) as database:
        course = set_up(database)
        imported(course, KNOWN)
        yield course


@pytest.mark.parametrize(("rows", "said"), DOUBTS.values(), ids=list(DOUBTS))
def test_a_doubt_stores_nothing(quiet: Course, rows: str, said: list[str]) -> None:
    """One sentence a row, with its line."""
    before = people(quiet)
    with pytest.raises(roster.BadRoster) as refused:
        imported(quiet, HEADER + rows)
    found = refused.value.faults
    assert len(found) == len(said)
    assert all(fault.startswith(start) for fault, start in zip(found, said, strict=True)), found
    assert all(fault.endswith(".") for fault in found)
    assert people(quiet) == before
    with quiet.database.read() as session:
        assert session.scalar(select(func.count()).select_from(User)) == len(PEOPLE)


@ON_SQLITE
def test_an_id_that_two_people_have_is_a_doubt(course: Course) -> None:
    """Whatever brought them into the tables: it is not guessed which of them a new login is."""
    with course.database.write() as session:
        for login in ("ada", "bob"):
            course.user(session, login).canvas_id = "101"
    with pytest.raises(roster.BadRoster, match="'101' is that of ada, and the Canvas ID '101' that of bob"):
        imported(course, HEADER + "L,101,,aking,A\n")


# -- from the staff to the students ----------------------------------------------------------------------------------


def with_role(login: str, role: str) -> str:
    return f"login,name,role\n{login},Somebody,{role}\n"


@pytest.mark.parametrize(("login", "role"), [("robot", "grader"), ("prof", "instructor")])
@ON_SQLITE
def test_staff_who_submitted_become_no_students(course: Course, login: str, role: str) -> None:
    """They may post before an assignment opens and as often as they like: it must not count."""
    submit(course, login, "add", values("add", 3))
    with pytest.raises(roster.BadRoster) as refused:
        imported(course, with_role(login, "student"))
    assert refused.value.faults == (
        f"Line 2: {login} has the role {role} and 1 submission; made as staff, they were held to no deadline and no "
        "limit, and would count for a student; add the student under another login.",
    )
    with course.database.read() as session:
        assert course.user(session, login).role is Role(role)


@ON_SQLITE
def test_nor_by_a_changed_login(course: Course) -> None:
    """Whoever the ID tells is the same person, with the same submissions."""
    imported(course, "login,name,canvas_id\nrobot,Robot,900\n")
    for _ in range(2):
        submit(course, "robot", "add", values("add", 3))
    with pytest.raises(roster.BadRoster, match="Line 2: robot has the role grader and 2 submissions"):
        imported(course, "login,name,canvas_id,role\nr2,Robot,900,student\n")


@ON_SQLITE
def test_staff_who_submitted_nothing_become_students(course: Course) -> None:
    """There is nothing that could count."""
    imported(course, with_role("robot", "student"))
    assert row(course, "robot").total == 0.0


@ON_SQLITE
def test_a_student_becomes_staff_with_submissions(course: Course) -> None:
    """And from one role of the staff to another."""
    submit(course, "ada", "add", values("add", 3))
    imported(course, with_role("ada", "grader"))
    imported(course, with_role("ada", "instructor"))
    with course.database.read() as session:
        assert course.user(session, "ada").role is Role.INSTRUCTOR
