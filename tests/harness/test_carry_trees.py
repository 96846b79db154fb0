"""`grader carry` with whole trees: this edition's reference, and a complete tree of the earlier edition."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader.assignment import Assignment, load_assignment
from grader.carry.editions import load_editions
from grader.carry.old_tree import read_old
from grader.carry.outcome import Fate, Report
from grader.carry.transfer import carry
from grader.derive import find_regions
from grader.derive.syntax import decode

ROOT = Path(__file__).resolve().parents[2]
SUITE = ROOT / "tests" / "hw4"
EARLIER = ROOT / "tests" / "submissions" / "earlier"


@pytest.fixture(scope="module")
def hw4() -> Assignment:
    """The assignment."""
    return load_assignment(SUITE)


@pytest.fixture
def student(tmp_path: Path) -> Path:
    """The starter, as a student has it."""
    ignored = shutil.ignore_patterns("build", "*.so", "__pycache__", ".*")
    return Path(shutil.copytree(ROOT / "student", tmp_path / "student", ignore=ignored))


def transfer(hw4: Assignment, old: Path, student: Path, *, force: bool = False) -> Report:
    return carry(read_old(old, hw4), student, hw4, load_editions(SUITE), force=force, dry_run=False)


def regions(tree: Path) -> dict[str, list[tuple[str, ...]]]:
    """The contents of the regions of a tree's sources, by path."""
    return {
        path.relative_to(tree).as_posix(): [item.lines for item in found]
        for path in sorted(tree.rglob("*"))
        if path.suffix in (".py", ".cc", ".cu", ".h")
        and (found := find_regions(decode(path.read_bytes()), path.relative_to(tree).as_posix()))
    }


def test_a_complete_tree_of_this_edition_arrives_byte_for_byte(hw4: Assignment, student: Path) -> None:
    """Every region of the reference is in the student's tree, and nothing besides."""
    report = transfer(hw4, ROOT / "reference", student)
    assert {item.fate for item in report.items} == {Fate.CARRIED}
    assert report.additions == ()
    wanted = regions(ROOT / "reference")
    assert {path: lines for path, lines in regions(student).items() if path in wanted} == wanted


def test_helpers_outside_of_markers_are_found(hw4: Assignment, student: Path, tmp_path: Path) -> None:
    """A student of this edition who wrote an import and a helper at the end of a file loses neither."""
    old = Path(shutil.copytree(ROOT / "student", tmp_path / "old", ignore=shutil.ignore_patterns("build", "*.so")))
    file = old / "apps" / "models.py"
    said = file.read_text().replace(
        'raise NotImplementedError("ResNet9.forward is yours to write (apps/models.py)")', "return through(self, x)"
    )
    file.write_text(said + "\n\nimport functools\n\n\ndef through(model, x):\n    return functools.reduce(call, x)\n")
    transfer(hw4, old, student)
    carried = (student / "apps" / "models.py").read_text()
    assert "        return through(self, x)\n" in carried
    assert "def through(model, x):" in carried
    assert carried.index("import functools") < carried.index("def through") < carried.index("class ResNet9")


def test_work_stays_without_force(hw4: Assignment, student: Path) -> None:
    """A region in which a student has begun is left alone, and told; with --force OLD's code takes its place."""
    file = student / "python" / "needle" / "optim.py"
    stub = 'raise NotImplementedError("SGD.step is yours to write (python/needle/optim.py)")'
    mine = file.read_text().replace(stub, "self.mine = 1")
    file.write_text(mine)
    report = transfer(hw4, ROOT / "reference", student)
    assert [item.name for item in report.of(Fate.KEPT)] == ["SGD.step"]
    assert "self.mine = 1" in file.read_text()
    transfer(hw4, ROOT / "reference", student, force=True)
    assert file.read_text() == (ROOT / "reference" / "python" / "needle" / "optim.py").read_text()


def test_a_complete_tree_of_the_earlier_edition_has_every_point(hw4: Assignment, student: Path, tmp_path: Path) -> None:
    """One file for the ops, one for the layers, other names, helpers between: carried over it is worth 100 points."""
    report = transfer(hw4, EARLIER, student)
    assert [f"{item.name}: {item.why}" for item in report.of(Fate.UNPLACED)] == []
    command = [sys.executable, "-m", "grader", "grade", str(student), "--out", str(tmp_path / "out"), "--seed", "20"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    grade = json.loads((tmp_path / "out" / "student" / "grade.json").read_text())
    assert (grade["score"], grade["max_score"]) == (100.0, 100.0)
