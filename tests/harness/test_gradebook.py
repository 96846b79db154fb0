"""The gradebook is what the tables say, under the rules that hold now; on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", reason="what only the course's own machine needs is not installed")

from gradebooks import DAY, DUE, HOUR, ON_SQLITE, book, extend, late_days, row, submission, submit, values, verify, view
from servers import NOW, VALUES, Course
from sqlalchemy import event, insert, select

from grader.errors import UsageError
from grader.server import errors
from grader.server.book import gradebook
from grader.server.store import catalogue
from grader.server.store.models import Role, Submission, User

LATE = {"due_at": DUE, "grace_minutes": 10, "max_late_days": 3, "penalty_percent": 25.0}


# -- assignments -------------------------------------------------------------------------------------------------


@ON_SQLITE
def test_an_assignment_has_its_problems_and_rules(course: Course) -> None:
    """In the order of assignment.toml, with the active answers' version and a title for each of their values."""
    course.policy("toy", **LATE)
    with course.database.read() as session:
        info = gradebook.assignment(session, "toy")
    assert [problem.name for problem in info.problems] == ["add", "scale", "total"]
    assert info.points == 10.0
    assert info.policy.due_at == DUE
    assert info.problems[0].answer_version == 1
    assert info.problems[0].cases == ("add case 0", "add case 1", "add case 2")


@ON_SQLITE
def test_the_newest_rules_hold(course: Course) -> None:
    """An earlier policy stays in the table and counts no more."""
    course.policy("toy", **LATE)
    course.policy("toy", due_at=DUE + DAY, counts="last")
    with course.database.read() as session:
        policy = gradebook.assignment(session, "toy").policy
    assert (policy.due_at, policy.counts, policy.max_late_days) == (DUE + DAY, "last", 0)


@ON_SQLITE
def test_an_unknown_assignment_is_named_with_the_known_ones(course: Course) -> None:
    """Whoever mistypes a name reads the right ones."""
    with (
        course.database.read() as session,
        pytest.raises(errors.NotFound, match=r"'tyo'; expected one of: second, toy"),
    ):
        gradebook.assignment(session, "tyo")


@ON_SQLITE
def test_answers_of_another_size_decide_how_many_cases_there_are(course: Course) -> None:
    """Titles that assignment.toml lacks are numbers; those beyond the answers are not shown."""
    course.publish("toy", "add", [*VALUES["add"], 1, 2])
    course.publish("toy", "scale", VALUES["scale"][:1])
    with course.database.read() as session:
        add, scale, _ = gradebook.assignment(session, "toy").problems
    assert add.cases[2:] == ("add case 2", "case 4", "case 5")
    assert scale.cases == ("scale case 0",)


# -- the class -----------------------------------------------------------------------------------------------------


def test_active_students_are_rows_by_name(course: Course) -> None:
    """Neither staff nor who has left; by name, whatever the login."""
    with course.database.write() as session:
        session.add(User(login="gone", name="Aaa", role=Role.STUDENT, active=False, created_at=NOW))
        session.add(User(login="zoe", name="adams, Zoe", role=Role.STUDENT, created_at=NOW))
    assert [found.person.login for found in book(course).rows] == ["zoe", "bob", "ada", "eve"]


@ON_SQLITE
def test_without_submissions_every_cell_is_empty(course: Course) -> None:
    """Nothing is there, which is not the same as nothing right."""
    cell = row(course, "ada").cells["add"]
    assert (cell.points, cell.max_points, cell.kind, cell.attempts) == (0.0, 4.0, "", 0)
    assert (cell.counted_id, cell.self_points, cell.verified_points) == (None, None, None)


@ON_SQLITE
def test_points_are_the_share_of_the_cases_that_are_right(course: Course) -> None:
    """Three of four cases of a problem of 3 points are 2.25; cases that never came count as not right."""
    submit(course, "ada", "scale", values("scale", 3))
    submit(course, "bob", "scale", values("scale", 4)[:1])
    assert row(course, "ada").cells["scale"].points == 2.25
    assert row(course, "bob").cells["scale"].points == 0.75
    assert row(course, "ada").total == 2.25


@ON_SQLITE
def test_the_best_attempt_counts_and_all_are_numbered(course: Course) -> None:
    """An opened submission without a case is no attempt."""
    submit(course, "ada", "add", values("add", 2))
    best = submit(course, "ada", "add", values("add", 3), NOW + HOUR)
    submit(course, "ada", "add", values("add", 1), NOW + 2 * HOUR)
    submit(course, "ada", "add", [], NOW + 3 * HOUR)
    cell = row(course, "ada").cells["add"]
    assert (cell.points, cell.attempts, cell.self_points) == (4.0, 3, 4.0)
    assert cell.counted_id == submission(course, best).id


@ON_SQLITE
def test_the_last_attempt_counts_where_the_course_says_so(course: Course) -> None:
    """The rule changes what is shown at once; nothing is stored anew."""
    submit(course, "ada", "add", values("add", 3))
    submit(course, "ada", "add", [], NOW + 3 * HOUR)
    submit(course, "ada", "add", values("add", 0), NOW + HOUR)
    course.policy("toy", counts="last")
    cell = row(course, "ada").cells["add"]
    assert (cell.points, cell.self_points, cell.kind) == (0.0, 4.0, "self-reported")


@ON_SQLITE
def test_a_late_submission_pays(course: Course) -> None:
    """A day and an hour late, at 25 % a day, without a bank."""
    course.policy("toy", **LATE)
    submit(course, "ada", "add", values("add", 3), DUE + DAY + HOUR)
    cell = row(course, "ada").cells["add"]
    assert (cell.points, cell.penalty, cell.late_days) == (2.0, 2.0, 2)


def test_the_bank_is_spent_in_the_order_of_the_due_times(course: Course) -> None:
    """What the earlier assignment took, the later one has no more; the gradebook of either says so."""
    course.policy("toy", **LATE)
    course.policy("second", **{**LATE, "due_at": DUE + 7 * DAY})
    late_days(course, 3)
    submit(course, "ada", "alpha", VALUES["alpha"], DUE + 7 * DAY + DAY + HOUR, "second")
    assert (row(course, "ada", "second").late_days_spent, view(course, "ada").bank_left) == (2, 1)
    submit(course, "ada", "add", values("add", 3), DUE + DAY + HOUR)
    assert (row(course, "ada").late_days_spent, row(course, "ada").total) == (2, 4.0)
    assert (row(course, "ada", "second").late_days_spent, row(course, "ada", "second").total) == (1, 3.0)
    found = view(course, "ada", "second")
    assert (found.bank, found.bank_left) == (3, 0)
    assert row(course, "bob", "second").late_days_spent == 0


@ON_SQLITE
def test_an_extension_moves_one_students_due_time(course: Course) -> None:
    """The newest one counts, and it can be taken back."""
    course.policy("toy", **LATE)
    extend(course, "ada", DUE + 4 * DAY)
    extend(course, "ada", DUE + 2 * DAY)
    for login in ("ada", "bob"):
        submit(course, login, "add", values("add", 3), DUE + DAY)
    assert (row(course, "ada").total, row(course, "bob").total) == (4.0, 3.0)
    assert row(course, "ada").extended_until == DUE + 2 * DAY
    assert (view(course, "ada").due_at, view(course, "ada").closes_at) == (
        DUE + 2 * DAY,
        DUE + 5 * DAY + timedelta(minutes=10),
    )
    extend(course, "ada", None)
    assert (row(course, "ada").total, row(course, "ada").extended_until) == (3.0, None)


@ON_SQLITE
def test_points_follow_the_assignment(course: Course) -> None:
    """A problem that is worth more from today on is worth more in every row."""
    from dataclasses import replace

    from grader.server.store import catalogue

    submit(course, "ada", "add", values("add", 3))
    toy = course.assignments["toy"]
    doubled = replace(toy, problems=(replace(toy.problems[0], points=8.0), *toy.problems[1:]))
    with course.database.write() as session:
        catalogue.sync(session, doubled)
    assert row(course, "ada").total == 8.0


# -- verified grades -------------------------------------------------------------------------------------------------


@ON_SQLITE
def test_both_kinds_are_shown_and_one_counts(course: Course) -> None:
    """Self-reported until the course says verified."""
    submit(course, "ada", "add", values("add", 3))
    grade = verify(course, {"add": 2.0, "total": 3.0})
    cell = row(course, "ada").cells["add"]
    assert (cell.points, cell.kind, cell.self_points, cell.verified_points) == (4.0, "self-reported", 4.0, 2.0)
    assert row(course, "ada").cells["total"].kind == ""
    course.policy("toy", official="verified")
    cell = row(course, "ada").cells["add"]
    assert (cell.points, cell.kind, cell.self_points, cell.verified_points) == (2.0, "verified", 4.0, 2.0)
    assert (cell.counted_id, row(course, "ada").total) == (grade, 5.0)


@ON_SQLITE
def test_a_verified_grade_counts_for_a_problem_that_was_renamed(course: Course) -> None:
    """It names the problem as it was called then, and its old name is an alias now."""
    course.policy("toy", official="verified")
    verify(course, {"add": 3.0, "total": 3.0})
    toy = course.assignments["toy"]
    problems = tuple(replace(p, name="plus", aliases=("add",)) if p.name == "add" else p for p in toy.problems)
    with course.database.write() as session:
        catalogue.sync(session, replace(toy, problems=problems))
    assert (row(course, "ada").cells["plus"].points, row(course, "ada").total) == (3.0, 6.0)
    nameless = tuple(replace(p, aliases=()) if p.name == "plus" else p for p in problems)
    with pytest.raises(UsageError, match="'plus' no longer has the alias 'add'"), course.database.write() as session:
        catalogue.sync(session, replace(toy, problems=nameless))
    assert row(course, "ada").total == 6.0


@ON_SQLITE
def test_only_verified_grades_count_where_the_course_says_so(course: Course) -> None:
    """What a student says of themselves is nothing then."""
    submit(course, "ada", "add", values("add", 3))
    course.policy("toy", official="verified")
    assert (row(course, "ada").total, row(course, "ada").cells["add"].kind) == (0.0, "")


@ON_SQLITE
def test_a_verified_grade_is_as_late_as_the_tree_was_handed_in(course: Course) -> None:
    """When it was graded does not matter, and the bank pays as for any other."""
    course.policy("toy", **LATE, official="verified")
    graded = DUE + 30 * DAY
    verify(
        course,
        {"add": 4.0},
        graded,
        submitted_at=(DUE + DAY + HOUR).isoformat(),
        graded_at=graded.isoformat(),
    )
    assert (row(course, "ada").total, row(course, "ada").cells["add"].late_days) == (2.0, 2)
    late_days(course, 1)
    assert (row(course, "ada").total, row(course, "ada").late_days_spent) == (3.0, 1)
    assert view(course, "ada").bank_left == 0
    assert view(course, "ada").verified[0].late_days == 2


# -- one student -------------------------------------------------------------------------------------------------------


def test_a_student_sees_every_submission_newest_first(course: Course) -> None:
    """With its cases, those that never came included, and which one counts."""
    first = submit(course, "ada", "add", values("add", 1)[:2])
    second = submit(course, "ada", "scale", values("scale", 4), NOW + HOUR)
    opened = submit(course, "ada", "add", [], NOW + 2 * HOUR)
    submit(course, "bob", "add", values("add", 3))
    found = view(course, "ada").submissions
    assert [item.public_id for item in found] == [opened, second, first]
    assert [item.counts for item in found] == [False, True, True]
    assert [case.correct for case in found[2].cases] == [True, False, None]
    assert (found[2].cases[0].title, found[2].cases[1].received_at) == ("add case 0", NOW)
    assert (found[2].cases[1].message != "", found[2].cases[2].message) == (True, "")
    assert (found[0].counts_from, found[0].correct, found[0].total) == (None, 0, 3)


@ON_SQLITE
def test_a_submission_says_what_it_would_lose(course: Course) -> None:
    """Its late days and penalty, also where another one counts, or none because it came too late."""
    course.policy("toy", **LATE)
    on_time = submit(course, "ada", "add", values("add", 3), DUE)
    late = submit(course, "ada", "add", values("add", 3), DUE + DAY + HOUR)
    found = submission(course, late)
    assert (found.late_days, found.penalty, found.points, found.counts, found.in_time) == (2, 2.0, 4.0, False, True)
    assert submission(course, on_time).counts
    course.policy("toy", due_at=DUE - DAY)
    found = submission(course, late)
    assert (found.late_days, found.in_time, found.counts) == (3, False, False)


def test_a_verified_grade_is_shown_with_who_signed_it(course: Course) -> None:
    """What was graded, by which suite, and who says so."""
    number = verify(course, {"add": 2.0})
    (found,) = view(course, "ada").verified
    assert (found.id, found.posted_by, found.points["add"], found.submission_hash) == (number, "robot", 2.0, "ab" * 32)


def test_nobody_has_that_login(course: Course) -> None:
    """Whatever is asked for, the answer is a sentence."""
    for login in ("nobody", "a\0b", "\ud800", "' OR 1=1 --"):
        with course.database.read() as session, pytest.raises(errors.NotFound, match="nobody with the login"):
            gradebook.student_view(session, "toy", login)


@pytest.mark.parametrize("public_id", ["", "1", "x\0", "\udfff"])
@ON_SQLITE
def test_there_is_no_such_submission(course: Course, public_id: str) -> None:
    """Nor is there one without an id."""
    with course.database.read() as session, pytest.raises(errors.NotFound, match="no submission"):
        gradebook.submission_view(session, public_id)


def test_people_are_found_by_any_part(course: Course) -> None:
    """Of login, name, email or section, whatever the capitals, also those that ASCII lacks."""
    with course.database.write() as session:
        session.add(User(login="oe", name="ÖZGÜR", role=Role.STUDENT, section="Tue 10", created_at=NOW))
        assert [found.login for found in gradebook.people(session, search="özgür")] == ["oe"]
        assert [found.login for found in gradebook.people(session, search="tue")] == ["oe"]
        assert [found.login for found in gradebook.people(session, search="ADA@")] == ["ada"]
        assert [found.login for found in gradebook.people(session, [Role.GRADER])] == ["robot"]
        assert len(gradebook.people(session, search="%")) == 0


# -- how it goes -------------------------------------------------------------------------------------------------------


def test_statistics_count_students_cases_and_totals(course: Course) -> None:
    """Over active students alone; cases over the submissions that count."""
    submit(course, "ada", "add", values("add", 3))
    submit(course, "ada", "add", values("add", 0))
    submit(course, "bob", "add", values("add", 1))
    submit(course, "prof", "add", values("add", 3))
    with course.database.read() as session:
        found = gradebook.statistics(session, "toy")
    add, scale, _ = found.problems
    assert (found.students, add.students, add.full, add.attempts, add.mean_points) == (3, 2, 1, 3, pytest.approx(8 / 3))
    assert add.case_pass_rates == (1.0, 0.5, 0.5)
    assert (scale.students, scale.mean_points, scale.case_pass_rates) == (0, 0.0, (0.0, 0.0, 0.0, 0.0))
    assert found.histogram == (1, 1, 0, 0, 1, 0, 0, 0, 0, 0)


@ON_SQLITE
def test_the_most_is_in_the_last_bin(course: Course) -> None:
    """Ten of ten points are not in an eleventh one."""
    for problem in ("add", "scale", "total"):
        submit(course, "ada", problem, VALUES[problem])
    with course.database.read() as session:
        assert gradebook.statistics(session, "toy").histogram == (2, 0, 0, 0, 0, 0, 0, 0, 0, 1)


@ON_SQLITE
def test_statistics_of_verified_grades_show_the_cases_that_students_posted(course: Course) -> None:
    """The points are the grader's; cases are known of what was posted alone."""
    submit(course, "ada", "add", values("add", 1))
    verify(course, {"add": 4.0})
    course.policy("toy", official="verified")
    with course.database.read() as session:
        add = gradebook.statistics(session, "toy").problems[0]
    assert (add.full, add.mean_points, add.case_pass_rates) == (1, 4.0, (1.0, 0.0, 0.0))


def test_live_counts_are_of_now(course: Course) -> None:
    """Students with anything and with everything, and what came within the last minute and hour."""
    now = NOW + DAY
    for problem in ("add", "scale", "total"):
        submit(course, "ada", problem, VALUES[problem], now - timedelta(minutes=7))
    submit(course, "bob", "add", values("add", 2), now - timedelta(seconds=30))
    submit(course, "bob", "alpha", VALUES["alpha"], now, "second")
    submit(course, "prof", "add", [], now)
    with course.database.read() as session:
        found = gradebook.live_counts(session, "toy", now)
    assert (found.students, found.submitted_any, found.submitted_all) == (3, 2, 1)
    assert (found.cases_last_minute, found.submissions_last_minute) == (3, 1)
    assert found.submissions_last_hour == (0,) * 10 + (3, 1)


def test_versions_of_the_answers_have_their_state(course: Course) -> None:
    """Newest first: what waits, what judges, what was replaced."""
    course.publish("toy", "add", [1])
    course.publish("toy", "add", [2, 3], active=False)
    with course.database.read() as session:
        found = gradebook.answer_versions(session, "toy")
    assert [(item.problem.name, item.version, item.state, item.value_count) for item in found] == [
        ("add", 3, "pending", 2),
        ("add", 2, "active", 1),
        ("add", 1, "replaced", 3),
        ("scale", 1, "active", 4),
        ("total", 1, "active", 2),
    ]
    assert found[0].published_by == "prof"


# -- size ------------------------------------------------------------------------------------------------------------


@ON_SQLITE
def test_a_students_page_in_a_few_parameters_a_statement(course: Course) -> None:
    """However often one student has opened a submission: SQLite takes as few as 32,766 parameters in one."""
    many = 2 * gradebook._IDS_A_STATEMENT + 1
    mine = submit(course, "ada", "add", values("add", 3))
    with course.database.write() as session:
        first = session.scalars(select(Submission)).one()
        session.execute(
            insert(Submission),
            [
                {
                    "public_id": f"{number:032x}",
                    "user_id": first.user_id,
                    "problem_id": first.problem_id,
                    "token": f"token {number}",
                    "opened_at": NOW + HOUR,
                }
                for number in range(1, many)
            ],
        )
    asked: list[int] = []
    event.listen(course.database.engine, "before_cursor_execute", lambda *args: asked.append(len(args[3])))
    found = view(course, "ada").submissions
    assert len(found) == many
    assert found[-1].public_id == mine
    assert [case.correct for case in found[-1].cases] == [True] * 3
    assert max(asked) <= gradebook._IDS_A_STATEMENT + 10


@ON_SQLITE
def test_the_number_of_queries_does_not_grow_with_the_class(course: Course) -> None:
    """Ten queries for three students are ten for five hundred; one for each row would be felt."""

    def queries(run: Any) -> int:
        seen: list[str] = []
        event.listen(course.database.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
        with course.database.read() as session:
            run(session)
        return len(seen)

    course.policy("second", **{**LATE, "due_at": DUE - DAY})
    course.policy("toy", **LATE)
    late_days(course, 2)
    few = queries(lambda session: gradebook.gradebook(session, "toy"))
    rng = random.Random(3)
    for login in ("ada", "bob", "eve"):
        for problem in ("add", "scale"):
            submit(course, login, problem, values(problem, rng.randrange(3)), DUE + HOUR)
        submit(course, login, "alpha", VALUES["alpha"], DUE, "second")
    many = queries(lambda session: gradebook.gradebook(session, "toy"))
    assert many <= few + 3
