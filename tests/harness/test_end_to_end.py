"""The real thing, as people run it: the commands of docs/server.md against one server in a process of its own.

Each test has a student of its own, so that none depends on another.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from conftest import ROOT
from relay import relaying

from grader.assignment import load_assignment
from grader.mugrade import signature

HW4 = load_assignment(ROOT / "tests" / "hw4")
CASES = {problem.name: len(problem.submission_cases) for problem in HW4.problems}
# What the environment of whoever runs these tests may say.
OURS = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM", "MUGRADE_KEY", "MUGRADE_SERVER", "GRADER_DATABASE", "PYTHONPATH"}
CLEAN = {name: value for name, value in os.environ.items() if name not in OURS}
# Canvas's export has names, identifiers and a section; the plain form has roles.
STUDENTS = """\
Student,ID,SIS User ID,SIS Login ID,Section,hw4 (77)
    Points Possible,,,,,100
"Lovelace, Ada",101,s1,ada,A,
"Builder, Bob",102,s2,bob,A,
"Hopper, Grace",103,s3,grace,B,
"Curry, Haskell",104,s4,haskell,B,
"Liskov, Barbara",105,s5,barbara,B,
"Idle, Eric",106,s6,eric,B,
"""
STAFF = "login,name,role\nrobot,Grader of the course,grader\n"
PLANTED = "reference/python/needle/data/datasets/ptb_dataset.py", "itertools.islice(file, max_lines)", "iter(file)"


@dataclass
class Stage:
    """A server, its people, and the folder that everything is in."""

    folder: Path
    url: str
    keys: dict[str, str]  # login -> key

    @property
    def database(self) -> Path:
        """The server's database."""
        return self.folder / "gradebook.sqlite3"

    def run(self, *command: object, login: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        """A command to its end, as somebody with their key in the environment."""
        env = {**CLEAN, **({"MUGRADE_KEY": self.keys[login]} if login else {}), **environ}
        line = [sys.executable, *map(str, command)]
        return subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=300)

    def grader(self, *arguments: object, login: str = "") -> str:
        """`python -m grader ...` with success; what it printed."""
        environ = {"GRADER_DATABASE": f"sqlite:///{self.database}"}
        done = self.run("-m", "grader", *arguments, login=login, **environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def submitting(self, login: str, tree: Path, *arguments: object, server: str = "") -> list[object]:
        """The command line of submit.py."""
        out = self.folder / "out" / login
        return [ROOT / "submit.py", "--server", server or self.url, "--tree", tree, "--out", out, *arguments]

    def submit(self, login: str, tree: Path, *arguments: object, server: str = "") -> subprocess.CompletedProcess[str]:
        """submit.py to its end."""
        return self.run(*self.submitting(login, tree, *arguments, server=server), login=login)

    def kept(self, login: str) -> list[tuple[str, str, int, bool]]:
        """(problem, submission, index, correct) of each of a student's judged cases, as the tables have them."""
        query = """
            SELECT problems.name, public_id, case_index, correct FROM judgements
            JOIN cases ON cases.id = case_id JOIN submissions ON submissions.id = submission_id
            JOIN problems ON problems.id = submissions.problem_id JOIN users ON users.id = user_id
            JOIN answers ON answers.id = answer_id
            WHERE login = ? AND version = 1 ORDER BY public_id, case_index
        """
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return [(name, of, index, bool(right)) for name, of, index, right in connection.execute(query, (login,))]

    @contextlib.contextmanager
    def browser(self, login: str) -> Iterator[httpx.Client]:
        """A browser that has signed in."""
        with httpx.Client(base_url=self.url, follow_redirects=True, verify=False, timeout=60) as client:
            token = re.search(r'name="csrf" value="([^"]+)"', client.get("/signin").text)
            assert token is not None
            signed_in = client.post("/signin", data={"csrf": token[1], "key": self.keys[login]})
            assert "Sign out" in signed_in.text
            yield client


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server on a new database; people imported from CSV files; the reference's answers published."""
    folder = tmp_path_factory.mktemp("stage")
    command = [sys.executable, "-m", "grader", "serve", "--port", "0", "--suite", str(ROOT / "tests" / "hw4")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**CLEAN, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    try:
        found = Stage(folder, "", {})
        for line in process.stdout:  # the key stands in the last line
            if match := re.search(r"listens on (http://127\.0\.0\.1:\d+/)", line):
                found.url = match[1]
            if match := re.search(r"shown only now: (ndl_\w+)", line):
                found.keys["instructor"] = match[1]
                break
        else:
            pytest.fail((folder / "log").read_text())
        for name, text in {"students": STUDENTS, "staff": STAFF}.items():
            (folder / f"{name}.csv").write_text(text)
            found.grader("roster", "import", folder / f"{name}.csv", "--keys", folder / f"{name}-keys.csv")
            with (folder / f"{name}-keys.csv").open(newline="") as file:
                found.keys |= {row["login"]: row["key"] for row in csv.DictReader(file)}
        published = found.grader("publish", "--server", found.url, login="instructor")
        assert published.count("version 1 is active") == len(CASES), published
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=60)
        process.stdout.close()
    log_text = (folder / "log").read_text()
    assert status == 0, log_text
    assert '"fault"' not in log_text
    assert not [key for key in found.keys.values() if key in log_text]


def copied(tree: str, to: Path) -> Path:
    """A tree of the checkout as somebody's own."""
    shutil.copytree(ROOT / tree, to, ignore=shutil.ignore_patterns("build", "__pycache__", "*.so"))
    return to


@pytest.fixture(scope="module")
def ada(stage: Stage) -> subprocess.CompletedProcess[str]:
    """Ada has submitted the reference."""
    return stage.submit("ada", copied("reference", stage.folder / "ada"))


@pytest.fixture(scope="module")
def bob(stage: Stage) -> subprocess.CompletedProcess[str]:
    """Bob has submitted the starter as it was handed out."""
    return stage.submit("bob", ROOT / "student")


@pytest.fixture(scope="module")
def grace(stage: Stage) -> subprocess.CompletedProcess[str]:
    """Grace has submitted a tree with one mistake."""
    tree = copied("reference", stage.folder / "grace")
    name, right, wrong = PLANTED
    file = tree / Path(name).relative_to("reference")
    assert file.read_text().count(right) == 1
    file.write_text(file.read_text().replace(right, wrong))
    return stage.submit("grace", tree)


# -- submit.py --------------------------------------------------------------------------------------------------------


def test_reference_has_every_point(stage: Stage, ada: subprocess.CompletedProcess[str]) -> None:
    """Ten problems, every case correct, 100 points, exit status 0; the server has each case once."""
    assert ada.returncode == 0, ada.stdout + ada.stderr
    lines = ada.stdout.splitlines()
    assert "Total: 100.0 / 100.0 points" in lines
    assert len([line for line in lines if re.fullmatch(r"\w+ +10\.0 / 10\.0", line)]) == len(CASES) == 10
    assert len([line for line in lines if line.startswith("  correct ")]) == sum(CASES.values())
    kept = stage.kept("ada")
    assert [name for name, *_ in kept].count("rnn") == CASES["rnn"]
    assert {(name, index) for name, _, index, _ in kept} == {(name, k) for name, n in CASES.items() for k in range(n)}
    assert len(kept) == sum(CASES.values())
    assert all(right for *_, right in kept)
    assert stage.keys["ada"] not in ada.stdout + ada.stderr


def test_starter_has_none(stage: Stage, bob: subprocess.CompletedProcess[str]) -> None:
    """0 points, one clear line a problem, exit status 1; nothing was posted and no attempt spent."""
    assert bob.returncode == 1, bob.stdout + bob.stderr
    lines = bob.stdout.splitlines()
    for name in CASES:
        (line,) = (line for line in lines if line.startswith(f"{name}:"))
        assert line.startswith(f"{name}: 0.0 / 10.0; not implemented: ")
    assert "Total: 0.0 / 100.0 points" in lines
    assert "Traceback" not in bob.stdout + bob.stderr
    assert stage.kept("bob") == []


def test_one_mistake_costs_one_problem(stage: Stage, grace: subprocess.CompletedProcess[str]) -> None:
    """Exactly the problem with the mistake loses points, for the case that it is in; exit status 1."""
    assert grace.returncode == 1, grace.stdout + grace.stderr
    lines = grace.stdout.splitlines()
    assert [line for line in lines if line.startswith("  wrong ")] == [f"  {'wrong':<10}   4  Corpus with max_lines"]
    losing = [line for line in lines if re.fullmatch(r"\w+ +\d+\.\d / 10\.0", line) and " 10.0 / 10.0" not in line]
    assert [line.split()[:2] for line in losing] == [["ptb", "8.6"]]
    assert [(name, index) for name, _, index, right in stage.kept("grace") if not right] == [("ptb", 3)]


def test_killed_midway_it_goes_on(stage: Stage) -> None:
    """Killed after a case that was judged and whose reply was lost, run again: one submission, each case once."""
    cases = CASES["rnn"]
    with relaying(stage.url) as relay:
        relay.swallow = 4
        tree = ROOT / "reference"
        command = [sys.executable, *map(str, stage.submitting("haskell", tree, "-k", "rnn", server=relay.url))]
        env = {**CLEAN, "MUGRADE_KEY": stage.keys["haskell"]}
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert relay.swallowed.wait(timeout=120)
        process.kill()
        stdout, _ = process.communicate()
        assert stdout.count("  correct ") == 3
        assert [index for _, _, index, _ in stage.kept("haskell")] == [0, 1, 2, 3]
        relay.swallow = 0
        again = stage.submit("haskell", tree, "-k", "rnn", server=relay.url)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "  going on with the submission that was interrupted" in again.stdout.splitlines()
    assert again.stdout.count("(judged before)") == 4
    kept = stage.kept("haskell")
    assert [index for _, _, index, _ in kept] == list(range(cases))
    assert len({submission for _, submission, _, _ in kept}) == 1


# -- the course's own client ------------------------------------------------------------------------------------------


def test_course_client(stage: Stage) -> None:
    """`python -m mugrade submit` and `publish`, by the stand-in of course_client/, are judged as submit.py is."""
    options = {"PYTHONPATH": str(ROOT / "tests" / "harness" / "course_client"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    options["PYTEST_ADDOPTS"] = "--tree reference"
    line = ["hw4", "-k", "ptb", "--server", stage.url]
    done = stage.run("-m", "mugrade", "publish", stage.keys["instructor"], *line, **options)
    (reply,) = re.findall(r"^published ptb: (.*)$", done.stdout, re.MULTILINE)
    assert "'state': 'unchanged'" in reply, done.stdout
    done = stage.run("-m", "mugrade", "submit", stage.keys["barbara"], *line, **options)
    assert done.stdout.count("'correct': True") == CASES["ptb"], done.stdout
    assert [(name, index, right) for name, _, index, right in stage.kept("barbara")] == [
        ("ptb", k, True) for k in range(CASES["ptb"])
    ]
    refused = stage.run("-m", "mugrade", "publish", stage.keys["barbara"], *line, **options)
    assert "published ptb: {}" in refused.stdout


def test_older_edition_is_told(stage: Stage) -> None:
    """A client that posts pickles is told to be updated."""
    reply = httpx.post(f"{stage.url}_/api/submit", json={"user_key": stage.keys["ada"], "params": "gASVCg=="})
    assert reply.status_code == 410
    assert "update your client" in reply.text


# -- verified grades --------------------------------------------------------------------------------------------------


def test_verified_grade(stage: Stage, ada: subprocess.CompletedProcess[str]) -> None:
    """A grade is posted once, for the tree that its student submitted; changed or signed by others it is refused."""
    out = stage.folder / "grades"
    stage.grader("grade", stage.folder / "ada", "--out", out, "--seed", "1")
    grade = json.loads((out / "ada" / "grade.json").read_text())
    assert (grade["score"], grade["max_score"]) == (100, 100)
    statement = signature.statement(grade, student="ada", suite_hash=grade["suite_hash"], submitted_at=None)

    def post(text: str, key: str) -> httpx.Response:
        body = {"statement": text, "signature": signature.sign(text, stage.keys["robot"])}
        return httpx.post(f"{stage.url}api/verified", json=body, headers={"Authorization": f"Bearer {key}"})

    tampered = statement.replace('"student":"ada"', '"student":"bob"')
    body = {"statement": tampered, "signature": signature.sign(statement, stage.keys["robot"])}
    robot = {"Authorization": f"Bearer {stage.keys['robot']}"}
    assert httpx.post(f"{stage.url}api/verified", json=body, headers=robot).status_code == 403
    assert post(statement, stage.keys["instructor"]).status_code == 403  # another's signature
    assert post(statement, stage.keys["ada"]).status_code == 403  # a student
    assert post(tampered, stage.keys["robot"]).status_code == 422  # bob never handed that tree in
    posted = stage.grader("post", out / "ada", "--server", stage.url, login="robot")
    assert posted.startswith("ada: 100.0 / 100.0, recorded\nrecorded; hw4 counts self-reported grades, so it stands ")
    again = stage.grader("post", out / "ada", "--server", stage.url, login="robot")
    assert again == "ada: 100.0 / 100.0, recorded before\n"
    with contextlib.closing(sqlite3.connect(f"file:{stage.database}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT login, statement, signature FROM verified_grades JOIN users ON users.id = user_id"
        )
        ((login, kept, signed),) = rows.fetchall()
    replayed = httpx.post(f"{stage.url}api/verified", json={"statement": kept, "signature": signed}, headers=robot)
    assert login == "ada"
    assert replayed.status_code == 409
    assert "recorded before" in replayed.text


# -- the gradebook ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("ada", "bob", "grace")
def test_gradebook(stage: Stage) -> None:
    """The page and both CSV files show the points that the students were told."""
    totals = {"ada": 100, "bob": None, "grace": 98.57, "eric": None}
    with stage.browser("instructor") as browser:
        page = browser.get("/a/hw4/gradebook").text
        canvas = browser.get("/a/hw4/export/canvas.csv").text
        plain = browser.get("/a/hw4/export/plain.csv").content.decode("utf-8-sig")
    for login, total in totals.items():
        row = re.search(rf'<tr data-text="[^"]* {login}".*?</tr>', page, re.DOTALL)
        assert row is not None
        shown = re.search(r'<td class="num total" data-v="([^"]+)"', row[0])
        assert shown is not None
        assert round(float(shown[1]), 2) == (total or 0)
    head, possible, *rows = csv.reader(io.StringIO(canvas, newline=""))
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "hw4"]
    assert (possible[0].strip(), possible[5]) == ("Points Possible", "100")
    by_login = {row[3]: row for row in rows}
    assert by_login["ada"] == ["Lovelace, Ada", "101", "s1", "ada", "A", "100"]
    assert {login: by_login[login][5] for login in totals} == {
        login: "" if total is None else f"{total:g}" for login, total in totals.items()
    }
    found = {row["login"]: row for row in csv.DictReader(io.StringIO(plain, newline=""))}
    assert found["grace"]["ptb"] == "8.57"
    assert [found["ada"][name] for name in CASES] == ["10"] * len(CASES)
    assert [found["grace"][name] for name in CASES if name != "ptb"] == ["10"] * (len(CASES) - 1)


@pytest.mark.usefixtures("ada")
def test_a_student_sees_their_own(stage: Stage) -> None:
    """Ada sees her points, and no name of anybody else."""
    with stage.browser("ada") as browser:
        page = browser.get("/a/hw4").text
        assert browser.get("/a/hw4/gradebook").status_code == 403
    assert "100" in page
    for other in ("Builder", "Hopper", "Liskov", "bob", "grace"):
        assert other not in page
