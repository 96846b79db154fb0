"""What the server can take: `make bench` prints medians and tails, with the machine, the versions and the commit.

    python tests/bench/server.py [--database URL] [--burst]

300 students post a whole problem each, over one minute as before a deadline, and once more all at the same moment; then
the gradebook page is asked for with 500 students, 10 problems and three attempts each. Clients and server share the
machine, so the figures hold both.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from machine import machine, row
from sqlalchemy.orm import Session

from grader.assignment import load_assignment
from grader.judge import ROOT
from grader.mugrade import codec
from grader.server.book import roster
from grader.server.clock import utc_now
from grader.server.desk import regrade
from grader.server.store import catalogue
from grader.server.store.database import Database
from grader.server.store.models import CaseRow, Judgement, Role, Submission, Tally, User
from grader.server.store.values import packed
from grader.submission.answers import compute

STUDENTS = 300
MINUTE = 60.0  # seconds over which they come
PROBLEM = "conv_backward"  # the one with the largest values
CLASS = 500
ATTEMPTS = 3
PAGES = 15


@dataclass
class Load:
    """What the clients saw."""

    submit: list[float] = field(default_factory=list)  # seconds
    submit_test: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--database", help="PostgreSQL, an empty database (default: a new SQLite file)")
    parser.add_argument("--seconds", type=float, default=MINUTE, help="over which the students come (default: 60)")
    options = parser.parse_args()
    print(machine())
    values = _values()
    bodies = [codec.dumps(value) for value in values]
    print(f"{PROBLEM}: {len(bodies)} cases, {sum(map(len, bodies)) / 1024:.0f} KiB of JSON a student")
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as folder:
        database = Database(options.database or f"sqlite:///{folder}/gradebook.sqlite3")
        database.migrate()
        keys = _students(database, values)
        with _server(database) as address:
            for what, seconds in ((f"over {options.seconds:g} s", options.seconds), ("all at once", 0.0)):
                load = _post(address, keys, bodies, seconds)
                _report(f"{STUDENTS} students {what}", load)
        _fill(database)
        with _server(database) as address:
            _pages(address, keys["prof"])
        database.close()


def _values() -> list[object]:
    """The reference's answers to the submission cases."""
    answers = compute(
        load_assignment(ROOT / "tests" / "hw4"),
        ROOT / "reference",
        select=PROBLEM,
        sandbox="none",
        watch=lambda event: None,
    )
    (problem,) = answers.problems
    return [case.value for case in problem.cases]


def _students(database: Database, values: Sequence[object]) -> dict[str, str]:
    """A class with keys, and published answers; login -> key."""
    keys = {}
    with database.write() as session:
        catalogue.sync(session, load_assignment(ROOT / "tests" / "hw4"))
        for login, role in [("prof", Role.INSTRUCTOR)] + [(f"s{i:03}", Role.STUDENT) for i in range(STUDENTS)]:
            added = roster.add(session, None, login=login, name=f"Student, {login}", role=role, now=utc_now())
            keys[login] = added[1]
        _publish(session, PROBLEM, values)
    return keys


def _publish(session: Session, problem: str, values: Sequence[object]) -> int:
    """The id of the answers."""
    who = session.query(User).filter_by(login="prof").one()
    return regrade.publish(session, who, "hw4", problem, values, utc_now()).answer_id


@contextlib.contextmanager
def _server(database: Database) -> Iterator[tuple[str, int]]:
    environ = {**os.environ, "GRADER_DATABASE": database.url.render_as_string(hide_password=False)}
    process = subprocess.Popen(
        [sys.executable, "-m", "grader", "serve", "--port", "0"],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        for line in process.stdout or ():
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                yield "127.0.0.1", int(found[1])
                return
        raise SystemExit("the server did not start")
    finally:
        process.terminate()
        process.wait()


def _post(address: tuple[str, int], keys: dict[str, str], bodies: Sequence[bytes], seconds: float) -> Load:
    """Every student posts the whole problem, each beginning at a moment of the `seconds`."""
    load, rng = Load(), random.Random(5)
    start = time.perf_counter() + 1
    logins = [login for login in keys if login != "prof"]
    begins = {login: start + rng.uniform(0, seconds) for login in logins}
    with ThreadPoolExecutor(STUDENTS) as pool:
        for job in [pool.submit(_student, address, keys[login], begins[login], bodies, load) for login in logins]:
            job.result()
    return load


def _student(address: tuple[str, int], key: str, begin: float, bodies: Sequence[bytes], load: Load) -> None:
    time.sleep(max(0.0, begin - time.perf_counter()))
    connection = http.client.HTTPConnection(*address, timeout=120)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def post(path: str, body: bytes, times: list[float]) -> dict[str, object]:
        at = time.perf_counter()
        connection.request("POST", path, body, headers)
        reply = connection.getresponse()
        text = reply.read()
        with load.lock:
            times.append(time.perf_counter() - at)
            if reply.status != 200:
                load.errors.append(f"{reply.status} {text!r}")
        return dict(json.loads(text)) if reply.status == 200 else {}

    opened = post(f"/submit?assignment=hw4&problem={PROBLEM}", b"", load.submit)
    for index, body in enumerate(bodies):
        path = f"/submit_test?submission_id={opened.get('submission_id')}&test_case_index={index}"
        if not post(path, body, load.submit_test).get("correct"):
            with load.lock:
                load.errors.append(f"case {index} was not judged correct")
    connection.close()


def _report(what: str, load: Load) -> None:
    for name, times in (("submit", load.submit), ("submit_test", load.submit_test)):
        row(f"{what}: {name}", "ms", [1e3 * value for value in times])
        p99 = statistics.quantiles(times, n=100)[98]
        print(f"{'':46} {1e3 * p99:8.3g} ms p99, {len(times)} requests")
    print(f"{'':46} {len(load.errors):8d}    errors{': ' + load.errors[0] if load.errors else ''}")


def _fill(database: Database) -> None:
    """500 students, each with three judged attempts at each of the nine other problems."""
    rng, now = random.Random(7), utc_now()
    with database.write() as session:
        for i in range(STUDENTS, CLASS):
            login = f"s{i:03}"
            roster.add(session, None, login=login, name=f"Student, {login}", role=Role.STUDENT, now=now)
        assignment = load_assignment(ROOT / "tests" / "hw4")
        answers = {}
        for problem in assignment.problems:
            if problem.name != PROBLEM:
                answers[problem] = _publish(session, problem.name, [1.0] * len(problem.submission_cases))
        rows = {problem.name: catalogue.find_problem(session, "hw4", problem.name)[1].id for problem in answers}
        right, wrong = packed(1.0), packed(2.0)
        students = session.query(User).filter_by(role=Role.STUDENT).all()
        number = 0
        for student in students:
            for problem, answer_id in answers.items():
                for attempt in range(ATTEMPTS):
                    number += 1
                    at = now - timedelta(minutes=rng.randrange(10_000))
                    made = Submission(
                        public_id=f"{number:032x}",
                        user_id=student.id,
                        problem_id=rows[problem.name],
                        token=f"bench-{number}",
                        opened_at=at,
                    )
                    session.add(made)
                    session.flush()
                    count = len(problem.submission_cases)
                    correct = [rng.random() < 0.5 + 0.2 * attempt for _ in range(count)]
                    cases = [
                        CaseRow(
                            submission_id=made.id,
                            case_index=k,
                            value=(right if good else wrong).data,
                            value_hash=(right if good else wrong).digest,
                            received_at=at,
                        )
                        for k, good in enumerate(correct)
                    ]
                    session.add_all(cases)
                    session.flush()
                    session.add_all(
                        Judgement(case_id=case.id, answer_id=answer_id, correct=good, judged_at=at, judged_by="bench")
                        for case, good in zip(cases, correct, strict=True)
                    )
                    session.add(
                        Tally(
                            submission_id=made.id,
                            correct=sum(correct),
                            judged=count,
                            first_case_at=at,
                            last_case_at=at,
                        )
                    )


def _pages(address: tuple[str, int], key: str) -> None:
    """The gradebook, signed in as the instructor."""
    connection = http.client.HTTPConnection(*address, timeout=120)

    def ask(method: str, path: str, body: str = "", cookie: str = "") -> tuple[http.client.HTTPResponse, bytes]:
        headers = {"Cookie": cookie} if cookie else {}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        return reply, reply.read()

    reply, page = ask("GET", "/signin")
    cookies = "; ".join(value.split(";")[0] for name, value in reply.getheaders() if name.lower() == "set-cookie")
    token = re.search(rb'name="csrf"[^>]*value="([^"]+)"', page)
    reply, page = ask("POST", "/signin", f"csrf={token[1].decode() if token else ''}&key={key}", cookies)
    cookies = "; ".join(value.split(";")[0] for name, value in reply.getheaders() if name.lower() == "set-cookie")
    times = []
    for _ in range(PAGES):
        at = time.perf_counter()
        reply, page = ask("GET", "/a/hw4/gradebook", cookie=cookies)
        times.append(1e3 * (time.perf_counter() - at))
        if reply.status != 200 or page.count(b"<tr") < CLASS:
            raise SystemExit(f"the gradebook page answered {reply.status} with {page.count(b'<tr')} rows")
    row(f"gradebook page, {CLASS} students x 10 problems", "ms", times)
    print(f"{'':46} {len(page) / 1024:8.3g} KiB")


if __name__ == "__main__":
    main()
