"""The course's own client drives the suite: pytest over the checkout, one value after the other over the wire.

The client here is a stand-in (course_client/README.md), the server one that takes everything down.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from conftest import ROOT

from grader.assignment import load_assignment

HW4 = load_assignment(ROOT / "tests" / "hw4")


@dataclass
class Recorder:
    """What arrived, in order."""

    url: str = ""
    requests: list[tuple[str, dict[str, str], object]] = field(default_factory=list)  # path, query, body

    def of(self, path: str) -> list[tuple[dict[str, str], object]]:
        """Query and body of the requests to a path."""
        return [(query, body) for found, query, body in self.requests if found == path]

    def problems(self) -> list[str]:
        """The problems that were submitted."""
        return [query["problem"] for query, _ in self.of("/submit")]


@pytest.fixture
def server() -> Iterator[Recorder]:
    """A server on a port of the system's choice."""
    recorder = Recorder()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            url = urlsplit(self.path)
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            recorder.requests.append((url.path, dict(parse_qsl(url.query)), json.loads(text) if text else None))
            number = len(recorder.of("/submit"))
            reply = {"/submit": {"submission_id": f"s{number}"}, "/submit_test": {"correct": True}}.get(url.path, {})
            data = json.dumps(reply).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        recorder.url = f"http://127.0.0.1:{http.server_port}/"
        thread = threading.Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        yield recorder
        http.shutdown()
        thread.join()


def client(command: str, select: str, server: str, *, tree: str = "", folder: Path = ROOT, argument: str = "") -> str:
    """Run `python -m mugrade ...` in the checkout; what it printed."""
    options = [f"--tree {tree}"] if tree else []
    env = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "harness" / "course_client")}
    env |= {"PYTEST_ADDOPTS": " ".join([*options, argument]), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    line = [sys.executable, "-m", "mugrade", command, "secret-key", "hw4", *(["-k", select] if select else [])]
    done = subprocess.run(
        [*line, "--server", server], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=120
    )
    return done.stdout + done.stderr


def test_a_problem_is_submitted_value_by_value(server: Recorder) -> None:
    """One submission with a case a value, numbered from 0, under the key and the assignment's name."""
    output = client("submit", "conv_forward", server.url, tree="reference")
    assert server.of("/submit") == [({"user_key": "secret-key", "assignment": "hw4", "problem": "conv_forward"}, None)]
    posted = server.of("/submit_test")
    count = len(HW4.problem("conv_forward").submission_cases)
    assert [query for query, _ in posted] == [
        {"user_key": "secret-key", "submission_id": "s1", "test_case_index": str(k)} for k in range(count)
    ], output
    assert all(body["_encoded_type"] == "np.ndarray" for _, body in posted)  # type: ignore[index]


def test_values_are_those_that_submit_py_posts(server: Recorder) -> None:
    """Both ways to submit give the same answers."""
    from grader.mugrade import codec
    from grader.submission.answers import compute

    client("submit", "rnn", server.url, tree="reference")
    (found,) = compute(HW4, ROOT / "reference", select="rnn", sandbox="none", watch=lambda event: None).problems
    posted = [codec.loads(json.dumps(body).encode()) for _, body in server.of("/submit_test")]
    assert len(posted) == len(found.cases)
    for value, case in zip(posted, found.cases, strict=True):
        assert isinstance(value, dict) == isinstance(case.value, dict), case.title
        own, theirs = (item if isinstance(item, dict) else {"the answer": item} for item in (case.value, value))
        for name, array in own.items():
            assert (theirs[name].astype("float32") == array).all(), (case.title, name)


@pytest.mark.parametrize(
    ("select", "problems"),
    [
        ("submit_new_ops", ["new_ops"]),
        ("new_nd_backend", ["nd_backend"]),
        ("conv", ["conv_forward", "conv_backward", "resnet9"]),
        ("rnn or lstm", ["rnn", "lstm"]),
    ],
    ids=["function", "alias", "bucket", "expression"],
)
def test_k_selects_problems_and_nothing_else(server: Recorder, select: str, problems: list[str]) -> None:
    """By the function's name, an alias, a bucket, and in pytest's expressions."""
    client("submit", select, server.url)  # the starter: quick, and submissions are opened all the same
    assert server.problems() == problems


def test_a_case_without_an_answer_ends_its_problem(server: Recorder) -> None:
    """The student's tree is the default; its error is shown in a line, and no value is posted in another's place."""
    output = client("submit", "ptb or rnn", server.url)
    assert server.problems() == ["rnn", "ptb"]
    assert server.of("/submit_test") == []
    assert output.count("not implemented: ") >= 2
    assert "grader/subject" not in output


def test_the_reference_publishes(server: Recorder) -> None:
    """A list of all values of a problem, in one request."""
    output = client("publish", "ptb", server.url, tree="reference")
    ((query, values),) = server.of("/publish")
    assert query == {"user_key": "secret-key", "assignment": "hw4", "problem": "ptb"}
    assert isinstance(values, list)
    assert len(values) == len(HW4.problem("ptb").submission_cases), output


def test_the_whole_checkout_is_searched_in_peace(server: Recorder) -> None:
    """A client that names the folder collects the assignment's submissions, and neither the toy's nor any test."""
    output = client("submit", "ptb", server.url, argument=". --collect-only")
    assert "submit_ptb" in output
    assert "1/10 tests collected" in output


def test_without_a_client_nothing_is_pretended() -> None:
    """pytest by itself says who posts, and computes nothing."""
    command = [sys.executable, "-m", "pytest", "-q", "-o", "python_functions=submit_*", "tests/hw4/test_submission.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "run `python submit.py` instead" in done.stdout + done.stderr


def test_pytest_collects_no_submission_as_a_test() -> None:
    """Nor does grading."""
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "tests/hw4/test_submission.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert "no tests collected" in done.stdout
