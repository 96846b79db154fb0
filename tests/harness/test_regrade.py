"""Publishing again judges every stored value anew; who changes is said before anything does, and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sqlalchemy", reason="what only the course's own machine needs is not installed")

from gradebooks import DAY, DUE, HOUR, ON_SQLITE, late_days, row, submission, submit, values, verify
from servers import NOW, VALUES, Course
from sqlalchemy import delete, event, func, select, update

from grader.server import errors
from grader.server.book import gradebook
from grader.server.desk import regrade, rejudging
from grader.server.store import catalogue
from grader.server.store.models import (
    Activation,
    Answer,
    AssignmentRow,
    CaseRow,
    Event,
    Judgement,
    ProblemRow,
    Submission,
    Tally,
)

LATER = NOW + 30 * DAY
ADD = VALUES["add"]
OTHER = [ADD[0] + 1, ADD[1], ADD[2]]  # the first of the three values is another one


def publish(course: Course, published: Sequence[Any], problem: str = "add") -> regrade.Published:
    with course.database.write() as session:
        return regrade.publish(session, course.user(session, "prof"), "toy", problem, published, LATER)


def preview(course: Course, answer_id: int) -> regrade.Preview:
    with course.database.read() as session:
        return regrade.preview(session, answer_id)


def apply(course: Course, answer_id: int) -> regrade.Preview:
    with course.database.write() as session:
        return regrade.apply(session, course.user(session, "prof"), answer_id, LATER)


def count(course: Course, table: Any) -> int:
    with course.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def state(course: Course, answer_id: int) -> str:
    with course.database.read() as session:
        return next(item.state for item in gradebook.answer_versions(session, "toy") if item.id == answer_id)


# -- publish -----------------------------------------------------------------------------------------------------


@ON_SQLITE
def test_a_first_version_judges_at_once(course: Course) -> None:
    """There is nothing that it could change."""
    from dataclasses import replace

    toy = course.assignments["toy"]
    model = replace(toy.problems[0], name="fresh", aliases=())
    with course.database.write() as session:
        catalogue.sync(session, replace(toy, problems=(*toy.problems, model)))
    found = publish(course, [1.5, 2.5], "fresh")
    assert (found.version, found.state, found.cases, found.changes, found.preview) == (1, "active", 2, 0, None)
    assert state(course, found.answer_id) == "active"


@ON_SQLITE
def test_the_active_answers_again_are_unchanged(course: Course) -> None:
    """A reply that was lost makes no version, and no row at all."""
    before = count(course, Event)
    found = publish(course, ADD)
    assert (found.version, found.state, found.changes) == (1, "unchanged", 0)
    assert (count(course, Answer), count(course, Event)) == (5, before)


@ON_SQLITE
def test_other_tolerances_make_another_version(course: Course) -> None:
    """The same values, compared more closely, are other answers."""
    from dataclasses import replace

    toy = course.assignments["toy"]
    submit(course, "ada", "add", [ADD[0] + 5e-5, *ADD[1:]])
    assert row(course, "ada").cells["add"].points == 4.0
    closer = (replace(toy.problems[0], rtol=1e-9, atol=1e-9), *toy.problems[1:])
    with course.database.write() as session:
        catalogue.sync(session, replace(toy, problems=closer))
    found = publish(course, ADD)
    assert (found.version, found.state, found.changes) == (2, "pending", 1)
    apply(course, found.answer_id)
    assert row(course, "ada").cells["add"].points == pytest.approx(8 / 3)


def test_a_version_that_changes_nobody_judges_at_once(course: Course) -> None:
    """Every stored value keeps its verdict; it is judged and on record all the same."""
    submit(course, "ada", "add", values("add", 2))
    found = publish(course, [*ADD[:2], ADD[2] + 100])
    assert (found.version, found.state, found.changes) == (2, "active", 0)
    assert count(course, Judgement) == 6
    assert row(course, "ada").cells["add"].points == pytest.approx(8 / 3)


@ON_SQLITE
def test_a_version_that_changes_somebody_waits(course: Course) -> None:
    """Nothing changes until it is applied, and it is said whose points would."""
    submit(course, "ada", "add", ADD)
    submit(course, "bob", "add", values("add", 0))
    found = publish(course, OTHER)
    assert (found.version, found.state, found.changes) == (2, "pending", 1)
    assert state(course, found.answer_id) == "pending"
    assert row(course, "ada").total == 4.0


@ON_SQLITE
def test_a_waiting_version_is_not_stored_twice(course: Course) -> None:
    """The same answers again are the same version."""
    submit(course, "ada", "add", ADD)
    first, again = publish(course, OTHER), publish(course, OTHER)
    assert (again.answer_id, again.version, again.state, again.changes) == (first.answer_id, 2, "pending", 1)


@ON_SQLITE
def test_replaced_answers_come_back_as_a_new_version(course: Course) -> None:
    """What was right before is published again: the newest version is what was published last."""
    publish(course, OTHER)
    found = publish(course, ADD)
    assert (found.version, found.state) == (3, "active")


@ON_SQLITE
@pytest.mark.parametrize(
    ("published", "said"),
    [
        ([], "There are no answers for add"),
        ([1.0, float("nan")], "Answer 1 of add holds NaN or infinity"),
        ([[1.0, {"a": float("inf")}]], "Answer 0 of add holds NaN or infinity"),
        ([np.array([np.nan])], "Answer 0 of add holds NaN or infinity"),
    ],
    ids=["none", "nan", "infinity", "array"],
)
def test_what_cannot_be_an_answer_is_refused(course: Course, published: list[Any], said: str) -> None:
    """An empty list, and numbers that nothing equals."""
    with pytest.raises(errors.Invalid, match=said):
        publish(course, published)
    assert count(course, Answer) == 5


@ON_SQLITE
def test_an_unknown_problem_is_refused(course: Course) -> None:
    """With the names that there are."""
    with pytest.raises(errors.NotFound, match="expected one of: add, scale, total"):
        publish(course, [1], "ad")


def test_a_server_in_use_publishes_step_by_step(course: Course) -> None:
    """The same outcome as in one transaction, with the verdicts there already when somebody looks or applies."""

    def publish_to(published: Sequence[Any]) -> tuple[int, str, int]:
        with course.database.read() as session:
            prof = course.user(session, "prof")
        found = regrade.publish_to(course.database, prof, "toy", "add", published, LATER)
        return found.version, found.state, found.changes

    submit(course, "ada", "add", values("add", 2))
    assert publish_to(ADD) == (1, "unchanged", 0)
    assert publish_to([*ADD[:2], ADD[2] + 100]) == (2, "active", 0)
    assert publish_to(OTHER) == (3, "pending", 1)
    assert publish_to(OTHER) == (3, "pending", 1)
    assert count(course, Judgement) == 9
    assert row(course, "ada").total == pytest.approx(8 / 3)


@ON_SQLITE
def test_a_later_version_is_not_replaced_by_an_earlier_one(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's is published while the first one's is still judging: theirs stays, the first one waits."""
    with course.database.read() as session:
        prof = course.user(session, "prof")
    submit(course, "ada", "add", values("add", 1))
    ends: list[regrade.Published] = []
    real = rejudging.judge_ahead

    def overtaken(*args: Any) -> int:
        monkeypatch.setattr(rejudging, "judge_ahead", real)
        ends.append(regrade.publish_to(course.database, prof, "toy", "add", [*ADD[:2], 8.0], LATER))
        return real(*args)

    monkeypatch.setattr(rejudging, "judge_ahead", overtaken)
    ends.append(regrade.publish_to(course.database, prof, "toy", "add", [*ADD[:2], 9.0], LATER))
    assert [(found.version, found.state) for found in ends] == [(3, "active"), (2, "pending")]
    assert state(course, ends[0].answer_id) == "active"


# -- preview -----------------------------------------------------------------------------------------------------


def test_a_preview_says_who_changes_by_how_much(course: Course) -> None:
    """Points of the problem and of the assignment; the largest change first; nobody who does not change."""
    submit(course, "ada", "add", ADD)
    submit(course, "ada", "total", VALUES["total"])
    submit(course, "bob", "add", OTHER)
    submit(course, "eve", "add", values("add", 0))
    found = preview(course, publish(course, [OTHER[0], ADD[1], ADD[2] + 1]).answer_id)
    third = pytest.approx(4 / 3)
    assert [(item.login, item.before, item.after) for item in found.changes] == [("ada", 4.0, third)]
    assert found.changes[0].total_before - found.changes[0].total_after == pytest.approx(8 / 3)
    assert found.changes[0].name == "Lovelace, Ada"
    assert (found.problem, found.version, found.submissions, found.verdicts_changed) == ("add", 2, 3, 4)


@ON_SQLITE
def test_a_preview_stores_nothing(course: Course) -> None:
    """It can be looked at as often as one likes."""
    submit(course, "ada", "add", ADD)
    answer = publish(course, OTHER).answer_id
    before = [count(course, table) for table in (Judgement, Activation, Event)]
    assert preview(course, answer) == preview(course, answer)
    assert [count(course, table) for table in (Judgement, Activation, Event)] == before


@ON_SQLITE
def test_a_preview_knows_the_rules(course: Course) -> None:
    """Another attempt becomes the best one, and the penalty is the one of that attempt."""
    course.policy("toy", due_at=DUE, max_late_days=2, penalty_percent=25.0)
    submit(course, "ada", "add", ADD, DUE)
    submit(course, "ada", "add", OTHER, DUE + HOUR)
    (change,) = preview(course, publish(course, [OTHER[0], 99, 99]).answer_id).changes
    assert (change.before, change.after) == (4.0, 1.0)  # a third of 4 points, less a quarter of it
    course.policy("toy", due_at=DUE, max_late_days=2, penalty_percent=25.0, counts="last")
    (change,) = preview(course, publish(course, [OTHER[0], 99, 99]).answer_id).changes
    assert (change.before, change.after) == (2.0, 1.0)


@ON_SQLITE
def test_a_preview_says_that_a_bank_is_shared(course: Course) -> None:
    """What is spent here may change the points of assignments that are due later, whose figures are not here."""
    submit(course, "ada", "add", ADD)
    answer = publish(course, OTHER).answer_id
    assert not preview(course, answer).shifts_bank
    late_days(course, 2)
    assert preview(course, answer).shifts_bank
    with course.database.write() as session:  # the course's only assignment
        toy, second = (catalogue.find_assignment(session, name).id for name in ("toy", "second"))
        session.execute(update(ProblemRow).where(ProblemRow.assignment_id == second).values(assignment_id=toy))
        session.execute(delete(AssignmentRow).where(AssignmentRow.id == second))
    assert not apply(course, answer).shifts_bank


@ON_SQLITE
def test_where_verified_grades_count_nobody_changes(course: Course) -> None:
    """The verdicts do, so it still waits for somebody to look."""
    submit(course, "ada", "add", ADD)
    verify(course, {"add": 4.0})
    course.policy("toy", official="verified")
    found = publish(course, OTHER)
    assert (found.state, found.changes) == ("pending", 0)
    assert preview(course, found.answer_id).verdicts_changed == 1


@ON_SQLITE
def test_staff_are_no_students(course: Course) -> None:
    """A change for an instructor's own try is not announced as a student's."""
    submit(course, "prof", "add", ADD)
    found = publish(course, OTHER)
    assert (found.state, found.changes) == ("pending", 0)


# -- apply -------------------------------------------------------------------------------------------------------


def test_applied_it_judges_what_is_stored_and_what_comes(course: Course) -> None:
    """The gradebook, the submissions' cases and new submissions follow the new version."""
    mine = submit(course, "ada", "add", ADD)
    answer = publish(course, OTHER).answer_id
    assert apply(course, answer).changes[0].login == "ada"
    assert row(course, "ada").total == pytest.approx(8 / 3)
    assert [case.correct for case in submission(course, mine).cases] == [False, True, True]
    assert submission(course, mine).counts_from == NOW
    submit(course, "bob", "add", OTHER)
    assert row(course, "bob").total == 4.0
    assert state(course, answer) == "active"


@ON_SQLITE
def test_nothing_of_the_old_judgement_is_lost(course: Course) -> None:
    """It is on record who applied what, and the verdicts of both versions stay."""
    submit(course, "ada", "add", ADD)
    answer = publish(course, OTHER).answer_id
    apply(course, answer)
    with course.database.read() as session:
        verdicts = session.execute(
            select(Judgement.answer_id, Judgement.correct).order_by(Judgement.answer_id, Judgement.case_id)
        ).all()
        event = session.scalars(select(Event).where(Event.kind == "answer.applied")).one()
        prof = course.user(session, "prof").id
    assert [found.correct for found in verdicts] == [True, True, True, False, True, True]
    assert (event.actor_id, event.about) == (prof, "toy/add version 2")
    assert event.details["points_changed"] == {"ada": [4.0, pytest.approx(8 / 3)]}


def test_cases_that_arrive_after_the_preview_are_judged(course: Course) -> None:
    """Also those of a submission that had begun before."""
    from grader.mugrade import codec
    from grader.server.desk.submissions import Desk
    from grader.server.settings import Settings

    begun = submit(course, "ada", "add", ADD[:1])
    answer = publish(course, OTHER).answer_id
    preview(course, answer)
    rejudging.judge_ahead(course.database, answer, LATER)
    with course.database.read() as session:
        ada = course.user(session, "ada")
    Desk(course.database, Settings()).post(ada, begun, 1, codec.dumps(ADD[1]), NOW)
    submit(course, "bob", "add", OTHER)
    apply(course, answer)
    assert [case.correct for case in submission(course, begun).cases] == [False, True, None]
    assert row(course, "bob").total == 4.0


@ON_SQLITE
def test_applied_twice_is_a_conflict(course: Course) -> None:
    """Two instructors, or a click too many: the second one reads that it is done."""
    submit(course, "ada", "add", ADD)
    answer = publish(course, OTHER).answer_id
    apply(course, answer)
    with pytest.raises(errors.Conflict, match="Version 2 is active already"):
        apply(course, answer)
    assert count(course, Activation) == 6


@ON_SQLITE
@pytest.mark.parametrize("number", [0, 99, 1 << 40, -1])
def test_answers_that_are_not_there_are_refused(course: Course, number: int) -> None:
    """In a preview as in applying."""
    for run in (preview, apply):
        with pytest.raises(errors.NotFound, match=f"no answers with the number {number}"):
            run(course, number)


def test_an_earlier_version_can_come_back(course: Course) -> None:
    """A rollback finds its verdicts still there, and gives everybody what they had."""
    submit(course, "ada", "add", ADD)
    with course.database.read() as session:
        first = gradebook.assignment(session, "toy").problems[0].answer_id
    assert first is not None
    apply(course, publish(course, OTHER).answer_id)
    submit(course, "bob", "add", ADD)  # judged under the second version alone
    stored = count(course, Judgement)
    done = apply(course, first)
    assert (row(course, "ada").total, row(course, "bob").total) == (4.0, 4.0)
    assert (done.verdicts_changed, count(course, Judgement)) == (2, stored + 3)


@ON_SQLITE
def test_a_waiting_version_can_be_applied_after_a_newer_one(course: Course) -> None:
    """Any version can judge, in any order."""
    submit(course, "ada", "add", ADD)
    second = publish(course, OTHER).answer_id
    apply(course, publish(course, [0, 0, 0]).answer_id)
    apply(course, second)
    assert row(course, "ada").total == pytest.approx(8 / 3)


@ON_SQLITE
def test_with_more_values_the_missing_cases_earn_nothing(course: Course) -> None:
    """Three of four cases are there: it waits, and says so, although no verdict changes."""
    submit(course, "ada", "add", ADD)
    found = publish(course, [*ADD, 5])
    assert (found.state, found.changes) == ("pending", 1)
    apply(course, found.answer_id)
    assert row(course, "ada").cells["add"].points == 3.0
    assert row(course, "ada").cells["add"].points == 4.0 * 3 / 4


@ON_SQLITE
def test_with_fewer_values_what_is_beyond_them_is_ignored(course: Course) -> None:
    """It is neither right nor wrong any more, and comes back with an answer of the old size."""
    mine = submit(course, "ada", "add", values("add", 2))
    found = publish(course, ADD[:2])
    assert found.state == "pending"
    apply(course, found.answer_id)
    assert row(course, "ada").cells["add"].points == 4.0
    assert [case.correct for case in submission(course, mine).cases] == [True, True]
    assert count(course, Judgement) == 5
    apply(course, publish(course, [*ADD, 5]).answer_id)
    assert row(course, "ada").cells["add"].points == 2.0


@ON_SQLITE
def test_a_version_that_an_older_one_replaced_does_not_wait(course: Course) -> None:
    """It has judged: nobody is asked to apply it, and it can still be applied again."""
    submit(course, "ada", "add", ADD)
    second = publish(course, OTHER).answer_id
    assert state(course, second) == "pending"
    apply(course, second)
    with course.database.read() as session:
        first = gradebook.answer_versions(session, "toy")[1].id
    apply(course, first)
    assert (state(course, first), state(course, second)) == ("active", "replaced")
    apply(course, second)
    assert (state(course, first), state(course, second)) == ("replaced", "active")


# -- judging ahead -------------------------------------------------------------------------------------------------


def test_judged_ahead_changes_nothing_and_leaves_less_to_do(course: Course) -> None:
    """The verdicts are stored, the points are as they were; a second time there is nothing to do."""
    submit(course, "ada", "add", ADD)
    submit(course, "bob", "add", ADD)
    answer = publish(course, OTHER).answer_id
    before = preview(course, answer)
    assert rejudging.judge_ahead(course.database, answer, LATER) == 6
    assert rejudging.judge_ahead(course.database, answer, LATER) == 0
    assert row(course, "ada").total == 4.0
    assert preview(course, answer) == before == apply(course, answer)
    assert count(course, Judgement) == 12


@ON_SQLITE
def test_a_value_that_was_posted_often_is_judged_once(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class of right answers is few different values."""
    for login in ("ada", "bob", "eve"):
        submit(course, login, "add", ADD)
    answer = publish(course, OTHER).answer_id
    judged = []
    real = rejudging.judge
    monkeypatch.setattr(rejudging, "judge", lambda *args: judged.append(args) or real(*args))
    preview(course, answer)
    assert len(judged) == 3


@ON_SQLITE
def test_judged_ahead_in_a_few_parameters_a_statement(course: Course) -> None:
    """However often one value was posted: PostgreSQL takes 65,535 parameters, and SQLite as few as 32,766."""
    many = 2 * rejudging._ROWS_A_STATEMENT + 1
    submit(course, "ada", "add", ADD[:1])
    answer = publish(course, OTHER).answer_id
    with course.database.write() as session:
        first = session.scalars(select(Submission)).one()
        case = session.scalars(select(CaseRow)).one()
        for number in range(2, many + 1):
            session.add(
                Submission(
                    id=number,
                    public_id=f"{number:032x}",
                    user_id=first.user_id,
                    problem_id=first.problem_id,
                    token=f"token {number}",
                    opened_at=NOW,
                )
            )
        session.flush()
        for number in range(2, many + 1):
            session.add(
                CaseRow(
                    submission_id=number,
                    case_index=0,
                    value_hash=case.value_hash,
                    received_at=NOW,
                    value=case.value,
                )
            )
    asked: list[int] = []
    event.listen(
        course.database.engine,
        "before_cursor_execute",
        lambda conn, cursor, statement, parameters, context, executemany: asked.append(
            0 if executemany else len(parameters)
        ),
    )
    assert rejudging.judge_ahead(course.database, answer, LATER) == many
    assert max(asked) <= rejudging._ROWS_A_STATEMENT + 1


def test_two_at_once_apply_once(course: Course) -> None:
    """The one that comes second finds it done."""
    submit(course, "ada", "add", ADD)
    answer = publish(course, OTHER).answer_id
    ends: list[str] = []

    def run() -> None:
        try:
            apply(course, answer)
            ends.append("applied")
        except errors.Conflict:
            ends.append("conflict")

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["applied", "conflict", "conflict", "conflict"]
    assert count(course, Judgement) == 6


def test_no_case_slips_in_between(course: Course) -> None:
    """Students post while versions are applied back and forth; in the end every tally is what the judgements say."""
    submit(course, "eve", "add", ADD)
    with course.database.read() as session:
        first = gradebook.assignment(session, "toy").problems[0].answer_id
    assert first is not None
    second = publish(course, OTHER).answer_id
    faults: list[Exception] = []

    def post(login: str) -> None:
        try:
            for number in range(5):
                submit(course, login, "add", ADD if number % 2 else OTHER)
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=post, args=(login,)) for login in ("ada", "bob")]
    for thread in threads:
        thread.start()
    for answer in (second, first, second):
        apply(course, answer)
    for thread in threads:
        thread.join()
    assert not faults
    with course.database.write() as session:
        assert regrade.recount(session) == 0
        judged = session.scalars(select(Tally.judged)).all()
    assert judged == [3] * 11


def test_recount_mends_what_is_wrong(course: Course) -> None:
    """The one derived table can be rebuilt from what is never changed."""
    submit(course, "ada", "add", ADD)
    submit(course, "bob", "scale", VALUES["scale"])
    with course.database.write() as session:
        ids = session.scalars(select(Tally.submission_id).order_by(Tally.submission_id)).all()
        session.execute(update(Tally).where(Tally.submission_id == ids[0]).values(correct=0, last_case_at=LATER))
        session.delete(session.get_one(Tally, ids[1]))
    with course.database.write() as session:
        assert regrade.recount(session) == 2
        assert regrade.recount(session) == 0
    assert (row(course, "ada").total, row(course, "bob").total) == (4.0, 3.0)
    assert row(course, "ada").cells["add"].late_days == 0
