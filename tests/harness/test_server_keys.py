"""grader.server.store.keys, events, values, catalogue: small parts over a real database."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers import NOW, VALUES, Course, toy_assignment
from sqlalchemy import select

from grader.errors import UsageError
from grader.mugrade import codec, signature
from grader.server.errors import BadBody, NotFound
from grader.server.store import catalogue, events, keys, values
from grader.server.store.database import Database
from grader.server.store.models import Event, Key, ProblemRow, Role, Submission, User

once = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def ada(database: Database) -> User:
    """Somebody."""
    with database.write() as session:
        user = User(login="ada", name="Ada", role=Role.STUDENT, created_at=NOW)
        session.add(user)
    return user


# -- keys ------------------------------------------------------------------------------------------------------------


@once
def test_key_is_found_by_its_text_only(database: Database, ada: User) -> None:
    """The key is found; what the database has of it is no key."""
    with database.write() as session:
        text = keys.new_key(session, ada, NOW)
    with database.read() as session:
        user, key = keys.find(session, text) or pytest.fail("it is not found")
        assert (user.login, key.hint) == ("ada", text[:10])
        assert key.verify_key == signature.public_key(text)
        assert text not in {key.hash, key.hint, key.verify_key}
        for other in (key.hash, key.hint, text[:-1], f"{text} ", text.swapcase(), ""):
            assert keys.find(session, other) is None


@once
def test_every_key_is_another(database: Database, ada: User) -> None:
    """Fifty keys: all different, all of letters and digits after the prefix, all well formed."""
    with database.write() as session:
        made = {keys.new_key(session, ada, NOW) for _ in range(50)}
    assert len(made) == 50
    assert all(keys.well_formed(text) and len(text) == 42 for text in made)
    assert len({text[4:] for text in made} & {text[:38] for text in made}) == 0


@once
def test_mistyped_keys_are_told_apart(database: Database, ada: User) -> None:
    """Any one character changed, lost or doubled is seen without the database."""
    with database.write() as session:
        text = keys.new_key(session, ada, NOW)
    for i, char in enumerate(text):
        for wrong in (text[:i] + text[i + 1 :], text[:i] + char + text[i:], text[:i] + _other(char) + text[i + 1 :]):
            assert not keys.well_formed(wrong)


def _other(char: str) -> str:
    letters = string.ascii_letters + string.digits
    return letters[(letters.find(char) + 1) % len(letters)]


@once
def test_revoked_keys(database: Database, ada: User) -> None:
    """A revoked key speaks for nobody, keeps the time it was first revoked at, and leaves the others alone."""
    with database.write() as session:
        first, second = (keys.new_key(session, ada, NOW) for _ in range(2))
        _, key = keys.find(session, first) or pytest.fail("it is not found")
        keys.revoke(session, key, NOW)
        keys.revoke(session, key, NOW + timedelta(days=1))
    with database.read() as session:
        assert keys.find(session, first) is None
        assert keys.find(session, second)
        assert session.scalars(select(Key.revoked_at).where(Key.hint == first[:10])).one() == NOW


@once
def test_revoke_all(database: Database, ada: User) -> None:
    """All keys at once; how many still worked is told."""
    with database.write() as session:
        made = [keys.new_key(session, ada, NOW) for _ in range(3)]
        assert keys.revoke_all(session, ada, NOW) == 3
        assert keys.revoke_all(session, ada, NOW) == 0
        assert not any(keys.find(session, text) for text in made)


@once
def test_keys_of_who_left(database: Database, ada: User) -> None:
    """Who is no longer active has no key that works."""
    with database.write() as session:
        text = keys.new_key(session, ada, NOW)
        session.get_one(User, ada.id).active = False
        session.flush()
        assert keys.find(session, text) is None


@given(st.text())
def test_any_text_may_be_asked_about(text: str) -> None:
    """What is no key is none, whatever it is."""
    assert not keys.well_formed(text)


# -- events and values -----------------------------------------------------------------------------------------------


def test_event(database: Database, ada: User) -> None:
    """An event has who, what and whom; it is stored with the change or not at all."""
    with database.write() as session:
        events.record(session, ada, "key.made", "x" * 500, count=3, names=["a"])
        events.record(session, None, "roster.imported", "roster.csv")
    with database.read() as session:
        first, second = session.scalars(select(Event).order_by(Event.id))
    assert (first.actor_id, first.about, first.details) == (ada.id, "x" * 300, {"count": 3, "names": ["a"]})
    assert (second.actor_id, second.kind) == (None, "roster.imported")


def test_packed_values_come_back() -> None:
    """What was packed is unpacked the same, and is known by the digest of the wire."""
    for value in [item for problem in VALUES.values() for item in problem]:
        packed = values.packed(value)
        assert codec.dumps(values.unpack(packed.data)) == codec.dumps(value)
        assert packed.digest == codec.digest(value)
        assert packed.size == len(codec.dumps(value))


def test_body_that_is_no_value() -> None:
    """It is refused in a sentence."""
    with pytest.raises(BadBody, match=r"^The value is not JSON: .*\.$"):
        values.decoded(b"{")


@once
def test_answers_are_decoded_once(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time they are there already; of many, the ones not asked for lately are forgotten."""
    unpacked: list[bytes] = []
    unpack = values.unpack
    monkeypatch.setattr(values, "unpack", lambda data: unpacked.append(data) or unpack(data))
    cache = values.AnswerCache()
    with course.database.read() as session:
        for _ in range(3):
            assert np.array_equal(cache.get(session, 1).values[0], VALUES["add"][0])
        assert len(unpacked) == 1
        monkeypatch.setattr(values, "_CACHED", 1)
        cache.get(session, 2)
        cache.get(session, 1)
        assert len(unpacked) == 3


# -- the catalogue ---------------------------------------------------------------------------------------------------


def test_sync_twice(course: Course) -> None:
    """The second time there is nothing to do, and nothing is said to have changed."""
    with course.database.write(alone=True) as session:
        before = len(session.scalars(select(Event)).all())
        assert catalogue.sync(session, course.assignments["toy"]) == []
        assert len(session.scalars(select(Event)).all()) == before


def test_sync_changes(course: Course) -> None:
    """Points, titles and tolerances follow assignment.toml; the change is an event."""
    toy = course.assignments["toy"]
    changed = replace(toy.problems[0], points=9.0, submission_cases=("only",), rtol=0.5)
    with course.database.write() as session:
        changes = catalogue.sync(session, replace(toy, title="New", problems=(changed, *toy.problems[1:])))
    assert [line.split(" changed")[0] for line in changes] == ["title", "add: points", "add: case_titles", "add: rtol"]
    with course.database.read() as session:
        _, row = catalogue.find_problem(session, "toy", "add")
        assert (row.points, row.case_titles, row.rtol) == (9.0, ["only"], 0.5)
        event = session.scalars(select(Event).order_by(Event.id.desc())).first()
        assert event is not None
        assert event.details == {"changes": changes}


@once
def test_renamed_problem(course: Course) -> None:
    """A problem whose old name has become its alias is the same one: its answers and submissions stay."""
    toy = course.assignments["toy"]
    renamed = replace(toy.problems[0], name="plus", aliases=("add",))
    with course.database.write() as session:
        _, before = catalogue.find_problem(session, "toy", "add")
        catalogue.sync(session, replace(toy, problems=(*toy.problems[1:], renamed)))
        for name in ("add", "plus", "submit_plus"):
            assert catalogue.find_problem(session, "toy", name)[1].id == before.id
        assert [row.name for row in session.scalars(select(ProblemRow).order_by(ProblemRow.position))][-1] == "plus"


@once
def test_problem_that_leaves(course: Course) -> None:
    """One that nobody has touched can go; one with answers or submissions cannot."""
    toy = course.assignments["toy"]
    fresh = replace(toy.problems[0], name="fresh", aliases=())
    with course.database.write() as session:
        catalogue.sync(session, replace(toy, problems=(*toy.problems, fresh)))
        assert catalogue.sync(session, toy) == ["problem fresh removed"]
    with pytest.raises(UsageError, match="'add' is no longer there"), course.database.write() as session:
        catalogue.sync(session, replace(toy, problems=toy.problems[1:]))
    with course.database.read() as session:
        assert catalogue.find_problem(session, "toy", "add")


@once
def test_problem_with_submissions_stays(course: Course) -> None:
    """Also where nothing was published."""
    toy = toy_assignment("toy")
    fresh = replace(toy.problems[0], name="fresh", aliases=())
    with course.database.write() as session:
        catalogue.sync(session, replace(toy, problems=(*toy.problems, fresh)))
        _, row = catalogue.find_problem(session, "toy", "fresh")
        ada = course.user(session, "ada")
        session.add(Submission(public_id="x", user_id=ada.id, problem_id=row.id, token="t", opened_at=NOW))
    with pytest.raises(UsageError, match="'fresh' is no longer there"), course.database.write() as session:
        catalogue.sync(session, toy)


@pytest.mark.parametrize("name", ["", "\x00", "\ud800", "x" * 1000, "toy ", "' OR 1=1 --", "💣"])
def test_names_that_are_none(course: Course, name: str) -> None:
    """Whatever is asked for, on either database: it is not found."""
    with course.database.read() as session:
        with pytest.raises(NotFound, match="There is no assignment"):
            catalogue.find_assignment(session, name)
        with pytest.raises(NotFound, match="toy has no problem"):
            catalogue.find_problem(session, "toy", name)


def test_newest_activation_judges(course: Course) -> None:
    """The active answers are the last ones activated; a version without an activation waits."""
    with course.database.read() as session:
        _, row = catalogue.find_problem(session, "toy", "add")
        first = catalogue.active_answer(session, row.id)
    course.publish("toy", "add", [1.0], active=False)
    with course.database.read() as session:
        assert catalogue.active_answer(session, row.id) == first
    third = course.publish("toy", "add", [1.0, 2.0])
    with course.database.read() as session:
        assert catalogue.active_answer(session, row.id) == (third, 2)


@once
def test_nothing_published(course: Course) -> None:
    """A problem without answers has none."""
    with course.database.read() as session:
        assert catalogue.active_answer(session, 999) is None


def test_problem_of_another_assignment(course: Course) -> None:
    """Names are looked for in the assignment only."""
    with course.database.read() as session, pytest.raises(NotFound, match="second has no problem 'add'"):
        catalogue.find_problem(session, "second", "add")
