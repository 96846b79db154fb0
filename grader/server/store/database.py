"""One database, SQLite or PostgreSQL, behind the same two doors: `read()` and `write()`.

    read()    one consistent view; a write through it fails
    write()   commits at its end, or rolls back on an exception; what it has committed survives a crash of the machine

SQLite: one file in WAL mode, synchronous=FULL, so that the commit that precedes a reply is on the disk. Writers take
the lock when they begin (BEGIN IMMEDIATE); a transaction that first reads and then finds another writer could only
fail. PostgreSQL: READ COMMITTED for writers, who lock the rows they decide by; synchronous_commit is on even where the
server's default is off. A process has one Database; several processes may share its url.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from grader.errors import UsageError
from grader.server.errors import Unavailable
from grader.server.store.models import Base

DEFAULT_URL = "sqlite:///gradebook.sqlite3"
BUSY_SECONDS = 30  # how long a writer waits for another one before it gives up
POOL, OVERFLOW = 10, 40  # connections kept, and opened on top in a rush; PostgreSQL's own default limit is 100
STARTING_LOCK = 0x6E65_6564_6C65  # "needle": the advisory lock of PostgreSQL that starting servers take

# SQLite's words where another process, the disk or the file is at fault. All else is a fault of ours, and not hidden.
_SQLITE_TROUBLE = ("locked", "busy", "disk", "unable to open", "malformed", "not a database")
_EXPECTED = "sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME"


class Database:
    """A database and its pool of connections. Raises UsageError where the url cannot be one."""

    def __init__(self, url: str = DEFAULT_URL) -> None:
        """Opens nothing yet."""
        self.url = _parsed(url)
        self.shown = self.url.render_as_string(hide_password=True)  # for people: without a password
        self.sqlite = self.url.get_backend_name() == "sqlite"
        engine = _sqlite_engine(self.url) if self.sqlite else _postgresql_engine(self.url)
        self.engine = engine
        # Said, and not left to PostgreSQL's default_transaction_isolation: a writer that has waited for a row must see
        # what was committed meanwhile, or it judges under answers that have been replaced.
        writes = {} if self.sqlite else {"isolation_level": "READ COMMITTED"}
        self._writer = engine.execution_options(writes=True, **writes)
        self._reader = (
            engine
            if self.sqlite
            else engine.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")
        )
        # SQLite lets one writer in at a time, and the others poll with growing pauses: one may wait for seconds while
        # others pass by. Within this process they queue here instead.
        self._turn: contextlib.AbstractContextManager[object] = _Turn() if self.sqlite else contextlib.nullcontext()

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one moment of the database. Raises errors.Unavailable."""
        with _translated(), Session(self._reader, expire_on_commit=False) as session:
            yield session

    @contextlib.contextmanager
    def write(self, *, alone: bool = False) -> Iterator[Session]:
        """A session whose changes are committed together, durably, when the block ends. Raises errors.Unavailable.

        alone: wait until no other server on this database is starting; for what each of them does at its start.
        """
        with _translated(), self._turn, Session(self._writer, expire_on_commit=False) as session, session.begin():
            if alone:
                self._lock_start(session.connection())
            yield session

    def ping(self) -> None:
        """Raises errors.Unavailable where the database does not answer, or is not one of ours."""
        with self.read() as session:
            session.execute(text("SELECT 1 FROM users WHERE id = 0"))

    def migrate(self) -> None:
        """Bring the tables up to date; safe when two servers do it at once. Raises UsageError with the remedy."""
        if self.sqlite:
            _create_file(Path(str(self.url.database)))
        try:
            if self.sqlite:
                _switch_to_wal(self.engine)
            with self._turn, self._writer.begin() as connection:
                self._lock_start(connection)
                _refuse_other_tables(connection, self.shown)
                command.upgrade(_configuration(connection), "head")
        except CommandError as error:
            raise UsageError(
                f"the database {self.shown} cannot be brought up to date ({error}); expected one that this edition, "
                "or an older one, has made: start the newest edition that it was used with."
            ) from None
        except DBAPIError as error:
            raise UsageError(
                f"the database {self.shown} cannot be used: {_reason(error)}; expected {self._expected()}."
            ) from None

    def close(self) -> None:
        """Close its connections."""
        self.engine.dispose()

    def _lock_start(self, connection: Connection) -> None:
        if not self.sqlite:  # there every writer is alone already
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": STARTING_LOCK})

    def _expected(self) -> str:
        if self.sqlite:
            return "a file of this server's, or a new one in a folder that can be written to"
        return "a PostgreSQL server that answers there, with that user, password and database"


class _Turn:
    """A lock that is waited for no longer than SQLite's own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            raise Unavailable(
                f"the database has been busy for {BUSY_SECONDS} s; try again in a minute.", retry_after=60
            )

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _parsed(url: str) -> URL:
    """The url with its driver. Never repeats it in an error: it may hold a password."""
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise UsageError(f"--database is not a URL of a database; expected {_EXPECTED}.") from None
    if backend == "sqlite":
        return _parsed_sqlite(parsed)
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    raise UsageError(f"--database begins with {parsed.drivername!r}; expected {_EXPECTED}.")


def _parsed_sqlite(url: URL) -> URL:
    name = url.database or ""
    if not name or name == ":memory:" or name.startswith("file:") or url.query or url.host:
        # A database in memory would lose every grade at the end.
        raise UsageError(f"--database has value {url.render_as_string()!r}; expected {_EXPECTED}.")
    file = Path(name).absolute()
    if not file.parent.is_dir():
        raise UsageError(f"--database: the folder {file.parent} is not there; make it, or choose another place.")
    if file.is_dir():
        raise UsageError(f"--database: {file} is a folder; expected a file, such as {file / 'gradebook.sqlite3'}.")
    return url.set(drivername="sqlite", database=str(file))


def _sqlite_engine(url: URL) -> Engine:
    address = f"file:{quote(str(url.database))}?mode=rw"  # never makes a file: one that is lost must not look empty

    def connect() -> sqlite3.Connection:
        # isolation_level None: the driver begins no transactions of its own, `_begin` below does.
        return sqlite3.connect(
            address,
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )

    engine = create_engine(
        url, creator=connect, pool_size=POOL, max_overflow=OVERFLOW, pool_timeout=BUSY_SECONDS, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous = FULL")  # WAL's usual NORMAL loses the last commits when power fails
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA recursive_triggers = ON")  # else INSERT OR REPLACE deletes past the triggers

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = bool(connection.get_execution_options().get("writes"))
        connection.exec_driver_sql(f"PRAGMA query_only = {int(not writes)}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql_engine(url: URL) -> Engine:
    engine = create_engine(
        url,
        pool_size=POOL,
        max_overflow=OVERFLOW,
        pool_timeout=BUSY_SECONDS,
        pool_pre_ping=True,  # after a restart of PostgreSQL the next request works
        hide_parameters=True,  # an error's text goes to the log; what a student posted does not
        connect_args={"connect_timeout": 10, "application_name": "needle-grader"},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        before, connection.autocommit = connection.autocommit, True
        if connection.execute("SHOW synchronous_commit").fetchone()[0] == "off":
            connection.execute("SET synchronous_commit = on")
        connection.execute("SET timezone = 'UTC'")
        connection.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
        connection.autocommit = before

    return engine


def _create_file(file: Path) -> None:
    """The file, readable by its owner only: it holds who has which grade."""
    with contextlib.suppress(FileExistsError):
        try:
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            raise
        except OSError as error:
            raise UsageError(
                f"--database: {file} cannot be made ({error.strerror}); choose a place that can be written to."
            ) from None


def _switch_to_wal(engine: Engine) -> None:
    """Readers and a writer at a time from now on; the file remembers it."""
    patience = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection = engine.raw_connection()  # outside of any transaction, in which the mode cannot change
            with contextlib.closing(connection):
                connection.cursor().execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.Error as error:
            # Here SQLite does not wait for another server that starts: it says at once that the file is locked.
            if "locked" not in str(error) or time.monotonic() > patience:
                raise OperationalError("PRAGMA journal_mode = WAL", None, error) from None
            time.sleep(0.05)


def _refuse_other_tables(connection: Connection, shown: str) -> None:
    there = set(inspect(connection).get_table_names())
    if "alembic_version" not in there and (ours := sorted(there & set(Base.metadata.tables))):
        raise UsageError(
            f"the database {shown} has a table {ours[0]!r} of something else; expected an empty database, "
            "or one that this server has made."
        )


def _configuration(connection: Connection) -> Config:
    config = Config()  # in code: an alembic.ini would be one more place for the url, with its password
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """The database's own troubles become Unavailable; a fault in our statements stays what it is."""
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable("The server is busy; try again in a moment.", retry_after=5) from error
    except (OperationalError, InterfaceError) as error:
        if isinstance(error.orig, sqlite3.Error) and not any(word in str(error.orig) for word in _SQLITE_TROUBLE):
            raise
        raise Unavailable("The database does not answer; try again in a moment.", retry_after=5) from error


def _reason(error: DBAPIError) -> str:
    """The driver's first line: it names host, port and user, never the password."""
    return str(error.orig).strip().partition("\n")[0].rstrip(".")
