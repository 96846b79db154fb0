"""`status`: what is written, what it earned, what comes next; by the text and the last report, and nothing is run."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT, TOY, lay_over
from rich.console import Console

from grader.assignment import Assignment, Part, load_assignment
from grader.derive import Region, find_regions
from grader.derive.syntax import decode
from grader.derive.tree import read_tree
from grader.errors import UsageError
from grader.intake import stage
from grader.parts import outline, part_of
from grader.report.status import print_status
from grader.standing import FILE, remembered
from grader.status import Status, look

HW4 = load_assignment(ROOT / "tests" / "hw4")
WRITTEN = "    ### BEGIN YOUR SOLUTION\n    return 1\n    ### END YOUR SOLUTION\n"


def stub(name: str, path: str) -> str:
    """What derivation leaves."""
    return WRITTEN.replace("return 1", f'raise NotImplementedError("{name} is yours to write ({path})")')


@pytest.fixture
def assignment(toy: Assignment) -> Assignment:
    """The toy with two parts."""
    parts = (
        Part("Vectors", ("add", "scale"), ("vec/ops.py",), ("vec/more.py",)),
        Part("Sums", ("total",), ("vec/ops.py:total",)),
    )
    return replace(toy, parts=parts)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree of the toy: of the first part one of two is written, nothing of the second."""
    tree = lay_over("good", tmp_path / "student")
    path = "vec/ops.py"
    text = f"def add():\n{WRITTEN}\ndef scale():\n{stub('scale', path)}\ndef total():\n{stub('total', path)}"
    (tree / path).write_text(text)
    (tree / "vec" / "more.py").write_text(f"def more():\n{stub('more', 'vec/more.py')}")
    return tree


def write_all(tree: Path) -> None:
    (tree / "vec" / "ops.py").write_text(f"def add():\n{WRITTEN}\ndef scale():\n{WRITTEN}\ndef total():\n{WRITTEN}")


def leave_grade(
    assignment: Assignment,
    tree: Path,
    out: Path,
    scores: dict[str, float],
    fault: str = "",
    selection: str = "",
    devices: tuple[str, ...] = ("cpu",),
    hidden: str = "",
) -> None:
    """What a grading of the tree as it is now would leave; a case that is not passed fails.

    hidden: the problem whose case is hidden, as a student's grade.json tells of it.
    """
    with tempfile.TemporaryDirectory() as staged:
        identity = stage(tree, assignment, Path(staged) / "tree").identity
    document = {
        "tree_hash": identity,
        "seed": 7,
        "devices": devices,
        "selection": selection,
        "fault": fault or None,
        "problems": {name: {"score": score, "cases": 1} for name, score in scores.items()},
        "cases": [
            {
                "id": f"hidden case 1 of {name}" if name == hidden else f"test_{name}[cpu]",
                "problem": name,
                "hidden": name == hidden,
                "verdict": "pass" if score else "fail",
            }
            for name, score in scores.items()
        ],
    }
    folder = out / tree.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(remembered(assignment, folder, document))


def screen(status: Status, options: str = "") -> str:
    file = io.StringIO()
    print_status(Console(file=file, width=100, color_system=None), status, options)
    return file.getvalue()


# -- hw4 ------------------------------------------------------------------------------------------------------------


def test_every_region_of_hw4_is_in_one_part() -> None:
    """No region is left over that would never be counted; the notebook's own are exercises and earn nothing."""
    files = {path: decode(file.data) for path, file in read_tree(ROOT / "reference").items() if "hw4." not in path}
    regions = [r for path, text in files.items() for r in find_regions(text, path) if r.in_function]
    assert [f"{region.path}:{region.first}" for region in regions if part_of(HW4.parts, region) is None] == []
    counted = [task.region for tasks in outline(HW4, ROOT / "reference").tasks.values() for task in tasks]
    assert sorted((r.path, r.first) for r in counted) == sorted((r.path, r.first) for r in regions)


def test_every_task_of_hw4_names_something() -> None:
    """No pattern of a part has gone stale: each is the place of a region."""
    parts = HW4.parts
    patterns = [task for part in parts for task in (*part.tasks, *part.extra)]
    for pattern in patterns:
        others = [
            replace(
                part,
                tasks=tuple(t for t in part.tasks if t != pattern),
                extra=tuple(t for t in part.extra if t != pattern),
            )
            for part in parts
        ]
        path = pattern.partition(":")[0]
        regions = find_regions((ROOT / "reference" / path).read_text(), path)
        moved = [r for r in regions if _place(parts, r) != _place(others, r)]
        assert moved, pattern


def _place(parts: Sequence[Part], region: Region) -> tuple[str, bool] | None:
    found = part_of(parts, region)
    return (found[0].title, found[1]) if found else None


def test_the_reference_is_written_and_the_starter_is_not() -> None:
    """Every task of reference/, and none of student/."""
    for name, written in (("reference", True), ("student", False)):
        found = outline(HW4, ROOT / name)
        assert found.unreadable == ()
        assert {task.written for tasks in found.tasks.values() for task in tasks} == {written}


def test_the_parts_of_hw4_are_those_of_the_notebook() -> None:
    """Titles and points, in order."""
    points = [sum(HW4.problem(name).points for name in part.problems) for part in HW4.parts]
    assert points == [10, 10, 40, 10, 10, 10, 10]
    notebook = (ROOT / "reference" / "hw4.md").read_text()
    for number, part in enumerate(HW4.parts, start=1):
        assert f"\n## Part {number}: {part.title}" in notebook


# -- what is told ---------------------------------------------------------------------------------------------------


def test_before_any_grading(assignment: Assignment, tree: Path, tmp_path: Path) -> None:
    """Tasks are counted by their text; no points are known; the next step is the first task that is missing."""
    status = look(assignment, tree, tmp_path / "out")
    assert [(part.written, len(part.tasks), part.points) for part in status.parts] == [(1, 2, None), (0, 1, None)]
    shown = screen(status)
    assert "no part has been graded here yet" in shown
    assert "vec/ops.py:7  scale" in shown
    assert f"python -m grader grade {tree} -k 'add or scale'" in shown
    assert "Not counted: vec/more.py, 0 of 1." in shown


def test_points_of_the_last_grading(assignment: Assignment, tree: Path, tmp_path: Path) -> None:
    """Each part has its problems' points; a part with all of them is done, whatever is left unwritten in it."""
    leave_grade(assignment, tree, tmp_path, {"add": 4.0, "scale": 3.0, "total": 0.0})
    status = look(assignment, tree, tmp_path)
    assert [part.points for part in status.parts] == [7.0, 0.0]
    assert status.next is not None
    assert status.next.part.title == "Sums"
    assert "7.0 / 10.0" in screen(status)


def test_a_changed_tree_is_told(assignment: Assignment, tree: Path, tmp_path: Path) -> None:
    """Points of another state of the tree are marked, and the advice is to grade, not to look at old failures."""
    leave_grade(assignment, tree, tmp_path, {"add": 4.0, "scale": 0.0, "total": 0.0})
    assert "changed since" not in screen(look(assignment, tree, tmp_path))
    write_all(tree)
    shown = screen(look(assignment, tree, tmp_path))
    assert "the tree has changed since" in shown
    assert "All of it is written. See what it earns:" in shown
    assert "repro" not in shown


def test_a_failing_case_comes_next(assignment: Assignment, tree: Path, tmp_path: Path) -> None:
    """All is written and not all earned: the command that shows the first failing case."""
    write_all(tree)
    leave_grade(assignment, tree, tmp_path, {"add": 4.0, "scale": 0.0, "total": 3.0})
    shown = screen(look(assignment, tree, tmp_path), " --suite elsewhere")
    assert "1 case of scale lost" in shown
    assert f"python -m grader repro 'test_scale[cpu]' {tree} --seed 7 --suite elsewhere" in shown


def test_a_hidden_case_cannot_be_repeated(assignment: Assignment, tree: Path, tmp_path: Path) -> None:
    """It is lost, and no command would show it."""
    write_all(tree)
    leave_grade(assignment, tree, tmp_path, {"add": 4.0, "scale": 0.0, "total": 3.0}, hidden="scale")
    shown = screen(look(assignment, tree, tmp_path))
    assert "1 case of scale lost, and all are hidden: what they ask is not shown." in shown
    assert "repro" not in shown


def test_everything_earned(assignment: Assignment, tree: Path, tmp_path: Path) -> None:
    """Then it is handed in."""
    leave_grade(assignment, tree, tmp_path, {"add": 4.0, "scale": 3.0, "total": 3.0})
    status = look(assignment, tree, tmp_path)
    assert status.next is None
    assert "submit.py" in screen(status)


def test_a_grading_of_a_part_leaves_the_rest_unknown(assignment: Assignment, tree: Path, tmp_path: Path) -> None:
    """What -k left out has no points, and is not called lost."""
    leave_grade(assignment, tree, tmp_path, {"add": 4.0, "scale": 3.0})
    status = look(assignment, tree, tmp_path)
    assert [part.points for part in status.parts] == [7.0, None]
    assert "- / 3.0" in screen(status)


def test_grading_another_part_forgets_nothing(assignment: Assignment, tree: Path, tmp_path: Path) -> None:
    """Points of part 1 stay while part 2 is graded; once the tree has changed they are marked, not asked for."""
    write_all(tree)
    leave_grade(assignment, tree, tmp_path, {"add": 4.0, "scale": 3.0}, selection="add or scale")
    with (tree / "vec" / "ops.py").open("a") as file:
        file.write("# more\n")
    leave_grade(assignment, tree, tmp_path, {"total": 0.0}, selection="total")
    status = look(assignment, tree, tmp_path)
    assert [(part.points, part.stale) for part in status.parts] == [(7.0, True), (0.0, False)]
    shown = screen(status)
    assert "7.0 / 10.0" in shown
    assert "the tree has changed since that of part 1." in shown
    assert "Next: part 2, Sums. 1 case of total lost." in shown


@pytest.mark.parametrize("selection", ["add and scale", "not scale", "ad", "total"])
def test_a_few_cases_are_not_a_problem(assignment: Assignment, tree: Path, tmp_path: Path, selection: str) -> None:
    """What an expression left of a problem may all pass and earn less than its points: what was known stays."""
    leave_grade(assignment, tree, tmp_path, {"add": 1.0, "scale": 0.0})
    leave_grade(assignment, tree, tmp_path, {"add": 4.0, "scale": 3.0}, selection=selection)
    assert look(assignment, tree, tmp_path).parts[0].points == 1.0


def test_a_simulated_device_alone_gives_no_points(assignment: Assignment, tree: Path, tmp_path: Path) -> None:
    """A grade on cuda-sim is no grade."""
    devices = replace(assignment.devices, simulates={"cuda-sim": "cuda"})
    leave_grade(replace(assignment, devices=devices), tree, tmp_path, {"add": 4.0}, devices=("cuda-sim",))
    assert look(assignment, tree, tmp_path).parts[0].earned == (None, None)


def test_nothing_written_nothing_lost(assignment: Assignment, tree: Path, tmp_path: Path) -> None:
    """Who begins is told of carry; who has begun is not."""
    command = f"python -m grader carry --from ../hw3 --to {tree}"
    assert command not in screen(look(assignment, tree, tmp_path))
    (tree / "vec" / "ops.py").write_text(f"def add():\n{stub('add', 'vec/ops.py')}")
    assert command in screen(look(assignment, tree, tmp_path))


def test_a_tree_that_could_not_be_graded(assignment: Assignment, tree: Path, tmp_path: Path) -> None:
    """Its fault stands in the place of advice until the tree changes; the points that were known stay."""
    leave_grade(assignment, tree, tmp_path, {"add": 4.0, "scale": 3.0})
    (tree / "vec" / "more.py").write_text("")
    leave_grade(assignment, tree, tmp_path, {}, fault="src/native.cc does not compile:\n  src/native.cc:3: error\nmore")
    shown = screen(look(assignment, tree, tmp_path))
    assert "could not be graded: src/native.cc does not compile: src/native.cc:3: error\n" in shown
    assert "7.0 / 10.0" in shown
    (tree / "vec" / "more.py").write_text("# mended\n")
    assert "could not be graded" not in screen(look(assignment, tree, tmp_path))


def test_a_file_with_a_syntax_error_is_named(assignment: Assignment, tree: Path, tmp_path: Path) -> None:
    """Its tasks cannot be told; file and line are."""
    (tree / "vec" / "ops.py").write_text("def add(:\n")
    status = look(assignment, tree, tmp_path)
    assert [sentence.partition(": ")[0] for sentence in status.unreadable] == ["vec/ops.py:1"]
    shown = screen(status)
    assert "! vec/ops.py:1: this is not valid Python" in shown
    assert "Next: mend what stands after each !" in shown
    assert "is written" not in shown


def test_a_missing_file_is_named(assignment: Assignment, tree: Path, tmp_path: Path) -> None:
    """A file that was deleted or renamed is told, and not taken for one without tasks."""
    (tree / "vec" / "ops.py").unlink()
    assert "vec/ops.py: is not there" in look(assignment, tree, tmp_path).unreadable[0]


@pytest.mark.parametrize("content", ["", "{", '{"schema": "another/1"}'], ids=["empty", "cut off", "another schema"])
def test_a_report_that_is_none(assignment: Assignment, tree: Path, tmp_path: Path, content: str) -> None:
    """It is as if there were none."""
    (tmp_path / "student" / FILE).write_text(content)
    assert [part.points for part in look(assignment, tree, tmp_path).parts] == [None, None]


def test_bad_input(assignment: Assignment, toy: Assignment, tmp_path: Path) -> None:
    """A tree that is no folder, and an assignment without parts, get a sentence each."""
    with pytest.raises(UsageError, match=r"nowhere is not a folder; expected a tree of toy"):
        look(assignment, tmp_path / "nowhere", tmp_path)
    with pytest.raises(UsageError, match=r"has no \[\[part\]\]"):
        look(toy, TOY / "good", tmp_path)
