"""Rosters as spreadsheets leave them; keys that are shown once; settings that cannot be meant are refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", reason="what only the course's own machine needs is not installed")

from gradebooks import DAY, DUE, ON_SQLITE, extend
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import NOW, PEOPLE, Course, opened, set_up
from sqlalchemy import func, select

from grader.server import errors
from grader.server.book import administration, gradebook, roster, roster_csv
from grader.server.book.policy import Policy
from grader.server.store import keys
from grader.server.store.models import CourseSettings, Event, Extension, Key, PolicyRow, Role, User

CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,hw3 (77),Current Score\r\n"
    ",,,,,Manual Posting,\r\n"
    "    Points Possible,,,,,100,(read only)\r\n"
    '"Wu, Mei",1001,S-1,mwu7,"Sec 1, Tue",EX,99\r\n'
    '"Lovelace, Ada",1002,S-2,ada,Sec 2,50,N/A\r\n'
)


def imported(course: Course, data: str | bytes, **options: Any) -> roster.Imported:
    with course.database.write() as session:
        return roster.import_csv(session, course.user(session, "prof"), data, NOW, **options)


def user(course: Course, login: str) -> User:
    with course.database.read() as session:
        found: User = course.user(session, login)
        return found


def count(course: Course, table: Any) -> int:
    with course.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def works(course: Course, key: str) -> str | None:
    """Whose key it is."""
    with course.database.read() as session:
        found = keys.find(session, key)
        return found[0].login if found else None


# -- import --------------------------------------------------------------------------------------------------------


def test_canvas_gradebook_export_is_a_roster(course: Course) -> None:
    """Who is new gets a key, who is there is updated, the row of maxima is no person."""
    done = imported(course, CANVAS)
    assert (done.added, done.updated, done.unchanged, done.deactivated) == (1, 1, 0, 0)
    ((login, name, key),) = done.keys
    assert (login, name, works(course, key)) == ("mwu7", "Wu, Mei", "mwu7")
    mei = user(course, "mwu7")
    assert (mei.role, mei.canvas_id, mei.sis_id, mei.section) == (Role.STUDENT, "1001", "S-1", "Sec 1, Tue")
    assert works(course, course.keys["ada"]) == "ada"


def test_imported_again_nothing_changes(course: Course) -> None:
    """Nobody is doubled, and nobody's key is replaced."""
    first = imported(course, CANVAS)
    again = imported(course, CANVAS)
    assert (again.added, again.updated, again.unchanged, again.keys) == (0, 0, 2, ())
    assert works(course, first.keys[0][2]) == "mwu7"
    assert count(course, User) == len(PEOPLE) + 1


@ON_SQLITE
@pytest.mark.parametrize(
    "data",
    [
        "login,name,email,section,role\nzoe,Zoë Ünlü,z@x.org,A,student\n",
        "role;section;email;name;login\r\nstudent;A;z@x.org;Zoë Ünlü;zoe\r\n",
        "\ufeff\n\n login , Name ,EMAIL,section,role\n\n,,,,\n zoe ,  Zoë Ünlü ,z@x.org,A,Student\n\n",
        "login\tname\temail\tsection\trole\rzoe\tZoë Ünlü\tz@x.org\tA\t\r",
        "login,name,email,section,role\nzoe,Zoë Ünlü,z@x.org,A,student".encode(),
        "login,name,email,section,role\nzoe,Zoë Ünlü,z@x.org,A,student\n".encode("utf-8-sig"),
        "login,name,email,section,role\nzoe,Zoë Ünlü,z@x.org,A,student\n".encode("utf-16"),
    ],
    ids=["plain", "semicolons", "mark and blanks", "tabs", "bytes", "bytes with mark", "utf-16"],
)
def test_a_plain_roster_in_any_spreadsheets_manner(course: Course, data: str | bytes) -> None:
    """Columns in any order, with any delimiter, line end and mark."""
    assert imported(course, data).added == 1
    zoe = user(course, "zoe")
    assert (zoe.name, zoe.email, zoe.section, zoe.role) == ("Zoë Ünlü", "z@x.org", "A", Role.STUDENT)


@ON_SQLITE
def test_a_column_that_is_not_there_changes_nothing(course: Course) -> None:
    """Without the columns role and email, both stay as they are."""
    imported(course, "login,name\nprof,Knuth\n")
    prof = user(course, "prof")
    assert (prof.name, prof.role, prof.email) == ("Knuth", Role.INSTRUCTOR, "prof@example.org")


@ON_SQLITE
def test_a_role_is_changed_where_the_file_says_so(course: Course) -> None:
    """A student becomes a grader; an empty cell says nothing."""
    imported(course, 'login,name,role\nada,"Lovelace, Ada",Grader\nprof,Knuth,\n')
    assert (user(course, "ada").role, user(course, "prof").role) == (Role.GRADER, Role.INSTRUCTOR)


@ON_SQLITE
def test_a_login_in_other_capitals_is_the_same_person(course: Course) -> None:
    """Two systems seldom agree about them."""
    assert imported(course, "login,name\nADA,Countess\n").updated == 1
    assert user(course, "ada").name == "Countess"


def test_who_is_missing_leaves_only_when_asked(course: Course) -> None:
    """Students alone; their key stops working, comes back with them, and nothing of theirs is deleted."""
    imported(course, CANVAS)
    done = imported(course, CANVAS, deactivate_missing=True)
    assert done.deactivated == 2
    assert (user(course, "bob").active, user(course, "prof").active, user(course, "robot").active) == (
        False,
        True,
        True,
    )
    assert works(course, course.keys["bob"]) is None
    assert imported(course, "login,name\nbob,Bob\n").updated == 1
    assert works(course, course.keys["bob"]) == "bob"


WRONG = {
    "role": (
        "login,name,role\nx,X,king\n",
        ["Line 2: the role is 'king'; expected one of: student, grader, instructor."],
    ),
    "login": ("login,name\na b,X\n", ["Line 2: the login is 'a b'; expected 1 to 100 of"]),
    "no login": ("login,name\n,X\n", ["Line 2: the login is ''; expected"]),
    "no name": ("login,name\nx,\n", ["Line 2: the name of x is empty."]),
    "twice": ("login,name\nx,X\ny,Y\nX,Z\n", ["Line 4: the login 'X' is on line 2 already."]),
    "cells": ("login,name\nx,Wu, Mei\n", ["Line 2: there are 3 cells, but 2 columns; expected a cell with a comma"]),
    "formula": (
        "login,name\nx,=HYPERLINK(1)\n",
        ["Line 2: the name of x is '=HYPERLINK(1)', which a spreadsheet would"],
    ),
    "long": (f"login,name\nx,{'n' * 201}\n", ["Line 2: the name of x has 201 characters; expected at most 200."]),
    "escape": ("login,name\nx,A\x1b[2J\n", ["Line 2: the name of x is 'A\\x1b[2J'; expected one line"]),
    "two lines": ('login,name\nx,"A\nB"\ny,=1\n', ["Line 2: the name of x is 'A\\nB'", "Line 4: the name of y"]),
    "many": ("login,name,role\n?,X,\nb,,\nc,C,king\n", ["Line 2: ", "Line 3: ", "Line 4: "]),
    "empty": ("", ["The roster is empty; expected the columns 'login' and 'name'"]),
    "blank": (" \n\n", ["The roster is empty"]),
    "header alone": ("login,name\n", ["The roster has a header but nobody below it"]),
    "no header": ("ada,Ada\n", ["The roster has the column 'ada'; expected the columns"]),
    "no name column": ("login,email\nx,y\n", ["The roster has no column 'name'"]),
    "no canvas login": ("Student,ID\nX,1\n", ["The roster has no column 'sis login id'"]),
    "column twice": ("login,name,Login\nx,X,y\n", ["The roster has the column 'Login' twice"]),
    "unknown column": ("login,name,rolle\nx,X,student\n", ["The roster has the column 'rolle'"]),
    "quote": ('login,name\nx,"Wu\n', ["Line 2: the roster is not CSV from here on (unexpected end of data)."]),
    "latin-1": ("login,name\nx,Zoë\n".encode("latin-1"), ["Line 2: the roster is not UTF-8 (byte 0xeb)"]),
    "xlsx": (b"PK\x03\x04\0\0", ["The roster is a spreadsheet or an archive; save it as 'CSV UTF-8' first."]),
    "zeros": (b"login,name\nx,\0\n", ["The roster holds zero bytes"]),
}


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Course]:
    """A course that all refused rosters share: none of them may leave anything."""
    with opened("sqlite", tmp_path_factory.mktemp("quiet"), request) as database:
        yield set_up(database)


@pytest.mark.parametrize(("data", "said"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_row_stores_nothing(quiet: Course, data: str | bytes, said: list[str]) -> None:
    """Each wrong row has a sentence with its line, and the right ones beside it are not stored either."""
    with pytest.raises(errors.Invalid) as refused:
        imported(quiet, data)
    lines = str(refused.value).split("\n")
    if isinstance(refused.value, roster.BadRoster):
        assert lines.pop() == "Nothing was imported; correct the file and import it again."
    assert len(lines) == len(said)
    assert all(line.startswith(start) for line, start in zip(lines, said, strict=True)), lines
    assert all(line.endswith(".") for line in lines)
    assert (count(quiet, User), count(quiet, Key), count(quiet, Event)) == (len(PEOPLE), len(PEOPLE), 2)


@settings(derandomize=True, deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(st.text(max_size=80), st.binary(max_size=80), st.text(alphabet='login,name\n;"=x\r\t\ufeff', max_size=60))
)
def test_any_file_is_read_or_refused(data: str | bytes) -> None:
    """In a sentence, never with a traceback."""
    try:
        entries, faults = roster_csv.read(data)
    except errors.Invalid as refused:
        entries, faults = [], [str(refused)]
    assert entries or faults
    assert all(fault.endswith(".") for fault in faults)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip), st.text("abc,; \"'")
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_csv_can_hold_is_read_as_it_is(rows: list[tuple[str, str]]) -> None:
    """Whatever a name has in it: quotes, commas, semicolons."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("login", "name", "section"))
    writer.writerows((f"u{number}", name, section) for number, (name, section) in enumerate(rows))
    entries, faults = roster_csv.read(out.getvalue())
    assert not faults
    assert [(entry.name, entry.more["section"]) for entry in entries] == [
        (name, section.strip()) for name, section in rows
    ]


# -- people and keys -------------------------------------------------------------------------------------------------


def test_a_person_is_added_with_a_key(course: Course) -> None:
    """On record, without the key."""
    with course.database.write() as session:
        person, key = roster.add(
            session, course.user(session, "prof"), login="zoe", name="Zoë", role=Role.GRADER, now=NOW, section="A"
        )
    assert (person.login, person.role, works(course, key)) == ("zoe", Role.GRADER, "zoe")
    with course.database.read() as session:
        event = session.scalars(select(Event).where(Event.kind == "roster.added")).one()
    assert key not in f"{event.about} {event.details}"


@pytest.mark.parametrize(
    ("login", "name", "kind", "said"),
    [
        ("ada", "X", errors.Conflict, "There is somebody with the login 'ada' already: Lovelace, Ada"),
        ("ADA", "X", errors.Conflict, "There is somebody with the login 'ada' already"),
        ("a/b", "X", errors.Invalid, "The login is 'a/b'"),
        ("", "X", errors.Invalid, "The login is ''"),
        ("x", " ", errors.Invalid, "The name of x is empty."),
        ("x", "a\0", errors.Invalid, "expected one line without control characters"),
        ("x", "\ud800", errors.Invalid, "expected one line without control characters"),
    ],
)
def test_a_person_that_cannot_be_is_refused(
    quiet: Course, login: str, name: str, kind: type[errors.Problem], said: str
) -> None:
    """In one sentence; nothing is stored."""
    with quiet.database.write() as session, pytest.raises(kind, match=said):
        roster.add(session, None, login=login, name=name, role=Role.STUDENT, now=NOW)
    assert count(quiet, User) == len(PEOPLE)


def test_a_rotated_key_replaces_the_old_ones(course: Course) -> None:
    """The old one stops, the new one works; the list shows its beginning alone."""
    with course.database.write() as session:
        key = roster.rotate(session, None, "ada", NOW)
    assert (works(course, course.keys["ada"]), works(course, key)) == (None, "ada")
    with course.database.read() as session:
        listed = {item.person.login: item.keys for item in roster.listed(session)}
    assert listed["ada"] == (key[:10],)
    assert list(listed)[:2] == ["prof", "robot"]


def test_revoked_keys_work_no_more(course: Course) -> None:
    """A second time there is nothing to revoke."""
    with course.database.write() as session:
        assert roster.revoke(session, None, "ada", NOW) == 1
        assert roster.revoke(session, None, "ada", NOW) == 0
    assert works(course, course.keys["ada"]) is None


@ON_SQLITE
def test_who_is_not_there_or_has_left_gets_no_key(course: Course) -> None:
    """A key that could not work is not given out."""
    imported(course, CANVAS, deactivate_missing=True)
    with course.database.write() as session:
        with pytest.raises(errors.Invalid, match="bob has left the course"):
            roster.rotate(session, None, "bob", NOW)
        with pytest.raises(errors.NotFound, match="nobody with the login 'bop'"):
            roster.rotate(session, None, "bop", NOW)


# -- settings ------------------------------------------------------------------------------------------------------

GOOD = Policy(open_at=NOW, due_at=DUE, grace_minutes=10, max_late_days=3, penalty_percent=20.0)


def set_policy(course: Course, policy: Policy) -> None:
    with course.database.write() as session:
        administration.set_policy(session, course.user(session, "prof"), "toy", policy, NOW)


def test_a_policy_is_a_new_row_and_an_event(course: Course) -> None:
    """The rules before stay on record; the same rules again are nothing new."""
    set_policy(course, GOOD)
    set_policy(course, replace(GOOD, due_at=DUE + DAY, counts="last"))
    set_policy(course, replace(GOOD, due_at=DUE + DAY, counts="last"))
    assert count(course, PolicyRow) == 2
    with course.database.read() as session:
        assert gradebook.assignment(session, "toy").policy == replace(GOOD, due_at=DUE + DAY, counts="last")
        event = session.scalars(select(Event).where(Event.kind == "policy.changed").order_by(Event.id.desc())).first()
    assert event is not None
    assert event.details == {
        "due_at": [DUE.isoformat(), (DUE + DAY).isoformat()],
        "counts": ["best", "last"],
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"open_at": DUE}, "It opens on 2026-11-09 12:00 UTC, but is due on 2026-11-09 12:00 UTC"),
        ({"due_at": DUE.replace(tzinfo=None)}, "Due is at 2026-11-09 12:00 without an offset"),
        ({"due_at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))}, "Due is in the year 1"),
        ({"open_at": datetime(9999, 12, 31, tzinfo=timezone.utc)}, "Open is in the year 9999"),
        ({"grace_minutes": 1440}, "Grace has the value 1440; expected 0 to 1439 minutes"),
        ({"grace_minutes": -1}, "Grace has the value -1"),
        ({"max_late_days": 367}, "Max late days has the value 367"),
        ({"penalty_percent": 100.5}, "Penalty has the value 100.5; expected 0 to 100 percent"),
        ({"penalty_percent": float("nan")}, "Penalty has the value nan"),
        ({"attempts_per_hour": 0}, "Attempts per hour has the value 0; expected 1 to 10000 attempts, or no limit"),
        ({"counts": "worst"}, "Counts has the value 'worst'"),
        ({"official": "rumour"}, "Official has the value 'rumour'"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_rules_that_cannot_be_meant_are_refused(quiet: Course, changes: dict[str, Any], said: str) -> None:
    """In one sentence with the value; nothing is stored."""
    with pytest.raises(errors.Invalid, match=said):
        set_policy(quiet, replace(GOOD, **changes))
    assert count(quiet, PolicyRow) == 0


def test_several_students_get_more_time_at_once(course: Course) -> None:
    """All or nobody; somebody named twice once."""
    set_policy(course, GOOD)
    with course.database.write() as session:
        prof = course.user(session, "prof")
        administration.grant_extension(session, prof, "toy", ["ada", "bob", "ada"], DUE + DAY, "flu", NOW)
    assert count(course, Extension) == 2
    with course.database.write() as session:
        prof = course.user(session, "prof")
        with pytest.raises(errors.NotFound, match="'nobody'"):
            administration.grant_extension(session, prof, "toy", ["eve", "nobody"], DUE + DAY, "", NOW)
    assert count(course, Extension) == 2
    with course.database.read() as session:
        event = session.scalars(select(Event).where(Event.kind == "extension.granted")).first()
    assert event is not None
    assert (event.about, event.details["reason"]) == ("ada in toy", "flu")


@ON_SQLITE
def test_an_extension_must_give_time(course: Course) -> None:
    """One that ends before the due time would take time away; where nothing is due there is none to give."""
    with pytest.raises(errors.Invalid, match="toy is never due"):
        extend(course, "ada", DUE)
    set_policy(course, GOOD)
    with pytest.raises(errors.Invalid, match="but toy is due on 2026-11-09 12:00 UTC; expected a later time"):
        extend(course, "ada", DUE)
    extend(course, "ada", None)


def test_the_bank_is_set_for_everybody(course: Course) -> None:
    """The newest number counts; the same again is nothing new."""
    with course.database.write() as session:
        assert administration.late_days(session) == 0
        for days in (5, 3, 3):
            administration.set_late_days(session, course.user(session, "prof"), days, NOW)
        assert administration.late_days(session) == 3
        with pytest.raises(errors.Invalid, match="Late days has the value -1; expected 0 to 366"):
            administration.set_late_days(session, None, -1, NOW)
    assert count(course, CourseSettings) == 2


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-03 23:59-05:00",
        "2026-12-03T23:59:00-0500",
        "2026-12-04T04:59Z",
        " 2026-12-04 04:59:00 UTC ",
        "2026-12-04 04:59 +00:00",
    ],
)
def test_a_time_has_its_offset(text: str) -> None:
    """However it is written, it is one moment."""
    assert administration.parse_time(text, "--due") == datetime(2026, 12, 4, 4, 59, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-12-03 23:59",
        "2026-12-03",
        "tomorrow",
        "2026-02-31 10:00Z",
        "2026-12-03 24:59Z",
        "0001-01-01 00:00+14:00",
    ],
)
def test_a_time_without_its_offset_is_refused(text: str) -> None:
    """Nobody could say which moment it is; the sentence shows how to say it."""
    with pytest.raises(errors.Invalid, match=r"^--due has the value .* expected a time with its offset from UTC"):
        administration.parse_time(text, "--due")
