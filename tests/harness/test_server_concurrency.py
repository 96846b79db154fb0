"""grader.server: many at once, on both databases. What must be one stays one; what was acknowledged stays there."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import numpy as np
import pytest
from servers import NOW, VALUES, Course, Live, serving
from sqlalchemy import event, func, select

from grader.mugrade import codec
from grader.server.desk import regrade
from grader.server.desk.submissions import Desk, Opening
from grader.server.settings import Settings
from grader.server.store import catalogue
from grader.server.store.models import Activation, CaseRow, Judgement, Submission, Tally
from grader.server.web import auth

ADD = Opening("toy", "add", "", "", "")


def at_once(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Each in a thread of its own, begun together; what they return, or what they raise."""
    start, results = threading.Barrier(len(works)), [None] * len(works)

    def run(i: int) -> None:
        start.wait()
        try:
            results[i] = works[i]()
        except Exception as error:
            results[i] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def post(live: Live, submission: str, index: int, value: Any, login: str = "ada") -> httpx.Response:
    return live.http.post(
        f"{live.url}submit_test",
        params={"submission_id": submission, "test_case_index": index},
        content=codec.dumps(value),
        headers=live.bearer(login),
    )


def submit(live: Live, login: str = "ada", **headers: str) -> httpx.Response:
    params = {"assignment": "toy", "problem": "add"}
    return live.http.post(f"{live.url}submit", params=params, headers={**live.bearer(login), **headers})


def count(course: Course, table: Any) -> int:
    with course.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_same_case_at_once(live_server: Live) -> None:
    """Twelve posts of one value at once: twelve same replies, one case, one judgement, counted once."""
    submission = submit(live_server).json()["submission_id"]
    replies = at_once([lambda: post(live_server, submission, 2, 7.25)] * 12)
    assert [reply.json() for reply in replies] == [{"correct": True, "message": ""}] * 12
    assert count(live_server.course, CaseRow) == count(live_server.course, Judgement) == 1
    with live_server.course.database.read() as session:
        tally = session.scalars(select(Tally)).one()
        assert (tally.correct, tally.judged) == (1, 1)


def test_different_values_at_once(live_server: Live) -> None:
    """Of different values for one case the first one stays, and every other is told so."""
    submission = submit(live_server).json()["submission_id"]
    replies = at_once([lambda value=value: post(live_server, submission, 2, value) for value in range(8)])
    assert Counter(reply.status_code for reply in replies) == {200: 1, 409: 7}
    assert count(live_server.course, CaseRow) == 1


def test_all_cases_at_once(live_server: Live) -> None:
    """All cases of a submission at once: each is counted, in whatever order they arrive."""
    submission = submit(live_server).json()["submission_id"]
    replies = at_once([lambda i=i: post(live_server, submission, i, VALUES["add"][i]) for i in range(3)] * 3)
    assert all(reply.json()["correct"] for reply in replies)
    with live_server.course.database.read() as session:
        tally = session.scalars(select(Tally)).one()
        assert (tally.correct, tally.judged) == (3, 3)


def test_same_token_at_once(live_server: Live) -> None:
    """Twelve calls with one token open one submission."""
    replies = at_once([lambda: submit(live_server, **{"Idempotency-Key": "token-of-ada"})] * 12)
    assert len({reply.json()["submission_id"] for reply in replies}) == 1
    assert count(live_server.course, Submission) == 1


def test_attempt_limit_at_once(live_server: Live) -> None:
    """Eight submissions, opened in time, begin at once: no more than the limit allows."""
    live_server.course.policy("toy", attempts_per_hour=3)
    waiting = [submit(live_server).json()["submission_id"] for _ in range(8)]
    replies = at_once([lambda one=one: post(live_server, one, 0, 1.0) for one in waiting])
    assert Counter(reply.status_code for reply in replies) == {200: 3, 429: 5}
    assert count(live_server.course, Tally) == count(live_server.course, CaseRow) == 3


def test_students_at_once(live_server: Live) -> None:
    """Three students, each with four whole submissions at once: nothing is lost, nothing is mixed up."""

    def whole(login: str) -> int:
        submission = submit(live_server, login).json()["submission_id"]
        return sum(post(live_server, submission, i, VALUES["add"][i], login).json()["correct"] for i in range(3))

    results = at_once([lambda login=login: whole(login) for login in ("ada", "bob", "eve")] * 4)
    assert results == [3] * 12
    with live_server.course.database.read() as session:
        assert session.scalars(select(Tally.correct)).all() == [3] * 12


def test_two_servers_on_one_database(course: Course) -> None:
    """The same value posted to two servers of one database at once is counted once."""
    with serving(course) as one, serving(course) as other:
        submission = submit(one).json()["submission_id"]
        replies = at_once([lambda live=live: post(live, submission, 2, 7.25) for live in (one, other)] * 5)
    assert all(reply.json()["correct"] for reply in replies)
    assert count(course, CaseRow) == count(course, Judgement) == 1


def test_applying_while_cases_arrive(course: Course) -> None:
    """Answers are replaced while cases pour in: in the end each case has a verdict of the active answers, counted."""
    desk = Desk(course.database, Settings())
    with course.database.read() as session:
        people = {login: course.user(session, login) for login in ("ada", "bob", "eve", "prof")}
    other = course.publish("toy", "add", [VALUES["add"][0] + 1, VALUES["add"][1], 0.0], active=False)

    def whole(login: str) -> None:
        submission = desk.open(people[login], ADD, NOW)
        for i in range(3):
            desk.post(people[login], submission, i, codec.dumps(VALUES["add"][i]), NOW)

    def applied() -> None:
        with course.database.write() as session:
            regrade.apply(session, people["prof"], other, NOW)

    works = [lambda login=login: whole(login) for login in ("ada", "bob", "eve") * 4]
    results = at_once([*works[:6], applied, *works[6:]])
    assert not [result for result in results if isinstance(result, Exception)]
    with course.database.read() as session:
        active = session.scalars(select(Activation.answer_id).order_by(Activation.id.desc())).first()
        assert active == other
        judged = session.scalars(select(Judgement.case_id).where(Judgement.answer_id == other)).all()
        assert sorted(judged) == sorted(session.scalars(select(CaseRow.id)).all())
        assert session.execute(select(Tally.correct, Tally.judged)).all() == [(1, 3)] * 12


def test_answers_replaced_between_judging_and_storing(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """A case that was judged under answers that are replaced before it is stored is judged again."""
    desk = Desk(course.database, Settings())
    with course.database.read() as session:
        ada, prof = course.user(session, "ada"), course.user(session, "prof")
    submission = desk.open(ada, ADD, NOW)
    other = course.publish("toy", "add", [0.0, 0.0, 0.0], active=False)
    judge, asked = desk._judge, []

    def judge_slowly(posted: Any, answer_id: int) -> Any:
        judged = judge(posted, answer_id)
        if not asked:
            with course.database.write() as session:
                regrade.apply(session, prof, other, NOW)
        asked.append(answer_id)
        return judged

    monkeypatch.setattr(desk, "_judge", judge_slowly)
    assert desk.post(ada, submission, 2, b"7.25", NOW).correct is False
    assert len(asked) == 2
    with course.database.read() as session:
        assert session.scalars(select(Judgement.answer_id)).all() == [other]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_writer_without_our_locks(course: Course) -> None:
    """Should something else store the case at the last moment, the constraint refuses ours, and theirs is found."""
    desk = Desk(course.database, Settings())
    with course.database.read() as session:
        ada = course.user(session, "ada")
    submission = desk.open(ada, ADD, NOW)
    interfered: list[str] = []

    @event.listens_for(course.database.engine, "before_cursor_execute")
    def interfere(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO cases") and not interfered:
            interfered.append(statement)
            with course.database.engine.begin() as connection:
                values = {"value": b"", "value_hash": codec.digest(7.25), "received_at": NOW, "case_index": 2}
                row = connection.execute(
                    CaseRow.__table__.insert().values(submission_id=1, **values).returning(CaseRow.__table__.c.id)
                )
                verdict = {"answer_id": 1, "correct": True, "message": "", "judged_at": NOW, "judged_by": "theirs"}
                connection.execute(Judgement.__table__.insert().values(case_id=row.scalar_one(), **verdict))

    assert desk.post(ada, submission, 2, b"7.25", NOW).correct is True
    assert interfered
    with course.database.read() as session:
        assert session.scalars(select(Judgement.judged_by)).all() == ["theirs"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_busy_server_makes_nobody_late(live_server: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that waits for us until the deadline has passed came when it came."""
    live_server.course.policy("toy", due_at=NOW)
    person = auth.person

    def busily(*args: Any) -> Any:
        live_server.clock.pass_by(seconds=20)
        return person(*args)

    monkeypatch.setattr(auth, "person", busily)
    opened = submit(live_server)
    assert opened.status_code == 200, opened.text
    live_server.clock.now = NOW
    assert post(live_server, opened.json()["submission_id"], 2, 7.25).json()["correct"] is True
    live_server.clock.now = NOW
    with live_server.course.database.read() as session:
        assert session.scalars(select(CaseRow.received_at)).all() == [NOW]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_large_bodies_do_not_stop_the_others(course: Course) -> None:
    """While large bodies are read, by two threads at most, a small request is answered."""
    with serving(course, heavy_threads=1, threads=4) as live:
        submission = submit(live).json()["submission_id"]
        large = np.zeros((200, 1000))
        works = [lambda i=i: post(live, submission, i % 3, large) for i in range(6)]
        healthy = lambda: live.http.get(f"{live.url}healthz")  # noqa: E731
        replies = at_once([*works, healthy, healthy])
    assert {reply.status_code for reply in replies} == {200}
    assert count(course, CaseRow) == 3


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_locked_problem_waits(course: Course) -> None:
    """Who applies a version has the problem alone: a case waits, and is judged after it."""
    desk = Desk(course.database, Settings())
    with course.database.read() as session:
        ada = course.user(session, "ada")
        _, row = catalogue.find_problem(session, "toy", "add")
    submission = desk.open(ada, ADD, NOW)
    order: list[str] = []

    def posting() -> None:
        desk.post(ada, submission, 2, b"7.25", NOW)
        order.append("posted")

    with course.database.write() as session:
        catalogue.lock_problem(session, row.id)
        thread = threading.Thread(target=posting)
        thread.start()
        thread.join(timeout=0.3)
        order.append("applied")
    thread.join()
    assert order == ["applied", "posted"]
