"""Which of the verified grades counts, and for how much: the newest of a tree, unless withdrawn, of today's points."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", reason="what only the course's own machine needs is not installed")

from gradebooks import DAY, DUE, HOUR, ON_SQLITE, TREE, book, late_days, row, submit, values, verify, view, withdraw
from servers import NOW, Course
from sqlalchemy import func, select

from grader.server import errors
from grader.server.book import exports
from grader.server.store import catalogue
from grader.server.store.models import Event, VerifiedGrade, Withdrawal

ALL = {"add": 4.0, "scale": 3.0, "total": 3.0}
OTHER = "ef" * 32  # the hash of another tree
LATE = {"due_at": DUE, "max_late_days": 3, "penalty_percent": 50.0}


def graded(course: Course, points: dict[str, float], at: datetime, **changes: Any) -> int:
    """A tree that was handed in at NOW, graded at `at` and posted a month later, whenever that was."""
    return verify(course, points, NOW + 30 * DAY, graded_at=at.isoformat(), **changes)


def states(course: Course, login: str = "ada") -> dict[int, str]:
    """What a student's page says of each of the grades."""
    return {
        grade.id: "withdrawn" if grade.withdrawal else "replaced" if grade.replaced else "counts"
        for grade in view(course, login).verified
    }


def points_become(course: Course, **points: float) -> None:
    """The assignment is changed so that the problems have these points."""
    toy = course.assignments["toy"]
    problems = tuple(replace(p, points=points.get(p.name, p.points)) for p in toy.problems)
    with course.database.write() as session:
        catalogue.sync(session, replace(toy, problems=problems))


# -- the newest of a tree --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("counts", ["best", "last"])
def test_a_grade_is_put_right_downwards(course: Course, counts: str) -> None:
    """The tree graded again has the newer grade, although the older one is better."""
    course.policy("toy", official="verified", counts=counts)
    first = graded(course, ALL, NOW)
    second = graded(course, {"add": 2.0}, NOW + HOUR)
    found = row(course, "ada")
    assert (found.total, found.cells["add"].verified_points, found.cells["add"].counted_id) == (2.0, 2.0, second)
    assert states(course) == {first: "replaced", second: "counts"}


@ON_SQLITE
def test_the_newest_is_that_which_was_graded_last(course: Course) -> None:
    """And not the one that was posted last: somebody who posts an old folder again undoes nothing."""
    course.policy("toy", official="verified")
    newer = graded(course, {"add": 2.0}, NOW + HOUR)
    older = graded(course, ALL, NOW)
    assert (row(course, "ada").total, states(course)) == (2.0, {newer: "counts", older: "replaced"})


@ON_SQLITE
def test_of_two_graded_in_the_same_second_the_one_posted_later_counts(course: Course) -> None:
    """The time is that of a file, and has no more than seconds."""
    course.policy("toy", official="verified")
    first, second = graded(course, ALL, NOW), graded(course, {"add": 2.0}, NOW)
    assert (row(course, "ada").total, states(course)) == (2.0, {first: "replaced", second: "counts"})


@ON_SQLITE
def test_another_tree_is_another_attempt(course: Course) -> None:
    """Of different trees the best counts, or the last, as the rules say; and nobody's grade replaces another's."""
    course.policy("toy", official="verified")
    graded(course, ALL, NOW)
    graded(course, {"add": 2.0}, NOW + HOUR, submission_hash=OTHER, submitted_at=(NOW + HOUR).isoformat())
    graded(course, {"add": 1.0}, NOW + HOUR, student="bob")
    assert set(states(course).values()) == {"counts"}
    assert (row(course, "ada").total, row(course, "bob").total) == (10.0, 1.0)
    course.policy("toy", official="verified", counts="last")
    assert row(course, "ada").total == 2.0


@ON_SQLITE
def test_a_wrong_time_is_put_right_too(course: Course) -> None:
    """Lateness is the newest grade's, and the bank gets back what the older one had cost."""
    course.policy("toy", **LATE, official="verified")
    late_days(course, 2)
    graded(course, ALL, DUE + DAY, submitted_at=(DUE + HOUR).isoformat())
    assert (row(course, "ada").late_days_spent, view(course, "ada").bank_left) == (1, 1)
    graded(course, ALL, DUE + 2 * DAY, submitted_at=DUE.isoformat())
    assert (row(course, "ada").late_days_spent, view(course, "ada").bank_left) == (0, 2)


# -- withdrawn -------------------------------------------------------------------------------------------------------


def test_a_withdrawn_grade_counts_no_longer(course: Course) -> None:
    """Not in the gradebook, nor in what is exported; it stays on record, with who did it and why."""
    course.policy("toy", official="verified")
    submit(course, "ada", "add", values("add", 3))
    before = exports.canvas(book(course), zeros=True)
    number = verify(course, ALL)
    withdraw(course, number, "  bob's tree  ")
    found = row(course, "ada")
    assert (found.total, found.cells["add"].kind, found.cells["add"].verified_points) == (0.0, "", None)
    assert exports.canvas(book(course), zeros=True) == before
    (grade,) = view(course, "ada").verified
    assert grade.withdrawal is not None
    assert (grade.id, grade.points, grade.replaced) == (number, ALL, False)
    assert (grade.withdrawal.at, grade.withdrawal.by, grade.withdrawal.reason) == (NOW, "prof", "bob's tree")
    with course.database.read() as session:
        event = session.scalars(select(Event).where(Event.kind == "grade.withdrawn")).one()
        assert session.scalar(select(func.count()).select_from(VerifiedGrade)) == 1
    assert (event.about, event.details) == ("ada in toy", {"grade": number, "reason": "bob's tree"})


@ON_SQLITE
def test_what_a_withdrawn_grade_replaced_counts_again(course: Course) -> None:
    """A broken machine's grade is undone by withdrawing it; withdrawing the older one first changes nothing."""
    course.policy("toy", official="verified")
    oldest, older, newest = (graded(course, {"add": points}, NOW + points * HOUR) for points in (1.0, 2.0, 3.0))
    withdraw(course, older)
    assert row(course, "ada").total == 3.0
    withdraw(course, newest)
    assert row(course, "ada").total == 1.0
    assert states(course) == {newest: "withdrawn", older: "withdrawn", oldest: "counts"}


@ON_SQLITE
def test_a_withdrawn_grade_spends_no_late_days(course: Course) -> None:
    """The bank has them again."""
    course.policy("toy", **LATE, official="verified")
    late_days(course, 2)
    number = graded(course, ALL, DUE + DAY, submitted_at=(DUE + HOUR).isoformat())
    withdraw(course, number)
    assert view(course, "ada").bank_left == 2


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 1001, "a\0b", "\ud800"])
@ON_SQLITE
def test_a_reason_is_needed(course: Course, reason: str) -> None:
    """Who reads the record in a year has nothing else."""
    number = verify(course, ALL)
    with pytest.raises(errors.Invalid, match="reason"):
        withdraw(course, number, reason)
    assert states(course) == {number: "counts"}


@pytest.mark.parametrize("number", [0, -1, 999, 1 << 31, 1 << 80])
def test_a_grade_that_is_not_there_is_not_withdrawn(course: Course, number: int) -> None:
    """One sentence, also for a number that no table can have."""
    with pytest.raises(errors.NotFound, match=f"no verified grade {number};"):
        withdraw(course, number)


def test_withdrawn_twice_at_once_it_is_withdrawn_once(course: Course) -> None:
    """The second one reads who was first; the table has one row of it, and the record one event."""
    number = verify(course, ALL)
    ends: list[str] = []

    def run() -> None:
        try:
            withdraw(course, number)
            ends.append("withdrawn")
        except errors.Conflict as conflict:
            ends.append(str(conflict))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = f"Verified grade {number} was withdrawn before, by prof on 2026-11-02 12:00 UTC."
    assert sorted(ends) == [refused] * 3 + ["withdrawn"]
    with course.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Withdrawal)) == 1
        assert session.scalar(select(func.count()).where(Event.kind == "grade.withdrawn")) == 1


def test_a_withdrawn_statement_is_still_a_replay(course: Course) -> None:
    """Posting the same folder again brings nothing back, and says so; grading again does."""
    course.policy("toy", official="verified")
    number = verify(course, ALL)
    withdraw(course, number)
    with pytest.raises(
        errors.Conflict, match=rf"verified grade {number} of ada, .*, and it was withdrawn on 2026-11-02"
    ):
        verify(course, ALL)
    assert row(course, "ada").total == 0.0
    graded(course, ALL, NOW + timedelta(seconds=1))
    assert row(course, "ada").total == 10.0


# -- points that have changed ----------------------------------------------------------------------------------------


def test_changed_points_scale_verified_grades(course: Course) -> None:
    """As they scale what students report themselves; the page shows the same."""
    course.policy("toy", official="verified")
    verify(course, {"add": 3.0, "total": 1.0})
    points_become(course, add=8.0, total=1.0)
    found = row(course, "ada")
    assert (found.cells["add"].points, found.cells["add"].verified_points, found.cells["add"].max_points) == (6.0, 6, 8)
    assert found.cells["total"].points == pytest.approx(1 / 3)
    assert view(course, "ada").verified[0].points == {"add": 6.0, "scale": 0.0, "total": found.cells["total"].points}
    points_become(course, add=2.0)
    assert (row(course, "ada").cells["add"].points, row(course, "ada").total) == (1.5, 2.5)


@ON_SQLITE
def test_changed_points_are_counted_exactly(course: Course) -> None:
    """Three thirds of a point are one point, after a penalty of a half a half."""
    points_become(course, add=3.0, scale=3.0, total=3.0)
    course.policy("toy", **LATE, official="verified")
    verify(course, {"add": 1.0, "scale": 1.0, "total": 1.0})
    points_become(course, add=1.0, scale=1.0, total=1.0)
    assert row(course, "ada").total == 1.0
    graded(
        course,
        {"add": 1 / 2, "scale": 1 / 2, "total": 0.0},
        DUE + DAY,
        student="bob",
        submitted_at=(DUE + HOUR).isoformat(),
    )
    assert row(course, "bob").total == 0.5


@ON_SQLITE
def test_a_problem_that_had_no_points_has_none(course: Course) -> None:
    """Nobody can say which part of nothing was earned: it is 0 until the tree is graded again."""
    course.policy("toy", official="verified")
    points_become(course, add=0.0)
    verify(course, {"scale": 3.0})
    assert row(course, "ada").total == 3.0
    points_become(course, add=4.0)
    assert (row(course, "ada").cells["add"].points, row(course, "ada").total) == (0.0, 3.0)


@ON_SQLITE
def test_a_statement_keeps_what_it_stated(course: Course) -> None:
    """What was earned of which points, whatever became of them."""
    points_become(course, add=5.0)
    number = verify(course, {"add": 2.5})
    points_become(course, add=4.0)
    with course.database.read() as session:
        grade = session.get_one(VerifiedGrade, number)
        assert grade.points == {"add": [2.5, 5.0], "scale": [0.0, 3.0], "total": [0.0, 3.0]}
        assert grade.submission_hash == TREE
