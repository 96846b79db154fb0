"""A verified grade is stored when everything that it states is true here, and only once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", reason="what only the course's own machine needs is not installed")

from gradebooks import DAY, DUE, HOUR, ON_SQLITE, TREE, canonical, document, row, submit, values, view
from servers import NOW, Course, opened, set_up
from sqlalchemy import func, select

from grader.mugrade import codec, signature
from grader.server import errors
from grader.server.book import verified
from grader.server.desk.submissions import Desk, Opening
from grader.server.settings import Settings
from grader.server.store import keys
from grader.server.store.models import Event, VerifiedGrade

MOST = {"add": 4.0, "scale": 3.0, "total": 3.0}
SOME = {"add": 4.0, "scale": 1.5, "total": 0.0}


def stated(points: dict[str, float] | None = None, **changes: Any) -> dict[str, Any]:
    return document(SOME if points is None else points, MOST, **changes)


def post(course: Course, found: dict[str, Any] | str, who: str = "robot", signer: str = "", **more: Any) -> Any:
    """Sign with `signer`'s key (the poster's own, unless said) and post with `who`'s."""
    text = found if isinstance(found, str) else canonical(found)
    signed = more.get("signed") or signature.sign(text, course.keys[signer or who])
    with course.database.write() as session:
        known = keys.find(session, course.keys[who])
        assert known is not None
        return verified.post(session, *known, text, signed, more.get("now", NOW))


def stored(course: Course) -> int:
    with course.database.read() as session:
        return session.scalar(select(func.count()).select_from(VerifiedGrade)) or 0


def test_a_signed_grade_is_stored(course: Course) -> None:
    """As it was stated, with the signature, so that it can be checked again in ten years."""
    found = post(course, stated())
    assert (found.student, found.points, found.max_points) == ("ada", 5.5, 10.0)
    with course.database.read() as session:
        grade = session.get_one(VerifiedGrade, found.id)
        key = session.scalars(select(verified.Key).where(verified.Key.id == grade.key_id)).one()
        event = session.scalars(select(Event).where(Event.kind == "grade.verified")).one()
    assert grade.statement == canonical(stated())
    assert signature.verify(grade.statement, grade.signature, key.verify_key)
    points = {name: [earned, MOST[name]] for name, earned in SOME.items()}
    assert (grade.points, grade.seed, grade.submission_hash) == (points, "5", TREE)
    assert (grade.submitted_at, grade.graded_at, grade.posted_at) == (NOW, NOW, NOW)
    assert event.about == "ada in toy"


@ON_SQLITE
def test_an_instructor_may_post_too(course: Course) -> None:
    """With a key of their own, that signs as well."""
    assert post(course, stated(), "prof").points == 5.5


@ON_SQLITE
def test_a_student_may_not(course: Course) -> None:
    """Not even a grade that is signed rightly."""
    with pytest.raises(errors.Forbidden, match="Your key has the role student"):
        post(course, stated(), "ada")
    assert stored(course) == 0


@ON_SQLITE
@pytest.mark.parametrize("signed", ["", "00" * 64, "zz", "ab"], ids=["none", "zeros", "letters", "short"])
def test_a_bad_signature_is_refused(course: Course, signed: str) -> None:
    """Whatever is wrong with it."""
    with pytest.raises(errors.Forbidden, match="signature does not fit"):
        post(course, stated(), signed=signed or " ")
    assert stored(course) == 0


@ON_SQLITE
def test_a_signature_by_another_key_is_refused(course: Course) -> None:
    """A stolen statement posted with one's own key, and the other way round."""
    with pytest.raises(errors.Forbidden, match="signature does not fit"):
        post(course, stated(), "prof", "robot")
    with pytest.raises(errors.Forbidden, match="signature does not fit"):
        post(course, stated(), "robot", "ada")


@ON_SQLITE
def test_one_changed_digit_is_refused(course: Course) -> None:
    """The signature is over every byte."""
    signed = signature.sign(canonical(stated()), course.keys["robot"])
    with pytest.raises(errors.Forbidden, match="signature does not fit"):
        post(course, stated({**SOME, "scale": 2.5}), signed=signed)


def test_a_replayed_statement_is_a_conflict(course: Course) -> None:
    """It names the grade that is there, and when it came."""
    first = post(course, stated())
    with pytest.raises(errors.Conflict, match=rf"verified grade {first.id} of ada, posted on 2026-11-02 12:00 UTC"):
        post(course, stated(), now=NOW + DAY)
    assert stored(course) == 1


@ON_SQLITE
def test_the_same_tree_graded_again_is_another_grade(course: Course) -> None:
    """It was graded at another time, so it states something else."""
    post(course, stated())
    post(course, stated(graded_at=(NOW + HOUR).isoformat()), now=NOW + DAY)
    assert len(view(course, "ada").verified) == 2


def test_posted_twice_at_once_it_is_stored_once(course: Course) -> None:
    """The constraint on the statement's hash decides, and the loser reads what happened."""
    ends: list[str] = []

    def run() -> None:
        try:
            post(course, stated())
            ends.append("stored")
        except errors.Conflict as conflict:
            ends.append("conflict" if "recorded before" in str(conflict) else str(conflict))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["conflict"] * 5 + ["stored"]
    assert stored(course) == 1


# -- what is stated --------------------------------------------------------------------------------------------------

FULL = stated(MOST)
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "schema": (stated(schema="needle-verified/2"), "schema is 'needle-verified/2'; expected 'needle-verified/1'"),
    "field missing": ({k: v for k, v in stated().items() if k != "seed"}, "missing or unknown: seed"),
    "field more": (stated(extra=1), "missing or unknown: extra"),
    "kind": (stated(seed="5"), "seed is '5'"),
    "bool": (stated(seed=True), "seed is True"),
    "seed": (stated(seed=-1), "seed is -1; expected a number from 0"),
    "hash": (stated(submission_hash="AB" * 32), "submission_hash is 'ABAB"),
    "suite hash": (stated(suite_hash=""), "suite_hash is ''; expected 64 hexadecimal digits"),
    "assignment": (stated(assignment="hw9"), "assignment that this server has not: There is no assignment 'hw9'"),
    "student": (stated(student="nobody"), "student 'nobody', who is not in the roster"),
    "nul": (stated(student="a\0"), "who is not in the roster"),
    "staff": (stated(student="prof"), "prof, who has the role instructor; expected a student"),
    "problem missing": (document({"add": 4.0}, MOST), "differ in their problems: scale, total"),
    "problem more": (document({**SOME, "x": 0.0}, {**MOST, "x": 1.0}), "differ in their problems: x"),
    "most": (document(SOME, {**MOST, "add": 5.0}), "at most 5 points for add; expected 4"),
    "device": (document({**SOME, "add": 0.0}, {**MOST, "add": 0.0}), "at most 0 points for add; expected 4"),
    "negative": (stated(points={**stated()["points"], "add": [-1, 4]}), "points of 'add' is"),
    "above": (stated(points={**stated()["points"], "add": [5, 4]}), "points of 'add' is"),
    "pair": (stated(points={**stated()["points"], "add": [4]}), "points of 'add' is"),
    "true": (stated(points={**stated()["points"], "add": [True, 4]}), "points of 'add' is"),
    "text": (stated(points={**stated()["points"], "add": ["4", "4"]}), "points of 'add' is"),
    "verdict": (stated(verdicts=[["a", "excellent"]]), "verdicts is"),
    "verdict's kind": (stated(verdicts=[["a", ["pass"]]]), "verdicts is"),
    "verdict twice": (stated(verdicts=[["a", "pass"], ["a", "pass"]]), "two verdicts on the case 'a'"),
    "no verdicts": (stated(verdicts=[]), "0 verdicts for 3 problems"),
    "all passed": (stated(verdicts=[[case, "pass"] for case, _ in stated()["verdicts"]]), "do not follow"),
    "some failed": ({**FULL, "verdicts": stated()["verdicts"]}, "do not follow"),
    "none passed": (stated(verdicts=[[case, "fail"] for case, _ in stated()["verdicts"]]), "do not follow"),
    "naive": (stated(graded_at="2026-11-02T12:00:00"), "graded_at is '2026-11-02T12:00:00'; expected a time with its"),
    "no time": (stated(submitted_at="yesterday"), "submitted_at is 'yesterday'"),
    "future": (stated(graded_at=(NOW + HOUR).isoformat()), "expected the past"),
    "far future": (stated(submitted_at="9999-12-31T23:59:59-14:00"), "in the year 9999"),
    "far past": (stated(submitted_at="0001-01-01T00:00:00+14:00"), "in the year 1; expected 2000 to 2026"),
    "order": (stated(graded_at=(NOW - DAY).isoformat()), "expected it the other way round"),
    "unknown time": (stated(submitted_at=None), "pass the time with --submitted-at"),
}


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Course]:
    """A course that all refused statements share: none of them may leave anything."""
    with opened("sqlite", tmp_path_factory.mktemp("quiet"), request) as database:
        yield set_up(database)


@pytest.mark.parametrize(("found", "said"), WRONG.values(), ids=list(WRONG))
def test_what_is_not_true_here_is_refused(quiet: Course, found: dict[str, Any], said: str) -> None:
    """However well it is signed; in one sentence that names the field. Nothing is stored."""
    with pytest.raises(errors.Invalid) as refused:
        post(quiet, found)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert stored(quiet) == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        canonical(stated()) + " ",
        canonical(stated()).replace('"seed":5', '"seed":5,"seed":6'),
        canonical(stated()).replace('"seed":5', '"seed":NaN'),
        canonical(stated()).replace('"seed":5', '"seed":' + "9" * 5000),
        "[" * 100_000,
    ],
    ids=["empty", "cut", "list", "null", "blank", "twice", "nan", "digits", "deep"],
)
def test_what_is_not_canonical_is_refused(quiet: Course, text: str) -> None:
    """Two readers must not read two grades from one signature."""
    with pytest.raises(errors.Invalid, match=r"is not (canonical )?JSON"):
        post(quiet, text)
    assert stored(quiet) == 0


@ON_SQLITE
def test_clocks_may_differ_a_little(course: Course) -> None:
    """The grader's may be five minutes ahead of the server's."""
    ahead = (NOW + timedelta(minutes=5)).isoformat()
    assert post(course, stated(submitted_at=ahead, graded_at=ahead)).points == 5.5


# -- when it was handed in -------------------------------------------------------------------------------------------


def test_the_time_is_that_of_the_submission_with_the_same_tree(course: Course) -> None:
    """Of the first one that the student made from that tree; not of another tree, nor of another student."""
    submit(course, "ada", "scale", values("scale", 2), NOW, tree="ff" * 32)
    submit(course, "bob", "add", values("add", 3), NOW, tree=TREE)
    submit(course, "ada", "add", values("add", 3), NOW + 2 * HOUR, tree=TREE)
    submit(course, "ada", "total", values("total", 2), NOW + HOUR, tree=TREE)
    submit(course, "ada", "add", values("add", 3), NOW + 3 * HOUR, tree=TREE)
    graded = NOW + DAY
    post(course, stated(submitted_at=None, graded_at=graded.isoformat()), now=graded)
    assert view(course, "ada").verified[0].submitted_at == NOW + HOUR


@ON_SQLITE
def test_a_submission_is_made_when_its_last_value_has_come(course: Course) -> None:
    """Not when it was opened, and not with its first value."""
    desk = Desk(course.database, Settings())
    with course.database.read() as session:
        ada = course.user(session, "ada")
    public_id = desk.open(ada, Opening("toy", "total", "", TREE, "a test"), NOW)
    for minutes, value in enumerate(values("total", 2), start=1):
        at = NOW + timedelta(minutes=minutes)
        desk.post(ada, public_id, minutes - 1, codec.dumps(value), at)
    graded = NOW + DAY
    post(course, stated(submitted_at=None, graded_at=graded.isoformat()), now=graded)
    assert view(course, "ada").verified[0].submitted_at == at


@ON_SQLITE
def test_posting_the_same_tree_again_makes_nobody_late(course: Course) -> None:
    """A look at one's points the week after costs nothing."""
    course.policy("toy", official="verified", due_at=DUE, max_late_days=9, penalty_percent=10.0)
    submit(course, "ada", "add", values("add", 3), DUE - HOUR, tree=TREE)
    submit(course, "ada", "scale", values("scale", 2), DUE + 2 * DAY, tree=TREE)
    graded = DUE + 3 * DAY
    post(course, stated(submitted_at=None, graded_at=graded.isoformat()), now=graded)
    assert (row(course, "ada").total, row(course, "ada").cells["add"].late_days) == (5.5, 0)


@ON_SQLITE
def test_a_submission_of_another_assignment_says_nothing(course: Course) -> None:
    """The tree's hash alone is not enough."""
    submit(course, "ada", "alpha", [1], NOW, "second", TREE)
    with pytest.raises(errors.Invalid, match="It is not known when ada handed this tree in"):
        post(course, stated(submitted_at=None))
