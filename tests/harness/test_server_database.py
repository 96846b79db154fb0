"""grader.server.store.database and migrations/: the real SQLite and the real PostgreSQL."""

from __future__ import annotations

import sqlite3
import stat
import threading
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from servers import NOW
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from grader.errors import UsageError
from grader.server.errors import Unavailable
from grader.server.store.database import Database
from grader.server.store.models import APPEND_ONLY, Base, Event, Role, User


def person(login: str = "ada") -> User:
    return User(login=login, name=login, role=Role.STUDENT, created_at=NOW)


# -- migrations ------------------------------------------------------------------------------------------------------


def test_migrations_lead_to_the_models(database: Database) -> None:
    """What the migrations make is exactly what models.py describes."""
    with database.engine.connect() as connection:
        found = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(found, Base.metadata) == []


def test_migrating_twice_changes_nothing(database: Database) -> None:
    """The second time, as at every start, there is nothing to do."""
    with database.write() as session:
        session.add(person())
    database.migrate()
    with database.read() as session:
        assert session.scalars(select(User.login)).all() == ["ada"]


def test_two_servers_migrate_at_once(tmp_path: Path) -> None:
    """Of two that start at once on an empty file, one makes the tables and the other finds them."""
    url = f"sqlite:///{tmp_path / 'gradebook.sqlite3'}"
    _at_once(lambda: _migrated(url))


def test_two_servers_migrate_postgresql_at_once(migrated_cluster: Any) -> None:
    """The same on PostgreSQL."""
    cluster, _ = migrated_cluster
    name = cluster.create()
    try:
        _at_once(lambda: _migrated(cluster.url(name)))
    finally:
        cluster.drop(name)


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_append_only(course: Any, table: str) -> None:
    """Rows that a grade rests on can be neither changed nor deleted, by whatever statement."""
    database = course.database
    _fill(course)
    with database.read() as session:
        before = session.execute(text(f"SELECT * FROM {table}")).all()
    assert before, "the test needs a row"
    column = next(column.name for column in Base.metadata.tables[table].columns if not column.primary_key)
    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
        with pytest.raises(DBAPIError, match="append-only"), database.write() as session:
            session.execute(text(statement))
    with database.read() as session:
        assert session.execute(text(f"SELECT * FROM {table}")).all() == before


def test_replace_is_a_change(course: Any) -> None:
    """INSERT OR REPLACE deletes a row in passing; that is refused too."""
    if not course.database.sqlite:
        with pytest.raises(DBAPIError, match="append-only"), course.database.write() as session:
            session.execute(text("TRUNCATE events CASCADE"))
        return
    with pytest.raises(DBAPIError, match="append-only"), course.database.write() as session:
        session.execute(text("INSERT OR REPLACE INTO events SELECT * FROM events"))


def test_a_table_of_something_else(tmp_path: Path) -> None:
    """A database that something else uses is left alone."""
    file = tmp_path / "other.sqlite3"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE users (id INTEGER)")
    connection.close()
    with pytest.raises(UsageError, match="has a table 'users' of something else"):
        Database(f"sqlite:///{file}").migrate()


def test_a_newer_edition(database: Database) -> None:
    """A database that a newer edition has migrated is refused, with the remedy."""
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UsageError, match="start the newest edition"):
        database.migrate()


# -- read and write --------------------------------------------------------------------------------------------------


def test_write_commits(database: Database) -> None:
    """What was written is there for others when the block has ended; what was read stays usable."""
    with database.write() as session:
        session.add(person())
    with database.read() as session:
        user = session.scalars(select(User)).one()
    assert (user.login, user.role, user.created_at) == ("ada", Role.STUDENT, NOW)


def test_write_rolls_back(database: Database) -> None:
    """An exception undoes everything of the block."""

    def fail_halfway() -> None:
        with database.write() as session:
            session.add(person())
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    with database.read() as session:
        assert session.scalars(select(User)).all() == []


def test_read_does_not_write(database: Database) -> None:
    """A change through `read` fails, instead of being lost in silence."""
    with pytest.raises(DBAPIError, match=r"readonly|read-only"), database.read() as session:
        session.execute(text("DELETE FROM users"))


def test_read_sees_one_moment(database: Database) -> None:
    """What others commit meanwhile is not in it: a page is of one moment."""
    with database.read() as session:
        assert session.scalars(select(User)).all() == []
        with database.write() as other:
            other.add(person())
        assert session.scalars(select(User)).all() == []


def test_foreign_keys_hold(database: Database) -> None:
    """A row that refers to nothing is refused."""
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(Event(at=NOW, actor_id=999, kind="x", about="x", details={}))


def test_times_need_a_zone(database: Database) -> None:
    """A time without a zone is refused: nobody could say which moment it is."""
    with pytest.raises(StatementError, match="has no time zone"), database.write() as session:
        session.add(Event(at=datetime(2026, 1, 1), actor_id=None, kind="x", about="x", details={}))


def test_times_are_kept_to_the_microsecond(database: Database) -> None:
    """And come back in UTC."""
    moment = datetime(2026, 11, 2, 12, 0, 0, 123456, tzinfo=timezone.utc)
    with database.write() as session:
        session.add(Event(at=moment, actor_id=None, kind="x", about="x", details={}))
    with database.read() as session:
        assert session.scalars(select(Event.at)).one() == moment


def test_writers_wait_for_each_other(database: Database) -> None:
    """Twenty writers at once, each reading and then writing the same row: none is lost, none fails."""
    with database.write() as session:
        session.add(person())

    def increase() -> None:
        with database.write() as session:
            user = session.scalars(select(User).with_for_update()).one()
            user.section = str(int(user.section or 0) + 1)

    _at_once(increase, times=20)
    with database.read() as session:
        assert session.scalars(select(User.section)).one() == "20"


def test_durable(database: Database) -> None:
    """A commit is on the disk before it returns."""
    with database.engine.connect() as connection:
        if database.sqlite:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        else:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_synchronous_commit_is_turned_on(migrated_cluster: Any) -> None:
    """Also where PostgreSQL's own setting would lose the last commits in a crash."""
    cluster, template = migrated_cluster
    name = cluster.create(template)
    database = Database(cluster.url(name))
    try:
        with database.write() as session:
            session.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
        database.close()
        with database.read() as session:
            assert session.execute(text("SHOW synchronous_commit")).scalar() == "on"
    finally:
        database.close()
        cluster.drop(name)


def test_writers_see_what_was_committed_while_they_waited(migrated_cluster: Any) -> None:
    """Also where PostgreSQL's own setting would show them the moment at which they began."""
    cluster, template = migrated_cluster
    name = cluster.create(template)
    database = Database(cluster.url(name))
    try:
        with database.write() as session:
            session.execute(text(f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'"))
        database.close()
        with database.write() as session:
            assert session.execute(text("SHOW transaction_isolation")).scalar() == "read committed"
    finally:
        database.close()
        cluster.drop(name)


# -- what is not there -----------------------------------------------------------------------------------------------


def test_file_is_for_its_owner(tmp_path: Path) -> None:
    """The file and those beside it can be read by nobody else."""
    database = _migrated(f"sqlite:///{tmp_path / 'g.sqlite3'}")
    with database.read():
        modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    database.close()
    assert modes == {0o600}


def test_lost_file_is_not_an_empty_one(tmp_path: Path) -> None:
    """A file that vanished under the server is an error, and not a course without grades."""
    file = tmp_path / "g.sqlite3"
    database = _migrated(f"sqlite:///{file}")
    database.close()
    file.unlink()
    with pytest.raises(Unavailable, match="does not answer"):
        database.ping()
    assert not file.exists()


def test_not_migrated(tmp_path: Path) -> None:
    """A statement that the database does not understand is our fault, and is not told as the database's."""
    file = tmp_path / "g.sqlite3"
    file.touch()
    database = Database(f"sqlite:///{file}")
    with pytest.raises(DBAPIError, match="no such table"):
        database.ping()
    database.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "is not a URL of a database"),
        ("", "is not a URL of a database"),
        ("mysql://root:secret@host/x", "begins with 'mysql'"),
        ("postgresql+asyncpg://u:secret@host/x", "begins with 'postgresql\\+asyncpg'"),
        ("postgresql://u:secret@host:port/x", "is not a URL of a database"),
        ("sqlite://", "expected sqlite:///FILE"),
        ("sqlite:///:memory:", "expected sqlite:///FILE"),
        ("sqlite:///file:x?mode=memory", "expected sqlite:///FILE"),
        ("sqlite:////nowhere/at/all/g.sqlite3", "the folder /nowhere/at/all is not there"),
        ("sqlite:////tmp", "is a folder"),
    ],
)
def test_urls_that_are_none(url: str, words: str) -> None:
    """One sentence, without a password that the url may hold."""
    with pytest.raises(UsageError, match=words) as refused:
        Database(url)
    assert "secret" not in str(refused.value)


def test_short_names_of_postgresql() -> None:
    """The driver need not be named, and the password is never shown."""
    for name in ("postgresql", "postgres", "postgresql+psycopg"):
        assert Database(f"{name}://u:secret@host/x").shown == "postgresql+psycopg://u:***@host/x"


def test_no_server_there(tmp_path: Path) -> None:
    """A PostgreSQL that does not answer is told with where it was looked for."""
    with pytest.raises(UsageError, match=r"cannot be used: .*No such file.*expected a PostgreSQL server that answers"):
        Database(f"postgresql://u:secret@/x?host={tmp_path}").migrate()


def test_not_a_database(tmp_path: Path) -> None:
    """A file of something else is left as it is."""
    file = tmp_path / "notes.txt"
    file.write_text("shopping list " * 100)
    with pytest.raises(UsageError, match="cannot be used: file is not a database"):
        Database(f"sqlite:///{file}").migrate()
    assert file.read_text().startswith("shopping list")


def test_server_that_goes_away(migrated_cluster: Any) -> None:
    """Connections that PostgreSQL has closed are replaced, and nobody notices."""
    cluster, template = migrated_cluster
    name = cluster.create(template)
    database = Database(cluster.url(name))
    try:
        database.ping()
        other = Database(cluster.url(name))
        with other.write() as session:
            session.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid()")
            )
        other.close()
        database.ping()
    finally:
        database.close()
        cluster.drop(name)


def test_tables_are_all_there(database: Database) -> None:
    """Every table that must only grow is one of ours."""
    names = set(inspect(database.engine).get_table_names())
    assert set(APPEND_ONLY) < names


def _migrated(url: str) -> Database:
    database = Database(url)
    database.migrate()
    database.ping()
    return database


def _at_once(work: Any, times: int = 4) -> None:
    """Run it in that many threads; what goes wrong in one goes wrong here."""
    start, failures = threading.Barrier(times), []

    def run() -> None:
        start.wait()
        try:
            made = work()
        except BaseException as error:
            failures.append(error)
        else:
            if isinstance(made, Database):
                made.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]


def _fill(course: Any) -> None:
    """A row in each table that must only grow."""
    from grader.server.store.models import (
        CaseRow,
        CourseSettings,
        Extension,
        Judgement,
        Key,
        PolicyRow,
        ProblemRow,
        Submission,
        VerifiedGrade,
        Withdrawal,
    )

    with course.database.write() as session:
        ada, row = course.user(session, "ada"), course.row(session, "toy")
        problem = session.scalars(select(ProblemRow)).first()
        by, at = {"created_by": ada.id}, {"created_at": NOW}
        submission = Submission(public_id="x", user_id=ada.id, problem_id=problem.id, token="t", opened_at=NOW)
        session.add_all(
            [
                submission,
                CourseSettings(**at),
                PolicyRow(assignment_id=row.id, **at),
                Extension(assignment_id=row.id, user_id=ada.id, due_at=NOW, **by, **at),
                VerifiedGrade(
                    assignment_id=row.id,
                    user_id=ada.id,
                    submission_hash="",
                    suite_hash="",
                    seed="",
                    points={},
                    statement="",
                    statement_hash="",
                    signature="",
                    submitted_at=NOW,
                    graded_at=NOW,
                    posted_at=NOW,
                    key_id=session.scalars(select(Key.id)).first(),
                ),
            ]
        )
        session.flush()
        case = CaseRow(submission_id=submission.id, case_index=0, value=b"", value_hash="", received_at=NOW)
        session.add(case)
        session.flush()
        grade = session.scalars(select(VerifiedGrade.id)).one()
        session.add(Withdrawal(verified_grade_id=grade, reason="", **by, **at))
        session.add(Judgement(case_id=case.id, answer_id=1, correct=True, judged_at=NOW, judged_by=""))
