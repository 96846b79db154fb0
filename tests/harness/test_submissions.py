"""Whole submissions end to end: a bad one loses the cases it deserves to lose, no other, and the message says why."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from conftest import TOY, lay_over

from grader.assignment import Assignment
from grader.grading import grade_trees
from grader.run import RunOptions
from grader.score import Grade
from grader.verdict import Verdict

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BAD = sorted(folder.name for folder in TOY.iterdir() if (folder / "expected.toml").exists())
OPTIONS = RunOptions(seed=7, devices=(), selection="", isolation="worker", sandbox="none")


@pytest.fixture(scope="session")
def grades(toy: Assignment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Grade]:
    """The grades of all of the toy's submissions, from one run over them all."""
    trees = tmp_path_factory.mktemp("trees")
    sources = [lay_over(name, trees / name) for name in ["good", *BAD]]
    out = tmp_path_factory.mktemp("out")
    found = grade_trees(toy, sources, OPTIONS, jobs=2, out=out, watch=lambda tree, event: None)
    return {grade.tree: grade for grade in found}


def messages(grade: Grade, verdict: Verdict) -> list[str]:
    """The messages of the cases with that verdict."""
    return [r.message for item in grade.problems for r in item.results if r.verdict is verdict]


def test_good_submission_has_every_point(grades: dict[str, Grade]) -> None:
    """A right submission earns all points, although it was graded among twenty broken ones."""
    assert (grades["good"].score, grades["good"].max_score) == (10, 10)


@pytest.mark.parametrize("name", BAD)
def test_bad_submission_loses_only_what_it_breaks(name: str, grades: dict[str, Grade]) -> None:
    """Each function's cases get the verdict that the fixture expects, and the points follow."""
    expected = tomllib.loads((TOY / name / "expected.toml").read_text())
    for item in grades[name].problems:
        verdicts = {r.verdict.value for r in item.results if r.verdict is not Verdict.NOT_RUN}
        assert verdicts == {expected[item.problem.name]}, item.results[0].message
        assert item.score == (item.problem.points if verdicts == {"pass"} else 0)


@pytest.mark.parametrize("name", BAD)
def test_bad_submission_is_told_what_is_wrong(name: str, grades: dict[str, Grade]) -> None:
    """Every lost case's message has the words that the fixture expects."""
    expected = tomllib.loads((TOY / name / "expected.toml").read_text())
    lost = messages(grades[name], Verdict.FAIL) + messages(grades[name], Verdict.ERROR)
    assert all(expected["says"] in message for message in lost), lost[0]


@pytest.mark.parametrize(
    "name", ["does_not_compile", "syntax_error", "exits_on_import", "dies_on_import", "not_a_tree"]
)
def test_broken_tree_has_one_fault(name: str, grades: dict[str, Grade]) -> None:
    """What keeps a whole tree from being graded is said once, as the grade's fault."""
    fault = grades[name].fault
    assert fault is not None
    assert "Run:" not in fault


def test_compiler_errors_name_file_and_line(grades: dict[str, Grade]) -> None:
    """A tree that does not compile gets the compiler's first error, with the path inside the tree."""
    assert "src/native.cc:1:" in str(grades["does_not_compile"].fault)


def test_absent_device_is_not_run(grades: dict[str, Grade]) -> None:
    """Cases of a device that the machine lacks are shown as not run, and say why."""
    reasons = messages(grades["good"], Verdict.NOT_RUN)
    assert len(reasons) == 9
    assert all("no " in reason for reason in reasons)


def test_left_processes_are_ended(grades: dict[str, Grade]) -> None:
    """What a submission started is gone when its run is over."""
    assert "leaves_processes" in grades
    own = [_command(pid) for pid in Path("/proc").iterdir() if pid.name.isdigit()]
    assert ["sleep", "86399"] not in own


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs Linux's /proc")
def test_sleep_marker_would_be_seen() -> None:
    """The look at /proc that the test before relies on does see processes: at least this one."""
    assert _command(Path(f"/proc/{os.getpid()}"))


def _command(process: Path) -> list[str]:
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:  # ended while we looked
        return []


def test_seed_repeats_a_run_exactly(toy: Assignment, tmp_path: Path) -> None:
    """Two runs with one seed write the same grade.json but for the times, however the work was shared out."""
    documents = []
    for jobs in (1, 3):
        tree = lay_over("wrong", tmp_path / f"{jobs}" / "wrong")
        grade_trees(toy, [tree], OPTIONS, jobs=jobs, out=tmp_path / f"out{jobs}", watch=lambda tree, event: None)
        document = json.loads((tmp_path / f"out{jobs}" / "wrong" / "grade.json").read_text())
        for case in document["cases"]:
            del case["seconds"]
        documents.append(document)
    assert documents[0] == documents[1]
