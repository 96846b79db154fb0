"""grader.server.web.app, limits, logs, api_docs: what surrounds every request, against a real server."""

from __future__ import annotations

import io
import json
import logging
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from servers import Live, serving
from sqlalchemy import func, select, text

from grader.mugrade import codec
from grader.server.store import keys
from grader.server.store.models import Submission
from grader.server.web import logs

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
LIMIT = 8 << 20


# -- sizes -----------------------------------------------------------------------------------------------------------


def ask(live: Live, head: str, body: bytes = b"") -> bytes:
    """What comes back for bytes sent as they are: a client that says what is not so."""
    address = urlsplit(live.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def test_body_of_exactly_the_limit(live_server: Live) -> None:
    """8 MB are taken: what is wrong with them is said, not that they are too many."""
    reply = live_server.http.post(
        f"{live_server.url}publish",
        params={"assignment": "toy", "problem": "add"},
        content=b'"' + b"x" * (LIMIT - 2) + b'"',
        headers=live_server.bearer("prof"),
    )
    assert reply.status_code == 422
    assert "not a list" in reply.text


@pytest.mark.parametrize("who", ["ada", None])
def test_body_over_the_limit(live_server: Live, who: str | None) -> None:
    """One byte more is refused by its announced length, in a sentence that the client gets to read."""
    reply = live_server.http.post(
        f"{live_server.url}submit_test",
        params={"submission_id": "0" * 32, "test_case_index": 0},
        content=b"x" * (LIMIT + 1),
        headers=live_server.bearer(who) if who else {},
    )
    assert reply.status_code == 413
    assert reply.text == "The body has 8388609 bytes or more; expected at most 8388608 (8 MiB)."


def test_body_without_a_length(live_server: Live) -> None:
    """A chunked body is counted as it comes."""

    def chunks() -> Iterator[bytes]:
        for _ in range(12):
            yield b"x" * (1 << 20)

    submission = live_server.http.post(
        f"{live_server.url}submit", params={"assignment": "toy", "problem": "add"}, headers=live_server.bearer("ada")
    ).json()["submission_id"]
    reply = live_server.http.post(
        f"{live_server.url}submit_test",
        params={"submission_id": submission, "test_case_index": 0},
        content=chunks(),
        headers=live_server.bearer("ada"),
    )
    assert reply.status_code == 413


def test_stranger_with_a_body(live_server: Live) -> None:
    """Who has no key is told so, though 8 MB were still on their way."""
    reply = live_server.http.post(
        f"{live_server.url}submit_test",
        params={"submission_id": "0" * 32, "test_case_index": 0},
        content=b"x" * LIMIT,
    )
    assert reply.status_code == 401


def test_long_url(live_server: Live) -> None:
    """A URL over its limit is refused before it is looked at."""
    reply = live_server.http.get(f"{live_server.url}healthz", params={"x": "y" * 5000})
    assert (reply.status_code, reply.headers["content-type"]) == (414, "text/plain; charset=utf-8")
    assert "expected at most 4096" in reply.text


def test_length_that_is_none(live_server: Live) -> None:
    """A length that is no number is refused by the parser."""
    assert b" 400 " in ask(live_server, "POST /submit HTTP/1.1\nHost: x\nContent-Length: -5").split(b"\r\n")[0]


def test_fewer_bytes_than_announced(live_server: Live) -> None:
    """A client that goes away in the middle of its body leaves nothing behind."""
    address = urlsplit(live_server.url)
    head = (
        "POST /submit_test?submission_id=x&test_case_index=0 HTTP/1.1\nHost: x\nContent-Length: 100\n"
        f"Authorization: Bearer {live_server.course.keys['ada']}"
    )
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n[1,")
    assert live_server.http.get(f"{live_server.url}healthz").status_code == 200


# -- what every reply has --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["healthz", "nothing", "submit", "docs", "openapi.json", "signin", "_/api/x"])
def test_headers(live_server: Live, path: str) -> None:
    """No reply may be framed, guessed at, kept, or tell its address on."""
    reply = live_server.http.get(live_server.url + path)
    headers = reply.headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe-eval" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in ("no-referrer", "same-origin")
    assert headers["cache-control"] == "no-store"
    assert re.fullmatch("[0-9a-f]{16}", headers["x-request-id"])
    assert "strict-transport-security" not in headers  # over plain HTTP it would mean nothing


def test_health(live_server: Live) -> None:
    """The server says that it works, to anybody."""
    assert live_server.http.get(f"{live_server.url}healthz").json() == {"status": "ok", "version": "0.1.0"}


def test_health_without_a_database(live_server: Live) -> None:
    """Where the database does not answer, it says that, and when to try again."""
    database = live_server.course.database
    database.close()
    Path(database.url.database).rename(f"{database.url.database}.away")
    reply = live_server.http.get(f"{live_server.url}healthz")
    assert (reply.status_code, reply.headers["content-type"]) == (503, "text/plain; charset=utf-8")
    assert reply.headers["retry-after"] == "5"


@pytest.mark.parametrize(("method", "path"), [("GET", "submit"), ("PUT", "submit_test"), ("POST", "api/me")])
def test_wrong_method(live_server: Live, method: str, path: str) -> None:
    """A method that a path does not take is told with the one that it does."""
    reply = live_server.http.request(method, live_server.url + path)
    assert reply.status_code == 405
    assert reply.headers["allow"] in reply.text


def test_nothing_there(live_server: Live) -> None:
    """A program gets a line of text, a browser a page; neither acts on what was asked for."""
    path = "nothing%3Cscript%3E"
    assert "There is nothing at" in live_server.http.get(live_server.url + path).text
    page = live_server.http.get(live_server.url + path, headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script>" not in page.text


def test_api_answers_text_to_a_browser_too(live_server: Live) -> None:
    """The protocol's refusals are text, whatever the client says it likes: requests sends */*, a browser text/html."""
    reply = live_server.http.post(f"{live_server.url}submit", headers={"Accept": "text/html"})
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"


def test_docs(live_server: Live) -> None:
    """The description lists every endpoint, and needs no script and no other site."""
    page = live_server.http.get(f"{live_server.url}docs").text
    for path in ("/submit", "/submit_test", "/publish", "/api/me", "/api/verified", "/healthz"):
        assert path in page
    assert "<script" not in page
    assert "http" not in page


def test_openapi(live_server: Live) -> None:
    """It describes refusals as text, and the key in both of its places."""
    schema = live_server.http.get(f"{live_server.url}openapi.json").json()
    for methods in schema["paths"].values():
        for operation in methods.values():
            for status, reply in operation["responses"].items():
                assert list(reply["content"]) == ["application/json" if status < "300" else "text/plain"]
    assert schema["components"]["securitySchemes"].keys() == {"key", "key in the query"}


# -- our faults ------------------------------------------------------------------------------------------------------


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The log so far, once it has the line of the request: that is written when the reply has been sent already."""
    patience = time.monotonic() + 30
    while not any(record.getMessage() == "request" for record in caplog.records):
        assert time.monotonic() < patience, "the request was not logged"
        time.sleep(0.01)
    return [json.loads(logs.JsonLines().format(record)) for record in caplog.records if record.name == "grader.server"]


def test_fault(live_server: Live, caplog: pytest.LogCaptureFixture) -> None:
    """What we did not foresee: one sentence with a number; all of it is in the log under that number, less the key."""
    with live_server.course.database.write() as session:
        session.execute(text("ALTER TABLE keys RENAME TO elsewhere"))
    key = live_server.course.keys["ada"]
    with caplog.at_level(logging.INFO, "grader.server"):
        reply = live_server.http.get(f"{live_server.url}api/me", params={"user_key": key})
        fault, request = lines(caplog)
    assert (reply.status_code, reply.headers["content-type"]) == (500, "text/plain; charset=utf-8")
    number = reply.headers["x-request-id"]
    assert reply.text == f"The server has a fault; tell the course's staff the number {number}."
    assert (fault["request_id"], request["request_id"], request["status"]) == (number, number, 500)
    assert "no such table: keys" in fault["traceback"]
    assert key not in json.dumps([fault, request])
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_fault_of_a_page(live_server: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a browser it is a page."""
    from grader.server.pages import session

    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(session, "page", broken)
    reply = live_server.http.get(f"{live_server.url}signin", headers={"Accept": "text/html"})
    assert reply.status_code == 500
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["x-request-id"] in reply.text


# -- the log ---------------------------------------------------------------------------------------------------------


def test_request_is_logged(live_server: Live, caplog: pytest.LogCaptureFixture) -> None:
    """A line has what happened and who asked, and neither the query nor the key."""
    key = live_server.course.keys["ada"]
    with caplog.at_level(logging.INFO, "grader.server"):
        reply = live_server.http.post(
            f"{live_server.url}submit", params={"user_key": key, "assignment": "toy", "problem": "add"}
        )
        (line,) = lines(caplog)
    assert line.pop("ms") >= 0
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "event": "request",
        "method": "POST",
        "path": "/submit",
        "status": 200,
        "login": "ada",
        "request_id": reply.headers["x-request-id"],
    }


SECRET = "ndl_" + "Ab1" * 12 + "Zz"


@pytest.mark.parametrize(
    "words",
    [
        f"GET /submit?user_key={SECRET}&assignment=hw4",
        f"Authorization: Bearer {SECRET}",
        f"the key is {SECRET}.",
        f'{{"user_key={SECRET}"}}',
        f"user_key={SECRET}",
        f"USER_KEY={SECRET}",
    ],
)
def test_keys_are_taken_out(words: str, database: Any) -> None:
    """Wherever a key gets into a log's text, uvicorn's or a library's too, it does not come out."""
    stream = io.StringIO()
    names = ("grader.server", "uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi", "alembic", "sqlalchemy")
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger.handlers, logger.propagate, logger.level) for logger in loggers]
    try:
        logs.configure(stream)
        logging.getLogger("uvicorn.error").info("%s", words)
        try:
            raise ValueError(words)
        except ValueError as error:
            logs.say(words, exception=error, path=words)
    finally:
        for logger, (handlers, propagate, level) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)
    written = stream.getvalue()
    assert len(written.splitlines()) == 2
    assert SECRET not in written
    assert SECRET[4:] not in written
    assert all(json.loads(line) for line in written.splitlines())


def test_a_key_is_found_in_text(course: Any) -> None:
    """Every key that we make is one that the log knows to take out."""
    for key in course.keys.values():
        assert keys.PATTERN.fullmatch(key)
        assert logs.redacted(f"x{key}y") == "xndl_...y"


# -- the API beside the protocol -------------------------------------------------------------------------------------


def test_me(live_server: Live) -> None:
    """Whose key it is."""
    reply = live_server.http.get(f"{live_server.url}api/me", headers=live_server.bearer("eve"))
    assert reply.json() == {"login": "eve", "name": "O'Neil, Eve <script>alert(1)</script>", "role": "student"}
    assert reply.headers["content-type"] == "application/json"


def test_assignment(live_server: Live) -> None:
    """What a client needs to know of an assignment."""
    live_server.course.policy("toy", due_at=live_server.clock.now, grace_minutes=10, max_late_days=1)
    reply = live_server.http.get(f"{live_server.url}api/assignments/toy", headers=live_server.bearer("ada")).json()
    assert (reply["name"], reply["due_at"], reply["open_at"]) == ("toy", "2026-11-02T12:00:00Z", None)
    assert reply["closes_at"] == "2026-11-03T12:10:00Z"
    assert reply["problems"][1] == {
        "name": "scale",
        "aliases": ["multiply"],
        "bucket": "elementwise",
        "points": 3.0,
        "cases": [f"scale case {i}" for i in range(4)],
        "published": True,
        "next_attempt_at": None,
    }


@pytest.mark.parametrize("name", ["nothing", "%00", "%F0%9F%92%A9", "' OR 1=1"])
def test_unknown_assignment(live_server: Live, name: str) -> None:
    """One that there is not."""
    reply = live_server.http.get(f"{live_server.url}api/assignments/{name}", headers=live_server.bearer("ada"))
    assert (reply.status_code, reply.headers["content-type"]) == (404, "text/plain; charset=utf-8")


def submitted(live: Live) -> str:
    """A submission of which one case is right and one is wrong."""
    headers = live.bearer("ada")
    params: dict[str, Any] = {"assignment": "toy", "problem": "add"}
    submission = live.http.post(f"{live.url}submit", params=params, headers=headers).json()["submission_id"]
    for index, value in ((2, 7.25), (1, [0.0, 0.0])):
        params = {"submission_id": submission, "test_case_index": index}
        live.http.post(f"{live.url}submit_test", params=params, content=codec.dumps(value), headers=headers)
    return str(submission)


@pytest.mark.parametrize("login", ["ada", "prof", "robot"])
def test_submission(live_server: Live, login: str) -> None:
    """Its owner and staff see a submission and its cases, with what is needed to go on with it."""
    submission = submitted(live_server)
    reply = live_server.http.get(
        f"{live_server.url}api/submissions/{submission}", headers=live_server.bearer(login)
    ).json()
    assert [(case["index"], case["correct"]) for case in reply["cases"]] == [(0, None), (1, False), (2, True)]
    assert reply["cases"][2]["value_hash"] == codec.digest(7.25)
    assert reply["cases"][0]["value_hash"] is None
    assert "2 of 2 values differ" in reply["cases"][1]["message"]
    assert (reply["open"], reply["correct"], reply["total"], reply["official"]) == (True, 1, 3, True)
    assert (reply["points"], reply["max_points"]) == (pytest.approx(4 / 3), 4.0)


def test_submission_that_has_ended(live_server: Live) -> None:
    """After its hour, and after the assignment has closed, it is not open."""
    submission = submitted(live_server)
    asked = {"url": f"{live_server.url}api/submissions/{submission}", "headers": live_server.bearer("ada")}
    live_server.course.policy("toy", due_at=live_server.clock.now)
    live_server.clock.pass_by(minutes=1)
    assert live_server.http.get(**asked).json()["open"] is False
    live_server.course.policy("toy")
    assert live_server.http.get(**asked).json()["open"] is True
    live_server.clock.pass_by(minutes=60)
    assert live_server.http.get(**asked).json()["open"] is False


def test_submission_of_another(live_server: Live) -> None:
    """A student sees no other's."""
    submission = submitted(live_server)
    asked = f"{live_server.url}api/submissions/{submission}"
    assert live_server.http.get(asked, headers=live_server.bearer("bob")).status_code == 403
    assert live_server.http.get(f"{asked[:-1]}x", headers=live_server.bearer("bob")).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "not JSON"),
        (b"[]", 400, "not an object of 'statement' and 'signature'"),
        (b'{"statement": 1, "signature": "00"}', 400, "not an object"),
        (b'{"statement": "{}", "signature": "00"}', 403, "signature"),
        (b'{"statement": "\\ud800", "signature": "00"}', 400, "surrogate"),
        (b'{"statement": "\\u0000", "signature": "zz"}', 403, "signature"),
    ],
)
def test_bad_verified_grades(live_server: Live, body: bytes, status: int, words: str) -> None:
    """What is no signed statement is refused."""
    reply = live_server.http.post(f"{live_server.url}api/verified", content=body, headers=live_server.bearer("robot"))
    assert (reply.status_code, reply.headers["content-type"]) == (status, "text/plain; charset=utf-8")
    assert words in reply.text


def test_verified_grades_need_a_role(live_server: Live) -> None:
    """A student posts none."""
    reply = live_server.http.post(f"{live_server.url}api/verified", content=b"{}", headers=live_server.bearer("ada"))
    assert reply.status_code == 403


def test_busy_is_told(course: Any) -> None:
    """Where the database gives no connection, the client is told to come again, and nothing is stored."""
    from unittest.mock import patch

    from sqlalchemy.exc import TimeoutError as PoolTimeout

    with serving(course) as live, patch.object(course.database.engine.pool, "connect", side_effect=PoolTimeout):
        reply = live.http.post(
            f"{live.url}submit", params={"assignment": "toy", "problem": "add"}, headers=live.bearer("ada")
        )
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "5")
    with course.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Submission)) == 0
