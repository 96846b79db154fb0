"""What the tests of the server share: a database of each kind, a small course in it, and a real server over it.

    database      an empty, migrated Database; a test that uses it runs on SQLite and on PostgreSQL
    course        a Course in it: two assignments, published answers, people with keys
    live_server   a Live server over the course: uvicorn on a port of its own

conftest.py offers them as fixtures. The heavy imports are inside, so that tests of the engine do not wait for them.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from conftest import TOY

if TYPE_CHECKING:
    from postgres import Cluster

    from grader.assignment import Assignment
    from grader.server.store.database import Database

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=timezone.utc)  # when the course was set up; its clock starts here
PEOPLE = {  # login -> role, name
    "prof": ("instructor", "Knuth, Dana"),
    "robot": ("grader", "Grader of the course"),
    "ada": ("student", "Lovelace, Ada"),
    "bob": ("student", "Builder, Bob"),
    "eve": ("student", "O'Neil, Eve <script>alert(1)</script>"),
}
# The right values: arrays of each rank, and each kind of value that the wire knows.
VALUES: dict[str, list[Any]] = {
    "add": [np.arange(6.0).reshape(2, 3), np.array([1.5, -2.0]), 7.25],
    "scale": [np.ones((2, 2)), [1, 2, 3], {"a": 1, "b": [True, None]}, "text"],
    "total": [np.array(3.0), 5],
    "alpha": [np.linspace(-1, 1, 5)],
    "beta": [np.array([[1, 2], [3, 4]]), np.zeros((0, 3))],
}
ASSIGNMENTS = {"toy": ("add", "scale", "total"), "second": ("alpha", "beta")}


@dataclass
class Course:
    """A small course. Everything in it was done at NOW; nothing is submitted yet, and nothing is ever due."""

    database: Database
    keys: dict[str, str] = field(default_factory=dict)  # login -> key
    assignments: dict[str, Assignment] = field(default_factory=dict)  # "toy", "second"

    def policy(self, assignment: str, **changes: Any) -> None:
        """A new row of policies: due_at=..., attempts_per_hour=..."""
        from grader.server.store.models import PolicyRow

        with self.database.write() as session:
            row = self.row(session, assignment)
            session.add(PolicyRow(assignment_id=row.id, created_at=NOW, **changes))

    def publish(self, assignment: str, problem: str, values: Sequence[Any], *, active: bool = True) -> int:
        """A version of the answers, written straight into the tables; its id."""
        from sqlalchemy import func, select

        from grader.server.store import catalogue
        from grader.server.store import values as packing
        from grader.server.store.models import Activation, Answer

        with self.database.write() as session:
            _, row = catalogue.find_problem(session, assignment, problem)
            packed = packing.packed(list(values))
            newest = session.scalar(select(func.max(Answer.version)).where(Answer.problem_id == row.id)) or 0
            prof = self.user(session, "prof")
            answer = Answer(
                problem_id=row.id,
                version=newest + 1,
                values=packed.data,
                value_count=len(values),
                value_hash=packed.digest,
                rtol=row.rtol,
                atol=row.atol,
                published_at=NOW,
                published_by=prof.id,
            )
            session.add(answer)
            session.flush()
            if active:
                session.add(Activation(problem_id=row.id, answer_id=answer.id, activated_at=NOW, activated_by=prof.id))
            return answer.id

    @staticmethod
    def user(session: Any, login: str) -> Any:
        """The row of a person."""
        from sqlalchemy import select

        from grader.server.store.models import User

        return session.scalars(select(User).where(User.login == login)).one()

    @staticmethod
    def row(session: Any, assignment: str) -> Any:
        """The row of an assignment."""
        from grader.server.store import catalogue

        return catalogue.find_assignment(session, assignment)


def toy_assignment(name: str) -> Assignment:
    """The toy's, as "toy", or as "second" with other problems; with submission cases to fit VALUES."""
    from grader.assignment import load_assignment

    toy = load_assignment(TOY / "assignment")
    problems = []
    for i, problem in enumerate(ASSIGNMENTS[name]):
        titles = tuple(f"{problem} case {k}" for k in range(len(VALUES[problem])))
        model = toy.problems[i]
        aliases = model.aliases if model.name == problem else ()
        problems.append(replace(model, name=problem, aliases=aliases, submission_cases=titles, rtol=1e-4, atol=1e-5))
    return replace(toy, name=name, title=f"The assignment {name}", problems=tuple(problems))


def set_up(database: Database) -> Course:
    """The course, in an empty migrated database."""
    from grader.server.store import catalogue, keys
    from grader.server.store.models import Role, User

    course = Course(database)
    with database.write() as session:
        for login, (role, name) in PEOPLE.items():
            user = User(login=login, name=name, role=Role(role), created_at=NOW, email=f"{login}@example.org")
            session.add(user)
            session.flush()
            course.keys[login] = keys.new_key(session, user, NOW)
        for name in ASSIGNMENTS:
            course.assignments[name] = toy_assignment(name)
            catalogue.sync(session, course.assignments[name])
    for name, problems in ASSIGNMENTS.items():
        for problem in problems:
            course.publish(name, problem, VALUES[problem])
    return course


class Ticking:
    """A clock that stands still until it is told."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **duration: float) -> None:
        """Move it on, by a timedelta's arguments."""
        self.now += timedelta(**duration)


@contextlib.contextmanager
def opened(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A migrated database of that kind, "sqlite" or "postgresql", that is gone after the block."""
    from grader.server.store.database import Database

    if kind == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'gradebook.sqlite3'}")
        database.migrate()
        try:
            yield database
        finally:
            database.close()
        return
    postgres, template = request.getfixturevalue("migrated_cluster")
    name = postgres.create(template)
    database = Database(postgres.url(name))
    try:
        yield database
    finally:
        database.close()
        postgres.drop(name)


@contextlib.contextmanager
def running_cluster() -> Iterator[tuple[Cluster, str]]:
    """A cluster, and the name of a migrated database in it to copy. Skips where PostgreSQL is not installed."""
    pytest.importorskip("psycopg")
    import postgres

    from grader.server.store.database import Database

    if postgres.binaries() is None:
        pytest.skip("PostgreSQL is not installed: initdb and postgres are not there")
    with postgres.cluster() as found:
        template = found.create()
        database = Database(found.url(template))
        database.migrate()
        database.close()
        yield found, template


@dataclass(frozen=True)
class Live:
    """A server that answers."""

    url: str  # "http://127.0.0.1:40123/"
    course: Course
    clock: Ticking  # the server's
    app: Any
    http: Any  # an httpx.Client; a new one for each request would load the system's certificates each time

    def bearer(self, login: str) -> dict[str, str]:
        """The headers with which a person of the course asks."""
        return {"Authorization": f"Bearer {self.course.keys[login]}"}


class Socket:
    """A uvicorn on a port that was free, and the application that it asks: another one for each test."""

    def __init__(self) -> None:
        import httpx
        import uvicorn

        self.app: Any = None
        config = uvicorn.Config(
            self._asked,
            interface="asgi3",
            port=0,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, name="server")
        self.http = httpx.Client(verify=False, timeout=60)

    async def _asked(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)

    def start(self) -> None:
        """Returns when connections are taken."""
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            time.sleep(0.005)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}/"

    def stop(self) -> None:
        """Returns when the port is free again."""
        self.http.close()
        self._server.should_exit = True
        self._thread.join(timeout=20)


def live(socket: Socket, course: Course, **settings: Any) -> Live:
    """The server over the course from now on. settings: of grader.server.settings."""
    from grader.server.settings import Settings
    from grader.server.web.app import create_app

    clock = Ticking()
    socket.app = create_app(Settings(**settings), course.database, clock)
    return Live(socket.url, course, clock, socket.app, socket.http)


@contextlib.contextmanager
def serving(course: Course, **settings: Any) -> Iterator[Live]:
    """A server of one's own over the course, for a test that needs other settings, or two servers."""
    socket = Socket()
    socket.start()
    try:
        yield live(socket, course, **settings)
    finally:
        socket.stop()
