"""A small mugrade server in a thread, which can be told to misbehave: for the tests of what speaks to servers."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import subprocess
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from grader.assignment import Assignment
from grader.mugrade import codec

KEY = "s3cret-Key_of/a+student=="  # with characters that a URL would write otherwise


@dataclass(frozen=True)
class Fault:
    """What happens to one request."""

    kind: (
        str  # "lose": done, but no reply; "reset": not done; "hang": no reply until the end; "say": this reply instead
    )
    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    then: Callable[[], None] | None = None  # called when the fault happens


LOSE, RESET, HANG = Fault("lose"), Fault("reset"), Fault("hang")


def say(status: int, body: str = "", content_type: str = "text/plain", **headers: str) -> Fault:
    """A fault that replies with these words instead."""
    found = {"Content-Type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Fault("say", status, body.encode(), tuple(found.items()))


@dataclass
class Request:
    """What came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Opened:
    """A submission."""

    id: str
    problem: str
    token: str
    tree_hash: str
    open: bool = True
    judged: dict[int, tuple[str, bool, str]] = field(default_factory=dict)  # index -> (digest, correct, message)


class FakeMugrade:
    """The server's memory, and its misbehaviour."""

    def __init__(self, assignment: Assignment, expected: dict[str, list[Any]]) -> None:
        self.assignment = assignment
        self.expected = dict(expected)
        self.requests: list[Request] = []
        self.opened: list[Opened] = []
        self.judgements: list[tuple[str, int]] = []  # (submission, index), each time a case was judged anew
        self.published: dict[str, bytes] = {}
        self.statements: list[tuple[str, str]] = []  # (statement, signature)
        self.faults: dict[str, list[Fault]] = defaultdict(list)  # path -> what happens to its next requests
        self.role = "student"
        self.official = True
        self.late = (0, 0.0)  # days that every submission is late, points that this takes off
        self.next_attempts: dict[str, str] = {}  # problem -> when the next attempt is free
        self.verified_counts: bool | None = True  # None: it does not tell
        self.extension = True  # whether there is more than the protocol's three requests
        self.assignment_changes: dict[str, Any] = {}
        self.publish_reply: dict[str, Any] = {"version": 1, "state": "active", "cases": 1, "changes": 0, "answer_id": 1}
        self.url = ""
        self.ended = threading.Event()

    def paths(self, prefix: str = "") -> list[str]:
        """The paths asked for, in order."""
        return [request.path for request in self.requests if request.path.startswith(prefix)]

    def answer(self, request: Request) -> tuple[int, Any]:
        """(status, JSON or text)."""
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return 401, "This key is not known."
        path, query = request.path, request.query
        if path.startswith("/api/") and not self.extension:
            return 404, "not found"
        if path == "/api/me":
            return 200, {"login": "ada", "name": "Lovelace, Ada", "role": self.role}
        if path == f"/api/assignments/{self.assignment.name}":
            return 200, self._described()
        if path.startswith("/api/submissions/"):
            return next(
                ((200, self._account(s)) for s in self.opened if s.id == path.rpartition("/")[2]), (404, "none")
            )
        if path == "/api/verified":
            return self._verified(json.loads(request.body))
        if path == "/submit":
            return self._submit(query["problem"], request.headers)
        if path == "/submit_test":
            return self._judge(query["submission_id"], int(query["test_case_index"]), codec.loads(request.body))
        if path == "/publish":
            self.published[query["problem"]] = request.body
            return 200, self.publish_reply
        return 404, "There is nothing here."

    def _described(self) -> dict[str, Any]:
        problems = [
            {
                "name": problem.name,
                "aliases": list(problem.aliases),
                "bucket": problem.bucket,
                "points": problem.points,
                "cases": list(problem.submission_cases),
                "published": problem.name in self.expected,
                "next_attempt_at": self.next_attempts.get(problem.name),
            }
            for problem in self.assignment.problems
        ]
        times = {"open_at": None, "due_at": None, "closes_at": None, "late_days_left": 2, "counts": "best"}
        about = {"name": self.assignment.name, "title": self.assignment.title, "problems": problems, **times}
        return {**about, **self.assignment_changes}

    def _submit(self, problem: str, headers: dict[str, str]) -> tuple[int, Any]:
        if problem not in self.expected:
            return 404, f"There is no problem {problem!r}."
        token = headers.get("idempotency-key", "")
        for known in self.opened:
            if token and known.token == token:
                return 200, {"submission_id": known.id}
        self.opened.append(Opened(f"s{len(self.opened) + 1}", problem, token, headers.get("x-tree-hash", "")))
        return 200, {"submission_id": self.opened[-1].id}

    def _judge(self, submission_id: str, index: int, value: Any) -> tuple[int, Any]:
        found = next(item for item in self.opened if item.id == submission_id)
        digest = codec.digest(value)
        if index in found.judged:
            known, correct, message = found.judged[index]
            return (
                (200, {"correct": correct, "message": message}) if known == digest else (409, "It was judged already.")
            )
        if not found.open:
            return 409, "This submission was open for an hour; start it anew."
        want = self.expected[found.problem][index]
        correct = np.shape(value) == np.shape(want) and np.allclose(value, want, rtol=1e-3, atol=1e-4)
        message = "" if correct else "some values differ, the first at [0]"
        found.judged[index] = (digest, bool(correct), message)
        self.judgements.append((submission_id, index))
        return 200, {"correct": bool(correct), "message": message}

    def _account(self, submission: Opened) -> dict[str, Any]:
        problem = self.assignment.problem(submission.problem)
        correct = sum(case[1] for case in submission.judged.values())
        cases = []
        for index, title in enumerate(problem.submission_cases):
            digest, right, message = submission.judged.get(index, (None, None, ""))
            cases.append({"index": index, "title": title, "correct": right, "message": message, "value_hash": digest})
        return {
            "submission_id": submission.id,
            "assignment": self.assignment.name,
            "problem": problem.name,
            "open": submission.open,
            "cases": cases,
            "correct": correct,
            "total": len(cases),
            "points": problem.points * correct / len(cases),
            "max_points": problem.points,
            "late_days": self.late[0],
            "penalty": self.late[1],
            "official": self.official,
        }

    def _verified(self, document: dict[str, str]) -> tuple[int, Any]:
        entry = (document["statement"], document["signature"])
        if entry in self.statements:
            return 409, "This grade is recorded already."
        stated = json.loads(entry[0])
        if stated["student"] == "nobody":
            return 422, "There is no student 'nobody'."
        self.statements.append(entry)
        points = list(stated["points"].values())
        earned, most = (sum(pair[i] for pair in points) for i in (0, 1))
        counts = {} if self.verified_counts is None else {"counts": self.verified_counts}
        reply = {"id": len(self.statements), "student": stated["student"], "points": earned, "max_points": most}
        return 201, {**reply, **counts}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeMugrade

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, parts.path, query, headers, body)
        self.fake.requests.append(request)
        pending = self.fake.faults[parts.path]
        fault = pending.pop(0) if pending else None
        if fault is not None and fault.then is not None:
            fault.then()
        if fault is not None and fault.kind == "say":
            self._reply(fault.status, fault.body, dict(fault.headers))
        elif fault is not None and fault.kind == "hang":
            self.fake.ended.wait()
            self.close_connection = True
        elif fault is not None and fault.kind == "reset":
            self._reset()
        else:
            status, answer = self.fake.answer(request)
            if fault is not None:  # "lose"
                self._reset()
            elif isinstance(answer, str):
                self._reply(status, answer.encode(), {"Content-Type": "text/plain; charset=utf-8"})
            else:
                self._reply(status, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        """Close with a reset, not with an end: what a killed server's machine does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, *arguments: Any) -> None:
        """Silent."""

    def finish(self) -> None:
        """The connection may be gone."""
        with contextlib.suppress(OSError, ValueError):
            super().finish()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *arguments: Any) -> None:
        """A client that leaves is no error of a test."""


@contextlib.contextmanager
def running(
    assignment: Assignment, expected: dict[str, list[Any]], certificate: Path | None = None
) -> Iterator[FakeMugrade]:
    """A server for the assignment on a port of the system's choice, with TLS if there is a certificate."""
    fake = FakeMugrade(assignment, expected)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": fake}))
    scheme = "http"
    if certificate is not None:
        scheme = "https"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    fake.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody vouches for, with its key, in one file."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text(key.read_text() + certificate.read_text())
    return both


_HELD: list[socket.socket] = []


def closed_port() -> int:
    """A port on which nothing listens. It stays taken, so that no other process begins to."""
    _HELD.append(socket.socket())
    _HELD[-1].bind(("127.0.0.1", 0))
    return int(_HELD[-1].getsockname()[1])
