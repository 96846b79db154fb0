"""What somebody tries who means harm: to forge, to read, to inject, to deny; and a server that means harm to a client.

Races are in test_server_concurrency.py, forms of other sites in test_pages_session.py, single requests that are refused
in test_server_openapi.py.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import fake_mugrade
import httpx
import ledger
import numpy as np
import pytest
import uvicorn
from conftest import ROOT, TOY, lay_over
from gradebooks import HOUR, ON_SQLITE, row
from raw_http import chunked, connect, reply, request, send
from servers import NOW, VALUES, Live
from visiting import Visitor, text

from grader.assignment import Assignment
from grader.mugrade import client as client_module
from grader.mugrade import codec
from grader.mugrade.client import Client, SubmitError, Unreachable
from grader.server.web.patience import Patient

DUE = NOW + timedelta(days=7)


def opened(live: Live, login: str, problem: str = "add", **headers: str) -> str:
    """A submission's id."""
    query = {"assignment": "toy", "problem": problem}
    asked = live.http.post(f"{live.url}submit", params=query, headers={**live.bearer(login), **headers})
    assert asked.status_code == 200, asked.text
    return str(asked.json()["submission_id"])


def post(live: Live, login: str, submission: str, index: int, value: Any) -> httpx.Response:
    """A value for a case."""
    query = {"submission_id": submission, "test_case_index": str(index)}
    return live.http.post(
        f"{live.url}submit_test", params=query, headers=live.bearer(login), content=codec.dumps(value)
    )


# -- to forge ---------------------------------------------------------------------------------------------------------


@ON_SQLITE
def test_opened_in_time_and_posted_after(live_server: Live) -> None:
    """A submission that waits until everything is over takes nothing, however many were opened."""
    live_server.course.policy("toy", due_at=DUE)
    live_server.clock.now = DUE - timedelta(minutes=10)
    waiting = [opened(live_server, "ada") for _ in range(3)]
    live_server.clock.now = DUE + timedelta(seconds=1)
    for submission in waiting:
        refused = post(live_server, "ada", submission, 0, VALUES["add"][0])
        assert refused.status_code == 403, refused.text
    assert ledger.counts(live_server.course.database)["cases"] == 0


@ON_SQLITE
def test_a_case_after_the_deadline_is_of_a_late_submission(live_server: Live) -> None:
    """Nobody keeps a place in time with the first cases and finds out the others later; what was in time stays so."""
    live_server.course.policy("toy", due_at=DUE, max_late_days=2, penalty_percent=10.0)
    live_server.clock.now = DUE - timedelta(minutes=10)
    submission = opened(live_server, "ada")
    post(live_server, "ada", submission, 0, VALUES["add"][0])
    live_server.clock.now = DUE + timedelta(minutes=10)
    assert post(live_server, "ada", submission, 1, VALUES["add"][1]).status_code == 409
    cell = row(live_server.course, "ada").cells["add"]
    assert (cell.late_days, cell.points) == (0, pytest.approx(cell.max_points / 3))
    anew = opened(live_server, "ada")
    for index in (0, 1, 2):
        assert post(live_server, "ada", anew, index, VALUES["add"][index]).json()["correct"]
    cell = row(live_server.course, "ada").cells["add"]
    assert (cell.late_days, cell.points) == (1, pytest.approx(0.9 * cell.max_points))


@ON_SQLITE
def test_times_are_the_servers(live_server: Live) -> None:
    """No header moves the clock."""
    live_server.course.policy("toy", due_at=NOW - HOUR)
    headers = {"Date": "Mon, 01 Jan 2001 00:00:00 GMT", "X-Submitted-At": "2001-01-01", "If-Modified-Since": "0"}
    query = {"assignment": "toy", "problem": "add", "now": "2001-01-01T00:00Z", "submitted_at": "2001-01-01"}
    asked = live_server.http.post(f"{live_server.url}submit", params=query, headers=live_server.bearer("ada") | headers)
    assert asked.status_code == 403


@ON_SQLITE
def test_who_one_is_is_the_keys(live_server: Live) -> None:
    """Neither a header nor a parameter nor a body makes anybody somebody else."""
    headers = {
        "X-Forwarded-User": "prof",
        "X-Remote-User": "prof",
        "X-User": "prof",
        "Cookie": "session=prof; login=prof",
    }
    query = {"login": "prof", "user": "prof", "role": "instructor"}
    asked = live_server.http.get(f"{live_server.url}api/me", params=query, headers=live_server.bearer("ada") | headers)
    assert asked.json()["login"] == "ada"
    path = f"{live_server.url}publish"
    query = {"assignment": "toy", "problem": "add", "role": "instructor"}
    asked = live_server.http.post(path, params=query, headers=live_server.bearer("ada") | headers, json=[1.0])
    assert asked.status_code == 403


# -- to read ----------------------------------------------------------------------------------------------------------

SECRETS = [np.array([[73519.25, -61803.5], [27182.75, 31415.5]]), 48271, "a-sentinel-text", {"k": [16180.125]}, True]
GUESSES = [
    np.zeros((2, 2)),
    np.zeros((2, 3)),
    0,
    0.0,
    "",
    [],
    {},
    {"k": [0.0]},
    {"k": 1},
    None,
    False,
    [[1, 2], [3, 4]],
]


@ON_SQLITE
def test_no_answer_is_told(live_server: Live) -> None:
    """Whatever a student posts, nothing that they can read afterwards holds an expected value."""
    live_server.course.publish("toy", "add", SECRETS)
    told = []
    for guess in GUESSES:
        submission = opened(live_server, "ada")
        told += [post(live_server, "ada", submission, index, guess).text for index in range(len(SECRETS))]
        for path in (f"api/submissions/{submission}", "api/assignments/toy"):
            told.append(live_server.http.get(f"{live_server.url}{path}", headers=live_server.bearer("ada")).text)
    visitor = Visitor(live_server, "ada")
    told += [
        visitor.get(f"/a/toy/submissions/{submission}").text,
        visitor.get("/a/toy").text,
        visitor.get("/docs").text,
    ]
    seen = "\n".join(told)
    assert len(told) > len(GUESSES) * len(SECRETS)
    for secret in ("73519", "61803", "27182", "31415", "48271", "sentinel", "16180"):
        assert secret not in seen


@ON_SQLITE
def test_other_origins_read_nothing(live_server: Live) -> None:
    """No page of another site is let read a reply: there is no CORS header, and no preflight that is granted."""
    for method, path in (("GET", "api/me"), ("OPTIONS", "submit"), ("GET", "roster"), ("GET", "healthz")):
        headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        asked = live_server.http.request(method, f"{live_server.url}{path}", headers=headers)
        assert not [name for name in asked.headers if name.startswith("access-control")]


@ON_SQLITE
def test_nothing_is_kept_or_framed(live_server: Live) -> None:
    """Pages, files, refusals and the API alike: no copy on a shared machine's disk, no frame of another site."""
    prof = Visitor(live_server, "prof")
    pages = ["/", "/a/toy/gradebook", "/a/toy/students/ada", "/a/toy/export/canvas.csv", "/a/toy/export/plain.csv"]
    pages += ["/roster", "/roster/ada", "/events", "/a/toy/answers", "/nothing", "/a/nothing", "/docs", "/signin"]
    pages += ["/a/toy/live", "/a/toy/statistics", "/a/toy/policy", "/openapi.json", "/api/me", "/healthz"]
    replies = [prof.get(path) for path in pages]
    replies += [prof.send("/roster/bob/rotate", on="/roster/bob"), prof.post("/roster/add", {"csrf": "x"})]
    replies += [Visitor(live_server).get("/roster"), Visitor(live_server, "ada").get("/a/toy")]
    for found in replies:
        assert found.headers["cache-control"] == "no-store", found.url
        assert found.headers["x-content-type-options"] == "nosniff", found.url
        assert "frame-ancestors 'none'" in found.headers["content-security-policy"], found.url
        assert found.headers["referrer-policy"] in ("no-referrer", "same-origin"), found.url


@ON_SQLITE
def test_a_known_cookie_is_never_a_session(live_server: Live) -> None:
    """Who plants a cookie before the sign-in does not know the session after it."""
    visitor = Visitor(live_server)
    visitor.cookies.set("session", "planted", domain="127.0.0.1", path="/")
    visitor.sign_in(live_server.course.keys["prof"])
    mine = [cookie.value for cookie in visitor.cookies.jar if cookie.name == "session"]
    assert len(mine) == 1
    assert mine != ["planted"]
    thief = Visitor(live_server)
    thief.cookies.set("session", "planted", domain="127.0.0.1", path="/")
    assert thief.get("/roster").status_code == 303


# -- to inject --------------------------------------------------------------------------------------------------------

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@ON_SQLITE
def test_what_a_student_sends_is_text_on_a_page(live_server: Live) -> None:
    """A key of a dict and the client's name reach the staff's pages, as text."""
    submission = opened(live_server, "ada", "scale", **{"User-Agent": f"{SCRIPT}\x1b[2J"})
    post(live_server, "ada", submission, 2, {SCRIPT: 1})
    page = Visitor(live_server, "prof").get(f"/a/toy/submissions/{submission}").text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "\x1b" not in page
    assert SCRIPT.count("alert") <= text(page).count("alert")


@ON_SQLITE
@pytest.mark.parametrize(
    "path", ["/a/%0d%0aSet-Cookie:%20a=b/gradebook", "/signin?next=/%0d%0aX-Injected:%201", "/%0aX: 1"]
)
def test_no_header_is_injected(live_server: Live, path: str) -> None:
    """A line break in a path or a parameter ends no header."""
    found = send(live_server.url, request("GET", path.replace(" ", "%20"), [("Accept", "text/html")]), "GET")
    assert "X-Injected" not in found.headers
    assert not [cookie for cookie in found.headers.get_all("Set-Cookie", []) if "a=b" in cookie]


@ON_SQLITE
def test_a_name_is_no_formula(live_server: Live) -> None:
    """What a spreadsheet would run gets into no file, by whichever column it tries."""
    prof = Visitor(live_server, "prof")
    roster = "login,name,section,canvas_id\nmal,-1+cmd|' /C calc'!A0,+1,-9\nlory,\uff1d1+1,\uff20x,\uff0b1\n"
    done = prof.send("/roster/import", on="/roster", files={"roster": ("r.csv", roster.encode(), "text/csv")})
    assert done.status_code == 200
    for path in ("/a/toy/export/canvas.csv", "/a/toy/export/plain.csv"):
        rows = list(csv.reader(io.StringIO(prof.get(path).content.decode("utf-8-sig"), newline="")))
        assert any("calc" in cell for cells in rows for cell in cells)
        assert not [
            cell for cells in rows for cell in cells if cell.startswith(("=", "+", "-", "@", "\uff1d", "\uff0b"))
        ]
    for name in ("=1+1", "@SUM(1)", "a\nb", "a\tb", "\x1b[2J"):
        refused = prof.send("/roster/add", on="/roster", login="new", name=name, role="student")
        assert refused.status_code == 422, name


# -- to deny ----------------------------------------------------------------------------------------------------------


@ON_SQLITE
def test_half_sent_bodies_hold_nobody_up(live_server: Live) -> None:
    """A hundred clients that stop in the middle of a body take neither a thread nor a connection to the database."""
    submission = opened(live_server, "ada")
    header = ("Authorization", live_server.bearer("ada")["Authorization"])
    target = f"/submit_test?submission_id={submission}&test_case_index=0"
    half = request("POST", target, [header, ("Content-Length", "1000000")]) + b"[1,"
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            connection = stack.enter_context(connect(live_server.url))
            connection.sendall(half)
        assert post(live_server, "ada", submission, 0, VALUES["add"][0]).json()["correct"]
        assert Visitor(live_server, "prof").get("/a/toy/gradebook").status_code == 200
    assert ledger.counts(live_server.course.database)["cases"] == 1


@ON_SQLITE
def test_who_leaves_is_no_fault(live_server: Live, caplog: pytest.LogCaptureFixture) -> None:
    """A client that is gone in the middle of its body leaves no traceback among those that matter."""
    body = iter([{"type": "http.request", "body": b"[1,", "more_body": True}, {"type": "http.disconnect"}])
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/submit_test",
        "query_string": f"submission_id={opened(live_server, 'ada')}&test_case_index=0".encode(),
        "headers": [(b"authorization", live_server.bearer("ada")["Authorization"].encode())],
        "state": {},
    }

    async def receive() -> Any:
        return next(body)

    async def send(message: Any) -> None:
        raise AssertionError(message)

    anyio.run(live_server.app, scope, receive, send)
    assert "fault" not in [record.message for record in caplog.records]


PART = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
FILE = b'--x\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\n\r\n'
PLAIN, PARTS = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"


@ON_SQLITE
@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (PLAIN, b"a&" * 500, 400),
        (PLAIN, b"a&" * 500_000, 413),
        (PLAIN, b"x" * (3 << 20), 413),
        (PARTS, PART * 100 + b"--x--\r\n", 400),
        (PARTS, FILE * 2 + b"--x--\r\n", 400),
        (PARTS, b"--x\r\n" + b"A: b\r\n" * 2000 + b"\r\n\r\n--x--\r\n", 400),
        (PARTS, b"--x\r\nA: " + b"b" * 15_000 + b"\r\n\r\n\r\n--x--\r\n", 400),
        (PARTS, b"y" * 1000, 400),
        ("multipart/form-data", PART, 400),
        (PLAIN, b"key=%00&csrf=%00", 400),
        (PLAIN, b"key=%ed%a0%80&csrf=%ff&next=%ff", 403),
        ("application/json", b'{"key": "x"}', 403),
    ],
)
def test_strangers_forms(live_server: Live, kind: str, body: bytes, status: int) -> None:
    """Too large, too many fields or headers, no boundary, no text: refused as a page, and nobody is signed in."""
    headers = [("Content-Type", kind), ("Accept", "text/html")]
    found = send(live_server.url, request("POST", "/signin", headers, body))
    assert found.status == status
    assert found.headers["content-type"] == "text/html; charset=utf-8"
    assert "session=" not in str(found.headers)


@ON_SQLITE
@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (PLAIN, b"a&" * 500_000, 400),
        (PLAIN, b"x" * (3 << 20), 413),
        (PARTS, PART * 25_000 + b"--x--\r\n", 400),
        (PARTS, b"--x\r\n" + b"A: b\r\n" * 200_000 + b"\r\n\r\n--x--\r\n", 400),
        (PARTS, b"--x\r\nA: " + b"b" * 1_000_000 + b"\r\n\r\n\r\n--x--\r\n", 400),
    ],
)
def test_large_forms(live_server: Live, kind: str, body: bytes, status: int) -> None:
    """Staff have more room, and a limit as well."""
    prof = Visitor(live_server, "prof")
    found = prof.ask("POST", "/roster/import", headers={"Content-Type": kind}, content=body)
    assert found.status_code == status
    assert found.headers["content-type"] == "text/html; charset=utf-8"


@ON_SQLITE
def test_a_form_without_a_length(live_server: Live) -> None:
    """A form that does not say how long it is, as no browser sends one, is not read."""
    headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Transfer-Encoding", "chunked")]
    assert send(live_server.url, request("POST", "/signin", headers, chunked(b"key=x"))).status == 413


@ON_SQLITE
@pytest.mark.parametrize("rows", [20_001, 200_000])
def test_a_roster_that_is_none(live_server: Live, rows: int) -> None:
    """A file with more rows than a course has people, or larger than a form may be, changes nobody."""
    prof = Visitor(live_server, "prof")
    before = ledger.rows(live_server.course.database)
    data = b"login,name\n" + b"".join(b"a%d,b\n" % i for i in range(rows))
    done = prof.send("/roster/import", on="/roster", files={"roster": ("r.csv", data, "text/csv")})
    assert done.status_code in (413, 422)
    assert ledger.rows(live_server.course.database, without=["events"])["users"] == before["users"]


@dataclass(frozen=True)
class Served:
    """A server in a process of its own."""

    url: str
    log: Path
    key: str  # the first instructor's


FILES = 512  # that the server's process may open when it starts; it may ask for more


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`python -m grader serve` as somebody starts it whose shell allows few files."""
    folder = tmp_path_factory.mktemp("served")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    command = [sys.executable, "-m", "grader", "serve", "--port", "0", "--suite", str(TOY / "assignment")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "GRADER_DATABASE": f"sqlite:///{folder / 'g.sqlite3'}"},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, most)),
        )
    assert process.stdout is not None
    try:
        said = ""
        for line in process.stdout:
            said += line
            if "shown only now" in line:
                break
        key, url = re.search(r"(ndl_\w+)", said), re.search(r"http://127\.0\.0\.1:\d+/", said)
        assert key is not None, (folder / "log").read_text()
        assert url is not None
        yield Served(url[0], folder / "log", key[1])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_idle_connections_keep_nobody_out(served: Served) -> None:
    """Twice as many connections as the shell allowed files: the next one is answered, and so is its database."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < 3 * FILES:
        pytest.skip(f"a process may open {most} files here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most if soft < 3 * FILES else soft, most))
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(2 * FILES):
                stack.enter_context(connect(served.url))
            header = [("Authorization", f"Bearer {served.key}")]
            assert send(served.url, request("GET", "/api/me", header), "GET").status == 200
            assert send(served.url, request("GET", "/healthz"), "GET").status == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))


class Impatient(Patient):
    """As the server's own, for a test that does not want to wait."""

    head_seconds = 0.3


@contextlib.contextmanager
def impatient(app: Any) -> Iterator[str]:
    """A uvicorn that waits a third of a second for a request; its address."""
    config = uvicorn.Config(app, port=0, http=Impatient, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()


@ON_SQLITE
@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ", request("GET", "/healthz")[:-2]])
def test_who_asks_nothing_is_not_waited_for(live_server: Live, sent: bytes) -> None:
    """A connection without a whole request is closed, the first one and those that follow a reply."""
    with impatient(live_server.app) as url:
        with connect(url) as connection:
            connection.sendall(sent)
            assert connection.recv(1000) == b""
        with connect(url) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert connection.recv(100_000).startswith(b"HTTP/1.1 200")
            connection.sendall(sent)
            while connection.recv(1000):
                pass


@ON_SQLITE
def test_who_is_slow_with_a_body_is_waited_for(live_server: Live) -> None:
    """A request that has begun is not cut off, on however slow a line its body comes."""
    submission = opened(live_server, "ada")
    header = ("Authorization", live_server.bearer("ada")["Authorization"])
    data = request("POST", f"/submit_test?submission_id={submission}&test_case_index=2", [header], b"7.25")
    with impatient(live_server.app) as url, connect(url) as connection:
        connection.sendall(data[:-2])
        time.sleep(3 * Impatient.head_seconds)
        connection.sendall(data[-2:])
        assert reply(connection).text == '{"correct":true,"message":""}'


def test_a_log_line_is_one_request(served: Served) -> None:
    """Line breaks, escape codes and keys in a path, a header, a method: one line of JSON each, without the key."""
    marks = []
    for number, path in enumerate(
        ["%0a{%22event%22:%22forged%22}", "%1b[2J%0d%0a", f"x/{served.key}", "%e2%80%a8%c2%85"]
    ):
        marks.append(f"/mark{number}")
        target = f"{marks[-1]}/{path}?user_key={served.key}&x=%0a"
        headers = [("User-Agent", "\x1b[31m"), ("Referer", served.key), ("Authorization", f"Bearer {served.key}")]
        assert send(served.url, request("GET", target, headers), "GET").status == 404
    assert send(served.url, b"garbage\r\n\r\n").status == 400
    lines = served.log.read_text().splitlines()
    assert served.key not in served.log.read_text()
    found = [json.loads(line) for line in lines]
    assert all(isinstance(item, dict) and item["event"] != "forged" for item in found)
    for mark in marks:
        assert len([item for item in found if str(item.get("path", "")).startswith(mark)]) == 1
    assert "\x1b" not in served.log.read_text()


# -- a server that means harm -----------------------------------------------------------------------------------------

KEY = "ndl_" + "k" * 38


@contextlib.contextmanager
def malicious(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that answers every request in its own way; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    connection.recv(1 << 16)
                    answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


def saying(body: bytes, status: str = "200 OK", *headers: str) -> Callable[[socket.socket], None]:
    """An answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return lambda connection: connection.sendall("\r\n".join(lines).encode() + body)


@contextlib.contextmanager
def visiting(answer: Callable[[socket.socket], None]) -> Iterator[Client]:
    """A client of that server."""
    with malicious(answer) as url:
        client = Client(url, KEY, sleep=lambda seconds: None)
        try:
            yield client
        finally:
            client.close()


STATE = (
    '{"submission_id":"s","open":true,"cases":[],"correct":0,"total":0,"points":%s,"max_points":1,"penalty":0,'
    '"official":true}'
)


@pytest.mark.parametrize("points", ["NaN", "Infinity", "1e999", "1" + "0" * 400, "-1" + "0" * 400, "1e300"])
def test_points_that_are_none(points: str) -> None:
    """What is JSON to Python but no points is a reply of no mugrade server, and no traceback."""
    with (
        visiting(saying((STATE % points).encode())) as client,
        pytest.raises(SubmitError, match="answers with something else"),
    ):
        client.submission("s")


@pytest.mark.parametrize("encoding", ["Content-Length: 100000", "Transfer-Encoding: chunked"])
def test_a_reply_by_the_byte_is_left(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """A server that sends a byte now and then, so that no single wait is too long, does not keep anybody."""
    monkeypatch.setattr(client_module, "READ_SECONDS", 0.5)
    monkeypatch.setattr(client_module, "FIRST_ATTEMPTS", 1)
    left = threading.Event()

    def trickle(connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 200 OK\r\n{encoding}\r\n\r\n".encode())
        while not left.wait(0.05):  # until the client has gone, and that fails
            connection.sendall(b" " if "Length" in encoding else b"1\r\n \r\n")

    with visiting(trickle) as client:
        timer = threading.Timer(30, left.set)  # else a client that stays would stay for ever
        timer.start()
        try:
            with pytest.raises(Unreachable, match="it took longer than"):
                client.me()
            assert not left.is_set()
        finally:
            timer.cancel()
            left.set()


def test_a_reply_that_is_cut_off_is_no_reply() -> None:
    """Half of a reply is asked for again, never read as a whole one."""
    cut = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"login":"ada"}'
    with visiting(lambda connection: connection.sendall(cut)) as client, pytest.raises(Unreachable):
        client.me()


@pytest.mark.parametrize("spelled", [KEY, "".join(f"\\u{ord(char):04x}" for char in KEY)])
def test_the_key_is_not_shown_back(spelled: str) -> None:
    """Whatever part of a reply repeats the key, however it is spelled, nobody sees it."""
    body = '{"login":"%s","name":"%s","role":"%s"}'.replace("%s", spelled).encode()
    with visiting(saying(body)) as client:
        assert KEY not in repr(client.me())
    body = '{"correct":false,"message":"x %s y"}'.replace("%s", spelled).encode()
    with visiting(saying(body)) as client:
        assert KEY not in repr(client.submit_test("s", 0, b"1"))


def test_nothing_acts_in_a_students_terminal(toy: Assignment, tmp_path: Path) -> None:
    """Escape codes, the key, other lines that pass for ours and a megabyte: submit.py shows text, and not all of it."""
    nasty = (
        f"\x1b]0;owned\x07\x1b[2J\x9b31m\r\u202e {fake_mugrade.KEY}\nTotal: 100.0 / 100.0 points\n" + "x" * 1_000_000
    )
    body = json.dumps({"correct": False, "message": nasty})
    expected: dict[str, list[Any]] = {
        problem.name: [np.zeros(1)] * len(problem.submission_cases) for problem in toy.problems
    }
    tree = lay_over("good", tmp_path / "good")
    command = [sys.executable, ROOT / "submit.py", "--assignment", TOY / "assignment", "--tree", tree, "-k", "total"]
    env = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}
    with fake_mugrade.running(toy, expected) as fake:
        fake.faults["/submit_test"] = [fake_mugrade.say(200, body, "application/json")] * 2
        done = subprocess.run(
            [*map(str, command), "--out", str(tmp_path / "out"), "--server", fake.url],
            env={**env, "MUGRADE_KEY": fake_mugrade.KEY},
            capture_output=True,
            check=False,
            timeout=300,
        )
    shown = (done.stdout + done.stderr).decode()
    assert done.returncode == 1, shown
    assert fake_mugrade.KEY not in shown
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert "Total: 100.0 / 100.0 points" not in shown.splitlines()
    assert len(shown) < 20_000
