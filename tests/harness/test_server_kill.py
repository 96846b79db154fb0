"""The server is killed with SIGKILL, again and again, while clients post: no acknowledged case is lost or doubled."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import ASSIGNMENTS, VALUES, Course

ROOT = Path(__file__).resolve().parents[2]
KILLS = 50
STUDENTS = ("ada", "bob", "eve")
CLIENTS_A_STUDENT = 2
MOST_POSTS_A_LIFE = 12  # acknowledged posts after which a server is killed, at most


class Lives:
    """One server after another over the same database; each has a port of its own."""

    def __init__(self, database: str) -> None:
        self._nursery = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "harness" / "forked_servers.py")],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "GRADER_DATABASE": database, "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._process = 0
        self.address: tuple[str, int] | None = None

    def begin(self) -> None:
        """Start the next one, and wait until it says where it listens."""
        assert self._nursery.stdin is not None
        print(file=self._nursery.stdin, flush=True)
        self._process = int(self._until(r"process (\d+)"))
        self.address = ("127.0.0.1", int(self._until(r"listens on http://127\.0\.0\.1:(\d+)")))

    def end(self) -> None:
        """Kill it without a warning."""
        os.kill(self._process, signal.SIGKILL)
        self._until("(ended)")

    def close(self) -> None:
        """Kill the last one together with the process that they come from."""
        os.killpg(self._nursery.pid, signal.SIGKILL)
        self._nursery.communicate()

    def _until(self, pattern: str) -> str:
        """What a line of theirs says that fits the pattern."""
        assert self._nursery.stdout is not None
        for line in self._nursery.stdout:
            if found := re.search(pattern, line):
                return found[1]
        raise AssertionError(f"no server says {pattern!r}; where they come from, status {self._nursery.wait()}")


class Poster:
    """Clients that open submissions and post cases, each post again and again until it is acknowledged."""

    def __init__(self, lives: Lives, keys: dict[str, str]) -> None:
        self._lives = lives
        self._keys = keys
        self._stop = threading.Event()
        self.changed = threading.Condition()
        self.acknowledged: list[tuple[str, int, Any, bool]] = []  # submission, index, value, correct
        self.opened: dict[str, set[str]] = {}  # token -> the submission ids that it was answered with
        self.faults: list[str] = []

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Post while the block runs; at its end each client finishes the submission that it is at."""
        threads = [
            threading.Thread(target=self._work, args=(login, k)) for login in STUDENTS for k in range(CLIENTS_A_STUDENT)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        except BaseException as error:  # Ctrl-C too: there may be no server any more to acknowledge their last post
            self.faults.append(f"the test ended early: {type(error).__name__}")
            raise
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def wait_for(self, count: int) -> None:
        """Until so many cases are acknowledged."""
        with self.changed:
            while len(self.acknowledged) < count and not self.faults:
                self.changed.wait()
        assert not self.faults, self.faults

    def _work(self, login: str, number: int) -> None:
        rng = random.Random(f"{login} {number}")
        done = 0
        while not self._stop.is_set() and not self.faults:
            done += 1
            problem = rng.choice(ASSIGNMENTS["toy"])
            token = f"{login}-{number}-{done:06d}"
            opened = self._post(login, f"/submit?assignment=toy&problem={problem}", b"", {"Idempotency-Key": token})
            submission = opened.get("submission_id", "")
            with self.changed:
                self.opened.setdefault(token, set()).add(submission)
            for index in range(len(VALUES[problem])):
                value = rng.choice([rng.randrange(10), rng.random(), [rng.random() for _ in range(500)]])
                path = f"/submit_test?submission_id={submission}&test_case_index={index}"
                judged = self._post(login, path, json.dumps(value).encode(), {})
                with self.changed:
                    self.acknowledged.append((submission, index, value, judged.get("correct", False)))
                    self.changed.notify()

    def _post(self, login: str, path: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        """The reply to a post that is repeated until there is one."""
        import http.client

        while not self.faults:
            host, port = self._lives.address or ("127.0.0.1", 1)
            connection = http.client.HTTPConnection(host, port, timeout=60)
            try:
                connection.request("POST", path, body, {"Authorization": f"Bearer {self._keys[login]}", **headers})
                reply = connection.getresponse()
                text = reply.read()
                if reply.status == 200:
                    parsed: dict[str, Any] = json.loads(text)
                    return parsed
                if reply.status != 503:  # 503: the database is starting up after its client was killed
                    with self.changed:
                        self.faults.append(f"{path}: {reply.status} {text!r}")
                        self.changed.notify()
            except (OSError, http.client.HTTPException):
                self._stop.wait(0.02)  # killed, or not there yet
            finally:
                connection.close()
        return {}


@pytest.mark.parametrize("kills", [KILLS])
def test_kill(course: Course, kills: int) -> None:
    """After 50 kills under load each acknowledged case is there once, as it was posted and judged."""
    from sqlalchemy import func, select

    from grader.mugrade import codec
    from grader.server.desk.regrade import recount
    from grader.server.store.models import CaseRow, Judgement, Submission, Tally

    lives = Lives(course.database.url.render_as_string(hide_password=False))
    poster = Poster(lives, course.keys)
    rng = random.Random(3)
    try:
        lives.begin()
        with poster.running():
            for _ in range(kills):
                poster.wait_for(len(poster.acknowledged) + rng.randint(1, MOST_POSTS_A_LIFE))
                lives.end()
                lives.begin()
    finally:
        lives.close()
    assert not poster.faults, poster.faults
    assert all(len(submissions) == 1 for submissions in poster.opened.values())  # no token opened two
    with course.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Submission)) == len(poster.opened)
        rows = session.execute(
            select(Submission.public_id, CaseRow.case_index, CaseRow.value_hash, Judgement.correct)
            .join(CaseRow, CaseRow.submission_id == Submission.id)
            .join(Judgement, Judgement.case_id == CaseRow.id)
        ).all()
    kept = {(public_id, index): (digest, correct) for public_id, index, digest, correct in rows}
    assert len(kept) == len(rows)  # no case twice, none judged twice
    posted = {
        (submission, index): (codec.digest(value), correct) for submission, index, value, correct in poster.acknowledged
    }
    assert kept == posted
    with course.database.write() as session:
        judged = session.scalar(select(func.sum(Tally.judged)))
        assert judged == len(posted)
        assert recount(session) == 0
