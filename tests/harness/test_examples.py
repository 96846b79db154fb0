"""The second assignment, examples/statistics: everything that the engine does for hw4 it does for any other one."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from grader.assignment import Assignment, load_assignment, own_suite
from grader.grading import grade_trees
from grader.run import RunOptions
from grader.score import Grade
from grader.verdict import Verdict

EXAMPLE = ROOT / "examples" / "statistics"
SUITE = EXAMPLE / "suite"
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("MUGRADE_", "PYTEST_"))}

# The textbook's variance, which loses every digit far from zero.
STUB = 'raise NotImplementedError("Moments.add is yours to write (stats/moments.py)")'
NAIVE = """\
self.count += 1
        self.mean += (x - self.mean) / self.count
        self.raw = getattr(self, "raw", 0.0) + x * x
        self.squares = self.raw - self.count * self.mean**2"""


@pytest.fixture(scope="module")
def statistics() -> Assignment:
    """The example's assignment."""
    return load_assignment(SUITE)


@pytest.fixture(scope="module")
def naive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter with the naive variance written."""
    tree = Path(shutil.copytree(EXAMPLE / "student", tmp_path_factory.mktemp("trees") / "naive"))
    moments = tree / "stats" / "moments.py"
    text = moments.read_text()
    assert STUB in text
    moments.write_text(text.replace(STUB, NAIVE))
    return tree


@pytest.fixture(scope="module")
def grades(statistics: Assignment, naive: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Grade]:
    """The grades of the reference, the starter and the naive tree, by name."""
    trees = [EXAMPLE / "reference", EXAMPLE / "student", naive]
    options = RunOptions(seed=7, devices=(), selection="", isolation="worker", sandbox="none")
    out = tmp_path_factory.mktemp("out")
    found = grade_trees(
        statistics, trees, options, jobs=1, out=out, watch=lambda tree, event: None, shown=[str(tree) for tree in trees]
    )
    return {grade.tree: grade for grade in found}


def grader(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """`python -m grader` with these arguments."""
    command = [sys.executable, "-m", "grader", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=CLEAN, capture_output=True, text=True, check=False, timeout=300)


def test_student_is_what_the_reference_derives_to() -> None:
    """`check-student` takes other trees than the checkout's own."""
    done = grader("check-student", "--reference", EXAMPLE / "reference", "--student", EXAMPLE / "student")
    assert done.returncode == 0, done.stdout + done.stderr


def test_derive_writes_any_tree(tmp_path: Path) -> None:
    """`derive` writes the starter of any reference, and then `check-student` says that it is up to date."""
    options = ("--reference", EXAMPLE / "reference", "--student", tmp_path / "student")
    assert grader("derive", *options).returncode == 0
    assert (tmp_path / "student" / "stats" / "moments.py").read_bytes() == (
        EXAMPLE / "student" / "stats" / "moments.py"
    ).read_bytes()
    assert grader("check-student", *options).returncode == 0
    (tmp_path / "student" / "stats" / "moments.py").write_text("pass\n")
    assert grader("check-student", *options).returncode == 1


def test_points(grades: dict[str, Grade], statistics: Assignment) -> None:
    """The reference has all ten points, the starter none; a naive solution loses what it does not do."""
    assert len(statistics.problems) == 3
    assert statistics.buckets == ("streams", "native")
    assert {name: (grade.score, grade.max_score) for name, grade in grades.items() if name != "naive"} == {
        "reference": (10, 10),
        "student": (0, 10),
    }
    naive = {item.problem.name: item.score for item in grades["naive"].problems}
    assert 0 < naive["moments"] < 4
    assert naive["median"] == naive["window"] == 0


def test_starter_is_told_what_is_not_implemented(grades: dict[str, Grade]) -> None:
    """Python's stubs and C++'s both name their task."""
    results = [result for item in grades["student"].problems for result in item.results]
    assert {result.verdict for result in results} == {Verdict.ERROR}
    assert all(result.message.startswith("not implemented: ") for result in results)
    assert any("MovingMaximum is yours to write (src/window.cc)" in result.message for result in results)


def test_command_below_a_failure_repeats_it(grades: dict[str, Grade]) -> None:
    """It names the suite, since that is not the checkout's own, and can be run as it is."""
    case = next(
        result
        for item in grades["naive"].problems
        for result in item.results
        if result.case.id == "test_streams.py::test_moments_far_from_zero"
    )
    assert case.verdict is Verdict.FAIL
    assert case.message.startswith("moments: variance is wrong: got ")
    command = re.search(r"^Run: python -m grader (repro .*)$", case.message, re.MULTILINE)
    assert command is not None
    assert command[1].endswith(f" --suite {SUITE.relative_to(ROOT)}")
    done = grader(*shlex.split(command[1]))
    assert done.returncode == 1
    assert "values  float64 (50,)" in done.stdout


def test_pytest_runs_the_suite() -> None:
    """`python -m pytest SUITE --tree TREE`, as a student types it."""
    command = [sys.executable, "-m", "pytest", str(SUITE), "--tree", str(EXAMPLE / "reference"), "-q"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider"], cwd=ROOT, env=CLEAN, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "24 passed" in done.stdout


def test_status_and_doctor_take_the_suite(tmp_path: Path) -> None:
    """`status` counts this assignment's parts; what it proposes next names the suite."""
    shown = grader("status", EXAMPLE / "student", "--out", tmp_path, "--suite", SUITE)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "Windows, in C++" in shown.stdout
    assert "--suite" in shown.stdout
    assert grader("doctor", "--suite", SUITE).returncode == 0


def test_carry_takes_the_suite(naive: Path, tmp_path: Path) -> None:
    """What was written in an older tree comes over into a new one."""
    new = tmp_path / "student"
    shutil.copytree(EXAMPLE / "student", new)
    done = grader("carry", "--from", naive, "--to", new, "--suite", SUITE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (new / "stats" / "moments.py").read_text() == (naive / "stats" / "moments.py").read_text()


# -- the release ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a student unpacks."""
    folder = tmp_path_factory.mktemp("release")
    archive = folder / "statistics.zip"
    options = ("--suite", SUITE, "--reference", EXAMPLE / "reference", "--student", EXAMPLE / "student")
    done = grader("release", "--out", archive, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    return folder / "statistics"


def test_release_holds_this_assignment_and_no_other(released: Path) -> None:
    """The starter, the suite and the README are its own, and of hw4 there is no file."""
    assert sorted(path.name for path in (released / "tests").iterdir()) == ["statistics"]
    assert (released / "student" / "stats" / "moments.py").is_file()
    assert (released / "README.md").read_text() == (EXAMPLE / "README.md").read_text()
    assert not (released / "docs" / "student.md").exists()
    assert not list((released / "tests").rglob("test_hidden_*"))  # the 2 cases that are missing below
    assert not (released / "grader" / "server").exists()


def test_release_works_without_naming_its_suite(released: Path) -> None:
    """`grade`, `status` and pytest mean the one suite that is there."""
    graded = grader("grade", "student", "--out", "out", "--seed", "1", cwd=released)
    assert graded.returncode == 0, graded.stdout + graded.stderr
    assert re.search(r"^total +0\.0 / 10\.0$", graded.stdout, re.MULTILINE)
    assert "--suite" not in graded.stdout
    shown = grader("status", cwd=released)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    command = [sys.executable, "-m", "pytest", "--tree", str(EXAMPLE / "reference"), "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=released, env=CLEAN, capture_output=True, text=True, check=False)
    assert "22 passed" in done.stdout, done.stdout + done.stderr


# -- on a server ----------------------------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """SQLite: nothing here depends on the kind."""
    from servers import opened

    with opened("sqlite", tmp_path, request) as found:
        yield found


def test_published_and_submitted(
    database: Any, server_socket: Any, statistics: Assignment, naive: Path, tmp_path: Path
) -> None:
    """A server of this assignment takes the reference's answers, and a student's."""
    from servers import NOW, Course, live

    from grader.server.store import catalogue, keys
    from grader.server.store.models import Role, User

    course = Course(database)
    with database.write() as session:
        for login, role in {"prof": Role.INSTRUCTOR, "ada": Role.STUDENT}.items():
            user = User(login=login, name=login.title(), role=role, created_at=NOW)
            session.add(user)
            session.flush()
            course.keys[login] = keys.new_key(session, user, NOW)
        catalogue.sync(session, statistics)
    url = live(server_socket, course).url

    def run(login: str, *command: object) -> subprocess.CompletedProcess[str]:
        environment = {**CLEAN, "MUGRADE_KEY": course.keys[login], "MUGRADE_SERVER": url}
        words = [sys.executable, *map(str, command)]
        return subprocess.run(
            words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
        )

    published = run("prof", "-m", "grader", "publish", "--suite", SUITE, "--tree", EXAMPLE / "reference")
    assert published.returncode == 0, published.stdout + published.stderr
    assert "moments: 2 cases; version 1 is active" in published.stdout

    submit = ("submit.py", "--assignment", SUITE, "--out", tmp_path / "out", "--tree")
    right = run("ada", *submit, EXAMPLE / "reference")
    assert right.returncode == 0, right.stdout + right.stderr
    assert "Total: 4.0 / 4.0 points" in right.stdout
    wrong = run("ada", *submit, naive)
    assert wrong.returncode == 1
    # What is wrong can be looked at with the example's own tests, not with the checkout's.
    assert f'python3 -m pytest {SUITE} -l -v -k "moments" --tree {naive}' in wrong.stdout


# -- the engine -----------------------------------------------------------------------------------------------------

# What may stand in a text of the engine: its own name, in formats and addresses, and where needle's data is.
OF_THE_ENGINE = re.compile(r"needle-(grade|standing|verified|submission)/1|needle-(submit|grader)\b|NEEDLE_DATA")
OF_HW4 = re.compile(r"hw4|needle|cifar|ptb|conv_|ndarray_", re.IGNORECASE)


def _texts(source: Path) -> Iterator[tuple[int, str]]:
    """The texts that a module works with: its string constants, but for docstrings."""
    tree = ast.parse(source.read_text())
    said = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.lineno, node.value


def test_engine_names_nothing_of_hw4() -> None:
    """No path, module, problem or data set of one assignment is a constant of the engine."""
    found = [
        f"{source.relative_to(ROOT)}:{line}: {text[:80]!r}"
        for source in sorted((ROOT / "grader").rglob("*.py"))
        for line, text in _texts(source)
        if OF_HW4.search(OF_THE_ENGINE.sub("", text))
    ]
    assert found == []


def test_the_only_suite_is_the_one_that_is_meant(tmp_path: Path) -> None:
    """A checkout with one assignment needs no --suite; with several, or none, one has to be named."""
    assert own_suite(ROOT) == ROOT / "tests" / "hw4"
    assert own_suite(tmp_path) == tmp_path / "tests"
    for name in ("first", "second"):
        (tmp_path / "tests" / name).mkdir(parents=True)
        (tmp_path / "tests" / name / "assignment.toml").touch()
        expected = tmp_path / "tests" / (name if name == "first" else "")
        assert own_suite(tmp_path) == expected


def test_every_file_of_the_example_is_shown() -> None:
    """docs/adding-an-assignment.md includes each file that somebody wrote by hand."""
    page = (ROOT / "docs" / "adding-an-assignment.md").read_text()
    ignored = ("__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache")
    written = [
        path.relative_to(ROOT).as_posix()
        for folder in ("reference", "suite")
        for path in sorted((EXAMPLE / folder).rglob("*"))
        if path.is_file() and not set(path.parts) & set(ignored)
    ]
    assert len(written) > 10
    assert [path for path in written if f'--8<-- "{path}"' not in page] == []


def test_table_of_the_page_is_the_one_that_grading_ends_with(grades: dict[str, Grade]) -> None:
    """The points that the page shows are those of the trees."""
    page = (ROOT / "docs" / "adding-an-assignment.md").read_text()
    table = re.search(r"```text\n(bucket +reference +student\n.*?)```", page, re.DOTALL)
    assert table is not None
    rows = [line.split() for line in table[1].splitlines()[1:]]
    shown = {name: (first, most, other) for name, first, _, most, other, *_ in rows}
    reference, student = grades["reference"], grades["student"]
    want = {
        one.name: (f"{one.score:.1f}", f"{one.max_score:.1f}", f"{other.score:.1f}")
        for one, other in zip(reference.buckets, student.buckets, strict=True)
    }
    assert shown == {**want, "total": ("10.0", "10.0", "0.0")}
