"""grader.server.web.wire, submissions: the mugrade protocol against a real server, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import numpy as np
import pytest
from servers import NOW, VALUES, Live, serving
from sqlalchemy import func, select

from grader.mugrade import codec
from grader.server.desk import regrade, rejudging
from grader.server.store.models import Answer, CaseRow, Extension, Judgement, Submission, Tally

# What is decided before the database is asked is tested on one of them.
once = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
HW = {"assignment": "toy", "problem": "add"}


def submit(live: Live, login: str = "ada", **changes: Any) -> httpx.Response:
    headers = {**live.bearer(login), **changes.pop("headers", {})}
    return live.http.post(f"{live.url}submit", params={**HW, **changes}, headers=headers)


def post(live: Live, submission: str, index: Any, value: Any, login: str = "ada") -> httpx.Response:
    body = value if isinstance(value, bytes) else codec.dumps(value)
    params = {"submission_id": submission, "test_case_index": index}
    return live.http.post(f"{live.url}submit_test", params=params, content=body, headers=live.bearer(login))


def opened(live: Live, login: str = "ada", **changes: Any) -> str:
    reply = submit(live, login, **changes)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["submission_id"])


def refused(reply: httpx.Response, status: int, words: str) -> None:
    """The reply is that refusal: one sentence as text, with these words in it."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert words in reply.text
    assert "\n" not in reply.text
    assert reply.text.endswith(".")


def count(live: Live, table: Any) -> int:
    with live.course.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


# -- what works ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", ["add", "scale", "total"])
def test_right_values_are_correct(live_server: Live, problem: str) -> None:
    """Every right value is judged correct, whatever its kind, and counted."""
    submission = opened(live_server, problem=problem)
    for index, value in enumerate(VALUES[problem]):
        assert post(live_server, submission, index, value).json() == {"correct": True, "message": ""}
    with live_server.course.database.read() as session:
        tally = session.scalars(select(Tally)).one()
        assert (tally.correct, tally.judged) == (len(VALUES[problem]),) * 2


def test_wrong_value_says_where(live_server: Live) -> None:
    """A wrong value is judged, stored, and told without the right one."""
    reply = post(live_server, opened(live_server), 1, np.array([1.5, 3.0]))
    assert reply.json() == {
        "correct": False,
        "message": "the value is wrong: 1 of 2 values differs, the first one at [1].",
    }
    assert count(live_server, CaseRow) == count(live_server, Judgement) == 1


def test_key_in_the_query(live_server: Live) -> None:
    """The course's client sends the key in the query, submits by function name and doubles the slash."""
    key = live_server.course.keys["ada"]
    params = {"user_key": key, "assignment": "toy", "problem": "submit_add"}
    submission = live_server.http.post(f"{live_server.url}/submit", params=params).json()["submission_id"]
    params = {"user_key": key, "submission_id": submission, "test_case_index": 2}
    assert live_server.http.post(f"{live_server.url}/submit_test", params=params, json=7.25).json()["correct"] is True


def test_alias(live_server: Live) -> None:
    """A problem is known by its aliases too."""
    assert opened(live_server, problem="multiply")


def test_same_value_again(live_server: Live) -> None:
    """The same value posted again, however it is written, has the same reply and is stored once."""
    submission = opened(live_server)
    first = post(live_server, submission, 2, b"7.25")
    again = post(live_server, submission, 2, b" 7.250 ")
    assert first.json() == again.json() == {"correct": True, "message": ""}
    assert count(live_server, CaseRow) == 1


def test_same_value_again_after_all_closed(live_server: Live) -> None:
    """A lost reply is given again though the submission, and the assignment, have closed since."""
    submission = opened(live_server)
    post(live_server, submission, 2, 7.25)
    live_server.course.policy("toy", due_at=NOW)
    live_server.clock.pass_by(hours=2)
    assert post(live_server, submission, 2, 7.25).json()["correct"] is True


def test_same_value_again_beyond_the_answers(live_server: Live) -> None:
    """It has the last verdict that counted; of a version that waits, and was judged ahead, nothing is to be seen."""
    course = live_server.course
    submission = opened(live_server)
    for index, value in enumerate(VALUES["add"]):
        post(live_server, submission, index, value)
    with course.database.read() as session:
        first = session.scalars(select(Judgement.answer_id)).first()
    other, waiting = (course.publish("toy", "add", [*VALUES["add"][:2], end], active=False) for end in (7.5, 99.0))
    fewer = course.publish("toy", "add", VALUES["add"][:2], active=False)
    assert rejudging.judge_ahead(course.database, waiting, NOW) == 3

    def again_under(answer: Any) -> bool:
        with course.database.write() as session:
            regrade.apply(session, course.user(session, "prof"), answer, NOW)
        return bool(post(live_server, submission, 2, 7.25).json()["correct"])

    assert [again_under(answer) for answer in (fewer, other, fewer, first, fewer)] == [True, False, False, True, True]
    refused(post(live_server, submission, 2, 7.5), 409, "has another value already")
    refused(post(live_server, opened(live_server), 2, 7.25), 422, "add has 2 cases")


def test_same_value_again_after_a_regrade(live_server: Live) -> None:
    """It has the verdict of the answers that are active now."""
    submission = opened(live_server)
    post(live_server, submission, 2, 7.25)
    answer = live_server.course.publish("toy", "add", [*VALUES["add"][:2], 8.0])
    with live_server.course.database.write() as session:
        case = session.scalars(select(CaseRow)).one()
        session.add(
            Judgement(case_id=case.id, answer_id=answer, correct=False, message="no", judged_at=NOW, judged_by="test")
        )
    assert post(live_server, submission, 2, 7.25).json() == {"correct": False, "message": "no"}


def test_token_opens_once(live_server: Live) -> None:
    """The same Idempotency-Key gives the same submission again."""
    token = {"Idempotency-Key": "a-token_12"}
    assert opened(live_server, headers=token) == opened(live_server, headers=token)
    assert count(live_server, Submission) == 1


def test_no_token_opens_twice(live_server: Live) -> None:
    """Without one every call opens another submission."""
    assert opened(live_server) != opened(live_server)


def test_what_is_kept_of_a_submission(live_server: Live) -> None:
    """Tree hash, client and time are stored with it."""
    opened(live_server, headers={"X-Tree-Hash": "AB" * 32, "User-Agent": "x" * 300})
    with live_server.course.database.read() as session:
        row = session.scalars(select(Submission)).one()
        assert (row.tree_hash, row.client, row.opened_at) == ("ab" * 32, "x" * 200, NOW)


# -- who and what ----------------------------------------------------------------------------------------------------


@once
@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "There is no key"),
        ({"Authorization": "Basic abc"}, "not of the form 'Bearer KEY'"),
        ({"Authorization": "Bearer"}, "not of the form 'Bearer KEY'"),
        ({"Authorization": "Bearer ndl_mistyped"}, "incomplete or mistyped"),
        ({"Authorization": "Bearer ' OR 1=1 --"}, "incomplete or mistyped"),
    ],
)
def test_no_key(live_server: Live, headers: dict[str, str], words: str) -> None:
    """Without a key, or with something else in its place, nobody is let in; and the text is not repeated."""
    reply = live_server.http.post(f"{live_server.url}submit", params=HW, headers=headers)
    refused(reply, 401, words)
    assert reply.headers["www-authenticate"] == "Bearer"
    assert "mistyped_" not in reply.text


def test_unknown_and_revoked_key(live_server: Live) -> None:
    """A key that nobody has, and one that was revoked, are refused alike."""
    from grader.server.store import keys

    course = live_server.course
    body = keys.PREFIX + "x" * 32
    unknown = body + keys._check(body)
    with course.database.write() as session:
        keys.revoke_all(session, course.user(session, "ada"), NOW)
    for key in (unknown, course.keys["ada"]):
        reply = live_server.http.post(f"{live_server.url}submit", params=HW, headers={"Authorization": f"Bearer {key}"})
        refused(reply, 401, "not known or was revoked")


def test_inactive_user(live_server: Live) -> None:
    """Who left the course is not let in."""
    with live_server.course.database.write() as session:
        live_server.course.user(session, "ada").active = False
    refused(submit(live_server), 401, "not known or was revoked")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"assignment": "nothing"}, "There is no assignment 'nothing'; expected one of: toy, second."),
        ({"problem": "nothing"}, "toy has no problem 'nothing'; expected one of: add, scale, total."),
        ({"problem": "alpha"}, "toy has no problem 'alpha'"),
        ({"assignment": "x'; DROP TABLE users; --"}, 'There is no assignment "x\'; DROP TABLE users; --"'),
        ({"problem": "<script>\x00" + "x" * 200}, "'<script>\\x00xxx"),
        ({"problem": ""}, "toy has no problem ''"),
    ],
)
def test_unknown_names(live_server: Live, changes: dict[str, str], words: str) -> None:
    """An unknown name is told with the known ones; what would act in it is inert."""
    refused(submit(live_server, **changes), 404, words)


@once
@pytest.mark.parametrize("public_id", ["0" * 32, "", "1", "\x00", "x" * 400, "' OR 1=1"])
def test_unknown_submission(live_server: Live, public_id: str) -> None:
    """An id that was never given out."""
    refused(post(live_server, public_id, 0, 1), 404, "There is no submission")


def test_anothers_submission(live_server: Live) -> None:
    """Nobody posts into a submission of somebody else, staff neither."""
    submission = opened(live_server)
    for login in ("bob", "prof"):
        refused(post(live_server, submission, 0, VALUES["add"][0], login), 403, "somebody else's")
    assert count(live_server, CaseRow) == 0


@once
@pytest.mark.parametrize("index", [3, 1000, 2**31 - 1])
def test_index_past_the_end(live_server: Live, index: int) -> None:
    """A case that there is not."""
    refused(post(live_server, opened(live_server), index, 1), 422, f"has value {index}; add has 3 cases")


@once
@pytest.mark.parametrize("index", ["-1", "x", "1.5", "", "9" * 50, str(2**31)])
def test_index_that_is_none(live_server: Live, index: str) -> None:
    """What is no index."""
    refused(post(live_server, opened(live_server), index, 1), 422, "test_case_index has value")


@once
def test_missing_parameter(live_server: Live) -> None:
    """It is named."""
    reply = live_server.http.post(
        f"{live_server.url}submit", params={"problem": "add"}, headers=live_server.bearer("ada")
    )
    refused(reply, 422, "assignment is missing; expected it in the query.")


@once
@pytest.mark.parametrize("name", ["Idempotency-Key", "X-Tree-Hash"])
def test_bad_header(live_server: Live, name: str) -> None:
    """A header of another form is refused, and named."""
    refused(submit(live_server, headers={name: "bad!"}), 422, f"The header {name} has value 'bad!'")


def test_token_of_another_problem_and_person(live_server: Live) -> None:
    """A token stands for one submission of one person."""
    token = {"Idempotency-Key": "a-token_12"}
    opened(live_server, headers=token)
    refused(submit(live_server, problem="scale", headers=token), 409, "was used for another problem")
    refused(submit(live_server, "bob", headers=token), 409, "was used for somebody else")


@once
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "there is no value".capitalize()),
        (b"{", "not JSON"),
        (b"NaN", "NaN"),
        (b"[1, Infinity]", "Infinity"),
        (b"1e999", "infinity"),
        (b"[" * 70 + b"]" * 70, "deep"),
        (b"[" * 100_000, "deep"),
        (b"\xff\xfe", "UTF-8"),
        (b'{"a":1,"a":2}', "key twice"),
        (b'{"_encoded_type":"np.ndarray","data":[[1],[1,2]]}', "ragged"),
        (b'{"_encoded_type":"function","data":"os.system"}', "_encoded_type"),
        (b"9" * 30, "64 bits"),
    ],
)
def test_bodies_that_are_no_value(live_server: Live, body: bytes, words: str) -> None:
    """What is not a value is refused, and costs no attempt."""
    refused(post(live_server, opened(live_server), 0, body), 400, words)
    assert count(live_server, CaseRow) == count(live_server, Tally) == 0


def test_another_value(live_server: Live) -> None:
    """A case that was judged takes no other value."""
    submission = opened(live_server)
    post(live_server, submission, 2, 1.0)
    refused(post(live_server, submission, 2, 7.25), 409, "has another value already")
    with live_server.course.database.read() as session:
        assert session.scalars(select(Judgement.correct)).one() is False


def test_unpublished_problem(live_server: Live) -> None:
    """Nothing can be submitted that nothing can judge."""
    from dataclasses import replace

    from grader.server.store import catalogue

    toy = live_server.course.assignments["toy"]
    new = replace(toy.problems[0], name="fresh", aliases=())
    with live_server.course.database.write() as session:
        catalogue.sync(session, replace(toy, problems=(*toy.problems, new)))
    refused(submit(live_server, problem="fresh"), 409, "has no published answers yet")


@once
def test_older_edition(live_server: Live) -> None:
    """Pickles are refused with what to do, and never read."""
    for path in ("_/api/submit", "//_/api/x/y"):
        refused(live_server.http.post(f"{live_server.url}{path}", content=b"gASVCg=="), 410, "update your client")


# -- times and attempts ----------------------------------------------------------------------------------------------


def test_not_yet_open(live_server: Live) -> None:
    """Before it opens, a student cannot submit; staff can."""
    live_server.course.policy("toy", open_at=NOW + timedelta(hours=1))
    refused(submit(live_server), 403, "toy opens on 2026-11-02 13:00 UTC")
    assert opened(live_server, "prof")


def test_closed(live_server: Live) -> None:
    """After it has closed, neither a submission nor a case of one is taken."""
    submission = opened(live_server)
    live_server.course.policy("toy", due_at=NOW + timedelta(minutes=30))
    live_server.clock.pass_by(minutes=31)
    refused(submit(live_server), 403, "toy closed")
    refused(post(live_server, submission, 0, 1.0), 403, "toy closed")
    assert count(live_server, CaseRow) == 0


def test_deadline_in_the_middle(live_server: Live) -> None:
    """What was posted in time stays in time: a case after the due time is refused, and wants a new submission."""
    live_server.course.policy("toy", due_at=NOW + timedelta(minutes=30), max_late_days=2)
    submission = opened(live_server)
    assert post(live_server, submission, 0, VALUES["add"][0]).json()["correct"]
    state = f"{live_server.url}api/submissions/{submission}"
    assert live_server.http.get(state, headers=live_server.bearer("ada")).json()["open"] is True
    live_server.clock.pass_by(minutes=31)
    refused(post(live_server, submission, 1, VALUES["add"][1]), 409, "Submit the problem anew")
    assert live_server.http.get(state, headers=live_server.bearer("ada")).json()["open"] is False
    assert post(live_server, submission, 0, VALUES["add"][0]).json()["correct"]  # a lost reply
    assert count(live_server, CaseRow) == 1
    assert post(live_server, opened(live_server), 1, VALUES["add"][1]).json()["correct"]


def test_extension(live_server: Live) -> None:
    """A student with an extension has their own time."""
    course = live_server.course
    course.policy("toy", due_at=NOW - timedelta(hours=1))
    with course.database.write() as session:
        ada, prof, row = course.user(session, "ada"), course.user(session, "prof"), course.row(session, "toy")
        session.add(
            Extension(
                assignment_id=row.id, user_id=ada.id, due_at=NOW + timedelta(days=1), created_at=NOW, created_by=prof.id
            )
        )
    assert opened(live_server)
    refused(submit(live_server, "bob"), 403, "toy closed")


def test_submission_ends(live_server: Live) -> None:
    """Sixty minutes after it was opened a submission takes no case."""
    submission = opened(live_server)
    live_server.clock.pass_by(minutes=60)
    assert post(live_server, submission, 0, VALUES["add"][0]).status_code == 200
    live_server.clock.pass_by(seconds=1)
    refused(post(live_server, submission, 1, VALUES["add"][1]), 409, "took cases for 60 minutes")


def test_attempts(live_server: Live) -> None:
    """An attempt is spent by the first judged case, and comes back an hour after it."""
    live_server.course.policy("toy", attempts_per_hour=2)
    waiting = [opened(live_server) for _ in range(3)]
    post(live_server, waiting[0], 0, 1.0)
    live_server.clock.pass_by(minutes=10)
    post(live_server, waiting[1], 0, 1.0)
    assert post(live_server, waiting[1], 1, 1.0).status_code == 200  # an attempt that has begun goes on
    late = post(live_server, waiting[2], 0, 1.0)
    refused(late, 429, "add takes 2 attempts in an hour")
    assert late.headers["retry-after"] == "3000"
    refused(submit(live_server), 429, "add takes 2 attempts")
    assert opened(live_server, problem="scale")
    assert opened(live_server, "bob")
    live_server.clock.pass_by(minutes=50)
    assert post(live_server, waiting[2], 0, 1.0).status_code == 200


def test_next_attempt_is_told(live_server: Live) -> None:
    """Where none is left: when the next one is free, by problem and caller; a client need not compute in vain."""
    address = f"{live_server.url}api/assignments/toy"

    def told(login: str = "ada") -> dict[str, Any]:
        reply = live_server.http.get(address, headers=live_server.bearer(login)).json()
        return {"limit": reply["attempts_per_hour"], **{p["name"]: p["next_attempt_at"] for p in reply["problems"]}}

    post(live_server, opened(live_server), 0, 1.0)
    free = {"add": None, "scale": None, "total": None}
    assert told() == {"limit": None, **free}
    live_server.course.policy("toy", attempts_per_hour=2)
    live_server.clock.pass_by(minutes=10)
    assert told() == {"limit": 2, **free}
    post(live_server, opened(live_server), 0, 1.0)
    assert told() == {"limit": 2, **free, "add": "2026-11-02T13:00:00Z"}
    assert told("bob") == told("prof") == {"limit": 2, **free}
    post(live_server, opened(live_server, "prof"), 0, 1.0, "prof")
    post(live_server, opened(live_server, "prof"), 0, 1.0, "prof")
    assert told("prof") == {"limit": 2, **free}
    live_server.clock.pass_by(minutes=50)
    assert told() == {"limit": 2, **free}
    assert opened(live_server)


def test_what_counts_is_told(live_server: Live) -> None:
    """Whether it is the best submission or the last one."""
    address = f"{live_server.url}api/assignments/toy"
    assert live_server.http.get(address, headers=live_server.bearer("ada")).json()["counts"] == "best"
    live_server.course.policy("toy", counts="last")
    assert live_server.http.get(address, headers=live_server.bearer("ada")).json()["counts"] == "last"


def test_refusals_cost_nothing(live_server: Live) -> None:
    """What was refused is no attempt; a token that has opened one already is not refused for the limit."""
    live_server.course.policy("toy", attempts_per_hour=1)
    token = {"Idempotency-Key": "a-token_12"}
    submission = opened(live_server, headers=token)
    assert post(live_server, submission, 9, 1.0).status_code == 422
    assert post(live_server, submission, 0, b"{").status_code == 400
    assert post(live_server, submission, 0, 1.0).status_code == 200
    assert opened(live_server, headers=token) == submission


def test_counts_from_its_last_case(live_server: Live) -> None:
    """The tally has the times of the first case and of the last."""
    submission = opened(live_server)
    for index in range(2):
        live_server.clock.pass_by(minutes=1)
        post(live_server, submission, index, VALUES["add"][index])
    with live_server.course.database.read() as session:
        tally = session.scalars(select(Tally)).one()
        assert tally.first_case_at == NOW + timedelta(minutes=1)
        assert tally.last_case_at == NOW + timedelta(minutes=2)


# -- publish ---------------------------------------------------------------------------------------------------------


def publish(live: Live, values: Any, login: str = "prof", **changes: Any) -> httpx.Response:
    body = values if isinstance(values, bytes) else codec.dumps(values)
    return live.http.post(f"{live.url}publish", params={**HW, **changes}, content=body, headers=live.bearer(login))


def test_publish(live_server: Live) -> None:
    """Other answers are a version; where nobody has submitted they are active at once."""
    reply = publish(live_server, [1.0, 2.0])
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert (body["version"], body["state"], body["cases"], body["changes"]) == (2, "active", 2, 0)
    submission = opened(live_server)
    assert post(live_server, submission, 1, 2.0).json()["correct"] is True
    assert post(live_server, submission, 2, 2.0).status_code == 422


def test_publish_the_same(live_server: Live) -> None:
    """The same answers again are no version."""
    reply = publish(live_server, VALUES["add"]).json()
    assert (reply["version"], reply["state"]) == (1, "unchanged")


def test_publish_what_changes_somebody(live_server: Live) -> None:
    """It waits until it is applied; until then the former answers judge."""
    submission = opened(live_server)
    post(live_server, submission, 2, 7.25)
    reply = publish(live_server, [*VALUES["add"][:2], 8.0]).json()
    assert (reply["version"], reply["state"], reply["changes"]) == (2, "pending", 1)
    assert post(live_server, opened(live_server), 2, 7.25).json()["correct"] is True


@pytest.mark.parametrize("login", ["ada", "robot"])
def test_publish_is_for_instructors(live_server: Live, login: str) -> None:
    """No other role publishes."""
    refused(publish(live_server, [1.0], login), 403, "this needs the role instructor")


@once
@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"[1, NaN]", 400, "NaN"),
        (b"3", 422, "not a list"),
        (b"[]", 422, "has 0 values"),
        (b"[" + b"1," * 1000 + b"1]", 422, "has 1001 values; expected 1 to 1000"),
        (b"", 400, "there is no value".capitalize()),
    ],
)
def test_bad_answers(live_server: Live, body: bytes, status: int, words: str) -> None:
    """What cannot be answers is refused, and nothing is stored."""
    before = count(live_server, Answer)
    refused(publish(live_server, body), status, words)
    assert count(live_server, Answer) == before


@once
def test_publish_unknown(live_server: Live) -> None:
    """Of a problem that there is not."""
    refused(publish(live_server, [1.0], problem="nothing"), 404, "has no problem")


@once
def test_other_minutes(course: Any) -> None:
    """How long a submission takes cases is a setting."""
    with serving(course, submission_minutes=5) as live:
        submission = opened(live)
        live.clock.pass_by(minutes=6)
        refused(post(live, submission, 0, 1.0), 409, "took cases for 5 minutes")
