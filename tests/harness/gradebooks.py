"""What the tests of the gradebook share: submissions as students make them, rules, and a grader that posts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from servers import NOW, VALUES

if TYPE_CHECKING:
    from servers import Course

    from grader.server.book.gradebook import Gradebook, Row, StudentView, SubmissionView

# For what no database can be different about: one in PostgreSQL costs a second each time.
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
DUE = NOW + timedelta(days=7)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TREE = "ab" * 32
WRONG = "wrong"  # no answer of VALUES is this text


def values(problem: str, right: int) -> list[Any]:
    """A value for each case of the problem, the first `right` of them right."""
    return [value if index < right else WRONG for index, value in enumerate(VALUES[problem])]


def submit(
    course: Course,
    login: str,
    problem: str,
    posted: Sequence[Any],
    at: datetime = NOW,
    assignment: str = "toy",
    tree: str = "",
) -> str:
    """A submission whose values all come at one moment, by the server's own way; its public id."""
    from grader.mugrade import codec
    from grader.server.desk.submissions import Desk, Opening
    from grader.server.settings import Settings

    desk = Desk(course.database, Settings())
    with course.database.read() as session:
        user = course.user(session, login)
    public_id = desk.open(user, Opening(assignment, problem, "", tree, "a test"), at)
    for index, value in enumerate(posted):
        desk.post(user, public_id, index, codec.dumps(value), at)
    return public_id


def book(course: Course, assignment: str = "toy") -> Gradebook:
    """The gradebook, as it is now."""
    from grader.server.book import gradebook

    with course.database.read() as session:
        return gradebook.gradebook(session, assignment)


def row(course: Course, login: str, assignment: str = "toy") -> Row:
    """A student's line of it."""
    return next(found for found in book(course, assignment).rows if found.person.login == login)


def view(course: Course, login: str, assignment: str = "toy") -> StudentView:
    """Everything about a student."""
    from grader.server.book import gradebook

    with course.database.read() as session:
        return gradebook.student_view(session, assignment, login)


def submission(course: Course, public_id: str) -> SubmissionView:
    """A submission, as shown."""
    from grader.server.book import gradebook

    with course.database.read() as session:
        return gradebook.submission_view(session, public_id)


def late_days(course: Course, days: int) -> None:
    """Everybody's bank."""
    from grader.server.book import administration

    with course.database.write() as session:
        administration.set_late_days(session, course.user(session, "prof"), days, NOW)


def extend(course: Course, login: str, until: datetime | None, assignment: str = "toy") -> None:
    """More time for one student."""
    from grader.server.book import administration

    with course.database.write() as session:
        administration.grant_extension(session, course.user(session, "prof"), assignment, login, until, "ill", NOW)


def document(points: dict[str, float], most: dict[str, float], **changes: Any) -> dict[str, Any]:
    """What a verified grade states; each problem has a case that passes with any points, and one that needs all."""
    verdicts = []
    for name, earned in points.items():
        verdicts += [[f"test.py::{name}[a]", "pass" if earned else "fail"]]
        verdicts += [[f"test.py::{name}[b]", "pass" if earned == most[name] else "fail"]]
    found = {
        "schema": "needle-verified/1",
        "assignment": "toy",
        "student": "ada",
        "submission_hash": TREE,
        "suite_hash": "cd" * 32,
        "seed": 5,
        "devices": ["cpu"],
        "submitted_at": NOW.isoformat(),
        "graded_at": NOW.isoformat(),
        "grader_version": "1",
        "points": {name: [earned, most[name]] for name, earned in points.items()},
        "verdicts": verdicts,
    }
    return {**found, **changes}


def canonical(found: dict[str, Any]) -> str:
    """As the grader writes what it signs."""
    return json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def verify(course: Course, points: dict[str, float], now: datetime = NOW, **changes: Any) -> int:
    """Post a verified grade of the toy as the course's robot; its id."""
    from grader.mugrade import signature
    from grader.server.book import gradebook, verified
    from grader.server.store import keys

    with course.database.write() as session:
        info = gradebook.assignment(session, "toy")
        most = {problem.name: problem.points for problem in info.problems}
        statement = canonical(document({**dict.fromkeys(most, 0.0), **points}, most, **changes))
        found = keys.find(session, course.keys["robot"])
        assert found is not None
        signed = signature.sign(statement, course.keys["robot"])
        return verified.post(session, *found, statement, signed, now).id


def withdraw(course: Course, grade_id: int, reason: str = "a mistake") -> None:
    """As the instructor does it."""
    from grader.server.book import administration

    with course.database.write() as session:
        administration.withdraw_grade(session, course.user(session, "prof"), grade_id, reason, NOW)
