"""Start a server and keep it running: the database, the assignments, the first key, the socket."""

from __future__ import annotations

import contextlib
import ipaddress
import resource
import signal
import socket
import ssl
import sys
from collections.abc import Iterator, Sequence
from typing import TextIO

import uvicorn
from sqlalchemy import select
from sqlalchemy.orm import Session

from grader.assignment import load_assignment
from grader.errors import UsageError
from grader.server.clock import utc_now
from grader.server.settings import Settings
from grader.server.store import catalogue, events, keys
from grader.server.store.database import Database
from grader.server.store.models import Key, Role, User
from grader.server.web import logs
from grader.server.web.app import create_app
from grader.server.web.patience import Patient

FIRST_LOGIN = "instructor"
_GOODBYE_SECONDS = 20  # for requests that are being answered when the server is told to stop
_CONNECTIONS = 2000  # at a time; more than a class has
_OTHER_FILES = 200  # that the process has open beside them: the database's, modules, certificates


def serve(settings: Settings, out: TextIO = sys.stdout) -> None:
    """Serve until SIGINT or SIGTERM. Raises UsageError where the settings cannot be: each in one sentence."""
    _check_proxies(settings.proxies)
    _check_tls(settings)
    assignments = [load_assignment(suite) for suite in settings.suites]
    listening = _listen(settings.host, settings.port)
    with listening:
        database = Database(settings.database)
        try:
            database.migrate()
            with database.write(alone=True) as session:
                for assignment in assignments:
                    catalogue.sync(session, assignment)
                first_key = _first_key(session)
            _run(settings, database, listening, _greeting(settings, database, listening, first_key), out)
        finally:
            database.close()


def _run(settings: Settings, database: Database, listening: socket.socket, greeting: str, out: TextIO) -> None:
    logs.configure()
    config = uvicorn.Config(
        create_app(settings, database),
        log_config=None,
        access_log=False,  # uvicorn's has the query, and the key in it; ours has neither
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        timeout_graceful_shutdown=_GOODBYE_SECONDS,
        limit_concurrency=_connections(),
        http=Patient,
        lifespan="on",
    )
    _Server(config, greeting, out).run(sockets=[listening])


def _connections() -> int:
    """How many connections there may be; the process gets the files for them.

    Most systems give a process 1024. Past its last file none is accepted and no database is opened: a thousand idle
    connections, which need no key, would keep everybody out.
    """
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CONNECTIONS + _OTHER_FILES
    if files != resource.RLIM_INFINITY and files < wanted:
        files = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    return _CONNECTIONS if files == resource.RLIM_INFINITY else max(1, min(_CONNECTIONS, files - _OTHER_FILES))


class _Server(uvicorn.Server):
    """Says that it is there once it is."""

    def __init__(self, config: uvicorn.Config, greeting: str, out: TextIO) -> None:
        super().__init__(config)
        self._greeting = greeting
        self._out = out

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM end the server, and that is no failure: uvicorn would raise them anew at the end."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Greets when connections are taken."""
        await super().startup(sockets)
        if self.started:
            print(self._greeting, file=self._out, flush=True)


def _greeting(settings: Settings, database: Database, listening: socket.socket, first_key: str | None) -> str:
    url = settings.public_url or _url(settings, listening)
    lines = [
        f"The server listens on {url}",
        f"  pages     {url}",
        f"  API       {url}docs",
        f"  database  {database.shown}",
    ]
    if first_key:
        lines += [f"  key of the first instructor, login {FIRST_LOGIN!r}; it is shown only now: {first_key}"]
    if not _is_local(settings.host) and not settings.tls_cert and not settings.proxies:
        lines += [
            "  warning: other machines reach it without TLS, so keys travel readable; give --tls-cert and --tls-key, "
            "or put a proxy in front (docs/server.md)."
        ]
    return "\n".join(lines)


def _first_key(session: Session) -> str | None:
    """A key for a first instructor, where no instructor has one that works: nobody could do anything else."""
    able = (
        select(User.id)
        .join(Key, Key.user_id == User.id)
        .where(User.role == Role.INSTRUCTOR, User.active.is_(True), Key.revoked_at.is_(None))
        .limit(1)
    )
    if session.execute(able).first():
        return None
    now = utc_now()
    user = session.scalars(select(User).where(User.login == FIRST_LOGIN)).first()
    if user is None:
        user = User(login=FIRST_LOGIN, name="Instructor", role=Role.INSTRUCTOR, created_at=now)
        session.add(user)
    elif user.role is not Role.INSTRUCTOR or not user.active:
        raise UsageError(
            f"no instructor has a key that works, and the login {FIRST_LOGIN!r} is taken by somebody who is no active "
            "instructor; add one with `python -m grader roster add LOGIN --role instructor`."
        )
    session.flush()
    key = keys.new_key(session, user, now)
    events.record(session, None, "key.made", user.login, first=True)
    return key


def _listen(host: str, port: int) -> socket.socket:
    """A socket that is bound and not yet listened on: nobody else can take the port while the rest is prepared."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--host has value {host!r}, which is no address of this machine ({error}).") from None
    try:
        # Else a server that is started anew waits for its old connections to be forgotten, a minute or so.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(1)  # only now is a port that another server has found out to be taken
    except (OSError, OverflowError) as error:
        listening.close()
        raise UsageError(
            f"the server cannot listen on {host}, port {port}: {getattr(error, 'strerror', None) or error}; choose "
            "another with --port (0: one that is free)."
        ) from None
    return listening


def _url(settings: Settings, listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if settings.tls_cert else 'http'}://{shown}:{port}/"


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_proxies(proxies: Sequence[str]) -> None:
    for proxy in proxies:
        try:
            ipaddress.ip_network(proxy, strict=False)
        except ValueError:
            raise UsageError(
                f"--proxy has value {proxy!r}; expected the IP address of a proxy whose X-Forwarded-For is to be "
                "believed, such as 127.0.0.1 or 10.0.0.0/8."
            ) from None


def _check_tls(settings: Settings) -> None:
    if bool(settings.tls_cert) is not bool(settings.tls_key):
        given = "--tls-cert" if settings.tls_cert else "--tls-key"
        raise UsageError(f"{given} is given alone; expected both --tls-cert and --tls-key, or neither.")
    if settings.tls_cert and settings.tls_key:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key)
        except OSError as error:  # ssl.SSLError is one
            raise UsageError(
                f"--tls-cert {settings.tls_cert} and --tls-key {settings.tls_key} cannot be used "
                f"({error.strerror or error}); expected a certificate and its key as PEM files."
            ) from None
