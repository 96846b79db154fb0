"""From the reference's answers to a student's points, and to a verified grade, through the real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, TOY, lay_over

from grader.assignment import Assignment
from grader.mugrade.client import Client
from grader.submission import verified
from grader.submission.publish import publish
from grader.submission.screen import Screen

pytest.importorskip("fastapi", reason="the server needs the packages of the course")

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("MUGRADE_")}
PEOPLE = {"prof": "instructor", "robot": "grader", "ada": "student"}


@pytest.fixture
def live(database: Any, server_socket: Any, toy: Assignment) -> Any:
    """A real server of the toy's assignment; nothing is published yet."""
    from servers import NOW, Course, live

    from grader.server.store import catalogue, keys
    from grader.server.store.models import Role, User

    course = Course(database)
    with database.write() as session:
        for login, role in PEOPLE.items():
            user = User(login=login, name=login.title(), role=Role(role), created_at=NOW)
            session.add(user)
            session.flush()
            course.keys[login] = keys.new_key(session, user, NOW)
        catalogue.sync(session, toy)
    return live(server_socket, course)


def submit(live: Any, tree: Path, out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Ada runs submit.py."""
    command = [sys.executable, str(ROOT / "submit.py"), "--assignment", str(TOY / "assignment"), "--server", live.url]
    command += ["--tree", str(tree), "--out", str(out), *arguments]
    env = {**CLEAN, "MUGRADE_KEY": live.course.keys["ada"]}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)


def test_published_submitted_and_verified(
    live: Any, toy: Assignment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reference's answers are published; a right tree has all points; a grade is verified once."""
    good, wrong = lay_over("good", tmp_path / "good"), lay_over("wrong", tmp_path / "wrong")
    prof = Client(live.url, live.course.keys["prof"])

    # Before anything is published there is nothing to submit.
    early = submit(live, good, tmp_path / "out")
    assert (early.returncode, "has not published its answers" in early.stderr) == (4, True)

    for expected in ("version 1 is active", "the same as version 1, which stays"):
        assert publish(prof, toy, good, select="", sandbox="none", screen=Screen()) == 0
        assert f"scale: 3 cases; {expected}" in capsys.readouterr().out.splitlines()

    right = submit(live, good, tmp_path / "out")
    assert right.returncode == 0, right.stdout + right.stderr
    assert "Total: 10.0 / 10.0 points" in right.stdout
    lost = submit(live, wrong, tmp_path / "out", "-k", "scale")
    assert lost.returncode == 1, lost.stdout + lost.stderr
    assert "  0 of 3 cases correct: 0.0 / 3.0" in lost.stdout
    assert not list((tmp_path / "out").rglob("*.json"))

    # A version that changes somebody waits.
    assert publish(prof, toy, wrong, select="add", sandbox="none", screen=Screen()) == 0
    capsys.readouterr()

    robot = Client(live.url, live.course.keys["robot"])
    beside = (
        "recorded; toy counts self-reported grades, so it stands beside them "
        "(python -m grader policy toy --official verified changes that)\n"
    )
    for expected in (f"recorded\n{beside}", "recorded before\n"):
        grades = verified.read([graded(tmp_path, live)], student="ada", submitted_at="2026-11-01T10:00:00+00:00")
        assert verified.post(robot, live.course.keys["robot"], grades, Screen()) == 0
        assert capsys.readouterr().out == f"ada: 10.0 / 10.0, {expected}"

    # Where verified grades count, there is no more to say.
    live.course.policy("toy", official="verified")
    other = verified.read([graded(tmp_path, live)], student="ada", submitted_at="2026-11-01T10:00:01+00:00")
    assert verified.post(robot, live.course.keys["robot"], other, Screen()) == 0
    assert capsys.readouterr().out == "ada: 10.0 / 10.0, recorded\n"

    # What was withdrawn is not told as recorded.
    from gradebooks import withdraw

    withdraw(live.course, 1)
    assert verified.post(robot, live.course.keys["robot"], grades, Screen()) == 4
    out = capsys.readouterr().out
    assert out.startswith("ada: not posted: This grade was recorded before and does not count: it is verified grade 1 ")


def graded(folder: Path, live: Any) -> Path:
    """A folder of reports on a tree that passes everything."""
    from toy_grades import PASS, made, result

    grade = made(
        [result(name, 0, PASS) for name in ("add", "scale", "total")],
        tree_hash="ab" * 32,
        suite_hash="cd" * 32,
        environment={"grader": "0.1.0"},
    )
    from grader.report.document import to_json

    (folder / "grade").mkdir(exist_ok=True)
    file = folder / "grade" / "grade.json"
    file.write_text(to_json(grade))
    made_at = live.clock.now.timestamp() - 3600
    os.utime(file, (made_at, made_at))
    return folder / "grade"


def test_interrupted_submission_is_resumed(live: Any, toy: Assignment, tmp_path: Path) -> None:
    """What the real server has judged is shown again, and not judged again."""
    from sqlalchemy import func, select

    from grader.server.store.models import CaseRow, Submission
    from grader.submission.answers import compute
    from grader.submission.posting import Poster, Result
    from grader.submission.state import States

    good = lay_over("good", tmp_path / "good")
    prof = Client(live.url, live.course.keys["prof"])
    assert publish(prof, toy, good, select="scale", sandbox="none", screen=Screen()) == 0
    answers = compute(toy, good, select="scale", sandbox="none", watch=lambda event: None)
    poster = Poster(Client(live.url, live.course.keys["ada"]), States(tmp_path / "state"), toy, "ada", answers.identity)
    seen: list[Any] = []

    def stop(case: Any) -> None:
        seen.append(case)
        if case.index == 1:
            raise KeyboardInterrupt

    with States(tmp_path / "state").exclusively(lambda: None):
        with pytest.raises(KeyboardInterrupt):
            poster.post(answers.problems[0], lambda: None, stop)
        assert len(list((tmp_path / "state").glob("*.json"))) == 1
        seen.clear()
        outcome = poster.post(answers.problems[0], lambda: None, seen.append)
    assert [(case.result, case.before) for case in seen] == [
        (Result.CORRECT, True),
        (Result.CORRECT, True),
        (Result.CORRECT, False),
    ]
    assert outcome.points == 3.0
    with live.course.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Submission)) == 1
        assert session.scalar(select(func.count()).select_from(CaseRow)) == 3


def test_servers_sentences_reach_the_student(live: Any, toy: Assignment, tmp_path: Path) -> None:
    """A closed assignment is one clear sentence, before anything is compiled."""
    from datetime import timedelta

    good = lay_over("good", tmp_path / "good")
    live.course.policy("toy", due_at=live.clock.now - timedelta(days=400))
    done = submit(live, good, tmp_path / "out")
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1, json.dumps(done.stderr)
    assert done.stderr.startswith("error: ")
